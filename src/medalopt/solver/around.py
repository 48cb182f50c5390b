"""`PerturbationAnalysis` answers questions about bounds and sums of columns, `ParametricAnalysis` about parameters."""

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

CLOSED = 1e-9  # relative tolerance of parameter values and of Newton's method
_NOISE = 2.0**-40  # share of its greatest possible value below which a metered total is 0


@dataclass(frozen=True, eq=False)
class End:
    """Limit of a sensitivity range as a distance from the current value, infinite without a limit.

    `turn` (N,) is the change of direction of the plan there, own units; None where no plan exists beyond.
    """

    distance: float
    turn: Floats | None


class Around:
    """Parametric analysis around an optimum: solvers for cone, polyhedron and optimal face of the augmented program.

    Args:
        linear: Program.
        x (N,): Optimal columns.
        y (M,): Optimal duals.
        meters: For each cost parameter the weights of the columns, (N,).
        movers: Right-hand-side parameters.
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
        costs[0] -= reduced - self._kept  # remove rounding, so that x* stays optimal on the cone
        self.program = dataclasses.replace(program, costs=costs)
        most = np.where(np.isfinite(linear.size), linear.size, 0.0)
        totals = [(float(weights @ x), float(np.abs(weights) @ most)) for weights in meters]
        self.metered = [total if abs(total) > _NOISE * size else 0.0 for total, size in totals]

    def _reduced(self, program: Scaled, y: Floats) -> Floats:
        """Return the scaled reduced costs."""
        return np.asarray(program.costs[0] - program.pulled(y))

    def _warm(self, program: Scaled) -> Warm:
        """Return a warm-started solver at x*."""
        return Warm(program, self.ends.columns, self.ends.rows)

    @cached_property
    def cone(self) -> Warm:
        """Solver on the cone of feasible directions, for small steps."""
        return self._warm(self.ends.cone(self.program))

    @cached_property
    def all_steps(self) -> Scaled:
        """The program on the whole polyhedron, scaled."""
        return self.ends.whole(self.program)

    @cached_property
    def whole(self) -> Warm:
        """Solver on the whole polyhedron."""
        return self._warm(self.all_steps)

    @cached_property
    def face(self) -> Warm:
        """Solver on the optimal face."""
        held: tuple[Bools, Bools] = (np.abs(self._kept) > PRICED, np.abs(self._y) > PRICED)
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

    def own(self, answer: Optimum) -> Floats:
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


def _supported(price: Floats, below: Floats, above: Floats) -> Floats:
    """Return the prices with the sign of an active bound: positive at lower, negative at upper bounds; else 0."""
    return np.where(((price > 0) & (below == 0)) | ((price < 0) & (above == 0)), price, 0.0)
