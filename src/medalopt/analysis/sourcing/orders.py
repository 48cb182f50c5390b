"""Order lines of a plan, by device, route and smelter, the materials sold, and payments: its cost by document.

Collectors are paid for devices, operators for treatment and carriers for freight, which fall to the region where no
party has the role; smelters for treatment and refining, offers at their price. Buyers of fractions, surplus metal and
castings pay for them. Interest on stock and remaining process scrap have no counterparty and are internal items.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import read_floats, sum_by_group
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.bounds import has_demand
from medalopt.instance.instance import Instance, Names
from medalopt.instance.lots import allocate_surcharges, compute_charges
from medalopt.instance.payers import PartyDirectory
from medalopt.instance.routes import compute_refining_costs, index_period
from medalopt.instance.smelter_terms import compute_penalties
from medalopt.proof.certificate import sum_absolute_costs
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


def get_fiscal_year_start(instance: Instance) -> int:
    """Return the month in which the buyer's fiscal year begins.

    Returns:
        The month, 1 to 12; 1 if the instance does not state it.
    """
    return int(instance.annex.get("project", {}).get("fiscal_year_start", 1))


def get_fiscal_years(instance: Instance) -> Names:
    """Return the fiscal year of each period, by its first month.

    Returns:
        (T,): names such as FY2018, the year in which the fiscal year begins; '' if periods have no dates.
    """
    start = get_fiscal_year_start(instance)
    return tuple(_format_fiscal_year(period, start) if "-" in period else "" for period in instance.periods)


def has_straddling_periods(instance: Instance) -> bool:
    """Check if a period spans two fiscal years.

    Returns:
        True if a period of more than one month extends beyond the end of a fiscal year.
    """
    starts = {int(period[5:]) for period in instance.periods if "-" in period}
    months = {"month": 1, "quarter": 3, "year": 12}[instance.period_length]
    return any((start - get_fiscal_year_start(instance)) % 12 + months > 12 for start in starts)


def _format_fiscal_year(period: str, start: int) -> str:
    """Return the name of the fiscal year of a month."""
    year, month = int(period[:4]), int(period[5:])
    return f"FY{year if month >= start else year - 1}"


CALL_OFF, TOLL, PURCHASE_ORDER, SALES_ORDER, OWN_ACCOUNT = (
    "call-off",
    "toll-refining instruction",
    "metal purchase order",
    "sales order",
    "own account",
)
DOCUMENT_KINDS = (CALL_OFF, TOLL, PURCHASE_ORDER, SALES_ORDER, OWN_ACCOUNT)


@dataclass(frozen=True, eq=False)
class Payments:
    """Money by kind of document: the parties, and by kind of cost their payments (P, T). Receipts are negative."""

    parties: Mapping[str, Names]
    amounts: Mapping[str, Mapping[str, Floats]]

    def of(self, kind: str) -> Floats:
        """Sum the payments of a kind of document.

        Args:
            kind: Kind of document, of DOCUMENT_KINDS.

        Returns:
            (P, T): payments by party and period.
        """
        return np.asarray(sum(self.amounts[kind].values()))

    @property
    def kinds(self) -> Names:
        """Kinds of document in the order of DOCUMENT_KINDS; sales orders only where something is sold."""
        return tuple(kind for kind in DOCUMENT_KINDS if kind != SALES_ORDER or self.parties[kind])

    def by_kind(self) -> Floats:
        """Sum the payments by kind of document.

        Returns:
            (K, T): payments in the order of `kinds`.
        """
        return np.array([self.of(kind).sum(axis=0) for kind in self.kinds])


def allocate_payments(account: PlanAccount) -> Payments:
    """Allocate the cost of a plan to counterparties and periods.

    Returns:
        Payments by document, party, kind of cost and period; they sum to the cost of the plan.
    """
    instance, by_region = account.instance, _allocate_by_region(account)
    paid, sold = compute_revenue_of_left(account), _sum_sales(account)
    bought, offers = instance.market.price.value * account.purchases, np.arange(len(instance.market.names))
    return Payments(
        {
            CALL_OFF: by_region[0],
            TOLL: instance.smelters.names,
            PURCHASE_ORDER: instance.market.names,
            SALES_ORDER: tuple(sold),
            OWN_ACCOUNT: ("own account",),
        },
        {
            CALL_OFF: by_region[1],
            TOLL: {**_sum_toll_charges(account), **({"sales": -paid} if len(paid) else {})},
            PURCHASE_ORDER: {"purchases": _add_charges(account, bought, offer=offers)},
            SALES_ORDER: {"sales": -np.array(list(sold.values()))} if sold else {},
            OWN_ACCOUNT: _collect_internal_items(account, [*paid, *sold.values()]),
        },
    )


def _allocate_by_region(account: PlanAccount) -> tuple[Names, Mapping[str, Floats]]:
    """Return the parties of all regions, and their payments (P, T) by kind of cost up to the smelter's gate."""
    instance, routes, sent = account.instance, account.routes, account.decisions.sent
    directory = PartyDirectory.from_instance(instance)
    collectors, region = directory.list_collectors(instance), instance.streams.region.tolist()
    operators, carriers = ([of[place] for place in region] for of in (directory.operators, directory.carriers))
    regional = zip(directory.collectors, directory.operators, directory.carriers, strict=True)
    named = tuple(dict.fromkeys([*(party for of_region in regional for party in of_region), *collectors]))
    number = {party: index for index, party in enumerate(named)}

    def by_party(money: Floats, stream: Ints, parties: Sequence[str]) -> Floats:
        """Sum money by the party of each stream."""
        party = np.array([number[name] for name in parties], dtype=np.intp)
        return np.asarray(sum_by_group(money, party[stream], len(named)))

    def pay(rate: Floats, parties: Sequence[str]) -> Floats:
        """Return a rate times the tonnes sent, by party."""
        return by_party(rate * sent, routes.stream, parties)

    charges, streams = account.charges.get("stream"), np.arange(len(region))
    fixed = 0.0 if charges is None else by_party(charges, streams, collectors)
    waiting = instance.streams.storage_cost.value[:, None] * account.decisions.stockpile
    return named, {
        "supply": pay(routes.supply, collectors) + fixed,
        "collection": pay(routes.collection, collectors),
        "treatment": pay(routes.treating, operators),
        "transport": pay(routes.transport, carriers),
        "residue": pay(routes.residue, operators),
        "storage": by_party(waiting, streams, collectors),
    }


def _sum_toll_charges(account: PlanAccount) -> dict[str, Floats]:
    """Return treatment charges, penalties and lots, and refining charges, by smelter and period (K, T)."""
    instance, routes, sent = account.instance, account.routes, account.decisions.sent
    travels, smelters = routes.smelter >= 0, np.arange(len(instance.smelters.names))

    def by_smelter(money: Floats) -> Floats:
        """Sum money by smelter."""
        return np.asarray(sum_by_group(money[travels], routes.smelter[travels], len(smelters)))

    treated = by_smelter(routes.smelting * sent)
    refined = compute_refining_costs(instance, routes) * sent - account.compute_unrefined_charge(sent)
    return {
        "smelting": _add_charges(account, treated, line=instance.terms.smelter, smelter=smelters),
        "refining": by_smelter(refined),
    }


def _sum_sales(account: PlanAccount) -> dict[str, Floats]:
    """Return the revenue (T,) for each material sold, by its name."""
    revenue: dict[str, Floats] = {}
    for one in list_material_sales(account):
        of_name = revenue.setdefault(one.name, np.zeros(len(account.instance.periods)))
        of_name[one.period] += one.quantity * one.price
    return revenue


def _collect_internal_items(account: PlanAccount, paid: Sequence[Floats]) -> dict[str, Floats]:
    """Return the costs that no order pays, by kind (1, T); each of `paid` (T,) is a revenue that an order states."""
    minimum = AMOUNT_TOLERANCE * sum_absolute_costs(account, "cost")
    costs = {kind: account.costs[kind] for kind in _OWN_KINDS if kind in account.costs}
    if len(paid):
        costs["sales"] = costs["sales"] + np.sum(paid, axis=0)
    internal = {kind: _drop_rounding(cost, minimum)[None, :] for kind, cost in costs.items()}
    if "treatment" in account.charges:  # of no single region's operator
        internal["treatment"] = account.charges["treatment"].sum(axis=0)[None, :]
    return internal


def _add_charges(account: PlanAccount, paid: Floats, **groups: Ints) -> Floats:
    """Return payments (P, T) with the charges of kinds of activity, each with the party of every contract."""
    for kind, party in groups.items():
        if kind in account.charges:
            paid = paid + np.asarray(sum_by_group(account.charges[kind], party, len(paid)))
    return paid


_OWN_KINDS = ("holding", "sales", "scrap", "shortfall")  # kinds of cost that no order pays


def compute_revenue_of_left(account: PlanAccount) -> Floats:
    """Compute the revenue from each smelter for metal left with it.

    Returns:
        Money by smelter and period of credit (K, T); no rows where no metal may be left.
    """
    instance, left = account.instance, account.decisions.left
    if not len(left):
        return np.zeros((0, len(instance.periods)))
    paid = (instance.terms.pays.value * left).sum(axis=1)
    return np.asarray(sum_by_group(paid, instance.terms.smelter, len(instance.smelters.names)))


def _drop_rounding(each: Floats, minimum: float) -> Floats:
    """Return amounts with those below rounding error set to 0."""
    return np.where(abs(each) > minimum, each, 0.0)
