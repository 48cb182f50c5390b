"""Names of a workbook's sheets, and its first sheet: status, key figures, orders to sign, main risks and two charts."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from medalopt.errors import UsageError
from medalopt.plan.workbook import EDITABLE_TABLES, name_visible_sheet
from medalopt.report.charts import PICTURE_WIDTH, Chart, render_png
from medalopt.report.document import Report, ReportTable, list_order_lines, list_tables, sum_column
from medalopt.report.render.formatted_table import split_summary
from medalopt.report.render.worksheet import (
    SheetNames,
    WorkbookWriter,
    compute_text_height,
    set_print_layout,
    write_cell,
)

_WIDTHS = (16, 20, 12, 38, 12, 16, 12, 18)  # characters of the columns of orders
_FIGURE_SPANS = ((0, 0), (1, 2), (3, 7))  # columns of label, value and detail of a key figure
_LAST = len(_WIDTHS) - 1
_CHART_COLUMN, _CHART_COLUMNS = 9, 10
_CHART_WIDTH = 640  # pixels
_CHART_SCALE = 0.5  # of pictures that are drawn at twice their size
_ROW_HEIGHT = 20  # pixels


def draw_charts(charts: tuple[Chart, ...], width: int = PICTURE_WIDTH) -> list[tuple[Chart, bytes]]:
    """Draw charts as PNG.

    Args:
        charts: Charts.
        width: Width [pixels].

    Returns:
        Each with its picture; none where the drawing libraries are not installed.
    """
    try:
        return [(chart, render_png(chart, width)) for chart in charts]
    except UsageError:
        return []


def insert_picture(sheet: Any, row: int, column: int, chart: Chart, png: bytes, scale: float) -> None:
    """Insert the picture of a chart with its title as the text for screen readers."""
    options = {
        "image_data": io.BytesIO(png),
        "x_scale": scale,
        "y_scale": scale,
        "description": chart.title[:250],
        "object_position": 2,
    }
    sheet.insert_image(row, column, "chart.png", options)


def write_summary_sheet(writer: WorkbookWriter, names: SheetPlan, report: Report) -> None:
    """Write the first sheet of a report."""
    assert report.summary is not None
    sheet = writer.add_sheet(names.summary)
    for position, width in enumerate(_WIDTHS):
        sheet.set_column(position, position, width)
    sheet.set_column(_LAST + 1, _LAST + 1, 2)
    summary = report.summary
    _write_span(writer, sheet, 0, (0, _LAST), report.title, "title")
    sheet.set_row(0, 1.6 * compute_text_height(report.title, sum(_WIDTHS) / 1.6))
    _write_span(writer, sheet, 1, (0, 4), split_summary(report).status, "strong")
    _write_span(writer, sheet, 1, (5, _LAST), report.date, "strong")
    row = 2
    if names.contents:
        sheet.write_url(2, 0, f"internal:'{names.contents}'!A1", writer.get_format("link"), "all sheets")
        row = 3
    row = _write_figures(writer, sheet, row + 1, summary.figures)
    row = _write_orders(writer, sheet, row + 1, summary.orders)
    if summary.risks:
        row = _write_text(writer, sheet, row + 1, "Main risks", "heading")
        for line in summary.risks:
            row = _write_text(writer, sheet, row, line, "text")
    bottom = _insert_charts(sheet, summary.charts)
    last_column = _CHART_COLUMN + _CHART_COLUMNS - 1 if bottom else _LAST
    set_print_layout(sheet, max(row, bottom), last_column, landscape=True, head=writer.head, date=writer.date)
    sheet.fit_to_pages(1, 1)
    sheet.activate()


def _write_span(writer: WorkbookWriter, sheet: Any, row: int, span: tuple[int, int], value: str, style: str) -> None:
    """Write text into merged columns."""
    first, last = span
    form = writer.get_format(style)
    if last > first:
        sheet.merge_range(row, first, row, last, "", form)
    write_cell(sheet, row, first, value, form)


def _write_text(writer: WorkbookWriter, sheet: Any, row: int, text: str, style: str) -> int:
    _write_span(writer, sheet, row, (0, _LAST), text, style)
    sheet.set_row(row, compute_text_height(text, sum(_WIDTHS)))
    return row + 1


def _write_figures(writer: WorkbookWriter, sheet: Any, row: int, figures: ReportTable) -> int:
    """Write the key figures, and return the row after the empty one below."""
    for column, span in zip(figures.columns, _FIGURE_SPANS, strict=True):
        _write_span(writer, sheet, row, span, column.title, "header")
    for cells in figures.rows:
        row += 1
        for cell, span, style in zip(cells, _FIGURE_SPANS, ("text", "strong", "text"), strict=True):
            _write_span(writer, sheet, row, span, str(cell or ""), style)
    return row + 1


def _write_orders(writer: WorkbookWriter, sheet: Any, row: int, orders: ReportTable) -> int:
    """Write the orders to sign with their total, and return the row after their notes."""
    row = _write_text(writer, sheet, row, orders.title, "heading")
    row = _write_text(writer, sheet, row, orders.description, "faint") + 1
    for position, column in enumerate(orders.columns):
        style = "header" if column.unit is None else "figures header"
        write_cell(sheet, row, position, column.title, writer.get_format(style))
    for cells in orders.rows:
        row += 1
        for position, (cell, column, width) in enumerate(zip(cells, orders.columns, _WIDTHS, strict=True)):
            write_cell(sheet, row, position, cell, writer.number_format(column))
            if isinstance(cell, str) and len(cell) > width:
                sheet.set_row(row, compute_text_height(cell, width - 2))
    if any(column.total for column in orders.columns):
        row += 1
        write_cell(sheet, row, 0, "Total", writer.get_format("strong"))
        for position, column in enumerate(orders.columns):
            if column.total:
                write_cell(sheet, row, position, sum_column(orders, position), writer.number_format(column, total=True))
    row += 1 + bool(orders.notes)
    for note in orders.notes:
        row = _write_text(writer, sheet, row, note, "faint")
    return row


def _insert_charts(sheet: Any, charts: tuple[Chart, ...]) -> int:
    """Insert the charts beside the tables, and return the row below them; 0 where none is drawn."""
    row = 1
    drawn = draw_charts(charts, _CHART_WIDTH)
    for chart, png in drawn:
        insert_picture(sheet, row, _CHART_COLUMN, chart, png, _CHART_SCALE)
        row += int((chart.height + 60) * 2 * _CHART_SCALE) // _ROW_HEIGHT + 2
    return row if drawn else 0


@dataclass(frozen=True)
class SheetPlan:
    """Names of the sheets: first page and contents ('' where there is none), pictures, and by key or number the rest.

    `lines` are the data sheets with the exact lines of the orders, which are empty where these have no grouped lines.
    """

    summary: str
    contents: str
    pictures: str
    decisions: Mapping[str, str]
    tables: Mapping[str, str]
    documents: Mapping[str, str]
    lines: Mapping[str, str]

    @property
    def front(self) -> str:
        """Sheet that lists the others: name; the first page where there is no other."""
        return self.contents or self.summary


def list_sheet_tables(report: Report) -> tuple[ReportTable, ...]:
    """Return the tables with a sheet of their own: all but those of the first page.

    Returns:
        The tables in their order.
    """
    first = () if report.summary is None else tuple(table.key for table in report.summary.tables)
    return tuple(table for table in list_tables(report) if table.key not in first)


def list_line_tables(report: Report) -> tuple[ReportTable, ...]:
    """Return the data sheets of exact order lines; none where the documents show their lines themselves.

    Returns:
        A table for each kind of document, without totals, which would add up different goods.
    """
    tables = list_order_lines([document for document in report.documents if document.grouped])
    return tuple(
        replace(table, columns=tuple(replace(column, total=False) for column in table.columns)) for table in tables
    )


def plan_sheets(report: Report, names: SheetNames) -> SheetPlan:
    """Name the sheets of a report.

    Args:
        report: Report.
        names: Names of the workbook, in which those of the sheets are reserved.
    """
    alone = report.summary is not None and not (report.plan or report.documents)
    summary = names.name_sheet("Summary") if report.summary is not None else ""
    cover = "Contents" if summary else "Decision" if report.plan or report.documents else "Summary"
    contents = "" if alone else names.name_sheet(cover)
    decisions = {key: names.name_sheet(name_visible_sheet(key)) for key in (EDITABLE_TABLES if report.plan else ())}
    pictures = names.name_sheet("Pictures")
    tables = {table.key: names.name_table_sheet(table.title, table.key) for table in list_sheet_tables(report)}
    documents = {
        document.number: names.name_document_sheet(document.number, document.party[0][1])
        for document in report.documents
    }
    lines = {table.key: names.name_table_sheet(table.title, table.key) for table in list_line_tables(report)}
    return SheetPlan(summary, contents, pictures, decisions, tables, documents, lines)
