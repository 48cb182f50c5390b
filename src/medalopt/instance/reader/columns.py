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
_LONGEST = 40  # too short for a figure so small that as a float it would be 0


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
    """Read a column, each distinct text of it once; a cell left out is `default`."""
    found = cells.found()
    texts = [cells.texts[code] or "" for code in found.tolist()]
    raw = np.full(len(cells.texts), default.raw)
    unit, pieces = np.zeros((2, len(cells.texts)), dtype=np.intp)
    pieces[0] = default.pieces
    wrong: dict[str, str] = {}
    if (bare := _bare(texts, measure)) is not None:
        factors = tuple(dict.fromkeys([default.factor, Fraction(1)]))
        raw[found], unit[found] = bare, len(factors) - 1
    else:
        figures = [_figure(text, measure, money, default, wrong) for text in texts]
        factors = tuple(dict.fromkeys([default.factor, *(figure.factor for figure in figures)]))
        place = {factor: number for number, factor in enumerate(factors)}
        raw[found] = [figure.raw for figure in figures]
        unit[found] = [place[figure.factor] for figure in figures]
        pieces[found] = [figure.pieces for figure in figures]
    code = cells.code
    return Read(raw[code], unit[code], factors, pieces[code], code != 0, wrong)


def _figure(text: str, measure: Measure, money: Money, default: Quantity, wrong: dict[str, str]) -> Quantity:
    """Return what a text stands for; what is wrong with it is noted in `wrong`."""
    try:
        return measure.check(text, money)
    except QuantityError as error:
        wrong[text] = str(error)
        return default


def absent(count: int, default: Quantity) -> Read:
    """Return a column of `count` cells that are all left out."""
    none = np.zeros(count, dtype=np.intp)
    raw = np.full(count, default.raw)
    return Read(raw, none, (default.factor,), none, np.zeros(count, dtype=np.bool_), {})


def _bare(texts: list[str], measure: Measure) -> Floats | None:
    """Return the figures of texts that are bare numbers and all allowed, None where they are something else."""
    if max(map(len, texts), default=0) > _LONGEST or not _BARE.fullmatch("\n".join([*texts, ""])):
        return None
    try:
        raw = np.fromiter(map(float, texts), dtype=np.float64, count=len(texts))
    except ValueError:
        return None
    size = np.abs(raw[raw != 0])
    fine = bool(np.all((size > _FINEST) & (size < _LARGEST)))
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
    kinds, which = np.unique(
        np.stack([column.unit[counted], device[counted], column.pieces[counted]]), axis=1, return_inverse=True
    )
    made = []
    for own, kind, pieces in kinds.T.tolist():
        factor = column.factors[own] * (unit_mass[kind] or Fraction(1)) ** pieces / spread
        made.append(factors.setdefault(factor, len(factors)))
    unit[counted] = np.array(made, dtype=np.intp)[which]
    return Figures(column.raw, unit, tuple(factors))
