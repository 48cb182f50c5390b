"""`--gap` and `--time-limit`: outputs and exit codes of a stopped search."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.runs import INFEASIBLE, TINY, TOKYO, here
from tests.report.reading import mentions
from tests.solver.test_budget import stopped_after

import medalopt
from medalopt.errors import NoPlanError
from medalopt.plan.plan import Plan
from medalopt.solver.highs import TimeBudget

ITERATIONS = 184  # after which tiny has a plan that is not the best


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Have every search end early, with this plan."""
    plan = stopped_after(ITERATIONS, monkeypatch)
    assert plan is not None and plan.stopped
    named = replace(plan, instance=medalopt.load(TINY))
    monkeypatch.setattr("medalopt.api.solve_instance", lambda *_: named)
    return named


def test_a_stopped_search_without_a_plan(tmp_path: Path) -> None:
    """Exit code 4 and one line; as JSON an object without a plan; no file is written."""
    ran = here("solve", TOKYO, "--time-limit", "0", "--json", "-o", str(tmp_path / "plan.json"))
    assert ran.code == 4
    told = json.loads(ran.out)
    assert told.keys() == {"format", "status", "instance", "objective"} and told["status"] == "interrupted"
    assert ran.err.startswith("tokyo2020: ") and "time" in ran.err and len(ran.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())
    assert here("solve", TOKYO, "--time-limit", "0").out == ""


def test_a_stopped_search_with_a_plan(early: Plan, tmp_path: Path) -> None:
    """Exit code 4; the plan is written as feasible, and `verify` accepts it and finds its gap again."""
    path = tmp_path / "plan.json"
    ran = here("solve", TINY, "--time-limit", "10", "--json", "-o", str(path))
    told = json.loads(ran.out)
    assert ran.code == 4 and told["status"] == "feasible"
    assert told["certificate"]["gap"] == early.certificate.gap > 1e-9
    verified = here("verify", str(path), TINY, "--json")
    assert verified.code == 0
    assert json.loads(verified.out)["gap"] == pytest.approx(early.certificate.gap, rel=1e-9)
    assert "above the certified lower bound" in " ".join(here("verify", str(path), TINY).out.split())


def test_a_plan_does_not_pretend(early: Plan, tmp_path: Path) -> None:
    """A gap that is claimed smaller than the plan's prices prove is found out; so is the word `optimal`."""
    path = tmp_path / "plan.json"
    here("solve", TINY, "-o", str(path))
    content = json.loads(path.read_text(encoding="utf-8"))
    for member, key, value, rule in (
        ("certificate", "gap", early.certificate.gap / 2, "certificate.gap"),
        ("status", None, "optimal", "status"),
    ):
        false = content | {member: content[member] | {key: value} if key else value}
        path.write_text(json.dumps(false), encoding="utf-8")
        verified = here("verify", str(path), TINY, "--json")
        assert verified.code == 1
        assert [row["path"] for row in json.loads(verified.out)["broken"]] == [
            rule,
            "plan",
        ]  # by the arithmetic, and by the digest


def test_a_person_sees_how_near_it_is(early: Plan) -> None:
    """The line of the proof says that the search was stopped, and how far from the best the plan is at most."""
    ran = here("solve", TINY, "--time-limit", "10")
    told = " ".join(ran.out.split())
    assert ran.code == 4
    assert mentions(told, "Feasible", numbers=(float(f"{100 * early.certificate.gap:.2g}"),))


def test_a_gap_and_a_limit_with_units() -> None:
    """Both options accept units; a plan in time and within the gap ends with 0."""
    for gap, limit in (("1 %", "5 min"), ("0.01", "300"), ("0", "1 h")):
        ran = here("solve", TINY, "--json", "--gap", gap, "--time-limit", limit)
        assert ran.code == 0 and json.loads(ran.out)["status"] == "optimal"


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--gap", "-1 %", "--gap: must be 0 or more; found -1 %"),
        ("--gap", "inf", "--gap: not a finite number: inf"),
        ("--gap", "1 t", "--gap: expected a share, such as `25 %`; found `1 t`"),
        ("--gap", "1", "--gap: 1 is a gap of 100 %; write 1% for a hundredth, or 100%"),
        ("--gap", "5000%", "--gap: must be at most 100 %; found 5000%"),
        ("--gap", "small", "--gap: expected a share, such as `25 %`; found `small`"),
        ("--time-limit", "-1", "--time-limit: must be 0 or more; found -1"),
        ("--time-limit", "3 km", "--time-limit: expected a number in s or another unit of that kind"),
    ],
)
def test_what_cannot_be_asked_for(option: str, value: str, said: str) -> None:
    """Invalid values are rejected in one line with the valid ones."""
    ran = here("solve", TINY, option, value)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(said) and len(ran.err.splitlines()) == 1


def test_the_limit_holds_for_the_cures_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time limit infeasibility is reported without a search for repairs."""
    monkeypatch.setattr(TimeBudget, "seconds_left", lambda budget: 1e6 if budget.seconds < 7 else 0.0)
    refused = NoPlanError("tiny", "infeasible")

    def no_plan(*_: object) -> None:
        raise refused

    monkeypatch.setattr("medalopt.api.solve_instance", no_plan)
    ran = here("solve", INFEASIBLE, "--time-limit", "7", "--json")
    told = json.loads(ran.out)["diagnosis"]
    assert ran.code == 3 and told["stopped"] and told["conflict"] and not told["repairs"]
