"""Report of a comparison of plans: differing parameters, decisions and costs, with charts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from medalopt.analysis.compare.comparison import Comparison, ComparisonRow
from medalopt.analysis.compare.instance_diff import count_by_section
from medalopt.plan.tables import ROUNDING_TOLERANCE
from medalopt.report.charts.chart import COLOURS, Chart, ChartAxis, build_plot_option, shorten_name
from medalopt.report.document import CellValue, Report, ReportColumn, ReportTable, ShownValue
from medalopt.report.numbers import choose_money_scale, format_money, format_number, format_share
from medalopt.report.plan_json import render_json
from medalopt.report.solve_tables import COST_KINDS
from medalopt.text import escape_text

_MAX_TABLE_ROWS = 20  # rows of a table that a person is shown
_NO_PLAN, _LEFT_OUT = "no plan", "–"
_STATUS_WORDS = {"infeasible": _NO_PLAN, "unanswered": "no answer"}
_MAX_LABEL = 40  # characters
_PART_TITLES = {
    "streams": ("What differs in what is taken from whom", "t"),
    "treatments": ("What differs in the treatments, devices", "t"),
    "smelters": ("What differs by smelter, devices whose feed goes there", "t"),
    "purchases": ("What differs in what is bought", "kg"),
    "metals": ("What differs in the metal", "kg"),
}


def _list_labels(found: Comparison) -> list[str]:
    """Return the column headings of the subjects.

    Args:
        found: Comparison.

    Returns:
        One heading for each subject, shortened.
    """
    return [escape_text(label, _MAX_LABEL) for label in found.labels]


def _summarize_comparison(found: Comparison) -> tuple[str, ...]:
    """Return the headline: cost of each subject against the first, and the number of differing parameters.

    Args:
        found: Comparison.

    Returns:
        The sentences.
    """
    said = [_describe_cost_difference(found, number) for number in range(1, len(found.outcomes))]
    if found.outcomes[0].data is not None:
        said.append(_describe_data_difference(found))
    for name, one in zip(_list_labels(found), found.outcomes, strict=True):
        if one.data is None:
            said.append(f"{name}: its figures are not known here (its instance is missing, or has changed).")
        if one.saved:
            said.append(f"{name}: as it was saved; medalopt verify checks it.")
    return tuple(said)


def _describe_cost_difference(found: Comparison, number: int) -> str:
    """Return the cost difference of one subject to the first, or which of them has no plan."""
    first, other = (_list_labels(found)[n] for n in (0, number))
    row, currency = found.cost, found.outcomes[0].currency
    here, there = (None, None) if row is None else (row.values[0], row.values[number])
    if row is None or here is None or there is None:
        empty = [
            (_list_labels(found)[n], found.outcomes[n].status) for n in (0, number) if not found.outcomes[n].figures
        ]
        none = " and ".join(name for name, status in empty if status != "unanswered")
        open_ = " and ".join(name for name, status in empty if status == "unanswered")
        said = [f"There is no plan for {none}; medalopt explain says why."] if none else []
        return " ".join([*said, *([f"No answer could be proven for {open_}."] if open_ else [])])
    more = there - here
    if not row.differs or abs(more) <= ROUNDING_TOLERANCE * abs(here):
        return f"{other} costs the same as {first}: {format_money(there, currency)}."
    size = (
        f"{format_money(abs(more), currency)} ({format_share(abs(more), abs(here))}) {'more' if more > 0 else 'less'}"
    )
    return f"{other} costs {size} than {first}: {format_money(there, currency)}{_describe_main_kind(found, number)}."


def _describe_main_kind(found: Comparison, number: int) -> str:
    """Return the kind of cost with the largest difference."""
    changes = [
        (there - here, row.item)
        for row in found.of("cost")
        if (here := row.values[0]) is not None and (there := row.values[number]) is not None
    ]
    most, kind = max(changes, key=lambda one: abs(one[0]))
    sign = "+" if most > 0 else "−"
    return f", above all {COST_KINDS[kind]} ({sign}{format_money(abs(most))})" if most and kind in COST_KINDS else ""


def _describe_data_difference(found: Comparison) -> str:
    """Return the number of differing parameters by section."""
    count = len(found.data)
    if not count:
        return "No figure differs."
    where = ", ".join(f"{section} {number:,}" for section, number in count_by_section(found.data))
    return f"{count:,} figure{' differs' if count == 1 else 's differ'}: {where}."


def _build_comparison_tables(found: Comparison, most: int | None = None) -> tuple[ReportTable, ...]:
    """Return the tables of a comparison that have rows.

    Args:
        found: Comparison.
        most: Greatest number of rows of a table, those that differ most; None: all.

    Returns:
        Totals, parameters, cost by kind, and decisions.
    """
    made = (
        _build_totals_table(found),
        _build_data_table(found, most),
        _build_cost_table(found),
        *(_build_difference_table(found, part, most) for part in _PART_TITLES),
    )
    return tuple(table for table in made if table.rows)


def _build_totals_table(found: Comparison) -> ReportTable:
    """Return the table of totals."""
    rows = found.of("totals")
    status = [one.status if one.figures else _STATUS_WORDS[one.status] for one in found.outcomes]
    columns = [ReportColumn("item", ""), ReportColumn("unit", "unit"), *_make_value_columns(found, "")]
    lines: list[tuple[CellValue, ...]] = [("status", "", *status, *([""] if len(found.outcomes) == 2 else []))]
    lines += [(row.item, row.unit, *_list_values(row)) for row in rows]
    says = "Status, objective and totals of each."
    return ReportTable("totals", "What they come to", says, tuple(columns), tuple(lines))


def _build_data_table(found: Comparison, most: int | None) -> ReportTable:
    """Return the table of differing parameters, a row for each path."""
    listed = found.data[:most]
    rest = len(found.data) - len(listed)
    columns = [ReportColumn("figure", "figure")]
    columns += [replace(column, style="fixed") for column in _make_value_columns(found, "")[: len(found.outcomes)]]
    rows = tuple(
        (one.path, *(ShownValue(None, _LEFT_OUT) if value is None else value for value in one.values)) for one in listed
    )
    notes = [f"{rest:,} more figures differ (-o NAME.csv, --json)."] if rest else []
    notes += ["–: left out there, or not known."] if any(None in one.values for one in listed) else []
    says = "Figures that are not the same in all, as they are written."
    return ReportTable("data", "What differs in the data", says, tuple(columns), rows, tuple(notes))


def _build_cost_table(found: Comparison) -> ReportTable:
    """Return the table of cost by kind."""
    rows = tuple((COST_KINDS[row.item], *_list_values(row)) for row in _list_cost_rows(found))
    columns = (ReportColumn("item", ""), *_make_value_columns(found, found.outcomes[0].currency))
    return ReportTable("cost", "Cost by kind", "Kinds of cost, in the currency of the instance.", columns, rows)


def _build_difference_table(found: Comparison, part: str, most: int | None) -> ReportTable:
    """Return the table of one part of the decisions, the largest differences first."""
    title, unit = _PART_TITLES[part]
    differing = sorted((row for row in found.of(part) if row.differs), key=lambda row: -row.most)
    listed = differing[:most]
    rest = len(differing) - len(listed)
    notes = (f"{rest:,} more differ (-o NAME.csv, --json).",) if rest else ()
    columns = (ReportColumn("item", ""), *_make_value_columns(found, unit))
    rows = tuple((row.item, *_list_values(row)) for row in listed)
    return ReportTable(part, title, "Rows that agree in all are left out.", columns, rows, notes)


def _make_value_columns(found: Comparison, unit: str) -> list[ReportColumn]:
    """Return a column for each subject; with two subjects also the change."""
    named = zip(found.outcomes, _list_labels(found), strict=True)
    columns = [ReportColumn(one.name, label, unit, style="significant") for one, label in named]
    return [*columns, *([ReportColumn("change", "change", unit)] if len(found.outcomes) == 2 else [])]


def _list_values(row: ComparisonRow) -> list[CellValue]:
    """Return the values of a row; with two subjects also the change from the first to the second."""
    cells: list[CellValue] = [ShownValue(None, _NO_PLAN) if value is None else value for value in row.values]
    if len(row.values) != 2:
        return cells
    first, second = row.values
    if first is None or second is None:
        return [*cells, None]
    sign = "+" if second > first else "−"
    change = f"{sign}{format_number(abs(second - first))}" if row.differs else "0"
    return [*cells, ShownValue(second - first if row.differs else 0.0, change)]


def _list_cost_rows(found: Comparison) -> list[ComparisonRow]:
    """Return the kinds of cost that are above rounding in any subject.

    Args:
        found: Comparison.

    Returns:
        The rows of the comparison.
    """
    rows = found.of("cost")
    largest = max((abs(value) for row in rows for value in row.values if value), default=0.0)
    return [row for row in rows if any(abs(value or 0.0) > ROUNDING_TOLERANCE * largest for value in row.values)]


MAX_BARS = 15  # bars of each plan
_BAR_PIXELS = 24  # height of a bar with its gap
_MAX_BAR_NAME = 34  # characters of a name beside its bar
_MIN_COST_SHARE = 0.005  # relative to the largest kind of cost; smaller ones are not drawn


def _build_comparison_charts(found: Comparison) -> tuple[Chart, ...]:
    """Return the charts of a comparison.

    Args:
        found: Comparison.

    Returns:
        The charts that have data.
    """
    return (*_build_cost_chart(found), *_build_stream_chart(found))


def _build_cost_chart(found: Comparison) -> Iterator[Chart]:
    """Yield the bar chart of cost by kind."""
    rows = _list_cost_rows(found)
    largest = max((abs(value) for row in rows for value in row.values if value), default=0.0)
    rows = [row for row in rows if max(abs(value or 0.0) for value in row.values) > _MIN_COST_SHARE * largest]
    if not rows:
        return
    size, word = choose_money_scale(value or 0.0 for row in rows for value in row.values)
    series = [
        _build_bar_series(name, n, [None if row.values[n] is None else (row.values[n] or 0.0) / size for row in rows])
        for n, name in enumerate(_list_labels(found))
    ]
    axis = ChartAxis("cost", f"{word}{found.outcomes[0].currency}")
    option = _build_bar_option(axis, [COST_KINDS[row.item] for row in rows], series)
    most = max(rows, key=lambda row: row.most)
    title = (
        f"Cost by kind: most differs in {COST_KINDS[most.item]}" if most.differs else "Cost by kind: nothing differs"
    )
    yield Chart(title, option, (_build_cost_table(found),), height=_get_chart_height(len(rows), len(series)))


def _build_stream_chart(found: Comparison) -> Iterator[Chart]:
    """Yield the bar chart of the changes in tonnes taken by stream."""
    rows = sorted((row for row in found.of("streams") if row.differs and row.most), key=lambda row: -row.most)
    if not rows:
        return
    drawn = rows[:MAX_BARS]
    series = [
        _build_bar_series(name, n, [(row.values[n] or 0.0) - (row.values[0] or 0.0) for row in drawn])
        for n, name in enumerate(_list_labels(found))
        if n and found.outcomes[n].figures
    ]
    first = _list_labels(found)[0]
    title = f"What is taken otherwise than in {first}: most from {escape_text(rows[0].item)}"
    notes = (f"The {MAX_BARS} of {len(rows):,} streams that differ most.",) if len(rows) > MAX_BARS else ()
    option = _build_bar_option(
        ChartAxis(f"more or less than in {first}", "t"), [escape_text(row.item) for row in drawn], series
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


def build_comparison_report(found: Comparison) -> Report:
    """Build the report of a comparison.

    Args:
        found: Comparison.

    Returns:
        The report; a terminal shows the rows that differ most.
    """
    charts = _build_comparison_charts(found)
    drawn = {table.key for chart in charts for table in chart.tables if isinstance(table, ReportTable)}
    return Report(
        _title_comparison(found),
        _summarize_comparison(found),
        tuple(table for table in _build_comparison_tables(found) if table.key not in drawn),
        charts=charts,
        foot=tuple(f"{one.name}: sha256 of its figures {one.digest}." for one in found.outcomes),
        screen=_build_comparison_tables(found, _MAX_TABLE_ROWS),
        single=_list_all_rows(found),
        json=lambda _: _render_comparison_json(found),
    )


def _render_comparison_json(found: Comparison) -> str:
    """Render a comparison as JSON: every value of every plan, and the differences in the data.

    Args:
        found: Comparison.

    Returns:
        The JSON text.
    """
    return render_json(
        {
            "format": COMPARISON_FORMAT,
            "subjects": [
                {
                    "name": one.name,
                    "label": label,
                    "status": one.status,
                    "currency": one.currency,
                    "figures": one.digest,
                }
                for label, one in zip(found.labels, found.outcomes, strict=True)
            ],
            "data": list(_list_data_rows(found)),
            "rows": [
                {
                    "part": row.part,
                    "item": row.item,
                    "unit": row.unit,
                    "values": list(row.values),
                    "differs": row.differs,
                }
                for row in found.rows
            ],
        }
    )


def _list_data_rows(found: Comparison) -> list[dict[str, Any]]:
    """Return a row for each parameter and each subject in which it differs from the first."""
    return [
        {"path": one.path, "subject": other.name, "from": one.values[0], "to": value}
        for one in found.data
        for other, value in zip(found.outcomes[1:], one.values[1:], strict=True)
        if other.data is not None and value != one.values[0]
    ]


def _list_all_rows(found: Comparison) -> ReportTable:
    """Return every parameter that differs and every result as one table, a column for each subject."""
    columns = (
        *(ReportColumn(name, name) for name in ("part", "item", "unit")),
        *(ReportColumn(one.name, one.name, "") for one in found.outcomes),
    )
    rows = (
        *(("data", one.path, "", *one.values) for one in found.data),
        *((row.part, row.item, row.unit, *row.values) for row in found.rows),
    )
    return ReportTable("comparison", "All rows", "Every figure that differs, and every result.", columns, rows)


def _title_comparison(found: Comparison) -> str:
    """Return the title of the report."""
    first, *others = _list_labels(found)
    return f"{first} compared with {', '.join(others)}"
