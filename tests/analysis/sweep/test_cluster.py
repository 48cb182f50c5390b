"""Scenarios answered by a real Dask cluster, of processes started from the shell, as one process answers them."""

from __future__ import annotations

import contextlib
import json
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from instances.japan1621.__main__ import main as write_nation
from notebooks import FOLDER, render_notebook
from tests.analysis.varied import ROOT, TINY
from tests.documents import SCHEDULER, run_commands

from medalopt.analysis import sweep
from medalopt.analysis.process_pool import PROCESS_ENDED, ScenarioExecutor, WorkerSetup, make_process_executor
from medalopt.analysis.result_cache import open_result_cache
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sweep import SweepResult, run_sweep
from medalopt.errors import UsageError
from medalopt.instance.scenario import Scenario

distributed = pytest.importorskip("distributed")

SCENARIOS = [
    *(Scenario.build(str(share), {"devices.*.content.Ag": f"{share} %"}) for share in range(70, 130, 5)),
    Scenario.build("too many", {"medals.gold.count": "60"}),
    Scenario.build("too much", {"smelters.near.returned.Ag": "101 %"}),
    Scenario.build("nothing", {"smelters.*.terms.*.returned.Ag": "+1 %"}),
]


def silent(line: str) -> None:
    """Ignore the message."""


def run_on(variants: ScenarioRunner, where: ScenarioExecutor) -> list[SweepResult]:
    """Return the rows of all scenarios."""
    return list(run_sweep(variants, SCENARIOS, where))


@pytest.fixture(scope="module")
def tiny() -> ScenarioRunner:
    """Return the variants of the tiny instance."""
    return ScenarioRunner(TINY)


@pytest.fixture(scope="module")
def alone(tiny: ScenarioRunner) -> list[SweepResult]:
    """Return the results of one process."""
    return run_on(tiny, make_process_executor(1))


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Give the address of a scheduler and its two workers, processes of their own on this machine."""
    folder = tmp_path_factory.mktemp("dask")
    known = folder / "scheduler.json"
    on_loopback = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(known)]
    worker = ["worker", *on_loopback, "--nthreads", "1", "--no-nanny", "--local-directory", str(folder)]
    commands = [["scheduler", "--port", "0", "--dashboard-address", ":0", *on_loopback], worker, worker]
    with contextlib.ExitStack() as stack:
        started = []
        for command in commands:
            process = subprocess.Popen([sys.executable, "-m", "dask", *command], cwd=ROOT, stderr=subprocess.DEVNULL)
            stack.callback(lambda one=process: (one.kill(), one.wait()))
            started.append(process)
        end = time.monotonic() + 60
        while not known.exists() or not known.read_text().strip():
            assert time.monotonic() < end and started[0].poll() is None, "the scheduler has not begun"
            time.sleep(0.05)
        yield SimpleNamespace(address=json.loads(known.read_text())["address"], workers=started[1:])


def test_the_same_bits_though_a_worker_is_killed(
    alone: list[SweepResult], dask: SimpleNamespace, tiny: ScenarioRunner
) -> None:
    """Two workers, one of them killed, give the results of one process in the same order.

    Feasible, infeasible and invalid scenarios are among them.
    """
    rows = run_sweep(tiny, SCENARIOS, sweep.make_cluster_executor(dask.address, silent))
    found = [next(rows)]
    dask.workers[0].send_signal(signal.SIGKILL)
    assert [*found, *rows] == alone
    assert {row.result.status for row in alone} == {"optimal", "infeasible", "wrong"}


VERSIONS = sweep.get_versions()


def test_the_tutorial_is_true(dask: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells and commands of the tutorial print the output shown; cluster and single process write the same bytes."""
    write_nation(12, tmp_path / "nation")
    (tmp_path / "instances").mkdir()  # by which the notebook knows the folder of the checkout
    monkeypatch.chdir(tmp_path)
    page = render_notebook(FOLDER / "nation.py", {SCHEDULER: dask.address})
    assert page == (FOLDER / "nation.md").read_text(encoding="utf-8")
    assert run_commands("docs/tutorials/nation.md", dask.address) == []
    assert Path("nation.csv").read_bytes() == Path("alone.csv").read_bytes()


def test_a_worker_of_another_version(
    dask: SimpleNamespace, tiny: ScenarioRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker with other versions refuses to solve and names them."""
    monkeypatch.setattr(sweep, "get_versions", lambda: ("99.0", *VERSIONS[1:]))
    with pytest.raises(UsageError, match=r"it has medalopt .* instead of 99\.0.*same environment"):
        run_on(tiny, sweep.make_cluster_executor(dask.address, silent))


def test_a_worker_answers_as_a_process_does(
    alone: list[SweepResult], tiny: ScenarioRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker function keeps the scenarios it received until it receives others."""
    sent = pickle.dumps(WorkerSetup.capture(tiny))
    assert sweep._return_payload(sent) == sent
    for number in (0, 1):
        answer = sweep._solve_in_worker(sent, "digest", VERSIONS, SCENARIOS[number].texts)
        assert answer == alone[number].result
    monkeypatch.setattr(sweep, "get_versions", lambda: (*VERSIONS[:2], "3.99"))
    with pytest.raises(UsageError, match=r"it has Python 3\.99 instead of"):
        sweep._solve_in_worker(sent, "digest", VERSIONS, {})


def test_results_of_the_journal_are_not_solved_again(
    alone: list[SweepResult], tiny: ScenarioRunner, tmp_path: Path
) -> None:
    """With all answers in the journal no cluster is needed."""
    with open_result_cache(tmp_path / "kept", tiny.instance, "cost") as kept:
        assert list(run_sweep(tiny, SCENARIOS, make_process_executor(1), kept)) == alone
    with open_result_cache(tmp_path / "kept", tiny.instance, "cost") as kept:
        assert list(run_sweep(tiny, SCENARIOS, sweep.make_cluster_executor("tcp://127.0.0.1:1", silent), kept)) == alone


def test_an_interruption_does_not_wait(
    dask: SimpleNamespace, tiny: ScenarioRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who leaves in the middle takes no leave of the cluster; who has done so does, however that ends."""
    closed: list[float] = []

    def close(client: object, timeout: float) -> None:
        closed.append(timeout)
        raise TimeoutError

    monkeypatch.setattr(distributed.Client, "close", close)
    rows = run_sweep(tiny, SCENARIOS, sweep.make_cluster_executor(dask.address, silent))
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    assert closed == []
    assert len(run_on(tiny, sweep.make_cluster_executor(dask.address, silent))) == len(SCENARIOS)
    assert len(closed) == 1


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nonsense",
        "nonsense://a",
        "127.0.0.1:x",
        "http://a:1",
        "tcp://a",
        "tcp://a:0",
        "tcp://a:65536",
        "tcp://a:1/b",
    ],
)
def test_what_is_no_address(address: str) -> None:
    """An invalid address of a scheduler is rejected at once, with the form of a valid one."""
    with pytest.raises(UsageError, match="is not tcp://HOST:PORT; start one by `dask scheduler`"):
        sweep.make_cluster_executor(address, silent)


def test_no_scheduler_there(tiny: ScenarioRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """If no scheduler answers, the message says how to start one."""
    monkeypatch.setattr(sweep, "SCHEDULER_TIMEOUT", 0.2)
    with pytest.raises(UsageError, match="no Dask scheduler answers there; start one by `dask scheduler`"):
        run_on(tiny, sweep.make_cluster_executor("tcp://127.0.0.1:1", silent))


GARBAGE = {
    "nothing": b"",
    "HTTP": b"HTTP/1.0 400 Bad Request\r\n\r\n",
    "noise": bytes(range(256)) * 64,
    "a message of a terabyte": (2).to_bytes(8, "little") * 3 + bytes(8) + (2**40).to_bytes(8, "little") * 10,
}


@pytest.mark.parametrize("sent", GARBAGE)
def test_a_server_that_is_no_scheduler(sent: str, tiny: ScenarioRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a server sends that is no scheduler, soon one line says so."""
    monkeypatch.setattr(sweep, "SCHEDULER_TIMEOUT", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connections.append(connection)
                    connection.sendall(GARBAGE[sent])

        connections: list[socket.socket] = []
        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(UsageError, match="no Dask scheduler answers there"):
            run_on(tiny, sweep.make_cluster_executor(f"tcp://127.0.0.1:{port}", silent))
    for connection in connections:
        connection.close()


def test_a_scheduler_that_fails_as_one_connects(tiny: ScenarioRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler that fails during connection gives the same message, whatever Dask raises."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr(sweep, "_check_scheduler", lambda address: None)
    monkeypatch.setattr(distributed, "Client", fail)
    with pytest.raises(UsageError, match="no Dask scheduler answers there"):
        run_on(tiny, sweep.make_cluster_executor("tcp://127.0.0.1:1", silent))


def test_without_dask(tiny: ScenarioRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """If Dask is not installed, the message says how to install it."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'medalopt\[distributed\]'"):
        run_on(tiny, sweep.make_cluster_executor("tcp://127.0.0.1:8786", silent))


class Future:
    """Task of a cluster with a prescribed result."""

    def __init__(self, status: str) -> None:
        self.status = status

    def release(self) -> None:
        """Keep no result."""


class Failing:
    """A cluster without workers, whose tasks end in `status`."""

    loop = None

    def __init__(self, status: str) -> None:
        self.status = status

    def scheduler_info(self) -> dict[str, Any]:
        """Return the workers of the scheduler."""
        return {"workers": {}}

    def submit(self, *arguments: Any, **options: Any) -> Future:
        """Return a task that has ended."""
        return Future(self.status)


def failing(monkeypatch: pytest.MonkeyPatch, status: str, error: BaseException) -> None:
    """Let every task end in `status`, with `error`."""
    monkeypatch.setattr(sweep, "_open_client", lambda address: contextlib.nullcontext(Failing(status)))
    ended = (type(error), error, None)
    monkeypatch.setattr(distributed, "as_completed", lambda futures, **options: ((one, ended) for one in futures))


def test_a_task_that_ends_its_workers(tiny: ScenarioRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask gives it up after some workers: it has no answer, and the others go on; that one waits is noted."""
    from distributed.scheduler import KilledWorker

    failing(monkeypatch, "error", KilledWorker("task", None, 3))
    noted: list[str] = []
    found = run_on(tiny, sweep.make_cluster_executor("tcp://a:1", noted.append))
    assert {row.result for row in found} == {PROCESS_ENDED}
    assert noted == ["--scheduler tcp://a:1: has no worker yet; waiting for one"]


def test_a_scheduler_that_is_gone(tiny: ScenarioRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results lost with a scheduler are not awaited."""
    failing(monkeypatch, "cancelled", KeyError())
    with pytest.raises(UsageError, match="tcp://a:1: is gone; with --journal FILE"):
        run_on(tiny, sweep.make_cluster_executor("tcp://a:1", silent))


def test_a_worker_without_medalopt(tiny: ScenarioRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that fails to start is reported with its message."""
    failing(monkeypatch, "error", ModuleNotFoundError("No module named 'medalopt'"))
    with pytest.raises(UsageError, match="No module named 'medalopt'"):
        run_on(tiny, sweep.make_cluster_executor("tcp://a:1", silent))
