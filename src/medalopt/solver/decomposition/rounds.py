r"""Prices and answers in turn (Dantzig and Wolfe 1960), until the best mix of answers meets the bound.

Each round prices at a point between the best prices so far and those of the master program,
$y=\alpha\hat y+(1-\alpha)\bar y$ (Wentges 1997; in-out: Ben-Ameur and Neto 2007): the latter alone jump about. Every
round gives a lower bound (Lagrange): what the rows are worth at $y$, and what the blocks answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from medalopt.instance.figures import Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.solver.decomposition.gathering import gathered
from medalopt.solver.decomposition.master import Master, Mix
from medalopt.solver.decomposition.pricing import Pricing
from medalopt.solver.decomposition.streams import Answer, Sorts, answered

KEPT, LEAST = 0.5, 0.02  # of the best prices so far in those of a round: at first, and at least
NOTHING = 1e-9  # of the ends of all rows together, below which nothing is missed
SMALL = 1e-12  # of what is paid, below which an answer does not pay


@dataclass(frozen=True, eq=False)
class Round:
    """Where the prices stand after a round: `y` is the best so far, whose bound is `bound`."""

    number: int
    mix: Mix
    y: Floats
    bound: float
    answer: Answer  # to y

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
    block: Ints  # (I, T)
    blocks: int

    paid: Floats | None = None  # (G,) for each tonne that a region with a need of its own sends; None: it meets it

    def answer(self, weights: Floats, phase_one: bool = False) -> tuple[Answer, Floats, Floats]:
        """Return the answer to `weights`; of each block how much of each linking quantity, and what it is paid.

        In phase one nothing is paid.
        """
        paid = self.paid if self.paid is None or not phase_one else 0 * self.paid
        answer = answered(self.instance, self.pricing, self.sorts, weights, paid)
        made = gathered(self.pricing, answer, self.block, self.blocks)
        reward = np.zeros(self.blocks)
        if paid is not None:
            money = answer.sent * paid[self.instance.streams.region][:, None]
            reward = np.bincount(self.block.ravel(order="F"), money.ravel(order="F"), self.blocks).astype(np.float64)
        return answer, made, reward


def rounds(master: Master, asked: Asked, most: int) -> Iterator[Round]:
    """Yield the state after each round of the phase that the master is in, at most so many."""
    best: Round | None = None
    kept = KEPT
    for number in range(most):
        mix = master.solved()
        if mix is None:
            return
        y = mix.y if best is None else kept * best.y + (1 - kept) * mix.y
        weights = master.weights(y)
        found, made, reward = asked.answer(weights, master.phase_one)
        bound = master.alone(y) + float((made @ weights - reward).sum())
        better = best is None or bound > best.bound
        best = Round(number, mix, y, bound, found) if better or best is None else replace(best, number=number, mix=mix)
        pays = made @ master.weights(mix.y) - reward - mix.blocks < -SMALL * max(1.0, mix.size)
        yield best
        if not pays.any() and not kept:
            return  # the prices are those of the mix, and no answer to them pays: rounding is all that is left
        if pays.any():
            master.add(weights, made[pays], np.flatnonzero(pays), reward[pays])
        kept = min(KEPT, 1.5 * kept) if pays.any() else (kept / 2 if kept > LEAST else 0.0)
