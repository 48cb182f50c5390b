"""Order lines of a plan, by device, route and smelter, the margin of every order, and the materials sold.

A margin tells by how much an order may fall short; the cost of rounding the quantities of all orders is computed too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalopt.analysis.sourcing.traceability import compute_route_returns
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.activities import compute_charges
from medalopt.instance.arithmetic import read_floats, sum_by_group
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.demand import has_demand, is_stocked
from medalopt.instance.instance import Instance
from medalopt.instance.payers import PartyDirectory
from medalopt.instance.price_steps import allocate_surcharges
from medalopt.instance.routes import index_period
from medalopt.instance.smelter_terms import compute_penalties
from medalopt.tolerances import AMOUNT_TOLERANCE


@dataclass(frozen=True)
class DeviceOrderLine:
    """Devices of a stream on one route in one period: tonnes, and money by kind of cost; `smelter` −1: none.

    Of a fraction `tonnes` are those of the fraction that is shipped. `feed` is the mass at the smelter [t].
    """

    stream: int
    treatment: int
    smelter: int
    period: int
    tonnes: float
    costs: dict[str, float]
    fraction: bool = False
    feed: float = 0.0


@dataclass(frozen=True)
class StorageLine:
    """Tonnes of a stream in storage at the end of a period, and the storage cost."""

    stream: int
    period: int
    tonnes: float
    cost: float


@dataclass(frozen=True)
class FeedLine:
    """Feed of a smelter under one line of its terms in one period: tonnes, treatment charge, penalties, lot charge.

    `fractions` are the indices of the fractions of treatments in it; empty without any.
    """

    line: int
    period: int
    tonnes: float
    charge: float
    metals: tuple[MetalReturn, ...]
    penalties: tuple[FeedPenalty, ...] = ()
    lot_charge: float = 0.0
    fractions: tuple[int, ...] = ()


@dataclass(frozen=True)
class FeedPenalty:
    """Penalty on a metal or impurity of a feed: its index, kg contained, and money."""

    element: int
    contained: float
    charge: float


@dataclass(frozen=True)
class MetalReturn:
    """Metal of a feed: kg contained, kg returned, period of return (None: after the horizon), and refining charge.

    Metal `left` with the smelter is not among the kilograms returned, and `revenue` is paid for it.
    """

    metal: int
    contained: float
    kilograms: float
    period: int | None
    charge: float
    left: float = 0.0
    revenue: float = 0.0


@dataclass(frozen=True)
class FixedChargeLine:
    """Fixed charge of a smelter, stream or offer: its index, the period of first use, and money."""

    member: int
    period: int
    charge: float


def list_fixed_charges(account: PlanAccount, kind: str) -> Iterator[FixedChargeLine]:
    """List the fixed charges of the contracts of one kind that a plan uses.

    Args:
        kind: `smelter`, `stream` or `offer`.

    Yields:
        Charges by index of the contract.
    """
    charges = compute_charges(account).get(kind)
    if charges is not None:
        for member, period in zip(*(axis.tolist() for axis in np.nonzero(charges)), strict=True):
            yield FixedChargeLine(member, period, float(charges[member, period]))


_DELIVERY_RATES = {"supply": "supply", "collection": "collection", "treatment": "treating", "transport": "transport"}
_RATE_BY_COST = {**_DELIVERY_RATES, "residue": "residue"}  # kind of cost to the name of its rate on a route


def list_device_orders(account: PlanAccount, region: int) -> Iterator[DeviceOrderLine]:
    """List the devices ordered from a region.

    Yields:
        Order lines by stream, then period.
    """
    routes, sent = account.routes, account.decisions.sent
    members = np.flatnonzero(account.instance.streams.region[routes.stream] == region)
    route, period = np.nonzero(sent[members])
    order = np.lexsort((members[route], period, routes.stream[members[route]]))
    beyond = allocate_surcharges(account) if "stream" in account.surcharges else None
    for j, t in zip(members[route[order]].tolist(), period[order].tolist(), strict=True):
        tonnes = float(sent[j, t])
        rates = {kind: getattr(routes, rate)[j] for kind, rate in _RATE_BY_COST.items()}
        costs = {kind: tonnes * float(rate[index_period(rate, t)]) for kind, rate in rates.items()}
        if beyond is not None:
            costs["supply"] += float(beyond[j, t])
        fraction = not routes.treats[j]
        shipped = tonnes * float(routes.to_smelter[j]) if fraction else tonnes
        at = int(routes.stream[j]), int(routes.treatment[j]), int(routes.smelter[j])
        feed = tonnes * float(routes.to_smelter[j]) if routes.smelter[j] >= 0 else 0.0
        yield DeviceOrderLine(*at, t, shipped, costs, bool(fraction), feed)


def list_storage_lines(account: PlanAccount, region: int) -> Iterator[StorageLine]:
    """List the stored devices of a region.

    Yields:
        Storage lines by stream, then period.
    """
    streams, waiting = account.instance.streams, account.decisions.stockpile
    members = np.flatnonzero(streams.region == region)
    stream, period = np.nonzero(waiting[members])
    for i, t in zip(members[stream].tolist(), period.tolist(), strict=True):
        tonnes = float(waiting[i, t])
        yield StorageLine(i, t, tonnes, tonnes * float(streams.storage_cost.value[i]))


def list_feed_lines(account: PlanAccount, smelter: int) -> Iterator[FeedLine]:
    """List the feed of a smelter.

    Yields:
        Feed lines by period, one per line of its terms.
    """
    all_routes, sent = account.routes, account.decisions.sent
    routes = np.flatnonzero(all_routes.smelter == smelter)
    device = account.instance.streams.device[all_routes.stream[routes]]
    line = account.instance.smelters.line[smelter, device, all_routes.treatment[routes]]
    for t in range(sent.shape[1]):
        for one in np.unique(line[sent[routes, t] != 0]).tolist():
            yield _make_feed_line(account, smelter, one, t, routes[(line == one) & (sent[routes, t] != 0)])


def _make_feed_line(account: PlanAccount, smelter: int, line: int, period: int, routes: Ints) -> FeedLine:
    """Return the feed of one line of terms in one period."""
    all_routes, tonnes = account.routes, account.decisions.sent[routes, period]
    penalties = tuple(_list_penalties(account, routes, tonnes, period))
    carried = np.unique(all_routes.treatment[routes[~all_routes.treats[routes]]])
    return FeedLine(
        line,
        period,
        float(all_routes.to_smelter[routes] @ tonnes),
        float(all_routes.smelting[routes, index_period(all_routes.smelting, period)] @ tonnes)
        - sum(penalty.charge for penalty in penalties),
        tuple(_list_metal_returns(account, smelter, period, routes)),
        penalties,
        float(account.instance.terms.lot_charge.value[line]),
        tuple(carried.tolist()),
    )


def _list_penalties(account: PlanAccount, routes: Ints, tonnes: Floats, period: int) -> Iterator[FeedPenalty]:
    """Yield the penalties due on the routes of one feed line in one period."""
    instance, all_routes = account.instance, account.routes
    if not len(instance.impurities.penalty_line):
        return
    content = all_routes.impurity[routes]
    rates = compute_penalties(instance, read_floats, all_routes.line[routes], content, all_routes.to_smelter[routes])
    rates = rates[:, :, index_period(rates, period)]
    for x in np.flatnonzero(rates.any(axis=0)).tolist():
        yield FeedPenalty(x, float(content[:, x] @ tonnes), float(rates[:, x] @ tonnes))


def _list_metal_returns(account: PlanAccount, smelter: int, period: int, routes: Ints) -> Iterator[MetalReturn]:
    """Yield the metals returned from the routes of one feed line."""
    instance, all_routes, tonnes = account.instance, account.routes, account.decisions.sent[routes, period]
    device = instance.streams.device[all_routes.stream[routes]]
    held = (
        instance.devices.assay.value[device] * instance.treatments.recovery.value[all_routes.treatment[routes], device]
    )
    for e in range(len(instance.metals.names)):
        back = period + int(instance.smelters.lead[smelter, e])
        in_time = back < len(instance.periods)
        settled = tonnes * account.compute_settled_share(routes, e)[:, period]
        contained, kilograms = float(held[:, e] @ tonnes), float(all_routes.returned[routes, e] @ settled)
        if kilograms > 0:
            called = settled * account.compute_called_share(routes, e)[:, period] if in_time else settled
            due = all_routes.refining[routes, e, index_period(all_routes.refining, back)]
            charge = float(due @ called) if in_time else 0.0
            left = float(all_routes.returned[routes, e] @ (settled - called))
            paid = left * float(instance.terms.pays.value[all_routes.line[routes[0]], e, back]) if left else 0.0
            yield MetalReturn(e, contained, kilograms - left, back if in_time else None, charge, left, paid)


_WITHOUT_OFFER = 1e6  # a metal that no offer replaces, in units of the dearest price


@dataclass(frozen=True)
class OrderMargin:
    """Share of an order that may fail while all else goes as planned.

    Attributes:
        share: Largest share of the order that may fail, 0 to 1; more than 1 where the rest of the plan suffices.
        metal: Index of the metal that is short first; of several the one whose loss costs most to replace.
        period: Index of the period in which it is short.
        kilograms: What the whole order brings of that metal until then.
    """

    share: float
    metal: int
    period: int
    kilograms: float


@dataclass(frozen=True)
class MetalShortage:
    """Metal that is missing by the end of a period [kg], and its charge over the horizon [kg]."""

    metal: int
    period: int
    kilograms: float
    needed: float


@dataclass(frozen=True, eq=False)
class OrderMargins:
    """Margins of the orders to each region (G,), smelter (K,) and offer (O,); None where an order brings no metal.

    `collections` are those of collection orders, by collector and index of the region.
    """

    regions: Sequence[OrderMargin | None]
    collections: Mapping[tuple[str, int], OrderMargin | None]
    smelters: Sequence[OrderMargin | None]
    offers: Sequence[OrderMargin | None]


def compute_spare_metal(account: PlanAccount) -> Floats:
    """Compute the metal that no melt of the plan needs until the end of each period.

    Returns:
        (E, T) kg: stock, with all that was sold or left with the smelters before.
    """
    return np.asarray(account.stock + (account.decisions.surplus + account.left).cumsum(axis=1))


def compute_order_margins(account: PlanAccount) -> OrderMargins:
    """Compute the margin of the orders to every region, smelter and offer.

    Returns:
        The margins; each order fails alone, by the same share in all periods.
    """
    instance, routes = account.instance, account.routes
    used = np.flatnonzero((account.decisions.sent > 0).any(axis=1))
    back = np.moveaxis(compute_route_returns(account, used), 1, 0)  # (J, E, T)
    travels = routes.smelter[used] >= 0
    spare, price = compute_spare_metal(account), _compute_replacement_prices(instance)
    turnover = spare + _sum_charged(account).cumsum(axis=1)

    def find_margins(members: Ints, brought: Floats, count: int) -> list[OrderMargin | None]:
        """Return the margin of each group of routes."""
        each = np.asarray(sum_by_group(brought, members, count)).cumsum(axis=2)
        return [_find_margin(metal, spare, turnover, price) for metal in each]

    region = instance.streams.region[routes.stream[used]]
    collectors = PartyDirectory.from_instance(instance).list_collectors(instance)
    handed_over = list(zip(collectors, instance.streams.region.tolist(), strict=True))
    pairs = list(dict.fromkeys(handed_over))
    pair = np.array([pairs.index(of) for of in handed_over], dtype=np.intp)[routes.stream[used]]
    content = instance.market.composition.value[:, :, None]  # (O, E, 1)
    bought = content * account.decisions.bought.sum(axis=1)[:, None, :]
    return OrderMargins(
        find_margins(region, back, len(instance.regions)),
        dict(zip(pairs, find_margins(pair, back, len(pairs)), strict=True)),
        find_margins(routes.smelter[used][travels], back[travels], len(instance.smelters.names)),
        [_find_margin(metal, spare, turnover, price) for metal in bought.cumsum(axis=2)],
    )


def _sum_charged(account: PlanAccount) -> Floats:
    """Return the metal charged (E, T) kg, from stock and with offers."""
    with_offers = np.einsum("oat,oe->et", account.decisions.bought, account.instance.market.composition.value)
    return np.asarray(account.decisions.charged.sum(axis=0) + with_offers)


def _compute_replacement_prices(instance: Instance) -> Floats:
    """Compute the price of a kilogram of each metal in the cheapest offer that is recycled enough."""
    market, floor = instance.market, instance.policy.recycled.value
    content = market.composition.value  # (O, E)
    price = market.price.value.min(axis=1, initial=np.inf)[:, None]
    suits = (content > 0) & (market.recycled.value[:, None] >= floor)
    each = np.divide(price, content, out=np.full_like(content, np.inf), where=suits)
    least = np.maximum(each.min(axis=0, initial=np.inf), 0)
    known = least[np.isfinite(least)]
    return np.where(np.isfinite(least), least, _WITHOUT_OFFER * max(1.0, float(known.max(initial=0.0))))


def _find_margin(brought: Floats, spare: Floats, turnover: Floats, price: Floats) -> OrderMargin | None:
    """Return the margin of an order that brings so much metal until each period, (E, T) kg."""
    spare = np.where(spare > AMOUNT_TOLERANCE * turnover, spare, 0.0)
    counts = brought > AMOUNT_TOLERANCE * np.maximum(turnover, 1e-12)
    if not counts.any():
        return None
    share = np.divide(spare, brought, out=np.full_like(spare, np.inf), where=counts)
    first = share <= share.min() + AMOUNT_TOLERANCE  # of metals that are short at once, the dearest loss
    value = np.where(first, brought * price[:, None], -1.0)
    metal, period = np.unravel_index(int(value.argmax()), share.shape)
    return OrderMargin(float(share[metal, period]), int(metal), int(period), float(brought[metal, period]))


def find_rounding_shortages(
    account: PlanAccount, tonnes: Mapping[tuple[int, int], float], bought: Mapping[tuple[int, int], float]
) -> tuple[MetalShortage, ...]:
    """Find the metals that are short where every order is delivered as rounded, and all melts are charged as planned.

    Args:
        tonnes: Rounded over planned quantity, by index of stream and period.
        bought: Likewise by index of offer and period.

    Returns:
        The greatest shortage of each metal; none where all suffice.
    """
    instance, decisions = account.instance, account.decisions
    factors = np.ones(instance.streams.available.value.shape)
    for place, factor in tonnes.items():
        factors[place] = factor
    rounded = replace(account, decisions=replace(decisions, sent=decisions.sent * factors[account.routes.stream]))
    delivered = decisions.bought.sum(axis=1)
    extra = np.zeros_like(delivered)
    for (offer, period), factor in bought.items():
        amount = float(account.purchases[offer, period]) if is_stocked(instance)[offer] else delivered[offer, period]
        extra[offer, period] = amount * (factor - 1)
    spare = compute_spare_metal(rounded) + (instance.market.composition.value.T @ extra).cumsum(axis=1)
    needed = _sum_charged(account).sum(axis=1)
    found = []
    for metal in np.flatnonzero(needed > 0).tolist():
        period = int(spare[metal].argmin())
        short = -float(spare[metal, period])
        if short > AMOUNT_TOLERANCE * needed[metal]:
            found.append(MetalShortage(metal, period, short, float(needed[metal])))
    return tuple(found)


FRACTION, SURPLUS, CASTING = "fraction", "surplus metal", "castings"


@dataclass(frozen=True)
class MaterialSale:
    """One material that is sold in one period at one price.

    Attributes:
        kind: FRACTION, SURPLUS or CASTING.
        name: Name of the fraction, title of the metal, or name of the alloy.
        party: Name in the instance under which the buyer may be stated: that of the fraction, metal or alloy.
        treatment: Name of the treatment of a fraction, else ''.
        region: Index of the region of a fraction, else −1.
        period: Index of the period.
        quantity: Tonnes of a fraction, else kg.
        price: Money per unit of the quantity.
    """

    kind: str
    name: str
    party: str
    treatment: str
    region: int
    period: int
    quantity: float
    price: float


def list_material_sales(account: PlanAccount) -> Iterator[MaterialSale]:
    """List what a plan sells; metal that a smelter keeps and pays for is none of it.

    Yields:
        Fractions, then surplus metal and castings, each by period.
    """
    instance, decisions = account.instance, account.decisions
    yield from _list_fraction_sales(account)
    metals = tuple(zip(instance.metals.titles, instance.metals.names, strict=True))
    yield from _list_sales(SURPLUS, metals, decisions.surplus, instance.metals.sell.value)
    castings = account.cast * (1 - instance.alloys.scrap_share.value)[:, None]
    price = np.where(has_demand(instance)[:, None], instance.alloys.sell.value, 0.0)
    yield from _list_sales(CASTING, tuple((name, name) for name in instance.alloys.names), castings, price)


def _list_fraction_sales(account: PlanAccount) -> Iterator[MaterialSale]:
    """Yield the fractions sold, by treatment and fraction, period, region and price."""
    instance, routes, treated = account.instance, account.routes, account.treated_devices
    treatments, streams = instance.treatments, instance.streams
    for fraction in np.flatnonzero(treatments.sells.any(axis=1)).tolist():
        own = np.flatnonzero((routes.treatment == treatments.parent[fraction]) & routes.treats)
        device = streams.device[routes.stream[own]]
        share = np.where(treatments.sells[fraction], treatments.to_smelter.value[fraction], 0)[device]
        amounts, prices = share[:, None] * treated[own], treatments.sold.value[fraction, device]
        groups: dict[tuple[int, int, float], float] = {}
        for j, t in zip(*(axis.tolist() for axis in np.nonzero(amounts)), strict=True):
            key = t, int(streams.region[routes.stream[own[j]]]), float(prices[j, index_period(prices, t)])
            groups[key] = groups.get(key, 0.0) + float(amounts[j, t])
        treatment, _, name = treatments.names[fraction].partition("/")
        for (period, region, price), tonnes in sorted(groups.items()):
            yield MaterialSale(FRACTION, name, name, treatment, region, period, tonnes, price)


def _list_sales(
    kind: str, names: tuple[tuple[str, str], ...], amounts: Floats, prices: Floats
) -> Iterator[MaterialSale]:
    """Yield what is sold at a price, by title and name, then period; amounts (N, T) kg, prices (N, 1 or T)."""
    each = np.broadcast_to(prices, (len(names), amounts.shape[1]))
    for n, t in zip(*(axis.tolist() for axis in np.nonzero((amounts > 0) & (each != 0))), strict=True):
        name, party = names[n]
        yield MaterialSale(kind, name, party, "", -1, t, float(amounts[n, t]), float(each[n, t]))
