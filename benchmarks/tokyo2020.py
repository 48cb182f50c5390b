"""`medalopt solve` on Tokyo 2020, beside a bare solver reading the same program and the same program in linopy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import timing

HERE = Path(__file__).parent
MEDALOPT = str(Path(sys.executable).parent / "medalopt")
INSTANCE = str(HERE.parent / "instances" / "tokyo2020.yaml")


def optima(commands: dict[str, list[str]]) -> dict[str, float]:
    """Return the optimum that each command finds, to show that all solve the same program."""
    asked = {name: [*each, "--json"] if each[0] == MEDALOPT else each for name, each in commands.items()}
    said = {name: subprocess.run(each, stdout=subprocess.PIPE, text=True, check=True) for name, each in asked.items()}
    return {name: optimum(run.stdout) for name, run in said.items()}


def optimum(text: str) -> float:
    """Return the objective from a plan in JSON, or from the last line of a script that prints it alone."""
    if text.startswith("{"):
        return float(json.loads(text)["objective"]["value"])
    return float(text.splitlines()[-1])


def compare(runs: int, folder: Path, peer: str) -> str:
    """Return the table; `peer` is an interpreter that has linopy. Ends where the optima differ."""
    program = folder / "tokyo2020.mps"
    subprocess.run([MEDALOPT, "export", INSTANCE, "-o", str(program)], check=True, capture_output=True)
    commands = {
        "medalopt solve": [MEDALOPT, "solve", INSTANCE],
        "HiGHS alone, from the MPS file": [sys.executable, str(HERE / "bare_highs.py"), str(program)],
        "linopy, from the same instance": [peer, str(HERE / "linopy_peer.py"), INSTANCE],
    }
    found = optima(commands)
    least, most = min(found.values()), max(found.values())
    if most - least > 1e-7 * max(1.0, abs(most)):
        raise SystemExit(f"the optima differ: {found}")
    measured = timing.in_turn(commands, runs)
    return f"{timing.table(measured, 'medalopt solve')}\n  all three find the optimum {most:.6g}"
