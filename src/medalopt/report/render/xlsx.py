"""Report as an Excel workbook: cover sheet, pictures, and a sheet for each table and order document.

`medalopt verify` reads the workbook of a plan: editable decisions, and the plan as it was made on hidden sheets.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import xlsxwriter

from medalopt.errors import UsageError
from medalopt.plan.digests import compute_part_digests
from medalopt.plan.workbook import EDITABLE_TABLES, name_hidden_sheet, name_visible_sheet
from medalopt.report.charts.chart import Chart
from medalopt.report.document import (
    CellValue,
    FieldPairs,
    OrderDocument,
    Report,
    ReportColumn,
    ReportTable,
    list_charts,
    list_tables,
)
from medalopt.report.plan_csv import render_csv_folder
from medalopt.report.render.formatted_table import fix_digits
from medalopt.report.render.worksheet import (
    CREATION_DATE,
    WorkbookWriter,
    clean_cell_text,
    compute_text_height,
    measure_widths,
    set_print_layout,
    write_cell,
    write_merged,
    write_table,
)

_DECISION_UNITS = {"tonnes": ("t", 3), "kg": ("kg", 4)}
_DECISION_DESCRIPTIONS = {
    "shipments": "Tonnes of every stream by treatment, smelter and period.",
    "purchases": "Kilograms of every offer by alloy and period.",
    "stockpiles": "Tonnes of every stream that wait at the end of a period.",
}
_EDITABLE_NOTE = (
    "May be changed: `medalopt verify` then says what breaks and what it costs. The heads stay as they are."
)


def _tabulate_decisions(record: Mapping[str, str], currency: str) -> list[ReportTable]:
    """Return the decisions of the plan as tables that may be edited."""
    result = []
    for key in EDITABLE_TABLES:
        header, *rows = csv.reader(io.StringIO(record[f"{key}.csv"], newline=""))
        columns = tuple(_decision_column(name, currency) for name in header)
        if rows:
            cells = tuple(tuple(map(_decision_cell, row, columns)) for row in rows)
            result.append(
                ReportTable(
                    key, name_visible_sheet(key), f"{_DECISION_DESCRIPTIONS[key]} {_EDITABLE_NOTE}", columns, cells
                )
            )
    return result


def _decision_column(name: str, currency: str) -> ReportColumn:
    unit, digits = {**_DECISION_UNITS, "cost": (currency, 0)}.get(name, (None, 0))
    return ReportColumn(name, name, unit, digits, total=unit is not None and name != "cost")


def _decision_cell(value: str, column: ReportColumn) -> CellValue:
    return _strip_guard(value) if column.unit is None else float(value)


def _strip_guard(value: str) -> str:
    return value[1:] if value.startswith("'") else value


def _write_hidden_sheets(writer: WorkbookWriter, record: Mapping[str, str]) -> Callable[[Mapping[str, str]], None]:
    """Add the CSV files of the plan as hidden sheets; return a function that appends digests of visible sheets."""
    ends: dict[str, tuple[Any, int]] = {}
    for name, content in record.items():
        sheet: Any = writer.book.add_worksheet(writer.names.name_sheet(name_hidden_sheet(name.removesuffix(".csv"))))
        for number, row in enumerate(csv.reader(io.StringIO(content, newline=""))):
            for position, value in enumerate(row):
                if value:
                    sheet.write_string(number, position, clean_cell_text(_strip_guard(value)))
            ends[name] = sheet, number + 1
        sheet.hide()

    def write(digests: Mapping[str, str]) -> None:
        sheet, row = ends["plan.csv"]
        for number, (name, value) in enumerate(digests.items(), start=row):
            sheet.write_string(number, 0, f"digests.{name}")
            sheet.write_string(number, 1, value)

    return write


BLANK_FIELD = "to be filled in"
_LABEL_WIDTH = 22  # characters of the column of field names
_LEAST_TEXT_WIDTH = 80  # characters; least width of the text above and below a table


def _write_table_sheet(writer: WorkbookWriter, name: str, front: str, table: ReportTable) -> Any:
    """Add a sheet with a table, and a link back to the cover sheet `front`."""
    sheet = writer.add_sheet(name)
    last = _set_column_widths(sheet, table)
    wide = sum(measure_widths(table))
    write_merged(sheet, 0, last, table.title, writer.get_format("title"))
    sheet.set_row(0, 1.6 * compute_text_height(table.title, wide / 1.6))
    write_merged(sheet, 1, last, table.description, writer.get_format("text"))
    sheet.set_row(1, compute_text_height(table.description, max(wide, _LEAST_TEXT_WIDTH)))
    sheet.write_url(2, 0, f"internal:'{front}'!A1", writer.get_format("link"), "to the first sheet")
    end = write_table(writer, sheet, 3, table)
    end = _write_notes(writer, sheet, end + 1, last, table.notes, max(wide, _LEAST_TEXT_WIDTH))
    sheet.freeze_panes(4, 1)
    sheet.repeat_rows(3)
    set_print_layout(sheet, end - 1, last, landscape=True)
    return sheet


def _write_document_sheet(writer: WorkbookWriter, name: str, front: str, document: OrderDocument) -> Any:
    """Add a sheet with an order document, stamped while it is a draft, in print too."""
    sheet = writer.add_sheet(name)
    last = max(_set_column_widths(sheet, document.lines, _LABEL_WIDTH), 2)
    wide = max(sum(measure_widths(document.lines)), _LEAST_TEXT_WIDTH)
    write_merged(sheet, 0, last, f"{document.kind.capitalize()} {document.number}", writer.get_format("title"))
    sheet.set_row(0, 24)
    row = 1
    if document.stamp:
        write_merged(sheet, row, last, document.stamp, writer.get_format("stamp"))
        sheet.set_row(row, 24)
        row += 1
    sheet.write_url(row, 0, f"internal:'{front}'!A1", writer.get_format("link"), "to the first sheet")
    row = _write_pairs(writer, sheet, row + 1, last, wide, "Party", document.party)
    row = _write_pairs(writer, sheet, row + 1, last, wide, "Terms", document.terms)
    write_merged(sheet, row + 1, last, document.lines.title, writer.get_format("heading"))
    sheet.repeat_rows(row + 2)
    row = write_table(writer, sheet, row + 2, document.lines) + 1
    missing = [f"Before this is an order: {one}" for one in document.missing]
    row = _write_notes(writer, sheet, row, last, (*missing, *document.lines.notes, *document.notes), wide)
    set_print_layout(sheet, row - 1, last, landscape=wide > 2 * _LEAST_TEXT_WIDTH, stamp=document.stamp)
    return sheet


def _set_column_widths(sheet: Any, table: ReportTable, first: int = 0) -> int:
    """Set the column widths, hide columns for machines, and return the index of the last column."""
    for position, (column, width) in enumerate(zip(table.columns, measure_widths(table), strict=True)):
        sheet.set_column(
            position,
            position,
            width if position else max(first, width),
            None,
            {"hidden": True} if column.hidden else {},
        )
    return len(table.columns) - 1


def _write_pairs(
    writer: WorkbookWriter, sheet: Any, row: int, last: int, wide: int, title: str, pairs: FieldPairs
) -> int:
    write_merged(sheet, row, last, title, writer.get_format("heading"))
    for field, value in pairs:
        row += 1
        write_cell(sheet, row, 0, field, writer.get_format("strong"))
        form = writer.get_format("text" if value else "missing")
        sheet.merge_range(row, 1, row, last, "", form)
        write_cell(sheet, row, 1, value or BLANK_FIELD, form)
        sheet.set_row(row, max(compute_text_height(value, wide * 0.7), compute_text_height(field, wide * 0.25)))
    return row + 1


def _write_notes(writer: WorkbookWriter, sheet: Any, row: int, last: int, notes: tuple[str, ...], wide: int) -> int:
    for note in notes:
        write_merged(sheet, row, last, note, writer.get_format("faint"))
        sheet.set_row(row, compute_text_height(note, wide))
        row += 1
    return row


_COVER_WIDTHS = (34, 56, 24)
_MOST_TITLE_CHARACTERS = 120  # characters
_TABLES_HINT = (
    "Lists are Excel tables: filter and sort them by their heads; totals are of the rows shown. "
    "Figures are held in full and shown rounded."
)
_EDITING_HINT = (
    "Shipments, Purchases and Stockpiles hold every decision. Change them as you need and ask "
    "`medalopt verify` what that breaks and costs; hidden sheets hold the plan as it was made, to compare with."
)


class _SheetEntry(NamedTuple):
    """Sheet in the contents: name, description, state, and its title where that differs."""

    name: str
    description: str
    state: str = ""
    title: str = ""


def _write_cover_sheet(
    writer: WorkbookWriter,
    sheet: Any,
    report: Report,
    entries: list[_SheetEntry],
    documents: list[_SheetEntry],
    edits: bool,
) -> None:
    """Write the cover sheet."""
    for position, width in enumerate(_COVER_WIDTHS):
        sheet.set_column(position, position, width)
    write_merged(sheet, 0, 2, report.title, writer.get_format("title"))
    sheet.set_row(0, 26)
    row = _write_lines(writer, sheet, 1, report.headline, "text")
    for part in report.parts:
        write_merged(sheet, row + 1, 2, part.title, writer.get_format("heading"))
        row = _write_lines(writer, sheet, row + 2, part.headline, "text")
    if entries:
        row = _write_entries(writer, sheet, row + 1, "The sheets", entries)
    row = _write_lines(writer, sheet, row, (_TABLES_HINT, _EDITING_HINT) if edits else (_TABLES_HINT,), "faint")
    if documents:
        row = _write_entries(writer, sheet, row + 1, "The documents", documents)
    if report.foot:
        write_merged(sheet, row + 1, 2, "What it rests on", writer.get_format("heading"))
        row = _write_lines(writer, sheet, row + 2, report.foot, "faint")
    sheet.freeze_panes(1, 0)
    set_print_layout(sheet, row - 1, 2, landscape=False)
    sheet.activate()


def _write_lines(writer: WorkbookWriter, sheet: Any, row: int, lines: tuple[str, ...], style: str) -> int:
    for line in lines:
        write_merged(sheet, row, 2, line, writer.get_format(style))
        sheet.set_row(row, compute_text_height(line, sum(_COVER_WIDTHS)))
        row += 1
    return row


def _write_entries(writer: WorkbookWriter, sheet: Any, row: int, title: str, entries: list[_SheetEntry]) -> int:
    write_merged(sheet, row, 2, title, writer.get_format("heading"))
    for entry in entries:
        row += 1
        title = clean_cell_text(entry.title or entry.name)[:_MOST_TITLE_CHARACTERS]
        sheet.write_url(row, 0, f"internal:'{_quote_sheet_name(entry.name)}'!A1", writer.get_format("entry"), title)
        if entry.state:
            write_cell(sheet, row, 1, entry.description, writer.get_format("text"))
            write_cell(sheet, row, 2, entry.state, writer.get_format("missing"))
        else:
            sheet.merge_range(row, 1, row, 2, "", writer.get_format("text"))
            write_cell(sheet, row, 1, entry.description, writer.get_format("text"))
        wide = _COVER_WIDTHS[1] + (0 if entry.state else _COVER_WIDTHS[2])
        sheet.set_row(
            row, max(compute_text_height(entry.description, wide), compute_text_height(title, _COVER_WIDTHS[0]))
        )
    return row + 1


def _quote_sheet_name(name: str) -> str:
    return name.replace("'", "''")


_WORKBOOK_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_PICTURES_PER_PAGE, _PRINT_SCALE = 2, 75  # pictures on a printed page, and the print scale in per cent
_PICTURE_SCALE = 0.5  # pictures are drawn at twice their size


class _DrawnChart(NamedTuple):
    """Chart with its picture."""

    chart: Chart
    png: bytes


def render_report_xlsx(report: Report) -> bytes:
    """Render the report as an .xlsx file; that of a plan can be edited, and `medalopt verify` reads it back.

    Args:
        report: Report to render.

    Returns:
        The bytes of the file.
    """
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, _WORKBOOK_OPTIONS)
    book.set_properties({"title": report.title[:200], "created": CREATION_DATE})
    writer = WorkbookWriter(book)
    record = {} if report.plan is None else render_csv_folder(report.plan)
    front = writer.names.name_sheet("Decision" if record or report.documents else "Summary")
    sheet = writer.add_sheet(front)
    decisions = _tabulate_decisions(record, report.plan.instance.currency) if report.plan else []
    reserved = [writer.names.name_sheet(table.title) for table in decisions]
    seal = _write_hidden_sheets(writer, record)
    pictures = _add_picture_sheet(writer, front, list_charts(report))
    entries = [
        *([pictures] if pictures else []),
        *(_add_table_sheet(writer, front, table) for table in list_tables(report)),
    ]
    documents = []
    for document in report.documents:
        name = writer.names.name_sheet(f"{document.number} {document.kind}")
        _write_document_sheet(writer, name, front, document)
        party = next((value for _, value in document.party if value), "")
        documents.append(_SheetEntry(name, f"{document.kind.capitalize()}: {party}", document.stamp))
    for table, name in zip(decisions, reserved, strict=True):
        _write_table_sheet(writer, name, front, table)
        entries.append(_SheetEntry(name, table.description))
    _write_cover_sheet(writer, sheet, report, entries, documents, bool(record))
    if record:
        seal(compute_part_digests("xlsx", {name: sheet.rows for name, sheet in writer.sheets.items()}))
    book.close()
    return buffer.getvalue()


def _add_table_sheet(writer: WorkbookWriter, front: str, table: ReportTable) -> _SheetEntry:
    name = writer.names.name_sheet(table.title)
    _write_table_sheet(writer, name, front, fix_digits(table))
    return _SheetEntry(name, table.description, title=table.title)


def _add_picture_sheet(writer: WorkbookWriter, front: str, charts: tuple[Chart, ...]) -> _SheetEntry | None:
    """Add a sheet of pictures; none without charts or without the drawing libraries."""
    drawn = _draw_charts(charts)
    if not drawn:
        return None
    name = writer.names.name_sheet("Pictures")
    sheet = writer.add_sheet(name)
    sheet.set_column(0, 0, 118)
    breaks = []
    sheet.write_url(0, 0, f"internal:'{front}'!A1", writer.get_format("link"), "to the first sheet")
    row = 1
    for number, (chart, png) in enumerate(drawn):
        if number and number % _PICTURES_PER_PAGE == 0:
            breaks.append(row)
        options = {
            "image_data": io.BytesIO(png),
            "x_scale": _PICTURE_SCALE,
            "y_scale": _PICTURE_SCALE,
            "description": chart.title[:250],
            "object_position": 2,
        }
        sheet.insert_image(row, 0, "chart.png", options)
        row += (chart.height + 60) // 20 + 2
        for note in chart.notes:
            write_merged(sheet, row, 0, note, writer.get_format("faint"))
            sheet.set_row(row, compute_text_height(note, 118))
            row += 1
        row += 1
    set_print_layout(sheet, row, 0, landscape=False)
    sheet.set_print_scale(_PRINT_SCALE)  # page breaks need a print scale instead of fit-to-page
    sheet.set_h_pagebreaks(breaks)
    return _SheetEntry(name, "The charts; what each shows stands above it.")


def _draw_charts(charts: tuple[Chart, ...]) -> list[_DrawnChart]:
    from medalopt.report.render.pictures import render_png

    try:
        return [_DrawnChart(chart, render_png(chart)) for chart in charts]
    except UsageError:  # the drawing libraries are not installed
        return []
