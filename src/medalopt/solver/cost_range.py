"""How far the price of a cost holds. The measure is a concave, piecewise linear function of it.

The slope is what is metered: x* has so much of it, and other optimal plans may have less or more. It holds until a
plan with less (more) of it is as good: of all small steps that meter one unit less the cheapest tells when.
"""

from __future__ import annotations

import math

import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.figures import Floats
from medalopt.solver.around import CLOSED, Around, End
from medalopt.solver.ends import PRICED
from medalopt.solver.warm import Optimum

_ROUNDS = 60  # of Newton's method, which needs three or four


def cost_range(around: Around, meter: int, by: int) -> tuple[float, End]:
    """Return the slope of the measure when a cost rises (`by` 1) or falls (-1), and up to where it holds."""
    row, total = around.first_meter + meter, around.metered[meter]
    if not _may_move(around, meter, by):
        return total, End(math.inf, None)
    try:
        answer = around.cone.fixed(row, -float(by))
    except SolverError:
        del around.cone  # what could not be solved is no place to start from
        return total, _from_afar(around, meter, by, total)
    if answer is None:
        return total, End(math.inf, None)
    x = around.own(answer)
    if answer.value <= PRICED:  # another plan, as good, has less (more) of it
        total += _on_face(around, meter, by)
        return total, _from_afar(around, meter, by, total)
    return total, End(math.ldexp(around.value(x), int(around.program.row[row])), x)


def _may_move(around: Around, meter: int, by: int) -> bool:
    """Whether any column may move so that less (`by` 1) or more (-1) is metered; else no small step does that."""
    weights, ends = by * around.meters[meter], around.ends
    fewer, more = ends.below[: around.width] < 0, ends.above[: around.width] > 0
    return bool((((weights > 0) & fewer) | ((weights < 0) & more)).any())


def _on_face(around: Around, meter: int, by: int) -> float:
    """Return by how much less (`by` 1) or more (-1) is metered at most by another optimal plan."""
    weights = _scaled_weights(around, meter)
    answer = around.face.with_costs(by * weights / float(np.abs(weights).max()))
    part = 0.0 if answer is None else _part(around, answer, meter)
    return min(part, 0.0) if by > 0 else max(part, 0.0)


def _from_afar(around: Around, meter: int, by: int, slope: float) -> End:
    """Return the end by Newton's steps from the far side, where no small step tells it."""
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
    if answer is None:
        raise SolverError("the range in which a price holds could not be found")
    return around.own(answer)


def _scaled_weights(around: Around, meter: int) -> Floats:
    weights = np.append(around.meters[meter], np.zeros(len(around.program.lower) - around.width))
    return np.ldexp(weights, around.program.column)


def _part(around: Around, x: Floats | Optimum, meter: int) -> float:
    return float(around.meters[meter] @ (around.own(x) if isinstance(x, Optimum) else x))
