"""Curves agree with solves from the file: at their points, between them, and on either side of their ends."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import pytest
from tests.analysis.varied import TINY

from medalopt.analysis.scenario_runner import ParametricScenarios, ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.curves import CurvePoint, SensitivityCurve, compute_curve
from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range
from medalopt.instance import load
from medalopt.solver.verification import solve_from_scratch

EXACT = (
    ("market.old_silver.price=40..150 JPY/g", "concave", 1),
    ("streams.*.collection=0..200%", "concave", 3),
    ("policy.footprint_cap=1..8", "convex", 6),
    ("market.old_silver.limit=0..20 kg", "convex", 1),
    ("streams.*.available=41..150%", "convex", 20),
    ("streams.laptop@east.available=30..150%", "convex", 3),
    ("smelters.near.capacity=0..4 t", "convex", 2),
    ("metals.Ag.opening_stock=0..30 kg", "convex", 3),
)


def at(variants: ScenarioRunner, asked: str, value: float) -> float:
    """Return the objective of an independent solve of the file at `value`; infinite if infeasible."""
    found = parse_parameter_range(variants, asked)
    return solve_from_scratch(
        ScenarioProgram.build(load(variants.file.path, dict(found.make_changes(value))), variants.objective).program
    ).value


@cache
def drawn(asked: str) -> tuple[ScenarioRunner, SensitivityCurve]:
    """Return a curve of the tiny instance, and the runner of its scenarios."""
    variants = ScenarioRunner(TINY)
    return variants, compute_curve(variants, parse_parameter_range(variants, asked))


def between(found: SensitivityCurve, value: float) -> float:
    """Return the objective of the curve at `value`; infinite if infeasible."""
    for one, two in pairwise(found.points):
        if one.value <= value <= two.value:
            if one.objective is None or two.objective is None:
                return math.inf
            return one.objective + (two.objective - one.objective) * (value - one.value) / (two.value - one.value)
    raise AssertionError("beyond the curve")


def grid(found: SensitivityCurve, steps: int) -> list[float]:
    """Return values spread over the curve."""
    low, high = found.vary.low, found.vary.high
    return [low + (high - low) * (step + 0.37) / steps for step in range(steps)]


@pytest.mark.parametrize(("asked", "shape", "least"), EXACT)
def test_an_exact_curve_agrees_with_solves(asked: str, shape: str, least: int) -> None:
    """On a grid, and at every point, the curve equals a solve of the file."""
    variants, found = drawn(asked)
    assert (found.exact, found.shape) == (True, shape)
    assert sum(point.breakpoint for point in found.points) >= least
    for value in grid(found, 5):
        assert between(found, value) == pytest.approx(at(variants, asked, value), rel=1e-8)
    for point in found.points[:: max(1, len(found.points) // 4)]:
        expected = at(variants, asked, point.value)
        assert (math.inf if point.objective is None else point.objective) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("asked", [asked for asked, _, _ in EXACT])
def test_every_breakpoint_is_one(asked: str) -> None:
    """The slopes on both sides differ, solved close to the breakpoint, and the curve goes straight up to it."""
    variants, found = drawn(asked)
    way = ParametricScenarios(variants, found.vary.make_changes, found.vary.low, found.vary.high)
    plans = [point for point in found.points if point.objective is not None]
    for before, point, after in zip(plans, plans[1:], plans[2:], strict=False):
        step = min(point.value - before.value, after.value - point.value) * 0.5
        here, left, right = (way.solve_at(point.value + by).value for by in (0.0, -step, step))
        assert here == pytest.approx(point.objective, rel=1e-9)
        assert left == pytest.approx(between(found, point.value - step), rel=1e-9)
        assert right == pytest.approx(between(found, point.value + step), rel=1e-9)
        bend = (right - here) - (here - left)
        assert bend * (1 if found.shape == "convex" else -1) > 0


def test_where_plans_end() -> None:
    """Just inside the feasible range a plan exists, just outside none does."""
    variants = ScenarioRunner(TINY)
    for asked in ("streams.*.available=20..150%", "alloys.silver_925.loss=85..95%", "policy.footprint_cap=0..2"):
        found = compute_curve(variants, parse_parameter_range(variants, asked))
        assert found.feasible_range is not None
        low, high = found.feasible_range
        span = found.vary.high - found.vary.low
        for end, inward in ((low, 1), (high, -1)):
            if found.vary.low < end < found.vary.high:
                assert math.isfinite(at(variants, asked, end + inward * 1e-6 * span))
                assert math.isinf(at(variants, asked, end - inward * 1e-6 * span))
                assert found.points[0 if inward > 0 else -1].objective is None


def test_no_plan_anywhere() -> None:
    """If every value is infeasible, the curve reports an empty feasible range."""
    variants = ScenarioRunner(TINY, {"alloys.silver_925.capacity": "1 kg"})
    found = compute_curve(variants, parse_parameter_range(variants, "streams.*.available=20..150%"))
    assert (found.feasible_range, found.base) == (None, None)
    assert found.points == (CurvePoint(20.0, None), CurvePoint(150.0, None)) or all(
        p.objective is None for p in found.points
    )
