"""`medalopt verify`: accepts output of `solve`, names changes, and states the excess cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.runs import INFEASIBLE, TINY, here
from tests.report.reading import mentions

RIO = TINY.replace("tiny.yaml", "rio2016.yaml")


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """Return tiny's plan as JSON."""
    path = tmp_path / "tiny.json"
    assert here("solve", TINY, "-o", str(path)).code == 0
    return path


def edited(plan: Path, member: str, amount: float) -> None:
    """Add to the tonnes of the first row of a table."""
    content = json.loads(plan.read_text(encoding="utf-8"))
    content[member][0]["tonnes"] += amount
    plan.write_text(json.dumps(content), encoding="utf-8")


def test_a_right_plan_is_accepted(plan: Path) -> None:
    """Exit code 0; the plan is called valid first, and then optimal, as that is verified."""
    run = here("verify", str(plan), TINY)
    assert run.code == 0
    first, second, *_ = run.out.splitlines()
    assert first == "Plan is valid."
    assert mentions(second, "tiny.json", "verified optimal", "exact rational", numbers=(3_350_183,))


def test_a_changed_plan_is_not(plan: Path) -> None:
    """Exit code 1: not valid first, every violated constraint by name with its amount, and no word of an optimum."""
    edited(plan, "shipments", 1.0)
    run = here("verify", str(plan), TINY)
    assert run.code == 1
    assert run.out.startswith("Plan is not valid.\n") and "supply" in run.out and "cost.total is stated as" in run.out
    assert "violate 1 constraint" in run.out
    assert "verified optimal" not in run.out and "can do better" not in run.out


def test_json_shows_the_same(plan: Path) -> None:
    """`accepted`, `broken` and `gap` as data; violations have rule, path, amount, unit and text."""
    right = json.loads(here("verify", str(plan), TINY, "--json").out)
    assert right["accepted"] is True and right["broken"] == [] and right["gap"] <= 1e-9
    edited(plan, "shipments", 1.0)
    wrong = json.loads(here("verify", str(plan), TINY, "--json").out)
    assert wrong["accepted"] is False
    assert all(set(row) == {"rule", "path", "amount", "unit", "text"} for row in wrong["broken"])


def test_of_many_faults_the_first_twenty_are_reported(plan: Path) -> None:
    """A plan of another instance breaks more rules than a person reads; the rest is counted."""
    run = here("verify", str(plan), RIO)
    assert run.code == 1
    assert "the plan was computed from other parameter values" in run.out
    assert "more (--json lists all)" in run.out
    assert len(run.out.splitlines()) <= 23


def test_what_is_unknown_is_not_reported(plan: Path) -> None:
    """Without dual values no bound is stated, only the distance to the provable one."""
    content = json.loads(plan.read_text(encoding="utf-8"))
    content["duals"] = []
    plan.write_text(json.dumps(content), encoding="utf-8")
    run = here("verify", str(plan), TINY)
    assert run.code == 1 and "prove only a gap" in run.out


def test_the_instance_is_found_beside_the_plan(plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left out, the instance is the file that the plan names, here or beside the plan; else it has to be named."""
    run = here("verify", str(plan))
    assert run.code == 2 and "name it: medalopt verify PLAN INSTANCE" in run.err
    (plan.parent / "tiny.yaml").write_bytes(Path(TINY).read_bytes())
    assert here("verify", str(plan)).code == 0
    monkeypatch.chdir(plan.parent)
    assert here("verify", plan.name).code == 0


def test_the_answer_that_there_is_no_plan_is_checked_too(tmp_path: Path) -> None:
    """A proof of infeasibility: exit code 0 if its multipliers hold, else 1 with reasons as text and rows."""
    path = tmp_path / "answer.json"
    for verb in ("solve", "explain"):
        path.write_text(here(verb, INFEASIBLE, "--json").out, encoding="utf-8")
        run = here("verify", str(path), INFEASIBLE)
        assert run.code == 0 and run.out.startswith("Result is valid: no feasible plan exists.\n")
    run = here("verify", str(path), INFEASIBLE, "--set", "medals.silver.count=1", "--json")
    assert run.code == 1
    told = json.loads(run.out)
    assert told["accepted"] is False and "computed from other parameter values" in told["broken"][0]["text"]
    run = here("verify", str(path), TINY)
    assert run.code == 1 and "multipliers" in run.out


def test_what_is_no_plan_is_a_fault_of_input(tmp_path: Path) -> None:
    """Exit code 2 with the file's name, for a missing file and for an instance in place of a plan."""
    for path in (tmp_path / "none.json", Path(TINY)):
        run = here("verify", str(path), TINY)
        assert run.code == 2 and path.name in run.err


def test_a_file_that_is_no_workbook_is_named(tmp_path: Path) -> None:
    """A broken NAME.xlsx is reported as a workbook, not as JSON."""
    (tmp_path / "plan.xlsx").write_bytes(b"stream,tonnes\n")
    ran = here("verify", str(tmp_path / "plan.xlsx"), TINY)
    assert ran.code == 2
    assert "plan.xlsx: is not an Excel workbook" in ran.err
