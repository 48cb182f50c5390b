"""Cost of whole lots, and marginal values with their numbers fixed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from medalopt.instance.decisions import Account
from medalopt.instance.lots import by_order
from medalopt.instance.paths import render
from medalopt.proof.marginal import Marginal, marginals
from medalopt.proof.prices import Duals


@dataclass(frozen=True, eq=False)
class WholeLots:
    """Cost comparison of a plan in whole lots: objective `value` against that of the best plan `without` them.

    `lower_bound` is the certified bound on all plans, in lots or not. `duals` are those of the linear program with
    the numbers of lots fixed at those of the plan; they prove no bound.
    """

    value: float
    without: float
    lower_bound: float
    duals: Duals

    @property
    def extra(self) -> float:
        """Cost of whole lots: objective above that of the best plan without them, 0 within rounding."""
        return max(self.value - self.without, 0.0)

    @property
    def above_bound(self) -> float:
        """Objective above the certified bound: an upper limit of the loss due to an incomplete search."""
        return max(self.value - self.lower_bound, 0.0)

    def marginals(self, account: Account, unit: str) -> tuple[Marginal, ...]:
        """Return marginal values at fixed numbers of lots, except of anything ordered in lots or with a minimum order.

        Args:
            account: Plan.
            unit: Unit of the objective.

        Returns:
            Non-zero marginal values.
        """
        fixed = set(_fixed(account))
        return tuple(one for one in marginals(account, self.duals, unit) if not one.path.startswith(tuple(fixed)))


def _fixed(account: Account) -> Iterator[str]:
    """Yield the path prefixes of the streams and offers ordered in lots."""
    instance = account.instance
    for section, part in (("streams", instance.streams), ("market", instance.market)):
        for name, fixed in zip(part.names, by_order(part).tolist(), strict=True):
            if fixed:
                yield f"{render((section, name))}."
