"""As a function of a right-hand-side parameter the optimal value is convex and piecewise linear.

Its slope is the cost of the cheapest direction on the cone that follows the parameter. A ratio test gives a step for
which it surely holds; beyond, tangents lead back to the breakpoint.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.solver.around import CLOSED, Around, End
from medalopt.solver.warm import Optimum

HAIR = 1e-7  # relative difference within which prices are equal
_FAR = 2.0**16  # range in multiples of the parameter's size, beyond which it counts as unlimited
_BEYOND = 2.0**-4  # share by which the ratio test's step is exceeded to examine the slope beyond
_STILL = 1e-11  # relative rate below which a column or row counts as constant
_PAST = (2.0**-10, 2.0**-26)  # shares by which a presumed limit is exceeded to confirm it
_ROUNDS = 60  # iterations of the tangent method, which needs one or two
Side = tuple[float | None, End]


@dataclass(frozen=True, eq=False)
class _Step:
    """Direction for one unit of a parameter, scaled: its cost, and the change of the columns (N,)."""

    price: float
    x: Floats

    @property
    def back(self) -> _Step:
        """The opposite direction."""
        return _Step(-self.price, -self.x)


def side_range(around: Around, mover: int, up: float, down: float) -> tuple[Side, Side]:
    """Find the shadow price of a right-hand-side parameter up and down, and the ranges in which it holds.

    Args:
        around: Analysis of the optimum.
        mover: Number of the parameter.
        up: Greatest possible increase.
        down: Greatest possible decrease.

    Returns:
        Price and limit for an increase, then for a decrease; a price is None where that is infeasible.
    """
    more = _step(around, mover, 1) if up > 0 else None
    back = None if more is None else more.back
    known = back is not None and _reach(around, back) > CLOSED
    less = (back if known else _step(around, mover, -1)) if down > 0 else None
    return _held(around, mover, 1, more, up), _held(around, mover, -1, less, down)


def _step(around: Around, mover: int, by: int) -> _Step | None:
    """Return the cheapest direction that follows a unit more (`by` 1) or less (-1), None if infeasible."""
    column = around.width + mover
    entries = slice(*around.program.start[column : column + 2].tolist())
    rows = around.program.index[entries]
    if not ((around.ends.row_below[rows] == 0) | (around.ends.row_above[rows] == 0)).any():
        x = np.zeros(len(around.program.lower))
        x[column] = by
        return _Step(0.0, x)  # not binding: no cost
    answer = around.cone.bounded(column, float(by), float(by))
    return None if answer is None else _Step(answer.value, answer.x)


def _reach(around: Around, step: _Step) -> float:
    """Return the multiple of a direction that remains feasible (ratio test)."""
    program, rows = around.all_steps, around.program.activity(step.x)
    pairs = (
        (step.x[: around.width], program.lower[: around.width], program.upper[: around.width]),
        (rows, program.row_lower, program.row_upper),
    )
    reach = math.inf
    for rate, low, high in pairs:
        moving = np.abs(rate) > _STILL * float(np.abs(rate).max(initial=0.0))
        room = np.where(rate > 0, high, low)[moving] / rate[moving]
        reach = min(reach, float(room.min(initial=math.inf)))
    return max(reach, 0.0)


def _held(around: Around, mover: int, by: int, step: _Step | None, farthest: float) -> Side:
    """Return price and limit in own units."""
    if step is None:
        return None, End(0.0, None)
    exponent = int(around.program.column[around.width + mover])
    price = math.ldexp(step.price, -exponent - int(around.program.cost[0]))
    end = _end(around, mover, by, step, min(math.ldexp(farthest, -exponent), _FAR))
    return price, End(math.ldexp(end.distance, exponent), end.turn)


def _end(around: Around, mover: int, by: int, step: _Step, far: float) -> End:
    """Return the limit up to which the price of `step` holds, scaled, at most `far`."""
    sure = _reach(around, step)
    at, known = sure, step.x * sure if math.isfinite(sure) else step.x
    beyond, answer = sure, None
    while beyond < far:
        beyond = min(max(beyond * (1 + _BEYOND), beyond + 2.0**-20) if answer is None else 4 * beyond, far)
        answer = _moved(around, mover, by * beyond)
        if answer is None:
            return _last(around, mover, by, step, beyond)
        if not _on_line(around, answer, step.price * beyond):
            break
        at, known = beyond, answer.x
    else:
        return End(math.inf, None)
    return _back(around, mover, by, step, (at, known), (beyond, answer))


def _back(
    around: Around, mover: int, by: int, step: _Step, inside: tuple[float, Floats], outside: tuple[float, Optimum]
) -> End:
    """Return the breakpoint between a value where the price holds and one beyond, by tangents from beyond."""
    column = around.width + mover
    for _ in range(_ROUNDS):
        beyond, answer = outside
        slope = by * around.pull(column, answer.y)
        steeper = slope - step.price
        at = beyond - (answer.value - step.price * beyond) / steeper if steeper > 0 else inside[0]
        if at <= inside[0] * (1 + CLOSED) or at >= beyond:
            break
        found = _moved(around, mover, by * at)
        if found is None:
            break
        if _on_line(around, found, step.price * at):
            inside = (at, found.x)
            break
        outside = (at, found)
    at, known = inside
    before = known / at if at > 0 else step.x
    turn = outside[1].x - known - before * (outside[0] - at)
    return End(at, around.program.primal(turn)[: around.width])


def _last(around: Around, mover: int, by: int, step: _Step, far: float) -> End:
    """Return the limit where `far` is infeasible: the farthest value worth the price, and slightly more."""
    column = around.width + mover
    hair = HAIR * max(abs(step.price), 1.0)
    low, high = (0.0, far) if by > 0 else (-far, 0.0)
    answer = around.whole.bounded(column, low, high, -by * (step.price + hair))
    if answer is None:
        return End(0.0, None)
    at = float(abs(answer.x[column]))
    for share in _PAST:
        beyond = _moved(around, mover, by * at * (1 + share))
        if beyond is not None and _on_line(around, beyond, step.price * at * (1 + share)):
            return _farthest(around, mover, by, step, (at, answer.x), far)
        if beyond is not None:
            turn = beyond.x - answer.x * (1 + share)
            return End(at, around.program.primal(turn)[: around.width])
    return End(at, None)


def _farthest(around: Around, mover: int, by: int, step: _Step, inside: tuple[float, Floats], far: float) -> End:
    """Return the limit where the price holds beyond `inside`: the end of feasibility, or a breakpoint before it."""
    column = around.width + mover
    answer = around.whole.farthest(column, by, far)
    if answer is None:
        return End(inside[0], None)
    at = float(abs(answer.x[column]))
    near = at * (1 - _PAST[-1])
    found = _moved(around, mover, by * near)
    if found is None or _on_line(around, found, step.price * near):
        return End(at, None)
    return _back(around, mover, by, step, inside, (near, found))


def _moved(around: Around, mover: int, to: float) -> Optimum | None:
    """Return the optimum at a value of the parameter, None if infeasible."""
    return around.whole.bounded(around.width + mover, to, to)


def _on_line(around: Around, answer: Optimum, line: float) -> bool:
    """Return whether the objective is on the line given by the price, within `PRICE_TOLERANCE`."""
    size = float(np.abs(around.program.costs[0]) @ np.abs(answer.x))
    return answer.value - line <= max(HAIR * abs(line), 2.0**-36 * size)
