"""Many variants of one instance, answered by several processes, each with a program of its own that it keeps warm.

Every variant is solved from the same basis, that of the instance's own optimum: its answer, to the last bit, depends
neither on what was solved before it nor on the process that solved it.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from medalopt.analysis.journal import Answer, Journal
from medalopt.analysis.variants import Variants
from medalopt.errors import InputError, NoPlanError, OutputError, SolverError, UsageError
from medalopt.instance.loading import Opened
from medalopt.instance.wildcards import ANY
from medalopt.solver.moving import Standing
from medalopt.solving import solve
from medalopt.wording import shown

Changes = Mapping[str, str]
Told = Callable[[int, int], None]  # how many are answered, of how many
Found = Generator[tuple[int, Answer], None, None]  # the number of a variant and its answer, in any order
Where = Callable[[Variants, Sequence[Changes], Sequence[int]], Found]
"""Answers those of the variants asked that are numbered."""
PATIENCE = 2.0  # seconds, after which more processes are worth their start
FATAL = 3  # variants in a row that ended the process which each had for itself, after which nothing more is tried
ENDED = Answer("unanswered", None, "the process that solved it was ended each time, perhaps for want of memory")


def quiet(done: int, of: int) -> None:
    """Tell nobody how far the work is."""


@dataclass(frozen=True)
class Answers:
    """What each variant gave, in the order in which they were asked; None where it was `interrupted` before."""

    found: tuple[Answer | None, ...]
    interrupted: bool = False


@dataclass(frozen=True, eq=False)
class Start:
    """What answers variants alike wherever it is taken: the file as it was read, what is changed in all, the basis."""

    opened: Opened
    changes: Changes
    measure: str
    standing: Standing | None

    @classmethod
    def of(cls, variants: Variants) -> Start:
        """Return the start of `variants`."""
        standing = None if variants.large else variants.moving.standing
        return cls(variants.opened, variants.changes, variants.measure, standing)

    def variants(self) -> Variants:
        """Return the variants anew."""
        return Variants(self.opened, self.changes, self.measure)


def answered(
    variants: Variants,
    asked: Sequence[Changes],
    jobs: int | None = None,
    journal: Journal | None = None,
    told: Told = quiet,
) -> Answers:
    """Return the answer of every variant in `asked`, each a set of changes, by `jobs` processes (all cores).

    What the `journal` holds is not solved again. An interruption (Ctrl-C) ends the work, not what is answered.
    """
    known: dict[int, Answer] = {}
    interrupted = False
    try:
        with contextlib.closing(stream(variants, asked, processes(jobs), journal, told)) as found:
            for number, answer in found:
                known[number] = answer
    except KeyboardInterrupt:
        interrupted = True
    return Answers(tuple(known.get(number) for number in range(len(asked))), interrupted)


def stream(
    variants: Variants, asked: Sequence[Changes], where: Where, journal: Journal | None = None, told: Told = quiet
) -> Found:
    """Yield the number of each variant in `asked` with its answer, as they come; first those of the `journal`."""
    found = dict(enumerate(journal.answer(changes) for changes in asked)) if journal is not None else {}
    known = {number: answer for number, answer in found.items() if answer is not None}
    missing = [number for number in range(len(asked)) if number not in known]
    if journal is not None and known:
        _check_sample(variants, asked, known, where if missing else processes(1), journal)
    yield from known.items()
    told(done := len(known), len(asked))
    with contextlib.closing(where(variants, asked, missing)) as answers:
        for number, answer in answers:
            if journal is not None and answer != ENDED:
                journal.keep(asked[number], answer)
            yield number, answer
            told(done := done + 1, len(asked))


def _check_sample(
    variants: Variants, asked: Sequence[Changes], known: Mapping[int, Answer], where: Where, journal: Journal
) -> None:
    """Solve some of the `known` variants again. Raises UsageError where the journal says otherwise."""
    sample = journal.sample({number: asked[number] for number in known})
    with contextlib.closing(where(variants, asked, sample)) as answers:
        for number, again in answers:
            if not known[number].agrees(again):
                journal.refuse(asked[number])


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def answer(variants: Variants, standing: Standing | None, changes: Changes) -> Answer:
    """Return the answer of one variant, solved from `standing`; a change that is not allowed is told in its words.

    Whatever goes wrong with it is said in its own answer, and costs no other variant its own.
    """
    try:
        if any(ANY in path for path in changes):
            changes = variants.expanded(changes.items())
        if variants.large:
            return Answer("optimal", solve(variants.changed(changes), variants.measure).objective)
        variants.moving.stand_at(standing)
        found = variants.answer(variants.variant(changes))
    except InputError as error:
        return Answer("wrong", None, str(error.faults[0].message))
    except UsageError as error:
        return Answer("wrong", None, str(error))
    except NoPlanError:
        return Answer("infeasible", None)
    except SolverError as error:
        return Answer("unanswered", None, str(error))
    except Exception as error:
        said = f"a fault of our own, {type(error).__name__}: {shown(str(error), 300)}; please report it"
        return Answer("unanswered", None, said)
    return Answer(found.status, float(found.value) if found.feasible else None)


def processes(jobs: int | None = None) -> Where:
    """Return what answers by `jobs` processes of this machine (all cores)."""
    return functools.partial(_solved, jobs or cores())


def _solved(processes: int, variants: Variants, asked: Sequence[Changes], numbers: Sequence[int]) -> Found:
    """Yield the answers as they come: those of the first seconds from this process, which is there already."""
    if not numbers:
        return
    start = Start.of(variants)
    over = time.monotonic() + PATIENCE
    for done, number in enumerate(numbers):
        if processes > 1 and time.monotonic() >= over:
            with _stored(start) as path:
                yield from _shared(path, asked, numbers[done:], processes)
            return
        yield number, answer(variants, start.standing, asked[number])


@contextlib.contextmanager
def _stored(start: Start) -> Iterator[Path]:
    """Give the path of a file that holds `start` for as long as the body runs.

    Handed over by way of a pipe, as the arguments of a process are, it would not fit in there: where the process is
    ended before it reads, Python would wait forever.
    """
    path: Path | None = None
    try:
        try:
            handle, name = tempfile.mkstemp(prefix="medalopt-")
            path = Path(name)
            with os.fdopen(handle, "wb") as file:
                pickle.dump(start, file)
        except OSError as error:
            reason = error.strerror or "no folder will do"
            raise OutputError(f"a temporary file could not be written ({reason}): --jobs 1 needs none") from error
        yield path
    finally:
        if path is not None:
            path.unlink(missing_ok=True)


def _shared(start: Path, asked: Sequence[Changes], numbers: Sequence[int], processes: int) -> Found:
    """Yield the answers of processes. Where one is ended, what they were at is asked again at the end, each alone."""
    left = dict.fromkeys(numbers)
    last: list[int] = []
    while left:
        try:
            for number, found in _round(start, asked, list(left), processes):
                del left[number]
                yield number, found
        except BrokenProcessPool:
            last += list(left)[: 2 * processes + 1]  # as many as may have been handed out
            left = dict.fromkeys(number for number in left if number not in last)
    ended = 0
    for number in last:
        try:
            yield from _round(start, asked, [number], 1)
            ended = 0
        except BrokenProcessPool as error:
            ended += 1
            if ended == FATAL:
                raise SolverError(
                    "the processes that solve variants are ended, perhaps for want of memory: --jobs 1"
                ) from error
            yield number, ENDED


def _round(start: Path, asked: Sequence[Changes], numbers: Sequence[int], processes: int) -> Found:
    """Yield answers until all are there. Raises BrokenProcessPool where a process is ended."""
    with _processes(min(processes, len(numbers)), functools.partial(_begin, start)) as pool:
        futures: dict[Future[Answer], int] = {pool.submit(_work, asked[number]): number for number in numbers}
        for future in as_completed(futures):
            yield futures[future], future.result()


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


def _begin(stored: Path) -> None:
    """Make a process ready with what is `stored`: Ctrl-C is its parent's, and where that is gone it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    start: Start = pickle.loads(stored.read_bytes())
    _own["warm"] = (start.variants(), start.standing)


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _work(changes: Changes) -> Answer:
    return answer(*_own["warm"], changes)
