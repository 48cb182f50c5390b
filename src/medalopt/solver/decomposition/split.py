"""A task taken apart: the streams that are asked, and the rest of the program."""

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
    """A task taken apart: the streams that are asked, the rest of the program, and what stands in it by itself."""

    task: Task
    asked: Asked
    half: Half
    own: Network
    master: Master

    @classmethod
    def of(cls, task: Task) -> Split:
        """Take `task` apart; regions that see to their need themselves need nothing yet."""
        instance, found = task.instance, task.found
        pricing, sorts = Pricing.of(instance, found), Sorts.of(instance, found)
        asked = Asked.of(instance, pricing, sorts, Needs.none(instance))
        half = Half.of(instance, found, task.bounds, task.measure)
        own = part(instance, found, chosen(instance, found, sorts.explicit), whole=False)
        linear = half.with_part(instance, found, task.bounds, own, np.zeros(half.count))
        return cls(task, asked, half, own, _master(task, asked, half, linear, [_metal(asked)]))

    @property
    def met(self) -> Asked:
        """The streams, where regions meet all of their need."""
        return replace(self.asked, needs=Needs.whole(self.task.instance, self.asked.sorts.need))

    def needing(self, sure: Bools, last: int) -> Split:
        """Return the same where regions send what they need to beside cells that are `sure` to go, (I, T), with a
        master that knows the answers to the `last` prices."""
        needs = Needs.but(self.task.instance, self.asked.sorts.need, sure)
        asked = Asked.of(self.task.instance, self.asked.pricing, self.asked.sorts, needs)
        master = _master(self.task, asked, self.half, self.master.linear, self.master.asked[-last:])
        return replace(self, asked=asked, master=master)


def _master(task: Task, asked: Asked, half: Half, linear: Linear, first: list[Floats]) -> Master:
    return Master(half, linear, [(weights, asked.answer(weights)[1]) for weights in first], asked.owing, task.budget)


def _metal(asked: Asked) -> Floats:
    """Return prices of the linking quantities by which metal that is back is worth something, and nothing else."""
    weights, places = np.zeros(asked.pricing.linking.count), asked.pricing.linking.returned
    weights[places[places >= 0]] = -1.0
    return weights
