"""Cost of the plan as a waterfall chart: costs, then revenues, then the total."""

from __future__ import annotations

from typing import Any

from medalopt.plan.plan import Plan
from medalopt.plan.rows import ROUNDING
from medalopt.report.charts.chart import COLOURS, FONT, INK, Axis, Chart, plot
from medalopt.report.costs import KINDS
from medalopt.report.numbers import digits, money, scale, share
from medalopt.report.section import Column, Section

_UNSEEN = {"color": "transparent"}


def charts(plan: Plan) -> tuple[Chart, ...]:
    """Draw the waterfall of costs.

    Args:
        plan: Plan to report.

    Returns:
        One chart; none where every cost is zero.
    """
    paid = sum(abs(value) for value in plan.costs.values())
    parts = [(KINDS[kind], value) for kind, value in plan.costs.items() if abs(value) > ROUNDING * paid]
    return (_chart(plan, sorted(parts, key=lambda part: -part[1])),) if parts else ()


def _chart(plan: Plan, parts: list[tuple[str, float]]) -> Chart:
    size, word = scale([plan.cost, *(value for _, value in parts)])
    unit = f"{word}{plan.instance.currency}"
    steps: list[tuple[str, float, float, str]] = []
    at = 0.0
    for name, value in parts:
        steps.append((name, at / size, (at + value) / size, COLOURS[1] if value > 0 else COLOURS[2]))
        at += value
    steps.append(("total", 0.0, plan.cost / size, INK))
    option = plot(
        Axis("Cost", unit),
        Axis("", names=[name for name, *_ in steps], extra={"inverse": True, "data": [name for name, *_ in steps]}),
        _bars(steps),
        legend=False,
    )
    option["grid"] = {**option["grid"], "right": 80}
    rows = tuple((name, money(value)) for name, value in [*parts, ("total", plan.cost)])
    told = Section("Cost", (Column("", right=False), Column(plan.instance.currency)), rows, True)
    name, most = parts[0]
    spent = sum(value for _, value in parts if value > 0)
    says = f"The plan costs {money(plan.cost, plan.instance.currency)}"
    says += f"; {name} is the largest part, {share(most, spent)} of what is paid" if most > 0 else ""
    return Chart(says, option, (told,), ("Orange is paid, green is earned.",), 120 + 34 * len(steps))


def _bars(steps: list[tuple[str, float, float, str]]) -> list[dict[str, Any]]:
    """Return the four series of floating bars; parts above and below zero are stacked separately."""
    unseen, drawn = [], []
    for sign in (1, -1):
        base, height = [], []
        for _, start, end, colour in steps:
            low, high = sorted((max(sign * start, 0.0), max(sign * end, 0.0)))
            base.append(sign * low)
            text = digits(end - start, 3)
            above = high > 0 and (sign > 0 or max(start, end) <= 0)
            label = {"show": above, "position": "right" if sign > 0 else "left", "formatter": text}
            height.append({"value": sign * (high - low), "itemStyle": {"color": colour}, "label": label})
        style = {"type": "bar", "stack": "cost", "silent": True}
        unseen.append({**style, "data": base, "itemStyle": _UNSEEN})
        font = {"color": INK, "fontFamily": FONT, "fontSize": 12}
        drawn.append({**style, "data": height, "label": font, "barWidth": "60%"})
    return [unseen[0], drawn[0], unseen[1], drawn[1]]
