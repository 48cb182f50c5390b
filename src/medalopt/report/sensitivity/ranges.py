"""Sensitivity ranges of parameters: tables of right-hand sides, costs and unused costs, and JSON."""

from __future__ import annotations

import math
from typing import Any

from medalopt.analysis.sensitivity.ranges import SensitivityRange, SensitivityRangeEnd, SensitivityRanges
from medalopt.report.document import CellValue, ReportColumn, ReportTable, ShownValue, limit_rows
from medalopt.report.numbers import format_money, format_number
from medalopt.report.sensitivity.report_part import SensitivityPart
from medalopt.report.solve import describe_status
from medalopt.text import escape_text

MOST_TABLE_ROWS = 12  # rows of a table
_LEAST_COST_SHARE = 1e-3  # of the objective: least value of a parameter at its price whose range is listed
_MOST_SENTENCES = 3
_MOST_UNPROVEN = 6  # parameters named as not proven
_MOST_SOURCES = 2  # sources named at an end of a range


def report_ranges(ranges: SensitivityRanges) -> SensitivityPart:
    """Report the sensitivity range of every cost and right-hand-side parameter.

    Args:
        ranges: Ranges around the optimal plan.

    Returns:
        Summary lines, up to three tables, and the JSON members `status`, `objective`, `ranges` and `unproven`.
    """
    tables = tuple(
        table for table in (_rhs_table(ranges), _cost_table(ranges), _unused_cost_table(ranges)) if table.rows
    )
    plan = ranges.plan
    objective = {"measure": plan.measure, "value": plan.objective, "unit": plan.unit}
    members = {"status": plan.status, "objective": objective, "ranges": [_encode_range(row) for row in ranges.rows]}
    members["unproven"] = list(ranges.unproven)
    screen = tuple(limit_rows(table, MOST_TABLE_ROWS, "{} more (--json has all).") for table in tables)
    heading = "How far each figure may move"
    return SensitivityPart(tuple(_range_lines(ranges)), tables, (), members, heading=heading, screen=screen)


def _encode_range(row: SensitivityRange) -> dict[str, Any]:
    return {
        "path": row.path,
        "unit": row.unit,
        "value": row.value,
        "price_up": row.price_up,
        "price_down": row.price_down,
        "low": row.low,
        "high": row.high,
        "below_low": _encode_plan_change(row.at_low),
        "above_high": _encode_plan_change(row.at_high),
    }


def _encode_plan_change(turn: SensitivityRangeEnd) -> dict[str, Any]:
    return {
        "plan": not turn.stops,
        "takes": [
            {"what": change.name, "amount": change.amount, "unit": change.unit} for change in (*turn.more, *turn.less)
        ],
    }


def _range_lines(ranges: SensitivityRanges) -> list[str]:
    plan = ranges.plan
    kinked = [row for row in ranges.rows if row.has_kink]
    lines = [
        f"{'Cost' if plan.measure == 'cost' else f'Least {plan.measure}'}: {format_money(plan.objective, plan.unit)}. "
        f"{describe_status(plan)}",
        f"{len(ranges.rows)} figures cost something or stand at the side of a rule. Each is moved alone, both ways.",
    ]
    if kinked:
        few = f"{len(kinked)} of them have" if len(kinked) > 1 else "One of them has"
        lines.append(f"{few} a kink where the plan stands: one unit less does not save what one unit more costs.")
    if ranges.unproven:
        named = ", ".join(escape_text(path) for path in ranges.unproven[:_MOST_UNPROVEN])
        more = f" and {len(ranges.unproven) - _MOST_UNPROVEN} more" if len(ranges.unproven) > _MOST_UNPROVEN else ""
        lines.append(f"Left out, as no answer could be proven: {named}{more}.")
    if ranges.only is None:
        lines.append("Whether other plans are as good could not be proven.")
    elif not ranges.only:
        lines.append("Other plans are as good: prices and ranges are those that hold whichever is taken.")
    return [
        *lines,
        *(line for row in _select_narrowest_costs(ranges)[:_MOST_SENTENCES] for line in _describe_range(row)),
    ]


def _describe_range(row: SensitivityRange) -> list[str]:
    """Describe the range of a cost at its nearer end, and the change of the plan beyond it."""
    ends = [(end, turn) for end, turn in ((row.low, row.at_low), (row.high, row.at_high)) if end is not None]
    end, turn = min(ends, key=lambda one: abs(one[0] - row.value))
    way = "down" if end < row.value else "up"
    then = f"; then it takes {_describe_plan_change(turn)}" if _describe_plan_change(turn) else ""
    unit = f" {row.unit}" if row.unit else ""
    now = f"{row.path} ({format_number(row.value)}{unit})"
    return [f"The plan stays as it is while {now} moves {way} to {format_number(end)}{unit}{then}."]


def _rhs_table(ranges: SensitivityRanges) -> ReportTable:
    """Return right-hand-side parameters with their shadow prices, the largest total value first."""
    listed = _order_by_list(
        sorted((row for row in ranges.rows if not row.costs and _shadow_price(row)), key=lambda row: -_total_value(row))
    )
    unit = ranges.plan.unit
    columns = (
        *_PARAMETER_COLUMNS,
        ReportColumn("price_up", "one more costs", unit, style="money"),
        ReportColumn("price_down", "one less costs", unit, rank=1, style="money"),
        *_RANGE_COLUMNS,
    )
    rows = tuple(
        (*_parameter_cells(row), _show_price(row.price_up), _show_price(row.price_down), *_range_cells(row))
        for row in listed
    )
    title = "What a unit of need, supply or capacity is worth, and from where to where that holds"
    return ReportTable("right_hand_sides", title, "Shadow prices and the range in which they hold.", columns, rows)


def _order_by_list(listed: list[SensitivityRange]) -> list[SensitivityRange]:
    """Move the first parameter of each list to the front where the table cannot hold all rows."""
    if len(listed) <= MOST_TABLE_ROWS:
        return listed
    first = set({row.path.partition("[")[0]: row.path for row in reversed(listed)}.values())
    return sorted(listed, key=lambda row: row.path not in first)


def _cost_table(ranges: SensitivityRanges) -> ReportTable:
    """Return the costs with the smallest allowable change."""
    title = "Costs that may move least before the plan changes"
    return _tabulate_costs("costs", title, _select_narrowest_costs(ranges))


def _tabulate_costs(key: str, title: str, listed: list[SensitivityRange]) -> ReportTable:
    """Return a table of costs with the range in which the plan stays as it is."""
    rows = tuple((*_parameter_cells(row), *_range_cells(row)) for row in listed)
    return ReportTable(
        key, title, "The plan stays as it is within the range.", (*_PARAMETER_COLUMNS, *_RANGE_COLUMNS), rows
    )


def _select_narrowest_costs(ranges: SensitivityRanges) -> list[SensitivityRange]:
    """Return the costs that matter and have a finite range, the smallest relative allowance first."""
    minimum = _LEAST_COST_SHARE * abs(ranges.plan.objective)
    ended = (row for row in ranges.rows if row.costs and math.isfinite(_relative_allowance(row)))
    return sorted((row for row in ended if _total_value(row) > minimum), key=_relative_allowance)


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
    return _tabulate_costs("unused_costs", "Costs of what is left out, and where it would come in", listed)


_PARAMETER_COLUMNS = (
    ReportColumn("figure", "figure"),
    ReportColumn("value", "now", ""),
    ReportColumn("unit", "unit", hidden=True),
)
_RANGE_COLUMNS = (
    ReportColumn("low", "holds from", "", style="significant"),
    ReportColumn("high", "to", "", style="significant"),
    ReportColumn("below", "below that", rank=3, optional=True),
    ReportColumn("above", "above that", rank=2, optional=True),
)


def _parameter_cells(row: SensitivityRange) -> tuple[CellValue, ...]:
    return row.path, ShownValue(row.value, f"{format_number(row.value)} {row.unit or ''}".rstrip()), row.unit


def _range_cells(row: SensitivityRange) -> tuple[CellValue, ...]:
    return (
        _show_end(row.low),
        _show_end(row.high),
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


def _show_price(value: float | None) -> CellValue:
    return ShownValue(None, "no plan") if value is None else value


def _show_end(value: float | None) -> CellValue:
    return ShownValue(None, "any") if value is None else value


def _describe_plan_change(turn: SensitivityRangeEnd) -> str:
    """Describe the change of the plan beyond an end of the range."""
    if turn.stops:
        return "no plan"
    more = [escape_text(change.name) for change in turn.more[:_MOST_SOURCES]]
    less = [escape_text(change.name) for change in turn.less[:_MOST_SOURCES]]
    lines = [f"more {' and '.join(more)}"] if more else []
    return ", ".join([*lines, *([f"less {' and '.join(less)}"] if less else [])])
