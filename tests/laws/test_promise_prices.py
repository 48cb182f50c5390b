"""Prices of a promised confidence: in the headline, the shadow prices, the next source, and in every scenario."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.laws.test_confidence import TEXT

import medalopt
from medalopt.analysis.process_pool import WorkerSetup, solve_scenario
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.curves import compute_curve
from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range
from medalopt.analysis.sensitivity.what_if import evaluate_delays, evaluate_outages
from medalopt.instance.scenario import ParameterChanges
from medalopt.plan.metal_values import MetalValues, find_marginal_source
from medalopt.proof.confidence import price_confidence
from medalopt.report.solve import summarize_plan
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


PROMISES: list[ParameterChanges] = [{"policy.confidence": "70 %"}, {"policy.uncertainty_budget": "1.5"}]


@pytest.mark.parametrize("promise", PROMISES)
def test_scenarios_hold_the_promise(path: Path, promise: ParameterChanges) -> None:
    """A scenario costs the same as `solve` with its promise, in a worker process and in the scenario runner."""
    runner, instance = ScenarioRunner(path), medalopt.load(path)
    promised = solve(instance.with_changes(promise)).objective
    result = solve_scenario(runner, WorkerSetup.capture(runner).basis, promise)
    assert result.value == pytest.approx(promised, rel=1e-9)
    assert result.value > solve_scenario(runner, WorkerSetup.capture(runner).basis, {}).value
    kept = ScenarioRunner(path, promise)
    assert kept.solve_scenario().value == pytest.approx(promised, rel=1e-8)
    changed = {"streams.phone@north.available": "60 t"}
    again = kept.solve_scenario(kept.build_scenario(changed)).value
    assert again == pytest.approx(solve(instance.with_changes({**promise, **changed})).objective, rel=1e-8)


@pytest.mark.parametrize("promise", PROMISES)
def test_curves_and_outages_hold_the_promise(path: Path, promise: ParameterChanges) -> None:
    """Points of a curve, outages and delays cost the same as `solve` of the changed instance."""
    runner, instance = ScenarioRunner(path, promise), medalopt.load(path)
    curve = compute_curve(runner, parse_parameter_range(runner, "metals.Ag.opening_stock=0kg..20kg"))
    for point in (curve.points[0], curve.points[len(curve.points) // 2], curve.points[-1]):
        changes = {**promise, "metals.Ag.opening_stock": f"{point.value} kg"}
        assert point.objective == pytest.approx(solve(instance.with_changes(changes)).objective, rel=1e-7)
    (loss,) = evaluate_outages(runner, ["regions.south"]).losses
    without = solve(instance.with_changes({**promise, "streams.board@south.available": 0})).objective
    assert loss.extra == pytest.approx(without - solve(instance.with_changes(promise)).objective, rel=1e-6, abs=1e-3)
    assert evaluate_delays(runner, 1).effects[0].extra > 0
