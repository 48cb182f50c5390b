"""Marginal source of a metal, and the cheaper offer that is not bought, both where the dual values prove them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Ints
from medalopt.instance.needs import is_barred, may_buy
from medalopt.plan.plan import Plan
from medalopt.report.sources import grouped
from medalopt.report.worth import Worth

CLOSE = 1e-3  # relative tolerance of the reduced cost of a marginal source
FAR_ABOVE = 1.5  # times the market price
NEARLY = 1e-6
TRIED = 2_000  # candidates for the marginal source, those with the most room first


@dataclass(frozen=True)
class More:
    """Marginal source: the tonnes of a source that one more kilogram of a metal requires."""

    tonnes: float
    what: str
    region: str


def more_of(plan: Plan, worth: Worth, metal: int) -> More | None:
    """Return the marginal source of a metal: taken in part, with room for one more kilogram and zero reduced cost.

    Its costs, less the value of its other metals, must equal the value of the metal that it returns.

    Args:
        plan: Optimal plan.
        worth: Marginal values of its metals.
        metal: Index of the metal.

    Returns:
        The source with the most room, or None where the dual values prove none.
    """
    made, found, streams = plan.account.decisions, plan.account.found, plan.instance.streams
    labels, of = grouped(plan.instance)
    offered, taken = np.zeros((2, len(labels), len(plan.instance.periods)))
    np.add.at(offered, of, streams.available.value)
    np.add.at(taken, of[found.stream], made.sent)
    may_wait = np.bincount(of, streams.storable, len(labels)) > 0
    partly = (taken > NEARLY * offered) & (taken < (1 - NEARLY) * offered) & ~may_wait[:, None]
    room = np.where(partly, offered - taken, 0.0)
    for place in np.argsort(-room, axis=None, kind="stable")[: min(np.count_nonzero(partly), TRIED)].tolist():
        group, t = divmod(place, room.shape[1])
        routes = np.flatnonzero((of[found.stream] == group) & (made.sent[:, t] > 0))
        tonnes = _tonnes(plan, worth, metal, routes, t)
        if 0 < tonnes <= room[group, t]:
            region, what = labels[group]
            return More(tonnes, what, region)
    return None


def _tonnes(plan: Plan, worth: Worth, metal: int, routes: Ints, period: int) -> float:
    """Return tonnes per kilogram of the metal on `routes` in `period`, 0 where the reduced cost is not zero."""
    instance, found, sent = plan.instance, plan.account.found, plan.account.decisions.sent[routes, period]
    periods, smelter = len(instance.periods), found.smelter[routes]
    spends = (found.supply, found.collection, found.treating, found.transport, found.smelting, found.residue)
    account = plan.account
    net, kilograms, value = float(sum(spend[routes] for spend in spends) @ sent), 0.0, 0.0
    for e in range(len(instance.metals.names)):
        back = period + instance.smelters.lead[smelter, e]
        in_time = (smelter >= 0) & (back < periods)
        settled = account.settled(routes, e)[:, period]
        returned = np.where(in_time, found.returned[routes, e] * sent * settled, 0.0)
        each = worth.at_hand[e][np.minimum(back, periods - 1)]
        net += float(np.where(in_time, found.refining[routes, e] * sent * settled, 0.0).sum())
        if e == metal:
            kilograms, value = float(returned.sum()), float(returned @ each)
        else:
            net -= float(returned @ each)
    proven = kilograms > 0 and abs(net - value) <= CLOSE * abs(value)
    return float(sent.sum()) / kilograms if proven else 0.0


@dataclass(frozen=True)
class Refusal:
    """Market offer priced far below the marginal value of its metal, and the constraint that excludes more of it."""

    offer: str
    price: float
    times: float
    reason: str


def not_bought(plan: Plan, worth: Worth, metal: int) -> Refusal | None:
    """Return the cheapest offer of a metal if it is priced far below the marginal value, in the most valuable period.

    Args:
        plan: Optimal plan.
        worth: Marginal values of its metals.
        metal: Index of the metal.

    Returns:
        The offer with the ratio of value to price and the reason; None for an objective other than cost.
    """
    if plan.measure != "cost":
        return None
    market = plan.instance.market
    value = np.where(worth.used[metal], worth.at_hand[metal], 0.0)
    t = int(value.argmax())
    asked = float(worth.asked[metal, t])
    if not 0 < asked * FAR_ABOVE < value[t]:
        return None
    content = market.composition.value[:, metal]
    each = np.divide(market.price.value[:, t], content, out=np.full(len(content), np.inf), where=content > 0.5)
    offer = int(each.argmin())
    return Refusal(market.names[offer], asked, float(value[t]) / asked, _reason(plan, worth, metal, offer, t))


def _reason(plan: Plan, worth: Worth, metal: int, offer: int, period: int) -> str:
    """Return the constraint with the largest dual charge on the offer, beyond its own price."""
    market, y = plan.instance.market, worth.prices
    may = may_buy(plan.instance)[offer]
    if not may.any():
        barred = is_barred(plan.instance)[offer].any()
        return (
            "of which a part is not named, for which no alloy gives `others`" if barred else "which no alloy may hold"
        )
    new = float(-y.recycled[metal] * (1 - market.recycled.value[offer]) * market.composition.value[offer, metal])
    unnamed = 1 - float(market.composition.value[offer].sum())
    causes = {
        "which counts too little as recycled": new,
        "of which no more is on offer": float(-min(y.purchase[offer], 0.0)),
        "for which the footprint cap has no room": float(-y.footprint_cap * market.footprint.value[offer]),
        "which holds too much that is not named": unnamed * float(worth.matter[may, period].max()),
    }
    reason = max(causes, key=lambda cause: causes[cause])
    return reason if causes[reason] > 0 else ""
