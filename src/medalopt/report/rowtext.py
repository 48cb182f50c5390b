"""The columns of a table to the text of its rows, some rows at a time: neither all of the text nor a row is held."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

AT_ONCE = 4_096  # rows
Code = Callable[[Any], str]


def coded(columns: Mapping[str, Sequence[Any]], code: Code) -> Iterator[Iterator[tuple[str, ...]]]:
    """Yield the cells of the rows, each as `code` writes it, `AT_ONCE` at a time; each name is written once."""
    known: dict[Any, str] = {}
    values = [iter(column) for column in columns.values()]
    while True:
        parts = [list(islice(column, AT_ONCE)) for column in values]
        yield zip(*(_cells(part, code, known) for part in parts), strict=True)
        if not parts or len(parts[0]) < AT_ONCE:
            return


def _cells(values: list[Any], code: Code, known: dict[Any, str]) -> Iterator[str]:
    kinds = set(map(type, values))
    if kinds == {float} and all(map(math.isfinite, values)):
        return map(float.__repr__, values)
    if not kinds <= {str, type(None)}:
        return map(code, values)
    for value in set(values) - known.keys():
        known[value] = code(value)
    return map(known.__getitem__, values)
