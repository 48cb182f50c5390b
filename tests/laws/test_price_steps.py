"""Price steps: one step is a price; the plan by hand; each unit at its own step; both ways of solving agree."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.laws import pool
from tests.laws.answer import answer
from tests.laws.figures import AMOUNTS, MONEY, changed, times
from tests.model.cases import ROOT, loaded
from tests.random_instances import Document, document, with_falling_prices, with_price_steps

import medalopt
from medalopt.analysis.explain.explanation import explain_plan
from medalopt.errors import InputError, NoPlanError, UsageError
from medalopt.instance.lots import STEP_KINDS
from medalopt.plan.plan import Plan
from medalopt.plan.reader import read_saved_plan
from medalopt.proof.verdict import verify_plan

BY_HAND = ROOT / "instances" / "price_steps.yaml"
BARS, PHONES = "market.bars.price", "streams.phone@north.price"


def with_single_steps(seed: int) -> Document:
    """Return the random instance with every price of one value as a price of one step without a limit."""
    content = document(seed)
    for part in (*content.get("market", {}).values(), *content.get("streams", [])):
        if not isinstance(part.get("price", []), list):
            part["price"] = [{"price": part["price"]}]
    return content


@pytest.mark.parametrize("seed", range(6))
def test_one_step_is_a_price(seed: int) -> None:
    """One step without a limit gives the bytes of a plan with one price."""
    assert answer(loaded(with_single_steps(seed))) == answer(loaded(document(seed)))


def paid(plan: Plan, kind: str) -> float:
    """Return what all streams or offers cost, each unit at the price of its own step, from the sums alone."""
    part = {"streams": plan.instance.streams, "market": plan.instance.market}[kind]
    amounts = plan.account.sent if kind == "streams" else plan.account.bought
    total = 0.0
    for owner, amount in enumerate(np.asarray(amounts).tolist()):
        own = np.flatnonzero(part.steps.owner == owner)
        limits = [0.0, *part.steps.above.value[own].tolist(), np.inf]
        price = float(part.price.value[owner, 0])
        for n, (low, high) in enumerate(pairwise(limits)):
            total += price * max(0.0, min(amount, high) - low) if amount > low else 0.0
            price += float(part.steps.surcharge.value[own[n]]) if n < len(own) else 0.0
    return total


def test_the_plan_by_hand() -> None:
    """The instance computed in its file: cost by kind, shadow price of every limit, and price at the margin."""
    plan = medalopt.solve(medalopt.load(BY_HAND))
    assert plan.certificate.optimal and plan.cost == pytest.approx(84_250, rel=1e-12)
    assert (plan.costs["supply"], plan.costs["purchases"]) == pytest.approx((12_750, 64_000))
    assert sum(plan.tables["purchases"]["cost"]) == pytest.approx(64_000)
    assert sum(plan.tables["shipments"]["cost"]) == pytest.approx(20_250)
    bound = {row.paths[0]: row.saves for row in explain_plan(plan).binding}
    expected = {f"{PHONES}[0].up_to": 350, f"{PHONES}[1].up_to": 50, f"{BARS}[0].up_to": 100, f"{BARS}[1].up_to": 100}
    assert bound == pytest.approx(expected)


def test_the_table_of_steps_is_verified(tmp_path: Path) -> None:
    """By hand: 10 and 15 t, 40 and 30 kg and nothing of the third step; a changed row is refused, from JSON and CSV."""
    instance = medalopt.load(BY_HAND)
    plan = medalopt.solve(instance)
    table = plan.price_steps
    assert table.iloc[:, 4].tolist() == pytest.approx([10, 15, 40, 30, 0])
    assert table.iloc[:, -1].tolist() == pytest.approx([3_000, 9_750, 32_000, 27_000, 0])
    for name in ("plan.json", "folder"):
        plan.save(tmp_path / name)
        assert not verify_plan(instance, read_saved_plan(tmp_path / name)).broken
    said = json.loads((tmp_path / "plan.json").read_text())
    right = said["price_steps"]
    changes: list[dict[str, object]] = [
        {"quantity": 9.0},
        {"cost": 3_001.0},
        {"price": 301.0},
        {"up_to": None},
        {"step": 7},
    ]
    for wrong in (right[1:], [*right, right[0]], *([{**right[0], **one}, *right[1:]] for one in changes)):
        (tmp_path / "wrong.json").write_text(json.dumps({**said, "price_steps": wrong, "digests": {}}))
        broken = verify_plan(instance, read_saved_plan(tmp_path / "wrong.json")).broken
        assert any(one.path.startswith("price_steps") for one in broken)


@pytest.mark.parametrize("seed", range(20))
def test_each_unit_costs_its_own_step_and_both_ways_agree(seed: int) -> None:
    """Of random instances with rising prices the cost is that of the steps, and the decomposition agrees."""
    instance = loaded(with_price_steps(seed))
    plan = pool.solved(instance)
    pool.assert_decomposition_agrees(instance, plan)
    if plan is not None and not any(part.price.shape[1] > 1 for part in (instance.streams,)):
        assert plan.certificate.optimal
        assert plan.costs["supply"] == pytest.approx(paid(plan, "streams"), abs=1e-9 * max(1.0, abs(plan.cost)))


@pytest.mark.parametrize("seed", range(8))
def test_falling_prices_are_not_taken_before_their_step(seed: int) -> None:
    """Of random instances with falling prices the cost is that of the steps, above the certified bound."""
    instance = loaded(with_falling_prices(seed))
    plan = pool.solved(instance)
    pool.assert_decomposition_agrees(instance, plan)
    if plan is not None:
        assert plan.certificate.feasible and plan.certificate.lower_bound <= plan.cost + 1e-6
        assert plan.costs["supply"] == pytest.approx(paid(plan, "streams"), abs=1e-9 * max(1.0, abs(plan.cost)))


def test_scale_of_money_and_amounts() -> None:
    """With all money 8 times as high, so is the cost; with all amounts doubled it is twice as high."""
    instance = medalopt.load(BY_HAND)
    plan, dearer = pool.solved(instance), pool.solved(times(instance, MONEY, 8))
    doubled = changed(times(instance, AMOUNTS, 2), "medals", count=2 * instance.medals.count)
    more = pool.solved(doubled)
    assert plan is not None and dearer is not None and more is not None
    assert dearer.cost == pytest.approx(8 * plan.cost, rel=1e-12)
    assert more.cost == pytest.approx(2 * plan.cost, rel=1e-12)


def test_all_steps_are_scaled() -> None:
    """A share scales the prices of all steps, and no limit."""
    instance = medalopt.load(BY_HAND, {BARS: "90 %", PHONES: "*2"})
    assert instance.market.price.value[0, 0] == 720 and instance.streams.price.value[0, 0] == 600
    assert [kind.get_steps(instance).surcharge.value.tolist() for kind in STEP_KINDS] == [[700, np.inf], [90, 180]]
    assert [kind.get_steps(instance).above.value.tolist() for kind in STEP_KINDS] == [[10, 25], [40, 70]]


def test_a_last_limit_is_part_of_a_conflict() -> None:
    """Where all that can be had does not suffice, the proof holds, and repairs raise the limits of last steps."""
    changes = {BARS: "[{up_to: 40, price: 800}, {up_to: 70, price: 900}]", "market.grain.limit": "1 kg"}
    with pytest.raises(NoPlanError) as caught:
        medalopt.solve(medalopt.load(BY_HAND, changes))
    assert caught.value.proof is not None and caught.value.proof.holds


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("[{up_to: 40, price: 800}, {up_to: 40, price: 900}]", "must rise"),
        ("[{price: 800}, {up_to: 40, price: 900}]", "only the last step"),
        ("[{up_to: 40}, {price: 900}]", "price"),
        ("[{up_to: 0, price: 8}, {price: 900}]", "more than 0"),
        (f"[{', '.join(f'{{up_to: {n + 1}, price: {n}}}' for n in range(21))}]", "at most 20"),
    ],
)
@pytest.mark.parametrize("path", [BARS, PHONES])
def test_wrong_steps_are_refused(path: str, steps: str, said: str) -> None:
    """Each fault of the steps of an offer or a stream is one error at its path."""
    with pytest.raises(InputError) as caught:
        medalopt.load(BY_HAND, {path: steps})
    assert any(said in fault.message and fault.path.startswith(path) for fault in caught.value.faults)


def test_a_step_without_any_value_is_refused(tmp_path: Path) -> None:
    """An empty step is no absent one, neither in a file nor in a change; an empty limit of the last step is one."""
    for step in ("{}", "{price: }", "{up_to: null, price: null}"):
        steps = f"[{{up_to: 10 t, price: 300}}, {step}]"
        text = BY_HAND.read_text().replace("[{up_to: 10 t, price: 300 EUR/t}, {up_to: 25 t, price: 650 EUR/t}]", steps)
        (tmp_path / "steps.yaml").write_text(text)
        for path, changes in ((tmp_path / "steps.yaml", {}), (BY_HAND, {PHONES: steps})):
            with pytest.raises(InputError, match="step 2 has no `price`") as caught:
                medalopt.load(path, changes)
            assert len(caught.value.faults) == 1
    open_ended = medalopt.load(BY_HAND, {PHONES: "[{up_to: 10 t, price: 300}, {up_to: null, price: 650}]"})
    assert len(open_ended.streams.steps.owner) == 1


@pytest.mark.parametrize("step", ["up_to: 40, price: [800, 900]", "up_to: [40, 50], price: 800"])
def test_a_list_by_period_inside_a_step_is_one_error(step: str, tmp_path: Path) -> None:
    """A step whose value is a list is not also said to lack this value; in a change the message names the step."""
    (tmp_path / "steps.yaml").write_text(BY_HAND.read_text().replace("up_to: 10 t, price: 300 EUR/t", step))
    for path, changes in ((tmp_path / "steps.yaml", {}), (BY_HAND, {PHONES: f"[{{{step}}}, {{price: 900}}]"})):
        with pytest.raises(InputError) as caught:
            medalopt.load(path, changes)
        (fault,) = caught.value.faults
        assert fault.path.startswith(PHONES) and "found a list" in fault.message


def test_extensions_do_not_hold_the_cost_of_steps() -> None:
    """A row on the total cost holds variables of price steps, and is refused."""

    def extend(model: object, instance: object) -> None:
        import pyomo.core as pyo

        model.most = pyo.Constraint(expr=model.cost <= 90_000)  # type: ignore[attr-defined]

    with pytest.raises(UsageError, match="price steps"):
        medalopt.solve(medalopt.load(BY_HAND), extensions=[extend])
