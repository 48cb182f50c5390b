"""Lines of text and tables as one page of the terminal, as wide as that is."""

from __future__ import annotations

from collections.abc import Iterable

from medalopt.report.page import printed
from medalopt.report.screen import Screen
from medalopt.report.section import Section


def page(title: str, lines: Iterable[str], tables: Iterable[Section], screen: Screen | None = None) -> str:
    """Return what is printed on standard output, or another `screen`: the title, the lines, then the tables."""
    return printed(screen or Screen.of_output(), title, [(line, "plain") for line in lines], tuple(tables))
