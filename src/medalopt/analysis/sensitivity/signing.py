"""Contract deadlines: the last period before which each purchase or contract can be missing at no extra cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from medalopt.analysis.sensitivity.absence import Absence, closed, contracts
from medalopt.analysis.sensitivity.steps import Tell, attempted
from medalopt.analysis.variants import Variants
from medalopt.instance.decisions import Account
from medalopt.instance.figures import Bools
from medalopt.solver.outcome import Outcome


@dataclass(frozen=True)
class Deadline:
    """Signing deadline of a contract: supply of a bundle or stream, a smelter's feed, or an offer.

    `last` is the last period in which it can be signed at no extra cost (None if it is never needed), `first` the
    period of its first use in the plan, `extra` the increase of the objective if it is signed one period after `last`
    (infinite if infeasible). If not `proven`, `last` and `extra` have no meaning.
    """

    kind: str
    name: str
    path: str
    first: str | None
    last: str | None
    extra: float
    proven: bool = True


def deadlines(variants: Variants, outcome: Outcome, same: float, tell: Tell) -> tuple[Deadline, ...]:
    """Return all contract deadlines, earliest first; a contract is usable from the period of its signature on."""
    account = variants.base.account(outcome)
    every = contracts(variants.instance)
    found = []
    for number, contract in enumerate(every):
        tell(f"signing {contract.name} later ({number + 1} of {len(every)})")
        value = outcome.value, same
        made = attempted(partial(_deadline, variants, contract, account, value))
        found.append(made or Deadline(contract.kind, contract.name, contract.path, None, None, 0.0, proven=False))
    periods = {name: number for number, name in enumerate(variants.instance.periods)}
    return tuple(sorted(found, key=lambda one: (periods.get(one.last or "", len(periods)), -one.extra, one.path)))


def _deadline(variants: Variants, contract: Absence, account: Account, value: tuple[float, float]) -> Deadline:
    """Search the last period of free signing, from the first use on: doubling steps, then bisection.

    `value`: objective of the base case, and the tolerance within which it counts as unchanged.
    """
    instance = variants.instance
    used = np.flatnonzero(_uses(account, contract))
    if not len(used):
        return Deadline(contract.kind, contract.name, contract.path, None, None, 0.0)
    first, periods = int(used[0]), np.arange(len(instance.periods))
    values: dict[int, float] = {}

    def free(at: int) -> bool:
        """Return True if the contract can be missing before period `at` at no extra cost."""
        values[at] = variants.moving.solve(closed(variants.base, contract, periods < at, bound=True)).value
        return values[at] <= sum(value)

    low, high = first, first + 1
    while high < len(periods) and free(high):
        low, high = high, min(2 * high - first, len(periods))
    if high == len(periods) and high not in values and free(high):
        return Deadline(contract.kind, contract.name, contract.path, instance.periods[first], None, 0.0)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if free(middle) else (low, middle)
    later = values[high] - value[0]
    return Deadline(contract.kind, contract.name, contract.path, instance.periods[first], instance.periods[low], later)


def _uses(account: Account, contract: Absence) -> Bools:
    """Return the periods (T,) in which the plan uses the contract."""
    instance, made = account.instance, account.decisions
    if contract.axis == "smelters":
        amounts = account.feed[[instance.smelters.names.index(name) for name in contract.names]]
    elif contract.axis == "market":
        amounts = account.purchases[[instance.market.names.index(name) for name in contract.names]]
    else:
        before = np.concatenate([np.zeros_like(made.stockpile[:, :1]), made.stockpile[:, :-1]], axis=1)
        taken = made.stockpile - before
        np.add.at(taken, account.found.stream, made.sent)
        amounts = taken[[instance.streams.names.index(name) for name in contract.names]]
    return np.asarray((amounts > 0).any(axis=0))
