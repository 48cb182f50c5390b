"""Float, exact rational and interval arithmetic on arrays, with which one set of formulas is evaluated.

Intervals are closed, contain the exact values and are rounded outwards: the formulas that run on floats or fractions
also run on them, and give two floats that bracket the exact result (Moore 1966, Interval Analysis; rounding error of a
sum: Higham 2002, Accuracy and Stability of Numerical Algorithms, section 4.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from medalopt.instance.figures import Figures, Floats

UNIT = 2.0**-52  # twice the unit roundoff: room for the rounding of the error bound itself
MANY = 4096  # least size of a product for which its nonzero elements are multiplied alone
_LEAST = 2.0**-900  # above it x * 2**-52 is computed without rounding


class Enclosure(NDArrayOperatorsMixin):
    """An array of closed intervals `[low, high]` that behaves as a numpy array.

    A comparison is true where it holds for some pair of values in the intervals.
    """

    def __init__(self, low: Floats, high: Floats) -> None:
        self.low, self.high = low, high

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.low.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.low.ndim

    @property
    def T(self) -> Enclosure:
        """The array with its axes reversed."""
        return Enclosure(self.low.T, self.high.T)

    def __len__(self) -> int:
        """Return the length of the first axis."""
        return len(self.low)

    def __getitem__(self, at: Any) -> Enclosure:
        """Index the intervals as a numpy array is indexed."""
        return Enclosure(np.asarray(self.low[at]), np.asarray(self.high[at]))

    def __setitem__(self, at: Any, value: Any) -> None:
        """Assign intervals as to a numpy array."""
        value = enclosed(value)
        self.low[at], self.high[at] = value.low, value.high

    def sum(self, axis: Any = None) -> Enclosure:
        """Return the sum along `axis`, widened by its rounding error.

        Args:
            axis: One axis, several, or None for all.

        Returns:
            Intervals that contain the exact sums.
        """
        (low, off_low), (high, off_high) = (_total(side, axis) for side in (self.low, self.high))
        return _outward(low - off_low, high + off_high)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Dispatch numpy's arithmetic to interval arithmetic."""
        if method == "at":
            return _at(ufunc, *inputs)
        if method != "__call__" or options or ufunc not in _ARITHMETIC:
            return NotImplemented
        return _ARITHMETIC[ufunc](*(enclosed(value) for value in inputs))

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        """Dispatch the numpy functions that the proof uses to intervals."""
        if function not in _FUNCTIONS:
            return NotImplemented
        return _FUNCTIONS[function](*arguments, **options)


def enclosed(value: Any) -> Enclosure:
    """Convert floats to intervals of zero width.

    Args:
        value: Floats, or intervals, which are returned unchanged.

    Returns:
        Intervals of the same shape.
    """
    if isinstance(value, Enclosure):
        return value
    exact = np.asarray(value, dtype=np.float64)
    return Enclosure(exact, exact)


def enclosing(figures: Figures) -> Enclosure:
    """Read parameters as intervals: the nearest float and its two neighbours.

    Integers, zeros and infinities are represented exactly and get zero width.

    Args:
        figures: Exact parameters, any shape.

    Returns:
        Intervals of the same shape, in the canonical unit.
    """
    value, raw = figures.value, figures.raw
    whole_factor = np.array([factor.denominator == 1 for factor in figures.factors])[figures.unit]
    exact = np.isinf(raw) | (raw == 0) | ((raw == np.rint(raw)) & whole_factor & (abs(value) < 2.0**53))
    with np.errstate(over="ignore"):
        low, high = np.nextafter(value, -np.inf), np.nextafter(value, np.inf)
    return Enclosure(np.where(exact, value, low), np.where(exact, value, high))


def _total(side: Floats, axis: Any) -> tuple[Any, Any]:
    """Return the sum of one end along `axis` and a bound on its rounding error.

    Terms are summed in about sqrt(n) blocks, so that the bound grows with sqrt(n) instead of n (Higham 2002, 4.2).
    """
    axes = range(side.ndim) if axis is None else np.atleast_1d(axis)
    moved = np.moveaxis(side, tuple(axes), tuple(range(len(axes))))
    terms = moved.reshape(math.prod(moved.shape[: len(axes)]), *moved.shape[len(axes) :])
    number = max(1, math.isqrt(len(terms)))
    starts = np.arange(0, len(terms), number)
    parts = np.add.reduceat(terms, starts, axis=0) if len(terms) else terms
    return parts.sum(axis=0), (number + len(starts)) * UNIT * np.abs(terms).sum(axis=0)


def _outward(low: Any, high: Any) -> Enclosure:
    """Round both ends outwards by one or two floats; zero and infinity are exact and stay."""
    return Enclosure(_beyond(np.asarray(low), -1.0), _beyond(np.asarray(high), 1.0))


def _beyond(side: Floats, sign: float) -> Floats:
    """Return floats at least one float beyond `side`: |x| 2**-52 is no less than the distance to the next float."""
    off = np.abs(side)
    if off.size and not (off.max() < np.inf and off.min(initial=1.0, where=off > 0) > _LEAST):
        still = (side == 0) | np.isinf(side)
        return np.where(still, side, np.nextafter(side, sign * np.inf))
    off *= sign * UNIT
    off += side
    return off


def _add(a: Enclosure, b: Enclosure) -> Enclosure:
    """Add two intervals."""
    return _outward(a.low + b.low, a.high + b.high)


def _subtract(a: Enclosure, b: Enclosure) -> Enclosure:
    """Subtract two intervals."""
    return _outward(a.low - b.high, a.high - b.low)


def _multiply(a: Enclosure, b: Enclosure) -> Enclosure:
    """Multiply two intervals, with 0 times infinity as 0; of large sparse arrays only the nonzero elements."""
    if a.shape == b.shape and a.low.size > MANY:
        for one, other in ((a, b), (b, a)):
            some = (one.low != 0) | (one.high != 0)
            if np.count_nonzero(some) * 8 < some.size:  # infinite intervals count as nonzero
                return _scattered(_multiply(one[some], other[some]), some)
    with np.errstate(invalid="ignore"):
        if _positive(a) and _positive(b):
            low, high = np.asarray(a.low * b.low), np.asarray(a.high * b.high)
        else:
            ends = [np.asarray(x * y) for x in (a.low, a.high) for y in (b.low, b.high)]
            if any(np.isnan(end).any() for end in ends):
                ends = [np.where(np.isnan(end), 0.0, end) for end in ends]
            low, high = np.minimum(ends[0], ends[1]), np.maximum(ends[0], ends[1])
            low, high = (f(f(side, ends[2]), ends[3]) for f, side in ((np.minimum, low), (np.maximum, high)))
    return _outward(low, high)


def _positive(a: Enclosure) -> bool:
    """Return whether no interval reaches below 0 or to infinity."""
    return bool(a.low.size and a.low.min() >= 0 and a.high.max() < np.inf)


def _scattered(values: Enclosure, places: Any) -> Enclosure:
    """Return an array of zeros with `values` at `places`."""
    result = Enclosure(np.zeros(places.shape), np.zeros(places.shape))
    result.low[places], result.high[places] = values.low, values.high
    return result


def _divide(a: Enclosure, b: Enclosure) -> Enclosure:
    """Divide by intervals that do not contain 0."""
    if not ((b.low > 0) | (b.high < 0)).all():
        raise ZeroDivisionError("an enclosure that may hold 0 divides nothing")
    return _multiply(a, _outward(1 / b.high, 1 / b.low))


def _matmul(a: Enclosure, b: Enclosure) -> Enclosure:
    """Multiply matrices and vectors of intervals."""
    if b.ndim == 1:
        return (a * b).sum(axis=-1)
    if a.ndim == 1:
        row, column = np.nonzero((b.low != 0) | (b.high != 0))
        result = Enclosure(np.zeros(b.shape[1]), np.zeros(b.shape[1]))
        _at(np.add, result, column, a[row] * b[row, column])
        return result
    return (a[:, :, None] * b[None, :, :]).sum(axis=1)


def _at(ufunc: np.ufunc, total: Enclosure, at: Any, values: Any) -> None:
    """Apply a ufunc in place at indices; additions are summed by position with a bound on their rounding error."""
    values = enclosed(values)
    if ufunc is not np.add:
        ufunc.at(total.low, at, values.low)
        ufunc.at(total.high, at, values.high)
        return
    groups = np.arange(total.low.size).reshape(total.shape)[at]  # flat position of each summand
    cell = np.broadcast_to(groups, np.broadcast_shapes(groups.shape, values.shape)).ravel()
    terms = np.bincount(cell, minlength=1).max() + 1
    for side, value, sign in ((total.low, values.low, -1.0), (total.high, values.high, 1.0)):
        added = np.broadcast_to(value, np.broadcast_shapes(groups.shape, values.shape)).ravel()
        size = abs(side) + _by_place(cell, abs(added), side)
        side += _by_place(cell, added, side)
        side += sign * terms * UNIT * np.where(np.isinf(size), 0.0, size)


def _by_place(cell: Any, values: Floats, like: Floats) -> Floats:
    """Return the sums of `values` by flat position in an array of the shape of `like`."""
    return np.bincount(cell, values, like.size).astype(np.float64).reshape(like.shape)


def _cumsum(a: Enclosure, axis: int) -> Enclosure:
    """Sum cumulatively along an axis, widened by the rounding error of n terms."""
    terms = a.low.shape[axis]
    off_low, off_high = (terms * UNIT * np.cumsum(abs(side), axis=axis) for side in (a.low, a.high))
    return _outward(np.cumsum(a.low, axis=axis) - off_low, np.cumsum(a.high, axis=axis) + off_high)


def _where(chosen: Any, a: Any, b: Any) -> Enclosure:
    """Select intervals elementwise."""
    a, b = enclosed(a), enclosed(b)
    return Enclosure(np.where(chosen, a.low, b.low), np.where(chosen, a.high, b.high))


def _concatenate(parts: Any, axis: int = 0) -> Enclosure:
    """Concatenate arrays of intervals."""
    ends = [enclosed(part) for part in parts]
    return Enclosure(
        np.concatenate([end.low for end in ends], axis=axis), np.concatenate([end.high for end in ends], axis=axis)
    )


def _each(function: Callable[..., Any]) -> Callable[..., Enclosure]:
    """Return `function` applied to both ends."""

    def applied(a: Enclosure, *arguments: Any, **options: Any) -> Enclosure:
        return Enclosure(function(a.low, *arguments, **options), function(a.high, *arguments, **options))

    return applied


def _absolute(a: Enclosure) -> Enclosure:
    """Return the intervals of absolute values."""
    least = np.where((a.low <= 0) & (a.high >= 0), 0.0, np.minimum(abs(a.low), abs(a.high)))
    return Enclosure(least, np.maximum(abs(a.low), abs(a.high)))


_ARITHMETIC: dict[np.ufunc, Callable[..., Any]] = {
    np.add: _add,
    np.subtract: _subtract,
    np.multiply: _multiply,
    np.divide: _divide,
    np.matmul: _matmul,
    np.negative: lambda a: Enclosure(-a.high, -a.low),
    np.absolute: _absolute,
    np.minimum: lambda a, b: Enclosure(np.minimum(a.low, b.low), np.minimum(a.high, b.high)),
    np.maximum: lambda a, b: Enclosure(np.maximum(a.low, b.low), np.maximum(a.high, b.high)),
    np.greater: lambda a, b: a.high > b.low,
    np.greater_equal: lambda a, b: a.high >= b.low,
    np.less: lambda a, b: a.low < b.high,
    np.less_equal: lambda a, b: a.low <= b.high,
    np.not_equal: lambda a, b: (a.low != b.low) | (a.high != b.high),
}
_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: _where,
    np.concatenate: _concatenate,
    np.cumsum: _cumsum,
    np.broadcast_to: _each(np.broadcast_to),
    np.zeros_like: _each(np.zeros_like),
    np.take_along_axis: _each(np.take_along_axis),
}
