r"""Rows of risk derived again for verification, by other formulas than `instance.risk`.

Each shipment is differentiated by the case of its settlement, and the variance is the quadratic form
$\sum_{fg}C_{fg}v_fv_g$ with the correlation of supply summed by region, device type and all streams: no factor of the
correlation matrix is formed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.instance import Instance
from medalopt.tolerances import AMOUNT_TOLERANCE

_QUANTILES = (("q05_kg", 0.05), ("q95_kg", 0.95))
Deviations = dict[tuple[str, str, str], float]  # kilograms of one deviation by kind, owner and metal ('': all)


def derive_risk(account: PlanAccount) -> Iterator[tuple[tuple[str, str], dict[str, float]]]:
    """Derive the risk of each metal and deadline.

    Args:
        account: Accounting of a plan.

    Yields:
        Metal and period, with need, mean, standard deviation, quantiles (kg) and probability.
    """
    instance = account.instance
    returned = np.cumsum(account.returned.sum(axis=0), axis=1)
    for (e, t), needed in _sum_needs(account).items():
        mean = float(returned[e, t])
        deviation = math.sqrt(max(_sum_variance(instance, _list_deviations(account, e, t)), 0.0))
        values = {"needed_kg": needed, "mean_kg": mean, "sd_kg": deviation}
        for name, level in _QUANTILES:
            values[name] = max(mean + deviation * NormalDist().inv_cdf(level), 0.0)
        enough = mean >= needed * (1 - AMOUNT_TOLERANCE)
        tail = NormalDist(needed, deviation).cdf(mean) if deviation > 0 else float(enough)
        values["probability"] = 1.0 if needed == 0 else tail
        yield (instance.metals.names[e], instance.periods[t]), values


def _sum_needs(account: PlanAccount) -> dict[tuple[int, int], float]:
    """Return the need of every metal and deadline: melts of each alloy in order until the castings owed are made."""
    instance, charged, medals = account.instance, account.decisions.charged, account.instance.medals
    needs: dict[tuple[int, int], float] = {}
    for e in range(len(instance.metals.names)):
        alloys = [
            a
            for a in range(len(instance.alloys.names))
            if charged[a, e].sum() > AMOUNT_TOLERANCE * charged[a].sum() and charged[a, e].sum() > 0
        ]
        due = {int(medals.due[m]) for m in range(len(medals.names)) for a in alloys if _contains(instance, m, a)}
        for t in sorted(due):
            total = sum(_charge_until_owed(account, a, e, t) for a in alloys)
            needs[e, t] = max(total - float(instance.metals.opening_stock.value[e]), 0.0)
    return needs


def _contains(instance: Instance, medal: int, alloy: int) -> bool:
    """Return whether a medal that is ordered contains the alloy."""
    return bool(instance.medals.count[medal] > 0 and instance.medals.parts.value[medal, alloy] > 0)


def _charge_until_owed(account: PlanAccount, alloy: int, metal: int, period: int) -> float:
    """Return the metal charged from the account for the castings of the alloy owed by the end of a period."""
    instance, medals = account.instance, account.instance.medals
    owed = sum(
        medals.parts.value[m, alloy]
        * (1 + medals.allowance.value[m])
        * (int(medals.count[m]) - float(account.missed[m]))
        for m in range(len(medals.names))
        if medals.due[m] <= period
    )
    total = 0.0
    for t in range(len(instance.periods)):
        made = float(account.cast[alloy, t]) * (1 - float(instance.alloys.scrap_share.value[alloy]))
        if made > 0 and owed > 0:
            total += min(1.0, owed / made) * float(account.decisions.charged[alloy, metal, t])
            owed -= made
    return total


def _list_deviations(account: PlanAccount, metal: int, period: int) -> Deviations:
    """Return the change of the metal returned by the end of a period for one deviation of each factor."""
    instance, routes = account.instance, account.routes
    result: Deviations = defaultdict(float)
    names = instance.metals.names
    cv = {name: instance.annex.get(f"{name}_cv", {}) for name in ("devices", "treatments", "smelters", "streams")}
    for j, t in np.argwhere(account.decisions.sent > 0).tolist():
        k = int(routes.smelter[j])
        if k < 0 or t + int(instance.smelters.lead[k, metal]) > period:
            continue
        stream = int(routes.stream[j])
        device = int(instance.streams.device[stream])
        by_metal, by_share, total = _differentiate_shipment(account, j, t, metal)
        owners = (
            ("devices", instance.devices.names[device], by_metal),
            ("treatments", instance.treatments.names[int(instance.treatments.owner[routes.treatment[j]])], by_metal),
            ("smelters", instance.smelters.names[k], by_share),
            ("streams", instance.streams.names[stream], total),
        )
        for section, owner, moved in owners:
            given = cv[section].get(owner, {}).get("cv") or 0.0
            by_name: dict[str, float] = given if isinstance(given, dict) else {"default": given}
            one = by_name.get(names[metal], by_name.get("default", 0.0))
            result[section, owner, names[metal] if section == "devices" else ""] += one * moved
    return result


def _differentiate_shipment(account: PlanAccount, route: int, period: int, metal: int) -> tuple[float, float, float]:
    """Return the metal of one shipment times its derivative by metal in the feed, by accountability and by tonnes."""
    instance, routes = account.instance, account.routes
    stream, line = int(routes.stream[route]), int(routes.line[route])
    device, treatment = int(instance.streams.device[stream]), int(routes.treatment[route])
    tonnes = float(account.decisions.sent[route, period]) * float(instance.streams.credited.value[stream, metal])
    held = float(
        instance.devices.assay.value[device, metal] * instance.treatments.recovery.value[treatment, device, metal]
    )
    share, lost = (
        float(instance.terms.returned.value[line, metal]),
        float(instance.terms.deduction.value[line, metal] * routes.to_smelter[route]),
    )
    if instance.terms.pooled[line]:
        pool = int(np.flatnonzero(np.flatnonzero(instance.terms.pooled) == line)[0])
        by_share = not account.decisions.withheld[pool, metal, period] > AMOUNT_TOLERANCE * float(
            account.gross_payable[pool, metal, period]
        )
        settled = share * held if by_share else held - lost
        if share == 0 or held == 0:
            return 0.0, 0.0, 0.0
    else:
        by_share, settled = share * held <= held - lost, min(share * held, held - lost)
        if settled <= 0:
            return 0.0, 0.0, 0.0
    return tonnes * (share if by_share else 1.0) * held, tonnes * share * held * by_share, tonnes * settled


def _sum_variance(instance: Instance, deviations: Deviations) -> float:
    """Return the quadratic form of the deviations with the correlation matrix."""
    supply, streams = instance.annex.get("supply_correlation", {}), instance.streams
    place = {name: number for number, name in enumerate(streams.names)}
    total = 0.0
    sums: dict[tuple[str, int], float] = defaultdict(float)
    for (section, owner, _), amount in deviations.items():
        own = 1.0
        if section == "streams":
            groups = {
                "all": 0,
                "region": int(streams.region[place[owner]]),
                "device": int(streams.device[place[owner]]),
            }
            for name, group in groups.items():
                own -= supply.get(name, 0.0)
                sums[name, group] += amount
        total += own * amount**2
    return total + sum(supply.get(name, 0.0) * whole**2 for (name, _), whole in sums.items())
