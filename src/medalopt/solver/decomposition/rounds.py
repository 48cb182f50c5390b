r"""Prices and answers in turn (Dantzig and Wolfe 1960), until the best mix of answers meets the bound.

Each round prices at a point between the best prices so far and those of the master program,
$y=\alpha\hat y+(1-\alpha)\bar y$ (Wentges 1997; in-out: Ben-Ameur and Neto 2007): the latter alone jump about. Every
round gives a lower bound (Lagrange): what the rows are worth at $y$, and what the blocks answer.
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

KEPT, LEAST = 0.5, 0.02  # of the best prices so far in those of a round: at first, and at least
SMALL = 1e-12  # of what is paid, below which an answer does not pay


@dataclass(frozen=True, eq=False)
class Round:
    """Where the prices stand after a round: `y` is the best so far, whose bound is `bound`."""

    number: int
    mix: Mix
    y: Floats
    bound: float
    answer: Answer  # to y; what cells are worth may be of before

    @property
    def gap(self) -> float:
        """How far the mix lies above the bound, beside all that is paid."""
        return (self.mix.value - self.bound) / max(1.0, self.mix.size)


@dataclass(frozen=True, eq=False)
class Asked:
    """The streams that are asked: how they are priced, in which way they answer, and in which blocks."""

    instance: Instance
    pricing: Pricing
    sorts: Sorts
    needs: Needs
    block: Ints  # (I, T)
    owing: Bools  # (B,) blocks of which nothing is no answer

    @classmethod
    def of(cls, instance: Instance, pricing: Pricing, sorts: Sorts, needs: Needs) -> Asked:
        """Return the streams of `instance` where regions have `needs`."""
        return cls(instance, pricing, sorts, needs, *blocks(instance, sorts, needs))

    def answer(self, weights: Floats) -> tuple[Answer, Floats]:
        """Return the answer to `weights`, and of each block how much of each linking quantity, (B, linking)."""
        answer = answered(self.instance, self.pricing, self.sorts, self.needs, weights)
        return answer, gathered(self.pricing, answer, self.block, len(self.owing))

    def again(self, weights: Floats, before: Lasting | None) -> Lasting:
        """Return the same after an answer of `before`; what cells are worth may be of before."""
        return lasting(self.pricing, self.sorts, self.needs, (self.block, len(self.owing)), weights, before)


def worth(made: Floats, weights: Floats) -> Floats:
    """Return what each row of `made` comes to at prices: by one processor, as threads would take longer to begin."""
    return np.einsum("bl,l->b", made, weights)


def rounds(master: Master, asked: Asked, most: int, first: Floats | None = None) -> Iterator[Round]:
    """Yield the state after each round of the phase that the master is in, at most so many.

    `first` are the prices of the first round, (M,), where better ones are known than those of the mix.
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
            return  # the prices are those of the mix, and no answer to them pays: rounding is all that is left
        if pays.any():
            master.add(weights, made[pays], np.flatnonzero(pays))
        kept = min(KEPT, 1.5 * kept) if pays.any() else (kept / 2 if kept > LEAST else 0.0)
