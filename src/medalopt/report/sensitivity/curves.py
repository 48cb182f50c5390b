"""Objective as a function of one parameter, or of two: summary, table, chart or heat map, and JSON."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from medalopt.analysis.sensitivity.base_case import MAX_LOT_SECONDS
from medalopt.analysis.sensitivity.curves import (
    BreakpointChange,
    BreakpointShift,
    CurvePoint,
    SensitivityCurve,
    SensitivitySurface,
)
from medalopt.analysis.sensitivity.parameter_range import ParameterRange
from medalopt.plan.plan import OBJECTIVE_UNITS
from medalopt.report.charts import (
    FONT,
    INK,
    Chart,
    ChartAxis,
    build_line_series,
    build_plot_option,
    mark_base_case,
    mark_infeasible_range,
)
from medalopt.report.document import CellValue, ReportColumn, ReportTable, ShownValue, show_value
from medalopt.report.numbers import choose_money_scale, format_money, format_number, format_share
from medalopt.report.sensitivity.report_part import SensitivityPart
from medalopt.text import escape_text, format_count

MOST_TABLE_ROWS, MOST_CHANGES_PER_ROW, MOST_CHANGES_LISTED = (
    40,
    2,
    12,
)  # rows of the table, changes listed in a row of it and in the JSON


def report_curve(curve: SensitivityCurve, currency: str) -> SensitivityPart:
    """Report the objective along one parameter.

    Args:
        curve: Points and breakpoints of the curve.
        currency: Currency of the instance, the unit of a cost.

    Returns:
        Summary lines, the chart with its table, and the JSON member `curve`.
    """
    report = _CurveReport(curve, OBJECTIVE_UNITS.get(curve.objective, currency))
    heading, screen = "Objective along one parameter", (report.tabulate_points(),)
    chart, members = report.draw_chart(), {"curve": report.encode()}
    lines, in_lots = tuple(report.list_sentences()), curve.shape == "lots"
    return SensitivityPart(lines, (), (chart,), members, heading=heading, screen=screen, in_lots=in_lots)


class _CurveReport:
    """Text, table, chart and JSON of one curve; `unit` is the unit of the objective."""

    def __init__(self, curve: SensitivityCurve, unit: str) -> None:
        self.found, self.unit = curve, unit
        self.what = "Cost" if curve.objective == "cost" else f"Least {curve.objective}"
        self.path = escape_text(curve.vary.path, 80)
        self.plans = [point for point in curve.points if point.objective is not None]
        self.in_lots = curve.shape == "lots"

    def format_value(self, value: float) -> str:
        """Format a parameter value with its unit, or the name of its period."""
        vary = self.found.vary
        return vary.label(value) or f"{format_number(value, 6)} {vary.unit or ''}".rstrip()

    def format_objective(self, objective: float | None) -> str:
        """Format an objective value with its unit."""
        return "infeasible" if objective is None else format_money(objective, self.unit)

    def summarize(self) -> str:
        """Summarise the curve in one sentence."""
        if not self.found.points:
            return f"Not solved: {self.path} from {self.format_range()}"
        if not self.plans:
            return f"Infeasible for {self.path} from {self.format_range()}"
        first, last = self.plans[0], self.plans[-1]
        assert first.objective is not None and last.objective is not None
        fails = self.describe_infeasible_ends()
        steady = self.is_same_objective(first, last)
        if len(self.plans) == 1:
            return f"Feasible only at {self.path} = {self.format_value(first.value)}"
        span = f"for {self.path} from {self.format_value(first.value)} to {self.format_value(last.value)}{fails}"
        if steady and self.found.exact and all(self.is_same_objective(first, point) for point in self.plans):
            return f"{self.what} constant at {self.format_objective(first.objective)} {span}"
        if steady:
            return f"{self.what} {self.format_objective(first.objective)} at both ends {span}"
        start, end = self.format_objective(first.objective), self.format_objective(last.objective)
        return f"{self.what} from {start} to {end} {span}"

    def is_same_objective(self, point: CurvePoint, other: CurvePoint) -> bool:
        """Return whether the objective agrees at two feasible points."""
        assert point.objective is not None and other.objective is not None
        return abs(point.objective - other.objective) <= 1e-9 * max(abs(point.objective), 1.0)

    def format_range(self) -> str:
        """Format the range of the parameter."""
        return f"{self.format_value(self.found.vary.low)} to {self.format_value(self.found.vary.high)}"

    def list_infeasible_ranges(self) -> list[tuple[float, float]]:
        """Return the infeasible ranges at either end of the parameter range."""
        feasible, vary = self.found.feasible_range, self.found.vary
        if feasible is None:
            return [(vary.low, vary.high)] if self.found.points else []
        none = [point.value for point in self.found.points if point.objective is None]
        below = [(vary.low, feasible[0])] if none and min(none) < feasible[0] else []
        return [*below, *([(feasible[1], vary.high)] if none and max(none) > feasible[1] else [])]

    def describe_infeasible_ends(self) -> str:
        """Describe the infeasible ranges as the end of a sentence."""
        if self.found.feasible_range is None:
            return ""
        low = self.found.vary.low
        places = [
            f"below {self.format_value(b)}" if a == low else f"above {self.format_value(a)}"
            for a, b in self.list_infeasible_ranges()
        ]
        return f"; infeasible {' or '.join(places)}" if places else ""

    def list_sentences(self) -> list[str]:
        """Return the summary, the base case, unproven values, the accuracy and the budget, a sentence each."""
        curve = self.found
        lines = [f"{self.summarize()}."]
        if curve.base is not None:
            base_note = "" if curve.vary.base is None else f" ({self.path} at {self.format_value(curve.vary.base)})"
            lines.append(f"Base case{base_note}: {self.format_objective(curve.base)}.")
        if curve.unproven:
            values = ", ".join(self.format_value(value) for value in curve.unproven[:MOST_CHANGES_LISTED])
            more = (
                f" and at {len(curve.unproven) - MOST_CHANGES_LISTED} more values"
                if len(curve.unproven) > MOST_CHANGES_LISTED
                else ""
            )
            lines.append(f"Not verified, therefore omitted: {values}{more}.")
        if not self.plans:
            return lines
        bends = sum(point.breakpoint for point in self.plans)
        return [*lines, f"{self.describe_accuracy(bends)}.", *self.describe_budget()]

    def describe_budget(self) -> list[str]:
        """Describe the parameter ranges whose objective is within the budget."""
        kept = self.found.budget
        if kept is None:
            return []
        spans = [
            f"at {self.format_value(a)}" if a == b else f"from {self.format_value(a)} to {self.format_value(b)}"
            for a, b in kept.spans
        ]
        if not spans:
            return [f"Budget of {self.format_objective(kept.amount)}: exceeded at every value."]
        return [f"Budget of {self.format_objective(kept.amount)}: sufficient {' and '.join(spans)}."]

    def describe_breakpoint(self, point: CurvePoint) -> str:
        """Describe the change of the plan at a breakpoint: quantities, and constraints that become binding or slack."""
        if point.objective is None:
            return ""
        room = 1.0 if self.found.vary.is_integer else 0.0  # a breakpoint is listed at the next whole value
        changes = [turn for turn in self.found.breakpoints if 0 <= point.value - turn.value <= room]
        if not changes:
            plans = self.plans
            ends = self.found.points[0].objective is None, self.found.points[-1].objective is None
            if plans and ends[0] and point is plans[0]:
                return "infeasible below"
            return "infeasible above" if plans and ends[1] and point is plans[-1] else ""
        turn = changes[-1]
        words = [_describe_shift(shift, self.found.vary.unit) for shift in turn.shifts[:MOST_CHANGES_PER_ROW]]
        words += [f"{escape_text(path)} becomes binding" for path in turn.binds[:MOST_CHANGES_PER_ROW]]
        words += [f"{escape_text(path)} becomes slack" for path in turn.frees[:MOST_CHANGES_PER_ROW]]
        return "; ".join(words) or "change of timing only"

    def describe_accuracy(self, bends: int) -> str:
        """Describe the accuracy of the curve between its points, and its shape."""
        curve = self.found
        shape = {
            "convex": "; convex: the marginal cost increases",
            "concave": "; concave: the plan substitutes as the price rises",
        }.get(curve.shape, "")
        if curve.shape == "lots":
            return self.describe_lots()
        if curve.shape == "whole":
            return "Exact: every whole value is listed" if curve.exact else "Not every whole value is listed"
        if curve.exact and not bends:
            return "Exact: linear without breakpoints"
        if curve.exact:
            return f"Exact: piecewise linear with {format_count(bends, 'breakpoint')}{shape}"
        known = "proven" if curve.is_proven else "estimated by bisection"
        accuracy = self.format_objective(curve.accuracy)
        return f"Linear between points to within {accuracy} ({known}){shape}"

    def describe_lots(self) -> str:
        """Describe how the points of a curve in lots are known: by searches, within a certified bound."""
        gaps = [
            ((one.objective or 0.0) - one.bound, abs(one.objective or 0.0))
            for one in self.plans
            if one.bound is not None
        ]
        count = format_count(len(self.found.points), "value")
        band = f"; certified lower bounds are at most {format_share(*max(gaps, key=_get_ratio))} below" if gaps else ""
        ended = _describe_stopped(self.found.stopped)
        return f"Lots and charges count: {count}, each by a search of its own{band}; nothing is known in between{ended}"

    def tabulate_points(self, whole: bool = False) -> ReportTable:
        """Return the points with the slope of the objective to the next one."""
        slopes = {
            point.value: (two.objective - point.objective) / (two.value - point.value)
            for point, two in pairwise(self.found.points)
            if point.objective is not None and two.objective is not None
        }
        points = list(self.found.points) if whole else _thin_points(self.found.points)
        per = f"slope per {'period' if self.found.vary.names else self.found.vary.unit or 'unit'}"
        along = (ReportColumn("slope", per, self.unit, style="money"), ReportColumn("breakpoint", "change of the plan"))
        columns = (
            ReportColumn("value", self.path),
            ReportColumn("unit", "unit", hidden=True),
            ReportColumn("objective", self.what.lower(), self.unit, style="money"),
            *((ReportColumn("bound", "lower bound", self.unit, style="money"),) if self.in_lots else along),
        )
        rows = tuple(
            (
                ShownValue(point.value, self.format_value(point.value)),
                self.found.vary.unit,
                show_value(point.objective, "infeasible"),
                *(
                    (show_value(point.bound, "–"),)
                    if self.in_lots
                    else (self.compute_slope(slopes.get(point.value)), self.describe_breakpoint(point))
                ),
            )
            for point in points
        )
        left = len(self.found.points) - len(points)
        notes = (f"{left} more points (--json).",) if left else ()
        text = "The objective, and its certified lower bound." if self.in_lots else ""
        title, text = f"{self.what} along {self.path}", text or "The objective, and its slope to the next point."
        return ReportTable("curve", title, text, columns, rows, notes)

    def compute_slope(self, value: float | None) -> CellValue:
        """Return the objective per unit of the parameter."""
        if value is None:
            return ShownValue(None, "–")
        minimum = 1e-8 * max(abs(point.objective or 0.0) for point in self.plans)
        span = self.found.vary.high - self.found.vary.low
        return value if abs(value) * span > minimum else 0.0

    def draw_chart(self) -> Chart:
        """Return the curve as a line chart, with the base case and the infeasible ranges marked."""
        vary = self.found.vary
        size, word = choose_money_scale(point.objective for point in self.plans if point.objective is not None)
        points = [(p.value, p.objective / size) for p in self.plans if p.objective is not None]
        marks: dict[str, Any] = {}
        if vary.base is not None and vary.low <= vary.base <= vary.high:
            marks["markLine"] = mark_base_case(vary.base, "base case")
        bars = self.mark_infeasible()
        if bars:
            marks["markArea"] = bars
        counted = f"period, 1 is {vary.names[0]}" if vary.names else vary.unit or ""
        across = ChartAxis(self.path, counted, minimum=vary.low, maximum=vary.high)
        low = [(p.value, p.bound / size) for p in self.plans if p.bound is not None]
        lines = [build_line_series("plan" if low else "", points, **marks)]
        lines += [build_line_series("certified lower bound", low)] if low else []
        axis = ChartAxis(self.what.lower(), f"{word}{self.unit}")
        option = build_plot_option(across, axis, lines, legend=bool(low))
        return Chart(self.summarize(), option, (self.tabulate_points(whole=True),))

    def mark_infeasible(self) -> dict[str, Any]:
        """Return the infeasible ranges as an ECharts mark area."""
        areas = [mark_infeasible_range(start, end, "infeasible") for start, end in self.list_infeasible_ranges()]
        if not areas:
            return {}
        return {**areas[0], "data": [pair for area in areas for pair in area["data"]]}

    def encode(self) -> dict[str, Any]:
        """Return the curve for JSON."""
        curve = self.found
        feasible = curve.feasible_range
        return {
            "path": curve.vary.path,
            "unit": curve.vary.unit,
            "exact": curve.exact,
            "points": [
                {"value": point.value, "objective": point.objective, "breakpoint": point.breakpoint}
                | ({"bound": point.bound} if self.in_lots else {})
                | ({"period": curve.vary.label(point.value)} if curve.vary.names else {})
                for point in curve.points
            ],
            "measure": curve.objective,
            "objective_unit": self.unit,
            "shape": curve.shape,
            "accuracy": curve.accuracy,
            "feasible": None if feasible is None else {"low": feasible[0], "high": feasible[1]},
            "base": {"value": curve.vary.base, "objective": curve.base},
            "changes": [_encode_breakpoint(turn) for turn in curve.breakpoints],
            "unproven": list(curve.unproven),
            **self.encode_budget(),
        }

    def encode_budget(self) -> dict[str, Any]:
        """Return the budget for JSON, with the parameter ranges whose objective is within it."""
        kept = self.found.budget
        if kept is None:
            return {}
        return {"budget": {"amount": kept.amount, "values": [{"low": a, "high": b} for a, b in kept.spans]}}


def _get_ratio(pair: tuple[float, float]) -> float:
    """Return the ratio of a pair of numbers; 0 where the second is 0."""
    return pair[0] / pair[1] if pair[1] else 0.0


def _describe_shift(shift: BreakpointShift, unit: str | None) -> str:
    """Describe the change of one quantity at a breakpoint: its values, or its rates per unit of the parameter."""
    if not shift.by_step:
        if shift.after <= 1e-9 * max(shift.before, 1.0):
            return f"{escape_text(shift.what)} leaves ({format_number(shift.before)} {shift.unit} before)"
        if shift.before <= 1e-9 * max(shift.after, 1.0):
            return f"{escape_text(shift.what)} enters ({format_number(shift.after)} {shift.unit})"
        return f"{escape_text(shift.what)} {format_number(shift.before)} → {format_number(shift.after)} {shift.unit}"
    each = f"{shift.unit} per {unit or 'unit'}"
    before, after = (
        0.0 if abs(by) <= 1e-7 * abs(other) else by
        for by, other in (((shift.before, shift.after), (shift.after, shift.before)))
    )
    return f"{escape_text(shift.what)} {format_number(before)} → {format_number(after)} {each}"


def _encode_breakpoint(turn: BreakpointChange) -> dict[str, Any]:
    """Return a breakpoint for JSON, at most `MOST_CHANGES_LISTED` quantities."""
    rows = [
        {"what": s.what, "unit": s.unit, "before": s.before, "after": s.after, "here": s.here, "by_step": s.by_step}
        for s in turn.shifts[:MOST_CHANGES_LISTED]
    ]
    return {"value": turn.value, "takes": rows, "binds": list(turn.binds), "frees": list(turn.frees)}


def _describe_stopped(count: int) -> str:
    """Return the words on the searches in lots that the time limit ended; none without any."""
    return f"; the time limit of {MAX_LOT_SECONDS:g} s ended {count} of the searches" if count else ""


def _thin_points(points: tuple[CurvePoint, ...]) -> list[CurvePoint]:
    """Return at most about `MOST_TABLE_ROWS` points, both ends included."""
    step = max(1, -(-len(points) // MOST_TABLE_ROWS))
    selected = list(points[::step])
    return selected if not points or selected[-1] is points[-1] else [*selected, points[-1]]


COLOUR_STEPS = 7  # of colour, dark for a high objective
_COLOUR_RAMP = ("#ffffcc", "#ffeda0", "#fed976", "#feb24c", "#fc8d3c", "#e3311d", "#8c0d26")
_INFEASIBLE_COLOUR = "#c4c8cc"


def report_surface(surface: SensitivitySurface, currency: str) -> SensitivityPart:
    """Report the objective over a grid of two parameters.

    Args:
        surface: Objective at each point of the grid.
        currency: Currency of the instance, the unit of a cost.

    Returns:
        A summary line, the heat map with its table, and the JSON member `map`.
    """
    unit = OBJECTIVE_UNITS.get(surface.measure, currency)
    title = _surface_title(surface, unit)
    return SensitivityPart(
        (f"{title}{_describe_stopped(surface.stopped)}.",),
        (),
        (_surface_chart(surface, title, unit),),
        {"map": _encode_surface(surface, unit)},
        heading="Objective over two parameters",
        in_lots=surface.in_lots,
    )


def _known_objectives(surface: SensitivitySurface) -> list[float]:
    return [value for row in surface.objective for value in row if value is not None]


def _surface_title(surface: SensitivitySurface, unit: str) -> str:
    known = _known_objectives(surface)
    what = "Cost" if surface.measure == "cost" else f"Least {surface.measure}"
    both = f"over {escape_text(surface.across.path, 60)} and {escape_text(surface.up.path, 60)}"
    if not known:
        return f"No feasible point found {both}" if surface.unproven else f"Infeasible everywhere {both}"
    every, unknown = sum(len(row) for row in surface.objective), len(surface.unproven)
    without = every - len(known) - unknown
    fails = f"; infeasible at {without} of {every} points" if without else ""
    fails += f"; not proven at {unknown} of {every} points" if unknown else ""
    return f"{what} from {format_money(min(known), unit)} to {format_money(max(known), unit)} {both}{fails}"


def _format_value(vary: ParameterRange, value: float) -> str:
    return vary.label(value) or f"{format_number(value, 4)} {vary.unit or ''}".rstrip()


def _surface_chart(surface: SensitivitySurface, title: str, unit: str) -> Chart:
    size, word = choose_money_scale(_known_objectives(surface))
    cells: list[dict[str, Any]] = []
    bases: list[dict[str, Any]] = []
    for up, row in enumerate(surface.objective):
        for across, value in enumerate(row):
            cell: dict[str, Any] = {"value": [across, up, 0 if value is None else value / size]}
            if value is None:
                mark = "?" if (up, across) in surface.unproven else "×"
                cell |= {
                    "visualMap": False,
                    "itemStyle": {"color": _INFEASIBLE_COLOUR},
                    "label": {"show": True, "formatter": mark},
                }
            cells.append(cell)
            if (surface.columns[across], surface.rows[up]) == (surface.across.base, surface.up.base):
                bases.append({"value": [across, up]})
    ring = {"color": "#ffffff", "borderColor": INK, "borderWidth": 2}
    option = build_plot_option(
        _surface_axis(surface.across, surface.columns),
        _surface_axis(surface.up, surface.rows),
        [
            {
                "type": "heatmap",
                "data": cells,
                "itemStyle": {"borderColor": "#ffffff", "borderWidth": 1},
                "label": {"color": INK, "fontFamily": FONT, "fontSize": 13},
            },
            {"type": "scatter", "data": bases, "symbol": "diamond", "symbolSize": 14, "itemStyle": ring, "z": 5},
        ],
        False,
    )
    option["visualMap"] = _colour_scale([value / size for value in _known_objectives(surface)], f"{word}{unit}")
    option["grid"] = {"left": 24, "right": 190, "top": 40, "bottom": 40, "containLabel": True}
    none = sum(row.count(None) for row in surface.objective) > len(surface.unproven)
    without = (*(("× infeasible.",) if none else ()), *(("? not proven.",) if surface.unproven else ()))
    notes = (*without, *(("◆ base case.",) if bases else ()))
    return Chart(title, option, (_surface_table(surface, unit),), notes, 460)


def _surface_axis(vary: ParameterRange, values: tuple[float, ...]) -> ChartAxis:
    return ChartAxis(
        escape_text(vary.path, 60),
        vary.unit or "",
        names=[vary.label(value) or format_number(value, 4) for value in values],
    )


def _colour_scale(values: list[float], unit: str) -> dict[str, Any]:
    """Return the colour scale: `COLOUR_STEPS` intervals of equal width over the values."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    edges = [low + (high - low) * step / COLOUR_STEPS for step in range(COLOUR_STEPS + 1)]
    pieces = [
        {"gte" if n == 0 else "gt": edges[n], "lte": edges[n + 1], "color": _COLOUR_RAMP[n]}
        | {"label": f"{format_number(edges[n], 3)} to {format_number(edges[n + 1], 3)}"}
        for n in range(COLOUR_STEPS)
    ]
    text = {"fontFamily": FONT, "fontSize": 12, "color": INK}
    place = {"orient": "vertical", "right": 12, "top": 48}
    return {
        "type": "piecewise",
        "pieces": pieces,
        "seriesIndex": 0,
        "showLabel": True,
        "text": [unit, ""],
        "textStyle": text,
        **place,
    }


def _surface_table(surface: SensitivitySurface, unit: str) -> ReportTable:
    head = f"{escape_text(surface.up.path, 40)} \\ {escape_text(surface.across.path, 40)}"
    columns = (
        ReportColumn("row", head),
        *(
            ReportColumn(repr(position), _format_value(surface.across, position), unit, style="money")
            for position in surface.columns
        ),
    )
    rows = tuple(
        (
            ShownValue(position, _format_value(surface.up, position)),
            *(
                show_value(value, "not proven" if (up, across) in surface.unproven else "infeasible")
                for across, value in enumerate(row)
            ),
        )
        for up, (position, row) in enumerate(zip(surface.rows, surface.objective, strict=True))
    )
    return ReportTable("map", "Objective over both parameters", "The objective at each pair of values.", columns, rows)


def _encode_surface(surface: SensitivitySurface, unit: str) -> dict[str, Any]:
    both = (surface.across, surface.up)
    return {
        "paths": [vary.path for vary in both],
        "units": [vary.unit for vary in both],
        "values": [list(surface.columns), list(surface.rows)],
        "objective": [list(row) for row in surface.objective],
        "unproven": [list(place) for place in sorted(surface.unproven)],
        "measure": surface.measure,
        "objective_unit": unit,
        "base": {"values": [vary.base for vary in both], "objective": surface.base},
    }
