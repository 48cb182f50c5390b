"""A solved program asked again, near its optimum: what a small change costs, and what else is optimal.

All is told in differences d = x - x* from the optimum x*, so that small answers do not drown in large sums.
Three programs of one matrix answer:

- the cone, in which only what holds x* stays: its optimum for a change of right-hand sides is the one-sided
  derivative of the measure itself, whatever the size of the step, on a kink or off it;
- the whole program, for a step of its full size;
- the face, in which everything stays that no optimal plan can leave (complementary slackness).
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

CLOSED = 1e-9  # relative: differences below this are none
MOVED = 1e-7  # scaled: by which an alternative must differ to be another plan
ROUNDS = 60  # of Newton's method, which needs three or four


@dataclass(frozen=True)
class Change:
    """What moves by one step: lower and upper ends of rows, upper ends of columns, by their numbers, in own units."""

    rows: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    uppers: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Shift:
    """How the optimum moves by one step: the measure, the columns (N,), and the duals there (M,), in own units."""

    value: float
    x: Floats
    y: Floats


class Rerun:
    """The program `linear`, solved by `x`, (N,), with the duals `y`, (M,); `sums`: groups of columns to ask about."""

    def __init__(self, linear: Linear, x: Floats, y: Floats, sums: Sequence[Ints] = ()) -> None:
        self.linear, self.x, self.sums = linear, x, tuple(sums)
        self.total = np.array([x[group].sum() for group in sums], dtype=np.float64)  # of each sum, own unit
        self._program = scaled(_with_sums(linear, self.sums))
        self._y = np.ldexp(np.append(y, np.zeros(len(self.sums))), self._program.cost[0] - self._program.row)
        self._reduced = self._program.costs[0] - self._program.pulled(self._y)
        self._ends = Ends.of(self._program, np.ldexp(x, -self._program.column), self._y, self._reduced)

    def _warm(self, program: Scaled) -> Warm:
        return Warm(program, self._ends.columns, self._ends.rows)

    @cached_property
    def _cone(self) -> Warm:
        return self._warm(self._ends.cone(self._program))

    @cached_property
    def _whole(self) -> Warm:
        return self._warm(self._ends.whole(self._program))

    @cached_property
    def _face(self) -> Warm:
        held = (np.abs(self._reduced) > PRICED, np.abs(self._y) > PRICED)
        return self._warm(self._ends.face(self._program, *held))

    def slope(self, change: Change) -> Shift | None:
        """Return what a step of `change` costs for every small step, exactly; None where no plan lies that way."""
        rows, uppers = self._scaled(change)
        sizes = [abs(by) for by in (*(by for pair in rows.values() for by in pair), *uppers.values())]
        largest = max(sizes, default=0.0)
        if not largest:
            return Shift(0.0, np.zeros_like(self.x), np.zeros(len(self.linear.rows)))
        at_most_one = {at: (low / largest, high / largest) for at, (low, high) in rows.items()}
        answer = self._cone.moved(at_most_one, {at: by / largest for at, by in uppers.items()})
        return self._told(answer, largest)

    def step(self, change: Change) -> Shift | None:
        """Return what `change` costs as a whole: as a small one where that reaches so far, else solved anew."""
        small = self.slope(change)
        if small is None or self._reaches(small, change):
            return small
        return self._told(self._whole.moved(*self._scaled(change)), 1.0)

    def slope_of_sum(self, group: int, by: int) -> Shift | None:
        """Return what one unit more (`by` 1) or less (-1) of a sum costs, for small steps; None where it cannot be."""
        return self._told(self._cone.fixed(self._sum_row(group), float(by)), self._sum_scale(group))

    def without_sum(self, group: int) -> Shift | None:
        """Return the best plan in which a sum is 0; None where there is none."""
        columns = self.sums[group]
        values = np.ldexp(-self.x[columns], -self._program.column[columns])
        return self._told(self._whole.held(columns, values), 1.0)

    def leaves_at(self, group: int) -> float:
        """Return by how much a unit of a sum must cost more for a plan without it to be best; infinite where none is.

        By Newton's steps on the concave measure of the added cost (Dinkelbach 1967).
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
        """Return the least and the most of a sum over all optimal plans."""
        weights = np.zeros_like(self.x)
        weights[self.sums[group]] = self._sum_scale(group)
        weights = np.ldexp(weights, self._program.column)
        low, high = (self._on_face(sign * weights)[self.sums[group]].sum() for sign in (1.0, -1.0))
        return max(0.0, float(self.total[group] + min(low, 0.0))), float(self.total[group] + max(high, 0.0))

    def other_optimum(self) -> Floats | None:
        """Return by how much another optimal plan differs, (N,); None where there is none, which is thereby proven.

        What holds x* determines it, as a vertex. So any other optimal plan leaves one of these ends: the farthest
        that they can be left together, by plans on the face of optima, is nothing only where there is no other.
        """
        costs = self._ends.leaving(self._program)
        moved = self._on_face(costs)
        return moved if -float(costs @ np.ldexp(moved, -self._program.column)) > MOVED else None

    def _on_face(self, costs: Floats) -> Floats:
        """Return how far the plan that is best by other costs, among the optimal, is from this one, (N,)."""
        answer = self._face.with_costs(costs)
        if answer is None:
            raise SolverError("the optimal plans could not be compared")
        return self._program.primal(answer.x)

    def _reaches(self, shift: Shift, change: Change) -> bool:
        """Whether a whole step along `shift` still leads to a plan."""
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
        row, column = self._program.row, self._program.column
        return (
            {at: (math.ldexp(a, int(row[at])), math.ldexp(b, int(row[at]))) for at, (a, b) in change.rows.items()},
            {at: math.ldexp(by, -int(column[at])) for at, by in change.uppers.items()},
        )

    def _told(self, answer: Optimum | None, times: float) -> Shift | None:
        """Return `answer`, taken `times` times, in own units and at the costs of the program itself."""
        if answer is None:
            return None
        x = self._program.primal(answer.x) * times
        return Shift(float(self.linear.costs[0] @ x), x, self._program.dual(answer.y)[: len(self.linear.rows)])

    def _sum_row(self, group: int) -> int:
        return len(self.linear.rows) + group

    def _sum_scale(self, group: int) -> float:
        return math.ldexp(1.0, int(self._program.row[self._sum_row(group)]))

    def _dearer(self, group: int, by: float) -> Floats:
        """Return the costs, scaled, with those of a sum's columns higher by `by` a unit."""
        costs, columns = self._program.costs[0].copy(), self.sums[group]
        costs[columns] += np.ldexp(by, self._program.column[columns] + self._program.cost[0])
        return costs


def _with_sums(linear: Linear, sums: Sequence[Ints]) -> Linear:
    """Return `linear` with a row for each group of columns, their sum, which asks for nothing."""
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
