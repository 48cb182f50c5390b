"""Charts as SVG and PNG without a browser: ECharts renders SVG in QuickJS, resvg rasterises it."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from medalopt.errors import UsageError
from medalopt.report.charts.chart import FONT, INK, Chart

ECHARTS = "echarts-6.1.0-parts.min.js"
WIDTH = 860  # pixels
_TITLE = 20  # pixels, height of a line of the title
_SHARP = 2  # PNG pixels per SVG pixel
_START = "var setTimeout = () => 0, clearTimeout = () => 0; var global = globalThis;\n"
_DRAW = """(text => {
  const {option, width, height} = JSON.parse(text);
  const chart = echarts.init(null, null, {renderer: 'svg', ssr: true, width, height});
  chart.setOption(option);
  const drawn = chart.renderToSVGString();
  chart.dispose();
  return JSON.parse(JSON.stringify(drawn));
})"""


def script() -> str:
    """Return the source of ECharts, which is part of the package (Apache License 2.0, included beside it).

    Returns:
        The JavaScript text.
    """
    return resources.files("medalopt.report").joinpath("assets", ECHARTS).read_text(encoding="utf-8")


def svg(chart: Chart, title: bool = True, width: int = WIDTH) -> str:
    """Render a chart as SVG.

    Args:
        chart: Chart.
        title: Whether the title is drawn above it.
        width: Width [pixels].

    Returns:
        The SVG text.

    Raises:
        UsageError: The JavaScript engine is not installed.
    """
    option, height = dict(chart.option), chart.height
    if title:
        lines = _broken(chart.title, width // 9)
        head = 12 + _TITLE * len(lines)
        style = {"fontSize": 16, "lineHeight": _TITLE, "fontWeight": "bold", "fontFamily": FONT, "color": INK}
        option = {**_lowered(option, head), "title": {"text": "\n".join(lines), "left": 12, "textStyle": style}}
        option["backgroundColor"], height = "#ffffff", height + head
    return str(_engine()(json.dumps({"option": option, "width": width, "height": height})))


def png(chart: Chart, width: int = WIDTH) -> bytes:
    """Render a chart as PNG with its title, at twice the resolution.

    Args:
        chart: Chart.
        width: Width [pixels] of the SVG.

    Returns:
        The bytes of the PNG file.

    Raises:
        UsageError: The JavaScript engine, resvg or the font is not installed.
    """
    try:
        import resvg_py
    except ImportError as error:
        raise _missing(error) from error
    family = "Source Sans Pro"
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg(chart, width=width),
            zoom=_SHARP,
            background="#ffffff",
            font_files=faces(),
            font_family=family,
            sans_serif_family=family,
        )
    )


def faces() -> list[str]:
    """Return the paths of the font files of Source Sans Pro.

    Returns:
        The paths.

    Raises:
        UsageError: The font is not installed.
    """
    try:
        import font_source_sans_pro
    except ImportError as error:
        raise _missing(error) from error
    return [str(path) for path in font_source_sans_pro.font_files_ttf.values()]


@cache
def _engine() -> Any:
    """Return the JavaScript function that renders an option."""
    try:
        import quickjs
    except ImportError as error:
        raise _missing(error) from error
    context = quickjs.Context()
    context.eval(f"{_START}{script()};0")
    return context.eval(_DRAW)


def _missing(error: ImportError) -> UsageError:
    """Return the error on a missing optional package."""
    return UsageError(
        f"pictures without a browser need {error.name}, which is not installed: pip install 'medalopt[pictures]', "
        "or write the page (-o NAME.html), which needs nothing"
    )


def _lowered(option: dict[str, Any], by: int) -> dict[str, Any]:
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


def _broken(text: str, most: int) -> list[str]:
    """Return a text in lines of about `most` characters."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
