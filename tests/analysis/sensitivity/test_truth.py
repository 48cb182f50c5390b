"""Prices, ranges, curves and maps of random instances compared with independent solves and GLPK: samples."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.laws import pool

from campaigns import blends, curves, prices
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range


@pytest.mark.parametrize("stock", [False, True])
@pytest.mark.parametrize("number", range(2))
def test_prices_are_what_two_solves_differ_by(number: int, stock: bool) -> None:
    """Both prices of figures hold up to the ends of their ranges, by plans on either side, and no farther."""
    found = prices.trial(pool.solvable(number, pool.stocked if stock else pool.plan), stock)
    assert found.wrong == ()
    assert found.seen["solves on the line of a price"] > 5
    assert found.seen["ends beyond which the price is another"] + found.seen["ends beyond which there is no plan"] > 0


@pytest.mark.parametrize("number", range(2))
def test_curves_agree_with_a_grid(number: int) -> None:
    """Curves and maps agree with plans on a grid, at both sides of breakpoints and of ends, and at a budget."""
    found = curves.trial(pool.solvable(number, lambda seed: seed % curves.ONE_IN == 0 if number else seed > 0))
    assert found.wrong == ()
    assert found.seen["values on a grid"] > 5


def test_a_share_that_comes_to_zero() -> None:
    """Along a participation that becomes 0, beside which rounding left some of it, the curve agrees with a grid."""
    variants = ScenarioRunner(Path(__file__).parent / "participation_to_zero.yaml", objective="mass")
    assert curves.judged(variants, parse_parameter_range(variants, "policy.participation=0..30%")).wrong == ()


@pytest.mark.parametrize("seed", range(8))
def test_a_blend_has_the_ranges_of_glpk(seed: int) -> None:
    """Of a blend that is not degenerate every price, and both ends of every range, are those of GLPK's analysis."""
    assert blends.trial(seed).wrong == ()


def test_blends_are_compared() -> None:
    """Some of these blends are not degenerate, and all their figures are compared."""
    assert sum(blends.trial(seed).seen["ranges compared"] for seed in range(4)) > 5
