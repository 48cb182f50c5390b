"""By when each purchase and contract must be signed: the last period before which it may be missing at no cost."""

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
    """A contract: supply of a bundle or stream, a smelter's feed, or an offer.

    `last` is the last period in which it can be signed at no cost, None where it is never needed; `first` the one in
    which the plan begins to use it; `extra` what signing a period later costs, infinite where there is no plan then.
    Where it is not `proven`, nothing is said of `last` and `extra`.
    """

    kind: str
    name: str
    path: str
    first: str | None
    last: str | None
    extra: float
    proven: bool = True


def deadlines(variants: Variants, outcome: Outcome, same: float, tell: Tell) -> tuple[Deadline, ...]:
    """Return the deadline of every contract, the earliest first; those never needed last.

    A contract that is signed in a period can be used from that period on; all that is committed stays so.
    """
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
    """Look for the last period before which `contract` may be missing at no cost: from its first use on.

    `value`: the plan's own, and what another may lie above it and be the same.
    """
    instance = variants.instance
    used = np.flatnonzero(_uses(account, contract))
    if not len(used):
        return Deadline(contract.kind, contract.name, contract.path, None, None, 0.0)
    first, periods = int(used[0]), np.arange(len(instance.periods))
    values: dict[int, float] = {}

    def free(at: int) -> bool:
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
    """Return in which periods the plan uses `contract`, (T,)."""
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
