"""Equations solved in exact fractions: by python-flint's numbers where it is installed, else by Python's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

Equation = tuple[Mapping[int, Fraction], Fraction]  # slopes by unknown, and what they must come to
Row = tuple[int, dict[int, Any], Any]  # the pivot, of slope 1, the other slopes, and what they come to


def _numbers() -> Callable[[int, int], Any]:
    """Return the kind of number to reckon in: the result is the same, flint's are quicker."""
    try:
        from flint import fmpq
    except ImportError:
        return Fraction
    return fmpq


_rational = _numbers()


def solved(equations: Iterable[Equation]) -> dict[int, Fraction]:
    """Return the unknowns that the equations settle, by sparse elimination.

    One that contradicts those before it is left out. Whoever asks has to see whether the result is of use.
    """
    listed = [(slopes, right) for slopes, right in equations if slopes]
    often = Counter(unknown for slopes, _ in listed for unknown in slopes)
    order: dict[int, int] = {}  # of pivots, each with the number of its row
    rows: list[Row] = []
    for slopes, right in listed:
        row, rest = _reduced({k: _exact(slope) for k, slope in slopes.items()}, _exact(right), order, rows)
        if row:
            pivot = min(row, key=lambda unknown: (often[unknown], unknown))
            lead = row.pop(pivot)
            order[pivot] = len(rows)
            rows.append((pivot, {k: slope / lead for k, slope in row.items()}, rest / lead))
    return _substituted(rows, order)


def _exact(number: Fraction) -> Any:
    return _rational(number.numerator, number.denominator)


def _reduced(row: dict[int, Any], right: Any, order: Mapping[int, int], rows: list[Row]) -> tuple[dict[int, Any], Any]:
    """Return the equation without the unknowns that rows before it settle, the earliest first."""
    while known := [order[unknown] for unknown in row if unknown in order]:
        pivot, others, value = rows[min(known)]
        times = row.pop(pivot)
        right -= times * value
        for unknown, slope in others.items():
            left = row.get(unknown, 0) - times * slope
            if left:
                row[unknown] = left
            else:
                row.pop(unknown, None)
    return row, right


def _substituted(rows: list[Row], order: Mapping[int, int]) -> dict[int, Fraction]:
    """Return the settled unknowns, the last row's first; what no row settles stays where it is, at 0."""
    found: dict[int, Any] = {}
    for pivot, others, value in reversed(rows):
        found[pivot] = value - sum(slope * found[k] for k, slope in others.items() if k in order)
    return {unknown: Fraction(int(value.numerator), int(value.denominator)) for unknown, value in found.items()}
