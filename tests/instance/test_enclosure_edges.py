"""Enclosures where the ends meet a case of their own: of either sign, of nothing, very small, very many."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from medalopt.instance.enclosure import MANY, Enclosure, enclosed, enclosing
from medalopt.instance.figures import Figures, Number

ENDS = (-2.0, -1.0, 0.0, 1.0, 3.0)
INTERVALS = [(low, high) for low, high in product(ENDS, ENDS) if low <= high]


def of(*intervals: tuple[float, float]) -> Enclosure:
    """Return an array of intervals."""
    low, high = zip(*intervals, strict=True)
    return Enclosure(np.array(low), np.array(high))


def test_a_product_reaches_from_the_least_to_the_greatest_of_the_ends() -> None:
    """Whatever the signs of the four ends, the product holds the products of them all and little more."""
    for one, other in product(INTERVALS, INTERVALS):
        found = of(one) * of(other)
        ends = [a * b for a in one for b in other]
        assert found.low[0] <= min(ends) and found.high[0] >= max(ends)
        assert (found.low[0], found.high[0]) == pytest.approx((min(ends), max(ends)), rel=1e-15)


def test_a_magnitude_is_never_below_nothing() -> None:
    """An interval that holds 0 has magnitudes from 0 on; one of either side those between its ends."""
    for low, high in INTERVALS:
        found = abs(of((low, high)))
        least = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
        assert (found.low[0], found.high[0]) == (least, max(abs(low), abs(high)))


def test_a_sum_holds_what_rounding_has_lost() -> None:
    """1e16 + 1 - 1e16 + 1 is 2, and 0 in floats."""
    terms = np.array([1e16, 1.0, -1e16, 1.0])
    assert terms.sum() != 2
    total = enclosed(terms).sum()
    assert total.low <= 2 <= total.high


@pytest.mark.parametrize("size", [1e-290, 1e-310, 5e-324])
def test_the_smallest_numbers_are_rounded_outwards_too(size: float) -> None:
    """Where a share of 2**-52 of a number is itself no longer exact, the ends still lie beyond the true product."""
    for sign in (1.0, -1.0):
        found = enclosed(np.array([sign * size, 1.0])) * enclosed(np.array([0.7, 1.0]))
        true = Fraction(sign * size) * Fraction(0.7)
        assert Fraction(float(found.low[0])) < true < Fraction(float(found.high[0]))


def test_nothing_and_what_has_no_end_stay_as_they_are() -> None:
    """Beside a number that is very small too, 0 is 0 and infinity infinity."""
    found = enclosed(np.array([0.0, np.inf, -np.inf, 1e-310])) + enclosed(np.zeros(4))
    assert found.low[:3].tolist() == found.high[:3].tolist() == [0.0, np.inf, -np.inf]


@pytest.mark.parametrize("interval", [(-1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_of_very_many_none_is_taken_for_nothing(interval: tuple[float, float]) -> None:
    """Intervals of which one end is 0, or 1, are multiplied like any."""
    many = Enclosure(*(np.full(MANY + 1, end) for end in interval))
    found = many * Enclosure(np.ones(MANY + 1), np.full(MANY + 1, 2.0))
    ends = [a * b for a in interval for b in (1.0, 2.0)]
    assert (found.low <= min(ends)).all() and (found.high >= max(ends)).all()
    assert found.low == pytest.approx(np.full(MANY + 1, min(ends)))


def test_very_many_of_which_most_are_nothing() -> None:
    """They are multiplied by as many, by one for all, and infinity by nothing is nothing."""
    many = np.zeros(MANY + 1)
    many[7] = 3.0
    for other in (np.full(MANY + 1, 2.0), np.array(2.0), np.full(MANY + 1, np.inf)):
        found = enclosed(many) * enclosed(other)
        assert np.flatnonzero(found.high).tolist() == [7]
        assert found.high[7] >= 3.0 * np.max(other) >= found.low[7]


def test_products_of_vectors() -> None:
    """A vector by a vector is a number; by a matrix a vector, intervals with an end at 0 counted."""
    row = enclosed(np.array([2.0, 5.0]))
    found = row @ enclosed(np.array([1.0, -1.0]))
    assert found.low <= -3 <= found.high
    by_matrix = row @ Enclosure(np.array([[0.0, -1.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert (by_matrix.low <= [5.0, -2.0]).all() and (by_matrix.high >= [7.0, 0.0]).all()
    assert by_matrix.high == pytest.approx([7.0, 0.0])


def test_what_may_be_greater() -> None:
    """Equal numbers are not greater than one another; an interval may be where its upper end is."""
    one, wide = enclosed(np.array([1.0])), of((0.0, 2.0))
    assert not (one > one).any() and not (one < one).any()
    assert (one >= one).all() and (one <= one).all()
    assert (wide > one).all() and (wide < one).all()


def test_a_whole_number_too_large_for_a_float_is_enclosed() -> None:
    """Three times 3,002,399,751,580,331 is 2**53 + 1, which no float is: its interval has a width."""
    figures = Figures.of([Number(3002399751580331.0, Fraction(3)), Number(7.0, Fraction(3))], (2,))
    found = enclosing(figures)
    assert Fraction(float(found.low[0])) <= 2**53 + 1 <= Fraction(float(found.high[0]))
    assert found.low[1] == found.high[1] == 21.0
