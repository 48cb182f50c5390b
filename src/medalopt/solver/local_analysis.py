"""Post-optimal analysis around an optimum x*, by three programs in the differences d = x − x*.

Differences keep small results accurate beside large totals. The three programs share one matrix:

- the cone of feasible directions, with the bounds active at x* only: its optimum for a change of right-hand sides is
the one-sided derivative of the objective, at a breakpoint or elsewhere;
- the whole polyhedron, for a step of full size;
- the optimal face, on which every column and row is fixed that no alternative optimum can change (complementary
slackness).

The program is augmented by a free row for each metered quantity, a weighted sum of columns such as the shipments of one
source or what a cost parameter multiplies, and by a column, fixed at 0, for the change of each right-hand-side
parameter. Each question about a parameter then concerns a single row or column.

From the active set of x*, the columns and rows at a bound, follow the three programs and a basis to start from.
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
from medalopt.solver.program import (
    BASIC,
    LOWER,
    UPPER,
    Basis,
    ProgramBuilder,
    SolverProgram,
    Statuses,
    split_ranged_rows,
)
from medalopt.solver.scaling import ScaledProgram, scale_program
from medalopt.solver.warm_solver import ScaledOptimum, WarmSolver
from medalopt.tolerances import (
    ACTIVE_TOLERANCE,
    ALTERNATIVE_TOLERANCE,
    DUAL_TOLERANCE,
    PRICED_ACTIVE_TOLERANCE,
    RANGE_TOLERANCE,
)

NEWTON_ITERATIONS = 60  # iterations of Newton's method, which needs three or four
_TOTAL_TOLERANCE = 2.0**-40  # share of its greatest possible value below which a metered total is 0
RowBoundRates = Mapping[int, tuple[float, float]]  # by row: derivatives of its lower and its upper bound


@dataclass(frozen=True, eq=False)
class MeterRow:
    """Row that measures a weighted sum of columns: the quantity that a cost parameter multiplies, or a total."""

    columns: Ints  # (n,)
    weights: Floats  # (n,)

    @classmethod
    def of(cls, weights: Floats) -> MeterRow:
        """Return the row with the given weights.

        Args:
            weights (N,): Weight of each column.

        Returns:
            The row.
        """
        columns = np.flatnonzero(weights)
        return cls(columns, weights[columns])

    @classmethod
    def sum(cls, columns: Ints) -> MeterRow:
        """Return the row that measures the sum of some columns.

        Args:
            columns (n,): Column numbers.

        Returns:
            The row.
        """
        return cls(columns, np.ones(len(columns)))

    def measure(self, x: Floats) -> float:
        """Return the metered quantity.

        Args:
            x (N,): Columns in own units.

        Returns:
            Weighted sum.
        """
        return float((self.weights * x[self.columns]).sum())


@dataclass(frozen=True, eq=False)
class RhsColumn:
    """Right-hand-side parameter: derivatives of the row bounds, and its size, by which the column is scaled."""

    bound_rates: RowBoundRates
    size: float


@dataclass(frozen=True)
class BoundChange:
    """Change of bounds in one step, in own units: row bounds (lower, upper) and upper bounds of columns, by number."""

    rows: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    uppers: Mapping[int, float] = field(default_factory=dict)

    def reverse(self) -> BoundChange:
        """Return the change in the opposite direction.

        Returns:
            Change with all signs reversed.
        """
        return BoundChange(
            {row: (-low, -high) for row, (low, high) in self.rows.items()},
            {column: -by for column, by in self.uppers.items()},
        )


@dataclass(frozen=True, eq=False)
class OptimumShift:
    """Change of the optimum in one step, in own units: objective, columns (N,), and the duals there (M,)."""

    value: float
    x: Floats
    y: Floats


class LocalAnalysis:
    """Local analysis of an optimum: solvers for cone, polyhedron and optimal face of the augmented program.

    Args:
        linear: Program of N columns and M rows.
        x (N,): Optimal columns.
        y (M,): Optimal duals.
        meters: Metered quantities.
        movers: Right-hand-side parameters.
    """

    def __init__(
        self,
        linear: SolverProgram,
        x: Floats,
        y: Floats,
        meters: Sequence[MeterRow] = (),
        movers: Sequence[RhsColumn] = (),
    ) -> None:
        whole, y, self._upper_rows = augment_program(linear, y, meters, movers)
        self.linear, self.x, self.meters = linear, x, tuple(meters)
        self.width, self.first_meter = len(linear.lower), len(whole.rows) - len(meters)
        program = scale_program(whole)
        y = np.ldexp(y, program.cost[0] - program.row)
        at = np.ldexp(np.append(x, np.zeros(len(movers))), -program.column)
        self.active = ActiveSet.find(program, at, y, program.costs[0] - program.transpose_multiply(y))
        self._y = _keep_supported_prices(y, self.active.row_below, self.active.row_above)
        reduced = program.costs[0] - program.transpose_multiply(self._y)
        self._reduced = _keep_supported_prices(reduced, self.active.below, self.active.above)
        costs = program.costs.copy()
        costs[0] -= reduced - self._reduced  # remove rounding, so that x* stays optimal on the cone
        self.program = dataclasses.replace(program, costs=costs)
        maximum = np.where(np.isfinite(linear.size), linear.size, 0.0)
        totals = [
            (meter.measure(x), float((np.abs(meter.weights) * maximum[meter.columns]).sum())) for meter in self.meters
        ]
        self.totals = [total if abs(total) > _TOTAL_TOLERANCE * size else 0.0 for total, size in totals]

    @cached_property
    def cone(self) -> WarmSolver:
        """Warm-started solver on the cone of feasible directions, for small steps."""
        return WarmSolver(self.active.build_cone(self.program), self.active.basis)

    @cached_property
    def all_steps(self) -> ScaledProgram:
        """Scaled program on the whole polyhedron, in differences from the optimum."""
        return self.active.build_polyhedron(self.program)

    @cached_property
    def whole(self) -> WarmSolver:
        """Warm-started solver on the whole polyhedron."""
        return WarmSolver(self.all_steps, self.active.basis)

    @cached_property
    def face(self) -> WarmSolver:
        """Warm-started solver on the optimal face."""
        columns, rows = np.abs(self._reduced) > DUAL_TOLERANCE, np.abs(self._y) > DUAL_TOLERANCE
        columns[self.width :] = True
        return WarmSolver(self.active.build_face(self.program, columns, rows), self.active.basis)

    def solve_direction(self, change: BoundChange) -> OptimumShift | None:
        """Solve for the cost of a change at the rate of infinitesimal steps (one-sided derivative).

        Returns:
            Shift of the optimum for one step, None if infeasible.
        """
        rows, uppers = self._scale_change(change)
        largest = max((abs(by) for by in (*(by for pair in rows.values() for by in pair), *uppers.values())), default=0)
        if not largest:
            return OptimumShift(0.0, np.zeros_like(self.x), np.zeros(len(self.linear.rows)))
        at_most_one = {index: (low / largest, high / largest) for index, (low, high) in rows.items()}
        optimum = self.cone.solve_shifted_bounds(at_most_one, {index: by / largest for index, by in uppers.items()})
        return self._make_shift(optimum, largest)

    def solve_step(self, change: BoundChange) -> OptimumShift | None:
        """Solve for the cost of a change of full size.

        Returns:
            Shift of the optimum, None if infeasible; linear if the derivative's direction remains feasible, else
            re-solved.
        """
        small = self.solve_direction(change)
        if small is None or self._is_feasible_step(small, change):
            return small
        return self._make_shift(self.whole.solve_shifted_bounds(*self._scale_change(change)))

    def solve_metered_direction(self, meter: int, by: int) -> OptimumShift | None:
        """Solve for the cost of one unit more or less of a metered quantity, at the rate of infinitesimal steps.

        Args:
            by: 1 for more, -1 for less.

        Returns:
            Shift of the optimum for one unit, None if infeasible.
        """
        row = self.first_meter + meter
        scale = math.ldexp(1.0, int(self.program.row[row]))
        return self._make_shift(self.cone.solve_fixed_row(row, float(by)), scale)

    def _solve_without(self, meter: int) -> OptimumShift | None:
        """Solve for the best plan in which every column of a metered quantity is 0."""
        columns = self.meters[meter].columns
        values = np.ldexp(-self.x[columns], -self.program.column[columns])
        return self._make_shift(self.whole.solve_fixed_columns(columns, values))

    def find_leaving_price(self, meter: int) -> float:
        """Find the additional unit cost at which a plan without a metered quantity becomes optimal.

        By Newton's method on the concave objective as a function of that cost (Dinkelbach 1967).

        Returns:
            Additional cost per unit; infinite if the quantity is indispensable, 0 if it is 0 already.

        Raises:
            SolverError: Newton's method does not converge.
        """
        everything, nothing = self.totals[meter], self._solve_without(meter)
        if everything <= 0 or nothing is None:
            return math.inf if everything > 0 else 0.0
        dearer = nothing.value / everything
        for _ in range(NEWTON_ITERATIONS):
            answer = self._make_shift(self.solve_at_unit_cost(meter, dearer))
            if answer is None:
                break
            left = everything + self.meters[meter].measure(answer.x)
            if (
                left <= RANGE_TOLERANCE * everything
                or nothing.value - answer.value - dearer * left <= RANGE_TOLERANCE * nothing.value
            ):
                return dearer
            dearer = max(dearer, (nothing.value - answer.value) / left)
        raise SolverError("no break-even price of a source was found")

    def solve_at_unit_cost(self, meter: int, by: float) -> ScaledOptimum | None:
        """Solve on the whole polyhedron with the unit cost of a metered quantity increased.

        Args:
            by: Increase, own units.

        Returns:
            The optimum, None if infeasible.
        """
        costs = self.program.costs[0] + np.ldexp(by * self.scale_weights(meter), self.program.cost[0])
        return self.whole.solve_with_costs(costs)

    def find_optimal_range(self, meter: int) -> tuple[float, float]:
        """Find the range of a metered quantity over all optimal plans.

        Args:
            meter: Number of the metered quantity, whose weights are nonnegative.

        Returns:
            Least and greatest value in own units.
        """
        low, high = (min(0.0, self.extremise_on_face(meter, by)) for by in (1, -1))
        return max(0.0, self.totals[meter] + low), self.totals[meter] - high

    def extremise_on_face(self, meter: int, by: int) -> float:
        """Minimise (`by` 1) or maximise (-1) a metered quantity on the optimal face.

        Args:
            by: 1 or -1.

        Returns:
            Change of the quantity from x*, times `by`, own units.
        """
        weights = self.scale_weights(meter)
        largest = float(np.abs(weights).max(initial=0.0))
        if not largest:
            return 0.0
        return by * self.meters[meter].measure(self._optimise_on_face(by * weights / largest))

    def find_other_optimum(self) -> Floats | None:
        """Find an alternative optimum.

        x* is a vertex, determined by its active bounds, so any other optimum leaves one of them: x* is unique if and
        only if the greatest total distance from them on the optimal face is 0.

        Returns:
            Difference of the columns (N,), None if x* is proven unique.
        """
        costs = self.active.reward_leaving(self.program)
        moved = self._optimise_on_face(costs)
        gained = -float(costs[: self.width] @ np.ldexp(moved, -self.program.column[: self.width]))
        return moved if gained > ALTERNATIVE_TOLERANCE else None

    def _optimise_on_face(self, costs: Floats) -> Floats:
        """Return the difference (N,) from x* to the optimum of other costs on the optimal face."""
        optimum = self.face.solve_with_costs(costs)
        if optimum is None:
            raise SolverError("the optimal plans could not be compared")
        return self.unscale_columns(optimum)

    def _is_feasible_step(self, shift: OptimumShift, change: BoundChange) -> bool:
        """Return whether x* plus the whole shift is feasible after the change."""
        program, (rows, uppers) = self.all_steps, self._scale_change(change)
        d = np.append(np.ldexp(shift.x, -program.column[: self.width]), np.zeros(len(program.lower) - self.width))
        low, high, above = program.row_lower.copy(), program.row_upper.copy(), program.upper.copy()
        low[list(rows)] += [by for by, _ in rows.values()]
        high[list(rows)] += [by for _, by in rows.values()]
        above[list(uppers)] += list(uppers.values())
        activity = program.compute_activity(d)
        size = RANGE_TOLERANCE * float(np.abs(d).max(initial=0.0))
        inside = (d >= program.lower - size) & (d <= above + size)
        kept = (activity >= low - size) & (activity <= high + size)
        return bool(inside.all() and kept.all())

    def _scale_change(self, change: BoundChange) -> tuple[dict[int, tuple[float, float]], dict[int, float]]:
        """Return the change in scaled units; the upper bound of a split row is that of its copy."""
        rows: dict[int, tuple[float, float]] = {}
        for index, (low, high) in change.rows.items():
            copy, scale = self._upper_rows.get(index), int(self.program.row[index])
            low, high = math.ldexp(low, scale), math.ldexp(high, scale)
            rows |= {index: (low, high)} if copy is None else {index: (low, 0.0), copy: (0.0, high)}
        column = self.program.column
        return rows, {index: math.ldexp(by, -int(column[index])) for index, by in change.uppers.items()}

    def _make_shift(self, optimum: ScaledOptimum | None, times: float = 1.0) -> OptimumShift | None:
        """Return a scaled optimum, multiplied by `times`, in own units and at the program's own costs."""
        if optimum is None:
            return None
        x, y = self.unscale_columns(optimum) * times, self.program.unscale_duals(optimum.y)
        for row, copy in self._upper_rows.items():
            y[row] += y[copy]
        return OptimumShift(self.compute_cost(x), x, y[: len(self.linear.rows)])

    def scale_weights(self, meter: int) -> Floats:
        """Scale the weights of a metered quantity.

        Returns:
            Weights of all columns of the augmented program, scaled.
        """
        row, weights = self.meters[meter], np.zeros(len(self.program.lower))
        weights[row.columns] = np.ldexp(row.weights, self.program.column[row.columns])
        return weights

    def compute_derivative(self, column: int, y: Floats) -> float:
        """Compute the derivative of the objective with respect to a column without cost.

        Args:
            y: Scaled duals of the augmented program.

        Returns:
            Scaled derivative.
        """
        entries = slice(*self.program.start[column : column + 2].tolist())
        return -float(self.program.value[entries] @ y[self.program.index[entries]])

    def unscale_columns(self, optimum: ScaledOptimum) -> Floats:
        """Return the differences of the program's own columns.

        Args:
            optimum: Optimum of the augmented program.

        Returns:
            Differences (N,) in own units.
        """
        return self.program.unscale_columns(optimum.x)[: self.width]

    def compute_cost(self, x: Floats) -> float:
        """Compute the cost of a difference.

        Args:
            x (N,): Difference of the columns, own units.

        Returns:
            Objective difference, own units.
        """
        return float(self.linear.costs[0] @ x)


def augment_program(
    program: SolverProgram, y: Floats, meters: Sequence[MeterRow], movers: Sequence[RhsColumn]
) -> tuple[SolverProgram, Floats, dict[int, int]]:
    """Add a row for each metered quantity and a column for each right-hand-side parameter.

    A row with two bounds of which a parameter changes only one is split into two rows.

    Args:
        y (M,): Duals.
        meters: Metered quantities.
        movers: Right-hand-side parameters.

    Returns:
        The augmented program, its duals, and by number of a split row that of the row with its upper bound.
    """
    both = np.isfinite(program.row_lower) & np.isfinite(program.row_upper)
    apart = {row for mover in movers for row, (low, high) in mover.bound_rates.items() if low != high and both[row]}
    split = np.array(sorted(apart), dtype=np.intp)
    upper_rows = {row: len(program.rows) + number for number, row in enumerate(split.tolist())}
    above = np.minimum(y[split], 0.0)
    y = y.copy()
    y[split] = np.maximum(y[split], 0.0)
    built = ProgramBuilder.extend(split_ranged_rows(program, split))
    rows = built.add_rows([("meter", number) for number in range(len(meters))])
    sizes = np.array([mover.size for mover in movers], dtype=np.float64)
    columns = built.add_columns([("mover", number) for number in range(len(movers))], 0.0, 0.0, sizes)
    for row, meter in zip(rows.tolist(), meters, strict=True):
        built.add_entries(row, meter.columns, meter.weights)
    for column, mover in zip(columns.tolist(), movers, strict=True):
        moved = _collect_row_rates(mover.bound_rates, upper_rows)
        built.add_entries(
            np.array(list(moved), dtype=np.intp), column, -np.array(list(moved.values()), dtype=np.float64)
        )
    return built.build(), np.concatenate([y, above, np.zeros(len(meters))]), upper_rows


def _collect_row_rates(ends: RowBoundRates, upper_rows: Mapping[int, int]) -> dict[int, float]:
    """Return the change of each row per unit of a parameter; `upper_rows` maps split rows to their upper halves."""
    moved: dict[int, float] = {}
    for row, (low, high) in ends.items():
        if row in upper_rows:
            moved[row], moved[upper_rows[row]] = low, high
        else:
            moved[row] = low if low else high
    return {row: by for row, by in moved.items() if by}


def _keep_supported_prices(price: Floats, below: Floats, above: Floats) -> Floats:
    """Return the prices with the sign of an active bound: positive at lower, negative at upper bounds; else 0."""
    return np.where(((price > 0) & (below == 0)) | ((price < 0) & (above == 0)), price, 0.0)


@dataclass(frozen=True, eq=False)
class ActiveSet:
    """Distances of the columns (N,) and rows (M,) of x* from their bounds, scaled; 0 where the bound is active."""

    below: Floats  # <= 0
    above: Floats  # >= 0
    row_below: Floats
    row_above: Floats

    @classmethod
    def find(cls, program: ScaledProgram, x: Floats, y: Floats, reduced: Floats) -> ActiveSet:
        """Return the active set of an optimum; all arguments are scaled.

        A bound with a nonzero dual counts as active even where rounding leaves x* slightly off it.

        Args:
            x (N,): Columns.
            y (M,): Duals.
            reduced (N,): Reduced costs.

        Returns:
            The active set.
        """
        terms = program.value * x[program.entry_columns]
        height = len(program.row_lower)
        activity = np.bincount(program.index, terms, height)
        size = np.maximum(np.bincount(program.index, np.abs(terms), height), 1.0)
        return cls(
            *_clear_active_slack(program.lower - x, program.upper - x, np.ones(len(x)), reduced),
            *_clear_active_slack(program.row_lower - activity, program.row_upper - activity, size, y),
        )

    @property
    def basis(self) -> Basis:
        """Basis to start from, in which every variable between its bounds is basic."""
        return Basis(_classify_statuses(self.below, self.above), _classify_statuses(self.row_below, self.row_above))

    def build_cone(self, program: ScaledProgram) -> ScaledProgram:
        """Return the program in d on the cone of feasible directions, with the active bounds only.

        Returns:
            Program whose optimum is a one-sided derivative, valid for small steps.
        """
        return dataclasses.replace(
            program,
            lower=np.where(self.below == 0, 0.0, -np.inf),
            upper=np.where(self.above == 0, 0.0, np.inf),
            row_lower=np.where(self.row_below == 0, 0.0, -np.inf),
            row_upper=np.where(self.row_above == 0, 0.0, np.inf),
        )

    def build_polyhedron(self, program: ScaledProgram) -> ScaledProgram:
        """Return the program in d on the whole polyhedron.

        Returns:
            Program for steps of any length.
        """
        return dataclasses.replace(
            program, lower=self.below, upper=self.above, row_lower=self.row_below, row_upper=self.row_above
        )

    def build_face(self, program: ScaledProgram, column_held: Bools, row_held: Bools) -> ScaledProgram:
        """Return the program in d with some columns and rows fixed, such as the optimal face.

        Args:
            column_held (N,): Mask of the fixed columns.
            row_held (M,): Mask of the fixed rows.

        Returns:
            Program on the face.
        """
        return dataclasses.replace(
            program,
            lower=np.where(column_held, 0.0, self.below),
            upper=np.where(column_held, 0.0, self.above),
            row_lower=np.where(row_held, 0.0, self.row_below),
            row_upper=np.where(row_held, 0.0, self.row_above),
        )

    def reward_leaving(self, program: ScaledProgram) -> Floats:
        """Return costs that reward the total distance from all active bounds, each at rate 1.

        Returns:
            Scaled costs (N,) for minimisation.
        """
        wish = -np.sign(_active_side(self.below, self.above))
        row_wish = -np.sign(_active_side(self.row_below, self.row_above))
        return np.asarray(wish + program.transpose_multiply(row_wish))


def _clear_active_slack(below: Floats, above: Floats, size: Floats, price: Floats) -> tuple[Floats, Floats]:
    """Return lower and upper distances with the active ones set to 0."""
    low, high = (
        size * np.where(sign * price > DUAL_TOLERANCE, PRICED_ACTIVE_TOLERANCE, ACTIVE_TOLERANCE) for sign in (1, -1)
    )
    return np.where(below >= -low, 0.0, below), np.where(above <= high, 0.0, above)


def _classify_statuses(below: Floats, above: Floats) -> Statuses:
    """Return the statuses for distances from the lower and upper bound."""
    return np.where(below == 0, LOWER, np.where(above == 0, UPPER, BASIC)).astype(np.int8)


def _active_side(below: Floats, above: Floats) -> Floats:
    """Return 1 at a lower bound, -1 at an upper bound, 0 between them or where both are active."""
    return (below == 0).astype(np.float64) - (above == 0).astype(np.float64)
