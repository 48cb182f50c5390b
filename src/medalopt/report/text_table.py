"""Table of text cells with title, column ranks and notes, independent of the renderer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    says: str = ""


@dataclass(frozen=True)
class TextHeading:
    """Start of a part of a report: its title and the lines below it."""

    title: str
    lines: tuple[str, ...]


def make_text_table(
    title: str,
    columns: Sequence[tuple[TextColumn, Sequence[str]]],
    total: bool = False,
    notes: Sequence[str] = (),
    always: int = 2,
) -> TextTable:
    """Return a table of the given columns, without empty columns.

    Args:
        title: Title of the table.
        columns: Each column with its cells; all of the same length.
        total: Whether the last row is a total.
        notes: Notes below the table.
        always: Number of leading columns that are kept even if they are empty.

    Returns:
        The table.
    """
    kept = [
        (column, cells)
        for position, (column, cells) in enumerate(columns)
        if position < always or not set(cells) <= EMPTY_CELLS
    ]
    rows = tuple(zip(*(cells for _, cells in kept), strict=True))
    return TextTable(title, tuple(column for column, _ in kept), rows, total, tuple(notes))
