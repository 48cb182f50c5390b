"""A table of the sourcing plan as text for people: headers with units, figures at the digits of their column."""

from __future__ import annotations

from collections.abc import Sequence

from medalopt.report import section as told
from medalopt.report.section import Section
from medalopt.report.sourcing.content import Cell, Column, Table


def section(table: Table, most: int | None = None) -> Section:
    """Return `table` as a section, without its hidden columns; of more than `most` rows the last are one line.

    Where a column adds up, the last row is its total: of all rows, shown or not.
    """
    shown = [place for place, column in enumerate(table.columns) if not column.hidden]
    rows = table.rows if most is None or len(table.rows) <= most + 1 else table.rows[:most]
    left = len(table.rows) - len(rows)
    lines = [tuple(cell(row[place], table.columns[place]) for place in shown) for row in rows]
    if left:
        lines.append(_summed(table, shown, len(rows), f"… and {left:,} more"))
    adds = bool(table.rows) and any(table.columns[place].total for place in shown)
    if adds:
        lines.append(_summed(table, shown, 0, "in all"))
    columns = tuple(told.Column(header(table.columns[place]), table.columns[place].unit is not None) for place in shown)
    return Section(table.title, columns, tuple(lines), adds, table.notes)


def header(column: Column) -> str:
    """Return the title of a column with its unit: `Tonnes (t)`."""
    return f"{column.title} ({column.unit})" if column.unit else column.title


def cell(value: Cell, column: Column) -> str:
    """Return one cell as text; what would be shown as nothing, but is not, is `≈0`."""
    if value is None or isinstance(value, str):
        return value or ""
    figure = 100 * value if column.unit == "%" else value
    if figure and abs(figure) < 0.5 * 10.0**-column.digits:
        return "≈0"
    text = f"{figure:,.{column.digits}f}" if figure else "0"
    return text.replace("-", "−")


def total(table: Table, place: int, start: int = 0) -> float:
    """Return the sum of a column from row `start` on, in the order of the rows."""
    return sum(figure for figure in (row[place] for row in table.rows[start:]) if isinstance(figure, int | float))


def _summed(table: Table, shown: Sequence[int], start: int, name: str) -> tuple[str, ...]:
    sums = [
        cell(total(table, place, start), table.columns[place]) if table.columns[place].total else "" for place in shown
    ]
    return (name if not sums[0] else sums[0], *sums[1:])
