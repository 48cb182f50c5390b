"""Post-optimal analysis around an optimum x*, by three programs in the differences d = x − x*.

Differences keep small results accurate beside large totals. The three programs share one matrix:

- the cone of feasible directions, with the bounds active at x* only: its optimum for a change of right-hand sides is
the one-sided derivative of the objective, at a breakpoint or elsewhere;
- the whole polyhedron, for a step of full size;
- the optimal face, on which every column and row is fixed that no alternative optimum can change (complementary
slackness).

For ranging, the program has one row for each cost parameter and one column for each right-hand-side parameter.

A meter row measures the quantity that a cost parameter multiplies; a mover column, fixed at 0, is the change of a
right-hand-side parameter. Each question about a parameter then concerns a single row or column.

`PerturbationAnalysis` answers questions about bounds and sums of columns, `ParametricAnalysis` about parameters.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.solver.basis import DUAL_TOLERANCE, ActiveSet
from medalopt.solver.program import ProgramBuilder, SolverProgram, split_ranged_rows
from medalopt.solver.scaling import ScaledProgram, scale_program
from medalopt.solver.warm_solver import ScaledOptimum, WarmSolver

STEP_TOLERANCE = 1e-9  # relative tolerance of feasibility of a step, and of Newton's method
ALTERNATIVE_TOLERANCE = 1e-7  # scaled distance from which an alternative optimum counts as different
NEWTON_ITERATIONS = 60  # iterations of Newton's method, which needs three or four


@dataclass(frozen=True)
class BoundChange:
    """Change of bounds in one step, in own units: row bounds (lower, upper) and upper bounds of columns, by number."""

    rows: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    uppers: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class OptimumShift:
    """Change of the optimum in one step, in own units: objective, columns (N,), and the duals there (M,)."""

    value: float
    x: Floats
    y: Floats


class PerturbationAnalysis:
    """Analysis of single bounds and of sums of columns around an optimum.

    Args:
        linear: Program.
        x (N,): Optimal columns.
        y (M,): Optimal duals.
        sums: Groups of column numbers, such as the shipments of one source.
    """

    def __init__(self, linear: SolverProgram, x: Floats, y: Floats, sums: Sequence[Ints] = ()) -> None:
        self.linear, self.x, self.sums = linear, x, tuple(sums)
        self.total = np.array(
            [x[group].sum() for group in sums], dtype=np.float64
        )  # value of each sum at x*, own units
        self._program = scale_program(_add_sum_rows(linear, self.sums))
        self._y = np.ldexp(np.append(y, np.zeros(len(self.sums))), self._program.cost[0] - self._program.row)
        self._reduced = self._program.costs[0] - self._program.pulled(self._y)
        self._ends = ActiveSet.of(self._program, np.ldexp(x, -self._program.column), self._y, self._reduced)

    def _warm(self, program: ScaledProgram) -> WarmSolver:
        """Return a warm-started solver at x*."""
        return WarmSolver(program, self._ends.basis)

    @cached_property
    def _cone(self) -> WarmSolver:
        """Solver on the cone of feasible directions."""
        return self._warm(self._ends.cone(self._program))

    @cached_property
    def _whole(self) -> WarmSolver:
        """Solver on the whole polyhedron."""
        return self._warm(self._ends.whole(self._program))

    @cached_property
    def _face(self) -> WarmSolver:
        """Solver on the optimal face."""
        held = (np.abs(self._reduced) > DUAL_TOLERANCE, np.abs(self._y) > DUAL_TOLERANCE)
        return self._warm(self._ends.face(self._program, *held))

    def slope(self, change: BoundChange) -> OptimumShift | None:
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
            return OptimumShift(0.0, np.zeros_like(self.x), np.zeros(len(self.linear.rows)))
        at_most_one = {at: (low / largest, high / largest) for at, (low, high) in rows.items()}
        answer = self._cone.solve_shifted_bounds(at_most_one, {at: by / largest for at, by in uppers.items()})
        return self._told(answer, largest)

    def step(self, change: BoundChange) -> OptimumShift | None:
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
        return self._told(self._whole.solve_shifted_bounds(*self._scaled(change)), 1.0)

    def slope_of_sum(self, group: int, by: int) -> OptimumShift | None:
        """Return the cost of one unit more or less of a sum, at the rate of infinitesimal steps.

        Args:
            group: Number of the sum.
            by: 1 for more, -1 for less.

        Returns:
            Shift of the optimum for one unit, None if infeasible.
        """
        return self._told(self._cone.solve_fixed_row(self._sum_row(group), float(by)), self._sum_scale(group))

    def without_sum(self, group: int) -> OptimumShift | None:
        """Return the best plan in which a sum is 0.

        Args:
            group: Number of the sum.

        Returns:
            Shift of the optimum, None if infeasible.
        """
        columns = self.sums[group]
        values = np.ldexp(-self.x[columns], -self._program.column[columns])
        return self._told(self._whole.solve_fixed_columns(columns, values), 1.0)

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
        for _ in range(NEWTON_ITERATIONS):
            answer = self._told(self._whole.solve_with_costs(self._dearer(group, dearer)), 1.0)
            if answer is None:
                break
            left = everything + float(answer.x[self.sums[group]].sum())
            if (
                left <= STEP_TOLERANCE * everything
                or nothing.value - answer.value - dearer * left <= STEP_TOLERANCE * nothing.value
            ):
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
        costs = self._ends.reward_leaving(self._program)
        moved = self._on_face(costs)
        return moved if -float(costs @ np.ldexp(moved, -self._program.column)) > ALTERNATIVE_TOLERANCE else None

    def _on_face(self, costs: Floats) -> Floats:
        """Return the difference (N,) from x* to the optimum of other costs on the optimal face."""
        answer = self._face.solve_with_costs(costs)
        if answer is None:
            raise SolverError("the optimal plans could not be compared")
        return self._program.primal(answer.x)

    def _reaches(self, shift: OptimumShift, change: BoundChange) -> bool:
        """Return whether x* plus the whole shift is feasible after the change."""
        d = np.ldexp(shift.x, -self._program.column)
        program = self._ends.whole(self._program)
        rows, uppers = self._scaled(change)
        low, high, above = program.row_lower.copy(), program.row_upper.copy(), program.upper.copy()
        low[list(rows)] += [by for by, _ in rows.values()]
        high[list(rows)] += [by for _, by in rows.values()]
        above[list(uppers)] += list(uppers.values())
        activity = program.activity(d)
        size = STEP_TOLERANCE * float(np.abs(d).max(initial=0.0))
        inside = (d >= program.lower - size) & (d <= above + size)
        kept = (activity >= low - size) & (activity <= high + size)
        return bool(inside.all() and kept.all())

    def _scaled(self, change: BoundChange) -> tuple[dict[int, tuple[float, float]], dict[int, float]]:
        """Return the change in scaled units."""
        row, column = self._program.row, self._program.column
        return (
            {at: (math.ldexp(a, int(row[at])), math.ldexp(b, int(row[at]))) for at, (a, b) in change.rows.items()},
            {at: math.ldexp(by, -int(column[at])) for at, by in change.uppers.items()},
        )

    def _told(self, answer: ScaledOptimum | None, times: float) -> OptimumShift | None:
        """Return a scaled optimum, multiplied by `times`, in own units and at the program's own costs."""
        if answer is None:
            return None
        x = self._program.primal(answer.x) * times
        return OptimumShift(float(self.linear.costs[0] @ x), x, self._program.dual(answer.y)[: len(self.linear.rows)])

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


def _add_sum_rows(linear: SolverProgram, sums: Sequence[Ints]) -> SolverProgram:
    """Return the program with a free row for the sum of each group of columns."""
    built = ProgramBuilder.extend(linear)
    rows = built.add_rows([("sum", number) for number in range(len(sums))])
    for row, group in zip(rows.tolist(), sums, strict=True):
        built.add_entries(row, group)
    return built.build()


RowBoundRates = Mapping[int, tuple[float, float]]  # by row: derivatives of its lower and its upper bound


@dataclass(frozen=True, eq=False)
class RhsColumn:
    """Right-hand-side parameter: derivatives of the row bounds, and its size, by which the column is scaled."""

    ends: RowBoundRates
    size: float


def add_parametric_rows(
    linear: SolverProgram, y: Floats, meters: Sequence[Floats], movers: Sequence[RhsColumn]
) -> tuple[SolverProgram, Floats]:
    """Add a row for each cost parameter and a column for each right-hand-side parameter.

    A row with two bounds of which a parameter changes only one is split into two rows.

    Args:
        linear: Program.
        y (M,): Duals.
        meters: For each cost parameter the weights of the columns, (N,).
        movers: Right-hand-side parameters.

    Returns:
        The augmented program and its duals.
    """
    linear, y, copy_of = _split_moved_rows(linear, y, movers)
    built = ProgramBuilder.extend(linear)
    rows = built.add_rows([("meter", number) for number in range(len(meters))])
    sizes = np.array([mover.size for mover in movers], dtype=np.float64)
    columns = built.add_columns([("mover", number) for number in range(len(movers))], 0.0, 0.0, sizes)
    for row, weights in zip(rows.tolist(), meters, strict=True):
        at = np.flatnonzero(weights)
        built.add_entries(row, at, weights[at])
    for column, mover in zip(columns.tolist(), movers, strict=True):
        moved = _collect_row_rates(mover.ends, copy_of)
        built.add_entries(
            np.array(list(moved), dtype=np.intp), column, -np.array(list(moved.values()), dtype=np.float64)
        )
    return built.build(), np.append(y, np.zeros(len(meters)))


def _collect_row_rates(ends: RowBoundRates, copy_of: Mapping[int, int]) -> dict[int, float]:
    """Return the change of each row per unit of a parameter; `copy_of` maps split rows to their upper halves."""
    moved: dict[int, float] = {}
    for row, (low, high) in ends.items():
        if row in copy_of:
            moved[row], moved[copy_of[row]] = low, high
        else:
            moved[row] = low if low else high
    return {row: by for row, by in moved.items() if by}


def _split_moved_rows(
    linear: SolverProgram, y: Floats, movers: Sequence[RhsColumn]
) -> tuple[SolverProgram, Floats, dict[int, int]]:
    """Split ranged rows whose bounds a parameter changes differently; return program, duals and the copies by row."""
    both = np.isfinite(linear.row_lower) & np.isfinite(linear.row_upper)
    apart = {row for mover in movers for row, (low, high) in mover.ends.items() if low != high and both[row]}
    split = np.array(sorted(apart), dtype=np.intp)
    above = np.minimum(y[split], 0.0)
    y = y.copy()
    y[split] = np.maximum(y[split], 0.0)
    copies = {row: len(linear.rows) + number for number, row in enumerate(split.tolist())}
    return split_ranged_rows(linear, split), np.append(y, above), copies


RANGE_TOLERANCE = 1e-9  # relative tolerance of parameter values and of Newton's method
_TOTAL_TOLERANCE = 2.0**-40  # share of its greatest possible value below which a metered total is 0


@dataclass(frozen=True, eq=False)
class RangeLimit:
    """Limit of a sensitivity range as a distance from the current value, infinite without a limit.

    `turn` (N,) is the change of direction of the plan there, own units; None where no plan exists beyond.
    """

    distance: float
    turn: Floats | None


class ParametricAnalysis:
    """Parametric analysis around an optimum: solvers for cone, polyhedron and optimal face of the augmented program.

    Args:
        linear: Program.
        x (N,): Optimal columns.
        y (M,): Optimal duals.
        meters: For each cost parameter the weights of the columns, (N,).
        movers: Right-hand-side parameters.
    """

    def __init__(
        self, linear: SolverProgram, x: Floats, y: Floats, meters: Sequence[Floats], movers: Sequence[RhsColumn]
    ) -> None:
        whole, y = add_parametric_rows(linear, y, meters, movers)
        self.linear, self.meters = linear, meters
        self.width, self.first_meter = len(linear.lower), len(whole.rows) - len(meters)
        program = scale_program(whole)
        y = np.ldexp(y, program.cost[0] - program.row)
        at = np.ldexp(np.append(x, np.zeros(len(movers))), -program.column)
        self.ends = ActiveSet.of(program, at, y, self._reduced(program, y))
        self._y = _keep_supported_prices(y, self.ends.row_below, self.ends.row_above)
        reduced = self._reduced(program, self._y)
        self._kept = _keep_supported_prices(reduced, self.ends.below, self.ends.above)
        costs = program.costs.copy()
        costs[0] -= reduced - self._kept  # remove rounding, so that x* stays optimal on the cone
        self.program = dataclasses.replace(program, costs=costs)
        most = np.where(np.isfinite(linear.size), linear.size, 0.0)
        totals = [(float(weights @ x), float(np.abs(weights) @ most)) for weights in meters]
        self.metered = [total if abs(total) > _TOTAL_TOLERANCE * size else 0.0 for total, size in totals]

    def _reduced(self, program: ScaledProgram, y: Floats) -> Floats:
        """Return the scaled reduced costs."""
        return np.asarray(program.costs[0] - program.pulled(y))

    def _warm(self, program: ScaledProgram) -> WarmSolver:
        """Return a warm-started solver at x*."""
        return WarmSolver(program, self.ends.basis)

    @cached_property
    def cone(self) -> WarmSolver:
        """Solver on the cone of feasible directions, for small steps."""
        return self._warm(self.ends.cone(self.program))

    @cached_property
    def all_steps(self) -> ScaledProgram:
        """The program on the whole polyhedron, scaled."""
        return self.ends.whole(self.program)

    @cached_property
    def whole(self) -> WarmSolver:
        """Solver on the whole polyhedron."""
        return self._warm(self.all_steps)

    @cached_property
    def face(self) -> WarmSolver:
        """Solver on the optimal face."""
        held: tuple[Bools, Bools] = (np.abs(self._kept) > DUAL_TOLERANCE, np.abs(self._y) > DUAL_TOLERANCE)
        held[0][self.width :] = True
        return self._warm(self.ends.face(self.program, *held))

    def pull(self, column: int, y: Floats) -> float:
        """Return the derivative of the objective with respect to a column without cost.

        Args:
            column: Column number.
            y (M,): Scaled duals of the augmented program.

        Returns:
            Scaled derivative.
        """
        entries = slice(*self.program.start[column : column + 2].tolist())
        return -float(self.program.value[entries] @ y[self.program.index[entries]])

    def own(self, answer: ScaledOptimum) -> Floats:
        """Return the differences of the program's own columns.

        Args:
            answer: Optimum of the augmented program.

        Returns:
            Differences (N,) in own units.
        """
        return self.program.primal(answer.x)[: self.width]

    def value(self, x: Floats) -> float:
        """Return the cost of a difference.

        Args:
            x (N,): Difference of the columns, own units.

        Returns:
            Objective difference, own units.
        """
        return float(self.linear.costs[0] @ x)


def _keep_supported_prices(price: Floats, below: Floats, above: Floats) -> Floats:
    """Return the prices with the sign of an active bound: positive at lower, negative at upper bounds; else 0."""
    return np.where(((price > 0) & (below == 0)) | ((price < 0) & (above == 0)), price, 0.0)
