"""Ranging: sensitivity ranges of cost and right-hand-side parameters.

As a function of a cost parameter the optimal value is concave and piecewise linear; its slope is the metered quantity,
between its least and greatest value over the optimal face. The slope holds until a plan with less (more) of it is as
good, which the cheapest direction with one metered unit less determines.

As a function of a right-hand-side parameter the optimal value is convex and piecewise linear.

Its slope is the cost of the cheapest direction on the cone that follows the parameter. A ratio test gives a step for
which it surely holds; beyond, tangents lead back to the breakpoint.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.arrays import Floats
from medalopt.solver.local_analysis import NEWTON_ITERATIONS, LocalAnalysis
from medalopt.solver.warm_solver import ScaledOptimum
from medalopt.tolerances import DUAL_TOLERANCE, PRICE_TOLERANCE, RANGE_TOLERANCE


@dataclass(frozen=True, eq=False)
class RangeLimit:
    """Limit of a sensitivity range as a distance from the current value, infinite without a limit.

    `direction` (N,) is the change of direction of the plan there, own units; None where no plan exists beyond.
    """

    distance: float
    direction: Floats | None


RhsRange = tuple[float | None, RangeLimit]


def find_cost_range(local: LocalAnalysis, meter: int, by: int) -> tuple[float, RangeLimit]:
    """Find the slope of the optimal value for a rising or falling cost parameter, and the range in which it holds.

    Args:
        meter: Number of the cost parameter.
        by: 1 for rising, -1 for falling.

    Returns:
        Slope in own units, and the limit of the range.

    Raises:
        SolverError: The range cannot be determined.
    """
    row, total = local.first_meter + meter, local.totals[meter]
    if not _can_meter_change(local, meter, by):
        return total, RangeLimit(math.inf, None)
    try:
        optimum = local.cone.solve_fixed_row(row, -float(by))
    except SolverError:
        del local.cone  # discard the solver, its basis is of no use
        return total, _search_from_outside(local, meter, by, total)
    if optimum is None:
        return total, RangeLimit(math.inf, None)
    x = local.unscale_columns(optimum)
    if optimum.value <= DUAL_TOLERANCE:  # an alternative optimum has less (more) of it
        total += by * min(0.0, local.extremise_on_face(meter, by))
        return total, _search_from_outside(local, meter, by, total)
    return total, RangeLimit(math.ldexp(local.compute_cost(x), int(local.program.row[row])), x)


def _can_meter_change(local: LocalAnalysis, meter: int, by: int) -> bool:
    """Return whether a column can change so that less (`by` 1) or more (-1) is metered."""
    row, ends = local.meters[meter], local.active
    weights, fewer, more = by * row.weights, ends.below[row.columns] < 0, ends.above[row.columns] > 0
    return bool((((weights > 0) & fewer) | ((weights < 0) & more)).any())


def _search_from_outside(local: LocalAnalysis, meter: int, by: int, slope: float) -> RangeLimit:
    """Return the limit by Newton's method from beyond it, where the cone does not determine it."""
    total, weights = local.totals[meter], local.scale_weights(meter)
    size = max(abs(slope), abs(total))
    x = _require_columns(local.whole.solve_with_costs(by * weights / float(np.abs(weights).max())), local)
    for _ in range(NEWTON_ITERATIONS):
        less = by * (slope - total - local.meters[meter].measure(x))
        if less <= RANGE_TOLERANCE * size:
            return RangeLimit(math.inf, None)
        distance = max(local.compute_cost(x) / less, 0.0)
        new = _require_columns(local.solve_at_unit_cost(meter, by * distance), local)
        gained = distance * by * (slope - total - local.meters[meter].measure(new)) - local.compute_cost(new)
        if gained <= RANGE_TOLERANCE * max(abs(local.compute_cost(x)), distance * size):
            return RangeLimit(distance, x)
        x = new
    raise SolverError("no end of the sensitivity range was found")


def _require_columns(optimum: ScaledOptimum | None, local: LocalAnalysis) -> Floats:
    """Return the columns of an optimum; raise SolverError without one."""
    if optimum is None:
        raise SolverError("the sensitivity range could not be found")
    return local.unscale_columns(optimum)


_FARTHEST_SIZES = 2.0**16  # range in multiples of the parameter's size, beyond which it counts as unlimited
_OVERSTEP_SHARE = 2.0**-4  # share by which the ratio test's step is exceeded to examine the slope beyond
_STATIONARY_TOLERANCE = 1e-11  # relative rate below which a column or row counts as constant
_END_OVERSTEP_SHARES = (2.0**-10, 2.0**-26)  # shares by which a presumed limit is exceeded to confirm it
_TANGENT_ITERATIONS = 60  # iterations of the tangent method, which needs one or two


@dataclass(frozen=True, eq=False)
class _UnitStep:
    """Direction for one unit of a parameter, scaled: its cost, and the change of the columns (N,)."""

    price: float
    x: Floats

    @property
    def opposite(self) -> _UnitStep:
        """The opposite direction."""
        return _UnitStep(-self.price, -self.x)


def find_rhs_range(local: LocalAnalysis, mover: int, up: float, down: float) -> tuple[RhsRange, RhsRange]:
    """Find the shadow price of a right-hand-side parameter up and down, and the ranges in which it holds.

    Args:
        mover: Number of the parameter.
        up: Greatest possible increase.
        down: Greatest possible decrease.

    Returns:
        Price and limit for an increase, then for a decrease; a price is None where that is infeasible.
    """
    more = _solve_unit_step(local, mover, 1) if up > 0 else None
    back = None if more is None else more.opposite
    known = back is not None and _step_length(local, back) > RANGE_TOLERANCE
    less = (back if known else _solve_unit_step(local, mover, -1)) if down > 0 else None
    return _build_rhs_range(local, mover, 1, more, up), _build_rhs_range(local, mover, -1, less, down)


def _solve_unit_step(local: LocalAnalysis, mover: int, by: int) -> _UnitStep | None:
    """Return the cheapest direction that follows a unit more (`by` 1) or less (-1), None if infeasible."""
    column = local.width + mover
    entries = slice(*local.program.start[column : column + 2].tolist())
    rows = local.program.index[entries]
    if not ((local.active.row_below[rows] == 0) | (local.active.row_above[rows] == 0)).any():
        x = np.zeros(len(local.program.lower))
        x[column] = by
        return _UnitStep(0.0, x)  # not binding: no cost
    optimum = local.cone.solve_bounded_column(column, float(by), float(by))
    return None if optimum is None else _UnitStep(optimum.value, optimum.x)


def _step_length(local: LocalAnalysis, step: _UnitStep) -> float:
    """Return the multiple of a direction that remains feasible (ratio test)."""
    program, rows = local.all_steps, local.program.compute_activity(step.x)
    pairs = (
        (step.x[: local.width], program.lower[: local.width], program.upper[: local.width]),
        (rows, program.row_lower, program.row_upper),
    )
    reach = math.inf
    for rate, low, high in pairs:
        moving = np.abs(rate) > _STATIONARY_TOLERANCE * float(np.abs(rate).max(initial=0.0))
        room = np.where(rate > 0, high, low)[moving] / rate[moving]
        reach = min(reach, float(room.min(initial=math.inf)))
    return max(reach, 0.0)


def _build_rhs_range(local: LocalAnalysis, mover: int, by: int, step: _UnitStep | None, farthest: float) -> RhsRange:
    """Return price and limit in own units."""
    if step is None:
        return None, RangeLimit(0.0, None)
    exponent = int(local.program.column[local.width + mover])
    price = math.ldexp(step.price, -exponent - int(local.program.cost[0]))
    end = _find_range_end(local, mover, by, step, min(math.ldexp(farthest, -exponent), _FARTHEST_SIZES))
    return price, RangeLimit(math.ldexp(end.distance, exponent), end.direction)


def _find_range_end(local: LocalAnalysis, mover: int, by: int, step: _UnitStep, far: float) -> RangeLimit:
    """Return the limit up to which the price of `step` holds, scaled, at most `far`."""
    sure = _step_length(local, step)
    position, known = sure, step.x * sure if math.isfinite(sure) else step.x
    beyond, answer = sure, None
    while beyond < far:
        beyond = min(max(beyond * (1 + _OVERSTEP_SHARE), beyond + 2.0**-20) if answer is None else 4 * beyond, far)
        answer = _solve_at_value(local, mover, by * beyond)
        if answer is None:
            return _end_where_infeasible(local, mover, by, step, beyond)
        if not _is_on_line(local, answer, step.price * beyond):
            break
        position, known = beyond, answer.x
    else:
        return RangeLimit(math.inf, None)
    return _search_by_tangents(local, mover, by, step, (position, known), (beyond, answer))


def _search_by_tangents(
    local: LocalAnalysis,
    mover: int,
    by: int,
    step: _UnitStep,
    inside: tuple[float, Floats],
    outside: tuple[float, ScaledOptimum],
) -> RangeLimit:
    """Return the breakpoint between a value where the price holds and one beyond, by tangents from beyond."""
    column = local.width + mover
    for _ in range(_TANGENT_ITERATIONS):
        beyond, optimum = outside
        slope = by * local.compute_derivative(column, optimum.y)
        steeper = slope - step.price
        position = beyond - (optimum.value - step.price * beyond) / steeper if steeper > 0 else inside[0]
        if position <= inside[0] * (1 + RANGE_TOLERANCE) or position >= beyond:
            break
        found = _solve_at_value(local, mover, by * position)
        if found is None:
            break
        if _is_on_line(local, found, step.price * position):
            inside = (position, found.x)
            break
        outside = (position, found)
    position, known = inside
    before = known / position if position > 0 else step.x
    turn = outside[1].x - known - before * (outside[0] - position)
    return RangeLimit(position, local.program.unscale_columns(turn)[: local.width])


def _end_where_infeasible(local: LocalAnalysis, mover: int, by: int, step: _UnitStep, far: float) -> RangeLimit:
    """Return the limit where `far` is infeasible: the farthest value worth the price, and slightly more."""
    column = local.width + mover
    hair = PRICE_TOLERANCE * max(abs(step.price), 1.0)
    low, high = (0.0, far) if by > 0 else (-far, 0.0)
    optimum = local.whole.solve_bounded_column(column, low, high, -by * (step.price + hair))
    if optimum is None:
        return RangeLimit(0.0, None)
    position = float(abs(optimum.x[column]))
    for share in _END_OVERSTEP_SHARES:
        beyond = _solve_at_value(local, mover, by * position * (1 + share))
        if beyond is not None and _is_on_line(local, beyond, step.price * position * (1 + share)):
            return _end_at_farthest(local, mover, by, step, (position, optimum.x), far)
        if beyond is not None:
            turn = beyond.x - optimum.x * (1 + share)
            return RangeLimit(position, local.program.unscale_columns(turn)[: local.width])
    return RangeLimit(position, None)


def _end_at_farthest(
    local: LocalAnalysis, mover: int, by: int, step: _UnitStep, inside: tuple[float, Floats], far: float
) -> RangeLimit:
    """Return the limit where the price holds beyond `inside`: the end of feasibility, or a breakpoint before it."""
    column = local.width + mover
    optimum = local.whole.extremise_column(column, by, far)
    if optimum is None:
        return RangeLimit(inside[0], None)
    position = float(abs(optimum.x[column]))
    near = position * (1 - _END_OVERSTEP_SHARES[-1])
    found = _solve_at_value(local, mover, by * near)
    if found is None or _is_on_line(local, found, step.price * near):
        return RangeLimit(position, None)
    return _search_by_tangents(local, mover, by, step, inside, (near, found))


def _solve_at_value(local: LocalAnalysis, mover: int, to: float) -> ScaledOptimum | None:
    """Return the optimum at a value of the parameter, None if infeasible."""
    return local.whole.solve_bounded_column(local.width + mover, to, to)


def _is_on_line(local: LocalAnalysis, optimum: ScaledOptimum, line: float) -> bool:
    """Return whether the objective is on the line given by the price, within `PRICE_TOLERANCE`."""
    size = float(np.abs(local.program.costs[0]) @ np.abs(optimum.x))
    return optimum.value - line <= max(PRICE_TOLERANCE * abs(line), 2.0**-36 * size)
