"""Order documents of a plan, one for each party and region, smelter or offer, and the list of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from medalopt.analysis.sourcing.orders import (
    CALL_OFF,
    PURCHASE_ORDER,
    SALES_ORDER,
    TOLL,
    FeedLine,
    FixedChargeLine,
    MetalReturn,
    list_feed_lines,
    list_fixed_charges,
)
from medalopt.analysis.sourcing.plan_analyses import find_rounding_shortages
from medalopt.instance.bounds import is_stocked
from medalopt.instance.instance import Instance
from medalopt.instance.lots import OFFER_STEPS, compute_purchase_prices
from medalopt.instance.routes import index_period
from medalopt.instance.smelter_terms import leaves_metal
from medalopt.plan.plan import Plan
from medalopt.report.deadline_risk import describe_buffers
from medalopt.report.document import (
    CellValue,
    FieldPairs,
    OrderDocument,
    ReportColumn,
    ReportTable,
    TableRows,
    count_minor_digits,
    fill_rows,
    make_amount_column,
    make_rate_column,
    set_digits,
    sum_column,
)
from medalopt.report.numbers import (
    count_amount_decimals,
    count_exact_decimals,
    format_exact_share,
    format_mass,
    format_money,
    format_number,
    format_share,
)
from medalopt.report.solve_tables import get_period_word
from medalopt.report.sourcing.call_offs import FIXED_CHARGE, build_device_orders, build_sales_orders
from medalopt.report.sourcing.order_layout import compute_rounding
from medalopt.report.sourcing.order_terms import (
    KILOGRAM_CODE,
    LUMP_SUM_CODE,
    STEP_TITLE,
    TONNE_CODE,
    TRANSPORT_ORDER,
    Addressee,
    OrderContext,
    describe_price_steps,
    describe_tolerance,
    format_delivery_window,
    format_order_amount,
    make_order,
    name_period,
)
from medalopt.text import cut_list, escape_text, format_count

_MOST_GOODS = 3  # devices and bundles named in the list of orders


@dataclass(frozen=True)
class PlanOrders:
    """Orders of a plan, and what happens where all are delivered as rounded ('' where none has a quantity)."""

    documents: tuple[OrderDocument, ...]
    rounding: str = ""


def build_orders(plan: Plan) -> PlanOrders:
    """Build all order documents of a plan.

    The amounts of orders, less those of sales orders, and the internal items add up to the plan's cost.

    Returns:
        Orders for devices, then toll-refining instructions, purchase orders and sales orders.
    """
    context = OrderContext(plan)
    documents = (*build_device_orders(context), *_build_tolling_orders(context), *_build_purchase_orders(context))
    note = _describe_rounding(plan, documents)
    noted = tuple(document if document.kind == TOLL else _note_rounding(document, note) for document in documents)
    return PlanOrders((*noted, *build_sales_orders(context)), note)


def _note_rounding(document: OrderDocument, note: str) -> OrderDocument:
    """Return an order with the effect of rounding all orders beside its rounded quantities."""
    last = document.grouped[-1]
    noted = replace(last, notes=tuple(f"{line} {note}" for line in last.notes))
    return replace(document, grouped=(*document.grouped[:-1], noted))


def _describe_rounding(plan: Plan, documents: tuple[OrderDocument, ...]) -> str:
    """Verify that the plan has its metal where every order is delivered as rounded."""
    instance = plan.instance
    streams, offers, periods = (
        {name: number for number, name in enumerate(names)}
        for names in (instance.streams.names, instance.market.names, instance.periods)
    )
    tonnes: dict[tuple[int, int], float] = {}
    bought: dict[tuple[int, int], float] = {}
    for document in (one for one in documents if one.kind in (CALL_OFF, PURCHASE_ORDER)):
        for (name, period), factor in compute_rounding(document).items():
            if document.kind == CALL_OFF:
                tonnes[streams[name], periods[period]] = factor
            else:
                bought[offers[document.party[0][1]], periods[period]] = factor
    short = find_rounding_shortages(plan.account, tonnes, bought)
    if not short:
        return "Rounding is verified: with all orders as rounded every metal suffices." if tonnes or bought else ""
    worst = max(short, key=lambda one: one.kilograms / one.needed)
    title, share = escape_text(instance.metals.titles[worst.metal]), format_share(worst.kilograms, worst.needed)
    return (
        f"With all orders as rounded {format_mass(worst.kilograms)} of {title} is short in "
        f"{name_period(instance, worst.period)} ({share} of its need); with the exact lines every metal suffices."
    )


def tabulate_orders(plan: Plan, orders: PlanOrders) -> ReportTable:
    """Tabulate the orders with their amounts, and whether each can be signed.

    Args:
        plan: Plan to report, for its currency.
        orders: Orders of the plan.

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
        ReportColumn("region", "Region", optional=True),
        ReportColumn("first_delivery", f"First {get_period_word(plan.instance)}"),
        ReportColumn("sign_by", "Sign by"),
        ReportColumn("state", "State"),
    )
    rows = tuple(_order_row(plan.instance, document) for document in orders.documents)
    text = (
        "All orders of the plan. A draft is not an order; it lists the missing supplier details. An order is signed "
        f"before the first {get_period_word(plan.instance)} in which it delivers."
    )
    internal = plan.cost - sum(float(row[4]) for row in rows if isinstance(row[4], int | float))
    notes = (*describe_buffers(plan), *((orders.rounding,) if orders.rounding else ()))
    if abs(internal) >= 10.0 ** -count_minor_digits(plan.instance.currency):
        amount = format_money(internal, plan.instance.currency)
        internal_note = (
            f"Internal items (holding of stock, less remaining process scrap): {amount}; with the orders they make "
            "the total cost."
        )
        notes = (internal_note, *notes)
    return ReportTable("orders", "Orders", text, columns, rows, notes)


def _order_row(instance: Instance, document: OrderDocument) -> tuple[CellValue, ...]:
    sign = -1 if document.kind == SALES_ORDER else 1
    money = sign * sum_column(document.lines, document.lines.places["amount"])
    quantity = dict(document.terms)["Quantity"].partition(" of ")[0].removesuffix(" in total")
    state = f"draft: {len(document.missing)} missing" if document.missing else "complete"
    ordered = {str(period) for period in document.lines.list_cells("period")}
    first = next(period for period in instance.periods if period in ordered)
    named = (document.number, document.kind, document.party[0][1], quantity, money)
    region = next((value for title, value in document.party[1:] if title == "Region"), None)
    return (*named, _describe_goods(document), region, first, _format_signing_date(instance, first), state)


def _describe_goods(document: OrderDocument) -> str:
    """Return the goods of an order, in a few words."""
    if document.kind == TOLL:
        return "toll refining"
    if document.kind == TRANSPORT_ORDER:
        return "freight to " + ", ".join(dict.fromkeys(str(name) for name in document.lines.list_cells("smelter")))
    if document.kind == PURCHASE_ORDER:
        return dict(document.terms)["Goods"].partition(": ")[2].partition(" (")[0]
    if document.kind == SALES_ORDER:
        return dict(document.terms)["Goods"]
    pairs = zip(document.lines.list_cells("bundle"), document.lines.list_cells("device"), strict=True)
    names = list(dict.fromkeys(str(bundle or device) for bundle, device in pairs))
    return ", ".join(cut_list(names, _MOST_GOODS))


def _format_signing_date(instance: Instance, period: str) -> str:
    """Format the last day on which an order can be signed: the day before its first period of delivery begins."""
    if "-" not in instance.periods[0]:
        return f"before period {period}"
    year, month = (int(part) for part in period.split("-"))
    return (date(year, month, 1) - timedelta(days=1)).isoformat() if (year, month) > (1, 1) else f"before {period}"


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
_LOT_CHARGE = "lot charge"
_CONTRACT_COLUMNS = ("treatment_charge_per_t", "returned_share", "deduction_g_per_t", "refining_charge_per_kg")
_AMOUNT_COLUMNS = ("feed_t", "contained_kg", "returned_kg", "left_kg")


def _build_tolling_orders(context: OrderContext) -> tuple[OrderDocument, ...]:
    """Build the instruction of every smelter that receives feed."""
    instance = context.instance
    documents: list[OrderDocument] = []
    for smelter in range(len(instance.smelters.names)):
        sent = list(list_feed_lines(context.plan.account, smelter))
        if sent:
            fixed = [one for one in list_fixed_charges(context.plan.account, "smelter") if one.member == smelter]
            records = [record for feed in sent for record in _list_tolling_records(instance, feed)]
            records += [_record_charge(instance, one.period, EVERY_FEED, FIXED_CHARGE, one.charge) for one in fixed]
            columns = (
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
            says = _TOLLING_DESCRIPTION + (_LEFT_DESCRIPTION if leaves_metal(instance) else "")
            lines = ReportTable("toll_lines", "Feed and metal", says, columns, fill_rows(columns, records))
            lines = set_digits(lines, _CONTRACT_COLUMNS, count_exact_decimals)
            lines = set_digits(lines, _AMOUNT_COLUMNS, count_amount_decimals)
            documents.append(_tolling_document(context, f"T{len(documents) + 1:02d}", smelter, sent, fixed, lines))
    return tuple(documents)


def _tolling_document(
    context: OrderContext,
    number: str,
    smelter: int,
    sent: list[FeedLine],
    fixed: list[FixedChargeLine],
    lots: ReportTable,
) -> OrderDocument:
    instance, currency = context.instance, context.instance.currency
    tonnes = sum(feed.tonnes for feed in sent)
    metals = [metal for feed in sent for metal in feed.metals]
    penalties = sum(penalty.charge for feed in sent for penalty in feed.penalties)
    charges = sum(feed.lot_charge for feed in sent) + sum(one.charge for one in fixed)
    costs = {
        ("smelting", -1, -1): sum(feed.charge for feed in sent) + penalties + charges,
        ("refining", -1, -1): sum(metal.charge for metal in metals),
        ("sales", -1, -1): -sum(metal.revenue for metal in metals),
    }
    mint = context.directory.mint
    terms: FieldPairs = (
        ("Lot", _describe_lots(instance, sent)),
        ("Quantity", f"{tonnes:,.{count_amount_decimals([tonnes], 2)}f} t of feed, dry, in total"),
        ("Metal expected back", _describe_metals(instance, smelter, metals) or "none within the plan"),
        *_describe_left(instance, metals),
        ("Return to", context.describe_place(mint, ("legal_name", "address", "deliver_to"))),
        *describe_tolerance(context, context.margins.smelters[smelter], tonnes, "t"),
        ("Delivery window", format_delivery_window(instance, [feed.period for feed in sent])),
        ("Price", f"{currency} per dry tonne of feed, and {currency} per kilogram of metal returned"),
        *context.describe_amount(costs),
        ("Acceptance", _describe_acceptance(instance, smelter, sent)),
    )
    late = any(metal.period is None for metal in metals)
    notes = (*_describe_settlement(instance, sent), *((_LATE_NOTE.format(last=instance.periods[-1]),) if late else ()))
    name = instance.smelters.names[smelter]
    firm = context.directory.smelters[smelter]
    heading = (("Smelter", name), *((("Firm", firm),) if firm != name else ()))
    addressee = Addressee(heading, firm, name)
    return make_order(context, TOLL, number, addressee, terms, lots, notes)


def _describe_metals(instance: Instance, smelter: int, metals: list[MetalReturn]) -> str:
    """Return the kilograms of each metal that is returned within the plan, and when."""
    back: dict[int, float] = {}
    for metal in metals:
        if metal.period is not None:
            back[metal.metal] = back.get(metal.metal, 0.0) + metal.kilograms
    leads, word = instance.smelters.lead[smelter].tolist(), get_period_word(instance)
    due = [f"{format_count(lead, word)} after shipment" if lead else f"in the {word} of shipment" for lead in leads]
    return ", ".join(
        f"{kg:,.{count_amount_decimals([kg])}f} kg of {instance.metals.titles[e]} {due[e]}"
        for e, kg in sorted(back.items())
        if kg > 0
    )


def _describe_left(instance: Instance, metals: list[MetalReturn]) -> FieldPairs:
    """Return whose the credited metal is that is not called back, and what the smelter pays for it."""
    left: dict[int, float] = {}
    for metal in metals:
        if metal.left > 0:
            left[metal.metal] = left.get(metal.metal, 0.0) + metal.left
    if not left:
        return ()
    named = ", ".join(
        f"{kg:,.{count_amount_decimals([kg])}f} kg of {instance.metals.titles[e]}" for e, kg in left.items()
    )
    paid = sum(metal.revenue for metal in metals)
    price = f"for {format_order_amount(paid, instance.currency)}" if paid else "without payment"
    return (("Metal not called back", f"{named}: stays with the smelter, {price}"),)


def _describe_lots(instance: Instance, sent: list[FeedLine]) -> str:
    """Return the definition of a lot, and the number of periods with lots, by line of the terms."""
    word = get_period_word(instance)
    lines = sorted({feed.line for feed in sent})
    each = [
        f"{_name_feed(instance, [feed for feed in sent if feed.line == line])}: "
        f"{'all feed' if instance.terms.pooled[line] else 'each stream'} "
        f"of a {word}, {format_count(len({feed.period for feed in sent if feed.line == line}), word)}"
        for line in lines
    ]
    return "; ".join(each)


def _name_feed(instance: Instance, feeds: list[FeedLine]) -> str:
    """Return the name of a line of terms, and after it the fractions that are fed under it."""
    name = instance.terms.names[feeds[0].line] or EVERY_FEED
    fractions = sorted({fraction for feed in feeds for fraction in feed.fractions})
    parts = (instance.treatments.names[fraction] for fraction in fractions)
    names = ", ".join(part.removesuffix(f"/{name}") for part in parts)
    return f"{name} ({names})" if names else name


def _describe_settlement(instance: Instance, sent: list[FeedLine]) -> tuple[str, ...]:
    """Return how lots are settled."""
    pooled = sorted({feed.line for feed in sent if instance.terms.pooled[feed.line]})
    lines = ", ".join(_name_feed(instance, [feed for feed in sent if feed.line == line]) for line in pooled)
    settled = (*((_POOLED_NOTE.format(lines=lines[:1].upper() + lines[1:]),) if pooled else ()),)
    return (_LOT_NOTE, *settled) if len(pooled) < len({feed.line for feed in sent}) else settled


def _describe_acceptance(instance: Instance, smelter: int, sent: list[FeedLine]) -> str:
    """Return the impurity limits and penalties of a smelter under the terms of its feed."""
    impurities = instance.impurities
    sentences: dict[str, None] = {}
    for line in sorted({feed.line for feed in sent}):
        of = f" ({instance.terms.names[line]})" if instance.terms.names[line] else ""
        for x in np.flatnonzero(np.isfinite(impurities.refuse.raw[line])).tolist():
            limit = format_number(float(impurities.refuse.value[line, x]))
            sentences[f"Feed with more than {limit} kg/t of {impurities.titles[x]} is not accepted{of}."] = None
        for n in np.flatnonzero(impurities.penalty_line == line).tolist():
            above, per = (
                format_number(float(part.value[n])) for part in (impurities.penalty_above, impurities.penalty_per)
            )
            charges = dict.fromkeys(map(format_number, impurities.penalty_charge.value[n].tolist()))
            charge = " to ".join(charges) if len(charges) < 3 else "the charge of its period in"
            title = impurities.titles[impurities.penalty_element[n]]
            text = f"Penalty on {title} above {above} kg/t: {charge} {instance.currency} per dry tonne of feed for each"
            sentences[f"{text} {per} kg/t, pro rata{of}."] = None
    for x in np.flatnonzero(np.isfinite(impurities.limit.raw[smelter])).tolist():
        limit = format_number(float(impurities.limit.value[smelter, x]))
        sentences[f"Mean content of all feed of a period: at most {limit} kg/t of {impurities.titles[x]}."] = None
    return " ".join(sentences) or "none in the plan; those of the contract apply"


def _list_tolling_records(instance: Instance, feed: FeedLine) -> Iterator[dict[str, CellValue]]:
    """Yield the lines of a feed: its charge, the charge of its lot, its metals and penalties."""
    terms, name = instance.terms, _name_feed(instance, [feed])
    head: dict[str, CellValue] = {"period": instance.periods[feed.period], "terms": name}
    charges = terms.treatment_charge.value[feed.line]
    yield head | {
        "item": "feed",
        "feed_t": feed.tonnes,
        "treatment_charge_per_t": float(charges[index_period(charges, feed.period)]),
        "amount": feed.charge,
        "unit_code": TONNE_CODE,
    }
    if feed.lot_charge:
        yield _record_charge(instance, feed.period, name, _LOT_CHARGE, feed.lot_charge)
    for metal in feed.metals:
        charges = terms.refining_charge.value[feed.line, metal.metal]
        back = len(instance.periods) - 1 if metal.period is None else metal.period
        yield head | {
            "item": instance.metals.titles[metal.metal],
            "contained_kg": metal.contained,
            "returned_share": float(terms.returned.value[feed.line, metal.metal]),
            "deduction_g_per_t": _GRAMS_PER_KILOGRAM * float(terms.deduction.value[feed.line, metal.metal]),
            "returned_kg": metal.kilograms,
            "left_kg": metal.left,
            "back": "later" if metal.period is None else instance.periods[metal.period],
            "refining_charge_per_kg": float(charges[index_period(charges, back)]),
            "amount": metal.charge - metal.revenue,
            "unit_code": KILOGRAM_CODE,
        }
    for part in feed.penalties:
        item = f"penalty, {instance.impurities.titles[part.element]}"
        yield head | {"item": item, "contained_kg": part.contained, "amount": part.charge, "unit_code": TONNE_CODE}


def _record_charge(instance: Instance, period: int, terms: str, item: str, charge: float) -> dict[str, CellValue]:
    """Return the line of a lot charge or fixed charge."""
    head = {"period": instance.periods[period], "terms": terms, "item": item}
    return {**head, "amount": charge, "unit_code": LUMP_SUM_CODE}


_PURCHASE_DESCRIPTION = "Metal or scrap to deliver, and the alloy it is charged to."
_INTO_STOCK = "(into stock)"


def _build_purchase_orders(context: OrderContext) -> tuple[OrderDocument, ...]:
    """Build the purchase order of every offer with purchases."""
    instance, account = context.instance, context.plan.account
    bought, into_stock, prices = account.decisions.bought, is_stocked(instance), compute_purchase_prices(account)
    documents: list[OrderDocument] = []
    for offer in range(len(instance.market.names)):
        if into_stock[offer]:
            period = np.flatnonzero(account.purchases[offer])
            amounts = [(t, _INTO_STOCK, float(account.purchases[offer, t])) for t in period.tolist()]
        else:
            period, alloy = np.nonzero(bought[offer].T)
            pairs = zip(period.tolist(), alloy.tolist(), strict=True)
            amounts = [(t, instance.alloys.names[a], float(bought[offer, a, t])) for t, a in pairs]
        rows: TableRows = tuple(
            (instance.periods[t], use, kg, price, kg * price, KILOGRAM_CODE)
            for t, use, kg in amounts
            for price in [float(prices[offer, t])]
        )
        rows += tuple(
            (instance.periods[one.period], f"({FIXED_CHARGE})", None, None, one.charge, LUMP_SUM_CODE)
            for one in list_fixed_charges(account, "offer")
            if one.member == offer
        )
        if rows:
            columns = (
                ReportColumn("period", get_period_word(instance).capitalize()),
                ReportColumn("alloy", "For alloy"),
                ReportColumn("bought_kg", "Quantity", "kg", 3, total=True),
                make_rate_column("price_per_kg", "Price", instance.currency, "kg"),
                make_amount_column("amount", "Amount", instance.currency),
                ReportColumn("unit_code", "Unit code", hidden=True),
            )
            lines = ReportTable("purchase_lines", "Purchase lines", _PURCHASE_DESCRIPTION, columns, rows)
            lines = set_digits(lines, ("price_per_kg",), count_exact_decimals)
            lines = set_digits(lines, ("bought_kg",), count_amount_decimals)
            documents.append(_purchase_document(context, f"P{len(documents) + 1:02d}", offer, period.tolist(), lines))
    return tuple(documents)


def _purchase_document(
    context: OrderContext, number: str, offer: int, periods: list[int], lines: ReportTable
) -> OrderDocument:
    instance, market = context.instance, context.instance.market
    kilograms = float(context.plan.account.bought[offer])
    money = sum_column(lines, lines.places["amount"])
    name, seller = market.names[offer], context.directory.sellers[offer]
    terms: FieldPairs = (
        ("Goods", f"{name}: {_describe_composition(instance, offer)}"),
        ("Recycled claim", _describe_claim(instance, offer)),
        ("Quantity", f"{kilograms:,.{count_amount_decimals([kilograms])}f} kg in total"),
        *describe_tolerance(context, context.margins.offers[offer], kilograms, "kg"),
        ("Delivery window", format_delivery_window(instance, periods)),
        ("Price", f"{instance.currency} per kilogram, by line"),
        *((STEP_TITLE, steps) for steps in [describe_price_steps(instance, OFFER_STEPS, offer)] if steps),
        *context.describe_amount({("purchases", -1, -1): money}),
    )
    heading = (("Offer", name), *((("Seller", seller),) if seller != name else ()))
    place = context.describe_place(context.directory.mint, ("legal_name", "deliver_to"))
    addressee = Addressee(heading, seller, name, {"deliver_to": place} if place else {})
    return make_order(context, PURCHASE_ORDER, number, addressee, terms, lines)


def _describe_composition(instance: Instance, offer: int) -> str:
    """Return the metals of an offer with their exact shares; of pure metal the order is for its fine mass."""
    shares = instance.market.composition.value[offer].tolist()
    held = zip(instance.metals.titles, shares, strict=True)
    named = ", ".join(f"{title} {format_exact_share(part)}" for title, part in held if part)
    return f"{named} (fine mass; fineness by brand or grade)" if 1 in shares else named


def _describe_claim(instance: Instance, offer: int) -> str:
    """Return the share of an offer that the plan claims as recycled, with its rule."""
    recycled = float(instance.market.recycled.value[offer])
    if not recycled:
        return "none: the plan claims nothing of this metal as recycled"
    return f"{format_exact_share(recycled)} recycled; to be certified by the seller for every delivery"
