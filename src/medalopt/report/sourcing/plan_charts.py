"""Charts of a plan: cost waterfall, metal against need, supplier heat map, smelter loads, and metal balances."""

from __future__ import annotations

from typing import Any

import numpy as np

from medalopt.analysis.sourcing.metals import MetalAccount
from medalopt.analysis.sourcing.plan_analyses import PlanFacts
from medalopt.instance.arithmetic import sum_by_group
from medalopt.instance.arrays import Floats
from medalopt.plan.plan import Plan
from medalopt.report.charts import COLOURS, FONT, INK, Chart, ChartAxis, build_line_series, build_plot_option
from medalopt.report.document import ReportColumn, ReportTable, TableRows
from medalopt.report.numbers import (
    choose_money_scale,
    format_mass,
    format_money,
    format_number,
    format_share,
    format_tonnes,
)
from medalopt.report.solve_tables import FULL_LOAD, get_period_word, title_cost_kinds
from medalopt.report.sourcing.metals import SPREAD_DEVIATIONS
from medalopt.text import escape_text
from medalopt.tolerances import AMOUNT_TOLERANCE, DISPLAY_TOLERANCE

_INVISIBLE = {"color": "transparent"}
_LEAST_COST_SHARE = 0.005  # of all costs; smaller kinds are drawn as one bar


def draw_cost_waterfall(plan: Plan) -> tuple[Chart, ...]:
    """Draw the waterfall of costs, by party where the instance states payers, else by kind.

    Returns:
        One chart; none where every cost is zero.
    """
    paid = sum(abs(value) for value in plan.costs.values())
    titles = title_cost_kinds(plan.instance)
    amounts = plan.party_totals or {titles[kind]: value for kind, value in plan.costs.items()}
    parts = [(name, value) for name, value in amounts.items() if abs(value) > AMOUNT_TOLERANCE * paid]
    by = "party" if plan.party_totals else "kind"
    return (_waterfall_chart(plan, sorted(parts, key=lambda part: -part[1]), by),) if parts else ()


def _waterfall_chart(plan: Plan, parts: list[tuple[str, float]], by: str) -> Chart:
    """Return the chart of cost `by` party or kind, with its table."""
    size, word = choose_money_scale([100 * value for value in (plan.cost, *(value for _, value in parts))])
    unit = f"{word}{plan.instance.currency}"
    steps: list[tuple[str, float, float, str]] = []
    position = 0.0
    for name, value in _merge_small_parts(parts):
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
    columns = (ReportColumn(by, ""), ReportColumn("cost", "", plan.instance.currency, style="money"))
    text = f"Cost by {by}; revenue is negative."
    table = ReportTable("cost", "Cost", text, columns, tuple(parts), total=("total", plan.cost))
    name, maximum = parts[0]
    spent = sum(value for _, value in parts if value > 0)
    text = f"Cost by {by}: {format_money(plan.cost, plan.instance.currency)}"
    text += f", of which {name} {format_share(maximum, spent)}" if maximum > 0 and len(parts) > 1 else ""
    note = "Orange: cost; green: revenue." if any(value < 0 for _, value in parts) else ""
    return Chart(text, option, (table,), (note,) if note else (), 120 + 34 * len(steps))


def _merge_small_parts(parts: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return the parts of a waterfall, several that are too small to see merged into one."""
    paid = sum(abs(value) for _, value in parts)
    small = [value for _, value in parts if abs(value) < _LEAST_COST_SHARE * paid]
    if len(small) < 2:
        return parts
    large = [part for part in parts if abs(part[1]) >= _LEAST_COST_SHARE * paid]
    return [*large, (f"{len(small)} other kinds, net", sum(small))]


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
    sent = np.asarray(sum_by_group(plan.account.treated_devices, group, len(names)))
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
        f"Supply by {get_period_word(plan.instance)}: {format_tonnes(float(sent.sum()))}, peak "
        f"{format_tonnes(float(sent[:, peak].sum()))} in {periods[peak]}; "
        f"{format_share(float(sent[0].sum()), float(sent.sum()))} from {escape_text(names[0], 40)}"
    )
    return Chart(text, option, (_period_table(plan, names, sent, "t"),), ("White: no supply.",), 110 + 24 * len(names))


def _period_table(plan: Plan, names: list[str], values: Floats, unit: str) -> ReportTable:
    columns = (
        ReportColumn("period", get_period_word(plan.instance)),
        *(ReportColumn(name, name, unit, 1, style="share" if unit == "%" else "significant") for name in names),
    )
    rows: TableRows = tuple((period, *map(float, values[:, t])) for t, period in enumerate(plan.instance.periods))
    return ReportTable("figures", "Data by period", "By period.", columns, rows)


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
        name = escape_text(names[maximum], 40)
        text = f"Smelter load: {name} at capacity in {int(full[maximum])} of {load.shape[1]} {word}s"
    else:
        text = (
            f"Smelter load: below capacity; highest at {escape_text(names[0], 40)}, "
            f"{format_share(float(load[listed[0]].max()), 1)}"
        )
    notes = (f"Smelters that reach {100 * LEAST_LOAD:g} % of their capacity in some {word}.",)
    return (Chart(text, option, (_period_table(plan, names, load[listed], "%"),), notes),)


_MOST_NEED_RATIO = 200.0  # per cent of need; longer bars end there
_NEED_AXIS_ENDS = (125.0, 150.0)  # per cent of need
_MOST_METALS = 8  # metals drawn
_SOURCES = (("opening stock", COLOURS[5]), ("from devices", COLOURS[0]), ("bought", COLOURS[1]))


def draw_metal_coverage(facts: PlanFacts) -> tuple[Chart, ...]:
    """Draw the metal at hand by source against the need of each metal, with the range of returns from devices.

    Returns:
        One chart; none where no metal is charged.
    """
    account = facts.metal_account
    need = account.charged.sum(axis=1)
    listed = [e for e in np.argsort(-need, kind="stable").tolist() if need[e] > AMOUNT_TOLERANCE * need.max()]
    if not listed:
        return ()
    listed = listed[:_MOST_METALS]
    parts = np.stack([account.opening[:, 0], account.returned.sum(axis=1), account.bought.sum(axis=1)])[:, listed]
    share = 100 * parts / need[listed]  # (3, N) per cent
    return (_coverage_chart(facts, listed, parts, share),)


def _coverage_chart(facts: PlanFacts, listed: list[int], parts: Floats, share: Floats) -> Chart:
    account, titles = facts.metal_account, facts.plan.instance.metals.titles
    need = account.charged.sum(axis=1)[listed]
    drawn = np.diff(np.minimum(share.cumsum(axis=0), _MOST_NEED_RATIO), axis=0, prepend=0.0)
    series: list[dict[str, Any]] = [
        {
            "type": "bar",
            "name": name,
            "stack": "metal",
            "barWidth": "55%",
            "silent": True,
            "data": [float(value) for value in drawn[number]],
            "itemStyle": {"color": colour},
        }
        for number, (name, colour) in enumerate(_SOURCES)
        if parts[number].any()
    ]
    font: dict[str, Any] = {"show": True, "position": "right", "color": INK, "fontFamily": FONT, "fontSize": 12}
    texts = [f"{format_mass(float(parts[:, n].sum()))} for {format_mass(float(need[n]))}" for n in range(len(listed))]
    ranges = _range_series(facts, listed, share)
    ends = drawn.sum(axis=0)
    for n, line in ranges.items():
        ends[n] = max(float(ends[n]), line["data"][1][0])
    cells: list[dict[str, Any]] = [
        {"value": [float(end), n], "label": {**font, "formatter": text}}
        for n, (end, text) in enumerate(zip(ends, texts, strict=True))
    ]
    series.append({"type": "scatter", "symbolSize": 0.1, "silent": True, "data": cells})
    series += list(ranges.values())
    top = next((end for end in _NEED_AXIS_ENDS if ends.max() <= end), _MOST_NEED_RATIO)
    limit: dict[str, Any] = {"silent": True, "symbol": "none", "data": [{"xAxis": 100}], "label": {"show": False}}
    mark: dict[str, Any] = {"lineStyle": {"color": INK, "type": "solid", "width": 1.5}}
    series[0]["markLine"] = limit | mark
    names = [titles[e].capitalize() for e in listed]
    across = ChartAxis("At hand", "% of need", minimum=0, maximum=top)
    option = build_plot_option(across, ChartAxis("", names=names, extra={"inverse": True}), series)
    option["grid"] = {**option["grid"], "right": 150}
    columns = (
        ReportColumn("metal", "Metal"),
        *(ReportColumn(f"part_{n}_kg", name, "kg", style="significant") for n, (name, _) in enumerate(_SOURCES)),
        ReportColumn("need_kg", "need", "kg", style="significant"),
    )
    rows: TableRows = tuple(
        (titles[e], *(float(value) for value in parts[:, n]), float(need[n])) for n, e in enumerate(listed)
    )
    table = ReportTable("coverage", "Metal against need", "Metal over the whole plan.", columns, rows)
    notes = ("Line: need, the metal charged to all melts." + _describe_clipping(facts, share),)
    return Chart(_coverage_title(facts, listed, share), option, (table,), notes, 130 + 38 * len(listed))


def _describe_clipping(facts: PlanFacts, share: Floats) -> str:
    band = " Whisker: two standard deviations of what devices return." if facts.metal_account.uncertainty else ""
    cut = f" Bars end at {_MOST_NEED_RATIO:g} %." if (share.sum(axis=0) > _MOST_NEED_RATIO).any() else ""
    return band + cut


def _range_series(facts: PlanFacts, listed: list[int], share: Floats) -> dict[int, dict[str, Any]]:
    """Return the whiskers of two standard deviations around the metal at hand, as lines by position of the metal."""
    account = facts.metal_account
    if account.uncertainty is None:
        return {}
    need = account.charged.sum(axis=1)
    series = {}
    for n, e in enumerate(listed):
        spread = 100 * SPREAD_DEVIATIONS * float(account.uncertainty.correlated_cumulated[e, -1]) / float(need[e])
        ends = [min(max(0.0, float(share[:, n].sum()) + sign * spread), _MOST_NEED_RATIO) for sign in (-1, 1)]
        if spread > 0 and ends[0] < _MOST_NEED_RATIO:
            line = build_line_series("", [(end, float(n)) for end in ends], symbol="rect", silent=True, z=5)
            ink = {"lineStyle": {"color": INK, "width": 1.5}, "itemStyle": {"color": INK}}
            series[n] = {**line, **ink, "symbolSize": [2, 12]}
    return series


def _coverage_title(facts: PlanFacts, listed: list[int], share: Floats) -> str:
    """Return the title: the charged metals without surplus."""
    total, others = share.sum(axis=0), np.delete(facts.metal_account.surplus.sum(axis=1), listed)
    titles = facts.plan.instance.metals.titles
    tight = [escape_text(titles[e], 40) for n, e in enumerate(listed) if total[n] <= 100 * (1 + DISPLAY_TOLERANCE)]
    if not tight:
        return "Metal against need: every metal has a surplus"
    if len(tight) == len(listed) and not others.any():
        return "Metal against need: no metal has a surplus"
    return f"Metal against need: no surplus of {', '.join(tight[:3])}" + (" and more" if len(tight) > 3 else "")


_MOST_AXIS_RATIO = 2.5  # times the charged mass; the vertical axis ends there at the latest


def draw_metal_balances(facts: PlanFacts) -> tuple[Chart, ...]:
    """Draw the balance of each metal that smelters return and melts charge.

    Returns:
        One chart for each such metal; none for an instance of one period.
    """
    plan, account = facts.plan, facts.metal_account
    wanted = (account.returned.sum(axis=1) > 0) & (account.charged.sum(axis=1) > 0)
    if len(plan.instance.periods) == 1:
        return ()
    return tuple(_metal_balance_chart(plan, account, metal) for metal in np.flatnonzero(wanted).tolist())


def _metal_balance_chart(plan: Plan, account: MetalAccount, metal: int) -> Chart:
    at_hand = account.at_hand[metal]
    charged = account.charged[metal].cumsum()
    series = [
        build_line_series("cumulative supply", _list_points(at_hand), symbol="none", z=4),
        build_line_series(
            "cumulative charge",
            _list_points(charged),
            symbol="none",
            z=4,
            step="end",
            lineStyle={"width": 2, "type": "dashed"},
        ),
        build_line_series("in medals due", _list_points(account.metal_due[metal]), symbol="none", step="end", z=4),
        *_spread_series(account, metal, at_hand),
    ]
    title = plan.instance.metals.titles[metal]
    up = ChartAxis(title.capitalize(), "kg, cumulative", minimum=0, maximum=_axis_top(account, metal))
    option = build_plot_option(ChartAxis("", names=plan.instance.periods), up, series)
    notes = (
        "Supply: opening stock, returned and bought metal, including surplus; cut off where it far exceeds the charge.",
        "Shaded band: two standard deviations of the returned metal, lots of a device, treatment or smelter fully "
        "correlated.",
    )
    table = _metal_balance_table(plan, at_hand, charged, account.metal_due[metal])
    return Chart(
        _metal_balance_title(plan, account, metal), option, (table,), notes if account.uncertainty else notes[:1]
    )


def _axis_top(account: MetalAccount, metal: int) -> float:
    """Return the end of the vertical axis: above the band, at most a few times the charged mass."""
    deviation = (
        account.uncertainty.correlated_cumulated[metal]
        if account.uncertainty
        else np.zeros_like(account.metal_due[metal])
    )
    high = min(
        float((account.at_hand[metal] + SPREAD_DEVIATIONS * deviation).max()),
        _MOST_AXIS_RATIO * float(account.charged[metal].sum()),
    )
    step = 10.0 ** np.floor(np.log10(high)) / 2
    return float(np.ceil(high / step) * step)


def _list_points(values: Floats) -> list[tuple[float, float | None]]:
    return [(position, float(value)) for position, value in enumerate(values)]


def _spread_series(account: MetalAccount, metal: int, at_hand: Floats) -> list[dict[str, Any]]:
    if account.uncertainty is None:
        return []
    deviation = SPREAD_DEVIATIONS * account.uncertainty.correlated_cumulated[metal]
    low = np.maximum(at_hand - deviation, 0)
    unseen = {"symbol": "none", "silent": True, "stack": "band", "lineStyle": {"width": 0}, "z": 1}
    fill = {"color": COLOURS[0], "opacity": 0.15}
    return [
        build_line_series("", _list_points(low), **unseen),
        build_line_series("", _list_points(at_hand + deviation - low), areaStyle=fill, **unseen),
    ]


def _metal_balance_title(plan: Plan, account: MetalAccount, metal: int) -> str:
    """Summarise the balance: the smallest margin, and the shortfall at the lower end of the band."""
    title = escape_text(plan.instance.metals.titles[metal], 40).capitalize()
    charged = account.charged[metal].cumsum()
    spare = account.at_hand[metal] - charged
    busy = np.flatnonzero(account.charged[metal] > 0)
    index = int(busy[np.argmin(spare[busy])])
    slack = _describe_slack(plan, charged, float(spare[index]), index)
    text = f"{title} by {get_period_word(plan.instance)} against its need: {slack}"
    if account.uncertainty is None:
        return text
    shortage = float((SPREAD_DEVIATIONS * account.uncertainty.correlated_cumulated[metal] - spare)[busy].max())
    low = f"{format_mass(shortage)} short" if shortage > 0 else "still enough"
    return f"{text}; low case: {low}"


def _describe_slack(plan: Plan, charged: Floats, spare: float, index: int) -> str:
    if spare <= DISPLAY_TOLERANCE * charged[-1]:
        return f"no slack in {plan.instance.periods[index]}"
    if spare > charged[-1]:
        return f"ample, {format_mass(float(charged[-1]))} charged"
    return f"smallest slack {format_mass(spare)}, in {plan.instance.periods[index]}"


def _metal_balance_table(plan: Plan, at_hand: Floats, charged: Floats, owed: Floats) -> ReportTable:
    columns = (
        ReportColumn("period", ""),
        ReportColumn("at_hand_kg", "cumulative supply", "kg", style="significant"),
        ReportColumn("charged_kg", "cumulative charge", "kg", style="significant"),
        ReportColumn("due_kg", "in medals due", "kg", style="significant"),
    )
    rows: TableRows = tuple(
        (period, *(float(values[position]) for values in (at_hand, charged, owed)))
        for position, period in enumerate(plan.instance.periods)
    )
    return ReportTable("balance", "Cumulative balance", "Metal summed from the first period on.", columns, rows)
