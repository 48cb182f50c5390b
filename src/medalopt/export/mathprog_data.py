"""Sets and parameters in the data section of GNU MathProg.

Subscripts are given as written: quoted symbols, or numbers. A value that is infinite, or equal to the default that
the model declares, is omitted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import fill
from typing import Any

from numpy.typing import NDArray

Axis = Sequence[str]
_WIDTH = 120


def number(value: float) -> str:
    """Return the shortest decimal that reads back as the same double."""
    return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(float(value))


def set_of(name: str, members: Iterable[str]) -> str:
    """Return a set, on several lines if it is long; tuples are in parentheses."""
    text = " ".join([f"set {name} :=", *members]) + ";"
    return fill(text, _WIDTH, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False)


def pairs(first: Axis, second: Axis, holds: NDArray[Any]) -> Iterator[str]:
    """Yield the pairs of two index sets for which `holds` is true."""
    for row, members in zip(first, holds.tolist(), strict=True):
        yield from (f"({row},{member})" for member, yes in zip(second, members, strict=True) if yes)


def vector(name: str, axis: Axis, figures: NDArray[Any], default: float) -> Iterator[str]:
    """Yield a parameter over one index set."""
    entries = [f" {key} {number(value)}" for key, value in _written(axis, figures, default)]
    if entries:
        yield from (f"param {name} :=", *entries, ";")


def matrix(name: str, rows: Axis, columns: Axis, figures: NDArray[Any], default: float) -> Iterator[str]:
    """Yield a parameter over two index sets, one line for each of `rows`."""
    yield from cube(name, {f"[{row}": part for row, part in zip(rows, figures, strict=True)}, columns, default)


def cube(name: str, slices: Mapping[str, NDArray[Any]], last: Axis, default: float) -> Iterator[str]:
    """Yield a parameter; `slices` maps each opened subscript `[a,b` to the values over the `last` index set."""
    entries = []
    for opened, figures in slices.items():
        written = " ".join(f"{key} {number(value)}" for key, value in _written(last, figures, default))
        if written:
            entries.append(f" {opened},*] {written}")
    if entries:
        yield from (f"param {name} :=", *entries, ";")


def table(index: str, keys: Axis, columns: Mapping[str, Iterable[str | float]]) -> Iterator[str]:
    """Yield a set with its parameters side by side; text cells are written unchanged, `.` is the default."""
    yield f"param : {index} : {' '.join(columns)} :="
    for key, *cells in zip(keys, *columns.values(), strict=True):
        yield f" {key} {' '.join(_cell(cell) for cell in cells)}"
    yield ";"


def _cell(cell: str | float) -> str:
    """Return a cell; `.` for an infinite value."""
    if isinstance(cell, str):
        return cell
    return number(float(cell)) if math.isfinite(cell) else "."


def _written(axis: Axis, figures: NDArray[Any], default: float) -> Iterator[tuple[str, float]]:
    """Yield the subscripts and values that are finite and differ from the default."""
    for key, value in zip(axis, figures.tolist(), strict=True):
        if value != default and math.isfinite(value):
            yield key, float(value)
