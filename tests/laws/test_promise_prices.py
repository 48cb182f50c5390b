"""Prices of a promised confidence: in the headline, the shadow prices, the next source, and in every scenario."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.laws.test_confidence import TEXT

import medalopt
from medalopt.analysis.process_pool import WorkerSetup, solve_scenario
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.errors import UsageError
from medalopt.proof.confidence import price_confidence
from medalopt.report.metal_values import MetalValues
from medalopt.report.solve import find_marginal_source, summarize_plan
from medalopt.solve_instance import solve


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of two device types and two deadlines."""
    file: Path = tmp_path_factory.mktemp("promise") / "two_sources.yaml"
    file.write_text(TEXT)
    return file


def test_a_promise_is_priced(path: Path) -> None:
    """Prices of confidence, metal and tonnes equal re-solves, and the headline names them."""
    instance = medalopt.load(path)
    below, plan, above = (solve(instance.with_changes({"policy.confidence": f"{p} %"})) for p in (69.9, 70, 70.1))
    (price,) = price_confidence(plan.account, plan.duals)
    assert price.saves == pytest.approx((above.cost - below.cost) / 0.2, rel=1e-4)
    stocked = solve(instance.with_changes({"policy.confidence": "70 %", "metals.Ag.opening_stock": "0.01 kg"}))
    values = MetalValues(plan)
    assert values.at_hand[0, 0] == pytest.approx((plan.cost - stocked.cost) / 0.01, rel=1e-4)
    source = find_marginal_source(plan, values, 0)
    assert source and source.what == "phone"
    assert source.tonnes == pytest.approx((plan.tonnes - stocked.tonnes) / 0.01, rel=1e-4)
    text = "\n".join(summarize_plan(plan, values))
    assert "confidence of 70 % for Ag by 3 binds" in text and "Bottleneck: Ag." in text


def test_scenarios_hold_the_promise(path: Path) -> None:
    """A scenario costs the same as `solve` with its promise; an analysis of one LP is an error."""
    runner = ScenarioRunner(path)
    promise = {"policy.confidence": "70 %"}
    basis = WorkerSetup.capture(runner).basis
    result = solve_scenario(runner, basis, promise)
    assert result.value == pytest.approx(solve(medalopt.load(path).with_changes(promise)).objective, rel=1e-9)
    assert result.value > solve_scenario(runner, basis, {}).value
    with pytest.raises(UsageError, match="promised confidence"):
        ScenarioRunner(path, promise).solve_scenario()
