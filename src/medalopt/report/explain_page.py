"""Lines of text and tables as one page of the terminal, as wide as that is."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from medalopt.report.layout import laid_out, wrapped
from medalopt.report.section import Section
from medalopt.report.terminal import NARROWEST, WIDEST_TEXT, screen
from medalopt.wording import shown


def page(title: str, lines: Iterable[str], tables: Iterable[Section]) -> str:
    """Return what is printed on standard output: the title, the lines, then the tables."""
    paper = io.StringIO()
    console = screen(paper)
    width = max(NARROWEST, console.width)
    _print(console, wrapped(shown(title, 500), width), "bold")
    for line in lines:
        _print(console, [f"  {part}" for part in wrapped(line, min(width, WIDEST_TEXT) - 2)], "")
    for table in tables:
        _table(console, table, width)
    return paper.getvalue()


def _table(console: Console, table: Section, width: int) -> None:
    header, rows = laid_out(table, width)
    _print(console, ["", *wrapped(table.title, width)], "bold")
    _print(console, header, "dim")
    for number, row in enumerate(rows):
        _print(console, row, "bold" if table.total and number == len(rows) - 1 else "")
    for note in table.notes:
        _print(console, wrapped(note, min(width, WIDEST_TEXT)), "dim")


def _print(console: Console, lines: list[str], style: str) -> None:
    for line in lines:
        console.print(Text(line, style=style), soft_wrap=True)
