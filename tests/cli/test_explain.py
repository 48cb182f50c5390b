"""`medalopt explain`: exit codes and output streams."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.analysis.nearby import ROOT

from medalopt.cli.run import run_command

TINY, NO_PLAN = (str(ROOT / f"instances/{name}.yaml") for name in ("tiny", "infeasible"))


def test_a_plan_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """With a plan the explanation goes to standard output, and the exit code is 0."""
    assert run_command(["explain", TINY]) == 0
    assert "A small case" in capsys.readouterr().out


def test_one_stream_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """The path of a stream gives its explanation, also as JSON and with `--set`."""
    assert (
        run_command(["explain", TINY, "streams.phone@east", "--json", "--set", "streams.phone@east.collection=20_000"])
        == 0
    )
    told = json.loads(capsys.readouterr().out)["explanation"]["stream"]
    assert told["streams"] == ["streams.phone@east"] and told["price"] == 20_000


@pytest.mark.parametrize("path", ["streams.phne@east", "smelters.near", "streams..", "phone@east"])
def test_what_is_no_stream_is_refused(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that names no stream ends with 2 and one line, before anything is solved."""
    assert run_command(["explain", TINY, path]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and "stream" in err + "streams.."


def test_no_plan_is_diagnosed(capsys: pytest.CaptureFixture[str]) -> None:
    """If infeasible, the exit code is 3 with conflicting constraints and repairs."""
    assert run_command(["explain", NO_PLAN]) == 3
    assert "metals.Ag.opening_stock" in capsys.readouterr().out
    assert run_command(["explain", NO_PLAN, "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "infeasible" and told["diagnosis"]["conflict"] and told["diagnosis"]["repairs"]


def test_an_explanation_is_written_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`-o` writes the page with every column, whatever the terminal, or the JSON object, as the name says."""
    page, data = tmp_path / "why.txt", tmp_path / "why.json"
    assert run_command(["explain", TINY, "-o", str(page)]) == 0
    out, err = capsys.readouterr()
    assert "A small case" in page.read_text(encoding="utf-8") and out and "is written" in err
    assert run_command(["explain", TINY, "streams.phone@east", "-o", str(data)]) == 0
    assert json.loads(data.read_text(encoding="utf-8"))["explanation"]["stream"]
    assert not capsys.readouterr().out.startswith("{")


def test_a_narrow_terminal_gets_a_notice_of_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If columns do not fit, a note refers to `-o`, which writes all."""
    monkeypatch.setenv("COLUMNS", "40")
    page = tmp_path / "why.txt"
    assert run_command(["explain", TINY, "--full", "-o", str(page)]) == 0
    assert "-o" in capsys.readouterr().out
    assert "do not fit" not in page.read_text(encoding="utf-8")


def test_a_refusal_is_written_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a plan `-o` writes the diagnosis."""
    page = tmp_path / "why.txt"
    assert run_command(["explain", NO_PLAN, "-o", str(page)]) == 3
    assert "no feasible plan exists" in page.read_text(encoding="utf-8") and "is written" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["why.doc", "missing/why.txt"])
def test_what_cannot_be_written_is_refused_at_once(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another kind of file, or a folder that is not there, ends the run before anything is solved."""
    assert run_command(["explain", TINY, "-o", str(tmp_path / name)]) in (2, 5)
    assert capsys.readouterr().out == "" and not (tmp_path / name).exists()
