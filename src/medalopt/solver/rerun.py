"""Post-optimal analysis around an optimum x*, by three programs in the differences d = x − x*.

Differences keep small results accurate beside large totals. The three programs share one matrix:

- the cone of feasible directions, with the bounds active at x* only: its optimum for a change of right-hand sides is
the one-sided derivative of the objective, at a breakpoint or elsewhere;
- the whole polyhedron, for a step of full size;
- the optimal face, on which every column and row is fixed that no alternative optimum can change (complementary
slackness).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.figures import Floats, Ints
from medalopt.model.network import Entries
from medalopt.solver.ends import PRICED, Ends
from medalopt.solver.linear import Linear
from medalopt.solver.scaling import Scaled, scaled
from medalopt.solver.warm import Optimum, Warm

CLOSED = 1e-9  # relative tolerance of feasibility of a step, and of Newton's method
MOVED = 1e-7  # scaled distance from which an alternative optimum counts as different
ROUNDS = 60  # iterations of Newton's method, which needs three or four


@dataclass(frozen=True)
class Change:
    """Change of bounds in one step, in own units: row bounds (lower, upper) and upper bounds of columns, by number."""

    rows: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    uppers: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Shift:
    """Change of the optimum in one step, in own units: objective, columns (N,), and the duals there (M,)."""

    value: float
    x: Floats
    y: Floats


class Rerun:
    """Analysis of single bounds and of sums of columns around an optimum.

    Args:
        linear: Program.
        x (N,): Optimal columns.
        y (M,): Optimal duals.
        sums: Groups of column numbers, such as the shipments of one source.
    """

    def __init__(self, linear: Linear, x: Floats, y: Floats, sums: Sequence[Ints] = ()) -> None:
        self.linear, self.x, self.sums = linear, x, tuple(sums)
        self.total = np.array(
            [x[group].sum() for group in sums], dtype=np.float64
        )  # value of each sum at x*, own units
        self._program = scaled(_with_sums(linear, self.sums))
        self._y = np.ldexp(np.append(y, np.zeros(len(self.sums))), self._program.cost[0] - self._program.row)
        self._reduced = self._program.costs[0] - self._program.pulled(self._y)
        self._ends = Ends.of(self._program, np.ldexp(x, -self._program.column), self._y, self._reduced)

    def _warm(self, program: Scaled) -> Warm:
        """Return a warm-started solver at x*."""
        return Warm(program, self._ends.columns, self._ends.rows)

    @cached_property
    def _cone(self) -> Warm:
        """Solver on the cone of feasible directions."""
        return self._warm(self._ends.cone(self._program))

    @cached_property
    def _whole(self) -> Warm:
        """Solver on the whole polyhedron."""
        return self._warm(self._ends.whole(self._program))

    @cached_property
    def _face(self) -> Warm:
        """Solver on the optimal face."""
        held = (np.abs(self._reduced) > PRICED, np.abs(self._y) > PRICED)
        return self._warm(self._ends.face(self._program, *held))

    def slope(self, change: Change) -> Shift | None:
        """Return the cost of a change at the rate of infinitesimal steps (one-sided derivative).

        Args:
            change: Change of bounds.

        Returns:
            Shift of the optimum for one step, None if infeasible.
        """
        rows, uppers = self._scaled(change)
        sizes = [abs(by) for by in (*(by for pair in rows.values() for by in pair), *uppers.values())]
        largest = max(sizes, default=0.0)
        if not largest:
            return Shift(0.0, np.zeros_like(self.x), np.zeros(len(self.linear.rows)))
        at_most_one = {at: (low / largest, high / largest) for at, (low, high) in rows.items()}
        answer = self._cone.moved(at_most_one, {at: by / largest for at, by in uppers.items()})
        return self._told(answer, largest)

    def step(self, change: Change) -> Shift | None:
        """Return the cost of a change of full size.

        Args:
            change: Change of bounds.

        Returns:
            Shift of the optimum, None if infeasible; linear if the derivative's direction remains feasible, else
            re-solved.
        """
        small = self.slope(change)
        if small is None or self._reaches(small, change):
            return small
        return self._told(self._whole.moved(*self._scaled(change)), 1.0)

    def slope_of_sum(self, group: int, by: int) -> Shift | None:
        """Return the cost of one unit more or less of a sum, at the rate of infinitesimal steps.

        Args:
            group: Number of the sum.
            by: 1 for more, -1 for less.

        Returns:
            Shift of the optimum for one unit, None if infeasible.
        """
        return self._told(self._cone.fixed(self._sum_row(group), float(by)), self._sum_scale(group))

    def without_sum(self, group: int) -> Shift | None:
        """Return the best plan in which a sum is 0.

        Args:
            group: Number of the sum.

        Returns:
            Shift of the optimum, None if infeasible.
        """
        columns = self.sums[group]
        values = np.ldexp(-self.x[columns], -self._program.column[columns])
        return self._told(self._whole.held(columns, values), 1.0)

    def leaves_at(self, group: int) -> float:
        """Return the additional unit cost at which a plan without a sum becomes optimal.

        By Newton's method on the concave objective as a function of that cost (Dinkelbach 1967).

        Args:
            group: Number of the sum.

        Returns:
            Additional cost per unit; infinite if the sum is indispensable, 0 if it is 0 already.

        Raises:
            SolverError: Newton's method does not converge.
        """
        everything, nothing = float(self.total[group]), self.without_sum(group)
        if everything <= 0 or nothing is None:
            return math.inf if everything > 0 else 0.0
        dearer = nothing.value / everything
        for _ in range(ROUNDS):
            answer = self._told(self._whole.with_costs(self._dearer(group, dearer)), 1.0)
            if answer is None:
                break
            left = everything + float(answer.x[self.sums[group]].sum())
            if left <= CLOSED * everything or nothing.value - answer.value - dearer * left <= CLOSED * nothing.value:
                return dearer
            dearer = max(dearer, (nothing.value - answer.value) / left)
        raise SolverError("no end was found of the prices at which a source is taken")

    def least_and_most(self, group: int) -> tuple[float, float]:
        """Return the range of a sum over all optimal plans.

        Args:
            group: Number of the sum.

        Returns:
            Least and greatest value in own units.
        """
        weights = np.zeros_like(self.x)
        weights[self.sums[group]] = self._sum_scale(group)
        weights = np.ldexp(weights, self._program.column)
        low, high = (self._on_face(sign * weights)[self.sums[group]].sum() for sign in (1.0, -1.0))
        return max(0.0, float(self.total[group] + min(low, 0.0))), float(self.total[group] + max(high, 0.0))

    def other_optimum(self) -> Floats | None:
        """Return an alternative optimum.

        x* is a vertex, determined by its active bounds, so any other optimum leaves one of them: x* is unique if and
        only if the greatest total distance from them on the optimal face is 0.

        Returns:
            Difference of the columns (N,), None if x* is proven unique.
        """
        costs = self._ends.leaving(self._program)
        moved = self._on_face(costs)
        return moved if -float(costs @ np.ldexp(moved, -self._program.column)) > MOVED else None

    def _on_face(self, costs: Floats) -> Floats:
        """Return the difference (N,) from x* to the optimum of other costs on the optimal face."""
        answer = self._face.with_costs(costs)
        if answer is None:
            raise SolverError("the optimal plans could not be compared")
        return self._program.primal(answer.x)

    def _reaches(self, shift: Shift, change: Change) -> bool:
        """Return whether x* plus the whole shift is feasible after the change."""
        d = np.ldexp(shift.x, -self._program.column)
        program = self._ends.whole(self._program)
        rows, uppers = self._scaled(change)
        low, high, above = program.row_lower.copy(), program.row_upper.copy(), program.upper.copy()
        low[list(rows)] += [by for by, _ in rows.values()]
        high[list(rows)] += [by for _, by in rows.values()]
        above[list(uppers)] += list(uppers.values())
        activity = program.activity(d)
        size = CLOSED * float(np.abs(d).max(initial=0.0))
        inside = (d >= program.lower - size) & (d <= above + size)
        kept = (activity >= low - size) & (activity <= high + size)
        return bool(inside.all() and kept.all())

    def _scaled(self, change: Change) -> tuple[dict[int, tuple[float, float]], dict[int, float]]:
        """Return the change in scaled units."""
        row, column = self._program.row, self._program.column
        return (
            {at: (math.ldexp(a, int(row[at])), math.ldexp(b, int(row[at]))) for at, (a, b) in change.rows.items()},
            {at: math.ldexp(by, -int(column[at])) for at, by in change.uppers.items()},
        )

    def _told(self, answer: Optimum | None, times: float) -> Shift | None:
        """Return a scaled optimum, multiplied by `times`, in own units and at the program's own costs."""
        if answer is None:
            return None
        x = self._program.primal(answer.x) * times
        return Shift(float(self.linear.costs[0] @ x), x, self._program.dual(answer.y)[: len(self.linear.rows)])

    def _sum_row(self, group: int) -> int:
        """Return the row number of a sum."""
        return len(self.linear.rows) + group

    def _sum_scale(self, group: int) -> float:
        """Return the scale factor of the row of a sum."""
        return math.ldexp(1.0, int(self._program.row[self._sum_row(group)]))

    def _dearer(self, group: int, by: float) -> Floats:
        """Return the scaled costs with the unit cost of a sum increased by `by`."""
        costs, columns = self._program.costs[0].copy(), self.sums[group]
        costs[columns] += np.ldexp(by, self._program.column[columns] + self._program.cost[0])
        return costs


def _with_sums(linear: Linear, sums: Sequence[Ints]) -> Linear:
    """Return the program with a free row for the sum of each group of columns."""
    first, entries = len(linear.rows), linear.entries
    rows = [np.full(len(group), first + number) for number, group in enumerate(sums)]
    free = np.full(len(sums), np.inf)
    return dataclasses.replace(
        linear,
        rows=(*linear.rows, *(("sum", number) for number in range(len(sums)))),
        row_lower=np.append(linear.row_lower, -free),
        row_upper=np.append(linear.row_upper, free),
        entries=Entries(
            np.concatenate([entries.row, *rows]).astype(np.intp),
            np.concatenate([entries.column, *sums]).astype(np.intp),
            np.concatenate([entries.value, *(np.ones(len(group)) for group in sums)]),
        ),
    )
