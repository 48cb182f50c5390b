"""Safety stock: 0 periods have no effect, a plan by hand, both methods, conflicts and invalid values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.laws import pool
from tests.laws.answer import answer
from tests.model.cases import ROOT, loaded
from tests.random_instances import Document, with_reserve, with_stock

import medalopt
from medalopt.analysis.explain.explanation import explain_plan
from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.analysis.explain.shadow_prices import compute_cost_breakdown
from medalopt.analysis.infeasibility.diagnosis import diagnose_infeasibility
from medalopt.errors import InputError, NoPlanError
from medalopt.plan.metal_values import MetalValues
from medalopt.plan.reader import read_saved_plan
from medalopt.proof.verdict import verify_plan
from medalopt.report.shadow_prices import build_shadow_price_table

BY_HAND = ROOT / "tests" / "planted" / "instances" / "reserve.yaml"


def reserved(seed: int, periods: int | None) -> Document:
    """Return the random instance with stock, in which every metal has this safety stock."""
    content = with_stock(seed)
    for metal in content["metals"].values():
        metal |= {} if periods is None else {"reserve": periods}
    return content


@pytest.mark.parametrize("seed", (0, 2, 5))
def test_no_periods_are_no_safety_stock(seed: int) -> None:
    """A reserve of 0 periods gives the bytes of a plan without it."""
    assert answer(loaded(reserved(seed, 0))) == answer(loaded(reserved(seed, None)))


def test_the_plan_by_hand() -> None:
    """Returned 3, 3 and 0 kg at 2.5 * 10 + 0.5 * 30 + 3 * 10, and 2 + 3 kg held: 75 JPY in all."""
    plan = medalopt.solve(medalopt.load(BY_HAND))
    assert plan.certificate.optimal and plan.certificate.basis == "proven"
    assert plan.cost == pytest.approx(75)
    assert plan.account.returned.sum(axis=0)[0].tolist() == pytest.approx([3, 3, 0])
    assert plan.account.stock[0].tolist() == pytest.approx([2, 3, 0])
    prices = {row.period: row.value for row in plan.marginals if row.path == "metals.Ag.reserve"}
    assert prices == {
        "1": pytest.approx(30 - 10 + 1),
        "2": pytest.approx(10 + 1),
    }  # more at the end of the second is never charged
    table = build_shadow_price_table(plan, MetalValues(plan), whole=True)
    assert any(row[0] == "safety stock of silver" for row in table.rows)
    (row,) = (row for row in explain_plan(plan).binding if row.paths == ("metals.Ag.reserve",))
    assert row.saves == pytest.approx(21 + 1) and row.step == -1
    lines = compute_cost_breakdown(PlanNeighbourhood.build(plan))
    assert sum(line.value for line in lines) == pytest.approx(75)


@pytest.mark.parametrize("seed", (0, 2, 5, 6, 9, 16, 24))
def test_it_is_in_stock_and_both_ways_agree(seed: int) -> None:
    """The need of the periods to come is in stock, at no lower cost than without, by either way of solving."""
    instance = loaded(with_reserve(seed))
    plan = pool.solved(instance)
    pool.assert_decomposition_agrees(instance, plan)
    if plan is None:
        return
    account, ahead = plan.account, instance.metals.reserve
    charged = account.decisions.charged.sum(axis=0)
    for e, t in np.argwhere(ahead[:, None] > np.zeros(charged.shape)).tolist():
        coming = charged[e, t + 1 : t + 1 + ahead[e]].sum()
        assert account.stock[e, t] >= coming - 1e-7 * (1 + abs(account.stock[e]).max())
    without = medalopt.solve(loaded(with_stock(seed)))
    assert without.objective <= plan.objective + pool.slack(plan, without)


def test_these_instances_have_teeth() -> None:
    """In at least three of them the safety stock costs something."""
    plans = [(pool.solved(loaded(with_reserve(seed))), pool.stocked(seed)) for seed in (0, 2, 5, 6, 9, 16, 24)]
    assert (
        sum(plan is not None and plan.objective > free.objective + 1e-6 * free.cost for plan, free in plans if free)
        >= 3
    )


def test_a_plan_without_it_is_refused(tmp_path: Any) -> None:
    """A plan of the instance without the safety stock breaks it, by 2 kg in the first period."""
    plan = medalopt.solve(medalopt.load(BY_HAND, {"metals.Ag.reserve": "0"}))
    plan.save(tmp_path / "plan.json")
    broken = verify_plan(medalopt.load(BY_HAND), read_saved_plan(tmp_path / "plan.json")).broken
    assert any(one.rule == "safety stock" and one.amount == pytest.approx(3) for one in broken)


def test_a_conflict_names_it_and_a_repair_lowers_it() -> None:
    """Neither dear silver nor an offer: the safety stock of the second period cannot be had; none is a repair."""
    changes = {"streams.dear.available": "0 t", "market.silver.limit": "0 kg", "alloys.plate.capacity": "3 kg"}
    changes["streams.cheap.available"] = "[2.5 t, 4 t, 4 t]"
    instance = medalopt.load(BY_HAND, {path: changes[path] for path in sorted(changes)})
    with pytest.raises(NoPlanError) as caught:
        medalopt.solve(instance)
    assert caught.value.proof is not None and caught.value.proof.holds
    diagnosis = diagnose_infeasibility(instance)
    (told,) = (reason for reason in diagnosis.conflict if reason.path == "metals.Ag.reserve")
    assert told.rule == "safety stock" and "next period" in told.text
    assert ["metals.Ag.reserve"] in [[change.path for change in repair.changes] for repair in diagnosis.repairs]


@pytest.mark.parametrize(("reserve", "periods"), [("-1", 3), ("1.5", 3), ("[1, 2, 3]", 3), ("1", 1), ("month", 3)])
def test_what_is_no_safety_stock_is_refused(reserve: str, periods: int) -> None:
    """Negative, broken and listed periods are errors at their place, and any in a horizon of one period."""
    with pytest.raises(InputError) as caught:
        medalopt.load(BY_HAND, {"metals.Ag.reserve": reserve} | (_one_period() if periods == 1 else {}))
    assert "metals.Ag.reserve" in {fault.path for fault in caught.value.faults}


def _one_period() -> dict[str, str]:
    """Return the changes to a horizon of one period."""
    due = {f"medals.{name}.due": "1" for name in ("first", "second", "third")}
    return {"periods.count": "1", "streams.cheap.available": "4 t", **due}
