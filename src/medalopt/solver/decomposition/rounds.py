"""Column generation (Dantzig and Wolfe 1960): master problem and subproblems alternate until bound and objective meet.

Subproblems are priced between the best duals so far and those of the master problem, y = α ŷ + (1−α) ȳ (Wentges 1997;
in-out separation: Ben-Ameur and Neto 2007), since the latter alone oscillate. Each iteration gives a lower bound
(Lagrange): the value of the rows at y, and of the subproblems.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from medalopt.instance.figures import Bools, Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.solver.decomposition.gathering import gathered
from medalopt.solver.decomposition.lasting import Lasting, lasting
from medalopt.solver.decomposition.master import Master, Mix
from medalopt.solver.decomposition.needs import Needs
from medalopt.solver.decomposition.pricing import Pricing
from medalopt.solver.decomposition.streams import Answer, Sorts, answered, blocks

KEPT, LEAST = 0.5, 0.02  # smoothing factor α: initial and least value
SMALL = 1e-12  # relative reduced cost below which a block solution is not added


@dataclass(frozen=True, eq=False)
class Round:
    """State after an iteration: master optimum `mix`, best duals `y` so far, and their lower `bound`."""

    number: int
    mix: Mix
    y: Floats
    bound: float
    answer: Answer  # subproblem solution at y; reduced costs may be older

    @property
    def gap(self) -> float:
        """Gap between the master objective and the bound, relative to the magnitude of the objective's terms."""
        return (self.mix.value - self.bound) / max(1.0, self.mix.size)


@dataclass(frozen=True, eq=False)
class Asked:
    """Pricing problem: streams, prices by route, classes, participation minima and blocks."""

    instance: Instance
    pricing: Pricing
    sorts: Sorts
    needs: Needs
    block: Ints  # (I, T)
    owing: Bools  # (B,) participation blocks, for which sending nothing is infeasible

    @classmethod
    def of(cls, instance: Instance, pricing: Pricing, sorts: Sorts, needs: Needs) -> Asked:
        """Set up the pricing problem.

        Args:
            instance: Instance.
            pricing: Routes by kind.
            sorts: Classes of streams.
            needs: Participation minima.

        Returns:
            The pricing problem.
        """
        return cls(instance, pricing, sorts, needs, *blocks(instance, sorts, needs))

    def answer(self, weights: Floats) -> tuple[Answer, Floats]:
        """Solve the subproblems at given prices.

        Args:
            weights (linking,): Prices of the linking variables.

        Returns:
            The solution, and its linking amounts by block, (B, linking).
        """
        answer = answered(self.instance, self.pricing, self.sorts, self.needs, weights)
        return answer, gathered(self.pricing, answer, self.block, len(self.owing))

    def again(self, weights: Floats, before: Lasting | None) -> Lasting:
        """Solve the subproblems with a cache of earlier prices.

        Args:
            weights (linking,): Prices of the linking variables.
            before: Cache, None at first.

        Returns:
            The cache at these prices; reduced costs may be older.
        """
        return lasting(self.pricing, self.sorts, self.needs, (self.block, len(self.owing)), weights, before)


def worth(made: Floats, weights: Floats) -> Floats:
    """Return the value of linking amounts; `einsum` uses one thread, which is faster here.

    Args:
        made (n, linking): Linking amounts.
        weights (linking,): Prices.

    Returns:
        Values (n,).
    """
    return np.einsum("bl,l->b", made, weights)


def rounds(master: Master, asked: Asked, most: int, first: Floats | None = None) -> Iterator[Round]:
    """Iterate column generation in the current phase of the master problem.

    Args:
        master: Master problem.
        asked: Pricing problem.
        most: Greatest number of iterations.
        first (M,): Duals to begin with, if better ones than the master's are known.

    Yields:
        The state after each iteration.
    """
    best: Round | None = None
    kept, last = KEPT, None
    for number in range(most):
        mix = master.solved()
        if mix is None:
            return
        start = mix.y if first is None else first
        y = start if best is None else kept * best.y + (1 - kept) * mix.y
        weights = master.weights(y)
        last = asked.again(weights, last)
        made = last.made
        bound = master.alone(y) + float(worth(made, weights).sum())
        better = best is None or bound > best.bound
        best = (
            Round(number, mix, y, bound, last.answer)
            if better or best is None
            else replace(best, number=number, mix=mix)
        )
        pays = worth(made, master.weights(mix.y)) - mix.blocks < -SMALL * max(1.0, mix.size)
        yield best
        if not pays.any() and not kept:
            return  # no block solution prices out at the unsmoothed duals: optimal up to rounding
        if pays.any():
            master.add(weights, made[pays], np.flatnonzero(pays))
        kept = min(KEPT, 1.5 * kept) if pays.any() else (kept / 2 if kept > LEAST else 0.0)
