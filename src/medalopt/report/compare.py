"""Report of a comparison of plans: differing parameters, decisions and costs, with charts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from medalopt.analysis.compare.comparison import Comparison, ComparisonRow, count_by_section
from medalopt.report.charts.chart import COLOURS, Chart, ChartAxis, build_plot_option, shorten_name
from medalopt.report.document import CellValue, Report, ReportColumn, ReportTable, ShownValue
from medalopt.report.numbers import choose_money_scale, format_money, format_number, format_share
from medalopt.report.render.json import render_json
from medalopt.report.solve_tables import COST_KINDS
from medalopt.text import escape_text
from medalopt.tolerances import AMOUNT_TOLERANCE

_MAX_TABLE_ROWS = 10  # rows of a table that a person is shown
_LEFT_OUT = "–"
_STATUS_WORDS = {"infeasible": "infeasible", "unanswered": "not solved"}
_MAX_LABEL = 40  # characters
_PART_TITLES = {
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
    """Return the table of differing parameters, a row for each path."""
    listed = comparison.parameter_differences[:maximum]
    rest = len(comparison.parameter_differences) - len(listed)
    columns = [ReportColumn("figure", "parameter")]
    columns += [
        replace(column, style="fixed") for column in _make_value_columns(comparison, "")[: len(comparison.summaries)]
    ]
    rows = tuple(
        (difference.path, *(ShownValue(None, _LEFT_OUT) if value is None else value for value in difference.values))
        for difference in listed
    )
    notes = [f"{rest:,} more (-o NAME.csv, --json)."] if rest else []
    notes += ["–: not given, or unknown."] if any(None in one.values for one in listed) else []
    text = "Parameters that are not the same in all, as written in the files."
    return ReportTable("data", "Parameters that differ", text, tuple(columns), rows, tuple(notes))


def _build_cost_table(comparison: Comparison) -> ReportTable:
    """Return the table of cost by kind."""
    rows = tuple((COST_KINDS[row.item], *_list_values(row)) for row in _list_cost_rows(comparison))
    columns = (ReportColumn("item", ""), *_make_value_columns(comparison, comparison.summaries[0].currency))
    return ReportTable("cost", "Cost by kind", "Kinds of cost, in the currency of the instance.", columns, rows)


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
    cells: list[CellValue] = [ShownValue(None, _LEFT_OUT) if value is None else value for value in row.values]
    if len(row.values) != 2:
        return cells
    first, second = row.values
    if first is None or second is None:
        return [*cells, None]
    sign = "+" if second > first else "−"
    change = f"{sign}{format_number(abs(second - first))}" if row.differs else "0"
    return [*cells, ShownValue(second - first if row.differs else 0.0, change)]


def _list_cost_rows(comparison: Comparison) -> list[ComparisonRow]:
    """Return the kinds of cost that are above rounding in any subject."""
    rows = comparison.select_part("cost")
    largest = max((abs(value) for row in rows for value in row.values if value), default=0.0)
    return [row for row in rows if any(abs(value or 0.0) > AMOUNT_TOLERANCE * largest for value in row.values)]


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
        _build_bar_series(name, n, [None if row.values[n] is None else (row.values[n] or 0.0) / size for row in rows])
        for n, name in enumerate(_list_labels(comparison))
    ]
    axis = ChartAxis("cost", f"{word}{comparison.summaries[0].currency}")
    option = _build_bar_option(axis, [COST_KINDS[row.item] for row in rows], series)
    most = max(rows, key=lambda row: row.largest_difference)
    title = f"Cost by kind; largest change: {COST_KINDS[most.item]}" if most.differs else "Cost by kind; no difference"
    yield Chart(title, option, (_build_cost_table(comparison),), height=_get_chart_height(len(rows), len(series)))


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
        _build_bar_series(name, n, [(row.values[n] or 0.0) - (row.values[0] or 0.0) for row in drawn])
        for n, name in enumerate(_list_labels(comparison))
        if n and comparison.summaries[n].quantities
    ]
    first = _list_labels(comparison)[0]
    title = f"Change of supply taken against {first}; largest: {escape_text(rows[0].item)}"
    notes = (f"The {MAX_BARS} of {len(rows):,} streams with the largest change.",) if len(rows) > MAX_BARS else ()
    option = _build_bar_option(
        ChartAxis(f"change against {first}", "t"), [escape_text(row.item) for row in drawn], series
    )
    yield Chart(title, option, notes=notes, height=_get_chart_height(len(drawn), len(series)))


def _build_bar_series(name: str, number: int, values: list[float | None]) -> dict[str, Any]:
    """Return the bars of one plan, in the same colour in every chart."""
    colour = COLOURS[number % len(COLOURS)]
    return {"type": "bar", "name": name, "data": values, "barMaxWidth": 18, "itemStyle": {"color": colour}}


def _build_bar_option(axis: ChartAxis, items: list[str], series: list[dict[str, Any]]) -> dict[str, Any]:
    """Return horizontal bars, names on the left, the first at the top."""
    up = ChartAxis(
        "", names=items, extra={"inverse": True, "data": [shorten_name(item, _MAX_BAR_NAME) for item in items]}
    )
    return build_plot_option(axis, up, series, legend=len(series) > 1)


def _get_chart_height(rows: int, series: int) -> int:
    """Return the height of a chart in pixels."""
    return 130 + _BAR_PIXELS * rows * max(series, 1)


COMPARISON_FORMAT = "medalopt/comparison/1"


def build_comparison_report(comparison: Comparison) -> Report:
    """Build the report of a comparison.

    Args:
        comparison: Comparison.

    Returns:
        The report; a terminal shows the rows that differ most.
    """
    charts = (*_build_cost_chart(comparison), *_build_stream_chart(comparison))
    drawn = {table.key for chart in charts for table in chart.tables}
    return Report(
        _title_comparison(comparison),
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
            "data": list(_list_data_rows(comparison)),
            "rows": [
                {
                    "part": row.part,
                    "item": row.item,
                    "unit": row.unit,
                    "values": list(row.values),
                    "differs": row.differs,
                }
                for row in comparison.rows
            ],
        }
    )


def _list_data_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return a row for each parameter and each subject in which it differs from the first."""
    return [
        {"path": difference.path, "subject": other.name, "from": difference.values[0], "to": value}
        for difference in comparison.parameter_differences
        for other, value in zip(comparison.summaries[1:], difference.values[1:], strict=True)
        if other.source_values is not None and value != difference.values[0]
    ]


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


def _title_comparison(comparison: Comparison) -> str:
    """Return the title of the report."""
    first, *others = _list_labels(comparison)
    return f"{first} compared with {', '.join(others)}"
