"""Rows of streams or lanes, stored by column, from a YAML list or a CSV table."""

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
    """A column of R cells: its distinct `texts` (T,), and `code` (R,), the index of the text of each row.

    `texts[0]` is None, the text of an empty cell. Each distinct text is thus parsed once, however many rows share it.
    """

    texts: tuple[Text, ...]
    code: Ints

    @classmethod
    def of(cls, cells: Sequence[Text], gap: Text = None) -> Cells:
        """Build a column.

        Args:
            cells: Text of each row (R,).
            gap: Text that counts as empty.

        Returns:
            The column.
        """
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
        """Build a column of empty cells.

        Args:
            count: Number of rows.

        Returns:
            The column.
        """
        return cls((None,), np.zeros(count, dtype=np.intp))

    def __len__(self) -> int:
        return len(self.code)

    def __getitem__(self, row: int) -> Text:
        return self.texts[self.code[row]]

    def __iter__(self) -> Iterator[Text]:
        return map(self.texts.__getitem__, self.code.tolist())

    def taking(self, rows: Sequence[int] | Ints) -> Cells:
        """Select rows.

        Args:
            rows: Row indices, in the order of the result; duplicates are allowed.

        Returns:
            The cells of these rows.
        """
        return Cells(self.texts, self.code[np.asarray(rows, dtype=np.intp)])

    def found(self) -> Ints:
        """Return the codes of all texts that occur, except empty, ordered by first occurrence."""
        first = self.first()
        there = np.flatnonzero(first < len(self))
        there = there[there > 0]
        return there[np.argsort(first[there])]

    def first(self) -> Ints:
        """Return the first row of each text (T,); R if it does not occur."""
        first = np.full(len(self.texts), len(self), dtype=np.intp)
        first[self.code[::-1]] = np.arange(len(self))[::-1]  # the last assignment, of the first row, prevails
        return first

    def each(self) -> dict[Text, list[int]]:
        """Return the row indices of each text that occurs."""
        order = np.argsort(self.code, kind="stable")
        found, first = np.unique(self.code[order], return_index=True)
        rows = np.split(order, first[1:]) if len(found) else []  # `split` of an empty array would return one part
        return {self.texts[code]: own.tolist() for code, own in zip(found.tolist(), rows, strict=True)}

    def rows(self, text: Text) -> list[int]:
        """Find the rows with a text.

        Args:
            text: Text of a cell; None for empty.

        Returns:
            Row indices, ascending.
        """
        return np.flatnonzero(self.code == self.texts.index(text)).tolist() if text in self.texts else []

    def changed(self, cells: Iterable[tuple[int, Text]]) -> Cells:
        """Replace the text of some cells.

        Args:
            cells: Pairs of row and new text.

        Returns:
            The changed column.
        """
        place = {text: number for number, text in enumerate(self.texts)}
        code = self.code.copy()
        for row, text in cells:
            code[row] = place.setdefault(text, len(place))
        return Cells(tuple(place), code)


@dataclass(frozen=True, eq=False)
class Sheet:
    """Columns of cells with their locations.

    Attributes:
        section: `streams` or `lanes`.
        file: File name for messages.
        columns: Cells (R,) of each column.
        lines: Line of each row in the file (R,).
        heads: Location of each column header of a CSV table.
        places: Location of each cell of a YAML list, and under () of each row.
        entry: Index of the list entry of each row (R,), whose `available` may take several rows; None for a CSV table,
            in which rows of one name form one stream if there is a `period` column.
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
        """Build an empty list.

        Args:
            section: `streams` or `lanes`.

        Returns:
            Sheet without rows.
        """
        none = np.zeros(0, dtype=np.intp)
        return cls(section, "", {}, none, {}, {}, none)

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.lines)

    def place(self, row: int, key: Key = ()) -> Place:
        """Locate a cell.

        Args:
            row: Row index.
            key: Column; () for the row.

        Returns:
            Location of the cell, or of its row if the cell is absent.
        """
        if own := self.places.get((row, key)):
            return own
        if self.entry is None:
            return Place(self.file, int(self.lines[row]), self.heads[key].column if key in self.heads else 1)
        return self.places[row, ()]

    def column(self, key: Key) -> Cells:
        """Get a column.

        Args:
            key: Column.

        Returns:
            Its cells (R,); all empty if there is no such column.
        """
        return self.columns.get(key) or Cells.none(self.count)

    def taking(self, rows: Sequence[int] | Ints) -> Sheet:
        """Select rows.

        Args:
            rows: Row indices, in the order of the result; duplicates are allowed.

        Returns:
            Sheet of these rows.
        """
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
        """Replace the text of some cells.

        Args:
            cells: Triples of row, column and new text.
            place: Location of the new cells.

        Returns:
            The changed sheet.
        """
        written: dict[Key, list[tuple[int, Text]]] = {}
        for row, key, text in cells:
            written.setdefault(key, []).append((row, text))
        columns = {key: self.column(key).changed(new) for key, new in written.items()}
        places = {(row, key): place for key, new in written.items() for row, _ in new}
        return replace(self, columns={**self.columns, **columns}, places={**self.places, **places})
