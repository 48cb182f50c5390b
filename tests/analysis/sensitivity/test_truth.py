"""Prices, ranges, curves and maps of random instances, held against plans solved anew and against GLPK: samples."""

from __future__ import annotations

import pytest

from campaigns import blends, curves, prices

ROUNDED = 23  # a share comes to 0 there, beside which rounding had left some


@pytest.mark.parametrize(("seed", "stock"), [(1, False), (28, False), (1, True), (28, True)])
def test_prices_are_what_two_solves_differ_by(seed: int, stock: bool) -> None:
    """Both prices of figures hold up to the ends of their ranges, by plans on either side, and no farther."""
    found = prices.trial(seed, stock)
    assert found.wrong == ()
    assert found.seen["solves on the line of a price"] > 5
    assert found.seen["ends beyond which the price is another"] + found.seen["ends beyond which there is no plan"] > 0


@pytest.mark.parametrize("seed", [1, 8, ROUNDED])
def test_curves_agree_with_a_grid(seed: int) -> None:
    """Curves and maps agree with plans on a grid, at both sides of breakpoints and of ends, and at a budget."""
    found = curves.trial(seed)
    assert found.wrong == ()
    assert found.seen["values on a grid"] > 5


@pytest.mark.parametrize("seed", range(8))
def test_a_blend_has_the_ranges_of_glpk(seed: int) -> None:
    """Of a blend that is not degenerate every price, and both ends of every range, are those of GLPK's analysis."""
    assert blends.trial(seed).wrong == ()


def test_blends_are_compared() -> None:
    """Some of these blends are not degenerate, and all their figures are compared."""
    assert sum(blends.trial(seed).seen["ranges compared"] for seed in range(4)) > 5
