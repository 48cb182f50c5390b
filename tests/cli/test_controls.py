"""Control characters never reach a terminal or a file, wherever they come from."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

import pytest
from tests.cli.runs import TINY, apart, here, plain
from tests.instance.hostile import GOOD

from medalopt.cli.run import print_message, print_output
from medalopt.report.atomic_write import write_file
from medalopt.report.render.text import Screen
from medalopt.report.render.worksheet import clean_cell_text
from medalopt.text import check_control_characters, escape_control_characters

EVIL = "\x1b]0;title\x07\x1b[31m\x9b\u202e\u2066\ud800\ufffe\U000e0041\x00\x7f\r"


def test_every_control_character_is_escaped_as_json_does() -> None:
    """Escaped text reads back from JSON; tabs, line ends and letters of any script are kept."""
    escaped = escape_control_characters(EVIL)
    assert plain(escaped) and json.loads(f'"{escaped}"') == EVIL
    kept = "zinc\t銀 é \u200d\r\n−€\n"
    assert escape_control_characters(kept) == kept and not check_control_characters(kept)
    assert "U+000D" in check_control_characters("a\rb") and "U+001B" in check_control_characters(EVIL)


def test_what_is_printed_is_harmless(capfd: pytest.CaptureFixture[str]) -> None:
    """Standard output and standard error take no control character but those of bold type."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        print_output([EVIL, f"\x1b[1m{EVIL}\x1b[0m"])
    assert out.getvalue() == f"{escape_control_characters(EVIL)}\x1b[1m{escape_control_characters(EVIL)}\x1b[0m"
    assert Screen(80, typed=True).format_line("\x1b[1mx", "bold") == "\x1b[1m\\u001b[1mx\x1b[0m\n"
    print_message(EVIL)
    assert capfd.readouterr().err == f"{escape_control_characters(EVIL)}\n"


def test_what_is_written_is_harmless(tmp_path: Path) -> None:
    """A text file and a cell of a workbook take no control character either."""
    write_file(tmp_path / "a.txt", EVIL)
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == escape_control_characters(EVIL)
    assert clean_cell_text(EVIL) == escape_control_characters(EVIL)


PLACES = {
    "title": ("name: good\n", 'name: good\ntitle: "EVIL"\n'),
    "title of a metal": ("Au: {sell: 100}", 'Au: {sell: 100, title: "EVIL"}'),
    "note": ("Au: {sell: 100}", 'Au: {sell: 100, note: "EVIL"}'),
    "one source of several": ("Au: {sell: 100}", 'Au: {sell: 100, source: [a, "EVIL"]}'),
    "note of a stream": ("available: 10 t,", 'available: 10 t, note: "EVIL",'),
    "bundle of a stream": ("available: 10 t,", 'available: 10 t, bundle: "EVIL",'),
    "region": ("region: osaka, available", 'region: "EVIL", available'),
    "device": ("  laptop:", '  "EVIL":'),
    "address": ("policy:", 'parties: {smelters.kosaka: {address: "EVIL"}}\npolicy:'),
    "scenario": ("policy:", 'scenarios: {"EVIL": {medals.first.count: 6}}\npolicy:'),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("evil", ["\\e[31m", "\\u202E", "\\0", "\\x9b", "\\u2066"])
def test_no_text_of_an_instance_holds_one(place: str, evil: str, tmp_path: Path) -> None:
    """Control characters in a title, note, name or address are errors with place and remedy."""
    old, new = PLACES[place]
    assert old in GOOD
    path = tmp_path / "case.yaml"
    path.write_text(GOOD.replace(old, new.replace("EVIL", f"a{evil}b")), encoding="utf-8")
    ran = here("check", str(path))
    assert ran.code == 2 and plain(ran.err) and f"{path}:" in ran.err
    assert "control" in ran.err or "U+" in ran.err


def test_no_table_holds_one(tmp_path: Path) -> None:
    """A note in a CSV table of streams is held to the same rule."""
    rows = "device,region,available,note\nphone,tokyo,10 t,a\u202eb\nlaptop,osaka,5,\n"
    (tmp_path / "s.csv").write_text(rows, encoding="utf-8")
    before, _, rest = GOOD.partition("streams:\n")
    path = tmp_path / "case.yaml"
    path.write_text(before + "streams: {table: s.csv}\n" + rest[rest.index("treatments:") :], encoding="utf-8")
    ran = here("check", str(path))
    assert ran.code == 2 and "s.csv:2:" in ran.err and "U+202E" in ran.err


def test_no_extension_names_one(tmp_path: Path) -> None:
    """The index of an extension's own constraint is text too."""
    path = tmp_path / "own.py"
    path.write_text(
        "import pyomo.environ as pyo\n\ndef extend(m, instance):\n"
        "    m.c = pyo.Constraint(['a\\u202eb'], rule=lambda m, n: sum(m.buy[k] for k in m.buy) <= 1e4)\n"
    )
    ran = here("solve", TINY, "--extend", str(path))
    assert ran.code == 2 and "U+202E" in ran.err and len(ran.err.splitlines()) == 1


def test_a_file_with_such_a_name(tmp_path: Path) -> None:
    """A file name with control characters is escaped in messages and outputs."""
    path = tmp_path / "a\x1b[31mb\udc9b.yaml"
    path.write_text(Path(TINY).read_text(encoding="utf-8"), encoding="utf-8")
    for ran in (apart("check", str(path)), apart("solve", str(path), "--json"), apart("check", f"{path}x")):
        assert plain(ran.out + ran.err) and ran.code in (0, 2)


def test_without_docstrings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under `python -OO`, which Pyomo does not support, one line says how to start Python."""
    monkeypatch.setattr(sys, "flags", type("Flags", (), {"optimize": 2}))
    ran = here("solve", TINY)
    assert (ran.code, len(ran.err.splitlines())) == (2, 1) and "PYTHONOPTIMIZE" in ran.err
