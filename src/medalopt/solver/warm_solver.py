"""Warm-started solver: one program kept in HiGHS and solved repeatedly with changed bounds or costs.

Large programs are solved by partial pricing first.

Partial pricing: the program is solved with a subset of its columns, and omitted columns join where they price out.

Near an optimum most columns are nonbasic with a reduced cost whose sign no small change alters. Without them HiGHS is
several times as fast, and the duals show by arithmetic whether an omitted column could improve the result (Dantzig and
Wolfe 1960).
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import highspy
import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.arrays import Floats, Ints
from medalopt.solver.basis import build_basis
from medalopt.solver.highs import (
    DUAL_SIMPLEX,
    FEASIBILITY_TOLERANCE,
    PRIMAL_SIMPLEX,
    is_optimal,
    load_highs,
    load_simplex,
)
from medalopt.solver.infeasibility import FARKAS_TOLERANCE, compute_contradiction
from medalopt.solver.scaling import ScaledProgram

BoundPairs = Mapping[int, tuple[float, float]]
_INITIAL_COLUMNS_PER_ROW = 1  # initial nonbasic columns for each row
_PRICING_ROUNDS = 20  # pricing rounds, after which the whole program is solved
_SIMPLEX_ITERATION_LIMIT = 300  # simplex iterations of one run, with the same consequence


class InconclusivePricingError(Exception):
    """Partial pricing reached no conclusion on the whole program."""


class PartialProgram:
    """Subset of the columns of a program: basic, nonzero or of small reduced cost at an optimum; the others are 0.

    Args:
        program: Scaled program.
        solver: HiGHS at its optimum.
    """

    def __init__(self, program: ScaledProgram, solver: highspy.Highs) -> None:
        self._program = program
        solution, basis = solver.getSolution(), solver.getBasis()
        apart = np.abs(program.costs[0] - program.pulled(np.array(solution.row_dual)))
        places = list(basis.col_status)  # each look at it is a copy
        basic = np.array([place == highspy.HighsBasisStatus.kBasic for place in places])
        apart[basic | (np.array(solution.col_value) != 0)] = -1.0
        count = min(int((apart < 0).sum()) + _INITIAL_COLUMNS_PER_ROW * len(program.row_lower), len(apart))
        self._among = np.sort(np.argpartition(apart, count - 1)[:count])
        self._at = np.full(len(apart), -1)
        self._at[self._among] = np.arange(count)
        self._rest = _OmittedColumns(program, self._at < 0)
        made = load_highs(_select_columns(program, self._among))
        assert made is not None, "a part of what HiGHS took is taken"
        self._solver = made
        made.setOptionValue("solver", "simplex")
        made.setOptionValue("simplex_iteration_limit", _SIMPLEX_ITERATION_LIMIT)
        start = highspy.HighsBasis()
        start.col_status = [places[column] for column in self._among.tolist()]
        start.row_status, start.valid = basis.row_status, True
        made.setBasis(start)

    def answer(self, rows: BoundPairs, columns: BoundPairs) -> tuple[Floats, Floats] | None:
        """Solve with other bounds of some rows and columns.

        Args:
            rows: Lower and upper bound by row number.
            columns: Lower and upper bound by column number.

        Returns:
            Columns (N,) and duals (M,); None if infeasible, which is verified.

        Raises:
            InconclusivePricingError: No conclusion; this object must not be used again.
        """
        self._take(np.array([column for column in columns if self._at[column] < 0], dtype=np.intp))
        self._tell(rows, columns)
        for number in range(_PRICING_ROUNDS):
            self._solver.setOptionValue("simplex_strategy", PRIMAL_SIMPLEX if number else DUAL_SIMPLEX)
            self._solver.run()
            status = self._solver.getModelStatus()
            if status == highspy.HighsModelStatus.kInfeasible:
                useful = self._repairing(self._changed(rows, columns))
                if not len(useful):
                    self._restore(rows, columns)
                    return None
            elif is_optimal(self._solver):
                solution = self._solver.getSolution()
                y = np.array(solution.row_dual)
                useful = self._rest.useful(y)
                if not len(useful):
                    self._restore(rows, columns)
                    x = np.zeros(len(self._program.lower))
                    x[self._among] = solution.col_value
                    return x, y
            else:
                break
            self._take(useful)
        raise InconclusivePricingError

    def _repairing(self, program: ScaledProgram) -> Ints:
        """Return omitted columns that may restore feasibility, none if the dual ray proves infeasibility."""
        _, exists, found = self._solver.getDualRay()  # type: ignore[attr-defined]
        ray = np.array(found) if exists else np.zeros(0)
        if not np.abs(ray).max(initial=0.0) > 0:
            raise InconclusivePricingError
        ray /= np.abs(ray).max()
        for y in (ray, -ray):
            if compute_contradiction(program, y, program.lower, program.upper) > FARKAS_TOLERANCE:
                return np.zeros(0, dtype=np.intp)
            part = _select_columns(program, self._among)
            if compute_contradiction(part, y, part.lower, part.upper) > FARKAS_TOLERANCE:
                pull = program.pulled(y)
                useful = ((pull > 0) & (program.upper > 0)) | ((pull < 0) & (program.lower < 0))
                return np.flatnonzero(useful & (self._at < 0))
        raise InconclusivePricingError

    def _changed(self, rows: BoundPairs, columns: BoundPairs) -> ScaledProgram:
        """Return the program with other bounds of some rows and columns."""
        program = self._program
        ends = [array.copy() for array in (program.row_lower, program.row_upper, program.lower, program.upper)]
        for at, pair in rows.items():
            ends[0][at], ends[1][at] = pair
        for at, pair in columns.items():
            ends[2][at], ends[3][at] = pair
        return dataclasses.replace(program, row_lower=ends[0], row_upper=ends[1], lower=ends[2], upper=ends[3])

    def _tell(self, rows: BoundPairs, columns: BoundPairs) -> None:
        """Pass bounds of rows and columns to HiGHS."""
        for row, ends in rows.items():
            self._solver.changeRowBounds(row, *ends)
        for column, ends in columns.items():
            self._solver.changeColBounds(int(self._at[column]), *ends)

    def _restore(self, rows: BoundPairs, columns: BoundPairs) -> None:
        """Restore the original bounds."""
        program = self._program
        self._tell(
            {row: (program.row_lower[row], program.row_upper[row]) for row in rows},
            {column: (program.lower[column], program.upper[column]) for column in columns},
        )

    def _take(self, columns: Ints) -> None:
        """Add omitted columns."""
        if not len(columns):
            return
        more = _select_columns(self._program, columns)
        ends, entries = (more.costs[0], more.lower, more.upper), (more.start[:-1].astype(np.int32),)
        self._solver.addCols(len(columns), *ends, len(more.value), *entries, more.index.astype(np.int32), more.value)
        self._at[columns] = len(self._among) + np.arange(len(columns))
        self._among = np.append(self._among, columns)
        self._rest = _OmittedColumns(self._program, self._at < 0)


class _OmittedColumns:
    """The omitted columns with their entries, for pricing."""

    def __init__(self, program: ScaledProgram, out: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
        self._columns = np.flatnonzero(out & (np.diff(program.start) > 0))
        entries = out[program.entry_columns]
        counts = np.diff(program.start)[self._columns]
        self._first = np.cumsum(counts) - counts
        self._index, self._value = program.index[entries], program.value[entries]
        self._costs = program.costs[0][self._columns]
        self._up, self._down = program.upper[self._columns] > 0, program.lower[self._columns] < 0

    def useful(self, y: Floats) -> Ints:
        """Return the omitted columns with a favourable reduced cost at the duals `y`, (M,)."""
        if not len(self._columns):
            return self._columns
        reduced = self._costs - np.add.reduceat(self._value * y[self._index], self._first)
        return self._columns[
            ((reduced < -FEASIBILITY_TOLERANCE) & self._up) | ((reduced > FEASIBILITY_TOLERANCE) & self._down)
        ]


def _select_columns(program: ScaledProgram, columns: Ints) -> ScaledProgram:
    """Return the program with some of its columns only."""
    counts = np.diff(program.start)[columns]
    start = np.concatenate([[0], np.cumsum(counts)])
    entries = np.repeat(program.start[:-1][columns] - start[:-1], counts) + np.arange(start[-1])
    return dataclasses.replace(
        program,
        column=program.column[columns],
        lower=program.lower[columns],
        upper=program.upper[columns],
        costs=program.costs[:, columns],
        start=start,
        index=program.index[entries],
        value=program.value[entries],
    )


LOWER, BASIC, UPPER = 0, 1, 2
_PARTIAL_PRICING_ENTRIES = 20_000  # number of matrix entries from which partial pricing is tried first


@dataclass(frozen=True, eq=False)
class ScaledOptimum:
    """Optimum in scaled units."""

    value: float
    x: Floats
    y: Floats


class WarmSolver:
    """Warm-started solver of a scaled program.

    Args:
        scaled: The program.
        columns (N,): Starting status of each column: LOWER, BASIC or UPPER.
        rows (M,): Starting status of each row.
    """

    def __init__(self, scaled: ScaledProgram, columns: Ints, rows: Ints) -> None:
        self._program = scaled
        self._solver = load_simplex(scaled, "a plan could not be asked further")
        set_start_basis(self._solver, columns, rows)
        self._basis: highspy.HighsBasis | None = None
        self._run(scaled.costs[0], (PRIMAL_SIMPLEX, DUAL_SIMPLEX))
        self._basis = self._solver.getBasis()
        self._part: PartialProgram | None = None

    def moved(self, rows: Mapping[int, tuple[float, float]], uppers: Mapping[int, float]) -> ScaledOptimum | None:
        """Solve with shifted row bounds and shifted upper bounds of columns.

        Args:
            rows: Shift of the lower and upper bound by row number.
            uppers: Shift of the upper bound by column number.

        Returns:
            The optimum, None if infeasible.
        """
        program = self._program
        with contextlib.suppress(InconclusivePricingError):
            return self._of_part(
                {
                    row: (program.row_lower[row] + low, program.row_upper[row] + high)
                    for row, (low, high) in rows.items()
                },
                {column: (program.lower[column], program.upper[column] + by) for column, by in uppers.items()},
            )
        for row, (low, high) in rows.items():
            self._solver.changeRowBounds(row, program.row_lower[row] + low, program.row_upper[row] + high)
        for column, by in uppers.items():
            self._solver.changeColBounds(column, program.lower[column], program.upper[column] + by)
        answer = self._run(program.costs[0], (DUAL_SIMPLEX, PRIMAL_SIMPLEX))
        for row in rows:
            self._solver.changeRowBounds(row, program.row_lower[row], program.row_upper[row])
        for column in uppers:
            self._solver.changeColBounds(column, program.lower[column], program.upper[column])
        return answer

    def fixed(self, row: int, value: float) -> ScaledOptimum | None:
        """Solve with a row fixed.

        Args:
            row: Row number.
            value: Its activity.

        Returns:
            The optimum, None if infeasible.
        """
        program = self._program
        with contextlib.suppress(InconclusivePricingError):
            return self._of_part({row: (value, value)}, {})
        self._solver.changeRowBounds(row, value, value)
        answer = self._run(program.costs[0], (DUAL_SIMPLEX, PRIMAL_SIMPLEX))
        self._solver.changeRowBounds(row, program.row_lower[row], program.row_upper[row])
        return answer

    def solve_bounded_column(self, column: int, low: float, high: float, cost: float = 0.0) -> ScaledOptimum | None:
        """Solve with other bounds and another cost of a column.

        Args:
            column: Column number.
            low: Lower bound.
            high: Upper bound.
            cost: Cost of the column.

        Returns:
            The optimum, None if infeasible.
        """
        program = self._program
        if cost == program.costs[0][column]:
            with contextlib.suppress(InconclusivePricingError):
                return self._of_part({}, {column: (low, high)})
        self._solver.changeColBounds(column, low, high)
        self._solver.changeColCost(column, cost)
        costs = program.costs[0].copy()
        costs[column] = cost
        answer = self._run(costs, (PRIMAL_SIMPLEX, DUAL_SIMPLEX) if low < high else (DUAL_SIMPLEX, PRIMAL_SIMPLEX))
        self._solver.changeColBounds(column, program.lower[column], program.upper[column])
        self._solver.changeColCost(column, program.costs[0][column])
        return answer

    def extremise_column(self, column: int, by: int, far: float) -> ScaledOptimum | None:
        """Maximise or minimise a column, whatever the costs.

        Args:
            column: Column number.
            by: 1 to maximise, -1 to minimise.
            far: Bound of its magnitude.

        Returns:
            The optimum of that objective, None if infeasible.
        """
        program, costs = self._program, np.zeros(len(self._program.lower))
        costs[column] = -by
        self._solver.changeColBounds(column, *((0.0, far) if by > 0 else (-far, 0.0)))
        answer = self.solve_with_costs(costs)
        self._solver.changeColBounds(column, program.lower[column], program.upper[column])
        return answer

    def held(self, columns: Ints, values: Floats) -> ScaledOptimum | None:
        """Solve with some columns fixed.

        Args:
            columns: Column numbers.
            values: Their values.

        Returns:
            The optimum, None if infeasible.
        """
        program, numbers = self._program, columns.astype(np.int32)
        self._solver.changeColsBounds(len(numbers), numbers, values, values)
        answer = self._run(program.costs[0], (PRIMAL_SIMPLEX,))
        self._solver.changeColsBounds(len(numbers), numbers, program.lower[columns], program.upper[columns])
        return answer

    def solve_with_costs(self, costs: Floats) -> ScaledOptimum | None:
        """Solve with other costs.

        Args:
            costs (N,): Costs.

        Returns:
            The optimum, None if infeasible.
        """
        numbers = np.arange(len(costs), dtype=np.int32)
        self._solver.changeColsCost(len(costs), numbers, costs)
        answer = self._run(costs, (PRIMAL_SIMPLEX, DUAL_SIMPLEX))
        self._solver.changeColsCost(len(costs), numbers, self._program.costs[0])
        return answer

    def _of_part(self, rows: BoundPairs, columns: BoundPairs) -> ScaledOptimum | None:
        """Solve by partial pricing, None if infeasible; raise InconclusivePricingError where it decides nothing."""
        if len(self._program.value) < _PARTIAL_PRICING_ENTRIES or self._basis is None:
            raise InconclusivePricingError
        if self._part is None:
            self._again()
            self._attempted(self._program.costs[0], PRIMAL_SIMPLEX)
            self._part = PartialProgram(self._program, self._solver)
        try:
            found = self._part.answer(rows, columns)
        except InconclusivePricingError:
            self._part = None
            raise
        return None if found is None else ScaledOptimum(float(self._program.costs[0] @ found[0]), *found)

    def _run(self, costs: Floats, strategies: tuple[int, ...]) -> ScaledOptimum | None:
        """Solve by one simplex method after the other, then from scratch; None if infeasible by primal simplex."""
        for strategy in strategies:
            answer = self._attempted(costs, strategy)
            if answer is not None:
                return answer
            if strategy == PRIMAL_SIMPLEX and self._solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
                self._again()
                return None
        self._solver.clearSolver()
        answer = self._attempted(costs, PRIMAL_SIMPLEX)
        refused = self._solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible
        if answer is None:
            self._again()
        if answer is None and not refused:
            raise SolverError("a small change of the plan could not be solved")
        return answer

    def _attempted(self, costs: Floats, strategy: int) -> ScaledOptimum | None:
        """Return the optimum by one simplex method from the current basis, None where it finds none."""
        self._solver.setOptionValue("simplex_strategy", strategy)
        self._solver.run()
        if not is_optimal(self._solver):
            return None
        solution = self._solver.getSolution()
        x = np.array(solution.col_value)
        return ScaledOptimum(float(costs @ x), x, np.array(solution.row_dual))

    def _again(self) -> None:
        """Restore the basis of the first optimum, since a run without an optimum leaves no useful basis."""
        if self._basis is not None:
            self._solver.setBasis(self._basis)


def set_start_basis(solver: highspy.Highs, columns: Ints, rows: Ints) -> None:
    """Set the starting basis of a solver.

    Args:
        solver: HiGHS with a program.
        columns (N,): Status of each column: LOWER, BASIC or UPPER.
        rows (M,): Status of each row.
    """
    statuses = (highspy.HighsBasisStatus.kLower, highspy.HighsBasisStatus.kBasic, highspy.HighsBasisStatus.kUpper)
    solver.setBasis(build_basis(*([statuses[place] for place in each.tolist()] for each in (columns, rows))))
