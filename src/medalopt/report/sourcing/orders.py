"""Order documents of a plan: call-offs, toll-refining instructions and metal purchase orders, one for each party."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np

from medalopt.analysis.sourcing.orders import (
    DeviceOrderLine,
    FeedLine,
    MetalReturn,
    StorageLine,
    list_device_orders,
    list_feed_lines,
    list_storage_lines,
)
from medalopt.analysis.sourcing.payments import CALL_OFF, PURCHASE_ORDER, TOLL
from medalopt.instance.demand import is_stocked
from medalopt.instance.instance import Instance
from medalopt.instance.left_metal import leaves_metal
from medalopt.instance.paths import render_path
from medalopt.plan.plan import Plan
from medalopt.report.document import (
    CellValue,
    FieldPairs,
    OrderDocument,
    ReportColumn,
    ReportTable,
    count_minor_digits,
    make_amount_column,
    make_rate_column,
    set_amount_digits,
    set_exact_digits,
    sum_column,
)
from medalopt.report.impurities import describe_acceptance
from medalopt.report.numbers import count_amount_decimals, format_exact_share, format_money
from medalopt.report.solve_tables import get_period_word
from medalopt.report.sourcing.order_layout import group_order_lines

TONNE_CODE, KILOGRAM_CODE = "TNE", "KGM"  # UN/ECE Recommendation 20
QUANTITY_TOLERANCE = "5 % more or less, unless the contract says otherwise"  # UCP 600, article 30 b
_PARTY_FIELDS = {
    "legal_name": "Legal name",
    "address": "Address",
    "contract": "Contract",
    "deliver_to": "Deliver to",
    "incoterm": "Delivery term",
    "payment": "Payment",
}
_MOST_GOODS = 3  # devices and bundles named in the list of orders
_PERIOD_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def _make_document(
    instance: Instance,
    kind: str,
    number: str,
    name: tuple[str, str],
    terms: FieldPairs,
    lines: ReportTable,
    notes: tuple[str, ...],
) -> OrderDocument:
    """Return an order document for the party `name` (its role and its name); a draft where its details are missing."""
    project: Mapping[str, Any] = instance.annex.get("project", {})
    shared = {field: project[field] for field in ("incoterm",) if field in project}
    known: Mapping[str, str] = {**shared, **instance.annex.get("parties", {}).get(name[1], {})}
    party = (name, *((title, known.get(field, "")) for field, title in _PARTY_FIELDS.items() if field != "payment"))
    missing = tuple(title.lower() for field, title in _PARTY_FIELDS.items() if not known.get(field, "").strip())
    path = render_path(("parties", name[1]))
    hint = (f"Complete the missing fields under {path} in the instance to remove the draft stamp.",)
    return OrderDocument(
        kind,
        f"{instance.name}-{number}",
        party,
        (
            *_list_project_terms(project, "buyer", "Buyer"),
            *terms,
            *_list_project_terms(project, "tax", "Tax"),
            ("Payment", known.get("payment", "")),
            *((("Further terms", known["terms"]),) if known.get("terms", "").strip() else ()),
            ("Ordered by", ""),
            ("Approved by", ""),
            ("Date and signature", ""),
        ),
        lines,
        missing,
        (*notes, *(hint if missing else ())),
        group_order_lines(lines, instance.periods),
    )


def _list_project_terms(project: Mapping[str, Any], field: str, title: str) -> FieldPairs:
    """Return a term of all orders, none if the instance does not state it."""
    return ((title, project[field]),) if project.get(field, "").strip() else ()


def format_delivery_window(instance: Instance, periods: list[int]) -> str:
    """Format the delivery window: first and last day of the periods, where they are dates.

    Args:
        instance: Instance, for its periods.
        periods: Indices of the periods with deliveries.

    Returns:
        The window as text.
    """
    first, last = min(periods), max(periods)
    if "-" not in instance.periods[0]:
        span = f"periods {instance.periods[first]} to {instance.periods[last]}" if last > first else "its period"
        return f"each line within its period; {span} in total" if last > first else f"within {span}"
    begins = f"{instance.periods[first]}-01"
    year, month = (int(part) for part in instance.periods[last].split("-"))
    year, month = (
        year + (month + _PERIOD_MONTHS[instance.period_length] - 2) // 12,
        (month + _PERIOD_MONTHS[instance.period_length] - 2) % 12 + 1,
    )
    ends = f"{year:04d}-{month:02d}-{calendar.monthrange(year, month)[1]:02d}"
    return f"each line within its {instance.period_length}; {begins} to {ends} in total"


_CALL_OFF_RATES = {
    "supply": ("price", "Price"),
    "collection": ("collection", "Collection"),
    "treatment": ("treatment_cost", "Treatment"),
    "transport": ("freight", "Freight"),
    "residue": ("residue", "Residue"),
}
_RATES_ALWAYS_LISTED = ("supply", "collection")
NO_SMELTER, SPLIT = "(ordinary recycling)", "(by fraction)"
_STOCKPILE_NOTE = (
    "Stockpiles at the end of a {period} are called off when they are sent; until then only storage is charged."
)
_FRACTION_NOTE = "Lines of a fraction state what is shipped of the devices above them; their rates are per tonne of it."
_CHARGES_NOTE = (
    "Treatment, freight and residues are charged with the delivery: the instance names no other party for them."
)


def _build_call_offs(plan: Plan) -> tuple[OrderDocument, ...]:
    """Return the call-off of every region with shipments or stockpiles."""
    account, instance = plan.account, plan.instance
    kinds = [kind for kind in _CALL_OFF_RATES if kind in _RATES_ALWAYS_LISTED or plan.costs[kind]]
    storing = bool(account.decisions.stockpile.any())
    columns = _call_off_columns(instance, kinds, storing)
    documents: list[OrderDocument] = []
    for region, name in enumerate(instance.regions):
        sent, waiting = list(list_device_orders(account, region)), list(list_storage_lines(account, region))
        if sent or waiting:
            rows = [_shipment_row(instance, line, kinds, storing) for line in sent]
            rows += [_stockpile_row(instance, one, kinds) for one in waiting]
            agreed = [f"{_CALL_OFF_RATES[kind][0]}_per_t" for kind in kinds]
            exact = set_exact_digits(columns, tuple(rows), agreed)
            exact = set_amount_digits(exact, tuple(rows), ("tonnes_t", "fraction_t", "waiting_t"))
            lines = ReportTable("call_off_lines", "Call-off lines", _CALL_OFF_DESCRIPTION, exact, tuple(rows))
            documents.append(_call_off_document(instance, f"C{len(documents) + 1:02d}", name, sent, waiting, lines))
    return tuple(documents)


_CALL_OFF_DESCRIPTION = "Devices to hand over (dry tonnes), with route and rates per tonne."


def _call_off_document(
    instance: Instance,
    number: str,
    region: str,
    sent: list[DeviceOrderLine],
    waiting: list[StorageLine],
    lines: ReportTable,
) -> OrderDocument:
    tonnes = sum(line.tonnes for line in sent if not line.fraction)
    money = sum(sum(line.costs.values()) for line in sent) + sum(one.cost for one in waiting)
    terms = (
        ("Quantity", f"{tonnes:,.{count_amount_decimals([tonnes])}f} t of devices, dry, in total"),
        ("Quantity tolerance", f"{QUANTITY_TOLERANCE}; never more than is on offer"),
        (
            "Delivery window",
            format_delivery_window(instance, [*(line.period for line in sent), *(one.period for one in waiting)]),
        ),
        ("Price basis", f"fixed, {instance.currency} per dry tonne of devices"),
        ("Amount", f"{money:,.{count_minor_digits(instance.currency)}f} {instance.currency}".replace("-", "−")),
    )
    word = get_period_word(instance)
    split = instance.treatments.has_fractions
    notes = (
        ((_FRACTION_NOTE,) if split else ())
        + ((_STOCKPILE_NOTE.format(period=word),) if waiting else ())
        + ((_CHARGES_NOTE,) if any(line.costs["treatment"] or line.costs["transport"] for line in sent) else ())
    )
    return _make_document(instance, CALL_OFF, number, ("Region", region), terms, lines, notes)


def _call_off_columns(instance: Instance, kinds: list[str], storing: bool) -> tuple[ReportColumn, ...]:
    return (
        ReportColumn("stream", "Stream"),
        ReportColumn("device", "Device"),
        ReportColumn("period", get_period_word(instance).capitalize()),
        ReportColumn("treatment", "Treatment"),
        ReportColumn("smelter", "Smelter"),
        ReportColumn("bundle", "Bundle", optional=True),
        ReportColumn("tonnes_t", "Tonnes", "t", 3, total=True),
        *((ReportColumn("fraction_t", "Fraction", "t", 3),) if instance.treatments.has_fractions else ()),
        *((ReportColumn("waiting_t", "Stockpiled", "t", 3),) if storing else ()),
        *(
            make_rate_column(f"{_CALL_OFF_RATES[kind][0]}_per_t", _CALL_OFF_RATES[kind][1], instance.currency, "t")
            for kind in kinds
        ),
        make_amount_column("amount", "Amount", instance.currency),
        ReportColumn("unit_code", "Unit code", hidden=True),
    )


def _shipment_row(instance: Instance, line: DeviceOrderLine, kinds: list[str], storing: bool) -> tuple[CellValue, ...]:
    return (
        *_stream_cells(instance, line.stream, line.period),
        instance.treatments.names[line.treatment],
        _name_destination(instance, line),
        _name_bundle(instance, line.stream),
        None if line.fraction else line.tonnes,
        *((line.tonnes if line.fraction else None,) if instance.treatments.has_fractions else ()),
        *((None,) if storing else ()),
        *(line.costs[kind] / line.tonnes for kind in kinds),
        sum(line.costs.values()),
        TONNE_CODE,
    )


def _name_destination(instance: Instance, line: DeviceOrderLine) -> str:
    """Return the smelter of a call-off line, or what becomes of devices that go to none."""
    if line.smelter >= 0:
        return instance.smelters.names[line.smelter]
    return (
        SPLIT if instance.treatments.mark_split()[line.treatment, instance.streams.device[line.stream]] else NO_SMELTER
    )


def _stockpile_row(instance: Instance, one: StorageLine, kinds: list[str]) -> tuple[CellValue, ...]:
    cells = (
        *_stream_cells(instance, one.stream, one.period),
        "waits",
        None,
        _name_bundle(instance, one.stream),
        None,
        *((None,) if instance.treatments.has_fractions else ()),
        one.tonnes,
    )
    return (*cells, *(None for _ in kinds), one.cost, TONNE_CODE)


def _stream_cells(instance: Instance, stream: int, period: int) -> tuple[str, str, str]:
    device = instance.devices.names[instance.streams.device[stream]]
    return instance.streams.names[stream], device, instance.periods[period]


def _name_bundle(instance: Instance, stream: int) -> str:
    bundle = int(instance.streams.bundle[stream])
    return instance.bundles[bundle][1] if bundle >= 0 else ""


_TOLLING_DESCRIPTION = (
    "Feed by line of the terms (dry tonnes) with its treatment charge; below each its metals: contained, returned to "
    "the metal account, and the refining charge per kilogram returned."
)
_LEFT_DESCRIPTION = (
    " Returned is what is called back. The rest stays with the smelter at its price, which goes off the amount."
)
_LOT_NOTE = (
    "Each lot is settled separately: payable metal is the lower of accountability times content and content less the "
    "minimum deduction; the project's share of it is credited."
)
_POOLED_NOTE = "{lines}: all feed of a period is settled as one lot at its mean assay; the project's share is credited."
_LATE_NOTE = "Metal returned after {last} is neither counted nor charged in the plan; it is settled by the contract."
_GRAMS_PER_KILOGRAM = 1000
EVERY_FEED = "every feed"
_CONTRACT_COLUMNS = ("treatment_charge_per_t", "returned_share", "deduction_g_per_t", "refining_charge_per_kg")


def _build_tolling_orders(plan: Plan) -> tuple[OrderDocument, ...]:
    """Return the instruction of every smelter that receives feed."""
    instance = plan.instance
    documents: list[OrderDocument] = []
    for smelter, name in enumerate(instance.smelters.names):
        sent = list(list_feed_lines(plan.account, smelter))
        if sent:
            rows = tuple(row for feed in sent for row in _tolling_rows(instance, feed))
            columns = set_exact_digits(_tolling_columns(instance), rows, _CONTRACT_COLUMNS)
            amounts = ("feed_t", "contained_kg", "returned_kg", *(("left_kg",) if leaves_metal(instance) else ()))
            columns = set_amount_digits(columns, rows, amounts)
            says = _TOLLING_DESCRIPTION + (_LEFT_DESCRIPTION if leaves_metal(instance) else "")
            lines = ReportTable("toll_lines", "Feed and metal", says, columns, rows)
            documents.append(_tolling_document(instance, f"T{len(documents) + 1:02d}", name, sent, lines))
    return tuple(documents)


def _tolling_document(
    instance: Instance, number: str, smelter: str, sent: list[FeedLine], lots: ReportTable
) -> OrderDocument:
    currency = instance.currency
    tonnes = sum(feed.tonnes for feed in sent)
    money = sum(feed.charge + sum(metal.charge - metal.revenue for metal in feed.metals) for feed in sent)
    money += sum(penalty.charge for feed in sent for penalty in feed.penalties)
    back: dict[int, float] = {}
    for metal in (metal for feed in sent for metal in feed.metals if metal.period is not None):
        back[metal.metal] = back.get(metal.metal, 0.0) + metal.kilograms
    metals = ", ".join(
        f"{kg:,.{count_amount_decimals([kg])}f} kg of {instance.metals.titles[e]}"
        for e, kg in sorted(back.items())
        if kg > 0
    )
    terms = (
        ("Quantity", f"{tonnes:,.{count_amount_decimals([tonnes])}f} t of feed, dry, in total"),
        ("Metal expected back", metals or "none within the plan"),
        ("Quantity tolerance", QUANTITY_TOLERANCE),
        ("Delivery window", format_delivery_window(instance, [feed.period for feed in sent])),
        ("Price basis", f"{currency} per dry tonne of feed, and {currency} per kilogram of metal returned"),
        ("Amount", f"{money:,.{count_minor_digits(currency)}f} {currency}".replace("-", "−")),
    )
    late = any(metal.period is None for feed in sent for metal in feed.metals)
    pooled = sorted({feed.line for feed in sent if instance.terms.pooled[feed.line]})
    lines = ", ".join(instance.terms.names[line] or EVERY_FEED for line in pooled)
    settled = (*((_POOLED_NOTE.format(lines=lines.capitalize()),) if pooled else ()),)
    if len(pooled) < len({feed.line for feed in sent}):
        settled = (_LOT_NOTE, *settled)
    accepted = describe_acceptance(
        instance, instance.smelters.names.index(smelter), sorted({feed.line for feed in sent})
    )
    notes = (*settled, *accepted, *((_LATE_NOTE.format(last=instance.periods[-1]),) if late else ()))
    return _make_document(instance, TOLL, number, ("Smelter", smelter), terms, lots, notes)


def _tolling_columns(instance: Instance) -> tuple[ReportColumn, ...]:
    return (
        ReportColumn("period", f"{get_period_word(instance).capitalize()} of shipment"),
        ReportColumn("terms", "Terms"),
        ReportColumn("item", "Item"),
        ReportColumn("feed_t", "Feed", "t", 3, total=True),
        make_rate_column("treatment_charge_per_t", "Treatment charge", instance.currency, "t"),
        ReportColumn("contained_kg", "Contained", "kg", 3),
        ReportColumn("returned_share", "Accountability", "%", 2),
        ReportColumn("deduction_g_per_t", "Minimum deduction", "g/t", 1),
        ReportColumn("returned_kg", "Returned", "kg", 3),
        *((ReportColumn("left_kg", "Left with the smelter", "kg", 3),) if leaves_metal(instance) else ()),
        ReportColumn("back", "Returned in"),
        make_rate_column("refining_charge_per_kg", "Refining charge", instance.currency, "kg"),
        make_amount_column("amount", "Amount", instance.currency),
        ReportColumn("unit_code", "Unit code", hidden=True),
    )


def _tolling_rows(instance: Instance, feed: FeedLine) -> list[tuple[CellValue, ...]]:
    named = (instance.periods[feed.period], instance.terms.names[feed.line] or EVERY_FEED)
    charge = float(instance.terms.treatment_charge.value[feed.line])
    nothing = (None,) * (7 if leaves_metal(instance) else 6)
    first = (*named, "feed", feed.tonnes, charge, *nothing, feed.charge, TONNE_CODE)
    titles = instance.impurities.titles
    penalties = [
        (*named, f"penalty, {titles[part.element]}", None, None, part.contained, *nothing[1:], part.charge, TONNE_CODE)
        for part in feed.penalties
    ]
    return [first, *((*named, *_metal_cells(instance, feed.line, metal)) for metal in feed.metals), *penalties]


def _metal_cells(instance: Instance, line: int, metal: MetalReturn) -> tuple[CellValue, ...]:
    terms, e = instance.terms, metal.metal
    return (
        instance.metals.titles[e],
        None,
        None,
        metal.contained,
        float(terms.returned.value[line, e]),
        _GRAMS_PER_KILOGRAM * float(terms.deduction.value[line, e]),
        metal.kilograms,
        *((metal.left,) if leaves_metal(instance) else ()),
        "later" if metal.period is None else instance.periods[metal.period],
        float(terms.refining_charge.value[line, e]),
        metal.charge - metal.revenue,
        KILOGRAM_CODE,
    )


_PURCHASE_DESCRIPTION = "Metal or scrap to deliver, and the alloy it is charged to."
_INTO_STOCK = "(into stock)"


def _build_purchase_orders(plan: Plan) -> tuple[OrderDocument, ...]:
    """Return the purchase order of every offer with purchases."""
    instance, account = plan.instance, plan.account
    bought, into_stock = account.decisions.bought, is_stocked(plan.instance)
    documents: list[OrderDocument] = []
    for offer in range(len(instance.market.names)):
        if into_stock[offer]:
            period = np.flatnonzero(account.purchases[offer])
            rows = tuple(
                _purchase_row(instance, offer, t, None, float(account.purchases[offer, t])) for t in period.tolist()
            )
        else:
            period, alloy = np.nonzero(bought[offer].T)
            places_of = zip(period.tolist(), alloy.tolist(), strict=True)
            rows = tuple(_purchase_row(instance, offer, t, a, float(bought[offer, a, t])) for t, a in places_of)
        if rows:
            columns = set_exact_digits(_purchase_columns(instance), rows, ("price_per_kg",))
            columns = set_amount_digits(columns, rows, ("bought_kg",))
            lines = ReportTable("purchase_lines", "Purchase lines", _PURCHASE_DESCRIPTION, columns, rows)
            kilograms = float(account.bought[offer])
            documents.append(
                _purchase_document(instance, f"P{len(documents) + 1:02d}", offer, period.tolist(), lines, kilograms)
            )
    return tuple(documents)


def _purchase_document(
    instance: Instance, number: str, offer: int, periods: list[int], lines: ReportTable, kilograms: float
) -> OrderDocument:
    currency, market = instance.currency, instance.market
    money = sum(float(row[4]) for row in lines.rows if isinstance(row[4], float))
    held = zip(instance.metals.titles, market.composition.value[offer].tolist(), strict=True)
    goods = ", ".join(f"{title} {format_exact_share(part)}" for title, part in held if part)
    terms = (
        (
            "Goods",
            f"{market.names[offer]}: {goods}; recycled {format_exact_share(float(market.recycled.value[offer]))}",
        ),
        ("Quantity", f"{kilograms:,.{count_amount_decimals([kilograms])}f} kg in total"),
        ("Quantity tolerance", QUANTITY_TOLERANCE),
        ("Delivery window", format_delivery_window(instance, periods)),
        ("Price basis", f"{currency} per kilogram, by line"),
        ("Amount", f"{money:,.{count_minor_digits(currency)}f} {currency}".replace("-", "−")),
    )
    return _make_document(instance, PURCHASE_ORDER, number, ("Offer", market.names[offer]), terms, lines, ())


def _purchase_columns(instance: Instance) -> tuple[ReportColumn, ...]:
    return (
        ReportColumn("period", get_period_word(instance).capitalize()),
        ReportColumn("alloy", "For alloy"),
        ReportColumn("bought_kg", "Quantity", "kg", 3, total=True),
        make_rate_column("price_per_kg", "Price", instance.currency, "kg"),
        make_amount_column("amount", "Amount", instance.currency),
        ReportColumn("unit_code", "Unit code", hidden=True),
    )


def _purchase_row(
    instance: Instance, offer: int, period: int, alloy: int | None, kilograms: float
) -> tuple[CellValue, ...]:
    price = float(instance.market.price.value[offer, period])
    names = (instance.periods[period], _INTO_STOCK if alloy is None else instance.alloys.names[alloy])
    return (*names, kilograms, price, kilograms * price, KILOGRAM_CODE)


def build_orders(plan: Plan) -> tuple[OrderDocument, ...]:
    """Build all order documents of a plan; their amounts and the internal items add up to the plan's cost.

    Args:
        plan: Plan to report.

    Returns:
        Call-offs, then toll-refining instructions, then purchase orders.
    """
    return (*_build_call_offs(plan), *_build_tolling_orders(plan), *_build_purchase_orders(plan))


def tabulate_orders(plan: Plan, documents: tuple[OrderDocument, ...]) -> ReportTable:
    """Tabulate the orders with their amounts, and whether each can be signed.

    Args:
        plan: Plan to report, for its currency.
        documents: Orders of the plan.

    Returns:
        The table `orders`.
    """
    columns = (
        ReportColumn("document", "Number"),
        ReportColumn("kind", "Document"),
        ReportColumn("party", "Party"),
        ReportColumn("quantity", "Quantity"),
        make_amount_column("amount", "Amount", plan.instance.currency),
        ReportColumn("goods", "Material"),
        ReportColumn("first_delivery", f"First {get_period_word(plan.instance)}"),
        ReportColumn("sign_by", "Sign by"),
        ReportColumn("state", "State"),
    )
    rows = tuple(_order_row(plan.instance, document) for document in documents)
    text = (
        "All orders of the plan. A draft is not an order; it lists the missing supplier details. An order is signed "
        f"before the first {get_period_word(plan.instance)} in which it delivers."
    )
    internal = plan.cost - sum(float(row[4]) for row in rows if isinstance(row[4], int | float))
    notes: tuple[str, ...] = ()
    if abs(internal) >= 10.0 ** -count_minor_digits(plan.instance.currency):
        amount = format_money(internal, plan.instance.currency)
        notes = (f"Internal items (holding of stock, less sales): {amount}; with the orders they make the total cost.",)
    return ReportTable("orders", "Orders", text, columns, rows, notes)


def _order_row(instance: Instance, document: OrderDocument) -> tuple[CellValue, ...]:
    index = next(position for position, column in enumerate(document.lines.columns) if column.key == "amount")
    money = sum_column(document.lines, index)
    quantity = dict(document.terms)["Quantity"].partition(" of ")[0].removesuffix(" in total")
    state = f"draft: {len(document.missing)} missing" if document.missing else "complete"
    ordered = {str(period) for period in _list_column(document.lines, "period")}
    first = next(period for period in instance.periods if period in ordered)
    named = (document.number, document.kind, document.party[0][1], quantity, money)
    return (*named, _describe_goods(document), first, format_signing_date(instance, first), state)


def _list_column(lines: ReportTable, key: str) -> list[CellValue]:
    """Return the cells of a column."""
    position = next(position for position, column in enumerate(lines.columns) if column.key == key)
    return [row[position] for row in lines.rows]


def _describe_goods(document: OrderDocument) -> str:
    """Return the goods of an order, in a few words."""
    if document.kind == TOLL:
        return "toll refining"
    if document.kind == PURCHASE_ORDER:
        return dict(document.terms)["Goods"].partition(": ")[2].partition(";")[0]
    pairs = zip(_list_column(document.lines, "bundle"), _list_column(document.lines, "device"), strict=True)
    names = list(dict.fromkeys(str(bundle or device) for bundle, device in pairs))
    return ", ".join(names[:_MOST_GOODS]) + (f", {len(names) - _MOST_GOODS} more" if len(names) > _MOST_GOODS else "")


def format_signing_date(instance: Instance, period: str) -> str:
    """Format the last day on which an order can be signed: the day before its first period of delivery begins.

    Args:
        instance: Instance, for its kind of periods.
        period: First period with deliveries.

    Returns:
        The day as YYYY-MM-DD, or `before PERIOD` where periods are no dates.
    """
    if "-" not in instance.periods[0]:
        return f"before {period}"
    year, month = (int(part) for part in period.split("-"))
    return (date(year, month, 1) - timedelta(days=1)).isoformat() if (year, month) > (1, 1) else f"before {period}"
