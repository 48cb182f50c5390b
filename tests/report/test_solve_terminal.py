"""A plan on terminals of every width and kind."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len
from tests.report.plans import NAMES, ROOT, plan

from medalopt import load, solve
from medalopt.errors import NoPlanError
from medalopt.report.render.text import Screen, render_report_text
from medalopt.report.solve import build_solve_report

WIDE = """\
format: medalopt/1
name: wide
title: 携帯電話から作る五千個のメダル
currency: JPY
metals: {Ag: {title: 銀, sell: 5}}
devices: {携帯電話: {content: {Ag: 1 kg/t}}}
streams:
  - {device: 携帯電話, region: 東京都千代田区霞が関一丁目三番一号経済産業省本館, available: 10 t, collection: 900}
  - {device: 携帯電話, region: "[bold]大阪[/bold]", available: 10 t, collection: 500}
smelters: {小坂製錬所: {returned: 95 %}}
alloys: {純銀: {composition: {Ag: 100 %}}}
medals: {金メダル: {count: 20, parts: {純銀: 550 g}}}
"""


def on_screen(name: str, width: int) -> list[str]:
    """Return the lines of a plan on a terminal of `width` columns."""
    return render_report_text(build_solve_report(plan(name)), Screen(width)).splitlines()


@pytest.mark.parametrize("width", [200, 120, 80, 60])
@pytest.mark.parametrize("name", NAMES)
def test_every_line_fits(name: str, width: int) -> None:
    """From 60 columns on no line is longer than the terminal is wide, and every table keeps its title."""
    lines = on_screen(name, width)
    assert max(cell_len(line) for line in lines) <= width
    assert {"Metals", "Medals", "Cost by kind"} <= set(lines)


@pytest.mark.parametrize("path", sorted((ROOT / "tests/conformance").glob("c*.yaml")), ids=lambda path: path.stem)
def test_plans_of_every_kind_fit(path: Path) -> None:
    """Whatever an instance holds and is made least, its plan fits 60 columns and shows no number that is none."""
    figures = load(path)
    for measure in ("cost", "footprint", "mass"):
        try:
            lines = render_report_text(build_solve_report(solve(figures, measure)), Screen(60)).splitlines()
        except NoPlanError:
            return
        assert max(cell_len(line) for line in lines) <= 60
        assert not any(word in {"nan", "inf", "-inf"} for line in lines for word in line.split())


def test_wide_terminals_show_all_there_is() -> None:
    """On 120 columns the Tokyo case is complete."""
    assert not any("do not fit" in line for line in on_screen("tokyo2020", 120))
    assert any("do not fit" in line for line in on_screen("tokyo2020", 60))


def test_names_in_wide_signs_and_in_markup(tmp_path: Path) -> None:
    """Chinese characters are aligned and wrapped, and markup is printed as text."""
    path = tmp_path / "wide.yaml"
    path.write_text(WIDE, encoding="utf-8")
    lines = render_report_text(build_solve_report(solve(load(path))), Screen(60)).splitlines()
    assert lines[0] == "携帯電話から作る五千個のメダル"
    assert max(cell_len(line) for line in lines) <= 60
    assert any("[bold]大阪[/bold]" in line for line in lines)
    assert any("本館" in line for line in lines)


def test_a_pipe_gets_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal there are no control codes and a hundred columns, whatever the environment says of colour."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert Screen.from_stdout() == Screen(100, typed=False)
    assert render_report_text(build_solve_report(plan("tiny"))).replace("\n", "").isprintable()


@pytest.mark.parametrize("given", ["0", "-5", "wide", "", "٨"])
def test_a_width_that_is_none_is_not_believed(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """COLUMNS counts only where it is a number of columns."""
    monkeypatch.setenv("COLUMNS", given)
    assert Screen.from_stdout().width == 100


def on_a_terminal(**environment: str) -> bytes:
    """Return the output of `check` with bold type on a terminal with this environment."""
    here, there = pty.openpty()
    own = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}}
    command = [sys.executable, "-m", "medalopt", "solve", str(ROOT / "instances/dantzig.yaml")]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=there, stderr=subprocess.DEVNULL, env=own | environment
    )
    os.close(there)
    said = b""
    while True:
        try:
            some = os.read(here, 65536)
        except OSError:  # Linux tells the end of a terminal by an error
            break
        if not some:
            break
        said += some
    os.close(here)
    assert process.wait(timeout=60) == 0
    return said


def test_a_terminal_gets_bold_type_where_it_is_wanted() -> None:
    """A terminal shows titles in bold; with NO_COLOR, or where it is dumb, there is no control code at all."""
    assert b"\x1b[1m" in on_a_terminal(TERM="xterm-256color")
    assert b"\x1b" not in on_a_terminal(TERM="xterm-256color", NO_COLOR="1")
    assert b"\x1b" not in on_a_terminal(TERM="dumb")
