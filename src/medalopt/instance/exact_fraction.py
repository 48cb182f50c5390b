"""Fractions as quick as Python makes them, in which the certificates of small instances are computed."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from math import gcd
from typing import Any

_new = object.__new__


def _make_comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    """Return the method of `ExactFraction` for a comparison of integers."""
    otherwise = getattr(Fraction, f"__{compare.__name__}__")

    def method(self: ExactFraction, other: Any) -> Any:
        """Compare with a fraction or an integer by cross-multiplication, with any other number as `Fraction` does.

        Args:
            self: Left operand.
            other: Right operand.

        Returns:
            Result of the comparison, or NotImplemented.
        """
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
