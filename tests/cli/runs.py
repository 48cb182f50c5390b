"""Runs of the command line: within this process, or in one of their own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from medalopt.cli.run import run_command

ROOT = Path(__file__).parents[2]
TINY, TOKYO = (str(ROOT / "instances" / f"{name}.yaml") for name in ("tiny", "tokyo2020"))
INFEASIBLE = str(ROOT / "instances" / "infeasible.yaml")
MEDALOPT = [sys.executable, "-m", "medalopt"]
PATIENCE = 120  # seconds, for a machine that is busy


@dataclass(frozen=True)
class Run:
    """Exit code and output of a run."""

    code: int
    out: str
    err: str


class Terminal(io.StringIO):
    """Text stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def here(*arguments: str, encoding: str = "utf-8") -> Run:
    """Run medalopt in this process, with standard output in `encoding`."""
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    err = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_command(arguments)
    out.flush()
    return Run(code, out.buffer.getvalue().decode(encoding), err.getvalue())  # type: ignore[attr-defined]


def apart(*arguments: str, folder: Path | None = None, env: dict[str, str] | None = None) -> Run:
    """Run medalopt as a process of its own."""
    process = subprocess.run(
        [*MEDALOPT, *arguments],
        cwd=folder,
        env=os.environ | (env or {}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
    )
    return Run(process.returncode, process.stdout, process.stderr)


def plain(text: str) -> bool:
    """Return whether every line is printable and none belongs to a traceback."""
    return all(line.isprintable() for line in text.splitlines()) and "Traceback" not in text
