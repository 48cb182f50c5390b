"""Charts as SVG and PNG without a browser: ECharts renders SVG in QuickJS, resvg rasterises it."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from medalopt.errors import UsageError
from medalopt.report.charts.chart import FONT, INK, Chart

ECHARTS_FILE = "echarts-6.1.0-parts.min.js"
PICTURE_WIDTH = 860  # pixels
_TITLE_LINE_HEIGHT = 20  # pixels, height of a line of the title
_PNG_ZOOM = 2  # PNG pixels per SVG pixel
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

    Returns:
        The SVG text.

    Raises:
        UsageError: The JavaScript engine is not installed.
    """
    option, height = dict(chart.option), chart.height
    if title:
        lines = _wrap_title(chart.title, width // 9)
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
    return str(_load_engine()(json.dumps({"option": option, "width": width, "height": height})))


def render_png(chart: Chart, width: int = PICTURE_WIDTH) -> bytes:
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

    Returns:
        The paths.

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


def _wrap_title(text: str, maximum: int) -> list[str]:
    """Return a text in lines of about `maximum` characters."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > maximum:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
