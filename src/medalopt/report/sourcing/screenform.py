"""The sourcing plan on a terminal: the decision, the tables, and what each document is about."""

from __future__ import annotations

from medalopt.report.page import printed
from medalopt.report.screen import Screen, Type
from medalopt.report.sourcing.content import Content
from medalopt.report.sourcing.written import section

MOST = 20  # rows of a table; the rest is summed, and stands in what `-o` writes


def on_screen(content: Content, screen: Screen | None = None) -> str:
    """Return the plan as text for `screen`, by default standard output."""
    lines: list[tuple[str, Type]] = [(line, "plain") for line in content.decision]
    lines += [(line, "faint") for line in content.foot]
    tables = [section(table, MOST) for table in content.tables if table.rows]
    return printed(screen or Screen.of_output(), content.title, lines, tables)
