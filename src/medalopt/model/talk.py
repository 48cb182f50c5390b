"""Redirection of output while a model is built: standard output is reserved for data."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import IO


@contextmanager
def talking_to(stream: IO[str]) -> Iterator[None]:
    """Send printed output and Pyomo's log messages to `stream` within the context.

    Pyomo's handlers keep the standard output of import time, so they are redirected one by one.

    Args:
        stream: Text stream, such as standard error.

    Yields:
        None.
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
