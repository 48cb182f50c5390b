"""Piecewise linear functions: exact tracing of convex ones, evaluation at whole numbers, and inverse for a budget.

Tracing (Eisner and Severance 1976): between two positions with known supporting lines the function lies above both
lines and below the chord. It is evaluated where the lines intersect, in the interval with the widest gap first, so the
remaining gap bounds the error at any time.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from medalopt.errors import UsageError
from medalopt.instance.schema.field_types import QuantityField
from medalopt.text import escape_text
from medalopt.tolerances import POSITION_TOLERANCE
from medalopt.units import Money, QuantityError


@dataclass(frozen=True, eq=False)
class TangentPoint:
    """Value of the function at a position and slope of a supporting line; `solved` carries the solution behind it."""

    position: float
    value: float
    slope: float
    solved: Any = None

    def _evaluate_line(self, position: float) -> float:
        """Evaluate the supporting line."""
        return self.value + self.slope * (position - self.position)


@dataclass(frozen=True, eq=False)
class LinearPiece:
    """The function between two positions; `line` is a supporting line on all of it, None if not known to be linear."""

    left: TangentPoint
    right: TangentPoint
    line: TangentPoint | None

    @property
    def slope(self) -> float:
        """Slope of the chord.

        Returns:
            Objective per unit of the parameter.
        """
        return (self.right.value - self.left.value) / (self.right.position - self.left.position)


@dataclass(frozen=True, eq=False)
class PiecewiseLinear:
    """Pieces from one end to the other, and an upper bound on the distance of the function below them (0 if exact)."""

    pieces: tuple[LinearPiece, ...]
    gap: float


def trace_pieces(
    touch: Callable[[float], TangentPoint], low: float, high: float, noise: float, enough: float, maximum: int
) -> PiecewiseLinear:
    """Trace the function between two positions.

    Args:
        touch: Function from a position to its value and supporting line.
        low: First position.
        high: Last position.
        noise: Differences of values up to this count as zero.
        enough: Gap at which refinement stops.
        maximum: Maximum number of evaluations after those of both ends.

    Returns:
        The linear pieces, adjacent ones of equal slope merged.
    """
    near = POSITION_TOLERANCE * (high - low)
    left, right = touch(low), touch(high)
    done: list[LinearPiece] = []
    heap: list[tuple[float, float, float, TangentPoint, TangentPoint]] = []

    def enter(point: TangentPoint, two: TangentPoint) -> None:
        """Store the interval as finished, or queue it by its gap."""
        holds = _find_common_line(point, two, noise)
        meet = None if holds else _intersect_lines(point, two, near)
        if meet is None:
            done.append(LinearPiece(point, two, holds or point))
            return
        chord = point.value + (two.value - point.value) * (meet - point.position) / (two.position - point.position)
        gap = chord - max(point._evaluate_line(meet), two._evaluate_line(meet))
        if gap <= noise:
            done.append(LinearPiece(point, two, point))
        else:
            heapq.heappush(heap, (-gap, point.position, meet, point, two))

    enter(left, right)
    for _ in range(maximum):
        if not heap or -heap[0][0] <= enough:
            break
        _, _, meet, point, two = heapq.heappop(heap)
        between = touch(meet)
        if between.value - max(point._evaluate_line(meet), two._evaluate_line(meet)) <= noise:
            done += [LinearPiece(point, between, point), LinearPiece(between, two, two)]
        else:
            enter(point, between)
            enter(between, two)
    gap = -heap[0][0] if heap else 0.0
    done += [LinearPiece(point, two, None) for _, _, _, point, two in heap]
    return PiecewiseLinear(_merge_pieces(sorted(done, key=lambda piece: piece.left.position), noise), gap)


def _find_common_line(point: TangentPoint, two: TangentPoint, noise: float) -> TangentPoint | None:
    """Return the point whose supporting line passes through the other one, if any."""
    if abs(point._evaluate_line(two.position) - two.value) <= noise:
        return point
    return two if abs(two._evaluate_line(point.position) - point.value) <= noise else None


def _intersect_lines(point: TangentPoint, two: TangentPoint, near: float) -> float | None:
    """Return the intersection of both supporting lines, strictly between the points; None if there is none."""
    if not two.slope > point.slope:
        return None
    across = (two._evaluate_line(point.position) - point.value) / (point.slope - two.slope)
    meet = _round_position(point.position + across, near * 0.01)
    return meet if point.position + near < meet < two.position - near else None


def _round_position(position: float, near: float) -> float:
    """Return the value of six digits within `near` of a position, if there is one."""
    few = float(f"{position:.6g}")
    return few if abs(few - position) <= near else position


def _merge_pieces(pieces: list[LinearPiece], noise: float) -> tuple[LinearPiece, ...]:
    """Merge adjacent pieces of equal slope."""
    merged: list[LinearPiece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if last and last.line and piece.line:
            span = piece.right.position - last.left.position
            bend = (
                abs(piece.slope - last.slope)
                * (last.right.position - last.left.position)
                * (piece.right.position - piece.left.position)
            )
            if bend <= noise * span:
                wider = (
                    last
                    if last.right.position - last.left.position >= piece.right.position - piece.left.position
                    else piece
                )
                merged[-1] = LinearPiece(last.left, piece.right, wider.line)
                continue
        merged.append(piece)
    return tuple(merged)


MAX_WHOLE_VALUES = 41  # maximum number of whole values of a curve


def select_whole_values(low: float, high: float, maximum: int = MAX_WHOLE_VALUES) -> tuple[list[float], bool]:
    """Select whole values, evenly spaced.

    Args:
        low: Lower bound.
        high: Upper bound.
        maximum: Approximate maximum number of values.

    Returns:
        The values in ascending order, and True if they are all whole numbers of the interval.
    """
    step = max(1, math.ceil((high - low) / (maximum - 1)))
    values = [float(index) for index in range(math.ceil(low), math.floor(high) + 1, step)]
    if values[-1] != math.floor(high):
        values.append(float(math.floor(high)))
    return values, step == 1


def evaluate_at_whole_values(
    points: Sequence[tuple[float, float]], bounds: tuple[float, float]
) -> list[tuple[float, float, bool]]:
    """Evaluate a piecewise linear curve at the whole numbers next to its breakpoints.

    Args:
        points: (position, objective), ascending.
        bounds: Bounds of the parameter.

    Returns:
        (position, objective, breakpoint) in ascending order; the objective is infinite just beyond the feasible
        interval.
    """
    minimum, maximum = math.ceil(points[0][0] - 1e-6), math.floor(points[-1][0] + 1e-6)
    beside = {
        side for position, _ in points[1:-1] for side in (math.floor(position + 1e-9), math.ceil(position - 1e-9))
    }
    inside = sorted({index for index in beside | {minimum, maximum} if minimum <= index <= maximum})
    rows = [
        (float(index), _interpolate_at(points, index), index in beside and minimum < index < maximum)
        for index in inside
    ]
    lost = {at for at in (bounds[0], minimum - 1, maximum + 1, bounds[1]) if bounds[0] <= at <= bounds[1]} - set(inside)
    beyond = [(float(at), math.inf, False) for at in lost if at < minimum or at > maximum]
    return sorted([*rows, *beyond])


def _interpolate_at(points: Sequence[tuple[float, float]], position: float) -> float:
    """Interpolate the curve at a position."""
    for (left, one), (right, two) in pairwise(points):
        if left - 1e-6 <= position <= right + 1e-6:
            return one + (two - one) * (position - left) / (right - left)
    return points[0][1]


_OBJECTIVE_UNITS = {"cost": "money", "footprint": "kg", "mass": "t"}
_BUDGET_TOLERANCE = 1e-7  # fraction of the interval to which a crossing is located
_MAX_CROSSING_STEPS = 40
ObjectiveFunction = Callable[[float], float]


@dataclass(frozen=True)
class BudgetRange:
    """Intervals of the parameter, (low, high), in which the objective is at most `amount`."""

    amount: float
    spans: tuple[tuple[float, float], ...]


def parse_budget(text: str, objective: str, money: Money) -> float:
    """Parse a budget.

    Args:
        text: Amount with unit.
        objective: Objective: cost, footprint or mass.
        money: Currencies and exchange rates of the instance.

    Returns:
        The budget in the unit of the objective.

    Raises:
        UsageError: If the amount or its unit is invalid.
    """
    try:
        return float(QuantityField(_OBJECTIVE_UNITS[objective], low=None).check(text, money).exact)
    except QuantityError as error:
        raise UsageError(f"--budget {escape_text(text)}: {error}") from error


def find_budget_range(
    points: Sequence[tuple[float, float]], maximum: float, ask: ObjectiveFunction | None, whole: bool
) -> BudgetRange:
    """Find the intervals in which a curve is at most `maximum`.

    Args:
        points: (value, objective), ascending; the objective is infinite if infeasible.
        maximum: Budget.
        ask: Objective between the points; None to use the points alone.
        whole: Round the intervals inwards to whole numbers.

    Returns:
        The budget and its intervals.
    """
    near = _BUDGET_TOLERANCE * (points[-1][0] - points[0][0])
    spans: list[tuple[float, float]] = [(points[0][0],) * 2] if points[0][1] <= maximum else []
    for one, two in pairwise(points):
        if one[1] <= maximum and two[1] <= maximum:
            spans[-1] = (spans[-1][0], two[0])
        elif one[1] <= maximum and math.isfinite(two[1]):
            spans[-1] = (spans[-1][0], _find_crossing(ask, one, two, maximum, near))
        elif two[1] <= maximum:
            start = _find_crossing(ask, two, one, maximum, near) if math.isfinite(one[1]) else two[0]
            spans.append((start, two[0]))
    if whole:
        spans = [(float(math.ceil(low - 1e-6)), float(math.floor(high + 1e-6))) for low, high in spans]
    return BudgetRange(maximum, tuple(span for span in spans if span[0] <= span[1]))


def _find_crossing(
    ask: ObjectiveFunction | None,
    inside: tuple[float, float],
    outside: tuple[float, float],
    maximum: float,
    near: float,
) -> float:
    """Locate the crossing of `maximum` between an inside and an outside point: two secant steps, then one bisection."""
    for number in range(_MAX_CROSSING_STEPS):
        share = (maximum - inside[1]) / (outside[1] - inside[1]) if number % 3 < 2 else 0.5
        position = inside[0] + (outside[0] - inside[0]) * share
        if ask is None or abs(outside[0] - inside[0]) <= near:
            return inside[0]
        value = ask(position)
        if abs(value - maximum) <= 1e-9 * max(abs(maximum), 1.0):
            return position
        if value < maximum:
            inside = (position, value)
        else:
            outside = (position, value)
    return inside[0]
