"""Many variants of one instance, answered by several processes, each with a program of its own that it keeps warm.

Every variant is solved from the same basis, that of the instance's own optimum: its answer, to the last bit, depends
neither on what was solved before it nor on the process that solved it.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

from medalopt.analysis.journal import Answer, Journal
from medalopt.analysis.variants import Variants
from medalopt.errors import InputError, SolverError
from medalopt.solver.moving import Standing

Changes = Mapping[str, str]
Told = Callable[[int, int], None]  # how many are answered, of how many
PATIENCE = 2.0  # seconds, after which more processes are worth their start


def quiet(done: int, of: int) -> None:
    """Tell nobody how far the work is."""


@dataclass(frozen=True)
class Answers:
    """What each variant gave, in the order in which they were asked; None where it was `interrupted` before."""

    found: tuple[Answer | None, ...]
    interrupted: bool = False


def answered(
    variants: Variants,
    asked: Sequence[Changes],
    jobs: int | None = None,
    journal: Journal | None = None,
    told: Told = quiet,
) -> Answers:
    """Return the answer of every variant in `asked`, each a set of ordinary changes, by `jobs` processes (all cores).

    What the `journal` holds is not solved again. An interruption (Ctrl-C) ends the work, not what is answered.
    """
    found = dict(enumerate(journal.answer(changes) for changes in asked)) if journal is not None else {}
    known = {number: answer for number, answer in found.items() if answer is not None}
    missing = [number for number in range(len(asked)) if number not in known]
    told(len(known), len(asked))
    interrupted = False
    try:
        for number, answer in _solved(variants, asked, missing, jobs or cores()):
            known[number] = answer
            if journal is not None:
                journal.keep(asked[number], answer)
            told(len(known), len(asked))
    except KeyboardInterrupt:
        interrupted = True
    return Answers(tuple(known.get(number) for number in range(len(asked))), interrupted)


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def answer(variants: Variants, standing: Standing | None, changes: Changes) -> Answer:
    """Return the answer of one variant, solved from `standing`; a change that is not allowed is told in its words."""
    variants.moving.stand_at(standing)
    try:
        found = variants.answer(variants.variant(changes))
    except InputError as error:
        return Answer("wrong", None, str(error.faults[0].message))
    except SolverError as error:
        return Answer("unanswered", None, str(error))
    return Answer(found.status, float(found.value) if found.feasible else None)


def _solved(
    variants: Variants, asked: Sequence[Changes], numbers: Sequence[int], processes: int
) -> Iterator[tuple[int, Answer]]:
    """Yield the answers as they come: those of the first seconds from this process, which is there already."""
    standing = variants.moving.standing if numbers else None
    over = time.monotonic() + PATIENCE
    for done, number in enumerate(numbers):
        if processes > 1 and time.monotonic() >= over:
            yield from _shared(variants, standing, asked, numbers[done:], processes)
            return
        yield number, answer(variants, standing, asked[number])


def _shared(
    variants: Variants, standing: Standing | None, asked: Sequence[Changes], numbers: Sequence[int], processes: int
) -> Iterator[tuple[int, Answer]]:
    begin = functools.partial(_begin, variants.opened.path, variants.changes, variants.measure, standing)
    with _processes(min(processes, len(numbers)), begin) as pool:
        futures: dict[Future[Answer], int] = {pool.submit(_work, asked[number]): number for number in numbers}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise SolverError(
                "a process that solved variants was ended, perhaps for want of memory: --jobs 1"
            ) from error


@contextlib.contextmanager
def _processes(count: int, begin: Callable[[], None]) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of fresh processes, which end at once where the body is left before they are done."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), begin)
    done = False
    try:
        yield pool
        done = True
    finally:
        pool.shutdown(wait=done, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()


_own: dict[str, tuple[Variants, Standing | None]] = {}  # what a process keeps warm


def _begin(path: str | os.PathLike[str], changes: Changes, measure: str, standing: Standing | None) -> None:
    """Make a process ready: Ctrl-C is its parent's, and where that is gone it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _own["warm"] = (Variants(path, changes, measure), standing)


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _work(changes: Changes) -> Answer:
    return answer(*_own["warm"], changes)
