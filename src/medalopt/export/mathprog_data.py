"""Sets and parameters in the data section of GNU MathProg.

An axis is a sequence of subscripts as they are written: quoted symbols, or numbers. A figure that is infinite,
or equal to the default that the model declares, is left out.
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
    """Return a set, over several lines where it is long; the subscripts of a tuple stand in brackets."""
    text = " ".join([f"set {name} :=", *members]) + ";"
    return fill(text, _WIDTH, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False)


def pairs(first: Axis, second: Axis, holds: NDArray[Any]) -> Iterator[str]:
    """Yield the pairs of two axes for which `holds` is true."""
    for row, members in zip(first, holds.tolist(), strict=True):
        yield from (f"({row},{member})" for member, yes in zip(second, members, strict=True) if yes)


def vector(name: str, axis: Axis, figures: NDArray[Any], default: float) -> Iterator[str]:
    """Yield a parameter over one axis."""
    entries = [f" {key} {number(value)}" for key, value in _written(axis, figures, default)]
    if entries:
        yield from (f"param {name} :=", *entries, ";")


def matrix(name: str, rows: Axis, columns: Axis, figures: NDArray[Any], default: float) -> Iterator[str]:
    """Yield a parameter over two axes, one line for each of `rows`."""
    yield from cube(name, {f"[{row}": part for row, part in zip(rows, figures, strict=True)}, columns, default)


def cube(name: str, slices: Mapping[str, NDArray[Any]], last: Axis, default: float) -> Iterator[str]:
    """Yield a parameter of which `slices` gives, for each opened subscript `[a,b`, the figures over the `last` axis."""
    entries = []
    for opened, figures in slices.items():
        written = " ".join(f"{key} {number(value)}" for key, value in _written(last, figures, default))
        if written:
            entries.append(f" {opened},*] {written}")
    if entries:
        yield from (f"param {name} :=", *entries, ";")


def table(index: str, keys: Axis, columns: Mapping[str, Iterable[str | float]]) -> Iterator[str]:
    """Yield a set with its parameters side by side; a text cell stands as it is, `.` is the default."""
    yield f"param : {index} : {' '.join(columns)} :="
    for key, *cells in zip(keys, *columns.values(), strict=True):
        yield f" {key} {' '.join(_cell(cell) for cell in cells)}"
    yield ";"


def _cell(cell: str | float) -> str:
    if isinstance(cell, str):
        return cell
    return number(float(cell)) if math.isfinite(cell) else "."


def _written(axis: Axis, figures: NDArray[Any], default: float) -> Iterator[tuple[str, float]]:
    for key, value in zip(axis, figures.tolist(), strict=True):
        if value != default and math.isfinite(value):
            yield key, float(value)
