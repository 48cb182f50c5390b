"""Charts as SVG and PNG without a browser: ECharts draws them in a small JavaScript engine, resvg fills in pixels."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from medalopt.errors import UsageError
from medalopt.report.charts.chart import FONT, INK, Chart

ECHARTS = "echarts-6.1.0-parts.min.js"
WIDTH = 860  # pixels
_TITLE = 20  # pixels of a line of the title
_SHARP = 2  # pixels of a PNG for each of the SVG
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
    """Return ECharts, as it is carried along (Apache License 2.0; its licence stands beside it)."""
    return resources.files("medalopt.report").joinpath("assets", ECHARTS).read_text(encoding="utf-8")


def svg(chart: Chart, title: bool = True, width: int = WIDTH) -> str:
    """Return `chart` as SVG, its finding above it. Raises UsageError where the engine is not installed."""
    option, height = dict(chart.option), chart.height
    if title:
        lines = _broken(chart.title, width // 9)
        head = 12 + _TITLE * len(lines)
        style = {"fontSize": 16, "lineHeight": _TITLE, "fontWeight": "bold", "fontFamily": FONT, "color": INK}
        option = {**_lowered(option, head), "title": {"text": "\n".join(lines), "left": 12, "textStyle": style}}
        option["backgroundColor"], height = "#ffffff", height + head
    return str(_engine()(json.dumps({"option": option, "width": width, "height": height})))


def png(chart: Chart, width: int = WIDTH) -> bytes:
    """Return `chart` as PNG, its finding above it. Raises UsageError where what draws is not installed."""
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
    """Return the paths of the font that is carried along. Raises UsageError where it is not installed."""
    try:
        import font_source_sans_pro
    except ImportError as error:
        raise _missing(error) from error
    return [str(path) for path in font_source_sans_pro.font_files_ttf.values()]


@cache
def _engine() -> Any:
    try:
        import quickjs
    except ImportError as error:
        raise _missing(error) from error
    context = quickjs.Context()
    context.eval(f"{_START}{script()};0")
    return context.eval(_DRAW)


def _missing(error: ImportError) -> UsageError:
    return UsageError(
        f"pictures without a browser need {error.name}, which is not installed: pip install 'medalopt[pictures]', "
        "or write the page (-o NAME.html), which needs nothing"
    )


def _lowered(option: dict[str, Any], by: int) -> dict[str, Any]:
    """Return the option with all that stands at the top lower by `by` pixels."""
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
    """Return a text in lines of at most about `most` characters."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
