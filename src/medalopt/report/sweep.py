"""Sweep over scenarios: results as JSON lines, CSV, text and HTML."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from medalopt.analysis.sweep.sweep import SweepResult
from medalopt.instance.instance import Instance
from medalopt.report.charts.chart import Chart, ChartAxis, build_line_series, build_plot_option
from medalopt.report.numbers import choose_money_scale, format_column, format_money
from medalopt.report.plan_csv import render_csv
from medalopt.report.render.text import Screen, render_text
from medalopt.report.text_table import TextColumn, TextTable, make_text_table
from medalopt.text import escape_text

_MAX_RANKED = 5  # number of best, and of worst, scenarios shown
_MAX_PATH_COLUMNS = 3  # greatest number of parameters with a column each
_MAX_PAGE_ROWS = 5_000  # scenarios
_STATUS_WORDS = {"infeasible": "no plan", "wrong": "wrong", "unanswered": "no answer"}


def render_scenario_json(row: SweepResult) -> str:
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


def render_sweep_csv(rows: Sequence[SweepResult]) -> str:
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
        **{path: [row.scenario.changes.get(path) for row in rows] for path in _list_paths(rows)},
    }
    if any(row.answer.said for row in rows):
        columns["message"] = [row.answer.said for row in rows]
    return render_csv(columns)


def render_sweep_text(
    instance: Instance, unit: str, rows: Sequence[SweepResult], of: int, screen: Screen | None = None
) -> str:
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
    ranked = _rank_scenarios(rows)
    few = len(ranked) <= 2 * _MAX_RANKED
    table = _build_scenario_table(
        "All scenarios, the best first" if few else "The best scenarios", ranked[: None if few else _MAX_RANKED], unit
    )
    tables = [table] if few else [table, _build_scenario_table("The worst scenarios", ranked[-_MAX_RANKED:], unit)]
    lines = [(text, "plain") for text in summarize_sweep(unit, rows, of)]
    return render_text(screen or Screen.from_stdout(), _title_sweep(instance), lines, tables if rows else [])  # type: ignore[arg-type]


def render_sweep_html(instance: Instance, unit: str, rows: Sequence[SweepResult], of: int) -> str:
    """Render a sweep as one self-contained HTML file.

    Args:
        instance: Base instance.
        unit: Unit of the objective.
        rows: Scenarios solved so far.
        of: Number of all scenarios.

    Returns:
        The HTML text.
    """
    from medalopt.report.render.html import render_html

    ranked = _rank_scenarios(rows)
    title = (
        "All scenarios, the best first" if len(ranked) <= _MAX_PAGE_ROWS else f"The best {_MAX_PAGE_ROWS:,} scenarios"
    )
    parts: list[TextTable | Chart] = [
        *_build_objective_chart(unit, ranked),
        _build_scenario_table(title, ranked[:_MAX_PAGE_ROWS], unit),
    ]
    foot = (f"Figures of {instance.name}: sha256 {instance.figures}.",)
    return render_html(_title_sweep(instance), summarize_sweep(unit, rows, of), parts, foot)


def summarize_sweep(unit: str, rows: Sequence[SweepResult], of: int) -> list[str]:
    """Return the numbers of scenarios by status, the range of the objective, and the first error messages.

    Args:
        unit: Unit of the objective.
        rows: Scenarios solved so far.
        of: Number of all scenarios.

    Returns:
        The lines.
    """
    counts = {status: sum(row.answer.status == status for row in rows) for status in ("optimal", *_STATUS_WORDS)}
    every = "1 scenario." if of == 1 else f"{of:,} scenarios."
    lines = [f"{len(rows):,} of {of:,} scenarios are answered." if len(rows) < of else every]
    plans = [row for row in _rank_scenarios(rows) if row.answer.value is not None]
    if plans:
        first, last = plans[0], plans[-1]
        ends = (
            f"{_format_objective(first, unit)} ({_name_scenario(first)}) to "
            f"{_format_objective(last, unit)} ({_name_scenario(last)})"
        )
        lines.append(f"{counts['optimal']:,} with a plan, from {ends}.")
    if counts["infeasible"]:
        lines.append(f"{counts['infeasible']:,} without a plan, proven.")
    for row in [row for row in rows if row.answer.said][:_MAX_RANKED]:
        lines.append(f"{_name_scenario(row)}: {_STATUS_WORDS[row.answer.status]}: {escape_text(row.answer.said, 300)}.")
    more = counts["wrong"] + counts["unanswered"] - _MAX_RANKED
    return [*lines, *([f"{more:,} more are wrong or have no answer."] if more > 0 else [])]


def _title_sweep(instance: Instance) -> str:
    """Return the title of the report."""
    return f"Scenarios of {instance.title or instance.name}"


def _name_scenario(row: SweepResult) -> str:
    """Return the name of a scenario in a sentence."""
    name = escape_text(row.scenario.name)
    return f"scenario {name}"


def _format_objective(row: SweepResult, unit: str) -> str:
    """Return the objective with its unit."""
    return format_money(row.answer.value or 0.0, unit)


def _rank_scenarios(rows: Iterable[SweepResult]) -> list[SweepResult]:
    """Return the scenarios by increasing objective, those without a plan last."""
    return sorted(rows, key=lambda row: (row.answer.value is None, row.answer.value or 0.0))


def _list_paths(rows: Iterable[SweepResult]) -> list[str]:
    """Return the paths of all changed parameters in the order of their first use."""
    return list(dict.fromkeys(path for row in rows for path in row.scenario.changes))


def _build_scenario_table(title: str, rows: Sequence[SweepResult], unit: str) -> TextTable:
    """Return a table of scenarios with objective and changes."""
    values = [row.answer.value for row in rows if row.answer.value is not None]
    size, word = choose_money_scale(values)
    told = iter(format_column([value / size for value in values]))
    paths = _list_paths(rows)
    columns = [
        (TextColumn("scenario", right=False), [escape_text(row.scenario.name) for row in rows]),
        (
            TextColumn(f"{word}{unit}"),
            [_STATUS_WORDS.get(row.answer.status, "") if row.answer.value is None else next(told) for row in rows],
        ),
    ]
    if len(paths) <= _MAX_PATH_COLUMNS:
        for path in paths:
            cells = [escape_text(row.scenario.changes.get(path, "")) for row in rows]
            columns.append((TextColumn(escape_text(path), right=False, rank=1), cells))
    else:
        columns.append((TextColumn("changes", right=False, rank=1), [_format_changes(row) for row in rows]))
    return make_text_table(title, columns)


def _format_changes(row: SweepResult) -> str:
    """Return the changes of a scenario in one cell."""
    changes = list(row.scenario.changes.items())
    if len(changes) > _MAX_PATH_COLUMNS:
        return f"{len(changes):,} figures"
    return ", ".join(f"{escape_text(path)} {escape_text(value)}" for path, value in changes)


def _build_objective_chart(unit: str, ranked: Sequence[SweepResult]) -> list[Chart]:
    """Return the chart of the objectives in increasing order; none with fewer than two plans."""
    values = [row.answer.value for row in ranked if row.answer.value is not None]
    if len(values) < 2:
        return []
    size, word = choose_money_scale(values)
    points = [(float(number), value / size) for number, value in enumerate(values, start=1)]
    option = build_plot_option(
        ChartAxis("scenarios, the best first", least=1.0, most=float(len(values))),
        ChartAxis("the best plan", f"{word}{unit}"),
        [build_line_series("", points, showSymbol=len(points) <= 50)],
    )
    return [Chart(f"The {len(values):,} scenarios with a plan, the best first", option)]
