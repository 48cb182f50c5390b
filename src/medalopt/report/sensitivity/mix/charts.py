"""Charts of the device mix: the objective against the share of each device, a ranking of devices, and named mixes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from medalopt.analysis.sensitivity.mix.answers import Answer
from medalopt.analysis.sensitivity.mix.curve import Curve, Point
from medalopt.analysis.sensitivity.mix.mix import DeviceMix
from medalopt.report.charts.chart import COLOURS, FAINT, INK, Axis, Chart, barred, line, plot, shortened
from medalopt.report.numbers import mass, money, share
from medalopt.report.sensitivity.mix.words import fitting, listed, short

ACROSS = 3  # small charts side by side
HIGH = 190  # pixels of a small chart with its axis
MOST = 20  # devices in the ranking


def curves(found: DeviceMix) -> Chart:
    """Plot the objective against the share of each device, in small charts with a common vertical axis.

    Args:
        found: Curves of all devices.

    Returns:
        A chart of `CHARTS_PER_ROW` small charts side by side; infeasible ranges are shaded.
    """
    values = [point.answer.value for curve in found.curves for point in curve.points if point.answer.value is not None]
    size, word = fitting(values)
    least, most = (min(values) / size, max(values) / size) if values else (0.0, 1.0)
    room = (most - least) * 0.06 or abs(most) * 0.05 or 1.0
    charts = [_small(found, curve, number, size) for number, curve in enumerate(found.ranking)]
    for number, (_, _, up, _) in enumerate(charts):
        up |= {"min": least - room, "max": most + room, "name": f"{word}{found.unit}" if number % ACROSS == 0 else ""}
        up["axisLabel"] = {
            **up["axisLabel"],
            "show": number % ACROSS == 0,
            "showMaxLabel": False,
            "showMinLabel": False,
        }
    grids, across, ups, series = ([chart[part] for chart in charts] for part in range(4))
    option = plot(Axis(""), Axis(""), series, legend=False)
    height = 44 + HIGH * (1 + (len(found.curves) - 1) // ACROSS)
    notes = ("Dashed: the share now. Shaded: no plan. The tonnes stay, the other devices move in proportion.",)
    return Chart(_curved(found), {**option, "grid": grids, "xAxis": across, "yAxis": ups}, (), notes, height)


def _curved(found: DeviceMix) -> str:
    """Summarise the curves: the device with the largest range of the objective."""
    told = f"The {found.measure} as the share of each device goes from none to double (dashed: now)"
    spans = {
        curve.device: max(values) - min(values)
        for curve in found.curves
        if (values := [point.answer.value for point in curve.points if point.answer.value is not None])
    }
    return f"{told}; it moves most with {max(spans, key=spans.__getitem__)}" if spans else told


def _small(found: DeviceMix, curve: Curve, number: int, size: float) -> tuple[dict[str, Any], ...]:
    """Return grid, axes and series of the small chart of one device."""
    row, column = divmod(number, ACROSS)
    grid = {"left": f"{9 + column * 31}%", "width": "26%", "top": 44 + row * HIGH, "height": HIGH - 78}
    shares = [point.share * 100 for point in curve.points]
    across = Axis(f"{shortened(curve.device)}, % of all tonnes", least=shares[0], most=shares[-1]).option()
    across |= {"gridIndex": number, "nameGap": 24, "splitNumber": 4}
    across["axisLabel"] = {**across["axisLabel"], "showMaxLabel": False}
    up = {**Axis("").option(upward=True), "gridIndex": number, "splitNumber": 3}
    return grid, across, up, {**_drawn(curve, size), "xAxisIndex": number, "yAxisIndex": number}


def _drawn(curve: Curve, size: float) -> dict[str, Any]:
    points = [
        (point.share * 100, None if point.answer.value is None else point.answer.value / size) for point in curve.points
    ]
    now = {
        "silent": True,
        "symbol": "none",
        "lineStyle": {"color": INK, "type": "dashed", "width": 1.2},
        "label": {"show": False},
        "data": [{"xAxis": curve.share * 100}],
    }
    drawn = line(curve.device, points, markLine=now, itemStyle={"color": COLOURS[0]}, symbolSize=4)
    areas = [barred(start.share * 100, end.share * 100, "") for start, end in _barred(curve)]
    if areas:
        drawn["markArea"] = {**areas[0], "data": [area["data"][0] for area in areas]}
    return drawn


def _barred(curve: Curve) -> list[tuple[Point, Point]]:
    """Return the infeasible ranges of shares, each between the neighbouring feasible points or the ends."""
    found: list[tuple[Point, Point]] = []
    points = curve.points
    for before, after in pairwise(points):
        if before.answer.value is None or after.answer.value is None:
            if found and found[-1][1] is before and before.answer.value is None:
                found[-1] = (found[-1][0], after)
            else:
                found.append((before, after))
    return found


def ranking(found: DeviceMix) -> Chart:
    """Plot the change of the objective when the share of each device rises or falls by a tenth of itself.

    Args:
        found: Devices in the order of that change.

    Returns:
        A chart of two bars for each of at most `MOST_RANKED` devices.
    """
    rows = found.ranking[:MOST][::-1]
    size, word = fitting([change for curve in rows for change in (curve.less, curve.more) if change is not None])

    def bars(name: str, colour: str, changes: list[tuple[float | None, float]]) -> dict[str, Any]:
        data = [_bar(change, lack, size) for change, lack in changes]
        return {"type": "bar", "name": name, "data": data, "itemStyle": {"color": colour}, "barMaxWidth": 12}

    series = [
        bars("a tenth more of it", COLOURS[0], [(curve.more, curve.short_more) for curve in rows]),
        bars("a tenth less of it", COLOURS[5], [(curve.less, curve.short_less) for curve in rows]),
    ]
    names = [f"{shortened(curve.device)}, {share(curve.share, 1)}" for curve in rows]
    option = plot(Axis(f"change of the cost, {word}{found.unit}"), Axis("", names=names), series)
    up = Axis("device and its share now", names=names, extra={"axisLabel": {"color": INK, "fontSize": 12}}).option(
        upward=True
    )
    up["axisLabel"] = {**up["axisLabel"], "interval": 0}
    up["data"] = names
    option["yAxis"] = {
        **up,
        "axisLabel": {**up["axisLabel"], "margin": 12},
        "position": "left",
        "axisLine": {"onZero": False},
    }
    title = f"What a tenth of each device's share does: most by {found.ranking[0].device}"
    return Chart(title, option, (), (), 110 + 30 * len(rows))


def mixes(found: DeviceMix) -> Chart:
    """Plot the objective of the named mixes beside that of the supply as offered.

    Args:
        found: The base case and the named mixes.

    Returns:
        A bar chart; infeasible mixes carry their shortfall.
    """
    names = ["as offered", *(mix.name for mix in found.named)][::-1]
    answers = [found.base, *(mix.answer for mix in found.named)][::-1]
    size, word = fitting([answer.value for answer in answers if answer.value is not None])
    data = [
        _cost(found, answer, size, FAINT if name == "as offered" else COLOURS[0])
        for name, answer in zip(names, answers, strict=True)
    ]
    bars = {"type": "bar", "name": "", "data": data, "barMaxWidth": 26}
    across = Axis(
        f"{found.measure}, {word}{found.unit}", least=0.0 if all((a.value or 0) >= 0 for a in answers) else None
    )
    option = plot(across, Axis("", names=names), [bars], legend=False)
    up = Axis("", names=names).option(upward=True)
    none = [mix for mix in found.named if mix.answer.value is None]
    title = f"What the mixes of the file come to: no plan with {listed([mix.name for mix in none])}"
    if not none:
        title = "What the mixes of the file come to"
    elif len(none) == 1:
        title = f"With the mix {none[0].name} there is no plan: {short(found, none[0].answer.short)}"
    return Chart(
        title,
        {**option, "yAxis": {**up, "axisLabel": {**up["axisLabel"], "interval": 0}}},
        (),
        (),
        120 + 44 * len(names),
    )


def _cost(found: DeviceMix, answer: Answer, size: float, colour: str) -> dict[str, Any]:
    none = answer.value is None
    text = f"no plan: {short(found, answer.short)}" if none else money(answer.value or 0.0, found.unit)
    label = {
        "show": True,
        "formatter": text,
        "position": "right" if none else "insideRight",
        "color": "#a34700" if none else "#ffffff",
        "fontSize": 13,
    }
    return {"value": 0 if none else (answer.value or 0.0) / size, "label": label, "itemStyle": {"color": colour}}


def _bar(change: float | None, lack: float, size: float) -> Any:
    if change is not None:
        return change / size
    text = f"no plan: {mass(lack)} short" if lack else "no plan"
    return {"value": 0, "label": {"show": True, "formatter": text, "position": "right", "color": "#a34700"}}
