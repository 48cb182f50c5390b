"""Charts independent of the renderer, one ECharts option each; as SVG and PNG without a browser (QuickJS, resvg)."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from medalopt.errors import UsageError

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
    """
    data = [[across, up] for across, up in points]
    return {"type": "line", "name": name, "data": data, "symbolSize": 6, "lineStyle": {"width": 2.5}, **more}


def build_bar_series(name: str, number: int, values: list[float | None] | list[float]) -> dict[str, Any]:
    """Return a series of bars, in the colour of a number.

    Args:
        name: Name in the legend.
        number: Number of the colour, repeated after the last.
        values: Lengths of the bars; None draws no bar.
    """
    colour = COLOURS[number % len(COLOURS)]
    return {"type": "bar", "name": name, "data": values, "barMaxWidth": 18, "itemStyle": {"color": colour}}


def draw_bar_pairs(title: str, across: ChartAxis, names: Sequence[str], series: Sequence[Mapping[str, Any]]) -> Chart:
    """Draw two horizontal bars for each name, the first name at the top.

    Args:
        title: Title of the chart.
        across: Axis of the values.
        names: Names at the side, one for each pair.
        series: Two series of bars over the names.

    Returns:
        The chart, with a legend, as high as its pairs need.
    """
    up = ChartAxis("", names=names, extra={"inverse": True, "data": names})
    return Chart(title, build_plot_option(across, up, series, legend=True), height=130 + 52 * len(names))


def mark_base_case(position: float, text: str) -> dict[str, Any]:
    """Return the vertical mark of the base case, a `markLine` of a series.

    Args:
        position: Value on the horizontal axis.
        text: Label.
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
    """
    return {
        "silent": True,
        "itemStyle": {"color": "#d55e00", "opacity": 0.12},
        "label": {"color": "#a34700", "fontFamily": FONT, "fontSize": 13, "position": "inside"},
        "data": [[{"xAxis": start, "name": text}, {"xAxis": end}]],
    }


ECHARTS_FILE = "echarts-6.1.0-parts.min.js"
PICTURE_WIDTH = 860  # pixels
_TITLE_LINE_HEIGHT = 20  # pixels, height of a line of the title
_PNG_ZOOM = 2  # PNG pixels per SVG pixel
_NEGATIVE_TEXT = re.compile(r">-(?=[0-9])")  # number on an axis, which ECharts writes with a hyphen
_ENGINE_PRELUDE = "var setTimeout = () => 0, clearTimeout = () => 0; var global = globalThis;\n"
_DRAW_SCRIPT = """(text => {
  const {option, width, height} = JSON.parse(text);
  const chart = echarts.init(null, null, {renderer: 'svg', ssr: true, width, height});
  chart.setOption(option);
  const drawn = chart.renderToSVGString();
  chart.dispose();
  return JSON.parse(JSON.stringify(drawn));
})"""


def load_echarts() -> str:
    """Return the source of ECharts, which is part of the package (Apache License 2.0, included beside it).

    Returns:
        The JavaScript text.
    """
    return resources.files("medalopt.report").joinpath("assets", ECHARTS_FILE).read_text(encoding="utf-8")


def render_svg(chart: Chart, title: bool = True, width: int = PICTURE_WIDTH) -> str:
    """Render a chart as SVG.

    Args:
        chart: Chart.
        title: Whether the title is drawn above it.
        width: Width [pixels].

    Raises:
        UsageError: The JavaScript engine is not installed.
    """
    option, height = dict(chart.option), chart.height
    if title:
        lines = textwrap.wrap(chart.title, width // 9, break_long_words=False, break_on_hyphens=False) or [""]
        head = 12 + _TITLE_LINE_HEIGHT * len(lines)
        style = {
            "fontSize": 16,
            "lineHeight": _TITLE_LINE_HEIGHT,
            "fontWeight": "bold",
            "fontFamily": FONT,
            "color": INK,
        }
        option = {**_shift_down(option, head), "title": {"text": "\n".join(lines), "left": 12, "textStyle": style}}
        option["backgroundColor"], height = "#ffffff", height + head
    svg = str(_load_engine()(json.dumps({"option": option, "width": width, "height": height})))
    return _renumber_names(_NEGATIVE_TEXT.sub(">−", svg))


def _renumber_names(svg: str) -> str:
    """Number the classes and clips of a picture from 0: ECharts counts them on from picture to picture."""
    numbers: dict[str, str] = {}
    counts: dict[str, int] = {}

    def rename(found: re.Match[str]) -> str:
        """Return the name of a class or clip in this picture alone."""
        if found[0] not in numbers:
            counts[found[1]] = counts.get(found[1], -1) + 1
            numbers[found[0]] = f"zr0-{found[1]}{counts[found[1]]}"
        return numbers[found[0]]

    return re.sub(r"\bzr[0-9]+-([a-z]+-?)[0-9]+\b", rename, svg)


def render_png(chart: Chart, width: int = PICTURE_WIDTH) -> bytes:
    """Render a chart as PNG with its title, at twice the resolution.

    Args:
        chart: Chart.
        width: Width [pixels] of the SVG.

    Raises:
        UsageError: The JavaScript engine, resvg or the font is not installed.
    """
    try:
        import resvg_py
    except ImportError as error:
        raise _make_missing_error(error) from error
    family = "Source Sans Pro"
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=render_svg(chart, width=width),
            zoom=_PNG_ZOOM,
            background="#ffffff",
            font_files=list_font_files(),
            font_family=family,
            sans_serif_family=family,
        )
    )


def list_font_files() -> list[str]:
    """Return the paths of the font files of Source Sans Pro.

    Raises:
        UsageError: The font is not installed.
    """
    try:
        import font_source_sans_pro
    except ImportError as error:
        raise _make_missing_error(error) from error
    return [str(path) for path in font_source_sans_pro.font_files_ttf.values()]


@cache
def _load_engine() -> Any:
    """Return the JavaScript function that renders an option."""
    try:
        import quickjs
    except ImportError as error:
        raise _make_missing_error(error) from error
    context = quickjs.Context()
    context.eval(f"{_ENGINE_PRELUDE}{load_echarts()};0")
    return context.eval(_DRAW_SCRIPT)


def _make_missing_error(error: ImportError) -> UsageError:
    """Return the error on a missing optional package."""
    return UsageError(
        f"pictures without a browser need {error.name}, which is not installed: pip install 'medalopt[pictures]', "
        "or write the page (-o NAME.html), which needs no other package"
    )


def _shift_down(option: dict[str, Any], by: int) -> dict[str, Any]:
    """Return the option with every `top` larger by `by` pixels."""
    moved = {}
    for name, part in option.items():
        several = part if isinstance(part, list) else [part]
        lower = [
            {**one, "top": one["top"] + by} if isinstance(one, dict) and isinstance(one.get("top"), int) else one
            for one in several
        ]
        moved[name] = lower if isinstance(part, list) else lower[0]
    return moved
