"""Sensitivity curves: the optimal objective as a function of one parameter, with breakpoints and feasible interval."""

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

NOISE = 2e-9  # fraction of |c|ᵀ|x| to which the objective is known
MOST = 2_000  # maximum number of solves for one curve
SAMPLES = 80  # maximum number of samples of a nonlinear curve
LARGE = 20_000  # matrix entries from which a curve is traced to an accuracy only
ENOUGH = 2e-4  # relative accuracy of the curve of a large program
COUNT = "count"  # the field of medals
Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Point:
    """The objective at `value` of the parameter, None if infeasible."""

    value: float
    objective: float | None
    breakpoint: bool = False

    @property
    def plain(self) -> tuple[float, float]:
        """Value and objective, the latter infinite if infeasible."""
        return self.value, math.inf if self.objective is None else self.objective


@dataclass(frozen=True, eq=False)
class Curve:
    """The objective along a parameter: `convex` or `concave` (piecewise linear), `sampled`, or at `whole` values.

    Linear interpolation between the points is within `accuracy` (None if nothing is known between them). `feasible` is
    the interval with plans, None if there is none. At the values `unproven` no verified result exists; they are not
    points.
    """

    vary: Vary
    measure: str
    base: float | None  # objective of the base case, None if infeasible
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
        """True if the accuracy is a proven bound."""
        return self.shape in ("convex", "concave")


@dataclass(frozen=True, eq=False)
class Asking:
    """Options of a curve: all breakpoints of a large program (`exactly`), and a `budget` to invert the curve at."""

    exactly: bool = False
    budget: float | None = None
    progress: Progress = lambda step: None


def curve(variants: Variants, vary: Vary, asking: Asking | None = None) -> Curve:
    """Compute the objective along a parameter.

    A parameter that moves only costs, or only right-hand sides and bounds, gives an exact piecewise linear curve;
    integer parameters are evaluated at whole values, all others are sampled.

    Args:
        variants: Scenarios of the instance.
        vary: Parameter with its range.
        asking: Options.

    Returns:
        The curve with breakpoints, feasible interval and changes of the plan.
    """
    asking = asking or Asking()
    found = variants.answer()
    blank = Curve(vary, variants.measure, found.value if found.feasible else None, "", (), True, 0.0, None)
    way = _way(variants, vary)
    line = None if way is None else way.line
    if way is not None and line is not None and not line.moves_matrix and not (line.moves_costs and line.moves_ends):
        with contextlib.suppress(SolverError):  # one supporting line is not verified: sample the curve instead
            return _straight(variants, blank, Touching(variants, way, line, asking.progress), asking)
    if vary.whole:
        return _stepped(variants, blank, asking)
    assert way is not None, "only counts and leads have no way"
    return _sampled(variants, blank, way, asking)


def _way(variants: Variants, vary: Vary) -> Along | None:
    """Return the parametric family of programs; None for integer parameters other than counts, which are not affine."""
    if not vary.whole:
        return variants.along(vary.at, vary.low, vary.high)
    if vary.unit is not None or vary.path.split(".")[-1] != COUNT:
        return None
    try:
        return variants.along(vary.at, vary.low, vary.low + 4 * math.ceil((vary.high - vary.low) / 4))
    except InputError:
        return None


def _straight(variants: Variants, blank: Curve, asked: Touching, asking: Asking) -> Curve:
    """Return the exact piecewise linear curve; of a large program only to within LARGE_ACCURACY."""
    vary = blank.vary
    shaped = replace(blank, shape="convex" if asked.sign > 0 else "concave")
    low = asked.first(vary.low, vary.high)
    high = None if low is None else asked.first(vary.high, low)
    if low is None or high is None:
        nowhere = [Point(vary.low, None), Point(vary.high, None)]
        return replace(shaped, points=tuple(nowhere), budget=_budget(nowhere, asking, None, False))
    if high - low <= NEAR * (vary.high - vary.low):  # feasible at a single value
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
    """Return position, objective and breakpoint flag at each end of a piece."""
    if not traced:
        return [(only, asked.found(only).outcome.value, False)]
    touches = [traced[0].left, *(piece.right for piece in traced)]
    known = [bool(piece.holds) for piece in traced]
    bends = [False, *(a and b for a, b in pairwise(known)), False]
    return [(touch.at, asked.sign * touch.value, bend) for touch, bend in zip(touches, bends, strict=True)]


def _ended(vary: Vary, points: list[Point]) -> tuple[Point, ...]:
    """Add infeasible points beyond both ends, and mark the ends of feasibility as breakpoints."""
    first, last = points[0], points[-1]
    before = [Point(vary.low, None)] if vary.low < first.value else []
    after = [Point(vary.high, None)] if last.value < vary.high else []
    if before:
        points[0] = replace(first, breakpoint=True)
    if after:
        points[-1] = replace(points[-1], breakpoint=True)
    return (*before, *points, *after)


def _at_whole(found: Curve) -> Curve:
    """Return the curve evaluated at whole values."""
    plans = [point.plain for point in found.points if point.objective is not None]
    rows = at_whole_values(plans, (found.vary.low, found.vary.high))
    points = [Point(at, value if math.isfinite(value) else None, bend) for at, value, bend in rows]
    return replace(found, points=tuple(points), feasible=_feasible(points))


def _stepped(variants: Variants, blank: Curve, asking: Asking) -> Curve:
    """Return the curve of an integer parameter, at all whole values if they are few."""
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
    """Return the curve by adaptive sampling."""
    vary = blank.vary

    def ask(at: float) -> Found:
        """Solve the scenario at a position."""
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
    """Invert the curve at the budget, if there is one."""
    if asking.budget is None:
        return None
    return within([point.plain for point in points], asking.budget, ask, whole)


def _feasible(points: list[Point]) -> tuple[float, float] | None:
    """Return the first and last feasible value."""
    values = [point.value for point in points if point.objective is not None]
    return (values[0], values[-1]) if values else None


def _paid(found: Found) -> float:
    """Return |c|ᵀ|x|, the scale of numerical noise in the objective."""
    return float(np.abs(found.variant.linear.costs[0]) @ np.abs(found.outcome.x))
