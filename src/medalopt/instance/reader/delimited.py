"""Parse CSV to columns with vectorised operations, and build sheets of streams or lanes from CSV tables.

A file without quotes is split at all commas and line ends at once, and the cells of a column are compared as packed
64-bit integers. Any other file is parsed by Python's csv module, in chunks of rows.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter, itemgetter

import numpy as np
from numpy.typing import NDArray

from medalopt.instance.figures import Bools, Ints
from medalopt.instance.reader import limits
from medalopt.instance.reader.sheet import Cells, Text

_LONG = 64  # longest cell [bytes] that is compared as packed integers
_AT_ONCE = 50_000
_KEPT = (255 * np.tri(9, 8, -1)).astype(np.uint8)  # row n masks the first n of eight bytes
_COMMA, _LINE_FEED, _RETURN = b",\n\r"
Bytes = NDArray[np.uint8]
Edges = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a CSV table.

    Attributes:
        header: Texts of the header.
        line: Line of the header.
        lines: Line in which each row ends (R,).
        column: Function from a column index (from 0) to its cells (R,).
        uneven: Line and number of cells of each row that is not as wide as the header.
        whole: False if the table exceeds `MAX_CELLS`.
        error: Message and line of the error that ended parsing, if any.
    """

    header: list[str]
    line: int
    lines: Ints
    column: Callable[[int], Cells]
    uneven: tuple[tuple[int, int], ...] = ()
    whole: bool = True
    error: tuple[str, int] | None = None


def rows(text: str) -> Rows:
    """Parse a CSV table.

    Args:
        text: Header and rows.

    Returns:
        The rows, by column.
    """
    content = text.encode()
    return _plain(content) if _is_plain(content) else _read(text)


def _is_plain(content: bytes) -> bool:
    """Test if a table has no quotes, NUL or lone carriage returns, and at most `MAX_CELLS` cells."""
    odd = b'"' in content or b"\0" in content or content.count(b"\r") != content.count(b"\r\n")
    header = content[: content.find(b"\n", len(content) - len(content.lstrip(b"\r\n")))]
    cells = (content.count(b"\n") + 1) * (header.count(b",") + 1)
    return bool(content) and not odd and max(cells, content.count(b",")) <= limits.MAX_CELLS


def _plain(content: bytes) -> Rows:
    """Parse a table without quotes."""
    data = np.frombuffer(content + b"\n" * (not content.endswith(b"\n")) + bytes(_LONG + 8), dtype=np.uint8)
    ends = np.flatnonzero(data == _LINE_FEED)
    starts = np.concatenate([[0], ends[:-1] + 1])
    ends = ends - ((ends > starts) & (data[ends - 1] == _RETURN))
    commas = np.flatnonzero(data == _COMMA).astype(np.int32)
    before = np.searchsorted(commas, starts)
    count = np.diff(before, append=len(commas)) + 1
    there = ends > starts
    if not there.any() or int((ends - starts).max()) > csv.field_size_limit():
        return _read(content.decode())
    head = int(np.flatnonzero(there)[0])
    width = int(count[head])
    there[head] = False
    at, uneven = np.flatnonzero(there & (count == width)), np.flatnonzero(there & (count != width))
    cuts = commas[before[at][:, None] + np.arange(width - 1)]
    edges: Edges = np.column_stack([starts[at] - 1, cuts, ends[at]]).astype(np.int32)
    header = content[starts[head] : ends[head]].decode().split(",")
    odd = tuple(zip((uneven + 1).tolist(), count[uneven].tolist(), strict=True))
    return Rows(header, head + 1, at + 1, lambda number: _column(data, content, edges, number), odd)


def _column(data: Bytes, content: bytes, edges: Edges, number: int) -> Cells:
    """Return the cells between two adjacent edges of each row."""
    start = edges[:, number].astype(np.intp) + 1
    length = edges[:, number + 1] - start
    long = length > _LONG
    texts, code = _told_apart(data, start, np.where(long, 0, length))
    if long.any():
        place: dict[Text, int] = {}
        for row in np.flatnonzero(long).tolist():
            cell = content[start[row] : start[row] + length[row]].decode()
            code[row] = len(texts) + place.setdefault(cell, len(place))
        texts = (*texts, *place)
    return Cells(texts, code)


def _told_apart(data: Bytes, start: Ints, length: Ints) -> tuple[tuple[Text, ...], Ints]:
    """Return the distinct texts of cells up to `_MAX_PACKED_BYTES` long, and the code of each cell (0: empty)."""
    words = max(-(-int(length.max(initial=0)) // 8), 1)
    windows = np.lib.stride_tricks.sliding_window_view(data, 8)
    cell = np.empty((len(start), 8 * words), dtype=np.uint8)
    for byte in range(0, 8 * words, 8):
        cell[:, byte : byte + 8] = windows[start + byte] & _KEPT[np.clip(length - byte, 0, 8)]
    number = cell.view(np.uint64)
    head = np.ones(len(cell), dtype=np.bool_)  # first cell of each run of equal cells; only these are sorted
    head[1:] = (number[1:] != number[:-1]).any(axis=1)
    code = _coded(number[head])
    one = np.zeros(int(code.max(initial=-1)) + 1, dtype=np.intp)
    one[code] = np.flatnonzero(head)
    texts = b"\n".join(cell[one].view(f"S{8 * words}").ravel().tolist()).decode().split("\n") if len(one) else []
    gap: Bools = length[one] == 0
    return (None, *texts[int(gap.any()) :]), code[np.cumsum(head) - 1] + int(not gap.any())


def _coded(number: NDArray[np.uint64]) -> Ints:
    """Return a code from 0 for each row of integers, equal for equal rows; the row of zeros has the least."""
    code = np.unique(number[:, 0], return_inverse=True)[1]
    for word in number.T[1:]:
        value, own = np.unique(word, return_inverse=True)
        code = np.unique(code * len(value) + own, return_inverse=True)[1]
    return code


def _read(text: str) -> Rows:
    """Parse a table with Python's csv module."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    line, seen, whole = 0, 0, True
    cells: list[list[str]] = []
    lines: list[int] = []
    uneven: list[tuple[int, int]] = []
    error: tuple[str, int] | None = None
    try:
        header = next((row for row in reader if row), [])
        line, cells = reader.line_num, [[] for _ in header]
        for chunk in _chunks(reader):
            seen += len(chunk) * len(header)
            whole = seen <= limits.MAX_CELLS
            uneven += [(at, len(row)) for row, at in chunk if len(row) not in (0, len(header))]
            even = [pair for pair in chunk if len(pair[0]) == len(header)] if header else []
            lines += map(itemgetter(1), even)
            for number, column in enumerate(cells):
                column += [row[number] for row, _ in even]
            if not whole:
                break
    except csv.Error as failure:
        error = (str(failure), reader.line_num)
    return Rows(
        header,
        line,
        np.array(lines, dtype=np.intp),
        lambda number: Cells.of(cells[number], gap=""),
        tuple(uneven),
        whole,
        error,
    )


def _chunks(reader: Iterator[list[str]]) -> Iterator[list[tuple[list[str], int]]]:
    """Yield chunks of rows with the line in which each ends; raise csv.Error after all rows before the error."""
    pairs = zip(reader, map(attrgetter("line_num"), itertools.repeat(reader)), strict=False)
    while True:
        chunk: list[tuple[list[str], int]] = []
        error: csv.Error | None = None
        try:
            chunk.extend(itertools.islice(pairs, _AT_ONCE))
        except csv.Error as failure:
            error = failure
        yield chunk
        if error is not None:
            raise error
        if len(chunk) < _AT_ONCE:
            return
