"""Float, exact rational and interval arithmetic on arrays, with which one set of formulas is evaluated.

Intervals are closed, contain the exact values and are rounded outwards: the formulas that run on floats or fractions
also run on them, and give two floats that bracket the exact result (Moore 1966, Interval Analysis; rounding error of a
sum: Higham 2002, Accuracy and Stability of Numerical Algorithms, section 4.2).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from medalopt.instance.arrays import ExactArray, ExactFraction, Floats, Ints

_ROUNDING_UNIT = 2.0**-52  # twice the unit roundoff: room for the rounding of the error bound itself
SPARSE_PRODUCT_SIZE = 4096  # least size of a product for which its nonzero elements are multiplied alone
_MIN_SCALABLE = 2.0**-900  # above it x * 2**-52 is computed without rounding


class IntervalArray(NDArrayOperatorsMixin):
    """An array of closed intervals `[low, high]` that behaves as a numpy array.

    A comparison is true where it holds for some pair of values in the intervals. Intervals of zero width share one
    array for both ends, so that a function of each end alike is computed once.
    """

    def __init__(self, low: Floats, high: Floats) -> None:
        self.low, self.high = low, high
        self._nonzero: tuple[Ints, ...] | None = None

    def _map_ends(self, function: Callable[[Floats], Any]) -> IntervalArray:
        """Apply a function to both ends, once where they are the same array."""
        low = np.asarray(function(self.low))
        return IntervalArray(low, low if self.high is self.low else np.asarray(function(self.high)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.low.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.low.ndim

    @property
    def T(self) -> IntervalArray:
        """Array with its axes reversed."""
        return self._map_ends(np.transpose)

    def __len__(self) -> int:
        """Return the length of the first axis."""
        return len(self.low)

    def __getitem__(self, at: Any) -> IntervalArray:
        """Index the intervals as a numpy array is indexed."""
        return self._map_ends(lambda end: end[at])

    def __setitem__(self, at: Any, value: Any) -> None:
        """Assign intervals as to a numpy array."""
        value = convert_to_intervals(value)
        self._separate_ends()
        self.low[at], self.high[at] = value.low, value.high

    def _find_nonzero(self) -> tuple[Ints, ...]:
        """Return the indices of intervals other than [0, 0], found once: many unit costs are summed over one plan."""
        if self._nonzero is None:
            some = self.low != 0
            self._nonzero = np.nonzero(some if self.high is self.low else some | (self.high != 0))
        return self._nonzero

    def _separate_ends(self) -> None:
        """Give each end an array of its own, before one is changed in place."""
        self._nonzero = None
        if self.high is self.low:
            self.high = self.low.copy()

    def sum(self, axis: Any = None) -> IntervalArray:
        """Return the sum along `axis`, widened by its rounding error.

        Args:
            axis: One axis, several, or None for all.

        Returns:
            Intervals that contain the exact sums.
        """
        low, off_low = _sum_with_error(self.low, axis)
        high, off_high = (low, off_low) if self.high is self.low else _sum_with_error(self.high, axis)
        return _round_outward(low - off_low, high + off_high)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Dispatch numpy's arithmetic to interval arithmetic."""
        if method == "at":
            return _apply_ufunc_at(ufunc, *inputs)
        if method != "__call__" or options or ufunc not in _ARITHMETIC:
            return NotImplemented
        return _ARITHMETIC[ufunc](*(convert_to_intervals(value) for value in inputs))

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        """Dispatch the numpy functions that the proof uses to intervals."""
        if function not in _FUNCTIONS:
            return NotImplemented
        return _FUNCTIONS[function](*arguments, **options)


def convert_to_intervals(value: Any) -> IntervalArray:
    """Convert floats to intervals of zero width.

    Args:
        value: Floats, or intervals, which are returned unchanged.

    Returns:
        Intervals of the same shape.
    """
    if isinstance(value, IntervalArray):
        return value
    exact = np.asarray(value, dtype=np.float64)
    return IntervalArray(exact, exact)


def read_intervals(array: ExactArray) -> IntervalArray:
    """Read parameters as intervals: the nearest float and its two neighbours.

    Integers, zeros and infinities are represented exactly and get zero width.

    Returns:
        Intervals of the same shape, in the canonical unit.
    """
    value, raw = array.value, array.raw
    whole_factor = np.array([factor.denominator == 1 for factor in array.factors])[array.unit]
    exact = np.isinf(raw) | (raw == 0) | ((raw == np.rint(raw)) & whole_factor & (abs(value) < 2.0**53))
    with np.errstate(over="ignore"):
        low, high = np.nextafter(value, -np.inf), np.nextafter(value, np.inf)
    return IntervalArray(np.where(exact, value, low), np.where(exact, value, high))


def _sum_with_error(side: Floats, axis: Any) -> tuple[Any, Any]:
    """Return the sum of one end along `axis` and a bound on its rounding error.

    Terms are summed in about sqrt(n) blocks, so that the bound grows with sqrt(n) instead of n (Higham 2002, 4.2).
    """
    axes = range(side.ndim) if axis is None else np.atleast_1d(axis)
    moved = np.moveaxis(side, tuple(axes), tuple(range(len(axes))))
    terms = moved.reshape(math.prod(moved.shape[: len(axes)]), *moved.shape[len(axes) :])
    number = max(1, math.isqrt(len(terms)))
    starts = np.arange(0, len(terms), number)
    parts = np.add.reduceat(terms, starts, axis=0) if len(terms) else terms
    return parts.sum(axis=0), (number + len(starts)) * _ROUNDING_UNIT * np.abs(terms).sum(axis=0)


def _round_outward(low: Any, high: Any) -> IntervalArray:
    """Round both ends outwards by one or two floats, in place; zero and infinity are exact and stay."""
    if high is low:
        high = low.copy()
    return IntervalArray(_step_beyond(np.asarray(low), -1.0), _step_beyond(np.asarray(high), 1.0))


def _step_beyond(side: Floats, sign: float) -> Floats:
    """Move `side` to floats at least one float beyond: |x| 2**-52 is no less than the distance to the next float."""
    off = np.abs(side)
    small = np.count_nonzero(off <= _MIN_SCALABLE) + np.count_nonzero(off) > off.size  # a number, and not 0
    if off.size and (small or not off.max() < np.inf):
        still = (side == 0) | np.isinf(side)
        return np.where(still, side, np.nextafter(side, sign * np.inf))
    off *= sign * _ROUNDING_UNIT
    side += off
    return side


def _add(a: IntervalArray, b: IntervalArray) -> IntervalArray:
    """Add two intervals."""
    return _round_outward(a.low + b.low, a.high + b.high)


def _subtract(a: IntervalArray, b: IntervalArray) -> IntervalArray:
    """Subtract two intervals."""
    return _round_outward(a.low - b.high, a.high - b.low)


def _multiply(a: IntervalArray, b: IntervalArray) -> IntervalArray:
    """Multiply two intervals, with 0 times infinity as 0; of large sparse arrays only the nonzero elements."""
    if a.shape == b.shape and a.low.size > SPARSE_PRODUCT_SIZE:
        for one, other in ((a, b), (b, a)):
            some = (one.low != 0) | (one.high != 0)
            if np.count_nonzero(some) * 8 < some.size:  # infinite intervals count as nonzero
                result, product = _make_zero_intervals(some.shape), _multiply(one[some], other[some])
                result.low[some], result.high[some] = product.low, product.high
                return result
    with np.errstate(invalid="ignore"):
        if _is_nonnegative_finite(a) and _is_nonnegative_finite(b):
            low, high = np.asarray(a.low * b.low), np.asarray(a.high * b.high)
        else:
            ends = ([a.low] if a.high is a.low else [a.low, a.high], [b.low] if b.high is b.low else [b.low, b.high])
            bounds = [np.asarray(x * y) for x in ends[0] for y in ends[1]]
            if any(np.isnan(end).any() for end in bounds):
                bounds = [np.where(np.isnan(end), 0.0, end) for end in bounds]
            low, high = reduce(np.minimum, bounds), reduce(np.maximum, bounds)
    return _round_outward(low, high)


def _is_nonnegative_finite(a: IntervalArray) -> bool:
    """Return whether no interval reaches below 0 or to infinity."""
    return bool(a.low.size and a.low.min() >= 0 and a.high.max() < np.inf)


def _make_zero_intervals(shape: Any) -> IntervalArray:
    """Return intervals [0, 0] whose ends may be changed in place."""
    return IntervalArray(np.zeros(shape), np.zeros(shape))


def _divide(a: IntervalArray, b: IntervalArray) -> IntervalArray:
    """Divide by intervals that do not contain 0."""
    if not ((b.low > 0) | (b.high < 0)).all():
        raise ZeroDivisionError("an enclosure that may hold 0 divides nothing")
    return _multiply(a, _round_outward(1 / b.high, 1 / b.low))


def _matmul(a: IntervalArray, b: IntervalArray) -> IntervalArray:
    """Multiply matrices and vectors of intervals."""
    if b.ndim == 1:
        return (a * b).sum(axis=-1)
    if a.ndim == 1:
        row, column = b._find_nonzero()
        result = _make_zero_intervals(b.shape[1])
        _apply_ufunc_at(np.add, result, column, a[row] * b[row, column])
        return result
    return (a[:, :, None] * b[None, :, :]).sum(axis=1)


def _apply_ufunc_at(ufunc: np.ufunc, total: IntervalArray, at: Any, values: Any) -> None:
    """Apply a ufunc in place at indices; additions are summed by position with a bound on their rounding error."""
    values = convert_to_intervals(values)
    total._separate_ends()
    if ufunc is not np.add:
        ufunc.at(total.low, at, values.low)
        ufunc.at(total.high, at, values.high)
        return
    groups = np.arange(total.low.size).reshape(total.shape)[at]  # flat position of each summand
    cell = np.broadcast_to(groups, np.broadcast_shapes(groups.shape, values.shape)).ravel()
    terms = np.bincount(cell, minlength=1).max() + 1
    sums: list[Floats] = []
    for side, value, sign in ((total.low, values.low, -1.0), (total.high, values.high, 1.0)):
        if not sums or values.high is not values.low:
            added = np.broadcast_to(value, np.broadcast_shapes(groups.shape, values.shape)).ravel()
            sums = [_sum_by_position(cell, abs(added), side), _sum_by_position(cell, added, side)]
        size = abs(side) + sums[0]
        side += sums[1]
        side += sign * terms * _ROUNDING_UNIT * np.where(np.isinf(size), 0.0, size)


def _sum_by_position(cell: Any, values: Floats, like: Floats) -> Floats:
    """Return the sums of `values` by flat position in an array of the shape of `like`."""
    return np.bincount(cell, values, like.size).astype(np.float64).reshape(like.shape)


def _cumsum(a: IntervalArray, axis: int) -> IntervalArray:
    """Sum cumulatively along an axis, widened by the rounding error of n terms."""
    terms = a.low.shape[axis]
    off = a._map_ends(lambda side: terms * _ROUNDING_UNIT * np.cumsum(abs(side), axis=axis))
    total = a._map_ends(lambda side: np.cumsum(side, axis=axis))
    return _round_outward(total.low - off.low, total.high + off.high)


def _where(chosen: Any, a: Any, b: Any) -> IntervalArray:
    """Select intervals elementwise."""
    return _combine_ends(lambda one, other: np.where(chosen, one, other))(
        convert_to_intervals(a), convert_to_intervals(b)
    )


def _have_zero_width(*arrays: IntervalArray) -> bool:
    """Return whether both ends of each are one array."""
    return all(array.high is array.low for array in arrays)


def _concatenate(parts: Any, axis: int = 0) -> IntervalArray:
    """Concatenate arrays of intervals."""
    ends = [convert_to_intervals(part) for part in parts]
    low = np.concatenate([end.low for end in ends], axis=axis)
    if _have_zero_width(*ends):
        return IntervalArray(low, low)
    return IntervalArray(low, np.concatenate([end.high for end in ends], axis=axis))


def _apply_to_both_ends(function: Callable[..., Any]) -> Callable[..., IntervalArray]:
    """Return `function` applied to both ends."""

    def applied(a: IntervalArray, *arguments: Any, **options: Any) -> IntervalArray:
        """Apply the function to the lower and to the upper ends."""
        return a._map_ends(lambda end: function(end, *arguments, **options))

    return applied


def _combine_ends(function: Callable[..., Any]) -> Callable[..., IntervalArray]:
    """Return an increasing function of two numbers, applied to the lower and to the upper ends."""

    def combine(a: IntervalArray, b: IntervalArray) -> IntervalArray:
        """Apply the function to the ends of two arrays."""
        low = function(a.low, b.low)
        return IntervalArray(low, low if _have_zero_width(a, b) else function(a.high, b.high))

    return combine


def _negate(a: IntervalArray) -> IntervalArray:
    """Return the intervals of the opposite numbers."""
    high = -a.low
    return IntervalArray(high if _have_zero_width(a) else -a.high, high)


def _absolute(a: IntervalArray) -> IntervalArray:
    """Return the intervals of absolute values."""
    if _have_zero_width(a) or (a.low.size and a.low.min() >= 0):
        return a._map_ends(np.abs)
    minimum = np.where((a.low <= 0) & (a.high >= 0), 0.0, np.minimum(abs(a.low), abs(a.high)))
    return IntervalArray(minimum, np.maximum(abs(a.low), abs(a.high)))


_ARITHMETIC: dict[np.ufunc, Callable[..., Any]] = {
    np.add: _add,
    np.subtract: _subtract,
    np.multiply: _multiply,
    np.divide: _divide,
    np.matmul: _matmul,
    np.negative: _negate,
    np.absolute: _absolute,
    np.minimum: _combine_ends(np.minimum),
    np.maximum: _combine_ends(np.maximum),
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
    np.broadcast_to: _apply_to_both_ends(np.broadcast_to),
    np.zeros_like: _apply_to_both_ends(np.zeros_like),
    np.take_along_axis: _apply_to_both_ends(np.take_along_axis),
}


Numbers = Any  # an array of floats, of fractions, or an IntervalArray
NumberReader = Callable[[ExactArray], Numbers]  # reads parameters in one arithmetic


@dataclass(frozen=True)
class Arithmetic:
    """A way to read parameters and to lift floats into number arrays; `name` is recorded in certificates."""

    name: str
    read: Callable[[ExactArray], Numbers]
    lift: Callable[[Any], Numbers]


def read_floats(array: ExactArray) -> Numbers:
    """Read parameters as floats in their canonical unit.

    Args:
        array: Exact parameters, any shape.

    Returns:
        Floats of the same shape, each the double nearest to the exact value.
    """
    return array.value


def _convert_to_fractions(values: Any) -> Numbers:
    """Convert finite floats to fractions without rounding; infinities stay floats."""
    array = np.asarray(values, dtype=np.float64)
    lifted = np.empty(array.size, dtype=object)
    lifted[:] = [ExactFraction(value) if np.isfinite(value) else value for value in array.ravel().tolist()]
    return lifted.reshape(array.shape)


FLOAT_ARITHMETIC = Arithmetic("float64", read_floats, np.asarray)
EXACT_ARITHMETIC = Arithmetic("exact rational", ExactArray.exact, _convert_to_fractions)
INTERVAL_ARITHMETIC = Arithmetic("float64 with a proven error bound", read_intervals, convert_to_intervals)


def lift_floats(values: Any, like: Numbers) -> Numbers:
    """Convert floats to the arithmetic of `like`, without rounding.

    Args:
        values: Floats, any shape.
        like: Array of floats, of fractions, or of intervals.

    Returns:
        Numbers of the same shape.
    """
    if isinstance(like, IntervalArray):
        return convert_to_intervals(values)
    return _convert_to_fractions(values) if like.dtype == object else np.asarray(values, dtype=np.float64)


def make_zeros(shape: tuple[int, ...], like: Numbers) -> Numbers:
    """Return an array of zeros in the arithmetic of `like`.

    Args:
        shape: Shape of the result.
        like: Array of floats, of fractions, or of intervals.

    Returns:
        Zeros of that shape.
    """
    if isinstance(like, IntervalArray):
        return _make_zero_intervals(shape)
    return np.zeros(shape, dtype=like.dtype)


def sum_by_group(values: Numbers, group: Ints, groups: int) -> Numbers:
    """Sum the rows of `values` by group.

    Args:
        values (N, ...): Terms in any arithmetic.
        group (N,): Index of the group of each row.
        groups: Number of groups.

    Returns:
        Sums (groups, ...), zero for groups without rows.
    """
    total = make_zeros((groups, *values.shape[1:]), values)
    np.add.at(total, group, values)
    return total


def zero_where_infinite(limit: Numbers) -> Numbers:
    """Return a limit with 0 in place of infinity, where nothing can violate it and its dual value is 0.

    Returns:
        The finite bounds, and 0 for the others.
    """
    return np.where(limit < np.inf, limit, 0)


def bound_above(values: Numbers) -> Floats:
    """Return upper bounds in floating point.

    Args:
        values: Numbers in any arithmetic; floats are returned unchanged.

    Returns:
        Floats of the same shape that are no less than the numbers.
    """
    if isinstance(values, IntervalArray):
        return values.high
    array = np.asarray(values)
    if array.dtype != object:
        return array
    return np.array([_round_up(value) for value in array.ravel().tolist()], dtype=np.float64).reshape(array.shape)


def bound_below(values: Numbers) -> Floats:
    """Return lower bounds in floating point.

    Args:
        values: Numbers in any arithmetic; floats are returned unchanged.

    Returns:
        Floats of the same shape that are no greater than the numbers.
    """
    return -bound_above(-values)


def _round_up(value: Any) -> float:
    """Round one number up to the nearest float; numbers beyond all floats give infinity or the least finite float."""
    try:
        rounded = float(value)
    except OverflowError:  # beyond all floats
        return math.inf if value > 0 else -sys.float_info.max
    return math.nextafter(rounded, math.inf) if rounded < value else rounded


def bound_number_above(value: Numbers) -> float:
    """Return a float upper bound of one number.

    Args:
        value: A number in any arithmetic.

    Returns:
        A float that is no less than the number.
    """
    return float(bound_above(value))


def bound_number_below(value: Numbers) -> float:
    """Return a float lower bound of one number.

    Args:
        value: A number in any arithmetic.

    Returns:
        A float that is no greater than the number.
    """
    return float(bound_below(value))
