"""Columns of text to columns of figures: each distinct cell is read once, a column of bare numbers at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from medalopt.instance.figures import Bools, Figures, Floats, Ints
from medalopt.instance.reader.sheet import Cells
from medalopt.instance.schema.fields import Measure
from medalopt.quantity import Money, Quantity, QuantityError

_BARE = re.compile(r"(?:[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?\n)*")
_FINEST, _LARGEST = 1e-90, 1e90
_LONGEST = 40


@dataclass(frozen=True, eq=False)
class Read:
    """A column that has been read: floats as written, which factor each has, and the power of a piece in it.

    `given` says where a cell stood. `wrong` holds what is wrong with each distinct cell that is no figure.
    """

    raw: Floats
    unit: Ints
    factors: tuple[Fraction, ...]
    pieces: Ints
    given: Bools
    wrong: dict[str, str]

    def at(self, rows: Ints) -> Read:
        """Return the figures of some rows."""
        return replace(self, raw=self.raw[rows], unit=self.unit[rows], pieces=self.pieces[rows], given=self.given[rows])


def read(cells: Cells, measure: Measure, money: Money, default: Quantity) -> Read:
    """Read a column; a cell left out is `default`."""
    if (raw := _bare(cells, measure)) is not None:
        none = np.zeros(len(raw), dtype=np.intp)
        return Read(raw, none, (Fraction(1),), none, np.ones(len(raw), dtype=np.bool_), {})
    figures: dict[str | None, Quantity] = {None: default}
    wrong: dict[str, str] = {}
    for cell in dict.fromkeys(cells):
        if cell is not None:
            try:
                figures[cell] = measure.check(cell, money)
            except QuantityError as error:
                figures[cell], wrong[cell] = default, str(error)
    place = {cell: number for number, cell in enumerate(figures)}
    code = np.fromiter((place[cell] for cell in cells), dtype=np.intp, count=len(cells))
    factors = tuple(dict.fromkeys(figure.factor for figure in figures.values()))
    unit = np.array([factors.index(figure.factor) for figure in figures.values()], dtype=np.intp)
    raw = np.array([figure.raw for figure in figures.values()], dtype=np.float64)
    pieces = np.array([figure.pieces for figure in figures.values()], dtype=np.intp)
    return Read(raw[code], unit[code], factors, pieces[code], code != 0, wrong)


def absent(count: int, default: Quantity) -> Read:
    """Return a column of `count` cells that are all left out."""
    none = np.zeros(count, dtype=np.intp)
    raw = np.full(count, default.raw)
    return Read(raw, none, (default.factor,), none, np.zeros(count, dtype=np.bool_), {})


def _bare(cells: Cells, measure: Measure) -> Floats | None:
    """Return the figures of a column of bare numbers that are all allowed, None where it is something else."""
    texts = [cell for cell in cells if cell is not None]
    if (
        len(texts) < len(cells)
        or max(map(len, texts), default=0) > _LONGEST
        or not _BARE.fullmatch("\n".join([*texts, ""]))
    ):
        return None
    try:
        raw = np.array([float(text) for text in texts], dtype=np.float64)
    except ValueError:
        return None
    size = np.abs(raw[raw != 0])
    fine = bool(np.all((size > _FINEST) & (size < _LARGEST)))
    zeros = {text for text, value in zip(texts, raw.tolist(), strict=True) if not value}
    fine = fine and not any(re.search("[1-9]", re.split("[eE]", text)[0]) for text in zeros)
    high = np.inf if measure.high is None else measure.high
    low = -np.inf if measure.low is None else measure.low
    fine = fine and bool(np.all(raw < high if measure.below else raw <= high))
    return raw + 0.0 if fine and bool(np.all(raw > low if measure.above else raw >= low)) else None


def figures(column: Read, device: Ints, unit_mass: Sequence[Fraction | None], spread: int = 1) -> Figures:
    """Return a column as figures, shares per piece completed by the mass of a piece of each row's `device`.

    `unit_mass` is in kg; a row whose device has none keeps its factor (it is a fault, noted elsewhere). With
    `spread` every figure is divided by that number.
    """
    factors = {factor / spread: number for number, factor in enumerate(column.factors)}
    unit = column.unit.copy()
    counted = np.flatnonzero(column.pieces)
    pairs = {}
    for row in counted.tolist():
        pair = (int(column.unit[row]), int(device[row]), int(column.pieces[row]))
        if pair not in pairs:
            mass = unit_mass[pair[1]] or Fraction(1)
            factor = column.factors[pair[0]] * mass ** pair[2] / spread
            pairs[pair] = factors.setdefault(factor, len(factors))
        unit[row] = pairs[pair]
    return Figures(column.raw, unit, tuple(factors))
