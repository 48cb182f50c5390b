"""Sheets of tables and of order documents."""

from __future__ import annotations

from typing import Any

from medalopt.report.sourcing.content import Document, Pairs, Table
from medalopt.report.sourcing.workbook.grid import grid, widths
from medalopt.report.sourcing.workbook.pen import Pen, across, height, paper, put

BLANK = "to be filled in"
_LABEL = 22  # characters of the column of field names
_LEAST = 80  # characters; least width of the text above and below a table


def table_sheet(pen: Pen, name: str, front: str, table: Table) -> Any:
    """Add a sheet with a table, and a link back to the cover sheet `front`."""
    sheet = pen.sheet(name)
    last = _columns(sheet, table)
    wide = sum(widths(table))
    across(sheet, 0, last, table.title, pen.style("title"))
    sheet.set_row(0, 1.6 * height(table.title, wide / 1.6))
    across(sheet, 1, last, table.says, pen.style("text"))
    sheet.set_row(1, height(table.says, max(wide, _LEAST)))
    sheet.write_url(2, 0, f"internal:'{front}'!A1", pen.style("link"), "to the first sheet")
    end = grid(pen, sheet, 3, table)
    end = _notes(pen, sheet, end + 1, last, table.notes, max(wide, _LEAST))
    sheet.freeze_panes(4, 1)
    sheet.repeat_rows(3)
    paper(sheet, end - 1, last, landscape=True)
    return sheet


def document_sheet(pen: Pen, name: str, front: str, document: Document) -> Any:
    """Add a sheet with an order document, stamped while it is a draft, in print too."""
    sheet = pen.sheet(name)
    last = max(_columns(sheet, document.lines, _LABEL), 2)
    wide = max(sum(widths(document.lines)), _LEAST)
    across(sheet, 0, last, f"{document.kind.capitalize()} {document.number}", pen.style("title"))
    sheet.set_row(0, 24)
    row = 1
    if document.stamp:
        across(sheet, row, last, document.stamp, pen.style("stamp"))
        sheet.set_row(row, 24)
        row += 1
    sheet.write_url(row, 0, f"internal:'{front}'!A1", pen.style("link"), "to the first sheet")
    row = _pairs(pen, sheet, row + 1, last, wide, "Party", document.party)
    row = _pairs(pen, sheet, row + 1, last, wide, "Terms", document.terms)
    across(sheet, row + 1, last, document.lines.title, pen.style("heading"))
    sheet.repeat_rows(row + 2)
    row = grid(pen, sheet, row + 2, document.lines) + 1
    missing = [f"Before this is an order: {one}" for one in document.missing]
    row = _notes(pen, sheet, row, last, (*missing, *document.lines.notes, *document.notes), wide)
    paper(sheet, row - 1, last, landscape=wide > 2 * _LEAST, stamp=document.stamp)
    return sheet


def _columns(sheet: Any, table: Table, first: int = 0) -> int:
    """Set the column widths, hide columns for machines, and return the index of the last column."""
    for place, (column, width) in enumerate(zip(table.columns, widths(table), strict=True)):
        sheet.set_column(
            place, place, width if place else max(first, width), None, {"hidden": True} if column.hidden else {}
        )
    return len(table.columns) - 1


def _pairs(pen: Pen, sheet: Any, row: int, last: int, wide: int, title: str, pairs: Pairs) -> int:
    across(sheet, row, last, title, pen.style("heading"))
    for field, value in pairs:
        row += 1
        put(sheet, row, 0, field, pen.style("strong"))
        form = pen.style("text" if value else "missing")
        sheet.merge_range(row, 1, row, last, "", form)
        put(sheet, row, 1, value or BLANK, form)
        sheet.set_row(row, max(height(value, wide * 0.7), height(field, wide * 0.25)))
    return row + 1


def _notes(pen: Pen, sheet: Any, row: int, last: int, notes: tuple[str, ...], wide: int) -> int:
    for note in notes:
        across(sheet, row, last, note, pen.style("faint"))
        sheet.set_row(row, height(note, wide))
        row += 1
    return row
