"""A curve as lines, a table of its breakpoints, a chart, and plain data."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from medalopt.analysis.sensitivity.curve import Curve, Point
from medalopt.plan.plan import UNITS
from medalopt.report.charts.chart import Axis, Chart, barred, base_case, line, plot
from medalopt.report.numbers import digits, money, scale
from medalopt.report.section import Column, Section
from medalopt.report.sensitivity.part import Part
from medalopt.wording import shown

MOST = 40  # rows of the table


def part(found: Curve, currency: str) -> Part:
    """Return the curve as a part of the answer; `currency` is the instance's."""
    told = _Told(found, UNITS.get(found.measure, currency))
    return Part(tuple(told.lines()), (), (told.chart(),), {"curve": told.members()})


class _Told:
    def __init__(self, found: Curve, unit: str) -> None:
        self.found, self.unit = found, unit
        self.what = "Cost" if found.measure == "cost" else f"Least {found.measure}"
        self.path = shown(found.vary.path, 80)
        self.plans = [point for point in found.points if point.objective is not None]

    def at(self, value: float) -> str:
        """Return a value of the figure with its unit."""
        return f"{digits(value, 6)} {self.found.vary.unit or ''}".rstrip()

    def amount(self, objective: float | None) -> str:
        """Return an objective with its unit."""
        return "no plan" if objective is None else money(objective, self.unit)

    def title(self) -> str:
        """Return the finding in one sentence."""
        if not self.plans:
            return f"No plan exists wherever {self.path} stands from {self.ends()}"
        first, last = self.plans[0], self.plans[-1]
        assert first.objective is not None and last.objective is not None
        fails = self.fails()
        steady = abs(first.objective - last.objective) <= 1e-9 * max(abs(first.objective), 1.0)
        if len(self.plans) == 1:
            return f"{self.path}: a plan exists at {self.at(first.value)} alone"
        way = "moves from" if not steady else "is the same at both ends,"
        to = f" to {self.amount(last.objective)}" if not steady else ""
        span = f"{self.at(first.value)} to {self.at(last.value)}"
        return f"{self.what} {way} {self.amount(first.objective)}{to} as {self.path} goes from {span}{fails}"

    def ends(self) -> str:
        """Return where the figure moves."""
        return f"{self.at(self.found.vary.low)} to {self.at(self.found.vary.high)}"

    def fails(self) -> str:
        """Return where there is no plan, as the end of a sentence."""
        feasible, vary = self.found.feasible, self.found.vary
        if feasible is None:
            return ""
        places = [f"below {self.at(feasible[0])}"] if feasible[0] > vary.low else []
        places += [f"above {self.at(feasible[1])}"] if feasible[1] < vary.high else []
        return f"; no plan {' or '.join(places)}" if places else ""

    def lines(self) -> list[str]:
        """Return the answer in a few lines."""
        found = self.found
        lines = [f"{self.title()}."]
        if found.base is not None:
            stands = "" if found.vary.base is None else f" ({self.path} at {self.at(found.vary.base)})"
            lines.append(f"As the instance stands{stands}: {self.amount(found.base)}.")
        if not self.plans:
            return lines
        bends = sum(point.breakpoint for point in self.plans)
        return [*lines, f"{self.truth(bends)}."]

    def truth(self, bends: int) -> str:
        """Return how far the curve is true."""
        found = self.found
        shape = {
            "convex": "; it bends upward: each step costs at least as much as the one before",
            "concave": "; it bends downward: the plan evades what gets dear",
        }.get(found.shape, "")
        if found.shape == "whole":
            return "Every whole value is told" if found.exact else "Not every whole value is told"
        if found.exact:
            return f"The curve is exact: straight but for {bends} breakpoint{'s' if bends != 1 else ''}{shape}"
        known = "by proof" if found.pieces else "as far as halving shows"
        return f"Between its points the curve is straight to within {self.amount(found.accuracy)}, {known}{shape}"

    def table(self) -> Section:
        """Return the points with the cost of the next unit."""
        slopes = {
            one.value: (two.objective - one.objective) / (two.value - one.value)
            for one, two in pairwise(self.found.points)
            if one.objective is not None and two.objective is not None
        }
        points = _thinned(self.found.points)
        per = f"next {self.found.vary.unit or 'one'} costs"
        columns = (Column(self.path, False), Column(f"{self.what.lower()}"), Column(per), Column("", False))
        rows = tuple(
            (
                self.at(point.value),
                self.amount(point.objective),
                self.amount(slopes[point.value]) if point.value in slopes else "–",
                "breakpoint" if point.breakpoint else "",
            )
            for point in points
        )
        left = len(self.found.points) - len(points)
        notes = (f"{left} points more stand in the JSON.",) if left else ()
        return Section(f"{self.what} along {self.path}", columns, rows, notes=notes)

    def chart(self) -> Chart:
        """Return the curve as a chart."""
        vary = self.found.vary
        size, word = scale(point.objective for point in self.plans if point.objective is not None)
        points = [(p.value, p.objective / size) for p in self.plans if p.objective is not None]
        marks: dict[str, Any] = {}
        if vary.base is not None and vary.low <= vary.base <= vary.high:
            marks["markLine"] = base_case(vary.base, "as it is")
        bars = self.bars()
        if bars:
            marks["markArea"] = bars
        across = Axis(self.path, vary.unit or "", least=vary.low, most=vary.high)
        option = plot(across, Axis(self.what.lower(), f"{word}{self.unit}"), [line("", points, **marks)])
        return Chart(self.title(), option, (self.table(),))

    def bars(self) -> dict[str, Any]:
        """Return the stretches in which no plan exists, as marks."""
        feasible, vary = self.found.feasible, self.found.vary
        stretches = [(vary.low, vary.high)]
        if feasible is not None:
            stretches = [(vary.low, feasible[0]), (feasible[1], vary.high)]
        areas = [barred(start, end, "no plan") for start, end in stretches if start < end]
        if not areas:
            return {}
        return {**areas[0], "data": [pair for area in areas for pair in area["data"]]}

    def members(self) -> dict[str, Any]:
        """Return the curve as plain data."""
        found = self.found
        feasible = found.feasible
        return {
            "path": found.vary.path,
            "unit": found.vary.unit,
            "exact": found.exact,
            "points": [
                {"value": point.value, "objective": point.objective, "breakpoint": point.breakpoint}
                for point in found.points
            ],
            "measure": found.measure,
            "objective_unit": self.unit,
            "shape": found.shape,
            "accuracy": found.accuracy,
            "feasible": None if feasible is None else {"low": feasible[0], "high": feasible[1]},
            "base": {"value": found.vary.base, "objective": found.base},
        }


def _thinned(points: tuple[Point, ...]) -> list[Point]:
    """Return at most about `MOST` points, both ends among them."""
    step = max(1, -(-len(points) // MOST))
    kept = list(points[::step])
    return kept if kept[-1] is points[-1] else [*kept, points[-1]]
