"""Text report: a title, lines and tables laid out for the width of a terminal, with bold type where supported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from medalopt.report.layout import fitting, laid_out, wrapped
from medalopt.report.screen import Screen, Type
from medalopt.report.section import Heading, Section
from medalopt.wording import shown

NARROWEST, WIDEST_TEXT = 40, 110  # columns
LONGEST_TITLE = 500


def printed(screen: Screen, title: str, lines: Iterable[tuple[str, Type]], tables: Sequence[Section | Heading]) -> str:
    """Render a title, lines and tables as text.

    Args:
        screen: Width and style.
        title: First line, in bold type.
        lines: Sentences below the title, each with its style.
        tables: Tables and headings in their order.

    Returns:
        The text.
    """
    return "".join(_parts(screen, title, lines, tables))


def _parts(
    screen: Screen, title: str, lines: Iterable[tuple[str, Type]], tables: Sequence[Section | Heading]
) -> Iterator[str]:
    """Yield the lines of the report, with a note where columns were dropped."""
    width = max(NARROWEST, screen.width)
    yield from (screen.line(line, "bold") for line in wrapped(shown(title, LONGEST_TITLE), width))
    yield from _said(screen, width, lines)
    for table in tables:
        if isinstance(table, Heading):
            yield "\n"
            yield from (screen.line(line, "bold") for line in wrapped(table.title.upper(), width))
            yield from _said(screen, width, ((line, "plain") for line in table.lines))
        else:
            yield from _table(screen, width, table)
    if any(len(fitting(table, width)) < len(table.columns) for table in tables if isinstance(table, Section)):
        yield "\n"
        note = "Some columns do not fit: a wider terminal, or -o, has them all."
        yield from (screen.line(line, "faint") for line in wrapped(note, width))


def _said(screen: Screen, width: int, lines: Iterable[tuple[str, Type]]) -> Iterator[str]:
    """Yield lines wrapped and indented."""
    for text, type_ in lines:
        yield from (screen.line(f"  {line}", type_) for line in wrapped(text, min(width, WIDEST_TEXT) - 2))


def _table(screen: Screen, width: int, table: Section) -> Iterator[str]:
    """Yield title, header, rows and notes of a table."""
    header, rows = laid_out(table, width)
    yield "\n"
    yield from (screen.line(line, "bold") for line in wrapped(table.title, width))
    yield from (screen.line(line, "faint") for line in header)
    for number, lines in enumerate(rows):
        total = table.total and number == len(rows) - 1
        yield from (screen.line(line, "bold" if total else "plain") for line in lines)
    for note in table.notes:
        yield from (screen.line(line, "faint") for line in wrapped(note, min(width, WIDEST_TEXT)))
