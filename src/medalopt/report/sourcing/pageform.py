"""Report as one HTML file that works offline and prints well."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from medalopt.report.charts.htmlpage import html
from medalopt.report.section import Section
from medalopt.report.sourcing.content import Content, Document, Table
from medalopt.report.sourcing.written import folded, section

MOST = 50  # rows of a table on the page; the rest is summed, and listed in the workbook
LINES = 40  # of a document; a longer one is shown as sums over the periods and by period
_WHOLE = "Line by line, period by period: in the workbook, the print, and lines.csv of the folder."


def page(content: Content) -> str:
    """Render the report as HTML: summary, charts, tables, and every document on a printed page of its own.

    Args:
        content: Report to render.

    Returns:
        The HTML text.
    """
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
        "lines": document_lines(document.lines),
        "notes": document.notes,
    }


def document_lines(lines: Table) -> tuple[Section, ...]:
    """Format the lines of a document for the page.

    Args:
        lines: Lines of the document.

    Returns:
        All lines, or for more than `MOST_DOCUMENT_LINES` their sums over the periods and by period.
    """
    if len(lines.rows) <= LINES:
        return (section(lines),)
    by_name, by_period = folded(lines)
    shown = [section(part) for part in (by_name, by_period) if part.rows]
    return (*shown[:-1], replace(shown[-1], notes=(*shown[-1].notes, _WHOLE)))
