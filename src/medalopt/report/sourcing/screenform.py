"""The sourcing plan on a terminal: the decision, the tables, and what each document is about."""

from __future__ import annotations

from dataclasses import replace

from medalopt.report.layout import wrapped
from medalopt.report.page import WIDEST_TEXT, printed
from medalopt.report.screen import Screen, Type
from medalopt.report.section import Section
from medalopt.report.sourcing.content import Content
from medalopt.report.sourcing.written import section
from medalopt.wording import shown

MOST = 20  # rows of a table; the rest is summed, and stands in what `-o` writes
LONGEST = 300  # characters of a cell
LATER = (  # for who works with them, not for who decides
    *("melt_cards", "fineness", "plating", "scrap_account", "medals", "medal_sources", "papers", "assumptions"),
    *("metal_account", "reconciliation", "spend"),
)


def on_screen(content: Content, screen: Screen | None = None) -> str:
    """Return the plan as text for `screen`, by default standard output: what one decides by; the rest is named."""
    later = [table for table in content.tables if table.key in LATER or table.key.startswith("stream_ends")]
    shows = [table for table in content.tables if table not in later and table.rows]
    lines: list[tuple[str, Type]] = [(line, "plain") for line in content.decision]
    lines += [(line, "faint") for line in content.foot]
    used = screen or Screen.of_output()
    told = printed(used, content.title, lines, [_plain(section(table, MOST)) for table in shows])
    rest = [table.title.partition(":")[0] for table in later] + [f"{len(content.documents)} documents"]
    width = min(used.width, WIDEST_TEXT)
    note = wrapped(f"Besides, in what -o writes: {'; '.join(rest)}.", width)
    return told + "\n" + "".join(used.line(line, "faint") for line in note)


def _plain(told: Section) -> Section:
    """Return a table in which every cell is one line that a terminal only shows."""
    return replace(told, rows=tuple(tuple(shown(cell, LONGEST) for cell in row) for row in told.rows))
