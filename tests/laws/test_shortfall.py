"""Medals that may be missed: a high penalty changes no plan, a low one is paid; prices, proof and both ways agree."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.laws import pool
from tests.laws.answer import answer
from tests.model.cases import ROOT, loaded
from tests.random_instances import Document, with_shortfall, with_stock

import medalopt
from medalopt import Plan
from medalopt.analysis.explain.explanation import explain_plan
from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.analysis.explain.shadow_prices import compute_cost_breakdown
from medalopt.analysis.infeasibility.diagnosis import diagnose_infeasibility
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.ranges import compute_ranges
from medalopt.analysis.sourcing.orders import allocate_payments
from medalopt.errors import InputError, NoPlanError
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.payers import compute_party_costs
from medalopt.proof.certificate import certify_plan
from medalopt.proof.rows import compute_residuals
from medalopt.proof.verdict import verify_plan
from medalopt.report.render.json import build_plan_object

BY_HAND = ROOT / "tests" / "planted" / "instances" / "shortfall.yaml"


def penalised(seed: int, penalty: str | None) -> Document:
    """Return the random instance with stock, in which every medal has this penalty."""
    content = with_stock(seed)
    for medal in content["medals"].values():
        medal |= {} if penalty is None else {"shortfall": penalty}
    return content


@pytest.mark.parametrize("seed", (0, 2, 5, 6, 10, 12))
def test_a_penalty_above_every_marginal_cost_changes_no_decision(seed: int) -> None:
    """At ten times the dearest medal none is missed, and the plan is optimal without penalties."""
    plan = medalopt.solve(loaded(penalised(seed, None)))
    dearest = max((row.value for row in plan.marginals if row.meaning == "one more medal"), default=1.0)
    other = medalopt.solve(loaded(penalised(seed, f"{10 * max(dearest, 1.0):.0f} JPY")))
    assert other.tables["shortfall"]["medal"] == [] and other.costs["shortfall"] == 0
    assert other.objective == pytest.approx(plan.objective, rel=1e-9, abs=1e-6)
    without = replace(
        other.account, instance=plan.instance, decisions=replace(other.account.decisions, missed=np.zeros(0))
    )
    assert certify_plan(without, compute_bounds(plan.instance, plan.account.routes), other.duals, "cost").optimal
    content = penalised(seed, None)
    content["medals"]["gold"]["shortfall"] = None
    assert answer(loaded(content)) == answer(plan.instance)


def test_the_plan_by_hand(tmp_path: Path) -> None:
    """Of 9 kg, 7.2 + 1.296 + 0.23328 kg can be delivered; the rest of 11 medals is missed at 120 JPY each, 2 at 60."""
    plan = medalopt.solve(medalopt.load(BY_HAND))
    assert plan.certificate.optimal and plan.certificate.basis == "proven"
    missed = 11 - (7.2 + 1.296 + 0.23328)
    holding = 9 * ((7.2 - 1) + (7.2 + 1.296 - 6))
    assert plan.account.missed.tolist() == pytest.approx([0, 2, missed, 0])
    assert plan.cost == pytest.approx(900 + holding + 120 * missed + 2 * 60)
    told = build_plan_object(plan)
    assert told["shortfall"] == [
        {"medal": "extra", "period": "2", "missed": 2.0, "cost": 120.0},
        {"medal": "late", "period": "3", "missed": pytest.approx(missed), "cost": pytest.approx(120 * missed)},
    ]
    assert {row.path: row.value for row in plan.marginals}["medals.extra.count"] == 60
    found = explain_plan(plan)
    prices = {row.path: (row.more, row.less) for row in found.marginal_prices}
    assert prices["medals.late.count"] == (pytest.approx(120), pytest.approx(120))  # one more is missed as well
    assert prices["medals.early.count"][0] == pytest.approx(120 - 9)  # waits a period less
    plan.save(tmp_path / "plan.json")
    content = json.loads((tmp_path / "plan.json").read_text())
    assert medalopt.read_plan(tmp_path / "plan.json", plan.instance).account.missed.tolist() == pytest.approx(
        plan.account.missed.tolist()
    )
    assert not _refusals(plan, content, tmp_path)


def _refusals(plan: Plan, content: dict[str, Any], folder: Path) -> tuple[str, ...]:
    """Return the rules that a saved plan breaks."""
    from medalopt.plan.reader import read_saved_plan

    (folder / "altered.json").write_text(json.dumps(content), encoding="utf-8")
    return tuple(one.rule for one in verify_plan(plan.instance, read_saved_plan(folder / "altered.json")).broken)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"missed": 2.0}, "demand"),
        ({"missed": 6.0}, "demand"),
        ({"cost": 1.0}, "cost"),
        ({"period": "2"}, "shortfall"),
        ({"medal": "sample", "period": "1"}, "demand"),
        ({"medal": "nobody"}, "shortfall"),
        ({}, "demand"),
    ],
    ids=str,
)
def test_an_altered_shortfall_is_refused(row: dict[str, Any], rule: str, tmp_path: Path) -> None:
    """Fewer or more medals missed, another penalty, period or kind, and no row at all: each breaks a rule."""
    plan = medalopt.solve(medalopt.load(BY_HAND))
    content = build_plan_object(plan)
    content["shortfall"] = [content["shortfall"][0], {**content["shortfall"][1], **row}] if row else []
    assert rule in _refusals(plan, content, tmp_path)


@pytest.mark.parametrize(("kind", "missed"), [("early", -1.0), ("early", 6.0), ("sample", 0.5)])
def test_only_medals_ordered_with_a_penalty_are_missed(kind: str, missed: float) -> None:
    """Fewer than none, more than are ordered, and one that must be made: the bound is broken by as much."""
    plan = medalopt.solve(medalopt.load(BY_HAND))
    m, values = plan.instance.medals.names.index(kind), plan.account.missed.copy()
    values[m] = missed
    account = replace(plan.account, decisions=replace(plan.account.decisions, missed=values))
    (bound,) = (
        rule
        for rule in compute_residuals(account, compute_bounds(plan.instance, account.routes))
        if rule.name == "missed"
    )
    assert bound.excess[m] == pytest.approx({"early": abs(missed) if missed < 0 else 1.0, "sample": 0.5}[kind])
    assert bound.get_worst() > 0.1


SEEDS = (0, 1, 2, 12, 16, 17, 24, 31)


@pytest.mark.parametrize("seed", SEEDS)
def test_both_ways_agree_and_prices_add_up(seed: int) -> None:
    """Both ways of solving agree; no medal is priced above its penalty, and one that is missed at it."""
    instance = loaded(with_shortfall(seed))
    plan = pool.solved(instance)
    pool.assert_decomposition_agrees(instance, plan)
    if plan is None:
        return
    medals = plan.instance.medals
    lines = compute_cost_breakdown(PlanNeighbourhood.build(plan))
    assert abs(sum(line.value for line in lines) - plan.objective) <= pool.slack(plan)
    values = {line.path: line.value for line in lines}
    for name, count, missed, penalty in zip(
        medals.names, medals.count.tolist(), plan.account.missed.tolist(), medals.shortfall.value.tolist(), strict=True
    ):
        price = values.get(f"medals.{name}.count", 0.0) / max(count, 1)
        assert price <= penalty * (1 + 1e-9)
        if missed > 1e-6:
            assert price == pytest.approx(penalty)
    assert sum(
        sum(money.sum() for money in kinds.values()) for kinds in compute_party_costs(plan.account).values()
    ) == (pytest.approx(plan.cost))
    assert float(allocate_payments(plan.account).by_kind().sum()) == pytest.approx(plan.cost)


def test_these_instances_have_teeth() -> None:
    """In at least four of them medals are missed, and in two all are made although some may be missed."""
    plans = [plan for seed in SEEDS if (plan := pool.solved(loaded(with_shortfall(seed)))) is not None]
    some = [
        bool((plan.account.missed > 1e-6).any())
        for plan in plans
        if np.isfinite(plan.instance.medals.shortfall.value).any()
    ]
    assert sum(some) >= 4 and len(some) - sum(some) >= 2


def test_ranges_of_penalty_and_count() -> None:
    """One more medal costs the penalty while one is missed; a yen more of penalty costs a yen per medal missed."""
    ranges = {row.path: row for row in compute_ranges(ScenarioRunner(BY_HAND)).rows}
    missed = 11 - (7.2 + 1.296 + 0.23328)
    penalty, count = ranges["medals.late.shortfall"], ranges["medals.late.count"]
    assert penalty.costs and penalty.price_up == pytest.approx(missed) and penalty.value == 120
    assert penalty.high == pytest.approx(170 + 9)  # then early medals are missed instead
    assert not count.costs and count.price_up == pytest.approx(120)
    assert count.low == pytest.approx(5 - missed) and count.high is None
    assert "medals.late.allowance" not in ranges  # a coefficient where medals may be missed


def test_only_medals_that_must_be_made_are_in_conflict() -> None:
    """Too little silver for those that must be made: the message asks for theirs alone, and repairs are verified."""
    instance = medalopt.load(BY_HAND, {"market.silver.limit": "1 kg"})
    with pytest.raises(NoPlanError) as caught:
        medalopt.solve(instance)
    assert caught.value.proof is not None and caught.value.proof.holds
    diagnosis = diagnose_infeasibility(instance)
    told = " ".join(reason.text for reason in diagnosis.conflict)
    assert "sample" in told and "late" not in told and "1 kg of coin" in told
    assert {repair.changes[0].path for repair in diagnosis.repairs} >= {"market.silver.limit"}


@pytest.mark.parametrize("penalty", ["-1 JPY", "5 kg", "inf JPY", "[1, 2]", "10 JPY/kg"])
def test_no_penalty_is_refused(penalty: str) -> None:
    """A negative, infinite or listed penalty and one in another unit are errors at their place."""
    content = penalised(0, penalty)
    with pytest.raises(InputError) as caught:
        loaded(content)
    assert {fault.path for fault in caught.value.faults} >= {"medals.gold.shortfall"}
