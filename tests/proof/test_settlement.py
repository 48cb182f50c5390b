"""Verification of pooled lots: a saved plan states the metal withheld, and no other amount is accepted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.model.cases import ROOT, loaded
from tests.random_instances import with_pools

import medalopt
from medalopt.errors import NoPlanError
from medalopt.instance.arithmetic import EXACT_ARITHMETIC, FLOAT_ARITHMETIC, INTERVAL_ARITHMETIC
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.plan.plan import Plan
from medalopt.plan.reader import read_saved_plan
from medalopt.plan.schema import SavedPlan
from medalopt.proof.certificate import certify_plan
from medalopt.proof.verdict import verify_plan
from medalopt.report.atomic_write import write_folder
from medalopt.report.render.csv import render_csv_folder
from medalopt.report.render.json import build_plan_object, render_json


@cache
def planned() -> tuple[Instance, Plan]:
    """Return an instance in which a pooled lot withholds metal, and its plan."""
    instance = medalopt.load(ROOT / "tests" / "planted" / "instances" / "pooled.yaml")
    return instance, medalopt.solve(instance)


def saved() -> dict[str, Any]:
    """Return the plan as it is saved."""
    content: dict[str, Any] = json.loads(render_json(build_plan_object(planned()[1])))
    return content


def test_a_plan_of_pooled_lots_is_accepted_as_it_was_saved(tmp_path: Path) -> None:
    """Saved as JSON or CSV folder, with a table of withheld metal, the plan is accepted."""
    instance, plan = planned()
    content = saved()
    assert {(row["terms"], row["metal"], row["period"]) for row in content["withheld"]} == {
        ("smelters.near", "Ag", "1"),
        ("smelters.near", "Pd", "1"),
    }
    assert verify_plan(instance, SavedPlan.model_validate(content)).accepted
    write_folder(tmp_path / "plan", render_csv_folder(plan))
    read = read_saved_plan(tmp_path / "plan")
    assert isinstance(read, SavedPlan) and verify_plan(instance, read).accepted
    assert "withheld" not in build_plan_object(medalopt.solve(medalopt.load(ROOT / "instances" / "tiny.yaml")))


def _scaled(factor: float) -> Callable[[dict[str, Any]], None]:
    def edit(content: dict[str, Any]) -> None:
        for row in content["withheld"]:
            row["kg"] *= factor

    return edit


def _gone(content: dict[str, Any]) -> None:
    content["withheld"] = []


def _elsewhere(content: dict[str, Any]) -> None:
    content["withheld"][0]["period"] = "2"


def _of_another(content: dict[str, Any]) -> None:
    content["withheld"][0]["terms"] = "smelters.far"


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        (_scaled(0.9), "withheld_least"),
        (_scaled(1.5), "withheld_most"),
        (_scaled(-1.0), "withheld"),
        (_scaled(1e6), "withheld_all"),
        (_gone, "withheld_least"),
        (_elsewhere, "withheld"),
        (_of_another, "smelters.far"),
    ],
)
def test_no_other_amount_is_accepted(edit: Callable[[dict[str, Any]], None], path: str) -> None:
    """Any other withheld amount, period or smelter is refused."""
    content = saved()
    edit(content)
    found = verify_plan(planned()[0], SavedPlan.model_validate(content))
    assert any(path in broken.path for broken in found.broken), [broken.path for broken in found.broken]


@pytest.mark.parametrize(
    "arithmetic", [FLOAT_ARITHMETIC, EXACT_ARITHMETIC, INTERVAL_ARITHMETIC], ids=lambda one: one.name
)
def test_all_arithmetics_prove_it(arithmetic: Any) -> None:
    """The bound equals the objective in floats, fractions and intervals."""
    instance, plan = planned()
    found = certify_plan(plan.account, compute_bounds(instance, build_routes(instance)), plan.duals, "cost", arithmetic)
    assert found.optimal and plan.certificate.basis == "proven"


@cache
def solve_pooled(seed: int) -> Plan | None:
    """Return the plan of a random instance with pooled lots; None if proven infeasible."""
    try:
        plan = medalopt.solve(loaded(with_pools(seed)))
    except NoPlanError as error:
        assert error.proof is not None and error.proof.holds
        return None
    assert plan.certificate.optimal
    return plan


@pytest.mark.parametrize("rule", ["withheld_least", "withheld_most", "withheld_all"])
def test_each_price_is_needed(rule: str) -> None:
    """For each kind of row some random instance cannot be verified without its prices."""
    needed = False
    for seed in range(32):
        plan = solve_pooled(seed)
        if plan is not None and any(plan.duals.get(rule, {}).values()):
            duals = {name: rows for name, rows in plan.duals.items() if name != rule}
            bounds = compute_bounds(plan.instance, build_routes(plan.instance))
            needed |= not certify_plan(plan.account, bounds, duals, "cost", FLOAT_ARITHMETIC).optimal
    assert needed


def test_what_is_withheld_is_a_number() -> None:
    """NaN among withheld metal gives neither 0 violation nor a finite gap."""
    instance, plan = planned()
    wrong = replace(plan.account.decisions, withheld=plan.account.decisions.withheld * np.nan)
    found = certify_plan(
        replace(plan.account, decisions=wrong), compute_bounds(instance, build_routes(instance)), plan.duals, "cost"
    )
    assert np.isnan(found.primal_violation) and not found.optimal


def test_accounts_of_pooled_lots_add_up() -> None:
    """Costs and metal returned by route add up to the accounts of the plan."""
    for seed in range(12):
        plan = solve_pooled(seed)
        if plan is None:
            continue
        account, found = plan.account, plan.account.routes
        kinds = ("supply", "collection", "treatment", "transport", "smelting", "refining", "residue")
        spent = sum(account.costs[kind].sum() for kind in kinds)
        size = sum(abs(account.costs[kind]).sum() for kind in kinds)
        assert account.shipment_costs.sum() == pytest.approx(spent, rel=0, abs=1e-9 * max(1.0, size))
        every = np.arange(len(found))
        for e in range(len(plan.instance.metals.names)):
            back = found.returned[:, e, None] * account.decisions.sent * account.compute_settled_share(every, e)
            late = plan.instance.smelters.lead[found.smelter, e][:, None] + np.arange(back.shape[1])[None, :]
            in_time = np.where(late < back.shape[1], back, 0).sum()
            assert in_time == pytest.approx(account.returned[:, e].sum(), rel=1e-9, abs=1e-9)
