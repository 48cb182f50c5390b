"""The named scenarios, held against instances in whose files they are the base case."""

from __future__ import annotations

import pytest
from tests.analysis.sensitivity import deleted

from medalopt.analysis.scenario_runner import ScenarioProgram
from medalopt.analysis.sensitivity.what_if import evaluate_scenarios
from medalopt.errors import InputError, SolverError, UsageError
from medalopt.report.render.text import format_table
from medalopt.report.sensitivity.what_if import report_scenarios
from medalopt.solver.verification import VerifiedResult


def instance(available: str = "2 t", price: int = 1_000, silver: str = "6 kg/t", **more: object) -> deleted.Document:
    """Return ten medals of 1 kg of silver; at most 4 kg is bought, the rest comes from phones."""
    return {
        "format": "medalopt/1",
        "name": "by_hand",
        "currency": "JPY",
        "metals": {"Ag": {"title": "silver"}},
        "devices": {"phone": {"content": {"Ag": silver}}},
        "streams": [
            {
                "device": "phone",
                "region": "tokyo",
                "available": available,
                "collection": "600 JPY/t",
                "footprint": 2,
            }
        ],
        "smelters": {"kosaka": {"returned": {"Ag": 1.0}}},
        "market": {"mined": {"composition": {"Ag": 1.0}, "price": price, "limit": "4 kg", "footprint": 7}},
        "alloys": {"pure": {"composition": {"Ag": 1.0}}},
        "medals": {"coin": {"count": 10, "parts": {"pure": "1 kg"}}},
        **more,
    }


SCENARIOS = {
    "fewer": {"streams.*.available": "50 %"},
    "poorer": {"devices.*.content.Ag": "90 %", "note": "a step"},
    "none": {"streams.*.available": "25 %", "market.mined.price": 2_000},
}


def test_each_costs_what_its_instance_costs() -> None:
    """Cost, footprint and tonnes equal those of the instance with the scenario written in its file."""
    with deleted.variants(instance(scenarios=SCENARIOS)) as variants:
        answers = evaluate_scenarios(variants)
    plain = deleted.solved(instance())
    assert plain is not None and answers.base.value == pytest.approx(plain.cost) and answers.base.extra == 0
    found = {one.name: one for one in answers.scenarios}
    for name, other in (("fewer", instance(available="1 t")), ("poorer", instance(silver="5.4 kg/t"))):
        plan = deleted.solved(other)
        assert plan is not None
        assert (found[name].value, found[name].footprint, found[name].tonnes) == pytest.approx(
            (plan.cost, plan.footprint, plan.tonnes)
        )
        assert found[name].extra == pytest.approx(plan.cost - plain.cost) and found[name].shortage is None


def test_what_is_short_where_there_is_no_plan() -> None:
    """Half a tonne brings 3 kg and 4 kg may be bought: 3 kg of silver are short."""
    with deleted.variants(instance(scenarios=SCENARIOS)) as variants:
        none = {one.name: one for one in evaluate_scenarios(variants).scenarios}["none"]
    assert not none.feasible and none.shortage == pytest.approx({"Ag": 3.0})


def test_one_that_cannot_be_solved_costs_its_own_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unproven scenario reports that in its row; the others are unaffected."""
    with deleted.variants(instance(scenarios=SCENARIOS)) as variants:
        whole, solved = evaluate_scenarios(variants), variants.solve_scenario
        asked: list[object] = []

        def fail(variant: ScenarioProgram | None = None) -> VerifiedResult:
            asked.append(variant)
            if variant is not None and sum(one is not None for one in asked) == 1:
                raise SolverError("no proof")
            return solved(variant)

        monkeypatch.setattr(variants, "solve_scenario", fail)
        found = evaluate_scenarios(variants)
    assert [one.status for one in found.scenarios] == ["unanswered", "infeasible", "optimal"]
    assert found.scenarios[1:] == whole.scenarios[1:]
    part = report_scenarios(found)
    assert "Scenario fewer: not solved (no proof)." in part.lines
    row = part.members["scenarios"]["rows"][0]
    assert (row["status"], row["objective"], row["message"]) == ("unanswered", None, "no proof")
    assert format_table(part.charts[0].tables[0]).rows[-1][1] == "not solved"


def test_there_must_be_some() -> None:
    """Without scenarios it is said how to write one."""
    with deleted.variants(instance()) as variants, pytest.raises(UsageError, match="write some, such as"):
        evaluate_scenarios(variants)


def test_a_scenario_that_names_nothing_is_refused() -> None:
    """A wildcard path without a match is rejected with scenario and path."""
    with (
        deleted.variants(instance(scenarios={"odd": {"devices.*.content.Au": "90 %"}})) as variants,
        pytest.raises(InputError, match=r'scenarios\.odd\."devices\.\*\.content\.Au": nothing in this instance'),
    ):
        evaluate_scenarios(variants)
