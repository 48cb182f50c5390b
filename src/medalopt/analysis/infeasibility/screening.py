"""Screening for infeasibility without an LP: totals that cannot suffice, or cannot be in time, in any plan."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medalopt.analysis.infeasibility.messages import (
    InfeasibilityReason,
    format_kilograms,
    format_per_cent,
    format_period,
    format_shortage,
    format_tonnes,
    join_names,
)
from medalopt.analysis.sensitivity.base_case import compute_min_charge
from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import (
    VariableBounds,
    compute_bounds,
    compute_required_demand,
    explain_exclusion,
    find_excluded_offers,
    has_demand,
    is_excluded_by_unnamed,
    is_stocked,
    may_buy,
    may_miss,
)
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes, build_routes

EXCESS_FACTOR = 1 + 1e-9  # ratio of need to availability above which a shortage is certain
RankedReason = tuple[float, InfeasibilityReason]  # ratio of need to availability, and the reason


def screen_instance(instance: Instance) -> tuple[InfeasibilityReason, ...]:
    """Return the reasons for infeasibility that bounds on totals prove, by decreasing ratio of need to availability.

    Returns:
        Reasons; empty if the screening proves nothing.
    """
    routes = build_routes(instance)
    bounds = compute_bounds(instance, routes)
    reasons = [
        *_screen_metals(instance, routes, bounds),
        *_screen_castings(instance),
        *_screen_commitments(instance, routes, bounds),
        *_screen_participation(instance, routes),
    ]
    return tuple(reason for _, reason in sorted(reasons, key=lambda one: (-one[0], one[1].text)))


def _screen_metals(instance: Instance, routes: Routes, bounds: VariableBounds) -> Iterator[RankedReason]:
    """Screen each metal at its worst deadline, over the horizon, and for its recycled share."""
    market = instance.market
    limit = np.where(may_buy(instance).any(axis=1), market.limit.value + market.opening_stock.value, 0.0)
    need, last = compute_min_charge(instance), len(instance.periods) - 1
    for e in range(len(instance.metals.names)):
        content = market.composition.value[:, e]
        bought = _compute_max_purchase(limit, content)
        maximum = bounds.stock[e] + bought
        worst = _find_worst_period(need[e], maximum)
        for t in dict.fromkeys((worst, last)):
            if need[e, t] > EXCESS_FACTOR * maximum[t]:
                yield (
                    _compute_excess_ratio(need[e, t], maximum[t]),
                    _describe_metal_shortage(instance, routes, e, t, float(need[e, t]), maximum),
                )
        floor = float(instance.policy.recycled.value[e])
        recycled = float(bounds.stock[e, -1]) + _compute_max_purchase(limit, content * market.recycled.value)
        recycled_need = floor * float(need[e, -1])
        if recycled_need > EXCESS_FACTOR * recycled and need[e, last] <= EXCESS_FACTOR * maximum[last]:
            yield (
                _compute_excess_ratio(recycled_need, recycled),
                _describe_recycled_shortage(instance, e, recycled_need, recycled),
            )


def _describe_metal_shortage(
    instance: Instance, routes: Routes, e: int, t: int, need: float, maximum: Floats
) -> InfeasibilityReason:
    """Return the reason why a metal falls short by the end of a period."""
    metal, when = instance.metals.names[e], format_period(instance.periods[t])
    title = instance.metals.titles[e]
    medals = _rank_demanding_medals(instance, e, t)
    shortage = need - float(maximum[t])
    begin = f"{title}: at least {format_kilograms(need, up=False)} must be charged by the end of {when}"
    later = np.flatnonzero(maximum > 0)
    if len(later) and later[0] > t:
        text = f"{begin}, but none is available before {format_period(instance.periods[later[0]])}"
        return InfeasibilityReason.state("demand", ("medals", medals[0], "due"), shortage, "kg", text)
    if not len(later) and (barred := _find_barred_alloy(instance, e)):
        alloy, reason = barred
        path = ("alloys", instance.alloys.names[alloy], "others")
        return InfeasibilityReason.state("fineness", path, shortage, "kg", f"{begin}, but it has no source: {reason}")
    if not len(later):
        text = f"{begin}, but it has no source: {_describe_missing_source(instance, routes, e)}"
        return InfeasibilityReason.state("metal balance", ("metals", metal, "opening_stock"), shortage, "kg", text)
    required, available, short = format_shortage(need, float(maximum[t]))
    text = (
        f"{title}: at least {required} must be charged by the end of {when}, at most {available} is available: "
        f"{short} short"
    )
    barred = _find_barred_alloy(instance, e)
    text = f"{text}; {barred[1]}" if barred else text
    return InfeasibilityReason.state("demand", ("medals", medals[0], "count"), shortage, "kg", text)


def _describe_recycled_shortage(
    instance: Instance, e: int, recycled_need: float, recycled: float
) -> InfeasibilityReason:
    """Return the reason why recycled metal falls short of its least share."""
    metal, title = instance.metals.names[e], instance.metals.titles[e]
    required, available, short = format_shortage(recycled_need, recycled)
    text = f"{title}: at least {required} must be recycled metal, at most {available} is available: {short} short"
    return InfeasibilityReason.state(
        "recycled content",
        ("policy", "recycled", metal),
        recycled_need - recycled,
        "kg",
        text,
    )


def _find_barred_alloy(instance: Instance, e: int) -> tuple[int, str] | None:
    """Return an alloy that could take a metal but for the unnamed matter of its offers, with the explanation."""
    holds = instance.market.composition.raw[:, e] > 0
    for alloy in np.flatnonzero((is_excluded_by_unnamed(instance) & holds[:, None]).any(axis=0)).tolist():
        return alloy, explain_exclusion(instance, alloy, [o for o in find_excluded_offers(instance, alloy) if holds[o]])
    return None


def _describe_missing_source(instance: Instance, routes: Routes, e: int) -> str:
    """Return the phrase for the kind of source that is missing for a metal without any."""
    title = instance.metals.titles[e]
    market = instance.market
    holding = [o for o in range(len(market.names)) if market.composition.raw[o, e] > 0 and market.limit.raw[o] > 0]
    if holding:
        names = join_names([market.names[o] for o in holding])
        return f"the offers that contain it ({names}) contain metals that no alloy admits"
    devices = np.flatnonzero(instance.devices.assay.raw[:, e] > 0)
    offering = [d for d in devices.tolist() if instance.streams.available.raw[instance.streams.device == d].any()]
    if not len(devices):
        return f"no device contains {title}, no offer sells it, and none is in stock"
    if not offering:
        return "no stream offers a device that contains it"
    travels = routes.smelter >= 0
    reached = {int(d) for d in instance.streams.device[routes.stream[travels]]} & set(offering)
    listed = join_names([instance.devices.names[d] for d in offering])
    if not reached:
        return f"no lane and no smelter's terms accept {listed}"
    if not (routes.returned[travels, e] > 0).any():
        return f"no smelter that {listed} can reach returns it"
    return "none can be returned within the horizon"


def _rank_demanding_medals(instance: Instance, e: int, t: int) -> list[str]:
    """Return the medals due by `t` whose alloys hold a metal, by decreasing alloy mass."""
    medals = instance.medals
    takes = instance.alloys.named[:, e] & (instance.alloys.high.raw[:, e] > 0)
    mass = (medals.parts.value * takes[None, :]).sum(axis=1) * medals.count * (medals.due <= t) * ~may_miss(instance)
    order = np.argsort(-mass, kind="stable")
    return [medals.names[m] for m in order.tolist() if mass[m] > 0] or list(medals.names)


def _screen_castings(instance: Instance) -> Iterator[RankedReason]:
    """Screen the cumulative casting capacity of each alloy against the mass owed."""
    maximum = np.cumsum(instance.alloys.capacity.value, axis=1)
    need = compute_required_demand(instance) / (1 - instance.alloys.scrap_share.value)[:, None]
    for a, alloy in enumerate(instance.alloys.names):
        t = _find_worst_period(need[a], maximum[a])
        if need[a, t] > EXCESS_FACTOR * maximum[a, t]:
            shortage = float(need[a, t] - maximum[a, t])
            scrap = ", process scrap included," if instance.alloys.scrap_share.raw[a] > 0 else ","
            there = (
                f"at most {format_kilograms(float(maximum[a, t]), up=True)} can be"
                if maximum[a, t] > 0
                else "but none can be"
            )
            text = (
                f"{alloy}: at least {format_kilograms(float(need[a, t]), up=False)} must be cast by the end of "
                f"{format_period(instance.periods[t])}{scrap} {there}"
            )
            path = ("alloys", alloy, "capacity")
            yield (
                _compute_excess_ratio(need[a, t], maximum[a, t]),
                InfeasibilityReason.state("capacity", path, shortage, "kg", text),
            )


def _screen_commitments(instance: Instance, routes: Routes, bounds: VariableBounds) -> Iterator[RankedReason]:
    """Screen commitments of streams, smelters and offers against the largest amounts possible."""
    streams, smelters, market = instance.streams, instance.smelters, instance.market
    routed = np.zeros(len(streams.names), dtype=bool)
    routed[routes.stream] = True
    maximum = np.where(routed, streams.available.value.sum(axis=1), 0.0)
    yield from _check_commitments(instance, "streams", streams.committed.value, maximum, "t", "can be sent on a route")
    travels = routes.smelter >= 0
    best = np.zeros((len(streams.names), len(smelters.names)))
    first = (
        np.arange(len(routes))
        if routes.parent is None
        else np.where(routes.treats, np.arange(len(routes)), routes.parent)
    )
    pairs, which = np.unique(np.stack([first, routes.smelter])[:, travels], axis=1, return_inverse=True)
    share = np.bincount(which.ravel(), routes.to_smelter[travels], pairs.shape[1])  # fractions of one device add up
    np.maximum.at(best, (routes.stream[pairs[0]], pairs[1]), share)
    feed = best.T @ streams.available.value.sum(axis=1)
    feed = np.minimum(feed, smelters.capacity.value.sum(axis=1))
    yield from _check_commitments(instance, "smelters", smelters.committed.value, feed, "t", "can reach it as feed")
    charged = may_buy(instance).astype(np.float64) @ np.where(has_demand(instance), bounds.charge, 0.0)
    charged = np.where(is_stocked(instance), np.inf, charged)  # stocked offers may be bought beyond the charge
    yield from _check_commitments(
        instance, "market", market.committed.value, charged, "kg", "can be charged to any alloy"
    )


def _check_commitments(
    instance: Instance, section: str, committed: Floats, upper: Floats, unit: str, can: str
) -> Iterator[RankedReason]:
    """Yield commitments that exceed the largest amount possible."""
    report_progress = format_tonnes if unit == "t" else format_kilograms
    for n in np.flatnonzero(committed > EXCESS_FACTOR * upper).tolist():
        name = getattr(instance, section).names[n]
        minimum, maximum = float(committed[n]), float(upper[n])
        text = f"{name}: {report_progress(minimum)} are committed, at most {report_progress(maximum, up=True)} {can}"
        path = (section, name, "committed")
        yield (
            _compute_excess_ratio(minimum, maximum),
            InfeasibilityReason.state("commitments and limits", path, minimum - maximum, unit, text),
        )


def _screen_participation(instance: Instance, routes: Routes) -> Iterator[RankedReason]:
    """Screen the least participation of each region against its supply that has a route."""
    share = float(instance.policy.participation.value)
    if share == 0:
        return
    streams, regions = instance.streams, len(instance.regions)
    offers = streams.available.value.sum(axis=1)
    routed = np.zeros(len(streams.names), dtype=bool)
    routed[routes.stream] = True
    every = np.bincount(streams.region, offers, regions)
    maximum = np.bincount(streams.region, np.where(routed, offers, 0.0), regions)
    for g in np.flatnonzero(share * every > EXCESS_FACTOR * maximum).tolist():
        shortage = float(share * every[g] - maximum[g])
        no = (
            "no stream of it has a route"
            if maximum[g] == 0
            else f"only {format_tonnes(float(maximum[g]), up=True)} have a route"
        )
        text = (
            f"{instance.regions[g]}: must supply at least {format_per_cent(share)} of the "
            f"{format_tonnes(float(every[g]))} it offers, "
            f"but {no}"
        )
        yield (
            _compute_excess_ratio(share * every[g], maximum[g]),
            InfeasibilityReason.state("participation", ("policy", "participation"), shortage, "t", text),
        )


def _compute_max_purchase(limit: Floats, content: Floats) -> float:
    """Return the largest mass of a metal [kg] that offers of this content supply; an offer without it supplies none."""
    return float(np.where(content > 0, limit * np.where(content > 0, content, 1), 0).sum())


def _find_worst_period(need: Floats, maximum: Floats) -> int:
    """Return the period with the largest ratio of need to availability."""
    return int(np.argmax(np.divide(need, maximum, out=np.where(need > 0, np.inf, 0.0), where=maximum > 0)))


def _compute_excess_ratio(need: float, maximum: float) -> float:
    """Return the ratio of need to availability; infinite if nothing is available."""
    return float(need / maximum) if maximum > 0 else float("inf")
