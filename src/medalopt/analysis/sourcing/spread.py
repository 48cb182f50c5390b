"""How far the metal that returns may differ from the plan, by the `cv` of devices, treatments and smelters.

A lot is what goes on one route in one period. Its metal is a product of assay, recovery and return, so relative
deviations add up as squares (first order). Where the deduction decides what is paid, a richer lot gains all of
what it holds more, and the share returned no longer matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.decisions import Account
from medalopt.instance.figures import Floats, Ints
from medalopt.instance.instance import Instance


@dataclass(frozen=True, eq=False)
class Spread:
    """Standard deviations of what returns, kg: in a period, and of all up to its end, each (E, T).

    `apart`: every lot differs by itself. `alike`: all lots of a device, a treatment or a smelter differ in one way.
    """

    apart: Floats
    apart_so_far: Floats
    alike: Floats
    alike_so_far: Floats


def spread(account: Account) -> Spread | None:
    """Return how far what returns may differ, None where the instance gives no `cv` of what returns."""
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
    """Return the standard deviation of each route's metal by assay, recovery and return, (J, E), kg/t of devices."""
    instance, found = account.instance, account.found
    treatment, smelter = found.treatment[used], found.smelter[used]
    line = instance.smelters.line[smelter, device, treatment]
    metal = instance.devices.assay.value[device] * instance.treatments.recovery.value[treatment, device]
    share = instance.terms.returned.value[line]
    deducted = metal - instance.terms.deduction.value[line] * found.to_smelter[used][:, None]
    by_share = share * metal <= deducted
    if instance.terms.pooled.any():  # the lot decides, not the route
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
    """Return the relative standard deviations that the instance gives, (names, E); 0 where it gives none."""
    given = instance.annex.get(f"{section}_cv", {})
    table = np.zeros((len(names), len(instance.metals.names)))
    for row, name in enumerate(names):
        cv = given.get(name, {}).get("cv") or {}
        by_metal = cv if isinstance(cv, dict) else {"default": cv}
        rest = by_metal.get("default", 0.0)
        table[row] = [by_metal.get(metal, rest) for metal in instance.metals.names]
    return table


def _returning(account: Account, used: Ints, rate: Floats) -> Floats:
    """Return `rate` times what is sent, in the period in which it returns, (J, E, T); not what comes too late."""
    instance, sent = account.instance, account.decisions.sent[used]
    periods = len(instance.periods)
    lead = instance.smelters.lead[account.found.smelter[used]]  # (J, E)
    back = np.arange(periods)[None, None, :] - lead[:, :, None]
    when = np.where(back >= 0, sent[np.arange(len(used))[:, None, None], np.maximum(back, 0)], 0)
    return np.asarray(rate[:, :, None] * when)
