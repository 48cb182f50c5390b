"""A task taken apart: the streams that are asked, and the rest of the program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.model.network import Network, chosen, part
from medalopt.solver.decomposition.half import Half
from medalopt.solver.decomposition.master import Master
from medalopt.solver.decomposition.pricing import Pricing
from medalopt.solver.decomposition.rounds import Asked
from medalopt.solver.decomposition.streams import Sorts, blocks
from medalopt.solver.ladder import Task


@dataclass(frozen=True, eq=False)
class Split:
    """A task taken apart: the streams that are asked, the rest of the program, and what stands in it by itself."""

    task: Task
    asked: Asked
    half: Half
    own: Network
    master: Master

    @classmethod
    def of(cls, task: Task) -> Split:
        """Take `task` apart; regions with a need of their own are paid nothing yet."""
        instance, found = task.instance, task.found
        pricing, sorts = Pricing.of(instance, found), Sorts.of(instance, found)
        block = blocks(instance, sorts)
        asked = Asked(
            instance,
            pricing,
            sorts,
            block,
            int(block.max(initial=-1)) + 1,
            0 * sorts.need if sorts.need.any() else None,
        )
        half = Half.of(instance, found, task.bounds, task.measure)
        own = part(instance, found, chosen(instance, found, sorts.explicit), whole=False)
        linear = half.with_part(instance, found, task.bounds, own, np.zeros(half.count))
        master = Master(half, linear, [_first(asked, weights) for weights in _one_metal(asked)], task.budget)
        return cls(task, asked, half, own, master)

    def paying(self, paid: Floats, last: int) -> Split:
        """Return the same with regions `paid`, (G,), for a tonne, and a master that knows the answers to the `last`
        prices of before."""
        asked = replace(self.asked, paid=paid)
        first = [_first(asked, weights) for weights in self.master.asked[-last:]]
        return replace(self, asked=asked, master=Master(self.half, self.master.linear, first, self.task.budget))

    def met(self) -> Split:
        """Return the same with regions that meet their need."""
        return replace(self, asked=replace(self.asked, paid=None))


def _first(asked: Asked, weights: Floats) -> tuple[Floats, Floats, Floats]:
    return weights, *asked.answer(weights)[1:]


def _one_metal(asked: Asked) -> Iterator[Floats]:
    """Yield prices of the linking quantities by which one metal alone is worth something, for each metal."""
    for places in asked.pricing.linking.returned.transpose(1, 0, 2):
        weights = np.zeros(asked.pricing.linking.count)
        weights[places[places >= 0]] = -1.0
        yield weights
