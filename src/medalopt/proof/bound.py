r"""A lower bound on the measure of every plan, from prices of the linking rows alone (Lagrange; Everett 1963).

The prices may come from anywhere: whatever they are, the bound holds. Each stream answers them as well as it
can, $\sum_ts_{it}\min(0,\min_j\bar c_{jt})$, or its bundle's or stockpile's equivalent; every other quantity pays its
implied bound times the negative part of its reduced cost. Good prices make it meet the plan's own value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from medalopt.instance.arithmetic import Numbers, floats, summed, zeros
from medalopt.instance.bounds import Bounds
from medalopt.instance.figures import Bools, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.needs import (
    casting_holding,
    is_stocked,
    may_buy,
    may_charge,
    offer_holding,
    owed,
    pays_for_castings,
    process_scrap_rate,
)
from medalopt.instance.pooling import Pools, most_withheld, pools
from medalopt.instance.routes import Reading, Routes, base_costs, kinds, refining_of
from medalopt.proof.prices import Prices

NO_PULL: Mapping[str, Numbers] = MappingProxyType({})
NOTHING = "nothing"  # the measure that is 0 for every plan: a bound above it shows that there is none


@dataclass(frozen=True)
class Weights:
    """How much the measure counts of money, of kg CO2e and of tonnes sent."""

    cost: int
    footprint: int
    mass: int

    @classmethod
    def of(cls, measure: str) -> Weights:
        """Return the weights of `cost`, `footprint` or `mass`; of `NOTHING` all are 0."""
        return cls(*(int(measure == each) for each in ("cost", "footprint", "mass")))


@dataclass(frozen=True)
class Ground:
    """What a bound stands on: the instance with its routes and bounds, and the arithmetic they are read in.

    `pull` is what added rows pay for a unit more of each decision, by its array (see `worth.on_decisions`).
    """

    instance: Instance
    found: Routes
    bounds: Bounds
    read: Reading = floats
    pull: Mapping[str, Numbers] = field(default_factory=dict)

    def after(self, array: str, reduced: Numbers) -> Numbers:
        """Return the reduced costs of the decisions of `array`, the added rows counted."""
        return reduced - self.pull[array] if array in self.pull else reduced


def lower_bound(
    instance: Instance, found: Routes, bounds: Bounds, y: Prices, measure: str, read: Reading = floats
) -> Numbers:
    """Return a number that no plan's measure lies below; `y` are the prices it rests on."""
    return least(Ground(instance, found, bounds, read), y, Weights.of(measure))


def least(ground: Ground, y: Prices, weights: Weights) -> Numbers:
    """Return what the measure of these weights, less what the added rows pay, comes to at least, at the prices `y`."""
    own = answers(ground, y, weights)
    answer = _right_hand_sides(ground, y) + _alone(ground, own) + np.minimum(together(ground, own), 0).sum()
    answer = answer + _pay(waiting(ground, own, weights), ground.bounds.stockpile)
    held = castings(ground.instance, weights, ground.read, ground.pull)
    if held is not None:
        answer = answer - (held * owed(ground.instance, ground.read)).sum()
    return answer + sum(_pay(reduced, most) for reduced, most in reduced_costs(ground, y, weights))


def reduced_costs(ground: Ground, y: Prices, weights: Weights) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield what each quantity beyond the network changes the measure by at the prices, and the most there can be."""
    parts = (_metal_account, _charges, _casts, _withheld)
    for part in (*parts, offers_in_stock) if is_stocked(ground.instance).any() else parts:
        yield from part(ground, y, weights)


def castings(
    instance: Instance, weights: Weights, read: Reading = floats, pull: Mapping[str, Numbers] = NO_PULL
) -> Numbers | None:
    """Return what a kilogram of castings in stock changes the measure by, (A, T); None where it does not.

    Castings in stock are no unknowns of their own: they are what is cast, less process scrap and what is due.
    `pull` is as in `Ground`.
    """
    if not pays_for_castings(instance).any() and "cast_stock" not in pull:
        return None
    cost = weights.cost * casting_holding(instance, read)
    return cost - pull["cast_stock"] if "cast_stock" in pull else cost


def owing(y: Prices, held: Numbers | None) -> Numbers:
    """Return what a kilogram of each alloy that is due from each period on changes the measure by, (A, T).

    `held` is as `castings` returns it: a kilogram that is due waits no longer.
    """
    price = y.demand if held is None else y.demand - held
    return np.cumsum(price[:, ::-1], axis=1)[:, ::-1]


def _pay(reduced: Numbers, most: Numbers) -> Numbers:
    """Return the least that quantities in [0, most] add at these reduced costs."""
    return (np.minimum(reduced, 0) * most).sum()


def _next(values: Numbers) -> Numbers:
    """Return each period's next value, 0 after the last; both (N, T)."""
    return np.concatenate([values[:, 1:], np.zeros_like(values[:, :1])], axis=1)


def _finite(limit: Numbers) -> Numbers:
    """Return a limit, 0 where there is none: its price is 0 there."""
    return np.where(limit < np.inf, limit, 0)


def _right_hand_sides(ground: Ground, y: Prices) -> Numbers:
    instance, read = ground.instance, ground.read
    market, smelters, policy, streams = instance.market, instance.smelters, instance.policy, instance.streams
    offers = summed(read(streams.available).sum(axis=1), streams.region, len(instance.regions))
    parts = (
        y.feed_capacity * _finite(read(smelters.capacity)),
        y.treatment_capacity * _finite(read(instance.treatments.capacity)),
        y.cast_capacity * _finite(read(instance.alloys.capacity)),
        y.balance[:, 0] * read(instance.metals.opening_stock),
        y.demand * owed(instance, read),
        np.maximum(y.purchase, 0) * read(market.committed) + np.minimum(y.purchase, 0) * _finite(read(market.limit)),
        y.stream_commitment * read(streams.committed),
        np.maximum(y.feed_total, 0) * read(smelters.committed),
        np.minimum(y.feed_total, 0) * _finite(read(smelters.limit)),
        y.participation * read(policy.participation) * offers,
    )
    return sum(part.sum() for part in parts) + y.footprint_cap * _finite(read(policy.footprint_cap))


def route_prices(instance: Instance, found: Routes, y: Prices, weights: Weights, read: Reading = floats) -> Numbers:
    """Return what a tonne on each route changes the measure by, at the prices `y`, (J, T)."""
    device, region = instance.streams.device[found.stream], instance.streams.region[found.stream]
    member = instance.policy.members.astype(np.intp)
    low, high = read(instance.policy.window_low)[:, None], read(instance.policy.window_high)[:, None]
    mix = (y.mix_low[:, None] * (member - low) + y.mix_high[:, None] * (member - high)).sum(axis=0)
    fixed = weights.mass - mix[device] - y.participation[region] - y.stream_commitment[found.stream]
    fixed = fixed + (weights.footprint - y.footprint_cap) * found.footprint
    if weights.cost:
        fixed = fixed + base_costs(found)
    kind, typical = kinds(instance, found)
    price = fixed[:, None] + _of_kinds(instance, found, y, weights, typical)[kind]
    lots = pools(instance, found, read)
    if len(lots.routes):
        price[lots.routes] = price[lots.routes] + _in_pools(found, lots, y)
    return price


def _in_pools(found: Routes, lots: Pools, y: Prices) -> Numbers:
    """Return what a tonne on each route of a pooled lot changes of the bounds on what is withheld, (N, T)."""
    least, most, all_of_it = _settlement_prices(lots, y)
    total = zeros((len(lots.routes), lots.exists.shape[2]), y.balance)
    for metal in range(lots.exists.shape[1]):
        withheld, share = lots.withheld[:, metal][:, None], found.returned[lots.routes, metal][:, None]
        total = total + withheld * least[lots.pool, metal] + np.maximum(withheld, 0) * most[lots.pool, metal]
        total = total + share * all_of_it[lots.pool, metal]
    return total


def _settlement_prices(lots: Pools, y: Prices) -> tuple[Numbers, ...]:
    """Return the prices of the rows of what is withheld, 0 where there is no row."""
    return tuple(np.where(lots.exists, price, 0) for price in (y.withheld_least, y.withheld_most, y.withheld_all))


def _withheld(ground: Ground, y: Prices, weights: Weights) -> Iterator[tuple[Numbers, Numbers]]:
    instance, found, read = ground.instance, ground.found, ground.read
    lots, periods = pools(instance, found, read), np.arange(len(instance.periods))
    if not len(lots.line):
        return
    padded = np.concatenate([y.balance, np.zeros_like(y.balance[:, :1])], axis=1)  # too late to be worth anything
    back = np.minimum(periods[None, None, :] + instance.smelters.lead[lots.smelter][:, :, None], len(periods))
    worth = padded[np.arange(len(instance.metals.names))[None, :, None], back]
    charge = weights.cost * read(instance.terms.refining_charge)[lots.line]
    reduced = 0 - charge[:, :, None] - worth - sum(_settlement_prices(lots, y))
    reduced = ground.after("withheld", reduced)
    yield np.where(lots.exists, reduced, 0), most_withheld(instance, found, lots, ground.bounds.sent)


def _of_kinds(instance: Instance, found: Routes, y: Prices, weights: Weights, route: Ints) -> Numbers:
    """Return what a tonne on these routes changes the measure by beside what it costs and emits on the way, (N, T)."""
    price = 0 - y.treatment_capacity[found.treatment[route]]
    if weights.cost:
        price = price + refining_of(instance, found, route)
    travels = np.nonzero(found.smelter[route] >= 0)[0]
    those, smelter = route[travels], found.smelter[route[travels]]
    feed = y.feed_capacity[smelter] + y.feed_total[smelter][:, None]
    price[travels] = price[travels] - found.to_smelter[those][:, None] * feed
    periods = np.arange(len(instance.periods))
    padded = np.concatenate([y.balance, np.zeros_like(y.balance[:, :1])], axis=1)  # too late to be worth anything
    for metal in range(len(instance.metals.names)):
        back = periods[None, :] + instance.smelters.lead[smelter, metal][:, None]
        worth = padded[metal][np.minimum(back, len(periods))]
        price[travels] = price[travels] + found.returned[those, metal][:, None] * worth
    return price


def answers(ground: Ground, y: Prices, weights: Weights) -> Numbers:
    """Return what a tonne more of each stream's supply changes the measure by, (I, T); infinite without a route."""
    instance, found, read = ground.instance, ground.found, ground.read
    available = read(instance.streams.available)
    best = zeros(available.shape, available) + np.inf
    np.minimum.at(best, found.stream, ground.after("sent", route_prices(instance, found, y, weights, read)))
    alone, stored = (instance.streams.bundle < 0)[:, None], instance.streams.storable[:, None]
    own = np.where(stored, np.minimum(y.supply, best), best)
    return np.where(alone, np.minimum(own, 0), own)


def waiting(ground: Ground, own: Numbers, weights: Weights) -> Numbers:
    """Return what a tonne in each stockpile changes the measure by, (I, T), at the prices `own` of supply."""
    streams, read = ground.instance.streams, ground.read
    stored = streams.storable[:, None]
    known = np.where(stored, own, 0)
    kept = weights.cost * read(streams.storage_cost)[:, None] - known + _next(known)
    return ground.after("stockpile", kept)


def together(ground: Ground, own: Numbers) -> Numbers:
    """Return what the whole of each bundle changes the measure by, (B, T), at the prices `own` of supply."""
    streams = ground.instance.streams
    member = streams.bundle >= 0
    offers = member[:, None] & (streams.available.raw > 0)
    terms = np.where(offers, own, 0) * ground.read(streams.available)  # infinite without a route: it stays untouched
    return ground.after("take", summed(terms[member], streams.bundle[member], len(ground.instance.bundles)))


def _alone(ground: Ground, own: Numbers) -> Numbers:
    """Return what the streams in no bundle answer."""
    streams = ground.instance.streams
    return (np.where((streams.bundle < 0)[:, None], own, 0) * ground.read(streams.available)).sum()


def _metal_account(ground: Ground, y: Prices, weights: Weights) -> Iterator[tuple[Numbers, Numbers]]:
    metals, most = ground.instance.metals, ground.bounds.stock  # nothing of what is never on the account
    held = ground.after("stock", weights.cost * ground.read(metals.holding) - y.balance + _next(y.balance))
    sold = ground.after("surplus", -weights.cost * ground.read(metals.sell) - y.balance)
    yield held, most
    yield sold, most


def _charges(ground: Ground, y: Prices, weights: Weights) -> Iterator[tuple[Numbers, Numbers]]:
    instance, bounds, read = ground.instance, ground.bounds, ground.read
    alloys, market = instance.alloys, instance.market
    low, high = read(alloys.low)[:, :, None], read(alloys.high)[:, :, None]
    melted = (1 - read(alloys.loss))[:, None] * y.melt
    whole = (low * y.fineness_low + high * y.fineness_high).sum(axis=1) - (1 - read(alloys.others))[:, None] * y.others
    common = melted + whole  # (A, T): what a kilogram charged costs, whatever it is
    floor = 1 - read(instance.policy.recycled)
    named = alloys.named[:, :, None].astype(np.intp) * y.others[:, None, :]
    of_metal = named - y.fineness_low - y.fineness_high + (floor * y.recycled)[None, :, None]  # (A, E, T)
    charged = ground.after("charge", common[:, None, :] + of_metal - y.balance[None, :, :])
    most = np.minimum(bounds.charge[:, None], bounds.stock[None, :, -1])[:, :, None]
    yield np.where(may_charge(instance, ground.found)[:, :, None], charged, 0), most
    content = read(market.composition)
    new = ((1 - read(market.recycled))[:, None] * content) @ y.recycled
    own = weights.cost * read(market.price) - (y.purchase + new)[:, None]
    own = own + _carbon(ground, y, weights)[:, None]
    stocked = is_stocked(instance)
    if stocked.any():  # paid when it was bought
        own = np.where(stocked[:, None], -new[:, None] - _of_offers(y, stocked), own)
    held = (content[:, None, :, None] * of_metal[None]).sum(axis=2)  # (O, A, T)
    bought = ground.after("buy", own[:, None, :] + common[None, :, :] + held)
    yield np.where(may_buy(instance)[:, :, None], bought, 0), bounds.charge[None, :, None]


def _of_offers(y: Prices, stocked: Bools) -> Numbers:
    """Return the prices of the balance of every offer, (O, T), some being `stocked`; of others they mean nothing."""
    return y.offer_balance[np.maximum(np.cumsum(stocked) - 1, 0)]


def _carbon(ground: Ground, y: Prices, weights: Weights) -> Numbers:
    """Return what the footprint of a kilogram of each offer that is bought changes the measure by, (O,)."""
    market, read = ground.instance.market, ground.read
    return (weights.footprint - y.footprint_cap) * read(market.footprint)


def offers_in_stock(ground: Ground, y: Prices, weights: Weights) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield what a kilogram bought into stock, and one kept there, changes the measure by, and the most there are."""
    instance, read, market = ground.instance, ground.read, ground.instance.market
    stocked, most = is_stocked(instance)[:, None], ground.bounds.purchase[:, None]
    balance = _of_offers(y, is_stocked(instance))
    once = _carbon(ground, y, weights) - y.purchase
    bought = weights.cost * read(market.price) + once[:, None] + balance
    yield np.where(stocked, ground.after("acquire", bought), 0), most
    kept = weights.cost * offer_holding(instance, read) - balance + _next(balance)
    yield np.where(stocked, ground.after("offer_stock", kept), 0), most * (np.arange(len(instance.periods)) + 1)


def _casts(ground: Ground, y: Prices, weights: Weights) -> Iterator[tuple[Numbers, Numbers]]:
    alloys, periods, bounds, read = ground.instance.alloys, len(ground.instance.periods), ground.bounds, ground.read
    rate, worth = process_scrap_rate(ground.instance, read), weights.cost * read(alloys.scrap_value)
    back = np.arange(periods)[None, :] + alloys.scrap_lead[:, None]
    padded = np.concatenate([y.process_scrap, -worth[:, None]], axis=1)  # too late to charge: worth its value
    falls = np.take_along_axis(padded, np.minimum(back, periods), axis=1) * rate[:, None]
    made = (1 - read(alloys.scrap_share))[:, None] * owing(
        y, castings(ground.instance, weights, ground.read, ground.pull)
    )
    cast = -y.melt - made - y.cast_capacity + falls
    kept = _next(y.process_scrap) - y.process_scrap
    kept[:, -1] = kept[:, -1] - worth
    recharged = (1 - read(alloys.loss))[:, None] * y.melt - y.process_scrap
    cast, kept, recharged = (
        ground.after(array, each) for array, each in (("cast", cast), ("scrap", kept), ("recharge", recharged))
    )
    yield cast, bounds.cast[:, None]
    yield kept, bounds.scrap[:, None]  # nothing where no process scrap falls
    yield recharged, np.minimum(bounds.charge, bounds.scrap)[:, None]
