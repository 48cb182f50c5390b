"""Quantities derived from decisions: feed, returns, stock, casts and every kind of cost, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.model.cases import ROOT, at_random, changed, conforming, loaded, planned

import medalopt
from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes

GOLDEN = ROOT / "tests" / "model" / "golden"


def nothing(instance: Instance) -> Decisions:
    """Return decisions that are all 0."""
    streams, metals, alloys = instance.streams.names, instance.metals.names, instance.alloys.names
    periods, offers = len(instance.periods), instance.market.names
    return Decisions(
        sent=np.zeros((len(build_routes(instance)), periods)),
        stockpile=np.zeros((len(streams), periods)),
        charged=np.zeros((len(alloys), len(metals), periods)),
        bought=np.zeros((len(offers), len(alloys), periods)),
        surplus=np.zeros((len(metals), periods)),
        recharged=np.zeros((len(alloys), periods)),
    )


def account_of(family: str, **decisions: list[object]) -> PlanAccount:
    """Return the account of a golden instance with these decisions and all others 0."""
    instance = medalopt.load(GOLDEN / f"{family}.yaml")
    arrays = {name: np.array(values, dtype=np.float64) for name, values in decisions.items()}
    return PlanAccount(instance, build_routes(instance), replace(nothing(instance), **arrays))


@pytest.fixture(scope="module")
def sourcing() -> PlanAccount:
    """Return 2 t of phones to `far` and 3 t to `near` in period 1, then 4 t to `far`; 1 t of tubes leaves, 2 t wait."""
    return account_of("linking", sent=[[2, 4], [3, 0], [1, 0]], stockpile=[[0, 0], [2, 2]])


def test_sums_of_what_is_sent(sourcing: PlanAccount) -> None:
    """Half of every shredded tonne is feed; ordinary recycling is treated but no feed."""
    assert sourcing.feed.tolist() == [[1, 2], [1.5, 0]]
    assert sourcing.treated.tolist() == [[1, 0], [5, 4]]
    assert sourcing.sent.tolist() == [9, 1]
    assert sourcing.tonnes == 10
    assert sourcing.footprint == 6 * 20 + 3 * 10 + 1


def test_metal_comes_back_when_it_is_due(sourcing: PlanAccount) -> None:
    """`far` returns the first period's 2 t in the second, and its 4 t too late; `near` returns at once."""
    assert sourcing.returned[0].tolist() == [[0, 0.7], [0, 162]]
    assert sourcing.returned[1].tolist() == [[0.5625, 0], [0, 0]]
    assert sourcing.stock.tolist() == [[0.5625, 1.2625], [0, 162]]


def test_costs_of_the_network_by_period(sourcing: PlanAccount) -> None:
    """Per kind and period, as a person would add them up from the contracts."""
    costs = {kind: by_period.tolist() for kind, by_period in sourcing.costs.items()}
    assert costs["supply"] == [5 * 7, 4 * 7]
    assert costs["collection"] == [5 * 30, 4 * 30]
    assert costs["treatment"] == [5 * 100 + 13, 400]
    assert costs["transport"] == [2 * 100 + 3 * 25, 4 * 100]
    assert costs["smelting"] == [2 * 20 + 3 * 30, 4 * 20]
    assert costs["refining"] == [2 * 350 + 3 * 375, 0]  # of the 4 t nothing returns in time: nothing is charged
    assert costs["residue"] == [-5 * 10 + 2, -4 * 10]
    assert costs["storage"] == [22, 22]
    assert sourcing.cost == 2 * 597 + 3 * 557 + 15 + 22 + 4 * 247 + 22


def test_costs_of_metal_and_alloy() -> None:
    """Purchases at the price of the period, holding of metal and castings, sales, and the value of scrap left."""
    account = account_of(
        "objective",
        bought=[[[0, 0], [2, 3]], [[4, 0], [0, 0]]],  # mined for silver, old for plate
        surplus=[[0, 1], [0, 0]],
        recharged=[[0, 0], [0, 0.25]],
        sent=[[2, 0], [0, 0], [0, 0], [0, 0]],
    )
    assert account.instance.alloys.names == ("plate", "silver")
    assert account.stock[0].tolist() == pytest.approx([1.8, 0.8])
    costs = {kind: by_period.tolist() for kind, by_period in account.costs.items()}
    assert costs["purchases"] == [2 * 700 - 4 * 2, 3 * 800]
    assert account.cast_stock[1].tolist() == pytest.approx([0.6 * 2, 0.6 * (2 + 3.25) - 1])
    assert costs["holding"] == pytest.approx([9 + 6 * 1.2, 4])  # castings are all due by the end
    assert costs["sales"] == [0, -400]
    # 2 kg and 3.25 kg are cast; a fifth of each falls: of the first 0.4 kg, 0.15 kg are left; the second's is late
    assert account.cast[1].tolist() == [2, 3.25]
    assert account.scrap[1].tolist() == pytest.approx([0, 0.15])
    assert costs["scrap"] == pytest.approx([0, -60 * (0.15 + 0.65)])
    assert account.footprint == pytest.approx(2 * 3 + 5 * 12)


def test_what_is_melted() -> None:
    """An offer that is 80 % silver, 10 % copper: the rest counts in the charge, and in no metal; 2 % are lost."""
    account = account_of(
        "melt",
        charged=[[[0, 0], [0, 0], [0, 0]], [[0.5, 0], [0.125, 0], [0, 0]], [[0, 0], [0, 0], [0, 0]]],
        bought=[[[0, 0]] * 3, [[0, 0], [1, 0], [0, 0]]],
        recharged=[[0, 0], [0.25, 0], [0, 0]],
    )
    assert account.composition[1, :, 0].tolist() == pytest.approx([1.3, 0.225, 0])
    assert account.charge[1, 0] == pytest.approx(1.625)
    assert account.cast[1, 0] == pytest.approx(1.875 * 0.98)


def test_scrap_comes_back_after_its_lead() -> None:
    """Of 2 kg of silver a fifth after a period; plate's would come after two, which is too late; waste's never."""
    account = account_of("process_scrap", charged=[[[1, 1]], [[2, 0]], [[1, 1]]])
    assert account.instance.alloys.names == ("plate", "silver", "waste")
    assert account.scrap.tolist() == [[0, 0], [0, 0.4], [0, 0]]


@pytest.mark.parametrize(("lead", "worth"), [(1, [0, -60]), (2, [-40, -20]), (3, [-40, -20])])
def test_scrap_that_comes_too_late_is_worth_its_value_at_once(lead: int, worth: list[float]) -> None:
    """A fifth of 4 and 2 kg cast is scrap at 50 JPY/kg, credited at the end or, if late, at once."""
    scrap = {"share": "20 %", "returned": "100 %", "lead": lead, "value": "50 JPY/kg"}
    instance = loaded(changed(alloys={"silver": {"composition": {"Ag": "100 %"}, "scrap": scrap}}))
    charged = np.array([[[4.0, 2.0], [0.0, 0.0]]])
    account = PlanAccount(instance, build_routes(instance), replace(nothing(instance), charged=charged))
    assert account.costs["scrap"].tolist() == pytest.approx(worth)


def test_an_alloy_without_scrap_has_none_to_be_worth_anything() -> None:
    """Recharged scrap of an alloy without scrap, which is infeasible, costs 0 here."""
    scrap = {"share": "0 %", "value": "50 JPY/kg"}
    instance = loaded(changed(alloys={"silver": {"composition": {"Ag": "100 %"}, "scrap": scrap}}))
    recharged = np.array([[0.0, 1.0]])
    account = PlanAccount(instance, build_routes(instance), replace(nothing(instance), recharged=recharged))
    assert account.costs["scrap"].tolist() == [0, 0]


def test_a_kilogram_a_tonne_comes_back_as_one() -> None:
    """Whatever is returned of a tonne, be it just one: of metal in one, of gold none."""
    smelters = {"smelter": {"returned": {"Ag": "100 %", "Cu": "50 %"}, "lead": 1}}
    instance = loaded(changed(smelters=smelters))
    account = PlanAccount(instance, build_routes(instance), replace(nothing(instance), sent=np.array([[3.0, 4.0]])))
    assert account.returned.tolist() == [[[0.0, 3.0], [0.0, 150.0]]]


def test_measures_are_called_by_name(sourcing: PlanAccount) -> None:
    """Cost, footprint and mass are the only objectives."""
    values = [sourcing.compute_objective(measure) for measure in ("cost", "footprint", "mass")]
    assert values == [sourcing.cost, sourcing.footprint, sourcing.tonnes]
    with pytest.raises(KeyError):
        sourcing.compute_objective("beauty")


def test_every_kilogram_is_accounted_for() -> None:
    """In every plan opening stock and returns equal charges, surplus and closing stock."""
    for instance in (*conforming().values(), *map(at_random, range(40))):
        plan = planned(instance)
        if plan is not None:
            account, made = plan.account, plan.account.decisions
            come = instance.metals.opening_stock.value + account.returned.sum(axis=(0, 2))
            gone = made.charged.sum(axis=(0, 2)) + made.surplus.sum(axis=1) + account.stock[:, -1]
            assert gone == pytest.approx(come, rel=1e-12, abs=1e-12)
            assert sum(part.sum() for part in account.costs.values()) == account.cost
