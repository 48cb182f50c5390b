"""One part of the report on sensitivity, and all parts together: on a terminal, as JSON, as a page with charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medalopt.errors import UsageError
from medalopt.instance.instance import Instance
from medalopt.report.charts.chart import Chart
from medalopt.report.jsonplan import identity, text
from medalopt.report.page import printed
from medalopt.report.screen import Screen
from medalopt.report.section import Section
from medalopt.wording import shown


@dataclass(frozen=True)
class Part:
    """What one question gave: its answer in a few lines, its tables, its charts, and its members of the JSON object.

    On a terminal lines and tables are told; on a page lines, charts (which carry their own tables) and tables.
    """

    lines: tuple[str, ...]
    tables: tuple[Section, ...]
    charts: tuple[Chart, ...]
    members: Mapping[str, Any]
    interrupted: bool = False  # then it tells what was found until then


def on_screen(instance: Instance, parts: Sequence[Part], screen: Screen | None = None) -> str:
    """Return all parts as text for standard output, or another `screen`."""
    lines = [line for part in parts for line in part.lines]
    tables = [
        table for part in parts for table in (*(own for chart in part.charts for own in chart.tables), *part.tables)
    ]
    return printed(screen or Screen.of_output(), _title(instance), [(line, "plain") for line in lines], tables)


def as_json(instance: Instance, parts: Sequence[Part]) -> str:
    """Return all parts as one JSON object, with the figures they were found for."""
    told: dict[str, Any] = {"format": "medalopt/sensitivity/1", "instance": identity(instance)}
    for part in parts:
        told |= part.members
    return text(told)


def as_page(instance: Instance, parts: Sequence[Part]) -> str:
    """Return all parts as one self-contained HTML file."""
    from medalopt.report.charts.htmlpage import html

    lines = [line for part in parts for line in part.lines]
    shown: list[Section | Chart] = []
    for part in parts:
        shown += [*part.charts, *part.tables]
    return html(_title(instance), lines, shown, (f"Figures of {instance.name}: sha256 {instance.figures}.",))


def pictures(parts: Sequence[Part], path: Path) -> Iterator[tuple[Path, str | bytes]]:
    """Yield every chart as SVG or PNG, as `path` is named; where there are several they are numbered.

    Raises UsageError where there is none.
    """
    from medalopt.report.charts.drawing import png, svg

    charts = [chart for part in parts for chart in part.charts]
    if not charts:
        raise UsageError(f"-o {shown(str(path), 400)}: there is no chart to draw here; write NAME.html, .txt or .json")
    for number, chart in enumerate(charts, start=1):
        named = path if len(charts) == 1 else path.with_stem(f"{path.stem}-{number}")
        yield named, svg(chart) if path.suffix.lower() == ".svg" else png(chart)


def _title(instance: Instance) -> str:
    return f"How sensitive the plan is: {instance.title or instance.name}"
