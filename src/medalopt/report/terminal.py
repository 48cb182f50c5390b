"""A plan on the terminal: the answer first, then the tables; wide or narrow, with bold type or plain."""

from __future__ import annotations

import io

from rich.console import Console
from rich.text import Text

from medalopt.plan.plan import Plan
from medalopt.report.answer import answer as said
from medalopt.report.answer import proof
from medalopt.report.layout import fitting, laid_out, wrapped
from medalopt.report.screen import screen
from medalopt.report.section import Section
from medalopt.report.sections import sections
from medalopt.report.worth import Worth
from medalopt.wording import shown

NARROWEST, WIDEST_TEXT = 40, 110  # columns


def answer(plan: Plan) -> str:
    """Return what is printed of `plan` on standard output: plain text where that is no terminal."""
    page = io.StringIO()
    show(plan, screen(page))
    return page.getvalue()


def show(plan: Plan, console: Console) -> None:
    """Print `plan` to `console`."""
    width = max(NARROWEST, console.width)
    worth = Worth(plan)
    made = sections(plan, worth)
    _print(console, wrapped(shown(plan.instance.title or plan.instance.name, 500), width), "bold")
    for line in said(plan, worth):
        _print(console, _indented(line, width), "")
    _print(console, _indented(proof(plan), width), "dim")
    for section in made:
        _show(section, console, width)
    if any(len(fitting(section, width)) < len(section.columns) for section in made):
        _print(console, ["", *wrapped("Some columns do not fit: a wider terminal, or -o, has them all.", width)], "dim")


def _show(section: Section, console: Console, width: int) -> None:
    header, rows = laid_out(section, width)
    _print(console, ["", section.title], "bold")
    _print(console, header, "dim")
    for number, lines in enumerate(rows):
        _print(console, lines, "bold" if section.total and number == len(rows) - 1 else "")
    for note in section.notes:
        _print(console, wrapped(note, min(width, WIDEST_TEXT)), "dim")


def _indented(line: str, width: int) -> list[str]:
    return [f"  {part}" for part in wrapped(line, min(width, WIDEST_TEXT) - 2)]


def _print(console: Console, lines: list[str], style: str) -> None:
    for line in lines:
        console.print(Text(line, style=style), soft_wrap=True)
