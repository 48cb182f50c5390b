"""Metal purchase orders: deliveries of each offer with grade and price."""

from __future__ import annotations

import numpy as np

from medalopt.analysis.sourcing.orders import list_fixed_charges
from medalopt.analysis.sourcing.payments import PURCHASE_ORDER
from medalopt.instance.demand import is_stocked
from medalopt.instance.instance import Instance
from medalopt.report.document import (
    CellValue,
    FieldPairs,
    OrderDocument,
    ReportColumn,
    ReportTable,
    make_amount_column,
    make_rate_column,
    set_amount_digits,
    set_exact_digits,
)
from medalopt.report.numbers import count_amount_decimals, format_exact_share
from medalopt.report.solve_tables import get_period_word
from medalopt.report.sourcing.call_offs import FIXED_CHARGE, LUMP_SUM_CODE
from medalopt.report.sourcing.order_terms import (
    Addressee,
    OrderContext,
    describe_tolerance,
    format_delivery_window,
    format_order_amount,
    make_order,
)
from medalopt.report.sourcing.tolling import KILOGRAM_CODE

_PURCHASE_DESCRIPTION = "Metal or scrap to deliver, and the alloy it is charged to."
_INTO_STOCK = "(into stock)"


def build_purchase_orders(context: OrderContext) -> tuple[OrderDocument, ...]:
    """Build the purchase order of every offer with purchases.

    Args:
        context: Plan and parties.

    Returns:
        The orders.
    """
    instance, account = context.instance, context.plan.account
    bought, into_stock = account.decisions.bought, is_stocked(instance)
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
        rows += tuple(
            (instance.periods[one.period], f"({FIXED_CHARGE})", None, None, one.charge, LUMP_SUM_CODE)
            for one in list_fixed_charges(account, "offer")
            if one.member == offer
        )
        if rows:
            columns = set_exact_digits(_purchase_columns(instance), rows, ("price_per_kg",))
            columns = set_amount_digits(columns, rows, ("bought_kg",))
            lines = ReportTable("purchase_lines", "Purchase lines", _PURCHASE_DESCRIPTION, columns, rows)
            documents.append(_purchase_document(context, f"P{len(documents) + 1:02d}", offer, period.tolist(), lines))
    return tuple(documents)


def _purchase_document(
    context: OrderContext, number: str, offer: int, periods: list[int], lines: ReportTable
) -> OrderDocument:
    instance, market = context.instance, context.instance.market
    kilograms = float(context.plan.account.bought[offer])
    money = sum(float(row[4]) for row in lines.rows if isinstance(row[4], float))
    name, seller = market.names[offer], context.directory.sellers[offer]
    terms: FieldPairs = (
        ("Goods", f"{name}: {_describe_composition(instance, offer)}"),
        ("Recycled claim", _describe_claim(instance, offer)),
        ("Quantity", f"{kilograms:,.{count_amount_decimals([kilograms])}f} kg in total"),
        *describe_tolerance(context, context.margins.offers[offer], kilograms, "kg"),
        ("Delivery window", format_delivery_window(instance, periods)),
        ("Price", f"{instance.currency} per kilogram, by line"),
        ("Amount", format_order_amount(money, instance.currency)),
        *context.split_by_payer({("purchases", -1, -1): money}),
    )
    heading = (("Offer", name), *((("Seller", seller),) if seller != name else ()))
    place = context.describe_place(context.directory.mint, ("legal_name", "deliver_to"))
    addressee = Addressee(heading, seller, name, {"deliver_to": place} if place else {})
    return make_order(context, PURCHASE_ORDER, number, addressee, terms, lines)


def _describe_composition(instance: Instance, offer: int) -> str:
    """Return the metals of an offer with their exact shares, and the unnamed rest."""
    held = zip(instance.metals.titles, instance.market.composition.value[offer].tolist(), strict=True)
    return ", ".join(f"{title} {format_exact_share(part)}" for title, part in held if part)


def _describe_claim(instance: Instance, offer: int) -> str:
    """Return the share of an offer that the plan claims as recycled, with its rule."""
    recycled = float(instance.market.recycled.value[offer])
    if not recycled:
        return "none: the plan claims nothing of this metal as recycled"
    return f"{format_exact_share(recycled)} recycled; to be certified by the seller for every delivery"


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
