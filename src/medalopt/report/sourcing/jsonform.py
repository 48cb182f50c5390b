"""Report as JSON: the plan as `solve --json` gives it, with the report under `sourcing`."""

from __future__ import annotations

from typing import Any

from medalopt.plan.digests import digest_parts, sourcing_parts
from medalopt.plan.plan import Plan
from medalopt.report.jsonplan import members, text
from medalopt.report.sourcing.content import Content, Document, Table


def as_json(content: Content, plan: Plan) -> str:
    """Render plan and report as one JSON object, which `medalopt verify` reads.

    Args:
        content: Report to render.
        plan: Plan of the report.

    Returns:
        The JSON text, with a digest of each part.
    """
    told = members(plan)
    said = sourcing(content)
    digests = {**told.pop("digests"), **digest_parts("json", sourcing_parts(said))}
    return text({**told, "sourcing": said, "digests": digests})


def sourcing(content: Content) -> dict[str, Any]:
    """Return the report for JSON: tables by key, each row by the keys of its columns."""
    return {
        "title": content.title,
        "decision": list(content.decision),
        "tables": {table.key: _table(table) for table in content.tables},
        "documents": [_document(document) for document in content.documents],
        "foot": list(content.foot),
    }


def _table(table: Table) -> dict[str, Any]:
    keys = [column.key for column in table.columns]
    return {
        "title": table.title,
        "says": table.says,
        "units": {column.key: column.unit for column in table.columns if column.unit},
        "rows": [dict(zip(keys, row, strict=True)) for row in table.rows],
        "notes": list(table.notes),
    }


def _document(document: Document) -> dict[str, Any]:
    return {
        "kind": document.kind,
        "number": document.number,
        "stamp": document.stamp,
        "missing": list(document.missing),
        "party": dict(document.party),
        "terms": dict(document.terms),
        "lines": _table(document.lines),
        "notes": list(document.notes),
    }
