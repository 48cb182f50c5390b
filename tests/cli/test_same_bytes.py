"""`solve --json` writes the same bytes for the same figures, wherever and whenever it runs."""

from __future__ import annotations

from pathlib import Path

from tests.cli.runs import TINY, apart

SURROUNDINGS: tuple[dict[str, str], ...] = (
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "COLUMNS": "40"},
    {"PYTHONHASHSEED": "2", "TZ": "America/New_York", "LC_ALL": "POSIX", "NO_COLOR": "1", "PYTHONUTF8": "0"},
)


def test_the_bytes_do_not_depend_on_the_surroundings(tmp_path: Path) -> None:
    """Hash seeds, time zones, locales and working folders change nothing; nor does a second run."""
    answers = {apart("solve", TINY, "--json", folder=tmp_path, env=env) for env in SURROUNDINGS}
    answers.add(apart("solve", TINY, "--json", env=SURROUNDINGS[0]))
    assert len(answers) == 1
    only = answers.pop()
    assert (only.code, only.err) == (0, "") and only.out.isascii()
