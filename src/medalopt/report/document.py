"""Typed document model of reports: tables with units, order documents and charts, independent of the output format.

Every command builds one `Report`; text, JSON, CSV, HTML, workbook, PDF and pictures are rendered from it, so that all
agree.

Columns of money at the minor unit of the currency.

Formatting and folding of document tables: heads with units, numbers at the decimal places of their column.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from medalopt.report.charts.chart import Chart
from medalopt.report.numbers import (
    choose_money_scale,
    count_amount_decimals,
    count_exact_decimals,
    format_column,
    format_money,
    format_number,
    format_share,
)
from medalopt.report.text_table import EMPTY_CELLS, TextColumn, TextTable

if TYPE_CHECKING:
    from medalopt.plan.plan import Plan

PlainValue = str | float | int | None


@dataclass(frozen=True)
class ShownValue:
    """Cell that people read otherwise than programs: `no plan` for None, `3.4 to 3.6 m` for a number."""

    value: PlainValue
    text: str


CellValue = PlainValue | ShownValue
NumberStyle = Literal["fixed", "even", "scaled", "significant", "money", "share"]
FieldPairs = tuple[tuple[str, str], ...]

DRAFT_STAMP = "DRAFT, NOT AN ORDER"


@dataclass(frozen=True)
class ReportColumn:
    """Column of a table.

    Attributes:
        key: Name in CSV and JSON, with the unit as its last part where it has one (`tonnes_t`, `price_per_t`).
        title: Title for people.
        unit: Unit of numbers, '' for counts; None for text. Cells of unit '%' are shares from 0 to 1.
        digits: Decimal places shown in the style `fixed`; the cell holds the number unrounded.
        total: Show the sum of the column.
        hidden: For programs only, such as unit codes.
        rank: Where a screen is narrow the columns of the highest rank are dropped first, rank 0 never.
        style: How people read the numbers: `fixed` decimal places; `even` decimals that suit all of the column;
            `scaled` likewise, in millions or billions where the largest is; `significant` digits of each; `money` with
            a magnitude word each; `share` in per cent, where only the full whole is 100.
        optional: Not shown to people where no cell says anything.
    """

    key: str
    title: str
    unit: str | None = None
    digits: int = 0
    total: bool = False
    hidden: bool = False
    rank: int = 0
    style: NumberStyle = "fixed"
    optional: bool = False


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
    return [factor * figure for figure in _list_numbers(row[place] for row in rows)]


def get_cell_value(cell: CellValue) -> PlainValue:
    """Return the value of a cell for programs.

    Args:
        cell: Cell of a table.

    Returns:
        Its value; of a `ShownValue` that which it stands for.
    """
    return cell.value if isinstance(cell, ShownValue) else cell


def _list_numbers(cells: Iterable[CellValue]) -> list[float]:
    """Return the numbers among cells."""
    return [float(value) for value in map(get_cell_value, cells) if isinstance(value, int | float)]


@dataclass(frozen=True)
class ReportTable:
    """Table with a one-sentence description `says`; cells in the order of `columns`, None where empty.

    Attributes:
        key: Name in CSV and JSON, unique in a report.
        total: Total row, where it is not the sums of the columns that have one.
        most: Rows shown on a terminal; the rest is summed in one row. None shows all.
    """

    key: str
    title: str
    says: str
    columns: tuple[ReportColumn, ...]
    rows: TableRows
    notes: tuple[str, ...] = ()
    total: tuple[CellValue, ...] = ()
    most: int | None = None


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
    """Report of one command, or a part of one: summary, charts, tables, order documents, provenance.

    Attributes:
        title: Title.
        headline: Summary, a sentence each.
        tables: Tables in full; those of the charts besides.
        documents: Order documents.
        charts: Charts, each with the same data as tables.
        foot: Hash of the instance, versions.
        parts: Parts with a title, summary, charts and tables of their own.
        screen: Tables on a terminal, where those are a selection; None: all, those of the charts first.
        single: All data as one table, for a single CSV file; None: CSV is a folder with a file for each table.
        json: Writer of the JSON text; None: headline and tables.
        json_lines: Writer of JSON with a line for each row; None: there is no such form.
        csv: Writer of the files of the CSV folder; None: a file for each table.
        plan: Plan that JSON, CSV and workbook hold besides, so that `medalopt verify` reads them.
    """

    title: str
    headline: tuple[str, ...]
    tables: tuple[ReportTable, ...] = ()
    documents: tuple[OrderDocument, ...] = ()
    charts: tuple[Chart, ...] = ()
    foot: tuple[str, ...] = ()
    parts: tuple[Report, ...] = ()
    screen: tuple[ReportTable, ...] | None = None
    single: ReportTable | None = None
    json: Callable[[Report], str | Iterable[str]] | None = None
    json_lines: Callable[[Report], str | Iterable[str]] | None = None
    csv: Callable[[Report], Mapping[str, str | Iterable[str]]] | None = None
    plan: Plan | None = None


def list_charts(report: Report) -> tuple[Chart, ...]:
    """Return all charts of a report and its parts.

    Args:
        report: Report.

    Returns:
        The charts in reading order.
    """
    return (*report.charts, *(chart for part in report.parts for chart in list_charts(part)))


def list_tables(report: Report) -> tuple[ReportTable, ...]:
    """Return all tables of a report, of its charts and of its parts, with unique keys and titles.

    Args:
        report: Report.

    Returns:
        The tables in reading order, each once.
    """
    found: dict[str, ReportTable] = {}
    titles: set[str] = set()
    for table in _walk_tables(report):
        if table in found.values():
            continue
        key, title, number = table.key, table.title, 1
        while key in found or title in titles:
            number += 1
            key, title = f"{table.key}_{number}", f"{table.title} ({number})"
        found[key] = table if number == 1 else replace(table, key=key, title=title)
        titles.add(title)
    return tuple(found.values())


def _walk_tables(report: Report) -> Iterator[ReportTable]:
    """Yield the tables of a report in reading order; the charts of a plan repeat figures of its tables."""
    if report.plan is None:
        yield from (table for chart in report.charts for table in chart.tables if isinstance(table, ReportTable))
    yield from report.tables
    for part in report.parts:
        yield from _walk_tables(part)


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
    if currency in _CURRENCIES_WITHOUT_MINOR_UNIT.split():
        return 0
    return 3 if currency in _CURRENCIES_WITH_THREE_DIGITS.split() else 2


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
    """Format a table as text, without hidden columns and without optional ones that say nothing.

    Args:
        table: Table to format.
        most: Rows shown; the rest is summed in one row. None shows all.

    Returns:
        The text table; its last row is the total of all rows where there is one.
    """
    rows = list(table.rows if most is None or len(table.rows) <= most + 1 else table.rows[:most])
    left = len(table.rows) - len(rows)
    if left:
        rows.append(_sum_rows(table, len(rows), f"… and {left:,} more"))
    adds = bool(table.rows) and (bool(table.total) or any(column.total for column in table.columns))
    if adds:
        rows.append(table.total or _sum_rows(table, 0, "in all"))
    shown = []
    for place, column in enumerate(table.columns):
        header, cells = _format_column(column, [row[place] for row in rows])
        if not (column.hidden or (column.optional and set(cells) <= EMPTY_CELLS)):
            shown.append((TextColumn(header, column.unit is not None, column.rank), cells))
    lines = tuple(zip(*(cells for _, cells in shown), strict=True))
    return TextTable(table.title, tuple(column for column, _ in shown), lines, adds, table.notes, table.says)


def _format_column(column: ReportColumn, cells: Sequence[CellValue]) -> tuple[str, list[str]]:
    """Return the header of a column with its unit, and its cells as text."""
    numbers = iter(_format_numbers(column, values := _list_shown_numbers(cells)))
    word = choose_money_scale(values)[1] if column.style == "scaled" else ""
    unit = f"{word}{column.unit or ''}".strip()
    texts = [next(numbers) if isinstance(cell, int | float) else format_cell(cell, column) for cell in cells]
    return f"{column.title} ({unit})" if unit and column.title else column.title or unit, texts


def _list_shown_numbers(cells: Sequence[CellValue]) -> list[float]:
    """Return the numbers that are formatted, those without a text of their own."""
    return [float(cell) for cell in cells if isinstance(cell, int | float)]


def _format_numbers(column: ReportColumn, values: Sequence[float]) -> list[str]:
    """Return the numbers of a column in its style, without the unit."""
    if column.style == "scaled":
        size = choose_money_scale(values)[0]
        return format_column([value / size for value in values])
    if column.style == "even":
        return format_column(values)
    if column.style == "share":
        return [format_share(value, 1.0).removesuffix(" %") for value in values]
    if column.style == "money":
        return [format_money(value) for value in values]
    return [format_number(value) if column.style == "significant" else format_cell(value, column) for value in values]


def fix_digits(table: ReportTable) -> ReportTable:
    """Give every column of numbers fixed decimal places, for a program that shows numbers by column.

    Args:
        table: Table whose columns may have any style.

    Returns:
        The table with the greatest number of decimal places that the style of each column shows, and of no style.
    """
    columns = []
    for place, column in enumerate(table.columns):
        if column.style != "fixed":
            plain = replace(column, style="even") if column.style == "scaled" else column
            texts = _format_numbers(plain, _list_numbers(row[place] for row in table.rows))
            digits = max((len(text.partition(".")[2].partition(" ")[0]) for text in texts), default=0)
            column = replace(column, digits=digits, style="fixed")
        columns.append(column)
    return replace(table, columns=tuple(columns))


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
        return sum(_list_numbers(cells))
    return cells[0] if all(_cells_agree(cell, cells[0]) for cell in cells) else None


def _cells_agree(one: CellValue, other: CellValue) -> bool:
    one, other = get_cell_value(one), get_cell_value(other)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9)
    return one == other


def format_cell(value: CellValue, column: ReportColumn) -> str:
    """Format one cell; a number that rounds to zero is `≈0`.

    Args:
        value: Value of the cell.
        column: Its column, for unit and decimal places.

    Returns:
        The text, without the unit.
    """
    if isinstance(value, ShownValue):
        return value.text
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
    return sum(_list_numbers(row[place] for row in table.rows[start:]))


def _sum_rows(table: ReportTable, start: int, name: str) -> tuple[CellValue, ...]:
    """Return a row of the sums of the columns from row `start` on, called `name` in the first shown column."""
    sums: list[CellValue] = [
        sum_column(table, place, start) if column.total else None for place, column in enumerate(table.columns)
    ]
    first = next((place for place, column in enumerate(table.columns) if not column.hidden), 0)
    return tuple(name if place == first and value is None else value for place, value in enumerate(sums))
