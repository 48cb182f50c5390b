"""Report of a sweep over scenarios, and its JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from medalopt.analysis.sweep.sweep import SweepResult
from medalopt.instance.instance import Instance
from medalopt.report.charts.chart import Chart, ChartAxis, build_line_series, build_plot_option
from medalopt.report.document import CellValue, Report, ReportColumn, ReportTable, ShownValue
from medalopt.report.numbers import choose_money_scale, format_change_value, format_money
from medalopt.report.render.json import render_json
from medalopt.text import escape_text, format_count

_MAX_RANKED = 5  # number of best, and of worst, scenarios shown
_MAX_PATH_COLUMNS = 3  # greatest number of parameters with a column each
_STATUS_WORDS = {"infeasible": "infeasible", "wrong": "invalid", "unanswered": "not solved"}


def render_scenario_json(row: SweepResult) -> str:
    """Render one scenario with its result as a line of JSON.

    Args:
        row: Scenario with its result.

    Returns:
        The line; errors are in `message`.
    """
    return json.dumps(_build_row(row), allow_nan=False) + "\n"


def _build_row(row: SweepResult) -> dict[str, Any]:
    """Return one scenario with its result as plain data."""
    return {
        "scenario": row.scenario.name,
        "changes": row.scenario.texts,
        "status": row.result.status,
        "objective": row.result.value,
        **({"message": row.result.said} if row.result.said else {}),
    }


def build_sweep_report(instance: Instance, unit: str, rows: Sequence[SweepResult], of: int) -> Report:
    """Build the report of a sweep: numbers of scenarios by status, a chart of the objectives, all scenarios.

    Args:
        instance: Base instance.
        unit: Unit of the objective.
        rows: Scenarios solved so far.
        of: Number of all scenarios.

    Returns:
        The report; a terminal shows the best and the worst scenarios.
    """
    ranked = _rank_scenarios(rows)
    whole = _build_scenario_table("scenarios", "Scenarios by objective", ranked, unit)
    best = _build_scenario_table("best", "Lowest objective", ranked[:_MAX_RANKED], unit)
    worst = _build_scenario_table("worst", "Highest objective or infeasible", ranked[-_MAX_RANKED:], unit)
    screen = (whole,) if len(ranked) <= 2 * _MAX_RANKED else (best, worst)
    return Report(
        f"Scenarios of {instance.title or instance.name}",
        tuple(summarize_sweep(unit, rows, of)),
        (whole,) if rows else (),
        charts=tuple(_build_objective_chart(unit, ranked)),
        foot=(f"Parameters of {instance.name}: sha256 {instance.figures}.",),
        screen=screen if rows else (),
        single=_list_scenarios(rows),
        json=lambda _: render_json({"format": "medalopt/sweep/1", "scenarios": list(map(_build_row, rows))}),
        json_lines=lambda _: map(render_scenario_json, rows),
    )


def _list_scenarios(rows: Sequence[SweepResult]) -> ReportTable:
    """Return all scenarios in their order, with a column for each parameter that any scenario changes."""
    paths = _list_paths(rows)
    names = ("scenario", "status", "objective", *paths, *(["message"] if any(row.result.said for row in rows) else []))
    columns = tuple(ReportColumn(name, name, "" if name == "objective" else None) for name in names)
    cells = tuple(
        (row.scenario.name, row.result.status, row.result.value, *map(row.scenario.texts.get, paths), row.result.said)
        for row in rows
    )
    rows_ = tuple(line[: len(names)] for line in cells)
    return ReportTable("answers", "Answers", "Every scenario with its changes, in their order.", columns, rows_)


def summarize_sweep(unit: str, rows: Sequence[SweepResult], of: int) -> list[str]:
    """Return the numbers of scenarios by status, the range of the objective, and the first error messages.

    Args:
        unit: Unit of the objective.
        rows: Scenarios solved so far.
        of: Number of all scenarios.

    Returns:
        The lines.
    """
    counts = {status: sum(row.result.status == status for row in rows) for status in ("optimal", *_STATUS_WORDS)}
    every = f"{format_count(of, 'scenario')}."
    done = f"Interrupted: {len(rows):,} of {of:,} scenarios solved." if len(rows) < of else every
    lines: list[str] = []
    plans = [row for row in _rank_scenarios(rows) if row.result.value is not None]
    if plans:
        first, last = plans[0], plans[-1]
        best, worst = (f"{_format_objective(row, unit)} ({_name_scenario(row)})" for row in (first, last))
        lines.append(f"Optimal: {format_count(counts['optimal'], 'scenario')}; lowest {best}, highest {worst}.")
    if counts["infeasible"]:
        lines.append(f"Infeasible (proven): {format_count(counts['infeasible'], 'scenario')}.")
    lines.insert(0, done)
    for row in [row for row in rows if row.result.said][:_MAX_RANKED]:
        lines.append(f"{_name_scenario(row)}: {_STATUS_WORDS[row.result.status]}: {escape_text(row.result.said, 300)}.")
    more = counts["wrong"] + counts["unanswered"] - _MAX_RANKED
    return [*lines, *([f"{more:,} more are invalid or not solved."] if more > 0 else [])]


def _name_scenario(row: SweepResult) -> str:
    """Return the name of a scenario in a sentence."""
    name = escape_text(row.scenario.name)
    return f"scenario {name}"


def _format_objective(row: SweepResult, unit: str) -> str:
    """Return the objective with its unit."""
    return format_money(row.result.value or 0.0, unit)


def _rank_scenarios(rows: Iterable[SweepResult]) -> list[SweepResult]:
    """Return the scenarios by increasing objective, those without a plan last."""
    return sorted(rows, key=lambda row: (row.result.value is None, row.result.value or 0.0))


def _list_paths(rows: Iterable[SweepResult]) -> list[str]:
    """Return the paths of all changed parameters in the order of their first use."""
    return list(dict.fromkeys(path for row in rows for path in row.scenario.texts))


def _build_scenario_table(key: str, title: str, rows: Sequence[SweepResult], unit: str) -> ReportTable:
    """Return a table of scenarios with objective and changes."""
    paths = _list_paths(rows)
    columns = [ReportColumn("scenario", "scenario"), ReportColumn("objective", "", unit, style="scaled")]
    lines: list[list[CellValue]] = [[row.scenario.name, _get_objective(row)] for row in rows]
    if len(paths) <= _MAX_PATH_COLUMNS:
        columns += [ReportColumn(path, escape_text(path), rank=1) for path in paths]
        for line, row in zip(lines, rows, strict=True):
            line += map(row.scenario.texts.get, paths)
    else:
        columns.append(ReportColumn("changes", "changes", rank=1))
        for line, row in zip(lines, rows, strict=True):
            line.append(_format_changes(row))
    text = "Optimum of each scenario, and its changes."
    return ReportTable(key, title, text, tuple(columns), tuple(map(tuple, lines)))


def _get_objective(row: SweepResult) -> CellValue:
    """Return the objective as a cell."""
    value = row.result.value
    return ShownValue(None, _STATUS_WORDS.get(row.result.status, "")) if value is None else value


def _format_changes(row: SweepResult) -> str:
    """Return the changes of a scenario in one cell."""
    changes = list(row.scenario.texts.items())
    if len(changes) > _MAX_PATH_COLUMNS:
        return f"{len(changes):,} parameters"
    return ", ".join(f"{escape_text(path)} {escape_text(format_change_value(value))}" for path, value in changes)


def _build_objective_chart(unit: str, ranked: Sequence[SweepResult]) -> list[Chart]:
    """Return the chart of the objectives in increasing order; none with fewer than two plans."""
    values = [row.result.value for row in ranked if row.result.value is not None]
    if len(values) < 2:
        return []
    size, word = choose_money_scale(values)
    points = [(float(number), value / size) for number, value in enumerate(values, start=1)]
    option = build_plot_option(
        ChartAxis("scenarios by objective", minimum=1.0, maximum=float(len(values))),
        ChartAxis("objective", f"{word}{unit}"),
        [build_line_series("", points, showSymbol=len(points) <= 50)],
    )
    return [Chart(f"Objective of {len(values):,} feasible scenarios", option)]
