"""`medalopt sensitivity`: exit codes and output streams."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.analysis.nearby import ROOT

from medalopt.cli.run import run_command

TINY, NO_PLAN = (str(ROOT / f"instances/{name}.yaml") for name in ("tiny", "infeasible"))


def test_ranges_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """Without further options the sensitivity ranges are reported, also with `--set`."""
    assert run_command(["sensitivity", TINY, "--json", "--set", "market.old_silver.price=81_000"]) == 0
    rows = {row["path"]: row for row in json.loads(capsys.readouterr().out)["ranges"]}
    assert rows["market.old_silver.price"]["value"] == 81_000


def test_they_are_written_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`-o` writes page and JSON beside the printed report."""
    assert run_command(["sensitivity", TINY, "-o", str(tmp_path / "s.json")]) == 0
    printed = capsys.readouterr().out
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))["ranges"]
    assert run_command(["sensitivity", TINY, "-o", str(tmp_path / "s.txt"), "--objective", "mass"]) == 0
    text = (tmp_path / "s.txt").read_text(encoding="utf-8")
    assert text.splitlines()[0] == printed.splitlines()[0] and text != printed  # the title, and another objective


def test_without_a_plan_it_says_what_is_in_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    """If infeasible, the exit code is 3 with the diagnosis."""
    assert run_command(["sensitivity", NO_PLAN, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["diagnosis"]


def test_another_kind_of_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An ending that is none of a report is refused before anything is solved."""
    assert run_command(["sensitivity", TINY, "-o", str(tmp_path / "s.doc")]) == 2
    assert "a report is written as NAME.txt, .json, .csv, .html, .xlsx or .pdf" in capsys.readouterr().err


BY_HAND = str(ROOT / "tests/analysis/sensitivity/uncertain.yaml")


def test_the_tornado_is_reported_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--tornado` reports no ranges and writes a page."""
    page = tmp_path / "t.html"
    assert run_command(["sensitivity", BY_HAND, "--tornado", "--jobs", "1", "--json", "-o", str(page)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "ranges" not in told
    assert told["tornado"]["bars"][0]["path"] == "treatments.hand.recovery"
    text = page.read_text(encoding="utf-8")
    assert "Main risk: metal recovered by hand" in text and '<p class="status">Optimal (verified' in text


def test_an_interruption_shows_what_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C ends with 130 after reporting the parameters varied so far."""
    from medalopt.analysis import process_pool

    solve, count = process_pool.solve_scenario, iter(range(100))

    def answer(*arguments: object) -> object:
        if next(count) == 5:
            raise KeyboardInterrupt
        return solve(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(process_pool, "solve_scenario", answer)
    assert run_command(["sensitivity", BY_HAND, "--tornado", "--jobs", "1"]) == 130
    told = capsys.readouterr()
    assert "Interrupted after 2 of" in told.out
    assert "interrupted" in told.err


def test_a_wrong_journal_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no journal is not touched; one line says so."""
    assert run_command(["sensitivity", BY_HAND, "--tornado", "--journal", BY_HAND]) == 2
    assert "is not a journal" in capsys.readouterr().err


def test_the_mix_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """`--device-mix` gives the member `mix` and no ranges; without a base plan it goes on, and ends with 0."""
    assert run_command(["sensitivity", TINY, "--device-mix", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "ranges" not in found
    assert {row["device"] for row in found["mix"]["devices"]} == {"phone", "laptop", "kettle"}
    assert run_command(["sensitivity", NO_PLAN, "--device-mix"]) == 0
    assert "infeasible" in capsys.readouterr().out


def test_a_triangle_of_what_is_no_device_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Corners of `--triangle`, which asks for the mix, are devices."""
    assert run_command(["sensitivity", TINY, "--triangle", "phone,laptop,kettel"]) == 2
    assert "kettel is no device of this instance; did you mean `kettle`?" in capsys.readouterr().err


def test_all_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """`--global` reports variance shares; too small a sample is rejected in one line."""
    assert run_command(["sensitivity", BY_HAND, "--global", "8", "--jobs", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["global"]["solves"] == 48
    assert run_command(["sensitivity", BY_HAND, "--global", "3"]) == 2
    assert "a sample has 8 to" in capsys.readouterr().err


def test_each_of_several_parts_is_below_its_heading(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several analyses have one section each with lines and tables, on terminal and page."""
    page = tmp_path / "all.html"
    parts = ["--ranges", "--premium", "--tornado", "--full", "--jobs", "1"]
    assert run_command(["sensitivity", BY_HAND, *parts, "-o", str(page)]) == 0
    told, drawn = capsys.readouterr().out, page.read_text(encoding="utf-8").partition("<main")[2]
    told = " ".join(told.split())  # whatever the width of the terminal
    headings = ("Shadow prices and sensitivity ranges", "Recycling premium", "Parameters by effect on the objective")
    first = ("Largest effect: ", "Benchmark, buying all metal: not available", "Main risk: metal recovered by hand")
    for text, titles in ((told, [title.upper() for title in headings]), (drawn, headings)):
        places = [text.index(words) for pair in zip(titles, first, strict=True) for words in pair]
        assert places == sorted(places)
