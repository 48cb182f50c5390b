"""Three arithmetics for one set of formulas: floats, exact fractions, and floats with a proven error bound."""

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

Numbers = Any  # an array of floats, of fractions, or an Enclosure


@dataclass(frozen=True)
class Arithmetic:
    """How figures are read and floats taken over; `name` is what a certificate says of it."""

    name: str
    read: Callable[[Figures], Numbers]
    lift: Callable[[Any], Numbers]


def floats(figures: Figures) -> Numbers:
    """Read figures as floats in their canonical unit."""
    return figures.value


def _fractions(values: Any) -> Numbers:
    array = np.asarray(values, dtype=np.float64)
    lifted = np.empty(array.size, dtype=object)
    lifted[:] = [Fraction(value) if np.isfinite(value) else value for value in array.ravel().tolist()]
    return lifted.reshape(array.shape)


FLOATS = Arithmetic("float64", floats, np.asarray)
EXACT = Arithmetic("exact rational", Figures.exact, _fractions)
ENCLOSED = Arithmetic("float64 with a proven error bound", enclosing, enclosed)


def zeros(shape: tuple[int, ...], like: Numbers) -> Numbers:
    """Return an array of nothing, of the same arithmetic as `like`."""
    if isinstance(like, Enclosure):
        return Enclosure(np.zeros(shape), np.zeros(shape))
    return np.zeros(shape, dtype=like.dtype)


def summed(values: Numbers, group: Ints, groups: int) -> Numbers:
    """Sum the rows of `values` by `group`, (groups, ...)."""
    total = zeros((groups, *values.shape[1:]), values)
    np.add.at(total, group, values)
    return total


def highest(values: Numbers) -> Floats:
    """Return floats that the numbers certainly do not exceed (floats as they are)."""
    if isinstance(values, Enclosure):
        return values.high
    array = np.asarray(values)
    if array.dtype != object:
        return array
    return np.array([_above(value) for value in array.ravel().tolist()], dtype=np.float64).reshape(array.shape)


def lowest(values: Numbers) -> Floats:
    """Return floats that the numbers certainly do not fall below."""
    return -highest(-values)


def _above(value: Any) -> float:
    try:
        rounded = float(value)
    except OverflowError:  # beyond all floats
        return math.inf if value > 0 else -sys.float_info.max
    return math.nextafter(rounded, math.inf) if rounded < value else rounded


def upper(value: Numbers) -> float:
    """Return a float that one number certainly does not exceed."""
    return float(highest(value))


def lower(value: Numbers) -> float:
    """Return a float that one number certainly does not fall below."""
    return float(lowest(value))
