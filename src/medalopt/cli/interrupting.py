"""An interruption ends a run within a second, also while a solver computes and Python waits for it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from medalopt.cli.ending import INTERRUPTED, say

PATIENCE = 0.5  # seconds in which Python may still end the run in its own way


@contextmanager
def interruptible() -> Iterator[None]:
    """Watch for an interruption while the body runs; end the process where the body does not give way to it.

    Python hears of a signal between two of its own steps, and a solver is one step. A thread hears of it at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    over = threading.Event()
    before = signal.set_wakeup_fd(writing)
    threading.Thread(target=_watch, args=(reading, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()
        signal.set_wakeup_fd(before)
        os.close(writing)  # the watch ends with it


def _watch(reading: int, over: threading.Event) -> None:
    while heard := os.read(reading, 1):
        if heard[0] == signal.SIGINT and not over.wait(PATIENCE):
            say("medalopt: interrupted")
            os._exit(INTERRUPTED)
    os.close(reading)
