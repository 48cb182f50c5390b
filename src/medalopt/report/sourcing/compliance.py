"""Evidence of a plan: compliance documents by party, claim ledger of recycled metal, assumptions with their sources."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from medalopt.analysis.sourcing.metals import list_claims
from medalopt.analysis.sourcing.orders import SALES_ORDER
from medalopt.instance.arrays import Bools
from medalopt.instance.instance import Instance
from medalopt.instance.payers import CARRIER, COLLECTOR, MINT, OPERATOR, SELLER, SMELTER, PartyDirectory
from medalopt.instance.reader.yaml_nodes import SourceNote
from medalopt.instance.schema.validation import TABLE_SECTIONS
from medalopt.instance.source_values import SourceValues
from medalopt.plan.plan import Plan
from medalopt.report.document import CellValue, OrderDocument, ReportColumn, ReportTable
from medalopt.report.solve_tables import get_period_word
from medalopt.report.sourcing.metals import choose_decimals
from medalopt.text import ParameterPath, format_count, parse_path, render_path


@dataclass(frozen=True)
class ComplianceDocument:
    """Compliance document.

    Attributes:
        name: Name.
        purpose: Claim that it proves.
        asked_by: Who requires it.
        metals: Metals that it concerns; none: all.
        jurisdictions: Jurisdictions in which it is required; none: all.
        roles: Roles of the parties that have to give it.
        field: Field of a party that states it, as in the format; '' for none.
        abroad: Required only where a border may be crossed.
    """

    name: str
    purpose: str
    asked_by: str
    metals: frozenset[str]
    jurisdictions: frozenset[str]
    roles: frozenset[str]
    field: str
    abroad: bool


@cache
def _read_compliance_documents() -> tuple[ComplianceDocument, ...]:
    """Return all compliance documents, from the file `compliance.csv`: cells of several entries are words."""
    text = resources.files("medalopt.report").joinpath("assets", "compliance.csv").read_text(encoding="utf-8")
    return tuple(
        ComplianceDocument(
            name=row["name"],
            purpose=row["purpose"],
            asked_by=row["asked_by"],
            metals=frozenset(row["metals"].split()),
            jurisdictions=frozenset(row["jurisdictions"].split()),
            roles=frozenset(row["roles"].split()),
            field=row["field"],
            abroad=bool(row["abroad"]),
        )
        for row in csv.DictReader(text.splitlines())
    )


_RECYCLED_NOTE = (
    "'Recycled' is disputed: some standards keep the word for waste at the end of its life, and call scrap of "
    "manufacturers reprocessed. Metal of discarded devices meets the strict definition; process scrap does not."
)
_CHECKLIST_NOTE = (
    "A checklist, not legal advice: applicability depends on the location of the party and its material. Regulations "
    "as of 2025."
)
DEFAULT_MINT = "the mint"
_NOTHING = "none"  # a field that begins so needs no document: no data are stored, say


@dataclass(frozen=True)
class _ListedParty:
    """Party of the plan with its roles, the metals that it delivers, and its name among the smelters ('' for none)."""

    name: str
    firm: str
    roles: tuple[str, ...]
    metals: frozenset[str]
    recycled: bool = True
    smelter: str = ""


def tabulate_compliance_documents(plan: Plan) -> tuple[ReportTable, ...]:
    """Tabulate the compliance documents of every party of a plan, by role and jurisdiction.

    Returns:
        The table `papers`; none where the plan has no party.
    """
    instance, directory = plan.instance, PartyDirectory.from_instance(plan.instance)
    place = instance.annex.get("project", {}).get("jurisdiction", "international")
    rows: list[tuple[CellValue, ...]] = []
    listed = [(party, directory.get_details(party.firm, party.name)) for party in _list_parties(plan, directory)]
    countries = {str(stated.get("country", "")) for _, stated in listed} - {""}
    home = countries if len(countries) == 1 else {place}  # where all are in one country, no border is crossed
    for party, stated in listed:
        for paper in _read_compliance_documents():
            reference = str(stated.get(paper.field, "")) if paper.field else ""
            absent = reference.casefold().startswith(_NOTHING)
            if absent or not _is_required(paper, party, place, str(stated.get("country", "")) not in home):
                continue
            roles = ", ".join(role for role in party.roles if role in paper.roles)
            row = (roles, party.name, paper.name, paper.purpose, paper.asked_by, reference, "", "", "", party.smelter)
            rows.append(row)
    columns = (
        ReportColumn("role", "Role"),
        ReportColumn("party", "Party"),
        ReportColumn("paper", "Document"),
        ReportColumn("shows", "Content"),
        ReportColumn("asked_by", "Required by"),
        ReportColumn("reference", "Reference"),
        ReportColumn("valid_until", "Valid until"),
        ReportColumn("checked_by", "Checked by"),
        ReportColumn("checked_on", "Checked on"),
        ReportColumn("smelter", "Smelter", hidden=True),
    )
    text = (
        "Documents required from each party for claims of recycled and responsibly sourced metal; blank columns are "
        "for your records."
    )
    notes = (_CHECKLIST_NOTE, _RECYCLED_NOTE)
    return (ReportTable("papers", "Compliance documents", text, columns, tuple(rows), notes),) if rows else ()


def _is_required(paper: ComplianceDocument, party: _ListedParty, place: str, abroad: bool) -> bool:
    """Return whether a party, at home or abroad, has to give a document in the jurisdiction `place`."""
    roles = paper.roles.intersection(party.roles)
    here = not paper.jurisdictions or place in paper.jurisdictions
    concerned = not paper.metals or bool(paper.metals & party.metals)
    crossing = not paper.abroad or abroad
    claiming = roles != {SELLER} or paper.field != "chain_of_custody" or party.recycled
    return bool(roles) and here and concerned and crossing and claiming


def _list_parties(plan: Plan, directory: PartyDirectory) -> Iterator[_ListedParty]:
    """Yield the parties of a plan: those of the regions by their roles, smelters, sellers and the mint."""
    account, instance = plan.account, plan.instance
    by_stream = (account.decisions.sent > 0).any(axis=1)
    streams = {*account.routes.stream[by_stream].tolist()}
    streams |= {*np.flatnonzero((account.decisions.stockpile > 0).any(axis=1)).tolist()}
    regions = sorted({int(instance.streams.region[stream]) for stream in streams})
    collectors = directory.list_collectors(instance)
    of_region = [
        collectors[stream]
        for region in regions
        for stream in sorted(streams)
        if instance.streams.region[stream] == region
    ]
    roles: dict[str, list[str]] = {}
    for role, parties in (
        (COLLECTOR, of_region),
        (OPERATOR, [directory.operators[region] for region in regions]),
        (CARRIER, [directory.carriers[region] for region in regions]),
    ):
        for name in dict.fromkeys(parties):
            roles.setdefault(name, []).append(role)
    for name, held in roles.items():
        yield _ListedParty(name, name, tuple(held), frozenset())
    back = account.returned.sum(axis=2) > 0  # (K, E)
    for k in np.flatnonzero(account.feed.sum(axis=1) > 0).tolist():
        name, metals = instance.smelters.names[k], _select_metals(instance, back[k])
        yield _ListedParty(name, directory.smelters[k], (SMELTER,), metals, smelter=name)
    for o in np.flatnonzero(account.bought > 0).tolist():
        metals = _select_metals(instance, instance.market.composition.value[o] > 0)
        recycled = float(instance.market.recycled.value[o]) > 0
        yield _ListedParty(instance.market.names[o], directory.sellers[o], (SELLER,), metals, recycled)
    if account.cast.sum() > 0:
        yield _ListedParty(directory.mint or DEFAULT_MINT, directory.mint, (MINT,), frozenset(instance.metals.names))


def _select_metals(instance: Instance, chosen: Bools) -> frozenset[str]:
    """Return the names of the chosen metals."""
    return frozenset(name for name, use in zip(instance.metals.names, chosen.tolist(), strict=True) if use)


OPENING_STOCK = "opening stock"
_CLAIMS_DESCRIPTION = (
    "Recycled metal by supplier: credited, claimed when it is charged to an alloy, and what can still be claimed. "
    "Claims never exceed credits."
)
_CLAIMS_NOTES = (
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
    numbers = {document.party[0][1]: document.number for document in documents if document.kind != SALES_ORDER}
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
    title = "Claim ledger of recycled metal"
    return (ReportTable("claim_ledger", title, _CLAIMS_DESCRIPTION, columns, tuple(rows), _CLAIMS_NOTES),)


_ASSUMPTIONS_DESCRIPTION = (
    "Every parameter of the plan, as written in the instance, with its source and its author's mark."
)
_ASSUMPTIONS_NOTES = (
    "Mark: the words seen, recalled, derived and estimated in source and note; 'no source' where neither is given. A "
    "parameter without a source has that of its section.",
)
_MARK_PATTERN = re.compile(r"\b(seen|recalled|derived|estimated)\b", re.IGNORECASE)
_WHOLE_FILE = "(the whole file)"
NO_SOURCE = "no source"


def tabulate_assumptions(instance: Instance, source_values: SourceValues | None) -> tuple[ReportTable, ...]:
    """Tabulate the assumptions in the order of the instance file.

    Args:
        instance: Instance with its sources and notes.
        source_values: Parameters as the file writes them; None lists the sources alone.

    Returns:
        The table `assumptions`.
    """
    columns = (
        ReportColumn("path", "Path"),
        ReportColumn("figure", "Value"),
        ReportColumn("mark", "Mark"),
        ReportColumn("source", "Source"),
        ReportColumn("note", "Note"),
    )
    remarks = {parse_path(source.path) if source.path else (): source for source in instance.sources}
    listed = _parameter_rows(instance, source_values, remarks) if source_values is not None else _remark_rows(remarks)
    return (
        ReportTable("assumptions", "Assumptions", _ASSUMPTIONS_DESCRIPTION, columns, tuple(listed), _ASSUMPTIONS_NOTES),
    )


def _parameter_rows(
    instance: Instance, source_values: SourceValues, remarks: dict[ParameterPath, SourceNote]
) -> Iterator[tuple[CellValue, ...]]:
    yield from _remark_rows({path: note for path, note in remarks.items() if not path})
    for section in TABLE_SECTIONS:
        rows = {path[1] for path, _, _ in source_values.iterate_parameters() if path[0] == section}
        if rows:
            yield _assumption_row(
                render_path((section,)), format_count(len(rows), "row"), _find_remark((section,), remarks)
            )
    for path, scalar, _ in source_values.iterate_parameters():
        if path[0] not in TABLE_SECTIONS:
            yield _assumption_row(render_path(path), scalar.text, _find_remark(path, remarks))
    below = {path: note for path, note in remarks.items() if path}
    yield from _remark_rows({path: note for path, note in below.items() if path[0] in TABLE_SECTIONS and len(path) > 1})
    yield from _remark_rows(
        {path: note for path, note in below.items() if path[0] in ("mixes", "scenarios", "parties", "project")}
    )


def _remark_rows(remarks: dict[ParameterPath, SourceNote]) -> Iterator[tuple[CellValue, ...]]:
    for path, source in remarks.items():
        yield _assumption_row(render_path(path) or _WHOLE_FILE, "", source)


def _find_remark(path: ParameterPath, remarks: dict[ParameterPath, SourceNote]) -> SourceNote | None:
    """Return the source of the innermost section around a parameter, at last that of the whole file."""
    return next((remarks[path[:size]] for size in range(len(path), -1, -1) if path[:size] in remarks), None)


def _assumption_row(path: str, figure: str, source: SourceNote | None) -> tuple[CellValue, ...]:
    if source is None:
        return (path, figure, NO_SOURCE, "", "")
    return (path, figure, _extract_marks(source), "; ".join(source.source), source.note)


def _extract_marks(source: SourceNote) -> str:
    """Return the marks in a source and its note: seen, recalled, derived, estimated."""
    result = _MARK_PATTERN.findall(" ".join((*source.source, source.note)))
    return ", ".join(dict.fromkeys(word.lower() for word in result)) or ("unmarked" if source.source else NO_SOURCE)
