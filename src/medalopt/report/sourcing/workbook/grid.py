"""Table on a sheet: an Excel table with filters, its totals as formulas."""

from __future__ import annotations

from typing import Any

from medalopt.report.sourcing.content import Cell, Column, Table
from medalopt.report.sourcing.workbook.names import text
from medalopt.report.sourcing.workbook.pen import Pen, height, put
from medalopt.report.sourcing.written import cell, total

WIDEST, NARROWEST = 46, 9
_PLAIN = str.maketrans({"[": "(", "]": ")", "'": "’", "#": "", "@": " "})
_LINE = 16.0  # points of a line of text
_LOOKED_AT = 1_000  # rows used to measure a column


def grid(pen: Pen, sheet: Any, top: int, table: Table) -> int:
    """Write a table as an Excel table.

    Args:
        pen: Writer of the workbook.
        sheet: Sheet to write to.
        top: Row of the heads.
        table: Table to write.

    Returns:
        The row after its end.
    """
    heads = unique_heads(table.columns)
    for place, (head, column) in enumerate(zip(heads, table.columns, strict=True)):
        put(sheet, top, place, head, pen.style("header" if column.unit is None else "figures header"))
    sheet.set_row(top, 14.0 * max(_lines(head, width) for head, width in zip(heads, widths(table), strict=True)) + 4)
    if not table.rows:
        put(sheet, top + 1, 0, "none", pen.style("faint"))
        return top + 2
    sums = [column.total for column in table.columns]
    name = pen.names.table(table.key)
    last = top + len(table.rows) + any(sums)
    sheet.add_table(
        top,
        0,
        last,
        len(heads) - 1,
        {
            "name": name,
            "style": "Table Style Light 1",
            "total_row": any(sums),
            "columns": [_column(pen, table, place, heads[place]) for place in range(len(heads))],
        },
    )
    forms = [pen.figures(column) for column in table.columns]
    wide = widths(table)
    for number, row in enumerate(table.rows, start=top + 1):
        tall = _tall(table, row, wide)
        if tall > _LINE:
            sheet.set_row(number, tall)
        for place, value in enumerate(row):
            put(sheet, number, place, value, forms[place])
    if any(sums):
        _totals(pen, sheet, last, table, [f"{name}[{head}]" for head in heads])
    return last + 1


def _tall(table: Table, row: tuple[Cell, ...], wide: list[int]) -> float:
    """Return the height of a row [points] for text on several lines, which spreadsheet programs do not compute."""
    shown = zip(row, wide, table.columns, strict=True)
    texts = [height(value, width - 1) for value, width, column in shown if isinstance(value, str) and not column.hidden]
    return max(texts, default=_LINE)


def _column(pen: Pen, table: Table, place: int, head: str) -> dict[str, Any]:
    column = table.columns[place]
    made = {"header": head, "header_format": pen.style("header" if column.unit is None else "figures header")}
    if column.total:
        made |= {"total_function": "sum", "total_value": total(table, place)}
    elif place == 0:
        made |= {"total_string": "Total"}
    return {**made, "format": pen.figures(column, total=True)}


def _totals(pen: Pen, sheet: Any, row: int, table: Table, named: list[str]) -> None:
    """Write each total as a formula with the table's name, which LibreOffice needs to resolve the column."""
    for place, column in enumerate(table.columns):
        form = pen.figures(column, total=True)
        if column.total:
            sheet.write_formula(row, place, f"=SUBTOTAL(109,{named[place]})", form, total(table, place))
        elif place:
            sheet.write_blank(row, place, None, form)


def unique_heads(columns: tuple[Column, ...]) -> list[str]:
    """Return distinct column heads without the special characters of structured references.

    Args:
        columns: Columns of a table.

    Returns:
        One head for each column, distinct irrespective of case.
    """
    taken: set[str] = set()
    heads = []
    for column in columns:
        title = " ".join(text(column.title).translate(_PLAIN).split())[:200] or column.key
        head, number = title, 1
        while head.casefold() in taken:
            number += 1
            head = f"{title}, {column.unit}" if number == 2 and column.unit else f"{title} {number}"
        taken.add(head.casefold())
        heads.append(head)
    return heads


def widths(table: Table) -> list[int]:
    """Return the width of each column.

    Args:
        table: Table to measure.

    Returns:
        Widths in characters.
    """
    return [_width(table, place) for place in range(len(table.columns))]


def _width(table: Table, place: int) -> int:
    column = table.columns[place]
    unit = f" {column.unit}" if column.unit else ""
    shown = [f"{cell(row[place], column)}{unit}" for row in table.rows[:_LOOKED_AT]]
    if column.total:
        shown.append(f"{cell(total(table, place), column)}{unit}")
    words = max(map(len, column.title.split()), default=1) + 3  # room for the filter button
    longest = max((len(line) for one in shown for line in one.split("\n")), default=0)
    return max(NARROWEST, words, min(WIDEST, longest + 2), min(len(column.title) + 3, 16))


def _lines(head: str, width: int) -> int:
    """Return the number of lines of a head at the width of its column."""
    lines, room = 1, 0
    for word in head.split():
        if room + len(word) > width - 2 and room:
            lines, room = lines + 1, 0
        room += len(word) + 1
    return lines
