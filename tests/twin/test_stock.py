"""Castings in stock on random instances: Pyomo with HiGHS against MathProg with GLPK."""

from __future__ import annotations

import pytest
from tests.laws import pool
from tests.twin.agreement import assert_twins_agree

SEEDS = range(60)


@pytest.mark.parametrize("seed", SEEDS)
def test_both_ways_find_the_same_plan_with_stock(seed: int) -> None:
    """The same rows, columns and status, and optima within 1e-9 of all payments."""
    assert_twins_agree(pool.instance(seed, stock=True))


def test_these_instances_have_teeth() -> None:
    """In at least five of them castings wait although it costs something."""
    plans = [plan for seed in SEEDS if (plan := pool.stocked(seed)) is not None]
    waiting = [(plan.account.cast_stock * plan.instance.alloys.holding.value > 1e-6).any() for plan in plans]
    assert sum(map(bool, waiting)) >= 5
