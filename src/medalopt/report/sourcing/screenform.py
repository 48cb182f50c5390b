"""The sourcing plan on a terminal, about two screens of it: the decision, and the tables that one decides by."""

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

MOST = 12  # rows of a table; the rest is summed, and stands in what `-o` writes
LONGEST = 300  # characters of a cell
AFTER = ("actual_metal", "actual_devices", "actual_cost", "actual_yield", "actual_lots", "on_its_way", "signed")
AWARD = ("stream", "offered_t", "taken_t", "award", "cost", "comes_in_per_t")  # its columns on a screen


def on_screen(content: Content, screen: Screen | None = None, written: bool = False) -> str:
    """Return the plan as text for `screen`, by default standard output: what one decides by; the rest is named.

    Of a plan that is `written` by `-o` the decision alone.
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
    """Yield the tables that one decides by: what happened, orders, award, spend and medals."""
    has = {table.key for table in content.tables}
    spend = "fiscal_years" if "fiscal_years" in has else "spend"
    shown_keys = {*AFTER, "orders", "award", spend, "medals"}
    yield from (table for table in content.tables if table.key in shown_keys)


def _short(table: Table) -> Table:
    """Return a table with what fits a screen: the spend by kind of document, the award without what names a stream."""
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
    """Return a table in which every cell is one line that a terminal only shows."""
    return replace(told, rows=tuple(tuple(shown(cell, LONGEST) for cell in row) for row in told.rows))
