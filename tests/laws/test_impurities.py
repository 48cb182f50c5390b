"""Impurities: conditions that no feed meets have no effect; a plan by hand; direct solve and decomposition agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.cli.runs import here
from tests.laws import pool
from tests.laws.answer import answer
from tests.model.cases import ROOT, loaded
from tests.random_instances import Document, document, with_impurities

import medalopt
from medalopt.analysis.explain.explanation import explain_plan
from medalopt.errors import InputError
from medalopt.plan.reader import read_saved_plan
from medalopt.proof.verdict import verify_plan
from medalopt.report.render.json import build_plan_object, render_json
from medalopt.report.solve_tables import build_impurity_table

BY_HAND = ROOT / "tests" / "planted" / "instances" / "impurities.yaml"
CONDITIONS = ("refuse", "penalties", "limits")


def stated(seed: int, **conditions: Document) -> Document:
    """Return the random instance with these conditions of every smelter in place of its own."""
    content = with_impurities(seed)
    for smelter in content.get("smelters", {}).values():
        for terms in (smelter, *smelter.get("terms", {}).values()):
            for name in CONDITIONS:
                terms.pop(name, None)
        smelter |= conditions
    return content


@pytest.mark.parametrize("seed", range(6))
def test_conditions_without_effect_are_none(seed: int) -> None:
    """Limits of 100 %, penalties of 0 and refusals above all matter give the bytes of a plan without them."""
    none = {"above": "1 g/t", "charge": 0, "per": "1 %"}
    idle = stated(seed, limits={"Sb": "100 %"}, penalties={"Sb": none, "Hg": [none, none]}, refuse={"Hg": "100 %"})
    content = stated(seed)
    assert answer(loaded(idle)) == answer(loaded(content))
    without = {key: part for key, part in content.items() if key != "impurities"}
    for part in (*content["devices"].values(), *content.get("treatments", {}).values()):
        for field in ("content", "recovery"):
            if isinstance(part.get(field), dict):
                part[field] = {name: value for name, value in part[field].items() if name not in ("Sb", "Hg")}
    assert answer(loaded(idle)) == answer(loaded(without))


def test_the_plan_by_hand() -> None:
    """The instance computed in its file: optimum, mean content, and the cost of each condition."""
    plan = medalopt.solve(medalopt.load(BY_HAND))
    assert plan.certificate.optimal and plan.certificate.basis == "proven"
    assert plan.cost == pytest.approx(2566, rel=1e-12)
    bound = {row.paths[0]: row for row in explain_plan(plan).binding}["smelters.far.limits.Sb"]
    by = 1e-4
    less = plan.cost - medalopt.solve(medalopt.load(BY_HAND, {"smelters.far.limits.Sb": f"{1.5 + by} kg/t"})).cost
    assert bound.unit == "kg/t" and bound.saves == pytest.approx(less / by, rel=1e-3)
    feed, content = plan.account.feed[:, 0], plan.account.impurity[:, :, 0]
    assert content[0] / feed[0] == pytest.approx([0, 1.5]) and content[1] / feed[1] == pytest.approx([0.01, 2])
    assert plan.account.costs["smelting"].sum() == pytest.approx(50 * 1.6 + 60 * 2)
    for path, free, cost in (
        ("smelters.far.refuse.Hg", "20 g/t", 1278),  # equal is accepted
        ("smelters.near.penalties.Sb.charge", "0 JPY/t", 2426),  # board of 10 in place of old phone of 20
        ("smelters.far.limits.Sb", "100 %", 520),  # 2 t of old phone, and 8 t of board to `far` at 60
    ):
        other = medalopt.solve(medalopt.load(BY_HAND, {path: free}))
        assert other.cost == pytest.approx(cost, rel=1e-12), path


@pytest.mark.parametrize("seed", range(16))
def test_both_ways_agree(seed: int) -> None:
    """The decomposition finds the same optimum, or neither finds a plan, and every mean content is within its limit."""
    instance = loaded(with_impurities(seed))
    plan = pool.solved(instance)
    if not instance.lots:
        pool.assert_decomposition_agrees(instance, plan)
    if plan is not None:
        most = np.where(np.isfinite(instance.impurities.limit.value), instance.impurities.limit.value, 1000)
        allowed = most[:, :, None] * plan.account.feed[:, None, :]
        assert (plan.account.impurity <= allowed * (1 + 1e-9) + 1e-9).all()


def test_a_feed_that_all_refuse_is_reported() -> None:
    """A feed that no smelter accepts draws a warning with the element and both contents; equal is accepted."""
    changes = {"smelters.near.refuse.Hg": "19.9 g/t"}
    told = [fault.message for fault in medalopt.load(BY_HAND, changes).warnings if "refuses" in fault.message]
    assert len(told) == 1 and "0.02 kg/t of mercury" in told[0] and "0.0199 kg/t (`near`)" in told[0]
    for most in ("20 g/t", "21 g/t"):
        assert not medalopt.load(BY_HAND, {"smelters.near.refuse.Hg": most}).warnings


def test_metals_and_faults() -> None:
    """A metal may be limited without an entry of its own; an impurity with the symbol of a metal is an error."""
    instance = medalopt.load(BY_HAND, {"smelters.near.limits.Ag": "0.9 kg/t"})
    assert medalopt.solve(instance).account.feed[1].sum() == 0  # each tonne holds 1 kg of silver
    with pytest.raises(InputError, match="is a metal"):
        medalopt.load(BY_HAND, {"impurities.Ag.title": "silver"})
    with pytest.raises(InputError, match="no metal or impurity is called `Pb`"):
        medalopt.load(BY_HAND, {"smelters.near.refuse.Pb": "1 kg/t"})


def test_the_content_of_feed_is_in_the_plan_and_checked(tmp_path: Path) -> None:
    """Each smelter, period and element has feed, content and limit; an altered row, and one left out, are rejected."""
    instance = medalopt.load(BY_HAND)
    plan = medalopt.solve(instance)
    table = build_plan_object(plan)["feed_content"]
    shown = build_impurity_table(plan).rows
    assert [(row["smelter"], row["period"], row["feed"], row["content"], row["limit"]) for row in table] == [
        (row[0], row[1], *(pytest.approx(value) for value in row[3:6])) for row in shown
    ]
    assert any(row["limit"] is not None for row in table)
    saved = tmp_path / "plan.json"
    for change, accepted in (
        (lambda rows: rows, True),
        (lambda rows: rows[1:], False),
        (lambda rows: [rows[0] | {"content": 2 * rows[0]["content"]}, *rows[1:]], False),
        (lambda rows: [rows[0] | {"limit": 7.0}, *rows[1:]], False),
    ):
        content = build_plan_object(plan)
        content["feed_content"] = change(content["feed_content"])
        saved.write_text(render_json(content), encoding="utf-8")
        assert verify_plan(instance, read_saved_plan(saved)).accepted == accepted
    without = loaded(document(2))
    assert "feed_content" not in build_plan_object(medalopt.solve(without))


@pytest.mark.parametrize("ending", ("", ".xlsx"))
def test_the_content_of_feed_is_read_back(ending: str, tmp_path: Path) -> None:
    """As a folder of CSV and as a workbook a plan with and without limits on its feed is valid."""
    plan = tmp_path / f"plan{ending}"
    assert here("plan", str(BY_HAND), "--brief", "-o", str(plan)).code == 0
    assert here("verify", str(plan), str(BY_HAND)).code == 0
