"""Bounds, prices and marginal values of small cases, each worked out term by term."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.instance.test_accounting import nothing
from tests.model.cases import ROOT, changed, loaded

import medalopt
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import FLOAT_ARITHMETIC
from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import compute_bounds, compute_cumulative_demand
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.proof.bound import (
    BoundContext,
    ObjectiveWeights,
    _casting_reduced_costs,
    _right_hand_side_value,
    minimise_lagrangian,
    price_stockpiles,
)
from medalopt.proof.marginal import compute_marginal_values, price_streams
from medalopt.proof.prices import DualGrid, Prices, build_prices

TINY = ROOT / "instances" / "tiny.yaml"


def ground(instance: Instance) -> BoundContext:
    """Return the bound context of an instance, in floats."""
    found = build_routes(instance)
    return BoundContext(instance, found, compute_bounds(instance, found), FLOAT_ARITHMETIC.read)


def at_random(instance: Instance, **known: Any) -> Prices:
    """Return random prices of either sign, except `known` ones."""
    random = np.random.default_rng(11)
    shapes = {name: values.shape for name, values in vars(build_prices(instance, {})).items()}
    drawn = {name: np.asarray(random.uniform(-2.0, 2.0, shape)) for name, shape in shapes.items()}
    return Prices(**drawn | known)


def finite(values: Floats) -> Floats:
    """Return limits, with 0 in place of infinity."""
    return np.where(np.isfinite(values), values, 0.0)


def test_what_right_hand_sides_are_worth() -> None:
    """Each right-hand side counts at the price of its row; of two bounds the sign of the price selects one."""
    instance = medalopt.load(TINY)
    market, smelters, policy, drawn = instance.market, instance.smelters, instance.policy, at_random(instance)
    turned = Prices(**{name: -values for name, values in vars(drawn).items()})
    for y in (drawn, turned):
        parts = [
            y.feed_capacity * finite(smelters.capacity.value),
            y.treatment_capacity * finite(instance.treatments.capacity.value),
            y.cast_capacity * finite(instance.alloys.capacity.value),
            y.balance[:, 0] * instance.metals.opening_stock.value,
            y.demand * compute_cumulative_demand(instance),
            y.purchase * np.where(y.purchase > 0, market.committed.value, finite(market.limit.value)),
            y.feed_total * np.where(y.feed_total > 0, smelters.committed.value, finite(smelters.limit.value)),
            y.stream_commitment * instance.streams.committed.value,
            y.footprint_cap * policy.footprint_cap.value,
        ]
        for stream, region in enumerate(instance.streams.region.tolist()):
            offers = instance.streams.available.value[stream].sum()
            parts.append(y.participation[region] * policy.participation.value * offers)
        total = sum(float(np.sum(part)) for part in parts)
        assert float(_right_hand_side_value(ground(instance), y)) == pytest.approx(total, rel=1e-12)


SCRAP = {"share": "20 %", "returned": "50 %", "lead": 1, "value": "50 JPY/kg"}
STERLING = {"composition": {"Ag": "100 %"}, "loss": "10 %"}


def foundry(**alloys: Any) -> Instance:
    """Return the plain instance with these alloys, of which medals ask for silver alone."""
    return loaded(changed(alloys={"silver": STERLING} | alloys))


def test_what_casting_is_worth() -> None:
    """The value of a kilogram cast: price of the melt, contribution to demand and capacity, and process scrap.

    A tenth of a kilogram is reusable scrap, a period later at the price of scrap, after the last at its value.
    """
    instance = foundry(silver=STERLING | {"scrap": SCRAP})
    y = at_random(instance)
    (cast, most), (kept, held), (recharged, charged) = _casting_reduced_costs(
        ground(instance), y, ObjectiveWeights(1, 0, 0)
    )
    melt, demand, capacity, scrap = (each[0] for each in (y.melt, y.demand, y.cast_capacity, y.process_scrap))
    assert cast[0] == pytest.approx(
        [
            -melt[0] - 0.8 * (demand[0] + demand[1]) - capacity[0] + 0.1 * scrap[1],
            -melt[1] - 0.8 * demand[1] - capacity[1] - 0.1 * 50,
        ]
    )
    assert kept[0] == pytest.approx([scrap[1] - scrap[0], -scrap[1] - 50])
    assert recharged[0] == pytest.approx(0.9 * melt - scrap)
    assert most == pytest.approx(np.array([[6.25]]))
    assert held == pytest.approx(np.array([[0.625]])) == charged
    for weights in (ObjectiveWeights(0, 1, 0), ObjectiveWeights(0, 0, 1)):
        (cast, _), (kept, _), _ = _casting_reduced_costs(ground(instance), y, weights)
        assert cast[0, 1] == pytest.approx(-melt[1] - 0.8 * demand[1] - capacity[1])
        assert kept[0, 1] == pytest.approx(-scrap[1])


def test_what_castings_in_stock_are_worth() -> None:
    """Of 0.8 kg that stay of a kilogram cast, those due later pay their holding until then; the last period is free.

    A medal of half a kilogram that is due from the second period on saves the holding of all periods but the last.
    """
    alloy = STERLING | {"holding": ["3 JPY/kg", "5 JPY/kg", "7 JPY/kg"], "scrap": {"share": "20 %", "returned": "0 %"}}
    medals = {"early": {"count": 4, "parts": {"silver": "500 g"}, "due": "2"}}
    instance = loaded(changed(alloys={"silver": alloy}, periods={"count": 3}, medals=medals))
    y, cost = at_random(instance), ObjectiveWeights(1, 0, 0)
    (cast, _), _, _ = _casting_reduced_costs(ground(instance), y, cost)
    melt, demand, capacity = (each[0] for each in (y.melt, y.demand, y.cast_capacity))
    held = [3 + 5, 5, 0]
    assert cast[0] == pytest.approx([-melt[t] - 0.8 * (demand[t:].sum() - held[t]) - capacity[t] for t in range(3)])
    free = loaded(changed(alloys={"silver": alloy | {"holding": 0}}, periods={"count": 3}, medals=medals))
    less = minimise_lagrangian(ground(free), y, cost) - minimise_lagrangian(ground(instance), y, cost)
    casts = [next(_casting_reduced_costs(ground(of), y, cost)) for of in (free, instance)]
    paid = [float((np.minimum(reduced, 0) * most).sum()) for reduced, most in casts]
    assert less == pytest.approx(paid[0] - paid[1] + 2 * 5)  # two kilograms are due before the end of the second
    duals = {"demand": {("silver", "2"): 11.0, ("silver", "3"): 2.0}}
    told = compute_marginal_values(PlanAccount(instance, build_routes(instance), nothing(instance)), duals, "JPY")
    assert [each.value for each in told if each.path.endswith("count")] == [pytest.approx(0.5 * (11 + 2 - 5))]
    told = compute_marginal_values(PlanAccount(instance, build_routes(instance), nothing(instance)), duals, "t")
    assert [each.value for each in told if each.path.endswith("count")] == [pytest.approx(0.5 * (11 + 2))]


def test_where_no_scrap_falls_there_is_none_to_pay() -> None:
    """Alloys without process scrap or demand have an upper bound of 0 on it."""
    instance = foundry(idle=STERLING | {"scrap": SCRAP})
    _, (_, held), (_, charged) = _casting_reduced_costs(
        ground(instance), at_random(instance), ObjectiveWeights(1, 0, 0)
    )
    assert not held.any() and not charged.any()


def test_what_waiting_is_worth() -> None:
    """A stored tonne costs its storage and present value, and gains its value in the next period; 0 at the end."""
    stream = {"device": "phone", "region": "north", "available": "10 t"}
    waits = stream | {"name": "b", "storage": {"cost": "3 JPY/t"}}
    instance = loaded(changed(streams=[stream | {"name": "a"}, waits]))
    own = np.array([[np.inf, -1.0], [-5.0, -7.0]])
    assert price_stockpiles(ground(instance), own, ObjectiveWeights(1, 0, 0))[1].tolist() == [3 + 5 - 7, 3 + 7]
    assert price_stockpiles(ground(instance), own, ObjectiveWeights(0, 1, 0))[1].tolist() == [5 - 7, 7]
    assert np.isfinite(price_stockpiles(ground(instance), own, ObjectiveWeights(1, 0, 0))).all()


def test_what_weighs_in_a_measure() -> None:
    """Each objective weighs one quantity, and `nothing` weighs none."""
    found = [ObjectiveWeights.from_objective(measure) for measure in ("cost", "footprint", "mass", "nothing")]
    assert found == [
        ObjectiveWeights(1, 0, 0),
        ObjectiveWeights(0, 1, 0),
        ObjectiveWeights(0, 0, 1),
        ObjectiveWeights(0, 0, 0),
    ]


def test_a_little_that_is_owed_at_once_may_have_a_price() -> None:
    """Demand of half a kilogram in the first period has a row of its own; without further demand there is no other."""
    instance = loaded(changed(medals={"medal": {"count": 1, "parts": {"silver": "500 g"}, "due": "1"}}))
    for alloy in (0.25, -0.25):
        y = build_prices(instance, {"demand": {("silver", "1"): alloy, ("silver", "2"): alloy}})
        assert y.demand.tolist() == [[max(alloy, 0.0), alloy]]
    late = loaded(changed())
    assert build_prices(late, {"demand": {("silver", "1"): 0.25}}).demand.tolist() == [[0.0, 0.0]]


def test_rows_that_do_not_exist_have_no_price() -> None:
    """An alloy that admits no others, a metal that it does not name, a cap that is not set."""
    instance = loaded(changed(metals={"Ag": {}, "Cu": {}, "Zn": {}}))
    every = {
        "others": {("silver", "1"): -0.5},
        "fineness_high": {("silver", metal, "1"): -0.5 for metal in ("Ag", "Cu", "Zn")},
        "footprint_cap": {None: -0.5},
    }
    y = build_prices(instance, every)
    assert not y.others.any() and not y.footprint_cap.any()
    assert y.fineness_high[0, :, 0].tolist() == [-0.5, -0.5, 0.0]
    assert not any(values.any() for values in vars(build_prices(instance, {})).values())


def test_of_a_grid_what_is_not_there_counts_for_nothing() -> None:
    """Neither where there is no such row, nor where the price is no number."""
    instance = loaded(changed())
    array = np.array([[1.0, np.nan], [np.inf, 4.0]])
    there = np.array([[True, True], [True, False]])
    grid = DualGrid((instance.metals.names, instance.periods), array, there)
    assert build_prices(instance, {"balance": grid}).balance.tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_marginal_values_of_rules_are_for_one_per_cent() -> None:
    """Marginal values of shares are per one per cent of their reference quantity, that of the cap per tonne."""
    share = {"device_share": {"phone": ["10 %", "90 %"]}}
    policy = {"participation": "20 %", "recycled": {"Ag": "60 %"}, "footprint_cap": "5 t"} | share
    instance = loaded(changed(policy=policy))
    made = nothing(instance)
    made.sent[0, 0], made.charged[0, 0, 1] = 3.0, 2.0
    duals = {
        "participation": {"north": 0.5},
        "recycled": {"Ag": -8.0},
        "mix_low": {"phone": 4.0},
        "mix_high": {"phone": -2.0},
        "footprint_cap": {None: -0.25},
    }
    every = compute_marginal_values(PlanAccount(instance, build_routes(instance), made), duals, "J")
    told = [(each.path, each.value, each.unit) for each in every if each.path.startswith("policy")]
    assert told == [
        ("policy.recycled.Ag", pytest.approx(8 * 2 / 100), "J/%"),
        ("policy.device_share.phone", pytest.approx(4 * 3 / 100), "J/%"),
        ("policy.device_share.phone", pytest.approx(-2 * 3 / 100), "J/%"),
        ("policy.participation", pytest.approx(0.5 * 20 / 100), "J/%"),
        ("policy.footprint_cap", -250.0, "J/t"),
    ]


def bundles() -> PlanAccount:
    """Return a plan account of two bundles and a single storable stream; one bundle has no supply at the end."""
    stream = {"device": "phone", "region": "north", "collection": 0}
    streams = [
        stream | {"name": "a", "available": ["4 t", "8 t"], "storage": {}},
        stream | {"name": "b", "available": ["0.25 t", "0.5 t"], "bundle": "one"},
        stream | {"name": "c", "available": ["0.25 t", "0 t"], "bundle": "one", "storage": {}},
        stream | {"name": "d", "available": ["2 t", "0 t"], "bundle": "two", "region": "south"},
    ]
    instance = loaded(changed(streams=streams, policy={"participation": "25 %"}))
    found = build_routes(instance)
    sent = np.array([[1.0, 2.0], [0.125, 0.5], [0.0, 0.125], [0.5, 0.0]])[found.stream]
    stockpile = np.array([[1.0, 0.0], [0.0, 0.0], [0.125, 0.0], [0.0, 0.0]])
    return PlanAccount(instance, found, replace(nothing(instance), sent=sent, stockpile=stockpile))


def test_a_tonne_more_of_a_bundle_counts_as_far_as_the_bundle_is_taken() -> None:
    """An additional tonne of a bundle counts with the share taken of the bundle; of a single stream it counts in full.

    A region with a minimum participation of a quarter sends that share of it, at the price of participation.
    """
    of = bundles()
    supply = -np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    y = at_random(of.instance).replace(supply=supply, participation=np.array([0.5, 8.0]))
    taken = np.array([[1.0, 1.0], [0.5, 1.0], [0.5, 1.0], [0.25, 0.0]])
    asked = 0.25 * np.array([[0.5], [0.5], [0.5], [8.0]])
    assert of.instance.regions == ("north", "south")
    assert price_streams(of, y) == pytest.approx(supply * taken + asked)


def test_marginal_values_of_ends_are_of_the_end_that_binds() -> None:
    """A positive price belongs to the commitment, a negative one to the limit; demand of an alloy counts in full."""
    market = {"silver": {"composition": {"Ag": "100 %"}, "price": 1, "limit": "5 kg", "committed": "1 kg"}}
    smelters = {"smelter": {"returned": "90 %", "limit": "9 t", "committed": "1 t"}}
    medals = {"medal": {"count": 10, "parts": {"silver": "500 g"}, "allowance": "50 %"}}
    instance = loaded(changed(market=market, smelters=smelters, medals=medals))
    found = build_routes(instance)
    none = nothing(instance)
    for value, figure in ((0.5, "committed"), (-0.5, "limit")):
        duals = {"purchase": {"silver": value}, "feed_total": {"smelter": value}, "demand": {("silver", "2"): 8.0}}
        told = {each.path: each for each in compute_marginal_values(PlanAccount(instance, found, none), duals, "JPY")}
        assert set(told) == {f"market.silver.{figure}", f"smelters.smelter.{figure}", "medals.medal.count"}
        one, other = told[f"market.silver.{figure}"], told[f"smelters.smelter.{figure}"]
        assert (one.value, one.unit, one.meaning) == (value, "JPY/kg", f"one more kg {figure}")
        assert (other.value, other.unit, other.meaning) == (value, "JPY/t", f"one more t {figure}")
        assert told["medals.medal.count"].value == pytest.approx(0.75 * 8.0)
