"""CONTRIBUTING.md is one page, and everything it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.house.test_glossary import exists_in_code

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w.-]*[/.][\w./-]*(?::\w+)?)`", PAGE)))
TASKS = PAGE.split("| task | open |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]


def exists(named: str) -> bool:
    """Return whether a path, with or without a definition in it, exists in the project or in the package."""
    path, _, definition = named.partition(":")
    folders = (ROOT, ROOT / "src/medalopt", ROOT / "src/medalopt/model", ROOT / "src/medalopt/report/assets")
    if not any((folder / path).exists() for folder in folders):
        return False
    return not definition or exists_in_code(named.removeprefix("src/medalopt/"))


@pytest.mark.parametrize("named", NAMED)
def test_a_path_of_contributing_exists(named: str) -> None:
    """Each file and folder that the page names exists, and so does the definition named with it."""
    assert exists(named)


def test_ten_tasks_name_their_definition() -> None:
    """There are at least ten typical tasks, and each names the definition to open."""
    assert len(TASKS) >= 10
    assert [task for task in TASKS if not re.search(r"`src/medalopt/[\w/]+\.py:\w+`", task)] == []


def test_the_page_is_one_page() -> None:
    """The page has at most 120 lines."""
    assert len(PAGE.splitlines()) <= 120


def test_a_path_to_nothing_is_seen() -> None:
    """A file and a definition that do not exist are found where they are planted."""
    assert exists("src/medalopt/model/fineness_and_demand.py:add_fineness_constraints")
    assert not exists("src/medalopt/model/gone.py") and not exists("src/medalopt/model/fineness_and_demand.py:gone")
