"""`medalopt sensitivity` with --without, --drop, --from, --delay, --scenarios and --premium."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.analysis.nearby import ROOT

from medalopt.cli.run import run_command

TINY, NO_PLAN, TOKYO = (str(ROOT / f"instances/{name}.yaml") for name in ("tiny", "infeasible", "tokyo2020"))


def read_json(capsys: pytest.CaptureFixture[str], *options: str, instance: str = TINY) -> dict[str, Any]:
    """Return the printed JSON."""
    assert run_command(["sensitivity", instance, *options, "--json"]) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_everything_drops_out_in_turn(capsys: pytest.CaptureFixture[str]) -> None:
    """`--without` lists every smelter, treatment, region, channel and offer, and the premium."""
    found = read_json(capsys, "--without")
    assert {row["kind"] for row in found["without"]["rows"]} == {"smelter", "treatment", "region", "channel", "offer"}
    assert found["premium"]["medals"] == 6060 and "ranges" not in found


def test_one_thing_drops_out_from_a_month_on(capsys: pytest.CaptureFixture[str]) -> None:
    """`--drop` asks for one alone, `--from` since when."""
    found = read_json(capsys, "--drop", "smelters.near", "--from", "2017-07")["without"]
    assert found["from"] == "2017-07" and [row["path"] for row in found["rows"]] == ["smelters.near"]
    assert 0 < found["rows"][0]["extra"] < read_json(capsys, "--drop", "smelters.near")["without"]["rows"][0]["extra"]


def test_it_comes_late(capsys: pytest.CaptureFixture[str]) -> None:
    """`--delay` reports lead times, supply and both, and contract deadlines."""
    found = read_json(capsys, "--delay", "1")["delay"]
    assert [row["what"] for row in found["rows"]] == ["leads", "supply", "both"]
    assert {"kind", "name", "sign_by", "extra_later"} <= set(found["sign_by"][0])


def test_the_premium_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """`--premium` is reported on the first line below the title."""
    assert run_command(["sensitivity", TINY, "--premium"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("  Recycling premium: −")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--drop", "smelters.nowhere"], "no supplier, smelter, treatment or offer has this name"),
        (["--without", "--from", "2031-01"], "names no period"),
        (["--from", "2017-05"], "give it with --without or --drop"),
        (["--delay", "-1"], "0 or more"),
        (["--scenarios"], "has no `scenarios:`"),
        (["--premium", "--objective", "mass"], "for cost only"),
    ],
)
def test_invalid_requests_are_explained(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A question that makes no sense ends with exit code 2 and one line."""
    assert run_command(["sensitivity", TINY, *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--without"], ["--delay", "1"], ["--premium"]])
def test_without_a_plan_it_says_what_is_in_the_way(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """If the base case is infeasible, the exit code is 3 with the diagnosis."""
    assert run_command(["sensitivity", NO_PLAN, *option, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["diagnosis"]


def test_the_page_has_the_bars(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`-o NAME.html` writes the charts and the text of the terminal."""
    page = tmp_path / "s.html"
    assert run_command(["sensitivity", TINY, "--without", "--delay", "1", "-o", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.count("data-option") >= 2 and "ithout smelter far: cost +" in text


def test_the_charts_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One chart is written as it is named; several are numbered; where there is none that is said."""
    assert run_command(["sensitivity", TINY, "--drop", "smelters.far", "-o", str(tmp_path / "one.png")]) == 0
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert (
        run_command(["sensitivity", TINY, "--drop", "smelters.far", "--delay", "1", "-o", str(tmp_path / "two.svg")])
        == 0
    )
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == ["two-1.svg", "two-2.svg"]
    assert run_command(["sensitivity", TINY, "--premium", "-o", str(tmp_path / "none.svg")]) == 2
    assert "there is no chart to draw here" in capsys.readouterr().err
    assert run_command(["sensitivity", NO_PLAN, "--premium", "-o", str(tmp_path / "none.svg")]) == 3
    assert not (tmp_path / "none.svg").exists()
