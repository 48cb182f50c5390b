"""What the sourcing plan says, before it is known in which form: figures with units, documents, charts.

Workbook, page, print, folder of CSV and JSON are written from one `Content`, so that all say the same.
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
    """A column of a table. Text where `unit` is None; else figures in that unit, '' for counts.

    `key` names it in CSV and JSON, with its unit as the last part where it has one (`tonnes_t`, `price_per_t`).
    Cells of '%' are shares, 0 to 1. `digits` after the point are what a person reads; the cell holds all of them.
    """

    key: str
    title: str
    unit: str | None = None
    digits: int = 0
    total: bool = False  # the column's sum has a meaning, and is shown
    hidden: bool = False  # there for machines, such as unit codes


Rows = tuple[tuple[Cell, ...], ...]


def with_exact_digits(columns: tuple[Column, ...], rows: Rows, keys: Collection[str]) -> tuple[Column, ...]:
    """Return the columns; those called `keys`, of a contract, with digits enough to print every figure as it is."""
    return tuple(
        replace(column, digits=exact_decimals(_printed(rows, place, column), column.digits))
        if column.key in keys
        else column
        for place, column in enumerate(columns)
    )


def with_amount_digits(columns: tuple[Column, ...], rows: Rows, keys: Collection[str]) -> tuple[Column, ...]:
    """Return the columns with digits enough that the least amount in those called `keys` keeps four of them."""
    return tuple(
        replace(column, digits=amount_decimals(_printed(rows, place, column), column.digits))
        if column.key in keys
        else column
        for place, column in enumerate(columns)
    )


def _printed(rows: Rows, place: int, column: Column) -> list[float]:
    factor = 100 if column.unit == "%" else 1
    return [factor * float(cell) for cell in (row[place] for row in rows) if isinstance(cell, int | float)]


@dataclass(frozen=True)
class Table:
    """A table: `says` tells in a sentence what stands in it; cells in the order of `columns`, None where empty."""

    key: str
    title: str
    says: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """One call-off, toll-refining instruction or metal purchase order; a draft while the party is incomplete."""

    kind: str
    number: str
    party: Pairs  # field and value, '' where it is missing
    terms: Pairs
    lines: Table
    missing: tuple[str, ...] = ()  # what has to be known of the party before it is an order
    notes: tuple[str, ...] = ()

    @property
    def stamp(self) -> str:
        """What is stamped across it: nothing once the party is complete."""
        return DRAFT if self.missing else ""


@dataclass(frozen=True)
class Content:
    """The whole plan for procurement: the decision on one page first, then what it rests on."""

    title: str
    decision: tuple[str, ...]  # sentences
    tables: tuple[Table, ...]
    documents: tuple[Document, ...]
    charts: tuple[Chart, ...]
    foot: tuple[str, ...]  # certificate, hash of the figures, versions
