"""Interrupts that take effect within a second, also while a solver runs and Python does not regain control."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from medalopt.cli.ending import INTERRUPTED, say

PATIENCE = 0.5  # seconds that Python has to end the run itself


@contextmanager
def interruptible() -> Iterator[None]:
    """Watch for interrupts within the context; end the process if the body does not react to one.

    Python handles signals between bytecode instructions only, and a solver call is one; a thread sees them at once.

    Yields:
        None.
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
        os.close(writing)  # ends the watching thread


def _watch(reading: int, over: threading.Event) -> None:
    """Read signal numbers from a pipe; end the process if an interrupt is not handled in time."""
    while heard := os.read(reading, 1):
        if heard[0] == signal.SIGINT and not over.wait(PATIENCE):
            say("medalopt: interrupted")
            os._exit(INTERRUPTED)
    os.close(reading)
