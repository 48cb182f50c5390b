"""Solve scenarios on the workers of a Dask cluster, as `process_pool` does on the processors of one machine.

Each worker receives the instance file as read here and the basis to start from; it reads no file of its own. Dask
submits a scenario again if its worker is killed before the result is delivered.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import logging
import pickle
import platform
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import medalopt
from medalopt.analysis.process_pool import (
    PROCESS_ENDED,
    ResultStream,
    ScenarioExecutor,
    WorkerSetup,
    solve_scenario,
)
from medalopt.analysis.result_cache import ScenarioResult
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.errors import UsageError
from medalopt.instance.scenario import ParameterChanges
from medalopt.solver.basis import Basis
from medalopt.solver.highs import get_highs_version
from medalopt.text import escape_text

SCHEDULER_TIMEOUT = 10.0  # [s] timeout of the scheduler
_ADDRESS_PATTERN = re.compile(r"((tcp|tls|ws|wss|ucx)://)?(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")
_SCHEDULER_HINT = "start one by `dask scheduler`, and write its address, such as tcp://127.0.0.1:8786"
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


_worker_state: dict[str, tuple[ScenarioRunner, Basis | None]] = {}  # runner and basis by digest of the worker state
_worker_lock = threading.Lock()  # a worker may have several threads, the solver model is used by one at a time


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
