"""Formatting and folding of document tables: heads with units, numbers at the decimal places of their column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from medalopt.report import section as told
from medalopt.report.section import Section
from medalopt.report.sourcing.content import Cell, Column, Table


def section(table: Table, most: int | None = None) -> Section:
    """Format a table as text, without hidden columns.

    Args:
        table: Table to format.
        most: Rows shown; the rest is summed in one row. None shows all.

    Returns:
        The text table; its last row is the total of all rows where a column has one.
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


def folded(table: Table, over: str = "period") -> tuple[Table, Table]:
    """Sum a table over one of its text columns.

    Cells that cannot be summed are kept where all rows agree.

    Args:
        table: Table to fold.
        over: Key of the column to sum over.

    Returns:
        The table without that column, and the sums for each of its values (no rows where nothing can be summed).
    """
    at = next((place for place, column in enumerate(table.columns) if column.key == over), -1)
    named = [place for place, column in enumerate(table.columns) if column.unit is None and place != at]
    sums = [place for place, column in enumerate(table.columns) if column.total]
    groups: dict[tuple[Cell, ...], list[tuple[Cell, ...]]] = {}
    periods: dict[Cell, list[tuple[Cell, ...]]] = {}
    for row in table.rows:
        groups.setdefault(tuple(row[place] for place in named), []).append(row)
        periods.setdefault(row[at] if at >= 0 else None, []).append(row)
    kept = [place for place in range(len(table.columns)) if place != at]
    rows = tuple(tuple(_one(table, place, rows) for place in kept) for rows in groups.values())
    by_name = replace(table, columns=tuple(table.columns[place] for place in kept), rows=rows)
    by_period = replace(
        table,
        title=f"{table.title}, {table.columns[at].title.lower()} by {table.columns[at].title.lower()}",
        columns=tuple(table.columns[place] for place in (at, *sums)),
        rows=tuple(
            (period, *(_one(table, place, rows) for place in sums))
            for period, rows in sorted(periods.items(), key=lambda item: str(item[0]))
        )
        if at >= 0 and sums
        else (),
    )
    return by_name, by_period


def _one(table: Table, place: int, rows: Sequence[tuple[Cell, ...]]) -> Cell:
    """Combine the cells of several rows: their sum where the column has a total, else their common value or None."""
    cells = [row[place] for row in rows]
    if table.columns[place].total:
        return sum(figure for figure in cells if isinstance(figure, int | float))
    return cells[0] if all(_same(cell, cells[0]) for cell in cells) else None


def _same(one: Cell, other: Cell) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9)
    return one == other


def header(column: Column) -> str:
    """Return the title of a column with its unit: `Tonnes (t)`."""
    return f"{column.title} ({column.unit})" if column.unit else column.title


def cell(value: Cell, column: Column) -> str:
    """Format one cell; a number that rounds to zero is `≈0`.

    Args:
        value: Value of the cell.
        column: Its column, for unit and decimal places.

    Returns:
        The text, without the unit.
    """
    if value is None or isinstance(value, str):
        return value or ""
    figure = 100 * value if column.unit == "%" else value
    if figure and abs(figure) < 0.5 * 10.0**-column.digits:
        return "≈0"
    text = f"{figure:,.{column.digits}f}" if figure else "0"
    return text.replace("-", "−")


def total(table: Table, place: int, start: int = 0) -> float:
    """Return the sum of a column.

    Args:
        table: Table.
        place: Index of the column.
        start: First row of the sum.

    Returns:
        The sum of its numbers, in the order of the rows.
    """
    return sum(figure for figure in (row[place] for row in table.rows[start:]) if isinstance(figure, int | float))


def _summed(table: Table, shown: Sequence[int], start: int, name: str) -> tuple[str, ...]:
    sums = [
        cell(total(table, place, start), table.columns[place]) if table.columns[place].total else "" for place in shown
    ]
    return (name if not sums[0] else sums[0], *sums[1:])
