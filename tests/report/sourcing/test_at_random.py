"""On random instances: what documents order is what the plan costs, and whole loads keep every rule."""

import json
from pathlib import Path

import pytest
from tests.random_instances import from_seed

from medalopt import load, solve
from medalopt.analysis.sourcing.rounding import rounded
from medalopt.plan.saved import SavedPlan
from medalopt.proof.certificate import paid
from medalopt.proof.verdict import verdict
from medalopt.report.sourcing.contents import contents
from medalopt.report.sourcing.jsonform import as_json


@pytest.mark.parametrize("seed", [1, 2, 4, 6, 10, 11])  # which have a plan
def test_documents_and_loads(seed: int, tmp_path: Path) -> None:
    """All documents and the own account come to the cost; in half tonnes the proof accepts the plan anew."""
    path = tmp_path / "instance.yaml"
    path.write_text(from_seed(seed), encoding="utf-8")
    plan = solve(load(path))
    said = contents(plan)
    orders = next((table for table in said.tables if table.key == "orders"), None)
    ordered = sum(float(row[4]) for row in orders.rows) if orders else 0.0  # type: ignore[arg-type]
    own = sum(plan.costs[kind] for kind in ("holding", "sales", "scrap"))
    assert ordered + own == pytest.approx(plan.cost, abs=1e-8 * max(1.0, paid(plan.account, "cost")))
    found = rounded(plan, 0.5)
    saved = SavedPlan.model_validate(json.loads(as_json(contents(found.plan, found), found.plan)))
    assert verdict(plan.instance, saved).accepted
    assert found.extra >= -1e-6 * max(1.0, abs(plan.cost))
