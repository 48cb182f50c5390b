"""Charts of the device mix: objective by share of each device, ranking, named mixes, and a ternary plot.

In the ternary plot of three devices the colour is the objective, and symbols name the scarce metals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from medalopt.analysis.sensitivity.device_mix import DeviceMix, MixTriangle, ShareCurve, SharePoint, TriangleSplit
from medalopt.analysis.sensitivity.supply_mix import MetalAmounts, MixResult
from medalopt.report.charts import (
    COLOURS,
    FAINT,
    FONT,
    INK,
    Chart,
    ChartAxis,
    build_line_series,
    build_plot_option,
    mark_infeasible_range,
    shorten_name,
)
from medalopt.report.document import ReportColumn, ReportTable, ShownValue
from medalopt.report.numbers import format_mass, format_money, format_number, format_share
from medalopt.report.sensitivity.report_part import describe_shortfall, name_objective
from medalopt.text import join_with_and

_MILLION = 1e6
_MONEY_SCALES = ((1e9, "bn "), (1e6, "m "), (1e3, "thousand "))


def _describe_mix_shortfall(device_mix: DeviceMix, amounts: MetalAmounts | None) -> str:
    """Describe the metal shortfall of an infeasible mix, the largest first."""
    titled = None if amounts is None else {device_mix.title_metal(metal): kg for metal, kg in amounts.items()}
    return describe_shortfall(titled, " and ")


def explain_infeasible_mix(device_mix: DeviceMix, result: MixResult) -> str:
    """Describe the shortfall of an infeasible mix, and the reason where it is known.

    Args:
        device_mix: The device mix, for the titles of metals.
        result: Solution of an infeasible mix.

    Returns:
        The shortfall, followed by the reason after a semicolon.
    """
    text = _describe_mix_shortfall(device_mix, result.shortage)
    return f"{text}; {result.reason}" if result.reason else text


def format_mix_cost(result: MixResult) -> str:
    """Format the objective of a mix for a table.

    Args:
        result: Solution of a mix.

    Returns:
        The objective without its unit, or `infeasible`.
    """
    return "infeasible" if result.value is None else format_money(result.value)


def format_scarce_metals(device_mix: DeviceMix, result: MixResult) -> str:
    """Format the scarce metals of a mix with their shadow prices [unit of the objective per kg].

    Args:
        device_mix: The device mix, for the titles of metals.
        result: Solution of a mix.

    Returns:
        The metals with the highest shadow price first; the shortfall where no plan exists.
    """
    if result.value is None:
        return _describe_mix_shortfall(device_mix, result.shortage)
    parts = sorted(result.scarce.items(), key=lambda part: -part[1])
    saved = [
        f"{device_mix.title_metal(metal)} {format_money(saves) if saves >= _MILLION else format_number(saves, 3)}"
        for metal, saves in parts
    ]
    return ", ".join(saved) or "none"


def _describe_scarcity(device_mix: DeviceMix, result: MixResult) -> str:
    """Describe the scarce metals of a mix, or that it is infeasible."""
    if result.value is None:
        return "infeasible"
    metals = [device_mix.title_metal(metal) for metal in sorted(result.scarce, key=lambda metal: -result.scarce[metal])]
    return f"{join_with_and(metals)} scarce" if metals else "no metal scarce"


def _choose_money_scale(values: Sequence[float]) -> tuple[float, str]:
    """Return the scale in which amounts have few digits: its size and its word."""
    largest = max(map(abs, values), default=0.0)
    return next(((size, word) for size, word in _MONEY_SCALES if largest >= size), (1.0, ""))


CHARTS_PER_ROW = 3  # small charts side by side
SMALL_CHART_HEIGHT = 190  # pixels of a small chart with its axis
MOST_RANKED = 20  # devices in the ranking


def plot_share_curves(device_mix: DeviceMix) -> Chart:
    """Plot the objective against the share of each device, in small charts with a common vertical axis.

    Returns:
        A chart of `CHARTS_PER_ROW` small charts side by side; infeasible ranges are shaded.
    """
    values = [
        point.result.value for curve in device_mix.curves for point in curve.points if point.result.value is not None
    ]
    size, word = _choose_money_scale(values)
    minimum, maximum = (min(values) / size, max(values) / size) if values else (0.0, 1.0)
    room = (maximum - minimum) * 0.06 or abs(maximum) * 0.05 or 1.0
    charts = [_small_chart(device_mix, curve, number, size) for number, curve in enumerate(device_mix.ranking)]
    for number, (_, _, up, _) in enumerate(charts):
        up |= {
            "min": minimum - room,
            "max": maximum + room,
            "name": f"{word}{device_mix.unit}" if number % CHARTS_PER_ROW == 0 else "",
        }
        up["axisLabel"] = {
            **up["axisLabel"],
            "show": number % CHARTS_PER_ROW == 0,
            "showMaxLabel": False,
            "showMinLabel": False,
        }
    grids, across, ups, series = ([chart[part] for chart in charts] for part in range(4))
    option = build_plot_option(ChartAxis(""), ChartAxis(""), series, legend=False)
    height = 44 + SMALL_CHART_HEIGHT * (1 + (len(device_mix.curves) - 1) // CHARTS_PER_ROW)
    notes = (
        "Dashed: present share. Shaded: infeasible. Total tonnes are constant; the other devices change in proportion.",
    )
    return Chart(_curves_title(device_mix), {**option, "grid": grids, "xAxis": across, "yAxis": ups}, (), notes, height)


def _curves_title(device_mix: DeviceMix) -> str:
    """Summarise the curves: the device with the largest range of the objective."""
    text = f"{device_mix.measure.capitalize()} by share of each device, from none to double (dashed: present)"
    spans = {
        curve.device: max(values) - min(values)
        for curve in device_mix.curves
        if (values := [point.result.value for point in curve.points if point.result.value is not None])
    }
    return f"{text}; largest effect: {max(spans, key=spans.__getitem__)}" if spans else text


def _small_chart(device_mix: DeviceMix, curve: ShareCurve, number: int, size: float) -> tuple[dict[str, Any], ...]:
    """Return grid, axes and series of the small chart of one device."""
    row, column = divmod(number, CHARTS_PER_ROW)
    grid = {
        "left": f"{9 + column * 31}%",
        "width": "26%",
        "top": 44 + row * SMALL_CHART_HEIGHT,
        "height": SMALL_CHART_HEIGHT - 78,
    }
    shares = [point.share * 100 for point in curve.points]
    across = ChartAxis(f"{shorten_name(curve.device)}, % of all tonnes", minimum=shares[0], maximum=shares[-1]).encode()
    across |= {"gridIndex": number, "nameGap": 24, "splitNumber": 4}
    across["axisLabel"] = {**across["axisLabel"], "showMaxLabel": False}
    up = {**ChartAxis("").encode(upward=True), "gridIndex": number, "splitNumber": 3}
    return grid, across, up, {**_share_curve_series(curve, size), "xAxisIndex": number, "yAxisIndex": number}


def _share_curve_series(curve: ShareCurve, size: float) -> dict[str, Any]:
    points = [
        (point.share * 100, None if point.result.value is None else point.result.value / size) for point in curve.points
    ]
    now = {
        "silent": True,
        "symbol": "none",
        "lineStyle": {"color": INK, "type": "dashed", "width": 1.2},
        "label": {"show": False},
        "data": [{"xAxis": curve.share * 100}],
    }
    drawn = build_line_series(curve.device, points, markLine=now, itemStyle={"color": COLOURS[0]}, symbolSize=4)
    areas = [mark_infeasible_range(start.share * 100, end.share * 100, "") for start, end in _infeasible_spans(curve)]
    if areas:
        drawn["markArea"] = {**areas[0], "data": [area["data"][0] for area in areas]}
    return drawn


def _infeasible_spans(curve: ShareCurve) -> list[tuple[SharePoint, SharePoint]]:
    """Return the infeasible ranges of shares, each between the neighbouring feasible points or the ends."""
    result: list[tuple[SharePoint, SharePoint]] = []
    points = curve.points
    for before, after in pairwise(points):
        if before.result.value is None or after.result.value is None:
            if result and result[-1][1] is before and before.result.value is None:
                result[-1] = (result[-1][0], after)
            else:
                result.append((before, after))
    return result


def plot_share_ranking(device_mix: DeviceMix) -> Chart:
    """Plot the change of the objective when the share of each device rises or falls by a tenth of itself.

    Returns:
        A chart of two bars for each of at most `MOST_RANKED` devices.
    """
    rows = device_mix.ranking[:MOST_RANKED][::-1]
    size, word = _choose_money_scale(
        [change for curve in rows for change in (curve.less, curve.more) if change is not None]
    )

    def bars(name: str, colour: str, changes: list[tuple[float | None, float]]) -> dict[str, Any]:
        """Return a series of bars."""
        data = [_change_item(change, shortage, size) for change, shortage in changes]
        return {"type": "bar", "name": name, "data": data, "itemStyle": {"color": colour}, "barMaxWidth": 12}

    series = [
        bars("share +10 %", COLOURS[0], [(curve.more, curve.shortage_more) for curve in rows]),
        bars("share −10 %", COLOURS[5], [(curve.less, curve.shortage_less) for curve in rows]),
    ]
    names = [f"{shorten_name(curve.device)}, {format_share(curve.share, 1)}" for curve in rows]
    look = {"axisLabel": {"color": INK, "fontSize": 12, "interval": 0, "margin": 12}, "axisLine": {"onZero": False}}
    across = ChartAxis(f"change of the {name_objective(device_mix.unit)}, {word}{device_mix.unit}")
    up = ChartAxis("device and its present share", names=names, extra={**look, "data": names, "position": "left"})
    title = f"Effect of ±10 % of the share of each device; largest: {device_mix.ranking[0].device}"
    return Chart(title, build_plot_option(across, up, series), (), (), 110 + 30 * len(rows))


def plot_named_mixes(device_mix: DeviceMix) -> Chart:
    """Plot the objective of the named mixes beside that of the supply as offered.

    Returns:
        A bar chart; infeasible mixes carry their shortfall.
    """
    names = ["as offered", *(mix.name for mix in device_mix.named)][::-1]
    results = [device_mix.base, *(mix.result for mix in device_mix.named)][::-1]
    size, word = _choose_money_scale([result.value for result in results if result.value is not None])
    data = [
        _mix_cost_item(device_mix, result, size, FAINT if name == "as offered" else COLOURS[0])
        for name, result in zip(names, results, strict=True)
    ]
    bars = {"type": "bar", "name": "", "data": data, "barMaxWidth": 26}
    across = ChartAxis(
        f"{device_mix.measure}, {word}{device_mix.unit}",
        minimum=0.0 if all((a.value or 0) >= 0 for a in results) else None,
    )
    look = {"color": INK, "fontFamily": FONT, "fontSize": 12, "hideOverlap": True, "interval": 0}
    up = ChartAxis("", names=names, extra={"axisLabel": look})
    none = [mix for mix in device_mix.named if mix.result.value is None]
    title = f"Named mixes; infeasible: {join_with_and([mix.name for mix in none])}"
    if not none:
        title = "Named mixes"
    elif len(none) == 1:
        shortfall = _describe_mix_shortfall(device_mix, none[0].result.shortage)
        title = f"Mix {none[0].name}: infeasible ({shortfall})"
    return Chart(title, build_plot_option(across, up, [bars], legend=False), (), (), 120 + 44 * len(names))


def _mix_cost_item(device_mix: DeviceMix, result: MixResult, size: float, colour: str) -> dict[str, Any]:
    none = result.value is None
    text = (
        f"infeasible: {_describe_mix_shortfall(device_mix, result.shortage)}"
        if none
        else format_money(result.value or 0.0, device_mix.unit)
    )
    label = {
        "show": True,
        "formatter": text,
        "position": "right" if none else "insideRight",
        "color": "#a34700" if none else "#ffffff",
        "fontSize": 13,
    }
    return {"value": 0 if none else (result.value or 0.0) / size, "label": label, "itemStyle": {"color": colour}}


def _change_item(change: float | None, shortage: float, size: float) -> Any:
    if change is not None:
        return change / size
    text = f"infeasible: {format_mass(shortage)} short" if shortage else "infeasible"
    return {"value": 0, "label": {"show": True, "formatter": text, "position": "right", "color": "#a34700"}}


TRIANGLE_HEIGHT, TRIANGLE_WIDTH = 520, 600  # px, of the plot
TRIANGLE_RATIO = math.sqrt(3) / 2
COST_COLOURS = ("#fde725", "#5ec962", "#21918c", "#3b528b", "#440154")  # viridis: dearer is darker
SYMBOLS = ("circle", "rect", "diamond", "roundRect", "triangle", "pin")
INFEASIBLE_FILL = "#ffffff"
_TRIANGLE_NOTE = (
    "A corner: all these tonnes are this device; each bundle, region and period keeps its tonnes. In the map: "
    "the cost in the unit of the scale, or the kilograms short. The shape shows the scarce metals."
)


def plot_mix_triangle(device_mix: DeviceMix, triangle: MixTriangle) -> Chart:
    """Plot the objective over all splits of tonnes among three devices.

    Args:
        device_mix: The device mix, for the unit and titles.
        triangle: Splits with their solutions.

    Returns:
        A ternary scatter plot with a table of the present, cheapest and extreme splits.
    """
    values = [split.result.value for split in triangle.splits if split.result.value is not None]
    size, word = _choose_money_scale(values)
    groups: dict[str, list[TriangleSplit]] = {}
    for split in triangle.splits:
        groups.setdefault(_describe_scarcity(device_mix, split.result), []).append(split)
    order = sorted(groups, key=lambda name: (name == "infeasible", -len(groups[name]), name))
    middle = (min(values) + max(values)) / 2 if values else 0.0
    series = [
        _scatter_group(name, groups[name], SYMBOLS[position % len(SYMBOLS)], size, middle)
        for position, name in enumerate(order)
    ]
    option = build_plot_option(
        ChartAxis(""),
        ChartAxis(""),
        [_outline_series(), *series, _corner_series(triangle), _present_split_series(triangle)],
        legend=True,
    )
    hidden = {"type": "value", "show": False}
    shown = [{"name": name, "icon": one["symbol"]} for name, one in zip(order, series, strict=True)]
    option |= {
        "grid": {"left": 120, "width": TRIANGLE_WIDTH, "top": 70, "height": TRIANGLE_HEIGHT - 30},
        "xAxis": {**hidden, "min": -0.05, "max": 1.05},
        "yAxis": {**hidden, "min": -0.04, "max": 0.92},
        "legend": {**option["legend"], "data": [*shown, {"name": "now"}]},
    }
    if values:
        option["visualMap"] = _cost_colour_map(
            min(values) / size, max(values) / size, f"{device_mix.measure}, {word}{device_mix.unit}", order
        )
    return Chart(
        _triangle_title(device_mix, triangle),
        option,
        (_triangle_table(device_mix, triangle),),
        (_TRIANGLE_NOTE,),
        TRIANGLE_HEIGHT + 90,
    )


def _triangle_title(device_mix: DeviceMix, triangle: MixTriangle) -> str:
    first, second, third = triangle.devices
    what = f"{first}, {second} and {third}, together {format_share(triangle.share, 1)} of the tonnes"
    known = [(split.result.value, split) for split in triangle.splits if split.result.value is not None]
    if not known:
        return f"Infeasible for every split of {what}; no feasible plan"
    value, best = min(known, key=lambda one: one[0])
    pairs = zip(best.parts, triangle.devices, strict=True)
    parts = join_with_and(
        [f"{round(100 * part)} % {name}" if part < 1 else f"only {name}" for part, name in pairs if part]
    )
    none = len(triangle.splits) - len(known)
    text = f"; {none} of {len(triangle.splits)} splits infeasible" if none else ""
    return f"Split of {what}: cheapest {parts}, {format_money(value, device_mix.unit)}{text}"


def _locate_split(parts: tuple[float, float, float]) -> list[float]:
    _, second, third = parts
    return [second + third / 2, third * TRIANGLE_RATIO]


def _scatter_group(name: str, splits: list[TriangleSplit], form: str, size: float, middle: float) -> dict[str, Any]:
    none = name == "infeasible"
    label = {"show": True, "position": "inside", "fontSize": 12, "color": INK, "fontFamily": FONT}
    shape = {"color": INFEASIBLE_FILL, "borderColor": "#a34700", "borderWidth": 1.5} if none else {"color": FAINT}
    data = [_split_item(split, size, middle) for split in splits]
    return {
        "type": "scatter",
        "name": name,
        "symbol": form,
        "symbolSize": 46,
        "data": data,
        "label": label,
        "itemStyle": {**shape, "opacity": 1},
    }


def _split_item(split: TriangleSplit, size: float, middle: float) -> dict[str, Any]:
    """Return the mark of one split; its number is light on the dark colours above `middle`."""
    result = split.result
    if result.value is None:
        text = f"{format_number(result.total_shortage, 3)} kg" if result.shortage else "–"
        return {"value": _locate_split(split.parts), "label": {"formatter": text, "color": "#a34700", "fontSize": 11}}
    label = {"formatter": format_number(result.value / size, 3), "color": INK if result.value <= middle else "#ffffff"}
    return {"value": [*_locate_split(split.parts), result.value / size], "label": label}


def _outline_series() -> dict[str, Any]:
    corners = [[0, 0], [1, 0], [0.5, TRIANGLE_RATIO], [0, 0]]
    return {
        "type": "line",
        "data": corners,
        "symbol": "none",
        "silent": True,
        "z": 1,
        "lineStyle": {"color": FAINT, "width": 1},
    }


def _corner_series(triangle: MixTriangle) -> dict[str, Any]:
    places = ([0, 0], "bottom"), ([1, 0], "bottom"), ([0.5, TRIANGLE_RATIO], "top")
    data = [
        {"value": at, "label": {"formatter": f"all {name}", "position": side, "distance": 30}}
        for name, (at, side) in zip(triangle.devices, places, strict=True)
    ]
    label = {"show": True, "color": INK, "fontFamily": FONT, "fontSize": 14, "fontWeight": "bold"}
    return {
        "type": "scatter",
        "data": data,
        "symbolSize": 1,
        "silent": True,
        "label": label,
        "itemStyle": {"color": "rgba(0,0,0,0)"},
    }


def _present_split_series(triangle: MixTriangle) -> dict[str, Any]:
    """Return a ring around the present split."""
    ring = {"color": "rgba(0,0,0,0)", "borderColor": "#d55e00", "borderWidth": 4, "opacity": 1}
    data = [{"value": _locate_split(triangle.present.parts)}]
    return {"type": "scatter", "name": "now", "symbolSize": 53, "z": 5, "silent": True, "data": data, "itemStyle": ring}


def _cost_colour_map(minimum: float, maximum: float, text: str, order: list[str]) -> dict[str, Any]:
    return {
        "type": "continuous",
        "min": minimum,
        "max": maximum if maximum > minimum else minimum + 1,
        "dimension": 2,
        "seriesIndex": [1 + position for position, name in enumerate(order) if name != "infeasible"],
        "inRange": {"color": list(COST_COLOURS)},
        "right": 8,
        "top": 180,
        "itemHeight": 220,
        "text": [text, ""],
        "precision": 2,
        "calculable": False,
        "textStyle": {"color": INK, "fontFamily": FONT, "fontSize": 12},
    }


def _triangle_table(device_mix: DeviceMix, triangle: MixTriangle) -> ReportTable:
    """Return the present split, the cheapest, and the split with most of each device."""
    known = [split for split in triangle.splits if split.result.value is not None]
    cheapest = min(known, key=lambda split: split.result.value or 0.0) if known else None
    splits = [("now", triangle.present), *([("cheapest", cheapest)] if cheapest else [])]
    for position, device in enumerate(triangle.devices):
        splits.append((f"most {device}", max(triangle.splits, key=lambda split: split.parts[position])))
    columns = (
        ReportColumn("split", "split"),
        *(ReportColumn(device, device, "%", 1, style="share") for device in triangle.devices),
        ReportColumn("objective", device_mix.measure, device_mix.unit),
        ReportColumn("scarce", "shadow price per kg", rank=1, optional=True),
    )
    rows = tuple(
        (
            name,
            *split.parts,
            ShownValue(split.result.value, format_mix_cost(split.result)),
            format_scarce_metals(device_mix, split.result),
        )
        for name, split in splits
    )
    title = f"Splits of the tonnes of {', '.join(triangle.devices)}"
    return ReportTable("triangle", title, "Shares of the tonnes of the three.", columns, rows)
