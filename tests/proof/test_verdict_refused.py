"""A saved proof of infeasibility is accepted as written, and every change in it is found."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.model.cases import at_random

import medalopt
from medalopt.errors import InputError, NoPlanError
from medalopt.instance.instance import Instance
from medalopt.plan.reader import read_saved_plan
from medalopt.plan.schema import SavedInfeasibility, SavedPlan
from medalopt.proof.certificate import COMPILED_SCOPE, InfeasibilityProof
from medalopt.proof.verdict import InfeasibilityVerdict, _check_proof_claims, verify_infeasibility, verify_plan
from medalopt.report.render.json import build_no_plan_object, build_plan_object, render_json
from medalopt.report.render.text import render_report_text
from medalopt.report.verify import _build_recheck_object, build_recheck_report

INSTANCES = Path(__file__).parents[2] / "instances"
Edit = Callable[[dict[str, Any]], None]


def refused(instance: Instance) -> str | None:
    """Return the saved proof of infeasibility, None if a plan exists."""
    try:
        medalopt.solve(instance)
    except NoPlanError as error:
        return render_json(build_no_plan_object(instance, error.status, "cost", error.proof))
    return None


@cache
def shipped() -> tuple[Instance, str]:
    """Return the shipped instance without a plan, and its saved answer."""
    instance = medalopt.load(INSTANCES / "infeasible.yaml")
    answer = refused(instance)
    assert answer is not None
    return instance, answer


def judged(instance: Instance, content: dict[str, Any]) -> InfeasibilityVerdict:
    """Return the violations of a saved proof with `content`."""
    return verify_infeasibility(instance, SavedInfeasibility.model_validate(content))


def test_what_was_written_is_accepted(tmp_path: Path) -> None:
    """The proof of the shipped and of every infeasible random instance is accepted with the same margin."""
    instances = [shipped()[0], *(at_random(seed) for seed in range(40))]
    answers = [(instance, refused(instance)) for instance in instances]
    assert sum(answer is not None for _, answer in answers) >= 14
    for instance, answer in answers:
        if answer is not None:
            (tmp_path / "answer.json").write_text(answer, encoding="utf-8")
            saved = read_saved_plan(tmp_path / "answer.json")
            assert isinstance(saved, SavedInfeasibility)
            found = verify_infeasibility(instance, saved)
            assert found.accepted and found.proof.margin == json.loads(answer)["proof"]["margin"]


def _first(member: str, value: Any) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        content["proof"]["duals"][0][member] = value

    return edit


def _each(change: Callable[[float], float]) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        for row in content["proof"]["duals"]:
            row["value"] = change(row["value"])

    return edit


def _only(rule: str) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        content["proof"]["duals"] = [row for row in content["proof"]["duals"] if row["rule"] == rule]

    return edit


TAMPERED: dict[str, tuple[Edit, str]] = {
    "a price of the other sign": (_first("value", 1.0), "no contradiction"),
    "a price far off": (_first("value", -1e-3), "prove only 1.2018"),
    "all prices turned round": (_each(lambda value: -value), "no contradiction"),
    "all prices alike": (_each(lambda value: 1.0), "no contradiction"),
    "no multipliers left": (lambda content: content["proof"].update(duals=[]), "no contradiction"),
    "one rule alone": (_only("demand"), "no contradiction"),
    "a larger margin": (lambda content: content["proof"].update(margin=3.0), "margin 3, but the Farkas multipliers"),
    "another metal": (_first("key", ["Xx", "2017-04"]), "balance[Xx, 2017-04] is of no rule"),
    "a name too few": (_first("key", ["Ag"]), "balance[Ag] is of no rule"),
    "a rule there is not": (_first("rule", "wish"), "wish[Ag, 2017-04] is of no rule"),
    "a row twice": (
        lambda content: content["proof"]["duals"].append(content["proof"]["duals"][0]),
        "balance[Ag, 2017-04] comes twice",
    ),
    "no proof": (lambda content: content.pop("proof"), "without Farkas multipliers"),
    "other figures": (
        lambda content: content["instance"].update(figures="0" * 64),
        "computed from other parameter values",
    ),
    "rows of one's own": (
        lambda content: content["proof"].update(scope=COMPILED_SCOPE),
        "saved scope 'instance and extensions as compiled', recomputed 'instance'",
    ),
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_what_is_changed_is_caught(kind: str) -> None:
    """Each kind of change is refused, with a text that names it."""
    edit, said = TAMPERED[kind]
    instance, answer = shipped()
    content = json.loads(answer)
    edit(content)
    found = judged(instance, content)
    assert not found.accepted
    assert any(said in broken.text for broken in found.broken), found.broken


def test_rows_that_were_added_are_checked_too(tmp_path: Path) -> None:
    """More phones than there are: refuted with the added row in the file; with another end of it, or without, not."""
    (tmp_path / "own.py").write_text(
        "import pyomo.environ as pyo\n"
        "def extend(m, instance):\n"
        "    m.more = pyo.Constraint(expr=m.sent_device['phone'] >= 2100)\n",
        encoding="utf-8",
    )
    instance = medalopt.load(INSTANCES / "tiny.yaml")
    with pytest.raises(NoPlanError) as refusal:
        medalopt.solve(instance, extensions=[tmp_path / "own.py"])
    answer = render_json(build_no_plan_object(instance, "infeasible", "cost", refusal.value.proof))
    right = judged(instance, json.loads(answer))
    assert right.accepted and _build_recheck_object(right)["scope"] == "instance and 1 added row"
    assert "valid: no feasible plan exists that satisfies the instance and 1 added row." in render_report_text(
        build_recheck_report(right, "answer.json")
    )
    lowered, without = json.loads(answer), json.loads(answer)
    lowered["added_rows"][0]["lower"] = 10.0
    assert [broken.path for broken in judged(instance, lowered).broken] == ["proof.duals"]
    without["added_rows"] = []
    assert {broken.path for broken in judged(instance, without).broken} == {"more", "proof.duals"}


@pytest.mark.parametrize("kind", ["a smaller margin", "another arithmetic", "other reasons", "extremes"])
def test_what_the_proof_does_not_rest_on_is_not_believed(kind: str) -> None:
    """The multipliers alone decide; margin, arithmetic and reasons of the file are not used."""
    instance, answer = shipped()
    content = json.loads(answer)
    edits: dict[str, Edit] = {
        "a smaller margin": lambda content: content["proof"].update(margin=-1.0),
        "another arithmetic": lambda content: content["proof"].update(arithmetic="by heart"),
        "other reasons": lambda content: content.update(diagnosis="the stars"),
        "extremes": lambda content: content["proof"]["duals"].append(
            {"rule": "demand", "key": ["silver_999", "2017-07"], "value": 5e-324}
        ),
    }
    edits[kind](content)
    found = judged(instance, content)
    assert found.accepted and found.proof.margin == 1.65


def test_a_plan_called_infeasible_is_not_accepted(tmp_path: Path) -> None:
    """A right plan with status `infeasible` is refused, also with its prices as multipliers."""
    instance = medalopt.load(INSTANCES / "tiny.yaml")
    content = build_plan_object(medalopt.solve(instance)) | {"status": "infeasible"}
    (tmp_path / "plan.json").write_text(render_json(content), encoding="utf-8")
    saved = read_saved_plan(tmp_path / "plan.json")
    assert isinstance(saved, SavedInfeasibility)
    assert [broken.path for broken in verify_infeasibility(instance, saved).broken] == ["status"]
    proof = {"arithmetic": "exact rational", "scope": "instance", "margin": 1.0, "duals": content["duals"]}
    found = judged(instance, content | {"proof": proof})
    assert [broken.path for broken in found.broken] == ["proof.duals"]


def test_an_infeasible_answer_called_optimal_is_no_plan(tmp_path: Path) -> None:
    """Without decisions it has not the form of a plan."""
    (tmp_path / "plan.json").write_text(shipped()[1].replace('"infeasible",', '"optimal",', 1), encoding="utf-8")
    with pytest.raises(InputError, match="shipments"):
        read_saved_plan(tmp_path / "plan.json")


def test_names_of_a_plans_prices_that_fit_no_row_are_left_out() -> None:
    """A price under a known name in the wrong place is no price: the rest still counts."""
    instance = medalopt.load(INSTANCES / "tiny.yaml")
    content = build_plan_object(medalopt.solve(instance))
    rows = [{"rule": "balance", "key": ["Ag"], "value": 1.0}, {"rule": "melt", "key": ["Ag", "2017-04"], "value": 1.0}]
    content["duals"] = [*content["duals"], *rows]
    assert verify_plan(instance, SavedPlan.model_validate(content)).accepted


def test_both_forms_of_the_verdict() -> None:
    """The verdict has a line of text, and JSON with `accepted`, `broken`, no gap, and the margin."""
    instance, answer = shipped()
    right = judged(instance, json.loads(answer))
    assert render_report_text(build_recheck_report(right, "answer.json")).splitlines() == [
        "Result is valid: no feasible plan exists.",
        "  answer.json: its Farkas multipliers prove the instance infeasible (exact rational).",
    ]
    told = _build_recheck_object(right)
    assert told["accepted"] is True and told["broken"] == [] and told["gap"] is None and told["margin"] == 1.65
    content = json.loads(answer)
    content["proof"]["duals"] = [{"rule": "wish", "key": [], "value": 1.0}] * 30
    wrong = judged(instance, content)
    lines = render_report_text(build_recheck_report(wrong, "answer.json")).splitlines()
    assert lines[0] == "Result is not valid." and len(lines) == 22
    assert "11 more (--json lists all)" in lines[-1]
    assert all(
        row.keys() == {"rule", "path", "amount", "unit", "text"} for row in _build_recheck_object(wrong)["broken"]
    )


def test_a_margin_may_be_larger_by_rounding() -> None:
    """A claimed margin may exceed the recomputed one by 1e-9 of itself and no more."""
    shown = InfeasibilityProof({}, 2.0, "exact rational", "instance")
    most = 2.0 * (1 + 1e-9)
    for margin, told in (
        (-1.0, []),
        (most, []),
        (math.nextafter(most, 3), [("proof.margin", math.nextafter(most, 3) - 2.0)]),
        (5.0, [("proof.margin", 3.0)]),
        (math.nan, [("proof.margin", pytest.approx(math.nan, nan_ok=True))]),
    ):
        proof = SimpleNamespace(scope="instance", margin=margin)
        assert [(each.path, each.amount) for each in _check_proof_claims(proof, shown)] == told
    proof = SimpleNamespace(scope="another", margin=2.0)
    assert [(each.path, each.amount) for each in _check_proof_claims(proof, shown)] == [("proof.scope", 0.0)]
    assert [(each.path, each.amount) for each in _check_proof_claims(None, shown)] == [("status", 0.0)]
    weak = InfeasibilityProof({}, -0.5, "exact rational", "instance")
    proof = SimpleNamespace(scope="instance", margin=1.0)
    assert [(each.path, each.amount) for each in _check_proof_claims(proof, weak)] == [("proof.duals", 0.5)]
    assert not InfeasibilityProof({}, 0.0, "", "").holds and InfeasibilityProof({}, 5e-324, "", "").holds
