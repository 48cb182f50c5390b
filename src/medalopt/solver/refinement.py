"""Solutions for which HiGHS's tolerances are too coarse: iterative refinement, then the simplex method in fractions.

Iterative refinement (Gleixner, Steffy and Wolter 2016): the residual of a solution is solved at a finer scale, since
HiGHS's absolute tolerance ignores a demand that is 1e-12 of another one. All bounds are shifted to the current solution
and multiplied by a power of two.

Where refinement proves nothing of a small program either, the simplex method goes on in fractions from its bases: where
coefficients are spread over many decades, no tolerance tells a violated bound from rounding. The basis in which HiGHS
ends is then a few pivots away from an optimal one, and each of these is a few sparse systems of equations in fractions.
Entering and leaving variables are chosen by least number, so that no basis recurs (Bland 1977); as long as basic
variables violate their bounds, the sum of the violations is minimised (phase one).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np

from medalopt.instance.arrays import Floats
from medalopt.proof.basis import solve_equations
from medalopt.solver.highs import METHODS, HighsResult, TimeBudget, solve_by_method
from medalopt.solver.program import (
    BASIC,
    LOWER,
    UPPER,
    Basis,
    SolverProgram,
)
from medalopt.solver.scaling import ScaledProgram

ZOOM_EXPONENTS = (40, 24, 12)  # exponents of the magnification of one refinement, tried in turn
LARGEST_BOUND = 1e18  # a magnified bound beyond this is dropped; HiGHS treats 1e20 as infinite
PIVOTS_PER_LINE = 20  # simplex iterations for each row and column, beyond which it is taken to cycle
MAX_PIVOTS = 200  # pivots after which the basis is given up
REFINEMENT_ROUNDS = 6  # greatest number of refinements of one solution
_Values = dict[int, Fraction]


def refine_iteratively(program: ScaledProgram, method: str, budget: TimeBudget) -> Iterator[tuple[HighsResult, int]]:
    """Yield the optimum of one method, then refined once, twice and so on.

    Residuals are computed in extended precision where the machine has it.

    Args:
        method: Simplex method to start with.

    Yields:
        Result, and the exponent of the scale at which it was found.
    """
    result, primal, dual = _solve_refined(program, method, None, budget), 0, 0
    x, y = np.zeros(len(program.lower)), np.zeros(len(program.row_lower))
    finer, rounds = True, 0
    while result is not None:
        x = np.clip(x + np.ldexp(result.x, -primal), program.lower, program.upper)
        y, basis = y + np.ldexp(result.y, -dual), result.basis
        yield HighsResult("optimal", method, x, y, basis), primal
        if not finer or rounds == REFINEMENT_ROUNDS:
            return
        rest, before, rounds = _shift_to_residual(program, x, y), (primal, dual), rounds + 1
        closest = _zoom_exponent(_residual_violation(rest)), _zoom_exponent(_largest_reduced_cost(rest))
        for zoom in ZOOM_EXPONENTS:
            primal, dual = (min(scale + zoom, maximum) for scale, maximum in zip(before, closest, strict=True))
            result = _solve_refined(_magnify_program(rest, primal, dual), method, basis, budget)
            if result is not None:
                break
        finer = primal > before[0] or dual > before[1]


def _solve_refined(program: ScaledProgram, method: str, basis: Basis | None, budget: TimeBudget) -> HighsResult | None:
    """Return an optimum, from `basis` if that works, else from scratch by either simplex method; None without one."""
    iterations = PIVOTS_PER_LINE * (len(program.lower) + len(program.row_lower))
    starts = ((method, basis), (METHODS[0], None), (METHODS[1], None))
    answers = (
        solve_by_method(program, each, start, budget, iterations) for each, start in starts if budget.seconds_left()
    )
    return next((result for result in answers if result.status == "optimal"), None)


def _shift_to_residual(program: ScaledProgram, x: Floats, y: Floats) -> ScaledProgram:
    """Return the program in the differences from `x`, its first objective being the reduced costs at the duals `y`."""
    value = program.value.astype(np.longdouble)
    activity = np.zeros(len(y), dtype=np.longdouble)
    reduced = program.costs[0].astype(np.longdouble)
    np.add.at(activity, program.index, value * x[program.entry_columns])
    np.subtract.at(reduced, program.entry_columns, value * y[program.index])
    return replace(
        program,
        lower=program.lower - x,
        upper=program.upper - x,
        row_lower=(program.row_lower - activity).astype(np.float64),
        row_upper=(program.row_upper - activity).astype(np.float64),
        costs=np.concatenate([reduced[None, :].astype(np.float64), program.costs[1:]]),
    )


def _residual_violation(rest: ScaledProgram) -> float:
    """Return the greatest violation of a bound or row at zero difference."""
    return max(float(low.max(initial=0.0)) for low in (rest.lower, -rest.upper, rest.row_lower, -rest.row_upper))


def _largest_reduced_cost(rest: ScaledProgram) -> float:
    """Return the largest reduced cost of a column that is not at the bound it favours."""
    reduced = rest.costs[0]
    room = np.where(reduced > 0, rest.lower < 0, rest.upper > 0)
    return float(np.abs(reduced)[room].max(initial=0.0))


def _zoom_exponent(size: float) -> int:
    """Return the exponent of the power of two that scales `size` to about 1."""
    return -int(np.frexp(size)[1]) if size > 0 else max(ZOOM_EXPONENTS)


def _magnify_program(rest: ScaledProgram, primal: int, dual: int) -> ScaledProgram:
    """Return the residual program with bounds times 2**primal and first objective times 2**dual."""
    ends = (np.ldexp(end, primal) for end in (rest.lower, rest.upper, rest.row_lower, rest.row_upper))
    lower, upper, row_lower, row_upper = (
        np.where(np.abs(end) > LARGEST_BOUND, np.copysign(np.inf, end), end) for end in ends
    )
    costs = np.concatenate([np.ldexp(rest.costs[:1], dual), rest.costs[1:]])
    return replace(rest, lower=lower, upper=upper, row_lower=row_lower, row_upper=row_upper, costs=costs)


_ZERO = Fraction(0)


class _ExactProgram:
    """Program in fractions; the activities of rows are variables too, numbered on from the columns."""

    def __init__(self, linear: SolverProgram) -> None:
        self.width, self.height = len(linear.lower), len(linear.rows)
        bounds = zip(
            np.concatenate([linear.lower, linear.row_lower]).tolist(),
            np.concatenate([linear.upper, linear.row_upper]).tolist(),
            strict=True,
        )
        self.bounds = [tuple(Fraction(end) if np.isfinite(end) else None for end in pair) for pair in bounds]
        self.costs = [Fraction(cost) for cost in linear.costs[0].tolist()]
        self.by_row: list[_Values] = [{} for _ in range(self.height)]
        self.by_column: list[_Values] = [{} for _ in range(self.width)]
        entries = linear.entries
        for row, column, value in zip(
            entries.row.tolist(), entries.column.tolist(), entries.value.tolist(), strict=True
        ):
            self.by_row[row][column] = self.by_column[column][row] = Fraction(value)

    def multiply(self, row: int, x: Mapping[int, Fraction]) -> Fraction:
        """Return the activity of a row."""
        return sum((value * x[column] for column, value in self.by_row[row].items() if column in x), _ZERO)

    def solve_columns(self, statuses: list[int], right: Mapping[int, Fraction], x: _Values) -> _Values:
        """Return all columns, the basic ones such that the nonbasic rows have the activities `right`."""
        basic = [row for row in range(self.height) if statuses[self.width + row] != BASIC]
        equations = [
            (
                {j: value for j, value in self.by_row[row].items() if statuses[j] == BASIC},
                right.get(row, _ZERO) - self.multiply(row, x),
            )
            for row in basic
        ]
        return {**dict.fromkeys(range(self.width), _ZERO), **x, **solve_equations(equations)}

    def solve_duals(self, statuses: list[int], costs: Mapping[int, Fraction]) -> _Values:
        """Return the duals of the nonbasic rows at which the basic columns have no reduced cost."""
        equations = [
            ({i: v for i, v in self.by_column[j].items() if statuses[self.width + i] != BASIC}, costs.get(j, _ZERO))
            for j in range(self.width)
            if statuses[j] == BASIC
        ]
        return solve_equations(equations)


def solve_exactly(linear: SolverProgram, basis: Basis, budget: TimeBudget) -> tuple[Floats, Floats] | None:
    """Find the exact optimum from a basis.

    Args:
        linear: Program in own units.
        basis: Basis to start from.

    Returns:
        Columns (N,) and duals (M,), rounded once; None where no optimum is reached.
    """
    program, statuses = _ExactProgram(linear), [*basis.columns.tolist(), *basis.rows.tolist()]
    if statuses.count(BASIC) != program.height:
        return None
    for _ in range(MAX_PIVOTS):
        if not budget.seconds_left():
            return None
        values = _compute_values(program, statuses)
        violations = _find_violations(program, statuses, values)
        duals, entering = _price_variables(program, statuses, violations)
        if entering is None:
            if violations:
                return None
            x = np.array([float(values[column]) for column in range(program.width)])
            return x, np.array([float(duals.get(row, _ZERO)) for row in range(program.height)])
        if not _pivot(program, statuses, values, violations, *entering):
            return None
    return None


def _compute_values(program: _ExactProgram, statuses: list[int]) -> _Values:
    """Return the value of every column and row at a basis."""
    ends = {
        k: (low if status == LOWER else high if status == UPPER else None) or _ZERO
        for k, (status, (low, high)) in enumerate(zip(statuses, program.bounds, strict=True))
        if status != BASIC
    }
    width = program.width
    right = {k - width: end for k, end in ends.items() if k >= width}
    x = program.solve_columns(statuses, right, {k: end for k, end in ends.items() if k < width})
    return {**x, **{width + row: program.multiply(row, x) for row in range(program.height)}}


def _find_violations(program: _ExactProgram, statuses: list[int], values: _Values) -> dict[int, int]:
    """Return which basic variables are below their lower bound (-1) or above their upper bound (1)."""
    found = {}
    for k, (status, (low, high)) in enumerate(zip(statuses, program.bounds, strict=True)):
        if status == BASIC and low is not None and values[k] < low:
            found[k] = -1
        elif status == BASIC and high is not None and values[k] > high:
            found[k] = 1
    return found


def _price_variables(
    program: _ExactProgram, statuses: list[int], violations: Mapping[int, int]
) -> tuple[_Values, tuple[int, int] | None]:
    """Return the duals, and the first nonbasic variable that improves with its direction, None at an optimum."""
    width = program.width
    costs = {j: Fraction(violations.get(j, 0)) if violations else program.costs[j] for j in range(width)}
    for k, sign in violations.items():
        for column, value in program.by_row[k - width].items() if k >= width else ():
            costs[column] += sign * value
    duals = program.solve_duals(statuses, costs)
    for k, (status, (low, high)) in enumerate(zip(statuses, program.bounds, strict=True)):
        if status == BASIC or (low is not None and low == high):
            continue
        if k < width:
            reduced = costs[k] - sum((v * duals[i] for i, v in program.by_column[k].items() if i in duals), _ZERO)
        else:
            reduced = duals.get(k - width, _ZERO)
        if reduced < 0 and status != UPPER:
            return duals, (k, 1)
        if reduced > 0 and status != LOWER:
            return duals, (k, -1)
    return duals, None


def _pivot(
    program: _ExactProgram,
    statuses: list[int],
    values: _Values,
    violations: Mapping[int, int],
    entering: int,
    sign: int,
) -> bool:
    """Move a nonbasic variable to where it or a basic one meets a bound; return False without such a bound."""
    width = program.width
    moved = {entering: Fraction(sign)} if entering < width else {}
    right = {entering - width: Fraction(sign)} if entering >= width else {}
    fixed = {k: moved.get(k, _ZERO) for k in range(width) if statuses[k] != BASIC}
    rates = program.solve_columns(statuses, right, fixed)
    rates |= {width + row: program.multiply(row, rates) for row in range(program.height)}
    low, high = program.bounds[entering]
    best = None if low is None or high is None else (high - low, entering, UPPER if sign > 0 else LOWER)
    for k, status in enumerate(statuses):
        rate = rates[k]
        if status != BASIC or not rate:
            continue
        low, high = program.bounds[k]
        violated = violations.get(k, 0)
        if violated and (rate > 0) == (violated > 0):
            continue  # moves away from the bound that it violates
        lower = rate < 0 if not violated else violated < 0
        end = low if lower else high
        if end is None:
            continue
        step = (end - values[k]) / rate
        if best is None or step < best[0]:
            best = (step, k, LOWER if lower else UPPER)
    if best is None:
        return False
    _, leaving, status = best
    if leaving != entering:
        statuses[entering] = BASIC
    statuses[leaving] = status
    return True
