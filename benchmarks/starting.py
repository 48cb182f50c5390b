"""`medalopt --help` beside the `--help` of the smallest command line that typer makes."""

from __future__ import annotations

import sys
from pathlib import Path

import timing

MEDALOPT = str(Path(sys.executable).parent / "medalopt")


def compare(runs: int) -> str:
    """Return the table."""
    reference = "a bare typer program --help"
    commands = {
        reference: [sys.executable, str(Path(__file__).parent / "bare_typer.py"), "--help"],
        "medalopt --help": [MEDALOPT, "--help"],
    }
    return timing.table(timing.in_turn(commands, runs), reference)
