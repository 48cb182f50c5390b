"""`medalopt plan` from the command line: every form of it, and that each is the same plan."""

import json
from pathlib import Path

import pytest
from tests.cli.runs import INFEASIBLE, TINY, here
from tests.report.reading import mentions

from medalopt.errors import SolverError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the plan of the small case as JSON and as CSV."""
    there = tmp_path_factory.mktemp("plan")
    assert here("plan", TINY, "--brief", "-o", str(there / "plan")).code == 0
    assert here("plan", TINY, "--brief", "-o", str(there / "plan.json"), "--json").code == 0
    return there


def test_json_and_csv_are_plans_that_verify_accepts(folder: Path) -> None:
    """Whoever gets the file can check it: the sourcing plan holds the plan it was made of."""
    for name in ("plan", "plan.json"):
        assert here("verify", str(folder / name), TINY).code == 0


def test_what_is_printed_as_json_is_what_is_written(folder: Path) -> None:
    """The same figures give the same bytes, on standard output and in the file."""
    assert here("plan", TINY, "--brief", "--json").out == (folder / "plan.json").read_text(encoding="utf-8")


def test_csv_and_json_hold_the_same_tables(folder: Path) -> None:
    """Every table of the JSON is a file of the folder, with as many rows."""
    tables = json.loads((folder / "plan.json").read_text(encoding="utf-8"))["sourcing"]["tables"]
    assert "award" in tables
    for key, table in tables.items():
        lines = (folder / "plan" / f"{key}.csv").read_text(encoding="utf-8").splitlines()
        assert len(lines) == 1 + len(table["rows"])
        assert lines[0].split(",") == list(table["rows"][0])


def test_a_form_that_is_not_known_is_refused(tmp_path: Path) -> None:
    """The error lists the available forms, and no file is written."""
    refused = here("plan", TINY, "-o", str(tmp_path / "plan.docx"))
    assert refused.code == 2
    assert "html" in refused.err
    assert not list(tmp_path.iterdir())


def test_without_a_plan_it_says_why() -> None:
    """If infeasible, `plan` ends as `solve` does, with the conflicting constraints."""
    refused = here("plan", INFEASIBLE, "--json")
    assert refused.code == 3
    assert json.loads(refused.out)["diagnosis"]["conflict"]


def test_whole_loads_are_verified_again(tmp_path: Path) -> None:
    """`--round` gives a plan that `verify` accepts, with the cost of whole loads."""
    run = here("plan", TINY, "--brief", "--round", "1t", "-o", str(tmp_path / "loads.json"))
    assert run.code == 0
    assert mentions(run.out, numbers=(1, 30, 89_369))
    assert here("verify", str(tmp_path / "loads.json"), TINY).code == 0


@pytest.mark.parametrize("size", ["0t", "-1t", "1 km", "x", "1e-9t", "999 g"])
def test_a_load_is_a_mass(size: str) -> None:
    """A load that is no mass, zero, or below a kilogram is rejected in one line."""
    refused = here("plan", TINY, "--round", size)
    assert refused.code == 2
    assert refused.err.startswith("--round") and len(refused.err.splitlines()) == 1
    assert "no plan" not in refused.err


def test_plan_without_a_plan_in_time_ends_as_solve_does() -> None:
    """Without a plan in time `plan` ends as `solve` does, also with --json."""
    stopped = here("plan", TINY, "--time-limit", "0", "--json")
    assert stopped.code == 4
    assert json.loads(stopped.out)["status"] == "interrupted"


def test_what_cannot_be_proven_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a further analysis is not proven, the plan is reported without it, with the reason."""

    def refuse(*arguments: object) -> None:
        raise SolverError("tiny: a shadow price could not be verified")

    monkeypatch.setattr("medalopt.analysis.sourcing.plan_analyses.find_binding_constraints", refuse)
    run = here("plan", TINY, "--json")
    assert run.code == 0
    assert "tiny: a shadow price could not be verified" in run.err
    assert "tiny-C01" in run.out
    assert "rules" not in json.loads(run.out)["sourcing"]["tables"]
