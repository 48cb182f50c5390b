"""The sourcing plan as one HTML file that works without a network and prints well."""

from __future__ import annotations

from typing import Any

from medalopt.report.charts.htmlpage import html
from medalopt.report.sourcing.content import Content, Document
from medalopt.report.sourcing.written import section

MOST = 120  # rows of a table on the page; the rest is summed, and stands in the workbook


def page(content: Content) -> str:
    """Return the plan as a page: the decision, charts, tables, then every document, each on a sheet when printed."""
    return html(
        content.title,
        content.decision,
        (*content.charts, *(section(table, MOST) for table in content.tables)),
        content.foot,
        template="plan.html.j2",
        says=(*("" for _ in content.charts), *(table.says for table in content.tables)),
        documents=[_document(document) for document in content.documents],
    )


def _document(document: Document) -> dict[str, Any]:
    return {
        "title": f"{document.kind.capitalize()} {document.number}",
        "stamp": document.stamp,
        "party": document.party,
        "terms": document.terms,
        "missing": document.missing,
        "lines": section(document.lines),
        "notes": document.notes,
    }
