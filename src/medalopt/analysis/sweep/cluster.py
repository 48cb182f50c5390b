"""Variants answered by the workers of a Dask cluster, as the processes of one machine answer them.

Each worker is sent the file as it was read here, and the basis from which all start; it reads no file of its own. What
a worker that is ended had not answered, or had answered but not handed on, Dask asks of another.
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
from medalopt.analysis.journal import Answer
from medalopt.analysis.pool import ENDED, Changes, Found, Start, Where, answer
from medalopt.analysis.variants import Variants
from medalopt.errors import UsageError
from medalopt.solver.highs import version
from medalopt.solver.moving import Standing
from medalopt.wording import shown

PATIENCE = 10.0  # seconds for the scheduler to answer
_ADDRESS = re.compile(r"((tcp|tls|ws|wss|ucx)://)?(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")
_CURE = "start one by `dask scheduler`, and write its address, such as tcp://127.0.0.1:8786"
Note = Callable[[str], None]


def cluster(address: str, note: Note) -> Where:
    """Return what answers by the workers of the scheduler at `address`; `note` is told what one waits for.

    Raises UsageError where that is no address. What is returned raises it where none answers there, or is gone, or a
    worker has other versions.
    """
    found = _ADDRESS.fullmatch(address)
    if not found or not 1 <= int(found["port"]) <= 65_535:
        raise UsageError(f"--scheduler {shown(address) or repr(address)}: is not tcp://HOST:PORT; {_CURE}")
    return functools.partial(_answered, address, note)


def _answered(address: str, note: Note, variants: Variants, asked: Sequence[Changes], numbers: Sequence[int]) -> Found:
    if not numbers:
        return
    sent = pickle.dumps(Start.of(variants))
    digest = hashlib.sha256(sent).hexdigest()
    with _client(address) as client:
        if not client.scheduler_info()["workers"]:
            note(f"--scheduler {shown(address)}: has no worker yet; waiting for one")
        # a task, not data: Dask makes it anew where the worker that holds it is ended
        start = client.submit(_kept, sent, key=f"medalopt-{digest}")
        futures = {
            client.submit(_work, start, digest, versions(), asked[number], pure=False): number for number in numbers
        }
        yield from _gathered(address, client, futures)


def _gathered(address: str, client: Any, futures: dict[Any, int]) -> Found:
    from distributed import as_completed

    for future, found in as_completed(futures, loop=client.loop, with_results=True, raise_errors=False):
        number = futures[future]
        if future.status == "finished":
            yield number, found
        elif future.status == "error":
            yield number, _ended(address, found[1])
        else:
            raise UsageError(f"--scheduler {shown(address)}: is gone; with --journal FILE the sweep goes on later")
        future.release()


def _ended(address: str, error: BaseException) -> Answer:
    """Return the answer where each worker that tried was ended. Raises UsageError where none can answer anything."""
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return ENDED
    said = str(error) if isinstance(error, UsageError) else f"{type(error).__name__}: {error}"
    raise UsageError(
        f"--scheduler {shown(address)}: a worker cannot answer ({shown(said, 300)}); "
        "scheduler and workers need the same environment as this machine"
    ) from error


@contextmanager
def _client(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError("--on dask needs Dask: pip install 'medalopt[distributed]'") from error
    for name in ("asyncio", "tornado.application", *logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("asyncio", "distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # what goes wrong is told here
    _check_scheduler(address)
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except Exception as error:  # whatever may come from there
        raise _none_answers(address) from error
    try:
        yield client
    except Exception:
        _close(client)
        raise
    _close(client)  # but not where one is interrupted, and ends at once


def _check_scheduler(address: str) -> None:
    """Raise UsageError where what answers at `address`, within `PATIENCE`, is no scheduler.

    Dask's own client tries for half a minute, and again as the process ends; nothing is unpickled here.
    """
    found: list[object] = []

    def ask() -> None:
        with contextlib.suppress(Exception):
            found.append(asyncio.run(asyncio.wait_for(_identity(address), PATIENCE)))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(2 * PATIENCE)
    if not found or not isinstance(found[0], dict) or found[0].get("type") != "Scheduler":
        raise _none_answers(address)


async def _identity(address: str) -> object:
    from distributed.core import rpc
    from distributed.security import Security

    security = Security().get_connection_args("client")
    async with rpc(address, deserialize=False, connection_args=security) as scheduler:
        return await scheduler.identity()


def _none_answers(address: str) -> UsageError:
    return UsageError(f"--scheduler {shown(address)}: no Dask scheduler answers there; {_CURE}")


def _close(client: Any) -> None:
    with contextlib.suppress(Exception):
        client.close(timeout=2)


def versions() -> tuple[str, ...]:
    """Return what must be the same for the same bits: the versions of medalopt, HiGHS and Python."""
    return medalopt.__version__, version(), platform.python_version()


def _kept(sent: bytes) -> bytes:
    return sent


_own: dict[str, tuple[Variants, Standing | None]] = {}  # what a worker keeps warm, by the digest of what it was sent
_one = threading.Lock()  # a worker may have several threads, a program is for one


def _work(sent: bytes, digest: str, wanted: tuple[str, ...], changes: Changes) -> Answer:
    """Answer one variant, in a worker. Raises UsageError where it has other versions."""
    if versions() != wanted:
        names = zip(("medalopt", "HiGHS", "Python"), versions(), wanted, strict=True)
        apart = ", ".join(f"{name} {here} instead of {there}" for name, here, there in names if here != there)
        raise UsageError(f"it has {apart}")
    with _one:
        if digest not in _own:
            start: Start = pickle.loads(sent)
            _own.clear()
            _own[digest] = (start.variants(), start.standing)
        return answer(*_own[digest], changes)
