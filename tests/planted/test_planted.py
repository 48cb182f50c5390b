"""Errors planted into the code are caught: by known optima, by the certificate, or by what it must not accept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.planted.__main__ import NONE
from tests.planted.planting import Planted, planted
from tests.planted.trial import errors

ROOT = Path(__file__).parents[2]
ROOMS = {
    "what is solved": ("quantity", "instance", "model", "solver", "solving"),
    "what is proven, or asked further": ("proof", "analysis"),
}


@pytest.mark.parametrize("part", ROOMS)
def test_every_error_is_caught(part: str) -> None:
    """Each error of errors.yaml makes at least one check fail, in a process of its own, and no error makes none."""
    command = [sys.executable, "-m", "tests.planted", "--json", *ROOMS[part]]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode in (0, 1), ended.stderr
    found = json.loads(ended.stdout)
    assert found.pop(NONE) == {}
    assert found.keys() == {f"{error.file}: {error.name}" for error in errors() if error.room in ROOMS[part]}
    assert {error: checks for error, checks in found.items() if not checks} == {}


def test_every_error_has_its_place_in_the_code() -> None:
    """The text that each error takes away stands once in its file: whoever changes such a line changes the entry."""
    package = ROOT / "src/medalopt"
    astray = [
        f"{error.file}: {error.name}"
        for error in errors()
        if (package / error.file).read_text(encoding="utf-8").count(error.old) != 1
    ]
    assert astray == []


def test_errors_are_planted_everywhere() -> None:
    """There are errors in every room with arithmetic, at least 20 in the model and 40 in the proof, and none twice."""
    counts = Counter(error.room for error in errors())
    assert {room for rooms in ROOMS.values() for room in rooms} == counts.keys()
    assert counts["model"] >= 20
    assert counts["proof"] >= 40
    assert len({(error.file, error.old, error.new) for error in errors()}) == counts.total()


@pytest.mark.parametrize(
    ("old", "new", "file"),
    [
        ("gone", "there", "code.py"),
        ("twice", "once", "code.py"),
        ("once", "once", "code.py"),
        ("once", "twice", "moved.py"),
    ],
)
def test_an_error_that_cannot_be_planted_is_loud(old: str, new: str, file: str, tmp_path: Path) -> None:
    """A text that is gone, stands twice or does not change, and a file that is gone, each fail."""
    (tmp_path / "code.py").write_text("once twice twice\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="an error: "), planted(tmp_path, Planted("an error", file, old, new)):
        pass


def test_an_error_is_taken_out_again(tmp_path: Path) -> None:
    """Within, the text is the planted one; after it, what stood there before."""
    path = tmp_path / "code.py"
    path.write_text("once\n", encoding="utf-8")
    with planted(tmp_path, Planted("an error", "code.py", "once", "never")):
        assert path.read_text(encoding="utf-8") == "never\n"
    assert path.read_text(encoding="utf-8") == "once\n"
