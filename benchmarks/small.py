"""Small instances, whole processes: what a person waits for when hardly anything has to be solved."""

from __future__ import annotations

import sys
from pathlib import Path

import timing

INSTANCES = Path(__file__).parents[1] / "instances"
MEDALOPT = str(Path(sys.executable).parent / "medalopt")


def compare(runs: int) -> str:
    """Return the table, with an interpreter that imports Pyomo and highspy and does nothing as the reference."""
    reference = "import pyomo, highspy, numpy"
    commands = {reference: [sys.executable, "-c", "import pyomo.core, highspy, numpy"]}
    commands |= {
        f"medalopt solve {name}": [MEDALOPT, "solve", str(INSTANCES / f"{name}.yaml")] for name in ("tiny", "dantzig")
    }
    return timing.table(timing.in_turn(commands, runs), reference)
