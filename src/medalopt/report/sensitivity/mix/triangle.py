"""Split of tonnes among three devices as a ternary plot: colour is the objective, symbols name the scarce metals."""

from __future__ import annotations

import math
from typing import Any

from medalopt.analysis.sensitivity.mix.mix import DeviceMix
from medalopt.analysis.sensitivity.mix.triangle import Split, Triangle
from medalopt.report.charts.chart import FAINT, FONT, INK, Chart, plot
from medalopt.report.charts.chart import Axis as ChartAxis
from medalopt.report.numbers import digits, money, share
from medalopt.report.section import Column, Section, section
from medalopt.report.sensitivity.mix.words import cell, fitting, listed, scarce, worth

HIGH, WIDE = 520, 600  # px, of the plot
UP = math.sqrt(3) / 2
SHADES = ("#fde725", "#5ec962", "#21918c", "#3b528b", "#440154")  # viridis: dearer is darker
FORMS = ("circle", "rect", "diamond", "roundRect", "triangle", "pin")
NONE = "#ffffff"


def chart(found: DeviceMix, triangle: Triangle) -> Chart:
    """Plot the objective over all splits of tonnes among three devices.

    Args:
        found: The device mix, for the unit and titles.
        triangle: Splits with their solutions.

    Returns:
        A ternary scatter plot with a table of the present, cheapest and extreme splits.
    """
    values = [split.answer.value for split in triangle.splits if split.answer.value is not None]
    size, word = fitting(values)
    groups: dict[str, list[Split]] = {}
    for split in triangle.splits:
        groups.setdefault(scarce(found, split.answer), []).append(split)
    order = sorted(groups, key=lambda name: (name == "no plan", -len(groups[name]), name))
    middle = (min(values) + max(values)) / 2 if values else 0.0
    series = [_group(name, groups[name], FORMS[place % len(FORMS)], size, middle) for place, name in enumerate(order)]
    option = plot(ChartAxis(""), ChartAxis(""), [_edge(), *series, _corners(triangle), _now(triangle)], legend=True)
    hidden = {"type": "value", "show": False}
    shown = [{"name": name, "icon": one["symbol"]} for name, one in zip(order, series, strict=True)]
    option |= {
        "grid": {"left": 120, "width": WIDE, "top": 70, "height": HIGH - 30},
        "xAxis": {**hidden, "min": -0.05, "max": 1.05},
        "yAxis": {**hidden, "min": -0.04, "max": 0.92},
        "legend": {**option["legend"], "data": [*shown, {"name": "now"}]},
    }
    if values:
        option["visualMap"] = _shading(
            min(values) / size, max(values) / size, f"{found.measure}, {word}{found.unit}", order
        )
    return Chart(_title(found, triangle), option, (table(found, triangle),), _notes(triangle), HIGH + 90)


def _title(found: DeviceMix, triangle: Triangle) -> str:
    first, second, third = triangle.devices
    what = f"{first}, {second} and {third}, together {share(triangle.share, 1)} of the tonnes"
    known = [(split.answer.value, split) for split in triangle.splits if split.answer.value is not None]
    if not known:
        return f"No split of {what} has a plan"
    value, best = min(known, key=lambda one: one[0])
    pairs = zip(best.parts, triangle.devices, strict=True)
    parts = listed([f"{round(100 * part)} % {name}" if part < 1 else f"only {name}" for part, name in pairs if part])
    none = len(triangle.splits) - len(known)
    told = f"; {none} of {len(triangle.splits)} splits {'has' if none == 1 else 'have'} no plan" if none else ""
    return f"Of {what}: cheapest is {parts}, {money(value, found.unit)}{told}"


def _notes(triangle: Triangle) -> tuple[str, ...]:
    return (
        "A corner: all these tonnes are this device; each bundle, region and period keeps its tonnes. In the map: "
        "the cost in the unit of the scale, or the kilograms short. The form tells what is scarce.",
    )


def _place(parts: tuple[float, float, float]) -> list[float]:
    _, second, third = parts
    return [second + third / 2, third * UP]


def _group(name: str, splits: list[Split], form: str, size: float, middle: float) -> dict[str, Any]:
    none = name == "no plan"
    label = {"show": True, "position": "inside", "fontSize": 12, "color": INK, "fontFamily": FONT}
    shape = {"color": NONE, "borderColor": "#a34700", "borderWidth": 1.5} if none else {"color": FAINT}
    data = [_dot(split, size, middle) for split in splits]
    return {
        "type": "scatter",
        "name": name,
        "symbol": form,
        "symbolSize": 46,
        "data": data,
        "label": label,
        "itemStyle": {**shape, "opacity": 1},
    }


def _dot(split: Split, size: float, middle: float) -> dict[str, Any]:
    """Return the mark of one split; its number is light on the dark colours above `middle`."""
    answer = split.answer
    if answer.value is None:
        text = f"{digits(answer.short_in_all, 3)} kg" if answer.short else "–"
        return {"value": _place(split.parts), "label": {"formatter": text, "color": "#a34700", "fontSize": 11}}
    label = {"formatter": digits(answer.value / size, 3), "color": INK if answer.value <= middle else "#ffffff"}
    return {"value": [*_place(split.parts), answer.value / size], "label": label}


def _edge() -> dict[str, Any]:
    corners = [[0, 0], [1, 0], [0.5, UP], [0, 0]]
    return {
        "type": "line",
        "data": corners,
        "symbol": "none",
        "silent": True,
        "z": 1,
        "lineStyle": {"color": FAINT, "width": 1},
    }


def _corners(triangle: Triangle) -> dict[str, Any]:
    places = ([0, 0], "bottom"), ([1, 0], "bottom"), ([0.5, UP], "top")
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


def _now(triangle: Triangle) -> dict[str, Any]:
    """Return a ring around the present split."""
    ring = {"color": "rgba(0,0,0,0)", "borderColor": "#d55e00", "borderWidth": 4, "opacity": 1}
    data = [{"value": _place(triangle.now.parts)}]
    return {"type": "scatter", "name": "now", "symbolSize": 53, "z": 5, "silent": True, "data": data, "itemStyle": ring}


def _shading(least: float, most: float, text: str, order: list[str]) -> dict[str, Any]:
    return {
        "type": "continuous",
        "min": least,
        "max": most if most > least else least + 1,
        "dimension": 2,
        "seriesIndex": [1 + place for place, name in enumerate(order) if name != "no plan"],
        "inRange": {"color": list(SHADES)},
        "right": 8,
        "top": 180,
        "itemHeight": 220,
        "text": [text, ""],
        "precision": 2,
        "calculable": False,
        "textStyle": {"color": INK, "fontFamily": FONT, "fontSize": 12},
    }


def table(found: DeviceMix, triangle: Triangle) -> Section:
    """Return the present split, the cheapest, and the split with most of each device."""
    known = [split for split in triangle.splits if split.answer.value is not None]
    cheapest = min(known, key=lambda split: split.answer.value or 0.0) if known else None
    rows = [("now", triangle.now), *([("cheapest", cheapest)] if cheapest else [])]
    for place, device in enumerate(triangle.devices):
        rows.append((f"most {device}", max(triangle.splits, key=lambda split: split.parts[place])))
    columns = [
        (Column("split", right=False), [name for name, _ in rows]),
        *(
            (Column(device), [share(split.parts[place], 1) for _, split in rows])
            for place, device in enumerate(triangle.devices)
        ),
        (Column(f"{found.measure}, {found.unit}"), [cell(split.answer) for _, split in rows]),
        (
            Column("scarce, 1 kg more would save", right=False, rank=1),
            [worth(found, split.answer) for _, split in rows],
        ),
    ]
    return section(f"The tonnes of {', '.join(triangle.devices)} split among them", columns, always=5)
