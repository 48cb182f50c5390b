"""Plans whose parties are known, as they are printed in orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from medalopt import Plan

PARTY = {
    "legal_name": "Near Smelting K.K.",
    "address": "1-1 Works Road",
    "contract": "HO-17",
    "deliver_to": "gate 2",
    "incoterm": "DAP",
    "payment": "30 days after receipt",
    "terms": "weighed on arrival",
}


def with_parties(plan: Plan, parties: Mapping[str, Mapping[str, str]]) -> Plan:
    """Return `plan` with `parties` in its instance."""
    instance = replace(plan.instance, annex={**plan.instance.annex, "parties": dict(parties)})
    return replace(plan, instance=instance)
