"""Lines, tables and charts as one self-contained HTML file: no network, no other file.

The content security policy admits the style and the scripts of the page by their hashes and nothing else. All content
of an instance is escaped as text, in charts too, which are plain data.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from medalopt.errors import UsageError
from medalopt.report.charts.chart import Chart
from medalopt.report.charts.drawing import script, svg
from medalopt.report.section import Heading, Section

_SHORT = 14  # characters of a cell without line breaks, such as a month
_JOINT = re.compile(r"(?<=\w)([@_/])(?=\w)")
_INSIDE_A_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def html(
    title: str,
    lines: Iterable[str],
    parts: Sequence[Section | Chart | Heading],
    foot: Iterable[str] = (),
    template: str = "page.html.j2",
    **more: Any,
) -> str:
    """Render a report as an HTML page.

    Args:
        title: Title of the page.
        lines: Sentences below the title.
        parts: Tables, charts and headings in their order.
        foot: Lines at the bottom.
        template: File name of the Jinja template.
        **more: Further variables of that template.

    Returns:
        The HTML text.
    """
    charts = any(isinstance(part, Chart) for part in parts)
    style = f"{_asset('page.css')}{_places_of_columns(24)}{_heights(parts)}"
    code = f"{script()}\n{_asset('page.js')}" if charts else ""
    return _template(template).render(
        title=title,
        lines=tuple(lines),
        foot=tuple(foot),
        parts=[_part(part, number) for number, part in enumerate(parts)],
        style=Markup(style),
        script=Markup(code),
        policy=_policy(style, code),
        **more,
    )


def _template(name: str) -> Any:
    """Load a template with automatic escaping."""
    loader = FunctionLoader(_asset)
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True, loader=loader)
    environment.filters |= {"places": _places, "breakable": _breakable}
    return environment.get_template(name)


def _places(section: Section) -> str:
    """Return the classes of a table: columns aligned right, and columns without line breaks."""
    names = [f"r{place}" if column.right else "" for place, column in enumerate(section.columns, start=1)]
    for place, column in enumerate(section.columns, start=1):
        if not column.right and all(len(row[place - 1]) <= _SHORT for row in section.rows):
            names.append(f"s{place}")
    return " ".join(filter(None, names))


def _places_of_columns(most: int) -> str:
    """Return the style rules of those classes, which are shorter than a class at every cell."""
    return "".join(
        f".r{place} :is(td, th):nth-child({place}) {{ text-align: right; }}\n"
        f":is(.r{place}, .s{place}) td:nth-child({place}) {{ white-space: nowrap; }}\n"
        f":is(.r{place}, .s{place}) td:nth-child({place}) wbr {{ display: none; }}\n"
        for place in range(1, most + 1)
    )


def _breakable(text: str) -> Markup:
    """Return a name with optional line breaks after its separators."""
    return Markup(_JOINT.sub(r"\1<wbr>", str(escape(text))))


def _asset(name: str) -> str:
    """Return the text of a file of the package."""
    return resources.files("medalopt.report").joinpath("assets", name).read_text(encoding="utf-8")


def _key(number: int) -> str:
    """Return the identifier of a chart."""
    return f"chart-{number}"


def _part(part: Section | Chart | Heading, number: int) -> Section | Heading | dict[str, Any]:
    """Return a part as the template takes it."""
    if isinstance(part, (Section, Heading)):
        return part
    return {
        "title": part.title,
        "notes": part.notes,
        "tables": part.tables,
        "key": _key(number),
        "option": _data(part.option),
        "picture": _picture(part),
    }


def _data(value: Any) -> Markup:
    """Return plain data as JSON that cannot end a script element; numbers must be finite."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign, written in _INSIDE_A_SCRIPT.items():
        text = text.replace(sign, written)
    return Markup(text)


def _picture(chart: Chart) -> str:
    """Return a chart as an embedded SVG image, shown without JavaScript; '' if nothing can draw it."""
    try:
        drawn = svg(chart, title=False)
    except UsageError:
        return ""
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}"


def _heights(parts: Sequence[Section | Chart | Heading]) -> str:
    """Return the style rules for the heights of charts; an attribute would need a wider security policy."""
    rules = (
        f'.chart[data-option="{_key(number)}"] {{ height: {part.height}px; }}\n'
        for number, part in enumerate(parts)
        if isinstance(part, Chart)
    )
    return "".join(rules)


def _policy(style: str, code: str) -> str:
    """Return the content security policy."""
    own = f"script-src {_hash(code)}; " if code else ""
    return f"default-src 'none'; {own}style-src {_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    """Return the source hash of a style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
