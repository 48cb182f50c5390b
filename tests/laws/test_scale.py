"""A plan does not depend on how large the figures are written: in another coin, or for games twice as large."""

from __future__ import annotations

import numpy as np
import pytest
from tests.laws import pool
from tests.laws.figures import AMOUNTS, MONEY, RATES, changed, listed, places, times

from medalopt import Instance, Plan


def doubled(instance: Instance) -> Instance:
    """Return `instance` with twice the demand, supply and limits."""
    return changed(times(instance, AMOUNTS, 2), "medals", count=2 * instance.medals.count)


def same_tonnes(plan: Plan, other: Plan, factor: int) -> None:
    """Fail unless `other` is `plan` times `factor`, to the last bit."""
    for name in ("sent", "stockpile", "charged", "bought", "surplus", "recharged"):
        np.testing.assert_array_equal(
            factor * getattr(plan.account.decisions, name), getattr(other.account.decisions, name)
        )


def test_every_figure_is_money_an_amount_or_a_rate() -> None:
    """No figure of an instance is forgotten by the laws below, and none counts twice."""
    known = listed(MONEY, AMOUNTS, RATES)
    assert len(known) == len(set(known))
    assert set(known) == places(pool.instance(0))


@pytest.mark.parametrize("seed", pool.SEEDS)
def test_ten_times_the_money_is_ten_times_the_cost(seed: int) -> None:
    """With all money times ten the same tonnes cost ten times as much."""
    plan, other = pool.plan(seed), pool.solved(times(pool.instance(seed), MONEY, 10))
    assert (plan is None) == (other is None)
    if plan is not None and other is not None:
        assert other.cost == pytest.approx(10 * plan.cost, rel=0, abs=10 * pool.slack(plan, other))
        assert other.tonnes == pytest.approx(plan.tonnes, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("seed", pool.SEEDS)
def test_eight_times_the_money_is_the_same_plan(seed: int) -> None:
    """Money times eight, which changes no digit, changes no tonne of the plan."""
    plan, other = pool.plan(seed), pool.solved(times(pool.instance(seed), MONEY, 8))
    assert (plan is None) == (other is None)
    if plan is not None and other is not None:
        same_tonnes(plan, other, 1)
        assert other.cost == 8 * plan.cost


@pytest.mark.parametrize("seed", pool.SEEDS)
def test_twice_the_games_take_twice_the_plan(seed: int) -> None:
    """With all amounts, limits and counts doubled the plan is the same one twice, whatever is made least."""
    measure = pool.MEASURES[seed % 3]
    plan, other = pool.plan(seed, measure), pool.solved(doubled(pool.instance(seed)), measure)
    assert (plan is None) == (other is None)
    if plan is not None and other is not None:
        same_tonnes(plan, other, 2)
        assert other.objective == 2 * plan.objective
