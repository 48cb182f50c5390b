"""Report of outages, delays and scenarios: sentences, tables and charts."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from tests.analysis.varied import TINY
from tests.report.reading import list_numbers, mentions

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.base_case import compute_premium
from medalopt.analysis.sensitivity.what_if import (
    ContractDeadline,
    DelayAnalysis,
    NamedScenarioResult,
    OutageLoss,
    OutageLosses,
    ScenarioComparison,
    evaluate_delays,
)
from medalopt.report.charts import render_svg
from medalopt.report.render.text import format_table
from medalopt.report.sensitivity.report_part import (
    MOST_BARS,
    LossBar,
    _plot_loss_bars,
    describe_change,
    describe_premium,
    format_change,
)
from medalopt.report.sensitivity.what_if import (
    _encode_premium,
    report_delay,
    report_outages,
    report_premium,
    report_scenarios,
)

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
    """Infeasible outages with shortage, extra cost, elements without cost, and those held by a constraint."""
    part = report_outages(without(NONE, DEARER, IDLE, FORCED), INSTANCE)
    none, dearer, idle, forced = part.lines
    assert mentions(none, "nfeasible", "dismantle", "silver", numbers=(1_912,))
    assert mentions(dearer, "shonan", "JPY") and list_numbers(dearer) == [71]
    assert "gold" in idle and list_numbers(idle) == []
    assert mentions(forced, "old") and list_numbers(forced) == [-5]
    table = format_table(part.charts[0].tables[0])
    assert [row[0] for row in table.rows] == ["treatment dismantle", "smelter shonan"]
    assert table.rows[0][1] == "infeasible" and mentions(" ".join(map(str, table.rows[0])), "silver", numbers=(1_912,))
    assert mentions(part.charts[0].title, "dismantle", "nfeasible", "silver", numbers=(1_912,))


def test_several_without_a_plan_and_a_month() -> None:
    """Several indispensable elements are counted in the title, with the month and other reasons."""
    part = report_outages(without(STUCK, NONE, NONE, NONE, start="2017-06", whole=False), INSTANCE)
    assert mentions(part.lines[0], "nfeasible", "2017-06", "kosaka", "dismantle")
    assert list_numbers(part.lines[0])[-1] == 1  # one more that is not named
    assert mentions(part.charts[0].title, "nfeasible", "kosaka", "dismantle", "2 more", "2017-06")


def test_where_nothing_is_missed_there_is_no_chart() -> None:
    """Without a loss there is neither a chart nor a table."""
    part = report_outages(without(IDLE), INSTANCE)
    (idle,) = part.lines
    assert part.charts == () and "gold" in idle


def test_the_same_for_a_program() -> None:
    """Rows have path, status, objective, extra and shortage; null if infeasible."""
    rows = report_outages(without(NONE, DEARER), INSTANCE).members["without"]["rows"]
    assert (rows[0]["status"], rows[0]["extra"], rows[0]["short"]) == ("infeasible", None, {"Ag": 1912.0})
    assert (rows[1]["status"], rows[1]["objective"], rows[1]["short"]) == ("optimal", 1071.0, None)
    json.dumps(rows, allow_nan=False)


def test_bars_without_a_plan_are_hatched() -> None:
    """Infeasible bars have their own colour and pattern, and show the shortage."""
    rows = [LossBar("{a}", INF, {"sil{ver": 3.0}), LossBar("b", 2.0), LossBar("c", INF, {})]
    option = _plot_loss_bars(rows, "JPY")
    plain, none = option["series"]
    assert plain["itemStyle"]["color"] != none["itemStyle"]["color"] and none["itemStyle"]["decal"]["symbol"] == "rect"
    assert mentions(none["data"][0]["label"]["formatter"], "nfeasible", "sil(ver", numbers=(3,))
    assert none["data"][0]["value"] == 2.0
    assert mentions(none["data"][2]["label"]["formatter"], "nfeasible")
    assert plain["data"][0]["value"] is None and plain["data"][1]["value"] == 2.0


def test_only_so_many_bars_are_drawn() -> None:
    """More than can be read are left to the table."""
    option = _plot_loss_bars([LossBar(str(n), float(n)) for n in range(40)], "kg CO2e")
    assert len(option["series"][0]["data"]) == MOST_BARS and not option["legend"]["show"]


@pytest.mark.parametrize(("extra", "unit", "numbers"), [(0.0, "JPY", []), (71e6, "JPY", [71e6]), (-3.0, "t", [-3])])
def test_amounts(extra: float, unit: str, numbers: list[float]) -> None:
    """Money in its size, tonnes and footprint as they are; less is less."""
    for said in (format_change(extra, unit), describe_change(extra, unit)):
        assert list_numbers(said) == numbers and ((unit in said) == (extra != 0))
        assert ("−" in said, "+" in said) == (extra < 0, extra > 0)


def test_delays_in_words() -> None:
    """Each delay has a sentence, the tonnes lost, and contract deadlines."""
    part = report_delay(evaluate_delays(ScenarioRunner(TINY), 1), INSTANCE)
    assert mentions(part.lines[0], "1 month")
    assert any(list_numbers(line) == [8] for line in part.lines)  # tonnes that come after the horizon
    assert any("2017-04" in line for line in part.lines)  # by when contracts must be signed
    assert mentions(part.lines[-1], "green_copper", "2017-07")
    assert part.members["delay"]["rows"][1]["supply_lost"] == pytest.approx(8.0)
    assert "<svg" in render_svg(part.charts[0])


def test_a_delay_that_leaves_no_plan() -> None:
    """An infeasible delay reports its shortage, also in the title; unneeded contracts are in a note."""
    plain = evaluate_delays(ScenarioRunner(TINY), 0)
    gone = dataclasses.replace(plain.effects[0], extra=INF, shortage={"Ag": 7.0})
    idle = ContractDeadline("offer", "gold", "market.gold", None, None, 0.0)
    part = report_delay(DelayAnalysis(2, 1.0, "JPY", (gone, *plain.effects[1:]), (idle,), TITLES), INSTANCE)
    assert mentions(part.charts[0].title, "2 months", "nfeasible", "silver", numbers=(7,))
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
    stuck, worse, mild = part.lines
    assert mentions(stuck, "stuck", "nfeasible") and mentions(worse, "worse", "nfeasible", "silver", numbers=(5,))
    assert mentions(mild, "mild", "JPY") and list_numbers(mild) == [10]
    table = format_table(part.charts[0].tables[0])
    assert [row[0] for row in table.rows] == ["base case", "stuck", "worse", "mild"]
    assert mentions(table.notes[-1], "mild", "a.b", "a note", numbers=(1,))
    assert mentions(part.charts[0].title, "nfeasible", "stuck", numbers=(2, 3))
    told = part.members["scenarios"]["rows"]
    assert told[0]["objective"] == 1010.0 and told[1]["objective"] is None and told[1]["short"] == {"Ag": 5.0}


def test_one_scenario_alone() -> None:
    """A single one is its own finding."""
    base = NamedScenarioResult("", {}, 1000.0, 0.0, 5.0, 6.0, None)
    part = report_scenarios(ScenarioComparison(base, (dataclasses.replace(base, name="same"),), "JPY", TITLES))
    assert "same" in part.charts[0].title and list_numbers(part.charts[0].title) == []


def test_the_premium_in_words() -> None:
    """More or less than buying, in all and a medal; at which price; and where it cannot be bought at all."""
    plain = dataclasses.replace(compute_premium(ScenarioRunner(TINY)), plan=3e6, cost=1e6, medals=4)
    first, second = describe_premium(plain, INSTANCE)
    assert list_numbers(first) == [2e6, 500_000, 3e6, 1e6]
    assert "ootprint" in second
    buys = dataclasses.replace(plain, recycles=False)
    assert mentions(describe_premium(buys, INSTANCE)[0], "no devices", numbers=(2e6,))
    same = dataclasses.replace(buys, cost=3e6)
    (said,) = describe_premium(same, INSTANCE)
    assert "no devices" in said and list_numbers(said) == [3e6]
    none = dataclasses.replace(plain, cost=INF, shortage={"Ag": 2.0})
    (said,) = describe_premium(none, INSTANCE)
    assert "silver" in said and list_numbers(said) == [2]
    told = report_premium(none, INSTANCE).members["premium"]
    assert told["cost_bought"] is None and told["short"] == {"Ag": 2.0}
    free = dataclasses.replace(plain, footprint=0.0, footprint_bought=0.0, medals=0)
    assert (
        len(describe_premium(free, INSTANCE)) == 1 and _encode_premium(free, INSTANCE)["premium"]["per_medal"] is None
    )
