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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.solver.highs import DUAL_SIMPLEX, PRIMAL_SIMPLEX, BoundPairs, HighsSession, load_highs, load_simplex
from medalopt.solver.infeasibility import compute_contradiction
from medalopt.solver.program import BASIC, Basis
from medalopt.solver.scaling import ScaledProgram
from medalopt.tolerances import FARKAS_TOLERANCE, SOLVER_FEASIBILITY_TOLERANCE

_INITIAL_COLUMNS_PER_ROW = 1  # initial nonbasic columns for each row
_PRICING_ROUNDS = 20  # pricing rounds, after which the whole program is solved
_SIMPLEX_ITERATION_LIMIT = 300  # simplex iterations of one run, with the same consequence


class InconclusivePricingError(Exception):
    """Partial pricing reached no conclusion on the whole program."""


class PartialProgram:
    """Subset of the columns of a program: basic, nonzero or of small reduced cost at an optimum; the others are 0.

    Args:
        program: Scaled program.
        session: Session at its optimum.
        basis: Basis of the optimum.
    """

    def __init__(self, program: ScaledProgram, session: HighsSession, basis: Basis) -> None:
        self._program = program
        x, y = session.read_solution()
        residual = np.abs(program.costs[0] - program.transpose_multiply(y))
        residual[(basis.columns == BASIC) | (x != 0)] = -1.0
        count = min(int((residual < 0).sum()) + _INITIAL_COLUMNS_PER_ROW * len(program.row_lower), len(residual))
        self._selected = np.sort(np.argpartition(residual, count - 1)[:count])
        self._place = np.full(len(residual), -1)  # place of each column among the selected ones
        self._place[self._selected] = np.arange(count)
        self._omitted = _OmittedColumns(program, self._place < 0)
        part = load_highs(_select_columns(program, self._selected))
        assert part is not None, "part of the model was taken over by HiGHS"
        self._session = part
        part.set_options(solver="simplex", simplex_iteration_limit=_SIMPLEX_ITERATION_LIMIT)
        part.set_basis(Basis(basis.columns[self._selected], basis.rows))

    def solve(self, rows: BoundPairs, columns: BoundPairs) -> tuple[Floats, Floats] | None:
        """Solve with other bounds of some rows and columns.

        Args:
            rows: Lower and upper bound by row number.
            columns: Lower and upper bound by column number.

        Returns:
            Columns (N,) and duals (M,); None if infeasible, which is verified.

        Raises:
            InconclusivePricingError: No conclusion; this object must not be used again.
        """
        self._add_columns(np.array([column for column in columns if self._place[column] < 0], dtype=np.intp))
        self._change_bounds(rows, columns)
        for number in range(_PRICING_ROUNDS):
            self._session.use_simplex(PRIMAL_SIMPLEX if number else DUAL_SIMPLEX)
            status = self._session.run()
            if status == "infeasible":
                profitable = self._find_repairing_columns(self._change_program(rows, columns))
                if not len(profitable):
                    self._change_bounds(*_find_bounds(self._program, rows, columns))
                    return None
            elif status == "optimal":
                of_part, y = self._session.read_solution()
                profitable = self._omitted.find_profitable(y)
                if not len(profitable):
                    self._change_bounds(*_find_bounds(self._program, rows, columns))
                    x = np.zeros(len(self._program.lower))
                    x[self._selected] = of_part
                    return x, y
            else:
                break
            self._add_columns(profitable)
        raise InconclusivePricingError

    def _find_repairing_columns(self, program: ScaledProgram) -> Ints:
        """Return omitted columns that may restore feasibility, none if the dual ray proves infeasibility."""
        ray = self._session.read_dual_ray()
        if not np.abs(ray).max(initial=0.0) > 0:
            raise InconclusivePricingError
        ray /= np.abs(ray).max()
        for y in (ray, -ray):
            if compute_contradiction(program, y, program.lower, program.upper) > FARKAS_TOLERANCE:
                return np.zeros(0, dtype=np.intp)
            part = _select_columns(program, self._selected)
            if compute_contradiction(part, y, part.lower, part.upper) > FARKAS_TOLERANCE:
                pull = program.transpose_multiply(y)
                useful = ((pull > 0) & (program.upper > 0)) | ((pull < 0) & (program.lower < 0))
                return np.flatnonzero(useful & (self._place < 0))
        raise InconclusivePricingError

    def _change_program(self, rows: BoundPairs, columns: BoundPairs) -> ScaledProgram:
        """Return the program with other bounds of some rows and columns."""
        program = self._program
        bounds = [array.copy() for array in (program.row_lower, program.row_upper, program.lower, program.upper)]
        for index, pair in rows.items():
            bounds[0][index], bounds[1][index] = pair
        for index, pair in columns.items():
            bounds[2][index], bounds[3][index] = pair
        return dataclasses.replace(program, row_lower=bounds[0], row_upper=bounds[1], lower=bounds[2], upper=bounds[3])

    def _change_bounds(self, rows: BoundPairs, columns: BoundPairs) -> None:
        """Pass bounds of rows and columns to HiGHS."""
        self._session.change_bounds(rows, {int(self._place[column]): bounds for column, bounds in columns.items()})

    def _add_columns(self, columns: Ints) -> None:
        """Add omitted columns."""
        if not len(columns):
            return
        more = _select_columns(self._program, columns)
        self._session.add_columns(more.costs[0], more.lower, more.upper, more.start[:-1], more.index, more.value)
        self._place[columns] = len(self._selected) + np.arange(len(columns))
        self._selected = np.append(self._selected, columns)
        self._omitted = _OmittedColumns(self._program, self._place < 0)


def _find_bounds(program: ScaledProgram, rows: Iterable[int], columns: Iterable[int]) -> tuple[BoundPairs, BoundPairs]:
    """Return the bounds of some rows and columns of a program."""
    return (
        {row: (program.row_lower[row], program.row_upper[row]) for row in rows},
        {column: (program.lower[column], program.upper[column]) for column in columns},
    )


class _OmittedColumns:
    """The omitted columns with their entries, for pricing."""

    def __init__(self, program: ScaledProgram, out: Bools) -> None:
        self._columns = np.flatnonzero(out & (np.diff(program.start) > 0))
        entries = out[program.entry_columns]
        counts = np.diff(program.start)[self._columns]
        self._first = np.cumsum(counts) - counts
        self._index, self._value = program.index[entries], program.value[entries]
        self._costs = program.costs[0][self._columns]
        self._up, self._down = program.upper[self._columns] > 0, program.lower[self._columns] < 0

    def find_profitable(self, y: Floats) -> Ints:
        """Return the omitted columns with a favourable reduced cost."""
        if not len(self._columns):
            return self._columns
        reduced = self._costs - np.add.reduceat(self._value * y[self._index], self._first)
        below, above = reduced < -SOLVER_FEASIBILITY_TOLERANCE, reduced > SOLVER_FEASIBILITY_TOLERANCE
        return self._columns[(below & self._up) | (above & self._down)]


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
        basis: Basis to start from.
    """

    def __init__(self, scaled: ScaledProgram, basis: Basis) -> None:
        self._program = scaled
        self._session = load_simplex(scaled, "the solved model could not be solved again")
        self._session.set_basis(basis)
        self._basis: Basis | None = None
        self._run(scaled.costs[0], (PRIMAL_SIMPLEX, DUAL_SIMPLEX))
        self._basis = self._session.basis
        self._part: PartialProgram | None = None

    def solve_shifted_bounds(
        self, rows: Mapping[int, tuple[float, float]], uppers: Mapping[int, float]
    ) -> ScaledOptimum | None:
        """Solve with shifted row bounds and shifted upper bounds of columns.

        Args:
            rows: Shift of the lower and upper bound by row number.
            uppers: Shift of the upper bound by column number.

        Returns:
            The optimum, None if infeasible.
        """
        program = self._program
        return self._solve_with_bounds(
            {row: (program.row_lower[row] + low, program.row_upper[row] + high) for row, (low, high) in rows.items()},
            {column: (program.lower[column], program.upper[column] + by) for column, by in uppers.items()},
        )

    def solve_fixed_row(self, row: int, value: float) -> ScaledOptimum | None:
        """Solve with a row fixed.

        Args:
            row: Row number.
            value: Its activity.

        Returns:
            The optimum, None if infeasible.
        """
        return self._solve_with_bounds({row: (value, value)}, {})

    def _solve_with_bounds(self, rows: BoundPairs, columns: BoundPairs) -> ScaledOptimum | None:
        """Solve with other bounds of some rows and columns, by partial pricing first; None if infeasible."""
        program = self._program
        with contextlib.suppress(InconclusivePricingError):
            return self._solve_part(rows, columns)
        self._session.change_bounds(rows, columns)
        optimum = self._run(program.costs[0], (DUAL_SIMPLEX, PRIMAL_SIMPLEX))
        self._session.change_bounds(*_find_bounds(program, rows, columns))
        return optimum

    def solve_bounded_column(self, column: int, low: float, high: float, cost: float = 0.0) -> ScaledOptimum | None:
        """Solve with other bounds and another cost of a column.

        Returns:
            The optimum, None if infeasible.
        """
        program, at = self._program, np.array([column])
        if cost == program.costs[0][column]:
            with contextlib.suppress(InconclusivePricingError):
                return self._solve_part({}, {column: (low, high)})
        costs = program.costs[0].copy()
        costs[column] = cost
        self._session.change_bounds({}, {column: (low, high)})
        self._session.change_costs(at, costs[at])
        optimum = self._run(costs, (PRIMAL_SIMPLEX, DUAL_SIMPLEX) if low < high else (DUAL_SIMPLEX, PRIMAL_SIMPLEX))
        self._session.change_bounds(*_find_bounds(program, (), (column,)))
        self._session.change_costs(at, program.costs[0][at])
        return optimum

    def extremise_column(self, column: int, by: int, far: float) -> ScaledOptimum | None:
        """Maximise or minimise a column, whatever the costs.

        Args:
            by: 1 to maximise, -1 to minimise.
            far: Bound of its magnitude.

        Returns:
            The optimum of that objective, None if infeasible.
        """
        costs = np.zeros(len(self._program.lower))
        costs[column] = -by
        self._session.change_bounds({}, {column: (0.0, far) if by > 0 else (-far, 0.0)})
        optimum = self.solve_with_costs(costs)
        self._session.change_bounds(*_find_bounds(self._program, (), (column,)))
        return optimum

    def solve_fixed_columns(self, columns: Ints, values: Floats) -> ScaledOptimum | None:
        """Solve with some columns fixed.

        Args:
            columns: Column numbers.
            values: Their values.

        Returns:
            The optimum, None if infeasible.
        """
        program = self._program
        self._session.change_columns(columns, values, values)
        optimum = self._run(program.costs[0], (PRIMAL_SIMPLEX,))
        self._session.change_columns(columns, program.lower[columns], program.upper[columns])
        return optimum

    def solve_with_costs(self, costs: Floats) -> ScaledOptimum | None:
        """Solve with other costs.

        Args:
            costs (N,): Costs.

        Returns:
            The optimum, None if infeasible.
        """
        numbers = np.arange(len(costs))
        self._session.change_costs(numbers, costs)
        optimum = self._run(costs, (PRIMAL_SIMPLEX, DUAL_SIMPLEX))
        self._session.change_costs(numbers, self._program.costs[0])
        return optimum

    def _solve_part(self, rows: BoundPairs, columns: BoundPairs) -> ScaledOptimum | None:
        """Solve by partial pricing, None if infeasible; raise InconclusivePricingError where it decides nothing."""
        if len(self._program.value) < _PARTIAL_PRICING_ENTRIES or self._basis is None:
            raise InconclusivePricingError
        if self._part is None:
            self._restore_basis()
            self._run_simplex(self._program.costs[0], PRIMAL_SIMPLEX)
            basis = self._session.basis
            if basis is None:
                raise InconclusivePricingError
            self._part = PartialProgram(self._program, self._session, basis)
        try:
            found = self._part.solve(rows, columns)
        except InconclusivePricingError:
            self._part = None
            raise
        return None if found is None else ScaledOptimum(float(self._program.costs[0] @ found[0]), *found)

    def _run(self, costs: Floats, strategies: tuple[int, ...]) -> ScaledOptimum | None:
        """Solve by one simplex method after the other, then from scratch; None if infeasible by primal simplex."""
        for strategy in strategies:
            status, optimum = self._run_simplex(costs, strategy)
            if optimum is not None:
                return optimum
            if strategy == PRIMAL_SIMPLEX and status == "infeasible":
                self._restore_basis()
                return None
        self._session.clear_state()
        status, optimum = self._run_simplex(costs, PRIMAL_SIMPLEX)
        if optimum is None:
            self._restore_basis()
        if optimum is None and status != "infeasible":
            raise SolverError("a small change of the plan could not be solved")
        return optimum

    def _run_simplex(self, costs: Floats, strategy: int) -> tuple[str, ScaledOptimum | None]:
        """Return status and optimum by one simplex method from the current basis, None where it finds none."""
        self._session.use_simplex(strategy)
        status = self._session.run()
        if status != "optimal":
            return status, None
        x, y = self._session.read_solution()
        return status, ScaledOptimum(float(costs @ x), x, y)

    def _restore_basis(self) -> None:
        """Restore the basis of the first optimum, since a run without an optimum leaves no useful basis."""
        if self._basis is not None:
            self._session.set_basis(self._basis)
