"""Common parts of an order document: party, terms and signature."""

from __future__ import annotations

import calendar
from collections.abc import Mapping

from medalopt.instance.instance import Instance
from medalopt.instance.paths import render
from medalopt.report.sourcing.content import Document, Pairs, Table

TONNE, KILOGRAM = "TNE", "KGM"  # UN/ECE Recommendation 20
TOLERANCE = "5 % more or less, unless the contract says otherwise"  # UCP 600, article 30 b
_NEEDED = {
    "legal_name": "Legal name",
    "address": "Address",
    "contract": "Contract",
    "deliver_to": "Deliver to",
    "incoterm": "Delivery term",
    "payment": "Payment",
}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def document(
    instance: Instance,
    kind: str,
    number: str,
    name: tuple[str, str],
    terms: Pairs,
    lines: Table,
    notes: tuple[str, ...],
) -> Document:
    """Return an order document for the party `name` (its role and its name); a draft where its details are missing."""
    known: Mapping[str, str] = instance.annex.get("parties", {}).get(name[1], {})
    party = (name, *((title, known.get(field, "")) for field, title in _NEEDED.items() if field != "payment"))
    missing = tuple(title.lower() for field, title in _NEEDED.items() if not known.get(field, "").strip())
    path = render(("parties", name[1]))
    hint = (f"Write what is missing under {path} in the instance; the stamp goes when all of it is there.",)
    return Document(
        kind,
        f"{instance.name}-{number}",
        party,
        (
            *terms,
            ("Payment", known.get("payment", "")),
            *((("Further terms", known["terms"]),) if known.get("terms", "").strip() else ()),
            ("Ordered by", ""),
            ("Approved by", ""),
            ("Date and signature", ""),
        ),
        lines,
        missing,
        (*notes, *(hint if missing else ())),
    )


def window(instance: Instance, periods: list[int]) -> str:
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
        return f"each line within its period; {span} in all" if last > first else f"within {span}"
    begins = f"{instance.periods[first]}-01"
    year, month = (int(part) for part in instance.periods[last].split("-"))
    year, month = (
        year + (month + _MONTHS[instance.period_length] - 2) // 12,
        (month + _MONTHS[instance.period_length] - 2) % 12 + 1,
    )
    ends = f"{year:04d}-{month:02d}-{calendar.monthrange(year, month)[1]:02d}"
    return f"each line within its {instance.period_length}; {begins} to {ends} in all"
