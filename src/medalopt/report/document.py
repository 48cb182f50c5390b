"""Typed document model of reports: tables with units, order documents and charts, independent of the output format.

Workbook, HTML, PDF, folder of CSV, JSON and text are rendered from one `Report`, so that all agree.

Columns of money at the minor unit of the currency.

Formatting and folding of document tables: heads with units, numbers at the decimal places of their column.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from medalopt.report.charts.chart import Chart
from medalopt.report.numbers import count_amount_decimals, count_exact_decimals
from medalopt.report.text_table import TextColumn, TextTable

CellValue = str | float | int | None
FieldPairs = tuple[tuple[str, str], ...]

DRAFT_STAMP = "DRAFT, NOT AN ORDER"


@dataclass(frozen=True)
class ReportColumn:
    """Column of a table.

    Attributes:
        key: Name in CSV and JSON, with the unit as its last part where it has one (`tonnes_t`, `price_per_t`).
        title: Title for people.
        unit: Unit of numbers, '' for counts; None for text. Cells of unit '%' are shares from 0 to 1.
        digits: Decimal places shown; the cell holds the number unrounded.
    """

    key: str
    title: str
    unit: str | None = None
    digits: int = 0
    total: bool = False  # show the sum of the column
    hidden: bool = False  # for machines only, such as unit codes


TableRows = tuple[tuple[CellValue, ...], ...]


def set_exact_digits(
    columns: tuple[ReportColumn, ...], rows: TableRows, keys: Collection[str]
) -> tuple[ReportColumn, ...]:
    """Give the columns of contract terms enough decimal places to show every number unrounded.

    Args:
        columns: Columns of a table.
        rows: Its rows.
        keys: Keys of the columns to change.

    Returns:
        All columns, those of `keys` with their decimal places.
    """
    return tuple(
        replace(column, digits=count_exact_decimals(_printed_values(rows, place, column), column.digits))
        if column.key in keys
        else column
        for place, column in enumerate(columns)
    )


def set_amount_digits(
    columns: tuple[ReportColumn, ...], rows: TableRows, keys: Collection[str]
) -> tuple[ReportColumn, ...]:
    """Give columns of quantities enough decimal places for four significant digits of the smallest one.

    Args:
        columns: Columns of a table.
        rows: Its rows.
        keys: Keys of the columns to change.

    Returns:
        All columns, those of `keys` with their decimal places.
    """
    return tuple(
        replace(column, digits=count_amount_decimals(_printed_values(rows, place, column), column.digits))
        if column.key in keys
        else column
        for place, column in enumerate(columns)
    )


def _printed_values(rows: TableRows, place: int, column: ReportColumn) -> list[float]:
    """Return the numbers of a column as shown, shares in per cent."""
    factor = 100 if column.unit == "%" else 1
    return [factor * float(cell) for cell in (row[place] for row in rows) if isinstance(cell, int | float)]


@dataclass(frozen=True)
class ReportTable:
    """Table with a one-sentence description `says`; cells in the order of `columns`, None where empty."""

    key: str
    title: str
    says: str
    columns: tuple[ReportColumn, ...]
    rows: tuple[tuple[CellValue, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class OrderDocument:
    """Call-off, toll-refining instruction or metal purchase order; a draft while details of the party are missing."""

    kind: str
    number: str
    party: FieldPairs  # field and value, '' where unknown
    terms: FieldPairs
    lines: ReportTable
    missing: tuple[str, ...] = ()  # fields of the party that an order needs
    notes: tuple[str, ...] = ()

    @property
    def stamp(self) -> str:
        """Stamp of a draft; empty once the party is complete."""
        return DRAFT_STAMP if self.missing else ""


@dataclass(frozen=True)
class Report:
    """Report: summary, tables, order documents, charts and provenance."""

    title: str
    decision: tuple[str, ...]  # summary, a sentence each
    tables: tuple[ReportTable, ...]
    documents: tuple[OrderDocument, ...]
    charts: tuple[Chart, ...]
    foot: tuple[str, ...]  # hash of the instance, versions


# ISO 4217: currencies without a minor unit, and with one of three digits
_CURRENCIES_WITHOUT_MINOR_UNIT = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_CURRENCIES_WITH_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"


def count_minor_digits(currency: str) -> int:
    """Return the decimal places in which a currency is paid (ISO 4217).

    Args:
        currency: Code of three letters.

    Returns:
        0, 2 or 3.
    """
    return 0 if currency in _CURRENCIES_WITHOUT_MINOR_UNIT else 3 if currency in _CURRENCIES_WITH_THREE_DIGITS else 2


def make_amount_column(key: str, title: str, currency: str, total: bool = True) -> ReportColumn:
    """Return a column of amounts of money.

    Args:
        key: Name in CSV and JSON.
        title: Title for people.
        currency: Unit of the column.
        total: Show the sum of the column.

    Returns:
        The column.
    """
    return ReportColumn(key, title, currency, count_minor_digits(currency), total)


def make_rate_column(key: str, title: str, currency: str, per: str) -> ReportColumn:
    """Return a column of prices.

    Args:
        key: Name in CSV and JSON.
        title: Title for people.
        currency: Currency of the price.
        per: Unit of the quantity, such as `t`.

    Returns:
        The column, of unit `currency/per`.
    """
    return ReportColumn(key, title, f"{currency}/{per}", max(2, count_minor_digits(currency)))


def format_table(table: ReportTable, most: int | None = None) -> TextTable:
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
    lines = [tuple(format_cell(row[place], table.columns[place]) for place in shown) for row in rows]
    if left:
        lines.append(_total_row(table, shown, len(rows), f"… and {left:,} more"))
    adds = bool(table.rows) and any(table.columns[place].total for place in shown)
    if adds:
        lines.append(_total_row(table, shown, 0, "in all"))
    columns = tuple(
        TextColumn(_format_header(table.columns[place]), table.columns[place].unit is not None) for place in shown
    )
    return TextTable(table.title, columns, tuple(lines), adds, table.notes)


def fold_table(table: ReportTable, over: str = "period") -> tuple[ReportTable, ReportTable]:
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
    groups: dict[tuple[CellValue, ...], list[tuple[CellValue, ...]]] = {}
    periods: dict[CellValue, list[tuple[CellValue, ...]]] = {}
    for row in table.rows:
        groups.setdefault(tuple(row[place] for place in named), []).append(row)
        periods.setdefault(row[at] if at >= 0 else None, []).append(row)
    kept = [place for place in range(len(table.columns)) if place != at]
    rows = tuple(tuple(_combine_cells(table, place, rows) for place in kept) for rows in groups.values())
    by_name = replace(table, columns=tuple(table.columns[place] for place in kept), rows=rows)
    by_period = replace(
        table,
        title=f"{table.title}, {table.columns[at].title.lower()} by {table.columns[at].title.lower()}",
        columns=tuple(table.columns[place] for place in (at, *sums)),
        rows=tuple(
            (period, *(_combine_cells(table, place, rows) for place in sums))
            for period, rows in sorted(periods.items(), key=lambda item: str(item[0]))
        )
        if at >= 0 and sums
        else (),
    )
    return by_name, by_period


def _combine_cells(table: ReportTable, place: int, rows: Sequence[tuple[CellValue, ...]]) -> CellValue:
    """Combine the cells of several rows: their sum where the column has a total, else their common value or None."""
    cells = [row[place] for row in rows]
    if table.columns[place].total:
        return sum(figure for figure in cells if isinstance(figure, int | float))
    return cells[0] if all(_cells_agree(cell, cells[0]) for cell in cells) else None


def _cells_agree(one: CellValue, other: CellValue) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9)
    return one == other


def _format_header(column: ReportColumn) -> str:
    """Return the title of a column with its unit: `Tonnes (t)`."""
    return f"{column.title} ({column.unit})" if column.unit else column.title


def format_cell(value: CellValue, column: ReportColumn) -> str:
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


def sum_column(table: ReportTable, place: int, start: int = 0) -> float:
    """Return the sum of a column.

    Args:
        table: Table.
        place: Index of the column.
        start: First row of the sum.

    Returns:
        The sum of its numbers, in the order of the rows.
    """
    return sum(figure for figure in (row[place] for row in table.rows[start:]) if isinstance(figure, int | float))


def _total_row(table: ReportTable, shown: Sequence[int], start: int, name: str) -> tuple[str, ...]:
    sums = [
        format_cell(sum_column(table, place, start), table.columns[place]) if table.columns[place].total else ""
        for place in shown
    ]
    return (name if not sums[0] else sums[0], *sums[1:])
