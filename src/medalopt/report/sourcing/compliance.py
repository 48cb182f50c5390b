"""Assumptions of the plan with their sources, and compliance documents by smelter with columns for own records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medalopt.instance.instance import Instance, SourceNote
from medalopt.instance.paths import ParameterPath, parse_path, render_path
from medalopt.instance.schema.fields_at_path import TABLE_SECTIONS
from medalopt.instance.source_values import SourceValues
from medalopt.plan.plan import Plan
from medalopt.report.document import CellValue, ReportColumn, ReportTable
from medalopt.text import format_count

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
    remarks = {_parse_path(source.path): source for source in instance.sources}
    listed = _parameter_rows(instance, source_values, remarks) if source_values is not None else _remark_rows(remarks)
    return (
        ReportTable("assumptions", "Assumptions", _ASSUMPTIONS_DESCRIPTION, columns, tuple(listed), _ASSUMPTIONS_NOTES),
    )


def _parse_path(path: str) -> ParameterPath:
    """Return the path of a source; the empty path is the whole file."""
    return parse_path(path) if path else ()


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
    return (path, figure, extract_marks(source), "; ".join(source.source), source.note)


def extract_marks(source: SourceNote) -> str:
    """Return the marks in a source and its note: seen, recalled, derived, estimated.

    Args:
        source: Source and note of a parameter.

    Returns:
        The marks in their order, without repetition; `unmarked` or `NO_SOURCE` where there is none.
    """
    result = _MARK_PATTERN.findall(" ".join((*source.source, source.note)))
    return ", ".join(dict.fromkeys(word.lower() for word in result)) or ("unmarked" if source.source else NO_SOURCE)


@dataclass(frozen=True)
class ComplianceDocument:
    """Compliance document, its purpose, who requires it, the metals it concerns and its jurisdictions (none: all)."""

    name: str
    purpose: str
    asked_by: str
    metals: frozenset[str] = frozenset()
    jurisdictions: frozenset[str] = frozenset()


_INTERNATIONAL, _JAPAN = frozenset({"international"}), frozenset({"JP"})
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
    ),
    ComplianceDocument(
        "Responsible Silver Guidance: compliance report and independent assurance report",
        "the same for silver",
        "LBMA",
        frozenset({"Ag"}),
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
    ),
    ComplianceDocument(
        "Consignment note of each load",
        "the route of the waste from the collection point to the plant, where national law requires it",
        "law of the countries of collection and treatment",
        jurisdictions=_INTERNATIONAL,
    ),
    ComplianceDocument(
        "Licence to treat this waste, and its limits",
        "permit of the plant for this material, with the tonnes allowed per year",
        "law of the plant's country; in Japan the Waste Management Act",
        jurisdictions=_JAPAN,
    ),
    ComplianceDocument(
        "Approval of the recycling business plan (or commission by an approved operator)",
        "in Japan: that small appliances from households may be collected and treated across municipalities",
        "Small Home Appliance Recycling Act, article 10 (Japan, in force since April 2013)",
        jurisdictions=_JAPAN,
    ),
    ComplianceDocument(
        "Waste manifest of each load",
        "in Japan: the route of industrial waste, signed at each hand-over",
        "Waste Management Act (Japan)",
        jurisdictions=_JAPAN,
    ),
    ComplianceDocument(
        "Notification with consents, and movement document of each load",
        "where a border is crossed: prior informed consent, for all electronic scrap since January 2025 (A1181, Y49)",
        "Basel Convention",
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
    ),
)


def tabulate_compliance_documents(plan: Plan) -> tuple[ReportTable, ...]:
    """Tabulate the compliance documents, by jurisdiction, of every smelter that receives feed.

    Args:
        plan: Plan to report.

    Returns:
        The table `papers`; none where no smelter receives feed.
    """
    account, instance = plan.account, plan.instance
    back = account.returned.sum(axis=2)  # (K, E)
    place = instance.annex.get("project", {}).get("jurisdiction", "international")
    papers = [paper for paper in COMPLIANCE_DOCUMENTS if not paper.jurisdictions or place in paper.jurisdictions]
    rows: list[tuple[CellValue, ...]] = []
    for smelter in np.flatnonzero(account.feed.sum(axis=1) > 0).tolist():
        metals = {instance.metals.names[e] for e in np.flatnonzero(back[smelter] > 0).tolist()}
        wanted = (paper for paper in papers if not paper.metals or paper.metals & metals)
        name = instance.smelters.names[smelter]
        rows += [(name, paper.name, paper.purpose, paper.asked_by, *("",) * 4) for paper in wanted]
    columns = (
        ReportColumn("smelter", "Smelter"),
        ReportColumn("paper", "Document"),
        ReportColumn("shows", "Content"),
        ReportColumn("asked_by", "Required by"),
        ReportColumn("reference", "Reference"),
        ReportColumn("valid_until", "Valid until"),
        ReportColumn("checked_by", "Checked by"),
        ReportColumn("checked_on", "Checked on"),
    )
    text = (
        "Documents required from each smelter for claims of recycled and responsibly sourced metal; blank columns are "
        "for your records."
    )
    notes = (
        "A checklist, not legal advice: applicability depends on the location of the plant and its feed. "
        "Regulations as of 2025.",
    )
    return (ReportTable("papers", "Compliance documents", text, columns, tuple(rows), notes),) if rows else ()
