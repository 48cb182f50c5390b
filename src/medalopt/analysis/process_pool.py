"""Solve many scenarios of one instance in several processes, each with a warm-started solver model of its own.

Every scenario is solved from the same basis, the optimal basis of the base instance, so that its result is
reproducible to the last bit: it depends neither on the scenarios solved before it nor on the process.
"""

from __future__ import annotations

import contextlib
import functools
import math
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
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from medalopt.analysis.scenario_runner import LotSearch, ScenarioRunner
from medalopt.errors import InputError, LimitError, NoPlanError, OutputError, SolverError, UsageError
from medalopt.instance.loading import InstanceFile
from medalopt.instance.scenario import ParameterChanges
from medalopt.instance.uncertainty import has_confidence
from medalopt.solve_instance import solve, solve_from_base
from medalopt.solver.program import Basis
from medalopt.text import escape_text
from medalopt.tolerances import AMOUNT_TOLERANCE

if TYPE_CHECKING:
    from medalopt.analysis.result_cache import ResultCache

ProgressCallback = Callable[[int, int], None]  # number of scenarios solved, and in all
CACHED_VALUE_TOLERANCE = 1e-7  # relative difference of two values of one scenario, solved on two machines
SECONDS_BEFORE_POOL = 2.0  # [s] run time after which starting a process pool pays
MAX_FAILED_PROCESSES = 3  # consecutive scenarios that kill a process of their own, after which the run fails


@dataclass(frozen=True)
class ScenarioResult:
    """Result of one scenario.

    Attributes:
        status: `optimal`, `infeasible`, `wrong` (a change is not valid) or `unanswered` (no verified result).
        value: Objective value if optimal, else None.
        said: Message for `wrong` and `unanswered`.
        bound: Certified lower bound of a scenario in lots; it is not cached.
        stopped: Whether the time limit ended the search of a scenario in lots; it is not cached.
    """

    status: str
    value: float | None
    said: str = ""
    bound: float | None = field(default=None, compare=False)
    stopped: bool = field(default=False, compare=False)

    @property
    def feasible(self) -> bool:
        """Return whether the scenario has a plan."""
        return self.status == "optimal"

    def compute_effect(self, base: ScenarioResult) -> float | None:
        """Return the change of the objective against a base case.

        Returns:
            Change, 0 within rounding; None where one of the two has no plan.
        """
        if self.value is None or base.value is None:
            return None
        by = self.value - base.value
        return by if abs(by) > AMOUNT_TOLERANCE * max(abs(base.value), abs(self.value)) else 0.0

    def agrees_with(self, other: ScenarioResult) -> bool:
        """Compare with another result of the same scenario.

        Returns:
            True if statuses and values agree within rounding, or if one of the two is unanswered.
        """
        if "unanswered" in (self.status, other.status):
            return True
        if self.value is None or other.value is None:
            return self.status == other.status
        return math.isclose(self.value, other.value, rel_tol=CACHED_VALUE_TOLERANCE, abs_tol=CACHED_VALUE_TOLERANCE)


PROCESS_ENDED = ScenarioResult(
    "unanswered", None, "the process that solved it ended each time, perhaps for lack of memory"
)
ResultStream = Generator[tuple[int, ScenarioResult], None, None]  # number of a scenario and its result, in any order
ScenarioExecutor = Callable[[ScenarioRunner, Sequence[ParameterChanges], Sequence[int]], ResultStream]
"""Solve the scenarios with the given numbers."""


@dataclass(frozen=True)
class ScenarioResults:
    """Results of all scenarios in the order given; None for those not solved before the run was `interrupted`."""

    results: tuple[ScenarioResult | None, ...]
    interrupted: bool = False


@dataclass(frozen=True, eq=False)
class WorkerSetup:
    """State from which a worker solves scenarios reproducibly: the file with the common changes, and the basis."""

    file: InstanceFile
    objective: str
    basis: Basis | None
    in_lots: bool = False
    lot_search: LotSearch | None = None

    @classmethod
    def capture(cls, runner: ScenarioRunner) -> WorkerSetup:
        """Capture the state of a scenario runner.

        Returns:
            The state, which can be pickled.
        """
        basis = None if runner.is_large else runner.warm_model.base_basis
        return cls(runner.file, runner.objective, basis, runner.in_lots, runner.lot_search)

    def build_runner(self) -> ScenarioRunner:
        """Build a new scenario runner from this state.

        Returns:
            The runner.
        """
        return ScenarioRunner(self.file, objective=self.objective, in_lots=self.in_lots, lot_search=self.lot_search)


def solve_scenarios(
    runner: ScenarioRunner,
    scenarios: Sequence[ParameterChanges],
    jobs: int | None = None,
    cache: ResultCache | None = None,
    report_progress: ProgressCallback = lambda done, of: None,
) -> ScenarioResults:
    """Solve all scenarios in parallel; reuse cached results. Ctrl-C ends the run and keeps the results so far.

    Args:
        scenarios: Changes of each scenario, path to value.
        jobs: Number of processes; None for one per processor.

    Returns:
        Result of each scenario, in order.
    """
    known: dict[int, ScenarioResult] = {}
    interrupted = False
    try:
        with contextlib.closing(
            stream_results(runner, scenarios, make_process_executor(jobs), cache, report_progress)
        ) as found:
            for number, result in found:
                known[number] = result
    except KeyboardInterrupt:
        interrupted = True
    return ScenarioResults(tuple(known.get(number) for number in range(len(scenarios))), interrupted)


def stream_results(
    runner: ScenarioRunner,
    scenarios: Sequence[ParameterChanges],
    where: ScenarioExecutor,
    cache: ResultCache | None = None,
    report_progress: ProgressCallback = lambda done, of: None,
) -> ResultStream:
    """Solve scenarios and yield results as they arrive, cached results first.

    Args:
        scenarios: Changes of each scenario, path to value.
        where: Executor that solves numbered scenarios.
        cache: Cache of results; a sample of the cached results is solved again.

    Yields:
        Number of the scenario and its result.

    Raises:
        UsageError: If a cached result differs from the scenario solved again.
    """
    collected = dict(enumerate(cache.find_result(changes) for changes in scenarios)) if cache is not None else {}
    known = {number: result for number, result in collected.items() if result is not None}
    missing = [number for number in range(len(scenarios)) if number not in known]
    if cache is not None and known:
        _verify_sample(runner, scenarios, known, where if missing else make_process_executor(1), cache)
    yield from known.items()
    report_progress(done := len(known), len(scenarios))
    with contextlib.closing(where(runner, scenarios, missing)) as answers:
        for number, result in answers:
            if cache is not None and result != PROCESS_ENDED:
                cache.add_result(scenarios[number], result)
            yield number, result
            report_progress(done := done + 1, len(scenarios))


def _verify_sample(
    runner: ScenarioRunner,
    scenarios: Sequence[ParameterChanges],
    known: Mapping[int, ScenarioResult],
    where: ScenarioExecutor,
    cache: ResultCache,
) -> None:
    """Solve a sample of the cached scenarios again. Raises UsageError if one has another result."""
    sample = cache.select_sample({number: scenarios[number] for number in known})
    with contextlib.closing(where(runner, scenarios, sample)) as answers:
        for number, again in answers:
            if not known[number].agrees_with(again):
                cache.reject(scenarios[number])


def count_cores() -> int:
    """Return the number of processors available to this process.

    Returns:
        Number of processors, at least 1.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def solve_scenario(runner: ScenarioRunner, basis: Basis | None, changes: ParameterChanges) -> ScenarioResult:
    """Solve one scenario from a given basis. An error becomes the status of its result and affects no other scenario.

    Args:
        basis: Basis to start from; None to start from scratch.
        changes: Changes of the scenario, path to value.

    Returns:
        Result: optimal with its value, infeasible, wrong or unanswered with a message.
    """
    try:
        in_lots = runner.apply_to_lots(changes)
        if in_lots is not None:
            plan = runner.lot_search.solve(in_lots, runner.objective)
            return ScenarioResult("optimal", plan.objective, bound=plan.certificate.lower_bound, stopped=plan.stopped)
        instance = runner.apply_changes(changes)
        if has_confidence(instance):
            return ScenarioResult("optimal", solve_from_base(instance, runner.instance, runner.objective).objective)
        if runner.is_large:
            return ScenarioResult("optimal", solve(instance, runner.objective).objective)
        runner.warm_model.start_from(basis)
        result = runner.solve_scenario(runner.build_program(instance))
    except InputError as error:
        return ScenarioResult("wrong", None, str(error.faults[0].message))
    except UsageError as error:
        return ScenarioResult("wrong", None, str(error))
    except NoPlanError:
        return ScenarioResult("infeasible", None)
    except (LimitError, SolverError) as error:
        return ScenarioResult("unanswered", None, str(error))
    except Exception as error:
        text = f"internal error, {type(error).__name__}: {escape_text(str(error), 300)}; please report it"
        return ScenarioResult("unanswered", None, text)
    return ScenarioResult(result.status, float(result.value) if result.feasible else None)


def make_process_executor(jobs: int | None = None) -> ScenarioExecutor:
    """Return an executor that uses processes of this machine.

    Args:
        jobs: Number of processes; None for one per processor.

    Returns:
        The executor.
    """
    return functools.partial(_solve_locally, jobs or count_cores())


def _solve_locally(
    processes: int, runner: ScenarioRunner, scenarios: Sequence[ParameterChanges], numbers: Sequence[int]
) -> ResultStream:
    """Yield results: of the first seconds from this process, then from a pool if more scenarios remain."""
    if not numbers:
        return
    start = WorkerSetup.capture(runner)
    over = time.monotonic() + SECONDS_BEFORE_POOL
    for done, number in enumerate(numbers):
        if processes > 1 and time.monotonic() >= over:
            with _store_setup(start) as path:
                yield from _solve_in_pool(path, scenarios, numbers[done:], processes)
            return
        yield number, solve_scenario(runner, start.basis, scenarios[number])


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
    start: Path, scenarios: Sequence[ParameterChanges], numbers: Sequence[int], processes: int
) -> ResultStream:
    """Yield results of a process pool; those in work when a process is killed are solved again at the end, singly."""
    left = dict.fromkeys(numbers)
    last: list[int] = []
    while left:
        try:
            for number, result in _submit_round(start, scenarios, list(left), processes):
                del left[number]
                yield number, result
        except BrokenProcessPool:
            last += list(left)[: 2 * processes + 1]  # upper limit of scenarios in work
            left = dict.fromkeys(number for number in left if number not in last)
    ended = 0
    for number in last:
        try:
            yield from _submit_round(start, scenarios, [number], 1)
            ended = 0
        except BrokenProcessPool as error:
            ended += 1
            if ended == MAX_FAILED_PROCESSES:
                raise SolverError(
                    "the processes that solve scenarios ended, perhaps for lack of memory: use --jobs 1"
                ) from error
            yield number, PROCESS_ENDED


def _submit_round(
    start: Path, scenarios: Sequence[ParameterChanges], numbers: Sequence[int], processes: int
) -> ResultStream:
    """Yield the results of one pool until all are there. Raises BrokenProcessPool if a process is killed."""
    with _start_processes(min(processes, len(numbers)), functools.partial(_initialize_worker, start)) as pool:
        futures: dict[Future[ScenarioResult], int] = {
            _submit_scenario(pool, scenarios[number]): number for number in numbers
        }
        for future in as_completed(futures):
            yield futures[future], future.result()


def _submit_scenario(pool: ProcessPoolExecutor, changes: ParameterChanges) -> Future[ScenarioResult]:
    """Submit one scenario. Raises BrokenProcessPool too where the pool is closing while it starts a process for it."""
    try:
        return pool.submit(_solve_in_worker, changes)
    except OSError as error:
        if error.errno is not None:
            raise
        raise BrokenProcessPool("the pool closed its queues while a process was starting") from error


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
    _worker_state["warm"] = (start.build_runner(), start.basis)


def _exit_with_parent(parent: BaseProcess) -> None:
    """Wait for the parent process to end, then exit."""
    parent.join()
    os._exit(1)


def _solve_in_worker(changes: ParameterChanges) -> ScenarioResult:
    """Solve one scenario in a worker process."""
    return solve_scenario(*_worker_state["warm"], changes)
