"""Uncertainty of the returned metal from the coefficients of variation of assays, recoveries and returns.

A lot is the quantity on one route in one period. Its metal is the product of assay, recovery and return, so relative
variances add (first order). If the minimum deduction determines the payment, a richer lot gains all its additional
metal, and the returned share has no effect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.decisions import Account
from medalopt.instance.figures import Floats, Ints
from medalopt.instance.instance import Instance


@dataclass(frozen=True, eq=False)
class Spread:
    """Standard deviations of the metal returned in a period, and cumulated up to it, (E, T) kg.

    `apart`: lots vary independently. `alike`: lots of one device, treatment or smelter are fully correlated.
    """

    apart: Floats
    apart_so_far: Floats
    alike: Floats
    alike_so_far: Floats


def spread(account: Account) -> Spread | None:
    """Compute the standard deviation of the returned metal.

    Args:
        account: Accounting of the plan.

    Returns:
        Standard deviations; None if the instance gives no coefficient of variation.
    """
    instance, found = account.instance, account.found
    if not any(instance.annex.get(f"{section}_cv") for section in ("devices", "treatments", "smelters")):
        return None
    used = np.nonzero((found.smelter >= 0) & (account.decisions.sent > 0).any(axis=1))[0]
    device = instance.streams.device[found.stream[used]]
    groups = (device, found.treatment[used], found.smelter[used])
    counts = (len(instance.devices.names), len(instance.treatments.names), len(instance.smelters.names))
    square = np.zeros((len(instance.metals.names), len(instance.periods)))
    alike, alike_so_far = square.copy(), square.copy()
    for group, count, rate in zip(groups, counts, _rates(account, used, device), strict=True):
        lots = _returning(account, used, rate)
        square += (lots**2).sum(axis=0)
        together = np.zeros((count, *square.shape))
        np.add.at(together, group, lots)
        alike += (together**2).sum(axis=0)
        alike_so_far += (together.cumsum(axis=2) ** 2).sum(axis=0)
    return Spread(np.sqrt(square), np.sqrt(square.cumsum(axis=1)), np.sqrt(alike), np.sqrt(alike_so_far))


def _rates(account: Account, used: Ints, device: Ints) -> tuple[Floats, Floats, Floats]:
    """Return the standard deviation of each route's metal due to assay, recovery and return, (J, E) kg/t of devices."""
    instance, found = account.instance, account.found
    treatment, smelter = found.treatment[used], found.smelter[used]
    line = instance.smelters.line[smelter, device, treatment]
    metal = instance.devices.assay.value[device] * instance.treatments.recovery.value[treatment, device]
    share = instance.terms.returned.value[line]
    deducted = metal - instance.terms.deduction.value[line] * found.to_smelter[used][:, None]
    by_share = share * metal <= deducted
    if instance.terms.pooled.any():  # settled by the pooled lot, not by route
        wholly = [account.settled(used, e).min(axis=1, initial=1) >= 1 for e in range(len(instance.metals.names))]
        by_share = np.where(instance.terms.pooled[line][:, None], np.stack(wholly, axis=1), by_share)
    credited = np.where(found.returned[used] > 0, instance.streams.credited.value[found.stream[used]], 0)
    moves = credited * np.where(by_share, share * metal, metal)
    return (
        moves * relative(instance, "devices", instance.devices.names)[device],
        moves * relative(instance, "treatments", instance.treatments.names)[treatment],
        np.where(by_share, moves, 0) * relative(instance, "smelters", instance.smelters.names)[smelter],
    )


def relative(instance: Instance, section: str, names: tuple[str, ...]) -> Floats:
    """Return the coefficients of variation of a section.

    Args:
        instance: The instance.
        section: `devices`, `treatments` or `smelters`.
        names: Names of its members.

    Returns:
        (names, E): coefficients of variation, 0 where the instance gives none.
    """
    given = instance.annex.get(f"{section}_cv", {})
    table = np.zeros((len(names), len(instance.metals.names)))
    for row, name in enumerate(names):
        cv = given.get(name, {}).get("cv") or {}
        by_metal = cv if isinstance(cv, dict) else {"default": cv}
        rest = by_metal.get("default", 0.0)
        table[row] = [by_metal.get(metal, rest) for metal in instance.metals.names]
    return table


def _returning(account: Account, used: Ints, rate: Floats) -> Floats:
    """Return `rate` times the tonnes sent, by period of return, (J, E, T); returns after the horizon are left out."""
    instance, sent = account.instance, account.decisions.sent[used]
    periods = len(instance.periods)
    lead = instance.smelters.lead[account.found.smelter[used]]  # (J, E)
    back = np.arange(periods)[None, None, :] - lead[:, :, None]
    when = np.where(back >= 0, sent[np.arange(len(used))[:, None, None], np.maximum(back, 0)], 0)
    return np.asarray(rate[:, :, None] * when)
