"""Enclosures hold the exact result of every operation that the proof uses, and are narrow."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest

from medalopt.instance.arithmetic import (
    EXACT_ARITHMETIC,
    FLOAT_ARITHMETIC,
    INTERVAL_ARITHMETIC,
    IntervalArray,
    bound_above,
    bound_below,
    bound_number_above,
    bound_number_below,
    convert_to_intervals,
    make_zeros,
    read_intervals,
    sum_by_group,
)
from medalopt.instance.arrays import EXACT_INFINITY, ExactArray, ExactNumber

SHAPE = (3, 4)
GROUP = np.array([1, 0, 1])


def figures(seed: int, low: float = -9.0) -> ExactArray:
    """Return figures of many sizes and units, written with up to fifteen digits."""
    random = Random(seed)
    factors = (Fraction(1), Fraction(1, 1000), Fraction(311034768, 10**10), Fraction(110), Fraction(1, 27))
    numbers = [
        ExactNumber(float(f"{random.uniform(low, 9):.{random.randint(0, 14)}g}") * 10 ** random.randint(-3, 3), f)
        for f in random.choices(factors, k=12)
    ]
    return ExactArray.gather([ExactNumber(float(f"{number.raw:.15g}"), number.factor) for number in numbers], SHAPE)


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "sum of two": lambda a, b: a + b,
    "difference": lambda a, b: a - b,
    "product": lambda a, b: a * b,
    "with whole numbers": lambda a, b: 1 - a * 2 + (-b) * 3,
    "absolute": lambda a, b: abs(a - b),
    "least": lambda a, b: np.minimum(a, b),
    "greatest": lambda a, b: np.maximum(a * b, 0),
    "quotient": lambda a, b: a / (abs(b) + 1),
    "sum": lambda a, b: (a * b).sum(),
    "sum along an axis": lambda a, b: (a * b).sum(axis=1),
    "sum along two axes": lambda a, b: (a[:, :, None] * b[:, None, :]).sum(axis=(1, 2)),
    "running sum": lambda a, b: np.cumsum(a - b, axis=1),
    "matrix product": lambda a, b: a @ b.T,
    "matrix by vector": lambda a, b: a @ b[0],
    "vector by matrix": lambda a, b: a[:, 0] @ b,
    "groups": lambda a, b: sum_by_group(a + b, GROUP, 2),
    "chosen": lambda a, b: np.where(np.eye(3, 4, dtype=bool), a, b),
    "joined": lambda a, b: np.concatenate([a, np.zeros_like(b), b], axis=1),
    "taken along": lambda a, b: np.take_along_axis(a * b, np.array([[3, 0], [1, 1], [2, 3]]), axis=1),
    "broadcast": lambda a, b: np.broadcast_to((a * b)[:, :1], SHAPE),
}


def holds(interval: Any, exact: Any) -> bool:
    """Return whether every exact number lies in its interval."""
    low, high = np.asarray(interval.low).ravel(), np.asarray(interval.high).ravel()
    numbers = np.asarray(exact, dtype=object).ravel()
    return all(
        Fraction(a) <= number <= Fraction(b)
        for a, number, b in zip(low.tolist(), numbers.tolist(), high.tolist(), strict=True)
    )


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_exact_result_lies_in_the_enclosure(name: str, seed: int) -> None:
    """Every operation, done in fractions and in enclosures, encloses; and the width is rounding, not more."""
    one, other = figures(seed), figures(seed + 1000)
    exact = OPERATIONS[name](EXACT_ARITHMETIC.read(one), EXACT_ARITHMETIC.read(other))
    found = OPERATIONS[name](read_intervals(one), read_intervals(other))
    assert holds(found, exact)
    scale = max(1.0, float(np.max(np.abs(np.asarray(exact, dtype=np.float64)))))
    assert float(np.max(np.asarray(found.high) - np.asarray(found.low))) <= 1e-9 * scale * 1e3


def test_whole_numbers_and_nothing_stay_exact() -> None:
    """A number exact in floats has width 0, and 0 times any interval is 0."""
    written = ExactArray.gather([ExactNumber(3.0), ExactNumber(0.0, Fraction(1, 3)), EXACT_INFINITY, ExactNumber(0.1)])
    found = read_intervals(written)
    assert (found.low[:3] == found.high[:3]).all()
    assert found.low[3] < found.high[3]
    nothing = convert_to_intervals(np.zeros(4)) * found
    assert (nothing.low == 0).all() and (nothing.high == 0).all()


def test_a_figure_that_only_seems_whole_keeps_its_width() -> None:
    """A third of three is one; a third of 2.9999999999999996 is nearly one, and its enclosure holds it."""
    for raw in (3.0, 2.9999999999999996):
        one = ExactArray.gather([ExactNumber(raw, Fraction(1, 3))])
        assert holds(read_intervals(one), one.exact())


def test_the_infinite_stays_infinite() -> None:
    """A stream without a route costs infinitely much, and sums over its bundle stay infinite, not undefined."""
    costs = IntervalArray(np.array([np.inf, -2.0]), np.array([np.inf, -1.0]))
    total = sum_by_group(costs * convert_to_intervals(np.array([2.0, 3.0])), np.array([0, 0]), 1)
    assert total.low[0] == np.inf and total.high[0] == np.inf


def test_what_may_be_nothing_divides_nothing() -> None:
    """An interval around 0 is no divisor."""
    with pytest.raises(ZeroDivisionError):
        convert_to_intervals(np.ones(1)) / IntervalArray(np.array([-1.0]), np.array([1.0]))


def test_comparisons_ask_whether_it_may_be() -> None:
    """Overlapping intervals may be greater and may be less."""
    one, other = IntervalArray(np.array([1.0]), np.array([3.0])), IntervalArray(np.array([2.0]), np.array([4.0]))
    assert (one > other).all() and (one < other).all()
    assert (one >= other).all() and (one <= other).all() and (one != other).all()
    assert not (one > 5).any()


@pytest.mark.parametrize("arithmetic", [FLOAT_ARITHMETIC, EXACT_ARITHMETIC, INTERVAL_ARITHMETIC], ids=lambda a: a.name)
def test_outer_ends_are_on_the_safe_side(arithmetic: Any) -> None:
    """Outward rounding encloses every number in each arithmetic; empty arrays keep their type."""
    third = arithmetic.lift(np.array([1.0])) / arithmetic.lift(np.array([3.0]))
    assert bound_above(third)[0] >= bound_below(third)[0]
    if arithmetic is not FLOAT_ARITHMETIC:
        assert Fraction(bound_number_below(third[0])) <= Fraction(1, 3) <= Fraction(bound_number_above(third[0]))
    assert type(make_zeros((2,), third)) is type(third)


def test_what_numpy_does_otherwise_is_refused() -> None:
    """An operation that was never shown to enclose is an error, not a silent float."""
    with pytest.raises(TypeError):
        np.sqrt(convert_to_intervals(np.ones(2)))
    with pytest.raises(TypeError):
        np.median(convert_to_intervals(np.ones(2)))
