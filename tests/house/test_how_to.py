"""The commands of the page `I want to ...` run, or are at least valid command lines."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import typer
from tests.cli.runs import here

from medalopt.cli.app import build_app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\| .+ \| `(medalopt .+)` \|$", PAGE, flags=re.MULTILINE)
LARGE = "tokyo2020"  # takes many seconds: such commands are parsed only; other tests run the like
EXIT_CODES = {
    "medalopt explain instances/infeasible.yaml": 3,
    "medalopt explain instances/infeasible.yaml --set 'firm=[medals.*.count, medals.*.due]'": 3,
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the instances and models, a saved plan in two forms and an instance as a workbook."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("instances", "models"):
        shutil.copytree(ROOT / name, folder / name)
    tiny = str(folder / "instances" / "tiny.yaml")
    for words in (["solve", tiny, "-o", "plan.json"], ["plan", tiny, "--brief", "-o", "plan.xlsx"]):
        assert here(*words[:-1], str(folder / words[-1])).code == 0
    assert here("template", str(folder / "tiny.xlsx"), tiny).code == 0
    return folder


def test_there_are_about_forty_questions() -> None:
    """The page has at least thirty questions, and every table row of it is one."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| I want"))]
    assert len(rows) == len(COMMANDS) >= 30


@pytest.mark.parametrize("command", [command for command in COMMANDS if LARGE not in command])
def test_a_command_of_the_page_runs(command: str, desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command on a small instance ends with exit code 0, and with 3 where no plan exists."""
    for path in desk.iterdir():
        if not command.endswith(f" {path.name}") and f"template {path.name}" not in command:
            (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    ended = here(*shlex.split(command)[1:])
    assert ended.code == EXIT_CODES.get(command, 0), ended.err


@pytest.mark.parametrize("command", [command for command in COMMANDS if LARGE in command])
def test_a_command_on_a_large_instance_is_valid(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command on a large instance is a command line that its verb accepts."""
    monkeypatch.chdir(ROOT)
    _, verb, *words = shlex.split(command)
    typer.main.get_command(build_app()).commands[verb].make_context(verb, words)  # type: ignore[attr-defined]
