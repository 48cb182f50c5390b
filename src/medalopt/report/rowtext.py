"""Encoding of a table by columns as the cells of its rows, a chunk of rows at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

AT_ONCE = 4_096  # rows
Code = Callable[[Any], str]


def coded(columns: Mapping[str, Sequence[Any]], code: Code) -> Iterator[Iterator[tuple[str, ...]]]:
    """Yield the encoded cells of the rows in chunks of `ROWS_PER_CHUNK`; each distinct name is encoded once.

    Args:
        columns: Name to cells; all columns of the same length.
        code: Encoder of one cell.

    Yields:
        Chunks of rows of encoded cells.
    """
    known: dict[Any, str] = {}
    values = [iter(column) for column in columns.values()]
    while True:
        parts = [list(islice(column, AT_ONCE)) for column in values]
        yield zip(*(_cells(part, code, known) for part in parts), strict=True)
        if not parts or len(parts[0]) < AT_ONCE:
            return


def _cells(values: list[Any], code: Code, known: dict[Any, str]) -> Iterator[str]:
    """Encode one chunk of a column; finite floats are encoded by `repr`, repeated names looked up."""
    kinds = set(map(type, values))
    if kinds == {float} and all(map(math.isfinite, values)):
        return map(float.__repr__, values)
    if not kinds <= {str, type(None)}:
        return map(code, values)
    for value in set(values) - known.keys():
        known[value] = code(value)
    return map(known.__getitem__, values)
