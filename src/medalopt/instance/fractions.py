"""Fractions of treated devices: branches of routes that carry them, their amounts, and the revenue for those sold.

A branch carries a fraction of the devices that another route, its parent, takes and treats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medalopt.instance.arithmetic import Numbers, make_zeros
from medalopt.instance.arrays import Ints

if TYPE_CHECKING:
    from medalopt.instance.accounting import PlanAccount
    from medalopt.instance.routes import Routes


@dataclass(frozen=True, eq=False)
class FractionGroups:
    """N fractions of treated devices: the branches of a group together carry the tonnes of their parent."""

    parent: Ints  # (N,) index of the route that treats the devices
    treatment: Ints  # (N,) index of the fraction among the treatments
    group: Ints  # (J,) group of each branch, -1: the route is none


def group_branches(parent: Ints | None, treatment: Ints) -> FractionGroups:
    """Group branches by parent, then fraction.

    Args:
        parent (J,): Index of the parent of each branch, -1 for other routes; None without branches.
        treatment (J,): Index of the treatment or fraction of each route.

    Returns:
        The groups; none where no treatment has fractions.
    """
    group = np.full(len(treatment), -1, dtype=np.intp)
    branches = np.zeros(0, dtype=np.intp) if parent is None else np.flatnonzero(parent >= 0)
    if parent is None or not len(branches):
        return FractionGroups(branches, branches, group)
    pairs = parent[branches] * (int(treatment.max()) + 1) + treatment[branches]
    _, first, number = np.unique(pairs, return_index=True, return_inverse=True)
    group[branches] = number
    return FractionGroups(parent[branches[first]], treatment[branches[first]], group)


def fold_prices(routes: Routes, prices: Numbers) -> tuple[Ints, Numbers]:
    """Add the least price of each fraction to that of the route which treats the devices.

    Args:
        routes: Routes of an instance.
        prices (J, ...): Price of a tonne on each route.

    Returns:
        Routes that take devices (P,), and prices (P, ...) of devices with all their fractions.
    """
    taking, groups = np.flatnonzero(routes.treats), routes.fraction_groups
    if not len(groups.parent):
        return taking, prices if len(taking) == len(prices) else prices[taking]
    branches = routes.branches
    least = make_zeros((len(groups.parent), *prices.shape[1:]), prices) + np.inf
    np.minimum.at(least, groups.group[branches], prices[branches])
    total = prices[taking]
    np.add.at(total, np.searchsorted(taking, groups.parent), least)
    return taking, total


def fold_branches(routes: Routes, prices: Numbers) -> Numbers:
    """Return the prices of `fold_prices` for every route.

    Args:
        routes: Routes of an instance.
        prices (J, ...): Price of a tonne on each route.

    Returns:
        Prices (J, ...); infinite for branches. `prices` itself without any.
    """
    if not len(routes.fraction_groups.parent):
        return prices
    taking, folded = fold_prices(routes, prices)
    total = make_zeros(prices.shape, prices) + np.inf
    total[taking] = folded
    return total


def compute_fraction_amounts(account: PlanAccount) -> tuple[Numbers, Numbers]:
    """Compute the tonnes of each fraction that treated devices yield, and the revenue for fractions sold.

    Returns:
        Tonnes and money by fraction and period, (H, T) each; 0 for treatments.
    """
    treatments, routes, treated = account.instance.treatments, account.routes, account.treated_devices
    share = account.read(treatments.to_smelter)
    price = np.where(treatments.sells[:, :, None], account.read(treatments.sold), 0)
    tonnes = make_zeros((len(treatments.names), treated.shape[1]), treated)
    paid, device = make_zeros(tonnes.shape, treated), account.instance.streams.device[routes.stream]
    for fraction in np.flatnonzero(treatments.parent >= 0).tolist():
        parents = np.flatnonzero((routes.treatment == treatments.parent[fraction]) & routes.treats)
        amount = np.where(treatments.accepts[fraction], share[fraction], 0)[device[parents]][:, None] * treated[parents]
        tonnes[fraction] = amount.sum(axis=0)
        paid[fraction] = (price[fraction][device[parents]] * amount).sum(axis=0)
    return tonnes, paid
