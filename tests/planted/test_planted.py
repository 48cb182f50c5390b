"""Errors planted into the code are caught by known optima, the certificate, or rejected input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.planted.__main__ import NONE
from tests.planted.planting import Planted, plant, planted
from tests.planted.trial import errors

ROOT = Path(__file__).parents[2]
ROOMS = {
    "what is solved": ("tolerances", "units", "instance", "model", "solver", "solve_instance"),
    "what is proven, or asked further": ("proof", "analysis"),
}


@pytest.mark.parametrize("part", ROOMS)
def test_every_error_is_caught(part: str) -> None:
    """Each error of errors.yaml makes at least one check fail, in a process of its own; no check fails without one."""
    alone = part != next(iter(ROOMS))  # the code without an error is checked once
    command = [sys.executable, "-m", "tests.planted", "--json", *(["--errors"] if alone else []), *ROOMS[part]]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode in (0, 1), ended.stderr
    found = json.loads(ended.stdout)
    assert (NONE in found) != alone
    assert found.pop(NONE, {}) == {}
    assert found.keys() == {f"{error.file}: {error.name}" for error in errors() if error.room in ROOMS[part]}
    assert {error: checks for error, checks in found.items() if not checks} == {}


def test_every_error_has_its_place_in_the_code() -> None:
    """The code that each error takes away occurs once in its definition: whoever changes it changes the entry."""
    misplaced = []
    for error in errors():
        try:
            plant(ROOT / "src/medalopt", error)
        except AssertionError as reason:
            misplaced.append(str(reason))
    assert misplaced == []


def test_errors_are_planted_everywhere() -> None:
    """There are errors in every room with arithmetic, at least 20 in the model and 40 in the proof, and none twice."""
    counts = Counter(error.room for error in errors())
    assert {room for rooms in ROOMS.values() for room in rooms} == counts.keys()
    assert counts["model"] >= 20
    assert counts["proof"] >= 40
    assert len({(error.file, error.within, error.old, error.new) for error in errors()}) == counts.total()
    assert len({(error.file, error.name) for error in errors()}) == counts.total()


@pytest.mark.parametrize(
    ("within", "old", "new", "file", "message"),
    [
        ("one", "gone", "there", "code.py", "`gone` occurs 0 times in `one`"),
        ("one", "twice", "once", "code.py", "`twice` occurs 2 times in `one`"),
        ("one", "once", "once", "code.py", "changes nothing"),
        ("two", "once", "twice", "code.py", "`two` is gone"),
        ("one", "once", "twice", "moved.py", "there is no such file any more"),
    ],
)
def test_an_error_that_cannot_be_planted_is_loud(
    within: str, old: str, new: str, file: str, message: str, tmp_path: Path
) -> None:
    """Code that is gone, occurs twice or does not change, and a definition or file that is gone, fail by their name."""
    (tmp_path / "code.py").write_text("def one():\n    return once(twice, twice)\n", encoding="utf-8")
    error = Planted("an error", file, within, old, new)
    with pytest.raises(AssertionError, match=f"{file}: an error: .*{message}"), planted(tmp_path, error):
        pass


def test_an_error_is_taken_out_again(tmp_path: Path) -> None:
    """Within, the code is the planted one; after it, the text that was there before."""
    path = tmp_path / "code.py"
    path.write_text("one = (once)  # comment\n", encoding="utf-8")
    with planted(tmp_path, Planted("an error", "code.py", "one", "once", "never")):
        assert path.read_text(encoding="utf-8") == "one = never"
    assert path.read_text(encoding="utf-8") == "one = (once)  # comment\n"
