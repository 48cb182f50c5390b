"""`medalopt sweep`: identical bytes for every executor, and faults reported before any solve."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from tests.cli.runs import TINY, here
from tests.report.reading import list_numbers, mentions

from medalopt.analysis import process_pool

GRID = ("--grid", "devices.*.content.Ag=70..120%/3", "--grid", "medals.gold.count=30,60")
ROWS = [("1", "70 %", "30"), ("2", "70 %", "60"), ("3", "95 %", "30"), ("4", "95 %", "60"), ("5", "120 %", "30"),
        ("6", "120 %", "60")]  # fmt: skip


@pytest.fixture(scope="module")
def lines() -> str:
    """Return the JSON lines of a sweep by one process."""
    ran = here("sweep", TINY, *GRID, "--json", "--jobs", "1")
    assert ran.code == 0
    return ran.out


def test_a_line_for_each_scenario(lines: str) -> None:
    """Each line is an object with the scenario, its changes, its status and its objective, in order."""
    rows = [json.loads(line) for line in lines.splitlines()]
    assert [set(row) for row in rows] == [{"scenario", "changes", "status", "objective"}] * 6
    assert [(row["scenario"], *row["changes"].values()) for row in rows] == ROWS
    assert [row["status"] for row in rows] == ["optimal", "infeasible"] * 3
    assert rows[0]["objective"] > rows[2]["objective"] > rows[4]["objective"] > 0
    assert rows[1]["objective"] is None


def test_a_scenario_is_that_variant(lines: str) -> None:
    """A scenario costs the same as `solve` of the instance with its changes."""
    found = json.loads(lines.splitlines()[0])
    changes = [f"devices.{device}.content.Ag={grams} g/t" for device, grams in (("phone", 700), ("laptop", 280))]
    options = [part for change in (*changes, "medals.gold.count=30") for part in ("--set", change)]
    plan = json.loads(here("solve", TINY, *options, "--json").out)
    assert found["objective"] == pytest.approx(plan["objective"]["value"], rel=1e-9)


def test_every_output_shows_the_same(lines: str, tmp_path: Path) -> None:
    """JSON lines are those of the screen, CSV has a column for each path, the page a chart and the table."""
    for name in ("a.jsonl", "a.csv", "a.html"):
        ran = here("sweep", TINY, *GRID, "-o", str(tmp_path / name), "--jobs", "1")
        assert ran.code == 0 and "the scenarios are written" in ran.err
    assert (tmp_path / "a.jsonl").read_text() == lines
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    objects = [json.loads(line) for line in lines.splitlines()]
    assert [(row["scenario"], row["devices.*.content.Ag"], row["medals.gold.count"]) for row in rows] == ROWS
    assert [row["objective"] for row in rows] == [repr(one["objective"] or "").strip("'") for one in objects]
    page = (tmp_path / "a.html").read_text()
    assert mentions(page, "Infeasible (proven)", "3 feasible scenarios")


def test_the_best_and_the_worst_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal shows the number of feasible scenarios, the best and the worst."""
    said = here("sweep", TINY, *GRID, "--jobs", "1").out
    assert mentions(said, "6 scenarios", "Optimal: 3", "Infeasible (proven): 3", "scenario 5", "scenario 1")
    one = here("sweep", TINY, "--grid", "medals.gold.count=10", "--jobs", "1").out
    assert "1 scenario" in one and "1 scenarios" not in one
    many = here("sweep", TINY, "--grid", "devices.*.content.Ag=70..120%/11", "--jobs", "1").out
    best, worst = many.split("Highest objective")
    assert re.findall(r"^(\d+) ", best, flags=re.MULTILINE) == ["11", "10", "9", "8", "7"]
    assert re.findall(r"^(\d+) ", worst, flags=re.MULTILINE) == ["5", "4", "3", "2", "1"]


def test_what_fails_stops_nothing(tmp_path: Path) -> None:
    """Unknown paths and values out of range are reported in their rows; the exit code is 0."""
    path = tmp_path / "list.yaml"
    scenarios = ["a: {smelters.nera.limit: 1 t}", "b: {medals.gold.count: 30}", "c: {smelters.near.returned.Ag: 101 %}"]
    path.write_text("\n".join([*scenarios, *(f"{name}: {{market.*.x.y: 1}}" for name in "defgh")]))
    ran = here("sweep", TINY, "--list", str(path), "--json", "--jobs", "1")
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 0
    assert [row["status"] for row in rows[:3]] == ["wrong", "optimal", "wrong"]
    assert "did you mean `near`" in rows[0]["message"] and "between 0 %" in rows[2]["message"]
    assert "scenario c: invalid:" in ran.err and list_numbers(ran.err.splitlines()[-1]) == [
        2
    ]  # more that are not named
    table = tmp_path / "a.csv"
    assert here("sweep", TINY, "--list", str(path), "--jobs", "1", "-o", str(table)).out.count("invalid") > 7
    assert "did you mean" in next(csv.DictReader(table.read_text().splitlines()))["message"]


def test_many_figures_are_counted(tmp_path: Path) -> None:
    """A table has no column for each of many figures: it names up to three changes of a scenario, and counts more."""
    path = tmp_path / "list.csv"
    heads = ["medals.gold.count", "medals.silver.count", "medals.bronze.count", "market.zinc.price"]
    path.write_text(",".join(heads) + "\n30,20,,\n30,20,5000,1\n")
    said = here("sweep", TINY, "--list", str(path), "--jobs", "1").out
    assert mentions(said, "medals.gold.count 30, medals.silver.count 20") and re.search(r"\b4 ", said)


def test_a_sample_again(tmp_path: Path) -> None:
    """The same seed gives the same bytes; a page without feasible scenario has no chart."""
    first, again = (here("sweep", TINY, "--sample", "2", "--seed", "5", "--json", "--jobs", "1") for _ in range(2))
    assert first == again and len(first.out.splitlines()) == 2
    page = tmp_path / "a.html"
    ran = here("sweep", TINY, "--grid", "medals.gold.count=60,61", "-o", str(page), "--jobs", "1")
    assert ran.code == 0 and "<h2>Objective of" not in page.read_text()


def test_interrupted_what_is_done_is_reported(lines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 130 and writes finished rows; a cache file resumes to the same bytes."""
    answer, asked = process_pool.solve_scenario, []

    def pressed(*arguments: object) -> object:
        asked.append(arguments)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return answer(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(process_pool, "solve_scenario", pressed)
    kept, out = tmp_path / "kept", tmp_path / "a.jsonl"
    command = ("sweep", TINY, *GRID, "--jobs", "1", "--journal", str(kept), "-o", str(out))
    ran = here(*command)
    assert ran.code == 130 and "3 of 6 scenarios" in ran.out
    assert out.read_text() == "".join(lines.splitlines(keepends=True)[:3])
    assert here(*command, "--json").out == lines
    assert len(asked) == 4 + 3 + 3, "the three that are known are solved again, as so few are"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "has no `scenarios:`"),
        (["--grid", "medals.gold.count=1,2", "--sample", "3"], "give one of them"),
        (["--seed", "3"], "--seed goes with --sample"),
        (["--sample", "3", "--seed", "-1"], "0 or more"),
        (["--on", "dask"], "go together"),
        (["--scheduler", "tcp://127.0.0.1:1"], "go together"),
        (["--on", "dask", "--scheduler", "a", "--jobs", "2"], "as many workers as were started"),
        (["--on", "dask", "--scheduler", "nonsense://a", "--sample", "1"], "is not tcp://HOST:PORT"),
        (["--sample", "2", "-o", "a.doc"], "a report is written as NAME.txt, .json, .csv"),
        (["--grid", "medals.gold.count", "--grid", "medals.silver.count=1..2"], "give the number of values"),
    ],
)
def test_what_cannot_be_asked(options: list[str], said: str) -> None:
    """Invalid or contradictory options: exit code 2 and one line each."""
    ran = here("sweep", TINY, *options)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
