"""Sweeps: scenarios from a file, a grid or a sample, solved on this machine or on a cluster, reported in order.

A grid is the Cartesian product of parameters (with `*`, several at once) over lists or ranges of values.

Each worker of a Dask cluster receives the instance file as read here and the basis to start from; it reads no file of
its own. Dask submits a scenario again if its worker is killed before the result is delivered.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import logging
import math
import os
import pickle
import platform
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import medalopt
from medalopt.analysis.process_pool import (
    PROCESS_ENDED,
    ProgressCallback,
    ResultStream,
    ScenarioExecutor,
    ScenarioResult,
    WorkerSetup,
    solve_scenario,
    stream_results,
)
from medalopt.analysis.result_cache import ResultCache
from medalopt.analysis.sampling import SAMPLING_SEED
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.parameter_range import ParameterRange, parse_parameter_range
from medalopt.analysis.sensitivity.uncertain_parameters import draw_saltelli_sample, find_uncertain_inputs
from medalopt.errors import Fault, FaultKind, InputError, UsageError
from medalopt.instance.reader.overrides import attribute_faults_to
from medalopt.instance.reader.yaml_nodes import is_thousands_head, is_thousands_tail
from medalopt.instance.resolve.scenarios import read_scenario_file
from medalopt.instance.scenario import Change, ParameterChanges, Scenario
from medalopt.solver.highs import get_highs_version
from medalopt.solver.program import Basis
from medalopt.text import escape_text, explain_comma

MAX_SCENARIOS = 1_000_000  # scenarios
GRID_OPTION = "--grid"
GRID_SYNTAX = "write PATH=LO..HI/N, such as 'devices.*.content.Ag=70..120%/6', or PATH=A,B,C"
SCHEDULER_TIMEOUT = 10.0  # [s] timeout of the scheduler
_SCHEDULER_HINT = "start one by `dask scheduler`, and write its address, such as tcp://127.0.0.1:8786"
_worker_state: dict[str, tuple[ScenarioRunner, Basis | None]] = {}  # runner and basis by digest of the worker state
_worker_lock = threading.Lock()  # a worker may have several threads, the solver model is used by one at a time


def list_instance_scenarios(runner: ScenarioRunner) -> list[Scenario]:
    """List the scenarios of the instance.

    Returns:
        Scenarios in the order of the file.

    Raises:
        UsageError: If it has none.
        InputError: If one is not valid.
    """
    named = runner.named_scenarios()
    if not named:
        raise UsageError(
            f"{runner.instance.name}: has no `scenarios:`; give --grid PATH=LO..HI/N, --list FILE or --sample N"
        )
    runner.require_effects([one.texts for one in named], "scenarios")
    return list(named)


def load_scenarios(runner: ScenarioRunner, path: Path) -> list[Scenario]:
    """Load the scenarios of a CSV or YAML file.

    Args:
        path: File.

    Returns:
        Scenarios in the order of the file.

    Raises:
        InputError: If the file is not valid, or one of its paths has no effect; all errors are collected.
    """
    scenarios = read_scenario_file(path)
    runner.require_effects([one.texts for one in scenarios], os.fspath(path))
    return scenarios


def sample_scenarios(runner: ScenarioRunner, count: int, seed: int | None) -> list[Scenario]:
    """Draw scenarios of all uncertain parameters, spread evenly over their ranges.

    Args:
        count: Number of scenarios.
        seed: Seed; None for the default. The sample follows from `seed` and `count`.

    Returns:
        The scenarios.

    Raises:
        UsageError: If `count` is out of range or no parameter is uncertain.
    """
    if not 1 <= count <= MAX_SCENARIOS:
        raise UsageError(f"--sample {count}: there are 1 to {MAX_SCENARIOS:_} scenarios")
    uncertain_inputs = find_uncertain_inputs(runner)
    if not uncertain_inputs:
        raise UsageError("--sample: this instance has no assay, recovery, return or price that could vary")
    drawn = draw_saltelli_sample(uncertain_inputs, count, SAMPLING_SEED if seed is None else seed)
    return [Scenario.build(str(number), changes) for number, changes in enumerate(drawn.iterate_draws(), start=1)]


_COUNT_PATTERN = re.compile(r"\s*([0-9]{1,7})")
# an unclosed bracket or quote extends to the end: searching for its end from each bracket would take quadratic time
_LIST_PATTERN = re.compile(r"""(?:[^,\[\]{}"']|"[^"]*(?:"|\Z)|'[^']*(?:'|\Z)|\[[^\]]*(?:\]|\Z)|\{[^}]*(?:\}|\Z))+""")
_NUMBER_PATTERN = re.compile(r"[+-]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?")


def build_grid(runner: ScenarioRunner, texts: Sequence[str]) -> list[Scenario]:
    """Parse grid axes and return a scenario for each combination of values; the last axis varies fastest.

    Args:
        texts: One axis each: `PATH=LO..HI/N` or `PATH=A,B,C`.

    Returns:
        Scenarios, named by their numbers from 1.

    Raises:
        InputError: If an axis is not valid or there are too many scenarios; all errors are collected.
    """
    axes: dict[str, list[Change]] = {}
    faults: list[Fault] = []
    for text in texts:
        path = text.partition("=")[0].strip()
        try:
            if path in axes:
                raise UsageError(
                    f"{GRID_OPTION} {escape_text(text)}: this parameter is given twice; keep one of the two"
                )
            axes[path] = _parse_axis(runner, text)
        except InputError as error:
            faults += error.faults
        except UsageError as error:
            where = "" if str(error).startswith(GRID_OPTION) else GRID_OPTION
            faults.append(Fault(where, 0, 0, "", str(error), kind=FaultKind.SCENARIOS))
    count = math.prod(len(steps) for steps in axes.values())
    if count > MAX_SCENARIOS:
        text = f"{GRID_OPTION}: makes {count:_} scenarios; {MAX_SCENARIOS:_} are the most"
        faults.append(Fault("", 0, 0, "", text, kind=FaultKind.SCENARIOS))
    if faults:
        raise InputError(faults)
    every = enumerate(itertools.product(*axes.values()), start=1)
    scenarios = [Scenario(str(number), changes) for number, changes in every]
    runner.require_effects([scenarios[0].texts, scenarios[-1].texts], GRID_OPTION)
    return scenarios


def _parse_axis(runner: ScenarioRunner, text: str) -> list[Change]:
    """Parse one axis and return the change of each of its values."""
    path, equals, values = (part.strip() for part in text.partition("="))
    if not (path and equals and values):
        raise UsageError(f"{GRID_OPTION} {escape_text(text)}: {GRID_SYNTAX}")
    ends, _, number = values.rpartition("/")
    if ".." in ends and (count := _COUNT_PATTERN.fullmatch(number)):
        if not 2 <= int(count[1]) <= MAX_SCENARIOS:
            raise UsageError(
                f"{GRID_OPTION} {escape_text(text)}: the number behind the stroke is that of the values, 2 "
                f"to {MAX_SCENARIOS:_}"
            )
        return _interpolate_values(parse_parameter_range(runner, f"{path}={ends}", GRID_OPTION), int(count[1]))
    if ".." in values:
        ends = values.partition("/")[0].strip()
        raise UsageError(f"{GRID_OPTION} {escape_text(text)}: give the number of values, such as {escape_text(ends)}/5")
    return _parse_list(runner, path, values, text)


def _interpolate_values(range_: ParameterRange, count: int) -> list[Change]:
    """Return the changes of `count` equidistant values; whole numbers are rounded and each occurs once."""
    low, high = Fraction(repr(range_.low)), Fraction(repr(range_.high))
    values = [float(low + (high - low) * step / (count - 1)) for step in range(count)]
    if range_.is_integer:
        values = list(dict.fromkeys(float(round(value)) for value in values))
    return [Change.build(range_.path, range_.text(value)) for value in values]


def _parse_list(runner: ScenarioRunner, path: str, values: str, text: str) -> list[Change]:
    """Parse a list of values; a bare number takes the unit of the last value."""
    parts = [part.strip() for part in _LIST_PATTERN.findall(values)]
    if not all(parts) or len(parts) != len(_LIST_PATTERN.sub("", values)) + 1:
        raise UsageError(
            f"{GRID_OPTION} {escape_text(text)}: a value is missing between two commas, or a bracket or "
            f"quote; {GRID_SYNTAX}"
        )
    for one, two in pairwise(parts):
        if is_thousands_head(one) and is_thousands_tail(two):
            raise UsageError(
                f"{GRID_OPTION} {escape_text(text)}: {explain_comma(f'{one},{two}')}; a comma divides values here"
            )
    unit = _read_unit(parts[-1])
    with attribute_faults_to(GRID_OPTION):
        result = []
        for part in parts:
            value = f"{part} {unit}" if unit and _NUMBER_PATTERN.fullmatch(part) else part
            runner.apply_changes({path: value})  # raises if the value is not valid there
            result.append(Change.build(path, value))
        return result


def _read_unit(text: str) -> str:
    """Return the unit after a number; empty if there is none."""
    match = _NUMBER_PATTERN.match(text)
    return text[match.end() :].strip() if match and re.match(r"\s*[A-Za-z%]", text[match.end() :]) else ""


@dataclass(frozen=True)
class SweepResult:
    """Scenario with its result."""

    scenario: Scenario
    result: ScenarioResult


def run_sweep(
    runner: ScenarioRunner,
    scenarios: Sequence[Scenario],
    where: ScenarioExecutor,
    cache: ResultCache | None = None,
    report_progress: ProgressCallback = lambda done, of: None,
) -> Iterator[SweepResult]:
    """Solve all scenarios; an invalid or infeasible one has that as its result and does not stop the others.

    Args:
        scenarios: Scenarios to solve.
        where: Executor: processes of this machine, or a cluster.

    Yields:
        Each scenario with its result in the order given, as soon as all before it are solved.
    """
    requested = [scenario.texts for scenario in scenarios]
    waiting: dict[int, ScenarioResult] = {}
    following = 0
    with contextlib.closing(stream_results(runner, requested, where, cache, report_progress)) as answers:
        for number, result in answers:
            waiting[number] = result
            while following in waiting:
                yield SweepResult(scenarios[following], waiting.pop(following))
                following += 1


_ADDRESS_PATTERN = re.compile(r"((tcp|tls|ws|wss|ucx)://)?(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")
NoteCallback = Callable[[str], None]


def make_cluster_executor(address: str, note: NoteCallback) -> ScenarioExecutor:
    """Return an executor that uses the workers of a Dask scheduler.

    Args:
        address: Address of the scheduler, such as `tcp://127.0.0.1:8786`.
        note: Callback for messages while waiting.

    Returns:
        The executor; it raises UsageError if no scheduler answers, the connection is lost, or versions differ.

    Raises:
        UsageError: If the address is not valid.
    """
    found = _ADDRESS_PATTERN.fullmatch(address)
    if not found or not 1 <= int(found["port"]) <= 65_535:
        raise UsageError(
            f"--scheduler {escape_text(address) or repr(address)}: is not tcp://HOST:PORT; {_SCHEDULER_HINT}"
        )
    return functools.partial(_solve_on_cluster, address, note)


def _solve_on_cluster(
    address: str,
    note: NoteCallback,
    runner: ScenarioRunner,
    scenarios: Sequence[ParameterChanges],
    numbers: Sequence[int],
) -> ResultStream:
    """Solve the numbered scenarios on the cluster and yield their results."""
    if not numbers:
        return
    sent = pickle.dumps(WorkerSetup.capture(runner))
    digest = hashlib.sha256(sent).hexdigest()
    with _open_client(address) as client:
        if not client.scheduler_info()["workers"]:
            note(f"--scheduler {escape_text(address)}: has no worker yet; waiting for one")
        # a task, not data: Dask computes it again if the worker that holds it is killed
        start = client.submit(_return_payload, sent, key=f"medalopt-{digest}")
        futures = {
            client.submit(_solve_in_worker, start, digest, get_versions(), scenarios[number], pure=False): number
            for number in numbers
        }
        yield from _gather_results(address, client, futures)


def _gather_results(address: str, client: Any, futures: dict[Any, int]) -> ResultStream:
    """Yield results as they arrive. Raises UsageError if the scheduler is lost."""
    from distributed import as_completed

    for future, found in as_completed(futures, loop=client.loop, with_results=True, raise_errors=False):
        number = futures[future]
        if future.status == "finished":
            yield number, found
        elif future.status == "error":
            yield number, _interpret_failure(address, found[1])
        else:
            raise UsageError(
                f"--scheduler {escape_text(address)}: is gone; with --journal FILE the sweep goes on later"
            )
        future.release()


def _interpret_failure(address: str, error: BaseException) -> ScenarioResult:
    """Return the result of a scenario whose workers were all killed. Raises UsageError if no worker can solve."""
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return PROCESS_ENDED
    text = str(error) if isinstance(error, UsageError) else f"{type(error).__name__}: {error}"
    raise UsageError(
        f"--scheduler {escape_text(address)}: a worker failed ({escape_text(text, 300)}); "
        "scheduler and workers need the same environment as this machine"
    ) from error


@contextmanager
def _open_client(address: str) -> Iterator[Any]:
    """Connect to the scheduler for the duration of a `with` block, and silence the logging of Dask."""
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError("--on dask needs Dask: pip install 'medalopt[distributed]'") from error
    for name in ("asyncio", "tornado.application", *logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("asyncio", "distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # errors are reported here instead
    _check_scheduler(address)
    try:
        client = Client(address, timeout=SCHEDULER_TIMEOUT, set_as_default=False)
    except Exception as error:  # of any kind
        raise _make_scheduler_error(address) from error
    try:
        yield client
    except Exception:
        _close_client(client)
        raise
    _close_client(client)  # not when interrupted, which ends at once


def _check_scheduler(address: str) -> None:
    """Raise UsageError if no Dask scheduler answers at the address within the timeout.

    Dask's own client retries for half a minute, and again as the process ends; nothing is unpickled here.
    """
    import asyncio

    result: list[object] = []

    def ask() -> None:
        with contextlib.suppress(Exception):
            result.append(asyncio.run(asyncio.wait_for(_request_identity(address), SCHEDULER_TIMEOUT)))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(2 * SCHEDULER_TIMEOUT)
    if not result or not isinstance(result[0], dict) or result[0].get("type") != "Scheduler":
        raise _make_scheduler_error(address)


async def _request_identity(address: str) -> object:
    """Request the identity of the server at an address."""
    from distributed.core import rpc
    from distributed.security import Security

    security = Security().get_connection_args("client")
    async with rpc(address, deserialize=False, connection_args=security) as scheduler:
        return await scheduler.identity()


def _make_scheduler_error(address: str) -> UsageError:
    """Return the error for an address at which no scheduler answers."""
    return UsageError(f"--scheduler {escape_text(address)}: no Dask scheduler answers there; {_SCHEDULER_HINT}")


def _close_client(client: Any) -> None:
    """Close the client and ignore errors."""
    with contextlib.suppress(Exception):
        client.close(timeout=2)


def get_versions() -> tuple[str, ...]:
    """Return the versions that must agree for bit-identical results.

    Returns:
        Versions of medalopt, HiGHS and Python.
    """
    return medalopt.__version__, get_highs_version(), platform.python_version()


def _return_payload(sent: bytes) -> bytes:
    """Return the pickled worker state unchanged, so that Dask can compute it again if its worker is killed."""
    return sent


def _solve_in_worker(sent: bytes, digest: str, versions: tuple[str, ...], changes: ParameterChanges) -> ScenarioResult:
    """Solve one scenario in a worker. Raises UsageError if its versions differ."""
    if get_versions() != versions:
        names = zip(("medalopt", "HiGHS", "Python"), get_versions(), versions, strict=True)
        differences = ", ".join(f"{name} {here} instead of {there}" for name, here, there in names if here != there)
        raise UsageError(f"it has {differences}")
    with _worker_lock:
        if digest not in _worker_state:
            start: WorkerSetup = pickle.loads(sent)
            _worker_state.clear()
            _worker_state[digest] = (start.build_runner(), start.basis)
        return solve_scenario(*_worker_state[digest], changes)
