"""Rows of streams or lanes as columns of text, wherever they were written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from medalopt.instance.reader.faults import Place

Key = tuple[str, ...]
"""The field a column holds: ('collection',), or ('storage', 'limit') for a nested one."""

Cells = list[str | None]

PERIOD: Key = ("period",)


@dataclass(frozen=True)
class Sheet:
    """Columns of cells, None where a cell is left out.

    `lines` says where each row stands in `file`; `places` holds the cells of a list (and, under (), its entries),
    `heads` the columns of a table. `entry` numbers the entries of a list, whose `available` may take several
    rows; in a table it is None, and rows of one name belong together where there is a `period` column.
    """

    section: str
    file: str
    columns: dict[Key, Cells]
    lines: Sequence[int]
    heads: dict[Key, Place]
    places: dict[tuple[int, Key], Place]
    entry: list[int] | None = None

    @classmethod
    def empty(cls, section: str) -> Sheet:
        """Return a list without entries."""
        return cls(section, "", {}, [], {}, {}, [])

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.lines)

    def place(self, row: int, key: Key = ()) -> Place:
        """Return the place of a cell, or of its row where it is left out."""
        if own := self.places.get((row, key)):
            return own
        if self.entry is None:
            return Place(self.file, self.lines[row], self.heads[key].column if key in self.heads else 1)
        return self.places[row, ()]

    def column(self, key: Key) -> Cells:
        """Return the cells of a column; all are left out where the column is not there."""
        return self.columns.get(key) or [None] * self.count

    def taking(self, rows: Sequence[int]) -> Sheet:
        """Return the sheet with these rows alone, in this order; a row may come more than once."""
        where: dict[int, list[int]] = {}
        for new, old in enumerate(rows):
            where.setdefault(old, []).append(new)
        return replace(
            self,
            columns={key: [cells[row] for row in rows] for key, cells in self.columns.items()},
            lines=[self.lines[row] for row in rows],
            places={(new, key): at for (old, key), at in self.places.items() for new in where.get(old, ())},
            entry=None if self.entry is None else [self.entry[row] for row in rows],
        )

    def with_cells(self, cells: Iterable[tuple[int, Key, str | None]], place: Place) -> Sheet:
        """Return the sheet with some cells written anew, which then stand at `place`."""
        listed = list(cells)
        columns = {**self.columns, **{key: list(self.column(key)) for key in {key for _, key, _ in listed}}}
        places = dict(self.places)
        for row, key, text in listed:
            columns[key][row] = text
            places[row, key] = place
        return replace(self, columns=columns, places=places)
