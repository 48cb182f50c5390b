"""Solve many scenarios of one instance in several processes, each with a warm-started solver model of its own.

Every scenario is solved from the same basis, the optimal basis of the base instance, so that its result is
reproducible to the last bit: it depends neither on the scenarios solved before it nor on the process.
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
Told = Callable[[int, int], None]  # number of scenarios solved, and in all
Found = Generator[tuple[int, Answer], None, None]  # number of a scenario and its result, in any order
Where = Callable[[Variants, Sequence[Changes], Sequence[int]], Found]
"""Answers those of the variants asked that are numbered."""
PATIENCE = 2.0  # [s] run time after which starting a process pool pays
FATAL = 3  # consecutive scenarios that kill a process of their own, after which the run fails
ENDED = Answer("unanswered", None, "the process that solved it was ended each time, perhaps for want of memory")


def quiet(done: int, of: int) -> None:
    """Ignore progress (no-op progress callback).

    Args:
        done: Number of scenarios solved.
        of: Number of scenarios in all.
    """


@dataclass(frozen=True)
class Answers:
    """Results of all scenarios in the order given; None for those not solved before the run was `interrupted`."""

    found: tuple[Answer | None, ...]
    interrupted: bool = False


@dataclass(frozen=True, eq=False)
class Start:
    """State from which a worker solves scenarios reproducibly: the file as read, the common changes, and the basis."""

    opened: Opened
    changes: Changes
    measure: str
    standing: Standing | None

    @classmethod
    def of(cls, variants: Variants) -> Start:
        """Capture the state of a scenario runner.

        Args:
            variants: Runner to reproduce in a worker.

        Returns:
            The state, which can be pickled.
        """
        standing = None if variants.large else variants.moving.standing
        return cls(variants.opened, variants.changes, variants.measure, standing)

    def variants(self) -> Variants:
        """Build a new scenario runner from this state.

        Returns:
            The runner.
        """
        return Variants(self.opened, self.changes, self.measure)


def answered(
    variants: Variants,
    asked: Sequence[Changes],
    jobs: int | None = None,
    journal: Journal | None = None,
    told: Told = quiet,
) -> Answers:
    """Solve all scenarios in parallel; reuse cached results. Ctrl-C ends the run and keeps the results so far.

    Args:
        variants: Base instance.
        asked: Changes of each scenario, path to value.
        jobs: Number of processes; None for one per processor.
        journal: Cache of results.
        told: Progress callback.

    Returns:
        Result of each scenario, in order.
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
    """Solve scenarios and yield results as they arrive, cached results first.

    Args:
        variants: Base instance.
        asked: Changes of each scenario, path to value.
        where: Executor that solves numbered scenarios.
        journal: Cache of results; a sample of the cached results is solved again.
        told: Progress callback.

    Yields:
        Number of the scenario and its result.

    Raises:
        UsageError: If a cached result differs from the scenario solved again.
    """
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
    """Solve a sample of the cached scenarios again. Raises UsageError if one has another result."""
    sample = journal.sample({number: asked[number] for number in known})
    with contextlib.closing(where(variants, asked, sample)) as answers:
        for number, again in answers:
            if not known[number].agrees(again):
                journal.refuse(asked[number])


def cores() -> int:
    """Return the number of processors available to this process.

    Returns:
        Number of processors, at least 1.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def answer(variants: Variants, standing: Standing | None, changes: Changes) -> Answer:
    """Solve one scenario from a given basis. An error becomes the status of its result and affects no other scenario.

    Args:
        variants: Base instance.
        standing: Basis to start from; None to start from scratch.
        changes: Changes of the scenario, path to value.

    Returns:
        Result: optimal with its value, infeasible, wrong or unanswered with a message.
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
    """Return an executor that uses processes of this machine.

    Args:
        jobs: Number of processes; None for one per processor.

    Returns:
        The executor.
    """
    return functools.partial(_solved, jobs or cores())


def _solved(processes: int, variants: Variants, asked: Sequence[Changes], numbers: Sequence[int]) -> Found:
    """Yield results: of the first seconds from this process, then from a pool if more scenarios remain."""
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
    """Write the worker state to a temporary file that exists for the duration of a `with` block.

    Passed through the pipe, as process arguments are, it would not fit: Python would wait forever if a process ended
    before it had read them.
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
    """Yield results of a process pool; those in work when a process is killed are solved again at the end, singly."""
    left = dict.fromkeys(numbers)
    last: list[int] = []
    while left:
        try:
            for number, found in _round(start, asked, list(left), processes):
                del left[number]
                yield number, found
        except BrokenProcessPool:
            last += list(left)[: 2 * processes + 1]  # upper limit of scenarios in work
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
    """Yield the results of one pool until all are there. Raises BrokenProcessPool if a process is killed."""
    with _processes(min(processes, len(numbers)), functools.partial(_begin, start)) as pool:
        futures: dict[Future[Answer], int] = {pool.submit(_work, asked[number]): number for number in numbers}
        for future in as_completed(futures):
            yield futures[future], future.result()


@contextlib.contextmanager
def _processes(count: int, begin: Callable[[], None]) -> Iterator[ProcessPoolExecutor]:
    """Start a pool of new processes; they are terminated if the `with` block is left early."""
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


_own: dict[str, tuple[Variants, Standing | None]] = {}  # runner and basis of this worker process


def _begin(stored: Path) -> None:
    """Initialize a worker: ignore Ctrl-C, end with the parent process, load the state and build the runner."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    start: Start = pickle.loads(stored.read_bytes())
    _own["warm"] = (start.variants(), start.standing)


def _end_with(parent: BaseProcess) -> None:
    """Wait for the parent process to end, then exit."""
    parent.join()
    os._exit(1)


def _work(changes: Changes) -> Answer:
    """Solve one scenario in a worker process."""
    return answer(*_own["warm"], changes)
