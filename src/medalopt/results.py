"""Results for notebooks: data frames with units in the column names, charts as SVG, and HTML, of analyses and plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medalopt.errors import UsageError
from medalopt.report.document import Report, ReportTable, get_cell_value, list_charts, list_tables
from medalopt.text import escape_text

if TYPE_CHECKING:
    import pandas as pd

    from medalopt.plan.plan import Plan

MAX_SHOWN_ROWS = 20  # rows of a frame in a notebook


@dataclass(frozen=True, eq=False)
class AnalysisResult:
    """Result of an analysis; a notebook shows its headline, charts and first rows.

    Attributes:
        report: Report that the command line prints.
        data: Result of the analysis as objects.
    """

    report: Report
    data: Any

    def __repr__(self) -> str:
        return f"<{escape_text(self.report.title, 80)}: {', '.join(self.frames) or 'no frames'}>"

    @property
    def headline(self) -> tuple[str, ...]:
        """Sentences that summarise the result."""
        parts = (line for part in self.report.parts for line in part.headline)
        return (*self.report.headline, *parts)

    @cached_property
    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Data frames of the tables by name, those on a screen first; units in column names, shares from 0 to 1."""
        shown = {table.key for table in self.report.screen or ()}
        tables = sorted(list_tables(self.report), key=lambda table: table.key not in shown)
        return {table.key: _build_report_frame(table) for table in tables}

    @property
    def frame(self) -> pd.DataFrame:
        """First data frame, with units in the column names."""
        return next(iter(self.frames.values()))

    @cached_property
    def figures(self) -> tuple[str, ...]:
        """All charts as SVG.

        Returns:
            Text of each SVG image.

        Raises:
            UsageError: If the engine of `medalopt[pictures]` is not installed.
        """
        from medalopt.report.charts import render_svg

        return tuple(render_svg(chart) for chart in list_charts(self.report))

    @property
    def figure(self) -> str | None:
        """First chart as SVG.

        Returns:
            Text of the image; None without a chart.

        Raises:
            UsageError: If the engine of `medalopt[pictures]` is not installed.
        """
        return self.figures[0] if self.figures else None

    def to_html(self) -> str:
        """Return the report as one HTML page.

        Returns:
            Page that works offline.
        """
        from medalopt.report.render.html import render_report_html

        return render_report_html(self.report)

    def to_json(self) -> str:
        """Return the result as JSON.

        Returns:
            Text that the command line prints with `--json`.
        """
        from medalopt.report.render.json import render_report_json

        return "".join(render_report_json(self.report))

    def _repr_html_(self) -> str:
        """Return headline, charts and first rows of all frames for a notebook."""
        try:
            figures = self.figures
        except UsageError:
            figures = ()  # without the engine that draws
        return _render_fragment(self.report.title, self.headline, figures, self.frames)


def _render_fragment(
    title: str, headline: Iterable[str], figures: Iterable[str], frames: Mapping[str, pd.DataFrame]
) -> str:
    """Render a part of an HTML page."""
    parts = [f"<h4>{escape(title)}</h4>", *(f"<div>{escape(line)}</div>" for line in headline), *figures]
    for name, frame in frames.items():
        rows = f" ({len(frame)} rows)" if len(frame) > MAX_SHOWN_ROWS else ""
        table = frame.to_html(index=False, max_rows=MAX_SHOWN_ROWS, escape=True, border=0)
        parts.append(f"<details open><summary>{escape(name)}{rows}</summary>{table}</details>")
    return f"<div>{''.join(parts)}</div>"


def _build_report_frame(table: ReportTable) -> pd.DataFrame:
    """Build the data frame of a table of a report."""
    import pandas as pd

    titles = [one.title for one in table.columns]
    names = [one.title if one.title and titles.count(one.title) == 1 else one.key for one in table.columns]
    units = ["" if one.unit in (None, "", "%") else f" [{one.unit}]" for one in table.columns]
    rows = [tuple(map(get_cell_value, row)) for row in table.rows]
    return pd.DataFrame(rows, columns=[f"{name}{unit}" for name, unit in zip(names, units, strict=True)])


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan as JSON or as a folder of CSV files, whole or not at all.

    Args:
        path: NAME.json, or a folder.

    Raises:
        UsageError: The ending is another.
        OutputError: It cannot be written.
    """
    from medalopt.report.atomic_write import write_file, write_folder
    from medalopt.report.render.csv import OPTIONAL_FILES, render_report_csv
    from medalopt.report.render.json import render_report_json
    from medalopt.report.solve import build_solve_report

    if path.suffix.lower() not in ("", ".json"):
        raise UsageError(f"{escape_text(str(path), 400)}: a plan is written as NAME.json, or as CSV to a folder")
    report = build_solve_report(plan)
    if path.suffix:
        write_file(path, render_report_json(report))
    else:
        write_folder(path, render_report_csv(report), OPTIONAL_FILES)


def render_plan_page(plan: Plan) -> str:
    """Render a plan as one HTML page.

    Returns:
        The report of `medalopt solve`.
    """
    from medalopt.report.render.html import render_report_html
    from medalopt.report.solve import build_solve_report

    return render_report_html(build_solve_report(plan))


def render_plan_fragment(plan: Plan) -> str:
    """Render a plan for a notebook: headline, cost by kind and the first shipments.

    Returns:
        The HTML, without a head.
    """
    from medalopt.plan.metal_values import MetalValues
    from medalopt.report.solve import describe_status, summarize_plan

    lines = (*summarize_plan(plan, MetalValues(plan)), describe_status(plan))
    shown = {name: plan.frames[name] for name in ("cost", "shipments", "purchases")}
    return _render_fragment(plan.instance.title or plan.instance.name, lines, (), shown)
