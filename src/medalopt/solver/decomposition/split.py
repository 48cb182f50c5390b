"""A task is partitioned into the pricing problem and the master problem."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from medalopt.instance.figures import Bools, Floats
from medalopt.model.network import Network, chosen, part
from medalopt.solver.decomposition.half import Half
from medalopt.solver.decomposition.master import Master
from medalopt.solver.decomposition.needs import Needs
from medalopt.solver.decomposition.pricing import Pricing
from medalopt.solver.decomposition.rounds import Asked
from medalopt.solver.decomposition.streams import Sorts
from medalopt.solver.ladder import Task
from medalopt.solver.linear import Linear


@dataclass(frozen=True, eq=False)
class Split:
    """Decomposed task: pricing problem, linking program, network of the explicit streams, and master problem."""

    task: Task
    asked: Asked
    half: Half
    own: Network
    master: Master

    @classmethod
    def of(cls, task: Task) -> Split:
        """Decompose a task; participation minima are not included yet.

        Args:
            task: Instance to solve.

        Returns:
            The decomposed task.
        """
        instance, found = task.instance, task.found
        pricing, sorts = Pricing.of(instance, found), Sorts.of(instance, found)
        asked = Asked.of(instance, pricing, sorts, Needs.none(instance))
        half = Half.of(instance, found, task.bounds, task.measure)
        own = part(instance, found, chosen(instance, found, sorts.explicit), whole=False)
        linear = half.with_part(instance, found, task.bounds, own, np.zeros(half.count))
        return cls(task, asked, half, own, _master(task, asked, half, linear, [_metal(asked)]))

    @property
    def met(self) -> Asked:
        """Pricing problem with the full participation minimum."""
        return replace(self.asked, needs=Needs.whole(self.task.instance, self.asked.sorts.need))

    def needing(self, sure: Bools, last: int) -> Split:
        """Return the decomposition with participation minima outside of surely profitable cells.

        Args:
            sure (I, T): Mask of the cells left to ordinary blocks.
            last: Number of latest prices whose solutions the new master problem starts with.

        Returns:
            The new decomposition.
        """
        needs = Needs.but(self.task.instance, self.asked.sorts.need, sure)
        asked = Asked.of(self.task.instance, self.asked.pricing, self.asked.sorts, needs)
        master = _master(self.task, asked, self.half, self.master.linear, self.master.asked[-last:])
        return replace(self, asked=asked, master=master)


def _master(task: Task, asked: Asked, half: Half, linear: Linear, first: list[Floats]) -> Master:
    """Return the master problem with the block solutions to the given prices."""
    return Master(half, linear, [(weights, asked.answer(weights)[1]) for weights in first], asked.owing, task.budget)


def _metal(asked: Asked) -> Floats:
    """Return initial prices: −1 for returned metal, else 0."""
    weights, places = np.zeros(asked.pricing.linking.count), asked.pricing.linking.returned
    weights[places[places >= 0]] = -1.0
    return weights
