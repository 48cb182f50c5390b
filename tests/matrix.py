"""Install medalopt in several environments and run a fast subset of the tests in each.

    python -m tests.matrix [CELL ...] [--jobs J]

A cell is a Python version and how its dependencies are chosen, such as `3.11-newest`:

- `locked`: the versions of requirements/test.txt, with their hashes;
- `newest`: what pip takes today within the bounds of pyproject.toml; medalopt itself is installed as a user does,
  by `pip install .` into an empty environment and again from the built sdist, and solves an instance after each;
- `lowest`: the lowest version of each direct dependency that pyproject.toml allows and this Python can install.

Each cell solves an instance with warnings as errors, then runs the tests of `SUBSET`. A table is printed at the end.
The exit code is 1 where a cell failed, or none passed; a cell whose Python the machine lacks is `not available`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".venv-matrix"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
CHOICES = ("locked", "newest", "lowest")
EXTRAS = "[exact,pictures,pdf,distributed]"
SUBSET = (
    "tests/cli/test_solve.py",
    "tests/cli/test_usage.py",
    "tests/cli/test_workbook_commands.py",
    "tests/solver/test_highs.py",
    "tests/solver/test_solve_lp_ladder.py",
    "tests/solver/test_parametric_solver.py",
    "tests/solver/test_warm_solver_warm.py",
    "tests/solver/decomposition/test_crossover.py",
    "tests/proof/test_basis_forms.py",
    "tests/twin/test_conformance.py",
    *("tests/instance/test_loading.py", "tests/instance/test_hostile.py", "tests/instance/test_delimited.py"),
    *("tests/instance/test_workbook.py", "tests/instance/test_spreadsheet.py", "tests/instance/test_encodings.py"),
    *("tests/instance/test_tables.py", "tests/instance/test_schema.py", "tests/instance/test_yamltext.py"),
    "tests/test_units.py",
)


@dataclass(frozen=True)
class CellResult:
    """Result of a cell: `status` is `passed`, `failed` or `not available`, `detail` a reason or a number of tests."""

    cell: str
    status: str
    detail: str
    versions: str = ""
    seconds: float = 0.0


class CellFailed(Exception):
    """A step of a cell failed; the message is its last output."""


def find_interpreter(version: str) -> str | None:
    """Return the path of an interpreter of `version`, such as 3.12, or None where the machine has none."""
    found = [shutil.which(f"python{version}"), shutil.which("python3")]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found += [str(path) for path in sorted(pyenv.glob(f"versions/{version}.*/bin/python"))]
    for path in filter(None, found):
        probe = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
        ran = subprocess.run([path, "-c", probe], capture_output=True, text=True, check=False)
        if ran.stdout.strip() == version:
            return path
    return None


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Return the standard output of a command. Raises CellFailed where it fails."""
    settings = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONWARNINGS")}
    ran = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=settings, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise CellFailed("\n".join((ran.stdout + ran.stderr).strip().splitlines()[-30:]))
    return ran.stdout


def solve_as_user(python: Path) -> None:
    """Solve an instance from another folder, with warnings as errors. Raises CellFailed where it says anything else."""
    command = [python, "-W", "error", "-m", "medalopt", "solve", ROOT / "instances/tiny.yaml", "--json"]
    ran = subprocess.run([str(part) for part in command], cwd=HOME, capture_output=True, text=True, check=False)
    try:
        status = json.loads(ran.stdout)["status"]
    except (ValueError, KeyError) as error:
        raise CellFailed(f"solve --json printed no JSON: {ran.stdout[:500]}{ran.stderr[:500]}") from error
    if (ran.returncode, status, ran.stderr) != (0, "optimal", ""):
        raise CellFailed(f"solve --json ended with {ran.returncode}, {status}: {ran.stderr[:500]}")


def install(python: Path, choice: str, sdist: Path) -> None:
    """Install medalopt and the tools of its tests for `python`. Raises CellFailed where that is not possible."""
    uv, wheels = Path(sys.executable).with_name("uv"), ("--only-binary", ":all:", "--no-binary", "medalopt")
    target = (uv, "pip", "install", "--quiet", "--python", python)
    if choice == "locked":
        run(*target, "--require-hashes", "--only-binary", ":all:", "-r", "requirements/test.txt")
        run(*target, "--no-deps", "--no-build-isolation", ".")
        return
    if choice == "newest":
        pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        run(*pip, ".")
        solve_as_user(python)
        run(*pip, "--no-deps", "--force-reinstall", sdist)
        solve_as_user(python)
        run(*target, *wheels, f"medalopt{EXTRAS} @ {sdist.as_uri()}", "--group", "test")
        return
    lowest = python.parents[1] / "lowest.txt"
    choose = (uv, "pip", "compile", "--quiet", "--no-header", "--all-extras", "--resolution", "lowest-direct")
    run(*choose, "--python", python, "--only-binary", ":all:", "--output-file", lowest, "pyproject.toml")
    run(*target, *wheels, f"medalopt{EXTRAS} @ {sdist.as_uri()}", "--group", "test", "--constraints", lowest)


def try_cell(cell: str, sdist: Path) -> CellResult:
    """Set up one cell, solve an instance, run the subset, and return the result."""
    started = time.perf_counter()
    version, choice = cell.split("-")
    interpreter = find_interpreter(version)
    if interpreter is None:
        return CellResult(cell, "not available", f"no interpreter of Python {version} on this machine")
    folder = HOME / cell
    python = folder / "bin/python"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        run(interpreter, "-m", "venv", folder, *([] if choice == "newest" else ["--without-pip"]))
        install(python, choice, sdist)
        solve_as_user(python)
        versions = run(python, "-c", _VERSIONS).strip()
        options = ("-q", "-n", "0", "-p", "no:cacheprovider", f"--basetemp={folder / 'tmp'}")
        counts = run(python, "-m", "pytest", *options, *SUBSET).strip().splitlines()[-1]
    except CellFailed as failure:
        return CellResult(cell, "failed", str(failure), seconds=time.perf_counter() - started)
    passed = re.sub(r" in .*", "", counts)
    return CellResult(cell, "passed", passed, versions, time.perf_counter() - started)


_VERSIONS = (
    "from importlib.metadata import version as v; "
    "print(', '.join(f'{n} {v(n)}' for n in ('highspy', 'pyomo', 'numpy', 'pandas', 'pydantic', 'typer')))"
)


def main(arguments: list[str]) -> int:
    """Try the cells that are named, or all; print the table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__.split("\n")[0])
    every = [f"{version}-{choice}" for version in PYTHONS for choice in CHOICES]
    parser.add_argument("cells", nargs="*", metavar="CELL", help=f"one of {', '.join(every)}; default: all")
    parser.add_argument("--jobs", type=int, default=2, help="cells tried at a time (2)")
    given = parser.parse_args(arguments)
    unknown = set(given.cells) - set(every)
    if unknown:
        parser.error(f"no such cell: {', '.join(sorted(unknown))}")
    HOME.mkdir(exist_ok=True)
    dist = HOME / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    run(Path(sys.executable).with_name("uv"), "build", "--quiet", "--sdist", "--out-dir", dist)
    (sdist,) = dist.glob("*.tar.gz")
    with ThreadPoolExecutor(given.jobs) as pool:
        results = list(pool.map(lambda cell: try_cell(cell, sdist), given.cells or every))
    for result in results:
        if result.status == "failed":
            print(f"--- {result.cell}\n{result.detail}\n")
    print(f"{'cell':<13}{'result':<15}{'time':>6}  what")
    for result in results:
        detail = f"{result.detail}; {result.versions}" if result.status == "passed" else result.detail.splitlines()[-1]
        print(f"{result.cell:<13}{result.status:<15}{result.seconds:>4.0f} s  {detail}")
    statuses = {result.status for result in results}
    return 1 if "failed" in statuses or "passed" not in statuses else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
