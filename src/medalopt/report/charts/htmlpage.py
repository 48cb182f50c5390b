"""Lines, tables and charts as one HTML file that needs nothing beside it: no network and no other file.

The content security policy names the page's own style and scripts by their hashes, and allows nothing else; what comes
from the instance is text everywhere, also inside the charts, which take plain data and draw text as text.
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

_SHORT = 14  # characters of a cell that is not broken, such as a month
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
    """Return the page: title, lines below it, then tables and charts in their order under their headings, then `foot`.

    Another `template` may set `more` besides.
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
    loader = FunctionLoader(_asset)
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True, loader=loader)
    environment.filters |= {"places": _places, "breakable": _breakable}
    return environment.get_template(name)


def _places(section: Section) -> str:
    """Return the classes of a table: of which columns the figures stand at the right, and which are not broken."""
    names = [f"r{place}" if column.right else "" for place, column in enumerate(section.columns, start=1)]
    for place, column in enumerate(section.columns, start=1):
        if not column.right and all(len(row[place - 1]) <= _SHORT for row in section.rows):
            names.append(f"s{place}")
    return " ".join(filter(None, names))


def _places_of_columns(most: int) -> str:
    """Return the style rules for `_places`: shorter than a class at every cell."""
    return "".join(
        f".r{place} :is(td, th):nth-child({place}) {{ text-align: right; }}\n"
        f":is(.r{place}, .s{place}) td:nth-child({place}) {{ white-space: nowrap; }}\n"
        f":is(.r{place}, .s{place}) td:nth-child({place}) wbr {{ display: none; }}\n"
        for place in range(1, most + 1)
    )


def _breakable(text: str) -> Markup:
    """Return a name that may be broken after the signs that join its parts."""
    return Markup(_JOINT.sub(r"\1<wbr>", str(escape(text))))


def _asset(name: str) -> str:
    return resources.files("medalopt.report").joinpath("assets", name).read_text(encoding="utf-8")


def _key(number: int) -> str:
    return f"chart-{number}"


def _part(part: Section | Chart | Heading, number: int) -> Section | Heading | dict[str, Any]:
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
    """Return plain data as JSON that can end no script element. Not finite numbers are refused."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign, written in _INSIDE_A_SCRIPT.items():
        text = text.replace(sign, written)
    return Markup(text)


def _picture(chart: Chart) -> str:
    """Return the chart as an image inside the page, for who runs no script; '' where nothing can draw it."""
    try:
        drawn = svg(chart, title=False)
    except UsageError:
        return ""
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}"


def _heights(parts: Sequence[Section | Chart | Heading]) -> str:
    """Return the style rules for the heights of charts: an attribute would need a wider policy."""
    rules = (
        f'.chart[data-option="{_key(number)}"] {{ height: {part.height}px; }}\n'
        for number, part in enumerate(parts)
        if isinstance(part, Chart)
    )
    return "".join(rules)


def _policy(style: str, code: str) -> str:
    own = f"script-src {_hash(code)}; " if code else ""
    return f"default-src 'none'; {own}style-src {_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
