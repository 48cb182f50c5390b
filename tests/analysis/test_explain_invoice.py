"""Cost breakdown by shadow price: demand at marginal prices less rents of binding limits equals the cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.analysis.explained import explained
from tests.analysis.nearby import ROOT, explanations, offer, silver, size
from tests.laws import pool

import medalopt
from medalopt.analysis.explain.explanation import Explanation
from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.analysis.explain.shadow_prices import CostLine, compute_cost_breakdown
from medalopt.errors import NoPlanError
from medalopt.instance.bounds import compute_casting_holding_cost
from medalopt.model.build import OBJECTIVES

CASES = sorted((ROOT / "tests/conformance").glob("*.yaml"))
SHIPPED = [ROOT / f"instances/{name}.yaml" for name in ("tiny", "dantzig", "rio2016", "london2012", "steelco")]
KINDS = ("need", "supply", "capacity", "limit", "commitment", "rule", "stock")


def lines(found: Explanation) -> dict[str, CostLine]:
    """Return the invoice by path."""
    return {line.path: line for line in found.cost_breakdown}


def total(found: tuple[CostLine, ...]) -> float:
    """Return the sum of the lines."""
    return sum(line.value for line in found)


def test_an_invoice_by_hand() -> None:
    """Of 5 kg, 3 come from an offer at 10 that has no more, 2 from one at 30: 5 * 30 less a rent of 3 * (30 - 10)."""
    found = explained(silver({"cheap": offer(10, limit=3), "dear": offer(30)}, 5))
    told = lines(found)
    assert told["medals.coin.count"].value == pytest.approx(150)
    assert told["market.cheap.limit"].value == pytest.approx(-60)
    assert total(found.cost_breakdown) == pytest.approx(found.plan.cost) == pytest.approx(90)


def test_a_commitment_is_added() -> None:
    """Two kilograms contracted at 50 beside an offer at 10: 5 * 10, and 2 * (50 - 10) for the contract."""
    found = explained(silver({"cheap": offer(10), "contract": offer(50, committed=2)}, 5))
    assert lines(found)["market.contract.committed"].value == pytest.approx(80)
    assert total(found.cost_breakdown) == pytest.approx(130)


@pytest.mark.parametrize("measure", OBJECTIVES)
@pytest.mark.parametrize("path", [*CASES, *SHIPPED], ids=lambda path: path.stem if isinstance(path, Path) else path)
def test_it_adds_up_on_every_case(path: Path, measure: str) -> None:
    """On every instance of the conformance set and the shipped ones, by every measure, the lines come to it."""
    try:
        plan = medalopt.solve(medalopt.load(path), measure)
    except NoPlanError:
        return
    assert abs(total(compute_cost_breakdown(PlanNeighbourhood.build(plan))) - plan.objective) <= 1e-9 * size(plan)


def test_it_adds_up_on_random_instances() -> None:
    """On at least fifty random instances the lines come to the cost, to 1e-9 of all that is paid."""
    found = explanations()
    assert len(found) >= 50
    assert max(abs(total(one.cost_breakdown) - one.plan.objective) / size(one.plan) for one in found) <= 1e-9


def test_it_adds_up_with_castings_in_stock() -> None:
    """With castings in stock the lines sum to the cost, to 1e-9 of all payments."""
    plans = [plan for seed in range(40) if (plan := pool.stocked(seed)) is not None]
    waiting = [
        plan
        for plan in plans
        if compute_casting_holding_cost(plan.instance).ravel() @ plan.account.cast_stock.ravel() > 1
    ]
    assert len(waiting) >= 3
    assert (
        max(
            abs(total(compute_cost_breakdown(PlanNeighbourhood.build(plan))) - plan.objective) / size(plan)
            for plan in plans
        )
        <= 1e-9
    )


def test_signs() -> None:
    """Binding limits reduce the cost; commitments and participation increase it."""
    told = [line for found in explanations() for line in found.cost_breakdown]
    kinds = {kind: [line.value for line in told if line.kind == kind] for kind in KINDS}
    assert all(values for values in kinds.values())
    assert max(kinds["capacity"] + kinds["limit"]) <= 0 <= min(kinds["commitment"])
