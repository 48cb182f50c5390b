"""A plan on the terminal: the answer first, then the tables; wide or narrow, in colour or without."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from medalopt.plan.plan import Plan
from medalopt.report.sections import Section, headline, proof_line, sections

NARROW = 88  # columns, below which minor columns are left out


def show(plan: Plan, console: Console) -> None:
    """Print `plan` to `console`."""
    instance = plan.instance
    console.print(Text(instance.title or instance.name, style="bold"))
    for line in headline(plan):
        console.print(Padding(Text(line), (0, 0, 0, 2)))
    console.print(Padding(Text(proof_line(plan), style="dim"), (0, 0, 0, 2)))
    for section in sections(plan):
        console.print()
        console.print(_table(section, narrow=console.width < NARROW))


def _table(section: Section, narrow: bool) -> Table:
    kept = [n for n, column in enumerate(section.columns) if not (narrow and column.minor)]
    table = Table(
        title=Text(section.title, style="bold"),
        title_justify="left",
        box=None,
        padding=(0, 2 if not narrow else 1, 0, 0),
        header_style="dim",
    )
    for n in kept:
        column = section.columns[n]
        table.add_column(
            Text(column.header), justify="right" if column.right else "left", overflow="fold", no_wrap=column.right
        )
    for number, row in enumerate(section.rows):
        last = section.total and number == len(section.rows) - 1
        table.add_row(*(Text(row[n]) for n in kept), style="bold" if last else "")
    return table
