"""Bar chart of the cost of outages, delays and scenarios, with phrases for cost changes and metal shortfalls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medalopt.report.charts.chart import COLOURS, FONT, INK, Axis, plot
from medalopt.report.numbers import digits, mass, money, scale
from medalopt.wording import shown

MOST = 15  # bars of a chart
_NAME = 34  # characters of a label beside its bar
_HATCHED = {"symbol": "rect", "dashArrayX": [1, 0], "dashArrayY": [3, 5], "rotation": -0.8, "color": "#ffffffaa"}
_DOES = {"t": "takes", "kg CO2e": "emits"}
_BRACES = str.maketrans("{}", "()")  # ECharts reads braces as a template


@dataclass(frozen=True)
class Bar:
    """Bar of one loss.

    Attributes:
        name: Label of the bar.
        extra: Change of the objective, in its unit; infinite where no plan exists.
        short: Least metal shortfall [kg] by the metal's title; None where no amount of metal makes a plan feasible.
    """

    name: str
    extra: float
    short: Mapping[str, float] | None = None

    @property
    def feasible(self) -> bool:
        """Return True where a plan exists."""
        return self.extra < float("inf")


def missing(short: Mapping[str, float] | None) -> str:
    """Describe the metal shortfall of an infeasible scenario, such as `1,912 kg of silver short`.

    Args:
        short: Shortfall [kg] by the metal's title; None where no amount of metal makes a plan feasible.

    Returns:
        The metals with the largest shortfall first.
    """
    if short is None:
        return "other rules cannot be kept, whatever metal there is"
    parts = [f"{mass(kg)} of {shown(title)}" for title, kg in sorted(short.items(), key=lambda one: -one[1])]
    return f"{', '.join(parts)} short" if parts else "by a hair of metal"


def briefly(short: Mapping[str, float] | None) -> str:
    """Describe the metal shortfall of an infeasible scenario in the few words of a cell or a label.

    Args:
        short: Shortfall [kg] by the metal's title; None where no amount of metal makes a plan feasible.

    Returns:
        The phrase of `describe_shortfall`, or `other rules`.
    """
    return missing(short) if short is not None else "other rules"


def amount(extra: float, unit: str) -> str:
    """Format a change of the objective: `71 m JPY more`.

    Args:
        extra: Change [unit], positive for an increase.
        unit: Unit of the objective: a currency, `t` or `kg CO2e`.

    Returns:
        The absolute change with its unit and `more` or `less`.
    """
    if extra == 0:
        return f"no {unit} more"
    size = money(abs(extra), unit) if unit not in ("t", "kg CO2e") else f"{digits(abs(extra))} {unit}"
    return f"{size} {'more' if extra > 0 else 'less'}"


def by_title(short: Mapping[str, float] | None, titles: Mapping[str, str]) -> Mapping[str, float] | None:
    """Replace the symbols of metals by their titles.

    Args:
        short: Shortfall [kg] by symbol; None where no amount of metal makes a plan feasible.
        titles: Title of each metal by its symbol.

    Returns:
        Shortfall [kg] by title, or None.
    """
    return None if short is None else {titles[metal]: kg for metal, kg in short.items()}


def costs(extra: float, unit: str) -> str:
    """Describe a change of the objective as a main clause: `it costs 71 m JPY more`.

    Args:
        extra: Change [unit], positive for an increase.
        unit: Unit of the objective.

    Returns:
        The clause, without a full stop.
    """
    return f"it {_DOES.get(unit, 'costs')} {amount(extra, unit)}"


def bars(rows: Sequence[Bar], unit: str, what: str = "more than the plan as it is") -> dict[str, Any]:
    """Build the ECharts option of a horizontal bar chart, at most `MOST_BARS` bars, the first at the top.

    Bars of infeasible rows are hatched and as long as the longest feasible bar.

    Args:
        rows: Bars in the order of the chart.
        unit: Unit of the objective.
        what: Title of the horizontal axis.

    Returns:
        The option for `Chart`.
    """
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
    """Compute the height of the chart of `plot_loss_bars`.

    Args:
        rows: Bars of the chart.

    Returns:
        Height [px].
    """
    return 130 + 30 * min(len(rows), MOST)


def _bar(
    name: str,
    values: Sequence[float | None],
    labels: Sequence[str],
    colour: str,
    style: Mapping[str, Any],
    position: str,
) -> dict[str, Any]:
    """Return one ECharts series of bars with a label at each."""
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
