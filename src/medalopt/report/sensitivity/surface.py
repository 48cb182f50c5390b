"""Objective over two parameters as a heat map, a table and JSON."""

from __future__ import annotations

from typing import Any

from medalopt.analysis.sensitivity.surface import Surface
from medalopt.analysis.sensitivity.vary import Vary
from medalopt.plan.plan import UNITS
from medalopt.report.charts.chart import FONT, INK, Axis, Chart, plot
from medalopt.report.numbers import digits, money, scale
from medalopt.report.section import Column, Section
from medalopt.report.sensitivity.part import Part
from medalopt.wording import shown

STEPS = 7  # of colour, dark for a high objective
_RAMP = ("#ffffcc", "#ffeda0", "#fed976", "#feb24c", "#fc8d3c", "#e3311d", "#8c0d26")
_NONE = "#c4c8cc"


def part(found: Surface, currency: str) -> Part:
    """Report the objective over a grid of two parameters.

    Args:
        found: Objective at each point of the grid.
        currency: Currency of the instance, the unit of a cost.

    Returns:
        A summary line, the heat map with its table, and the JSON member `map`.
    """
    unit = UNITS.get(found.measure, currency)
    title = _title(found, unit)
    return Part(
        (f"{title}.",), (), (_chart(found, title, unit),), {"map": _members(found, unit)}, heading="Two figures at once"
    )


def _known(found: Surface) -> list[float]:
    return [value for row in found.objective for value in row if value is not None]


def _title(found: Surface, unit: str) -> str:
    known = _known(found)
    what = "Cost" if found.measure == "cost" else f"Least {found.measure}"
    both = f"as {shown(found.across.path, 60)} and {shown(found.up.path, 60)} move together"
    if not known:
        return f"No plan is found anywhere {both}" if found.unproven else f"No plan exists anywhere {both}"
    every, unknown = sum(len(row) for row in found.objective), len(found.unproven)
    without = every - len(known) - unknown
    fails = f"; no plan at {without} of {every} points" if without else ""
    fails += f"; not proven at {unknown} of {every} points" if unknown else ""
    return f"{what} from {money(min(known), unit)} to {money(max(known), unit)} {both}{fails}"


def _name(vary: Vary, value: float) -> str:
    return vary.called(value) or f"{digits(value, 4)} {vary.unit or ''}".rstrip()


def _chart(found: Surface, title: str, unit: str) -> Chart:
    size, word = scale(_known(found))
    cells: list[dict[str, Any]] = []
    bases: list[dict[str, Any]] = []
    for up, row in enumerate(found.objective):
        for across, value in enumerate(row):
            cell: dict[str, Any] = {"value": [across, up, 0 if value is None else value / size]}
            if value is None:
                mark = "?" if (up, across) in found.unproven else "×"
                cell |= {"visualMap": False, "itemStyle": {"color": _NONE}, "label": {"show": True, "formatter": mark}}
            cells.append(cell)
            if (found.columns[across], found.rows[up]) == (found.across.base, found.up.base):
                bases.append({"value": [across, up]})
    option = plot(_axis(found.across, found.columns), _axis(found.up, found.rows), [_heat(cells), _base(bases)], False)
    option["visualMap"] = _steps([value / size for value in _known(found)], f"{word}{unit}")
    option["grid"] = {"left": 24, "right": 190, "top": 40, "bottom": 40, "containLabel": True}
    none = sum(row.count(None) for row in found.objective) > len(found.unproven)
    without = (*(("× no plan.",) if none else ()), *(("? not proven.",) if found.unproven else ()))
    notes = (*without, *(("◆ the instance as it stands.",) if bases else ()))
    return Chart(title, option, (_table(found, size, f"{word}{unit}"),), notes, 460)


def _axis(vary: Vary, values: tuple[float, ...]) -> Axis:
    return Axis(
        shown(vary.path, 60), vary.unit or "", names=[vary.called(value) or digits(value, 4) for value in values]
    )


def _heat(cells: list[dict[str, Any]]) -> dict[str, Any]:
    style = {"borderColor": "#ffffff", "borderWidth": 1}
    label = {"color": INK, "fontFamily": FONT, "fontSize": 13}
    return {"type": "heatmap", "data": cells, "itemStyle": style, "label": label}


def _base(cells: list[dict[str, Any]]) -> dict[str, Any]:
    style = {"color": "#ffffff", "borderColor": INK, "borderWidth": 2}
    return {"type": "scatter", "data": cells, "symbol": "diamond", "symbolSize": 14, "itemStyle": style, "z": 5}


def _steps(values: list[float], unit: str) -> dict[str, Any]:
    """Return the colour scale: `COLOUR_STEPS` intervals of equal width over the values."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    edges = [low + (high - low) * step / STEPS for step in range(STEPS + 1)]
    pieces = [
        {"gte" if n == 0 else "gt": edges[n], "lte": edges[n + 1], "color": _RAMP[n]}
        | {"label": f"{digits(edges[n], 3)} to {digits(edges[n + 1], 3)}"}
        for n in range(STEPS)
    ]
    text = {"fontFamily": FONT, "fontSize": 12, "color": INK}
    place = {"orient": "vertical", "right": 12, "top": 48}
    return {
        "type": "piecewise",
        "pieces": pieces,
        "seriesIndex": 0,
        "showLabel": True,
        "text": [unit, ""],
        "textStyle": text,
        **place,
    }


def _table(found: Surface, size: float, unit: str) -> Section:
    head = f"{shown(found.up.path, 40)} \\ {shown(found.across.path, 40)}"
    columns = (Column(head, False), *(Column(_name(found.across, at)) for at in found.columns))
    rows = tuple(
        (_name(found.up, at), *(_cell(found, (up, across), value, size) for across, value in enumerate(row)))
        for up, (at, row) in enumerate(zip(found.rows, found.objective, strict=True))
    )
    return Section(f"Along both, {unit}", columns, rows)


def _cell(found: Surface, place: tuple[int, int], value: float | None, size: float) -> str:
    if value is not None:
        return digits(value / size)
    return "not proven" if place in found.unproven else "no plan"


def _members(found: Surface, unit: str) -> dict[str, Any]:
    both = (found.across, found.up)
    return {
        "paths": [vary.path for vary in both],
        "units": [vary.unit for vary in both],
        "values": [list(found.columns), list(found.rows)],
        "objective": [list(row) for row in found.objective],
        "unproven": [list(place) for place in sorted(found.unproven)],
        "measure": found.measure,
        "objective_unit": unit,
        "base": {"values": [vary.base for vary in both], "objective": found.base},
    }
