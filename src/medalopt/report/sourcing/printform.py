"""Report as PDF: typst sets the layout `print.typ`, with charts as SVG."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

from medalopt.errors import UsageError
from medalopt.report.charts.drawing import faces, svg
from medalopt.report.sourcing.content import Column, Content, Document, Table
from medalopt.report.sourcing.written import section

MOST = 200  # rows of a table on paper; the rest is summed, and listed in the workbook
WIDE = 8  # columns of the widest table; with more the pages are landscape
_JOINT = re.compile(r"(?<=\w)([@_/])(?=\w)")  # a line may be broken after it
_DATED = 0  # of the file, fixed so that equal reports give equal bytes


def pdf(content: Content) -> bytes:
    """Render the report as tagged PDF.

    Args:
        content: Report to render.

    Returns:
        The bytes of the file.

    Raises:
        UsageError: If typst is not installed.
    """
    return bytes(compiler(content).compile(format="pdf", timestamp=_DATED))


def compiler(content: Content) -> Any:
    """Return a typst compiler with the layout and the report as its input.

    Args:
        content: Report to render.

    Returns:
        The compiler.

    Raises:
        UsageError: If typst is not installed.
    """
    try:
        import typst
    except ImportError as error:
        raise UsageError(
            f"a print needs {error.name}, which is not installed: pip install 'medalopt[pdf,pictures]', "
            "or write the page (-o NAME.html) and print it from a browser"
        ) from error
    made: Any = typst.Compiler  # its type annotations are too narrow
    return made(
        resources.files("medalopt.report").joinpath("assets", "print.typ").read_bytes(),
        font_paths=sorted({str(Path(path).parent) for path in faces()}),
        ignore_system_fonts=True,
        sys_inputs={"told": json.dumps(_told(content), ensure_ascii=False, allow_nan=False)},
    )


def _told(content: Content) -> dict[str, Any]:
    return {
        "title": content.title,
        "name": content.title,
        "decision": content.decision,
        "charts": [
            {"title": chart.title, "svg": svg(chart, title=False), "notes": chart.notes} for chart in content.charts
        ],
        "tables": [_table(table) for table in content.tables],
        "documents": [_document(document) for document in content.documents],
        "foot": content.foot,
        "wide": any(len(_shown(table)) > WIDE for table in _all(content)),
    }


def _all(content: Content) -> tuple[Table, ...]:
    return (*content.tables, *(document.lines for document in content.documents))


def _shown(table: Table) -> list[Column]:
    return [column for column in table.columns if not column.hidden]


def _table(table: Table) -> dict[str, Any]:
    told = section(table, MOST)
    return {
        "title": told.title,
        "says": table.says,
        "columns": [{"title": column.header, "right": column.right} for column in told.columns],
        "rows": [[_JOINT.sub("\\1\u200b", cell) for cell in row] for row in told.rows],
        "total": told.total,
        "notes": told.notes,
    }


def _document(document: Document) -> dict[str, Any]:
    return {
        "title": f"{document.kind.capitalize()} {document.number}",
        "stamp": document.stamp,
        "party": document.party,
        "terms": document.terms,
        "missing": document.missing,
        "lines": _table(document.lines),
        "notes": document.notes,
    }
