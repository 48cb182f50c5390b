"""Marginal value of the metals of a plan, the next source of each, and the offers that a plan rejects.

The value of a metal is the saving in the objective from one more kilogram at hand; it follows from the dual values.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.bounds import can_be_in_stock, has_demand, is_excluded_by_unnamed, may_buy
from medalopt.instance.lots import OFFER_STEPS, compute_marginal_prices
from medalopt.instance.routes import index_period
from medalopt.plan.plan import Plan, compute_use_profile, find_market_price, price_left_metal
from medalopt.proof.confidence import compute_deviation_costs, sum_assured_values
from medalopt.proof.prices import Prices, build_prices, value_credited_metal
from medalopt.tolerances import DISPLAY_TOLERANCE

_PROOF_TOLERANCE = 1e-3  # relative tolerance of the reduced cost of a marginal source
_REJECTED_PRICE_RATIO = 1.5  # times the market price
_MAX_SOURCES_TRIED = 2_000  # candidates for the marginal source, those with the most room first


@dataclass(frozen=True, eq=False)
class MetalValues:
    """Marginal values of the metals of `plan`, in the unit of its objective per kg; E metals, T periods, O offers."""

    plan: Plan

    @cached_property
    def prices(self) -> Prices:
        """Dual values of the plan as arrays: prices by constraint family."""
        return build_prices(self.plan.instance, self.plan.duals)

    @cached_property
    def charge_cost(self) -> Floats:
        """Marginal cost of one more kilogram of any content in the charge of each alloy, (A, T) objective per kg."""
        return _compute_charge_cost(self.plan, self.prices)

    @cached_property
    def at_hand(self) -> Floats:
        """Saving from one more kilogram at hand.

        It is minus the dual value of the metal balance, and the dual values of the promised confidence at its later
        deadlines: the kilogram is certain. A metal that is never in stock has its value in the alloy in whose charge it
        saves most.

        Returns:
            (E, T) objective per kg.
        """
        in_charge = _compute_value_in_charge(self.plan, self.prices, self.charge_cost)
        account = can_be_in_stock(self.plan.instance, self.plan.account.routes)[:, None]
        return np.where(account, self.assured - self.prices.balance, in_charge)

    @cached_property
    def assured(self) -> Floats:
        """Part of the value at hand that is due to the promised confidence, (E, T) objective per kg."""
        return sum_assured_values(self.plan.instance, self.plan.duals)

    @cached_property
    def deviation_costs(self) -> Floats:
        """Cost of the deviation that a tonne on each route adds, by metal and period of return.

        Returns:
            (J, E, T) objective per t; empty without a promised confidence.
        """
        return compute_deviation_costs(self.plan.instance, self.plan.account.routes, self.plan.duals)

    @cached_property
    def used(self) -> Bools:
        """Periods in which a metal is charged; for a metal that is never charged, periods with a surplus.

        In other periods the dual value refers to no quantity.

        Returns:
            (E, T) mask.
        """
        charged = self.plan.account.composition.sum(axis=0)
        charged = charged > 1e-9 * charged.max(axis=1, initial=0)[:, None]
        return np.where(charged.any(axis=1)[:, None], charged, self.plan.account.decisions.surplus > 0)

    @cached_property
    def per_kilogram(self) -> Floats:
        """Shadow price of a kilogram less needed, where the plan charges the metal, in proportion.

        The recycled-content row holds for it as for every kilogram charged, so it differs from the value at hand, which
        is that of recycled metal. The value at hand in its surplus for a metal that is never charged. It is the price
        of `explain` where that does not differ between more and less, else between the two.

        Returns:
            (E,) objective per kg.
        """
        charged = self.plan.account.composition  # (A, E, T)
        total = charged.sum(axis=(0, 2))
        of_metal = _compute_content_price(self.plan, self.prices)
        value = -((self.charge_cost[:, None, :] + of_metal) * charged).sum(axis=(0, 2))
        in_surplus = [
            float(self.at_hand[e] @ compute_use_profile(self.plan, e))
            for e in range(len(self.plan.instance.metals.names))
        ]
        return np.where(total > 0, np.divide(value, total, out=np.zeros_like(value), where=total > 0), in_surplus)

    @cached_property
    def known_price(self) -> Floats:
        """Price of a kilogram independent of the plan: a metal of a greater marginal value is a bottleneck.

        Returns:
            (E, T) objective per kg.
        """
        sell = np.maximum(self.plan.instance.metals.sell.value, price_left_metal(self.plan))
        if self.plan.measure != "cost":
            return np.zeros_like(sell)
        content = self.plan.instance.market.composition.value[:, :, None]  # (O, E, 1)
        price = compute_marginal_prices(self.plan.account, OFFER_STEPS)[:, None, :] + 0 * content  # (O, E, T)
        each = np.divide(price, content, out=np.full_like(price, np.inf), where=content > 0)
        lowest = each.min(axis=0, initial=np.inf)  # one metal of a mixed offer is worth at most the price of the whole
        return np.where(np.isfinite(lowest), np.maximum(lowest, sell), sell)

    @cached_property
    def scarce(self) -> tuple[int, ...]:
        """Bottleneck metals: marginal value above market and sale price when used.

        Returns:
            Indices, largest total value first.
        """
        above = np.where(self.used, self.at_hand - self.known_price, 0)
        above = np.where(above > DISPLAY_TOLERANCE * np.abs(self.at_hand), above, 0)
        value = (above * self.plan.account.composition.sum(axis=0)).sum(axis=1)
        counts = value > DISPLAY_TOLERANCE * max(1.0, abs(self.plan.objective))
        return tuple(e for e in np.argsort(-value, kind="stable").tolist() if counts[e])


def _compute_charge_cost(plan: Plan, y: Prices) -> Floats:
    """Return the marginal cost of one more kilogram of any content in the charge of an alloy, (A, T)."""
    alloys = plan.instance.alloys
    low, high = alloys.low.value[:, :, None], alloys.high.value[:, :, None]
    whole = (low * y.fineness_low + high * y.fineness_high).sum(axis=1)
    return (1 - alloys.loss.value)[:, None] * y.melt + whole - (1 - alloys.others.value)[:, None] * y.others


def _compute_content_price(plan: Plan, y: Prices) -> Floats:
    """Return the marginal cost of a kilogram of one metal in the charge, beyond that of any content, (A, E, T)."""
    named = plan.instance.alloys.named[:, :, None]
    return np.asarray(named * y.others[:, None, :] - y.fineness_low - y.fineness_high)


def _compute_value_in_charge(plan: Plan, y: Prices, matter: Floats) -> Floats:
    """Return the saving from one more kilogram to charge, (E, T), in the alloy in which it saves most."""
    alloys, of_metal = plan.instance.alloys, _compute_content_price(plan, y)
    floor = (1 - plan.instance.policy.recycled.value) * y.recycled
    saved = -(matter[:, None, :] + of_metal + floor[None, :, None])  # (A, E, T)
    may = alloys.named & has_demand(plan.instance)[:, None]
    return np.where(may[:, :, None], saved, 0.0).max(axis=0, initial=0.0)


@dataclass(frozen=True)
class MarginalSource:
    """Marginal source: the tonnes of a source that one more kilogram of a metal requires."""

    tonnes: float
    what: str
    region: str


def find_marginal_source(plan: Plan, metal_values: MetalValues, metal: int) -> MarginalSource | None:
    """Return the marginal source of a metal: taken in part, with room for one more kilogram and zero reduced cost.

    Its costs, less the value of its other metals, must equal the value of the metal that it returns.

    Returns:
        The source with the most room, or None where the dual values prove none.
    """
    decisions, found, streams = plan.account.decisions, plan.account.routes, plan.instance.streams
    labels, of = plan.instance.group_streams()
    offered, taken = np.zeros((2, len(labels), len(plan.instance.periods)))
    np.add.at(offered, of, streams.available.value)
    np.add.at(taken, of[found.stream], plan.account.treated_devices)
    may_wait = np.bincount(of, streams.storable, len(labels)) > 0
    partly = (taken > DISPLAY_TOLERANCE * offered) & (taken < (1 - DISPLAY_TOLERANCE) * offered) & ~may_wait[:, None]
    room = np.where(partly, offered - taken, 0.0)
    for place in np.argsort(-room, axis=None, kind="stable")[
        : min(np.count_nonzero(partly), _MAX_SOURCES_TRIED)
    ].tolist():
        group, t = divmod(place, room.shape[1])
        routes = np.flatnonzero((of[found.stream] == group) & (decisions.sent[:, t] > 0))
        tonnes = _compute_tonnes_per_kg(plan, metal_values, metal, routes, t)
        if 0 < tonnes <= room[group, t]:
            region, what = labels[group]
            return MarginalSource(tonnes, what, region)
    return None


def _compute_tonnes_per_kg(plan: Plan, metal_values: MetalValues, metal: int, routes: Ints, period: int) -> float:
    """Return tonnes per kilogram of the metal on `routes` in `period`, 0 where the reduced cost is not zero."""
    instance, found, sent = plan.instance, plan.account.routes, plan.account.decisions.sent[routes, period]
    periods, smelter = len(instance.periods), found.smelter[routes]
    spends = (found.supply, found.collection, found.treating, found.transport, found.smelting, found.residue)
    account = plan.account
    net = float(sum(spend[routes, index_period(spend, period)] for spend in spends) @ sent)
    kilograms, value = 0.0, 0.0
    for e in range(len(instance.metals.names)):
        back = period + instance.smelters.lead[smelter, e]
        in_time = (smelter >= 0) & (back < periods)
        settled = account.compute_settled_share(routes, e)[:, period]
        returned = np.where(in_time, found.returned[routes, e] * sent * settled, 0.0)
        each = value_credited_metal(instance, found, metal_values.prices, routes, e, back)
        each = each + np.where(in_time, metal_values.assured[e][np.minimum(back, periods - 1)], 0.0)
        charge = found.refining[routes, e, index_period(found.refining, back)]
        net += float(np.where(in_time, charge * sent * settled, 0.0).sum())
        worth = returned * each
        if metal_values.assured[e].any():  # of uncertain metal, only what is assured counts towards the need
            deviation = metal_values.deviation_costs[routes, e, np.minimum(back, periods - 1)]
            worth = worth - np.where(in_time, deviation * sent, 0.0)
            returned = np.divide(worth, each, out=np.zeros_like(worth), where=each > 0)
        if e == metal:
            kilograms, value = float(returned.sum()), float(worth.sum())
        else:
            net -= float(worth.sum())
    proven = kilograms > 0 and abs(net - value) <= _PROOF_TOLERANCE * abs(value)
    return float(sent.sum()) / kilograms if proven else 0.0


@dataclass(frozen=True)
class RejectedOffer:
    """Market offer priced far below the marginal value of its metal, and the constraint that excludes more of it."""

    offer: str
    price: float
    times: float
    reason: str


def find_rejected_offer(plan: Plan, metal_values: MetalValues, metal: int) -> RejectedOffer | None:
    """Return the cheapest offer of a metal if it is priced far below the shadow price of the metal.

    Returns:
        The offer with the ratio of value to price and the reason; None for an objective other than cost.
    """
    market, value = find_market_price(plan, metal), float(metal_values.per_kilogram[metal])
    if market is None or not market.offered or not 0 < market.price * _REJECTED_PRICE_RATIO < value:
        return None
    period = int(np.where(metal_values.used[metal], metal_values.at_hand[metal], 0.0).argmax())
    offer = plan.instance.market.names.index(market.name)
    reason = _find_rejection_reason(plan, metal_values, metal, offer, period)
    return RejectedOffer(market.name, market.price, value / market.price, reason)


def _find_rejection_reason(plan: Plan, metal_values: MetalValues, metal: int, offer: int, period: int) -> str:
    """Return the constraint with the largest dual charge on the offer, beyond its own price."""
    market, y = plan.instance.market, metal_values.prices
    may = may_buy(plan.instance)[offer]
    if not may.any():
        barred = is_excluded_by_unnamed(plan.instance)[offer].any()
        return "no alloy admits its unnamed matter (`others`)" if barred else "no alloy may contain it"
    new = float(-y.recycled[metal] * (1 - market.recycled.value[offer]) * market.composition.value[offer, metal])
    unnamed = 1 - float(market.composition.value[offer].sum())
    causes = {
        "excluded by the recycled-content rule": new,
        "its limit is reached": float(-min(y.purchase[offer], 0.0)),
        "excluded by the footprint cap": float(-y.footprint_cap * market.footprint.value[offer]),
        "excluded by its unnamed matter": unnamed * float(metal_values.charge_cost[may, period].max()),
    }
    reason = max(causes, key=lambda cause: causes[cause])
    return reason if causes[reason] > 0 else ""
