"""Parse columns of text to columns of numbers: each distinct cell once, columns of bare numbers at once."""

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
_LONGEST = 40  # characters; a number this short does not underflow to 0


@dataclass(frozen=True, eq=False)
class Read:
    """A parsed column of R quantities.

    Attributes:
        raw: Numbers as written (R,).
        unit: Index into `factors` of each row (R,).
        factors: Exact factors to the canonical unit.
        pieces: Power of the mass of one piece in each row (R,).
        given: True for cells that are not empty (R,).
        wrong: Error message of each distinct cell that is not a valid quantity.
    """

    raw: Floats
    unit: Ints
    factors: tuple[Fraction, ...]
    pieces: Ints
    given: Bools
    wrong: dict[str, str]

    def at(self, rows: Ints) -> Read:
        """Select rows.

        Args:
            rows: Row indices.

        Returns:
            Quantities of these rows.
        """
        return replace(self, raw=self.raw[rows], unit=self.unit[rows], pieces=self.pieces[rows], given=self.given[rows])


def read(cells: Cells, measure: Measure, money: Money, default: Quantity) -> Read:
    """Parse a column, each distinct text once.

    Args:
        cells: Column of text (R,).
        measure: Field type with unit and allowed range.
        money: Currency and exchange rates.
        default: Quantity of an empty cell.

    Returns:
        Parsed column (R,), with the errors in `wrong`.
    """
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
    """Parse one text; log an error in `wrong` and return `default` if it is invalid."""
    try:
        return measure.check(text, money)
    except QuantityError as error:
        wrong[text] = str(error)
        return default


def absent(count: int, default: Quantity) -> Read:
    """Build a column of empty cells.

    Args:
        count: Number of rows.
        default: Quantity of an empty cell.

    Returns:
        Column of `default` (R,).
    """
    none = np.zeros(count, dtype=np.intp)
    raw = np.full(count, default.raw)
    return Read(raw, none, (default.factor,), none, np.zeros(count, dtype=np.bool_), {})


def _bare(texts: list[str], measure: Measure) -> Floats | None:
    """Parse texts that are all bare numbers in the allowed range; return None if any is not."""
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
    """Convert a parsed column to exact figures; quantities per piece are completed by the unit mass of the device.

    Args:
        column: Parsed column (R,).
        device: Device index of each row (R,).
        unit_mass: Mass of one piece of each device (D,) [kg]; None leaves the factor incomplete (an error logged
            before).
        spread: Divisor of all values, such as the number of periods of a total.

    Returns:
        Figures (R,) in the canonical unit.
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
