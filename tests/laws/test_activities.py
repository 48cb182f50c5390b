"""Lots of feed and fixed charges: 0 is none, plans by hand, bounds, payers, orders, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.analysis.replanned import solve_replan
from tests.laws import pool
from tests.laws.answer import answer
from tests.model.cases import ROOT, Document, loaded
from tests.random_instances import document, with_activities, with_branched_activities

import medalopt
from medalopt.analysis.replanning.replan import make_replan_problem
from medalopt.analysis.sourcing.orders import allocate_payments
from medalopt.errors import InputError, NoPlanError
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.lot_relaxation import bound_activities, drop_lot_constraints, list_used_contracts, spread_charges
from medalopt.instance.lots import ACTIVITY_KINDS, compute_quantity
from medalopt.instance.payers import compute_party_costs
from medalopt.instance.routes import build_routes
from medalopt.plan.reader import read_saved_plan
from medalopt.proof.verdict import verify_plan
from medalopt.report.sourcing.orders import build_orders, tabulate_orders
from medalopt.solver import mip

BY_HAND = ROOT / "tests" / "solver" / "activities.yaml"
NEAR = "smelters.near.terms.phones"
SEEDS = (0, 5, 6, 10, 19, 23, 29, 39, 44, 55)


def with_nothing(seed: int) -> Document:
    """Return the random instance with every minimum lot and charge written as 0."""
    content = document(seed)
    for smelter in content.get("smelters", {}).values():
        smelter |= {"minimum_lot": "0 t", "lot_charge": "0 JPY", "fixed_charge": "0 JPY"}
    for member in (
        *content.get("treatments", {}).values(),
        *content.get("market", {}).values(),
        *content.get("streams", []),
    ):
        member["fixed_charge"] = "0 JPY"
    return content


@pytest.mark.parametrize("seed", (0, 2, 5))
def test_a_charge_of_nothing_is_none(seed: int) -> None:
    """Lots and charges of 0 give the bytes of a plan without them."""
    assert answer(loaded(with_nothing(seed))) == answer(loaded(document(seed)))


@pytest.mark.parametrize(
    ("changes", "cost", "uses"),
    [
        ({}, 1_630, {f"{NEAR} 1", f"{NEAR} 2"}),
        ({f"{NEAR}.minimum_lot": "5.5 t"}, 1_710, {f"{NEAR} 1", "smelters.far 2"}),
        ({f"{NEAR}.lot_charge": "401 JPY"}, 1_811, {f"{NEAR} 1", "smelters.far 2"}),
        ({f"{NEAR}.lot_charge": "401 JPY", "smelters.far.fixed_charge": "200 JPY"}, 1_832, {f"{NEAR} 1", f"{NEAR} 2"}),
        ({f"{NEAR}.lot_charge": "500 JPY", "streams.phone@north.fixed_charge": "300 JPY"}, 2_050, {"market.silver 1"}),
    ],
)
def test_plans_by_hand(changes: dict[str, str], cost: float, uses: set[str]) -> None:
    """The cheapest contracts are used, each is paid where it is used, and the bound holds."""
    plan = medalopt.solve(medalopt.load(BY_HAND, changes))
    assert plan.cost == pytest.approx(cost) and plan.certificate.feasible and not plan.stopped
    used = {f"{row.contract} {row.period}" for row in list_used_contracts(plan.account)}
    both = {"smelters.near.terms.phones", "smelters.far", "market.silver"}
    found = {name for name in used if name.rpartition(" ")[0] in both}
    assert {name.rpartition(" ")[0] for name in found} == {name.rpartition(" ")[0] for name in uses}
    assert len(found) == len(uses)
    assert plan.certificate.lower_bound <= plan.certificate.search_bound + 1e-6 <= plan.objective + 2e-6


def test_the_bound_by_hand() -> None:
    """Charges pro rata: 1,525 JPY is certified, and what the relaxation costs."""
    plan = medalopt.solve(medalopt.load(BY_HAND))
    assert plan.certificate.lower_bound == pytest.approx(1_525, rel=1e-9)
    assert plan.lots is not None and plan.lots.without == pytest.approx(1_525, rel=1e-9)
    charges = {kind: float(charge.sum()) for kind, charge in plan.account.charges.items()}
    assert charges == {"line": 600, "smelter": 0, "treatment": 10, "stream": 20, "offer": 0}


@pytest.mark.parametrize("seed", SEEDS)
def test_bounds_of_random_plans(seed: int) -> None:
    """No plan uses more than the bound of a contract; each pays what it uses; least quantities are kept."""
    instance = loaded(with_activities(seed))
    plan = medalopt.solve(instance)
    account, routes = plan.account, build_routes(instance)
    most = bound_activities(instance, routes, compute_bounds(instance, routes))
    relaxed, free = (
        medalopt.solve(drop_lot_constraints(spread_charges(instance))),
        pool.solved(drop_lot_constraints(instance)),
    )
    assert free is not None
    slack = pool.slack(plan, relaxed)
    assert free.objective <= relaxed.objective + slack and relaxed.objective <= plan.objective + slack
    assert plan.certificate.lower_bound == pytest.approx(relaxed.objective, abs=slack)
    for kind in ACTIVITY_KINDS:
        quantity = compute_quantity(account, kind)
        total = quantity if kind.periodic else quantity.sum(axis=1)
        assert (total <= most[kind.name] * (1 + 1e-9) + 1e-12).all()
        least = kind.get_least(instance)[:, None]
        assert ((quantity == 0) | (quantity >= least * (1 - 1e-8))).all()
        times = (quantity > 0).sum(axis=1) if kind.periodic else (quantity > 0).any(axis=1)
        paid = account.charges.get(kind.name, np.zeros((len(times), 1))).sum(axis=1)
        assert paid == pytest.approx(kind.get_charge(instance).value * times)
    kinds = {
        "smelting": ("line", "smelter"),
        "treatment": ("treatment",),
        "supply": ("stream",),
        "purchases": ("offer",),
    }
    for cost, own in kinds.items():
        charged = sum(float(account.charges[name].sum()) for name in own if name in account.charges)
        without = float(account.costs_of_quantities[cost].sum())
        assert plan.costs[cost] == pytest.approx(without + charged, abs=1e-6)


def test_these_instances_have_teeth() -> None:
    """Every kind of contract is charged in some of them, and some plan costs more than its relaxation."""
    plans = [medalopt.solve(loaded(with_activities(seed))) for seed in SEEDS]
    charged = {name for plan in plans for name, charge in plan.account.charges.items() if charge.any()}
    assert charged == {kind.name for kind in ACTIVITY_KINDS}
    assert sum(plan.certificate.gap > 1e-6 for plan in plans) >= 5


def test_parties_pay_their_charges() -> None:
    """The city pays for taking, operators for treating, the committee all else; each can be optimised alone."""
    instance = medalopt.load(BY_HAND)
    plan = medalopt.solve(instance)
    paid = {
        party: sum(float(of.sum()) for of in kinds.values())
        for party, kinds in compute_party_costs(plan.account).items()
    }
    assert paid == pytest.approx({"committee": 1_600, "city": 20, "operators": 10})
    own = medalopt.solve(instance, "cost@city")
    assert own.objective == 0 and own.cost == pytest.approx(2_050)
    streams = {"streams.phone@north.payer": "carrier", "treatments.whole.payer": "works"}
    other = compute_party_costs(medalopt.solve(instance.with_changes(streams)).account)
    assert float(other["carrier"]["supply"].sum()) == 20 and float(other["works"]["treatment"].sum()) == 10


def test_orders_and_payments_add_up() -> None:
    """Payments sum to the cost; orders and internal items, the charge of the treatment, do too."""
    plan = medalopt.solve(medalopt.load(BY_HAND, {f"{NEAR}.minimum_lot": "5.5 t", "market.silver.committed": "1 kg"}))
    paid = allocate_payments(plan.account)
    assert float(paid.by_kind().sum()) == pytest.approx(plan.cost)
    orders = build_orders(plan)
    table = tabulate_orders(plan, orders)
    assert sum(float(row[4]) for row in table.rows if isinstance(row[4], float)) == pytest.approx(plan.cost - 10)
    items = {str(cell) for order in orders.documents for row in order.lines.rows for cell in row}
    assert {"lot charge", "fixed charge", "(fixed charge)"} <= items
    assert all(order.grouped for order in orders.documents)


def test_a_saved_plan_is_verified(tmp_path: Path) -> None:
    """A plan is verified from JSON and CSV; one below the minimum lot, or with a charge left out, is refused."""
    instance, free = medalopt.load(BY_HAND), medalopt.load(BY_HAND, {f"{NEAR}.minimum_lot": "0 t"})
    medalopt.solve(instance).save(tmp_path / "plan.json")
    medalopt.solve(instance).save(tmp_path / "folder")
    for path in (tmp_path / "plan.json", tmp_path / "folder"):
        assert not verify_plan(instance, read_saved_plan(path)).broken
    said = json.loads((tmp_path / "plan.json").read_text())
    assert [row["charge"] for row in said["charges"]] == [300, 300, 10, 20]
    for wrong in (said["charges"][1:], [{**row, "charge": 0.0} for row in said["charges"]]):
        (tmp_path / "wrong.json").write_text(json.dumps({**said, "charges": wrong, "digests": {}}))
        broken = verify_plan(instance, read_saved_plan(tmp_path / "wrong.json")).broken
        assert any(one.path.startswith("charges.") for one in broken)
    changed = free.with_changes({"streams.phone@north.available": "[6 t, 4 t]"})
    medalopt.solve(changed).save(tmp_path / "less.json")
    broken = verify_plan(instance, read_saved_plan(tmp_path / "less.json")).broken
    assert any(one.rule == "lots of feed" and one.amount == pytest.approx(1) for one in broken)


def test_an_extension_on_the_spend_counts_no_charge() -> None:
    """A limit on the spend of a period holds for spend by quantity; the bound is then without charges."""

    def limit(model: Any, instance: Any) -> None:
        import pyomo.core as pyo

        model.budget = pyo.Constraint(list(model.spend), rule=lambda m, t: m.spend[t] <= 560)

    plan = medalopt.solve(medalopt.load(BY_HAND), extensions=[limit])
    assert plan.cost == pytest.approx(1_630) and plan.certificate.lower_bound == pytest.approx(1_000)


def test_a_contract_in_use_is_paid_once(tmp_path: Path) -> None:
    """Signed 5 t pay 500 JPY, 300 for their lot, and 10 and 20 JPY that are not due again: 5 kg are bought."""
    instance = medalopt.load(BY_HAND)
    medalopt.solve(instance).save(tmp_path / "plan.json")
    problem = make_replan_problem(instance, "1", None, tmp_path / "plan.json")
    left = problem.remaining_instance
    assert problem.actuals.signed_cost == pytest.approx(830)
    assert left.streams.fixed_charge.value.tolist() == left.treatments.fixed_charge.value.tolist() == [0, 0]
    assert left.market.fixed_charge.value.tolist() == [50] and 100 in left.smelters.fixed_charge.value
    replan = solve_replan(problem)
    assert replan.plan.cost == pytest.approx(1_050) and replan.total_cost == pytest.approx(1_880)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({f"{NEAR}.minimum_lot": "12.5 t"}, f"{NEAR}.minimum_lot"),
        ({f"{NEAR}.minimum_lot": "-1 t"}, f"{NEAR}.minimum_lot"),
        ({f"{NEAR}.lot_charge": "3 JPY/t"}, f"{NEAR}.lot_charge"),
        ({"smelters.far.fixed_charge": "-3 JPY"}, "smelters.far.fixed_charge"),
        ({"streams.phone@north.fixed_charge": "[1 JPY, 2 JPY]"}, "streams.phone@north.fixed_charge"),
        ({"market.silver.fixed_charge": "soon"}, "market.silver.fixed_charge"),
        ({"treatments.whole.fixed_charge": "5 t"}, "treatments.whole.fixed_charge"),
    ],
)
def test_what_is_no_lot_and_no_charge_is_refused(changes: dict[str, str], path: str) -> None:
    """More than all streams offer, negative or listed values and wrong units are errors at their place."""
    with pytest.raises(InputError) as caught:
        medalopt.load(BY_HAND, changes)
    assert path in {fault.path for fault in caught.value.faults}


def test_capacity_of_treatments_bounds_a_stream() -> None:
    """By hand: 6 of 12 t can be treated, so that a tonne pays 30 / 6 of charges: 6 x 191 2/3 + 4 x 205 = 1,970 JPY."""
    instance = medalopt.load(BY_HAND, {"treatments.whole.capacity": "3 t"})
    routes = build_routes(instance)
    assert bound_activities(instance, routes, compute_bounds(instance, routes))["stream"] == pytest.approx([6])
    plan = medalopt.solve(instance)  # 6 t to `far`, as no lot of 5 t can be treated at once
    assert plan.cost == pytest.approx(2_000) and plan.certificate.lower_bound == pytest.approx(1_970)


def test_a_lot_of_no_period_is_warned_of() -> None:
    """A minimum lot above the supply of every period is a warning."""
    instance = medalopt.load(BY_HAND, {f"{NEAR}.minimum_lot": "7 t"})
    assert any(warning.path == f"{NEAR}.minimum_lot" for warning in instance.warnings)


@pytest.mark.parametrize("seed", (0, 1, 4, 11))
def test_few_shipments_give_a_plan_above_the_same_bound(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large instance branch and bound sees the shipments cheapest at the duals: its plan keeps every rule."""
    instance = loaded(with_branched_activities(seed))
    plan = pool.solved(instance)
    monkeypatch.setattr(mip, "MAX_LOT_SHIPMENTS", 6)
    try:
        few = medalopt.solve(instance, method="decomposition")
    except NoPlanError:
        return
    assert plan is not None and few.certificate.feasible
    assert few.objective >= plan.objective - pool.slack(plan, few)
    assert few.certificate.lower_bound == pytest.approx(plan.certificate.lower_bound, abs=10 * pool.slack(plan, few))


@pytest.mark.parametrize("seed", range(16))
def test_both_ways_agree(seed: int) -> None:
    """With the relaxation solved by column generation, cost and certified bound of a plan in lots are the same."""
    instance = loaded(with_activities(seed))
    pool.assert_decomposition_agrees(instance, pool.solved(instance))
