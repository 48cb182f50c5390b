from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from medalopt.instance.enclosure import Enclosure, enclosed, enclosing
from medalopt.instance.figures import Figures, Floats, Ints

Numbers = Any  # an array of floats, of fractions, or an IntervalArray


@dataclass(frozen=True)
class Arithmetic:
    """A way to read parameters and to lift floats into number arrays; `name` is recorded in certificates."""

    name: str
    read: Callable[[Figures], Numbers]
    lift: Callable[[Any], Numbers]


def floats(figures: Figures) -> Numbers:
    """Read parameters as floats in their canonical unit.

    Args:
        figures: Exact parameters, any shape.

    Returns:
        Floats of the same shape, each the double nearest to the exact value.
    """
    return figures.value


def _fractions(values: Any) -> Numbers:
    """Convert finite floats to `Fraction`s without rounding; infinities stay floats."""
    array = np.asarray(values, dtype=np.float64)
    lifted = np.empty(array.size, dtype=object)
    lifted[:] = [Fraction(value) if np.isfinite(value) else value for value in array.ravel().tolist()]
    return lifted.reshape(array.shape)


FLOATS = Arithmetic("float64", floats, np.asarray)
EXACT = Arithmetic("exact rational", Figures.exact, _fractions)
ENCLOSED = Arithmetic("float64 with a proven error bound", enclosing, enclosed)


def zeros(shape: tuple[int, ...], like: Numbers) -> Numbers:
    """Return an array of zeros in the arithmetic of `like`.

    Args:
        shape: Shape of the result.
        like: Array of floats, of fractions, or of intervals.

    Returns:
        Zeros of that shape.
    """
    if isinstance(like, Enclosure):
        return Enclosure(np.zeros(shape), np.zeros(shape))
    return np.zeros(shape, dtype=like.dtype)


def summed(values: Numbers, group: Ints, groups: int) -> Numbers:
    """Sum the rows of `values` by group.

    Args:
        values (N, ...): Terms in any arithmetic.
        group (N,): Index of the group of each row.
        groups: Number of groups.

    Returns:
        Sums (groups, ...), zero for groups without rows.
    """
    total = zeros((groups, *values.shape[1:]), values)
    np.add.at(total, group, values)
    return total


def highest(values: Numbers) -> Floats:
    """Return upper bounds in floating point.

    Args:
        values: Numbers in any arithmetic; floats are returned unchanged.

    Returns:
        Floats of the same shape that are no less than the numbers.
    """
    if isinstance(values, Enclosure):
        return values.high
    array = np.asarray(values)
    if array.dtype != object:
        return array
    return np.array([_above(value) for value in array.ravel().tolist()], dtype=np.float64).reshape(array.shape)


def lowest(values: Numbers) -> Floats:
    """Return lower bounds in floating point.

    Args:
        values: Numbers in any arithmetic; floats are returned unchanged.

    Returns:
        Floats of the same shape that are no greater than the numbers.
    """
    return -highest(-values)


def _above(value: Any) -> float:
    """Round one number up to the nearest float; numbers beyond all floats give infinity or the least finite float."""
    try:
        rounded = float(value)
    except OverflowError:  # beyond all floats
        return math.inf if value > 0 else -sys.float_info.max
    return math.nextafter(rounded, math.inf) if rounded < value else rounded


def upper(value: Numbers) -> float:
    """Return a float upper bound of one number.

    Args:
        value: A number in any arithmetic.

    Returns:
        A float that is no less than the number.
    """
    return float(highest(value))


def lower(value: Numbers) -> float:
    """Return a float lower bound of one number.

    Args:
        value: A number in any arithmetic.

    Returns:
        A float that is no greater than the number.
    """
    return float(lowest(value))
