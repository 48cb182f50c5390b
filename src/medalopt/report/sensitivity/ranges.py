"""Sensitivity ranges of parameters: tables of right-hand sides, costs and unused costs, and JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from medalopt.analysis.infeasibility.messages import name_parameter
from medalopt.analysis.sensitivity.ranges import SensitivityRange, SensitivityRangeEnd, SensitivityRanges
from medalopt.instance.confidence import needs_cuts
from medalopt.report.charts import Chart
from medalopt.report.document import CellValue, ReportColumn, ReportTable, ShownValue, limit_rows, show_value
from medalopt.report.explain import describe_kept_lots
from medalopt.report.numbers import format_money, format_number
from medalopt.report.sensitivity.report_part import (
    LossBar,
    SensitivityPart,
    draw_loss_bars,
    name_objective,
    title_parameter,
)
from medalopt.report.solve import describe_objective, describe_status
from medalopt.text import escape_text, list_first, parse_path

MOST_TABLE_ROWS = 8  # rows of a table
_LEAST_COST_SHARE = 1e-3  # of the objective: least value of a parameter at its price whose range is listed
_HEADLINE_COST_SHARE = 1e-2  # of the objective: least value of a cost named in the summary
_MOST_UNPROVEN = 6  # parameters named as not proven
_MOST_EFFECTS = 12  # bars of the chart
_MOST_SOURCES = 2  # sources named at an end of a range


def report_ranges(ranges: SensitivityRanges) -> SensitivityPart:
    """Report the sensitivity range of every cost and right-hand-side parameter.

    Returns:
        Summary lines, a chart of the largest effects, up to three tables, and the JSON members `status`, `objective`,
        `ranges` and `unproven`.
    """
    tables = tuple(
        table
        for table in (_rhs_table(ranges), _cost_table(ranges), _unused_cost_table(ranges), _replanned_table(ranges))
        if table.rows
    )
    plan = ranges.chosen
    objective = {"measure": plan.measure, "value": plan.objective, "unit": plan.unit}
    members = {
        "status": plan.status,
        "objective": objective,
        "ranges": [
            {
                **{name: getattr(row, name) for name in _RANGE_MEMBERS},
                "below_low": _encode_plan_change(row.at_low),
                "above_high": _encode_plan_change(row.at_high),
            }
            for row in ranges.rows
        ],
    }
    members["unproven"] = list(ranges.unproven)
    if ranges.lots is not None:
        replanned = [
            {"path": row.path, "kept": list(row.kept), "resolved": list(row.resolved)} for row in ranges.replanned
        ]
        members["lots"] = {"kept": True, "charges": ranges.lots.charges, "replanned": replanned}
    screen = tuple(limit_rows(table, MOST_TABLE_ROWS, "{} more (-o NAME.xlsx, --json).") for table in tables)
    heading = "Shadow prices and sensitivity ranges"
    charts, lines = tuple(_draw_effects(ranges)), tuple(_range_lines(ranges))
    in_lots = ranges.lots is not None
    return SensitivityPart(lines, tables, charts, members, heading=heading, screen=screen, in_lots=in_lots)


def _replanned_table(ranges: SensitivityRanges) -> ReportTable:
    """Return what a change of the largest parameters by 10 % costs with lots kept, and with lots re-planned."""
    unit = ranges.plan.unit
    columns = (
        ReportColumn("path", "parameter"),
        *(
            ReportColumn(f"{name}_{end}", f"{sign}10 %, {words}", unit, style="money")
            for end, sign in (("less", "−"), ("more", "+"))
            for name, words in (("kept", "lots kept"), ("resolved", "re-planned"))
        ),
    )
    rows = tuple(
        (
            name_parameter(ranges.plan.instance, parse_path(row.path)),
            *(show_value(value, "–") for end in (0, 1) for value in (row.kept[end], row.resolved[end])),
        )
        for row in ranges.replanned
    )
    title = "The largest parameters, with lots re-planned"
    text = "Change of the objective at the shadow price, with the lots of the plan kept, and with a plan of its own."
    return ReportTable("replanned", title, text, columns, rows)


_RANGE_MEMBERS = ("path", "unit", "value", "price_up", "price_down", "low", "high")


def _encode_plan_change(turn: SensitivityRangeEnd) -> dict[str, Any]:
    return {
        "plan": not turn.stops,
        "takes": [
            {"what": change.name, "amount": change.amount, "unit": change.unit} for change in (*turn.more, *turn.less)
        ],
    }


def _range_lines(ranges: SensitivityRanges) -> list[str]:
    plan = ranges.chosen
    lines = [describe_status(plan), describe_objective(plan)]
    lines += [] if ranges.lots is None else describe_kept_lots(ranges.lots)
    listed = _select_right_hand_sides(ranges)
    if listed:
        lines.append(f"Largest effect: {_describe_shadow_price(ranges, listed[0])}.")
    costs = sorted(_select_costs(ranges, _HEADLINE_COST_SHARE), key=_relative_allowance)
    labels = ("Tightest cost range", "Next tightest")
    lines += [f"{label}: {_describe_range(ranges, row)}." for label, row in zip(labels, costs, strict=False)]
    kinked = sum(row.has_kink for row in ranges.rows)
    lines.append(f"Varied one at a time: {len(ranges.rows)} cost and right-hand-side parameters.")
    if kinked:
        lines.append(f"For {kinked} of them the shadow price differs between increase and decrease.")
    if needs_cuts(plan.instance):
        lines.append("The promised confidence is linearised at the plan: ranges are upper bounds, shadow prices hold.")
    if ranges.unproven:
        named = list_first(list(map(escape_text, ranges.unproven)), _MOST_UNPROVEN)
        lines.append(f"Not verified, therefore omitted: {named}.")
    if ranges.only is None:
        lines.append("Alternative optima: could not be proven or excluded.")
    elif not ranges.only:
        lines.append("Alternative optima exist; prices and ranges hold for all of them.")
    return lines


def _describe_shadow_price(ranges: SensitivityRanges, row: SensitivityRange) -> str:
    """Describe a right-hand side with its shadow prices: `medals.gold.count (38), +1 unit +49,480 JPY`."""
    unit = f" {row.unit}" if row.unit else ""
    prices = [
        f"{sign}1{unit or ' unit'}: {'infeasible' if price is None else _format_signed(price, ranges.plan.unit)}"
        for sign, price in (("+", row.price_up), ("−", row.price_down))
    ]
    return f"{_name_parameter(ranges, row)} ({format_number(row.value)}{unit}); {'; '.join(prices)}"


def _draw_effects(ranges: SensitivityRanges) -> Iterator[Chart]:
    """Yield the bars of the largest effects of 1 % more of a parameter; nothing where none has an effect."""
    effects = {row: 0.01 * abs(row.value) * row.price_up for row in ranges.rows if row.price_up}
    listed = sorted(effects, key=lambda row: -abs(effects[row]))[:_MOST_EFFECTS]
    if not listed:
        return
    unit, names = ranges.plan.unit, [_name_parameter(ranges, row) for row in listed]
    titles = [_title_parameter(ranges, row) for row in listed]
    columns = (ReportColumn("figure", "parameter"), ReportColumn("change", "change", unit, style="signed"))
    rows = tuple((ShownValue(row.path, name), effects[row]) for row, name in zip(listed, names, strict=True))
    what = name_objective(unit).capitalize()
    title, text = f"{what} of 1 % more of a parameter", "1 % of the value at its shadow price for an increase."
    table = ReportTable("effects", title, text, columns, rows)
    bars = [LossBar(name, effects[row]) for row, name in zip(listed, titles, strict=True)]
    finding = f"{title}: largest {titles[0]}, {_format_signed(effects[listed[0]], unit)}"
    notes = ("At the shadow price for an increase, which holds within the range of the parameter.",)
    yield replace(draw_loss_bars(finding, bars, unit, table), notes=notes)


def _title_parameter(ranges: SensitivityRanges, row: SensitivityRange) -> str:
    """Return the title of a parameter, with its period where it has one."""
    path, name = parse_path(row.path), _name_parameter(ranges, row)
    period = name.rpartition(" ")[2] if isinstance(path[-1], int) and " " in name else ""
    return f"{title_parameter(ranges.plan.instance, path)} {period}".strip()


def _format_signed(amount: float, unit: str) -> str:
    return f"{'+' if amount > 0 else ''}{format_money(amount, unit)}"


def _describe_range(ranges: SensitivityRanges, row: SensitivityRange) -> str:
    """Describe the range of a cost at its nearer end, and the change of the plan beyond it."""
    ends = [(end, turn) for end, turn in ((row.low, row.at_low), (row.high, row.at_high)) if end is not None]
    end, turn = min(ends, key=lambda one: abs(one[0] - row.value))
    direction = "below" if end < row.value else "above"
    then = f" ({_describe_plan_change(turn)})" if _describe_plan_change(turn) else ""
    unit = f" {row.unit}" if row.unit else ""
    now = f"{_name_parameter(ranges, row)} ({format_number(row.value)}{unit})"
    return f"{now}; the plan changes {direction} {format_number(end)}{unit}{then}"


def _name_parameter(ranges: SensitivityRanges, row: SensitivityRange) -> str:
    return name_parameter(ranges.plan.instance, parse_path(row.path))


def _rhs_table(ranges: SensitivityRanges) -> ReportTable:
    """Return right-hand-side parameters with their shadow prices, the largest total value first."""
    unit = ranges.plan.unit
    columns = (
        *_PARAMETER_COLUMNS,
        ReportColumn("price_up", "+1 unit", unit, style="money"),
        ReportColumn("price_down", "−1 unit", unit, style="money"),
        *_RANGE_COLUMNS,
    )
    rows = tuple(
        (
            *_parameter_cells(ranges, row),
            show_value(row.price_up, "infeasible"),
            show_value(row.price_down, "infeasible"),
            *_range_cells(row),
        )
        for row in _order_by_list(_select_right_hand_sides(ranges))
    )
    title = "Shadow prices of right-hand sides, largest value first"
    text = "Change of the objective for one unit more and less, and the range in which it holds."
    return ReportTable("right_hand_sides", title, text, columns, rows)


def _select_right_hand_sides(ranges: SensitivityRanges) -> list[SensitivityRange]:
    """Return the right-hand sides with a shadow price, the largest total value first."""
    listed = (row for row in ranges.rows if not row.costs and _shadow_price(row))
    return sorted(listed, key=lambda row: -_total_value(row))


def _order_by_list(listed: list[SensitivityRange]) -> list[SensitivityRange]:
    """Move the first parameter of each list to the front where the table cannot hold all rows."""
    if len(listed) <= MOST_TABLE_ROWS:
        return listed
    first = set({row.path.partition("[")[0]: row.path for row in reversed(listed)}.values())
    return sorted(listed, key=lambda row: row.path not in first)


def _cost_table(ranges: SensitivityRanges) -> ReportTable:
    """Return the costs with a finite range, the largest effect on the objective first."""
    listed = sorted(_select_costs(ranges, _LEAST_COST_SHARE), key=lambda row: -_total_value(row))
    return _tabulate_costs(ranges, "costs", "Sensitivity ranges of costs, largest cost first", listed)


def _tabulate_costs(ranges: SensitivityRanges, key: str, title: str, listed: list[SensitivityRange]) -> ReportTable:
    """Return a table of costs with the range in which the plan remains optimal."""
    rows = tuple((*_parameter_cells(ranges, row), *_range_cells(row)) for row in listed)
    text = "The plan remains optimal within the range."
    return ReportTable(key, title, text, (*_PARAMETER_COLUMNS, *_RANGE_COLUMNS), rows)


def _select_costs(ranges: SensitivityRanges, minimum_share: float) -> list[SensitivityRange]:
    """Return the costs with a finite range whose value is above a share of the objective."""
    minimum = minimum_share * abs(ranges.plan.objective)
    return [
        row
        for row in ranges.rows
        if row.costs and math.isfinite(_relative_allowance(row)) and _total_value(row) > minimum
    ]


def _unused_cost_table(ranges: SensitivityRanges) -> ReportTable:
    """Return the costs of unused sources, with the value at which each enters the plan."""
    listed = sorted(
        (
            row
            for row in ranges.rows
            if row.costs and not _shadow_price(row) and math.isfinite(_relative_allowance(row)) and row.value
        ),
        key=_relative_allowance,
    )
    return _tabulate_costs(ranges, "unused_costs", "Break-even costs of unused options, nearest first", listed)


_PARAMETER_COLUMNS = (
    ReportColumn("figure", "parameter"),
    ReportColumn("value", "value", ""),
    ReportColumn("unit", "unit", hidden=True),
)
_RANGE_COLUMNS = (
    ReportColumn("low", "from", "", style="significant"),
    ReportColumn("high", "to", "", style="significant"),
    ReportColumn("below", "plan below", rank=3, optional=True),
    ReportColumn("above", "plan above", rank=2, optional=True),
)


def _parameter_cells(ranges: SensitivityRanges, row: SensitivityRange) -> tuple[CellValue, ...]:
    name = ShownValue(row.path, _name_parameter(ranges, row))
    return name, ShownValue(row.value, f"{format_number(row.value)} {row.unit or ''}".rstrip()), row.unit


def _range_cells(row: SensitivityRange) -> tuple[CellValue, ...]:
    return (
        show_value(row.low, "no limit"),
        show_value(row.high, "no limit"),
        _describe_plan_change(row.at_low),
        _describe_plan_change(row.at_high),
    )


def _shadow_price(row: SensitivityRange) -> float:
    """Return the larger shadow price of both directions [unit of the objective per unit]."""
    return max(abs(row.price_up or 0.0), abs(row.price_down or 0.0))


def _total_value(row: SensitivityRange) -> float:
    """Return the parameter's value times its shadow price [unit of the objective]."""
    return _shadow_price(row) * max(abs(row.value), 1e-9)


def _relative_allowance(row: SensitivityRange) -> float:
    """Return the smaller allowable change relative to the value."""
    ends = [abs(end - row.value) for end in (row.low, row.high) if end is not None]
    return min(ends, default=math.inf) / max(abs(row.value), 1e-9)


def _describe_plan_change(turn: SensitivityRangeEnd) -> str:
    """Describe the change of the plan beyond an end of the range."""
    if turn.stops:
        return "infeasible"
    more = [escape_text(change.name) for change in turn.more[:_MOST_SOURCES]]
    less = [escape_text(change.name) for change in turn.less[:_MOST_SOURCES]]
    lines = [f"more {' and '.join(more)}"] if more else []
    return ", ".join([*lines, *([f"less {' and '.join(less)}"] if less else [])])
