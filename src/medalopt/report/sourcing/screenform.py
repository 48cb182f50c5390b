"""Report as text, about two screens: the summary and the tables needed for a decision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from medalopt.report.layout import wrapped
from medalopt.report.page import WIDEST_TEXT, printed
from medalopt.report.screen import Screen, Type
from medalopt.report.section import Section
from medalopt.report.sourcing.content import Content, Table
from medalopt.report.sourcing.written import folded, section
from medalopt.wording import counted, shown

MOST = 12  # rows of a table; the rest is summed, and listed in the files of `-o`
LONGEST = 300  # characters of a cell
AFTER = ("actual_metal", "actual_devices", "actual_cost", "actual_yield", "actual_lots", "on_its_way", "signed")
AWARD = ("stream", "offered_t", "taken_t", "award", "cost", "comes_in_per_t")  # columns of the award table on a screen


def on_screen(content: Content, screen: Screen | None = None, written: bool = False) -> str:
    """Render the report as text.

    Args:
        content: Report to render.
        screen: Width and colours; those of standard output by default.
        written: True where `-o` writes the report: then the summary alone.

    Returns:
        The text; omitted tables are named at its end.
    """
    lines: list[tuple[str, Type]] = [(line, "plain") for line in content.decision]
    lines += [(line, "faint") for line in content.foot]
    used = screen or Screen.of_output()
    shows = {} if written else {table.key: table for table in map(_short, _chosen(content))}
    told = printed(used, content.title, lines, [_plain(section(table, MOST)) for table in shows.values()])
    if written:
        return told
    rest = [table.title.partition(":")[0] for table in content.tables if table.key not in shows]
    width = min(used.width, WIDEST_TEXT)
    note = wrapped(f"Besides, in what -o writes: {'; '.join([*rest, *_counted(content)])}.", width)
    return told + "\n" + "".join(used.line(line, "faint") for line in note)


def _chosen(content: Content) -> Iterator[Table]:
    """Yield the tables for the screen: actuals, orders, award, spend and medals."""
    has = {table.key for table in content.tables}
    spend = "fiscal_years" if "fiscal_years" in has else "spend"
    shown_keys = {*AFTER, "orders", "award", spend, "medals"}
    yield from (table for table in content.tables if table.key in shown_keys)


def _short(table: Table) -> Table:
    """Shorten a table for the screen: spend summed over the parties, the award without the stream's attributes."""
    if table.key == "fiscal_years":
        return folded(table, "party")[0]
    if table.key == "award":
        kept = [place for place, column in enumerate(table.columns) if column.key in AWARD]
        rows = tuple(tuple(row[place] for place in kept) for row in table.rows)
        return replace(table, columns=tuple(table.columns[place] for place in kept), rows=rows)
    return table


def _counted(content: Content) -> tuple[str, ...]:
    count = len(content.documents)
    return (counted(count, "document"),) if count else ()


def _plain(told: Section) -> Section:
    """Return a table whose cells are one line each, without control characters."""
    return replace(told, rows=tuple(tuple(shown(cell, LONGEST) for cell in row) for row in told.rows))
