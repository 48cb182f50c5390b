"""Compliance documents of responsible sourcing by smelter, with blank columns for the planner's records."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.plan.plan import Plan
from medalopt.report.sourcing.content import Cell, Column, Table


@dataclass(frozen=True)
class Paper:
    """Compliance document, its purpose, who requires it, and the metals it concerns (none named: all)."""

    name: str
    shows: str
    asked_by: str
    metals: frozenset[str] = frozenset()


PAPERS = (
    Paper(
        "Supply chain policy",
        "that the firm refuses metal of conflict, forced labour and laundering, and who answers for it",
        "OECD Due Diligence Guidance for minerals, step 1",
    ),
    Paper(
        "Report on due diligence of the last year",
        "what risks were found in the supply chain and what was done about them",
        "OECD Due Diligence Guidance for minerals, step 5",
    ),
    Paper(
        "Responsible Gold Guidance: certificate and independent assurance report",
        "that the refiner passed the yearly review that the Good Delivery List rests on",
        "LBMA",
        frozenset({"Au"}),
    ),
    Paper(
        "Responsible Silver Guidance: compliance report and independent assurance report",
        "the same for silver",
        "LBMA",
        frozenset({"Ag"}),
    ),
    Paper(
        "Listing as conformant refiner of gold",
        "an independent assessment of the plant; an LBMA audit of gold is recognised in its place",
        "Responsible Minerals Assurance Process (RMAP)",
        frozenset({"Au"}),
    ),
    Paper(
        "Responsible sourcing of the brand of copper; ISO 14001 and ISO 45001 certificates",
        "that the brand may be delivered on the exchange, where the plant has one",
        "London Metal Exchange",
        frozenset({"Cu"}),
    ),
    Paper(
        "Answers to the refiner's questions on the supplier (KYC)",
        "to the refiner, who we are: registration, owners, where the recycled goods were collected",
        "LBMA; OECD gold supplement",
        frozenset({"Au", "Ag"}),
    ),
    Paper(
        "Licence to treat this waste, and its limits",
        "that the plant may take these goods, and how much of them in a year",
        "law of the plant's country; in Japan the Waste Management Act",
    ),
    Paper(
        "Approval of the recycling business plan (or commission by an approved operator)",
        "in Japan: that small appliances from households may be collected and treated across municipalities",
        "Small Home Appliance Recycling Act, article 10 (Japan, in force since April 2013)",
    ),
    Paper(
        "Waste manifest of each load",
        "in Japan: the way of goods that count as industrial waste, signed at each hand-over",
        "Waste Management Act (Japan)",
    ),
    Paper(
        "Notification with consents, and movement document of each load",
        "where a border is crossed: prior informed consent, for all electronic scrap since January 2025 (A1181, Y49)",
        "Basel Convention",
    ),
    Paper(
        "Settlement sheet of each lot: weight, moisture, assay, umpire",
        "what was received and what metal is owed for it; it is what the metal account is checked against",
        "toll-refining contract",
    ),
    Paper(
        "Statement on recycled content and chain of custody",
        "by which rule the returned metal counts as recycled: here mass balance, not physical segregation",
        "the organising committee; compare ISO 22095",
    ),
)


def tables(plan: Plan) -> tuple[Table, ...]:
    """Tabulate the compliance documents of every smelter that receives feed.

    Args:
        plan: Plan to report.

    Returns:
        The table `papers`; none where no smelter receives feed.
    """
    account, instance = plan.account, plan.instance
    back = account.returned.sum(axis=2)  # (K, E)
    rows: list[tuple[Cell, ...]] = []
    for smelter in np.flatnonzero(account.feed.sum(axis=1) > 0).tolist():
        metals = {instance.metals.names[e] for e in np.flatnonzero(back[smelter] > 0).tolist()}
        wanted = (paper for paper in PAPERS if not paper.metals or paper.metals & metals)
        name = instance.smelters.names[smelter]
        rows += [(name, paper.name, paper.shows, paper.asked_by, *("",) * 4) for paper in wanted]
    columns = (
        Column("smelter", "Smelter"),
        Column("paper", "Paper"),
        Column("shows", "What it shows"),
        Column("asked_by", "Asked for by"),
        Column("reference", "Number or reference"),
        Column("valid_until", "Valid until"),
        Column("checked_by", "Checked by"),
        Column("checked_on", "Checked on"),
    )
    says = (
        "What to have from each smelter before metal is called recycled and responsibly sourced. The blanks are ours."
    )
    notes = (
        "A reminder, not legal advice: which of them apply depends on where the plant stands and what it is sent. "
        "Rules as of 2025.",
    )
    return (Table("papers", "Papers to have from each smelter", says, columns, tuple(rows), notes),) if rows else ()
