"""The commands of the Makefile that can be tried without building an environment."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in the checkout and return how it went."""
    return subprocess.run(["make", "--no-print-directory", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_help_names_every_command() -> None:
    """`make help` tells of each target that a person may call."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", text, flags=re.MULTILINE)
    assert phony is not None
    assert re.findall(r"^  make ([\w-]+)", make("help").stdout, flags=re.MULTILINE) == phony[1].split()


def test_an_old_python_is_reported(tmp_path: Path) -> None:
    """Without Python 3.11 make stops and says how to name another interpreter."""
    old = tmp_path / "old python"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    venv = tmp_path / "venv"
    run = make("solve", f"PYTHON={old}", f"VENV={venv}")
    assert run.returncode != 0
    assert "needs Python 3.11 or newer" in run.stderr and "make PYTHON=" in run.stderr
    assert not venv.exists()


def test_the_gate_of_the_main_branch_lints_and_tests() -> None:
    """`.ci/run` runs linters, tests and three environments, stops at the first failure, installs no package."""
    lines = [line for line in (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    matrix = 'make matrix CELLS="3.11-newest 3.11-lowest 3.13-locked"'
    assert lines == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "make lint", "make test", matrix]
