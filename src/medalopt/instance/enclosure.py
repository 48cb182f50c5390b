"""Arrays of intervals that certainly hold the true numbers: floating point with a proven error bound.

Every operation rounds outwards, so the same arithmetic that runs on floats or fractions gives, on
enclosures, two floats between which the exact result lies (Moore 1966; error of a sum: Higham 2002, 4.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from medalopt.instance.figures import Figures, Floats

UNIT = 2.0**-52  # twice the unit roundoff: room for the rounding of the error bound itself


class Enclosure(NDArrayOperatorsMixin):
    """An array of closed intervals `[low, high]`. Behaves as an array; a comparison asks whether it may hold."""

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
        """The length of the first axis."""
        return len(self.low)

    def __getitem__(self, at: Any) -> Enclosure:
        """Pick intervals as arrays pick elements."""
        return Enclosure(np.asarray(self.low[at]), np.asarray(self.high[at]))

    def __setitem__(self, at: Any, value: Any) -> None:
        """Set intervals as arrays set elements."""
        value = enclosed(value)
        self.low[at], self.high[at] = value.low, value.high

    def sum(self, axis: Any = None) -> Enclosure:
        """Return the sum along `axis` (all, or several), its rounding enclosed."""
        terms = self.low.size if axis is None else np.prod([self.low.shape[n] for n in np.atleast_1d(axis)])
        low, high = self.low.sum(axis=axis), self.high.sum(axis=axis)
        off_low, off_high = (terms * UNIT * abs(side).sum(axis=axis) for side in (self.low, self.high))
        return _outward(low - off_low, high + off_high)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Let numpy's arithmetic work on enclosures."""
        if method == "at":
            return _at(ufunc, *inputs)
        if method != "__call__" or options or ufunc not in _ARITHMETIC:
            return NotImplemented
        return _ARITHMETIC[ufunc](*(enclosed(value) for value in inputs))

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        """Let the few functions of numpy that the proof uses work on enclosures."""
        if function not in _FUNCTIONS:
            return NotImplemented
        return _FUNCTIONS[function](*arguments, **options)


def enclosed(value: Any) -> Enclosure:
    """Return floats as intervals of no width; enclosures as they are."""
    if isinstance(value, Enclosure):
        return value
    exact = np.asarray(value, dtype=np.float64)
    return Enclosure(exact, exact)


def enclosing(figures: Figures) -> Enclosure:
    """Read figures as enclosures: the float nearest to each, and its neighbours; whole numbers stay exact."""
    value, raw = figures.value, figures.raw
    whole_factor = np.array([factor.denominator == 1 for factor in figures.factors])[figures.unit]
    exact = np.isinf(raw) | (raw == 0) | ((raw == np.rint(raw)) & whole_factor & (abs(value) < 2.0**53))
    with np.errstate(over="ignore"):
        low, high = np.nextafter(value, -np.inf), np.nextafter(value, np.inf)
    return Enclosure(np.where(exact, value, low), np.where(exact, value, high))


def _outward(low: Any, high: Any) -> Enclosure:
    """Round both ends outwards by one float; what is exactly nothing, or infinite, stays."""
    still_low, still_high = (low == 0) | np.isinf(low), (high == 0) | np.isinf(high)
    return Enclosure(
        np.where(still_low, low, np.nextafter(low, -np.inf)), np.where(still_high, high, np.nextafter(high, np.inf))
    )


def _add(a: Enclosure, b: Enclosure) -> Enclosure:
    return _outward(a.low + b.low, a.high + b.high)


def _subtract(a: Enclosure, b: Enclosure) -> Enclosure:
    return _outward(a.low - b.high, a.high - b.low)


def _multiply(a: Enclosure, b: Enclosure) -> Enclosure:
    with np.errstate(invalid="ignore"):
        ends = [np.asarray(x * y) for x in (a.low, a.high) for y in (b.low, b.high)]
    ends = [np.where(np.isnan(end), 0.0, end) for end in ends]  # nothing of what is infinite is nothing
    low, high = np.minimum.reduce(np.broadcast_arrays(*ends)), np.maximum.reduce(np.broadcast_arrays(*ends))
    return _outward(low, high)


def _divide(a: Enclosure, b: Enclosure) -> Enclosure:
    if not ((b.low > 0) | (b.high < 0)).all():
        raise ZeroDivisionError("an enclosure that may hold 0 divides nothing")
    return _multiply(a, _outward(1 / b.high, 1 / b.low))


def _matmul(a: Enclosure, b: Enclosure) -> Enclosure:
    if b.ndim == 1:
        return (a * b).sum(axis=-1)
    if a.ndim == 1:
        return (a[:, None] * b).sum(axis=0)
    return (a[:, :, None] * b[None, :, :]).sum(axis=1)


def _at(ufunc: np.ufunc, total: Enclosure, at: Any, values: Any) -> None:
    values = enclosed(values)
    if ufunc is not np.add:
        ufunc.at(total.low, at, values.low)
        ufunc.at(total.high, at, values.high)
        return
    terms = np.bincount(np.asarray(at)).max(initial=0) + 1
    for side, value, sign in ((total.low, values.low, -1.0), (total.high, values.high, 1.0)):
        size = abs(side)
        np.add.at(side, at, value)
        np.add.at(size, at, abs(value))
        side += sign * terms * UNIT * np.where(np.isinf(size), 0.0, size)


def _cumsum(a: Enclosure, axis: int) -> Enclosure:
    terms = a.low.shape[axis]
    off_low, off_high = (terms * UNIT * np.cumsum(abs(side), axis=axis) for side in (a.low, a.high))
    return _outward(np.cumsum(a.low, axis=axis) - off_low, np.cumsum(a.high, axis=axis) + off_high)


def _where(chosen: Any, a: Any, b: Any) -> Enclosure:
    a, b = enclosed(a), enclosed(b)
    return Enclosure(np.where(chosen, a.low, b.low), np.where(chosen, a.high, b.high))


def _concatenate(parts: Any, axis: int = 0) -> Enclosure:
    ends = [enclosed(part) for part in parts]
    return Enclosure(
        np.concatenate([end.low for end in ends], axis=axis), np.concatenate([end.high for end in ends], axis=axis)
    )


def _each(function: Callable[..., Any]) -> Callable[..., Enclosure]:
    """Return `function` as applied to both ends."""

    def applied(a: Enclosure, *arguments: Any, **options: Any) -> Enclosure:
        return Enclosure(function(a.low, *arguments, **options), function(a.high, *arguments, **options))

    return applied


def _absolute(a: Enclosure) -> Enclosure:
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
