"""On random instances orders sum to the cost of the plan, and whole loads satisfy all constraints."""

import json

import pytest
from tests.laws import pool

from medalopt.analysis.sourcing.whole_loads import plan_whole_loads
from medalopt.plan.schema import SavedPlan
from medalopt.proof.certificate import sum_absolute_costs
from medalopt.proof.verdict import verify_plan
from medalopt.report.render.json import render_report_json
from medalopt.report.sourcing.plan_report import build_plan_report


@pytest.mark.parametrize("number", range(6))
def test_documents_and_loads(number: int) -> None:
    """Documents and internal items sum to the cost; a plan in half tonnes is verified."""
    plan = pool.plan(pool.solvable(number))
    assert plan is not None
    said = build_plan_report(plan)
    orders = next((table for table in said.tables if table.key == "orders"), None)
    ordered = sum(float(row[4]) for row in orders.rows) if orders else 0.0  # type: ignore[arg-type]
    own = sum(plan.costs[kind] for kind in ("holding", "scrap"))
    assert ordered + own == pytest.approx(plan.cost, abs=1e-8 * max(1.0, sum_absolute_costs(plan.account, "cost")))
    found = plan_whole_loads(plan, 0.5)
    saved = SavedPlan.model_validate(json.loads(render_report_json(build_plan_report(found.plan, found))))
    assert verify_plan(plan.instance, saved).accepted
    assert found.extra >= -1e-6 * max(1.0, abs(plan.cost))
