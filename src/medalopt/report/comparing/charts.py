"""Charts of a comparison: cost by kind, and the change in tonnes taken against the first plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from medalopt.analysis.comparing.comparison import Comparison
from medalopt.report.charts.chart import COLOURS, Axis, Chart, plot, shortened
from medalopt.report.comparing.tables import costs, names, spent
from medalopt.report.costs import KINDS
from medalopt.report.numbers import scale
from medalopt.wording import shown

MOST = 15  # bars of each plan
_PIXELS = 24  # height of a bar with its gap
_NAME = 34  # characters of a name beside its bar
_SMALL = 0.005  # relative to the largest kind of cost; smaller ones are not drawn


def charts(found: Comparison) -> tuple[Chart, ...]:
    """Return the charts of a comparison.

    Args:
        found: Comparison.

    Returns:
        The charts that have data.
    """
    return (*_cost(found), *_taken(found))


def _cost(found: Comparison) -> Iterator[Chart]:
    """Yield the bar chart of cost by kind."""
    rows = spent(found)
    largest = max((abs(value) for row in rows for value in row.values if value), default=0.0)
    rows = [row for row in rows if max(abs(value or 0.0) for value in row.values) > _SMALL * largest]
    if not rows:
        return
    size, word = scale(value or 0.0 for row in rows for value in row.values)
    series = [
        _bars(name, n, [None if row.values[n] is None else (row.values[n] or 0.0) / size for row in rows])
        for n, name in enumerate(names(found))
    ]
    axis = Axis("cost", f"{word}{found.outcomes[0].currency}")
    option = _across(axis, [KINDS[row.item] for row in rows], series)
    most = max(rows, key=lambda row: row.most)
    title = f"Cost by kind: most differs in {KINDS[most.item]}" if most.differs else "Cost by kind: nothing differs"
    yield Chart(title, option, (costs(found),), height=_height(len(rows), len(series)))


def _taken(found: Comparison) -> Iterator[Chart]:
    """Yield the bar chart of the changes in tonnes taken by stream."""
    rows = sorted((row for row in found.of("streams") if row.differs and row.most), key=lambda row: -row.most)
    if not rows:
        return
    drawn = rows[:MOST]
    series = [
        _bars(name, n, [(row.values[n] or 0.0) - (row.values[0] or 0.0) for row in drawn])
        for n, name in enumerate(names(found))
        if n and found.outcomes[n].figures
    ]
    first = names(found)[0]
    title = f"What is taken otherwise than in {first}: most from {shown(rows[0].item)}"
    notes = (f"The {MOST} of {len(rows):,} streams that differ most.",) if len(rows) > MOST else ()
    option = _across(Axis(f"more or less than in {first}", "t"), [shown(row.item) for row in drawn], series)
    yield Chart(title, option, notes=notes, height=_height(len(drawn), len(series)))


def _bars(name: str, number: int, values: list[float | None]) -> dict[str, Any]:
    """Return the bars of one plan, in the same colour in every chart."""
    colour = COLOURS[number % len(COLOURS)]
    return {"type": "bar", "name": name, "data": values, "barMaxWidth": 18, "itemStyle": {"color": colour}}


def _across(axis: Axis, items: list[str], series: list[dict[str, Any]]) -> dict[str, Any]:
    """Return horizontal bars, names on the left, the first at the top."""
    up = Axis("", names=items, extra={"inverse": True, "data": [shortened(item, _NAME) for item in items]})
    return plot(axis, up, series, legend=len(series) > 1)


def _height(rows: int, series: int) -> int:
    """Return the height of a chart in pixels."""
    return 130 + _PIXELS * rows * max(series, 1)
