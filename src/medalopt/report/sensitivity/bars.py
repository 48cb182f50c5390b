"""One bar for each thing that may go wrong: what it costs more, or that there is no plan and what metal is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medalopt.report.charts.chart import COLOURS, FONT, INK, Axis, plot
from medalopt.report.numbers import digits, mass, money, scale
from medalopt.wording import shown

MOST = 15  # bars
_NAME = 34  # characters of a name beside its bar
_HATCHED = {"symbol": "rect", "dashArrayX": [1, 0], "dashArrayY": [3, 5], "rotation": -0.8, "color": "#ffffffaa"}
_DOES = {"t": "takes", "kg CO2e": "emits"}
_BRACES = str.maketrans("{}", "()")  # which would be taken for a template


@dataclass(frozen=True)
class Bar:
    """A thing and what follows from it: `extra` of the measure, infinite where there is no plan; then `short` says why.

    `short`: kg by metal's title; None where no metal would help.
    """

    name: str
    extra: float
    short: Mapping[str, float] | None = None

    @property
    def feasible(self) -> bool:
        """Whether there is a plan."""
        return self.extra < float("inf")


def missing(short: Mapping[str, float] | None) -> str:
    """Return what is missing where there is no plan, such as `1,912 kg of silver short`."""
    if short is None:
        return "other rules cannot be kept, whatever metal there is"
    parts = [f"{mass(kg)} of {shown(title)}" for title, kg in sorted(short.items(), key=lambda one: -one[1])]
    return f"{', '.join(parts)} short" if parts else "by a hair of metal"


def briefly(short: Mapping[str, float] | None) -> str:
    """Return the same in the few words of a cell or a label."""
    return missing(short) if short is not None else "other rules"


def amount(extra: float, unit: str) -> str:
    """Return what something costs more or less: `71 m JPY more`."""
    if extra == 0:
        return f"no {unit} more"
    size = money(abs(extra), unit) if unit not in ("t", "kg CO2e") else f"{digits(abs(extra))} {unit}"
    return f"{size} {'more' if extra > 0 else 'less'}"


def by_title(short: Mapping[str, float] | None, titles: Mapping[str, str]) -> Mapping[str, float] | None:
    """Return what is short by the metal's title instead of its symbol."""
    return None if short is None else {titles[metal]: kg for metal, kg in short.items()}


def costs(extra: float, unit: str) -> str:
    """Return the same as a sentence without its condition: `it costs 71 m JPY more`."""
    return f"it {_DOES.get(unit, 'costs')} {amount(extra, unit)}"


def bars(rows: Sequence[Bar], unit: str, what: str = "more than the plan as it is") -> dict[str, Any]:
    """Return the option of a chart of at most `MOST` bars, the first on top; hatched where there is no plan."""
    listed = list(rows[:MOST])
    size, word = scale(row.extra for row in listed if row.feasible)
    longest = max((abs(row.extra) / size for row in listed if row.feasible), default=0.0) or 1.0
    plain = [round(row.extra / size, 9) if row.feasible else None for row in listed]
    none = [None if row.feasible else longest for row in listed]
    costs = [f"{digits(row.extra / size, 3)}" if row.feasible else "" for row in listed]
    labels = ["" if row.feasible else f"no plan: {briefly(row.short)}" for row in listed]
    across = Axis(what, f"{word}{unit}", extra={"scale": False})
    up = Axis("", names=[shown(row.name, _NAME) for row in listed], extra={"inverse": True})
    series = [
        _bar("a plan exists", plain, costs, COLOURS[0], {"decal": {"symbol": "none"}}, "right"),
        _bar("no plan", none, labels, COLOURS[1], {"decal": _HATCHED}, "insideLeft"),
    ]
    either = any(row.feasible for row in listed) and not all(row.feasible for row in listed)
    return plot(across, up, series, legend=either, aria={"enabled": True, "decal": {"show": True}})


def height(rows: Sequence[Bar]) -> int:
    """Return the height of such a chart, pixels."""
    return 130 + 30 * min(len(rows), MOST)


def _bar(
    name: str,
    values: Sequence[float | None],
    labels: Sequence[str],
    colour: str,
    style: Mapping[str, Any],
    position: str,
) -> dict[str, Any]:
    data = [
        {"value": value, "label": {"show": bool(label), "formatter": label.translate(_BRACES)}}
        for value, label in zip(values, labels, strict=True)
    ]
    look: dict[str, Any] = {"position": position, "color": INK, "fontSize": 12, "fontFamily": FONT}
    look |= {"backgroundColor": "#ffffff", "padding": [2, 4], "borderRadius": 2}
    return {
        "type": "bar",
        "name": name,
        "stack": "one",
        "data": data,
        "barMaxWidth": 20,
        "itemStyle": {"color": colour, **style},
        "label": look,
    }
