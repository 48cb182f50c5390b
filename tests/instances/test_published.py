"""Instances whose optimum is known from elsewhere: from the literature, or by arithmetic on the published figures."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

import medalopt
from medalopt import Plan
from medalopt.instance.lot_relaxation import drop_lot_constraints
from medalopt.plan.reader import read_saved_plan
from medalopt.proof.verdict import verify_plan
from medalopt.report.render.json import build_plan_object, render_json

INSTANCES = Path(__file__).parents[2] / "instances"
OUNCE_KG = 0.0311034768


def solved(name: str, objective: str = "cost") -> Plan:
    """Return the plan of a shipped instance."""
    return medalopt.solve(medalopt.load(INSTANCES / f"{name}.yaml"), objective)


def bought(plan: Plan) -> dict[str, float]:
    """Return the kilograms bought of each offer."""
    return {str(offer): float(kg) for offer, kg in plan.purchases.groupby("offer")["bought [kg]"].sum().items()}


def test_dantzig_costs_what_dantzig_found() -> None:
    """The blend of lead, zinc and tin costs 4.98, from 0.6 kg of b and 0.4 kg of d."""
    plan = solved("dantzig")
    assert plan.status == "optimal"
    assert plan.cost == pytest.approx(4.98, rel=1e-9)
    assert bought(plan) == pytest.approx({"b": 0.6, "d": 0.4}, rel=1e-6)


def test_steelco_costs_what_the_book_says() -> None:
    """500 t of ship steel cost 280726000/2861, from the four raw materials of the published answer."""
    plan = solved("steelco")
    assert plan.status == "optimal"
    assert plan.cost == pytest.approx(float(Fraction(280726000, 2861)), rel=1e-9)
    published_t = {"iron_1": 400.0, "iron_3": 39.776302, "copper_2": 2.761272, "aluminium_1": 57.462426}
    assert {offer: kg / 1000 for offer, kg in bought(plan).items()} == pytest.approx(published_t, rel=1e-6)


def test_food_manufacture_earns_what_the_book_says(tmp_path: Path) -> None:
    """The profit is 107,842.5926, of 2,700 t sold; the saved plan is verified, its opening stock too."""
    plan = solved("food_manufacture_1")
    assert plan.status == "optimal" and plan.certificate.basis == "proven"
    assert -plan.cost == pytest.approx(107_842.5926, rel=1e-6)
    assert plan.certificate.exact_value == "-2911750/27"
    assert -plan.costs["sales"] == pytest.approx(2_700 * 150)
    saved = tmp_path / "plan.json"
    saved.write_text(render_json(build_plan_object(plan)), encoding="utf-8")
    path = INSTANCES / "food_manufacture_1.yaml"
    assert verify_plan(medalopt.load(path), read_saved_plan(saved)).accepted
    less = medalopt.load(path, {"market.oil_1.opening_stock": "499 t"})
    assert not verify_plan(less, read_saved_plan(saved)).accepted


@pytest.mark.parametrize(("lots", "published_usd"), [(True, 8_495.0), (False, 8_125.6)])
def test_the_steel_mill_costs_what_was_published(lots: bool, published_usd: float) -> None:
    """25 t of steel cost 8,495 with whole ingots and 8,125.6 without; the cost of whole lots is their difference."""
    instance = medalopt.load(INSTANCES / "steel_mill.yaml")
    plan = medalopt.solve(instance if lots else drop_lot_constraints(instance))
    assert plan.cost == pytest.approx(published_usd, rel=1e-9)
    assert plan.status == ("feasible" if lots else "optimal")
    if lots:
        published_t = {"ingot_1": 5, "ingot_2": 3, "ingot_4": 6, "alloy_1": 7.25, "alloy_3": 0.25, "scrap": 3.5}
        assert {offer: kg / 1000 for offer, kg in bought(plan).items()} == pytest.approx(published_t, rel=1e-9)
        assert plan.lots is not None
        assert (plan.lots.extra, plan.lots.above_bound) == pytest.approx((369.4, 369.4), rel=1e-9)


def test_rio_buys_three_tenths_of_silver_and_bronze_recycled() -> None:
    """Rio's cost is that of the metal in its medals by hand, recycled silver at its price, copper at one."""
    silver = (1689 * 0.494 + 1688 * 0.5) * 0.925
    copper = (1689 * 0.494 + 1688 * 0.5) * 0.075 + 1753 * 0.5 * 0.95
    per_ounce = {"mined_silver": 17.1 * 0.7 * silver, "recycled_silver": 17.6 * 0.3 * silver}
    gold = 1689 * 0.006 * 1249
    by_hand = (sum(per_ounce.values()) + gold) / OUNCE_KG + copper * 4.868 + 1753 * 0.5 * 0.05 * 2.09
    plan = solved("rio2016")
    assert plan.cost == pytest.approx(by_hand, rel=1e-9)
    assert bought(plan)["recycled_silver"] == pytest.approx(0.3 * silver, rel=1e-9)
    assert bought(plan)["mint_scrap_copper"] == pytest.approx(0.3 * 1753 * 0.5, rel=1e-3)  # 30 % of the bronze
    assert sum(bought(plan).values()) == pytest.approx(2_500, rel=0.03)  # published: 2.5 t of metal


def test_london_needs_three_quarters_of_what_japan_recovered() -> None:
    """Silver decides: 1,210 of the 1,566 kg recovered from 50,491 t, so that share of the tonnes, to a tonne."""
    plan = solved("london2012", "mass")
    assert plan.tonnes == pytest.approx(50_491 * 1210 / 1566, abs=1)
    metals = plan.metals.groupby("metal")[["returned [kg]", "used [kg]"]].sum()
    assert metals.loc["Au", "used [kg]"] == pytest.approx(9.6) and metals.loc["Cu", "used [kg]"] == pytest.approx(700)
    assert metals.loc["Au", "returned [kg]"] == pytest.approx(143 * 1210 / 1566, rel=1e-6)


def test_a_rugby_medal_needs_138_phones() -> None:
    """1,491 medals of 2,953 kg of metal need 206,000 phones, 31 t, to a thousandth."""
    plan = solved("rugby2023", "mass")
    assert plan.tonnes == pytest.approx(31, rel=1e-3)
    assert plan.tonnes / 150.5e-6 / 1491 == pytest.approx(138, abs=0.5)


def test_vancouver_s_metal_was_worth_a_million() -> None:
    """The metal costs 1.24 million USD as published, within 5 %; the recycled shares are those published."""
    plan = solved("vancouver2010")
    assert plan.cost == pytest.approx(1.24e6, rel=0.05)
    recycled = {metal: bought(plan)[f"board_{metal}"] for metal in ("gold", "silver", "copper")}
    needed = {"gold": 2.05 * 0.0152, "silver": 1950 * 0.00122, "copper": 903 * 0.0111}
    assert recycled == pytest.approx(needed, rel=1e-9)


def test_paris_buys_certified_metal() -> None:
    """5,084 medals need the kilograms derived from the published masses, and iron of 18 g each."""
    kilograms = bought(solved("paris2024"))
    assert kilograms["certified_gold"] == pytest.approx(10.17, abs=0.01)
    assert kilograms["certified_silver"] == pytest.approx(1_715, abs=1)
    assert kilograms["bronze_offcuts"] == pytest.approx(741, abs=1)
    assert kilograms["eiffel_iron"] == pytest.approx(5_084 * 0.018)
    assert "mined_gold" not in kilograms and "mined_silver" not in kilograms


def test_milano_cortina_needs_382_kilograms_of_silver() -> None:
    """The metal used is that of 1,146 medals: 382 kg silver, 2.29 kg gold, 160 kg copper."""
    used = solved("milano_cortina2026").metals.groupby("metal")["used [kg]"].sum()
    assert used.to_dict() == pytest.approx({"Ag": 382, "Au": 2.292, "Cu": 160.44})


def test_the_collection_rate_that_suffices() -> None:
    """Of 650,000 t with 31.0 g/t of silver 17.4 % suffice for 3,500; the rate of 2016 is infeasible."""
    plan = solved("japan_potential", "mass")
    assert plan.tonnes == pytest.approx(50_491 * 3_500 / 1_566, rel=1e-6)
    instance = medalopt.load(INSTANCES / "japan_potential.yaml")
    with pytest.raises(medalopt.errors.NoPlanError):
        medalopt.solve(instance.with_changes({"streams.small_appliance@japan.available": "100_000 t"}))


def test_the_metal_sent_to_the_mint_of_london_is_too_much() -> None:
    """With 5,042 kg of silver instead of 1,210 the metal recovered in Japan in 2014 is insufficient."""
    instance = medalopt.load(INSTANCES / "london2012.yaml")
    with pytest.raises(medalopt.errors.NoPlanError):
        medalopt.solve(instance.with_changes({"medals.all_medals.parts.silver": "5_042 kg"}))


def test_the_showcase_has_no_plan() -> None:
    """Twelve medals of silver that comes a month too late, and from too little of it, cannot be made."""
    with pytest.raises(medalopt.errors.NoPlanError):
        solved("infeasible")
