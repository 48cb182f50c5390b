"""Whole processes measured side by side: their wall time and greatest resident memory, run in turn."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

KILOBYTE = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss


@dataclass(frozen=True)
class TimedRun:
    """One process from its start to its end."""

    seconds: float
    peak_mb: float
    processor_seconds: float


@dataclass(frozen=True)
class Measured:
    """All runs of one command."""

    runs: tuple[TimedRun, ...]

    @property
    def seconds(self) -> float:
        """The median wall time."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def peak_mb(self) -> float:
        """The median of the greatest resident memory, in MB."""
        return statistics.median(run.peak_mb for run in self.runs)


def once(command: Sequence[str]) -> TimedRun:
    """Run `command` without output; raise `SystemExit` with its message if it fails."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        run = waited(process, start)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{said.decode(errors='replace')}")
    return run


def waited(process: subprocess.Popen[bytes], start: float) -> TimedRun:
    """Wait for the end of a process that began at `start`, and return what it took."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    return TimedRun(seconds, usage.ru_maxrss * KILOBYTE / 1e6, usage.ru_utime + usage.ru_stime)


def in_turn(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, Measured]:
    """Run every command once unmeasured, then `runs` times each, one after the other in turn.

    The order turns round each time, so that neither a slow spell of the machine nor a warm cache favours one.
    """
    for command in commands.values():
        once(command)
    found: dict[str, list[TimedRun]] = {name: [] for name in commands}
    for number in range(runs):
        for name in list(commands)[:: -1 if number % 2 else 1]:
            found[name].append(once(commands[name]))
    return {name: Measured(tuple(each)) for name, each in found.items()}


def table(measured: Mapping[str, Measured], reference: str) -> str:
    """Return the medians as lines of text, each time and memory beside its ratio to `reference`'s.

    The ratio of the times is the median of the ratios of each round, in which the two ran side by side.
    """
    base = measured[reference]
    lines = [f"  {'':<34}{'median s':>10}{'least s':>10}{'greatest s':>12}{'ratio':>8}{'peak MB':>10}{'ratio':>8}"]
    for name, each in measured.items():
        ratios = [run.seconds / other.seconds for run, other in zip(each.runs, base.runs, strict=True)]
        seconds = [run.seconds for run in each.runs]
        lines.append(
            f"  {name:<34}{each.seconds:>10.3f}{min(seconds):>10.3f}{max(seconds):>12.3f}"
            f"{statistics.median(ratios):>8.2f}{each.peak_mb:>10.0f}{each.peak_mb / base.peak_mb:>8.2f}"
        )
    return "\n".join(lines)
