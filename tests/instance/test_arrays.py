"""Exact arrays keep the decimals as written and an exact factor: exact value, and nearest double."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalopt.instance.arrays import EXACT_INFINITY, EXACT_ONE, EXACT_ZERO, ExactArray, ExactNumber

FACTORS = [Fraction(1), Fraction(1, 1000), Fraction(311034768, 10_000_000), Fraction(110), Fraction(1, 3)]
DECIMALS = st.decimals(min_value=-(10**9), max_value=10**9, places=6).map(float)


@given(st.lists(st.tuples(DECIMALS, st.sampled_from(FACTORS)), min_size=1, max_size=12))
def test_value_is_the_double_nearest_to_the_exact_figure(written: list[tuple[float, Fraction]]) -> None:
    """One rounding and no more, whatever was written in whatever unit."""
    figures = ExactArray.gather(ExactNumber(raw, factor) for raw, factor in written)
    exact = [Fraction(repr(raw)) * factor for raw, factor in written]
    assert figures.exact().tolist() == exact
    assert figures.value.tolist() == [float(figure) for figure in exact]


@pytest.mark.parametrize(
    ("raw", "factor", "value"),
    [
        (0.1, Fraction(1, 1000), 1e-4),
        (1.1, Fraction(1000), 1100.0),  # 1.1 * 1000 in floating point is 1100.0000000000002
        (0.07, Fraction(100), 7.0),  # 0.07 * 100 is 7.000000000000001
        (33.0, Fraction(1, 100), 0.33),
        (97.0, Fraction(1, 100), 0.97),
    ],
)
def test_decimals_stay_what_they_were(raw: float, factor: Fraction, value: float) -> None:
    """Decimals in one unit equal the decimals written in another."""
    assert ExactArray.gather([ExactNumber(raw, factor)]).value[0] == value
    assert ExactNumber(raw, factor).exact == Fraction(repr(raw)) * factor


def test_figures_take_a_shape_row_by_row() -> None:
    """Two rows of three, with a factor for each figure."""
    numbers = [ExactNumber(float(n), Fraction(n + 1)) for n in range(6)]
    figures = ExactArray.gather(numbers, (2, 3))
    assert figures.shape == (2, 3)
    assert figures.value.tolist() == [[0.0, 2.0, 6.0], [12.0, 20.0, 30.0]]
    assert figures.exact()[1, 2] == 30


def test_what_has_no_limit_is_infinite_in_both() -> None:
    """A limit that is not given stays infinite, as a float and exactly."""
    figures = ExactArray.gather([EXACT_INFINITY, EXACT_ZERO, EXACT_ONE, ExactNumber(-math.inf, Fraction(2))])
    assert figures.value.tolist() == [math.inf, 0.0, 1.0, -math.inf]
    assert figures.exact().tolist() == [math.inf, 0, 1, -math.inf]


def test_no_figures_are_figures_too() -> None:
    """An empty array has its shape, and no unit is missed."""
    figures = ExactArray.gather([], (0, 4))
    assert figures.value.shape == figures.exact().shape == (0, 4)


def test_a_unit_may_broadcast() -> None:
    """One unit for a whole column: every row is converted by it."""
    figures = ExactArray(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0, 1]), (Fraction(1), Fraction(1, 1000)))
    assert figures.value.tolist() == [[1.0, 0.002], [3.0, 0.004]]
    assert figures.exact()[1].tolist() == [3, Fraction(1, 250)]


def test_values_cannot_be_changed() -> None:
    """Who has the figures of an instance cannot write into them."""
    figures = ExactArray.gather([ExactNumber(1.0)])
    with pytest.raises(ValueError, match="read-only"):
        figures.value[0] = 2.0
