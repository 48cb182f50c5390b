"""Least move of one parameter, all others fixed, that makes an infeasible instance feasible.

Depending on the parameter: one LP with the move as a variable (parameters of row bounds), bisection (dates and lead
times), or a root search on the least violation, whose multipliers supply its derivative (coefficients of the matrix).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.infeasibility.conflict import (
    NO_EXTENSIONS,
    SMALL_PROGRAM_ROWS,
    Extensions,
    FeasibilityProblem,
    build_feasibility_problem,
)
from medalopt.analysis.infeasibility.repair_parameter import RepairParameter
from medalopt.analysis.infeasibility.screening import screen_instance
from medalopt.instance.instance import Instance
from medalopt.solver.infeasibility import (
    ElasticSolution,
    compute_farkas_margin,
    find_least_relaxation,
    have_same_matrix,
    minimise_violation,
)
from medalopt.solver.parametric_sweep import fit_program_line
from medalopt.solver.program import ProgramBasis, have_same_structure
from medalopt.tolerances import FARKAS_TOLERANCE, POSITION_TOLERANCE

ProblemBuilder = Callable[[float], FeasibilityProblem]
MAX_MOVE_FACTOR = 1e4  # largest move: factor on the present value, or in the parameter's unit if that is 0
MAX_ROOT_TRIALS = 24
FIRST_STEP_DAMPING = 0.9  # share of the first Newton step, which gives a second sample for the cubic
INITIAL_STEP_SHARE = 0.01  # first step as share of the interval if the slope is unknown
DIFFERENCE_STEP = 1e-4  # finite-difference step as share of the way to the end


@dataclass(frozen=True, eq=False)
class InfeasibleInstance:
    """Infeasible instance with its program and least violation."""

    instance: Instance
    problem: FeasibilityProblem
    violation: ElasticSolution
    extensions: Extensions = NO_EXTENSIONS

    @property
    def is_large(self) -> bool:
        """Return whether the program is so large, above `SMALL_PROGRAM_ROWS`, that solves are used sparingly."""
        return len(self.problem.program.rows) > SMALL_PROGRAM_ROWS

    @property
    def basis(self) -> ProgramBasis | None:
        """Basis at which the violation was least, without the elastic columns; None if there is none."""
        return (
            None
            if self.violation.basis is None
            else ProgramBasis(self.problem.program, self.violation.basis).drop_elastic_columns()
        )

    def _build_moved(self, parameter: RepairParameter, position: float) -> FeasibilityProblem:
        """Build the program with a parameter at another position."""
        return build_feasibility_problem(parameter.at_position(self.instance, position), self.extensions)


def measure_infeasibility(
    instance: Instance,
    extensions: Extensions = NO_EXTENSIONS,
    problem: FeasibilityProblem | None = None,
    near: InfeasibleInstance | None = None,
) -> InfeasibleInstance | None:
    """Measure the least violation of the rows of an instance.

    Args:
        problem: Its program if it has been built already.
        near: Similar infeasible instance whose basis is the starting point.

    Returns:
        The instance with its violation; None if it is feasible.
    """
    problem = problem or build_feasibility_problem(instance, extensions)
    ends = problem.unconditional | problem.rule_bounds
    short = minimise_violation(
        problem.scaled, ends, near.violation.transfer(near.problem.program, problem.program) if near else None
    )
    return InfeasibleInstance(instance, problem, short, extensions) if short.contradicts else None


def find_least_position(parameter: RepairParameter, at: InfeasibleInstance) -> float | None:
    """Find the position closest to the present one at which the instance is feasible.

    Returns:
        The position; None if no position up to `parameter.end` suffices.
    """
    end = parameter.end if math.isfinite(parameter.end) else (MAX_MOVE_FACTOR * max(abs(parameter.start), 1.0))
    if end == parameter.start:
        return None
    if screen_instance(parameter.at_position(at.instance, end)):
        return None
    if parameter.is_stepwise:
        return _find_by_bisection(parameter, at, int(end))
    if not at.is_large:
        goal = at._build_moved(parameter, _choose_probe_position(parameter, end))
        if have_same_matrix(at.problem.program, goal.program):
            return _find_by_parametric_lp(parameter, at, goal, end)
    far = at._build_moved(parameter, end)
    if _proof_carries_over(at, far) or _is_infeasible(far, at):
        return None
    return _find_by_root_search(parameter, at, far, end)


def _choose_probe_position(parameter: RepairParameter, end: float) -> float:
    """Return the position at which the effect of a move is measured: the end or, if infinite, twice the present one."""
    return end if math.isfinite(parameter.end) else 2 * parameter.start if parameter.start else 1.0


def _is_infeasible(problem: FeasibilityProblem, near: InfeasibleInstance) -> bool:
    """Return True if the program is infeasible."""
    return measure_infeasibility(near.instance, near.extensions, problem, near) is not None


def _proof_carries_over(at: InfeasibleInstance, other: FeasibilityProblem) -> bool:
    """Return True if the multipliers that prove infeasibility prove it for the other program too."""
    if at.problem.program.rows != other.program.rows:
        return False
    y = np.ldexp(at.violation.multipliers, at.problem.scaled.row - other.scaled.row)
    return (
        compute_farkas_margin(other.program, other.scaled, y / max(1.0, float(np.abs(y).max(initial=0.0))))
        > 2 * FARKAS_TOLERANCE
    )


def _find_by_parametric_lp(
    parameter: RepairParameter, at: InfeasibleInstance, goal: FeasibilityProblem, end: float
) -> float | None:
    """Solve for the least move of a parameter that changes row bounds only: an LP with one more column."""
    span = _choose_probe_position(parameter, end) - parameter.start
    if _proof_carries_over(at, goal) and math.isfinite(parameter.end):
        return None
    step = find_least_relaxation(at.problem.program, goal.program, (end - parameter.start) / span)
    return None if step is None else parameter.start + step * span


def _find_by_bisection(parameter: RepairParameter, at: InfeasibleInstance, end: int) -> float | None:
    """Bisect on whole steps (dates and lead times) between an infeasible and a feasible position."""
    short, enough = int(parameter.start), end
    if _is_infeasible(at._build_moved(parameter, float(end)), at):
        return None
    while abs(enough - short) > 1:
        middle = (enough + short) // 2
        if _is_infeasible(at._build_moved(parameter, float(middle)), at):
            short = middle
        else:
            enough = middle
    return float(enough)


def _find_by_root_search(
    parameter: RepairParameter, at: InfeasibleInstance, far: FeasibilityProblem, end: float
) -> float:
    """Search the root of the least violation over a parameter in the matrix, with bisection as safeguard."""
    whole = parameter.kind == "whole"
    draw = interpolate_problems(
        lambda position: at._build_moved(parameter, position), at.problem, far, parameter.start, end, whole
    )
    shortage, enough, again, last = parameter.start, end, False, at
    seen = [_sample_shortfall(draw, at.problem, at.violation, shortage, enough)]
    for _ in range(MAX_ROOT_TRIALS):
        close = math.copysign(
            POSITION_TOLERANCE * max(abs(shortage), abs(enough), POSITION_TOLERANCE), end - parameter.start
        )
        if abs(enough - shortage) <= 3 * abs(close):
            break
        trial = _choose_trial(seen, shortage, enough, close)
        if again and abs(trial - enough) <= 3 * abs(close):
            trial = shortage + FIRST_STEP_DAMPING * (enough - shortage)
        again = abs(trial - enough) <= 3 * abs(close)
        found = measure_infeasibility(at.instance, at.extensions, draw(trial), last)
        if found is None:
            enough = trial
        else:
            shortage, again, last = trial, False, found
            seen = [*seen[-1:], _sample_shortfall(draw, found.problem, found.violation, trial, enough)]
    return enough


@dataclass(frozen=True)
class ShortfallSample:
    """Least violation at one position, and its decrease per unit of position (negative; None if unknown)."""

    position: float
    value: float
    slope: float | None


def _choose_trial(seen: list[ShortfallSample], shortage: float, enough: float, close: float) -> float:
    """Return the next position: just beyond the estimated root, just short of a feasible position, or halfway."""
    root = _estimate_root(seen)
    if seen[-1].slope is None and len(seen) == 1:
        return shortage + INITIAL_STEP_SHARE * (enough - shortage)
    if root is None or not min(shortage, enough - close) < root < max(shortage, enough - close):
        near = root is not None and abs(enough - root) <= 2 * abs(close)
        return enough - 2 * close if near else (shortage + enough) / 2
    if abs(enough - root) <= 2 * abs(close):
        return enough - 2 * close
    return root + close if len(seen) > 1 else shortage + FIRST_STEP_DAMPING * (root - shortage)


def _estimate_root(seen: list[ShortfallSample]) -> float | None:
    """Estimate the root by a Newton step or the inverse cubic through two samples; None if the slope is unknown."""
    last = seen[-1]
    if last.slope is None:
        return None
    if len(seen) == 1 or seen[0].slope is None or seen[0].value <= last.value:
        return last.position - last.value / last.slope
    first = seen[0]
    span = last.value - first.value
    chord = (last.position - first.position) / span
    at_first, at_last = 1 / seen[0].slope, 1 / last.slope  # inverse cubic Hermite interpolation
    u = -first.value / span
    bend, twist = chord - at_first, at_last + at_first - 2 * chord
    return first.position + span * u * (at_first + u * (bend + (u - 1) * twist))


def _sample_shortfall(
    draw: ProblemBuilder, here: FeasibilityProblem, short: ElasticSolution, position: float, enough: float
) -> ShortfallSample:
    """Sample the least violation; its slope follows from the multipliers by a finite difference towards `enough`."""
    farther = min(enough, 2 * position + 1) if enough > position else enough
    step = DIFFERENCE_STEP * (farther - position)
    problem = draw(position + step)
    if problem.program.rows != here.program.rows or problem.program.places != here.program.places:
        return ShortfallSample(position, short.value, None)
    y, x = np.ldexp(short.multipliers, here.scaled.row), here.scaled.unscale_columns(short.x)
    change = 0.0
    for of, sign in ((problem.program, 1.0), (here.program, -1.0)):
        bounds = np.where(y > 0, of.row_lower, of.row_upper)
        bounds = np.where(np.isfinite(bounds) & (y != 0), bounds, 0.0)
        rows = np.bincount(of.entries.row, of.entries.value * x[of.entries.column], len(of.rows))
        change += sign * float(y @ (bounds - rows))
    falls = change < 0
    return ShortfallSample(position, short.value, change / step if falls else None)


def interpolate_problems(
    build: ProblemBuilder,
    start: FeasibilityProblem,
    far: FeasibilityProblem,
    begin: float,
    end: float,
    whole: bool = False,
) -> ProblemBuilder:
    """Interpolate programs along the move of one parameter if every coefficient is affine in the position.

    Args:
        build: Builds the program at a position.
        start: Program at `begin`.
        far: Program at `end`.
        begin: First position.
        end: Last position.
        whole: Whether positions are whole numbers.

    Returns:
        A function of the position that returns the interpolated program, or `build` itself.
    """

    def part(share: float) -> float:
        """Return the value of the parameter at a share of the way."""
        return float(round(begin + (end - begin) * share)) if whole else begin + (end - begin) * share

    first, second, at = begin, end, part(1 / 2)
    problem, two, check = start, far, build(at)
    if not have_same_structure(problem.program, two.program):
        first, second, at = part(1 / 4), at, part(1 / 8)
        problem, two, check = build(first), check, build(at)
    drawn = fit_program_line(problem.program, first, two.program, second, check.program, at)
    if drawn is None:
        return build
    return lambda position: dataclasses.replace(problem, program=drawn.interpolate(position))
