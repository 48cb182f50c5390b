"""Report as PDF: typst sets the layout `print.typ`, with charts as SVG."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from medalopt.errors import UsageError
from medalopt.report.charts import PICTURE_WIDTH, Chart, list_font_files, render_svg
from medalopt.report.document import Report, ReportTable, list_tables
from medalopt.report.render.text import BREAK_PATTERN, SummaryText, encode_document, format_table, split_summary

MOST_TABLE_ROWS = 200  # rows of a table on paper; the rest is summed, and listed in the workbook
LANDSCAPE_COLUMNS = 8  # columns of the widest table; with more the pages are landscape
_SUMMARY_CHART_WIDTH = 430  # pixels; two of them stand side by side on the first page
_PAGE_CHART_WIDTH = 700  # pixels, least width of other charts
_PAGE_CHART_RATIO = 0.55  # height by width of a chart of which two fill a page
_TIMESTAMP = 0  # of the file, fixed so that equal reports give equal bytes


def render_report_pdf(content: Report) -> bytes:
    """Render the report as tagged PDF.

    Raises:
        UsageError: If typst is not installed.
    """
    return bytes(_make_typst_compiler(content).compile(format="pdf", timestamp=_TIMESTAMP))


def _make_typst_compiler(content: Report) -> Any:
    """Return a typst compiler with the layout and the report as its input."""
    try:
        import typst
    except ImportError as error:
        raise UsageError(
            f"a print needs {error.name}, which is not installed: pip install 'medalopt[pdf,pictures]', "
            "or write the page (-o NAME.html) and print it from a browser"
        ) from error
    compiler: Any = typst.Compiler  # its type annotations are too narrow
    return compiler(
        resources.files("medalopt.report").joinpath("assets", "print.typ").read_bytes(),
        font_paths=sorted({str(Path(path).parent) for path in list_font_files()}),
        ignore_system_fonts=True,
        sys_inputs={"report": json.dumps(_encode_report(content), ensure_ascii=False, allow_nan=False)},
    )


def _encode_report(content: Report) -> dict[str, Any]:
    summary = split_summary(content)
    return {
        "title": content.title,
        "status": summary.status,
        "date": content.date,
        "summary": _encode_summary(content, summary),
        "sections": list(_encode_sections(content)),
        "documents": [
            encode_document(document, [_encode_table(table) for table in document.grouped or (document.lines,)])
            for document in content.documents
        ],
        "foot": content.foot,
        "wide": content.summary is None and _has_wide_table(content),
    }


def _has_wide_table(content: Report) -> bool:
    lines = (document.lines for document in content.documents)
    return any(
        len([column for column in table.columns if not column.hidden]) > LANDSCAPE_COLUMNS
        for table in (*list_tables(content), *lines)
    )


def _encode_summary(content: Report, summary: SummaryText) -> dict[str, Any]:
    """Return the first page: key figures, sentences, orders and two charts."""
    first = content.summary
    figures = [[figure.label, figure.value, figure.detail] for figure in summary.key_figures]
    if first is None:
        return {"figures": figures, "lines": summary.lines, "tables": [], "charts": [], "one_page": False}
    return {
        "figures": figures,
        "lines": first.risks,
        "tables": [_encode_table(first.orders)] if first.orders.rows else [],
        "charts": [_encode_chart(chart, _SUMMARY_CHART_WIDTH) for chart in first.charts],
        "one_page": True,
    }


def _encode_sections(content: Report, title: str = "") -> Iterator[dict[str, Any]]:
    """Yield the report itself without its first page, and each of its parts with its title."""
    first = content.summary
    of_charts = (
        []
        if content.plan or content.documents or first
        else [table for chart in content.charts for table in chart.tables]
    )
    tables = content.printed if content.printed is not None else content.tables
    charts = [chart for chart in content.charts if first is None or chart not in first.charts]
    yield {
        "title": title,
        "lines": content.headline if title else (),
        "charts": [_encode_chart(chart) for chart in charts],
        "tables": [
            _encode_table(table) for table in (*of_charts, *tables) if first is None or table not in first.tables
        ],
    }
    for part in content.parts:
        yield from _encode_sections(part, part.title)


def _encode_chart(chart: Chart, width: int | None = None) -> dict[str, Any]:
    """Return a chart as SVG, by default of a shape that two of them fill a page."""
    if width is None:
        width = min(PICTURE_WIDTH, max(_PAGE_CHART_WIDTH, round(chart.height / _PAGE_CHART_RATIO)))
    svg = render_svg(chart, title=False, width=width)
    return {"title": chart.title, "svg": svg, "notes": chart.notes, "ratio": chart.height / width}


def _encode_table(table: ReportTable) -> dict[str, Any]:
    formatted = format_table(table, table.most or MOST_TABLE_ROWS)
    return {
        "title": formatted.title,
        "says": table.description,
        "columns": [{"title": column.header, "right": column.right} for column in formatted.columns],
        "rows": [[BREAK_PATTERN.sub("\\1\u200b", cell) for cell in row] for row in formatted.rows],
        "total": formatted.total,
        "notes": formatted.notes,
    }
