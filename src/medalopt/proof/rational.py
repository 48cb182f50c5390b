"""Linear equations in exact fractions, with the rationals of python-flint if installed, and enclosed square roots."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from medalopt.instance.arrays import ExactFraction

LinearEquation = tuple[Mapping[int, Fraction], Fraction]  # coefficients by unknown, and right-hand side
_PivotRow = tuple[int, dict[int, Any], Any]  # pivot (coefficient 1), other coefficients, right-hand side


def _choose_rational() -> Callable[[int, int], Any]:
    """Return the constructor of rational numbers; flint's are faster and give the same result."""
    try:
        from flint import fmpq
    except ImportError:
        return Fraction
    return fmpq


_rational = _choose_rational()


def solve_equations(equations: Iterable[LinearEquation]) -> dict[int, Fraction]:
    """Solve linear equations by sparse Gaussian elimination.

    An equation that contradicts earlier ones is skipped; the caller has to check the solution.

    Args:
        equations: Coefficients by unknown, and right-hand side.

    Returns:
        Value of each unknown that is a pivot; free unknowns count as 0.
    """
    listed = [(slopes, right) for slopes, right in equations if slopes]
    often = Counter(unknown for slopes, _ in listed for unknown in slopes)
    order: dict[int, int] = {}  # row number of each pivot
    rows: list[_PivotRow] = []
    for slopes, right in listed:
        row, rest = _eliminate(
            {k: _to_rational(slope) for k, slope in slopes.items()}, _to_rational(right), order, rows
        )
        if row:
            pivot = min(row, key=lambda unknown: (often[unknown], unknown))
            lead = row.pop(pivot)
            order[pivot] = len(rows)
            rows.append((pivot, {k: slope / lead for k, slope in row.items()}, rest / lead))
    return _back_substitute(rows, order)


def _to_rational(number: Fraction) -> Any:
    """Return a fraction as the chosen rational."""
    return _rational(number.numerator, number.denominator)


def _eliminate(
    row: dict[int, Any], right: Any, order: Mapping[int, int], rows: list[_PivotRow]
) -> tuple[dict[int, Any], Any]:
    """Return the equation with the pivots of earlier rows eliminated, earliest first."""
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


def _back_substitute(rows: list[_PivotRow], order: Mapping[int, int]) -> dict[int, Fraction]:
    """Return the pivots by back substitution, with free unknowns at 0."""
    result: dict[int, Any] = {}
    for pivot, others, value in reversed(rows):
        result[pivot] = value - sum(slope * result[k] for k, slope in others.items() if k in order)
    return {unknown: ExactFraction(int(value.numerator), int(value.denominator)) for unknown, value in result.items()}


def enclose_square_root(number: Fraction, digits: int = 30) -> tuple[Fraction, Fraction]:
    """Enclose the square root of a fraction by two fractions.

    Args:
        number: A fraction of at least 0.
        digits: Decimal digits of the enclosure, relative to the root.

    Returns:
        Lower and upper bound; equal where the root is exact.
    """
    if number < 0:
        raise ValueError(f"{number} has no real square root")
    if not number:
        return number, number
    shift = 4 * digits + max(0, number.denominator.bit_length() - number.numerator.bit_length())
    scaled = (number.numerator << (2 * shift)) // number.denominator
    root = math.isqrt(scaled)
    low = Fraction(root, 1 << shift)
    return low, low if low * low == number else Fraction(root + 1, 1 << shift)
