"""Charts of metal returned: first plan, actual, and new plan."""

from __future__ import annotations

from medalopt.analysis.replanning.replan import Replan
from medalopt.instance.figures import Floats
from medalopt.report.charts.chart import COLOURS, Axis, Chart, line, plot
from medalopt.report.numbers import mass, share
from medalopt.report.section import Column, Section, section
from medalopt.wording import shown


def charts(found: Replan) -> tuple[Chart, ...]:
    """Return a chart of cumulative returns for each metal that the medals need.

    Args:
        found: New plan with the executed periods.

    Returns:
        The charts over the whole horizon.
    """
    before = None if found.before is None else found.before.account.composition.sum(axis=(0, 2))
    needed = found.plan.account.composition.sum(axis=(0, 2))
    if before is not None:
        needed = needed + before
    return tuple(_chart(found, metal) for metal in found.metals if needed[metal] > 0)


def _chart(found: Replan, metal: int) -> Chart:
    """Return the chart of one metal."""
    past, last = found.past, found.past.last
    now = found.returned_now[metal]
    came: Floats = now[: last + 1]
    series = []
    if found.returned_before is not None:
        first = [(t, float(kg)) for t, kg in enumerate(found.returned_before[metal])]
        style = {"width": 2, "type": "dotted"}
        series.append(line("first plan", first, symbol="none", lineStyle=style, itemStyle={"color": COLOURS[6]}))
    actual = [(t, float(kg)) for t, kg in enumerate(came)]
    series.append(line("actual", actual, itemStyle={"color": COLOURS[0]}))
    planned = [(t, float(now[t])) for t in range(last, len(now))]
    style = {"width": 2.5, "type": "dashed"}
    series.append(line("this plan", planned, symbol="none", lineStyle=style, itemStyle={"color": COLOURS[1]}))
    up = Axis("back so far", "kg", least=0)
    option = plot(Axis("", names=past.instance.periods), up, series)
    return Chart(_finding(found, metal), option, (_table(found, metal),))


def _finding(found: Replan, metal: int) -> str:
    """Return the title: kilograms returned so far and their share of the first plan."""
    last, title = found.past.last, shown(found.past.instance.metals.titles[metal], 40).capitalize()
    actual, after = float(found.returned_now[metal, last]), found.question.after
    line_ = f"{title}: {mass(actual)} back by {after}"
    if found.returned_before is None:
        return line_
    planned = float(found.returned_before[metal, last])
    beside = f"{share(actual, planned)} of the {mass(planned)} planned" if planned else "none was planned"
    return f"{line_}, {beside}"


def _table(found: Replan, metal: int) -> Section:
    """Return the data of the chart as a table."""
    past, before = found.past, found.returned_before
    now = found.returned_now[metal]
    first = ["" for _ in now] if before is None else [f"{kg:,.1f}" for kg in before[metal]]
    columns = [
        (Column("period", right=False), list(past.instance.periods)),
        (Column("first plan, kg"), first),
        (Column("actual, kg"), [f"{kg:,.1f}" if t <= past.last else "" for t, kg in enumerate(now)]),
        (Column("this plan, kg"), [f"{kg:,.1f}" if t > past.last else "" for t, kg in enumerate(now)]),
    ]
    return section(f"{past.instance.metals.titles[metal].capitalize()} back so far", columns, always=9)
