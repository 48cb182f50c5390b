"""Toll-refining instructions: feed of a smelter, its terms, and the metal that it returns."""

from __future__ import annotations

from medalopt.analysis.sourcing.orders import (
    FeedLine,
    FixedChargeLine,
    MetalReturn,
    list_feed_lines,
    list_fixed_charges,
)
from medalopt.analysis.sourcing.payments import TOLL
from medalopt.instance.instance import Instance
from medalopt.instance.left_metal import leaves_metal
from medalopt.instance.period_values import index_period
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
from medalopt.report.impurities import describe_acceptance
from medalopt.report.numbers import count_amount_decimals
from medalopt.report.solve_tables import get_period_word
from medalopt.report.sourcing.call_offs import FIXED_CHARGE, LUMP_SUM_CODE, TONNE_CODE
from medalopt.report.sourcing.order_terms import (
    Addressee,
    OrderContext,
    describe_tolerance,
    format_delivery_window,
    format_order_amount,
    make_order,
)
from medalopt.text import format_count

KILOGRAM_CODE = "KGM"  # UN/ECE Recommendation 20

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


def build_tolling_orders(context: OrderContext) -> tuple[OrderDocument, ...]:
    """Build the instruction of every smelter that receives feed.

    Args:
        context: Plan and parties.

    Returns:
        The instructions.
    """
    instance = context.instance
    documents: list[OrderDocument] = []
    for smelter in range(len(instance.smelters.names)):
        sent = list(list_feed_lines(context.plan.account, smelter))
        if sent:
            fixed = [one for one in list_fixed_charges(context.plan.account, "smelter") if one.member == smelter]
            rows = tuple(row for feed in sent for row in _tolling_rows(instance, feed))
            rows += tuple(_charge_row(instance, one.period, EVERY_FEED, FIXED_CHARGE, one.charge) for one in fixed)
            columns = set_exact_digits(_tolling_columns(instance), rows, _CONTRACT_COLUMNS)
            amounts = ("feed_t", "contained_kg", "returned_kg", *(("left_kg",) if leaves_metal(instance) else ()))
            columns = set_amount_digits(columns, rows, amounts)
            says = _TOLLING_DESCRIPTION + (_LEFT_DESCRIPTION if leaves_metal(instance) else "")
            lines = ReportTable("toll_lines", "Feed and metal", says, columns, rows)
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
        ("Metal expected back", _describe_metals(instance, metals) or "none within the plan"),
        ("Return to", context.describe_place(mint, ("legal_name", "address", "deliver_to"))),
        *describe_tolerance(context, context.margins.smelters[smelter], tonnes, "t"),
        ("Delivery window", format_delivery_window(instance, [feed.period for feed in sent])),
        ("Price", f"{currency} per dry tonne of feed, and {currency} per kilogram of metal returned"),
        ("Amount", format_order_amount(sum(costs.values()), currency)),
        *context.split_by_payer(costs),
        ("Acceptance", _describe_acceptance(instance, smelter, sent)),
    )
    late = any(metal.period is None for metal in metals)
    notes = (*_describe_settlement(instance, sent), *((_LATE_NOTE.format(last=instance.periods[-1]),) if late else ()))
    name = instance.smelters.names[smelter]
    firm = context.directory.smelters[smelter]
    heading = (("Smelter", name), *((("Firm", firm),) if firm != name else ()))
    addressee = Addressee(heading, firm, name)
    return make_order(context, TOLL, number, addressee, terms, lots, notes)


def _describe_metals(instance: Instance, metals: list[MetalReturn]) -> str:
    """Return the kilograms of each metal that is returned within the plan."""
    back: dict[int, float] = {}
    for metal in metals:
        if metal.period is not None:
            back[metal.metal] = back.get(metal.metal, 0.0) + metal.kilograms
    return ", ".join(
        f"{kg:,.{count_amount_decimals([kg])}f} kg of {instance.metals.titles[e]}"
        for e, kg in sorted(back.items())
        if kg > 0
    )


def _describe_lots(instance: Instance, sent: list[FeedLine]) -> str:
    """Return the definition of a lot, and the number of periods with lots, by line of the terms."""
    word = get_period_word(instance)
    lines = sorted({feed.line for feed in sent})
    each = [
        f"{instance.terms.names[line] or EVERY_FEED}: {'all feed' if instance.terms.pooled[line] else 'each stream'} "
        f"of a {word}, {format_count(len({feed.period for feed in sent if feed.line == line}), word)}"
        for line in lines
    ]
    return "; ".join(each)


def _describe_settlement(instance: Instance, sent: list[FeedLine]) -> tuple[str, ...]:
    """Return how lots are settled."""
    pooled = sorted({feed.line for feed in sent if instance.terms.pooled[feed.line]})
    lines = ", ".join(instance.terms.names[line] or EVERY_FEED for line in pooled)
    settled = (*((_POOLED_NOTE.format(lines=lines.capitalize()),) if pooled else ()),)
    return (_LOT_NOTE, *settled) if len(pooled) < len({feed.line for feed in sent}) else settled


def _describe_acceptance(instance: Instance, smelter: int, sent: list[FeedLine]) -> str:
    """Return the acceptance limits and penalties of the plan."""
    said = describe_acceptance(instance, smelter, sorted({feed.line for feed in sent}))
    return " ".join(said) or "none in the plan; those of the contract apply"


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
    charges = instance.terms.treatment_charge.value[feed.line]
    charge = float(charges[index_period(charges, feed.period)])
    nothing = (None,) * (7 if leaves_metal(instance) else 6)
    first = (*named, "feed", feed.tonnes, charge, *nothing, feed.charge, TONNE_CODE)
    titles = instance.impurities.titles
    penalties = [
        (*named, f"penalty, {titles[part.element]}", None, None, part.contained, *nothing[1:], part.charge, TONNE_CODE)
        for part in feed.penalties
    ]
    lot = [_charge_row(instance, feed.period, named[1], _LOT_CHARGE, feed.lot_charge)] if feed.lot_charge else []
    return [first, *lot, *((*named, *_metal_cells(instance, feed.line, metal)) for metal in feed.metals), *penalties]


def _charge_row(instance: Instance, period: int, terms: str, item: str, charge: float) -> tuple[CellValue, ...]:
    """Return the row of a lot charge or fixed charge."""
    nothing = (None,) * (9 if leaves_metal(instance) else 8)
    return (instance.periods[period], terms, item, *nothing, charge, LUMP_SUM_CODE)


def _metal_cells(instance: Instance, line: int, metal: MetalReturn) -> tuple[CellValue, ...]:
    terms, e = instance.terms, metal.metal
    charges = terms.refining_charge.value[line, e]
    back = len(instance.periods) - 1 if metal.period is None else metal.period
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
        float(charges[index_period(charges, back)]),
        metal.charge - metal.revenue,
        KILOGRAM_CODE,
    )
