"""Charts of a plan: cost waterfall, supplier heat map, smelter loads, and metal balances."""

from __future__ import annotations

from typing import Any

import numpy as np

from medalopt.analysis.sourcing.metals import MetalAccount
from medalopt.analysis.sourcing.plan_facts import PlanFacts
from medalopt.instance.arithmetic import sum_by_group
from medalopt.instance.arrays import Floats
from medalopt.plan.plan import Plan
from medalopt.report.charts.chart import COLOURS, FONT, INK, Chart, ChartAxis, build_line_series, build_plot_option
from medalopt.report.document import ReportColumn, ReportTable, TableRows
from medalopt.report.numbers import (
    choose_money_scale,
    format_mass,
    format_money,
    format_number,
    format_share,
    format_tonnes,
)
from medalopt.report.solve_tables import COST_KINDS, FULL_LOAD, get_period_word
from medalopt.report.sourcing.metals import SPREAD_DEVIATIONS
from medalopt.text import escape_text
from medalopt.tolerances import AMOUNT_TOLERANCE, DISPLAY_TOLERANCE

_INVISIBLE = {"color": "transparent"}


def draw_cost_waterfall(plan: Plan) -> tuple[Chart, ...]:
    """Draw the waterfall of costs.

    Args:
        plan: Plan to report.

    Returns:
        One chart; none where every cost is zero.
    """
    paid = sum(abs(value) for value in plan.costs.values())
    parts = [(COST_KINDS[kind], value) for kind, value in plan.costs.items() if abs(value) > AMOUNT_TOLERANCE * paid]
    return (_waterfall_chart(plan, sorted(parts, key=lambda part: -part[1])),) if parts else ()


def _waterfall_chart(plan: Plan, parts: list[tuple[str, float]]) -> Chart:
    size, word = choose_money_scale([plan.cost, *(value for _, value in parts)])
    unit = f"{word}{plan.instance.currency}"
    steps: list[tuple[str, float, float, str]] = []
    position = 0.0
    for name, value in parts:
        steps.append((name, position / size, (position + value) / size, COLOURS[1] if value > 0 else COLOURS[2]))
        position += value
    steps.append(("total", 0.0, plan.cost / size, INK))
    option = build_plot_option(
        ChartAxis("Cost", unit),
        ChartAxis(
            "", names=[name for name, *_ in steps], extra={"inverse": True, "data": [name for name, *_ in steps]}
        ),
        _waterfall_series(steps),
        legend=False,
    )
    option["grid"] = {**option["grid"], "right": 80}
    columns = (ReportColumn("kind", ""), ReportColumn("cost", "", plan.instance.currency, style="money"))
    text = "Cost by kind; what is earned is negative."
    table = ReportTable("cost", "Cost", text, columns, tuple(parts), total=("total", plan.cost))
    name, maximum = parts[0]
    spent = sum(value for _, value in parts if value > 0)
    text = f"The plan costs {format_money(plan.cost, plan.instance.currency)}"
    text += f"; {name} is the largest part, {format_share(maximum, spent)} of what is paid" if maximum > 0 else ""
    return Chart(text, option, (table,), ("Orange is paid, green is earned.",), 120 + 34 * len(steps))


def _waterfall_series(steps: list[tuple[str, float, float, str]]) -> list[dict[str, Any]]:
    """Return the four series of floating bars; parts above and below zero are stacked separately."""
    unseen, drawn = [], []
    for sign in (1, -1):
        base, height = [], []
        for _, start, end, colour in steps:
            low, high = sorted((max(sign * start, 0.0), max(sign * end, 0.0)))
            base.append(sign * low)
            text = format_number(end - start, 3)
            above = high > 0 and (sign > 0 or max(start, end) <= 0)
            label = {"show": above, "position": "right" if sign > 0 else "left", "formatter": text}
            height.append({"value": sign * (high - low), "itemStyle": {"color": colour}, "label": label})
        style = {"type": "bar", "stack": "cost", "silent": True}
        unseen.append({**style, "data": base, "itemStyle": _INVISIBLE})
        font = {"color": INK, "fontFamily": FONT, "fontSize": 12}
        drawn.append({**style, "data": height, "label": font, "barWidth": "60%"})
    return [unseen[0], drawn[0], unseen[1], drawn[1]]


MOST_SUPPLIERS = 24  # suppliers drawn one by one
LEAST_LOAD = 0.8  # of the capacity; a smelter with a lower peak load is left out
MOST_LABELLED_PERIODS = 12  # periods; with more of them cells carry no tonnes
_TONNES_RAMP = ["#f3f7fb", "#9ecae1", "#4292c6", "#0b4a8f"]


def draw_supply_charts(plan: Plan) -> tuple[Chart, ...]:
    """Draw the tonnes by supplier and period, and the load of smelters.

    Args:
        plan: Plan to report.

    Returns:
        Up to two charts; none for an instance of one period or a plan without supply.
    """
    if len(plan.instance.periods) == 1 or not plan.tonnes > 0:
        return ()
    return (_supplier_heatmap(plan), *_smelter_load_charts(plan))


def _supply_by_period(plan: Plan) -> tuple[list[str], Floats]:
    """Return supplier names and tonnes (N, T), the largest first: streams where they are few, else regions."""
    instance = plan.instance
    stream = plan.account.routes.stream
    few = len(instance.streams.names) <= MOST_SUPPLIERS
    names = instance.streams.names if few else instance.regions
    group = stream if few else instance.streams.region[stream]
    sent = np.asarray(sum_by_group(plan.account.decisions.sent, group, len(names)))
    order = [n for n in np.argsort(-sent.sum(axis=1), kind="stable").tolist() if sent[n].sum() > 0]
    if len(order) > MOST_SUPPLIERS:
        rest = sent[order[MOST_SUPPLIERS - 1 :]].sum(axis=0)
        return [*(names[n] for n in order[: MOST_SUPPLIERS - 1]), "all others"], np.vstack(
            [sent[order[: MOST_SUPPLIERS - 1]], rest]
        )
    return [names[n] for n in order], sent[order]


def _supplier_heatmap(plan: Plan) -> Chart:
    names, sent = _supply_by_period(plan)
    periods = plan.instance.periods
    shows = len(periods) <= MOST_LABELLED_PERIODS
    cells: list[dict[str, Any]] = [
        {"value": [t, n, float(sent[n, t])], "label": {"show": shows, "formatter": format_number(float(sent[n, t]), 2)}}
        for n in range(len(names))
        for t in range(len(periods))
        if sent[n, t] > 0
    ]
    style = {"borderColor": "#ffffff", "borderWidth": 1}
    font = {"color": INK, "fontFamily": FONT, "fontSize": 11, "textBorderColor": "#ffffff", "textBorderWidth": 2}
    series = {"type": "heatmap", "data": cells, "itemStyle": style, "label": font}
    up = ChartAxis("", names=names, extra={"inverse": True})
    option = build_plot_option(ChartAxis("", names=periods), up, [series], legend=False)
    option["grid"] = {**option["grid"], "right": 110}
    option["visualMap"] = {
        "type": "continuous",
        "min": 0,
        "max": float(sent.max()),
        "precision": 0 if sent.max() >= 10 else 2,
        "calculable": False,
        "inRange": {"color": _TONNES_RAMP},
        "orient": "vertical",
        "right": 8,
        "top": 40,
        "text": [format_tonnes(float(sent.max())), "0 t"],
        "textStyle": {"fontFamily": FONT, "fontSize": 12, "color": INK},
    }
    peak = int(np.argmax(sent.sum(axis=0)))
    text = (
        f"{format_tonnes(float(sent.sum()))} are taken; most in {periods[peak]}, "
        f"{format_tonnes(float(sent[:, peak].sum()))}"
    )
    text += f"; {format_share(float(sent[0].sum()), float(sent.sum()))} from {escape_text(names[0], 40)}"
    return Chart(
        text, option, (_period_table(plan, names, sent, "t"),), ("White: nothing is taken.",), 110 + 24 * len(names)
    )


def _period_table(plan: Plan, names: list[str], values: Floats, unit: str) -> ReportTable:
    columns = (
        ReportColumn("period", get_period_word(plan.instance)),
        *(ReportColumn(name, name, unit, 1, style="share" if unit == "%" else "significant") for name in names),
    )
    rows: TableRows = tuple((period, *map(float, values[:, t])) for t, period in enumerate(plan.instance.periods))
    return ReportTable("figures", "The figures", "By period.", columns, rows)


def _smelter_load_charts(plan: Plan) -> tuple[Chart, ...]:
    capacity, feed = plan.instance.smelters.capacity.value, plan.account.feed
    load = np.divide(feed, capacity, out=np.zeros_like(feed), where=np.isfinite(capacity) & (capacity > 0))
    listed = [k for k in np.argsort(-load.max(axis=1), kind="stable").tolist() if load[k].max() >= LEAST_LOAD]
    if not listed:
        return ()
    names = [plan.instance.smelters.names[k] for k in listed]
    series = [
        build_line_series(
            name, [(t, 100 * float(load[k, t])) for t in range(load.shape[1])], step="middle", symbol="none"
        )
        for name, k in zip(names, listed, strict=True)
    ]
    for number, one in enumerate(series):
        one["lineStyle"] = {"width": 2.5, "type": ("solid", "dashed", "dotted")[number % 3]}
    limit = {"silent": True, "symbol": "none", "data": [{"yAxis": 100}], "lineStyle": {"color": COLOURS[1]}}
    series[0]["markLine"] = {**limit, "label": {"show": False}}
    option = build_plot_option(
        ChartAxis("", names=plan.instance.periods), ChartAxis("Load", "% of capacity", minimum=0), series, legend=True
    )
    full = (load[listed] > FULL_LOAD).sum(axis=1)
    maximum = int(np.argmax(full))
    word = get_period_word(plan.instance)
    if full[maximum]:
        text = f"{escape_text(names[maximum], 40)} is full in {int(full[maximum])} of {load.shape[1]} {word}s"
    else:
        text = (
            f"No smelter is full; {escape_text(names[0], 40)} comes nearest, "
            f"{format_share(float(load[listed[0]].max()), 1)}"
        )
    notes = (f"Smelters that reach {100 * LEAST_LOAD:g} % of their capacity in some {word}.",)
    return (Chart(text, option, (_period_table(plan, names, load[listed], "%"),), notes),)


_MOST_AXIS_RATIO = 2.5  # times the charged mass; the vertical axis ends there at the latest


def draw_metal_balances(facts: PlanFacts) -> tuple[Chart, ...]:
    """Draw the balance of each metal that smelters return and melts charge.

    Args:
        facts: Facts of the plan to report.

    Returns:
        One chart for each such metal; none for an instance of one period.
    """
    plan, metal_account = facts.plan, facts.metal_account
    wanted = (metal_account.returned.sum(axis=1) > 0) & (metal_account.charged.sum(axis=1) > 0)
    if len(plan.instance.periods) == 1:
        return ()
    return tuple(_metal_balance_chart(plan, metal_account, metal) for metal in np.flatnonzero(wanted).tolist())


def _metal_balance_chart(plan: Plan, metal_account: MetalAccount, metal: int) -> Chart:
    at_hand = metal_account.at_hand[metal]
    charged = metal_account.charged[metal].cumsum()
    series = [
        build_line_series("at hand so far", _list_points(at_hand), symbol="none", z=4),
        build_line_series(
            "charged so far",
            _list_points(charged),
            symbol="none",
            z=4,
            step="end",
            lineStyle={"width": 2, "type": "dashed"},
        ),
        build_line_series(
            "in medals due so far", _list_points(metal_account.metal_due[metal]), symbol="none", step="end", z=4
        ),
        *_spread_series(metal_account, metal, at_hand),
    ]
    title = plan.instance.metals.titles[metal]
    up = ChartAxis(title.capitalize(), "kg, from the start on", minimum=0, maximum=_axis_top(metal_account, metal))
    option = build_plot_option(ChartAxis("", names=plan.instance.periods), up, series)
    notes = (
        "At hand: opening stock and all that was returned and bought, also what is then sold or left over. "
        "Where there is much more of it than is charged, its line leaves the picture.",
        "The shaded band: two standard deviations of all that has returned, were all lots of a device, a treatment or "
        "a smelter to differ in the same way.",
    )
    table = _metal_balance_table(plan, at_hand, charged, metal_account.metal_due[metal])
    return Chart(
        _metal_balance_title(plan, metal_account, metal),
        option,
        (table,),
        notes if metal_account.uncertainty else notes[:1],
    )


def _axis_top(metal_account: MetalAccount, metal: int) -> float:
    """Return the end of the vertical axis: above the band, at most a few times the charged mass."""
    off = (
        metal_account.uncertainty.correlated_cumulated[metal]
        if metal_account.uncertainty
        else np.zeros_like(metal_account.metal_due[metal])
    )
    high = min(
        float((metal_account.at_hand[metal] + SPREAD_DEVIATIONS * off).max()),
        _MOST_AXIS_RATIO * float(metal_account.charged[metal].sum()),
    )
    step = 10.0 ** np.floor(np.log10(high)) / 2
    return float(np.ceil(high / step) * step)


def _list_points(values: Floats) -> list[tuple[float, float | None]]:
    return [(position, float(value)) for position, value in enumerate(values)]


def _spread_series(metal_account: MetalAccount, metal: int, at_hand: Floats) -> list[dict[str, Any]]:
    if metal_account.uncertainty is None:
        return []
    off = SPREAD_DEVIATIONS * metal_account.uncertainty.correlated_cumulated[metal]
    low = np.maximum(at_hand - off, 0)
    unseen = {"symbol": "none", "silent": True, "stack": "band", "lineStyle": {"width": 0}, "z": 1}
    fill = {"color": COLOURS[0], "opacity": 0.15}
    return [
        build_line_series("", _list_points(low), **unseen),
        build_line_series("", _list_points(at_hand + off - low), areaStyle=fill, **unseen),
    ]


def _metal_balance_title(plan: Plan, metal_account: MetalAccount, metal: int) -> str:
    """Summarise the balance: the smallest margin, and the shortfall at the lower end of the band."""
    title = escape_text(plan.instance.metals.titles[metal], 40).capitalize()
    charged = metal_account.charged[metal].cumsum()
    spare = metal_account.at_hand[metal] - charged
    busy = np.flatnonzero(metal_account.charged[metal] > 0)
    index = int(busy[np.argmin(spare[busy])])
    room = _describe_slack(plan, metal_account.at_hand[metal], charged, float(spare[index]), index)
    text = f"{title}: {format_mass(float(charged[-1]))} charged, {room}"
    if metal_account.uncertainty is None:
        return text
    shortage = float((SPREAD_DEVIATIONS * metal_account.uncertainty.correlated_cumulated[metal] - spare)[busy].max())
    return (
        f"{text}; {format_mass(shortage)} short if all comes out low"
        if shortage > 0
        else f"{text}; enough if all comes out low"
    )


def _describe_slack(plan: Plan, at_hand: Floats, charged: Floats, spare: float, index: int) -> str:
    if spare <= DISPLAY_TOLERANCE * charged[-1]:
        return f"with nothing to spare in {plan.instance.periods[index]}"
    if spare > charged[-1]:
        return f"all of it at hand in {plan.instance.periods[int(np.argmax(at_hand >= charged[-1]))]}"
    return f"never less than {format_mass(spare)} more at hand"


def _metal_balance_table(plan: Plan, at_hand: Floats, charged: Floats, owed: Floats) -> ReportTable:
    columns = (
        ReportColumn("period", ""),
        ReportColumn("at_hand_kg", "at hand so far", "kg", style="significant"),
        ReportColumn("charged_kg", "charged so far", "kg", style="significant"),
        ReportColumn("due_kg", "due so far", "kg", style="significant"),
    )
    rows: TableRows = tuple(
        (period, *(float(values[position]) for values in (at_hand, charged, owed)))
        for position, period in enumerate(plan.instance.periods)
    )
    return ReportTable("balance", "Since the start", "Metal summed from the first period on.", columns, rows)
