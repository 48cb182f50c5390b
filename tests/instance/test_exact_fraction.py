"""`ExactFraction` against `Fraction`: the same values in lowest terms, the same comparisons, hashes and floats."""

from __future__ import annotations

import math
import operator
import pickle
from fractions import Fraction
from itertools import product
from random import Random

import numpy as np
import pytest

from medalopt.instance.arrays import ExactFraction

_random = Random(0)
PLAIN = [
    *(Fraction(n, d) for n in (-6, -1, 0, 1, 4) for d in (1, 3, 4, 6)),
    *(Fraction(_random.getrandbits(90) - 2**89, 1 + _random.getrandbits(70)) for _ in range(12)),
    *(Fraction(_random.uniform(-9, 9)) for _ in range(6)),
]
OTHERS = [*PLAIN, *map(ExactFraction, PLAIN), *range(-4, 5), True, 0.5, math.inf, -math.inf]
OPERATORS = [
    *(operator.add, operator.sub, operator.mul, operator.truediv),
    *(operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne),
]


def is_same(found: object, expected: object) -> bool:
    """Return whether two results are equal, of one kind, and, if fractions, both in lowest terms."""
    if not isinstance(expected, Fraction):
        return type(found) is type(expected) and repr(found) == repr(expected)  # repr: two NaN are not equal
    assert isinstance(found, Fraction)
    return (found.numerator, found.denominator) == (expected.numerator, expected.denominator)


@pytest.mark.parametrize("operate", OPERATORS, ids=lambda operate: operate.__name__)
def test_binary_operators_agree_with_fraction(operate: object) -> None:
    """Each operator with an exact fraction on either side equals `Fraction`, or raises the same error."""

    def attempt(one: object, other: object) -> object:
        try:
            return operate(one, other)  # type: ignore[operator]
        except ZeroDivisionError as error:
            return type(error)

    for plain, other in product(PLAIN, OTHERS):
        reference = Fraction(other) if isinstance(other, Fraction) else other
        exact = ExactFraction(plain)
        assert is_same(attempt(exact, other), attempt(plain, reference)), (plain, other)
        assert is_same(attempt(other, exact), attempt(reference, plain)), (other, plain)


def test_other_operations_agree_with_fraction() -> None:
    """Sign, size, float, truth, hash, powers, and a copy by way of bytes are those of `Fraction`."""
    for plain in PLAIN:
        exact = ExactFraction(plain)
        for operate in (operator.neg, abs, float, bool, hash, str, lambda value: value**2):
            assert is_same(operate(exact), operate(plain))
        assert pickle.loads(pickle.dumps(exact)) == plain


def test_arrays_keep_exact_fractions() -> None:
    """Sums and products of arrays of exact fractions and infinite floats keep their types."""
    values = np.array([ExactFraction(1, 3), ExactFraction(0), math.inf], dtype=object)
    total = (2 * values + np.array([1, 0, 0], dtype=object)) * ExactFraction(3, 7)
    assert total.tolist() == [Fraction(5, 7), Fraction(0), math.inf]
    assert [type(value) for value in total.tolist()] == [ExactFraction, ExactFraction, float]


def test_floats_beyond_all_floats_are_refused_as_by_fraction() -> None:
    """A fraction beyond all floats raises OverflowError, which the certificate rounds outwards."""
    with pytest.raises(OverflowError):
        float(ExactFraction(10**400))
