"""Sweep over scenarios: results as JSON lines, CSV, text and HTML."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from medalopt.analysis.sweep.sweep import Row
from medalopt.instance.instance import Instance
from medalopt.report.charts.chart import Axis, Chart, line, plot
from medalopt.report.csvplan import csv_text
from medalopt.report.numbers import column, money, scale
from medalopt.report.page import printed
from medalopt.report.screen import Screen
from medalopt.report.section import Column, Section, section
from medalopt.wording import shown

ENDS = 5  # number of best, and of worst, scenarios shown
PATHS = 3  # greatest number of parameters with a column each
ON_A_PAGE = 5_000  # scenarios
SAID = {"infeasible": "no plan", "wrong": "wrong", "unanswered": "no answer"}


def json_line(row: Row) -> str:
    """Render one scenario with its result as a line of JSON.

    Args:
        row: Scenario with its result.

    Returns:
        The line; errors are in `message`.
    """
    told = {
        "scenario": row.scenario.name,
        "changes": dict(row.scenario.changes),
        "status": row.answer.status,
        "objective": row.answer.value,
        **({"message": row.answer.said} if row.answer.said else {}),
    }
    return json.dumps(told, allow_nan=False) + "\n"


def as_csv(rows: Sequence[Row]) -> str:
    """Render a sweep as CSV, a row for each scenario and a column for each parameter that any scenario changes.

    Args:
        rows: Scenarios with their results.

    Returns:
        The CSV text.
    """
    columns: dict[str, list[object]] = {
        "scenario": [row.scenario.name for row in rows],
        "status": [row.answer.status for row in rows],
        "objective": [row.answer.value for row in rows],
        **{path: [row.scenario.changes.get(path) for row in rows] for path in _paths(rows)},
    }
    if any(row.answer.said for row in rows):
        columns["message"] = [row.answer.said for row in rows]
    return csv_text(columns)


def on_screen(instance: Instance, unit: str, rows: Sequence[Row], of: int, screen: Screen | None = None) -> str:
    """Render a sweep as text: numbers of scenarios by status, and the best and worst scenarios.

    Args:
        instance: Base instance.
        unit: Unit of the objective.
        rows: Scenarios solved so far.
        of: Number of all scenarios.
        screen: Width and style; None for standard output.

    Returns:
        The text.
    """
    ranked = _ranked(rows)
    few = len(ranked) <= 2 * ENDS
    table = _table(
        "All scenarios, the best first" if few else "The best scenarios", ranked[: None if few else ENDS], unit
    )
    tables = [table] if few else [table, _table("The worst scenarios", ranked[-ENDS:], unit)]
    lines = [(text, "plain") for text in summary(unit, rows, of)]
    return printed(screen or Screen.of_output(), _title(instance), lines, tables if rows else [])  # type: ignore[arg-type]


def as_page(instance: Instance, unit: str, rows: Sequence[Row], of: int) -> str:
    """Render a sweep as one self-contained HTML file.

    Args:
        instance: Base instance.
        unit: Unit of the objective.
        rows: Scenarios solved so far.
        of: Number of all scenarios.

    Returns:
        The HTML text.
    """
    from medalopt.report.charts.htmlpage import html

    ranked = _ranked(rows)
    title = "All scenarios, the best first" if len(ranked) <= ON_A_PAGE else f"The best {ON_A_PAGE:,} scenarios"
    parts: list[Section | Chart] = [*_chart(unit, ranked), _table(title, ranked[:ON_A_PAGE], unit)]
    foot = (f"Figures of {instance.name}: sha256 {instance.figures}.",)
    return html(_title(instance), summary(unit, rows, of), parts, foot)


def summary(unit: str, rows: Sequence[Row], of: int) -> list[str]:
    """Return the numbers of scenarios by status, the range of the objective, and the first error messages.

    Args:
        unit: Unit of the objective.
        rows: Scenarios solved so far.
        of: Number of all scenarios.

    Returns:
        The lines.
    """
    counts = {status: sum(row.answer.status == status for row in rows) for status in ("optimal", *SAID)}
    every = "1 scenario." if of == 1 else f"{of:,} scenarios."
    lines = [f"{len(rows):,} of {of:,} scenarios are answered." if len(rows) < of else every]
    plans = [row for row in _ranked(rows) if row.answer.value is not None]
    if plans:
        first, last = plans[0], plans[-1]
        ends = f"{_amount(first, unit)} ({_called(first)}) to {_amount(last, unit)} ({_called(last)})"
        lines.append(f"{counts['optimal']:,} with a plan, from {ends}.")
    if counts["infeasible"]:
        lines.append(f"{counts['infeasible']:,} without a plan, proven.")
    for row in [row for row in rows if row.answer.said][:ENDS]:
        lines.append(f"{_called(row)}: {SAID[row.answer.status]}: {shown(row.answer.said, 300)}.")
    more = counts["wrong"] + counts["unanswered"] - ENDS
    return [*lines, *([f"{more:,} more are wrong or have no answer."] if more > 0 else [])]


def _title(instance: Instance) -> str:
    """Return the title of the report."""
    return f"Scenarios of {instance.title or instance.name}"


def _called(row: Row) -> str:
    """Return the name of a scenario in a sentence."""
    name = shown(row.scenario.name)
    return f"scenario {name}"


def _amount(row: Row, unit: str) -> str:
    """Return the objective with its unit."""
    return money(row.answer.value or 0.0, unit)


def _ranked(rows: Iterable[Row]) -> list[Row]:
    """Return the scenarios by increasing objective, those without a plan last."""
    return sorted(rows, key=lambda row: (row.answer.value is None, row.answer.value or 0.0))


def _paths(rows: Iterable[Row]) -> list[str]:
    """Return the paths of all changed parameters in the order of their first use."""
    return list(dict.fromkeys(path for row in rows for path in row.scenario.changes))


def _table(title: str, rows: Sequence[Row], unit: str) -> Section:
    """Return a table of scenarios with objective and changes."""
    values = [row.answer.value for row in rows if row.answer.value is not None]
    size, word = scale(values)
    told = iter(column([value / size for value in values]))
    paths = _paths(rows)
    columns = [
        (Column("scenario", right=False), [shown(row.scenario.name) for row in rows]),
        (
            Column(f"{word}{unit}"),
            [SAID.get(row.answer.status, "") if row.answer.value is None else next(told) for row in rows],
        ),
    ]
    if len(paths) <= PATHS:
        for path in paths:
            cells = [shown(row.scenario.changes.get(path, "")) for row in rows]
            columns.append((Column(shown(path), right=False, rank=1), cells))
    else:
        columns.append((Column("changes", right=False, rank=1), [_changes(row) for row in rows]))
    return section(title, columns)


def _changes(row: Row) -> str:
    """Return the changes of a scenario in one cell."""
    changes = list(row.scenario.changes.items())
    if len(changes) > PATHS:
        return f"{len(changes):,} figures"
    return ", ".join(f"{shown(path)} {shown(value)}" for path, value in changes)


def _chart(unit: str, ranked: Sequence[Row]) -> list[Chart]:
    """Return the chart of the objectives in increasing order; none with fewer than two plans."""
    values = [row.answer.value for row in ranked if row.answer.value is not None]
    if len(values) < 2:
        return []
    size, word = scale(values)
    points = [(float(number), value / size) for number, value in enumerate(values, start=1)]
    option = plot(
        Axis("scenarios, the best first", least=1.0, most=float(len(values))),
        Axis("the best plan", f"{word}{unit}"),
        [line("", points, showSymbol=len(points) <= 50)],
    )
    return [Chart(f"The {len(values):,} scenarios with a plan, the best first", option)]
