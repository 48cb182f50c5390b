"""Order documents of a plan, one for each party and region, smelter or offer, and the list of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from medalopt.analysis.sourcing.order_margins import MetalShortage, find_rounding_shortages
from medalopt.analysis.sourcing.payments import CALL_OFF, PURCHASE_ORDER, TOLL
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan
from medalopt.report.document import (
    CellValue,
    OrderDocument,
    ReportColumn,
    ReportTable,
    count_minor_digits,
    make_amount_column,
    sum_column,
)
from medalopt.report.numbers import format_mass, format_money, format_share
from medalopt.report.risk import describe_buffers
from medalopt.report.solve_tables import get_period_word
from medalopt.report.sourcing.call_offs import build_device_orders
from medalopt.report.sourcing.order_layout import compute_rounding
from medalopt.report.sourcing.order_terms import TRANSPORT_ORDER, OrderContext
from medalopt.report.sourcing.purchases import build_purchase_orders
from medalopt.report.sourcing.tolling import build_tolling_orders
from medalopt.text import escape_text

_MOST_GOODS = 3  # devices and bundles named in the list of orders


def build_orders(plan: Plan) -> tuple[OrderDocument, ...]:
    """Build all order documents of a plan; their amounts and the internal items add up to the plan's cost.

    Args:
        plan: Plan to report.

    Returns:
        Orders for devices, then toll-refining instructions, then purchase orders.
    """
    context = OrderContext(plan)
    documents = (*build_device_orders(context), *build_tolling_orders(context), *build_purchase_orders(context))
    note = describe_rounding(plan, documents)
    return tuple(document if document.kind == TOLL else _note_rounding(document, note) for document in documents)


def _note_rounding(document: OrderDocument, note: str) -> OrderDocument:
    """Return an order with the effect of rounding all orders beside its rounded quantities."""
    last = document.grouped[-1]
    said = replace(last, notes=tuple(f"{line} {note}" for line in last.notes))
    return replace(document, grouped=(*document.grouped[:-1], said))


def describe_rounding(plan: Plan, documents: tuple[OrderDocument, ...]) -> str:
    """Verify that the plan has its metal where every order is delivered as rounded.

    Args:
        plan: Plan of the orders.
        documents: All orders of the plan.

    Returns:
        The largest shortage of a metal, or that all suffice; '' without orders.
    """
    instance = plan.instance
    streams, offers, periods = (
        {name: number for number, name in enumerate(names)}
        for names in (instance.streams.names, instance.market.names, instance.periods)
    )
    tonnes: dict[tuple[int, int], float] = {}
    bought: dict[tuple[int, int], float] = {}
    for document in documents:
        for (name, period), factor in compute_rounding(document).items():
            if document.kind == CALL_OFF:
                tonnes[streams[name], periods[period]] = factor
            elif document.kind == PURCHASE_ORDER:
                bought[offers[document.party[0][1]], periods[period]] = factor
    short = find_rounding_shortages(plan.account, tonnes, bought)
    if not short:
        return "Rounding is verified: with all orders as rounded every metal suffices." if tonnes or bought else ""
    return _describe_shortage(instance, max(short, key=lambda one: one.kilograms / one.needed))


def _describe_shortage(instance: Instance, short: MetalShortage) -> str:
    title, share = escape_text(instance.metals.titles[short.metal]), format_share(short.kilograms, short.needed)
    return (
        f"With all orders as rounded {format_mass(short.kilograms)} of {title} is short in "
        f"{instance.periods[short.period]} ({share} of its need); with the exact lines every metal suffices."
    )


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
    rounding = describe_rounding(plan, documents)
    notes = (*describe_buffers(plan), *((rounding,) if rounding else ()))
    if abs(internal) >= 10.0 ** -count_minor_digits(plan.instance.currency):
        amount = format_money(internal, plan.instance.currency)
        internal_note = (
            f"Internal items (holding of stock, less sales): {amount}; with the orders they make the total cost."
        )
        notes = (internal_note, *notes)
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
    if document.kind == TRANSPORT_ORDER:
        return "freight to " + ", ".join(dict.fromkeys(str(name) for name in _list_column(document.lines, "smelter")))
    if document.kind == PURCHASE_ORDER:
        return dict(document.terms)["Goods"].partition(": ")[2]
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
