"""Verification of solutions by arithmetic alone: dual bound, row violations and Farkas multipliers.

A result is accepted only where its own numbers prove it; the status of the solver is not trusted.

Dual bounds and row violations are computed for many programs of one sparsity pattern at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.solver.highs import (
    METHODS,
    solve_by_method,
)
from medalopt.solver.infeasibility import compute_farkas_margin, find_farkas_multipliers
from medalopt.solver.program import (
    SolverProgram,
    maximise_over_bounds,
    order_by_column,
)
from medalopt.solver.scaling import ScaledProgram, generate_scalings
from medalopt.tolerances import FARKAS_TOLERANCE, FEASIBILITY_TOLERANCE, GAP_TOLERANCE, NEGLIGIBLE_SHARE

_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class ProgramBatch:
    """Programs of one shape, one for each of K solutions; an array with one row, (1, n), applies to all of them.

    `size` are the implied bounds of the columns, used in place of infinite bounds; `value` the entries by columns.
    """

    lower: Floats  # (K, N)
    upper: Floats
    size: Floats
    cost: Floats
    row_lower: Floats  # (K, M)
    row_upper: Floats
    value: Floats  # (K, entries)


class MatrixLayout:
    """Sparsity pattern of one matrix by columns and by rows.

    Args:
        start (N + 1,): First entry of each column.
        index (entries,): Row of each entry.
        height: Number of rows, M.
    """

    def __init__(self, start: Ints, index: Ints, height: int) -> None:
        counts, heights = np.diff(start), np.bincount(index, minlength=height)
        self._row, self._by_row = index, np.argsort(index, kind="stable")
        self._column_by_row = np.repeat(np.arange(len(counts)), counts)[self._by_row]
        self._columns = _EntryRuns.group(counts)
        self._rows = _EntryRuns.group(heights)

    def _compute_bounds(self, posed: ProgramBatch, y: Floats) -> Floats:
        """Return the Lagrangian bounds (K,): row duals times right-hand sides, less the most the columns can gain."""
        end = np.where(y > 0, posed.row_lower, posed.row_upper)
        usable = np.isfinite(end)
        if not usable.all():
            y, end = np.where(usable, y, 0.0), np.where(usable, end, 0.0)
        parts = posed.value * y[:, self._row]
        pull = self._columns.sum_groups(parts) - posed.cost
        maximum = np.where(np.isfinite(posed.upper), posed.upper, posed.size)
        minimum = np.where(np.isfinite(posed.lower), posed.lower, -posed.size)
        paid = (y * end).sum(axis=1)
        if np.isfinite(posed.size).all():
            return np.asarray(paid - np.maximum(pull * maximum, pull * minimum).sum(axis=1))
        terms = self._columns.sum_groups(np.abs(parts)) + np.abs(posed.cost)
        return np.asarray(paid - maximise_over_bounds(pull, terms, minimum, maximum))

    def _compute_violations(self, posed: ProgramBatch, x: Floats) -> Floats:
        """Return the greatest row violation relative to the row's size, (K,)."""
        low, high = posed.row_lower, posed.row_upper
        terms = posed.value[:, self._by_row] * x[:, self._column_by_row]
        activity = self._rows.sum_groups(terms)
        missed = np.maximum(np.maximum(low - activity, activity - high), 0.0)
        sizes = self._rows.sum_groups(np.abs(terms))
        for side in (low, high):
            sizes = np.maximum(sizes, np.abs(side), out=sizes, where=np.isfinite(side))
        return np.asarray((missed / np.maximum(sizes, _TINY)).max(axis=1, initial=0.0))


@dataclass(frozen=True, eq=False)
class _EntryRuns:
    """Consecutive groups of entries, such as those of one column."""

    some: Bools  # (n,) whether the group has entries
    first: Ints  # start of each nonempty group
    all: bool

    @classmethod
    def group(cls, counts: Ints) -> _EntryRuns:
        """Return the groups with the given numbers of entries."""
        return cls(counts > 0, (np.cumsum(counts) - counts)[counts > 0], bool((counts > 0).all()))

    def sum_groups(self, terms: Floats) -> Floats:
        """Return the sum of the terms of each group."""
        if self.all:
            return np.asarray(np.add.reduceat(terms, self.first, axis=1))
        sums = np.zeros((len(terms), len(self.some)))
        if len(self.first):
            sums[:, self.some] = np.add.reduceat(terms, self.first, axis=1)
        return sums


def compute_bound_and_violation(program: SolverProgram, x: Floats, y: Floats) -> tuple[float, float]:
    """Compute the lower bound of the duals and the greatest relative row violation for one program in own units.

    Rows of extensions are included; columns without a bound use their implied size.

    Args:
        x (N,): Columns.
        y (M,): Duals.

    Returns:
        Lower bound of the objective, and violation.
    """
    entries = program.entries
    order, start = order_by_column(entries, len(program.lower))
    arrays = (program.lower, program.upper, program.size, program.costs[0], program.row_lower, program.row_upper)
    posed = ProgramBatch(*(array[None, :] for array in (*arrays, entries.value[order])))
    layout = MatrixLayout(start, entries.row[order], len(program.rows))
    bound, violation = layout._compute_bounds(posed, y[None, :]), layout._compute_violations(posed, x[None, :])
    return float(bound[0]), float(violation[0])


@dataclass(frozen=True, eq=False)
class VerifiedResult:
    """Verified result of one program in own units; `status` is `optimal` or `infeasible`.

    `value` is the objective, infinite if infeasible, and `bound` the lower bound that the duals prove. If infeasible,
    `y` are the Farkas multipliers and `x` is empty.
    """

    status: str
    value: float
    x: Floats  # (N,)
    y: Floats  # (M,)
    bound: float
    violation: float  # greatest violation of a row, relative to its size
    warm: bool  # whether solved from the basis of the previous variant

    @property
    def feasible(self) -> bool:
        """Return whether the program is feasible."""
        return self.status == "optimal"


def make_single_batch(program: SolverProgram, ready: ScaledProgram) -> ProgramBatch:
    """Return a scaled program as a batch of one.

    Args:
        program: Program in own units.
        ready: The same program, scaled.

    Returns:
        Batch with leading dimension 1.
    """
    size = np.ldexp(program.size, -ready.column)
    arrays = (ready.lower, ready.upper, size, ready.costs[0], ready.row_lower, ready.row_upper, ready.value)
    return ProgramBatch(*(array[None, :] for array in arrays))


def verify_optima(
    layout: MatrixLayout, ready: ScaledProgram, programs: ProgramBatch, x: Floats, y: Floats, *, warm: bool
) -> list[VerifiedResult | None]:
    """Verify claimed optima: violation within `FEASIBILITY_TOLERANCE` and duality gap within `GAP_TOLERANCE`.

    Args:
        layout: Sparsity pattern of the matrix.
        ready: Scaled program, for the scale factors.
        programs: Batch of K programs.
        x (K, N): Scaled columns.
        y (K, M): Scaled duals.
        warm: Recorded in the results.

    Returns:
        One result for each program, None where not verified.
    """
    x = np.where(np.abs(x) < NEGLIGIBLE_SHARE, 0.0, x)
    x = np.minimum(np.maximum(x, programs.lower), programs.upper)
    costs = programs.cost * x
    value, paid = costs.sum(axis=1), np.abs(costs).sum(axis=1)
    bound, violation = layout._compute_bounds(programs, y), layout._compute_violations(programs, x)
    unit = float(np.ldexp(1.0, -int(ready.cost[0])))
    taken = (violation <= FEASIBILITY_TOLERANCE) & (value - bound <= GAP_TOLERANCE * np.maximum(1.0 / unit, paid))
    x, y = ready.unscale_columns(x), ready.unscale_duals(y)
    summaries = zip(taken.tolist(), (value * unit).tolist(), (bound * unit).tolist(), violation.tolist(), strict=True)
    return [
        VerifiedResult("optimal", minimum, x[n], y[n], proven, missed, warm) if sure else None
        for n, (sure, minimum, proven, missed) in enumerate(summaries)
    ]


def verify_infeasibility(
    program: SolverProgram, ready: ScaledProgram, rays: Iterable[Floats], *, warm: bool
) -> VerifiedResult | None:
    """Verify infeasibility by Farkas multipliers.

    Args:
        program: Program in own units.
        ready: The same program, scaled.
        rays: Candidate multipliers (M,), scaled.
        warm: Recorded in the result.

    Returns:
        The result of the first candidate that proves infeasibility, else None.
    """
    for ray in rays:
        y = ray / max(float(np.abs(ray).max(initial=0.0)), FARKAS_TOLERANCE)
        if len(y) and compute_farkas_margin(program, ready, y) > FARKAS_TOLERANCE:
            return VerifiedResult("infeasible", np.inf, np.zeros(0), np.ldexp(y, ready.row), np.inf, 0.0, warm)
    return None


def solve_from_scratch(program: SolverProgram) -> VerifiedResult:
    """Solve a program from scratch, by one scaling and method after the other.

    Args:
        program: Program in own units.

    Returns:
        The verified result.

    Raises:
        SolverError: No result can be verified.
    """
    for ready in generate_scalings(program, lambda: program.size):
        layout = MatrixLayout(ready.start, ready.index, len(ready.row_lower))
        for method in METHODS:
            result = solve_by_method(ready, method)
            found = None
            if result.status == "optimal":
                found = verify_optima(
                    layout, ready, make_single_batch(program, ready), result.x[None, :], result.y[None, :], warm=False
                )[0]
            elif result.status == "infeasible":
                found = verify_infeasibility(program, ready, find_farkas_multipliers(ready), warm=False)
            if found is not None:
                return found
    raise SolverError("a scenario could not be solved: look for values many orders of magnitude apart")
