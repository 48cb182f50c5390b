"""Tonnes by supplier and period as a heat map, and the load of smelters near their capacity."""

from __future__ import annotations

from typing import Any

import numpy as np

from medalopt.instance.arithmetic import summed
from medalopt.instance.figures import Floats
from medalopt.plan.plan import Plan
from medalopt.report.charts.chart import COLOURS, FONT, INK, Axis, Chart, line, plot
from medalopt.report.numbers import digits, share, tonnes
from medalopt.report.plants import FULL, period_word
from medalopt.report.section import Column, Section
from medalopt.wording import shown

MOST = 24  # suppliers drawn one by one
MATTERS = 0.8  # of the capacity; a smelter with a lower peak load is left out
NUMBERED = 12  # periods; with more of them cells carry no tonnes
_RAMP = ["#f3f7fb", "#9ecae1", "#4292c6", "#0b4a8f"]


def charts(plan: Plan) -> tuple[Chart, ...]:
    """Draw the tonnes by supplier and period, and the load of smelters.

    Args:
        plan: Plan to report.

    Returns:
        Up to two charts; none for an instance of one period or a plan without supply.
    """
    if len(plan.instance.periods) == 1 or not plan.tonnes > 0:
        return ()
    return (_suppliers(plan), *_load(plan))


def _taken(plan: Plan) -> tuple[list[str], Floats]:
    """Return supplier names and tonnes (N, T), the largest first: streams where they are few, else regions."""
    instance = plan.instance
    stream = plan.account.found.stream
    few = len(instance.streams.names) <= MOST
    names = instance.streams.names if few else instance.regions
    group = stream if few else instance.streams.region[stream]
    sent = np.asarray(summed(plan.account.decisions.sent, group, len(names)))
    order = [n for n in np.argsort(-sent.sum(axis=1), kind="stable").tolist() if sent[n].sum() > 0]
    if len(order) > MOST:
        rest = sent[order[MOST - 1 :]].sum(axis=0)
        return [*(names[n] for n in order[: MOST - 1]), "all others"], np.vstack([sent[order[: MOST - 1]], rest])
    return [names[n] for n in order], sent[order]


def _suppliers(plan: Plan) -> Chart:
    names, sent = _taken(plan)
    periods = plan.instance.periods
    shows = len(periods) <= NUMBERED
    cells: list[dict[str, Any]] = [
        {"value": [t, n, float(sent[n, t])], "label": {"show": shows, "formatter": digits(float(sent[n, t]), 2)}}
        for n in range(len(names))
        for t in range(len(periods))
        if sent[n, t] > 0
    ]
    style = {"borderColor": "#ffffff", "borderWidth": 1}
    font = {"color": INK, "fontFamily": FONT, "fontSize": 11, "textBorderColor": "#ffffff", "textBorderWidth": 2}
    series = {"type": "heatmap", "data": cells, "itemStyle": style, "label": font}
    up = Axis("", names=names, extra={"inverse": True})
    option = plot(Axis("", names=periods), up, [series], legend=False)
    option["grid"] = {**option["grid"], "right": 110}
    option["visualMap"] = {
        "type": "continuous",
        "min": 0,
        "max": float(sent.max()),
        "precision": 0 if sent.max() >= 10 else 2,
        "calculable": False,
        "inRange": {"color": _RAMP},
        "orient": "vertical",
        "right": 8,
        "top": 40,
        "text": [tonnes(float(sent.max())), "0 t"],
        "textStyle": {"fontFamily": FONT, "fontSize": 12, "color": INK},
    }
    peak = int(np.argmax(sent.sum(axis=0)))
    says = f"{tonnes(float(sent.sum()))} are taken; most in {periods[peak]}, {tonnes(float(sent[:, peak].sum()))}"
    says += f"; {share(float(sent[0].sum()), float(sent.sum()))} from {shown(names[0], 40)}"
    return Chart(says, option, (_table(plan, names, sent, "t"),), ("White: nothing is taken.",), 110 + 24 * len(names))


def _table(plan: Plan, names: list[str], values: Floats, unit: str) -> Section:
    columns = (Column(period_word(plan.instance), right=False), *(Column(f"{name} {unit}") for name in names))
    rows = tuple(
        (period, *(digits(float(values[n, t]), 3) for n in range(len(names))))
        for t, period in enumerate(plan.instance.periods)
    )
    return Section("The figures", columns, rows)


def _load(plan: Plan) -> tuple[Chart, ...]:
    capacity, feed = plan.instance.smelters.capacity.value, plan.account.feed
    load = np.divide(feed, capacity, out=np.zeros_like(feed), where=np.isfinite(capacity) & (capacity > 0))
    listed = [k for k in np.argsort(-load.max(axis=1), kind="stable").tolist() if load[k].max() >= MATTERS]
    if not listed:
        return ()
    names = [plan.instance.smelters.names[k] for k in listed]
    series = [
        line(name, [(t, 100 * float(load[k, t])) for t in range(load.shape[1])], step="middle", symbol="none")
        for name, k in zip(names, listed, strict=True)
    ]
    for number, one in enumerate(series):
        one["lineStyle"] = {"width": 2.5, "type": ("solid", "dashed", "dotted")[number % 3]}
    limit = {"silent": True, "symbol": "none", "data": [{"yAxis": 100}], "lineStyle": {"color": COLOURS[1]}}
    series[0]["markLine"] = {**limit, "label": {"show": False}}
    option = plot(Axis("", names=plan.instance.periods), Axis("Load", "% of capacity", least=0), series, legend=True)
    full = (load[listed] > FULL).sum(axis=1)
    most = int(np.argmax(full))
    word = period_word(plan.instance)
    if full[most]:
        says = f"{shown(names[most], 40)} is full in {int(full[most])} of {load.shape[1]} {word}s"
    else:
        says = f"No smelter is full; {shown(names[0], 40)} comes nearest, {share(float(load[listed[0]].max()), 1)}"
    notes = (f"Smelters that reach {100 * MATTERS:g} % of their capacity in some {word}.",)
    return (Chart(says, option, (_table(plan, names, 100 * load[listed], "%"),), notes),)
