"""Curves that are not piecewise linear, plan changes at breakpoints, budgets and maps, on the tiny instance."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from tests.analysis.sensitivity.test_curves import at, between, grid
from tests.analysis.varied import TINY

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity import curves
from medalopt.analysis.sensitivity import curves as surfaces
from medalopt.analysis.sensitivity.curves import CurveOptions, compute_curve, compute_surface
from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range
from medalopt.errors import UsageError


@pytest.mark.parametrize(
    "asked", ["devices.*.content.Ag=20..150%", "policy.recycled.Ag=0..100%", "alloys.silver_925.scrap.returned=0..97%"]
)
def test_a_sampled_curve_keeps_to_its_accuracy(asked: str) -> None:
    """On a grid the curve agrees with solves of changed files to a few times its stated accuracy."""
    variants = ScenarioRunner(TINY)
    found = compute_curve(variants, parse_parameter_range(variants, asked))
    assert (found.shape, found.exact) == ("sampled", False)
    assert found.accuracy is not None
    for value in grid(found, 9):
        expected = at(variants, asked, value)
        assert math.isinf(expected) == math.isinf(between(found, value))
        if math.isfinite(expected):
            assert between(found, value) == pytest.approx(expected, abs=5 * found.accuracy)


def test_leads_are_reported_at_whole_values() -> None:
    """Every lead time is solved separately and equals the instance with that lead time."""
    variants = ScenarioRunner(TINY)
    found = compute_curve(variants, parse_parameter_range(variants, "smelters.*.lead=0..3"), CurveOptions(budget=4e6))
    assert (found.shape, found.exact, found.accuracy) == ("whole", True, 0.0)
    for point in found.points:
        assert point.objective == pytest.approx(at(variants, "smelters.*.lead=0..3", point.value))
    assert found.budget is not None
    assert found.budget.spans == ((0.0, 1.0),)


def test_leads_are_no_line() -> None:
    """Equal results at long lead times do not imply the same at short ones: each is solved."""
    variants = ScenarioRunner(TINY)
    asked = "smelters.near.lead=0..12"
    found = compute_curve(variants, parse_parameter_range(variants, asked))
    assert found.shape == "whole"
    assert len({point.objective for point in found.points}) > 1
    assert found.points[1].objective == pytest.approx(at(variants, asked, 1.0))


def test_counts_are_reported_at_whole_values() -> None:
    """A curve over a count is listed at whole numbers and agrees with solves of changed files."""
    variants = ScenarioRunner(TINY)
    asked = "medals.gold.count=28..45"
    found = compute_curve(variants, parse_parameter_range(variants, asked))
    assert found.exact
    assert found.feasible_range == (28.0, 39.0)
    assert all(point.value == int(point.value) for point in found.points)
    for value in (28, 30, 31, 35, 39, 40):
        assert between(found, value) == pytest.approx(at(variants, asked, value))
    scaled = compute_curve(variants, parse_parameter_range(variants, "medals.*.count=90..100%"))
    assert (scaled.shape, scaled.exact, scaled.accuracy) == ("whole", False, None)


def test_what_changes_is_named() -> None:
    """If old silver gets too expensive, coins replace its 2 kg and its limit becomes slack."""
    variants = ScenarioRunner(TINY)
    found = compute_curve(variants, parse_parameter_range(variants, "market.old_silver.price=40..150 JPY/g"))
    (turn,) = found.breakpoints
    assert turn.value == pytest.approx(111.1)
    moved = {shift.what: (shift.before, shift.after) for shift in turn.shifts}
    assert moved["old_silver"] == pytest.approx((2.0, 0.0))
    assert moved["old_coins"][1] - moved["old_coins"][0] == pytest.approx(2 / 0.9)
    assert (turn.binds, turn.frees) == ((), ("market.old_silver.limit",))


def test_a_rule_that_ceases_to_bind_is_named() -> None:
    """Along the cap on footprint the last breakpoint is where the cap no longer binds."""
    variants = ScenarioRunner(TINY)
    found = compute_curve(variants, parse_parameter_range(variants, "policy.footprint_cap=2..8"))
    assert found.breakpoints[-1].frees == ("policy.footprint_cap",)
    rates = {shift.what: shift.before for shift in found.breakpoints[-1].shifts if shift.by_step}
    assert rates["green_copper"] == pytest.approx(-rates["mined_copper"])


@pytest.mark.parametrize("asked", ["policy.footprint_cap=1..8", "devices.*.content.Ag=60..150%"])
def test_a_budget_is_met_at_the_reported_value(asked: str) -> None:
    """A solve of the file at the end of a budget's range costs the budget."""
    variants = ScenarioRunner(TINY)
    found = compute_curve(variants, parse_parameter_range(variants, asked), CurveOptions(budget=3.4e6))
    assert found.budget is not None
    ((low, high),) = found.budget.spans
    assert at(variants, asked, low) == pytest.approx(3.4e6, rel=1e-6)
    assert high == found.vary.high


def test_a_large_program_is_known_to_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The curve of a large program stops at the required accuracy, or continues to the end with `--exact`."""
    monkeypatch.setattr(curves, "LARGE_ENTRIES", 0)
    monkeypatch.setattr(curves, "LARGE_ACCURACY", 1e-2)
    variants = ScenarioRunner(TINY)
    asked = "streams.*.available=45..150%"
    rough = compute_curve(variants, parse_parameter_range(variants, asked))
    fine = compute_curve(variants, parse_parameter_range(variants, asked), CurveOptions(exactly=True))
    assert not rough.exact
    assert fine.exact
    assert rough.accuracy is not None
    assert len(rough.points) < len(fine.points)
    for value in grid(rough, 40):
        assert 0 <= between(rough, value) - between(fine, value) + 1e-3 <= rough.accuracy + 2e-3


def test_a_way_without_a_line_is_sampled() -> None:
    """If a deduction makes returns nonlinear, programs are built one by one, and agree."""
    variants = ScenarioRunner(TINY, {"smelters.near.deduction": "{Ag: 900 g/t}"})
    asked = "devices.*.content.Ag=80..120%"
    found = compute_curve(variants, parse_parameter_range(variants, asked))
    value = found.vary.make_changes(97.3)
    expected = variants.solve_scenario(variants.build_scenario(value)).value
    assert between(found, 97.3) == pytest.approx(expected, abs=5 * (found.accuracy or 0.0))


def test_a_map_agrees_with_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row of a map is the curve with the other figure changed; where the curve ends the map has no plan."""
    monkeypatch.setattr(surfaces, "GRID_SIZE", (5, 3))
    variants = ScenarioRunner(TINY)
    across, up = (
        parse_parameter_range(variants, "policy.footprint_cap=1..8"),
        parse_parameter_range(variants, "streams.*.available=30..150%"),
    )
    found = compute_surface(variants, across, up)
    assert found.base == pytest.approx(3350183.2, rel=1e-6)
    row = found.rows.index(90.0)
    other = ScenarioRunner(TINY, dict(up.make_changes(90.0)))
    along = compute_curve(other, parse_parameter_range(other, "policy.footprint_cap=1..8"))
    for value, objective in zip(found.columns, found.objective[row], strict=True):
        assert (math.inf if objective is None else objective) == pytest.approx(between(along, value))
    assert found.objective[0] == (None,) * len(found.columns)
    with pytest.raises(UsageError, match="without a value in common"):
        compute_surface(variants, across, across)


def test_the_points_are_in_order() -> None:
    """Values rise from point to point, also where edges were found in between."""
    variants = ScenarioRunner(TINY)
    found = compute_curve(variants, parse_parameter_range(variants, "devices.*.content.Ag=0..150%"))
    assert all(one.value < two.value for one, two in pairwise(found.points))
