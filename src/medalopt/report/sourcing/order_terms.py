"""Fields of an order: party, buyer, payers, tolerance, price steps, clauses of a contract; blank where unstated."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from medalopt.analysis.sourcing.orders import CALL_OFF, PURCHASE_ORDER, SALES_ORDER, TOLL
from medalopt.analysis.sourcing.plan_analyses import OrderMargin, OrderMargins, compute_order_margins
from medalopt.instance.instance import Instance, Names
from medalopt.instance.lots import ActivityKind
from medalopt.instance.payers import CostPayers, PartyDirectory, has_payers
from medalopt.plan.plan import Plan
from medalopt.report.document import SIGNATURE_FIELDS, FieldPairs, OrderDocument, ReportTable, count_minor_digits
from medalopt.report.numbers import format_mass, format_number, format_tonnes
from medalopt.report.sourcing.order_layout import group_order_lines
from medalopt.text import escape_text, join_with_and, render_path

COLLECTION_ORDER, TRANSPORT_ORDER = "collection order", "transport order"
TONNE_CODE, KILOGRAM_CODE, LUMP_SUM_CODE = "TNE", "KGM", "LS"  # UN/ECE Recommendation 20
_USUAL_TOLERANCE = 5  # per cent, UCP 600, article 30 b
QUANTITY_TOLERANCE = f"{_USUAL_TOLERANCE} % more or less, unless the contract says otherwise"
_PARTY_FIELDS = {
    "legal_name": "Legal name",
    "address": "Address",
    "country": "Country",
    "contract": "Contract",
    "licence": "Waste licence",
    "deliver_to": "Deliver to",
    "incoterm": "Delivery term",
}
_CLAUSES = {
    "price_basis": "Price basis",
    "grade": "Brand or grade",
    "certificate": "Certificate",
    "title_risk": "Title and risk",
    "data_destruction": "Data destruction",
    "batteries": "Batteries",
    "moisture": "Moisture",
    "sampling": "Weighing and sampling",
    "assay": "Exchange of assays",
    "splitting_limit": "Splitting limit",
    "umpire": "Umpire",
    "settlement": "Settlement",
    "return_form": "Form of return",
    "chain_of_custody": "Chain of custody",
    "payment": "Payment",
}
_ALWAYS_NEEDED = ("legal_name", "address", "contract", "deliver_to", "incoterm", "payment", "title_risk")
_ALSO_NEEDED = {
    COLLECTION_ORDER: ("data_destruction", "batteries"),
    CALL_OFF: ("licence", "data_destruction", "batteries"),
    TRANSPORT_ORDER: ("licence", "batteries"),
    TOLL: (
        *("licence", "moisture", "sampling", "assay", "splitting_limit", "umpire", "settlement", "return_form"),
        "chain_of_custody",
    ),
    PURCHASE_ORDER: ("price_basis", "grade", "certificate", "chain_of_custody"),
    SALES_ORDER: ("price_basis", "grade", "sampling"),
}
"""Fields that an order of a kind needs before it can be signed; others are printed where they are stated."""
_SHORTFALL = "Shortfall borne"
_PERIOD_MONTHS = {"month": 1, "quarter": 3, "year": 12}
CostKey = tuple[str, int, int]  # kind of cost, stream, treatment; −1 where the cost has none
_PAYER_KINDS = {"sales": "by_products"}


@dataclass(frozen=True, eq=False)
class OrderContext:
    """A plan with its parties, payers and margins, which all orders share."""

    plan: Plan

    @property
    def instance(self) -> Instance:
        """Instance as solved."""
        return self.plan.instance

    @cached_property
    def directory(self) -> PartyDirectory:
        """Parties by role."""
        return PartyDirectory.from_instance(self.instance)

    @cached_property
    def collectors(self) -> Names:
        """Name of the party that hands over the devices of each stream, (I,)."""
        return self.directory.list_collectors(self.instance)

    @cached_property
    def payers(self) -> CostPayers:
        """Party that bears each cost; the same for all where no payers are stated."""
        return CostPayers.from_instance(self.instance)

    @cached_property
    def margins(self) -> OrderMargins:
        """Margin of every order: by how much it may fall short."""
        return compute_order_margins(self.plan.account)

    def describe_buyer(self) -> str:
        """Return legal name and address of the buyer.

        Returns:
            Text; '' where the instance is silent.
        """
        stated = str(self.instance.annex.get("project", {}).get("buyer", "")).strip()
        return stated or self.describe_place(self.directory.buyer, ("legal_name", "address"))

    def describe_place(self, party: str, fields: tuple[str, ...]) -> str:
        """Return fields of a party in one line.

        Args:
            party: Name of the party.
            fields: Names of the fields.

        Returns:
            Text without empty fields.
        """
        details = self.directory.get_details(party)
        return ", ".join(text for name in fields if (text := str(details.get(name, "")).strip()))

    def describe_amount(self, costs: Mapping[CostKey, float]) -> FieldPairs:
        """Describe the amount of an order and who pays it.

        Args:
            costs: Money by kind of cost, stream and treatment.

        Returns:
            Amount, with its payer; where several pay another field with the amount of each.
        """
        amount = format_order_amount(sum(costs.values()), self.instance.currency)
        if not has_payers(self.instance):
            return (("Amount", amount),)
        amounts: dict[str, float] = {}
        for (kind, stream, treatment), money in costs.items():
            payer = (
                self.payers.streams[stream]
                if stream >= 0
                else self.payers.treatments[treatment]
                if treatment >= 0
                else -1
            )
            index = int(payer) if payer >= 0 else self.payers.kinds[_PAYER_KINDS.get(kind, kind)]
            party = self.payers.parties[index]
            amounts[party] = amounts.get(party, 0.0) + money
        order = sorted((name for name in amounts if amounts[name]), key=lambda name: -amounts[name])
        if len(order) < 2:
            return (("Amount", f"{amount}, paid by {order[0]}" if order else amount),)
        listed = [f"{name} {format_order_amount(amounts[name], self.instance.currency)}" for name in order]
        return (("Amount", amount), ("Paid by", "; ".join(listed)))


@dataclass(frozen=True)
class Addressee:
    """Party of an order.

    Attributes:
        heading: Role and name, and the region where that is not the party itself.
        party: Name of the party in the instance.
        member: Region, smelter or offer that the order is about; fields stated under its name come first.
        defaults: Fields that follow from the plan where the instance is silent.
    """

    heading: FieldPairs
    party: str
    member: str
    defaults: Mapping[str, str] = field(default_factory=dict)


def format_order_amount(money: float, currency: str) -> str:
    """Format an amount of money as it is paid.

    Args:
        money: Amount.
        currency: Code of three letters.

    Returns:
        Amount and currency.
    """
    return f"{money:,.{count_minor_digits(currency)}f} {currency}".replace("-", "−")


def make_order(
    context: OrderContext,
    kind: str,
    number: str,
    addressee: Addressee,
    terms: FieldPairs,
    lines: ReportTable,
    notes: tuple[str, ...] = (),
) -> OrderDocument:
    """Make an order document; a draft where fields that its kind needs are missing.

    Args:
        context: Plan, parties and payers.
        kind: Kind of document.
        number: Number in the plan.
        addressee: Party, and the region, smelter or offer of the order.
        terms: Terms that follow from the plan; '' where the instance is silent.
        lines: Exact lines.
        notes: Notes below the lines.
    """
    instance = context.instance
    project: Mapping[str, Any] = instance.annex.get("project", {})
    shared = {"incoterm": project["incoterm"]} if "incoterm" in project else {}
    stated = context.directory.get_details(addressee.party, addressee.member)
    known = {**addressee.defaults, **shared, **{name: str(value) for name, value in stated.items() if value}}
    needed = (*_ALWAYS_NEEDED, *_ALSO_NEEDED[kind])
    party, clauses = (_select_fields(titles, known, needed) for titles in (_PARTY_FIELDS, _CLAUSES))
    sold = kind == SALES_ORDER  # by the plan's parties, to the party of the document
    buyer = context.describe_place(addressee.party, ("legal_name", "address")) if sold else context.describe_buyer()
    terms = (("Buyer", buyer), *terms)
    missing = tuple(title.lower() for title, value in (*party, *terms, *clauses) if not value)
    return OrderDocument(
        kind,
        f"{instance.name}-{number}",
        (*addressee.heading, *party),
        (
            *terms,
            *clauses,
            *((("Tax", project["tax"]),) if project.get("tax", "").strip() else ()),
            *((("Further terms", known["terms"]),) if known.get("terms", "").strip() else ()),
            *((title, "") for title in SIGNATURE_FIELDS),
        ),
        lines,
        missing,
        (*notes, *_hint_missing(addressee, context, missing)),
        group_order_lines(lines, instance.periods),
    )


def _select_fields(titles: Mapping[str, str], known: Mapping[str, str], needed: Sequence[str]) -> FieldPairs:
    """Return the fields that are stated or needed, blank where they are not stated."""
    texts = {name: known.get(name, "").strip() for name in titles}
    return tuple((title, texts[name]) for name, title in titles.items() if texts[name] or name in needed)


def _hint_missing(addressee: Addressee, context: OrderContext, missing: tuple[str, ...]) -> tuple[str, ...]:
    """Return where the missing fields belong."""
    if not missing:
        return ()
    paths = [render_path(("parties", addressee.party))]
    unnamed = {"buyer", "seller"}.intersection(missing) and not context.describe_buyer()
    paths += ["project.buyer"] if unnamed else []
    paths += ["a party with role mint"] if "return to" in missing else []
    listed = join_with_and(paths)
    return (f"Complete the missing fields under {listed} in the instance to remove the draft stamp.",)


def describe_tolerance(
    context: OrderContext, margin: OrderMargin | None, amount: float, unit: str, more: str = ""
) -> FieldPairs:
    """Describe the tolerance of an order, and how much less breaks the plan.

    Args:
        context: Plan of the order.
        margin: Margin of the order; None where it brings no metal.
        amount: Quantity of the order.
        unit: Its unit, `t` or `kg`.
        more: Limits of a larger quantity.

    Returns:
        Two fields.
    """
    if margin is None or margin.share >= 1:
        free = "any: no metal of the plan depends on it" if margin is None else "any: all metals suffice without it"
        return (("Quantity tolerance", QUANTITY_TOLERANCE + more), (_SHORTFALL, free))
    instance = context.instance
    metal, period = escape_text(instance.metals.titles[margin.metal]), name_period(instance, margin.period)
    least = int(1000 * margin.share + 1e-6) / 10  # per cent, never more than the plan bears
    formats = format_tonnes if unit == "t" else format_mass
    if least >= _USUAL_TOLERANCE:
        tolerance = QUANTITY_TOLERANCE
    else:
        less = f"{format_number(least)} % less" if least else "nothing less"
        tolerance = f"{_USUAL_TOLERANCE} % more, {less}: {metal} limits the plan"
    if least:
        upper = formats(amount * least / 100)
        bears = f"up to {format_number(least)} % ({upper}); with less {metal} is short in {period} and the plan breaks"
    else:
        short = format_mass(margin.kilograms / 100)
        less = formats(amount / 100)
        bears = f"none: each 1 % less ({less}) leaves {short} of {metal} short in {period} and breaks the plan"
    return (("Quantity tolerance", tolerance + more), (_SHORTFALL, bears))


def name_period(instance: Instance, period: int) -> str:
    """Return the name of a period in a sentence: a date, or `period 1` where periods are none.

    Returns:
        The name.
    """
    name = instance.periods[period]
    return name if "-" in name else f"period {name}"


def format_delivery_window(instance: Instance, periods: list[int]) -> str:
    """Format the delivery window: first and last day of the periods, where they are dates.

    Args:
        instance: Instance, for its periods.
        periods: Indices of the periods with deliveries.
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


STEP_TITLE = "Price steps"


def describe_price_steps(instance: Instance, kind: ActivityKind, owner: int) -> str:
    """Describe the price steps of a stream or offer.

    Returns:
        Text such as `58,000 JPY/kg up to 500 kg, 60,000 JPY/kg beyond, of all that is ordered`; '' without steps.
    """
    steps = kind.get_steps(instance)
    rows = np.flatnonzero(steps.owner == owner).tolist()
    if not rows:
        return ""
    price, parts = float(getattr(instance, kind.part).price.value[owner, 0]), []
    for row in rows:
        unit = f"{instance.currency}/{kind.unit}"
        parts.append(
            f"{format_number(price, 12)} {unit} up to {format_number(float(steps.above.value[row]), 12)} {kind.unit}"
        )
        price += float(steps.surcharge.value[row])
    if np.isfinite(price):
        parts.append(f"{format_number(price, 12)} {instance.currency}/{kind.unit} beyond")
    return f"{', '.join(parts)}, of all that is ordered in the plan; prices by line are means"
