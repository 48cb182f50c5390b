"""Amounts of the fractions that the treated devices of a plan yield, and the revenue for those that are sold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medalopt.instance.arithmetic import Numbers, make_zeros

if TYPE_CHECKING:
    from medalopt.instance.accounting import PlanAccount


def compute_fraction_amounts(account: PlanAccount) -> tuple[Numbers, Numbers]:
    """Compute the tonnes of each fraction that treated devices yield, and the revenue for fractions sold.

    Args:
        account: Plan.

    Returns:
        Tonnes and money by fraction and period, (H, T) each; 0 for treatments.
    """
    treatments, routes, treated = account.instance.treatments, account.routes, account.treated_devices
    share = account.read(treatments.to_smelter)
    price = np.where(treatments.sells[:, :, None], account.read(treatments.sold), 0)
    tonnes = make_zeros((len(treatments.names), treated.shape[1]), treated)
    paid, device = make_zeros(tonnes.shape, treated), account.instance.streams.device[routes.stream]
    for fraction in np.flatnonzero(treatments.parent >= 0).tolist():
        own = np.flatnonzero((routes.treatment == treatments.parent[fraction]) & routes.treats)
        made = np.where(treatments.accepts[fraction], share[fraction], 0)[device[own]][:, None] * treated[own]
        tonnes[fraction] = made.sum(axis=0)
        paid[fraction] = (price[fraction][device[own]] * made).sum(axis=0)
    return tonnes, paid
