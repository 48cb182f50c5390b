"""Objective as a function of one parameter: summary, table of breakpoints, chart and JSON."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from medalopt.analysis.sensitivity.curve import Curve, Point
from medalopt.analysis.sensitivity.turning import Shift, Turn
from medalopt.plan.plan import UNITS
from medalopt.report.charts.chart import Axis, Chart, barred, base_case, line, plot
from medalopt.report.numbers import digits, money, scale
from medalopt.report.section import Column, Section
from medalopt.report.sensitivity.part import Part
from medalopt.wording import counted, shown

MOST, FEW, MOST_SHIFTS = 40, 2, 12  # rows of the table, changes listed in a row of it and in the JSON


def part(found: Curve, currency: str) -> Part:
    """Report the objective along one parameter.

    Args:
        found: Points and breakpoints of the curve.
        currency: Currency of the instance, the unit of a cost.

    Returns:
        Summary lines, the chart with its table, and the JSON member `curve`.
    """
    told = _Told(found, UNITS.get(found.measure, currency))
    return Part(
        tuple(told.lines()), (), (told.chart(),), {"curve": told.members()}, heading="One figure from end to end"
    )


class _Told:
    """Text, table, chart and JSON of one curve; `unit` is the unit of the objective."""

    def __init__(self, found: Curve, unit: str) -> None:
        self.found, self.unit = found, unit
        self.what = "Cost" if found.measure == "cost" else f"Least {found.measure}"
        self.path = shown(found.vary.path, 80)
        self.plans = [point for point in found.points if point.objective is not None]

    def at(self, value: float) -> str:
        """Format a parameter value with its unit, or the name of its period."""
        vary = self.found.vary
        return vary.called(value) or f"{digits(value, 6)} {vary.unit or ''}".rstrip()

    def amount(self, objective: float | None) -> str:
        """Format an objective value with its unit."""
        return "no plan" if objective is None else money(objective, self.unit)

    def title(self) -> str:
        """Summarise the curve in one sentence."""
        if not self.found.points:
            return f"Nothing could be proven as {self.path} goes from {self.ends()}"
        if not self.plans:
            return f"No plan exists wherever {self.path} stands from {self.ends()}"
        first, last = self.plans[0], self.plans[-1]
        assert first.objective is not None and last.objective is not None
        fails = self.fails()
        steady = self.same(first, last)
        if len(self.plans) == 1:
            return f"{self.path}: a plan exists at {self.at(first.value)} alone"
        span = f"as {self.path} goes from {self.at(first.value)} to {self.at(last.value)}{fails}"
        if steady and self.found.exact and all(self.same(first, point) for point in self.plans):
            return f"{self.what} stays at {self.amount(first.objective)} {span}"
        if steady:
            return f"{self.what} is {self.amount(first.objective)} at both ends {span}"
        return f"{self.what} moves from {self.amount(first.objective)} to {self.amount(last.objective)} {span}"

    def same(self, one: Point, other: Point) -> bool:
        """Return True where the objective agrees at two feasible points, to a relative 1e-9."""
        assert one.objective is not None and other.objective is not None
        return abs(one.objective - other.objective) <= 1e-9 * max(abs(one.objective), 1.0)

    def ends(self) -> str:
        """Format the range of the parameter."""
        return f"{self.at(self.found.vary.low)} to {self.at(self.found.vary.high)}"

    def without(self) -> list[tuple[float, float]]:
        """Return the infeasible ranges at either end of the parameter range."""
        feasible, vary = self.found.feasible, self.found.vary
        if feasible is None:
            return [(vary.low, vary.high)] if self.found.points else []
        none = [point.value for point in self.found.points if point.objective is None]
        below = [(vary.low, feasible[0])] if none and min(none) < feasible[0] else []
        return [*below, *([(feasible[1], vary.high)] if none and max(none) > feasible[1] else [])]

    def fails(self) -> str:
        """Describe the infeasible ranges as the end of a sentence."""
        if self.found.feasible is None:
            return ""
        low = self.found.vary.low
        places = [f"below {self.at(b)}" if a == low else f"above {self.at(a)}" for a, b in self.without()]
        return f"; no plan {' or '.join(places)}" if places else ""

    def lines(self) -> list[str]:
        """Return the summary, the base case, unproven values, the accuracy and the budget, a sentence each."""
        found = self.found
        lines = [f"{self.title()}."]
        if found.base is not None:
            stands = "" if found.vary.base is None else f" ({self.path} at {self.at(found.vary.base)})"
            lines.append(f"As the instance stands{stands}: {self.amount(found.base)}.")
        if found.unproven:
            values = ", ".join(self.at(value) for value in found.unproven[:MOST_SHIFTS])
            more = (
                f" and at {len(found.unproven) - MOST_SHIFTS} more values" if len(found.unproven) > MOST_SHIFTS else ""
            )
            lines.append(f"Left out, as no answer could be proven there: {values}{more}.")
        if not self.plans:
            return lines
        bends = sum(point.breakpoint for point in self.plans)
        return [*lines, f"{self.truth(bends)}.", *self.budget()]

    def budget(self) -> list[str]:
        """Return the parameter ranges whose objective is within the budget; no line where no budget is given."""
        kept = self.found.budget
        if kept is None:
            return []
        spans = [f"at {self.at(a)}" if a == b else f"from {self.at(a)} to {self.at(b)}" for a, b in kept.spans]
        if not spans:
            return [f"A budget of {self.amount(kept.amount)} is not enough at any value."]
        return [f"A budget of {self.amount(kept.amount)} is enough {' and '.join(spans)}."]

    def turn(self, point: Point) -> str:
        """Describe the change of the plan at a breakpoint: quantities, and constraints that become binding or slack."""
        if point.objective is None:
            return ""
        room = 1.0 if self.found.vary.whole else 0.0  # a breakpoint is listed at the next whole value
        near = [turn for turn in self.found.turns if 0 <= point.value - turn.value <= room]
        if not near:
            plans = self.plans
            ends = self.found.points[0].objective is None, self.found.points[-1].objective is None
            if plans and ends[0] and point is plans[0]:
                return "no plan below"
            return "no plan above" if plans and ends[1] and point is plans[-1] else ""
        turn = near[-1]
        words = [_moved(shift, self.found.vary.unit) for shift in turn.shifts[:FEW]]
        words += [f"{shown(path)} binds" for path in turn.binds[:FEW]]
        words += [f"{shown(path)} no longer binds" for path in turn.frees[:FEW]]
        return "; ".join(words) or "when things are done, not how much"

    def truth(self, bends: int) -> str:
        """Describe the accuracy of the curve between its points, and its shape."""
        found = self.found
        shape = {
            "convex": "; it bends upward: each step costs at least as much as the one before",
            "concave": "; it bends downward: the plan evades what gets dear",
        }.get(found.shape, "")
        if found.shape == "whole":
            return "Every whole value is told" if found.exact else "Not every whole value is told"
        if found.exact and not bends:
            return "The curve is exact: one straight line"
        if found.exact:
            return f"The curve is exact: straight but for {counted(bends, 'breakpoint')}{shape}"
        known = "by proof" if found.proven else "as far as halving shows"
        return f"Between its points the curve is straight to within {self.amount(found.accuracy)}, {known}{shape}"

    def table(self) -> Section:
        """Return the points with the slope of the objective to the next one."""
        slopes = {
            one.value: (two.objective - one.objective) / (two.value - one.value)
            for one, two in pairwise(self.found.points)
            if one.objective is not None and two.objective is not None
        }
        points = _thinned(self.found.points)
        per = f"next {'period' if self.found.vary.names else self.found.vary.unit or 'one'} costs"
        columns = (Column(self.path, False), Column(f"{self.what.lower()}"), Column(per), Column("from here on", False))
        rows = tuple(
            (
                self.at(point.value),
                self.amount(point.objective),
                self.slope(slopes.get(point.value)),
                self.turn(point),
            )
            for point in points
        )
        left = len(self.found.points) - len(points)
        notes = (f"{left} points more stand in the JSON.",) if left else ()
        return Section(f"{self.what} along {self.path}", columns, rows, notes=notes)

    def slope(self, value: float | None) -> str:
        """Format the objective per unit of the parameter; 0 where it is below 1e-8 of the objective over the range."""
        if value is None:
            return "–"
        least = 1e-8 * max(abs(point.objective or 0.0) for point in self.plans)
        span = self.found.vary.high - self.found.vary.low
        return self.amount(value if abs(value) * span > least else 0.0)

    def chart(self) -> Chart:
        """Return the curve as a line chart, with the base case and the infeasible ranges marked."""
        vary = self.found.vary
        size, word = scale(point.objective for point in self.plans if point.objective is not None)
        points = [(p.value, p.objective / size) for p in self.plans if p.objective is not None]
        marks: dict[str, Any] = {}
        if vary.base is not None and vary.low <= vary.base <= vary.high:
            marks["markLine"] = base_case(vary.base, "as it is")
        bars = self.bars()
        if bars:
            marks["markArea"] = bars
        counted = f"period, 1 is {vary.names[0]}" if vary.names else vary.unit or ""
        across = Axis(self.path, counted, least=vary.low, most=vary.high)
        option = plot(across, Axis(self.what.lower(), f"{word}{self.unit}"), [line("", points, **marks)])
        return Chart(self.title(), option, (self.table(),))

    def bars(self) -> dict[str, Any]:
        """Return the infeasible ranges as an ECharts mark area."""
        areas = [barred(start, end, "no plan") for start, end in self.without()]
        if not areas:
            return {}
        return {**areas[0], "data": [pair for area in areas for pair in area["data"]]}

    def members(self) -> dict[str, Any]:
        """Return the curve for JSON."""
        found = self.found
        feasible = found.feasible
        return {
            "path": found.vary.path,
            "unit": found.vary.unit,
            "exact": found.exact,
            "points": [
                {"value": point.value, "objective": point.objective, "breakpoint": point.breakpoint}
                | ({"period": found.vary.called(point.value)} if found.vary.names else {})
                for point in found.points
            ],
            "measure": found.measure,
            "objective_unit": self.unit,
            "shape": found.shape,
            "accuracy": found.accuracy,
            "feasible": None if feasible is None else {"low": feasible[0], "high": feasible[1]},
            "base": {"value": found.vary.base, "objective": found.base},
            "changes": [_turned(turn) for turn in found.turns],
            "unproven": list(found.unproven),
            **self.kept(),
        }

    def kept(self) -> dict[str, Any]:
        """Return the budget for JSON, with the parameter ranges whose objective is within it."""
        kept = self.found.budget
        if kept is None:
            return {}
        return {"budget": {"amount": kept.amount, "values": [{"low": a, "high": b} for a, b in kept.spans]}}


def _moved(shift: Shift, unit: str | None) -> str:
    """Describe the change of one quantity at a breakpoint: its values, or its rates per unit of the parameter."""
    if not shift.by_step:
        if shift.after <= 1e-9 * max(shift.before, 1.0):
            return f"{shown(shift.what)} goes ({digits(shift.before)} {shift.unit} before)"
        if shift.before <= 1e-9 * max(shift.after, 1.0):
            return f"{shown(shift.what)} comes in ({digits(shift.after)} {shift.unit})"
        return f"{shown(shift.what)} {digits(shift.before)} → {digits(shift.after)} {shift.unit}"
    each = f"{shift.unit} each {unit or 'one'}"
    before, after = (0.0 if abs(by) <= 1e-7 * abs(other) else by for by, other in _both(shift))
    return f"{shown(shift.what)} {digits(before)} → {digits(after)} {each}"


def _both(shift: Shift) -> tuple[tuple[float, float], tuple[float, float]]:
    """Pair the rates before and after with each other, so that either can be compared with its counterpart."""
    return (shift.before, shift.after), (shift.after, shift.before)


def _turned(turn: Turn) -> dict[str, Any]:
    """Return a breakpoint for JSON, at most `MOST_CHANGES_LISTED` quantities."""
    rows = [
        {"what": s.what, "unit": s.unit, "before": s.before, "after": s.after, "here": s.here, "by_step": s.by_step}
        for s in turn.shifts[:MOST_SHIFTS]
    ]
    return {"value": turn.value, "takes": rows, "binds": list(turn.binds), "frees": list(turn.frees)}


def _thinned(points: tuple[Point, ...]) -> list[Point]:
    """Return at most about `MOST_TABLE_ROWS` points, both ends included."""
    step = max(1, -(-len(points) // MOST))
    kept = list(points[::step])
    return kept if not points or kept[-1] is points[-1] else [*kept, points[-1]]
