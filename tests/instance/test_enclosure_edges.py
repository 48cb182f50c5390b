"""Interval arithmetic at special cases: mixed signs, zero, tiny numbers, large arrays."""

from __future__ import annotations

import sys
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from medalopt.instance.arithmetic import (
    SPARSE_PRODUCT_SIZE,
    IntervalArray,
    bound_above,
    bound_below,
    convert_to_intervals,
    read_intervals,
    sum_by_group,
)
from medalopt.instance.arrays import ExactArray, ExactNumber

ENDS = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0)
U = 2.0**-52
INTERVALS = [(low, high) for low, high in product(ENDS, ENDS) if low <= high]


def of(*intervals: tuple[float, float]) -> IntervalArray:
    """Return an array of intervals."""
    low, high = zip(*intervals, strict=True)
    return IntervalArray(np.array(low), np.array(high))


def test_a_product_reaches_from_the_least_to_the_greatest_of_the_ends() -> None:
    """Whatever the signs of the four ends, the product holds the products of them all and little more."""
    for one, other in product(INTERVALS, INTERVALS):
        found = of(one) * of(other)
        ends = [a * b for a in one for b in other]
        assert found.low[0] <= min(ends) and found.high[0] >= max(ends)
        assert (found.low[0], found.high[0]) == pytest.approx((min(ends), max(ends)), rel=1e-15)


def test_an_operation_rounds_outwards_by_one_float_or_two() -> None:
    """Outward rounding is by a share of 2**-52 on either side at most."""
    one = convert_to_intervals(np.array([1.0])) + convert_to_intervals(np.array([0.0]))
    assert (one.low[0], one.high[0]) == (1 - U, 1 + U)
    beside_nothing = convert_to_intervals(np.array([1.0, 0.0])) + convert_to_intervals(np.array([0.0, 0.0]))
    assert (beside_nothing.low.tolist(), beside_nothing.high.tolist()) == ([1 - U, 0.0], [1 + U, 0.0])
    alone = convert_to_intervals(np.array([1.0])).sum()
    assert (alone.low, alone.high) == (1 - 3 * U, 1 + 3 * U)  # two for the sum, one for the end
    four = convert_to_intervals(np.array([1.0, 1.0, 1.0, 1.0])).sum()
    assert (four.low, four.high) == (4 - 20 * U, 4 + 20 * U)  # two parts of two: four shares of four, and one
    grouped = sum_by_group(convert_to_intervals(np.array([1.0, 2.0, 4.0])), np.array([0, 0, 1]), 2)
    assert grouped.low.tolist() == [3 - 3 * 3 * U, 4 - 3 * 4 * U]  # of two terms at most, and one for the start
    assert grouped.high.tolist() == [3 + 3 * 3 * U, 4 + 3 * 4 * U]


def test_a_sum_of_very_many_is_taken_by_parts() -> None:
    """A million terms too small to move 1 one by one are 1e-10 together, and the sum holds that."""
    terms = np.full((1_000_000, 2), 1e-16)
    terms[0] = 1.0
    total = convert_to_intervals(terms).sum(axis=0)
    assert (total.low <= 1 + 1e-10).all() and (total.high >= 1 + 0.999e-10).all()
    assert (total.high - total.low < 1e-11).all()


def test_what_has_no_end_times_something() -> None:
    """[1, inf) times [2, 3] is [2, inf); zero times infinity is zero."""
    endless = of((1.0, np.inf)) * of((2.0, 3.0))
    assert (endless.low[0], endless.high[0]) == (pytest.approx(2.0), np.inf)
    either = of((np.inf, np.inf)) * of((0.0, np.inf))
    assert (either.low[0], either.high[0]) == (0.0, np.inf)
    nothing = of((0.0, np.inf), (0.0, np.inf)) * of((0.0, 0.0), (0.0, 0.0))
    assert not nothing.low.any() and not nothing.high.any()


def test_very_many_are_multiplied_row_by_row() -> None:
    """A row of mostly zeros times each row of a table."""
    row = np.zeros((1, SPARSE_PRODUCT_SIZE + 1))
    row[0, 5] = 2.0
    found = convert_to_intervals(row) * convert_to_intervals(np.full((3, SPARSE_PRODUCT_SIZE + 1), 4.0))
    assert found.shape == (3, SPARSE_PRODUCT_SIZE + 1)
    assert found.high[:, 5] == pytest.approx([8.0] * 3) and np.count_nonzero(found.high) == 3


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 0.0), (-0.5, 0.5), (0.0, 0.0), (-2.0, 0.5)])
def test_an_interval_that_holds_nothing_divides_nothing(low: float, high: float) -> None:
    """Nor one that ends there."""
    with pytest.raises(ZeroDivisionError):
        convert_to_intervals(np.ones(1)) / of((low, high))


@pytest.mark.parametrize(("low", "high"), [(0.25, 0.5), (-0.5, -0.25), (2.0, 4.0), (-4.0, -2.0)])
def test_an_interval_on_one_side_divides(low: float, high: float) -> None:
    """Division by an interval of one sign works however near to zero it is."""
    found = convert_to_intervals(np.ones(1)) / of((low, high))
    assert (found.low[0], found.high[0]) == pytest.approx((1 / high, 1 / low))


def test_intervals_are_joined_one_after_the_other() -> None:
    """Along the first axis, if none is named."""
    found = np.concatenate([of((1.0, 2.0)), of((3.0, 4.0), (5.0, 6.0))])
    assert (found.low.tolist(), found.high.tolist()) == ([1.0, 3.0, 5.0], [2.0, 4.0, 6.0])
    row = convert_to_intervals(np.ones((1, 2)))
    assert np.concatenate([row, row]).shape == (2, 2)


def test_two_intervals_are_the_same_if_both_ends_are() -> None:
    """One end that differs makes them differ."""
    one = of((1.0, 2.0), (1.0, 2.0), (1.0, 2.0))
    assert (one != of((1.0, 2.0), (0.0, 2.0), (1.0, 3.0))).tolist() == [False, True, True]


def test_only_what_encloses_is_done() -> None:
    """A sum of some places alone is refused, and so is the sum along an axis in numpy's own way."""
    one = of((1.0, 2.0), (1.0, 2.0))
    for wrong in (lambda: np.add(one, one, where=np.array([True, False])), lambda: np.add.reduce(one)):  # type: ignore[call-overload]
        with pytest.raises(TypeError):
            wrong()


@pytest.mark.parametrize("raw", [107.0, 2.0**52 + 1])
def test_a_whole_number_has_no_width(raw: float) -> None:
    """Up to 2**53 floats hold all of them."""
    found = read_intervals(ExactArray.gather([ExactNumber(raw)], (1,)))
    assert found.low[0] == found.high[0] == raw


def test_a_number_beyond_all_floats_has_one_end() -> None:
    """Above the greatest there is infinity; below the least, the least. A number that is a float is its own end."""
    greatest = sys.float_info.max
    beyond = np.array([Fraction(10) ** 400, -(Fraction(10) ** 400), Fraction(1, 2), Fraction(1, 3)], dtype=object)
    assert bound_above(beyond).tolist()[:3] == [np.inf, -greatest, 0.5]
    assert bound_below(beyond).tolist()[:3] == [greatest, -np.inf, 0.5]
    assert Fraction(float(bound_below(beyond)[3])) < Fraction(1, 3) < Fraction(float(bound_above(beyond)[3]))


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
    total = convert_to_intervals(terms).sum()
    assert total.low <= 2 <= total.high


@pytest.mark.parametrize("size", [1e-290, 1e-310, 5e-324])
def test_the_smallest_numbers_are_rounded_outwards_too(size: float) -> None:
    """For subnormal numbers the ends still enclose the true product."""
    for sign in (1.0, -1.0):
        found = convert_to_intervals(np.array([sign * size, 1.0])) * convert_to_intervals(np.array([0.7, 1.0]))
        true = Fraction(sign * size) * Fraction(0.7)
        assert Fraction(float(found.low[0])) < true < Fraction(float(found.high[0]))


def test_nothing_and_what_has_no_end_stay_as_they_are() -> None:
    """Beside a number that is very small too, 0 is 0 and infinity infinity."""
    found = convert_to_intervals(np.array([0.0, np.inf, -np.inf, 1e-310])) + convert_to_intervals(np.zeros(4))
    assert found.low[:3].tolist() == found.high[:3].tolist() == [0.0, np.inf, -np.inf]


@pytest.mark.parametrize("interval", [(-1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_of_very_many_none_is_taken_for_nothing(interval: tuple[float, float]) -> None:
    """Intervals of which one end is 0, or 1, are multiplied like any."""
    many = IntervalArray(*(np.full(SPARSE_PRODUCT_SIZE + 1, end) for end in interval))
    found = many * IntervalArray(np.ones(SPARSE_PRODUCT_SIZE + 1), np.full(SPARSE_PRODUCT_SIZE + 1, 2.0))
    ends = [a * b for a in interval for b in (1.0, 2.0)]
    assert (found.low <= min(ends)).all() and (found.high >= max(ends)).all()
    assert found.low == pytest.approx(np.full(SPARSE_PRODUCT_SIZE + 1, min(ends)))


def test_very_many_of_which_most_are_nothing() -> None:
    """Sparse arrays times arrays of the same size or a scalar; infinity times zero is zero."""
    many = np.zeros(SPARSE_PRODUCT_SIZE + 1)
    many[7] = 3.0
    for other in (np.full(SPARSE_PRODUCT_SIZE + 1, 2.0), np.array(2.0), np.full(SPARSE_PRODUCT_SIZE + 1, np.inf)):
        found = convert_to_intervals(many) * convert_to_intervals(other)
        assert np.flatnonzero(found.high).tolist() == [7]
        assert found.high[7] >= 3.0 * np.max(other) >= found.low[7]


def test_products_of_vectors() -> None:
    """A vector by a vector is a number; by a matrix a vector, intervals with an end at 0 counted."""
    row = convert_to_intervals(np.array([2.0, 5.0]))
    found = row @ convert_to_intervals(np.array([1.0, -1.0]))
    assert found.low <= -3 <= found.high
    by_matrix = row @ IntervalArray(np.array([[0.0, -1.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert (by_matrix.low <= [5.0, -2.0]).all() and (by_matrix.high >= [7.0, 0.0]).all()
    assert by_matrix.high == pytest.approx([7.0, 0.0])


def test_what_may_be_greater() -> None:
    """Equal numbers are not greater than one another; an interval may be where its upper end is."""
    one, wide = convert_to_intervals(np.array([1.0])), of((0.0, 2.0))
    assert not (one > one).any() and not (one < one).any()
    assert (one >= one).all() and (one <= one).all()
    assert (wide > one).all() and (wide < one).all()


def test_a_whole_number_too_large_for_a_float_is_enclosed() -> None:
    """Three times 3,002,399,751,580,331 is 2**53 + 1, which no float is: its interval has a width."""
    figures = ExactArray.gather([ExactNumber(3002399751580331.0, Fraction(3)), ExactNumber(7.0, Fraction(3))], (2,))
    found = read_intervals(figures)
    assert Fraction(float(found.low[0])) <= 2**53 + 1 <= Fraction(float(found.high[0]))
    assert found.low[1] == found.high[1] == 21.0
