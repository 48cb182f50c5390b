"""Orders for the devices of a region, to its collector, operator and carrier, and for materials that are sold.

Each cost up to the gate of the smelter is on the order of the party that has it: price, collection and storage on the
collector's, treatment and residues on the operator's, freight on the carrier's. They may be one party.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalopt.analysis.sourcing.orders import (
    CALL_OFF,
    CASTING,
    FRACTION,
    SALES_ORDER,
    SURPLUS,
    DeviceOrderLine,
    FixedChargeLine,
    MaterialSale,
    StorageLine,
    list_device_orders,
    list_fixed_charges,
    list_material_sales,
    list_storage_lines,
)
from medalopt.instance.instance import Instance
from medalopt.instance.lots import STREAM_STEPS
from medalopt.instance.payers import has_payers
from medalopt.report.document import (
    CellValue,
    FieldPairs,
    OrderDocument,
    ReportColumn,
    ReportTable,
    fill_rows,
    make_amount_column,
    make_rate_column,
    set_digits,
)
from medalopt.report.numbers import count_amount_decimals, count_exact_decimals
from medalopt.report.solve_tables import get_period_word
from medalopt.report.sourcing.order_terms import (
    COLLECTION_ORDER,
    KILOGRAM_CODE,
    LUMP_SUM_CODE,
    STEP_TITLE,
    TONNE_CODE,
    TRANSPORT_ORDER,
    Addressee,
    CostKey,
    OrderContext,
    describe_price_steps,
    describe_tolerance,
    format_delivery_window,
    format_order_amount,
    make_order,
)
from medalopt.text import escape_text

FIXED_CHARGE = "fixed charge"
NO_SMELTER, SPLIT, SOLD = "(ordinary recycling)", "(by fraction)", "(sold)"
WAITING = "waits"
_RATES = {
    "supply": ("price", "Price"),
    "collection": ("collection", "Collection"),
    "treatment": ("treatment_cost", "Treatment"),
    "transport": ("freight", "Freight"),
    "residue": ("residue", "Residue"),
}
_OF_COLLECTOR, _OF_OPERATOR, _OF_CARRIER = ("supply", "collection", "storage"), ("treatment", "residue"), ("transport",)
_RATES_ALWAYS_LISTED = ("supply", "collection")
_PREFIXES = {COLLECTION_ORDER: "S", CALL_OFF: "C", TRANSPORT_ORDER: "F"}
_ROLE_TITLES = {COLLECTION_ORDER: "Collector", CALL_OFF: "Operator", TRANSPORT_ORDER: "Carrier"}
_TABLES = {
    COLLECTION_ORDER: (
        "collection_lines",
        "Collection lines",
        "Devices to collect and hand over to the operator, in tonnes as received.",
    ),
    CALL_OFF: (
        "call_off_lines",
        "Call-off lines",
        "Devices to hand over, in tonnes as received, with route and rates per tonne.",
    ),
    TRANSPORT_ORDER: (
        "transport_lines",
        "Transport lines",
        "Feed to carry to the smelters, in tonnes as loaded, with freight per tonne.",
    ),
}
_STOCKPILE_NOTE = (
    "Stockpiles at the end of a {period} are called off when they are sent; until then only storage is charged."
)
_FRACTION_NOTE = "Lines of a fraction state what is shipped of the devices above them; their rates are per tonne of it."
_CHARGES_NOTE = (
    "Treatment, freight and residues are charged with the delivery: the instance names no other party for them."
)
_WITHOUT_SMELTER_NOTE = "Material marked {} is recycled by the operator and brings the plan no metal."


@dataclass(frozen=True)
class _RegionOrder:
    """One order about the devices of a region: kind, party, and the kinds of cost on it.

    Costs of collection are on it for `streams` alone, which are all that a collection order is about.
    """

    kind: str
    region: int
    party: str
    costs: tuple[str, ...]
    streams: frozenset[int] = frozenset()

    def bears(self, cost: str, stream: int) -> bool:
        """Return whether a cost of a stream is on the order."""
        return cost in self.costs and (cost not in _OF_COLLECTOR or stream in self.streams)


def build_device_orders(context: OrderContext) -> tuple[OrderDocument, ...]:
    """Build the orders for the devices of all regions with shipments or stockpiles.

    Returns:
        Collection orders, then call-offs, then transport orders.
    """
    account, instance = context.plan.account, context.instance
    planned = [order for region in range(len(instance.regions)) for order in _list_region_orders(context, region)]
    storing = bool(account.decisions.stockpile.any())
    charged = list(list_fixed_charges(account, "stream"))
    sent = [list(list_device_orders(account, region)) for region in range(len(instance.regions))]
    waiting = [list(list_storage_lines(account, region)) for region in range(len(instance.regions))]
    documents = []
    for kind, prefix in _PREFIXES.items():
        of_kind = [order for order in planned if order.kind == kind]
        rates = [
            cost
            for cost in _RATES
            if any(cost in order.costs for order in of_kind)
            and (cost in _RATES_ALWAYS_LISTED or kind == TRANSPORT_ORDER or context.plan.costs[cost])
        ]
        stored = storing and any("storage" in order.costs for order in of_kind)
        number = 0
        for order in of_kind:
            lines_of = [line for line in sent[order.region] if kind != COLLECTION_ORDER or line.stream in order.streams]
            stock = [one for one in waiting[order.region] if order.bears("storage", one.stream)]
            fixed = [one for one in charged if order.bears("supply", one.member)]
            records = _list_records(instance, order, lines_of, stock, rates)
            records += [_record_charge(instance, one) for one in fixed]
            if records:
                number += 1
                lines = _tabulate_lines(instance, kind, records, rates, stored)
                costs = _collect_costs(instance, order, lines_of, stock, fixed)
                name = f"{prefix}{number:02d}"
                documents.append(_make_document(context, order, name, lines_of, stock, costs, lines))
    return tuple(documents)


def _list_region_orders(context: OrderContext, region: int) -> list[_RegionOrder]:
    """Return the orders for a region: one for each party that has some of the costs."""
    operator, carrier = context.directory.operators[region], context.directory.carriers[region]
    collected: dict[str, set[int]] = defaultdict(set)
    for stream in np.flatnonzero(context.instance.streams.region == region).tolist():
        collected[context.collectors[stream]].add(stream)
    by_operator = frozenset(collected.pop(operator, ()))
    orders = [
        _RegionOrder(COLLECTION_ORDER, region, collector, _OF_COLLECTOR, frozenset(streams))
        for collector, streams in collected.items()
    ]
    treated = (*(_OF_COLLECTOR if by_operator else ()), *_OF_OPERATOR, *(_OF_CARRIER if carrier == operator else ()))
    orders.append(_RegionOrder(CALL_OFF, region, operator, treated, by_operator))
    if carrier != operator:
        orders.append(_RegionOrder(TRANSPORT_ORDER, region, carrier, _OF_CARRIER))
    return orders


def _list_records(
    instance: Instance,
    order: _RegionOrder,
    sent: Sequence[DeviceOrderLine],
    waiting: Sequence[StorageLine],
    rates: Sequence[str],
) -> list[dict[str, CellValue]]:
    """Return the exact lines of an order."""
    if order.kind == TRANSPORT_ORDER:
        return list(_list_transport_records(instance, sent))
    merged = _merge_lines(sent) if order.kind == COLLECTION_ORDER else sent
    records = [_record_shipment(instance, order, line, rates) for line in merged]
    return [*records, *(_record_stockpile(instance, one) for one in waiting)]


def _merge_lines(sent: Iterable[DeviceOrderLine]) -> list[DeviceOrderLine]:
    """Return one line for each stream and period, whatever becomes of the devices."""
    groups: dict[tuple[int, int], list[DeviceOrderLine]] = defaultdict(list)
    for line in sent:
        groups[line.stream, line.period].append(line)
    return [
        DeviceOrderLine(
            stream,
            -1,
            -1,
            period,
            sum(line.tonnes for line in lines if not line.fraction),
            {kind: sum(line.costs[kind] for line in lines) for kind in lines[0].costs},
        )
        for (stream, period), lines in groups.items()
    ]


def _list_transport_records(instance: Instance, sent: Iterable[DeviceOrderLine]) -> Iterable[dict[str, CellValue]]:
    """Yield the feed of each treatment to each smelter in each period."""
    groups: dict[tuple[int, int, int], list[DeviceOrderLine]] = defaultdict(list)
    for line in sent:
        if line.smelter >= 0 and line.feed > 0:
            groups[line.treatment, line.smelter, line.period].append(line)
    for (treatment, smelter, period), lines in sorted(groups.items()):
        feed, money = sum(line.feed for line in lines), sum(line.costs["transport"] for line in lines)
        names = (instance.treatments.names[treatment], instance.smelters.names[smelter], instance.periods[period])
        way = dict(zip(("treatment", "smelter", "period"), names, strict=True))
        yield {**way, "tonnes_t": feed, "freight_per_t": money / feed, "amount": money, "unit_code": TONNE_CODE}


def _tabulate_lines(
    instance: Instance, kind: str, records: list[dict[str, CellValue]], rates: Sequence[str], storing: bool
) -> ReportTable:
    """Return the table of the exact lines of an order."""
    period = ReportColumn("period", get_period_word(instance).capitalize())
    ways = (ReportColumn("treatment", "Treatment"), ReportColumn("smelter", "Smelter"))
    devices = (ReportColumn("stream", "Stream"), ReportColumn("device", "Device"), period)
    columns = (
        *(
            (ReportColumn("treatment", "Material"), ways[1], period)
            if kind == TRANSPORT_ORDER
            else (*devices, *(ways if kind == CALL_OFF else ()), ReportColumn("bundle", "Bundle", optional=True))
        ),
        ReportColumn("tonnes_t", "Tonnes", "t", 3, total=True),
        *((ReportColumn("fraction_t", "Fraction", "t", 3),) if _lists_fractions(instance, kind) else ()),
        *((ReportColumn("waiting_t", "Stockpiled", "t", 3),) if storing else ()),
        *(make_rate_column(f"{_RATES[cost][0]}_per_t", _RATES[cost][1], instance.currency, "t") for cost in rates),
        make_amount_column("amount", "Amount", instance.currency),
        ReportColumn("unit_code", "Unit code", hidden=True),
    )
    lines = ReportTable(*_TABLES[kind], columns, fill_rows(columns, records))
    lines = set_digits(lines, [f"{_RATES[cost][0]}_per_t" for cost in rates], count_exact_decimals)
    return set_digits(lines, ("tonnes_t", "fraction_t", "waiting_t"), count_amount_decimals)


def _record_shipment(
    instance: Instance, order: _RegionOrder, line: DeviceOrderLine, rates: Sequence[str]
) -> dict[str, CellValue]:
    way = {"treatment": instance.treatments.names[line.treatment], "smelter": _name_destination(instance, line)}
    costs = {cost: money for cost, money in line.costs.items() if order.bears(cost, line.stream)}
    return {
        **_record_stream(instance, line.stream, line.period),
        **(way if order.kind == CALL_OFF else {}),
        "fraction_t" if line.fraction else "tonnes_t": line.tonnes,
        **{f"{_RATES[cost][0]}_per_t": costs[cost] / line.tonnes for cost in rates if cost in costs},
        "amount": sum(costs.values()),
        "unit_code": TONNE_CODE,
    }


def _record_stockpile(instance: Instance, one: StorageLine) -> dict[str, CellValue]:
    named = {**_record_stream(instance, one.stream, one.period), "treatment": WAITING}
    return {**named, "waiting_t": one.tonnes, "amount": one.cost, "unit_code": TONNE_CODE}


def _record_charge(instance: Instance, one: FixedChargeLine) -> dict[str, CellValue]:
    named = {**_record_stream(instance, one.member, one.period), "treatment": FIXED_CHARGE}
    return {**named, "amount": one.charge, "unit_code": LUMP_SUM_CODE}


def _lists_fractions(instance: Instance, kind: str) -> bool:
    """Return whether orders of a kind list the fractions of treated devices."""
    return kind == CALL_OFF and instance.treatments.has_fractions


def _name_destination(instance: Instance, line: DeviceOrderLine) -> str:
    """Return the smelter of a call-off line, or the destination of devices without one."""
    if line.smelter >= 0:
        return instance.smelters.names[line.smelter]
    return (
        SPLIT if instance.treatments.mark_split()[line.treatment, instance.streams.device[line.stream]] else NO_SMELTER
    )


def _record_stream(instance: Instance, stream: int, period: int) -> dict[str, CellValue]:
    """Return the names of a stream, and the period."""
    bundle = int(instance.streams.bundle[stream])
    return {
        "stream": instance.streams.names[stream],
        "device": instance.devices.names[instance.streams.device[stream]],
        "period": instance.periods[period],
        "bundle": instance.bundles[bundle][1] if bundle >= 0 else "",
    }


def _collect_costs(
    instance: Instance,
    order: _RegionOrder,
    sent: Iterable[DeviceOrderLine],
    waiting: Iterable[StorageLine],
    fixed: Iterable[FixedChargeLine],
) -> Mapping[CostKey, float]:
    """Return the costs on an order by kind, stream and treatment."""
    result: dict[CostKey, float] = defaultdict(float)
    owner = instance.treatments.owner
    for line in sent:
        for cost, money in line.costs.items():
            if order.bears(cost, line.stream):
                stream = line.stream if cost in _OF_COLLECTOR else -1
                treatment = int(owner[line.treatment]) if cost in _OF_OPERATOR else -1
                result[cost, stream, treatment] += money
    for one in waiting:
        result["storage", one.stream, -1] += one.cost
    for charge in fixed:
        result["supply", charge.member, -1] += charge.charge
    return result


def _make_document(
    context: OrderContext,
    order: _RegionOrder,
    number: str,
    sent: list[DeviceOrderLine],
    waiting: list[StorageLine],
    costs: Mapping[CostKey, float],
    lines: ReportTable,
) -> OrderDocument:
    instance = context.instance
    carried = order.kind == TRANSPORT_ORDER
    tonnes = sum(line.feed if carried else line.tonnes for line in sent if carried or not line.fraction)
    what = "feed, as loaded" if carried else "devices, as received"
    limit = "" if carried else "; never more than is on offer"
    margins = context.margins
    collected = order.kind == COLLECTION_ORDER
    margin = margins.collections[order.party, order.region] if collected else margins.regions[order.region]
    periods = [*(line.period for line in sent), *(one.period for one in waiting)]
    terms: FieldPairs = (
        ("Quantity", f"{tonnes:,.{count_amount_decimals([tonnes], 2)}f} t of {what}, in total"),
        *((("Treatment and destination", _describe_routes(instance, sent)),) if order.kind == CALL_OFF else ()),
        *describe_tolerance(context, margin, tonnes, "t", limit),
        ("Delivery window", format_delivery_window(instance, periods)),
        ("Price", f"fixed, {instance.currency} by mass of {what}, at the rates listed"),
        *_list_step_terms(instance, order, sent),
        *context.describe_amount(costs),
    )
    region = instance.regions[order.region]
    title = "Region" if order.party == region else _ROLE_TITLES[order.kind]
    heading = ((title, order.party), *((("Region", region),) if order.party != region else ()))
    addressee = Addressee(heading, order.party, region, _list_defaults(context, order, sent))
    return make_order(context, order.kind, number, addressee, terms, lines, _list_notes(instance, order, sent, waiting))


def _describe_routes(instance: Instance, sent: Iterable[DeviceOrderLine]) -> str:
    """Return what becomes of the devices: tonnes by treatment, and of these, or of their fractions, by destination."""
    treatments = instance.treatments
    devices: dict[int, float] = defaultdict(float)
    parts: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for line in sent:
        treatment, place = int(treatments.owner[line.treatment]), _name_destination(instance, line)
        if not line.fraction:
            devices[treatment] += line.tonnes
        if place != SPLIT:
            fraction = f"{treatments.names[line.treatment].partition('/')[2]} " if line.fraction else ""
            parts[treatment][f"{fraction}{place if place == NO_SMELTER else f'to {place}'}"] += line.tonnes
            continue
        device = instance.streams.device[line.stream]
        for sold in np.flatnonzero((treatments.owner == treatment) & treatments.sells[:, device]).tolist():
            name = f"{treatments.names[sold].partition('/')[2]} {SOLD}"
            parts[treatment][name] += line.tonnes * float(treatments.to_smelter.value[sold, device])
    digits = count_amount_decimals(devices.values(), 2)
    return "; ".join(
        _describe_parts(f"{treatments.names[treatment]} {tonnes:,.{digits}f} t", parts[treatment], digits)
        for treatment, tonnes in sorted(devices.items())
    )


def _describe_parts(treated: str, parts: Mapping[str, float], digits: int) -> str:
    """Return the tonnes treated and where they go, the largest part first; a single destination without its tonnes."""
    if len(parts) == 1:
        return f"{treated} {next(iter(parts))}"
    listed = sorted(parts.items(), key=lambda part: -part[1])
    return f"{treated}: {', '.join(f'{name} {tonnes:,.{digits}f} t' for name, tonnes in listed)}"


def _list_step_terms(instance: Instance, order: _RegionOrder, sent: list[DeviceOrderLine]) -> FieldPairs:
    """Return the price steps of every stream on an order."""
    streams = sorted({line.stream for line in sent if order.bears("supply", line.stream)})
    described = ((stream, describe_price_steps(instance, STREAM_STEPS, stream)) for stream in streams)
    return tuple((f"{STEP_TITLE}, {instance.streams.names[stream]}", steps) for stream, steps in described if steps)


def _list_notes(
    instance: Instance, order: _RegionOrder, sent: list[DeviceOrderLine], waiting: list[StorageLine]
) -> tuple[str, ...]:
    """Return the notes on stockpiles, on charges without a party of their own, and on material without a smelter."""
    notes = [_STOCKPILE_NOTE.format(period=get_period_word(instance))] if waiting else []
    if order.party == instance.regions[order.region] and any(
        line.costs[cost] for line in sent for cost in ("treatment", "transport") if cost in order.costs
    ):
        notes.append(_CHARGES_NOTE)
    if _lists_fractions(instance, order.kind):
        notes.insert(0, _FRACTION_NOTE)
    if order.kind == CALL_OFF and any(_name_destination(instance, line) == NO_SMELTER for line in sent):
        notes.append(_WITHOUT_SMELTER_NOTE.format(NO_SMELTER))
    return tuple(notes)


def _list_defaults(context: OrderContext, order: _RegionOrder, sent: list[DeviceOrderLine]) -> Mapping[str, str]:
    """Return the place of delivery that follows from the plan: the operator's, or the smelters of the lines."""
    if order.kind == COLLECTION_ORDER:
        operator = context.directory.operators[order.region]
        return {"deliver_to": f"the operator, {context.describe_place(operator, ('legal_name',)) or operator}"}
    smelters = dict.fromkeys(context.instance.smelters.names[line.smelter] for line in sent if line.smelter >= 0)
    carrier = context.directory.carriers[order.region]
    by = f"the carrier, {context.describe_place(carrier, ('legal_name',)) or carrier}, for "
    taken_over = order.kind == CALL_OFF and carrier != order.party
    return {"deliver_to": f"{by if taken_over else ''}{', '.join(smelters)}"} if smelters else {}


_FRACTION_CLAIM = "none: the plan returns no metal of this material and claims nothing of it"
_METAL_CLAIM = "none: sold without a claim, see the claim ledger"
_AS_IT_FALLS = "; as it falls from the devices treated"
_SALE_NOTE = (
    "The buyer pays the amount. The price is that of the material where it is handed over: the plan has no freight."
)


def build_sales_orders(context: OrderContext) -> tuple[OrderDocument, ...]:
    """Build the sales order of every material that is sold.

    Args:
        context: Plan and parties.

    Returns:
        The orders; their amounts are paid by the buyer.
    """
    sales: dict[tuple[str, str], list[MaterialSale]] = {}
    for one in list_material_sales(context.plan.account):
        sales.setdefault((one.kind, one.party), []).append(one)
    return tuple(
        _make_sales_order(context, f"B{number:02d}", of_name) for number, of_name in enumerate(sales.values(), start=1)
    )


def _make_sales_order(context: OrderContext, number: str, sales: Sequence[MaterialSale]) -> OrderDocument:
    """Return the sales order of one material."""
    instance, kind, name = context.instance, sales[0].kind, sales[0].name
    unit, word = ("t", "tonne") if kind == FRACTION else ("kg", "kilogram")
    quantity, amount = sum(one.quantity for one in sales), sum(one.quantity * one.price for one in sales)
    treatments = ", ".join(dict.fromkeys(one.treatment for one in sales))
    digits = count_amount_decimals([quantity], 2 if unit == "t" else 0)
    holder, place = _describe_hand_over(context, sales)
    terms: FieldPairs = (
        ("Seller", _name_seller(context)),
        ("Goods", f"{name} from devices treated by {treatments}" if kind == FRACTION else f"{name}, {kind}"),
        *((("Handed over by", holder),) if holder else ()),
        ("Recycled claim", _FRACTION_CLAIM if kind == FRACTION else _METAL_CLAIM),
        ("Quantity", f"{quantity:,.{digits}f} {unit} of {name}, as weighed, in total"),
        *describe_tolerance(context, None, quantity, unit, _AS_IT_FALLS if kind == FRACTION else ""),
        ("Delivery window", format_delivery_window(instance, [one.period for one in sales])),
        ("Price", f"fixed, {instance.currency} per {word}, by line"),
        ("Amount", f"{format_order_amount(amount, instance.currency)}, paid by the buyer to the seller"),
    )
    party = sales[0].party
    addressee = Addressee((("Material", escape_text(name)),), party, party, {"deliver_to": place} if place else {})
    return make_order(
        context, SALES_ORDER, number, addressee, terms, _tabulate_sale_lines(instance, sales), (_SALE_NOTE,)
    )


def _name_seller(context: OrderContext) -> str:
    """Return the party that receives the revenue of by-products: its payer, else the buyer of the plan."""
    if not has_payers(context.instance):
        return context.describe_buyer()
    seller = context.payers.parties[context.payers.kinds["by_products"]]
    return context.describe_place(seller, ("legal_name", "address")) or seller


def _describe_hand_over(context: OrderContext, sales: Sequence[MaterialSale]) -> tuple[str, str]:
    """Return who hands over a material, and where; '' where the plan does not say."""
    instance, kind = context.instance, sales[0].kind
    if kind == CASTING:
        mint = context.describe_place(context.directory.mint, ("legal_name", "deliver_to"))
        return mint, mint
    if kind == SURPLUS:
        metal = instance.metals.names.index(sales[0].party)
        credited = np.flatnonzero(context.plan.account.returned[:, metal].sum(axis=1) > 0).tolist()
        smelters = ", ".join(instance.smelters.names[smelter] for smelter in credited)
        return "", f"transfer on the metal account at {smelters}" if smelters else ""
    regions = sorted({one.region for one in sales})
    operators = ", ".join(dict.fromkeys(context.directory.operators[region] for region in regions))
    works = ", ".join(instance.regions[region] for region in regions)
    holder = operators if operators == works else f"{operators} ({works})"
    return holder, f"taken over at the works of the operator: {works}"


def _tabulate_sale_lines(instance: Instance, sales: Sequence[MaterialSale]) -> ReportTable:
    """Return the exact lines of a sales order."""
    weighed = sales[0].kind == FRACTION
    origin = (ReportColumn("treatment", "Treatment"), ReportColumn("region", "Region"))
    unit, key = ("t", "tonnes_t") if weighed else ("kg", "sold_kg")
    columns = (
        ReportColumn("period", get_period_word(instance).capitalize()),
        ReportColumn("material", "Material"),
        *(origin if weighed else ()),
        ReportColumn(key, "Tonnes" if weighed else "Quantity", unit, 3, total=True),
        make_rate_column(f"price_per_{unit}", "Price", instance.currency, unit),
        make_amount_column("amount", "Amount", instance.currency),
        ReportColumn("unit_code", "Unit code", hidden=True),
    )
    rows = tuple(
        (
            *(instance.periods[one.period], one.name),
            *((one.treatment, instance.regions[one.region]) if weighed else ()),
            *(one.quantity, one.price, one.quantity * one.price, TONNE_CODE if weighed else KILOGRAM_CODE),
        )
        for one in sales
    )
    text = "Fractions to hand over to the buyer, in tonnes as weighed at the works of the operator."
    table = ReportTable("sale_lines", "Sale lines", text, columns, rows)
    if not weighed:
        text = "Surplus metal and castings to transfer to the buyer."
        table = replace(table, key="metal_sale_lines", title="Metal sale lines", description=text)
    table = set_digits(table, (f"price_per_{unit}",), count_exact_decimals)
    return set_digits(table, (key,), count_amount_decimals)
