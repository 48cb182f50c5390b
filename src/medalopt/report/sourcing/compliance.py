"""Compliance documents by role and jurisdiction, for every party of a plan, with columns for own records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
    metals: frozenset[str] = frozenset()
    jurisdictions: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset({SMELTER})
    field: str = ""
    abroad: bool = False


_INTERNATIONAL, _JAPAN = frozenset({"international"}), frozenset({"JP"})
_TREATING, _CARRYING = frozenset({OPERATOR, SMELTER}), frozenset({OPERATOR, CARRIER, SMELTER})
_OF_METAL = frozenset({SMELTER, SELLER})
_DATA_NAME = "Certificate of data destruction for each load"
_DATA_PURPOSE = "that storage in phones, computers and tablets was erased or destroyed: by whom, when and how"
COMPLIANCE_DOCUMENTS = (
    ComplianceDocument(
        "Supply chain policy",
        "that the firm excludes metal from conflict, forced labour and money laundering, and who is responsible",
        "OECD Due Diligence Guidance for minerals, step 1",
    ),
    ComplianceDocument(
        "Report on due diligence of the last year",
        "risks found in the supply chain, and the measures taken",
        "OECD Due Diligence Guidance for minerals, step 5",
    ),
    ComplianceDocument(
        "Responsible Gold Guidance: certificate and independent assurance report",
        "that the refiner passed the yearly review that the Good Delivery List rests on",
        "LBMA",
        frozenset({"Au"}),
        roles=_OF_METAL,
    ),
    ComplianceDocument(
        "Responsible Silver Guidance: compliance report and independent assurance report",
        "the same for silver",
        "LBMA",
        frozenset({"Ag"}),
        roles=_OF_METAL,
    ),
    ComplianceDocument(
        "Listing as conformant refiner of gold",
        "an independent assessment of the plant; an LBMA audit of gold is recognised in its place",
        "Responsible Minerals Assurance Process (RMAP)",
        frozenset({"Au"}),
    ),
    ComplianceDocument(
        "Responsible sourcing of the brand of copper; ISO 14001 and ISO 45001 certificates",
        "that the brand may be delivered on the exchange, where the plant has one",
        "London Metal Exchange",
        frozenset({"Cu"}),
        roles=_OF_METAL,
    ),
    ComplianceDocument(
        "Answers to the refiner's questions on the supplier (KYC)",
        "identity of the supplier for the refiner: registration, owners, place of collection of the recycled material",
        "LBMA; OECD gold supplement",
        frozenset({"Au", "Ag"}),
    ),
    ComplianceDocument(
        "Licence to treat this waste, and its limits",
        "permit of the plant for this material, with the tonnes allowed per year",
        "law of the plant's country",
        jurisdictions=_INTERNATIONAL,
        roles=_TREATING,
        field="licence",
    ),
    ComplianceDocument(
        "Consignment note of each load",
        "the route of the waste from the collection point to the plant, where national law requires it",
        "law of the countries of collection and treatment",
        jurisdictions=_INTERNATIONAL,
        roles=_CARRYING,
    ),
    ComplianceDocument(
        "Licence to treat this waste, and its limits",
        "permit of the plant for this material, with the tonnes allowed per year",
        "law of the plant's country; in Japan the Waste Management Act",
        jurisdictions=_JAPAN,
        roles=_TREATING,
        field="licence",
    ),
    ComplianceDocument(
        "Approval of the recycling business plan (or commission by an approved operator)",
        "in Japan: that small appliances from households may be collected and treated across municipalities",
        "Small Home Appliance Recycling Act, article 10 (Japan, in force since April 2013)",
        jurisdictions=_JAPAN,
        roles=_TREATING,
    ),
    ComplianceDocument(
        "Waste manifest of each load",
        "in Japan: the route of industrial waste, signed at each hand-over",
        "Waste Management Act (Japan)",
        jurisdictions=_JAPAN,
        roles=_CARRYING,
    ),
    ComplianceDocument(
        "Notification with consents, and movement document of each load",
        "where a border is crossed: prior informed consent, for all electronic scrap since January 2025 (A1181, Y49)",
        "Basel Convention",
        roles=_CARRYING,
        abroad=True,
    ),
    ComplianceDocument(
        "Settlement sheet of each lot: weight, moisture, assay, umpire",
        "material received and metal payable for it; the metal account is checked against it",
        "toll-refining contract",
    ),
    ComplianceDocument(
        "Statement on recycled content and chain of custody",
        "by which rule the returned metal counts as recycled: here mass balance, not physical segregation",
        "the buyer; compare ISO 22095",
        field="chain_of_custody",
    ),
    ComplianceDocument(
        "Hand-over record of each load",
        "weight, date and place, and that the devices were discarded by their users: the recycled claim begins here",
        "the buyer; ISO 22095, RJC Chain of Custody (eligible recycled material)",
        roles=frozenset({COLLECTOR}),
    ),
    ComplianceDocument(
        _DATA_NAME,
        _DATA_PURPOSE,
        "the buyer; privacy law of the country of collection; compare NIST SP 800-88",
        jurisdictions=_INTERNATIONAL,
        roles=frozenset({COLLECTOR, OPERATOR}),
        field="data_destruction",
    ),
    ComplianceDocument(
        _DATA_NAME,
        _DATA_PURPOSE,
        "the buyer; in Japan the Act on the Protection of Personal Information; compare NIST SP 800-88",
        jurisdictions=_JAPAN,
        roles=frozenset({COLLECTOR, OPERATOR}),
        field="data_destruction",
    ),
    ComplianceDocument(
        "Record of batteries removed, and of where they went",
        "that batteries were taken out before crushing and smelting, and how stock is guarded against fire",
        "the buyer and the smelter; fire authority",
        roles=frozenset({OPERATOR}),
        field="batteries",
    ),
    ComplianceDocument(
        "Transport document of lithium batteries",
        "that batteries are packed and marked (UN 3480, in equipment UN 3481), damaged ones apart",
        "law on the transport of dangerous goods (UN Model Regulations)",
        roles=frozenset({COLLECTOR, CARRIER}),
        field="batteries",
    ),
    ComplianceDocument(
        "Licence to carry this waste",
        "permit of the carrier for this material and route",
        "law of the countries on the route",
        jurisdictions=_INTERNATIONAL,
        roles=frozenset({CARRIER}),
        field="licence",
    ),
    ComplianceDocument(
        "Licence to carry this waste",
        "permit of the carrier for this material and route",
        "Waste Management Act (Japan)",
        jurisdictions=_JAPAN,
        roles=frozenset({CARRIER}),
        field="licence",
    ),
    ComplianceDocument(
        "Notification of the storage of used appliances",
        "that a yard of used appliances that are not waste is known to the prefecture, with its fire protection",
        "Waste Management Act (Japan, hazardous used equipment, in force since April 2018)",
        jurisdictions=_JAPAN,
        roles=frozenset({COLLECTOR, OPERATOR}),
    ),
    ComplianceDocument(
        "Certificate of treatment: R2, e-Stewards or EN 50625",
        "that devices are treated by a recognised standard, by a plant that is audited for it",
        "the buyer",
        roles=frozenset({OPERATOR}),
        field="certificate",
    ),
    ComplianceDocument(
        "Declaration that nothing is exported or sold as equipment",
        "that devices handed over for recycling are recycled, and where their residues go",
        "the buyer; Basel Convention",
        roles=frozenset({OPERATOR}),
    ),
    ComplianceDocument(
        "Certificate of analysis of each delivery",
        "brand or grade, lot and fineness, found by whom",
        "purchase order",
        roles=frozenset({SELLER}),
        field="certificate",
    ),
    ComplianceDocument(
        "Transfer document of recycled metal for each delivery",
        "kilograms transferred with the claim, by segregation or mass balance, under a certificate that is valid",
        "the buyer; RJC Chain of Custody, ISO 22095",
        roles=frozenset({SELLER}),
        field="chain_of_custody",
    ),
    ComplianceDocument(
        "Account of recycled metal received, charged and claimed",
        "that no more is claimed than was credited, by supplier and date: the claim ledger of this plan with actuals",
        "the buyer; RJC Chain of Custody, ISO 22095 (mass balance)",
        roles=frozenset({MINT}),
        field="chain_of_custody",
    ),
    ComplianceDocument(
        "Assay of each heat",
        "fineness of each lot cast, with the lots of metal charged to it",
        "the buyer; hallmarking law where the medals are sold",
        roles=frozenset({MINT}),
        field="assay",
    ),
    ComplianceDocument(
        "Account of process scrap",
        "scrap generated, charged again and left, by alloy: it stays in the loop of the mint and is claimed once",
        "the buyer",
        roles=frozenset({MINT}),
    ),
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
        for paper in COMPLIANCE_DOCUMENTS:
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
