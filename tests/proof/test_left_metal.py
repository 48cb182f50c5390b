"""Verification of metal left with the smelters: a saved plan states it by line and period, and no other is accepted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.model.cases import ROOT

import medalopt
from medalopt.instance.arithmetic import EXACT_ARITHMETIC, FLOAT_ARITHMETIC, INTERVAL_ARITHMETIC
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.routes import build_routes
from medalopt.plan.plan import Plan
from medalopt.plan.reader import read_saved_plan
from medalopt.plan.schema import SavedPlan
from medalopt.proof.certificate import certify_plan
from medalopt.proof.verdict import verify_plan
from medalopt.report.atomic_write import write_folder
from medalopt.report.render.csv import render_csv_folder
from medalopt.report.render.json import build_plan_object, render_json

BY_HAND = ROOT / "tests" / "planted" / "instances" / "left_metal.yaml"


@cache
def planned() -> Plan:
    """Return the plan of the instance with its arithmetic in the file."""
    return medalopt.solve(medalopt.load(BY_HAND))


def saved() -> dict[str, Any]:
    """Return the plan as it is saved."""
    content: dict[str, Any] = json.loads(render_json(build_plan_object(planned())))
    return content


def test_the_plan_by_hand() -> None:
    """Cost, metal left by line and month, and its price agree with hand computation."""
    plan = planned()
    assert plan.certificate.basis == "proven"
    assert plan.cost == pytest.approx(-1001.5, rel=1e-12)
    assert plan.costs["sales"] == pytest.approx(-1060, rel=1e-12)
    assert plan.costs["refining"] == pytest.approx(40, rel=1e-12)
    of_line = {(row["terms"], row["metal"], row["period"]): (row["kg"], row["revenue"]) for row in saved()["left"]}
    boards, phones = (f"smelters.near.terms.{line}" for line in ("boards", "phones"))
    assert of_line == {
        (boards, "Ag", "2"): (2, 80),
        (phones, "Ag", "1"): (5, 300),
        (phones, "Ag", "2"): (3, 180),
        (phones, "Pd", "2"): (0.5, 500),
    }
    rows = {(row["metal"], row["period"]): row for row in saved()["metals"]}
    assert [rows["Ag", t]["called_back"] for t in "12"] == [5, 3]
    assert all(row["surplus"] == row["returned"] - row["called_back"] for row in rows.values())


def test_it_is_accepted_as_it_was_saved(tmp_path: Path) -> None:
    """Saved as JSON or CSV folder, with a table of metal left, the plan is accepted; other plans have no such table."""
    plan = planned()
    assert verify_plan(plan.instance, SavedPlan.model_validate(saved())).accepted
    write_folder(tmp_path / "plan", render_csv_folder(plan))
    read = read_saved_plan(tmp_path / "plan")
    assert isinstance(read, SavedPlan) and verify_plan(plan.instance, read).accepted
    other = build_plan_object(medalopt.solve(medalopt.load(ROOT / "instances" / "tiny.yaml")))
    assert "left" not in other and "called_back" not in next(iter(other["metals"]))


def _edited(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["left"][0].update(values)


def _called_back(content: dict[str, Any]) -> None:
    content["metals"][0]["called_back"] += 1


def _more_surplus(content: dict[str, Any]) -> None:
    content["metals"][0]["surplus"] += 1


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        (_edited(kg=3.0), "surplus.Ag.2"),
        (_edited(kg=-2.0), "left"),
        (_edited(kg=6.0), "left_most"),
        (_edited(revenue=81.0), "left.revenue"),
        (_edited(period="1"), "left.revenue"),
        (_edited(terms="smelters.far"), "smelters.far"),
        (_called_back, "metals.Ag.called_back, 1"),
        (_more_surplus, "balance"),
        (lambda content: content.update(left=[]), "metals.Ag.called_back, 1"),
    ],
)
def test_no_other_amount_is_accepted(edit: Callable[[dict[str, Any]], None], path: str) -> None:
    """Any other amount left, payment, period or line of terms is refused."""
    content = saved()
    edit(content)
    found = verify_plan(planned().instance, SavedPlan.model_validate(content))
    assert any(path in broken.path for broken in found.broken), [broken.path for broken in found.broken]


def test_other_instances_leave_nothing() -> None:
    """A row of metal left in the plan of an instance that leaves none is refused."""
    instance = medalopt.load(ROOT / "instances" / "tiny.yaml")
    content = json.loads(render_json(build_plan_object(medalopt.solve(instance))))
    content["left"] = [{"terms": "smelters.near", "metal": "Ag", "period": "2017-04", "kg": 1.0, "revenue": 0.0}]
    found = verify_plan(instance, SavedPlan.model_validate(content))
    assert any("left: the row smelters.near" in broken.text for broken in found.broken)


@pytest.mark.parametrize(
    "arithmetic", [FLOAT_ARITHMETIC, EXACT_ARITHMETIC, INTERVAL_ARITHMETIC], ids=lambda one: one.name
)
def test_all_arithmetics_prove_it(arithmetic: Any) -> None:
    """The bound equals the objective in floats, fractions and intervals, and not without the prices of the rows."""
    plan = planned()
    bounds = compute_bounds(plan.instance, build_routes(plan.instance))
    assert certify_plan(plan.account, bounds, plan.duals, "cost", arithmetic).optimal
    without = {name: rows for name, rows in plan.duals.items() if name != "left_most"}
    assert any(plan.duals["left_most"].values())
    assert not certify_plan(plan.account, bounds, without, "cost", arithmetic).optimal


def test_what_is_left_is_a_number() -> None:
    """NaN among metal left gives neither 0 violation nor a finite gap."""
    plan = planned()
    wrong = replace(plan.account.decisions, left=plan.account.decisions.left * np.nan)
    bounds = compute_bounds(plan.instance, build_routes(plan.instance))
    found = certify_plan(replace(plan.account, decisions=wrong), bounds, plan.duals, "cost")
    assert np.isnan(found.primal_violation) and not found.optimal
