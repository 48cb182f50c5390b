"""Report of a curve: sentences, table, chart and JSON."""

from __future__ import annotations

import pytest
from tests.analysis.varied import TINY

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.curves import compute_curve
from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range
from medalopt.report.charts import render_svg
from medalopt.report.sensitivity.curves import report_curve
from medalopt.report.sensitivity.report_part import SensitivityPart


def report_curve_of(asked: str) -> SensitivityPart:
    """Return the report of a curve of the tiny instance."""
    variants = ScenarioRunner(TINY)
    return report_curve(compute_curve(variants, parse_parameter_range(variants, asked)), "JPY")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("streams.*.available=20..150%", "infeasible below 41.3793 %"),
        ("policy.footprint_cap=4.5..8", "with 1 breakpoint"),
        ("smelters.*.lead=0..4", "every whole value is listed"),
        ("devices.*.content.Ag=80..120%", "estimated by bisection"),
        ("medals.gold.count=36..60", "infeasible above 39"),
        ("alloys.silver_925.capacity=0..1", "Infeasible for"),
        ("policy.footprint_cap=5..8", "Cost constant at 3.308 m JPY for policy.footprint_cap"),
        ("policy.footprint_cap=5..8", "Exact: linear without breakpoints."),
        ("policy.recycled.Ag=30..36%", "at both ends for policy.recycled.Ag"),
    ],
)
def test_the_finding_is_said(asked: str, says: str) -> None:
    """The lines state the kind of the curve and its feasible range."""
    assert says in " ".join(report_curve_of(asked).lines)


def test_plain_data() -> None:
    """The JSON holds path, unit, points with their breakpoints, and null where there is no plan."""
    found = report_curve_of("streams.*.available=20..150%").members["curve"]
    assert (found["path"], found["unit"], found["exact"]) == ("streams.*.available", "%", True)
    assert found["points"][0] == {"value": 20.0, "objective": None, "breakpoint": False}
    assert found["points"][1]["breakpoint"]
    assert found["feasible"]["low"] == pytest.approx(1200 / 29)
    assert found["base"]["value"] == 100.0


def test_the_chart_marks_what_matters() -> None:
    """Base case, axes with units, and where there is no plan stand in the picture."""
    drawn = render_svg(report_curve_of("streams.*.available=20..150%").charts[0])
    for text in ("base case", "infeasible", "streams.*.available (%)", "cost (JPY)"):
        assert f">{text}</text>" in drawn
