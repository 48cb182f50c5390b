"""Sales orders: one for each fraction, surplus metal and casting that is sold, with its revenue and who receives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from medalopt.analysis.sourcing.orders import CASTING, FRACTION, SALES_ORDER, SURPLUS, MaterialSale, list_material_sales
from medalopt.instance.instance import Instance
from medalopt.instance.payers import has_payers
from medalopt.report.document import (
    CellValue,
    FieldPairs,
    OrderDocument,
    ReportColumn,
    ReportTable,
    make_amount_column,
    make_rate_column,
    set_digits,
)
from medalopt.report.numbers import count_amount_decimals, count_exact_decimals
from medalopt.report.solve_tables import get_period_word
from medalopt.report.sourcing.order_terms import (
    KILOGRAM_CODE,
    TONNE_CODE,
    Addressee,
    OrderContext,
    describe_tolerance,
    format_delivery_window,
    format_order_amount,
    make_order,
)
from medalopt.text import escape_text

_FRACTION_CLAIM = "none: the plan returns no metal of this material and claims nothing of it"
_METAL_CLAIM = "none: sold without a claim, see the claim ledger"
_AS_IT_FALLS = "; as it falls from the devices treated"
_NOTE = "The buyer pays the amount. The price is that of the material where it is handed over: the plan has no freight."


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
    holder, place = _describe_place(context, sales)
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
    return make_order(context, SALES_ORDER, number, addressee, terms, _tabulate_lines(instance, sales), (_NOTE,))


def _name_seller(context: OrderContext) -> str:
    """Return the party that receives the revenue of by-products: its payer, else the buyer of the plan."""
    if not has_payers(context.instance):
        return context.describe_buyer()
    seller = context.payers.parties[context.payers.kinds["by_products"]]
    return context.describe_place(seller, ("legal_name", "address")) or seller


def _describe_place(context: OrderContext, sales: Sequence[MaterialSale]) -> tuple[str, str]:
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


def _tabulate_lines(instance: Instance, sales: Sequence[MaterialSale]) -> ReportTable:
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
    rows = tuple(_list_cells(instance, one) for one in sales)
    text = "Fractions to hand over to the buyer, in tonnes as weighed at the works of the operator."
    table = ReportTable("sale_lines", "Sale lines", text, columns, rows)
    if not weighed:
        text = "Surplus metal and castings to transfer to the buyer."
        table = replace(table, key="metal_sale_lines", title="Metal sale lines", description=text)
    table = set_digits(table, (f"price_per_{unit}",), count_exact_decimals)
    return set_digits(table, (key,), count_amount_decimals)


def _list_cells(instance: Instance, one: MaterialSale) -> tuple[CellValue, ...]:
    origin = (one.treatment, instance.regions[one.region]) if one.kind == FRACTION else ()
    named = (instance.periods[one.period], one.name, *origin)
    code = TONNE_CODE if one.kind == FRACTION else KILOGRAM_CODE
    return (*named, one.quantity, one.price, one.quantity * one.price, code)
