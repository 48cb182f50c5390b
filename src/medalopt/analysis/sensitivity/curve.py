"""Curves: the measure as a function of one figure, with its breakpoints, and the values at which there is a plan."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from medalopt.analysis.sensitivity.pieces import Piece, Pieces, pieces
from medalopt.analysis.sensitivity.sampled import sampled
from medalopt.analysis.sensitivity.touching import Found, Touching
from medalopt.analysis.sensitivity.vary import Vary
from medalopt.analysis.variants import Along, Variants
from medalopt.errors import InputError

NOISE = 2e-9  # of what is paid: the measure is known to that
MOST = 2_000  # questions to one curve
SAMPLES, STEPS = 80, 41  # samples of a curve that is none of straight pieces; whole values told one by one
LARGE = 20_000  # entries from which a curve need not be exact
ENOUGH = 1e-4  # of the measure, to which the curve of a large program is known
Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Point:
    """The measure where the figure stands at `value`, None where there is no plan."""

    value: float
    objective: float | None
    breakpoint: bool = False


@dataclass(frozen=True, eq=False)
class Curve:
    """The measure along a figure: `convex`, `concave` (both in straight pieces), `sampled`, or told at `whole` values.

    Between the points it is straight, to within `accuracy` (None where nothing is said of what lies between).
    `feasible`: from which value to which there is a plan, None where there is none.
    """

    vary: Vary
    measure: str
    shape: str
    points: tuple[Point, ...]
    exact: bool
    accuracy: float | None
    feasible: tuple[float, float] | None
    base: float | None  # the measure of the instance itself, None where it has no plan
    pieces: tuple[Piece, ...] = ()


def curve(variants: Variants, vary: Vary, *, exactly: bool = False, progress: Progress = lambda step: None) -> Curve:
    """Return the measure of `variants` along the figure of `vary`; `exactly`: however large the program is."""
    found = variants.answer()
    base = found.value if found.feasible else None
    way = _way(variants, vary)
    straight = way is not None and way.line is not None and not way.line.moves_matrix
    if way is not None and straight and not (way.line.moves_costs and way.line.moves_ends):  # type: ignore[union-attr]
        enough = 0.0 if exactly or len(variants.base.linear.entries.row) < LARGE else ENOUGH
        drawn = _straight(variants, vary, way, base, enough, progress)
        if drawn is not None:
            return drawn
    if vary.whole:
        return _stepped(variants, vary, base, progress)
    assert way is not None, "only counts and leads have no way"
    return _sampled(variants, vary, way, base, progress)


def _way(variants: Variants, vary: Vary) -> Along | None:
    """Return the way, its probes at whole values where the figure has no others; None where it cannot be had so."""
    if not vary.whole:
        return variants.along(vary.at, vary.low, vary.high)
    try:
        return variants.along(vary.at, vary.low, vary.low + 4 * math.ceil((vary.high - vary.low) / 4))
    except InputError:
        return None


def _straight(
    variants: Variants, vary: Vary, way: Along, base: float | None, enough: float, progress: Progress
) -> Curve | None:
    """Return the curve in straight pieces; None where the program at an end is another than the line has there."""
    assert way.line is not None, "the way is a line"
    asked = Touching(variants, way, way.line, progress)
    shape = "convex" if asked.sign > 0 else "concave"
    low = asked.first(vary.low, vary.high)
    high = None if low is None else asked.first(vary.high, low)
    if low is None or high is None:
        nowhere = (Point(vary.low, None), Point(vary.high, None))
        return Curve(vary, variants.measure, shape, nowhere, True, 0.0, None, base)
    noise = NOISE * max(_paid(asked.found(low)), _paid(asked.found(high)), 1.0)
    for end in {low, high} & {vary.low, vary.high}:
        built = variants.answer(variants.variant(vary.at(end)))
        if not abs(built.value - asked.found(end).outcome.value) <= 10 * noise:
            return None
    wanted = max(noise, enough * abs(asked.found(low).outcome.value))
    traced = pieces(asked.touch, low, high, noise, wanted, MOST) if low < high else Pieces((), 0.0)
    if vary.whole:
        return _whole(variants, vary, asked, traced, (low, high), base)
    points = _points(vary, asked, traced.pieces, (low, high))
    return Curve(vary, variants.measure, shape, points, traced.gap == 0, traced.gap, (low, high), base, traced.pieces)


def _points(vary: Vary, asked: Touching, traced: tuple[Piece, ...], feasible: tuple[float, float]) -> tuple[Point, ...]:
    ends = (vary.low < feasible[0], feasible[1] < vary.high)
    before = [Point(vary.low, None)] if ends[0] else []
    after = [Point(vary.high, None)] if ends[1] else []
    if not traced:
        return (*before, Point(feasible[0], asked.found(feasible[0]).outcome.value, True), *after)
    touches = [traced[0].left, *(piece.right for piece in traced)]
    known = [bool(piece.holds) for piece in traced]
    bends = [ends[0], *(a and b for a, b in pairwise(known)), ends[1]]
    points = [Point(touch.at, asked.sign * touch.value, bend) for touch, bend in zip(touches, bends, strict=True)]
    return (*before, *points, *after)


def _whole(
    variants: Variants,
    vary: Vary,
    asked: Touching,
    traced: Pieces,
    feasible: tuple[float, float],
    base: float | None,
) -> Curve:
    """Return the curve told at whole values: both ends, and those beside each breakpoint."""
    least, most = math.ceil(feasible[0] - 1e-6), math.floor(feasible[1] + 1e-6)
    bends = [piece.left.at for piece in traced.pieces[1:]]
    beside = {math.floor(at + 1e-9) for at in bends} | {math.ceil(at - 1e-9) for at in bends}
    values = sorted({at for at in beside if least <= at <= most} | {at for at in (least, most) if least <= most})
    points = [Point(float(at), _valued(asked, traced.pieces, at), at in beside and least < at < most) for at in values]
    before = [Point(float(at), None) for at in {vary.low, least - 1.0} if vary.low <= at < least]
    after = [Point(float(at), None) for at in {vary.high, most + 1.0} if most < at <= vary.high]
    told = (*sorted(before, key=lambda p: p.value), *points, *sorted(after, key=lambda p: p.value))
    shape = "convex" if asked.sign > 0 else "concave"
    ends = (float(least), float(most)) if least <= most else None
    return Curve(vary, variants.measure, shape, told, traced.gap == 0, traced.gap, ends, base, traced.pieces)


def _valued(asked: Touching, traced: tuple[Piece, ...], at: float) -> float:
    """Return the measure at a position on the pieces."""
    for piece in traced:
        if piece.left.at <= at <= piece.right.at:
            return asked.sign * (piece.left.value + piece.slope * (at - piece.left.at))
    return asked.found(at).outcome.value


def _stepped(variants: Variants, vary: Vary, base: float | None, progress: Progress) -> Curve:
    """Return the measure at whole values: all of them where they are few."""
    step = max(1, math.ceil((vary.high - vary.low) / (STEPS - 1)))
    values = list(dict.fromkeys([*np.arange(vary.low, vary.high, step).tolist(), vary.high]))
    points = []
    for value in values:
        progress(f"{vary.path} at {value:g}")
        found = variants.answer(variants.variant(vary.at(value)))
        points.append(Point(value, found.value if found.feasible else None))
    every = step == 1 and vary.unit is None
    return Curve(vary, variants.measure, "whole", tuple(points), every, 0.0 if every else None, _feasible(points), base)


def _sampled(variants: Variants, vary: Vary, way: Along, base: float | None, progress: Progress) -> Curve:
    """Return the measure as it is sampled along a way."""

    def ask(at: float) -> Found:
        progress(f"{vary.path} at {at:g}")
        variant = way.variant(at)
        return Found(variant, variants.answer(variant))

    samples = sampled(ask, vary.low, vary.high, NOISE * max(abs(base or 0.0), 1.0), SAMPLES)
    rows = [(at, found.outcome.value if found.outcome.feasible else None) for at, found in samples.found]
    points = [Point(at, value) for at, value in rows]
    return Curve(vary, variants.measure, "sampled", tuple(points), False, samples.accuracy, _feasible(points), base)


def _feasible(points: list[Point]) -> tuple[float, float] | None:
    values = [point.value for point in points if point.objective is not None]
    return (values[0], values[-1]) if values else None


def _paid(found: Found) -> float:
    return float(np.abs(found.variant.linear.costs[0]) @ np.abs(found.outcome.x))
