"""Curves: the measure as a function of one figure, with its breakpoints, and the values at which there is a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from medalopt.analysis.sensitivity.pieces import Piece, pieces
from medalopt.analysis.sensitivity.touching import Found, Touching
from medalopt.analysis.sensitivity.vary import Vary
from medalopt.analysis.variants import Along, Variants

NOISE = 2e-9  # of what is paid: the measure is known to that
MOST = 400  # questions to one curve
Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Point:
    """The measure where the figure stands at `value`, None where there is no plan."""

    value: float
    objective: float | None
    breakpoint: bool = False


@dataclass(frozen=True, eq=False)
class Curve:
    """The measure along a figure. Between the points it is straight, to within `accuracy` (0 where it is exact).

    `feasible`: from which value to which there is a plan, None where there is none. `shape` is `convex`, `concave`
    or `sampled`.
    """

    vary: Vary
    measure: str
    shape: str
    points: tuple[Point, ...]
    accuracy: float
    feasible: tuple[float, float] | None
    base: float | None  # the measure of the instance itself, None where it has no plan
    pieces: tuple[Piece, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether the curve is straight from point to point."""
        return self.accuracy == 0


def curve(variants: Variants, vary: Vary, progress: Progress = lambda step: None) -> Curve:
    """Return the measure of `variants` along the figure of `vary`."""
    base = variants.answer()
    way = variants.along(vary.at, vary.low, vary.high)
    return _exact(variants, vary, way, base.value if base.feasible else None)


def _exact(variants: Variants, vary: Vary, way: Along, base: float | None) -> Curve:
    assert way.line is not None
    asked = Touching(variants, way, way.line)
    shape = "convex" if asked.sign > 0 else "concave"
    low = asked.first(vary.low, vary.high)
    high = None if low is None else asked.first(vary.high, low)
    if low is None or high is None:
        nowhere = (Point(vary.low, None), Point(vary.high, None))
        return Curve(vary, variants.measure, shape, nowhere, 0.0, None, base)
    if not low < high:
        only = Point(low, asked.found(low).outcome.value, True)
        ends = tuple(Point(end, None) for end in (vary.low, vary.high) if end != low)
        return Curve(vary, variants.measure, shape, (only, *ends), 0.0, (low, high), base)
    noise = NOISE * max(_paid(asked.found(low)), _paid(asked.found(high)), 1.0)
    traced = pieces(asked.touch, low, high, noise, MOST)
    points = _points(vary, asked.sign, traced.pieces, (low, high))
    return Curve(vary, variants.measure, shape, points, traced.gap, (low, high), base, traced.pieces)


def _points(vary: Vary, sign: float, traced: tuple[Piece, ...], feasible: tuple[float, float]) -> tuple[Point, ...]:
    touches = [traced[0].left, *(piece.right for piece in traced)]
    known = [bool(piece.holds) for piece in traced]
    bends = [
        vary.low < feasible[0],
        *(a and b for a, b in pairwise(known)),
        feasible[1] < vary.high,
    ]
    points = [Point(touch.at, sign * touch.value, bend) for touch, bend in zip(touches, bends, strict=True)]
    before = [Point(vary.low, None)] if vary.low < feasible[0] else []
    after = [Point(vary.high, None)] if feasible[1] < vary.high else []
    return (*before, *points, *after)


def _paid(found: Found) -> float:
    return float(np.abs(found.variant.linear.costs[0]) @ np.abs(found.outcome.x))
