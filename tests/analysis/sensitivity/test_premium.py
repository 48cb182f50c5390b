"""Premium of recycling over buying, by hand on small numbers."""

from __future__ import annotations

from typing import Any

import pytest
from tests.analysis.sensitivity import deleted
from tests.analysis.varied import TINY

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.base_case import compute_premium
from medalopt.errors import NoPlanError, UsageError


def instance(**changed: Any) -> deleted.Document:
    """Return ten medals of 1 kg of silver each: 1 t of phones has 12 kg of it, for 30,000 JPY; recycled metal alone."""
    return {
        "format": "medalopt/1",
        "name": "by_hand",
        "currency": "JPY",
        "metals": {"Ag": {"title": "silver"}},
        "devices": {"phone": {"content": {"Ag": "12 kg/t"}}},
        "streams": [{"device": "phone", "region": "tokyo", "available": "1 t", "collection": "30_000 JPY/t"}],
        "smelters": {"kosaka": {"returned": {"Ag": 1.0}}},
        "market": {"mined": {"composition": {"Ag": 1.0}, "price": 1_000, "recycled": 0, "footprint": 7}},
        "alloys": {"pure": {"composition": {"Ag": 1.0}}},
        "medals": {"coin": {"count": 10, "parts": {"pure": "1 kg"}}},
        "policy": {"recycled": {"Ag": 1.0}},
        **changed,
    }


def test_by_hand() -> None:
    """10 kg of 12 take 10/12 t of phones, 25,000 JPY; bought they cost 10,000: 1,500 JPY more a medal."""
    with deleted.variants(instance()) as variants:
        found = compute_premium(variants)
    assert found.plan == pytest.approx(25_000) and found.cost == pytest.approx(10_000)
    assert found.amount == pytest.approx(15_000) and found.per_medal == pytest.approx(1_500)
    assert found.footprint == 0 and found.footprint_bought == pytest.approx(70)
    assert found.shortage is None


def test_a_metal_without_an_offer_makes_the_benchmark_unavailable() -> None:
    """The price at which metal sells is no offer: without one all metal cannot be bought."""
    with deleted.variants(instance(market={}, metals={"Ag": {"title": "silver", "sell": 900}})) as variants:
        found = compute_premium(variants)
    assert found.cost == float("inf") and found.shortage == pytest.approx({"Ag": 10})


@pytest.mark.parametrize("limit", [4, 9, 10, 20])
def test_limiting_an_offer_never_makes_buying_cheaper(limit: float) -> None:
    """Of 10 kg needed an offer limited below gives no benchmark, whatever the metal sells for; else it is the price."""
    market = {"mined": {"composition": {"Ag": 1.0}, "price": 1_000, "limit": f"{limit} kg", "recycled": 0}}
    with deleted.variants(instance(market=market, metals={"Ag": {"title": "silver", "sell": 300}})) as variants:
        found = compute_premium(variants)
    assert found.cost == (pytest.approx(10_000) if limit >= 10 else float("inf"))
    assert found.shortage == (None if limit >= 10 else pytest.approx({"Ag": 10 - limit}))


def test_metal_without_any_price_cannot_be_bought() -> None:
    """A metal without offer and price is reported as missing, without a premium."""
    with deleted.variants(instance(market={})) as variants:
        found = compute_premium(variants)
    assert found.cost == float("inf") and found.shortage == pytest.approx({"Ag": 10})


@pytest.mark.parametrize(
    "policy", [{"participation": "50 %"}, {"footprint_cap": "1 t"}, {"device_share": {"phone": ["10 %", "100 %"]}}]
)
def test_policies_do_not_count_when_the_metal_is_bought(policy: dict[str, Any]) -> None:
    """The benchmark of buying ignores the policies of a plan."""
    with deleted.variants(instance(policy=policy)) as variants:
        assert compute_premium(variants).cost == pytest.approx(10_000)


def test_contracts_of_supply_and_feed_do_not_count_either() -> None:
    """Committed streams and feeds are left out, so that there is a plan in which all is bought."""
    phones = [{**instance()["streams"][0], "committed": "0.9 t"}]
    smelters = {"kosaka": {"returned": {"Ag": 1.0}, "committed": "0.9 t"}}
    with deleted.variants(instance(streams=phones, smelters=smelters)) as variants:
        found = compute_premium(variants)
    assert found.plan == pytest.approx(27_000) and found.cost == pytest.approx(10_000)


def test_it_is_a_matter_of_costs() -> None:
    """Of another measure it is refused, and without a plan there is none."""
    with pytest.raises(UsageError, match="for cost only"):
        compute_premium(ScenarioRunner(TINY, objective="mass"))
    poor = [{"device": "phone", "region": "tokyo", "available": "0.5 t"}]
    with deleted.variants(instance(streams=poor)) as variants, pytest.raises(NoPlanError):
        compute_premium(variants)
