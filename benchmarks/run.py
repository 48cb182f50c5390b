"""All comparisons, one after the other: `make bench`, or `run.py --peer PYTHON [--runs N]`."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path

import risk
import small
import starting
import sweep
import tokyo2020


def machine() -> str:
    """Return the environment of the measurements: processors, system and versions."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("medalopt", "pyomo", "highspy", "numpy", "typer"))
    return f"{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}, {packages}"


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--peer", required=True, help="an interpreter that has medalopt and linopy")
    arguments.add_argument("--runs", type=int, default=7, help="measured runs of each command")
    chosen = arguments.parse_args()
    print(f"{machine()}\nWhole processes, {chosen.runs} runs each, in turn; the ratio is the median over the rounds.")
    print("\nTokyo 2020", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print(tokyo2020.compare(chosen.runs, Path(folder), chosen.peer), flush=True)
    print("\nSmall instances", flush=True)
    print(small.compare(chosen.runs), flush=True)
    print("\nStarting", flush=True)
    print(starting.compare(chosen.runs), flush=True)
    print("\nRisk on Tokyo 2020, in one process, by the time of one processor", flush=True)
    print(risk.compare(chosen.runs), flush=True)
    print("\nScenarios along one figure, in one process, by the time of one processor", flush=True)
    for name, count in (("tiny", 1000), ("tokyo2020", 20)):
        print(sweep.compare(name, count), flush=True)


if __name__ == "__main__":
    main()
