"""Stock and groups of offers: neutral values, a plan by hand, both methods, prices, replanning, invalid values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.runs import here
from tests.laws import pool
from tests.laws.answer import answer
from tests.model.cases import ROOT, loaded
from tests.random_instances import Document, with_offer_stock, with_stock

import medalopt
from medalopt.analysis.explain.explanation import explain_plan
from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.analysis.explain.shadow_prices import compute_cost_breakdown
from medalopt.errors import InputError
from medalopt.plan.reader import read_saved_plan
from medalopt.proof.verdict import verify_plan
from medalopt.report.render.json import build_plan_object, render_json

BY_HAND = ROOT / "tests" / "planted" / "instances" / "offer_stock.yaml"


def neutral(seed: int) -> Document:
    """Return the random instance with stock, and values of the new fields that limit and sell nothing."""
    content = with_stock(seed)
    for offer in content.get("market", {}).values():
        offer |= {"storage": {}, "opening_stock": "0 kg", "closing_stock": "0 kg"}
    for alloy in content["alloys"].values():
        alloy |= {"limits": {}, "sell": 0}
    return content


@pytest.mark.parametrize("seed", (0, 2, 5))
def test_nothing_limited_changes_no_byte(seed: int) -> None:
    """Stock of 0, storage without a limit, no groups and a price of 0 give the bytes of a plan without them."""
    assert answer(loaded(neutral(seed))) == answer(loaded(with_stock(seed)))


def test_the_plan_by_hand(tmp_path: Path) -> None:
    """89 of purchases, 10 of holding and 1.05 of penalties, less 0.9 * (5 * 20 + 6 * 19) for castings: -92.55 JPY."""
    instance = medalopt.load(BY_HAND)
    plan = medalopt.solve(instance)
    assert plan.certificate.optimal and plan.certificate.basis == "proven"
    costs = {kind: value for kind, value in plan.costs.items() if value}
    assert costs == pytest.approx({"purchases": 89, "holding": 10, "sales": -192.6, "shortfall": 1.05})
    assert plan.cost == pytest.approx(-92.55)
    assert plan.account.offer_stock[[0, 2]].tolist() == [pytest.approx([4.5, 0]), pytest.approx([3.5, 2])]
    lines = compute_cost_breakdown(PlanNeighbourhood.build(plan))
    assert sum(line.value for line in lines) == pytest.approx(-92.55)
    saved = tmp_path / "plan.json"
    saved.write_text(render_json(build_plan_object(plan)), encoding="utf-8")
    assert verify_plan(instance, read_saved_plan(saved)).accepted
    less = medalopt.load(BY_HAND, {"market.grain.opening_stock": "2.5 kg"})
    assert not verify_plan(less, read_saved_plan(saved)).accepted


@pytest.mark.parametrize(
    ("path", "unit", "step"),
    [
        ("market.grain.storage.limit", "kg", 1),
        ("market.grain.closing_stock", "kg", -1),
        ("alloys.coin.limits.grain.most", "kg", 1),
        ("alloys.coin.limits.all.most", "kg", 1),
    ],
)
def test_a_shadow_price_is_what_a_little_more_saves(path: str, unit: str, step: int) -> None:
    """Relaxed by a hundredth of a kilogram in every period, each limit saves its shadow price, if it saves anything."""
    plan = medalopt.solve(medalopt.load(BY_HAND))
    document = {"market.grain.storage.limit": [3.5, 3], "alloys.coin.limits.all.most": [5, 6]}
    before = document.get(path, 2)
    more = [one + step / 100 for one in before] if isinstance(before, list) else before + step / 100
    saved = plan.cost - medalopt.solve(medalopt.load(BY_HAND, {path: more})).cost
    (row,) = (row for row in explain_plan(plan).binding if row.paths == (path,))
    assert row.step == step and row.unit == unit and row.saves == pytest.approx(100 * saved)
    sold = medalopt.solve(medalopt.load(BY_HAND, {"alloys.coin.sell": "[20.01 JPY/kg, 19 JPY/kg]"}))
    assert plan.cost - sold.cost == pytest.approx(0.01 * 0.9 * 5)


@pytest.mark.parametrize("seed", (2, 4, 6, 9, 12, 17))
def test_limits_are_kept_and_both_ways_agree(seed: int) -> None:
    """Stock is within storage and closing stock, groups within their limit, by either way of solving."""
    instance = loaded(with_offer_stock(seed))
    plan = pool.solved(instance)
    pool.assert_decomposition_agrees(instance, plan)
    if plan is None:
        return
    market, account = instance.market, plan.account
    slack = 1e-9 * (1 + abs(account.offer_stock).max(initial=0))
    assert (account.offer_stock <= market.storage_limit.value + slack).all()
    assert (account.offer_stock[:, -1] >= np.where(market.storable, market.closing_stock.value, 0) - slack).all()
    assert (account.charged_groups <= instance.charge_limits.most.value + 1e-9).all()


def test_stock_is_carried_over_as_opening_stock(tmp_path: Path) -> None:
    """After the first period 4.5 kg of bars and 3.5 kg of grain are in stock; the plan of the rest goes on."""
    plan = tmp_path / "plan.json"
    assert here("solve", str(BY_HAND), "-o", str(plan)).code == 0
    ran = here("plan", str(BY_HAND), "--after", "1", "--frozen", str(plan), "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    stock = {row["offer"]: (row["bought"], row["charged"], row["stock"]) for row in found["offer_stock"]}
    assert stock["grain"] == pytest.approx((0, 1.5, 2))
    assert sum(kg for _, kg, _ in stock.values()) == pytest.approx(6)
    assert found["cost"]["purchases"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"market.grain.storable": "false"}, "market.grain.opening_stock"),
        ({"market.grain.closing_stock": "3.5 kg"}, "market.grain.closing_stock"),
        ({"alloys.coin.limits.all.offers": "[bar, gold]"}, "alloys.coin.limits.all.offers"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, str], place: str) -> None:
    """Stock of an offer that is not storable, more left than fits, and offers that do not exist are errors there."""
    with pytest.raises(InputError) as caught:
        medalopt.load(BY_HAND, change)
    assert any(fault.path.startswith(place) for fault in caught.value.faults)
