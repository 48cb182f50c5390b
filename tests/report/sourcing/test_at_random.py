"""On random instances: what documents order is what the plan costs, and whole loads keep every rule."""

import json
from pathlib import Path

import pytest
from tests.random_instances import from_seed

from medalopt import load, solve
from medalopt.analysis.sourcing.whole_loads import plan_whole_loads
from medalopt.plan.schema import SavedPlan
from medalopt.proof.certificate import sum_absolute_costs
from medalopt.proof.verdict import verify_plan
from medalopt.report.render.json import render_report_json
from medalopt.report.sourcing.plan_report import build_plan_report


@pytest.mark.parametrize("seed", [1, 2, 4, 6, 10, 11])  # which have a plan
def test_documents_and_loads(seed: int, tmp_path: Path) -> None:
    """All documents and the own account come to the cost; in half tonnes the proof accepts the plan anew."""
    path = tmp_path / "instance.yaml"
    path.write_text(from_seed(seed), encoding="utf-8")
    plan = solve(load(path))
    said = build_plan_report(plan)
    orders = next((table for table in said.tables if table.key == "orders"), None)
    ordered = sum(float(row[4]) for row in orders.rows) if orders else 0.0  # type: ignore[arg-type]
    own = sum(plan.costs[kind] for kind in ("holding", "sales", "scrap"))
    assert ordered + own == pytest.approx(plan.cost, abs=1e-8 * max(1.0, sum_absolute_costs(plan.account, "cost")))
    found = plan_whole_loads(plan, 0.5)
    saved = SavedPlan.model_validate(json.loads(render_report_json(build_plan_report(found.plan, found))))
    assert verify_plan(plan.instance, saved).accepted
    assert found.extra >= -1e-6 * max(1.0, abs(plan.cost))
