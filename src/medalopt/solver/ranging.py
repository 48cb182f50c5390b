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
from medalopt.solver.basis import DUAL_TOLERANCE
from medalopt.solver.local_analysis import RANGE_TOLERANCE, ParametricAnalysis, RangeLimit
from medalopt.solver.warm_solver import ScaledOptimum

_NEWTON_ITERATIONS = 60  # iterations of Newton's method, which needs three or four


def find_cost_range(around: ParametricAnalysis, meter: int, by: int) -> tuple[float, RangeLimit]:
    """Find the slope of the optimal value for a rising or falling cost parameter, and the range in which it holds.

    Args:
        around: Analysis of the optimum.
        meter: Number of the cost parameter.
        by: 1 for rising, -1 for falling.

    Returns:
        Slope in own units, and the limit of the range.

    Raises:
        SolverError: The range cannot be determined.
    """
    row, total = around.first_meter + meter, around.metered[meter]
    if not _can_meter_change(around, meter, by):
        return total, RangeLimit(math.inf, None)
    try:
        answer = around.cone.solve_fixed_row(row, -float(by))
    except SolverError:
        del around.cone  # discard the solver, its basis is of no use
        return total, _search_from_outside(around, meter, by, total)
    if answer is None:
        return total, RangeLimit(math.inf, None)
    x = around.own(answer)
    if answer.value <= DUAL_TOLERANCE:  # an alternative optimum has less (more) of it
        total += _range_on_face(around, meter, by)
        return total, _search_from_outside(around, meter, by, total)
    return total, RangeLimit(math.ldexp(around.value(x), int(around.program.row[row])), x)


def _can_meter_change(around: ParametricAnalysis, meter: int, by: int) -> bool:
    """Return whether a column can change so that less (`by` 1) or more (-1) is metered."""
    weights, ends = by * around.meters[meter], around.ends
    fewer, more = ends.below[: around.width] < 0, ends.above[: around.width] > 0
    return bool((((weights > 0) & fewer) | ((weights < 0) & more)).any())


def _range_on_face(around: ParametricAnalysis, meter: int, by: int) -> float:
    """Return the greatest decrease (`by` 1) or increase (-1) of the metered quantity on the optimal face, signed."""
    weights = _scaled_weights(around, meter)
    answer = around.face.solve_with_costs(by * weights / float(np.abs(weights).max()))
    part = 0.0 if answer is None else _metered_quantity(around, answer, meter)
    return min(part, 0.0) if by > 0 else max(part, 0.0)


def _search_from_outside(around: ParametricAnalysis, meter: int, by: int, slope: float) -> RangeLimit:
    """Return the limit by Newton's method from beyond it, where the cone does not determine it."""
    total, weights = around.metered[meter], _scaled_weights(around, meter)
    size = max(abs(slope), abs(total))
    x = _require_columns(around.whole.solve_with_costs(by * weights / float(np.abs(weights).max())), around)
    for _ in range(_NEWTON_ITERATIONS):
        less = by * (slope - total - _metered_quantity(around, x, meter))
        if less <= RANGE_TOLERANCE * size:
            return RangeLimit(math.inf, None)
        distance = max(around.value(x) / less, 0.0)
        costs = around.program.costs[0] + np.ldexp(by * distance * weights, around.program.cost[0])
        new = _require_columns(around.whole.solve_with_costs(costs), around)
        gained = distance * by * (slope - total - _metered_quantity(around, new, meter)) - around.value(new)
        if gained <= RANGE_TOLERANCE * max(abs(around.value(x)), distance * size):
            return RangeLimit(distance, x)
        x = new
    raise SolverError("no end was found of the range in which a price holds")


def _require_columns(answer: ScaledOptimum | None, around: ParametricAnalysis) -> Floats:
    """Return the columns of an optimum; raise SolverError without one."""
    if answer is None:
        raise SolverError("the range in which a price holds could not be found")
    return around.own(answer)


def _scaled_weights(around: ParametricAnalysis, meter: int) -> Floats:
    """Return the scaled weights of a meter over all columns."""
    weights = np.append(around.meters[meter], np.zeros(len(around.program.lower) - around.width))
    return np.ldexp(weights, around.program.column)


def _metered_quantity(around: ParametricAnalysis, x: Floats | ScaledOptimum, meter: int) -> float:
    """Return the metered quantity of a difference."""
    return float(around.meters[meter] @ (around.own(x) if isinstance(x, ScaledOptimum) else x))


PRICE_TOLERANCE = 1e-7  # relative difference within which prices are equal
_FARTHEST_SIZES = 2.0**16  # range in multiples of the parameter's size, beyond which it counts as unlimited
_OVERSTEP_SHARE = 2.0**-4  # share by which the ratio test's step is exceeded to examine the slope beyond
_STATIONARY_TOLERANCE = 1e-11  # relative rate below which a column or row counts as constant
_END_OVERSTEP_SHARES = (2.0**-10, 2.0**-26)  # shares by which a presumed limit is exceeded to confirm it
_TANGENT_ITERATIONS = 60  # iterations of the tangent method, which needs one or two
RhsRange = tuple[float | None, RangeLimit]


@dataclass(frozen=True, eq=False)
class _UnitStep:
    """Direction for one unit of a parameter, scaled: its cost, and the change of the columns (N,)."""

    price: float
    x: Floats

    @property
    def back(self) -> _UnitStep:
        """The opposite direction."""
        return _UnitStep(-self.price, -self.x)


def find_rhs_range(around: ParametricAnalysis, mover: int, up: float, down: float) -> tuple[RhsRange, RhsRange]:
    """Find the shadow price of a right-hand-side parameter up and down, and the ranges in which it holds.

    Args:
        around: Analysis of the optimum.
        mover: Number of the parameter.
        up: Greatest possible increase.
        down: Greatest possible decrease.

    Returns:
        Price and limit for an increase, then for a decrease; a price is None where that is infeasible.
    """
    more = _solve_unit_step(around, mover, 1) if up > 0 else None
    back = None if more is None else more.back
    known = back is not None and _step_length(around, back) > RANGE_TOLERANCE
    less = (back if known else _solve_unit_step(around, mover, -1)) if down > 0 else None
    return _build_rhs_range(around, mover, 1, more, up), _build_rhs_range(around, mover, -1, less, down)


def _solve_unit_step(around: ParametricAnalysis, mover: int, by: int) -> _UnitStep | None:
    """Return the cheapest direction that follows a unit more (`by` 1) or less (-1), None if infeasible."""
    column = around.width + mover
    entries = slice(*around.program.start[column : column + 2].tolist())
    rows = around.program.index[entries]
    if not ((around.ends.row_below[rows] == 0) | (around.ends.row_above[rows] == 0)).any():
        x = np.zeros(len(around.program.lower))
        x[column] = by
        return _UnitStep(0.0, x)  # not binding: no cost
    answer = around.cone.solve_bounded_column(column, float(by), float(by))
    return None if answer is None else _UnitStep(answer.value, answer.x)


def _step_length(around: ParametricAnalysis, step: _UnitStep) -> float:
    """Return the multiple of a direction that remains feasible (ratio test)."""
    program, rows = around.all_steps, around.program.activity(step.x)
    pairs = (
        (step.x[: around.width], program.lower[: around.width], program.upper[: around.width]),
        (rows, program.row_lower, program.row_upper),
    )
    reach = math.inf
    for rate, low, high in pairs:
        moving = np.abs(rate) > _STATIONARY_TOLERANCE * float(np.abs(rate).max(initial=0.0))
        room = np.where(rate > 0, high, low)[moving] / rate[moving]
        reach = min(reach, float(room.min(initial=math.inf)))
    return max(reach, 0.0)


def _build_rhs_range(
    around: ParametricAnalysis, mover: int, by: int, step: _UnitStep | None, farthest: float
) -> RhsRange:
    """Return price and limit in own units."""
    if step is None:
        return None, RangeLimit(0.0, None)
    exponent = int(around.program.column[around.width + mover])
    price = math.ldexp(step.price, -exponent - int(around.program.cost[0]))
    end = _find_range_end(around, mover, by, step, min(math.ldexp(farthest, -exponent), _FARTHEST_SIZES))
    return price, RangeLimit(math.ldexp(end.distance, exponent), end.turn)


def _find_range_end(around: ParametricAnalysis, mover: int, by: int, step: _UnitStep, far: float) -> RangeLimit:
    """Return the limit up to which the price of `step` holds, scaled, at most `far`."""
    sure = _step_length(around, step)
    at, known = sure, step.x * sure if math.isfinite(sure) else step.x
    beyond, answer = sure, None
    while beyond < far:
        beyond = min(max(beyond * (1 + _OVERSTEP_SHARE), beyond + 2.0**-20) if answer is None else 4 * beyond, far)
        answer = _solve_at_value(around, mover, by * beyond)
        if answer is None:
            return _end_where_infeasible(around, mover, by, step, beyond)
        if not _is_on_line(around, answer, step.price * beyond):
            break
        at, known = beyond, answer.x
    else:
        return RangeLimit(math.inf, None)
    return _search_by_tangents(around, mover, by, step, (at, known), (beyond, answer))


def _search_by_tangents(
    around: ParametricAnalysis,
    mover: int,
    by: int,
    step: _UnitStep,
    inside: tuple[float, Floats],
    outside: tuple[float, ScaledOptimum],
) -> RangeLimit:
    """Return the breakpoint between a value where the price holds and one beyond, by tangents from beyond."""
    column = around.width + mover
    for _ in range(_TANGENT_ITERATIONS):
        beyond, answer = outside
        slope = by * around.pull(column, answer.y)
        steeper = slope - step.price
        at = beyond - (answer.value - step.price * beyond) / steeper if steeper > 0 else inside[0]
        if at <= inside[0] * (1 + RANGE_TOLERANCE) or at >= beyond:
            break
        found = _solve_at_value(around, mover, by * at)
        if found is None:
            break
        if _is_on_line(around, found, step.price * at):
            inside = (at, found.x)
            break
        outside = (at, found)
    at, known = inside
    before = known / at if at > 0 else step.x
    turn = outside[1].x - known - before * (outside[0] - at)
    return RangeLimit(at, around.program.primal(turn)[: around.width])


def _end_where_infeasible(around: ParametricAnalysis, mover: int, by: int, step: _UnitStep, far: float) -> RangeLimit:
    """Return the limit where `far` is infeasible: the farthest value worth the price, and slightly more."""
    column = around.width + mover
    hair = PRICE_TOLERANCE * max(abs(step.price), 1.0)
    low, high = (0.0, far) if by > 0 else (-far, 0.0)
    answer = around.whole.solve_bounded_column(column, low, high, -by * (step.price + hair))
    if answer is None:
        return RangeLimit(0.0, None)
    at = float(abs(answer.x[column]))
    for share in _END_OVERSTEP_SHARES:
        beyond = _solve_at_value(around, mover, by * at * (1 + share))
        if beyond is not None and _is_on_line(around, beyond, step.price * at * (1 + share)):
            return _end_at_farthest(around, mover, by, step, (at, answer.x), far)
        if beyond is not None:
            turn = beyond.x - answer.x * (1 + share)
            return RangeLimit(at, around.program.primal(turn)[: around.width])
    return RangeLimit(at, None)


def _end_at_farthest(
    around: ParametricAnalysis, mover: int, by: int, step: _UnitStep, inside: tuple[float, Floats], far: float
) -> RangeLimit:
    """Return the limit where the price holds beyond `inside`: the end of feasibility, or a breakpoint before it."""
    column = around.width + mover
    answer = around.whole.extremise_column(column, by, far)
    if answer is None:
        return RangeLimit(inside[0], None)
    at = float(abs(answer.x[column]))
    near = at * (1 - _END_OVERSTEP_SHARES[-1])
    found = _solve_at_value(around, mover, by * near)
    if found is None or _is_on_line(around, found, step.price * near):
        return RangeLimit(at, None)
    return _search_by_tangents(around, mover, by, step, inside, (near, found))


def _solve_at_value(around: ParametricAnalysis, mover: int, to: float) -> ScaledOptimum | None:
    """Return the optimum at a value of the parameter, None if infeasible."""
    return around.whole.solve_bounded_column(around.width + mover, to, to)


def _is_on_line(around: ParametricAnalysis, answer: ScaledOptimum, line: float) -> bool:
    """Return whether the objective is on the line given by the price, within `PRICE_TOLERANCE`."""
    size = float(np.abs(around.program.costs[0]) @ np.abs(answer.x))
    return answer.value - line <= max(PRICE_TOLERANCE * abs(line), 2.0**-36 * size)
