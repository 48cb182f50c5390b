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
from medalopt.report.section import Heading, Section
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
    heading: str = ""  # under which it stands among others


def on_screen(instance: Instance, parts: Sequence[Part], screen: Screen | None = None) -> str:
    """Return all parts as text for standard output, or another `screen`."""
    shown: list[Section | Heading] = []
    for part in parts:
        shown += [*_headed(parts, part), *(own for chart in part.charts for own in chart.tables), *part.tables]
    return printed(screen or Screen.of_output(), _title(instance), [(line, "plain") for line in _first(parts)], shown)


def as_json(instance: Instance, parts: Sequence[Part]) -> str:
    """Return all parts as one JSON object, with the figures they were found for."""
    told: dict[str, Any] = {"format": "medalopt/sensitivity/1", "instance": identity(instance)}
    for part in parts:
        told |= part.members
    return text(told)


def as_page(instance: Instance, parts: Sequence[Part]) -> str:
    """Return all parts as one self-contained HTML file."""
    from medalopt.report.charts.htmlpage import html

    shown: list[Section | Chart | Heading] = []
    for part in parts:
        shown += [*_headed(parts, part), *part.charts, *part.tables]
    return html(_title(instance), _first(parts), shown, (f"Figures of {instance.name}: sha256 {instance.figures}.",))


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


def _first(parts: Sequence[Part]) -> tuple[str, ...]:
    """Return the lines that stand at the top: those of the only part."""
    return parts[0].lines if len(parts) == 1 else ()


def _headed(parts: Sequence[Part], part: Part) -> tuple[Heading, ...]:
    """Return what one of several parts begins with: its heading, and its own lines."""
    return (Heading(part.heading, part.lines),) if len(parts) > 1 else ()


def _title(instance: Instance) -> str:
    return f"How sensitive the plan is: {instance.title or instance.name}"
