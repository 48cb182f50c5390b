"""An unproven scenario affects only its own row of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.analysis.explained import explained
from tests.analysis.sensitivity import deleted
from tests.analysis.sensitivity.test_scenarios import instance
from tests.analysis.varied import TINY
from tests.report.reading import mentions

from medalopt.analysis.explain import explanation, sources
from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity import ranges as ranges_module
from medalopt.analysis.sensitivity.base_case import ShortageSolver
from medalopt.analysis.sensitivity.curves import compute_curve, compute_surface
from medalopt.analysis.sensitivity.device_mix import analyse_device_mix
from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range
from medalopt.analysis.sensitivity.ranges import compute_ranges
from medalopt.analysis.sensitivity.tornado import compute_tornado
from medalopt.analysis.sensitivity.what_if import evaluate_delays, evaluate_outages, evaluate_scenarios
from medalopt.analysis.sourcing import plan_analyses
from medalopt.analysis.sourcing.plan_analyses import analyse_plan
from medalopt.errors import SolverError
from medalopt.report.explain import _build_explanation_object, _summarize_explanation
from medalopt.report.render.text import format_table
from medalopt.report.sensitivity.curves import report_curve, report_surface
from medalopt.report.sensitivity.device_mix import report_device_mix
from medalopt.report.sensitivity.ranges import report_ranges
from medalopt.report.sensitivity.report_part import SensitivityPart
from medalopt.report.sensitivity.what_if import report_delay, report_outages, report_scenarios
from medalopt.report.sourcing.procurement import tabulate_rule_costs
from medalopt.solver.parametric_solver import ParametricSolver
from medalopt.solver.parametric_sweep import ParametricSweep

Asked = Callable[[int], bool]


def break_solves(monkeypatch: pytest.MonkeyPatch, broken: Asked) -> None:
    """Let the warm program fail to prove the questions that are `broken`, by their number from 0 on."""
    count, solve, padded = iter(range(1_000_000)), ParametricSolver.solve, ParametricSolver.solve_padded

    def failing(of: Callable[..., Any]) -> Callable[..., Any]:
        def asked(self: Any, *arguments: Any) -> Any:
            if broken(next(count)):
                raise SolverError("nothing could be proven")
            return of(self, *arguments)

        return asked

    monkeypatch.setattr(ParametricSolver, "solve", failing(solve))
    monkeypatch.setattr(ParametricSolver, "solve_padded", failing(padded))
    monkeypatch.setattr(ParametricSweep, "solve_at", failing(ParametricSweep.solve_at))
    monkeypatch.setattr(ParametricSweep, "solve_all", failing(ParametricSweep.solve_all))


def words(part: SensitivityPart) -> str:
    """Return all lines and cells of a part of the report."""
    tables = [*part.tables, *(table for chart in part.charts for table in chart.tables)]
    cells = [cell for table in tables for row in format_table(table).rows for cell in row]
    return "\n".join([*part.lines, *cells, *(note for table in tables for note in table.notes)])


def test_one_loss_that_is_not_proven_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten things that drop out one cannot be proven: its row says so, and the other nine are as before."""
    variants = ScenarioRunner(TINY)
    before = {loss.path: loss for loss in evaluate_outages(variants).losses}
    break_solves(monkeypatch, lambda number: number == 3)
    found = evaluate_outages(ScenarioRunner(TINY))
    unproven = [loss for loss in found.losses if not loss.proven]
    assert len(unproven) == 1 and not unproven[0].feasible and found.losses[-1] is unproven[0]
    assert all(loss.feasible == before[loss.path].feasible for loss in found.losses if loss.proven)
    part = report_outages(found, variants.instance)
    row = next(row for row in part.members["without"]["rows"] if row["path"] == unproven[0].path)
    assert row["status"] == "unanswered" and row["objective"] is row["extra"] is row["short"] is None
    assert "not proven" in words(part) and f"Not proven without: {unproven[0].kind}" in words(part)


def test_where_nothing_is_proven_the_table_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no outage, delay or scenario is proven, the tables have no chart and no values."""
    break_solves(monkeypatch, lambda number: number > 0)
    part = report_outages(found := evaluate_outages(ScenarioRunner(TINY)), ScenarioRunner(TINY).instance)
    assert not part.charts and all(not loss.proven for loss in found.losses) and "infeasible" not in words(part)
    monkeypatch.undo()
    break_solves(monkeypatch, lambda number: number > 0)
    part = report_delay(evaluate_delays(ScenarioRunner(TINY), 1), ScenarioRunner(TINY).instance)
    assert not part.charts and "infeasible" not in words(part) and "Deadline not proven: " in words(part)
    assert {row["status"] for row in part.members["delay"]["rows"]} == {"unanswered"}
    assert all(row["plan_later"] is None for row in part.members["delay"]["sign_by"] if row["sign_by"] is None)
    monkeypatch.undo()
    break_solves(monkeypatch, lambda number: number > 0)
    with deleted.variants(instance(scenarios={"fewer": {"streams.*.available": "50 %"}})) as variants:
        part = report_scenarios(evaluate_scenarios(variants))
    assert not part.charts and "infeasible" not in words(part) and "fewer: not solved" in words(part)


def test_one_delay_that_is_not_proven_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of three delays cannot be proven: it is called so, and the two others have their amounts."""
    break_solves(monkeypatch, lambda number: number == 1)
    found = evaluate_delays(ScenarioRunner(TINY), 1)
    assert [late.proven for late in found.effects] == [False, True, True]
    part = report_delay(found, ScenarioRunner(TINY).instance)
    assert "not proven" in words(part) and len(part.charts) == 1
    assert part.members["delay"]["rows"][0]["status"] == "unanswered"


def test_one_scenario_that_is_not_proven_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of two scenarios cannot be proven: its row says so, and the other has its cost."""
    changes = {"fewer": {"streams.*.available": "50 %"}, "poorer": {"devices.*.content.Ag": "90 %"}}
    break_solves(monkeypatch, lambda number: number == 1)
    with deleted.variants(instance(scenarios=changes)) as variants:
        found = evaluate_scenarios(variants)
    assert [(one.name, one.status) for one in found.scenarios] == [("fewer", "unanswered"), ("poorer", "optimal")]
    part = report_scenarios(found)
    assert any(line.startswith("Scenario fewer: not solved") for line in part.lines) and "not solved" in words(part)
    assert [row["status"] for row in part.members["scenarios"]["rows"]] == ["unanswered", "optimal"]


@pytest.mark.parametrize(
    "text", ["medals.gold.count=1..9", "policy.footprint_cap=1..8 t", "devices.*.content.Ag=70..120%"]
)
def test_values_that_are_not_proven_are_left_out_of_a_curve(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each kind of curve some values cannot be proven: they are named, and are no values without a plan."""
    variants = ScenarioRunner(TINY)
    asked = parse_parameter_range(variants, text)
    break_solves(monkeypatch, lambda number: number > 8 and number % 3 == 0)
    found = compute_curve(variants, asked)
    left_out = set(found.unproven)
    assert left_out and not left_out & {point.value for point in found.points}
    part = report_curve(found, "JPY")
    assert any(line.startswith("Not verified, therefore omitted:") for line in part.lines)
    assert part.members["curve"]["unproven"] == sorted(left_out)


def test_a_curve_without_any_answer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no value of the parameter is proven, the curve makes no statement."""
    variants = ScenarioRunner(TINY)
    asked = parse_parameter_range(variants, "devices.*.content.Ag=70..120%")
    break_solves(monkeypatch, lambda number: number > 0)
    part = report_curve(compute_curve(variants, asked), "JPY")
    assert part.lines[0].startswith("Not solved:") and "infeasible" not in words(part)


@pytest.mark.parametrize("across", ["policy.footprint_cap=4..8 t", "devices.*.content.Ag=90..120%"])
def test_points_that_are_not_proven_are_marked_on_a_map(across: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points of a map that cannot be proven are marked, and not counted among those without a plan."""
    variants = ScenarioRunner(TINY)
    axes = parse_parameter_range(variants, across), parse_parameter_range(variants, "medals.gold.count=1..3")
    before = compute_surface(variants, *axes)
    break_solves(monkeypatch, lambda number: number > 0 and number % 5 < 2)
    found = compute_surface(ScenarioRunner(TINY), *axes)
    assert found.unproven and all(found.objective[row][column] is None for row, column in found.unproven)
    assert not before.unproven and "not proven at" in report_surface(found, "JPY").lines[0]
    assert "not proven" in words(report_surface(found, "JPY"))


def test_a_device_and_a_mix_that_are_not_proven_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unproven mix is listed as omitted, and the curves of the devices are complete."""
    mixes = {"half": {"phone": "50 %", "kettle": "50 %"}, "whole": {"phone": "100 %"}}
    kettle = {"device": "kettle", "region": "tokyo", "available": "2 t"}
    document = instance(mixes=mixes)
    document["devices"]["kettle"] = {"content": {"Ag": "1 kg/t"}}
    document["streams"].append(kettle)
    break_solves(monkeypatch, lambda number: number == 0)
    with deleted.variants(document) as variants:
        found = analyse_device_mix(variants)
    assert found.unproven == ("the mix half",) and [mix.name for mix in found.named] == ["whole"]
    part = report_device_mix(found)
    assert "Not verified, therefore omitted: the mix half." in part.lines
    assert part.members["mix"]["unproven"] == ["the mix half"]
    monkeypatch.undo()
    break_solves(monkeypatch, lambda number: number == 4)
    with deleted.variants(document) as variants:
        assert analyse_device_mix(variants).unproven == ("the share of kettle",)


def fail(*_: Any, **__: Any) -> Any:
    """Raise as if no result could be verified."""
    raise SolverError("nothing could be proven")


def fail_first(of: Callable[..., Any]) -> Callable[..., Any]:
    """Return `of`, which fails at the first call."""
    count = iter(range(1_000_000))
    return lambda *arguments: of(*arguments) if next(count) else fail()


def test_an_explanation_lacks_what_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Constraints, metals, medals and sources without proven price are named; the rest is complete."""
    whole = explained(ScenarioRunner(TINY).instance)
    monkeypatch.setattr(PlanNeighbourhood, "compute_price", fail_first(PlanNeighbourhood.compute_price))
    monkeypatch.setattr(explanation, "_price_metal", fail_first(explanation._price_metal))
    monkeypatch.setattr(explanation, "_price_medal", fail_first(explanation._price_medal))
    monkeypatch.setattr(sources, "_analyse_source", fail_first(sources._analyse_source))
    found = explained(ScenarioRunner(TINY).instance)
    assert len(found.unproven) == 4 and {"metals.Ag", "medals.bronze"} <= set(found.unproven)
    assert (
        len(found.marginal_prices) == len(whole.marginal_prices) - 2
        and len(found.source_analyses) == len(whole.source_analyses) - 1
    )
    assert mentions(" ".join(_summarize_explanation(found)), "not verified", *found.unproven)
    assert _build_explanation_object(found)["explanation"]["unproven"] == list(found.unproven)


def test_that_other_plans_are_as_good_may_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """If uniqueness is not verified, neither the explanation nor the ranges state it."""
    monkeypatch.setattr(PlanNeighbourhood, "find_alternatives", fail)
    found = explained(ScenarioRunner(TINY).instance)
    assert found.is_unique is None and "not proven" in _summarize_explanation(found)[-1]
    assert _build_explanation_object(found)["explanation"]["alternatives"]["unique"] is None
    part = report_ranges(compute_ranges(ScenarioRunner(TINY)))
    assert "Alternative optima: could not be proven or excluded." in part.lines


def test_ranges_lack_what_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cost and a right-hand side whose ranges cannot be proven are named, and the others have theirs."""
    whole = compute_ranges(ScenarioRunner(TINY))
    monkeypatch.setattr(ranges_module, "_make_cost_range", fail_first(ranges_module._make_cost_range))
    monkeypatch.setattr(ranges_module, "_make_rhs_range", fail_first(ranges_module._make_rhs_range))
    found = compute_ranges(ScenarioRunner(TINY))
    assert len(found.unproven) == 2 and len(found.rows) == len(whole.rows) - 2
    left = {row.path: row for row in whole.rows if row.path not in found.unproven}
    assert {row.path: row.price_up for row in found.rows} == {path: row.price_up for path, row in left.items()}
    part = report_ranges(found)
    assert part.members["unproven"] == list(found.unproven)
    assert mentions(" ".join(part.lines), *found.unproven)


def test_prices_of_a_plan_that_are_not_proven_are_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule whose price cannot be proven says so, last in its table, and a source without a proven price has none."""
    plan = ScenarioRunner(TINY).plan
    monkeypatch.setattr(plan_analyses, "solve_from_scratch", fail_first(plan_analyses.solve_from_scratch))
    monkeypatch.setattr(PlanNeighbourhood, "compute_source_slope", fail_first(PlanNeighbourhood.compute_source_slope))
    found = analyse_plan(plan, None)
    assert [rule.costs for rule in found.rules].count(None) == 1
    rows = tabulate_rule_costs(found)[0].rows
    assert rows[-1][4] == "not proven" and [row[4] for row in rows].count("not proven") == 1
    assert found.entry_prices


def test_metal_that_is_short_may_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the shortage is not proven, tornado and scenarios still report infeasibility."""
    monkeypatch.setattr(ShortageSolver, "compute_shortage", fail)
    found = compute_tornado(ScenarioRunner(TINY), jobs=1)
    none = [end for bar in found.bars for end in bar.ends if end.result.status == "infeasible"]
    assert none and all(end.shortage is None and not end.measured for end in none)
