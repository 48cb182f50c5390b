"""Analyses that compare optima count whole lots, least lots and charges: by hand, as `solve` does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.random_instances import Case

from medalopt.analysis import process_pool
from medalopt.analysis.process_pool import WorkerSetup, solve_scenarios
from medalopt.analysis.scenario_runner import LotSearch, ScenarioRunner
from medalopt.analysis.sensitivity import curves
from medalopt.analysis.sensitivity.curves import CurveOptions, compute_curve
from medalopt.analysis.sensitivity.device_mix import analyse_device_mix
from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range
from medalopt.analysis.sensitivity.tornado import compute_tornado
from medalopt.analysis.sensitivity.what_if import evaluate_delays, evaluate_outages, evaluate_scenarios
from medalopt.cli.run import run_command
from medalopt.report.sensitivity.curves import report_curve

SOLVER = Path(__file__).parents[2] / "solver"
SCENARIOS = """
scenarios:
  large_lots: {smelters.near.terms.phones.minimum_lot: 5.5 t}
  no_lots: {smelters.near.terms.phones.minimum_lot: 0, smelters.near.terms.phones.lot_charge: 0}
  too_little: {market.silver.limit: 1 kg, streams.phone@north.available: 4 t}
"""


@pytest.mark.parametrize(
    ("name", "changes", "costs"),
    [
        ("activities", {"smelters.near.terms.phones.minimum_lot": "5.5 t"}, (1_630, 1_710)),
        ("lots", {"market.silver.price": "600 JPY/kg"}, (16_000, 15_600)),
        ("lots", {"market.silver.price": "600 JPY/kg", "market.silver.minimum_order": "7 kg"}, (16_000, 16_000)),
    ],
)
def test_scenarios_in_lots(name: str, changes: dict[str, str], costs: tuple[float, float]) -> None:
    """Scenarios cost what they cost in whole lots, in this process and rebuilt in another; without, less."""
    path = SOLVER / f"{name}.yaml"
    runner = WorkerSetup.capture(ScenarioRunner(path, in_lots=True)).build_runner()
    scenarios: list[dict[str, str]] = [{}, changes]
    found = [one.value if one else None for one in solve_scenarios(runner, scenarios, 1).results]
    assert found == pytest.approx(costs)
    without = [one.value if one else None for one in solve_scenarios(ScenarioRunner(path), scenarios, 1).results]
    assert all(one is not None and one < cost - 1 for one, cost in zip(without, costs, strict=True))


def test_tornado_in_lots() -> None:
    """Ten per cent on the collection of 10 t at 100 JPY is 100 JPY either way, above the cost in whole lots."""
    found = compute_tornado(ScenarioRunner(SOLVER / "activities.yaml", in_lots=True), 1)
    assert found.base.value == pytest.approx(1_630)
    collected = next(bar for bar in found.bars if "collection" in bar.factor.path)
    effects = [end.result.compute_effect(found.base) for end in collected.ends]
    assert effects == pytest.approx([-100, 100])


def test_curve_in_lots() -> None:
    """By hand: two lots at `near` up to 5 t; from there on 5 t and more of them, until 4 t at `far` are cheaper."""
    runner = ScenarioRunner(SOLVER / "activities.yaml", in_lots=True)
    lot = "smelters.near.terms.phones.minimum_lot"
    found = compute_curve(runner, parse_parameter_range(runner, f"{lot}=4..6"), CurveOptions(budget=1_650))
    assert (found.shape, found.base, found.exact) == ("lots", pytest.approx(1_630), False)
    costs = {point.value: point.objective for point in found.points}
    assert len(costs) == 13 and costs[4] == costs[5] == pytest.approx(1_630)
    assert costs[5 + 1 / 6] == pytest.approx(1_630 + 200 / 6) and costs[5.5] == costs[6] == pytest.approx(1_710)
    assert all(point.bound == pytest.approx(1_525) for point in found.points)
    assert found.budget is not None and found.budget.spans == ((4, 5),)


def test_searches_that_the_time_limit_ends_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report says of how many values the search ended at its limit, as theirs depend on the machine."""
    runner, solve = ScenarioRunner(SOLVER / "activities.yaml", in_lots=True), LotSearch.solve
    monkeypatch.setattr(LotSearch, "solve", lambda *given: replace(solve(*given), stopped=True))
    monkeypatch.setattr(curves, "LOT_POINTS", (2, 2))
    monkeypatch.setattr(process_pool, "SECONDS_BEFORE_POOL", 60)
    vary = parse_parameter_range(runner, "smelters.near.terms.phones.minimum_lot=4..6")
    lines = " ".join(report_curve(compute_curve(runner, vary), "JPY").lines)
    assert "the time limit of 60 s ended 3 of the searches" in lines


def test_deadlines_and_mix_in_lots() -> None:
    """By hand: `near` is signed in the first period, or 6 t go there late and 4 t to `far`; bought without phones."""
    runner = ScenarioRunner(SOLVER / "activities.yaml", in_lots=True)
    found = evaluate_delays(runner, 1)
    deadlines = {deadline.path: (deadline.last, deadline.extra) for deadline in found.deadlines}
    assert found.in_lots and deadlines["smelters.near"] == ("1", pytest.approx(80))
    assert deadlines["streams.phone@north"] == ("1", pytest.approx(150)) and deadlines["smelters.far"][0] is None
    mix = analyse_device_mix(runner)
    assert mix.in_lots and mix.base.value == pytest.approx(1_630)


def test_outages_in_lots() -> None:
    """By hand, beside 1,630 JPY: all at `far` without `near`, or 6 t in time at `near`; all bought without phones."""
    runner = ScenarioRunner(SOLVER / "activities.yaml", in_lots=True)
    found = evaluate_outages(runner)
    assert found.in_lots and found.value == pytest.approx(1_630)
    assert {loss.path: loss.extra for loss in found.losses} == pytest.approx(
        {
            **{"smelters.near": 200, "smelters.far": 0, "market.silver": 0, "treatments.whole": 420},
            **{"regions.north": 420, "channels.phone": 420},
        }
    )
    assert found.premium is not None and found.premium.amount == pytest.approx(1_630 - 2_050)
    (late,) = evaluate_outages(runner, ["smelters.near"], "2").losses
    assert late.extra == pytest.approx(80)


def test_delays_in_lots(capsys: pytest.CaptureFixture[str]) -> None:
    """By hand: a period late, 6 t go to `near` and 4 kg are bought; both late, all is bought. Nothing is left out."""
    found = evaluate_delays(ScenarioRunner(SOLVER / "activities.yaml", in_lots=True), 1)
    assert {effect.what: effect.extra for effect in found.effects} == pytest.approx(
        {"leads": 150, "supply": 150, "both": 420}
    )
    assert run_command(["sensitivity", str(SOLVER / "activities.yaml"), "--delay", "1", "--without"]) == 0
    said = capsys.readouterr().out
    assert "left out" not in said and "Deadlines leave out" not in said


def test_named_scenarios_in_lots(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Scenarios with lots, without and without a plan; ranges keep the lots of the plan."""
    text = (SOLVER / "activities.yaml").read_text(encoding="utf-8") + SCENARIOS
    path = Case({"instance.yaml": text}).write(tmp_path)
    found = evaluate_scenarios(ScenarioRunner(path, in_lots=True))
    large, none, short = found.scenarios
    assert found.base.value == pytest.approx(1_630) and large.extra == pytest.approx(80)
    assert none.value == pytest.approx(1_030) and none.extra == pytest.approx(-600)
    assert not short.feasible and short.shortage == pytest.approx({"Ag": 1})
    assert run_command(["sensitivity", str(path), "--scenarios"]) == 0
    assert "left out" not in capsys.readouterr().out
    assert run_command(["sensitivity", str(path)]) == 0
    said = capsys.readouterr().out
    assert "left out" not in said and "With the lots of the plan kept" in said
