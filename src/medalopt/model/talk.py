"""Where goes what Pyomo logs and an extension prints while a model is built: standard output is for data alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import IO


@contextmanager
def talking_to(stream: IO[str]) -> Iterator[None]:
    """Send to `stream` what is printed, and what Pyomo logs, while the body runs.

    Pyomo logs to standard output as that was when it was imported, of an interruption in a rule as of any fault.
    """
    handlers = [each for each in logging.getLogger("pyomo").handlers if isinstance(each, logging.StreamHandler)]
    before = [(each, each.stream) for each in handlers]
    try:
        for each in handlers:
            each.stream = stream  # `setStream` would flush the other, which may be closed
        with redirect_stdout(stream):
            yield
    finally:
        for each, own in before:
            each.stream = own
