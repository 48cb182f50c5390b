"""What is said, tabled and drawn of what drops out, comes late or goes otherwise."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from tests.analysis.varied import TINY

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.delay import ContractDeadline, DelayAnalysis, evaluate_delays
from medalopt.analysis.sensitivity.outages import OutageLoss, OutageLosses
from medalopt.analysis.sensitivity.premium import compute_premium
from medalopt.analysis.sensitivity.scenarios import NamedScenarioResult, ScenarioComparison
from medalopt.report.render.formatted_table import format_table
from medalopt.report.render.pictures import render_svg
from medalopt.report.sensitivity.recycling_premium import describe_premium, encode_premium, report_premium
from medalopt.report.sensitivity.report_part import MOST_BARS, LossBar, describe_change, format_change, plot_loss_bars
from medalopt.report.sensitivity.what_if import report_delay, report_outages, report_scenarios

INF = float("inf")
INSTANCE = ScenarioRunner(TINY).instance
TITLES = {"Ag": "silver", "Cu": "copper"}


def without(*losses: OutageLoss, **changed: Any) -> OutageLosses:
    """Return losses of a plan that costs 1,000 JPY."""
    plain = OutageLosses(1000.0, "JPY", "2017-04", True, losses, TITLES, None)
    return dataclasses.replace(plain, **changed)


NONE = OutageLoss("treatment", "dismantle", "treatments.dismantle", INF, {"Ag": 1912.0}, 0.5)
STUCK = OutageLoss("smelter", "kosaka", "smelters.kosaka", INF, None, INF)
DEARER = OutageLoss("smelter", "shonan", "smelters.shonan", 71.0, None, 0.0)
IDLE = OutageLoss("offer", "gold", "market.gold", 0.0, None, 0.0)
FORCED = OutageLoss("offer", "old", "market.old", -5.0, None, 0.0)


def test_what_drops_out_in_words() -> None:
    """No plan with what is short, what it costs more, what nobody would miss and what only a rule brings in."""
    part = report_outages(without(NONE, DEARER, IDLE, FORCED), INSTANCE)
    assert part.lines == (
        "There is no plan without treatment dismantle (1,912 kg of silver short).",
        "Without smelter shonan it costs 71 JPY more.",
        "Nobody would miss: offer gold.",
        "Cheaper without, as only a contract or a rule brings it in: offer old (5 JPY less).",
    )
    table = format_table(part.charts[0].tables[0])
    assert [row[0] for row in table.rows] == ["treatment dismantle", "smelter shonan"]
    assert table.rows[0][1] == "no plan" and "1,912 kg of silver short" in table.rows[0]
    assert part.charts[0].title.startswith("Without treatment dismantle there is no plan (1,912 kg of silver short); ")


def test_several_without_a_plan_and_a_month() -> None:
    """Several that cannot be missed are counted in the title, the month is said, and what is no want of metal too."""
    part = report_outages(without(STUCK, NONE, NONE, NONE, start="2017-06", whole=False), INSTANCE)
    assert part.lines[0].startswith("There is no plan from 2017-06 on without smelter kosaka (other rules cannot be")
    assert part.lines[0].endswith("; and 1 more.")
    assert part.charts[0].title == (
        "There is no plan without smelter kosaka, treatment dismantle or 2 more from 2017-06 on"
    )


def test_where_nothing_is_missed_there_is_no_chart() -> None:
    """Without a loss there is neither a chart nor a table."""
    part = report_outages(without(IDLE), INSTANCE)
    assert part.charts == () and part.lines == ("Nobody would miss: offer gold.",)


def test_the_same_for_a_program() -> None:
    """Rows have path, status, objective, extra and what is short; what no plan gives is null."""
    rows = report_outages(without(NONE, DEARER), INSTANCE).members["without"]["rows"]
    assert (rows[0]["status"], rows[0]["extra"], rows[0]["short"]) == ("infeasible", None, {"Ag": 1912.0})
    assert (rows[1]["status"], rows[1]["objective"], rows[1]["short"]) == ("optimal", 1071.0, None)
    json.dumps(rows, allow_nan=False)


def test_bars_without_a_plan_are_hatched() -> None:
    """They have a colour and a pattern of their own, and what is short stands on them."""
    rows = [LossBar("{a}", INF, {"sil{ver": 3.0}), LossBar("b", 2.0), LossBar("c", INF, {})]
    option = plot_loss_bars(rows, "JPY")
    plain, none = option["series"]
    assert plain["itemStyle"]["color"] != none["itemStyle"]["color"] and none["itemStyle"]["decal"]["symbol"] == "rect"
    assert none["data"][0]["label"]["formatter"] == "no plan: 3 kg of sil(ver short" and none["data"][0]["value"] == 2.0
    assert none["data"][2]["label"]["formatter"] == "no plan: by a hair of metal"
    assert plain["data"][0]["value"] is None and plain["data"][1]["value"] == 2.0


def test_only_so_many_bars_are_drawn() -> None:
    """More than can be read are left to the table."""
    option = plot_loss_bars([LossBar(str(n), float(n)) for n in range(40)], "kg CO2e")
    assert len(option["series"][0]["data"]) == MOST_BARS and not option["legend"]["show"]


@pytest.mark.parametrize(
    ("extra", "unit", "said"),
    [(0.0, "JPY", "no JPY more"), (71e6, "JPY", "71 m JPY more"), (-3.0, "t", "3 t less")],
)
def test_amounts(extra: float, unit: str, said: str) -> None:
    """Money in its size, tonnes and footprint as they are; less is less."""
    assert format_change(extra, unit) == said
    does = {"JPY": "costs", "t": "takes"}[unit]
    assert describe_change(extra, unit) == f"it {does} {said}"


def test_delays_in_words() -> None:
    """Each delay in a sentence, what is lost, and what must be signed when."""
    part = report_delay(evaluate_delays(ScenarioRunner(TINY), 1), INSTANCE)
    assert part.lines[0].startswith("If all metal comes back 1 month later it costs ")
    assert "Of the supply 8 t would then come after the horizon, and are lost." in part.lines
    assert any(line.startswith("To be signed by 2017-04 so that nothing is lost: ") for line in part.lines)
    assert part.lines[-1] == "What can wait longest is offer green_copper: until 2017-07."
    assert part.members["delay"]["rows"][1]["supply_lost"] == pytest.approx(8.0)
    assert "<svg" in render_svg(part.charts[0])


def test_a_delay_that_leaves_no_plan() -> None:
    """What is short then is said, in the title too; contracts that are never needed stand in a note."""
    plain = evaluate_delays(ScenarioRunner(TINY), 0)
    gone = dataclasses.replace(plain.effects[0], extra=INF, shortage={"Ag": 7.0})
    idle = ContractDeadline("offer", "gold", "market.gold", None, None, 0.0)
    part = report_delay(DelayAnalysis(2, 1.0, "JPY", (gone, *plain.effects[1:]), (idle,), TITLES), INSTANCE)
    assert part.charts[0].title == "If all metal comes back 2 months later there is no plan (7 kg of silver short)"
    assert part.members["delay"]["rows"][0]["extra"] is None
    assert part.tables == () and not any("signed" in line for line in part.lines)


def test_scenarios_in_words() -> None:
    """Those without a plan come first, then the dearest; changes and notes stand below the table."""
    base = NamedScenarioResult("", {}, 1000.0, 0.0, 5.0, 6.0, None)
    rows = (
        NamedScenarioResult("mild", {"a.b": "1"}, 1010.0, 10.0, 5.0, 6.0, None, "a note"),
        NamedScenarioResult("worse", {"a.c": "2"}, INF, INF, INF, INF, {"Ag": 5.0}),
        NamedScenarioResult("stuck", {"a.d": "2"}, INF, INF, INF, INF, None),
    )
    part = report_scenarios(ScenarioComparison(base, rows, "JPY", TITLES))
    assert part.lines[0].startswith("Scenario stuck: there is no plan (other rules cannot be kept")
    assert part.lines[1:] == (
        "Scenario worse: there is no plan (5 kg of silver short).",
        "Scenario mild: it costs 10 JPY more.",
    )
    table = format_table(part.charts[0].tables[0])
    assert [row[0] for row in table.rows] == ["as it is", "stuck", "worse", "mild"]
    assert table.notes[-1] == "mild: a.b 1 (a note)."
    assert part.charts[0].title.startswith("2 of 3 scenarios have no plan, stuck above all (other rules")
    told = part.members["scenarios"]["rows"]
    assert told[0]["objective"] == 1010.0 and told[1]["objective"] is None and told[1]["short"] == {"Ag": 5.0}


def test_one_scenario_alone() -> None:
    """A single one is its own finding."""
    base = NamedScenarioResult("", {}, 1000.0, 0.0, 5.0, 6.0, None)
    part = report_scenarios(ScenarioComparison(base, (dataclasses.replace(base, name="same"),), "JPY", TITLES))
    assert part.charts[0].title == "same: it costs no JPY more"


def test_the_premium_in_words() -> None:
    """More or less than buying, in all and a medal; at which price; and where it cannot be bought at all."""
    plain = dataclasses.replace(compute_premium(ScenarioRunner(TINY)), plan=3e6, cost=1e6, medals=4)
    first, second = describe_premium(plain, INSTANCE)
    assert first == (
        "Recycling costs 2 m JPY more than buying all metal (3 m JPY against 1 m JPY): 500,000 JPY more a medal."
    )
    assert "footprint" in second
    buys = dataclasses.replace(plain, recycles=False)
    assert describe_premium(buys, INSTANCE)[0].startswith(
        "The plan takes no devices, but keeping its rules costs 2 m JPY more"
    )
    same = dataclasses.replace(buys, cost=3e6)
    assert describe_premium(same, INSTANCE) == ("The plan takes no devices: it buys all metal, for 3 m JPY.",)
    none = dataclasses.replace(plain, cost=INF, shortage={"Ag": 2.0})
    assert describe_premium(none, INSTANCE) == (
        "Benchmark, buying all metal: not available (no sufficient offer of silver: 2 kg of silver short).",
    )
    told = report_premium(none, INSTANCE).members["premium"]
    assert told["cost_bought"] is None and told["short"] == {"Ag": 2.0}
    free = dataclasses.replace(plain, footprint=0.0, footprint_bought=0.0, medals=0)
    assert len(describe_premium(free, INSTANCE)) == 1 and encode_premium(free, INSTANCE)["premium"]["per_medal"] is None
