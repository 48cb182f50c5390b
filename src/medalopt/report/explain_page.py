"""A report in plain type: title, lines and tables at the width of the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from medalopt.report.page import printed
from medalopt.report.screen import Screen
from medalopt.report.section import Section


def page(title: str, lines: Iterable[str], tables: Iterable[Section], screen: Screen | None = None) -> str:
    """Render a title, plain lines and tables as text.

    Args:
        title: First line, in bold type.
        lines: Sentences below the title.
        tables: Tables below the sentences.
        screen: Width and style; None for standard output.

    Returns:
        The text.
    """
    return printed(screen or Screen.of_output(), title, [(line, "plain") for line in lines], tuple(tables))
