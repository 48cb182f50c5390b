"""Chart independent of the renderer: one ECharts option serves HTML, SVG and PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medalopt.report.document import ReportTable

# Okabe and Ito 2008: distinct for colour-blind readers, and in this order by lightness too
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#b8a800")
INK, FAINT, GRID = "#1f2328", "#57606a", "#d8dee4"
FONT = "Source Sans Pro, Segoe UI, Helvetica Neue, Arial, sans-serif"
_NAME_ALIGNMENT = {False: "center", True: "left"}
MAX_AXIS_NAME = 24  # characters of a name on an axis


@dataclass(frozen=True)
class Chart:
    """Chart with its finding as the title, and the same data as tables.

    `option` is an ECharts option of plain data without a title: no functions, and text only where ECharts takes text.
    """

    title: str
    option: Mapping[str, Any]
    tables: tuple[ReportTable, ...] = ()
    notes: tuple[str, ...] = ()
    height: int = 380  # pixels


@dataclass(frozen=True)
class ChartAxis:
    """Axis with title and unit; `names` makes it a category axis."""

    title: str
    unit: str = ""
    names: Sequence[str] = ()
    minimum: float | None = None
    maximum: float | None = None
    logarithmic: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    def encode(self, upward: bool = False) -> dict[str, Any]:
        """Return the axis as an ECharts option.

        Args:
            upward: Whether it is vertical: its title is above its end instead of below its middle.

        Returns:
            The option.
        """
        label = f"{self.title} ({self.unit})" if self.unit else self.title
        kind: dict[str, Any] = {"type": "log" if self.logarithmic else "value", "scale": True}
        if self.names:
            kind = {"type": "category", "data": [shorten_name(name) for name in self.names]}
        ends = {"min": self.minimum, "max": self.maximum}
        return {
            **kind,
            "name": label,
            "nameLocation": "end" if upward else "middle",
            "nameGap": 14 if upward else 34,
            "nameTextStyle": {"color": FAINT, "fontFamily": FONT, "fontSize": 13, "align": _NAME_ALIGNMENT[upward]},
            "axisLabel": {"color": INK, "fontFamily": FONT, "fontSize": 12, "hideOverlap": True},
            "axisLine": {"show": True, "lineStyle": {"color": FAINT}},
            "splitLine": {"show": not self.names, "lineStyle": {"color": GRID}},
            **{end: value for end, value in ends.items() if value is not None},
            **self.extra,
        }


def shorten_name(name: str, maximum: int = MAX_AXIS_NAME) -> str:
    """Shorten a name for an axis.

    Args:
        name: Name.
        maximum: Greatest number of characters.

    Returns:
        The name, cut with an ellipsis if it is longer.
    """
    return name if len(name) <= maximum else f"{name[: maximum - 1]}…"


def build_plot_option(
    across: ChartAxis, up: ChartAxis, series: Sequence[Mapping[str, Any]], legend: bool | None = None, **more: Any
) -> dict[str, Any]:
    """Return the option of a chart on two axes.

    Args:
        across: Horizontal axis.
        up: Vertical axis.
        series: ECharts series.
        legend: Whether to show a legend; None: with several named series.
        **more: Further members of the option.

    Returns:
        The option.
    """
    named = [str(line["name"]) for line in series if line.get("name")]
    shows = len(named) > 1 if legend is None else legend
    return {
        "color": list(COLOURS),
        "animation": False,
        "textStyle": {"fontFamily": FONT},
        "grid": {"left": 24, "right": 36, "top": 64 if shows else 40, "bottom": 40, "containLabel": True},
        "legend": {"show": shows, "top": 4, "data": named, "textStyle": {"color": INK, "fontSize": 13}},
        "tooltip": {"trigger": "item", "renderMode": "richText", "confine": True},
        "xAxis": across.encode(),
        "yAxis": up.encode(upward=True),
        "series": [dict(line) for line in series],
        **more,
    }


def build_line_series(name: str, points: Sequence[tuple[float, float | None]], **more: Any) -> dict[str, Any]:
    """Return a line series through points.

    Args:
        name: Name in the legend; '' for none.
        points: Points (x, y); the line is interrupted where y is None.
        **more: Further members of the series.

    Returns:
        The series.
    """
    data = [[across, up] for across, up in points]
    return {"type": "line", "name": name, "data": data, "symbolSize": 6, "lineStyle": {"width": 2.5}, **more}


def mark_base_case(position: float, text: str) -> dict[str, Any]:
    """Return the vertical mark of the base case, a `markLine` of a series.

    Args:
        position: Value on the horizontal axis.
        text: Label.

    Returns:
        The mark.
    """
    return {
        "silent": True,
        "symbol": "none",
        "lineStyle": {"color": INK, "type": "dashed", "width": 1.5},
        "label": {"formatter": text, "color": INK, "fontFamily": FONT, "fontSize": 12, "position": "end"},
        "data": [{"xAxis": position}],
    }


def mark_infeasible_range(start: float, end: float, text: str) -> dict[str, Any]:
    """Return the shaded infeasible range of the horizontal axis, a `markArea` of a series.

    Args:
        start: Lower end.
        end: Upper end.
        text: Label.

    Returns:
        The mark.
    """
    return {
        "silent": True,
        "itemStyle": {"color": "#d55e00", "opacity": 0.12},
        "label": {"color": "#a34700", "fontFamily": FONT, "fontSize": 13, "position": "inside"},
        "data": [[{"xAxis": start, "name": text}, {"xAxis": end}]],
    }
