"""Rows of streams or lanes as columns of text, wherever they were written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalopt.instance.figures import Ints
from medalopt.instance.reader.faults import Place

Key = tuple[str, ...]
"""The field a column holds: ('collection',), or ('storage', 'limit') for a nested one."""

Text = str | None

PERIOD: Key = ("period",)


@dataclass(frozen=True, eq=False)
class Cells:
    """A column of R cells: the distinct `texts` in it, and as `code`, (R,), which of them each row has.

    The first text is None: that of a cell left out. So what a text stands for is found once, however many rows have it.
    """

    texts: tuple[Text, ...]
    code: Ints

    @classmethod
    def of(cls, cells: Sequence[Text], gap: Text = None) -> Cells:
        """Return a column of `cells`; what is `gap` is left out."""
        place: dict[Text, int] = {None: 0, gap: 0}
        texts: list[Text] = [None]
        for text in dict.fromkeys(cells):
            if text not in place:
                place[text] = len(texts)
                texts.append(text)
        code = np.fromiter(map(place.__getitem__, cells), dtype=np.intp, count=len(cells))
        return cls(tuple(texts), code)

    @classmethod
    def none(cls, count: int) -> Cells:
        """Return a column of `count` cells that are all left out."""
        return cls((None,), np.zeros(count, dtype=np.intp))

    def __len__(self) -> int:
        return len(self.code)

    def __getitem__(self, row: int) -> Text:
        return self.texts[self.code[row]]

    def __iter__(self) -> Iterator[Text]:
        return map(self.texts.__getitem__, self.code.tolist())

    def taking(self, rows: Sequence[int] | Ints) -> Cells:
        """Return the cells of these rows, in this order; a row may come more than once."""
        return Cells(self.texts, self.code[np.asarray(rows, dtype=np.intp)])

    def found(self) -> Ints:
        """Return which texts stand in some row, in the order in which they first do; not that of cells left out."""
        first = self.first()
        there = np.flatnonzero(first < len(self))
        there = there[there > 0]
        return there[np.argsort(first[there])]

    def first(self) -> Ints:
        """Return the first row of each text, (T,); the number of rows where it stands in none."""
        first = np.full(len(self.texts), len(self), dtype=np.intp)
        first[self.code[::-1]] = np.arange(len(self))[::-1]  # of several rows the one assigned last stays
        return first

    def each(self) -> dict[Text, list[int]]:
        """Return the rows of every text that stands in one."""
        order = np.argsort(self.code, kind="stable")
        found, first = np.unique(self.code[order], return_index=True)
        rows = np.split(order, first[1:]) if len(found) else []  # of nothing `split` would make one part
        return {self.texts[code]: own.tolist() for code, own in zip(found.tolist(), rows, strict=True)}

    def rows(self, text: Text) -> list[int]:
        """Return the rows that have `text`."""
        return np.flatnonzero(self.code == self.texts.index(text)).tolist() if text in self.texts else []

    def changed(self, cells: Iterable[tuple[int, Text]]) -> Cells:
        """Return the column with some cells written anew."""
        place = {text: number for number, text in enumerate(self.texts)}
        code = self.code.copy()
        for row, text in cells:
            code[row] = place.setdefault(text, len(place))
        return Cells(tuple(place), code)


@dataclass(frozen=True, eq=False)
class Sheet:
    """Columns of cells.

    `lines` says where each row stands in `file`; `places` holds the cells of a list (and, under (), its entries),
    `heads` the columns of a table. `entry` numbers the entries of a list, whose `available` may take several
    rows; in a table it is None, and rows of one name belong together where there is a `period` column.
    """

    section: str
    file: str
    columns: dict[Key, Cells]
    lines: Ints
    heads: dict[Key, Place]
    places: dict[tuple[int, Key], Place]
    entry: Ints | None = None

    @classmethod
    def empty(cls, section: str) -> Sheet:
        """Return a list without entries."""
        none = np.zeros(0, dtype=np.intp)
        return cls(section, "", {}, none, {}, {}, none)

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.lines)

    def place(self, row: int, key: Key = ()) -> Place:
        """Return the place of a cell, or of its row where it is left out."""
        if own := self.places.get((row, key)):
            return own
        if self.entry is None:
            return Place(self.file, int(self.lines[row]), self.heads[key].column if key in self.heads else 1)
        return self.places[row, ()]

    def column(self, key: Key) -> Cells:
        """Return the cells of a column; all are left out where the column is not there."""
        return self.columns.get(key) or Cells.none(self.count)

    def taking(self, rows: Sequence[int] | Ints) -> Sheet:
        """Return the sheet with these rows alone, in this order; a row may come more than once."""
        listed = np.asarray(rows, dtype=np.intp)
        where: dict[int, list[int]] = {}
        for new, old in enumerate(listed.tolist() if self.places else ()):
            where.setdefault(old, []).append(new)
        return replace(
            self,
            columns={key: cells.taking(listed) for key, cells in self.columns.items()},
            lines=self.lines[listed],
            places={(new, key): at for (old, key), at in self.places.items() for new in where.get(old, ())},
            entry=None if self.entry is None else self.entry[listed],
        )

    def with_cells(self, cells: Iterable[tuple[int, Key, Text]], place: Place) -> Sheet:
        """Return the sheet with some cells written anew, which then stand at `place`."""
        written: dict[Key, list[tuple[int, Text]]] = {}
        for row, key, text in cells:
            written.setdefault(key, []).append((row, text))
        columns = {key: self.column(key).changed(new) for key, new in written.items()}
        places = {(row, key): place for key, new in written.items() for row, _ in new}
        return replace(self, columns={**self.columns, **columns}, places={**self.places, **places})
