"""Instances without a plan, one for each family of rules: the reason and the cure, each held against arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.model.cases import changed, loaded
from tests.report.reading import mentions
from tests.solver.test_budget import LONG, Counted

from medalopt import load
from medalopt.analysis.infeasibility import conflict
from medalopt.analysis.infeasibility.conflict import list_repair_parameters
from medalopt.analysis.infeasibility.diagnosis import diagnose_infeasibility, rank_supply_streams
from medalopt.analysis.infeasibility.repair import Diagnosis
from medalopt.analysis.infeasibility.repair_parameter import list_opening_stocks
from medalopt.analysis.infeasibility.search import find_least_position, measure_infeasibility
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.report.infeasible import build_infeasibility_report
from medalopt.report.render.text import render_report_text
from medalopt.solver.highs import TimeBudget

# All are the plain instance, changed: 5 kg of silver alloy with at least 90 % silver, so 4.5 kg of silver, from phones
# that give back 0.9 kg a tonne, in two periods; and nothing on offer unless a case says so.
PHONES = {"device": "phone", "region": "north", "available": "10 t", "collection": "900 JPY/t"}
SMELTER = {"returned": {"Ag": "90 %", "Cu": "90 %"}}
WINDOW = {"Ag": ["90 %", "100 %"], "Cu": ["0 %", "10 %"]}
ONLY_BOUGHT: dict[str, Any] = {"streams": None, "smelters": None, "devices": None}


def offer(**more: Any) -> dict[str, Any]:
    """Return a market of one offer of pure silver."""
    return {"silver": {"composition": {"Ag": "100 %"}, "price": "60 JPY/g"} | more}


def case(**sections: Any) -> Instance:
    """Return the plain instance without an offer, with `sections` in place of its own."""
    return loaded(changed(**({"market": None} | sections)))


def diagnosed(instance: Instance) -> Diagnosis:
    """Return the diagnosis of an instance without a plan."""
    found = diagnose_infeasibility(instance)
    assert found is not None
    return found


def list_repairs(found: Diagnosis) -> dict[str, Any]:
    """Return the new value of each repair of one parameter."""
    return {repair.changes[0].path: repair.changes[0].after for repair in found.repairs if len(repair.changes) == 1}


def families(found: Diagnosis) -> set[str]:
    """Return the families of the rules in conflict."""
    return {reason.rule for reason in found.rules}


def test_supply() -> None:
    """Two periods of 2 t give 3.6 kg of the 4.5: 0.9 are short, and 2.5 t a period would do, or 4 medals of 10."""
    found = diagnosed(case(streams=[PHONES | {"available": "2 t"}]))
    assert families(found) == {"demand", "supply", "fineness"}
    assert found.screened[0].amount == pytest.approx(0.9) and "900 g short" in found.screened[0].text
    told = list_repairs(found)
    assert told["streams.phone@north.available"] == 2.5
    assert told["medals.medal.count"] == 8  # 3.6 kg are nine tenths of 4 kg
    assert "metals.Ag.opening_stock" not in told  # it would cost nothing, as its price is in no figure


def test_capacity() -> None:
    """A smelter that takes 2 t a period returns 3.6 kg of the 4.5; with 2.5 t it is enough."""
    found = diagnosed(case(smelters={"smelter": SMELTER | {"capacity": "2 t"}}))
    assert families(found) == {"demand", "capacity", "fineness"}
    assert list_repairs(found)["smelters.smelter.capacity"] == 2.5


def test_demand_too_early() -> None:
    """Metal is back in the second period and due in the first: a period later, or a lead of none."""
    found = diagnosed(
        case(
            smelters={"smelter": SMELTER | {"lead": 1}},
            medals={"medal": {"count": 10, "due": 1, "parts": {"silver": "500 g"}}},
        )
    )
    assert families(found) == {"demand"}
    assert "before period 2" in found.screened[0].text
    told = list_repairs(found)
    assert (told["medals.medal.due"], told["smelters.smelter.lead"]) == ("2", 0)


def test_commitments() -> None:
    """25 t are committed of a stream that offers 20: 20 can be kept, or 12.5 t a period offered."""
    found = diagnosed(case(streams=[PHONES | {"committed": "25 t"}]))
    assert families(found) == {"commitments and limits", "supply"}
    assert list_repairs(found) == {"streams.phone@north.committed": 20, "streams.phone@north.available": 12.5}


def test_limits() -> None:
    """Of 5 kg that must be bought, as no copper is there, 2 may be: the limit would have to be 5."""
    found = diagnosed(case(**ONLY_BOUGHT, market=offer(limit="2 kg")))
    assert families(found) == {"demand", "commitments and limits"}
    assert list_repairs(found)["market.silver.limit"] == 5


def test_recycled_content() -> None:
    """A fifth of the silver must be recycled and all on offer is new: no floor above none can be kept."""
    found = diagnosed(case(**ONLY_BOUGHT, market=offer(recycled="0 %"), policy={"recycled": {"Ag": "20 %"}}))
    assert families(found) == {"demand", "recycled content"}
    assert found.screened[0].rule == "recycled content" and found.screened[0].amount == pytest.approx(0.9)
    assert list_repairs(found)["policy.recycled.Ag"] == 0


def test_fineness() -> None:
    """Silver of 85 % is too poor for a window from 90 %: it would have to begin at 85."""
    market = {"poor": {"composition": {"Ag": "85 %", "Cu": "15 %"}, "price": "50 JPY/g"}}
    alloys = {"silver": {"composition": {"Ag": ["90 %", "100 %"], "Cu": ["0 %", "20 %"]}}}
    found = diagnosed(case(**ONLY_BOUGHT, market=market, alloys=alloys))
    assert families(found) == {"demand", "fineness"}
    assert list_repairs(found)["alloys.silver.composition.Ag[0]"] == 85


def test_device_mix() -> None:
    """Phones may be 60 % of all tonnes and are all there is: only 100 % lets any be sent."""
    found = diagnosed(case(policy={"device_share": {"phone": ["0 %", "60 %"]}}))
    assert families(found) == {"demand", "device mix"}
    assert list_repairs(found)["policy.device_share.phone[1]"] == 100


def test_participation() -> None:
    """Half of 20 t must be sent, and the only smelter takes 8: 40 %, or 5 t a period."""
    found = diagnosed(
        case(smelters={"smelter": SMELTER | {"capacity": "4 t"}}, policy={"participation": "50 %"}),
    )
    assert families(found) == {"participation", "capacity"}
    told = list_repairs(found)
    assert (told["policy.participation"], told["smelters.smelter.capacity"]) == (40, 5)


def test_a_region_without_a_route() -> None:
    """A region that no smelter reaches must send a tenth of its 20 t: arithmetic tells, and only no share cures."""
    found = diagnosed(
        case(
            streams=[PHONES, PHONES | {"region": "south"}],
            lanes=[{"region": "north", "smelter": "smelter"}],
            policy={"participation": "10 %"},
        )
    )
    assert families(found) == {"participation"}
    assert "south" in found.screened[0].text and found.screened[0].amount == pytest.approx(2)
    assert list_repairs(found) == {"policy.participation": 0}


def test_footprint() -> None:
    """4.5 kg need 5 t of phones at 100 kg CO2e: a cap of 0.4 t must be 0.5."""
    found = diagnosed(case(streams=[PHONES | {"footprint": 100}], policy={"footprint_cap": "0.4 t"}))
    assert families(found) == {"demand", "footprint", "fineness"}
    assert list_repairs(found)["policy.footprint_cap"] == 0.5


def test_process_scrap() -> None:
    """With 50 % process scrap 9 kg of silver are charged and 7.2 return: 37.5 % is the most that is feasible."""
    alloys = {"silver": {"composition": WINDOW, "scrap": {"share": "50 %", "returned": "0 %"}}}
    found = diagnosed(case(streams=[PHONES | {"available": "4 t"}], alloys=alloys))
    assert found.screened[0].amount == pytest.approx(1.8)
    assert list_repairs(found)["alloys.silver.scrap.share"] == 37.5


def test_two_windows_together() -> None:
    """Silver of 85 % with copper of 15 breaks two windows: neither alone cures, both together do."""
    market = {"poor": {"composition": {"Ag": "85 %", "Cu": "15 %"}, "price": "50 JPY/g"}}
    found = diagnosed(case(**ONLY_BOUGHT, market=market))
    sets = [{change.path: change.after for change in repair.changes} for repair in found.repairs]
    assert {"alloys.silver.composition.Ag[0]": 85, "alloys.silver.composition.Cu[1]": 15} in sets
    assert not {"alloys.silver.composition.Ag[0]", "alloys.silver.composition.Cu[1]"} & list_repairs(found).keys()


def test_two_commitments_together() -> None:
    """Two streams committed beyond supply need two repairs together, each by the least amount."""
    streams = [PHONES | {"committed": "25 t"}, PHONES | {"region": "south", "committed": "30 t"}]
    found = diagnosed(case(streams=streams))
    assert list_repairs(found) == {} and len(found.screened) == 2
    assert {change.path: change.after for change in found.repairs[0].changes} == {
        "streams.phone@north.committed": 20,
        "streams.phone@south.committed": 20,
    }


def test_a_metal_without_a_source() -> None:
    """An alloy with 5 % of zinc without source: the shortage is reported, and 0.25 kg repairs it."""
    metals: dict[str, Any] = {"Ag": {}, "Cu": {}, "Zn": {"title": "zinc"}}
    alloys = {"silver": {"composition": {"Ag": ["90 %", "95 %"], "Zn": ["5 %", "10 %"]}}}
    found = diagnosed(case(metals=metals, alloys=alloys))
    assert "zinc" in found.screened[0].text
    assert list_repairs(found) == {"metals.Zn.opening_stock": 0.25}


def test_the_way_of_large_programs_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """For large programs Farkas multipliers lead to the same constraints and repairs."""
    instance = case(streams=[PHONES | {"available": "2 t"}])
    small = diagnosed(instance)
    monkeypatch.setattr(conflict, "SMALL_PROGRAM_ROWS", 0)
    monkeypatch.setattr("medalopt.analysis.infeasibility.search.SMALL_PROGRAM_ROWS", 0)
    large = diagnosed(instance)
    assert families(large) == families(small)
    told, known = list_repairs(large), list_repairs(small)
    assert {path: pytest.approx(known[path], rel=1e-5) for path in told} == told


@pytest.mark.parametrize("name", ["little", "together", "no_more", "define_little", "feed_limit"])
def test_a_constraint_of_ones_own(name: str, tmp_path: Path) -> None:
    """An extension that lets 4 t be sent leaves 3.6 kg of silver: 8 medals of 10 would do; it is named as its own."""
    own = tmp_path / "little.py"
    own.write_text(
        "import pyomo.core as pyo\n\n\ndef extend(model, instance):\n"
        f"    model.{name} = pyo.Constraint(expr=(None, model.sent, 4.0))\n",
        encoding="utf-8",
    )
    found = diagnose_infeasibility(case(), extensions=[own])
    assert found is not None
    assert any(f"`{name}`" in reason.text for reason in found.rules)
    assert list_repairs(found)["medals.medal.count"] == 8


def test_tokyo_as_first_planned() -> None:
    """Silver, castings at the end, all supply and recycled silver conflict; 4,400 kg bear 58.9 % of scrap."""
    instance = load(Path(__file__).parents[2] / "instances" / "tokyo2020-first-targets.yaml")
    at = measure_infeasibility(instance)
    assert at is not None
    found = conflict.find_conflict(at.problem, at.violation)
    assert {(rule.kind, rule.names) for rule in found.rules} == {
        ("demand", ("silver_999", "2019-11")),
        ("cast_capacity", ("silver_999",)),
        ("supply", ()),
        ("recycled", ("Ag",)),
    }
    [scrap] = [one for one in list_repair_parameters(instance, found.rules, {}) if one.field == "scrap_share"]
    assert find_least_position(scrap, at) == pytest.approx(58.8637, abs=1e-4)


def test_tokyo_is_cured_by_more_phones_from_shops() -> None:
    """Of all streams they are the cheapest cure: the tonnes that bring the silver which in stock would do as well."""
    instance = load(Path(__file__).parents[2] / "instances" / "tokyo2020-first-targets.yaml")
    at = measure_infeasibility(instance)
    assert at is not None
    found = conflict.find_conflict(at.problem, at.violation)
    likely = rank_supply_streams(instance, found, at)
    first = next(iter(likely))
    assert first.startswith("shop_feature_phone@") and likely[first] == instance.periods.index("2019-03")
    figures = {one.paths[0]: one for one in list_repair_parameters(instance, found.rules, likely)}
    times = find_least_position(figures["streams", first, "available"], at)
    [stock] = list_opening_stocks(instance, [instance.alloys.names.index("silver_999")])
    kilograms = find_least_position(stock, at)
    assert times is not None and kilograms is not None
    ways, i = build_routes(instance), instance.streams.names.index(first)
    yields = ways.returned[ways.stream == i, instance.metals.names.index("Ag")].max()
    more = (times - 1) * instance.streams.available.value[i].sum()
    assert kilograms <= more * yields <= 1.01 * kilograms  # the last months need a quicker smelter, which returns less


def test_when_the_time_is_over_no_further_cure_is_tried() -> None:
    """Results up to the time limit are reported as unfinished: screening, conflict, some repairs."""
    instance = case(streams=[PHONES | {"available": "2 t"}])
    whole = diagnosed(instance)
    nothing = diagnose_infeasibility(instance, budget=TimeBudget(0))
    assert nothing is not None and (nothing.screened, nothing.rules, nothing.repairs) == (whole.screened, (), ())
    some = [diagnose_infeasibility(instance, budget=Counted(LONG, most=most)) for most in (1, 2, 3)]
    assert [one.rules for one in some if one] == 3 * [whole.rules]
    counts = [len(one.repairs) for one in some if one]
    assert counts == sorted(counts) and counts[0] < counts[-1] < len(whole.repairs)
    assert all(one is not None and one.stopped and one.encode()["stopped"] for one in (nothing, *some))
    assert not whole.stopped and "stopped" not in whole.encode()
    short, none = (render_report_text(build_infeasibility_report(instance, one)) for one in (some[-1], nothing))
    assert mentions(short, "time limit", "--time-limit")
    assert "No repair was found" not in none


def test_several_figures_are_not_tried_without_time() -> None:
    """After the time limit no repair of several parameters is searched for."""
    instance = load(Path(__file__).parents[2] / "instances/infeasible.yaml")
    found = diagnose_infeasibility(instance, budget=Counted(LONG, most=1))
    assert found is not None and found.stopped and found.rules and not found.repairs


def test_as_many_figures_as_it_takes() -> None:
    """Four commitments of which none can be sent, and too little silver beside them: one cure of five figures."""
    kettles = [
        {"device": "kettle", "region": f"r{number}", "available": "2 t", "committed": "1 t"} for number in "1234"
    ]
    found = diagnosed(
        case(
            devices={"phone": {"content": {"Ag": "1 kg/t"}}, "kettle": {}},
            streams=[{**PHONES, "available": "1 t"}, *kettles],
            lanes=[{"region": "north", "smelter": "near"}],
            smelters={"near": SMELTER},
        )
    )
    assert [len(repair.changes) for repair in found.repairs] == [5]
    changes = {change.path: change.after for change in found.repairs[0].changes}
    assert {path for path, after in changes.items() if after == 0} == {
        f"streams.kettle@r{number}.committed" for number in "1234"
    }
