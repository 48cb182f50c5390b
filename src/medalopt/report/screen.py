"""The terminal: where a plan is shown, and what is told meanwhile."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def screen() -> Console:
    """Return the terminal: its own width, colour only where it is wanted."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False, soft_wrap=False)


@contextmanager
def progress(doing: str) -> Iterator[None]:
    """Show on standard error, where that is a terminal, what is being done, and at the end how long it took."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    console, start = Console(stderr=True, highlight=False), time.perf_counter()
    with console.status(doing):
        yield
    console.print(f"{doing}: {time.perf_counter() - start:.1f} s", style="dim")
