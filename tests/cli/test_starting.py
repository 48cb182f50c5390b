"""Imports of a start: unused packages are not loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.cli.runs import PATIENCE, TINY

HEAVY = {"pyomo", "pandas", "numpy", "highspy", "pint", "pydantic", "yaml", "rich", "scipy"}
IMPORTED = (
    "import sys; from medalopt.cli.run import run_command; run_command(sys.argv[1:]); "
    "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
)


def imported(*arguments: str) -> set[str]:
    """Return the packages that a run has imported."""
    command = [sys.executable, "-c", IMPORTED, *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    return set(ran.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], [], ["solve", "--help"], ["solve"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """Help, version and usage errors load no package that only a command needs."""
    packages = imported(*arguments)
    assert "medalopt" in packages
    assert packages & HEAVY <= ({"pydantic"} if "solve" in arguments else set())  # typer reads a verb's options by it


def test_a_plan_needs_no_frames() -> None:
    """`solve` prints without pandas and Dask, though pint would load Dask where it is there; as JSON without rich."""
    assert {"pandas", "dask"} & imported("solve", TINY) == set()
    assert {"pandas", "rich"} & imported("solve", TINY, "--json") == set()
