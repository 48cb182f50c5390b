"""Shares of the variance as lines, tables, charts and JSON."""

from __future__ import annotations

import dataclasses
import json

import pytest
from tests.analysis.sensitivity.test_tornado import BY_HAND
from tests.report.reading import list_numbers

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.uncertain_parameters import UncertainInput
from medalopt.analysis.sensitivity.variance import SobolIndex, SobolIndices, VarianceAnalysis, analyse_variance
from medalopt.report.charts import render_svg
from medalopt.report.render.json import render_report_json
from medalopt.report.render.text import format_table, render_report_text
from medalopt.report.sensitivity.report_part import build_sensitivity_report
from medalopt.report.sensitivity.tornado import _title_cause, report_variance

VARIANTS = ScenarioRunner(BY_HAND)


@pytest.fixture(scope="module")
def found() -> VarianceAnalysis:
    """Return the shares of the instance by hand."""
    return analyse_variance(VARIANTS, 32, 1)


def test_the_finding_is_said_first(found: VarianceAnalysis) -> None:
    """Main cause of the spread, its range, the infeasible fraction, and the sample."""
    lines = report_variance(VARIANTS.instance, "JPY", found).lines
    assert lines[0].startswith("Silver in phone ")
    assert lines[0].endswith(" of the spread of the cost.")
    assert "median" in lines[1]
    assert lines[2].startswith("Infeasible")
    assert "32 rows, 192 solves" in lines[4]
    assert "a larger N" in lines[-1]


def _shares(first: tuple[float, float, float], total: tuple[float, float, float]) -> SobolIndices:
    return SobolIndices(SobolIndex(*first), SobolIndex(*total), 99)


def test_noise_is_no_finding(found: VarianceAnalysis) -> None:
    """If all confidence intervals are wide, no share is reported, but the rows required."""
    wide = tuple(_shares((0.4, -0.5, 0.9), (0.6, 0.05, 0.95)) for _ in found.inputs)
    lines = report_variance(VARIANTS.instance, "JPY", dataclasses.replace(found, objective_indices=wide)).lines
    assert list_numbers(lines[0]) == [32, 1_024]


def test_a_share_alone_is_reported_only_where_it_is_above_nothing(found: VarianceAnalysis) -> None:
    """An interval from 0 gives the joint share only; the interval is listed."""
    for low, said in ((-0.1, "together with others accounts for 50 to 70 %"), (0.3, "alone explains 30 to 60 %")):
        some = tuple(_shares((0.4, low, 0.6), (0.6, 0.5, 0.7)) for _ in found.inputs)
        assert (
            said
            in report_variance(VARIANTS.instance, "JPY", dataclasses.replace(found, objective_indices=some)).lines[0]
        )


def test_rounding_is_shown_as_below_what_counts(found: VarianceAnalysis) -> None:
    """A share of 1e-31 is `below 0.1 %` in the table, and a sum above the whole is explained."""
    least = tuple(_shares((1e-31, 0, 1e-31), (1e-31, 0, 1e-31)) for _ in found.inputs)
    chart = report_variance(VARIANTS.instance, "JPY", dataclasses.replace(found, objective_indices=least)).charts[0]
    assert {"below 0.1 %"} == {cell for row in format_table(chart.tables[0]).rows for cell in row[1:]}
    assert "add up to more than 100 %" in chart.notes[0]


def test_charts_of_cost_and_of_plans(found: VarianceAnalysis) -> None:
    """One chart for the cost and one for whether there is a plan, each with its table."""
    charts = report_variance(VARIANTS.instance, "JPY", found).charts
    assert [chart.tables[0].title.rpartition(" the ")[2] for chart in charts] == ["cost", "feasibility"]
    assert "silver in phone" in render_svg(charts[0])
    assert "Shares of the variance" in render_report_text(
        build_sensitivity_report(VARIANTS.instance, [report_variance(VARIANTS.instance, "JPY", found)])
    )


def test_as_json(found: VarianceAnalysis) -> None:
    """Every cause has its shares with their ends, of the cost and of whether there is a plan."""
    members = json.loads(
        render_report_json(
            build_sensitivity_report(VARIANTS.instance, [report_variance(VARIANTS.instance, "JPY", found)])
        )
    )["global"]
    assert (members["rows"], members["solves"], members["interrupted"]) == (32, 192, False)
    first = members["causes"][0]
    assert first["paths"] == ["devices.phone.content.Ag"]
    value, low, high = first["feasible"]["total"]
    assert low <= value <= high


def test_without_shares_there_is_no_chart(found: VarianceAnalysis) -> None:
    """Without shares, or after an interrupt, a line says so."""
    nothing = tuple(SobolIndices(None, None, 99) for _ in found.inputs)
    none = dataclasses.replace(
        found,
        objective_indices=nothing,
        feasibility_indices=nothing,
        quantiles=(),
        capped_fraction=0.0,
        solved_count=5,
        interrupted=True,
    )
    part = report_variance(VARIANTS.instance, "JPY", none)
    assert part.charts == ()
    assert list_numbers(part.lines[0]) == []
    assert list_numbers(part.lines[-1])[:2] == [5, 192]
    assert part.interrupted
    few = dataclasses.replace(none, objective_indices=tuple(SobolIndices(None, None, 3) for _ in found.inputs))
    assert report_variance(VARIANTS.instance, "JPY", few).lines[0].startswith("Too few feasible samples")


def test_a_cause_of_several_figures_has_its_name(found: VarianceAnalysis) -> None:
    """The assays of one device are called so."""
    own = found.inputs[0]
    both = UncertainInput(("devices", "phone"), own.factors * 2, 0.5)
    assert _title_cause(VARIANTS.instance, both) == "assays of phone"
