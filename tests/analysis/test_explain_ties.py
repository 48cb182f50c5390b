"""Uniqueness of the optimum, and ranges of quantities over alternative optima."""

from __future__ import annotations

import pytest
from tests.analysis.explained import explained
from tests.analysis.nearby import dearer, explanation, offer, silver, taken
from tests.analysis.test_explain_taking import EAST, SOUTH, WEST, by_region, phones, solved


def test_the_only_plan_is_said_to_be_so() -> None:
    """If every source has its own price and one is partly taken, the optimum is unique."""
    found = explained(phones(EAST, WEST, SOUTH))
    assert found.is_unique
    assert all(one.minimum == pytest.approx(one.taken) == pytest.approx(one.maximum) for one in found.source_analyses)


def test_twins_trade_places() -> None:
    """East and west ask the same: of ten tonnes either gives from 2 to 8, or from 4 to 6 with six on offer in east."""
    found = explained(phones({**EAST, "available": 8}, {**WEST, "price": 100}))
    assert not found.is_unique
    assert [(one.minimum, one.maximum) for one in found.source_analyses] == [pytest.approx((2, 8))] * 2
    sixes = by_region(explained(phones(EAST, {**WEST, "price": 100})))
    assert (sixes["east"].minimum, sixes["east"].maximum) == pytest.approx((2, 6))
    assert (sixes["west"].minimum, sixes["west"].maximum) == pytest.approx((4, 8))


def test_a_degenerate_plan_may_be_the_only_one() -> None:
    """East offers just the ten tonnes needed, so its rent has no one price: the plan is the only one all the same."""
    found = explained(phones({**EAST, "available": 10}, WEST))
    assert found.is_unique
    coins = next(kink for kink in found.marginal_prices if kink.path == "medals.coin.count")
    assert (coins.more, coins.less) == pytest.approx((250, 100))


def test_twins_on_the_market_are_seen() -> None:
    """Of two offers at one price either may be bought, so the plan is not the only one; at two prices it is."""
    assert not explained(silver({"a": offer(10), "b": offer(10)}, 5)).is_unique
    assert explained(silver({"a": offer(10), "b": offer(11)}, 5)).is_unique


def test_ranges_are_reached_by_a_touch_of_the_price() -> None:
    """A tiny change of its price moves a source to the end of its range, on random instances.

    With a unique optimum that is the quantity taken before.
    """
    compared = 0
    for seed in range(30):
        found = explanation(seed)
        for one in found.source_analyses[:2] if found else ():
            assert found is not None
            touch = 1e-4 * max(one.price, 1.0)
            steps = [step for step in (one.falls_at, one.leaves_at, one.enters_at) if step > 1e-6]
            if min(steps, default=0.0) < 10 * touch:
                continue
            low = solved(dearer(found.plan.instance, one.source.streams, touch))
            high = solved(dearer(found.plan.instance, one.source.streams, -touch))
            ends = taken(low, one.source.streams), taken(high, one.source.streams)
            assert (one.minimum, one.maximum) == pytest.approx(ends, rel=1e-6, abs=1e-6 * one.offered)
            compared += 1
    assert compared >= 10
