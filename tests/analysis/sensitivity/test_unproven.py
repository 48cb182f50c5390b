"""A variant of which nothing can be proven costs its own row, and never the whole table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.analysis.sensitivity import deleted
from tests.analysis.sensitivity.test_scenarios import instance
from tests.analysis.varied import TINY

from medalopt.analysis.explanation import kinks, taking
from medalopt.analysis.explanation.explanation import explain
from medalopt.analysis.explanation.near import Near
from medalopt.analysis.sensitivity import ranges as ranges_module
from medalopt.analysis.sensitivity.curve import curve
from medalopt.analysis.sensitivity.delay import delay
from medalopt.analysis.sensitivity.mix.mix import device_mix
from medalopt.analysis.sensitivity.ranges import ranges
from medalopt.analysis.sensitivity.scenarios import scenarios
from medalopt.analysis.sensitivity.shortage import Shortage
from medalopt.analysis.sensitivity.surface import surface
from medalopt.analysis.sensitivity.tornado import tornado
from medalopt.analysis.sensitivity.vary import vary
from medalopt.analysis.sensitivity.without import without
from medalopt.analysis.sourcing import ruleprice
from medalopt.analysis.sourcing.findings import findings
from medalopt.analysis.variants import Variants
from medalopt.errors import SolverError
from medalopt.report import explain as explain_report
from medalopt.report.explain_json import explanation_object
from medalopt.report.sensitivity import curve as curve_report
from medalopt.report.sensitivity import delay as delay_report
from medalopt.report.sensitivity import ranges as ranges_report
from medalopt.report.sensitivity import scenarios as scenarios_report
from medalopt.report.sensitivity import surface as surface_report
from medalopt.report.sensitivity import without as without_report
from medalopt.report.sensitivity.mix import told as mix_report
from medalopt.report.sensitivity.part import Part
from medalopt.report.sourcing import rules as rules_report
from medalopt.solver.moving import Moving
from medalopt.solver.sweep import Sweep

Asked = Callable[[int], bool]


def break_solves(monkeypatch: pytest.MonkeyPatch, broken: Asked) -> None:
    """Let the warm program fail to prove the questions that are `broken`, by their number from 0 on."""
    count, solve, embedded = iter(range(1_000_000)), Moving.solve, Moving.embedded

    def failing(of: Callable[..., Any]) -> Callable[..., Any]:
        def asked(self: Any, *arguments: Any) -> Any:
            if broken(next(count)):
                raise SolverError("nothing could be proven")
            return of(self, *arguments)

        return asked

    monkeypatch.setattr(Moving, "solve", failing(solve))
    monkeypatch.setattr(Moving, "embedded", failing(embedded))
    monkeypatch.setattr(Sweep, "answer", failing(Sweep.answer))
    monkeypatch.setattr(Sweep, "outcomes", failing(Sweep.outcomes))


def words(part: Part) -> str:
    """Return all lines and cells of a part of the report."""
    tables = [*part.tables, *(table for chart in part.charts for table in chart.tables)]
    cells = [cell for table in tables for row in table.rows for cell in row]
    return "\n".join([*part.lines, *cells, *(note for table in tables for note in table.notes)])


def test_one_loss_that_is_not_proven_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten things that drop out one cannot be proven: its row says so, and the other nine are as before."""
    variants = Variants(TINY)
    before = {loss.path: loss for loss in without(variants).losses}
    break_solves(monkeypatch, lambda number: number == 3)
    found = without(Variants(TINY))
    unproven = [loss for loss in found.losses if not loss.proven]
    assert len(unproven) == 1 and not unproven[0].feasible and found.losses[-1] is unproven[0]
    assert all(loss.feasible == before[loss.path].feasible for loss in found.losses if loss.proven)
    part = without_report.told(found, variants.instance)
    row = next(row for row in part.members["without"]["rows"] if row["path"] == unproven[0].path)
    assert row["status"] == "unanswered" and row["objective"] is row["extra"] is row["short"] is None
    assert "not proven" in words(part) and f"Not proven what comes of it without: {unproven[0].kind}" in words(part)


def test_where_nothing_is_proven_the_table_still_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no loss, delay or scenario can be proven the tables are told without a chart, and claim nothing."""
    break_solves(monkeypatch, lambda number: number > 0)
    part = without_report.told(found := without(Variants(TINY)), Variants(TINY).instance)
    assert not part.charts and all(not loss.proven for loss in found.losses) and "no plan" not in words(part)
    monkeypatch.undo()
    break_solves(monkeypatch, lambda number: number > 0)
    part = delay_report.told(delay(Variants(TINY), 1), Variants(TINY).instance)
    assert not part.charts and "no plan" not in words(part) and "Not proven by when to sign: " in words(part)
    assert {row["status"] for row in part.members["delay"]["rows"]} == {"unanswered"}
    assert all(row["plan_later"] is None for row in part.members["delay"]["sign_by"] if row["sign_by"] is None)
    monkeypatch.undo()
    break_solves(monkeypatch, lambda number: number > 0)
    with deleted.variants(instance(scenarios={"fewer": {"streams.*.available": "50 %"}})) as variants:
        part = scenarios_report.told(scenarios(variants))
    assert not part.charts and "no plan" not in words(part) and "fewer: no answer" in words(part)


def test_one_delay_that_is_not_proven_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of three delays cannot be proven: it is called so, and the two others have their amounts."""
    break_solves(monkeypatch, lambda number: number == 1)
    found = delay(Variants(TINY), 1)
    assert [late.proven for late in found.late] == [False, True, True]
    part = delay_report.told(found, Variants(TINY).instance)
    assert "it is not proven what comes of it" in words(part) and len(part.charts) == 1
    assert part.members["delay"]["rows"][0]["status"] == "unanswered"


def test_one_scenario_that_is_not_proven_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of two scenarios cannot be proven: its row says so, and the other has its cost."""
    changes = {"fewer": {"streams.*.available": "50 %"}, "poorer": {"devices.*.content.Ag": "90 %"}}
    break_solves(monkeypatch, lambda number: number == 1)
    with deleted.variants(instance(scenarios=changes)) as variants:
        found = scenarios(variants)
    assert [(one.name, one.status) for one in found.scenarios] == [("fewer", "unanswered"), ("poorer", "optimal")]
    part = scenarios_report.told(found)
    assert any(line.startswith("Scenario fewer: no answer") for line in part.lines) and "no answer" in words(part)
    assert [row["status"] for row in part.members["scenarios"]["rows"]] == ["unanswered", "optimal"]


@pytest.mark.parametrize(
    "text", ["medals.gold.count=1..9", "policy.footprint_cap=1..8 t", "devices.*.content.Ag=70..120%"]
)
def test_values_that_are_not_proven_are_left_out_of_a_curve(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each kind of curve some values cannot be proven: they are named, and are no values without a plan."""
    variants = Variants(TINY)
    asked = vary(variants, text)
    break_solves(monkeypatch, lambda number: number > 8 and number % 3 == 0)
    found = curve(variants, asked)
    left_out = set(found.unproven)
    assert left_out and not left_out & {point.value for point in found.points}
    part = curve_report.part(found, "JPY")
    assert any(line.startswith("Left out, as no answer could be proven there:") for line in part.lines)
    assert part.members["curve"]["unproven"] == sorted(left_out)


def test_a_curve_without_any_answer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no value of the figure can be proven nothing is claimed of any."""
    variants = Variants(TINY)
    asked = vary(variants, "devices.*.content.Ag=70..120%")
    break_solves(monkeypatch, lambda number: number > 0)
    part = curve_report.part(curve(variants, asked), "JPY")
    assert part.lines[0].startswith("Nothing could be proven") and "no plan" not in words(part)


@pytest.mark.parametrize("across", ["policy.footprint_cap=4..8 t", "devices.*.content.Ag=90..120%"])
def test_points_that_are_not_proven_are_marked_on_a_map(across: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points of a map that cannot be proven are marked, and not counted among those without a plan."""
    variants = Variants(TINY)
    axes = vary(variants, across), vary(variants, "medals.gold.count=1..3")
    before = surface(variants, *axes)
    break_solves(monkeypatch, lambda number: number > 0 and number % 5 < 2)
    found = surface(Variants(TINY), *axes)
    assert found.unproven and all(found.objective[row][column] is None for row, column in found.unproven)
    assert not before.unproven and "not proven at" in surface_report.part(found, "JPY").lines[0]
    assert "not proven" in words(surface_report.part(found, "JPY"))


def test_a_device_and_a_mix_that_are_not_proven_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mix that cannot be proven is named among what is left out, and the curves of the devices stand."""
    mixes = {"half": {"phone": "50 %", "kettle": "50 %"}, "whole": {"phone": "100 %"}}
    kettle = {"device": "kettle", "region": "tokyo", "available": "2 t"}
    document = instance(mixes=mixes)
    document["devices"]["kettle"] = {"content": {"Ag": "1 kg/t"}}
    document["streams"].append(kettle)
    break_solves(monkeypatch, lambda number: number == 0)
    with deleted.variants(document) as variants:
        found = device_mix(variants)
    assert found.unproven == ("the mix half",) and [mix.name for mix in found.named] == ["whole"]
    part = mix_report.told(found)
    assert "Left out, as no answer could be proven: the mix half." in part.lines
    assert part.members["mix"]["unproven"] == ["the mix half"]
    monkeypatch.undo()
    break_solves(monkeypatch, lambda number: number == 4)
    with deleted.variants(document) as variants:
        assert device_mix(variants).unproven == ("the share of kettle",)


def fail(*_: Any, **__: Any) -> Any:
    """Prove nothing."""
    raise SolverError("nothing could be proven")


def fail_first(of: Callable[..., Any]) -> Callable[..., Any]:
    """Return `of`, which proves nothing the first time."""
    count = iter(range(1_000_000))
    return lambda *arguments: of(*arguments) if next(count) else fail()


def test_an_explanation_lacks_what_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """What binds, a metal, a medal and a source without a proven price are named, and the rest of the page stands."""
    whole = explain(Variants(TINY).instance)
    monkeypatch.setattr(Near, "price", fail_first(Near.price))
    monkeypatch.setattr(kinks, "_metal", fail_first(kinks._metal))
    monkeypatch.setattr(kinks, "_medal", fail_first(kinks._medal))
    monkeypatch.setattr(taking, "_taking", fail_first(taking._taking))
    found = explain(Variants(TINY).instance)
    assert len(found.unproven) == 4 and {"metals.Ag", "medals.bronze"} <= set(found.unproven)
    assert len(found.kinks) == len(whole.kinks) - 2 and len(found.takings) == len(whole.takings) - 1
    assert "Left out, as their prices could not be proven: " in " ".join(explain_report.said(found))
    assert explanation_object(found)["explanation"]["unproven"] == list(found.unproven)


def test_that_other_plans_are_as_good_may_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where other optimal plans cannot be looked for, neither the explanation nor the ranges claim anything of them."""
    monkeypatch.setattr(Near, "others", fail)
    found = explain(Variants(TINY).instance)
    assert (
        found.only is None and explain_report.said(found)[-1] == "Whether other plans are as good could not be proven."
    )
    assert explanation_object(found)["explanation"]["alternatives"]["unique"] is None
    part = ranges_report.part(ranges(Variants(TINY)))
    assert "Whether other plans are as good could not be proven." in part.lines


def test_ranges_lack_what_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cost and a right-hand side whose ranges cannot be proven are named, and the others have theirs."""
    whole = ranges(Variants(TINY))
    monkeypatch.setattr(ranges_module, "_of_cost", fail_first(ranges_module._of_cost))
    monkeypatch.setattr(ranges_module, "_of_side", fail_first(ranges_module._of_side))
    found = ranges(Variants(TINY))
    assert len(found.unproven) == 2 and len(found.rows) == len(whole.rows) - 2
    left = {row.path: row for row in whole.rows if row.path not in found.unproven}
    assert {row.path: row.price_up for row in found.rows} == {path: row.price_up for path, row in left.items()}
    part = ranges_report.part(found)
    assert part.members["unproven"] == list(found.unproven)
    assert any(line.startswith("Left out, as no answer could be proven: ") for line in part.lines)


def test_prices_of_a_plan_that_are_not_proven_are_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule whose price cannot be proven says so, last in its table, and a source without a proven price has none."""
    plan = Variants(TINY).plan
    monkeypatch.setattr(ruleprice, "cold", fail_first(ruleprice.cold))
    monkeypatch.setattr(taking, "_slope", fail_first(taking._slope))
    found = findings(plan, None)
    assert [rule.costs for rule in found.rules].count(None) == 1
    rows = rules_report.tables(found)[0].rows
    assert rows[-1][4] == "not proven" and [row[4] for row in rows].count("not proven") == 1
    assert found.entry


def test_metal_that_is_short_may_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it cannot be proven what is short, the ends of the tornado and the scenarios still say: no plan."""
    monkeypatch.setattr(Shortage, "short", fail)
    found = tornado(Variants(TINY), jobs=1)
    none = [end for bar in found.bars for end in bar.ends if end.answer.status == "infeasible"]
    assert none and all(end.short is None and not end.measured for end in none)
