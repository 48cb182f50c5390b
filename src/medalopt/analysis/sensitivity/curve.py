"""Curves: the measure as a function of one figure, with its breakpoints, and the values at which there is a plan."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np

from medalopt.analysis.sensitivity.budget import Ask, Budget, within
from medalopt.analysis.sensitivity.pieces import NEAR, Piece, Pieces, pieces
from medalopt.analysis.sensitivity.sampled import sampled
from medalopt.analysis.sensitivity.steps import attempted
from medalopt.analysis.sensitivity.touching import Found, Touching
from medalopt.analysis.sensitivity.turning import Turn, turns
from medalopt.analysis.sensitivity.vary import Vary
from medalopt.analysis.sensitivity.wholes import at_whole_values, few
from medalopt.analysis.variants import Along, Variants
from medalopt.errors import InputError, SolverError

NOISE = 2e-9  # of what is paid: the measure is known to that
MOST = 2_000  # questions to one curve
SAMPLES = 80  # of a curve that is none of straight pieces
LARGE = 20_000  # entries from which a curve need not be exact
ENOUGH = 2e-4  # of the measure, to which the curve of a large program is known
COUNT = "count"  # the field of medals
Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Point:
    """The measure where the figure stands at `value`, None where there is no plan."""

    value: float
    objective: float | None
    breakpoint: bool = False

    @property
    def plain(self) -> tuple[float, float]:
        """Value and measure, infinite where there is no plan."""
        return self.value, math.inf if self.objective is None else self.objective


@dataclass(frozen=True, eq=False)
class Curve:
    """The measure along a figure: `convex`, `concave` (both in straight pieces), `sampled`, or told at `whole` values.

    Between the points it is straight, to within `accuracy` (None where nothing is said of what lies between).
    `feasible`: from which value to which there is a plan, None where there is none. At the values `unproven` no answer
    could be proven; they are left out of the points.
    """

    vary: Vary
    measure: str
    base: float | None  # the measure of the instance itself, None where it has no plan
    shape: str
    points: tuple[Point, ...]
    exact: bool
    accuracy: float | None
    feasible: tuple[float, float] | None
    turns: tuple[Turn, ...] = ()
    budget: Budget | None = None
    unproven: tuple[float, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether the accuracy is one that is proven."""
        return self.shape in ("convex", "concave")


@dataclass(frozen=True, eq=False)
class Asking:
    """What is asked beside the figure: all breakpoints of a large program (`exactly`), the values for a `budget`."""

    exactly: bool = False
    budget: float | None = None
    progress: Progress = lambda step: None


def curve(variants: Variants, vary: Vary, asking: Asking | None = None) -> Curve:
    """Return the measure of `variants` along the figure of `vary`."""
    asking = asking or Asking()
    found = variants.answer()
    blank = Curve(vary, variants.measure, found.value if found.feasible else None, "", (), True, 0.0, None)
    way = _way(variants, vary)
    line = None if way is None else way.line
    if way is not None and line is not None and not line.moves_matrix and not (line.moves_costs and line.moves_ends):
        with contextlib.suppress(SolverError):  # a touching line of one value is missing: what is left is sampled
            return _straight(variants, blank, Touching(variants, way, line, asking.progress), asking)
    if vary.whole:
        return _stepped(variants, blank, asking)
    assert way is not None, "only counts and leads have no way"
    return _sampled(variants, blank, way, asking)


def _way(variants: Variants, vary: Vary) -> Along | None:
    """Return the way, its probes at whole values where the figure has no others; None where it cannot be had so.

    Of whole numbers counts alone move in proportion: leads and dates do so at most by chance.
    """
    if not vary.whole:
        return variants.along(vary.at, vary.low, vary.high)
    if vary.unit is not None or vary.path.split(".")[-1] != COUNT:
        return None
    try:
        return variants.along(vary.at, vary.low, vary.low + 4 * math.ceil((vary.high - vary.low) / 4))
    except InputError:
        return None


def _straight(variants: Variants, blank: Curve, asked: Touching, asking: Asking) -> Curve:
    """Return the curve in straight pieces."""
    vary = blank.vary
    shaped = replace(blank, shape="convex" if asked.sign > 0 else "concave")
    low = asked.first(vary.low, vary.high)
    high = None if low is None else asked.first(vary.high, low)
    if low is None or high is None:
        nowhere = [Point(vary.low, None), Point(vary.high, None)]
        return replace(shaped, points=tuple(nowhere), budget=_budget(nowhere, asking, None, False))
    if high - low <= NEAR * (vary.high - vary.low):  # then there is a plan at one value alone
        low = high = vary.high if high == vary.high else low
    noise = NOISE * max(_paid(asked.found(low)), _paid(asked.found(high)), 1.0)
    large = len(variants.base.linear.entries.row) >= LARGE and not asking.exactly
    wanted = ENOUGH * abs(asked.found(low).outcome.value) if large else 0.0
    traced = pieces(asked.touch, low, high, noise, max(noise, wanted), MOST) if low < high else Pieces((), 0.0)
    made = [Point(at, value, bend) for at, value, bend in _corners(asked, traced.pieces, low)]
    told = replace(
        shaped,
        points=_ended(vary, made),
        exact=traced.gap == 0,
        accuracy=traced.gap,
        feasible=(low, high),
        turns=turns(traced.pieces, asked.sign < 0),
        budget=_budget(made, asking, lambda at: asked.found(at).outcome.value, vary.whole),
    )
    return _at_whole(told) if vary.whole else told


def _corners(asked: Touching, traced: tuple[Piece, ...], only: float) -> list[tuple[float, float, bool]]:
    """Return position and measure of every end of a piece, and whether the curve is known to bend there."""
    if not traced:
        return [(only, asked.found(only).outcome.value, False)]
    touches = [traced[0].left, *(piece.right for piece in traced)]
    known = [bool(piece.holds) for piece in traced]
    bends = [False, *(a and b for a, b in pairwise(known)), False]
    return [(touch.at, asked.sign * touch.value, bend) for touch, bend in zip(touches, bends, strict=True)]


def _ended(vary: Vary, points: list[Point]) -> tuple[Point, ...]:
    """Return the points with those at which the curve begins or ends as breakpoints, and what lies beyond them."""
    first, last = points[0], points[-1]
    before = [Point(vary.low, None)] if vary.low < first.value else []
    after = [Point(vary.high, None)] if last.value < vary.high else []
    if before:
        points[0] = replace(first, breakpoint=True)
    if after:
        points[-1] = replace(points[-1], breakpoint=True)
    return (*before, *points, *after)


def _at_whole(found: Curve) -> Curve:
    """Return the curve told at whole values."""
    plans = [point.plain for point in found.points if point.objective is not None]
    rows = at_whole_values(plans, (found.vary.low, found.vary.high))
    points = [Point(at, value if math.isfinite(value) else None, bend) for at, value, bend in rows]
    return replace(found, points=tuple(points), feasible=_feasible(points))


def _stepped(variants: Variants, blank: Curve, asking: Asking) -> Curve:
    """Return the measure at whole values: all of them where they are few."""
    vary, points, unproven = blank.vary, [], []
    values, every = few(vary.low, vary.high)
    for value in values:
        asking.progress(f"{vary.path} at {value:g}")
        found = attempted(partial(variants.answer, variants.variant(vary.at(value))))
        if found is None:
            unproven.append(value)
        else:
            points.append(Point(value, found.value if found.feasible else None))
    exact = every and vary.unit is None and not unproven
    accuracy = 0.0 if exact else None
    budget = _budget(points, asking, None, True)
    return replace(
        blank,
        shape="whole",
        points=tuple(points),
        exact=exact,
        accuracy=accuracy,
        feasible=_feasible(points),
        budget=budget,
        unproven=tuple(unproven),
    )


def _sampled(variants: Variants, blank: Curve, way: Along, asking: Asking) -> Curve:
    """Return the measure as it is sampled along a way."""
    vary = blank.vary

    def ask(at: float) -> Found:
        asking.progress(f"{vary.path} at {at:g}")
        variant = way.variant(at)
        return Found(variant, variants.answer(variant))

    samples = sampled(ask, vary.low, vary.high, NOISE * max(abs(blank.base or 0.0), 1.0), SAMPLES)
    points = [Point(at, found.outcome.value if found.outcome.feasible else None) for at, found in samples.found]
    return replace(
        blank,
        shape="sampled",
        points=tuple(points),
        exact=False,
        accuracy=samples.accuracy,
        feasible=_feasible(points),
        budget=_budget(points, asking, lambda at: ask(at).outcome.value, False),
        unproven=samples.unproven,
    )


def _budget(points: list[Point], asking: Asking, ask: Ask | None, whole: bool) -> Budget | None:
    if asking.budget is None:
        return None
    return within([point.plain for point in points], asking.budget, ask, whole)


def _feasible(points: list[Point]) -> tuple[float, float] | None:
    values = [point.value for point in points if point.objective is not None]
    return (values[0], values[-1]) if values else None


def _paid(found: Found) -> float:
    return float(np.abs(found.variant.linear.costs[0]) @ np.abs(found.outcome.x))
