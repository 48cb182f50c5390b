"""Cost of one more and saving of one fewer: two prices, by hand and by re-solving."""

from __future__ import annotations

import math

import pytest
from tests.analysis.nearby import ROOT, explanation, explanations, offer, silver, size, with_count, written
from tests.laws import pool
from tests.laws.figures import changed, plain

import medalopt
from medalopt.analysis.explain.explanation import Explanation, MarginalPrice, explain_plan

CLOSE = 1e-7
NONE = {"count": 0, "parts": {"pure": "3 kg"}}


def kinks(found: Explanation) -> dict[str, MarginalPrice]:
    """Return the prices by path."""
    return {kink.path: kink for kink in found.marginal_prices}


def test_two_prices_on_a_kink() -> None:
    """Five kilograms are needed and five are cheap, so one more costs the dear 30 and one fewer saves the cheap 10."""
    found = kinks(explain_plan(medalopt.solve(silver({"cheap": offer(10, limit=5), "dear": offer(30)}, 5))))
    assert (found["metals.Ag"].more, found["metals.Ag"].less) == pytest.approx((30, 10))
    assert (found["medals.coin.count"].more, found["medals.coin.count"].less) == pytest.approx((30, 10))
    assert found["metals.Ag"].market is not None
    assert (found["metals.Ag"].market.path, found["metals.Ag"].market.price) == ("market.cheap.price", 10)
    assert [(part.name, part.amount) for part in found["metals.Ag"].parts] == [("dear", pytest.approx(1))]


def test_a_whole_medal_may_pass_a_kink() -> None:
    """Half a kilogram of the cheap is left: the next gram costs 10, the next medal 0.5 * 10 + 0.5 * 30 = 20."""
    found = kinks(explain_plan(medalopt.solve(silver({"cheap": offer(10, limit=5.5), "dear": offer(30)}, 5))))
    assert (found["metals.Ag"].more, found["metals.Ag"].less) == pytest.approx((10, 10))
    assert (found["medals.coin.count"].more, found["medals.coin.count"].less) == pytest.approx((20, 10))


def test_no_plan_lies_one_further() -> None:
    """All five kilograms on offer are needed: there is no plan for one more, and one fewer saves 10."""
    found = kinks(explain_plan(medalopt.solve(silver({"cheap": offer(10, limit=5)}, 5))))
    assert (found["metals.Ag"].more, found["metals.Ag"].less) == (None, pytest.approx(10))
    assert found["medals.coin.count"].more is None


def test_the_last_medal_and_the_first() -> None:
    """The only medal of a kind saves its whole cost; of a kind without orders the first one has a price."""
    instance = silver({"cheap": offer(10)}, 1, medals={"coin": {"count": 1, "parts": {"pure": "1 kg"}}, "none": NONE})
    found = kinks(explain_plan(medalopt.solve(instance)))
    assert (found["medals.coin.count"].more, found["medals.coin.count"].less) == pytest.approx((10, 10))
    assert (found["medals.none.count"].more, found["medals.none.count"].less) == (pytest.approx(30), None)


def test_the_floor_holds_for_what_is_needed_more() -> None:
    """With 30 % recycled at 20 and the rest new at 10, one more kilogram costs 0.3 * 20 + 0.7 * 10 = 13, both ways."""
    market = {"new": offer(10, recycled=0.0), "used": offer(20, recycled=1.0)}
    found = kinks(explain_plan(medalopt.solve(silver(market, 4, policy={"recycled": {"Ag": 0.3}}))))
    assert (found["metals.Ag"].more, found["metals.Ag"].less) == pytest.approx((13, 13))


def test_what_is_left_over_costs_its_sale() -> None:
    """Of a metal that no alloy holds, a kilogram needed is one not sold: its price of sale, more or fewer."""
    instance = written(
        {
            "metals": {"Ag": {}, "Pd": {"sell": 7}},
            "devices": {"phone": {"content": {"Ag": 1.0e-3, "Pd": 2.0e-3}}},
            "streams": [{"device": "phone", "region": "east", "available": 50_000, "price": 1}],
            "smelters": {"near": {"returned": 1.0}},
            "alloys": {"pure": {"composition": {"Ag": 1.0}}},
            "medals": {"coin": {"count": 10, "parts": {"pure": "1 kg"}}},
        }
    )
    found = kinks(explain_plan(medalopt.solve(instance)))
    assert (found["metals.Pd"].more, found["metals.Pd"].less) == pytest.approx((7, 7))


def test_one_more_never_costs_less_than_one_fewer_saves() -> None:
    """The objective is convex in demand, so the price of more is at least that of fewer."""
    pairs = [(kink.more, kink.less) for found in explanations() for kink in found.marginal_prices]
    both = [(more, fewer) for more, fewer in pairs if more is not None and fewer is not None]
    assert len(both) > 100
    assert all(more >= fewer - CLOSE * max(1.0, abs(fewer)) for more, fewer in both)
    assert any(more > fewer + 0.01 * abs(fewer) for more, fewer in both)


@pytest.mark.parametrize("seed", range(16))
def test_medals_cost_what_solving_again_says(seed: int) -> None:
    """One medal more or fewer changes the objective by the stated price, or is infeasible as stated."""
    found, plan = explanation(seed), pool.plan(seed)
    if found is None or plan is None:
        return
    for m, kink in enumerate(kink for kink in found.marginal_prices if kink.metal is None):
        for by, told in ((1, kink.more), (-1, None if kink.less is None else -kink.less)):
            if plan.instance.medals.count[m] + by < 0:
                assert told is None
                continue
            again = pool.value(pool.solved(with_count(plan.instance, m, by)))
            assert math.isinf(again) == (told is None)
            if told is not None:
                assert plan.objective + told == pytest.approx(again, rel=1e-9, abs=2e-9 * size(plan))


@pytest.mark.parametrize(("metal", "place"), [("Pb", 0), ("Zn", 1), ("Sn", 2)])
def test_a_metal_of_a_blend_by_another_blend(metal: str, place: int) -> None:
    """A kilogram of lead needed more or fewer in Dantzig's blend is a blend with more or less lead, solved as such.

    0.3, 0.3 and 0.4 kg of lead, zinc and tin are charged; with a gram more of one of them the whole is 1.001 kg.
    """
    instance = medalopt.load(ROOT / "instances/dantzig.yaml")
    kink = kinks(explain_plan(medalopt.solve(instance)))[f"metals.{metal}"]
    prices = []
    for gram in (1e-3, -1e-3):
        kilograms = [0.3, 0.3, 0.4]
        kilograms[place] += gram
        shares = dict(zip(("Pb", "Zn", "Sn"), (kg / sum(kilograms) for kg in kilograms), strict=True))
        blend = changed(
            instance,
            "alloys",
            low=plain([[shares[name] for name in instance.metals.names]]),
            high=plain([[shares[name] for name in instance.metals.names]]),
        )
        blend = changed(blend, "medals", parts=plain([[sum(kilograms)]]))
        prices.append((medalopt.solve(blend).cost - 4.98) / gram)
    assert (kink.more, kink.less) == pytest.approx(tuple(prices), rel=1e-6)
