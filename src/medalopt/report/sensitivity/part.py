"""Parts of the sensitivity report, rendered as text, JSON or HTML, and their charts as SVG or PNG."""

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
    """Result of one sensitivity analysis.

    Text output shows lines and tables, those of the charts included; HTML shows lines, charts and tables.

    Attributes:
        lines: Summary, a sentence each.
        tables: Tables that belong to no chart.
        charts: Charts, each with its own tables.
        members: Members of the JSON object.
        interrupted: True where the analysis was interrupted.
        heading: Title of the part.
    """

    lines: tuple[str, ...]
    tables: tuple[Section, ...]
    charts: tuple[Chart, ...]
    members: Mapping[str, Any]
    interrupted: bool = False  # then it holds the results up to that moment
    heading: str = ""  # shown where there are several parts


def on_screen(instance: Instance, parts: Sequence[Part], screen: Screen | None = None) -> str:
    """Render all parts as text.

    Args:
        instance: Instance that was analysed.
        parts: Parts in the order of the report.
        screen: Width and colours; those of standard output by default.

    Returns:
        The text.
    """
    shown: list[Section | Heading] = []
    for part in parts:
        shown += [*_headed(parts, part), *(own for chart in part.charts for own in chart.tables), *part.tables]
    return printed(screen or Screen.of_output(), _title(instance), [(line, "plain") for line in _first(parts)], shown)


def as_json(instance: Instance, parts: Sequence[Part]) -> str:
    """Render all parts as one JSON object of format `medalopt/sensitivity/1`.

    Args:
        instance: Instance that was analysed, identified in the object.
        parts: Parts whose members are joined.

    Returns:
        The JSON text.
    """
    told: dict[str, Any] = {"format": "medalopt/sensitivity/1", "instance": identity(instance)}
    for part in parts:
        told |= part.members
    return text(told)


def as_page(instance: Instance, parts: Sequence[Part]) -> str:
    """Render all parts as one self-contained HTML file.

    Args:
        instance: Instance that was analysed.
        parts: Parts in the order of the report.

    Returns:
        The HTML text.
    """
    from medalopt.report.charts.htmlpage import html

    shown: list[Section | Chart | Heading] = []
    for part in parts:
        shown += [*_headed(parts, part), *part.charts, *part.tables]
    return html(_title(instance), _first(parts), shown, (f"Figures of {instance.name}: sha256 {instance.figures}.",))


def pictures(parts: Sequence[Part], path: Path) -> Iterator[tuple[Path, str | bytes]]:
    """Draw every chart as SVG or PNG.

    Args:
        parts: Parts of the report.
        path: File to write; its suffix selects SVG or PNG, and several charts are numbered.

    Yields:
        Path and content of each file.

    Raises:
        UsageError: If the parts have no chart.
    """
    from medalopt.report.charts.drawing import png, svg

    charts = [chart for part in parts for chart in part.charts]
    if not charts:
        raise UsageError(f"-o {shown(str(path), 400)}: there is no chart to draw here; write NAME.html, .txt or .json")
    for number, chart in enumerate(charts, start=1):
        named = path if len(charts) == 1 else path.with_stem(f"{path.stem}-{number}")
        yield named, svg(chart) if path.suffix.lower() == ".svg" else png(chart)


def _first(parts: Sequence[Part]) -> tuple[str, ...]:
    """Return the lines at the top of the report: those of the only part."""
    return parts[0].lines if len(parts) == 1 else ()


def _headed(parts: Sequence[Part], part: Part) -> tuple[Heading, ...]:
    """Return the heading and lines of one of several parts."""
    return (Heading(part.heading, part.lines),) if len(parts) > 1 else ()


def _title(instance: Instance) -> str:
    return f"How sensitive the plan is: {instance.title or instance.name}"
