"""Checks of the parties: each role names its regions, smelters or offers, and one party has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medalopt.errors import FaultKind
from medalopt.instance.parties import find_party_faults
from medalopt.instance.resolve.parsed_document import Draft


def collect_addressees(draft: Draft) -> Mapping[str, set[str]]:
    """Collect the names to which orders can be addressed.

    Args:
        draft: Parsed instance.

    Returns:
        Names of regions, smelters and offers, by the field of a party that lists them.
    """
    cells = [sheet.get_column(("region",)) for sheet in (draft.streams, draft.lanes) if sheet is not None]
    return {
        "regions": {text for column in cells for text in column.texts if text},
        "smelters": set(draft.document.smelters or {}),
        "offers": set(draft.document.market),
    }


def check_parties(draft: Draft) -> None:
    """Log roles that cannot be assigned.

    Args:
        draft: Parsed instance; faults are added to it.
    """
    if not draft.document.parties:
        return
    fields = ("role", "regions", "smelters", "offers")
    entries: dict[str, dict[str, Any]] = {
        name: {field: getattr(party, field) for field in fields if getattr(party, field) is not None}
        for name, party in draft.document.parties.items()
    }
    for path, message in find_party_faults(entries, collect_addressees(draft)):
        draft.add_fault(path, message, kind=FaultKind.CONFLICT)
