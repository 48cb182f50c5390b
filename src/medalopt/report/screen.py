"""Standard output as a screen: its width, and whether bold type is wanted there."""

from __future__ import annotations

import os
import sys
from typing import IO

from rich.console import Console

NO_TERMINAL = 100  # columns: a file or a pipe has none of its own


def screen(page: IO[str]) -> Console:
    """Return a console that writes to `page` for standard output: as wide, in plain type where no other is wanted."""
    given = os.environ.get("COLUMNS", "")
    terminal = sys.stdout is not None and sys.stdout.isatty()
    width = int(given) if given.isascii() and given.isdigit() and int(given) else None if terminal else NO_TERMINAL
    plain = not terminal or "NO_COLOR" in os.environ or os.environ.get("TERM") in ("dumb", "unknown")
    return Console(
        file=page,
        width=width,
        force_terminal=terminal,
        color_system=None if plain else "auto",
        highlight=False,
        emoji=False,
        markup=False,
        soft_wrap=True,
    )
