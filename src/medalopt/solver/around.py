"""A solved program with meters and movers, ready to be asked about single figures: where it stands, and three ways on.

All is told in differences from the optimum x*, as in `rerun`: the cone, in which only what holds x* stays, for small
steps; the whole program; and the face of all optimal plans.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.instance.figures import Bools, Floats
from medalopt.solver.augmenting import Mover, augmented
from medalopt.solver.ends import PRICED, Ends
from medalopt.solver.linear import Linear
from medalopt.solver.scaling import Scaled, scaled
from medalopt.solver.warm import Optimum, Warm

CLOSED = 1e-9  # relative: differences below this are none
_NOISE = 2.0**-40  # of what could be, below which it is nothing


@dataclass(frozen=True, eq=False)
class End:
    """Up to where a price holds, as a distance from the figure: infinite where there is no end.

    `turn`, (N,): how the plan changes there, in own units; None where there is no plan beyond.
    """

    distance: float
    turn: Floats | None


class Around:
    """The program `linear`, solved by `x`, (N,), with the duals `y`, (M,); figures by their numbers, each from 0.

    `meters`: of each figure that costs the weights of the columns, (N,); `movers`: those at the side of the rules.
    """

    def __init__(self, linear: Linear, x: Floats, y: Floats, meters: Sequence[Floats], movers: Sequence[Mover]) -> None:
        whole, y = augmented(linear, y, meters, movers)
        self.linear, self.meters = linear, meters
        self.width, self.first_meter = len(linear.lower), len(whole.rows) - len(meters)
        program = scaled(whole)
        y = np.ldexp(y, program.cost[0] - program.row)
        at = np.ldexp(np.append(x, np.zeros(len(movers))), -program.column)
        self.ends = Ends.of(program, at, y, self._reduced(program, y))
        self._y = _supported(y, self.ends.row_below, self.ends.row_above)
        reduced = self._reduced(program, self._y)
        self._kept = _supported(reduced, self.ends.below, self.ends.above)
        costs = program.costs.copy()
        costs[0] -= reduced - self._kept  # what was rounding: nothing is gained by leaving x* for small steps
        self.program = dataclasses.replace(program, costs=costs)
        most = np.where(np.isfinite(linear.size), linear.size, 0.0)
        totals = [(float(weights @ x), float(np.abs(weights) @ most)) for weights in meters]
        self.metered = [total if abs(total) > _NOISE * size else 0.0 for total, size in totals]

    def _reduced(self, program: Scaled, y: Floats) -> Floats:
        return np.asarray(program.costs[0] - program.pulled(y))

    def _warm(self, program: Scaled) -> Warm:
        return Warm(program, self.ends.columns, self.ends.rows)

    @cached_property
    def cone(self) -> Warm:
        """The program of small steps."""
        return self._warm(self.ends.cone(self.program))

    @cached_property
    def all_steps(self) -> Scaled:
        """The whole program, as arrays."""
        return self.ends.whole(self.program)

    @cached_property
    def whole(self) -> Warm:
        """The whole program."""
        return self._warm(self.all_steps)

    @cached_property
    def face(self) -> Warm:
        """The program of the steps to other optimal plans."""
        held: tuple[Bools, Bools] = (np.abs(self._kept) > PRICED, np.abs(self._y) > PRICED)
        held[0][self.width :] = True
        return self._warm(self.ends.face(self.program, *held))

    def pull(self, column: int, y: Floats) -> float:
        """Return by how much the measure rises with a column of no cost, by the scaled duals `y`."""
        entries = slice(*self.program.start[column : column + 2].tolist())
        return -float(self.program.value[entries] @ y[self.program.index[entries]])

    def own(self, answer: Optimum) -> Floats:
        """Return the columns of the program itself, (N,), in own units."""
        return self.program.primal(answer.x)[: self.width]

    def value(self, x: Floats) -> float:
        """Return what a difference of the columns, (N,), costs, in own units."""
        return float(self.linear.costs[0] @ x)


def _supported(price: Floats, below: Floats, above: Floats) -> Floats:
    """Return the prices of what holds the plan: those above 0 at a lower end, those below 0 at an upper one."""
    return np.where(((price > 0) & (below == 0)) | ((price < 0) & (above == 0)), price, 0.0)
