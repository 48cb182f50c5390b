"""Values and supporting lines of a parametric LP, by re-solves and adaptive sampling.

If right-hand sides or bounds vary, the duals at one position give a lower bound everywhere: the value is convex. If
costs vary, the solution at one position gives an upper bound everywhere: it is concave, and is negated here. Nonlinear
curves, and the edges of feasibility, are bisected.
"""

from __future__ import annotations

import dataclasses
import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from medalopt.analysis.scenario_runner import ParametricScenarios, ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.piecewise_linear import TangentPoint
from medalopt.errors import SolverError
from medalopt.instance.arrays import Floats
from medalopt.solver.infeasibility import compute_farkas_margin
from medalopt.solver.parametric_line import ProgramLine
from medalopt.solver.program import SolverProgram
from medalopt.solver.scaling import scale_program
from medalopt.solver.verification import VerifiedResult

_MIN_STEP = 1e-10  # fraction of the interval: minimum step from an infeasible position
_MAX_STEPS = 200


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

        Args:
            position: Position.

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

        Args:
            position: Position.

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
            now, then = (self._compute_margin(solved.outcome.y, position) for position in (at, stop))
            if self.sign < 0 or then > 0 or not then < now:
                return None
            at = max(at + (stop - at) * now / (now - then), at + span * _MIN_STEP, key=lambda x: (x - at) / span)
        return None

    def _compute_margin(self, y: Floats, position: float) -> float:
        """Return the margin of a Farkas certificate at a position."""
        return _compute_infeasibility_margin(self._line.interpolate(position), y)


def _compute_infeasibility_margin(linear: SolverProgram, y: Floats) -> float:
    """Return the margin by which multipliers `y` (M,) prove `linear` infeasible; no proof if it is not above 0."""
    program = scale_program(linear)
    return compute_farkas_margin(linear, program, np.ldexp(y, -program.row))


def _price_bounds(price: Floats, low: Floats, high: Floats) -> float:
    """Return Σ price · slope of the active bound: the lower one for positive prices, else the upper one."""
    return float(np.where(price > 0, price * low, price * high).sum())


INITIAL_SAMPLES = 7  # initial samples
EDGE_TOLERANCE = 1e-6  # fraction of the interval to which the end of feasibility is located
SAMPLE_ACCURACY = 1e-3  # fraction of the range of the objective: wanted accuracy of linear interpolation
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
        low: First position.
        high: Last position.
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
