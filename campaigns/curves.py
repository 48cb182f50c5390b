"""Curves and maps of random instances, compared with plans solved from the files on a fine grid.

Of each curve, whatever its kind: a grid over all of it, both sides of each breakpoint, both sides of where plans end,
and where a budget is said to be enough. Of a map, cells at random.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

from tests.laws import pool

from campaigns.running import Found, campaign
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.curves import (
    CurveOptions,
    CurvePoint,
    SensitivityCurve,
    compute_curve,
    compute_surface,
)
from medalopt.analysis.sensitivity.parameter_range import ParameterRange, parse_parameter_range
from medalopt.errors import InputError, UsageError

ASKED = (
    *("streams.*.collection=20..300%", "streams.*.available=20..200%", "streams.*.available=-1..+2 t"),
    *("smelters.*.capacity=20..200%", "smelters.*.returned=60..100%", "smelters.*.treatment_charge=0..300%"),
    *("smelters.*.lead=0..4", "treatments.*.cost=0..500%", "treatments.*.capacity=10..150%"),
    *("market.*.price=20..200%", "market.*.limit=20..200%", "exchange.USD=60..180", "lanes.*.cost=0..400%"),
    *("metals.Ag.opening_stock=0..3 kg", "metals.Cu.sell=0..800 JPY/kg", "alloys.*.capacity=20..300%"),
    *("alloys.body.scrap.returned=0..97%", "alloys.*.loss=0..500%", "medals.gold.count=1..25", "medals.*.due=-2..+0"),
    *("medals.*.count=50..200%", "medals.gold.parts.body=100..900 g", "devices.*.content.Ag=30..170%"),
    *("policy.recycled.Ag=0..100%", "policy.participation=0..30%", "policy.footprint_cap=30..300%"),
)
CURVES = 2  # of an instance
GRID = 9  # values on each curve
BENDS = 3  # of its breakpoints are looked at from both sides
CELLS = 4  # of a map
ONE_IN = 8  # instances a map is drawn of
CLOSE = 1e-6  # of the way, beside an end of plans
LOOSE = 5  # times the accuracy that a sampled curve states: it halves where it has looked
Solve = Callable[[float], float]


def trial(seed: int) -> Found:
    """Compute some curves of instance number `seed`, for one objective, and at times a map; compare with solves."""
    random, found = Random(seed), Found()
    with tempfile.TemporaryDirectory() as folder:
        variants = ScenarioRunner(
            pool.files(seed).write(Path(folder)), objective=pool.MEASURES[seed % len(pool.MEASURES)]
        )
        asked = list(_asked(variants, random))[:CURVES]
        for one in asked:
            found += judged(variants, one)
        if seed % ONE_IN == 0 and len(asked) == CURVES:
            found += _map(variants, asked[0], asked[1], random)
    return Found(found.seen, tuple(f"{seed} ({variants.objective}): {wrong}" for wrong in found.wrong))


def _asked(variants: ScenarioRunner, random: Random) -> Iterator[ParameterRange]:
    """Yield the parameters of `ASKED` that the instance has, in random order."""
    for text in random.sample(ASKED, len(ASKED)):
        try:
            yield parse_parameter_range(variants, text)
        except (UsageError, InputError):
            continue


def solver(variants: ScenarioRunner, asked: ParameterRange) -> Solve:
    """Return a function that solves the instance with the parameter at a value; infinite if infeasible."""
    return lambda value: pool.value(pool.solved(variants.apply_changes(asked.make_changes(value)), variants.objective))


def judged(variants: ScenarioRunner, asked: ParameterRange) -> Found:
    """Draw a curve and hold it against solves."""
    found, solve = compute_curve(variants, asked), solver(variants, asked)
    values = [point.objective for point in found.points if point.objective is not None]
    budget = (min(values) + max(values)) / 2 if values else 0.0
    found = compute_curve(variants, asked, CurveOptions(budget=budget))
    near = (LOOSE * (found.accuracy or 0.0), 2e-8 * max((abs(value) for value in values), default=1.0) + 1e-6)
    checks = (_grid(found, solve, sum(near)), _bends(found, solve, near[1]), _ends(found, solve), _within(found, solve))
    told = sum(checks, Found(Counter({f"curves, {found.shape}": 1})))
    return Found(told.seen, tuple(f"{asked.path} ({found.shape}): {wrong}" for wrong in told.wrong))


def between(found: SensitivityCurve, value: float) -> float:
    """Return the objective that the curve states at a value; infinite if infeasible."""
    for one, two in pairwise(found.points):
        if one.value <= value <= two.value:
            if one.objective is None or two.objective is None:
                return next((at for point in (one, two) for at in _at(point, value)), math.inf)
            return one.objective + (two.objective - one.objective) * (value - one.value) / (two.value - one.value)
    raise AssertionError("beyond the curve")


def _at(point: CurvePoint, value: float) -> Iterator[float]:
    if point.value == value:
        yield point.coordinates[1]


def values_of(found: SensitivityCurve, count: int) -> list[float]:
    """Return values spread over the curve; whole ones for counts and dates."""
    low, high = found.vary.low, found.vary.high
    even = [low + (high - low) * (step + 0.37) / count for step in range(count)]
    if found.shape == "whole" and not found.exact:
        return [point.value for point in found.points][::4]
    return sorted({float(round(value)) for value in even}) if found.vary.is_integer else even


def _grid(found: SensitivityCurve, solve: Solve, near: float) -> Found:
    values = [value for value in values_of(found, GRID) if not _at_end(found, value)]
    wrong = [
        f"{between(found, value)!r} at {value!r}, and {expected!r} solved"
        for value in values
        if not same(between(found, value), expected := solve(value), near)
    ]
    return Found(Counter({"values on a grid": len(values)}), tuple(wrong))


def same(one: float, other: float, near: float) -> bool:
    """Return whether two objectives agree, or both are infeasible."""
    return one == other if math.isinf(one) or math.isinf(other) else abs(one - other) <= near


def _at_end(found: SensitivityCurve, value: float) -> bool:
    """Return whether a value is too close to an end of feasibility to decide."""
    span = found.vary.high - found.vary.low
    return found.feasible_range is not None and any(
        abs(value - end) <= 2 * CLOSE * span for end in found.feasible_range
    )


def _bends(found: SensitivityCurve, solve: Solve, near: float) -> Found:
    """See that the curve is straight up to a breakpoint from both sides, and bends there as it should."""
    if found.vary.is_integer or not found.exact:
        return Found()
    plans, wrong, count = [point for point in found.points if point.objective is not None], [], 0
    inner = [three for three in zip(plans, plans[1:], plans[2:], strict=False) if three[1].breakpoint]
    for before, here, after in inner[:: max(1, len(inner) // BENDS)]:
        step = min(here.value - before.value, after.value - here.value) / 2
        sides = [solve(here.value + by) for by in (-step, step)]
        told = [between(found, here.value + by) for by in (-step, step)]
        bend = (sum(told) - 2 * here.coordinates[1]) * (1 if found.shape == "convex" else -1)
        count += 1
        if not all(map(same, sides, told, (near, near))) or bend <= 0:
            wrong.append(f"the breakpoint at {here.value!r}: {told} beside it, and {sides} solved, bends by {bend:g}")
    return Found(Counter({"breakpoints, on both sides": count}), tuple(wrong))


def _ends(found: SensitivityCurve, solve: Solve) -> Found:
    """Check that a plan exists just within the feasible interval, and none just beyond."""
    if found.feasible_range is None:
        return Found(Counter({"curves without a plan": 1}))
    wrong, count, vary = [], 0, found.vary
    step = 0.5 if vary.is_integer else 2 * CLOSE * (vary.high - vary.low)
    for end, inward in zip(found.feasible_range, (1, -1), strict=True):
        if vary.low + step < end < vary.high - step and (found.shape != "whole" or found.exact):
            count += 1
            inside, outside = solve(end if vary.is_integer else end + inward * step), solve(end - inward * 2 * step)
            if math.isinf(inside) or math.isfinite(outside):
                wrong.append(f"plans end at {end!r}, said to: {inside!r} within, {outside!r} beyond")
    return Found(Counter({"ends of plans, on both sides": count}), tuple(wrong))


def _within(found: SensitivityCurve, solve: Solve) -> Found:
    """Check that the objective is within the budget on the stated ranges, and nowhere else."""
    assert found.budget is not None
    amount, spans = found.budget.amount, found.budget.spans
    near = max(abs(amount) * 1e-7, LOOSE * (found.accuracy or 0.0), 1e-6)
    wrong = [f"a budget of {amount!r} from {low!r}, not kept there" for low, _ in spans if solve(low) > amount + near]
    wrong += [f"a budget of {amount!r} up to {high!r}, not kept" for _, high in spans if solve(high) > amount + near]
    for value in values_of(found, GRID):
        told = between(found, value)
        inside = any(low <= value <= high for low, high in spans)
        if abs(told - amount) > near and inside != (told <= amount):
            wrong.append(f"a budget of {amount!r} at {value!r}: {told!r} inside: {inside}")
    return Found(Counter({"ends of budgets": 2 * len(spans)}), tuple(wrong))


def _map(variants: ScenarioRunner, across: ParameterRange, up: ParameterRange, random: Random) -> Found:
    """Draw a map and solve cells of it."""
    try:
        found = compute_surface(variants, across, up)
    except (UsageError, InputError):  # both move one figure, or cannot move together
        return Found()
    wrong = []
    for _ in range(CELLS):
        row, column = random.randrange(len(found.rows)), random.randrange(len(found.columns))
        changes = {**across.make_changes(found.columns[column]), **up.make_changes(found.rows[row])}
        expected = pool.value(pool.solved(variants.apply_changes(changes), variants.objective))
        told = found.objective[row][column]
        value = math.inf if told is None else told
        if not same(value, expected, 2e-8 * abs(expected) + 1e-6):
            wrong.append(f"map of {across.path} and {up.path} at {changes}: {value!r}, and {expected!r} solved")
    return Found(Counter({"cells of maps": CELLS}), tuple(wrong))


if __name__ == "__main__":
    sys.exit(campaign("curves", trial, 2_000, sys.argv[1:]))
