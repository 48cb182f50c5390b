"""Lot charges and fixed charges of a plan: which contracts it uses, how much, and what they cost.

Functions take the account of a plan, in whose arithmetic they compute.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medalopt.instance.activities import ACTIVITY_KINDS, ActivityKind, list_charging_kinds
from medalopt.instance.arithmetic import Numbers, bound_below, sum_by_group
from medalopt.instance.arrays import Ints
from medalopt.instance.instance import Instance

if TYPE_CHECKING:
    from medalopt.instance.accounting import PlanAccount


class UsedContract(NamedTuple):
    """A contract with a minimum lot or a charge that a plan uses: its path, period of use, quantity and charge."""

    contract: str
    period: str  # of a fixed charge, the first period of use
    quantity: float  # in the period; of a fixed charge, over the horizon
    unit: str  # t, of offers kg
    charge: float  # money


def compute_line_feed(account: PlanAccount) -> Numbers:
    r"""Compute $F_{\ell t}$, the feed of each line of terms.

    Args:
        account: Plan.

    Returns:
        (L, T) t.
    """
    routes, fed = account.routes, account.routes.line >= 0
    tonnes = routes.to_smelter[fed, None] * account.decisions.sent[fed]
    return sum_by_group(tonnes, routes.line[fed], len(account.instance.terms.names))


def compute_quantity(account: PlanAccount, kind: ActivityKind) -> Numbers:
    """Compute the quantity of each activity of a kind by period.

    Args:
        account: Plan.
        kind: Kind of activity.

    Returns:
        (N, T) t, of offers kg.
    """
    if kind.name == "line":
        return compute_line_feed(account)
    if kind.name == "stream":
        return sum_by_group(account.treated_devices, account.routes.stream, len(account.instance.streams.names))
    quantity: Numbers = getattr(account, {"smelter": "feed", "treatment": "treated", "offer": "purchases"}[kind.name])
    return quantity


def compute_charges(account: PlanAccount) -> dict[str, Numbers]:
    """Compute lot charges and fixed charges; a fixed charge is due in the first period of use.

    Args:
        account: Plan.

    Returns:
        By kind of activity (N, T) money; kinds without charges are left out.
    """
    result = {}
    for kind in list_charging_kinds(account.instance):
        used = bound_below(compute_quantity(account, kind)) > 0
        if not kind.periodic:
            used = used & (np.cumsum(used, axis=1) == 1)
        result[kind.name] = np.where(used, account.read(kind.get_charge(account.instance))[:, None], 0)
    return result


def add_charges(instance: Instance, charges: Mapping[str, Numbers], costs: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Add lot charges and fixed charges to the costs by kind.

    Args:
        instance: Instance.
        charges: Charges by kind of activity (N, T), money.
        costs: Costs without them by kind (T,), money.

    Returns:
        Costs by kind (T,), money.
    """
    total = dict(costs)
    for kind in list_charging_kinds(instance):
        total[kind.cost] = total[kind.cost] + charges[kind.name].sum(axis=0)
    return total


def add_split_charges(
    charges: Mapping[str, Numbers], kind: str, group: Ints, split: Mapping[int, Numbers]
) -> dict[int, Numbers]:
    """Add fixed charges of streams or treatments to a kind of cost that is split by groups of them.

    Args:
        charges: Charges by kind of activity (N, T), money.
        kind: Kind of cost; `supply` has the charges of streams, `treatment` those of treatments.
        group: Group of each stream (I,) or treatment (H,).
        split: Money without them by group and period (T,).

    Returns:
        Money by group and period (T,).
    """
    own = charges.get({"supply": "stream", "treatment": "treatment"}.get(kind, ""))
    if own is None:
        return dict(split)
    return {number: spent + own[group == number].sum(axis=0) for number, spent in split.items()}


def list_used_contracts(account: PlanAccount) -> tuple[UsedContract, ...]:
    """List the uses of contracts with a minimum lot or a charge.

    Args:
        account: Plan.

    Returns:
        One use for each period in which a line of terms is fed, and one for each other contract that is used.
    """
    used: list[UsedContract] = []
    instance = account.instance
    for kind in ACTIVITY_KINDS:
        members = kind.find_members(instance)
        if not members.any():
            continue
        quantity, names = compute_quantity(account, kind), kind.list_paths(instance)
        charge = account.read(kind.get_charge(instance))
        taken = (bound_below(quantity) > 0) & members[:, None]
        first = taken & (kind.periodic | (np.cumsum(taken, axis=1) == 1))
        for n, t in zip(*(axis.tolist() for axis in np.nonzero(first)), strict=True):
            amount = float(quantity[n, t] if kind.periodic else quantity[n].sum())
            used.append(UsedContract(names[n], instance.periods[t], amount, kind.unit, float(charge[n])))
    return tuple(used)
