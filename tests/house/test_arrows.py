"""Import contracts hold, and each of them detects a planted violation."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ["pyomo", "pandas", "numpy", "highspy", "pint", "xlsxwriter"]
PLANTED = [
    ("units", "import medalopt.instance.instance", "Data goes one way: a room imports only from the rooms below it"),
    ("proof", "import medalopt.model", "The proof trusts neither the model nor a solver"),
    ("linear_program", "import pandas", "The program is plain arrays"),
    ("export", "import pyomo.core", "What is exported comes from the program, never from Pyomo or HiGHS"),
    ("plan", "import highspy", "Only the HiGHS session names HiGHS"),
    ("report", "import pyomo.core", "Only the model, and the solver that compiles it, name Pyomo"),
    ("report", "import typer", "Only the command line names typer"),
    ("cli", "import rich.console", "Only reports name rich"),
    ("instance", "import pint", "Only the quantities name pint"),
    ("analysis", "import flint", "Only exact equations name flint"),
    ("cli", "import xlsxwriter", "Only workbooks name XlsxWriter"),
    ("report", "import typst", "Only prints name typst"),
]


def broken(folder: Path) -> list[str]:
    """Return the names of the contracts that the package below `folder` breaks."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    lint = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert lint is not None
    run = subprocess.run([lint, "--no-logo", "--no-cache"], cwd=folder, capture_output=True, text=True)
    verdicts = dict(re.findall(r"^(.+) (KEPT|BROKEN)(?: \(.*\))?$", run.stdout, flags=re.MULTILINE))
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    assert list(verdicts) == [contract["name"] for contract in contracts], run.stdout + run.stderr
    return [name for name, verdict in verdicts.items() if verdict == "BROKEN"]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a copy of the sources in which errors may be planted."""
    shutil.copytree(ROOT / "src/medalopt", tmp_path / "medalopt", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_arrows_hold(package: Path) -> None:
    """Every package imports only packages that pyproject.toml allows."""
    assert broken(package) == []


@pytest.mark.parametrize(("room", "line", "contract"), PLANTED)
def test_a_planted_import_breaks_its_contract(package: Path, room: str, line: str, contract: str) -> None:
    """An import that a contract forbids is caught by that contract where it is planted."""
    place = package / "medalopt" / room
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    file.write_text(file.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    assert contract in broken(package)


MEDALOPT = str(Path(sys.executable).parent / "medalopt")


@pytest.mark.parametrize("command", [[sys.executable, "-c", "import medalopt.cli"], [MEDALOPT, "--help"]])
def test_the_command_line_starts_light(command: list[str], tmp_path: Path) -> None:
    """Importing the command line and asking for help load none of the heavy libraries."""
    at_exit = f"print('LOADED', *[name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    tell = tmp_path / "sitecustomize.py"
    tell.write_text(f"import atexit, sys\natexit.register(lambda: {at_exit})\n", encoding="utf-8")
    run = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(tmp_path)})
    assert (run.returncode, run.stderr.splitlines()[-1:]) == (0, ["LOADED"]), run.stderr
