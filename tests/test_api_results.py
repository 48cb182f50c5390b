"""Analyses as functions: their frames, pictures and pages agree with the command line; saved plans are read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from tests.cli.runs import here

import medalopt
from medalopt.errors import UsageError
from medalopt.results import MAX_SHOWN_ROWS

ROOT = Path(__file__).parents[1]
TINY = ROOT / "instances/tiny.yaml"
Analysis = Callable[[medalopt.Instance], medalopt.AnalysisResult]
ANALYSES: dict[str, tuple[Analysis, list[str], bool]] = {  # call, words of the same command, whether it has a chart
    "explain": (medalopt.explain, ["explain"], False),
    "ranges": (medalopt.sensitivity_ranges, ["sensitivity"], True),
    "curve": (
        lambda tiny: medalopt.curve(tiny, "smelters.near.limit", 2, 4),
        ["sensitivity", "--vary", "smelters.near.limit=2..4"],
        True,
    ),
    "device mix": (medalopt.device_mix, ["sensitivity", "--device-mix"], True),
    "tornado": (medalopt.tornado, ["sensitivity", "--tornado", "--jobs", "1"], True),
    "variance": (
        lambda tiny: medalopt.variance(tiny, rows=8),
        ["sensitivity", "--global", "8", "--jobs", "1"],
        True,
    ),
    "outages": (
        lambda tiny: medalopt.outages(tiny, ["smelters.near", "treatments.shred"]),
        ["sensitivity", "--drop", "smelters.near", "--drop", "treatments.shred"],
        True,
    ),
}


@pytest.fixture(scope="module")
def tiny() -> medalopt.Instance:
    """Return the small instance."""
    return medalopt.load(TINY)


@pytest.mark.parametrize("name", ANALYSES)
def test_an_analysis_is_that_of_the_command_line(tiny: medalopt.Instance, name: str) -> None:
    """An analysis gives the JSON of its command; frames with units, a chart where there is one, a page and a view."""
    call, words, drawn = ANALYSES[name]
    result = call(tiny)
    verb, *options = words
    assert json.loads(result.to_json()) == json.loads(here(verb, str(TINY), *options, "--json").out)
    assert result.frames and all(len(frame) for frame in result.frames.values())
    units = [column for frame in result.frames.values() for column in frame.columns if "[JPY]" in column]
    assert units or name == "variance"  # shares alone
    assert result.frame is next(iter(result.frames.values()))
    assert next(iter(result.frames)) != "effects"  # the ranges, not the table of their chart
    assert (result.figure is not None) == drawn and all(figure.startswith("<svg") for figure in result.figures)
    assert result.to_html().lower().startswith("<!doctype html")
    assert all(f"<summary>{frame}" in result._repr_html_() for frame in result.frames)
    assert len(repr(result)) < 250


def test_an_infeasible_instance_is_diagnosed_on_demand() -> None:
    """The error holds conflicts and repairs, the same as `diagnose`, and a note says so; a feasible one has none."""
    instance = medalopt.load(ROOT / "instances/infeasible.yaml")
    with pytest.raises(medalopt.InfeasibleError) as caught:
        medalopt.solve(instance)
    error, result = caught.value, medalopt.diagnose(instance)
    assert result is not None and "diagnosis" in error.__notes__[0] and error.diagnosis is error.diagnosis
    for name in ("conflict", "repairs"):
        pd.testing.assert_frame_equal(error.diagnosis.frames[name], result.frames[name])
    printed = json.loads(here("explain", str(ROOT / "instances/infeasible.yaml"), "--json").out)
    assert json.loads(result.to_json())["diagnosis"] == printed["diagnosis"]
    assert medalopt.diagnose(medalopt.load(TINY)) is None


def test_sweep_gives_whole_plans(tiny: medalopt.Instance) -> None:
    """Every scenario has the cost by kind, tonnes and shadow prices of its plan; others their status and message."""
    scenarios = {
        "more": {"medals.gold.count": 39},
        "too many": {"medals.gold.count": 10**6},
        "wrong": {"medals.platinum.count": 1},
    }
    frame = medalopt.sweep(tiny, scenarios).frame.set_index("scenario")
    plan = medalopt.solve(tiny.with_changes({"medals.gold.count": 39}))
    assert frame["status"].to_dict() == {"more": "optimal", "too many": "infeasible", "wrong": "wrong"}
    row = frame.loc["more"]
    assert row["objective [JPY]"] == row["total cost [JPY]"] == plan.cost
    assert row["taken [t]"] == plan.tonnes and row["purchases [JPY]"] == plan.costs["purchases"]
    assert row["shadow price of Ag [JPY/kg]"] > 0
    assert "platinum" in frame.loc["wrong", "message"]


def test_sweep_is_the_same_in_several_processes(tiny: medalopt.Instance) -> None:
    """Scenarios without names are numbered, and their rows do not depend on the number of processes."""
    changes = [{"medals.gold.count": count} for count in (36, 37, 38)]
    one, two = (medalopt.sweep(tiny, changes, jobs=jobs).frame for jobs in (1, 2))
    assert list(one["scenario"]) == ["1", "2", "3"]
    pd.testing.assert_frame_equal(one, two)


def test_compare_takes_instances_plans_and_files(tiny: medalopt.Instance, tmp_path: Path) -> None:
    """An instance, a plan and a file of the same parameters have equal cost and different names."""
    frames = medalopt.compare(tiny, medalopt.solve(tiny), TINY).frames
    cost = frames["totals"].set_index("item").loc["cost"]
    assert set(cost[["tiny (1)", "tiny (2)", "tiny"]]) == {medalopt.solve(tiny).cost}
    more = tiny.with_changes({"medals.gold.count": 39})
    assert "medals.gold.count" in medalopt.compare(tiny, more).frames["data"].to_string()


@pytest.mark.parametrize("name", ["plan.json", "plan"])
def test_a_saved_plan_is_verified_and_read_back(tiny: medalopt.Instance, tmp_path: Path, name: str) -> None:
    """`save` and `read_plan` preserve a plan; an altered file or another instance is an error."""
    plan = medalopt.solve(tiny)
    plan.save(tmp_path / name)
    back = medalopt.read_plan(tmp_path / name, tiny)
    assert (back.cost, back.status, back.unit) == (plan.cost, "optimal", "JPY")
    for table, frame in plan.frames.items():
        pd.testing.assert_frame_equal(back.frames[table], frame, rtol=1e-9)
    with pytest.raises(medalopt.InputError, match="other parameter values"):
        medalopt.read_plan(tmp_path / name, tiny.with_changes({"medals.gold.count": 39}))
    with pytest.raises(UsageError, match="its instance is not here"):
        medalopt.read_plan(tmp_path / name)


def test_a_plan_is_saved_as_the_command_line_writes_it(tiny: medalopt.Instance, tmp_path: Path) -> None:
    """`save` writes the bytes of `solve -o`; another ending is an error."""
    plan = medalopt.solve(tiny)
    plan.save(tmp_path / "one.json")
    here("solve", str(TINY), "-o", str(tmp_path / "two.json"))
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    with pytest.raises(UsageError, match=r"NAME\.json"):
        plan.save(tmp_path / "one.docx")


def test_a_notebook_shows_a_plan() -> None:
    """The view of a large plan shows its headline and the first rows; the page holds everything."""
    plan = medalopt.solve(medalopt.load(ROOT / "instances/tokyo2020.yaml"))
    view = plan._repr_html_()
    assert view.count("<tr>") < 4 * MAX_SHOWN_ROWS and "taken [t]" in view and len(view) < 50_000
    assert plan.to_html().lower().startswith("<!doctype html")


def test_an_edited_instance_has_no_file_to_analyse(tiny: medalopt.Instance) -> None:
    """An unknown objective is an error that names those there are."""
    with pytest.raises(UsageError, match="choose one of cost"):
        medalopt.sensitivity_ranges(tiny, "beauty")
