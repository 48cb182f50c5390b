"""Cover sheet: summary, contents, orders and provenance."""

from __future__ import annotations

from typing import Any, NamedTuple

from medalopt.report.sourcing.content import Content
from medalopt.report.sourcing.workbook.names import text
from medalopt.report.sourcing.workbook.pen import Pen, across, height, paper, put

_WIDE = (34, 56, 24)
_LONGEST_TITLE = 120  # characters
_HOW = (
    "Lists are Excel tables: filter and sort them by their heads; totals are of the rows shown. "
    "Figures are held in full and shown rounded."
)
_EDIT = (
    "Shipments, Purchases and Stockpiles hold every decision. Change them as you need and ask "
    "`medalopt verify` what that breaks and costs; hidden sheets hold the plan as it was made, to compare with."
)


class Entry(NamedTuple):
    """Sheet in the contents: name, description, state, and its title where that differs."""

    name: str
    says: str
    state: str = ""
    title: str = ""


def front_sheet(
    pen: Pen, sheet: Any, content: Content, entries: list[Entry], documents: list[Entry], edits: bool
) -> None:
    """Write the cover sheet."""
    for place, width in enumerate(_WIDE):
        sheet.set_column(place, place, width)
    across(sheet, 0, 2, content.title, pen.style("title"))
    sheet.set_row(0, 26)
    row = _lines(pen, sheet, 1, content.decision, "text")
    row = _listed(pen, sheet, row + 1, "The sheets", entries)
    row = _lines(pen, sheet, row, (_HOW, _EDIT) if edits else (_HOW,), "faint")
    if documents:
        row = _listed(pen, sheet, row + 1, "The documents", documents)
    across(sheet, row + 1, 2, "What it rests on", pen.style("heading"))
    row = _lines(pen, sheet, row + 2, content.foot, "faint")
    sheet.freeze_panes(1, 0)
    paper(sheet, row - 1, 2, landscape=False)
    sheet.activate()


def _lines(pen: Pen, sheet: Any, row: int, lines: tuple[str, ...], style: str) -> int:
    for line in lines:
        across(sheet, row, 2, line, pen.style(style))
        sheet.set_row(row, height(line, sum(_WIDE)))
        row += 1
    return row


def _listed(pen: Pen, sheet: Any, row: int, title: str, entries: list[Entry]) -> int:
    across(sheet, row, 2, title, pen.style("heading"))
    for entry in entries:
        row += 1
        title = text(entry.title or entry.name)[:_LONGEST_TITLE]
        sheet.write_url(row, 0, f"internal:'{_quoted(entry.name)}'!A1", pen.style("entry"), title)
        if entry.state:
            put(sheet, row, 1, entry.says, pen.style("text"))
            put(sheet, row, 2, entry.state, pen.style("missing"))
        else:
            sheet.merge_range(row, 1, row, 2, "", pen.style("text"))
            put(sheet, row, 1, entry.says, pen.style("text"))
        wide = _WIDE[1] + (0 if entry.state else _WIDE[2])
        sheet.set_row(row, max(height(entry.says, wide), height(title, _WIDE[0])))
    return row + 1


def _quoted(name: str) -> str:
    return name.replace("'", "''")
