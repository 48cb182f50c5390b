"""Small instances as whole processes: time of a user's wait where little is solved."""

from __future__ import annotations

import sys
from pathlib import Path

import timing

INSTANCES = Path(__file__).parents[1] / "instances"
MEDALOPT = str(Path(sys.executable).parent / "medalopt")


def compare(runs: int) -> str:
    """Return the table, with an interpreter that only imports Pyomo and highspy as reference."""
    reference = "import pyomo, highspy, numpy"
    commands = {reference: [sys.executable, "-c", "import pyomo.core, highspy, numpy"]}
    commands |= {
        f"medalopt solve {name}": [MEDALOPT, "solve", str(INSTANCES / f"{name}.yaml")] for name in ("tiny", "dantzig")
    }
    return timing.table(timing.in_turn(commands, runs), reference)
