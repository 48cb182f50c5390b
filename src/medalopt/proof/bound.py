r"""A lower bound on the measure of every plan, from prices of the linking rows alone (Lagrange; Everett 1963).

The prices may come from anywhere: whatever they are, the bound holds. Each stream answers them as well as it
can, $\sum_ts_{it}\min(0,\min_j\bar c_{jt})$, or its bundle's or stockpile's equivalent; every other quantity pays its
implied bound times the negative part of its reduced cost. Good prices make it meet the plan's own value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.bounds import Bounds
from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.needs import may_buy, may_charge, on_account, owed, process_scrap_rate
from medalopt.instance.routes import Routes, route_costs
from medalopt.proof.prices import Prices


@dataclass(frozen=True)
class Weights:
    """How much the measure counts of money, of kg CO2e and of tonnes sent."""

    cost: float
    footprint: float
    mass: float

    @classmethod
    def of(cls, measure: str) -> Weights:
        """Return the weights of `cost`, `footprint` or `mass`."""
        return cls(float(measure == "cost"), float(measure == "footprint"), float(measure == "mass"))


def lower_bound(instance: Instance, found: Routes, bounds: Bounds, y: Prices, measure: str) -> float:
    """Return a number that no plan's measure lies below; `y` are the prices it rests on."""
    weights = Weights.of(measure)
    return (
        _right_hand_sides(instance, y)
        + _network(instance, found, bounds, y, weights)
        + _metal_account(instance, found, bounds, y, weights)
        + _charges(instance, found, bounds, y, weights)
        + _casts(instance, bounds, y, weights)
    )


def _pay(reduced: Floats, most: Floats) -> float:
    """Return the least that quantities in [0, most] add at these reduced costs."""
    return float((np.minimum(reduced, 0) * most).sum())


def _next(values: Floats) -> Floats:
    """Return each period's next value, 0 after the last."""
    return np.concatenate([values[..., 1:], np.zeros_like(values[..., :1])], axis=-1)


def _right_hand_sides(instance: Instance, y: Prices) -> float:
    def finite(limit: Floats) -> Floats:
        return np.where(np.isfinite(limit), limit, 0.0)

    market, smelters, policy, streams = instance.market, instance.smelters, instance.policy, instance.streams
    offers = np.zeros(len(instance.regions))
    np.add.at(offers, streams.region, streams.available.value.sum(axis=1))
    parts = (
        y.feed_capacity * finite(smelters.capacity.value),
        y.treatment_capacity * finite(instance.treatments.capacity.value),
        y.cast_capacity * finite(instance.alloys.capacity.value),
        y.balance[:, 0] * instance.metals.opening_stock.value,
        y.demand * owed(instance),
        np.maximum(y.purchase, 0) * market.committed.value + np.minimum(y.purchase, 0) * finite(market.limit.value),
        y.stream_commitment * streams.committed.value,
        np.maximum(y.feed_total, 0) * smelters.committed.value
        + np.minimum(y.feed_total, 0) * finite(smelters.limit.value),
        y.participation * policy.participation.value * offers,
        y.footprint_cap * finite(policy.footprint_cap.value),
    )
    return float(sum(part.sum() for part in parts))


def route_prices(instance: Instance, found: Routes, y: Prices, weights: Weights) -> Floats:
    """Return what a tonne on each route changes the measure by, at the prices `y`, (J, T)."""
    device, region = instance.streams.device[found.stream], instance.streams.region[found.stream]
    member = instance.policy.members.astype(np.float64)
    low, high = instance.policy.window_low.value[:, None], instance.policy.window_high.value[:, None]
    mix = (y.mix_low[:, None] * (member - low) + y.mix_high[:, None] * (member - high)).sum(axis=0)
    fixed = weights.mass - mix[device] - y.participation[region] - y.stream_commitment[found.stream]
    fixed = fixed + (weights.footprint - y.footprint_cap) * found.footprint
    price = fixed[:, None] - y.treatment_capacity[found.treatment]
    if weights.cost:
        price = price + route_costs(instance, found)
    travels = np.nonzero(found.smelter >= 0)[0]
    smelter = found.smelter[travels]
    feed = y.feed_capacity[smelter] + y.feed_total[smelter][:, None]
    price[travels] -= found.to_smelter[travels][:, None] * feed
    periods = np.arange(len(instance.periods))
    for metal in range(len(instance.metals.names)):
        back = periods[None, :] + instance.smelters.lead[smelter, metal][:, None]
        worth = np.append(y.balance[metal], 0.0)[np.minimum(back, len(periods))]
        price[travels] += found.returned[travels, metal][:, None] * worth
    return price


def _network(instance: Instance, found: Routes, bounds: Bounds, y: Prices, weights: Weights) -> float:
    streams = instance.streams
    available = streams.available.value
    best = np.full(available.shape, np.inf)
    np.minimum.at(best, found.stream, route_prices(instance, found, y, weights))
    alone, stored = (streams.bundle < 0)[:, None], streams.storable[:, None]
    own = np.where(stored, np.minimum(y.supply, best), best)
    own = np.where(alone, np.minimum(own, 0), own)
    answer = float((np.where(alone, own, 0) * available).sum())
    known = np.where(stored, own, 0)
    waiting = weights.cost * streams.storage_cost.value[:, None] - known + _next(known)
    answer += _pay(np.where(stored, waiting, 0), bounds.stockpile)
    member = streams.bundle >= 0
    together = np.zeros((len(instance.bundles), available.shape[1]))
    offers = member[:, None] & (available > 0)  # a member without a route (infinite): its bundle stays untouched
    terms = np.multiply(own, available, out=np.zeros_like(available), where=offers)
    np.add.at(together, streams.bundle[member], terms[member])
    return answer + float(np.minimum(together, 0).sum())


def _metal_account(instance: Instance, found: Routes, bounds: Bounds, y: Prices, weights: Weights) -> float:
    metals, account = instance.metals, on_account(instance, found)[:, None]
    held = weights.cost * metals.holding.value - y.balance + _next(y.balance)
    sold = -weights.cost * metals.sell.value - y.balance
    return _pay(np.where(account, held, 0), bounds.stock) + _pay(np.where(account, sold, 0), bounds.stock)


def _charges(instance: Instance, found: Routes, bounds: Bounds, y: Prices, weights: Weights) -> float:
    alloys, market = instance.alloys, instance.market
    low, high = alloys.low.value[:, :, None], alloys.high.value[:, :, None]
    melted = (1 - alloys.loss.value)[:, None] * y.melt
    whole = (low * y.fineness_low + high * y.fineness_high).sum(axis=1) - (1 - alloys.others.value)[:, None] * y.others
    common = melted + whole  # (A, T): what a kilogram charged costs, whatever it is
    floor = 1 - instance.policy.recycled.value
    named = alloys.named[:, :, None] * y.others[:, None, :]
    of_metal = named - y.fineness_low - y.fineness_high + (floor * y.recycled)[None, :, None]  # (A, E, T)
    charged = common[:, None, :] + of_metal - y.balance[None, :, :]
    most = np.minimum(bounds.charge[:, None], bounds.stock[None, :, -1])[:, :, None]
    answer = _pay(np.where(may_charge(instance, found)[:, :, None], charged, 0), most)
    content = market.composition.value
    new = ((1 - market.recycled.value)[:, None] * content) @ y.recycled
    own = weights.cost * market.price.value - (y.purchase + new)[:, None]
    own = own + ((weights.footprint - y.footprint_cap) * market.footprint.value)[:, None]
    bought = own[:, None, :] + common[None, :, :] + np.einsum("oe,aet->oat", content, of_metal)
    return answer + _pay(np.where(may_buy(instance)[:, :, None], bought, 0), bounds.charge[None, :, None])


def _casts(instance: Instance, bounds: Bounds, y: Prices, weights: Weights) -> float:
    alloys, periods = instance.alloys, len(instance.periods)
    rate, worth = process_scrap_rate(instance), weights.cost * alloys.scrap_value.value
    owing = np.cumsum(y.demand[:, ::-1], axis=1)[:, ::-1]
    back = np.arange(periods)[None, :] + alloys.scrap_lead[:, None]
    padded = np.concatenate([y.process_scrap, -worth[:, None]], axis=1)  # too late to charge: worth its value
    falls = np.take_along_axis(padded, np.minimum(back, periods), axis=1) * rate[:, None]
    cast = -y.melt - (1 - alloys.scrap_share.value)[:, None] * owing - y.cast_capacity + falls
    kept = _next(y.process_scrap) - y.process_scrap
    kept[:, -1] = kept[:, -1] - worth
    recharged = (1 - alloys.loss.value)[:, None] * y.melt - y.process_scrap
    some = (rate > 0)[:, None]
    answer = _pay(cast, bounds.cast[:, None])
    answer += _pay(np.where(some, kept, 0), bounds.scrap[:, None])
    return answer + _pay(np.where(some, recharged, 0), np.minimum(bounds.charge, bounds.scrap)[:, None])
