"""Typed document model of reports: tables with units, order documents and charts, independent of the output format.

Workbook, HTML, PDF, folder of CSV, JSON and text are rendered from one `Report`, so that all agree.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from medalopt.report.charts.chart import Chart
from medalopt.report.numbers import amount_decimals, exact_decimals

Cell = str | float | int | None
Pairs = tuple[tuple[str, str], ...]

DRAFT = "DRAFT, NOT AN ORDER"


@dataclass(frozen=True)
class Column:
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


Rows = tuple[tuple[Cell, ...], ...]


def with_exact_digits(columns: tuple[Column, ...], rows: Rows, keys: Collection[str]) -> tuple[Column, ...]:
    """Give the columns of contract terms enough decimal places to show every number unrounded.

    Args:
        columns: Columns of a table.
        rows: Its rows.
        keys: Keys of the columns to change.

    Returns:
        All columns, those of `keys` with their decimal places.
    """
    return tuple(
        replace(column, digits=exact_decimals(_printed(rows, place, column), column.digits))
        if column.key in keys
        else column
        for place, column in enumerate(columns)
    )


def with_amount_digits(columns: tuple[Column, ...], rows: Rows, keys: Collection[str]) -> tuple[Column, ...]:
    """Give columns of quantities enough decimal places for four significant digits of the smallest one.

    Args:
        columns: Columns of a table.
        rows: Its rows.
        keys: Keys of the columns to change.

    Returns:
        All columns, those of `keys` with their decimal places.
    """
    return tuple(
        replace(column, digits=amount_decimals(_printed(rows, place, column), column.digits))
        if column.key in keys
        else column
        for place, column in enumerate(columns)
    )


def _printed(rows: Rows, place: int, column: Column) -> list[float]:
    """Return the numbers of a column as shown, shares in per cent."""
    factor = 100 if column.unit == "%" else 1
    return [factor * float(cell) for cell in (row[place] for row in rows) if isinstance(cell, int | float)]


@dataclass(frozen=True)
class Table:
    """Table with a one-sentence description `says`; cells in the order of `columns`, None where empty."""

    key: str
    title: str
    says: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """Call-off, toll-refining instruction or metal purchase order; a draft while details of the party are missing."""

    kind: str
    number: str
    party: Pairs  # field and value, '' where unknown
    terms: Pairs
    lines: Table
    missing: tuple[str, ...] = ()  # fields of the party that an order needs
    notes: tuple[str, ...] = ()

    @property
    def stamp(self) -> str:
        """Stamp of a draft; empty once the party is complete."""
        return DRAFT if self.missing else ""


@dataclass(frozen=True)
class Content:
    """Report: summary, tables, order documents, charts and provenance."""

    title: str
    decision: tuple[str, ...]  # summary, a sentence each
    tables: tuple[Table, ...]
    documents: tuple[Document, ...]
    charts: tuple[Chart, ...]
    foot: tuple[str, ...]  # hash of the instance, versions
