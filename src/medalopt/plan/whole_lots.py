"""What whole lots cost, and what one unit more of anything else is worth once their numbers are fixed."""

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
    """What is known of a plan in whole lots: `value` of its measure beside that of the best plan `without` them.

    `lower_bound` is the certified bound of all plans, in lots or not. `duals` are those of the linear program in which
    the numbers of lots are fixed at those of the plan; they prove nothing.
    """

    value: float
    without: float
    lower_bound: float
    duals: Duals

    @property
    def extra(self) -> float:
        """What whole lots cost: the plan less the best without them; nothing where rounding alone parts the two."""
        return max(self.value - self.without, 0.0)

    @property
    def above_bound(self) -> float:
        """What the plan costs above the certified bound: at most so much is lost, whatever the search overlooked."""
        return max(self.value - self.lower_bound, 0.0)

    def marginals(self, account: Account, unit: str) -> tuple[Marginal, ...]:
        """Return the marginal values at the chosen lots; none of what is itself ordered in lots or from a minimum on.

        Its amount is fixed with their number.
        """
        fixed = set(_fixed(account))
        return tuple(one for one in marginals(account, self.duals, unit) if not one.path.startswith(tuple(fixed)))


def _fixed(account: Account) -> Iterator[str]:
    """Yield the beginnings of the paths of what is ordered in lots."""
    instance = account.instance
    for section, part in (("streams", instance.streams), ("market", instance.market)):
        for name, fixed in zip(part.names, by_order(part).tolist(), strict=True):
            if fixed:
                yield f"{render((section, name))}."
