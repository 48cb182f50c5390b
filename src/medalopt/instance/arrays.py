"""Arrays of exact parameters: each value as written, with the exact factor into the canonical unit of its field.

Certificates of small instances compute with `ExactFraction`, a quicker `Fraction`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import gcd
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_new = object.__new__


def _make_comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    """Return the method of `ExactFraction` for a comparison of integers."""
    otherwise = getattr(Fraction, f"__{compare.__name__}__")

    def method(self: ExactFraction, other: Any) -> Any:
        """Compare with a fraction or an integer by cross-multiplication, with any other number as `Fraction` does."""
        kind = type(other)
        if kind is ExactFraction or kind is Fraction:
            return compare(self._numerator * other._denominator, other._numerator * self._denominator)
        return compare(self._numerator, other * self._denominator) if kind is int else otherwise(self, other)

    return method


class ExactFraction(Fraction):
    """A `Fraction` with quicker `+`, `-`, `*`, `-x`, `abs`, `float` and comparisons, and the same values and hashes.

    Most numbers of a certificate are zeros, and the others are fractions or integers: zeros are passed through, and the
    dispatch on types of `Fraction` is left out. Any other operand is given to `Fraction`. Sums and products reduce by
    the greatest common divisors of their parts (Knuth, The Art of Computer Programming, volume 2, section 4.5.1).
    """

    __slots__ = ()

    _numerator: int
    _denominator: int

    def __add__(self, other: Any) -> Any:
        kind = type(other)
        if kind is not ExactFraction and kind is not Fraction:
            if kind is not int:
                return Fraction.__add__(self, other)
            return _build(self._numerator + other * self._denominator, self._denominator) if other else self
        a, b = self._numerator, other._numerator
        if not b:
            return self
        if not a:
            return other
        return _add_parts(a, self._denominator, b, other._denominator)

    def __sub__(self, other: Any) -> Any:
        kind = type(other)
        if kind is not ExactFraction and kind is not Fraction:
            if kind is not int:
                return Fraction.__sub__(self, other)
            return _build(self._numerator - other * self._denominator, self._denominator) if other else self
        b = other._numerator
        return _add_parts(self._numerator, self._denominator, -b, other._denominator) if b else self

    def __rsub__(self, other: Any) -> Any:
        return (
            _build(other * self._denominator - self._numerator, self._denominator)
            if type(other) is int
            else (Fraction.__rsub__(self, other))
        )

    def __mul__(self, other: Any) -> Any:
        kind = type(other)
        if kind is ExactFraction or kind is Fraction:
            b, d = other._numerator, other._denominator
        elif kind is int:
            b, d = other, 1
        else:
            return Fraction.__mul__(self, other)
        a, c = self._numerator, self._denominator
        if not a:
            return self
        if (common := gcd(a, d)) > 1:
            a, d = a // common, d // common
        if (common := gcd(b, c)) > 1:
            b, c = b // common, c // common
        return _build(a * b, c * d)

    def __neg__(self) -> ExactFraction:
        return _build(-self._numerator, self._denominator)

    def __abs__(self) -> ExactFraction:
        return self if self._numerator >= 0 else _build(-self._numerator, self._denominator)

    def __float__(self) -> float:
        return self._numerator / self._denominator

    __lt__, __le__ = _make_comparison(operator.lt), _make_comparison(operator.le)
    __gt__, __ge__ = _make_comparison(operator.gt), _make_comparison(operator.ge)
    __radd__, __rmul__ = __add__, __mul__


def _build(numerator: int, denominator: int) -> ExactFraction:
    """Return a fraction of parts without a common divisor, the denominator positive."""
    result = _new(ExactFraction)
    result._numerator, result._denominator = numerator, denominator
    return result


def _add_parts(a: int, c: int, b: int, d: int) -> ExactFraction:
    """Return a/c + b/d."""
    common = gcd(c, d)
    if common == 1:
        return _build(a * d + b * c, c * d)
    rest = c // common
    total = a * (d // common) + b * rest
    left = gcd(total, common)
    return _build(total // left, rest * (d // left))


Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]


class ExactNumber(NamedTuple):
    """One parameter: the float as written, and the exact factor into the canonical unit."""

    raw: float
    factor: Fraction = Fraction(1)

    @property
    def exact(self) -> Fraction:
        """Exact value in its canonical unit, computed from the decimals as written."""
        return Fraction(repr(self.raw)) * self.factor


EXACT_ZERO, EXACT_ONE, EXACT_INFINITY = ExactNumber(0.0), ExactNumber(1.0), ExactNumber(math.inf)


@dataclass(frozen=True, eq=False)
class ExactArray:
    """An array of parameters of any shape, exact and as floats.

    `raw` holds the floats as written; `unit` (broadcast to the shape of `raw`) selects the element of `factors` that
    converts each into the canonical unit. A limit that is not given is infinite.
    """

    raw: Floats
    unit: Ints
    factors: tuple[Fraction, ...] = (Fraction(1),)

    @classmethod
    def gather(cls, numbers: Iterable[ExactNumber], shape: tuple[int, ...] | None = None) -> ExactArray:
        """Gather `numbers` into one array.

        Args:
            numbers: Parameters, row by row where `shape` is given.
            shape: Shape of the array; None for one axis.

        Returns:
            The array.
        """
        listed = list(numbers)
        order = {factor: position for position, factor in enumerate(dict.fromkeys(n.factor for n in listed))}
        raw = np.array([n.raw for n in listed], dtype=np.float64)
        unit = np.array([order[n.factor] for n in listed], dtype=np.intp)
        shape = raw.shape if shape is None else shape
        return cls(raw.reshape(shape), unit.reshape(shape), tuple(order) or (Fraction(1),))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.raw.shape

    @cached_property
    def value(self) -> Floats:
        """Values in their canonical unit, each the double nearest to the exact value; read-only."""
        raw = self.raw.ravel().copy()
        unit = np.broadcast_to(self.unit, self.raw.shape).ravel()
        plain = np.array([factor == 1 for factor in self.factors])
        index = np.flatnonzero(~plain[unit] & np.isfinite(raw) & (raw != 0))
        pairs, which = np.unique(raw[index] + 1j * unit[index], return_inverse=True)
        collected = [float(Fraction(repr(pair.real)) * self.factors[int(pair.imag)]) for pair in pairs.tolist()]
        raw[index] = np.array(collected)[which]
        result = raw.reshape(self.raw.shape)
        result.flags.writeable = False
        return result

    def append(self, count: int, value: float | Floats = 0.0, axis: int = 0) -> ExactArray:
        """Append entries along an axis.

        Args:
            count: Number of entries.
            value: Their value in the canonical unit, or an array that broadcasts to them.
            axis: Axis along which they are appended.

        Returns:
            The longer array.
        """
        shape = list(self.shape)
        shape[axis] = count
        new = np.broadcast_to(np.asarray(value, dtype=float), shape)
        plain = next((number for number, factor in enumerate(self.factors) if factor == 1), len(self.factors))
        factors = self.factors if plain < len(self.factors) else (*self.factors, Fraction(1))
        unit = np.broadcast_to(self.unit, self.shape)
        unit = np.concatenate([unit, np.full(shape, plain, dtype=np.intp)], axis=axis)
        return ExactArray(np.concatenate([self.raw, new], axis=axis), unit, factors)

    def select(self, indices: Ints) -> ExactArray:
        """Select entries along the first axis.

        Args:
            indices: Their indices, in any order, also repeated.

        Returns:
            The array of these entries.
        """
        return ExactArray(self.raw[indices], np.broadcast_to(self.unit, self.shape)[indices], self.factors)

    def exact(self) -> NDArray[Any]:
        """Return the values in their canonical unit without rounding.

        Returns:
            Fractions, `math.inf` where a limit is not given.
        """
        return self._exact

    @cached_property
    def _exact(self) -> NDArray[Any]:
        """The exact values, computed once."""
        unit = np.broadcast_to(self.unit, self.raw.shape)
        flat = [
            ExactFraction(repr(raw)) * self.factors[which] if math.isfinite(raw) else raw
            for raw, which in zip(self.raw.ravel().tolist(), unit.ravel().tolist(), strict=True)
        ]
        result = np.empty(len(flat), dtype=object)
        result[:] = flat
        result.flags.writeable = False
        return result.reshape(self.raw.shape)


def drop_infinite(value: float) -> float | None:
    """Return a number for JSON and tables, which have no infinity.

    Returns:
        The number, or None if it is infinite or no number.
    """
    return value if math.isfinite(value) else None


def stack_over_periods(arrays: Sequence[ExactArray]) -> ExactArray:
    """Stack the parameters of single periods along a new last axis; equal ones become one value for all periods.

    Args:
        arrays: Array (...) of each period, or one for all periods.

    Returns:
        Array (..., 1 or T).
    """
    factors: dict[Fraction, int] = {}
    raw, unit = [], []
    for one in arrays:
        place = np.array([factors.setdefault(factor, len(factors)) for factor in one.factors], dtype=np.intp)
        raw.append(one.raw)
        unit.append(place[np.broadcast_to(one.unit, one.raw.shape)])
    stacked = ExactArray(np.stack(raw, axis=-1), np.stack(unit, axis=-1), tuple(factors))
    same = (stacked.raw == stacked.raw[..., :1]).all() and (stacked.unit == stacked.unit[..., :1]).all()
    return ExactArray(stacked.raw[..., :1], stacked.unit[..., :1], stacked.factors) if same else stacked


def pick_names(names: Sequence[Any], index: Ints) -> list[Any]:
    """Return the names at some indices; of long arrays of indices in a fifth of the time of a loop.

    Args:
        names: Names, or None, of an axis.
        index (N,): Indices; -1 is the last name.

    Returns:
        The names (N,).
    """
    axis = np.empty(len(names), dtype=object)
    axis[:] = names
    return list(axis[index].tolist())
