"""Shares of the variance as lines, tables, charts and JSON."""

from __future__ import annotations

import dataclasses
import json

import pytest
from tests.analysis.sensitivity.test_tornado import BY_HAND

from medalopt.analysis.sensitivity.sampling import Cause
from medalopt.analysis.sensitivity.shares import Shares
from medalopt.analysis.sensitivity.variance import Variance, variance
from medalopt.analysis.variants import Variants
from medalopt.report.charts.drawing import svg
from medalopt.report.sensitivity.part import as_json, on_screen
from medalopt.report.sensitivity.variance import name, told

VARIANTS = Variants(BY_HAND)


@pytest.fixture(scope="module")
def found() -> Variance:
    """Return the shares of the instance by hand."""
    return variance(VARIANTS, 32, 1)


def test_the_finding_is_said_first(found: Variance) -> None:
    """What causes most of the spread, how far it reaches, how often there is no plan, and how it was found."""
    lines = told(VARIANTS.instance, "JPY", found).lines
    assert lines[0].startswith("Silver in phone alone explains ")
    assert lines[0].endswith(" of the spread of the cost.")
    assert "in nine cases of ten from" in lines[1]
    assert "there is no plan" in lines[2]
    assert "32 rows, 192 solves" in lines[4]
    assert "a greater N" in lines[-1]


def test_charts_of_cost_and_of_plans(found: Variance) -> None:
    """One chart for the cost and one for whether there is a plan, each with its table."""
    charts = told(VARIANTS.instance, "JPY", found).charts
    assert [chart.tables[0].title.rpartition(" the ")[2] for chart in charts] == ["cost", "existence of a plan"]
    assert "silver in phone" in svg(charts[0])
    assert "Shares of the variance" in on_screen(VARIANTS.instance, [told(VARIANTS.instance, "JPY", found)])


def test_as_json(found: Variance) -> None:
    """Every cause has its shares with their ends, of the cost and of whether there is a plan."""
    members = json.loads(as_json(VARIANTS.instance, [told(VARIANTS.instance, "JPY", found)]))["global"]
    assert (members["rows"], members["solves"], members["interrupted"]) == (32, 192, False)
    first = members["causes"][0]
    assert first["paths"] == ["devices.phone.content.Ag"]
    value, low, high = first["feasible"]["total"]
    assert low <= value <= high


def test_without_shares_there_is_no_chart(found: Variance) -> None:
    """Where nothing could be told, and where it was interrupted, that is said."""
    nothing = tuple(Shares(None, None, 99) for _ in found.causes)
    none = dataclasses.replace(
        found, measure=nothing, feasible=nothing, quantiles=(), held=0.0, answered=5, interrupted=True
    )
    part = told(VARIANTS.instance, "JPY", none)
    assert part.charts == ()
    assert part.lines[0] == "Nothing that is uncertain changes the spread of the cost."
    assert part.lines[-1].startswith("Interrupted: 5 of 192 cases")
    assert part.interrupted
    few = dataclasses.replace(none, measure=tuple(Shares(None, None, 3) for _ in found.causes))
    assert told(VARIANTS.instance, "JPY", few).lines[0].startswith("Too few of the cases have a plan")


def test_a_cause_of_several_figures_has_its_name(found: Variance) -> None:
    """The assays of one device are called so."""
    own = found.causes[0]
    both = Cause(("devices", "phone"), own.factors * 2, 0.5)
    assert name(VARIANTS.instance, both) == "assays of phone"
