"""Reports that compare: instances and plans side by side (`compare`), and the scenarios of a `sweep`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from medalopt.analysis.comparison import Comparison, ComparisonRow, ParameterDifference, count_by_section
from medalopt.analysis.sweep import SweepResult
from medalopt.instance.instance import Instance
from medalopt.instance.schema.validation import find_parameter_kind
from medalopt.report.charts import (
    Chart,
    ChartAxis,
    build_bar_series,
    build_line_series,
    build_plot_option,
    shorten_name,
)
from medalopt.report.document import CellValue, Report, ReportColumn, ReportTable, ShownValue, show_value
from medalopt.report.numbers import choose_money_scale, format_change_value, format_money, format_number, format_share
from medalopt.report.render.json import make_report, render_json
from medalopt.report.solve_tables import COST_KINDS
from medalopt.text import ParameterPath, escape_text, format_count, parse_path, render_path
from medalopt.tolerances import AMOUNT_TOLERANCE

_MAX_TABLE_ROWS = 10  # rows of a table that a person is shown
_MIN_PERIODS = 3  # that a row of the table stands for
_LEFT_OUT = "–"
_STATUS_WORDS = {"infeasible": "infeasible", "unanswered": "not solved"}
_MAX_LABEL = 40  # characters
_PART_TITLES = {
    "risk": ("Probability that the metal suffices", "%"),
    "streams": ("Supply taken by stream", "t"),
    "treatments": ("Devices by treatment", "t"),
    "smelters": ("Devices by smelter", "t"),
    "purchases": ("Metal purchased", "kg"),
    "metals": ("Metal balance", "kg"),
    "shortfall": ("Medals not made", "medals"),
}


def _list_labels(comparison: Comparison) -> list[str]:
    """Return the column headings of the subjects."""
    return [escape_text(label, _MAX_LABEL) for label in comparison.labels]


def _summarize_comparison(comparison: Comparison) -> tuple[str, ...]:
    """Return the headline: cost of each subject against the first, and the number of differing parameters."""
    lines = [_describe_cost_difference(comparison, number) for number in range(1, len(comparison.summaries))]
    if {summary.status for summary in comparison.summaries} == {"optimal"}:
        lines.insert(0, f"Optimal: {', '.join(_list_labels(comparison))}.")
    if comparison.summaries[0].source_values is not None:
        lines.append(_describe_data_difference(comparison))
    for name, summary in zip(_list_labels(comparison), comparison.summaries, strict=True):
        if summary.source_values is None:
            lines.append(f"{name}: parameters unknown (its instance is missing or has changed).")
        if summary.saved:
            lines.append(f"{name}: as saved, not verified here (medalopt verify checks it).")
    return tuple(lines)


def _describe_cost_difference(comparison: Comparison, number: int) -> str:
    """Return the cost difference of one subject to the first, or which of them has no plan."""
    first, other = (_list_labels(comparison)[n] for n in (0, number))
    row, currency = comparison.cost, comparison.summaries[0].currency
    here, there = (None, None) if row is None else (row.values[0], row.values[number])
    if row is None or here is None or there is None:
        empty = [
            (_list_labels(comparison)[n], comparison.summaries[n].status)
            for n in (0, number)
            if not comparison.summaries[n].quantities
        ]
        none = " and ".join(name for name, status in empty if status != "unanswered")
        open_ = " and ".join(name for name, status in empty if status == "unanswered")
        lines = [f"Infeasible: {none} (see medalopt explain)."] if none else []
        return " ".join([*lines, *([f"Not solved: {open_}."] if open_ else [])])
    more = there - here
    if not row.differs or abs(more) <= AMOUNT_TOLERANCE * abs(here):
        return f"Total cost of {other}: {format_money(there, currency)}, the same as {first}."
    share = format_share(abs(more), abs(here))
    size = f"{format_money(abs(more), currency)} ({share}) {'more' if more > 0 else 'less'} than {first}"
    kind = _describe_main_kind(comparison, number)
    return f"Total cost of {other}: {format_money(there, currency)}, {size}{kind}."


def _describe_main_kind(comparison: Comparison, number: int) -> str:
    """Return the kind of cost with the largest difference."""
    changes = [
        (there - here, row.item)
        for row in comparison.select_part("cost")
        if (here := row.values[0]) is not None and (there := row.values[number]) is not None
    ]
    maximum, kind = max(changes, key=lambda one: abs(one[0]))
    sign = "+" if maximum > 0 else "−"
    return (
        f"; largest change: {COST_KINDS[kind]} ({sign}{format_money(abs(maximum))})"
        if maximum and kind in COST_KINDS
        else ""
    )


def _describe_data_difference(comparison: Comparison) -> str:
    """Return the number of differing parameters by section."""
    count = len(comparison.parameter_differences)
    if not count:
        return "Parameters that differ: none."
    where = ", ".join(f"{section} {number:,}" for section, number in count_by_section(comparison.parameter_differences))
    return f"Parameters that differ: {count:,} ({where})."


def _build_comparison_tables(comparison: Comparison, maximum: int | None = None) -> tuple[ReportTable, ...]:
    """Return the tables of a comparison that have rows."""
    tables = (
        _build_totals_table(comparison),
        _build_cost_table(comparison),
        _build_party_table(comparison),
        *(_build_difference_table(comparison, part, maximum) for part in _PART_TITLES),
        _build_data_table(comparison, maximum),
    )
    return tuple(table for table in tables if table.rows)


def _build_totals_table(comparison: Comparison) -> ReportTable:
    """Return the table of totals."""
    rows = comparison.select_part("totals")
    status = [
        summary.status if summary.quantities else _STATUS_WORDS[summary.status] for summary in comparison.summaries
    ]
    columns = [ReportColumn("item", ""), ReportColumn("unit", "unit"), *_make_value_columns(comparison, "")]
    lines: list[tuple[CellValue, ...]] = [("status", "", *status, *([""] if len(comparison.summaries) == 2 else []))]
    lines += [(row.item, row.unit, *_list_values(row)) for row in rows]
    text = "Status, objective and totals of each."
    return ReportTable("totals", "Status and totals", text, tuple(columns), tuple(lines))


def _build_data_table(comparison: Comparison, maximum: int | None) -> ReportTable:
    """Return the table of differing parameters, a row for each path; periods that change alike are one row."""
    differences = _merge_periods(comparison.parameter_differences)
    listed = differences[:maximum]
    rest = len(differences) - len(listed)
    columns = [ReportColumn("figure", "parameter")]
    columns += [
        replace(column, style="fixed") for column in _make_value_columns(comparison, "")[: len(comparison.summaries)]
    ]
    rows = tuple(
        (difference.path, *(show_value(value, _LEFT_OUT) for value in difference.values)) for difference in listed
    )
    notes = [f"{rest:,} more (-o NAME.csv, --json)."] if rest else []
    notes += ["–: not given, or unknown."] if any(None in one.values for one in listed) else []
    text = (
        "Parameters that are not the same in all, as written in the files; periods that change alike are one row, with "
        "the least and the greatest value."
    )
    return ReportTable("data", "Parameters that differ", text, tuple(columns), rows, tuple(notes))


def _merge_periods(differences: Iterable[ParameterDifference]) -> list[ParameterDifference]:
    """Return the differences; of a parameter whose periods all change alike one, with the range of each value."""
    groups: dict[tuple[bool, ParameterPath], list[ParameterDifference]] = {}
    for one in differences:
        path = parse_path(one.path)
        listed = isinstance(path[-1], int)
        groups.setdefault((listed, path[:-1] if listed else path), []).append(one)
    result = []
    for (_, prefix), group in groups.items():
        if len(group) < _MIN_PERIODS or not _change_alike(group):
            result += group
            continue
        numbers = sorted(int(parse_path(one.path)[-1]) for one in group)
        gaps = f", {len(group)} periods" if numbers[-1] - numbers[0] >= len(group) else ""
        named = f"{render_path(prefix)}[{numbers[0]}..{numbers[-1]}]{gaps}"
        columns = zip(*(one.values for one in group), strict=True)
        result.append(ParameterDifference(named, tuple(_format_range(column) for column in columns)))
    return result


def _change_alike(group: Sequence[ParameterDifference]) -> bool:
    """Return whether each subject has one factor, one amount more or one value in all periods of a parameter."""
    if find_parameter_kind(parse_path(group[0].path)) is None:
        return False  # names in a list, which may read as numbers
    subjects = [[_split_value(text) for text in texts] for texts in zip(*(one.values for one in group), strict=True)]
    first, *others = ([number for number, _ in subject if number is not None] for subject in subjects)
    units = {unit for subject in subjects for _, unit in subject}
    if len(units) > 1 or any(len(numbers) < len(group) for numbers in (first, *others)):
        return False
    return all(
        len(set(numbers)) == 1
        or len({new - old for old, new in zip(first, numbers, strict=True)}) == 1
        or (all(first) and len({new / old for old, new in zip(first, numbers, strict=True)}) == 1)
        for numbers in others
    )


def _split_value(text: str | None) -> tuple[Fraction | None, str]:
    """Return the number and the unit of a value as written; None for no number."""
    number, _, unit = (text or "").partition(" ")
    try:
        return Fraction(number.replace("_", "")), unit
    except ValueError:
        return None, unit


def _format_range(texts: Sequence[str | None]) -> str | None:
    """Return the least and the greatest of values as written, or the one that all are."""
    least, greatest = (chosen(texts, key=lambda text: _split_value(text)[0] or 0) for chosen in (min, max))
    return least if least == greatest else f"{least} to {greatest}"


def _build_cost_table(comparison: Comparison) -> ReportTable:
    """Return the table of cost by kind."""
    rows = tuple((COST_KINDS[row.item], *_list_values(row)) for row in _list_cost_rows(comparison))
    columns = (ReportColumn("item", ""), *_make_value_columns(comparison, comparison.summaries[0].currency))
    return ReportTable("cost", "Cost by kind", "Kinds of cost, in the currency of the instance.", columns, rows)


def _build_party_table(comparison: Comparison) -> ReportTable:
    """Return the table of cost by party; without rows where no instance states who pays."""
    rows = tuple((row.item, *_list_values(row)) for row in comparison.select_part("parties"))
    columns = (ReportColumn("item", ""), *_make_value_columns(comparison, comparison.summaries[0].currency))
    text = "What each party pays, where the instance states who pays; revenue is negative."
    return ReportTable("parties", "Cost by party", text, columns, rows)


def _build_difference_table(comparison: Comparison, part: str, maximum: int | None) -> ReportTable:
    """Return the table of one part of the decisions, the largest differences first."""
    title, unit = _PART_TITLES[part]
    differing = sorted(
        (row for row in comparison.select_part(part) if row.differs), key=lambda row: -row.largest_difference
    )
    listed = differing[:maximum]
    rest = len(differing) - len(listed)
    notes = (f"{rest:,} more (-o NAME.csv, --json).",) if rest else ()
    columns = (ReportColumn("item", ""), *_make_value_columns(comparison, unit))
    rows = tuple((row.item, *_list_values(row)) for row in listed)
    return ReportTable(part, title, "Rows that are equal in all are omitted.", columns, rows, notes)


def _make_value_columns(comparison: Comparison, unit: str) -> list[ReportColumn]:
    """Return a column for each subject; with two subjects also the change."""
    named = zip(comparison.summaries, _list_labels(comparison), strict=True)
    columns = [ReportColumn(summary.name, label, unit, style="significant") for summary, label in named]
    return [*columns, *([ReportColumn("change", "change", unit)] if len(comparison.summaries) == 2 else [])]


def _list_values(row: ComparisonRow) -> list[CellValue]:
    """Return the values of a row; with two subjects also the change from the first to the second."""
    cells: list[CellValue] = [show_value(value, _LEFT_OUT) for value in row.values]
    if len(row.values) != 2:
        return cells
    first, second = row.values
    if first is None or second is None:
        return [*cells, None]
    sign = "+" if second > first else "−"
    change = f"{sign}{format_number(abs(second - first))}" if row.differs else "0"
    return [*cells, ShownValue(second - first if row.differs else 0.0, change)]


def _list_cost_rows(comparison: Comparison) -> list[ComparisonRow]:
    """Return the kinds of cost that are above rounding in any subject; an amount that is rounding is 0."""
    rows = comparison.select_part("cost")
    columns = zip(*(row.values for row in rows), strict=True)
    least = [AMOUNT_TOLERANCE * max((abs(value) for value in column if value), default=0.0) for column in columns]
    cleared = (
        replace(
            row,
            values=tuple(
                0.0 if value is not None and abs(value) <= size else value
                for value, size in zip(row.values, least, strict=True)
            ),
        )
        for row in rows
    )
    return [row for row in cleared if any(row.values)]


MAX_BARS = 15  # bars of each plan
_BAR_PIXELS = 24  # height of a bar with its gap
_MAX_BAR_NAME = 34  # characters of a name beside its bar
_MIN_COST_SHARE = 0.005  # relative to the largest kind of cost; smaller ones are not drawn


def _build_cost_chart(comparison: Comparison) -> Iterator[Chart]:
    """Yield the bar chart of cost by kind."""
    rows = _list_cost_rows(comparison)
    largest = max((abs(value) for row in rows for value in row.values if value), default=0.0)
    rows = [row for row in rows if max(abs(value or 0.0) for value in row.values) > _MIN_COST_SHARE * largest]
    if not rows:
        return
    size, word = choose_money_scale(value or 0.0 for row in rows for value in row.values)
    series = [
        build_bar_series(name, n, [None if row.values[n] is None else (row.values[n] or 0.0) / size for row in rows])
        for n, name in enumerate(_list_labels(comparison))
    ]
    axis = ChartAxis("cost", f"{word}{comparison.summaries[0].currency}")
    most = max(rows, key=lambda row: row.largest_difference)
    title = f"Cost by kind; largest change: {COST_KINDS[most.item]}" if most.differs else "Cost by kind; no difference"
    items, tables = [COST_KINDS[row.item] for row in rows], (_build_cost_table(comparison),)
    yield _draw_bars(title, axis, items, series, tables=tables)


def _build_stream_chart(comparison: Comparison) -> Iterator[Chart]:
    """Yield the bar chart of the changes in tonnes taken by stream."""
    rows = sorted(
        (row for row in comparison.select_part("streams") if row.differs and row.largest_difference),
        key=lambda row: -row.largest_difference,
    )
    if not rows:
        return
    drawn = rows[:MAX_BARS]
    series = [
        build_bar_series(name, n, [(row.values[n] or 0.0) - (row.values[0] or 0.0) for row in drawn])
        for n, name in enumerate(_list_labels(comparison))
        if n and comparison.summaries[n].quantities
    ]
    first = _list_labels(comparison)[0]
    title = f"Change of supply taken against {first}; largest: {escape_text(rows[0].item)}"
    notes = (f"The {MAX_BARS} of {len(rows):,} streams with the largest change.",) if len(rows) > MAX_BARS else ()
    axis = ChartAxis(f"change against {first}", "t")
    yield _draw_bars(title, axis, [escape_text(row.item) for row in drawn], series, notes=notes)


def _draw_bars(title: str, axis: ChartAxis, items: list[str], series: list[dict[str, Any]], **more: Any) -> Chart:
    """Return horizontal bars, names on the left, the first at the top."""
    up = ChartAxis(
        "", names=items, extra={"inverse": True, "data": [shorten_name(item, _MAX_BAR_NAME) for item in items]}
    )
    option = build_plot_option(axis, up, series, legend=len(series) > 1)
    return Chart(title, option, height=130 + _BAR_PIXELS * len(items) * max(len(series), 1), **more)


COMPARISON_FORMAT = "medalopt/comparison/1"
_ROW_MEMBERS = ("part", "item", "unit", "values", "differs")


def build_comparison_report(comparison: Comparison) -> Report:
    """Build the report of a comparison.

    Returns:
        The report; a terminal shows the rows that differ most.
    """
    charts = (*_build_cost_chart(comparison), *_build_stream_chart(comparison))
    drawn = {table.key for chart in charts for table in chart.tables}
    first, *others = _list_labels(comparison)
    return Report(
        f"{first} compared with {', '.join(others)}",
        _summarize_comparison(comparison),
        tuple(table for table in _build_comparison_tables(comparison) if table.key not in drawn),
        charts=charts,
        foot=tuple(f"{summary.name}: SHA-256 of its values {summary.digest}." for summary in comparison.summaries),
        screen=_build_comparison_tables(comparison, _MAX_TABLE_ROWS),
        single=_list_all_rows(comparison),
        json=lambda _: _render_comparison_json(comparison),
    )


def _render_comparison_json(comparison: Comparison) -> str:
    """Render a comparison as JSON: every value of every plan, and the differences in the data."""
    return render_json(
        {
            "format": COMPARISON_FORMAT,
            "subjects": [
                {
                    "name": summary.name,
                    "label": label,
                    "status": summary.status,
                    "currency": summary.currency,
                    "figures": summary.digest,
                }
                for label, summary in zip(comparison.labels, comparison.summaries, strict=True)
            ],
            "data": [
                {"path": difference.path, "subject": other.name, "from": difference.values[0], "to": value}
                for difference in comparison.parameter_differences
                for other, value in zip(comparison.summaries[1:], difference.values[1:], strict=True)
                if other.source_values is not None and value != difference.values[0]
            ],
            "rows": [{name: getattr(row, name) for name in _ROW_MEMBERS} for row in comparison.rows],
        }
    )


def _list_all_rows(comparison: Comparison) -> ReportTable:
    """Return every parameter that differs and every result as one table, a column for each subject."""
    columns = (
        *(ReportColumn(name, name) for name in ("part", "item", "unit")),
        *(ReportColumn(summary.name, summary.name, "") for summary in comparison.summaries),
    )
    rows = (
        *(("data", difference.path, "", *difference.values) for difference in comparison.parameter_differences),
        *((row.part, row.item, row.unit, *row.values) for row in comparison.rows),
    )
    return ReportTable("comparison", "All rows", "Every parameter that differs, and every result.", columns, rows)


_MAX_RANKED = 5  # number of best, and of worst, scenarios shown
_MAX_PATH_COLUMNS = 3  # greatest number of parameters with a column each
_SCENARIO_STATUS_WORDS = {"infeasible": "infeasible", "wrong": "invalid", "unanswered": "not solved"}


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

    Returns:
        The report; a terminal shows the best and the worst scenarios.
    """
    ranked = _rank_scenarios(rows)
    whole = _build_scenario_table("scenarios", "Scenarios by objective", ranked, unit)
    best = _build_scenario_table("best", "Lowest objective", ranked[:_MAX_RANKED], unit)
    worst = _build_scenario_table("worst", "Highest objective or infeasible", ranked[-_MAX_RANKED:], unit)
    screen = (whole,) if len(ranked) <= 2 * _MAX_RANKED else (best, worst)
    return make_report(
        instance,
        "Scenarios of {}",
        _summarize_sweep(unit, rows, of),
        lambda: {"format": "medalopt/sweep/1", "scenarios": list(map(_build_row, rows))},
        tables=(whole,) if rows else (),
        charts=tuple(_build_objective_chart(unit, ranked)),
        screen=screen if rows else (),
        single=_list_scenarios(rows),
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


def _summarize_sweep(unit: str, rows: Sequence[SweepResult], of: int) -> list[str]:
    """Return the numbers of scenarios by status, the range of the objective, and the first error messages."""
    counts = {
        status: sum(row.result.status == status for row in rows) for status in ("optimal", *_SCENARIO_STATUS_WORDS)
    }
    lines = [f"Interrupted: {len(rows):,} of {of:,} scenarios solved."] if len(rows) < of else []
    plans = [row for row in _rank_scenarios(rows) if row.result.value is not None]
    if plans:
        ends = [(format_money(row.result.value or 0.0, unit), _name_scenario(row)) for row in (plans[0], plans[-1])]
        best, worst = (f"{value} ({name})" for value, name in ends)
        lines.append(f"Optimal: {counts['optimal']:,} of {format_count(of, 'scenario')}.")
        lines += [f"Lowest: {best}.", f"Highest: {worst}."] if len(plans) > 1 else [f"Objective: {best}."]
    if counts["infeasible"]:
        lines.append(f"Infeasible (proven): {format_count(counts['infeasible'], 'scenario')}.")
    for row in [row for row in rows if row.result.said][:_MAX_RANKED]:
        lines.append(
            f"{_name_scenario(row)}: {_SCENARIO_STATUS_WORDS[row.result.status]}: {escape_text(row.result.said, 300)}."
        )
    more = counts["wrong"] + counts["unanswered"] - _MAX_RANKED
    return [*lines, *([f"{more:,} more are invalid or not solved."] if more > 0 else [])]


def _name_scenario(row: SweepResult) -> str:
    """Return the name of a scenario in a sentence."""
    return f"scenario {escape_text(row.scenario.name)}"


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
    lines: list[list[CellValue]] = [
        [row.scenario.name, show_value(row.result.value, _SCENARIO_STATUS_WORDS.get(row.result.status, ""))]
        for row in rows
    ]
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
