"""Report as an Excel workbook: cover sheet, pictures, and a sheet for each table and order document.

medalopt verify reads the workbook of a plan: editable decisions, and the plan as it was made on hidden sheets.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from medalopt.errors import UsageError
from medalopt.plan.digests import compute_part_digests
from medalopt.plan.tables import EDITABLE_TABLES, name_hidden_sheet, name_visible_sheet
from medalopt.report.charts import PICTURE_WIDTH, Chart, render_png
from medalopt.report.document import (
    CellValue,
    FieldPairs,
    OrderDocument,
    Report,
    ReportColumn,
    ReportTable,
    ShownValue,
    TableRows,
    get_cell_number,
    list_charts,
    list_order_lines,
    list_tables,
    sum_column,
)
from medalopt.report.render.csv import render_csv_folder
from medalopt.report.render.text import fix_digits, split_summary
from medalopt.report.render.worksheet import (
    LEAST_COLUMN_WIDTH,
    SheetNames,
    WorkbookWriter,
    clean_cell_text,
    compute_text_height,
    measure_widths,
    open_workbook,
    set_print_layout,
    write_cell,
    write_merged,
    write_table,
)

_DECISION_UNITS = {"tonnes": ("t", 3), "feed": ("t", 3), "kg": ("kg", 4)}
_DECISION_DESCRIPTIONS = {
    "shipments": "Tonnes of every stream by treatment, smelter and period.",
    "purchases": "Kilograms of every offer by alloy and period.",
    "stockpiles": "Tonnes of every stream that wait at the end of a period.",
}
_EDITABLE_NOTE = (
    "May be edited: medalopt verify then lists violated constraints and the cost. Do not change the headings."
)


def _tabulate_decisions(record: Mapping[str, str], currency: str) -> list[ReportTable]:
    """Return the decisions of the plan as tables that may be edited."""
    result = []
    for key in EDITABLE_TABLES:
        header, *rows = csv.reader(io.StringIO(record[f"{key}.csv"], newline=""))
        columns = tuple(_decision_column(name, currency) for name in header)
        if rows:
            cells: TableRows = tuple(
                tuple(
                    value.removeprefix("'") if column.unit is None else float(value)
                    for value, column in zip(row, columns, strict=True)
                )
                for row in rows
            )
            text = f"{_DECISION_DESCRIPTIONS[key]} {_EDITABLE_NOTE}"
            result.append(ReportTable(key, name_visible_sheet(key), text, columns, cells))
    return result


def _decision_column(name: str, currency: str) -> ReportColumn:
    unit, digits = {**_DECISION_UNITS, "cost": (currency, 0)}.get(name, (None, 0))
    return ReportColumn(name, name, unit, digits, total=unit is not None and name != "cost")


def _write_hidden_sheets(
    writer: WorkbookWriter, hidden: Mapping[str, str], record: Mapping[str, str]
) -> Callable[[Mapping[str, str]], None]:
    """Add the CSV files of the plan as hidden sheets; return a function that appends digests of visible sheets."""
    ends: dict[str, tuple[Any, int]] = {}
    for name, content in record.items():
        sheet: Any = writer.book.add_worksheet(hidden[name])
        for number, row in enumerate(csv.reader(io.StringIO(content, newline=""))):
            for position, value in enumerate(row):
                if value:
                    sheet.write_string(number, position, clean_cell_text(value.removeprefix("'")))
            ends[name] = sheet, number + 1
        sheet.hide()

    def write(digests: Mapping[str, str]) -> None:
        """Append the digests to the sheet of the plan."""
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
    sheet.write_url(2, 0, f"internal:'{front}'!A1", writer.get_format("link"), "to the contents")
    end = write_table(writer, sheet, 3, table)
    end = _write_lines(writer, sheet, end + 1, last, table.notes, max(wide, _LEAST_TEXT_WIDTH))
    sheet.freeze_panes(4, 1)
    sheet.repeat_rows(3)
    set_print_layout(writer, sheet, end - 1, last, landscape=True)
    return sheet


def _write_document_sheet(writer: WorkbookWriter, name: str, front: str, document: OrderDocument) -> Any:
    """Add a sheet with an order document, stamped while it is a draft, in print too."""
    sheet = writer.add_sheet(name)
    tables = document.grouped or (document.lines,)
    last, wide = _set_shared_widths(sheet, tables)
    write_merged(sheet, 0, last, f"{document.kind.capitalize()} {document.number}", writer.get_format("title"))
    sheet.set_row(0, 24)
    row = 1
    if document.stamp:
        write_merged(sheet, row, last, document.stamp, writer.get_format("stamp"))
        sheet.set_row(row, 24)
        row += 1
    sheet.write_url(row, 0, f"internal:'{front}'!A1", writer.get_format("link"), "to the contents")
    row = _write_pairs(writer, sheet, row + 1, last, wide, "Party", document.party)
    row = _write_pairs(writer, sheet, row + 1, last, wide, "Terms", document.terms)
    for table in tables:
        write_merged(sheet, row + 1, last, table.title, writer.get_format("heading"))
        row = write_table(writer, sheet, row + 2, table) + 1
    missing = [f"Missing: {', '.join(document.missing)}."] if document.missing else []
    row = _write_lines(writer, sheet, row, last, (*missing, *tables[-1].notes, *document.notes), wide)
    set_print_layout(writer, sheet, row - 1, last, wide > 2 * _LEAST_TEXT_WIDTH, document.stamp)
    return sheet


def _set_column_widths(sheet: Any, table: ReportTable) -> int:
    """Set the column widths, hide columns for machines, and return the index of the last column."""
    for position, (column, width) in enumerate(zip(table.columns, measure_widths(table), strict=True)):
        sheet.set_column(
            position, position, width, None, {"hidden": True} if column.hidden and column.key != "unit" else {}
        )
    return len(table.columns) - 1


def _set_shared_widths(sheet: Any, tables: tuple[ReportTable, ...]) -> tuple[int, int]:
    """Set column widths for tables below each other; return the last column and the width of text."""
    last = max(2, *(len(table.columns) - 1 for table in tables))
    wide = [LEAST_COLUMN_WIDTH] * (last + 1)
    hidden = [True] * (last + 1)
    for table in tables:
        for position, (column, width) in enumerate(zip(table.columns, measure_widths(table), strict=True)):
            wide[position] = max(wide[position], width)
            hidden[position] = hidden[position] and column.hidden
    wide[0] = max(wide[0], _LABEL_WIDTH)
    for position, width in enumerate(wide):
        filled = position < max(len(table.columns) for table in tables)
        sheet.set_column(position, position, width, None, {"hidden": True} if hidden[position] and filled else {})
    return last, max(sum(wide), _LEAST_TEXT_WIDTH)


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


def _write_lines(
    writer: WorkbookWriter, sheet: Any, row: int, last: int, lines: Iterable[str], wide: float, style: str = "faint"
) -> int:
    """Write lines of text, each in a row of merged columns up to `last`; return the row after them."""
    for line in lines:
        write_merged(sheet, row, last, line, writer.get_format(style))
        sheet.set_row(row, compute_text_height(line, wide))
        row += 1
    return row


_MOST_DIGITS = 8  # digits of the largest number of a column in which small and large ones are mixed
_COVER_WIDTHS = (42, 52, 24)
_MOST_TITLE_CHARACTERS = 120  # characters
_TABLES_HINT = (
    "Lists are Excel tables: filter and sort them by their headings; totals are of the rows shown. "
    "Numbers are stored in full and displayed rounded."
)
_EDITING_HINT = (
    "Shipments, Purchases and Stockpiles contain every decision. Edit them as you need and run "
    "medalopt verify for violated constraints and the cost; hidden sheets contain the original plan for comparison."
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
    status = split_summary(report).status
    wide = sum(_COVER_WIDTHS)
    row = _write_lines(writer, sheet, 1, 2, filter(None, (status, report.date)), wide, "strong")
    row = _write_lines(writer, sheet, row, 2, (line for line in report.headline if line != status), wide, "text")
    for part in report.parts:
        write_merged(sheet, row + 1, 2, part.title, writer.get_format("heading"))
        row = _write_lines(writer, sheet, row + 2, 2, part.headline, wide, "text")
    if entries:
        row = _write_entries(writer, sheet, row + 1, "The sheets", entries)
    row = _write_lines(writer, sheet, row, 2, (_TABLES_HINT, _EDITING_HINT) if edits else (_TABLES_HINT,), wide)
    if documents:
        row = _write_entries(writer, sheet, row + 1, "The documents", documents)
    if report.foot:
        write_merged(sheet, row + 1, 2, "Versions and method", writer.get_format("heading"))
        row = _write_lines(writer, sheet, row + 2, 2, report.foot, wide)
    sheet.freeze_panes(1, 0)
    set_print_layout(writer, sheet, row - 1, 2)
    if report.summary is None:
        sheet.activate()


def _write_entries(writer: WorkbookWriter, sheet: Any, row: int, title: str, entries: list[_SheetEntry]) -> int:
    write_merged(sheet, row, 2, title, writer.get_format("heading"))
    for entry in entries:
        row += 1
        title = clean_cell_text(entry.title or entry.name)[:_MOST_TITLE_CHARACTERS]
        quoted = entry.name.replace("'", "''")
        sheet.write_url(row, 0, f"internal:'{quoted}'!A1", writer.get_format("entry"), title)
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


_PRINT_SCALE = 75  # print scale of the pictures in per cent
_PAGE_HEIGHT = 1_180  # pixels of a portrait page at that scale
_PICTURE_COLUMN = 130  # characters, wider than a picture in every program, so that none is cut
_PICTURE_SCALE = 0.5  # pictures are drawn at twice their size


def render_report_xlsx(report: Report) -> bytes:
    """Render the report as an .xlsx file; that of a plan can be edited, and medalopt verify reads it back.

    Args:
        report: Report to render.

    Returns:
        The bytes of the file.
    """
    buffer = io.BytesIO()
    book = open_workbook(buffer, title=report.title[:200])
    status = split_summary(report).status
    brief = status.split(" (")[0].rstrip(".")
    writer = WorkbookWriter(book, f"{report.title} · {brief}" if status else report.title, report.date)
    record = {} if report.plan is None else render_csv_folder(report.plan)
    hidden = {name: writer.names.name_sheet(name_hidden_sheet(name.removesuffix(".csv"))) for name in record}
    names = plan_sheets(report, writer.names)
    if names.summary:
        _write_summary_sheet(writer, names, report)
    cover = writer.add_sheet(names.contents) if names.contents else None
    seal = _write_hidden_sheets(writer, hidden, record)
    entries = _write_content_sheets(writer, names, report)
    documents = _write_document_sheets(writer, names, report)
    for table in list_line_tables(report):
        _write_table_sheet(writer, names.lines[table.key], names.front, fix_digits(table))
        entries.append(_SheetEntry(names.lines[table.key], f"All lines of these orders in full. {table.description}"))
    if report.plan is not None:
        for table in _tabulate_decisions(record, report.plan.instance.currency):
            _write_table_sheet(writer, names.decisions[table.key], names.front, table)
            entries.append(_SheetEntry(names.decisions[table.key], table.description))
    if cover is not None:
        _write_cover_sheet(writer, cover, report, entries, documents, bool(record))
    if record:
        seal(compute_part_digests("xlsx", {name: sheet.rows for name, sheet in writer.sheets.items()}))
    book.close()
    return buffer.getvalue()


def _write_content_sheets(writer: WorkbookWriter, names: SheetPlan, report: Report) -> list[_SheetEntry]:
    """Add the sheets of pictures and tables, and return their entries."""
    charts = list_charts(report) if names.contents else ()
    pictures = _add_picture_sheet(writer, names, charts)
    entries = [pictures] if pictures else []
    for table in _list_sheet_tables(report):
        _write_table_sheet(writer, names.tables[table.key], names.front, _prepare_table(table, report.plan is not None))
        entries.append(_SheetEntry(names.tables[table.key], table.description, title=table.title))
    return entries


def _count_places(cells: list[CellValue]) -> int:
    """Return the decimal places at which the largest number of a column has `_MOST_DIGITS` digits."""
    largest = max((abs(get_cell_number(cell)) for cell in cells), default=0.0)
    return max(0, _MOST_DIGITS - len(f"{largest:.0f}"))


def _prepare_table(table: ReportTable, of_plan: bool) -> ReportTable:
    """Return a table as its sheet shows it: numbers by column and, in no plan that verify reads, names for people."""
    fixed = fix_digits(table)
    if of_plan:
        return fixed
    columns = tuple(
        replace(column, digits=min(column.digits, _count_places(table.list_cells(column.key))))
        if own.style in ("money", "significant")
        else column
        for column, own in zip(fixed.columns, table.columns, strict=True)
    )
    rows = tuple(
        tuple(cell.text if isinstance(cell, ShownValue) and isinstance(cell.value, str) else cell for cell in row)
        for row in table.rows
    )
    return replace(fixed, columns=columns, rows=rows)


def _write_document_sheets(writer: WorkbookWriter, names: SheetPlan, report: Report) -> list[_SheetEntry]:
    """Add the sheets of the order documents, and return their entries."""
    entries = []
    for document in report.documents:
        name = names.documents[document.number]
        _write_document_sheet(writer, name, names.front, document)
        party = next((value for _, value in document.party if value), "")
        entries.append(_SheetEntry(name, f"{document.kind.capitalize()} {document.number}: {party}", document.stamp))
    return entries


def _add_picture_sheet(writer: WorkbookWriter, names: SheetPlan, charts: tuple[Chart, ...]) -> _SheetEntry | None:
    """Add a sheet of pictures, broken into pages between charts; none without charts or the drawing libraries."""
    drawn = _draw_charts(charts)
    if not drawn:
        return None
    sheet = writer.add_sheet(names.pictures)
    sheet.set_column(0, 0, _PICTURE_COLUMN)
    breaks: list[int] = []
    sheet.write_url(0, 0, f"internal:'{names.front}'!A1", writer.get_format("link"), "to the contents")
    row, top = 1, 0  # pixels used of the page
    for chart, png in drawn:
        tall = chart.height + 60 + 40 + 20 * len(chart.notes)
        if top and top + tall > _PAGE_HEIGHT:
            breaks.append(row)
            top = 0
        top += tall
        _insert_picture(sheet, row, 0, chart, png, _PICTURE_SCALE)
        row += (chart.height + 60) // 20 + 2
        for note in chart.notes:
            write_merged(sheet, row, 0, note, writer.get_format("faint"))
            sheet.set_row(row, compute_text_height(note, _PICTURE_COLUMN))
            row += 1
        row += 1
    set_print_layout(writer, sheet, row, 0)
    sheet.set_print_scale(_PRINT_SCALE)  # page breaks need a print scale instead of fit-to-page
    sheet.set_h_pagebreaks(breaks)
    return _SheetEntry(names.pictures, "The charts, each with an explanation above it.")


_SUMMARY_WIDTHS = (16, 20, 12, 38, 12, 16, 12, 18)  # characters of the columns of orders
_FIGURE_SPANS = ((0, 0), (1, 2), (3, 7))  # columns of label, value and detail of a key figure
_LAST_COLUMN = len(_SUMMARY_WIDTHS) - 1
_CHART_COLUMN, _CHART_COLUMNS = 9, 10
_CHART_WIDTH = 640  # pixels
_CHART_SCALE = 0.5  # of pictures that are drawn at twice their size
_ROW_HEIGHT = 20  # pixels


def _draw_charts(charts: tuple[Chart, ...], width: int = PICTURE_WIDTH) -> list[tuple[Chart, bytes]]:
    """Draw charts as PNG, none where the drawing libraries are not installed."""
    try:
        return [(chart, render_png(chart, width)) for chart in charts]
    except UsageError:
        return []


def _insert_picture(sheet: Any, row: int, column: int, chart: Chart, png: bytes, scale: float) -> None:
    """Insert the picture of a chart with its title as the text for screen readers."""
    options = {
        "image_data": io.BytesIO(png),
        "x_scale": scale,
        "y_scale": scale,
        "description": chart.title[:250],
        "object_position": 2,
    }
    sheet.insert_image(row, column, "chart.png", options)


def _write_summary_sheet(writer: WorkbookWriter, names: SheetPlan, report: Report) -> None:
    """Write the first sheet of a report."""
    assert report.summary is not None
    sheet = writer.add_sheet(names.summary)
    for position, width in enumerate(_SUMMARY_WIDTHS):
        sheet.set_column(position, position, width)
    sheet.set_column(_LAST_COLUMN + 1, _LAST_COLUMN + 1, 2)
    summary = report.summary
    write_merged(sheet, 0, _LAST_COLUMN, report.title, writer.get_format("title"))
    sheet.set_row(0, 1.6 * compute_text_height(report.title, sum(_SUMMARY_WIDTHS) / 1.6))
    write_merged(sheet, 1, 4, split_summary(report).status, writer.get_format("strong"))
    write_merged(sheet, 1, _LAST_COLUMN, report.date, writer.get_format("strong"), first=5)
    row = 2
    if names.contents:
        sheet.write_url(2, 0, f"internal:'{names.contents}'!A1", writer.get_format("link"), "all sheets")
        row = 3
    row = _write_figures(writer, sheet, row + 1, summary.figures)
    row = _write_orders(writer, sheet, row + 1, summary.orders)
    if summary.risks:
        wide = sum(_SUMMARY_WIDTHS)
        row = _write_lines(writer, sheet, row + 1, _LAST_COLUMN, ("Main risks",), wide, "heading")
        row = _write_lines(writer, sheet, row, _LAST_COLUMN, summary.risks, wide, "text")
    bottom = _insert_charts(sheet, summary.charts)
    last_column = _CHART_COLUMN + _CHART_COLUMNS - 1 if bottom else _LAST_COLUMN
    set_print_layout(writer, sheet, max(row, bottom), last_column, landscape=True)
    sheet.fit_to_pages(1, 1)
    sheet.activate()


def _write_figures(writer: WorkbookWriter, sheet: Any, row: int, figures: ReportTable) -> int:
    """Write the key figures, and return the row after the empty one below."""
    for column, (first, last) in zip(figures.columns, _FIGURE_SPANS, strict=True):
        write_merged(sheet, row, last, column.title, writer.get_format("header"), first)
    for cells in figures.rows:
        row += 1
        for cell, (first, last), style in zip(cells, _FIGURE_SPANS, ("text", "strong", "text"), strict=True):
            write_merged(sheet, row, last, str(cell or ""), writer.get_format(style), first)
    return row + 1


def _write_orders(writer: WorkbookWriter, sheet: Any, row: int, orders: ReportTable) -> int:
    """Write the orders to sign with their total, and return the row after their notes."""
    wide = sum(_SUMMARY_WIDTHS)
    row = _write_lines(writer, sheet, row, _LAST_COLUMN, (orders.title,), wide, "heading")
    row = _write_lines(writer, sheet, row, _LAST_COLUMN, (orders.description,), wide) + 1
    for position, column in enumerate(orders.columns):
        style = "header" if column.unit is None else "figures header"
        write_cell(sheet, row, position, column.title, writer.get_format(style))
    for cells in orders.rows:
        row += 1
        for position, (cell, column, width) in enumerate(zip(cells, orders.columns, _SUMMARY_WIDTHS, strict=True)):
            write_cell(sheet, row, position, cell, writer.number_format(column))
            if isinstance(cell, str) and len(cell) > width:
                sheet.set_row(row, compute_text_height(cell, width - 2))
    if any(column.total for column in orders.columns):
        row += 1
        write_cell(sheet, row, 0, "Total", writer.get_format("strong"))
        for position, column in enumerate(orders.columns):
            if column.total:
                write_cell(sheet, row, position, sum_column(orders, position), writer.number_format(column, total=True))
    return _write_lines(writer, sheet, row + 1 + bool(orders.notes), _LAST_COLUMN, orders.notes, wide)


def _insert_charts(sheet: Any, charts: tuple[Chart, ...]) -> int:
    """Insert the charts beside the tables, and return the row below them; 0 where none is drawn."""
    row = 1
    drawn = _draw_charts(charts, _CHART_WIDTH)
    for chart, png in drawn:
        _insert_picture(sheet, row, _CHART_COLUMN, chart, png, _CHART_SCALE)
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
        """Name of the sheet that lists the others; the first page where there is no other."""
        return self.contents or self.summary


def _list_sheet_tables(report: Report) -> tuple[ReportTable, ...]:
    """Return the tables with a sheet of their own, all but those of the first page, in their order."""
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
    tables = {table.key: names.name_table_sheet(table.title, table.key) for table in _list_sheet_tables(report)}
    documents = {
        document.number: names.name_document_sheet(document.number, document.party[0][1])
        for document in report.documents
    }
    lines = {table.key: names.name_table_sheet(table.title, table.key) for table in list_line_tables(report)}
    return SheetPlan(summary, contents, pictures, decisions, tables, documents, lines)
