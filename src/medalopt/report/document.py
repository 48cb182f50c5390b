"""Typed document model of reports: tables with units, order documents and charts, independent of the output format.

Every command builds one `Report`; text, JSON, CSV, HTML, workbook, PDF and pictures are rendered from it, so that all
agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from medalopt.plan.plan import Plan
    from medalopt.report.atomic_write import FileContent
    from medalopt.report.charts import Chart

PlainValue = str | float | int | None


@dataclass(frozen=True)
class ShownValue:
    """Cell that people read otherwise than programs: `no plan` for None, `3.4 to 3.6 m` for a number."""

    value: PlainValue
    text: str


CellValue = PlainValue | ShownValue
NumberStyle = Literal["fixed", "even", "scaled", "signed", "significant", "money", "share"]
FieldPairs = tuple[tuple[str, str], ...]

DRAFT_STAMP = "DRAFT, NOT AN ORDER"
SIGNATURE_FIELDS = ("Ordered by", "Approved by", "Date and signature")


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
            `scaled` likewise, in millions or billions where the largest is; `signed` likewise, with + or −;
            `significant` digits of each; `money` with a magnitude word each; `share` in per cent, where only the full
            whole is 100.
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


def show_value(value: PlainValue, missing: str) -> CellValue:
    """Return a value as a cell, with a text for people in the place of None.

    Args:
        value: Value, or None where there is none.
        missing: Text for people where there is none.

    Returns:
        The cell; data files show None without the text.
    """
    return ShownValue(None, missing) if value is None else value


def get_cell_value(cell: CellValue) -> PlainValue:
    """Return the value of a cell for programs.

    Args:
        cell: Cell of a table.

    Returns:
        Its value; of a `ShownValue` the value behind its text.
    """
    return cell.value if isinstance(cell, ShownValue) else cell


def get_cell_number(cell: CellValue) -> float:
    """Return the value of a cell as a number.

    Args:
        cell: Cell of a table.

    Returns:
        Its value; 0 for a text or an empty cell.
    """
    value = get_cell_value(cell)
    return float(value) if isinstance(value, int | float) else 0.0


def _list_numbers(cells: Iterable[CellValue]) -> list[float]:
    """Return the numbers among cells."""
    return [float(value) for value in map(get_cell_value, cells) if isinstance(value, int | float)]


@dataclass(frozen=True)
class ReportTable:
    """Table with a one-sentence description `description`; cells in the order of `columns`, None where empty.

    Attributes:
        key: Name in CSV and JSON, unique in a report.
        total: Total row, where it is not the sums of the columns that have one.
        most: Rows shown on a terminal; the rest is summed in one row. None shows all.
    """

    key: str
    title: str
    description: str
    columns: tuple[ReportColumn, ...]
    rows: TableRows
    notes: tuple[str, ...] = ()
    total: tuple[CellValue, ...] = ()
    most: int | None = None

    @property
    def places(self) -> dict[str, int]:
        """Position of each column by its key."""
        return {column.key: position for position, column in enumerate(self.columns)}

    def list_cells(self, key: str) -> list[CellValue]:
        """Return the cells of a column.

        Args:
            key: Key of the column.

        Raises:
            KeyError: The table has no such column.
        """
        place = self.places[key]
        return [row[place] for row in self.rows]

    def list_records(self) -> list[dict[str, CellValue]]:
        """Return the rows as cells by the key of their column.

        Returns:
            One mapping per row.
        """
        return [dict(zip(self.places, row, strict=True)) for row in self.rows]


def format_cell(value: CellValue, column: ReportColumn) -> str:
    """Format one cell without its unit.

    Args:
        value: Text, number, or a value that is formatted already.
        column: The column, with its unit and decimals.

    Returns:
        The text; `≈0` for a number that rounds to zero.
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


def keep_columns(table: ReportTable, keys: Iterable[str]) -> ReportTable:
    """Return the table with the columns of `keys` alone, in their order.

    Args:
        table: Table.
        keys: Keys of its columns.

    Raises:
        KeyError: The table has no such column.
    """
    kept = [table.places[key] for key in keys]
    rows = tuple(tuple(row[position] for position in kept) for row in table.rows)
    return replace(table, columns=tuple(table.columns[position] for position in kept), rows=rows)


def set_digits(table: ReportTable, keys: Collection[str], count: Callable[[Sequence[float], int], int]) -> ReportTable:
    """Set the decimal places of columns by the numbers in them, shares in per cent.

    Args:
        table: Table.
        keys: Keys of the columns to change.
        count: `count_exact_decimals` for contract terms, `count_amount_decimals` for quantities.
    """

    def list_printed(column: ReportColumn) -> list[float]:
        """Return the numbers of a column as shown."""
        return [(100 if column.unit == "%" else 1) * value for value in _list_numbers(table.list_cells(column.key))]

    columns = tuple(
        replace(column, digits=count(list_printed(column), column.digits)) if column.key in keys else column
        for column in table.columns
    )
    return replace(table, columns=columns)


def fill_rows(columns: Sequence[ReportColumn], records: Iterable[Mapping[str, CellValue]]) -> TableRows:
    """Return records as rows: cells by the key of their column, None where a record has no such cell.

    Args:
        columns: Columns of the table.
        records: One for each row: cells by the key of their column.

    Returns:
        The rows, with a cell for each column.
    """
    return tuple(tuple(record.get(column.key) for column in columns) for record in records)


@dataclass(frozen=True)
class OrderDocument:
    """Call-off, toll-refining instruction, purchase or sales order; a draft while details of the party are missing.

    Attributes:
        kind: Kind of document.
        number: Number, unique in a plan.
        party: Fields of the counterparty and their values, '' where unknown.
        terms: Fields of the terms and their values.
        lines: Exact lines, for programs and data sheets.
        missing: Fields that the order needs before it can be signed.
        notes: Notes below the lines; the last one of a draft says where the missing fields belong.
        grouped: The same lines summed and rounded to units of the trade, for page and paper; empty: `lines`.
    """

    kind: str
    number: str
    party: FieldPairs  # field and value, '' where unknown
    terms: FieldPairs
    lines: ReportTable
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    grouped: tuple[ReportTable, ...] = ()

    @property
    def printed_terms(self) -> FieldPairs:
        """Terms for page and paper; a draft has no line to sign."""
        return tuple(pair for pair in self.terms if not self.missing or pair[0] not in SIGNATURE_FIELDS)

    @property
    def stamp(self) -> str:
        """Stamp of the order: `DRAFT_STAMP` for a draft; empty once the party is complete."""
        return DRAFT_STAMP if self.missing else ""


@dataclass(frozen=True)
class ReportSummary:
    """First page of a report that a person signs: everything on it is also in the report.

    Attributes:
        figures: Key figures; columns `figure`, `value` and `detail`.
        orders: Orders, and by when to sign.
        risks: Main risks, a sentence each.
        charts: At most two charts.
    """

    figures: ReportTable
    orders: ReportTable
    risks: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Tables of the first page that have rows."""
        return tuple(table for table in (self.figures, self.orders) if table.rows)


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
        wrap: Wrap sentences at the width of a terminal; False: one line each, so that messages can be searched.
        single: All data as one table, for a single CSV file; None: CSV is a folder with a file for each table.
        json: Writer of the JSON text; None: headline and tables.
        json_lines: Writer of JSON with a line for each row; None: there is no such form.
        csv: Writer of the files of the CSV folder; None: a file for each table.
        plan: Plan that JSON, CSV and workbook hold besides, so that `medalopt verify` reads them.
        summary: First page; None: the headline alone.
        printed: Tables on paper, where those are a selection; None: all.
        date: Date of the report, YYYY-MM-DD; '' where none is stated.
        details: Sentences of the summary that a screen leaves out, unless all is printed.
        status: Status for the header of documents, where no sentence of the summary states it.
    """

    title: str
    headline: tuple[str, ...]
    tables: tuple[ReportTable, ...] = ()
    documents: tuple[OrderDocument, ...] = ()
    charts: tuple[Chart, ...] = ()
    foot: tuple[str, ...] = ()
    parts: tuple[Report, ...] = ()
    screen: tuple[ReportTable, ...] | None = None
    wrap: bool = True
    single: ReportTable | None = None
    json: Callable[[Report], str | Iterable[str]] | None = None
    json_lines: Callable[[Report], str | Iterable[str]] | None = None
    csv: Callable[[Report], Mapping[str, FileContent]] | None = None
    plan: Plan | None = None
    summary: ReportSummary | None = None
    printed: tuple[ReportTable, ...] | None = None
    date: str = ""
    details: tuple[str, ...] = ()
    status: str = ""


def select_summary(report: Report) -> Report:
    """Return the first page of a report as a report of its own.

    Returns:
        Status, key figures, orders, risks and charts; without the plan and its documents.
    """
    assert report.summary is not None
    summary = report.summary
    lines = (*report.headline[:1], *summary.risks)
    return Report(
        report.title,
        lines,
        summary.tables,
        charts=summary.charts,
        foot=report.foot,
        summary=summary,
        screen=summary.tables,
        date=report.date,
    )


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

    Returns:
        The tables in reading order, each once.
    """
    result: dict[str, ReportTable] = {}
    titles: set[str] = set()
    for table in _walk_tables(report):
        if table in result.values():
            continue
        key, title, number = table.key, table.title, 1
        while key in result or title in titles:
            number += 1
            key, title = f"{table.key}_{number}", f"{table.title} ({number})"
        result[key] = table if number == 1 else replace(table, key=key, title=title)
        titles.add(title)
    return tuple(result.values())


def list_order_lines(documents: Sequence[OrderDocument]) -> tuple[ReportTable, ...]:
    """Join the exact lines of the documents of each kind.

    Returns:
        A table for each kind of lines, with the number of the document in its first column.
    """
    by_kind: dict[str, list[OrderDocument]] = {}
    for document in documents:
        by_kind.setdefault(document.lines.key, []).append(document)
    joined = []
    for of_kind in by_kind.values():
        lines = of_kind[0].lines
        rows = tuple((document.number, *row) for document in of_kind for row in document.lines.rows)
        joined.append(replace(lines, columns=(ReportColumn("document", "Document"), *lines.columns), rows=rows))
    return tuple(joined)


def _walk_tables(report: Report) -> Iterator[ReportTable]:
    """Yield the tables of a report in reading order; the charts of a sourcing plan repeat its tables."""
    if report.plan is None and not report.documents and report.summary is None:
        yield from (table for chart in report.charts for table in chart.tables)
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


def fold_table(table: ReportTable, over: str = "period") -> tuple[ReportTable, ReportTable]:
    """Sum a table over one of its text columns.

    Cells that cannot be summed are kept where all rows agree.

    Returns:
        The table without that column, and the sums for each of its values (no rows where nothing can be summed).
    """
    index = next((position for position, column in enumerate(table.columns) if column.key == over), -1)
    named = [position for position, column in enumerate(table.columns) if column.unit is None and position != index]
    sums = [position for position, column in enumerate(table.columns) if column.total]
    groups: dict[tuple[CellValue, ...], list[tuple[CellValue, ...]]] = {}
    periods: dict[CellValue, list[tuple[CellValue, ...]]] = {}
    for row in table.rows:
        groups.setdefault(tuple(row[position] for position in named), []).append(row)
        periods.setdefault(row[index] if index >= 0 else None, []).append(row)
    selected = [position for position in range(len(table.columns)) if position != index]
    rows = tuple(tuple(_combine_cells(table, position, rows) for position in selected) for rows in groups.values())
    by_name = replace(table, columns=tuple(table.columns[position] for position in selected), rows=rows)
    by_period = replace(
        table,
        title=f"{table.title}, {table.columns[index].title.lower()} by {table.columns[index].title.lower()}",
        columns=tuple(table.columns[position] for position in (index, *sums)),
        rows=tuple(
            (period, *(_combine_cells(table, position, rows) for position in sums))
            for period, rows in sorted(periods.items(), key=lambda item: str(item[0]))
        )
        if index >= 0 and sums
        else (),
    )
    return by_name, by_period


def _combine_cells(table: ReportTable, position: int, rows: Sequence[tuple[CellValue, ...]]) -> CellValue:
    """Combine the cells of several rows: their sum where the column has a total, else their common value or None."""
    cells = [row[position] for row in rows]
    if table.columns[position].total:
        return sum(_list_numbers(cells))
    return cells[0] if all(_cells_agree(cell, cells[0]) for cell in cells) else None


def _cells_agree(one: CellValue, other: CellValue) -> bool:
    one, other = get_cell_value(one), get_cell_value(other)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9)
    return one == other


def limit_rows(table: ReportTable, maximum: int, note: str) -> ReportTable:
    """Cut a table for a terminal.

    Args:
        table: Table in full.
        maximum: Rows shown.
        note: Note on the rest, with `{}` for their number.

    Returns:
        The table of its first rows; the note only where there is a rest.
    """
    rest = len(table.rows) - maximum
    return table if rest <= 0 else replace(table, rows=table.rows[:maximum], notes=(note.format(rest), *table.notes))


def make_share(part: float, whole: float) -> CellValue:
    """Return a part of a whole as a cell.

    Args:
        part: Numerator.
        whole: Denominator.

    Returns:
        The share of 1; a dash where `whole` is 0.
    """
    return part / whole if whole else ShownValue(None, "–")


def sum_column(table: ReportTable, position: int, start: int = 0) -> float:
    """Return the sum of a column.

    Args:
        table: Table.
        position: Index of the column.
        start: First row of the sum.

    Returns:
        The sum of its numbers, in the order of the rows.
    """
    return sum(_list_numbers(row[position] for row in table.rows[start:]))
