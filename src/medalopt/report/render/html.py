"""Report as one HTML file: key figures, charts, tables and documents, without network or another file; prints well.

The content security policy admits the style and the scripts of the page by their hashes and nothing else. All content
of an instance is escaped as text, in charts too, which are plain data.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from medalopt.errors import UsageError
from medalopt.report.charts import Chart, load_echarts, render_svg
from medalopt.report.document import Report, ReportSummary, ReportTable, fold_table
from medalopt.report.render.text import (
    BREAK_PATTERN,
    SummaryText,
    TextHeading,
    TextTable,
    encode_document,
    format_table,
    split_summary,
)

_MAX_UNBROKEN = 14  # characters of a cell without line breaks, such as a month
_SCRIPT_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def _render_page(
    title: str,
    summary: SummaryText,
    parts: Sequence[TextTable | Chart | TextHeading],
    foot: Iterable[str] = (),
    template: str = "page.html.j2",
    first: ReportSummary | None = None,
    **more: Any,
) -> str:
    """Render a page; `first` is the content of its first screen besides the key figures."""
    above = () if first is None else first.charts
    charts = bool(above) or any(isinstance(part, Chart) for part in parts)
    style = f"{_read_asset('page.css')}{_build_column_rules(24)}{_build_height_rules((*parts, *above))}"
    code = f"{load_echarts()}\n{_read_asset('page.js')}" if charts else ""
    if first or any(_has_sorted_table(part) for part in parts):
        code = f"{code}\n{{{_read_asset('tables.js')}}}"
    return _load_template(template).render(
        title=title,
        summary=summary,
        foot=tuple(foot),
        parts=[_prepare_part(part, number) for number, part in enumerate(parts)],
        style=Markup(style),
        script=Markup(code),
        policy=_build_security_policy(style, code),
        first=None if first is None else _prepare_first_screen(first, len(parts)),
        **{"date": "", **more},
    )


_UNSORTED_ROWS = 3  # rows up to which a table is not sorted on the page
_FOLDED_ROWS = 24  # rows from which a table of a plan is folded
_OPEN_DOCUMENTS = 3  # documents up to which their lines are shown unfolded


def _has_sorted_table(part: TextTable | Chart | TextHeading) -> bool:
    """Return True where a part has a table that is sorted and filtered on the page."""
    tables = (part,) if isinstance(part, TextTable) else part.tables if isinstance(part, Chart) else ()
    return any(len(table.rows) > _UNSORTED_ROWS for table in tables)


def _load_template(name: str) -> Any:
    """Load a template with automatic escaping."""
    loader = FunctionLoader(_read_asset)
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True, loader=loader)
    environment.globals["unsorted_rows"] = _UNSORTED_ROWS
    environment.globals |= {"folded_rows": _FOLDED_ROWS, "open_documents": _OPEN_DOCUMENTS}
    environment.filters |= {"places": _get_column_classes, "breakable": _add_break_points}
    environment.filters["short"] = lambda title: title.partition(": ")[0]  # the part before its finding
    return environment.get_template(name)


def _get_column_classes(section: TextTable) -> str:
    """Return the classes of a table: columns aligned right, and columns without line breaks."""
    names = [f"r{position}" if column.right else "" for position, column in enumerate(section.columns, start=1)]
    for position, column in enumerate(section.columns, start=1):
        if not column.right and all(len(row[position - 1]) <= _MAX_UNBROKEN for row in section.rows):
            names.append(f"s{position}")
    return " ".join(filter(None, names))


def _build_column_rules(maximum: int) -> str:
    """Return the style rules of those classes, which are shorter than a class at every cell."""
    return "".join(
        f".r{position} :is(td, th):nth-child({position}) {{ text-align: right; }}\n"
        f":is(.r{position}, .s{position}) td:nth-child({position}) {{ white-space: nowrap; }}\n"
        f":is(.r{position}, .s{position}) td:nth-child({position}) wbr {{ display: none; }}\n"
        for position in range(1, maximum + 1)
    )


def _add_break_points(text: str) -> Markup:
    """Return a name with optional line breaks after its separators."""
    return Markup(BREAK_PATTERN.sub(r"\1<wbr>", str(escape(text))))


def _read_asset(name: str) -> str:
    """Return the text of a file of the package."""
    return resources.files("medalopt.report").joinpath("assets", name).read_text(encoding="utf-8")


def _prepare_first_screen(first: ReportSummary, start: int) -> dict[str, Any]:
    """Return the first screen as the template takes it; its charts are numbered from `start` on."""
    return {
        "tables": [format_table(first.orders)] if first.orders.rows else [],
        "risks": first.risks,
        "charts": [_prepare_part(chart, number) for number, chart in enumerate(first.charts, start=start)],
    }


def _prepare_part(part: TextTable | Chart | TextHeading, number: int) -> TextTable | TextHeading | dict[str, Any]:
    """Return a part as the template takes it."""
    if isinstance(part, (TextTable, TextHeading)):
        return part
    return {
        "title": part.title,
        "notes": part.notes,
        "tables": [format_table(table, MOST_TABLE_ROWS) for table in part.tables],
        "key": f"chart-{number}",
        "option": _embed_json(part.option),
        "picture": _embed_picture(part),
    }


def _embed_json(value: Any) -> Markup:
    """Return plain data as JSON that cannot end a script element; numbers must be finite."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign, written in _SCRIPT_ESCAPES.items():
        text = text.replace(sign, written)
    return Markup(text)


def _embed_picture(chart: Chart) -> str:
    """Return a chart as an embedded SVG image, shown without JavaScript; '' if nothing can draw it."""
    try:
        drawn = render_svg(chart, title=False)
    except UsageError:
        return ""
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}"


def _build_height_rules(parts: Sequence[TextTable | Chart | TextHeading]) -> str:
    """Return the style rules for the heights of charts; an attribute would need a wider security policy."""
    rules = (
        f'.chart[data-option="chart-{number}"] {{ height: {part.height}px; }}\n'
        for number, part in enumerate(parts)
        if isinstance(part, Chart)
    )
    return "".join(rules)


def _build_security_policy(style: str, code: str) -> str:
    """Return the content security policy."""
    script = f"script-src {_hash_source(code)}; " if code else ""
    rest = "img-src data:; base-uri 'none'; form-action 'none'"
    return f"default-src 'none'; {script}style-src {_hash_source(style)}; {rest}"


def _hash_source(text: str) -> str:
    """Return the source hash of a style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


MOST_TABLE_ROWS = 1_000  # rows of a table on the page; the rest is summed, and listed in the workbook
MOST_PLAN_ROWS = 50  # likewise on the page of a report with order documents
MOST_DOCUMENT_LINES = 40  # of a document; a longer one is shown as sums over the periods and by period
_FULL_LINES_NOTE = "All lines: in the workbook, and {}.csv of the folder."


def render_report_html(report: Report) -> str:
    """Render the report as HTML: summary, charts, tables, and every document on a printed page of its own.

    Args:
        report: Report to render.

    Returns:
        The HTML text.
    """
    parts = list(_list_parts(report, MOST_PLAN_ROWS if report.documents else MOST_TABLE_ROWS))
    summary = split_summary(report)
    if report.summary is None and not report.documents:
        return _render_page(report.title, summary, parts, report.foot, date=report.date)
    documents = [
        encode_document(document, [format_table(table) for table in document.grouped])
        if document.grouped
        else encode_document(document, _format_document_lines(document.lines))
        for document in report.documents
    ]
    first = report.summary
    more = {"documents": documents, "date": report.date}
    return _render_page(report.title, summary, parts, report.foot, "plan.html.j2", first, **more)


def _list_parts(report: Report, maximum: int) -> Iterator[TextTable | Chart | TextHeading]:
    """Yield the charts and tables of a report, then each of its parts with a heading."""
    first = report.summary
    yield from (chart for chart in report.charts if first is None or chart not in first.charts)
    yield from (format_table(table, maximum) for table in report.tables if first is None or table not in first.tables)
    for part in report.parts:
        yield TextHeading(part.title, part.headline)
        yield from _list_parts(part, maximum)


def _format_document_lines(lines: ReportTable) -> tuple[TextTable, ...]:
    """Format the lines of a document for the page."""
    if len(lines.rows) <= MOST_DOCUMENT_LINES:
        return (format_table(lines),)
    by_name, by_period = fold_table(lines)
    shown = [format_table(part) for part in (by_name, by_period) if part.rows]
    return (*shown[:-1], replace(shown[-1], notes=(*shown[-1].notes, _FULL_LINES_NOTE.format(lines.key))))
