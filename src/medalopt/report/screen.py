"""Output device of a text report: its width, and whether it supports bold type."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from typing import Literal

from medalopt.wording import escape_controls

NO_TERMINAL = 100  # columns of a pipe, which has no width of its own
FILE = 1_000  # columns of a text file
_TYPES = {"plain": "", "bold": "\x1b[1m", "faint": "\x1b[2m"}
_PLAIN_AGAIN = "\x1b[0m"

Type = Literal["plain", "bold", "faint"]


@dataclass(frozen=True)
class Screen:
    """A text device of `width` columns; plain type unless `typed`."""

    width: int
    typed: bool = False

    @classmethod
    def of_output(cls) -> Screen:
        """Return the device for standard output.

        Returns:
            The width of the terminal or of COLUMNS; bold type only on a terminal without NO_COLOR.
        """
        terminal = sys.stdout is not None and sys.stdout.isatty()
        plain = "NO_COLOR" in os.environ or os.environ.get("TERM", "dumb") in ("dumb", "unknown")
        fallback = 80 if terminal else NO_TERMINAL
        given = os.environ.get("COLUMNS", "")
        known = given.isascii() and given.isdigit() and int(given) > 0
        width = int(given) if known else shutil.get_terminal_size((fallback, 24)).columns if terminal else fallback
        return cls(width, terminal and not plain)

    @classmethod
    def of_file(cls) -> Screen:
        """Return the device for a text file.

        Returns:
            A width that holds any table, in plain type.
        """
        return cls(FILE)

    def line(self, text: str, type_: Type = "plain") -> str:
        """Return one line; control characters are escaped.

        Args:
            text: Text of the line.
            type_: Style.

        Returns:
            The line with its line break.
        """
        text = escape_controls(text)
        return f"{_TYPES[type_]}{text}{_PLAIN_AGAIN}\n" if self.typed and text and type_ != "plain" else f"{text}\n"
