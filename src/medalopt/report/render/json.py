"""Report as JSON; a sourcing plan as the plan of `solve --json`, with the report under `sourcing`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from medalopt.plan.digests import compute_part_digests, split_sourcing_parts
from medalopt.report.document import OrderDocument, Report, ReportTable, get_cell_value
from medalopt.report.plan_json import build_plan_members, render_json


def render_report_json(report: Report) -> str | Iterable[str]:
    """Render a report as one JSON object.

    Args:
        report: Report to render.

    Returns:
        The JSON text; by the writer of the report where it has one.
    """
    return report.json(report) if report.json else render_json(_encode_report(report))


def render_sourcing_json(report: Report) -> str:
    """Render plan and sourcing plan as one JSON object, which `medalopt verify` reads.

    Args:
        report: Sourcing plan with its plan.

    Returns:
        The JSON text, with a digest of each part.
    """
    assert report.plan is not None
    members = build_plan_members(report.plan)
    sourcing = _encode_report(report)
    digests = {**members.pop("digests"), **compute_part_digests("json", split_sourcing_parts(sourcing))}
    return render_json({**members, "sourcing": sourcing, "digests": digests})


def _encode_report(report: Report) -> dict[str, Any]:
    """Return the report for JSON: tables by key, each row by the keys of its columns."""
    return {
        "title": report.title,
        "decision": list(report.headline),
        "tables": {table.key: _encode_table(table) for table in report.tables},
        "documents": [_encode_document(document) for document in report.documents],
        "foot": list(report.foot),
        **({"date": report.date} if report.date else {}),
    }


def _encode_table(table: ReportTable) -> dict[str, Any]:
    keys = [column.key for column in table.columns]
    return {
        "title": table.title,
        "says": table.description,
        "units": {column.key: column.unit for column in table.columns if column.unit},
        "rows": [dict(zip(keys, map(get_cell_value, row), strict=True)) for row in table.rows],
        "notes": list(table.notes),
    }


def _encode_document(document: OrderDocument) -> dict[str, Any]:
    return {
        "kind": document.kind,
        "number": document.number,
        "stamp": document.stamp,
        "missing": list(document.missing),
        "party": dict(document.party),
        "terms": dict(document.terms),
        "lines": _encode_table(document.lines),
        "notes": list(document.notes),
    }
