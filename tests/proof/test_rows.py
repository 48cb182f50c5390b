"""Every rule of the formulation fires: a wrong plan is found wrong in the right family, by the right amount."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests.model.cases import ROOT, at_random, changed, conforming, loaded, planned

import medalopt
from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.plan.plan import Plan
from medalopt.proof.rows import ConstraintResidual, compute_residuals
from medalopt.tolerances import FEASIBILITY_TOLERANCE

TINY = ROOT / "instances" / "tiny.yaml"


@cache
def tiny() -> Plan:
    """Return the plan of the instance in which every family binds."""
    return medalopt.solve(medalopt.load(TINY))


def measured(instance: Instance, decisions: Decisions) -> list[ConstraintResidual]:
    """Return every rule of `instance`, measured on `decisions`."""
    found = build_routes(instance)
    return list(compute_residuals(PlanAccount(instance, found, decisions), compute_bounds(instance, found)))


def broken(instance: Instance, decisions: Decisions) -> dict[tuple[str, str], float]:
    """Return the largest violation of each violated constraint, by family and name."""
    found: dict[tuple[str, str], float] = {}
    for rule in measured(instance, decisions):
        if rule.get_worst() > FEASIBILITY_TOLERANCE:
            key = rule.family, rule.name
            found[key] = max(found.get(key, 0.0), float(np.asarray(rule.excess).max()))
    return found


def test_right_plans_break_nothing() -> None:
    """No rule fires on a right plan: of tiny, of the conformance instances, of random ones."""
    assert broken(tiny().instance, tiny().account.decisions) == {}
    for instance in (*conforming().values(), *map(at_random, range(40))):
        plan = planned(instance)
        assert plan is None or broken(instance, plan.account.decisions) == {}


TOTALS = "commitments and limits"
THETA = (2.8333333333333333 + 0.16666666666666667) / 3  # share of west's box that the plan takes in April
TIGHTER: dict[str, tuple[str, str, tuple[str, str], float]] = {  # a figure made tighter under a plan that reaches it
    "supply": ("streams.phone@east.available[0]", "1.9 t", ("supply", "supply"), 0.1),
    "stockpile limit": ("streams.laptop@east.storage.limit", "3.9 t", ("supply", "stockpile"), 0.1),
    # five tonnes on offer, of which 4: a fifth of it all is 0.8 t of phones, and a whole tonne is sent
    "bundle": ("streams.kettle@west.available", "4 t", ("supply", "bundle_supply"), 0.2 * THETA),
    "feed capacity": ("smelters.near.capacity", "1.9 t", ("capacity", "feed_capacity"), 0.1),
    "treatment capacity": ("treatments.dismantle.capacity", "2.4 t", ("capacity", "treatment_capacity"), 0.1),
    "casting capacity": ("alloys.silver_925.capacity", "13.9 kg", ("capacity", "cast_capacity"), 0.1),
    "metal balance": ("metals.Ag.opening_stock", "0.9 kg", ("metal balance", "balance"), 0.1),
    # zinc is charged to the limit of 5 %: of 3,000 kg, 1,052.3 kg are charged in April
    "fineness, greatest": ("alloys.bronze.composition.Zn[1]", "4.9 %", ("fineness", "fineness_high"), 1.052318),
    # 14.14 kg of fresh charge in April, at the limit of 92.5 %
    "fineness, least": ("alloys.silver_925.composition.Ag[0]", "93 %", ("fineness", "fineness_low"), 0.0707071),
    "others": ("alloys.bronze.others", "1.9 %", ("fineness", "others"), 1.052318),
    "demand": ("medals.gold.parts.silver_925", "501 g", ("demand", "demand"), 0.038),
    "too much": ("medals.bronze.count", "5999", ("demand", "demand"), 0.5),
    "purchase limit": ("market.old_silver.limit", "1.9 kg", (TOTALS, "purchase"), 0.1),
    "purchase committed": ("market.refined_silver.committed", "0.6 kg", (TOTALS, "purchase"), 0.1),
    "stream committed": (
        "streams.kettle@east.committed",
        "1.1 t",
        (TOTALS, "stream_commitment"),
        0.1,
    ),
    "feed limit": ("smelters.near.limit", "2.9 t", (TOTALS, "feed_total"), 0.1),
    "feed committed": ("smelters.far.committed", "9.7 t", (TOTALS, "feed_total"), 0.1),
    # 31.131 kg of silver are charged in all
    "recycled content": ("policy.recycled.Ag", "61 %", ("recycled content", "recycled"), 0.31130994),
    # 30.857 t are sent in all
    "device mix, least": ("policy.device_share.kettle[0]", "35 %", ("device mix", "mix_low"), 0.30857143),
    "device mix, greatest": ("policy.device_share.phone[1]", "34 %", ("device mix", "mix_high"), 0.30857143),
    "participation": ("policy.participation", "51 %", ("participation", "participation"), 0.04),
    # of 12.6 t of feed 9.6 t go to one smelter; of 30.857 t 16.202 t come from one region; of 1,364 kg one offer
    # gives 755.85 kg
    "concentration, smelters": (
        *("policy.concentration.smelters", "75 %"),
        *(("concentration", "concentration_smelters"), 0.15),
    ),
    "concentration, regions": (
        *("policy.concentration.regions", "52 %"),
        *(("concentration", "concentration_regions"), 0.15619048),
    ),
    "concentration, offers": (
        *("policy.concentration.offers", "55 %"),
        *(("concentration", "concentration_offers"), 5.615941),
    ),
    "footprint": ("policy.footprint_cap", "4.4 t", ("footprint", "footprint_cap"), 100.0),
}


@pytest.mark.parametrize("case", TIGHTER)
def test_a_rule_that_is_tightened_is_broken_by_as_much(case: str) -> None:
    """Each constraint tightened beyond the plan is violated by the difference, and no other is."""
    path, value, rule, amount = TIGHTER[case]
    found = broken(medalopt.load(TINY, {path: value}), tiny().account.decisions)
    assert found == {rule: pytest.approx(amount, rel=1e-6)}


def with_value(part: str, at: tuple[int, ...], value: float) -> Decisions:
    """Return the decisions of tiny's plan with one of them at another value."""
    values = getattr(tiny().account.decisions, part).copy()
    values[at] = value
    return replace(tiny().account.decisions, **{part: values})


def place(axis: tuple[str, ...], *names: str) -> tuple[int, ...]:
    """Return the indices of `names` in `axis`."""
    return tuple(axis.index(name) for name in names)


def planted() -> dict[str, tuple[Decisions, tuple[str, str], float]]:
    """Return decisions that may not be, the rule that each breaks, and by how much."""
    instance = tiny().instance
    (silver,), (bronze,) = place(instance.metals.names, "Ag"), place(instance.alloys.names, "bronze")
    (coins,), (phone,) = place(instance.market.names, "old_coins"), place(instance.streams.names, "phone@east")
    (zinc,) = place(instance.metals.names, "Zn")
    (sterling,) = place(instance.alloys.names, "silver_925")
    return {
        "a negative shipment": (with_value("sent", (0, 0), -0.5), ("supply", "ship"), 0.5),
        "a negative stockpile": (with_value("stockpile", (2, 3), -0.5), ("supply", "stockpile"), 0.5),
        "a stockpile of what may not wait": (with_value("stockpile", (phone, 0), 0.5), ("supply", "stockpile"), 0.5),
        "a negative charge": (with_value("charged", (bronze, silver, 0), -0.5), ("fineness", "charge"), 0.5),
        "a metal that nobody has": (with_value("charged", (bronze, zinc, 0), 0.5), ("fineness", "charge"), 0.5),
        "a negative purchase": (with_value("bought", (coins, bronze, 0), -0.5), ("fineness", "buy"), 0.5),
        "negative surplus": (with_value("surplus", (silver, 3), -0.5), ("metal balance", "surplus"), 0.5),
        "process scrap of an alloy without": (
            with_value("recharged", (bronze, 0), 0.5),
            ("process scrap", "recharge"),
            0.5,
        ),
        "more process scrap than there is": (
            with_value("recharged", (sterling, 0), 0.5),
            ("process scrap", "process_scrap"),
            0.5,
        ),
        "metal from nowhere": (with_value("surplus", (silver, 0), 0.5), ("metal balance", "balance"), 0.5),
    }


@pytest.mark.parametrize("case", planted())
def test_decisions_that_may_not_be_are_found(case: str) -> None:
    """Negative, forbidden and unavailable decisions are reported by name and amount."""
    decisions, rule, amount = planted()[case]
    assert broken(tiny().instance, decisions)[rule] == pytest.approx(amount)


def test_a_purchase_for_an_alloy_that_may_not_hold_it_is_found() -> None:
    """Copper coins for an alloy that names silver alone: there is no such purchase, in however small a part."""
    document = changed(
        alloys={"silver": {"composition": {"Ag": ["90 %", "100 %"]}}},
        market={"coins": {"composition": {"Ag": "99 %", "Cu": "1 %"}, "price": "1 JPY/kg"}},
    )
    plan = planned(loaded(document))
    assert plan is not None
    bought = plan.account.decisions.bought.copy()
    bought[0, 0, 0] = 1e-3
    found = broken(plan.instance, replace(plan.account.decisions, bought=bought))
    assert found["fineness", "buy"] == pytest.approx(1e-3)


def taken(instance: Instance, scale: float) -> Decisions:
    """Return the decisions of tiny's plan with all that west sends in April `scale` times as much."""
    found, sent = build_routes(instance), tiny().account.decisions.sent.copy()
    west = np.isin(found.stream, place(instance.streams.names, "kettle@west", "phone@west"))
    sent[west, 0] *= scale
    return replace(tiny().account.decisions, sent=sent)


@pytest.mark.parametrize(("scale", "amount"), [(1.5, 0.5), (-0.5, 0.5)])
def test_more_than_a_whole_bundle_and_less_than_none(scale: float, amount: float) -> None:
    """Shares of a bundle above 1 or below 0 are violations in tonnes."""
    found = broken(tiny().instance, taken(tiny().instance, scale))
    instance = tiny().instance
    box = instance.streams.available.value[place(instance.streams.names, "kettle@west", "phone@west"), 0].sum()
    assert found["supply", "take"] == pytest.approx(amount * box)
    assert ("supply", "bundle_supply") not in found


def test_a_member_without_a_route_holds_its_bundle_back() -> None:
    """A bundle with a member without a route cannot be sent in part."""
    document = changed(
        devices={"phone": {"content": {"Ag": "1 kg/t", "Cu": "100 kg/t"}}, "tube": {"content": {}}},
        streams=[
            {"device": "phone", "region": "north", "bundle": "box", "available": "10 t"},
            {"device": "tube", "region": "north", "bundle": "box", "available": ["5 t", "0 t"]},
        ],
    )
    document["smelters"]["smelter"]["accepts"] = ["phone"]
    plan = planned(loaded(document))
    assert plan is not None
    assert plan.tables["shipments"]["period"] == ["2"]
    sent = plan.account.decisions.sent[:, ::-1]
    found = broken(plan.instance, replace(plan.account.decisions, sent=sent))
    assert found == {("supply", "bundle_supply"): pytest.approx(5 / 3)}  # 5 t of 15 t: a third of 5 t is not there


def test_every_rule_has_a_unit_and_axes() -> None:
    """Every constraint family states the unit of its excess and its axes."""
    found = measured(tiny().instance, tiny().account.decisions)
    assert {rule.unit for rule in found} == {"t", "kg"}
    assert all(np.asarray(rule.excess).ndim == len(rule.axes) for rule in found if rule.axes)


def test_every_family_of_the_formulation_has_rules() -> None:
    """Twelve families, the melt and the linking quantities aside: they hold by how an account is drawn up."""
    assert {rule.family for rule in measured(tiny().instance, tiny().account.decisions)} == {
        *("supply", "capacity", "metal balance", "fineness", "demand", "commitments and limits"),
        *("recycled content", "device mix", "participation", "footprint", "concentration", "process scrap"),
    }


def test_size_is_what_a_row_is_about() -> None:
    """One gram of excess is negligible beside a megatonne and everything beside a gram."""

    def rule(size: float) -> ConstraintResidual:
        return ConstraintResidual("f", "n", "kg", (), np.array([1e-3]), np.array([size]))

    assert rule(1e9).get_worst() < FEASIBILITY_TOLERANCE < rule(1e-3).get_worst()
    assert rule(0.0).get_worst() == 1e-3
    assert ConstraintResidual("f", "n", "kg", (), np.zeros(0), np.zeros(0)).get_worst() == 0.0
