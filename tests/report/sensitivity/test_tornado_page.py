"""The tornado as lines, table, chart and JSON."""

from __future__ import annotations

import json

import pytest
from tests.analysis.sensitivity.test_tornado import BY_HAND
from tests.report.reading import mentions

from medalopt.analysis.process_pool import ScenarioResult
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.tornado import Tornado, compute_tornado
from medalopt.report.charts import render_svg
from medalopt.report.render.html import render_report_html
from medalopt.report.render.json import render_report_json
from medalopt.report.render.text import format_table, render_report_text
from medalopt.report.sensitivity.report_part import SensitivityPart, build_sensitivity_report, title_parameter
from medalopt.report.sensitivity.tornado import report_tornado

VARIANTS = ScenarioRunner(BY_HAND)


@pytest.fixture(scope="module")
def found() -> Tornado:
    """Return the tornado of the instance by hand."""
    return compute_tornado(VARIANTS, 1)


def part(found: Tornado) -> SensitivityPart:
    """Return the report of the tornado."""
    return report_tornado(VARIANTS.instance, "JPY", found)


def test_the_finding_is_said_first(found: Tornado) -> None:
    """Line 1 names the parameter of the largest effect; line 2 the next ones, and the variation."""
    lines = part(found).lines
    assert mentions(lines[0], "hand", "infeasible", "silver", numbers=(-40, 80))
    assert mentions(lines[1], "nfeasible", "silver in phone", numbers=(-50,))
    assert mentions(lines[2], "silver", numbers=(20, 136_000))
    assert mentions(lines[-1], "(cv)", numbers=(4,))


def test_the_table_and_the_chart_say_the_same(found: Tornado) -> None:
    """Infeasible bars reach the edge, hatched and labelled; the others end at the values of the table."""
    chart = part(found).charts[0]
    rows = format_table(chart.tables[0]).rows
    assert rows[0] == ("metal recovered by hand", "40", "cv", "infeasible: 80 g of silver short", "−80,000")
    assert "metal returned by near" in chart.tables[0].notes[-1]
    down, up = chart.option["series"]
    assert down["data"][-1]["value"] == chart.option["xAxis"]["max"]
    assert down["data"][-1]["label"]["formatter"] == "infeasible: 80 g of silver"
    assert up["data"][-1] == {"value": pytest.approx(-80_000)}
    assert "infeasible" in render_svg(chart)


def test_as_json(found: Tornado) -> None:
    """Each bar is a row with both ends; null if infeasible."""
    members = json.loads(render_report_json(build_sensitivity_report(VARIANTS.instance, [part(found)])))["tornado"]
    first = members["bars"][0]
    assert (first["path"], first["by"], first["step"]) == ("treatments.hand.recovery", "cv", 0.4)
    assert (first["down"]["status"], first["down"]["objective"]) == ("infeasible", None)
    assert first["up"]["held"] == 1
    assert members["objective"] == pytest.approx(684_000)


def test_what_was_interrupted_is_said(found: Tornado) -> None:
    """An interrupted run reports how many parameters were varied."""
    half = Tornado(found.base, found.bars[:2], found.parameter_count, True)
    assert part(half).interrupted
    assert "Interrupted after 2 of" in part(half).lines[-1]


def test_nothing_matters() -> None:
    """Without any figure that changes something there is no chart, and that is said."""
    nothing = part(Tornado(ScenarioResult("optimal", 1.0), (), 0))
    assert nothing.charts == ()
    assert nothing.lines[0].startswith("No parameter has an effect")
    assert render_report_text(build_sensitivity_report(VARIANTS.instance, [nothing]))


def test_a_page_holds_it(found: Tornado) -> None:
    """The page carries the finding as the title of the chart."""
    assert "Main risk: metal recovered by hand" in render_report_html(
        build_sensitivity_report(VARIANTS.instance, [part(found)])
    )


@pytest.mark.parametrize(
    ("path", "of", "name"),
    [
        (("devices", "phone", "content", "Ag"), "", "silver in phone"),
        (("treatments", "hand", "recovery", "Ag"), "", "silver recovered by hand"),
        (("streams", "*", "available"), "device phone", "tonnes of phone"),
        (("policy", "recycled", "Ag"), "", "least recycled share of silver"),
        (("alloys", "fine", "scrap", "share"), "", "process scrap of fine"),
        (("transport_rate",), "", "transport rate"),
        (("title",), "", "title"),
    ],
)
def test_names(path: tuple[str, ...], of: str, name: str) -> None:
    """Parameters have readable titles, or else their path."""
    assert title_parameter(VARIANTS.instance, path, of) == name
