"""Claim ledger: kilograms claimed as recycled against kilograms credited, by supplier and period."""

from __future__ import annotations

from collections.abc import Sequence

from medalopt.analysis.sourcing.claims import list_claims
from medalopt.instance.payers import PartyDirectory
from medalopt.plan.plan import Plan
from medalopt.report.document import CellValue, OrderDocument, ReportColumn, ReportTable
from medalopt.report.solve_tables import get_period_word
from medalopt.report.sourcing.metals import choose_decimals

OPENING_STOCK = "opening stock"
_DESCRIPTION = (
    "Recycled metal by supplier: credited, claimed when it is charged to an alloy, and what can still be claimed. "
    "Claims never exceed credits."
)
_NOTES = (
    "Mass balance (ISO 22095), not segregation: metal charged draws on all suppliers in proportion to their balance. "
    "Process scrap that is charged again is no new claim.",
    "Chain of custody: certificate of the supplier; blank where the instance states none. A claim needs one for every "
    "kilogram, opening stock included.",
)


def tabulate_claims(plan: Plan, documents: Sequence[OrderDocument]) -> tuple[ReportTable, ...]:
    """Tabulate the claim ledger of a plan.

    Args:
        plan: Plan to report.
        documents: Orders of the plan, for their numbers.

    Returns:
        The table `claim_ledger`.
    """
    instance, directory = plan.instance, PartyDirectory.from_instance(plan.instance)
    numbers = {document.party[0][1]: document.number for document in documents}
    entries = list(list_claims(plan.account))
    rows: list[tuple[CellValue, ...]] = []
    for one in entries:
        name, certificate = OPENING_STOCK, ""
        if one.smelter >= 0 or one.offer >= 0:
            names, firms = (
                (instance.smelters.names, directory.smelters)
                if one.smelter >= 0
                else (instance.market.names, directory.sellers)
            )
            index = max(one.smelter, one.offer)
            name = names[index]
            certificate = str(directory.get_details(firms[index], name).get("chain_of_custody", ""))
        kilograms = (one.credited, one.claimed, one.released, one.balance)
        head = (instance.metals.titles[one.metal], instance.periods[one.period], name, numbers.get(name, ""))
        rows.append((*head, *kilograms, certificate))
    places = choose_decimals(max(one.credited, one.claimed, one.released) for one in entries)
    columns = (
        ReportColumn("metal", "Metal"),
        ReportColumn("period", get_period_word(instance).capitalize()),
        ReportColumn("supplier", "Supplier"),
        ReportColumn("document", "Order"),
        ReportColumn("credited_kg", "Credited", "kg", places),
        ReportColumn("claimed_kg", "Claimed", "kg", places),
        ReportColumn("released_kg", "Sold without claim", "kg", places),
        ReportColumn("balance_kg", "Balance", "kg", places),
        ReportColumn("certificate", "Chain of custody"),
    )
    return (ReportTable("claim_ledger", "Claim ledger of recycled metal", _DESCRIPTION, columns, tuple(rows), _NOTES),)
