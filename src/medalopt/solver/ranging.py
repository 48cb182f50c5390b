"""How far a price holds: a solved program asked about single figures, those that cost and those at the side.

All is told in differences from the optimum x*, as in `rerun`. The measure as a function of what a figure costs is
concave and piecewise linear, as a function of what stands at the side of a rule convex. A price is the slope at the
figure; up to where it holds is one linear program more:

- of a cost: the least that a plan with one unit less (more) of what is metered costs more, for small steps (cone);
- of a side: the farthest that the mover can go when each unit of it is paid at its price, and a hair beyond.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.figures import Floats
from medalopt.solver.augmenting import Mover, augmented
from medalopt.solver.ends import PRICED, Ends
from medalopt.solver.linear import Linear
from medalopt.solver.scaling import Scaled, scaled
from medalopt.solver.warm import Optimum, Warm

CLOSED = 1e-9  # relative: differences below this are none
HAIR = 1e-7  # relative: prices that differ by less are one
_FAR = 2.0**16  # sizes of a figure; a price that holds so far has no end
_BEYOND = 2.0**-10  # of the way to an end, by which it is overstepped to see what comes then
_ROUNDS = 60  # of Newton's method, which needs three or four


@dataclass(frozen=True, eq=False)
class End:
    """Up to where a price holds, as a distance from the figure: infinite where there is no end.

    `turn`, (N,): how the plan changes there, in own units; None where there is no plan beyond.
    """

    distance: float
    turn: Floats | None


class Ranging:
    """The program `linear`, solved by `x`, (N,), with the duals `y`, (M,); figures by their numbers, each from 0.

    `meters`: of each figure that costs the weights of the columns, (N,). `only`: whether x is the only optimum.
    """

    def __init__(
        self, linear: Linear, x: Floats, y: Floats, meters: Sequence[Floats], movers: Sequence[Mover], only: bool
    ) -> None:
        whole, y = augmented(linear, y, meters, movers)
        self._linear, self._only = linear, only
        self._weights = meters
        self._metered = np.array([float(weights @ x) for weights in meters])
        self._width, self._first_meter = len(linear.lower), len(whole.rows) - len(meters)
        program = scaled(whole)
        x = np.append(x, np.zeros(len(movers)))
        y = np.ldexp(y, program.cost[0] - program.row)
        column = np.repeat(np.arange(len(x)), np.diff(program.start))

        def reduced(y: Floats) -> Floats:
            pulled = np.bincount(column, program.value * y[program.index], len(x))
            return np.asarray(program.costs[0] - pulled)

        self._ends = Ends.of(program, np.ldexp(x, -program.column), y, reduced(y))
        self._y = _supported(y, self._ends.row_below, self._ends.row_above)
        kept = reduced(self._y)
        self._reduced = _supported(kept, self._ends.below, self._ends.above)
        costs = program.costs.copy()
        costs[0] -= kept - self._reduced  # what was rounding: nothing is gained by leaving x* for small steps
        self._program = dataclasses.replace(program, costs=costs)

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
        held[0][self._width :] = True
        return self._warm(self._ends.face(self._program, *held))

    def metered(self, meter: int) -> tuple[float, float]:
        """Return the least and the most that is metered over all optimal plans: the slopes of a cost up and down."""
        total = float(self._metered[meter])
        if self._only:
            return total, total
        weights = self._scaled_weights(meter)
        size = float(np.abs(weights).max())
        low, high = (self._part(self._posed(self._face.with_costs(sign * weights / size)), meter) for sign in (1, -1))
        return total + min(low, 0.0), total + max(high, 0.0)

    def cost_end(self, meter: int, by: int, at: float) -> End:
        """Return up to where the slope `at` of a cost holds when it rises (`by` 1) or falls (-1)."""
        total = float(self._metered[meter])
        if abs(at - total) > CLOSED * max(abs(at), abs(total)):
            return self._cost_end_from(meter, by, at)
        row = self._first_meter + meter
        scale = int(self._program.row[row])
        try:
            answer = self._cone.fixed(row, -float(by))
        except SolverError:
            del self._cone  # what could not be solved is no place to start from
            return self._cost_end_from(meter, by, at)
        if answer is None:
            return End(math.inf, None)
        x = self._own(answer)
        return End(max(math.ldexp(self._value(x), scale), 0.0), x)

    def _cost_end_from(self, meter: int, by: int, at: float) -> End:
        """Return the end by Newton's steps from the far side, where another of the optimal plans holds the slope."""
        total, weights = float(self._metered[meter]), self._scaled_weights(meter)
        size = float(np.abs(weights).max())
        x = self._own(self._posed(self._whole.with_costs(by * weights / size)))
        for _ in range(_ROUNDS):
            less = by * (at - total - self._part(x, meter))
            if less <= CLOSED * max(abs(at), abs(total)):
                return End(math.inf, None)
            distance = max(self._value(x) / less, 0.0)
            costs = self._program.costs[0] + np.ldexp(by * distance * weights, self._program.cost[0])
            new = self._own(self._posed(self._whole.with_costs(costs)))
            gained = distance * by * (at - total) - self._value(new) - distance * by * self._part(new, meter)
            if gained <= CLOSED * max(abs(self._value(x)), abs(distance * at)):
                return End(distance, x)
            x = new
        raise SolverError("no end was found of the range in which a price holds")

    def side_slope(self, mover: int, by: int) -> tuple[float, Floats] | None:
        """Return what a unit of a side costs, and how the plan moves with it, (N,); None where no plan lies there."""
        column = self._width + mover
        answer = self._cone.bounded(column, float(by), float(by))
        if answer is None:
            return None
        x = np.ldexp(self._own(answer), -self._exponent(mover))
        return self._value(x), x

    def side_end(self, mover: int, by: int, price: float, farthest: float) -> End:
        """Return up to where the `price` of a side holds, at most `farthest`, when it rises (`by` 1) or falls (-1)."""
        column, exponent = self._width + mover, self._exponent(mover)
        far = min(math.ldexp(farthest, -exponent), _FAR)
        paid = math.ldexp(price, exponent + int(self._program.cost[0]))
        hair = max(HAIR * abs(paid), 10 * PRICED)
        low, high = (0.0, far) if by > 0 else (-far, 0.0)
        answer = self._posed(self._whole.bounded(column, low, high, -by * (paid + hair)))
        reached = float(abs(answer.x[column]))
        if reached >= far * (1 - CLOSED):
            return End(math.inf, None)
        beyond = self._whole.bounded(column, *(by * reached * (1 + _BEYOND) + by * 2.0**-20,) * 2)
        turn = None
        if beyond is not None:
            before = self._own(answer) / reached if reached > 0 else 0.0
            turn = self._own(beyond) - self._own(answer) - before * (abs(beyond.x[column]) - reached)
        return End(math.ldexp(reached, exponent), turn)

    def _scaled_weights(self, meter: int) -> Floats:
        weights = np.append(self._weights[meter], np.zeros(len(self._program.lower) - self._width))
        return np.ldexp(weights, self._program.column)

    def _exponent(self, mover: int) -> int:
        return int(self._program.column[self._width + mover])

    def _posed(self, answer: Optimum | None) -> Optimum:
        if answer is None:
            raise SolverError("the range in which a price holds could not be found")
        return answer

    def _part(self, x: Floats | Optimum, meter: int) -> float:
        return float(self._weights[meter] @ (self._own(x) if isinstance(x, Optimum) else x))

    def _own(self, answer: Optimum) -> Floats:
        """Return the columns of the program itself, (N,), in own units."""
        return self._program.primal(answer.x)[: self._width]

    def _value(self, x: Floats) -> float:
        return float(self._linear.costs[0] @ x)


def _supported(price: Floats, below: Floats, above: Floats) -> Floats:
    """Return the prices of what holds the plan: those above 0 at a lower end, those below 0 at an upper one."""
    return np.where(((price > 0) & (below == 0)) | ((price < 0) & (above == 0)), price, 0.0)
