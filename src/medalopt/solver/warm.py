"""Warm-started solver: one program kept in HiGHS and solved repeatedly with changed bounds or costs.

Large programs are solved by partial pricing first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

import highspy
import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.figures import Floats, Ints
from medalopt.solver.highs import DUAL, PRIMAL, is_optimal, kept
from medalopt.solver.part import Ends, Part, Unsure
from medalopt.solver.scaling import Scaled
from medalopt.solver.standing import begun

LOWER, BASIC, UPPER = 0, 1, 2
_LARGE = 20_000  # number of matrix entries from which partial pricing is tried first


@dataclass(frozen=True, eq=False)
class Optimum:
    """Optimum in scaled units."""

    value: float
    x: Floats
    y: Floats


class Warm:
    """Warm-started solver of a scaled program.

    Args:
        scaled: The program.
        columns (N,): Starting status of each column: LOWER, BASIC or UPPER.
        rows (M,): Starting status of each row.
    """

    def __init__(self, scaled: Scaled, columns: Ints, rows: Ints) -> None:
        self._program = scaled
        self._solver = kept(scaled, "a plan could not be asked further")
        stand(self._solver, columns, rows)
        self._basis: highspy.HighsBasis | None = None
        self._run(scaled.costs[0], (PRIMAL, DUAL))
        self._basis = self._solver.getBasis()
        self._part: Part | None = None

    def moved(self, rows: Mapping[int, tuple[float, float]], uppers: Mapping[int, float]) -> Optimum | None:
        """Solve with shifted row bounds and shifted upper bounds of columns.

        Args:
            rows: Shift of the lower and upper bound by row number.
            uppers: Shift of the upper bound by column number.

        Returns:
            The optimum, None if infeasible.
        """
        program = self._program
        with contextlib.suppress(Unsure):
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
        answer = self._run(program.costs[0], (DUAL, PRIMAL))
        for row in rows:
            self._solver.changeRowBounds(row, program.row_lower[row], program.row_upper[row])
        for column in uppers:
            self._solver.changeColBounds(column, program.lower[column], program.upper[column])
        return answer

    def fixed(self, row: int, value: float) -> Optimum | None:
        """Solve with a row fixed.

        Args:
            row: Row number.
            value: Its activity.

        Returns:
            The optimum, None if infeasible.
        """
        program = self._program
        with contextlib.suppress(Unsure):
            return self._of_part({row: (value, value)}, {})
        self._solver.changeRowBounds(row, value, value)
        answer = self._run(program.costs[0], (DUAL, PRIMAL))
        self._solver.changeRowBounds(row, program.row_lower[row], program.row_upper[row])
        return answer

    def bounded(self, column: int, low: float, high: float, cost: float = 0.0) -> Optimum | None:
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
            with contextlib.suppress(Unsure):
                return self._of_part({}, {column: (low, high)})
        self._solver.changeColBounds(column, low, high)
        self._solver.changeColCost(column, cost)
        costs = program.costs[0].copy()
        costs[column] = cost
        answer = self._run(costs, (PRIMAL, DUAL) if low < high else (DUAL, PRIMAL))
        self._solver.changeColBounds(column, program.lower[column], program.upper[column])
        self._solver.changeColCost(column, program.costs[0][column])
        return answer

    def farthest(self, column: int, by: int, far: float) -> Optimum | None:
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
        answer = self.with_costs(costs)
        self._solver.changeColBounds(column, program.lower[column], program.upper[column])
        return answer

    def held(self, columns: Ints, values: Floats) -> Optimum | None:
        """Solve with some columns fixed.

        Args:
            columns: Column numbers.
            values: Their values.

        Returns:
            The optimum, None if infeasible.
        """
        program, numbers = self._program, columns.astype(np.int32)
        self._solver.changeColsBounds(len(numbers), numbers, values, values)
        answer = self._run(program.costs[0], (PRIMAL,))
        self._solver.changeColsBounds(len(numbers), numbers, program.lower[columns], program.upper[columns])
        return answer

    def with_costs(self, costs: Floats) -> Optimum | None:
        """Solve with other costs.

        Args:
            costs (N,): Costs.

        Returns:
            The optimum, None if infeasible.
        """
        numbers = np.arange(len(costs), dtype=np.int32)
        self._solver.changeColsCost(len(costs), numbers, costs)
        answer = self._run(costs, (PRIMAL, DUAL))
        self._solver.changeColsCost(len(costs), numbers, self._program.costs[0])
        return answer

    def _of_part(self, rows: Ends, columns: Ends) -> Optimum | None:
        """Solve by partial pricing, None if infeasible; raise InconclusivePricingError where it decides nothing."""
        if len(self._program.value) < _LARGE or self._basis is None:
            raise Unsure
        if self._part is None:
            self._again()
            self._attempted(self._program.costs[0], PRIMAL)
            self._part = Part(self._program, self._solver)
        try:
            found = self._part.answer(rows, columns)
        except Unsure:
            self._part = None
            raise
        return None if found is None else Optimum(float(self._program.costs[0] @ found[0]), *found)

    def _run(self, costs: Floats, strategies: tuple[int, ...]) -> Optimum | None:
        """Solve by one simplex method after the other, then from scratch; None if infeasible by primal simplex."""
        for strategy in strategies:
            answer = self._attempted(costs, strategy)
            if answer is not None:
                return answer
            if strategy == PRIMAL and self._solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
                self._again()
                return None
        self._solver.clearSolver()
        answer = self._attempted(costs, PRIMAL)
        refused = self._solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible
        if answer is None:
            self._again()
        if answer is None and not refused:
            raise SolverError("a small change of the plan could not be solved")
        return answer

    def _attempted(self, costs: Floats, strategy: int) -> Optimum | None:
        """Return the optimum by one simplex method from the current basis, None where it finds none."""
        self._solver.setOptionValue("simplex_strategy", strategy)
        self._solver.run()
        if not is_optimal(self._solver):
            return None
        solution = self._solver.getSolution()
        x = np.array(solution.col_value)
        return Optimum(float(costs @ x), x, np.array(solution.row_dual))

    def _again(self) -> None:
        """Restore the basis of the first optimum, since a run without an optimum leaves no useful basis."""
        if self._basis is not None:
            self._solver.setBasis(self._basis)


def stand(solver: highspy.Highs, columns: Ints, rows: Ints) -> None:
    """Set the starting basis of a solver.

    Args:
        solver: HiGHS with a program.
        columns (N,): Status of each column: LOWER, BASIC or UPPER.
        rows (M,): Status of each row.
    """
    statuses = (highspy.HighsBasisStatus.kLower, highspy.HighsBasisStatus.kBasic, highspy.HighsBasisStatus.kUpper)
    solver.setBasis(begun(*([statuses[place] for place in each.tolist()] for each in (columns, rows))))
