"""Ranging: sensitivity ranges of cost and right-hand-side parameters.

As a function of a cost parameter the optimal value is concave and piecewise linear; its slope is the metered quantity,
between its least and greatest value over the optimal face. The slope holds until a plan with less (more) of it is as
good, which the cheapest direction with one metered unit less determines.
"""

from __future__ import annotations

import math

import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.figures import Floats
from medalopt.solver.around import CLOSED, Around, End
from medalopt.solver.ends import PRICED
from medalopt.solver.warm import Optimum

_ROUNDS = 60  # iterations of Newton's method, which needs three or four


def cost_range(around: Around, meter: int, by: int) -> tuple[float, End]:
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
    if not _may_move(around, meter, by):
        return total, End(math.inf, None)
    try:
        answer = around.cone.fixed(row, -float(by))
    except SolverError:
        del around.cone  # discard the solver, its basis is of no use
        return total, _from_afar(around, meter, by, total)
    if answer is None:
        return total, End(math.inf, None)
    x = around.own(answer)
    if answer.value <= PRICED:  # an alternative optimum has less (more) of it
        total += _on_face(around, meter, by)
        return total, _from_afar(around, meter, by, total)
    return total, End(math.ldexp(around.value(x), int(around.program.row[row])), x)


def _may_move(around: Around, meter: int, by: int) -> bool:
    """Return whether a column can change so that less (`by` 1) or more (-1) is metered."""
    weights, ends = by * around.meters[meter], around.ends
    fewer, more = ends.below[: around.width] < 0, ends.above[: around.width] > 0
    return bool((((weights > 0) & fewer) | ((weights < 0) & more)).any())


def _on_face(around: Around, meter: int, by: int) -> float:
    """Return the greatest decrease (`by` 1) or increase (-1) of the metered quantity on the optimal face, signed."""
    weights = _scaled_weights(around, meter)
    answer = around.face.with_costs(by * weights / float(np.abs(weights).max()))
    part = 0.0 if answer is None else _part(around, answer, meter)
    return min(part, 0.0) if by > 0 else max(part, 0.0)


def _from_afar(around: Around, meter: int, by: int, slope: float) -> End:
    """Return the limit by Newton's method from beyond it, where the cone does not determine it."""
    total, weights = around.metered[meter], _scaled_weights(around, meter)
    size = max(abs(slope), abs(total))
    x = _answered(around.whole.with_costs(by * weights / float(np.abs(weights).max())), around)
    for _ in range(_ROUNDS):
        less = by * (slope - total - _part(around, x, meter))
        if less <= CLOSED * size:
            return End(math.inf, None)
        distance = max(around.value(x) / less, 0.0)
        costs = around.program.costs[0] + np.ldexp(by * distance * weights, around.program.cost[0])
        new = _answered(around.whole.with_costs(costs), around)
        gained = distance * by * (slope - total - _part(around, new, meter)) - around.value(new)
        if gained <= CLOSED * max(abs(around.value(x)), distance * size):
            return End(distance, x)
        x = new
    raise SolverError("no end was found of the range in which a price holds")


def _answered(answer: Optimum | None, around: Around) -> Floats:
    """Return the columns of an optimum; raise SolverError without one."""
    if answer is None:
        raise SolverError("the range in which a price holds could not be found")
    return around.own(answer)


def _scaled_weights(around: Around, meter: int) -> Floats:
    """Return the scaled weights of a meter over all columns."""
    weights = np.append(around.meters[meter], np.zeros(len(around.program.lower) - around.width))
    return np.ldexp(weights, around.program.column)


def _part(around: Around, x: Floats | Optimum, meter: int) -> float:
    """Return the metered quantity of a difference."""
    return float(around.meters[meter] @ (around.own(x) if isinstance(x, Optimum) else x))
