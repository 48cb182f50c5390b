"""Marginal values compared with the change of the optimum when a parameter changes, by two solves."""

from __future__ import annotations

from functools import cache

import pytest
from tests.model.cases import ROOT, changed, loaded, planned

import medalopt
from medalopt.plan.plan import Plan

TINY = ROOT / "instances" / "tiny.yaml"
STEP = 1e-3
PERIODS = ("2017-04", "2017-05", "2017-06", "2017-07")
MOVED: dict[str, tuple[str, float, str]] = {  # marginal: the figure that moves, what it is now, its unit
    "medals.gold.count": ("medals.gold.parts.silver_925", 500, "g"),  # a count is whole: the grams of 38 medals move
    "medals.silver.count": ("medals.silver.parts.silver_925", 500, "g"),
    "medals.bronze.count": ("medals.bronze.parts.bronze", 500, "g"),
    "streams.kettle@east.committed": ("streams.kettle@east.committed", 1, "t"),
    "streams.kettle@west.available": ("streams.kettle@west.available", 3, "t"),
    "streams.laptop@east.available 2017-05": ("streams.laptop@east.available[1]", 0, "t"),
    "streams.laptop@east.available 2017-06": ("streams.laptop@east.available[2]", 0, "t"),
    "streams.laptop@east.available 2017-07": ("streams.laptop@east.available[3]", 0, "t"),
    "streams.laptop@south.available": ("streams.laptop@south.available", 1, "t"),
    "streams.phone@east.available 2017-04": ("streams.phone@east.available[0]", 2, "t"),
    "streams.phone@east.available 2017-05": ("streams.phone@east.available[1]", 2, "t"),
    "streams.phone@east.available 2017-06": ("streams.phone@east.available[2]", 2, "t"),
    "streams.phone@west.available": ("streams.phone@west.available", 1, "t"),
    "smelters.near.capacity": ("smelters.near.capacity", 2, "t"),
    "treatments.dismantle.capacity": ("treatments.dismantle.capacity", 2.5, "t"),
    "alloys.silver_925.capacity": ("alloys.silver_925.capacity", 14, "kg"),
    "market.old_silver.limit": ("market.old_silver.limit", 2, "kg"),
    "market.refined_silver.committed": ("market.refined_silver.committed", 0.5, "kg"),
    "smelters.far.committed": ("smelters.far.committed", 9.6, "t"),
    "smelters.near.limit": ("smelters.near.limit", 3, "t"),
    "policy.recycled.Ag": ("policy.recycled.Ag", 60, "%"),
    "policy.device_share.kettle": ("policy.device_share.kettle[0]", 34, "%"),
    "policy.device_share.phone": ("policy.device_share.phone[1]", 35, "%"),
    "policy.participation": ("policy.participation", 50, "%"),
    "policy.footprint_cap": ("policy.footprint_cap", 4.5, "t"),
}
MEDALS = {"medals.gold.count": 38, "medals.silver.count": 22, "medals.bronze.count": 6000}


@cache
def tiny() -> Plan:
    """Return the plan of the instance in which every family binds."""
    return medalopt.solve(medalopt.load(TINY))


def cost_with(path: str, value: str) -> float:
    """Return the optimal cost with one parameter changed."""
    return medalopt.solve(medalopt.load(TINY, {path: value})).cost


def worth(marginal: str) -> float:
    """Return the marginal value of one period, or of all periods together."""
    path, _, period = marginal.partition(" ")
    listed = [each for each in tiny().marginals if each.path == path and (not period or each.period == period)]
    assert listed
    return sum(each.value for each in listed)


@pytest.mark.parametrize("marginal", MOVED)
def test_a_marginal_value_is_what_the_optimum_does(marginal: str) -> None:
    """The cost changes as the marginal value says on both sides, or has a kink there."""
    path, now, unit = MOVED[marginal]
    step = STEP * (now or 1)
    up = (cost_with(path, f"{now + step} {unit}") - tiny().cost) / step
    down = (tiny().cost - cost_with(path, f"{now - step} {unit}")) / step if now else up
    value = worth(marginal)
    if marginal in MEDALS:  # a medal is 500 g: a gram more for each of so many
        value *= MEDALS[marginal] / 500
    low, high = sorted((up, down))
    size = max(abs(low), abs(high))
    assert value <= high + 1e-3 * size
    assert now == 0 or value >= low - 1e-3 * size  # nothing is less than none: only upwards the cost can tell
    assert high - low <= 0.05 * size or down < up


def test_every_marginal_value_has_been_tried() -> None:
    """The test above covers every parameter with a marginal value, except metals."""
    tried = {marginal.partition(" ")[0] for marginal in MOVED}
    assert {each.path for each in tiny().marginals if not each.path.startswith("metals.")} == tried


@pytest.mark.parametrize(("metal", "stock_kg"), [("Ag", 1.0), ("Cu", 0.0)])
def test_metal_in_hand_is_worth_what_metal_needed_costs(metal: str, stock_kg: float) -> None:
    """Opening stock saves the price of a kilogram in the first period, less its holding cost."""
    step = 1e-3
    saved = (tiny().cost - cost_with(f"metals.{metal}.opening_stock", f"{stock_kg + step} kg")) / step
    (value,) = (each.value for each in tiny().marginals if (each.path, each.period) == (f"metals.{metal}", PERIODS[0]))
    assert saved == pytest.approx(value, rel=1e-3)


def test_every_marginal_value_says_what_it_is() -> None:
    """Each marginal value has a unit of money per unit and a meaning; zeros are not listed."""
    for each in tiny().marginals:
        assert each.unit.split("/")[0] == "JPY"
        assert each.meaning
        assert each.value != 0
        assert list(each.row()) == each.COLUMNS
    assert [each.unit for each in tiny().marginals if each.path == "policy.recycled.Ag"] == ["JPY/%"]


def test_a_tonne_more_on_offer_must_be_taken_part_in() -> None:
    """With a participation of 60 % one more tonne of supply sends 0.6 t more, at 2,000 JPY per tonne."""
    document = changed(
        policy={"participation": "60 %"},
        market={"silver": {"composition": {"Ag": "100 %"}, "price": "100 JPY/kg"}},
    )
    document["streams"][0]["collection"] = "2000 JPY/t"
    plan = planned(loaded(document))
    document["streams"][0]["available"] = ["11 t", "10 t"]
    more = planned(loaded(document))
    assert plan is not None
    assert more is not None
    assert more.cost - plan.cost == pytest.approx(1200)
    listed = {each.period: each.value for each in plan.marginals if each.path == "streams.phone@north.available"}
    assert listed == {"1": pytest.approx(1200), "2": pytest.approx(1200)}


@pytest.mark.parametrize(("measure", "unit"), [("cost", "JPY"), ("footprint", "kg CO2e"), ("mass", "t")])
def test_marginal_values_are_in_the_unit_of_the_objective(measure: str, unit: str) -> None:
    """A medal more costs money, emits or needs tonnes, whichever was made least."""
    document = changed(market=None)
    document["streams"][0]["footprint"] = 5
    plan = planned(loaded(document), measure)
    assert plan is not None
    assert plan.unit == unit
    (medal,) = (each for each in plan.marginals if each.path == "medals.medal.count")
    assert medal.unit == unit
    assert medal.value == pytest.approx({"cost": 450, "footprint": 2.5, "mass": 0.5}[measure])
