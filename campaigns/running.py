"""Runner of campaigns: numbered trials in separate processes, and a table of their results."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

_BLOCK = 20  # trials, at most, that are handed to a process at once


@dataclass(frozen=True)
class Found:
    """Results of trials: the count of each class, and the faults in words."""

    seen: Counter[str] = field(default_factory=Counter)
    wrong: tuple[str, ...] = ()

    def __add__(self, other: Found) -> Found:
        return Found(self.seen + other.seen, self.wrong + other.wrong)


Trial = Callable[[int], Found]
"""Makes the trial of a number, always the same, and returns what came of it."""


def campaign(name: str, trial: Trial, count: int, arguments: list[str]) -> int:
    """Run `trial` for a range of numbers, print the results, and return 1 if there are faults."""
    parser = argparse.ArgumentParser(prog=f"python -m campaigns.{name}")
    parser.add_argument("N", nargs="?", type=int, default=count, help=f"how many trials (default {count:_})")
    parser.add_argument("--seed", type=int, default=0, help="the number of the first trial (default 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once (default: all cores)")
    asked = parser.parse_args(arguments)
    found = Found()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(asked.jobs, spawn) as pool:
        numbers, block = range(asked.seed, asked.seed + asked.N), max(1, min(_BLOCK, asked.N // (4 * asked.jobs)))
        for one in pool.map(partial(_tried, trial), numbers, chunksize=block):
            found += one
            for wrong in one.wrong:
                print(wrong, file=sys.stderr, flush=True)
    print("\n".join(table(f"{name}, {asked.N} from {asked.seed}", found)))
    return 1 if found.wrong else 0


def _tried(trial: Trial, number: int) -> Found:
    """Make a trial; one that fails is wrong too."""
    try:
        return trial(number)
    except Exception as error:
        return Found(wrong=(f"{number}: {type(error).__name__}: {error}",))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after so many seconds of its own work: the machine may be busy with others."""

    def too_long(*_: object) -> None:
        raise TimeoutError(f"more than {seconds} s")

    signal.signal(signal.SIGVTALRM, too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    signal.setitimer(signal.ITIMER_PROF, 10 * seconds)  # ends the process, where no alarm is heard within a library
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)


def table(title: str, found: Found) -> Iterable[str]:
    """Yield the lines of a table: class, count, and number of faults."""
    rows = [*sorted(found.seen.items()), ("WRONG", len(found.wrong))]
    width = max(len(name) for name, _ in rows)
    yield title
    for name, number in rows:
        yield f"  {name:<{width}}  {number:>12_}"
