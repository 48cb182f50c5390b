"""Screening for infeasibility without an LP: totals that cannot suffice, or cannot be in time, in any plan."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medalopt.analysis.refusal_words import Reason, kilograms, names, per_cent, period, plain, tonnes
from medalopt.instance.bounds import Bounds
from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.needs import is_barred, is_owed, is_stocked, may_buy, owed
from medalopt.instance.paths import render
from medalopt.instance.routes import Routes
from medalopt.instance.unnamed import barred_offers, explain_barred

CLEARLY = 1 + 1e-9  # ratio of need to availability above which a shortage is certain
Told = tuple[float, Reason]  # ratio of need to availability, and the reason


def known(instance: Instance, found: Routes, bounds: Bounds) -> tuple[Reason, ...]:
    """Return the reasons for infeasibility that bounds on totals prove, by decreasing ratio of need to availability.

    Args:
        instance: Instance.
        found: Its routes.
        bounds: Its implied bounds.

    Returns:
        Reasons; empty if the screening proves nothing.
    """
    told = [
        *_metals(instance, found, bounds),
        *_castings(instance),
        *_commitments(instance, found, bounds),
        *_regions(instance, found),
    ]
    return tuple(reason for _, reason in sorted(told, key=lambda one: (-one[0], one[1].text)))


def needed(instance: Instance) -> Floats:
    r"""Compute the least cumulative charge of each metal.

    Fresh charge is at least $Q_{at}/(1-\sigma_a)\cdot(1/(1-\lambda_a)-\omega_a\sigma_a)$, in the first $\mu_a$ periods
    without the second term. A metal takes its least share of it, or the remainder at the greatest shares of all others.

    Args:
        instance: Instance.

    Returns:
        Charge by the end of each period, (E, T) [kg].
    """
    alloys, periods = instance.alloys, len(instance.periods)
    share, high = alloys.scrap_share.value, alloys.high.value
    back = np.arange(periods)[None, :] >= alloys.scrap_lead[:, None]  # (A, T)
    reused = np.where(back, (alloys.scrap_returned.value * share)[:, None], 0.0)
    fresh = (1 / (1 - alloys.loss.value)[:, None] - reused) / (1 - share)[:, None] * owed(instance)
    rest = 1 - (high.sum(axis=1) + np.where(alloys.admits_others, alloys.others.value, 0.0))[:, None] + high
    least = np.where(alloys.named, np.maximum(alloys.low.value, rest), 0.0)  # (A, E)
    return np.asarray(np.maximum(least, 0.0).T @ np.maximum.accumulate(fresh, axis=1))


def _metals(instance: Instance, found: Routes, bounds: Bounds) -> Iterator[Told]:
    """Screen each metal at its worst deadline, over the horizon, and for its recycled share."""
    market = instance.market
    limit = np.where(may_buy(instance).any(axis=1), market.limit.value, 0.0)
    need, last = needed(instance), len(instance.periods) - 1
    for e in range(len(instance.metals.names)):
        content = market.composition.value[:, e]
        bought = _bought(limit, content)
        most = bounds.stock[e] + bought
        worst = _worst(need[e], most)
        for t in dict.fromkeys((worst, last)):
            if need[e, t] > CLEARLY * most[t]:
                yield _times(need[e, t], most[t]), _short(instance, found, e, t, float(need[e, t]), most)
        floor = float(instance.policy.recycled.value[e])
        recycled = float(bounds.stock[e, -1]) + _bought(limit, content * market.recycled.value)
        wanted = floor * float(need[e, -1])
        if wanted > CLEARLY * recycled and need[e, last] <= CLEARLY * most[last]:
            yield _times(wanted, recycled), _recycled_short(instance, e, wanted, recycled)


def _short(instance: Instance, found: Routes, e: int, t: int, need: float, most: Floats) -> Reason:
    """Return the reason why a metal falls short by the end of a period."""
    metal, when = instance.metals.names[e], period(instance.periods[t])
    title = instance.metals.titles[e]
    medals = _asking(instance, e, t)
    lack = need - float(most[t])
    begin = f"{title}: at least {kilograms(need, up=False)} must be charged by the end of {when}"
    later = np.flatnonzero(most > 0)
    if len(later) and later[0] > t:
        text = f"{begin}, and none can be there before {period(instance.periods[later[0]])}"
        return Reason("demand", render(("medals", medals[0], "due")), plain(lack), "kg", text)
    if not len(later) and (barred := _barred(instance, e)):
        alloy, why = barred
        path = render(("alloys", instance.alloys.names[alloy], "others"))
        return Reason("fineness", path, plain(lack), "kg", f"{begin}, and there is no source of it: {why}")
    if not len(later):
        text = f"{begin}, and there is no source of it: {_missing(instance, found, e)}"
        return Reason("metal balance", render(("metals", metal, "opening_stock")), plain(lack), "kg", text)
    text = f"{begin}, at most {kilograms(float(most[t]), up=True)} can be there: {kilograms(lack, up=False)} short"
    barred = _barred(instance, e)
    text = f"{text}; {barred[1]}" if barred else text
    return Reason("demand", render(("medals", medals[0], "count")), plain(lack), "kg", text)


def _recycled_short(instance: Instance, e: int, wanted: float, recycled: float) -> Reason:
    """Return the reason why recycled metal falls short of its least share."""
    metal, title = instance.metals.names[e], instance.metals.titles[e]
    text = (
        f"{title}: at least {kilograms(wanted, up=False)} must be recycled metal, "
        f"at most {kilograms(recycled, up=True)} of that can be had: {kilograms(wanted - recycled, up=False)} short"
    )
    return Reason("recycled content", render(("policy", "recycled", metal)), plain(wanted - recycled), "kg", text)


def _barred(instance: Instance, e: int) -> tuple[int, str] | None:
    """Return an alloy that could take a metal but for the unnamed matter of its offers, with the explanation."""
    holds = instance.market.composition.raw[:, e] > 0
    for alloy in np.flatnonzero((is_barred(instance) & holds[:, None]).any(axis=0)).tolist():
        return alloy, explain_barred(instance, alloy, [o for o in barred_offers(instance, alloy) if holds[o]])
    return None


def _missing(instance: Instance, found: Routes, e: int) -> str:
    """Return the phrase for the kind of source that is missing for a metal without any."""
    title = instance.metals.titles[e]
    market = instance.market
    holding = [o for o in range(len(market.names)) if market.composition.raw[o, e] > 0 and market.limit.raw[o] > 0]
    if holding:
        return f"the offers that hold it ({names([market.names[o] for o in holding])}) hold what no alloy may take"
    devices = np.flatnonzero(instance.devices.assay.raw[:, e] > 0)
    offering = [d for d in devices.tolist() if _offers(instance, d)]
    if not len(devices):
        return f"no device holds {title}, no offer sells it, none is in stock"
    if not offering:
        return "no stream offers a device that holds it"
    travels = found.smelter >= 0
    reached = {int(d) for d in instance.streams.device[found.stream[travels]]} & set(offering)
    listed = names([instance.devices.names[d] for d in offering])
    if not reached:
        return f"no lane and no smelter's terms take {listed} anywhere"
    if not (found.returned[travels, e] > 0).any():
        return f"no smelter that {listed} can reach returns it"
    return "none can be back within the horizon"


def _offers(instance: Instance, device: int) -> bool:
    """Return True if a stream offers the device in some period."""
    return bool(instance.streams.available.raw[instance.streams.device == device].any())


def _asking(instance: Instance, e: int, t: int) -> list[str]:
    """Return the medals due by `t` whose alloys hold a metal, by decreasing alloy mass."""
    medals = instance.medals
    takes = instance.alloys.named[:, e] & (instance.alloys.high.raw[:, e] > 0)
    mass = (medals.parts.value * takes[None, :]).sum(axis=1) * medals.count * (medals.due <= t)
    order = np.argsort(-mass, kind="stable")
    return [medals.names[m] for m in order.tolist() if mass[m] > 0] or list(medals.names)


def _castings(instance: Instance) -> Iterator[Told]:
    """Screen the cumulative casting capacity of each alloy against the mass owed."""
    most = np.cumsum(instance.alloys.capacity.value, axis=1)
    need = owed(instance) / (1 - instance.alloys.scrap_share.value)[:, None]
    for a, alloy in enumerate(instance.alloys.names):
        t = _worst(need[a], most[a])
        if need[a, t] > CLEARLY * most[a, t]:
            lack = float(need[a, t] - most[a, t])
            scrap = ", process scrap included," if instance.alloys.scrap_share.raw[a] > 0 else ","
            there = f"at most {kilograms(float(most[a, t]), up=True)} can be" if most[a, t] > 0 else "and none can be"
            text = (
                f"{alloy}: at least {kilograms(float(need[a, t]), up=False)} must be cast by the end of "
                f"{period(instance.periods[t])}{scrap} {there}"
            )
            path = render(("alloys", alloy, "capacity"))
            yield _times(need[a, t], most[a, t]), Reason("capacity", path, plain(lack), "kg", text)


def _commitments(instance: Instance, found: Routes, bounds: Bounds) -> Iterator[Told]:
    """Screen commitments of streams, smelters and offers against the largest amounts possible."""
    streams, smelters, market = instance.streams, instance.smelters, instance.market
    routed = np.zeros(len(streams.names), dtype=bool)
    routed[found.stream] = True
    most = np.where(routed, streams.available.value.sum(axis=1), 0.0)
    yield from _above(instance, "streams", streams.committed.value, most, "t", "can be sent on a route")
    travels = found.smelter >= 0
    best = np.zeros((len(streams.names), len(smelters.names)))
    np.maximum.at(best, (found.stream[travels], found.smelter[travels]), found.to_smelter[travels])
    feed = best.T @ streams.available.value.sum(axis=1)
    feed = np.minimum(feed, smelters.capacity.value.sum(axis=1))
    yield from _above(instance, "smelters", smelters.committed.value, feed, "t", "can reach it as feed")
    charged = may_buy(instance).astype(np.float64) @ np.where(is_owed(instance), bounds.charge, 0.0)
    charged = np.where(is_stocked(instance), np.inf, charged)  # stocked offers may be bought beyond the charge
    yield from _above(instance, "market", market.committed.value, charged, "kg", "can be charged to any alloy")


def _above(instance: Instance, section: str, committed: Floats, most: Floats, unit: str, can: str) -> Iterator[Told]:
    """Yield commitments that exceed the largest amount possible."""
    told = tonnes if unit == "t" else kilograms
    for n in np.flatnonzero(committed > CLEARLY * most).tolist():
        name = getattr(instance, section).names[n]
        least, greatest = float(committed[n]), float(most[n])
        text = f"{name}: {told(least)} are committed, at most {told(greatest, up=True)} {can}"
        path = render((section, name, "committed"))
        yield _times(least, greatest), Reason("commitments and limits", path, plain(least - greatest), unit, text)


def _regions(instance: Instance, found: Routes) -> Iterator[Told]:
    """Screen the least participation of each region against its supply that has a route."""
    share = float(instance.policy.participation.value)
    if share == 0:
        return
    streams, regions = instance.streams, len(instance.regions)
    offers = streams.available.value.sum(axis=1)
    routed = np.zeros(len(streams.names), dtype=bool)
    routed[found.stream] = True
    every = np.bincount(streams.region, offers, regions)
    most = np.bincount(streams.region, np.where(routed, offers, 0.0), regions)
    for g in np.flatnonzero(share * every > CLEARLY * most).tolist():
        lack = float(share * every[g] - most[g])
        no = "no stream of it has a route" if most[g] == 0 else f"only {tonnes(float(most[g]), up=True)} have a route"
        text = (
            f"{instance.regions[g]}: must send at least {per_cent(share)} of the {tonnes(float(every[g]))} it offers, "
            f"and {no}"
        )
        yield _times(share * every[g], most[g]), Reason("participation", "policy.participation", plain(lack), "t", text)


def _bought(limit: Floats, content: Floats) -> float:
    """Return the largest mass of a metal [kg] that offers of this content supply; an offer without it supplies none."""
    return float(np.where(content > 0, limit * np.where(content > 0, content, 1), 0).sum())


def _worst(need: Floats, most: Floats) -> int:
    """Return the period with the largest ratio of need to availability."""
    return int(np.argmax(np.divide(need, most, out=np.where(need > 0, np.inf, 0.0), where=most > 0)))


def _times(need: float, most: float) -> float:
    """Return the ratio of need to availability; infinite if nothing is available."""
    return float(need / most) if most > 0 else float("inf")
