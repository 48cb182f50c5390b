"""What is said, tabled and drawn of what drops out, comes late or goes otherwise."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from tests.analysis.varied import TINY

from medalopt.analysis.sensitivity.delay import Delay, delay
from medalopt.analysis.sensitivity.premium import premium
from medalopt.analysis.sensitivity.scenarios import Scenario, Scenarios
from medalopt.analysis.sensitivity.signing import Deadline
from medalopt.analysis.sensitivity.without import Loss, Without
from medalopt.analysis.variants import Variants
from medalopt.report.charts.drawing import svg
from medalopt.report.sensitivity import bars
from medalopt.report.sensitivity import delay as late
from medalopt.report.sensitivity import premium as bought
from medalopt.report.sensitivity import scenarios as named
from medalopt.report.sensitivity import without as lost

INF = float("inf")
INSTANCE = Variants(TINY).instance
TITLES = {"Ag": "silver", "Cu": "copper"}


def without(*losses: Loss, **changed: Any) -> Without:
    """Return losses of a plan that costs 1,000 JPY."""
    plain = Without(1000.0, "JPY", "2017-04", True, losses, TITLES, None)
    return dataclasses.replace(plain, **changed)


NONE = Loss("treatment", "dismantle", "treatments.dismantle", INF, {"Ag": 1912.0}, 0.5)
STUCK = Loss("smelter", "kosaka", "smelters.kosaka", INF, None, INF)
DEARER = Loss("smelter", "shonan", "smelters.shonan", 71.0, None, 0.0)
IDLE = Loss("offer", "gold", "market.gold", 0.0, None, 0.0)
FORCED = Loss("offer", "old", "market.old", -5.0, None, 0.0)


def test_what_drops_out_in_words() -> None:
    """No plan with what is short, what it costs more, what nobody would miss and what only a rule brings in."""
    part = lost.told(without(NONE, DEARER, IDLE, FORCED), INSTANCE)
    assert part.lines == (
        "There is no plan without treatment dismantle (1,912 kg of silver short).",
        "Without smelter shonan it costs 71 JPY more.",
        "Nobody would miss: offer gold.",
        "Cheaper without, as only a contract or a rule brings it in: offer old (5 JPY less).",
    )
    table = part.charts[0].tables[0]
    assert [row[0] for row in table.rows] == ["treatment dismantle", "smelter shonan"]
    assert table.rows[0][1] == "no plan" and "1,912 kg of silver short" in table.rows[0]
    assert part.charts[0].title.startswith("Without treatment dismantle there is no plan (1,912 kg of silver short); ")


def test_several_without_a_plan_and_a_month() -> None:
    """Several that cannot be missed are counted in the title, the month is said, and what is no want of metal too."""
    part = lost.told(without(STUCK, NONE, NONE, NONE, start="2017-06", whole=False), INSTANCE)
    assert part.lines[0].startswith("There is no plan from 2017-06 on without smelter kosaka (other rules cannot be")
    assert part.lines[0].endswith("; and 1 more.")
    assert part.charts[0].title == (
        "There is no plan without smelter kosaka, treatment dismantle or 2 more from 2017-06 on"
    )


def test_where_nothing_is_missed_there_is_no_chart() -> None:
    """Without a loss there is neither a chart nor a table."""
    part = lost.told(without(IDLE), INSTANCE)
    assert part.charts == () and part.lines == ("Nobody would miss: offer gold.",)


def test_the_same_for_a_program() -> None:
    """Rows have path, status, objective, extra and what is short; what no plan gives is null."""
    rows = lost.told(without(NONE, DEARER), INSTANCE).members["without"]["rows"]
    assert (rows[0]["status"], rows[0]["extra"], rows[0]["short"]) == ("infeasible", None, {"Ag": 1912.0})
    assert (rows[1]["status"], rows[1]["objective"], rows[1]["short"]) == ("optimal", 1071.0, None)
    json.dumps(rows, allow_nan=False)


def test_bars_without_a_plan_are_hatched() -> None:
    """They have a colour and a pattern of their own, and what is short stands on them."""
    rows = [bars.Bar("{a}", INF, {"sil{ver": 3.0}), bars.Bar("b", 2.0), bars.Bar("c", INF, {})]
    option = bars.bars(rows, "JPY")
    plain, none = option["series"]
    assert plain["itemStyle"]["color"] != none["itemStyle"]["color"] and none["itemStyle"]["decal"]["symbol"] == "rect"
    assert none["data"][0]["label"]["formatter"] == "no plan: 3 kg of sil(ver short" and none["data"][0]["value"] == 2.0
    assert none["data"][2]["label"]["formatter"] == "no plan: by a hair of metal"
    assert plain["data"][0]["value"] is None and plain["data"][1]["value"] == 2.0


def test_only_so_many_bars_are_drawn() -> None:
    """More than can be read are left to the table."""
    option = bars.bars([bars.Bar(str(n), float(n)) for n in range(40)], "kg CO2e")
    assert len(option["series"][0]["data"]) == bars.MOST and not option["legend"]["show"]


@pytest.mark.parametrize(
    ("extra", "unit", "said"),
    [(0.0, "JPY", "no JPY more"), (71e6, "JPY", "71 m JPY more"), (-3.0, "t", "3 t less")],
)
def test_amounts(extra: float, unit: str, said: str) -> None:
    """Money in its size, tonnes and footprint as they are; less is less."""
    assert bars.amount(extra, unit) == said
    does = {"JPY": "costs", "t": "takes"}[unit]
    assert bars.costs(extra, unit) == f"it {does} {said}"


def test_delays_in_words() -> None:
    """Each delay in a sentence, what is lost, and what must be signed when."""
    part = late.told(delay(Variants(TINY), 1), INSTANCE)
    assert part.lines[0].startswith("If all metal comes back 1 month later it costs ")
    assert "Of the supply 8 t would then come after the horizon, and are lost." in part.lines
    assert any(line.startswith("To be signed by 2017-04 so that nothing is lost: ") for line in part.lines)
    assert part.lines[-1] == "What can wait longest is offer green_copper: until 2017-07."
    assert part.members["delay"]["rows"][1]["supply_lost"] == pytest.approx(8.0)
    assert "<svg" in svg(part.charts[0])


def test_a_delay_that_leaves_no_plan() -> None:
    """What is short then is said, in the title too; contracts that are never needed stand in a note."""
    plain = delay(Variants(TINY), 0)
    gone = dataclasses.replace(plain.late[0], extra=INF, short={"Ag": 7.0})
    idle = Deadline("offer", "gold", "market.gold", None, None, 0.0)
    part = late.told(Delay(2, 1.0, "JPY", (gone, *plain.late[1:]), (idle,), TITLES), INSTANCE)
    assert part.charts[0].title == "If all metal comes back 2 months later there is no plan (7 kg of silver short)"
    assert part.members["delay"]["rows"][0]["extra"] is None
    assert part.tables == () and not any("signed" in line for line in part.lines)


def test_scenarios_in_words() -> None:
    """Those without a plan come first, then the dearest; changes and notes stand below the table."""
    base = Scenario("", {}, 1000.0, 0.0, 5.0, 6.0, None)
    rows = (
        Scenario("mild", {"a.b": "1"}, 1010.0, 10.0, 5.0, 6.0, None, "a note"),
        Scenario("worse", {"a.c": "2"}, INF, INF, INF, INF, {"Ag": 5.0}),
        Scenario("stuck", {"a.d": "2"}, INF, INF, INF, INF, None),
    )
    part = named.told(Scenarios(base, rows, "JPY", TITLES))
    assert part.lines[0].startswith("Scenario stuck: there is no plan (other rules cannot be kept")
    assert part.lines[1:] == (
        "Scenario worse: there is no plan (5 kg of silver short).",
        "Scenario mild: it costs 10 JPY more.",
    )
    table = part.charts[0].tables[0]
    assert [row[0] for row in table.rows] == ["as it is", "stuck", "worse", "mild"]
    assert table.notes[-1] == "mild: a.b 1 (a note)."
    assert part.charts[0].title.startswith("2 of 3 scenarios have no plan, stuck above all (other rules")
    told = part.members["scenarios"]["rows"]
    assert told[0]["objective"] == 1010.0 and told[1]["objective"] is None and told[1]["short"] == {"Ag": 5.0}


def test_one_scenario_alone() -> None:
    """A single one is its own finding."""
    base = Scenario("", {}, 1000.0, 0.0, 5.0, 6.0, None)
    part = named.told(Scenarios(base, (dataclasses.replace(base, name="same"),), "JPY", TITLES))
    assert part.charts[0].title == "same: it costs no JPY more"


def test_the_premium_in_words() -> None:
    """More or less than buying, in all and a medal; at which price; and where it cannot be bought at all."""
    plain = dataclasses.replace(premium(Variants(TINY)), plan=3e6, cost=1e6, medals=4)
    first, second = bought.lines(plain, INSTANCE)
    assert first == (
        "Recycling costs 2 m JPY more than buying all metal (3 m JPY against 1 m JPY): 500,000 JPY more a medal."
    )
    assert "footprint" in second
    buys = dataclasses.replace(plain, recycles=False)
    assert bought.lines(buys, INSTANCE)[0].startswith(
        "The plan takes no devices, but keeping its rules costs 2 m JPY more"
    )
    same = dataclasses.replace(buys, cost=3e6)
    assert bought.lines(same, INSTANCE) == ("The plan takes no devices: it buys all metal, for 3 m JPY.",)
    none = dataclasses.replace(plain, cost=INF, short={"Ag": 2.0})
    assert bought.lines(none, INSTANCE) == (
        "Benchmark, buying all metal: not available (no sufficient offer of silver: 2 kg of silver short).",
    )
    told = bought.told(none, INSTANCE).members["premium"]
    assert told["cost_bought"] is None and told["short"] == {"Ag": 2.0}
    free = dataclasses.replace(plain, footprint=0.0, footprint_bought=0.0, medals=0)
    assert len(bought.lines(free, INSTANCE)) == 1 and bought.members(free, INSTANCE)["premium"]["per_medal"] is None
