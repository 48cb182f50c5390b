"""Piecewise linear functions by hand: exact trace, bounded gap, budgets, and whole values."""

from __future__ import annotations

import math

import pytest

from medalopt.analysis.sensitivity.piecewise_linear import (
    TangentPoint,
    evaluate_at_whole_values,
    find_budget_range,
    parse_budget,
    select_whole_values,
    trace_pieces,
)
from medalopt.errors import UsageError
from medalopt.units import Money

LINES = ((-4.0, 10.0), (-1.0, 5.0), (0.5, 1.0), (3.0, -14.0))  # slope, value at 0


def hull(at: float) -> TangentPoint:
    """Return the highest of the lines at a position."""
    value, slope = max((b + a * at, a) for a, b in LINES)
    return TangentPoint(at, value, slope)


def test_every_breakpoint_is_found() -> None:
    """The breakpoints are those where two of the lines meet."""
    found = trace_pieces(hull, 0.0, 10.0, 1e-12, 1e-12, 100)
    assert [piece.right.position for piece in found.pieces] == pytest.approx([5 / 3, 8 / 3, 6.0, 10.0])
    assert [piece.slope for piece in found.pieces] == pytest.approx([a for a, _ in LINES])
    assert found.gap == 0


@pytest.mark.parametrize("most", [0, 1, 2])
def test_what_is_known_when_it_stops(most: int) -> None:
    """Stopped early, the function lies below the chords by no more than the gap."""
    found = trace_pieces(hull, 0.0, 10.0, 1e-12, 1e-12, most)
    assert found.gap > 0
    for piece in found.pieces:
        for share in (0.25, 0.5, 0.75):
            at = piece.left.position + share * (piece.right.position - piece.left.position)
            chord = piece.left.value + share * (piece.right.value - piece.left.value)
            assert -1e-9 <= chord - hull(at).value <= found.gap + 1e-9


def test_one_straight_piece() -> None:
    """A straight function is one piece, found by its ends alone."""
    found = trace_pieces(lambda at: TangentPoint(at, 2 * at, 2.0), 0.0, 1.0, 1e-12, 0.0, 0)
    assert (len(found.pieces), found.gap) == (1, 0)


def test_the_values_for_a_budget() -> None:
    """A function that falls and rises keeps to a budget between two values; one that does neither nowhere."""
    corners = [(at, hull(at).value) for at in (0.0, 5 / 3, 8 / 3, 6.0, 10.0)]
    found = find_budget_range(corners, 3.5, lambda at: hull(at).value, False)
    assert found.spans[0] == pytest.approx((1.625, 5.0))
    assert find_budget_range(corners, 3.5, lambda at: hull(at).value, True).spans == ((2.0, 5.0),)
    assert find_budget_range(corners, 1.0, lambda at: hull(at).value, False).spans == ()
    assert find_budget_range([(0.0, math.inf), (1.0, 2.0), (2.0, 9.0)], 3.0, None, True).spans == ((1.0, 1.0),)


def test_a_budget_is_found_on_a_curve_that_bends() -> None:
    """If one secant step does not reach the budget, the value is bracketed from either side."""
    for ends in ([(0.0, 0.0), (10.0, 100.0)], [(-10.0, 100.0), (0.0, 0.0)]):
        (span,) = find_budget_range(ends, 50.0, lambda at: at * at, False).spans
        assert max(abs(end) for end in span) == pytest.approx(math.sqrt(50.0))


def test_a_budget_is_read() -> None:
    """A budget has the unit of the objective; any other unit is rejected."""
    money = Money("JPY")
    assert (parse_budget("8_000 JPY", "cost", money), parse_budget("2 t", "footprint", money)) == (8000, 2000)
    with pytest.raises(UsageError, match="--budget"):
        parse_budget("8 t", "cost", money)


def test_whole_values() -> None:
    """A few whole values are all solved; a long curve is solved beside its breakpoints and beyond its end."""
    assert select_whole_values(0, 4) == ([0, 1, 2, 3, 4], True)
    values, every = select_whole_values(0, 100)
    assert (values[0], values[-1], every) == (0, 100, False)
    told = evaluate_at_whole_values([(0.0, 0.0), (2.5, 5.0), (4.2, 10.1)], (0.0, 9.0))
    assert told == [
        (0, 0, False),
        (2, 4, True),
        (3, pytest.approx(6.5), True),
        (4, pytest.approx(9.5), False),
        *((at, math.inf, False) for at in (5, 9)),
    ]
