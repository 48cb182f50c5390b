"""Piecewise linear functions: exact tracing of convex ones, evaluation at whole numbers, and inverse for a budget.

Tracing (Eisner and Severance 1976): between two positions with known supporting lines the function lies above both
lines and below the chord. It is evaluated where the lines intersect, in the interval with the widest gap first, so the
remaining gap bounds the error at any time.

The function is the value of a parametric LP. If right-hand sides or bounds vary, the duals at one position give a lower
bound everywhere: the value is convex. If costs vary, the solution at one position gives an upper bound everywhere: it
is concave, and is negated here. Nonlinear curves, and the edges of feasibility, are bisected.
"""

from __future__ import annotations

import dataclasses
import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from medalopt.analysis.scenario_runner import ParametricScenarios, ScenarioProgram, ScenarioRunner
from medalopt.errors import SolverError, UsageError
from medalopt.instance.arrays import Floats
from medalopt.instance.schema.field_types import QuantityField
from medalopt.solver.infeasibility import compute_farkas_margin
from medalopt.solver.parametric_sweep import ProgramLine
from medalopt.solver.program import SolverProgram
from medalopt.solver.scaling import scale_program
from medalopt.solver.verification import VerifiedResult
from medalopt.text import escape_text
from medalopt.tolerances import POSITION_TOLERANCE
from medalopt.units import Money, QuantityError

MAX_WHOLE_VALUES = 41  # maximum number of whole values of a curve
_OBJECTIVE_UNITS = {"cost": "money", "footprint": "kg", "mass": "t"}
_BUDGET_TOLERANCE = 1e-7  # fraction of the interval to which a crossing is located
_MAX_CROSSING_STEPS = 40
_MIN_STEP = 1e-10  # fraction of the interval: minimum step from an infeasible position
_MAX_STEPS = 200
INITIAL_SAMPLES = 7  # initial samples
EDGE_TOLERANCE = 1e-6  # fraction of the interval to which the end of feasibility is located
SAMPLE_ACCURACY = 1e-3  # fraction of the range of the objective: wanted accuracy of linear interpolation


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
    def width(self) -> float:
        """Distance of the two positions."""
        return self.right.position - self.left.position

    @property
    def slope(self) -> float:
        """Slope of the chord, objective per unit of the parameter."""
        return (self.right.value - self.left.value) / self.width


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
    meet = point.position + across
    short = float(f"{meet:.6g}")
    meet = short if abs(short - meet) <= near * 0.01 else meet
    return meet if point.position + near < meet < two.position - near else None


def _merge_pieces(pieces: list[LinearPiece], noise: float) -> tuple[LinearPiece, ...]:
    """Merge adjacent pieces of equal slope."""
    merged: list[LinearPiece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if last and last.line and piece.line:
            span = piece.right.position - last.left.position
            if abs(piece.slope - last.slope) * last.width * piece.width <= noise * span:
                wider = last if last.width >= piece.width else piece
                merged[-1] = LinearPiece(last.left, piece.right, wider.line)
                continue
        merged.append(piece)
    return tuple(merged)


def select_whole_values(low: float, high: float, maximum: int = MAX_WHOLE_VALUES) -> tuple[list[float], bool]:
    """Select whole values, evenly spaced.

    Args:
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


@dataclasses.dataclass(frozen=True, eq=False)
class SolvedVariant:
    """A scenario and its verified result."""

    variant: ScenarioProgram
    outcome: VerifiedResult


class ParametricObjective:
    """Optimal value along a `family` of scenarios, whose `line` moves either row and column bounds or costs.

    `sign` is 1 if the value is convex, −1 if concave.

    Args:
        runner: Runner of the scenarios, with a cache of results.
        family: Scenarios by position.
        line: Affine function from the position to the program.
        progress: Progress callback.
    """

    def __init__(
        self, runner: ScenarioRunner, family: ParametricScenarios, line: ProgramLine, progress: Callable[[str], None]
    ) -> None:
        self._variants, self._way, self._line, self._progress = runner, family, line, progress
        self.sign = -1.0 if line.moves_costs else 1.0
        self._known: dict[float, SolvedVariant] = {}

    def solve_at(self, position: float) -> SolvedVariant:
        """Solve the scenario at a position, once.

        Returns:
            The scenario and its verified result.
        """
        if position not in self._known:
            self._progress(f"question {len(self._known) + 1}")
            scenario = self._way.interpolate_program(position)
            self._known[position] = SolvedVariant(scenario, self._variants.solve_scenario(scenario))
        return self._known[position]

    def evaluate(self, position: float) -> TangentPoint:
        """Return value and supporting line at a feasible position.

        Returns:
            `sign` times the optimal value, and its slope: c'·x if costs move, else the duals times the moving bounds.
        """
        solved = self.solve_at(position)
        slope = self._line.costs_slope @ solved.outcome.x if self.sign < 0 else self._compute_dual_slope(solved)
        return TangentPoint(position, self.sign * solved.outcome.value, self.sign * float(slope), solved)

    def _compute_dual_slope(self, solved: SolvedVariant) -> float:
        """Return the slope of the dual objective: Σ y·b' over rows, Σ d·u' over columns with d = c − Aᵀy."""
        program, y = solved.variant.program, solved.outcome.y
        entries = program.entries
        reduced = program.costs[0] - np.bincount(entries.column, entries.value * y[entries.row], len(program.lower))
        slopes = self._line.end_slopes
        return _price_bounds(y, slopes["row_lower"], slopes["row_upper"]) + _price_bounds(
            reduced, slopes["lower"], slopes["upper"]
        )

    def find_feasible(self, start: float, stop: float) -> float | None:
        """Find the feasible position nearest to `start`.

        A Farkas certificate at one position excludes all positions up to the zero of its margin, which is affine in
        them.

        Args:
            start: Position where the search begins.
            stop: Position where it ends.

        Returns:
            The position; None if no position up to `stop` is feasible.
        """
        at, span = start, stop - start
        for _ in range(_MAX_STEPS):
            try:
                solved = self.solve_at(at)
            except SolverError:  # so near to the boundary that neither can be verified
                at += span * _MIN_STEP * 100
                continue
            if solved.outcome.feasible:
                return at
            programs = (self._line.interpolate(position) for position in (at, stop))
            now, then = (_compute_infeasibility_margin(program, solved.outcome.y) for program in programs)
            if self.sign < 0 or then > 0 or not then < now:
                return None
            at = max(at + (stop - at) * now / (now - then), at + span * _MIN_STEP, key=lambda x: (x - at) / span)
        return None


def _compute_infeasibility_margin(linear: SolverProgram, y: Floats) -> float:
    """Return the margin by which multipliers `y` (M,) prove `linear` infeasible; no proof if it is not above 0."""
    program = scale_program(linear)
    return compute_farkas_margin(linear, program, np.ldexp(y, -program.row))


def _price_bounds(price: Floats, low: Floats, high: Floats) -> float:
    """Return Σ price · slope of the active bound: the lower one for positive prices, else the upper one."""
    return float(np.where(price > 0, price * low, price * high).sum())


SolveAt = Callable[[float], SolvedVariant]


@dataclass(frozen=True, eq=False)
class _CurveSamples:
    """Results by position, ascending; linear interpolation is within `accuracy`, as estimated by the bisection.

    At the positions `unproven` there is no verified result.
    """

    samples: tuple[tuple[float, SolvedVariant], ...]
    accuracy: float
    unproven: tuple[float, ...] = ()


def sample_curve(ask: SolveAt, low: float, high: float, noise: float, maximum: int) -> _CurveSamples:
    """Sample a curve.

    Args:
        ask: Function that solves the scenario at a position.
        noise: Differences of the objective up to this count as zero.
        maximum: Approximate maximum number of samples.

    Returns:
        The samples with their estimated accuracy.
    """
    known, unproven = {}, []
    for position in (low + (high - low) * step / (INITIAL_SAMPLES - 1) for step in range(INITIAL_SAMPLES)):
        try:
            known[position] = ask(position)
        except SolverError:
            unproven.append(position)
    for one, two in list(pairwise(sorted(known))):
        if known[one].outcome.feasible != known[two].outcome.feasible:
            inside, outside = (one, two) if known[one].outcome.feasible else (two, one)
            known |= _find_feasible_edge(ask, known, inside, outside, EDGE_TOLERANCE * (high - low))
    values = [solved.outcome.value for solved in known.values() if solved.outcome.feasible]
    tolerance = max(SAMPLE_ACCURACY * (max(values, default=0.0) - min(values, default=0.0)), noise)
    accuracy = _bisect_intervals(ask, known, unproven, tolerance, (high - low) * EDGE_TOLERANCE, maximum)
    return _CurveSamples(
        tuple(sorted(known.items())), max(accuracy, noise), tuple(sorted(set(unproven) - known.keys()))
    )


def _bisect_intervals(
    ask: SolveAt,
    known: dict[float, SolvedVariant],
    unproven: list[float],
    tolerance: float,
    minimum: float,
    maximum: int,
) -> float:
    """Bisect intervals whose midpoint deviates from the chord by more than `tolerance`; return the largest deviation.

    A midpoint without a verified result is added to `unproven`, and its interval is not refined further.
    """
    heap: list[tuple[float, float, float]] = []
    for one, two in pairwise(sorted(known)):
        if known[one].outcome.feasible and known[two].outcome.feasible:
            heapq.heappush(heap, (-math.inf, one, two))
    left = 0.0
    while heap and -heap[0][0] > tolerance and len(known) < maximum:
        _, one, two = heapq.heappop(heap)
        middle = (one + two) / 2
        if two - one <= minimum:
            continue
        try:
            known[middle] = ask(middle)
        except SolverError:
            unproven.append(middle)
            continue
        if not known[middle].outcome.feasible:
            continue
        deviation = abs(known[middle].outcome.value - (known[one].outcome.value + known[two].outcome.value) / 2)
        left = max(left, deviation if deviation <= tolerance else 0.0)
        if deviation > tolerance:
            heapq.heappush(heap, (-deviation, one, middle))
            heapq.heappush(heap, (-deviation, middle, two))
    return max(left, -heap[0][0] if heap and math.isfinite(heap[0][0]) else 0.0)


def _find_feasible_edge(
    ask: SolveAt, known: dict[float, SolvedVariant], inside: float, outside: float, near: float
) -> dict[float, SolvedVariant]:
    """Return the two positions, at most `near` apart, between which feasibility ends, with their results."""
    plan, none = known[inside], known[outside]
    tries = 0
    while abs(outside - inside) > near:
        tries += 1
        position = (
            (inside + outside) / 2 if tries % 3 == 0 else _extrapolate_infeasibility(plan, none, inside, outside, near)
        )
        try:
            solved = ask(position)
        except SolverError:  # so near to the boundary that neither can be verified
            break
        if solved.outcome.feasible:
            inside, plan = position, solved
        else:
            outside, none = position, solved
    return {inside: plan, outside: none}


def _extrapolate_infeasibility(
    plan: SolvedVariant, none: SolvedVariant, inside: float, outside: float, near: float
) -> float:
    """Return the next position to try: the extrapolated zero of the Farkas margin of `outside`, else the middle."""
    y = none.outcome.y
    if len(y) != len(plan.variant.program.rows):
        return (inside + outside) / 2
    there, here = (
        _compute_infeasibility_margin(none.variant.program, y),
        _compute_infeasibility_margin(plan.variant.program, y),
    )
    share = there / (there - here) if here < 0 < there else 0.5
    position = outside + (inside - outside) * share
    step = math.copysign(near / 2, inside - outside)
    position = position + step  # alternately just inside and just outside the estimated boundary
    return position if min(inside, outside) + near / 4 < position < max(inside, outside) - near / 4 else inside - step
