"""Toll-refining instructions: feed to a smelter, treatment and refining charges, and metal returned."""

from __future__ import annotations

from medalopt.analysis.sourcing.handovers import Feed, Returned, feeds
from medalopt.analysis.sourcing.payments import TOLL
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan
from medalopt.report.numbers import amount_decimals
from medalopt.report.plants import period_word
from medalopt.report.sourcing.content import Cell, Column, Document, Table, with_amount_digits, with_exact_digits
from medalopt.report.sourcing.currency import amount, places, rate
from medalopt.report.sourcing.documents.form import KILOGRAM, TOLERANCE, TONNE, document, window

_SAYS = (
    "Feed by line of the terms, dry tonnes, with its treatment charge; below each the metals of it: contained, "
    "returned on one's account, and the refining charge for a kilogram returned."
)
_SETTLED = (
    "Each lot is settled by itself: of a metal the lower of its return and its assay less the deduction comes back, "
    "of which the project's share is credited."
)
_POOLED = (
    "{lines}: all feed of a period is settled as one lot with its mean assay, of which the project's share is credited."
)
_LATE = "What comes back after {last} is neither counted nor charged in the plan; it is settled by the contract."
_GRAMS = 1000
EVERY_FEED = "every feed"
_AGREED = ("treatment_charge_per_t", "returned_share", "deduction_g_per_t", "refining_charge_per_kg")


def documents(plan: Plan) -> tuple[Document, ...]:
    """Return the instruction of every smelter that receives feed."""
    instance = plan.instance
    made: list[Document] = []
    for smelter, name in enumerate(instance.smelters.names):
        sent = list(feeds(plan.account, smelter))
        if sent:
            rows = tuple(row for feed in sent for row in _rows(instance, feed))
            columns = with_exact_digits(_columns(instance), rows, _AGREED)
            columns = with_amount_digits(columns, rows, ("feed_t", "contained_kg", "returned_kg"))
            lines = Table("toll_lines", "Feed and metal", _SAYS, columns, rows)
            made.append(_document(instance, f"T{len(made) + 1:02d}", name, sent, lines))
    return tuple(made)


def _document(instance: Instance, number: str, smelter: str, sent: list[Feed], lots: Table) -> Document:
    currency = instance.currency
    tonnes = sum(feed.tonnes for feed in sent)
    money = sum(feed.charge + sum(metal.charge for metal in feed.metals) for feed in sent)
    back: dict[int, float] = {}
    for metal in (metal for feed in sent for metal in feed.metals if metal.back is not None):
        back[metal.metal] = back.get(metal.metal, 0.0) + metal.kilograms
    metals = ", ".join(
        f"{kg:,.{amount_decimals([kg])}f} kg of {instance.metals.titles[e]}" for e, kg in sorted(back.items())
    )
    terms = (
        ("Quantity", f"{tonnes:,.{amount_decimals([tonnes])}f} t of feed, dry, in all"),
        ("Metal expected back", metals or "none within the plan"),
        ("Quantity tolerance", TOLERANCE),
        ("Delivery window", window(instance, [feed.period for feed in sent])),
        ("Price basis", f"{currency} per dry tonne of feed, and {currency} per kilogram of metal returned"),
        ("Amount", f"{money:,.{places(currency)}f} {currency}".replace("-", "−")),
    )
    late = any(metal.back is None for feed in sent for metal in feed.metals)
    pooled = sorted({feed.line for feed in sent if instance.terms.pooled[feed.line]})
    lines = ", ".join(instance.terms.names[line] or EVERY_FEED for line in pooled)
    settled = (*((_POOLED.format(lines=lines.capitalize()),) if pooled else ()),)
    if len(pooled) < len({feed.line for feed in sent}):
        settled = (_SETTLED, *settled)
    notes = (*settled, *((_LATE.format(last=instance.periods[-1]),) if late else ()))
    return document(instance, TOLL, number, ("Smelter", smelter), terms, lots, notes)


def _columns(instance: Instance) -> tuple[Column, ...]:
    return (
        Column("period", f"{period_word(instance).capitalize()} of shipment"),
        Column("terms", "Terms"),
        Column("item", "Item"),
        Column("feed_t", "Feed", "t", 3, total=True),
        rate("treatment_charge_per_t", "Treatment charge", instance.currency, "t"),
        Column("contained_kg", "Contained", "kg", 3),
        Column("returned_share", "Metal return", "%", 2),
        Column("deduction_g_per_t", "Deduction", "g/t", 1),
        Column("returned_kg", "Returned", "kg", 3),
        Column("back", "Back in"),
        rate("refining_charge_per_kg", "Refining charge", instance.currency, "kg"),
        amount("amount", "Amount", instance.currency),
        Column("unit_code", "Unit code", hidden=True),
    )


def _rows(instance: Instance, feed: Feed) -> list[tuple[Cell, ...]]:
    named = (instance.periods[feed.period], instance.terms.names[feed.line] or EVERY_FEED)
    charge = float(instance.terms.treatment_charge.value[feed.line])
    nothing = (None,) * 6
    first = (*named, "feed", feed.tonnes, charge, *nothing, feed.charge, TONNE)
    return [first, *((*named, *_metal(instance, feed.line, metal)) for metal in feed.metals)]


def _metal(instance: Instance, line: int, metal: Returned) -> tuple[Cell, ...]:
    terms, e = instance.terms, metal.metal
    return (
        instance.metals.titles[e],
        None,
        None,
        metal.contained,
        float(terms.returned.value[line, e]),
        _GRAMS * float(terms.deduction.value[line, e]),
        metal.kilograms,
        "later" if metal.back is None else instance.periods[metal.back],
        float(terms.refining_charge.value[line, e]),
        metal.charge,
        KILOGRAM,
    )
