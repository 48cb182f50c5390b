"""One program kept in HiGHS, solved again and again from where it last stood, each time with something moved."""

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
_LARGE = 20_000  # entries from which a part of the columns is asked first


@dataclass(frozen=True, eq=False)
class Optimum:
    """One answer, in scaled units."""

    value: float
    x: Floats
    y: Floats


class Warm:
    """The program `scaled`, to be started where `columns` and `rows` say that each stands."""

    def __init__(self, scaled: Scaled, columns: Ints, rows: Ints) -> None:
        self._program = scaled
        self._solver = kept(scaled, "a plan could not be asked further")
        stand(self._solver, columns, rows)
        self._basis: highspy.HighsBasis | None = None
        self._run(scaled.costs[0], (PRIMAL, DUAL))
        self._basis = self._solver.getBasis()
        self._part: Part | None = None

    def moved(self, rows: Mapping[int, tuple[float, float]], uppers: Mapping[int, float]) -> Optimum | None:
        """Return the optimum with ends of rows and upper ends of columns moved; None where there is no plan."""
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
        """Return the optimum with a row held at `value`; None where there is no such plan."""
        program = self._program
        with contextlib.suppress(Unsure):
            return self._of_part({row: (value, value)}, {})
        self._solver.changeRowBounds(row, value, value)
        answer = self._run(program.costs[0], (DUAL, PRIMAL))
        self._solver.changeRowBounds(row, program.row_lower[row], program.row_upper[row])
        return answer

    def bounded(self, column: int, low: float, high: float, cost: float = 0.0) -> Optimum | None:
        """Return the optimum with a column between other bounds, and at a cost; None where there is no plan."""
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
        """Return the plan with the greatest column (`by` 1) or the least (-1), within `far` of 0, whatever it costs."""
        program, costs = self._program, np.zeros(len(self._program.lower))
        costs[column] = -by
        self._solver.changeColBounds(column, *((0.0, far) if by > 0 else (-far, 0.0)))
        answer = self.with_costs(costs)
        self._solver.changeColBounds(column, program.lower[column], program.upper[column])
        return answer

    def held(self, columns: Ints, values: Floats) -> Optimum | None:
        """Return the optimum with some columns held at `values`; None where there is no such plan."""
        program, numbers = self._program, columns.astype(np.int32)
        self._solver.changeColsBounds(len(numbers), numbers, values, values)
        answer = self._run(program.costs[0], (PRIMAL,))
        self._solver.changeColsBounds(len(numbers), numbers, program.lower[columns], program.upper[columns])
        return answer

    def with_costs(self, costs: Floats) -> Optimum | None:
        """Return the optimum for other costs; None where there is no plan."""
        numbers = np.arange(len(costs), dtype=np.int32)
        self._solver.changeColsCost(len(costs), numbers, costs)
        answer = self._run(costs, (PRIMAL, DUAL))
        self._solver.changeColsCost(len(costs), numbers, self._program.costs[0])
        return answer

    def _of_part(self, rows: Ends, columns: Ends) -> Optimum | None:
        """Return the optimum with other ends as a part of a large program finds it, None where there is no plan.

        Raises Unsure where a part cannot tell.
        """
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
        """Solve by one simplex method after the other; that there is no plan is believed of the primal one alone.

        Where the dual method comes to no end, the primal one does; where neither does, one from the beginning.
        """
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
        """Return the optimum by one simplex method, from where the solver stands; None where it finds none."""
        self._solver.setOptionValue("simplex_strategy", strategy)
        self._solver.run()
        if not is_optimal(self._solver):
            return None
        solution = self._solver.getSolution()
        x = np.array(solution.col_value)
        return Optimum(float(costs @ x), x, np.array(solution.row_dual))

    def _again(self) -> None:
        """Let the next question start where the first stood: where no answer was found is no place to start from."""
        if self._basis is not None:
            self._solver.setBasis(self._basis)


def stand(solver: highspy.Highs, columns: Ints, rows: Ints) -> None:
    """Let `solver` start where `columns`, (N,), and `rows`, (M,), say that each stands: LOWER, BASIC or UPPER."""
    statuses = (highspy.HighsBasisStatus.kLower, highspy.HighsBasisStatus.kBasic, highspy.HighsBasisStatus.kUpper)
    solver.setBasis(begun(*([statuses[place] for place in each.tolist()] for each in (columns, rows))))
