"""Tables and summaries as people read them.

Tables have headers with units, numbers in the style of their column and sums of the rows not shown; a summary is split
into status, key figures and sentences.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from medalopt.report.document import (
    CellValue,
    NumberStyle,
    OrderDocument,
    Report,
    ReportColumn,
    ReportTable,
    ShownValue,
    get_cell_value,
    sum_column,
)
from medalopt.report.numbers import choose_money_scale, format_column, format_money, format_number, format_share

TextRow = tuple[str, ...]
EMPTY_CELLS = frozenset({"", "0", "–"})


@dataclass(frozen=True)
class TextColumn:
    """Column of a text table; where space is short the columns of the highest rank are dropped first, rank 0 never."""

    header: str
    right: bool = True
    rank: int = 0


@dataclass(frozen=True)
class TextTable:
    """Text table with title and notes; the last row is a total if `total` is set."""

    title: str
    columns: tuple[TextColumn, ...]
    rows: tuple[TextRow, ...]
    total: bool = False
    notes: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class TextHeading:
    """Start of a part of a report: its title and the lines below it."""

    title: str
    lines: tuple[str, ...]


BREAK_PATTERN = re.compile(r"(?<=\w)([@_/])(?=\w)")  # separators of a name, after which a line may be broken
_SCALED_STYLES = ("scaled", "signed")


def format_table(table: ReportTable, maximum: int | None = None) -> TextTable:
    """Format a table as text, without hidden columns and without optional ones that say nothing.

    Args:
        table: Table to format.
        maximum: Rows shown; the rest is summed in one row. None shows all.

    Returns:
        The text table; its last row is the total of all rows where there is one.
    """
    rows = list(table.rows if maximum is None or len(table.rows) <= maximum + 1 else table.rows[:maximum])
    left = len(table.rows) - len(rows)
    if left:
        rows.append(_sum_rows(table, len(rows), f"… and {left:,} more"))
    adds = bool(table.rows) and (bool(table.total) or any(column.total for column in table.columns))
    if adds:
        rows.append(table.total or _sum_rows(table, 0, "total"))
    shown = []
    for position, column in enumerate(table.columns):
        header, cells = _format_column(column, [row[position] for row in rows])
        if not (column.hidden or (column.optional and set(cells) <= EMPTY_CELLS)):
            shown.append((TextColumn(header, column.unit is not None, column.rank), cells))
    lines = tuple(zip(*(cells for _, cells in shown), strict=True))
    return TextTable(table.title, tuple(column for column, _ in shown), lines, adds, table.notes, table.description)


def _format_column(column: ReportColumn, cells: Sequence[CellValue]) -> tuple[str, list[str]]:
    """Return the header of a column with its unit, and its cells as text."""
    numbers = iter(_format_numbers(column, values := [float(cell) for cell in cells if isinstance(cell, int | float)]))
    word = choose_money_scale(values)[1] if column.style in _SCALED_STYLES else ""
    unit = f"{word}{column.unit or ''}".strip()
    texts = [next(numbers) if isinstance(cell, int | float) else format_cell(cell, column) for cell in cells]
    return f"{column.title} ({unit})" if unit and column.title else column.title or unit, texts


def _format_numbers(column: ReportColumn, values: Sequence[float]) -> list[str]:
    """Return the numbers of a column in its style, without the unit."""
    if column.style in _SCALED_STYLES:
        size = choose_money_scale(values)[0]
        texts = format_column([value / size for value in values])
        signed = column.style == "signed"
        return [text if not signed or text.startswith(("−", "0", "≈")) else f"+{text}" for text in texts]
    if column.style == "even":
        return format_column(values)
    if column.style == "share":
        return [format_share(value, 1.0).removesuffix(" %") for value in values]
    if column.style == "money":
        return [format_money(value) for value in values]
    return [format_number(value) if column.style == "significant" else format_cell(value, column) for value in values]


def fix_digits(table: ReportTable) -> ReportTable:
    """Give every column of numbers fixed decimal places, for a program that shows numbers by column.

    Returns:
        The table with the greatest number of decimal places that the style of each column shows, and of no style;
        numbers that people read as another text count as those of significant digits.
    """
    styles: dict[NumberStyle, NumberStyle] = {"scaled": "even", "signed": "even", "fixed": "significant"}
    columns = []
    for position, column in enumerate(table.columns):
        cells = [row[position] for row in table.rows]
        if column.style != "fixed" or any(isinstance(cell, ShownValue) and cell.value is not None for cell in cells):
            values = [float(value) for value in map(get_cell_value, cells) if isinstance(value, int | float)]
            plain = replace(column, style=styles.get(column.style, column.style))
            texts = _format_numbers(plain, values)
            digits = max((len(text.partition(".")[2].partition(" ")[0]) for text in texts), default=0)
            column = replace(column, digits=max(digits, column.digits), style="fixed")
        columns.append(column)
    return replace(table, columns=tuple(columns))


def format_cell(value: CellValue, column: ReportColumn) -> str:
    """Format one cell without its unit; a number that rounds to zero is `≈0`."""
    if isinstance(value, ShownValue):
        return value.text
    if value is None or isinstance(value, str):
        return value or ""
    figure = 100 * value if column.unit == "%" else value
    if figure and abs(figure) < 0.5 * 10.0**-column.digits:
        return "≈0"
    text = f"{figure:,.{column.digits}f}" if figure else "0"
    return text.replace("-", "−")


def _sum_rows(table: ReportTable, start: int, name: str) -> tuple[CellValue, ...]:
    """Return a row of the sums of the columns from row `start` on, called `name` in the first shown column."""
    sums: list[CellValue] = [
        sum_column(table, position, start) if column.total else None for position, column in enumerate(table.columns)
    ]
    first = next((position for position, column in enumerate(table.columns) if not column.hidden), 0)
    return tuple(name if position == first and value is None else value for position, value in enumerate(sums))


def encode_document(document: OrderDocument, lines: object) -> dict[str, object]:
    """Return an order document as a page or a print takes it.

    Args:
        document: Order document.
        lines: Its lines, as the renderer lays them out.

    Returns:
        Title, stamp, party, terms, missing details, lines and notes.
    """
    return {
        "title": f"{document.kind.capitalize()} {document.number}",
        "stamp": document.stamp,
        "party": document.party,
        "terms": document.printed_terms,
        "missing": document.missing,
        "lines": lines,
        "notes": document.notes,
    }


_STATUS_WORDS = ("Optimal", "Feasible", "Stopped", "Infeasible", "Plan is", "No plan", "No errors")
_KEY_FIGURE_PATTERN = re.compile(
    r"(?P<label>[A-Z][^.:;,]{1,31}): (?P<value>.+?)(?:(?:[,;.] | (?=[(][0-9]))(?P<detail>.*))?"
)
_MAX_KEY_VALUE = 48  # characters of a key figure; longer sentences stay sentences


@dataclass(frozen=True)
class KeyFigure:
    """A line `label: value, detail` of the summary."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class SummaryText:
    """Summary of a page: status, key figures and the other sentences."""

    status: str
    key_figures: tuple[KeyFigure, ...]
    lines: tuple[str, ...]


def split_summary(report: Report) -> SummaryText:
    """Split the headline of a report into status, key figures and sentences.

    Args:
        report: Report; the key figures of one with a first page are those of its table.
    """
    found = split_headline(report.headline)
    if report.summary is None:
        return found
    rows = ([str(get_cell_value(cell) or "") for cell in row] for row in report.summary.figures.rows)
    figures = tuple(KeyFigure(*row) for row in rows)
    return SummaryText(found.status, figures, tuple(line for line in report.headline if line != found.status))


def split_headline(lines: tuple[str, ...]) -> SummaryText:
    """Split sentences into the status, key figures and the others."""
    status = next((line for line in lines if line.startswith(_STATUS_WORDS)), "")
    figures: dict[str, KeyFigure] = {}
    for line in lines:
        found = _KEY_FIGURE_PATTERN.fullmatch(line)
        if found and line != status and len(found["value"]) <= _MAX_KEY_VALUE:
            figures[line] = KeyFigure(found["label"], found["value"].removesuffix("."), found["detail"] or "")
    rest = tuple(line for line in lines if line not in figures and line != status)
    return SummaryText(status, tuple(figures.values()), rest)
