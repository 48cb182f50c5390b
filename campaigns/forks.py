"""Forked processes, and the fate of a mutant in one."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

CONTEXT = multiprocessing.get_context("fork")
_MEMORY = 6 * 2**30  # bytes, that a process may take


@dataclass(frozen=True)
class Fate:
    """Fate of a mutant: the test that killed it, `timeout`, `crash`, or none."""

    killer: str
    seconds: float


def shared(work: Callable[[Sequence[Any]], None], wanted: Sequence[Any], jobs: int) -> None:
    """Share work out among so many processes, and wait for them."""
    children = []
    for number in range(min(jobs, len(wanted))):
        child = os.fork()
        if not child:
            try:
                work(wanted[number::jobs])
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def apart(task: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Any:
    """Run `task` in a fork; return its result, a text as a `Fate`."""
    here, there = multiprocessing.Pipe(duplex=False)
    start = time.perf_counter()
    child = os.fork()
    if not child:
        _answer(there, task, arguments)
    there.close()
    result: Any = "timeout"
    try:
        if here.poll(seconds):
            result = here.recv()
    except EOFError:
        result = "crash"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return Fate(result, time.perf_counter() - start) if isinstance(result, str) else result


def _answer(there: Connection, task: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        there.send(task(*arguments))
    finally:
        os._exit(0)
