"""Standard output as a screen: its width, and whether bold type is wanted there."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from typing import Literal

from medalopt.wording import escape_controls

NO_TERMINAL = 100  # columns: a file or a pipe has none of its own
FILE = 1_000  # columns of a file that is written by name
_TYPES = {"plain": "", "bold": "\x1b[1m", "faint": "\x1b[2m"}
_PLAIN_AGAIN = "\x1b[0m"

Type = Literal["plain", "bold", "faint"]


@dataclass(frozen=True)
class Screen:
    """A screen of `width` columns; in plain type unless it is `typed`."""

    width: int
    typed: bool = False

    @classmethod
    def of_output(cls) -> Screen:
        """Return standard output: as wide as it is, in plain type where no other is wanted or known."""
        terminal = sys.stdout is not None and sys.stdout.isatty()
        plain = "NO_COLOR" in os.environ or os.environ.get("TERM", "dumb") in ("dumb", "unknown")
        fallback = 80 if terminal else NO_TERMINAL
        given = os.environ.get("COLUMNS", "")
        known = given.isascii() and given.isdigit() and int(given) > 0
        width = int(given) if known else shutil.get_terminal_size((fallback, 24)).columns if terminal else fallback
        return cls(width, terminal and not plain)

    @classmethod
    def of_file(cls) -> Screen:
        """Return a file: as wide as any table."""
        return cls(FILE)

    def line(self, text: str, type_: Type = "plain") -> str:
        """Return one line in bold, faint or plain type; control characters in `text` are escaped."""
        text = escape_controls(text)
        return f"{_TYPES[type_]}{text}{_PLAIN_AGAIN}\n" if self.typed and text and type_ != "plain" else f"{text}\n"
