"""A table of text with its title, before it is known on what kind of page it will stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Row = tuple[str, ...]
NOTHING = frozenset({"", "0", "–"})


@dataclass(frozen=True)
class Column:
    """A column of a table: where there is little room, those of the highest rank are left out first, 0 never."""

    header: str
    right: bool = True
    rank: int = 0


@dataclass(frozen=True)
class Section:
    """A table with its title and notes; `rows` are cells of text, the last of them a total where `total` is set."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heading:
    """Where one of several parts begins: its title, and the lines that are said of it."""

    title: str
    lines: tuple[str, ...]


def section(
    title: str,
    columns: Sequence[tuple[Column, Sequence[str]]],
    total: bool = False,
    notes: Sequence[str] = (),
    always: int = 2,
) -> Section:
    """Return a section of columns, each with its cells; empty ones are left out, but not of the first `always`."""
    kept = [
        (column, cells) for place, (column, cells) in enumerate(columns) if place < always or not set(cells) <= NOTHING
    ]
    rows = tuple(zip(*(cells for _, cells in kept), strict=True))
    return Section(title, tuple(column for column, _ in kept), rows, total, tuple(notes))
