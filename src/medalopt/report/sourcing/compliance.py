"""Compliance documents by role and jurisdiction, for every party of a plan, with columns for own records."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from medalopt.instance.arrays import Bools
from medalopt.instance.instance import Instance
from medalopt.instance.payers import CARRIER, COLLECTOR, MINT, OPERATOR, SELLER, SMELTER, PartyDirectory
from medalopt.plan.plan import Plan
from medalopt.report.document import CellValue, ReportColumn, ReportTable


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
def read_compliance_documents() -> tuple[ComplianceDocument, ...]:
    """Return all compliance documents, from the file `compliance.csv`: cells of several entries are words."""
    text = resources.files("medalopt.report").joinpath("assets", "compliance.csv").read_text(encoding="utf-8")
    return tuple(
        ComplianceDocument(
            *(row[name] for name in ("name", "purpose", "asked_by")),
            *(frozenset(row[name].split()) for name in ("metals", "jurisdictions", "roles")),
            row["field"],
            bool(row["abroad"]),
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

    Args:
        plan: Plan to report.

    Returns:
        The table `papers`; none where the plan has no party.
    """
    instance, directory = plan.instance, PartyDirectory.from_instance(plan.instance)
    place = instance.annex.get("project", {}).get("jurisdiction", "international")
    rows: list[tuple[CellValue, ...]] = []
    for party in _list_parties(plan, directory):
        stated = directory.get_details(party.firm, party.name)
        for paper in read_compliance_documents():
            if not _is_required(paper, party, place, str(stated.get("country", ""))):
                continue
            roles = ", ".join(role for role in party.roles if role in paper.roles)
            reference = str(stated.get(paper.field, "")) if paper.field else ""
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


def _is_required(paper: ComplianceDocument, party: _ListedParty, place: str, country: str) -> bool:
    """Return whether a party has to give a document."""
    roles = paper.roles.intersection(party.roles)
    here = not paper.jurisdictions or place in paper.jurisdictions
    concerned = not paper.metals or bool(paper.metals & party.metals)
    crossing = not paper.abroad or country != place
    claiming = roles != {SELLER} or paper.field != "chain_of_custody" or party.recycled
    return bool(roles) and here and concerned and crossing and claiming


def _list_parties(plan: Plan, directory: PartyDirectory) -> Iterator[_ListedParty]:
    """Yield the parties of a plan: those of the regions by their roles, smelters, sellers and the mint."""
    account, instance = plan.account, plan.instance
    by_stream = (account.decisions.sent > 0).any(axis=1)
    used = np.zeros(len(instance.regions), dtype=bool)
    used[instance.streams.region[account.routes.stream[by_stream]]] = True
    used[instance.streams.region[(account.decisions.stockpile > 0).any(axis=1)]] = True
    regional = zip(
        (COLLECTOR, OPERATOR, CARRIER), (directory.collectors, directory.operators, directory.carriers), strict=True
    )
    roles: dict[str, list[str]] = {}
    for role, parties in regional:
        for name in dict.fromkeys(name for name, use in zip(parties, used.tolist(), strict=True) if use):
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
