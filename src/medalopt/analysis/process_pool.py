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

from medalopt.analysis.result_cache import ResultCache, ScenarioResult
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.errors import InputError, NoPlanError, OutputError, SolverError, UsageError
from medalopt.instance.loading import InstanceFile, ParameterChanges
from medalopt.instance.scenario import WILDCARD
from medalopt.solve_instance import solve
from medalopt.solver.basis import Basis
from medalopt.text import escape_text

ProgressCallback = Callable[[int, int], None]  # number of scenarios solved, and in all
ResultStream = Generator[tuple[int, ScenarioResult], None, None]  # number of a scenario and its result, in any order
ScenarioExecutor = Callable[[ScenarioRunner, Sequence[ParameterChanges], Sequence[int]], ResultStream]
"""Solve those of the scenarios whose numbers are given."""
SECONDS_BEFORE_POOL = 2.0  # [s] run time after which starting a process pool pays
MAX_FAILED_PROCESSES = 3  # consecutive scenarios that kill a process of their own, after which the run fails
PROCESS_ENDED = ScenarioResult(
    "unanswered", None, "the process that solved it was ended each time, perhaps for want of memory"
)


def ignore_progress(done: int, of: int) -> None:
    """Ignore progress (no-op progress callback).

    Args:
        done: Number of scenarios solved.
        of: Number of scenarios in all.
    """


@dataclass(frozen=True)
class ScenarioResults:
    """Results of all scenarios in the order given; None for those not solved before the run was `interrupted`."""

    found: tuple[ScenarioResult | None, ...]
    interrupted: bool = False


@dataclass(frozen=True, eq=False)
class WorkerSetup:
    """State from which a worker solves scenarios reproducibly: the file as read, the common changes, and the basis."""

    opened: InstanceFile
    changes: ParameterChanges
    measure: str
    standing: Basis | None

    @classmethod
    def of(cls, variants: ScenarioRunner) -> WorkerSetup:
        """Capture the state of a scenario runner.

        Args:
            variants: Runner to reproduce in a worker.

        Returns:
            The state, which can be pickled.
        """
        standing = None if variants.large else variants.warm_model.base_basis
        return cls(variants.opened, variants.changes, variants.measure, standing)

    def variants(self) -> ScenarioRunner:
        """Build a new scenario runner from this state.

        Returns:
            The runner.
        """
        return ScenarioRunner(self.opened, self.changes, self.measure)


def solve_scenarios(
    variants: ScenarioRunner,
    asked: Sequence[ParameterChanges],
    jobs: int | None = None,
    journal: ResultCache | None = None,
    told: ProgressCallback = ignore_progress,
) -> ScenarioResults:
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
    known: dict[int, ScenarioResult] = {}
    interrupted = False
    try:
        with contextlib.closing(stream_results(variants, asked, make_process_executor(jobs), journal, told)) as found:
            for number, answer in found:
                known[number] = answer
    except KeyboardInterrupt:
        interrupted = True
    return ScenarioResults(tuple(known.get(number) for number in range(len(asked))), interrupted)


def stream_results(
    variants: ScenarioRunner,
    asked: Sequence[ParameterChanges],
    where: ScenarioExecutor,
    journal: ResultCache | None = None,
    told: ProgressCallback = ignore_progress,
) -> ResultStream:
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
        _verify_sample(variants, asked, known, where if missing else make_process_executor(1), journal)
    yield from known.items()
    told(done := len(known), len(asked))
    with contextlib.closing(where(variants, asked, missing)) as answers:
        for number, answer in answers:
            if journal is not None and answer != PROCESS_ENDED:
                journal.keep(asked[number], answer)
            yield number, answer
            told(done := done + 1, len(asked))


def _verify_sample(
    variants: ScenarioRunner,
    asked: Sequence[ParameterChanges],
    known: Mapping[int, ScenarioResult],
    where: ScenarioExecutor,
    journal: ResultCache,
) -> None:
    """Solve a sample of the cached scenarios again. Raises UsageError if one has another result."""
    sample = journal.sample({number: asked[number] for number in known})
    with contextlib.closing(where(variants, asked, sample)) as answers:
        for number, again in answers:
            if not known[number].agrees(again):
                journal.refuse(asked[number])


def count_cores() -> int:
    """Return the number of processors available to this process.

    Returns:
        Number of processors, at least 1.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def solve_scenario(variants: ScenarioRunner, standing: Basis | None, changes: ParameterChanges) -> ScenarioResult:
    """Solve one scenario from a given basis. An error becomes the status of its result and affects no other scenario.

    Args:
        variants: Base instance.
        standing: Basis to start from; None to start from scratch.
        changes: Changes of the scenario, path to value.

    Returns:
        Result: optimal with its value, infeasible, wrong or unanswered with a message.
    """
    try:
        if any(WILDCARD in path for path in changes):
            changes = variants.expanded(changes.items())
        if variants.large:
            return ScenarioResult("optimal", solve(variants.changed(changes), variants.measure).objective)
        variants.warm_model.start_from(standing)
        found = variants.answer(variants.variant(changes))
    except InputError as error:
        return ScenarioResult("wrong", None, str(error.faults[0].message))
    except UsageError as error:
        return ScenarioResult("wrong", None, str(error))
    except NoPlanError:
        return ScenarioResult("infeasible", None)
    except SolverError as error:
        return ScenarioResult("unanswered", None, str(error))
    except Exception as error:
        said = f"a fault of our own, {type(error).__name__}: {escape_text(str(error), 300)}; please report it"
        return ScenarioResult("unanswered", None, said)
    return ScenarioResult(found.status, float(found.value) if found.feasible else None)


def make_process_executor(jobs: int | None = None) -> ScenarioExecutor:
    """Return an executor that uses processes of this machine.

    Args:
        jobs: Number of processes; None for one per processor.

    Returns:
        The executor.
    """
    return functools.partial(_solve_locally, jobs or count_cores())


def _solve_locally(
    processes: int, variants: ScenarioRunner, asked: Sequence[ParameterChanges], numbers: Sequence[int]
) -> ResultStream:
    """Yield results: of the first seconds from this process, then from a pool if more scenarios remain."""
    if not numbers:
        return
    start = WorkerSetup.of(variants)
    over = time.monotonic() + SECONDS_BEFORE_POOL
    for done, number in enumerate(numbers):
        if processes > 1 and time.monotonic() >= over:
            with _store_setup(start) as path:
                yield from _solve_in_pool(path, asked, numbers[done:], processes)
            return
        yield number, solve_scenario(variants, start.standing, asked[number])


@contextlib.contextmanager
def _store_setup(start: WorkerSetup) -> Iterator[Path]:
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


def _solve_in_pool(
    start: Path, asked: Sequence[ParameterChanges], numbers: Sequence[int], processes: int
) -> ResultStream:
    """Yield results of a process pool; those in work when a process is killed are solved again at the end, singly."""
    left = dict.fromkeys(numbers)
    last: list[int] = []
    while left:
        try:
            for number, found in _submit_round(start, asked, list(left), processes):
                del left[number]
                yield number, found
        except BrokenProcessPool:
            last += list(left)[: 2 * processes + 1]  # upper limit of scenarios in work
            left = dict.fromkeys(number for number in left if number not in last)
    ended = 0
    for number in last:
        try:
            yield from _submit_round(start, asked, [number], 1)
            ended = 0
        except BrokenProcessPool as error:
            ended += 1
            if ended == MAX_FAILED_PROCESSES:
                raise SolverError(
                    "the processes that solve variants are ended, perhaps for want of memory: --jobs 1"
                ) from error
            yield number, PROCESS_ENDED


def _submit_round(
    start: Path, asked: Sequence[ParameterChanges], numbers: Sequence[int], processes: int
) -> ResultStream:
    """Yield the results of one pool until all are there. Raises BrokenProcessPool if a process is killed."""
    with _start_processes(min(processes, len(numbers)), functools.partial(_initialize_worker, start)) as pool:
        futures: dict[Future[ScenarioResult], int] = {
            pool.submit(_solve_in_worker, asked[number]): number for number in numbers
        }
        for future in as_completed(futures):
            yield futures[future], future.result()


@contextlib.contextmanager
def _start_processes(count: int, begin: Callable[[], None]) -> Iterator[ProcessPoolExecutor]:
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


_worker_state: dict[str, tuple[ScenarioRunner, Basis | None]] = {}  # runner and basis of this worker process


def _initialize_worker(stored: Path) -> None:
    """Initialize a worker: ignore Ctrl-C, end with the parent process, load the state and build the runner."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_with_parent, args=(parent,), daemon=True).start()
    start: WorkerSetup = pickle.loads(stored.read_bytes())
    _worker_state["warm"] = (start.variants(), start.standing)


def _exit_with_parent(parent: BaseProcess) -> None:
    """Wait for the parent process to end, then exit."""
    parent.join()
    os._exit(1)


def _solve_in_worker(changes: ParameterChanges) -> ScenarioResult:
    """Solve one scenario in a worker process."""
    return solve_scenario(*_worker_state["warm"], changes)
