r"""Lower bound on the objective of every feasible plan, from dual values of the linking constraints (Everett 1963).

Lagrangian relaxation: the bound is valid for any dual values. Each stream contributes
$\sum_ts_{it}\min(0,\min_j\bar c_{jt})$, or the equivalent for its bundle or stockpile; every other variable contributes
its implied upper bound times the negative part of its reduced cost. At optimal dual values it equals the optimum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from medalopt.instance.arithmetic import (
    NumberReader,
    Numbers,
    make_zeros,
    read_floats,
    sum_by_group,
    zero_where_infinite,
)
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.bounds import (
    VariableBounds,
    compute_casting_holding_cost,
    compute_casting_price,
    compute_cumulative_demand,
    compute_offer_holding_cost,
    compute_scrap_rate,
    has_casting_holding_cost,
    is_stocked,
    may_buy,
    may_charge,
    may_miss,
)
from medalopt.instance.instance import Instance
from medalopt.instance.lots import OFFER_STEPS, STREAM_STEPS
from medalopt.instance.routes import Routes, classify_routes, compute_base_costs, compute_refining_costs_of, fold_prices
from medalopt.instance.smelter_terms import (
    PooledLots,
    bound_withheld,
    compute_withheld_charge,
    compute_worth_left,
    find_pooled_lots,
    leaves_metal,
    may_leave,
    shift_to_shipment,
)
from medalopt.proof.prices import (
    Prices,
    clip_step_prices,
    expand_reserve_prices,
    list_left_prices,
    price_announced_charges,
    price_charge_limits,
    price_impurities,
    price_left_metal_of_routes,
    price_offer_balance,
    price_totals,
    shift_to_next_period,
)

NO_EXTENSION_PRICES: Mapping[str, Numbers] = MappingProxyType({})
ZERO_OBJECTIVE = "nothing"  # objective of 0 for every plan: a positive bound proves infeasibility


@dataclass(frozen=True)
class ObjectiveWeights:
    """Weights of cost (money), footprint (kg CO2e) and mass (t) in the objective, each 0 or 1."""

    cost: int
    footprint: int
    mass: int

    @classmethod
    def from_objective(cls, objective: str) -> ObjectiveWeights:
        """Return the weights of an objective.

        Args:
            objective: `cost`, `footprint`, `mass`, or `ZERO_OBJECTIVE` for weights of 0.

        Returns:
            The weights.
        """
        return cls(*(int(objective == each) for each in ("cost", "footprint", "mass")))


@dataclass(frozen=True)
class BoundContext:
    """Data of a bound: the instance with its routes and implied bounds, and the arithmetic to read parameters in.

    `pull` holds, by array, the amount that extension rows pay per unit of each decision (see `price_decisions`).
    """

    instance: Instance
    routes: Routes
    bounds: VariableBounds
    read: NumberReader = read_floats
    pull: Mapping[str, Numbers] = field(default_factory=dict)

    def subtract_payments(self, array: str, reduced: Numbers) -> Numbers:
        """Return reduced costs less the payments of extension rows.

        Args:
            array: Name of the array of decisions.
            reduced: Reduced costs (objective per unit).

        Returns:
            Reduced costs of the same shape.
        """
        return reduced - self.pull[array] if array in self.pull else reduced


def compute_lower_bound(
    instance: Instance,
    routes: Routes,
    bounds: VariableBounds,
    y: Prices,
    objective: str,
    read: NumberReader = read_floats,
) -> Numbers:
    """Return a lower bound on the objective of every feasible plan.

    Args:
        y: Dual values of the linking constraints; any values give a valid bound.
        objective: Objective, see `ObjectiveWeights.from_objective`.
        read: Reads parameters in the arithmetic of the bound.

    Returns:
        The bound, in the unit of the objective.
    """
    return minimise_lagrangian(
        BoundContext(instance, routes, bounds, read), y, ObjectiveWeights.from_objective(objective)
    )


def minimise_lagrangian(context: BoundContext, y: Prices, weights: ObjectiveWeights) -> Numbers:
    """Return the minimum of the Lagrangian: objective less extension payments, relaxed at the dual values `y`.

    Returns:
        The minimum, in the unit of the objective.
    """
    y = clip_step_prices(context.instance, y, weights.cost, context.read)
    own = price_supply(context, y, weights)
    answer = (
        _right_hand_side_value(context, y)
        + _unbundled_value(context, own)
        + np.minimum(price_bundles(context, own), 0).sum()
    )
    answer = answer + _minimum_payment(price_stockpiles(context, own, weights), context.bounds.stockpile)
    held = _price_casting_stock(context.instance, weights, context.read, context.pull)
    if held is not None:
        answer = answer - (held * compute_cumulative_demand(context.instance, context.read)).sum()
    return answer + sum(
        _minimum_payment(reduced, maximum) for reduced, maximum in compute_reduced_costs(context, y, weights)
    )


def compute_reduced_costs(
    context: BoundContext, y: Prices, weights: ObjectiveWeights
) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield reduced costs and upper bounds of all variables beyond the network.

    Yields:
        Pairs of reduced costs (objective per kg) and upper bounds (kg), arrays of compatible shape.
    """
    parts = (
        *(_metal_reduced_costs, _charge_reduced_costs, _casting_reduced_costs),
        *(_withheld_reduced_costs, _left_reduced_costs),
    )
    for part in (*parts, price_offer_stock) if is_stocked(context.instance).any() else parts:
        yield from part(context, y, weights)
    if may_miss(context.instance).any():
        yield (
            _price_missed_medals(context.instance, y, weights, context.read, context.pull),
            context.instance.medals.count,
        )


def _price_casting_stock(
    instance: Instance,
    weights: ObjectiveWeights,
    read: NumberReader = read_floats,
    pull: Mapping[str, Numbers] = NO_EXTENSION_PRICES,
) -> Numbers | None:
    """Return the objective coefficient of castings in stock (A, T), or None if it is 0 everywhere.

    Castings in stock are no decisions: they are cumulative castings less process scrap and demand.
    """
    if not has_casting_holding_cost(instance).any() and "cast_stock" not in pull:
        return None
    cost = weights.cost * compute_casting_holding_cost(instance, read)
    return cost - pull["cast_stock"] if "cast_stock" in pull else cost


def _accumulate_demand_prices(y: Prices, held: Numbers | None) -> Numbers:
    """Return the dual value of demand, accumulated from each period to the end of the horizon (A, T)."""
    price = y.demand if held is None else y.demand - held
    return np.cumsum(price[:, ::-1], axis=1)[:, ::-1]


def _price_missed_medals(
    instance: Instance,
    y: Prices,
    weights: ObjectiveWeights,
    read: NumberReader = read_floats,
    pull: Mapping[str, Numbers] = NO_EXTENSION_PRICES,
) -> Numbers:
    r"""Return the reduced cost of missing a medal (M,), $\varpi_m-\sum_aw_{ma}\pi_a$; 0 where it must be made."""
    medals = instance.medals
    due = _accumulate_demand_prices(y, _price_casting_stock(instance, weights, read, pull))[:, medals.due]  # (A, M)
    each = read(medals.parts) * (1 + read(medals.allowance))[:, None]
    reduced = weights.cost * zero_where_infinite(read(medals.shortfall)) - (each * due.T).sum(axis=1)
    return np.where(may_miss(instance), reduced - pull["missed"] if "missed" in pull else reduced, 0)


def price_medals(
    instance: Instance, y: Prices, weights: ObjectiveWeights, pull: Mapping[str, Numbers] = NO_EXTENSION_PRICES
) -> Floats:
    """Return the marginal cost of one more medal of each kind: that of its alloys, or at most its penalty.

    Returns:
        Objective per medal (M,).
    """
    medals = instance.medals
    each = medals.parts.value * (1 + medals.allowance.value)[:, None]
    due = _accumulate_demand_prices(y, _price_casting_stock(instance, weights, pull=pull))
    made = np.array([each[m] @ due[:, t] for m, t in enumerate(medals.due.tolist())])
    if not may_miss(instance).any():
        return made
    return np.asarray(made + np.minimum(_price_missed_medals(instance, y, weights, pull=pull), 0))


def _add_concentration_price(price: Numbers, instance: Instance, y: Prices, name: str, read: NumberReader) -> Numbers:
    """Return prices (N,) per unit of the `smelters`, `regions` or `offers` plus those of their concentration limit."""
    own, share = getattr(y, f"concentration_{name}"), getattr(instance.policy, f"concentration_{name}")
    return price if share.value >= 1 else price + own - read(share) * own.sum()


def _minimum_payment(reduced: Numbers, most: Numbers) -> Numbers:
    """Return the minimum contribution of variables in [0, `most`] at these reduced costs."""
    return (np.minimum(reduced, 0) * most).sum()


def _right_hand_side_value(context: BoundContext, y: Prices) -> Numbers:
    """Return the sum of dual values times right-hand sides."""
    instance, read = context.instance, context.read
    market, smelters, policy, streams = instance.market, instance.smelters, instance.policy, instance.streams
    offers = sum_by_group(read(streams.available).sum(axis=1), streams.region, len(instance.regions))
    stocked = is_stocked(instance)
    parts = (
        y.feed_capacity * zero_where_infinite(read(smelters.capacity)),
        y.treatment_capacity * zero_where_infinite(read(instance.treatments.capacity)),
        y.cast_capacity * zero_where_infinite(read(instance.alloys.capacity)),
        y.balance[:, 0] * read(instance.metals.opening_stock),
        y.demand * compute_cumulative_demand(instance, read),
        np.maximum(y.purchase, 0) * read(market.committed)
        + np.minimum(y.purchase, 0) * zero_where_infinite(read(market.limit)),
        y.offer_balance[:, 0] * read(market.opening_stock)[stocked],
        y.offer_storage * zero_where_infinite(read(market.storage_limit)),
        y.closing_stock * read(market.closing_stock),
        y.charge_limit * zero_where_infinite(read(instance.charge_limits.most)),
        y.stream_commitment * read(streams.committed),
        np.maximum(y.feed_total, 0) * read(smelters.committed),
        np.minimum(y.feed_total, 0) * zero_where_infinite(read(smelters.limit)),
        y.participation * read(policy.participation) * offers,
        y.stream_steps * read(streams.steps.above),
        y.offer_steps * read(market.steps.above),
    )
    return sum(part.sum() for part in parts) + y.footprint_cap * zero_where_infinite(read(policy.footprint_cap))


def price_routes(
    instance: Instance, routes: Routes, y: Prices, weights: ObjectiveWeights, read: NumberReader = read_floats
) -> Numbers:
    """Return the reduced cost of each route and period before supply.

    Args:
        routes: Admissible routes (J).
        read: Reads parameters in the arithmetic of the bound.

    Returns:
        Objective per tonne sent (J, T).
    """
    device, region = instance.streams.device[routes.stream], instance.streams.region[routes.stream]
    member = instance.policy.members.astype(np.intp)
    low, high = read(instance.policy.window_low)[:, None], read(instance.policy.window_high)[:, None]
    mix = (y.mix_low[:, None] * (member - low) + y.mix_high[:, None] * (member - high)).sum(axis=0)
    regional = _add_concentration_price(y.participation, instance, y, "regions", read)
    fixed = weights.mass - mix[device] - regional[region] - price_totals(instance, y, STREAM_STEPS)[routes.stream]
    fixed = routes.mask_branches(fixed) + (weights.footprint - y.footprint_cap) * routes.footprint
    fixed = fixed[:, None]
    if weights.cost:
        fixed = fixed + compute_base_costs(routes)
    kind, typical = classify_routes(instance, routes)
    price = fixed + _price_route_kinds(instance, routes, y, weights, typical, read)[kind]
    lots = find_pooled_lots(instance, routes, read)
    if len(lots.routes):
        price[lots.routes] = price[lots.routes] + _price_pool_routes(routes, lots, y)
    return price


def _price_pool_routes(routes: Routes, lots: PooledLots, y: Prices) -> Numbers:
    """Return the share of the settlement constraints in the reduced cost of pooled routes (N, T)."""
    minimum, maximum, all_of_it = _settlement_prices(lots, y)
    total = make_zeros((len(lots.routes), lots.exists.shape[2]), y.balance)
    for metal in range(lots.exists.shape[1]):
        withheld, share = lots.withheld[:, metal][:, None], routes.returned[lots.routes, metal][:, None]
        total = total + withheld * minimum[lots.pool, metal] + np.maximum(withheld, 0) * maximum[lots.pool, metal]
        total = total + share * all_of_it[lots.pool, metal]
    return total


def _settlement_prices(lots: PooledLots, y: Prices) -> tuple[Numbers, ...]:
    """Return the dual values of the three settlement constraints, 0 where there is none."""
    return tuple(np.where(lots.exists, price, 0) for price in (y.withheld_least, y.withheld_most, y.withheld_all))


def _withheld_reduced_costs(
    context: BoundContext, y: Prices, weights: ObjectiveWeights
) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield reduced costs and upper bounds of metal withheld from pooled lots."""
    instance, routes, read = context.instance, context.routes, context.read
    lots, periods = find_pooled_lots(instance, routes, read), np.arange(len(instance.periods))
    if not len(lots.line):
        return
    padded = np.concatenate([y.balance, np.zeros_like(y.balance[:, :1])], axis=1)  # too late to be worth anything
    back = np.minimum(periods[None, None, :] + instance.smelters.lead[lots.smelter][:, :, None], len(periods))
    worth = padded[np.arange(len(instance.metals.names))[None, :, None], back]
    if leaves_metal(instance):
        worth = worth + shift_to_shipment(instance, list_left_prices(instance, routes, y))[lots.line]
    reduced = (
        0 - weights.cost * compute_withheld_charge(instance, lots, read) - worth - sum(_settlement_prices(lots, y))
    )
    reduced = context.subtract_payments("withheld", reduced)
    yield np.where(lots.exists, reduced, 0), bound_withheld(instance, routes, lots, context.bounds.sent)


def _price_route_kinds(
    instance: Instance, routes: Routes, y: Prices, weights: ObjectiveWeights, route: Ints, read: NumberReader
) -> Numbers:
    """Return the reduced cost of routes without supply, transport and footprint (N, T)."""
    price = 0 - y.treatment_capacity[routes.treatment[route]]
    if weights.cost:
        price = price + compute_refining_costs_of(instance, routes, route)
    travels = np.nonzero(routes.smelter[route] >= 0)[0]
    those, smelter = route[travels], routes.smelter[route[travels]]
    total = _add_concentration_price(y.feed_total, instance, y, "smelters", read)
    feed = y.feed_capacity[smelter] + total[smelter][:, None]
    price[travels] = price[travels] - routes.to_smelter[those][:, None] * feed
    price[travels] = price[travels] - price_impurities(instance, routes, y, those, read)
    periods = np.arange(len(instance.periods))
    padded = np.concatenate([y.balance, np.zeros_like(y.balance[:, :1])], axis=1)  # too late to be worth anything
    for metal in range(len(instance.metals.names)):
        back = periods[None, :] + instance.smelters.lead[smelter, metal][:, None]
        worth = padded[metal][np.minimum(back, len(periods))]
        price[travels] = price[travels] + routes.returned[those, metal][:, None] * worth
    if leaves_metal(instance):
        price[travels] = price[travels] + price_left_metal_of_routes(instance, routes, y, those)
    return price


def _left_reduced_costs(
    context: BoundContext, y: Prices, weights: ObjectiveWeights
) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield reduced costs and upper bounds of metal left with the smelters."""
    instance = context.instance
    if not leaves_metal(instance):
        return
    worth = weights.cost * compute_worth_left(instance, context.read)
    reduced = 0 - worth - y.balance[None, :, :] - list_left_prices(instance, context.routes, y)
    reduced = context.subtract_payments("left", reduced)
    yield np.where(may_leave(instance, context.routes), reduced, 0), context.bounds.stock[None, :, :]


def price_supply(context: BoundContext, y: Prices, weights: ObjectiveWeights) -> Numbers:
    """Return the dual value of each stream's supply implied by the other dual values: the best of its routes.

    Returns:
        Objective per tonne of supply (I, T); at most 0 outside bundles, infinite in a bundle without a route.
    """
    instance, routes, read = context.instance, context.routes, context.read
    available = read(instance.streams.available)
    best = make_zeros(available.shape, available) + np.inf
    prices = context.subtract_payments("sent", price_routes(instance, routes, y, weights, read))
    taking, folded = fold_prices(routes, prices)
    np.minimum.at(best, routes.stream[taking], folded)
    alone, stored = (instance.streams.bundle < 0)[:, None], instance.streams.storable[:, None]
    own = np.where(stored, np.minimum(y.supply, best), best)
    return np.where(alone, np.minimum(own, 0), own)


def price_stockpiles(context: BoundContext, own: Numbers, weights: ObjectiveWeights) -> Numbers:
    """Return the reduced cost of each stockpile.

    Args:
        own: Dual values of supply (I, T), from `price_supply`.

    Returns:
        Objective per tonne in stock at the end of the period (I, T).
    """
    streams, read = context.instance.streams, context.read
    stored = streams.storable[:, None]
    known = np.where(stored, own, 0)
    kept = weights.cost * read(streams.storage_cost)[:, None] - known + shift_to_next_period(known)
    return context.subtract_payments("stockpile", kept)


def price_bundles(context: BoundContext, own: Numbers) -> Numbers:
    """Return the reduced cost of taking each bundle whole.

    Args:
        own: Dual values of supply (I, T), from `price_supply`.

    Returns:
        Objective per share of the bundle (B, T).
    """
    streams = context.instance.streams
    member = streams.bundle >= 0
    offers = member[:, None] & (streams.available.raw > 0)
    terms = np.where(offers, own, 0) * context.read(streams.available)  # infinite without a route: never selected
    return context.subtract_payments(
        "take", sum_by_group(terms[member], streams.bundle[member], len(context.instance.bundles))
    )


def _unbundled_value(context: BoundContext, own: Numbers) -> Numbers:
    """Return the contribution of the streams outside bundles."""
    streams = context.instance.streams
    return (np.where((streams.bundle < 0)[:, None], own, 0) * context.read(streams.available)).sum()


def _metal_reduced_costs(
    context: BoundContext, y: Prices, weights: ObjectiveWeights
) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield reduced costs and upper bounds of metal stock and surplus."""
    metals, maximum = context.instance.metals, context.bounds.stock  # 0 for a metal that is never in stock
    kept = weights.cost * context.read(metals.holding) - y.balance + shift_to_next_period(y.balance)
    if (metals.reserve > 0).any():
        kept = kept - expand_reserve_prices(context.instance, y)
    held = context.subtract_payments("stock", kept)
    sold = context.subtract_payments("surplus", -weights.cost * context.read(metals.sell) - y.balance)
    yield held, maximum
    yield sold, maximum


def _price_purchases(context: BoundContext, y: Prices) -> Numbers:
    """Return the dual value of limits, price steps and concentration of purchases for a kilogram of each offer (O,)."""
    own = price_totals(context.instance, y, OFFER_STEPS)
    return _add_concentration_price(own, context.instance, y, "offers", context.read)


def _price_offer_footprint(context: BoundContext, y: Prices, weights: ObjectiveWeights) -> Numbers:
    """Return the objective per kilogram of each offer (O,) due to its footprint."""
    market, read = context.instance.market, context.read
    return (weights.footprint - y.footprint_cap) * read(market.footprint)


def price_offer_stock(context: BoundContext, y: Prices, weights: ObjectiveWeights) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield reduced costs and upper bounds of offers: first bought into stock, then held in stock.

    Yields:
        Pairs of reduced costs (objective per kg) and upper bounds (kg), both (O, T).
    """
    instance, read, market = context.instance, context.read, context.instance.market
    stocked, maximum = is_stocked(instance)[:, None], context.bounds.purchase[:, None]
    balance = price_offer_balance(y, is_stocked(instance))
    once = _price_offer_footprint(context, y, weights) - _price_purchases(context, y)
    bought = weights.cost * read(market.price) + once[:, None] + balance
    yield np.where(stocked, context.subtract_payments("acquire", bought), 0), maximum
    kept = weights.cost * compute_offer_holding_cost(instance, read) - balance + shift_to_next_period(balance)
    kept = kept - y.offer_storage
    kept[:, -1] = kept[:, -1] - y.closing_stock
    yield (
        np.where(stocked, context.subtract_payments("offer_stock", kept), 0),
        maximum * (np.arange(len(instance.periods)) + 1) + read(market.opening_stock)[:, None],
    )


def _charge_reduced_costs(
    context: BoundContext, y: Prices, weights: ObjectiveWeights
) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield reduced costs and upper bounds of metal charged from stock and of offers charged."""
    instance, bounds, read = context.instance, context.bounds, context.read
    alloys, market = instance.alloys, instance.market
    low, high = read(alloys.low)[:, :, None], read(alloys.high)[:, :, None]
    melted = (1 - read(alloys.loss))[:, None] * y.melt
    whole = (low * y.fineness_low + high * y.fineness_high).sum(axis=1) - (1 - read(alloys.others))[:, None] * y.others
    common = melted + whole  # (A, T): objective per kg charged, independent of the metal
    floor = 1 - read(instance.policy.recycled)
    named = alloys.named[:, :, None].astype(np.intp) * y.others[:, None, :]
    of_metal = named - y.fineness_low - y.fineness_high + (floor * y.recycled)[None, :, None]  # (A, E, T)
    from_stock = y.balance - price_announced_charges(instance, y) if (instance.metals.reserve > 0).any() else y.balance
    charged = context.subtract_payments("charge", common[:, None, :] + of_metal - from_stock[None, :, :])
    maximum = np.minimum(bounds.charge[:, None], bounds.stock[None, :, -1])[:, :, None]
    yield np.where(may_charge(instance, context.routes)[:, :, None], charged, 0), maximum
    content = read(market.composition)
    new = ((1 - read(market.recycled))[:, None] * content) @ y.recycled
    own = weights.cost * read(market.price) - (_price_purchases(context, y) + new)[:, None]
    own = own + _price_offer_footprint(context, y, weights)[:, None]
    stocked = is_stocked(instance)
    if stocked.any():  # paid when bought
        own = np.where(stocked[:, None], -new[:, None] - price_offer_balance(y, stocked), own)
    held = (content[:, None, :, None] * of_metal[None]).sum(axis=2)  # (O, A, T)
    held = held - price_charge_limits(instance, y)
    bought = context.subtract_payments("buy", own[:, None, :] + common[None, :, :] + held)
    yield np.where(may_buy(instance)[:, :, None], bought, 0), bounds.charge[None, :, None]


def _casting_reduced_costs(
    context: BoundContext, y: Prices, weights: ObjectiveWeights
) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield reduced costs and upper bounds of castings, process scrap in hand and recharged scrap."""
    alloys, periods, bounds, read = context.instance.alloys, len(context.instance.periods), context.bounds, context.read
    rate, worth = compute_scrap_rate(context.instance, read), weights.cost * read(alloys.scrap_value)
    back = np.arange(periods)[None, :] + alloys.scrap_lead[:, None]
    padded = np.concatenate([y.process_scrap, -worth[:, None]], axis=1)  # too late to recharge: its scrap value counts
    falls = np.take_along_axis(padded, np.minimum(back, periods), axis=1) * rate[:, None]
    made = (1 - read(alloys.scrap_share))[:, None] * _accumulate_demand_prices(
        y, _price_casting_stock(context.instance, weights, context.read, context.pull)
    )
    sold = weights.cost * compute_casting_price(context.instance, read)
    cast = -sold - y.melt - made - y.cast_capacity + falls
    kept = shift_to_next_period(y.process_scrap) - y.process_scrap
    kept[:, -1] = kept[:, -1] - worth
    recharged = (1 - read(alloys.loss))[:, None] * y.melt - y.process_scrap
    cast, kept, recharged = (
        context.subtract_payments(array, each)
        for array, each in (("cast", cast), ("scrap", kept), ("recharge", recharged))
    )
    yield cast, bounds.cast[:, None]
    yield kept, bounds.scrap[:, None]  # 0 without process scrap
    yield recharged, np.minimum(bounds.charge, bounds.scrap)[:, None]
