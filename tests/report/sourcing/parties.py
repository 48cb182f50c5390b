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
    "licence": "waste 4711",
    "title_risk": "on weighing",
    "data_destruction": "shredded",
    "batteries": "taken out",
    "moisture": "at most 5 %",
    "sampling": "both attend",
    "assay": "by post",
    "splitting_limit": "Ag 30 g/t",
    "umpire": "an independent laboratory",
    "settlement": "45 days",
    "return_form": "bars",
    "price_basis": "LBMA, mean of the month before",
    "grade": "Good Delivery",
    "certificate": "of analysis",
    "chain_of_custody": "CoC-1",
}
BUYER_AND_MINT = {
    "games": {"role": "buyer", "legal_name": "Organising Committee", "address": "1 Games Road"},
    "works": {"role": "mint", "legal_name": "Example Mint", "deliver_to": "gate 1"},
}


def with_parties(plan: Plan, parties: Mapping[str, Mapping[str, object]]) -> Plan:
    """Return `plan` with `parties`, a buyer and a mint in its instance."""
    instance = replace(plan.instance, annex={**plan.instance.annex, "parties": {**BUYER_AND_MINT, **parties}})
    return replace(plan, instance=instance)
