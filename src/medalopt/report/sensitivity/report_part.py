"""Parts of the sensitivity report as text, JSON, HTML and pictures, with the bar chart and phrases that they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medalopt.errors import UsageError
from medalopt.instance.instance import Instance
from medalopt.report.charts.chart import COLOURS, FONT, INK, Chart, ChartAxis, build_plot_option
from medalopt.report.numbers import choose_money_scale, format_mass, format_money, format_number
from medalopt.report.plan_json import identify_instance, render_json
from medalopt.report.render.text import Screen, render_text
from medalopt.report.text_table import TextHeading, TextTable
from medalopt.text import escape_text


@dataclass(frozen=True)
class SensitivityPart:
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
    tables: tuple[TextTable, ...]
    charts: tuple[Chart, ...]
    members: Mapping[str, Any]
    interrupted: bool = False  # then it holds the results up to that moment
    heading: str = ""  # shown where there are several parts


def render_sensitivity_text(instance: Instance, parts: Sequence[SensitivityPart], screen: Screen | None = None) -> str:
    """Render all parts as text.

    Args:
        instance: Instance that was analysed.
        parts: Parts in the order of the report.
        screen: Width and colours; those of standard output by default.

    Returns:
        The text.
    """
    shown: list[TextTable | TextHeading] = []
    for part in parts:
        of_charts = (own for chart in part.charts for own in chart.tables if isinstance(own, TextTable))
        shown += [*_part_heading(parts, part), *of_charts, *part.tables]
    return render_text(
        screen or Screen.from_stdout(), _report_title(instance), [(line, "plain") for line in _top_lines(parts)], shown
    )


def render_sensitivity_json(instance: Instance, parts: Sequence[SensitivityPart]) -> str:
    """Render all parts as one JSON object of format `medalopt/sensitivity/1`.

    Args:
        instance: Instance that was analysed, identified in the object.
        parts: Parts whose members are joined.

    Returns:
        The JSON text.
    """
    told: dict[str, Any] = {"format": "medalopt/sensitivity/1", "instance": identify_instance(instance)}
    for part in parts:
        told |= part.members
    return render_json(told)


def render_sensitivity_html(instance: Instance, parts: Sequence[SensitivityPart]) -> str:
    """Render all parts as one self-contained HTML file.

    Args:
        instance: Instance that was analysed.
        parts: Parts in the order of the report.

    Returns:
        The HTML text.
    """
    from medalopt.report.render.html import render_html

    shown: list[TextTable | Chart | TextHeading] = []
    for part in parts:
        shown += [*_part_heading(parts, part), *part.charts, *part.tables]
    return render_html(
        _report_title(instance), _top_lines(parts), shown, (f"Figures of {instance.name}: sha256 {instance.figures}.",)
    )


def draw_sensitivity_charts(parts: Sequence[SensitivityPart], path: Path) -> Iterator[tuple[Path, str | bytes]]:
    """Draw every chart as SVG or PNG.

    Args:
        parts: Parts of the report.
        path: File to write; its suffix selects SVG or PNG, and several charts are numbered.

    Yields:
        Path and content of each file.

    Raises:
        UsageError: If the parts have no chart.
    """
    from medalopt.report.render.pictures import render_png, render_svg

    charts = [chart for part in parts for chart in part.charts]
    if not charts:
        raise UsageError(
            f"-o {escape_text(str(path), 400)}: there is no chart to draw here; write NAME.html, .txt or .json"
        )
    for number, chart in enumerate(charts, start=1):
        named = path if len(charts) == 1 else path.with_stem(f"{path.stem}-{number}")
        yield named, render_svg(chart) if path.suffix.lower() == ".svg" else render_png(chart)


def _top_lines(parts: Sequence[SensitivityPart]) -> tuple[str, ...]:
    """Return the lines at the top of the report: those of the only part."""
    return parts[0].lines if len(parts) == 1 else ()


def _part_heading(parts: Sequence[SensitivityPart], part: SensitivityPart) -> tuple[TextHeading, ...]:
    """Return the heading and lines of one of several parts."""
    return (TextHeading(part.heading, part.lines),) if len(parts) > 1 else ()


def _report_title(instance: Instance) -> str:
    return f"How sensitive the plan is: {instance.title or instance.name}"


MOST_BARS = 15  # bars of a chart
_MOST_NAME_CHARACTERS = 34  # characters of a label beside its bar
_HATCH_DECAL = {"symbol": "rect", "dashArrayX": [1, 0], "dashArrayY": [3, 5], "rotation": -0.8, "color": "#ffffffaa"}
_OBJECTIVE_VERBS = {"t": "takes", "kg CO2e": "emits"}
_BRACES_TO_PARENTHESES = str.maketrans("{}", "()")  # ECharts reads braces as a template


@dataclass(frozen=True)
class LossBar:
    """Bar of one loss.

    Attributes:
        name: Label of the bar.
        extra: Change of the objective, in its unit; infinite where no plan exists.
        short: Least metal shortfall [kg] by the metal's title; None where no amount of metal makes a plan feasible.
    """

    name: str
    extra: float
    short: Mapping[str, float] | None = None

    @property
    def feasible(self) -> bool:
        """Return True where a plan exists."""
        return self.extra < float("inf")


def describe_shortfall(shortage: Mapping[str, float] | None) -> str:
    """Describe the metal shortfall of an infeasible scenario, such as `1,912 kg of silver short`.

    Args:
        shortage: Shortfall [kg] by the metal's title; None where no amount of metal makes a plan feasible.

    Returns:
        The metals with the largest shortfall first.
    """
    if shortage is None:
        return "other rules cannot be kept, whatever metal there is"
    parts = [
        f"{format_mass(kg)} of {escape_text(title)}" for title, kg in sorted(shortage.items(), key=lambda one: -one[1])
    ]
    return f"{', '.join(parts)} short" if parts else "by a hair of metal"


def abbreviate_shortfall(shortage: Mapping[str, float] | None) -> str:
    """Describe the metal shortfall of an infeasible scenario in the few words of a cell or a label.

    Args:
        shortage: Shortfall [kg] by the metal's title; None where no amount of metal makes a plan feasible.

    Returns:
        The phrase of `describe_shortfall`, or `other rules`.
    """
    return describe_shortfall(shortage) if shortage is not None else "other rules"


def format_change(extra: float, unit: str) -> str:
    """Format a change of the objective: `71 m JPY more`.

    Args:
        extra: Change [unit], positive for an increase.
        unit: Unit of the objective: a currency, `t` or `kg CO2e`.

    Returns:
        The absolute change with its unit and `more` or `less`.
    """
    if extra == 0:
        return f"no {unit} more"
    size = format_money(abs(extra), unit) if unit not in ("t", "kg CO2e") else f"{format_number(abs(extra))} {unit}"
    return f"{size} {'more' if extra > 0 else 'less'}"


def title_shortfall(shortage: Mapping[str, float] | None, titles: Mapping[str, str]) -> Mapping[str, float] | None:
    """Replace the symbols of metals by their titles.

    Args:
        shortage: Shortfall [kg] by symbol; None where no amount of metal makes a plan feasible.
        titles: Title of each metal by its symbol.

    Returns:
        Shortfall [kg] by title, or None.
    """
    return None if shortage is None else {titles[metal]: kg for metal, kg in shortage.items()}


def describe_change(extra: float, unit: str) -> str:
    """Describe a change of the objective as a main clause: `it costs 71 m JPY more`.

    Args:
        extra: Change [unit], positive for an increase.
        unit: Unit of the objective.

    Returns:
        The clause, without a full stop.
    """
    return f"it {_OBJECTIVE_VERBS.get(unit, 'costs')} {format_change(extra, unit)}"


def plot_loss_bars(rows: Sequence[LossBar], unit: str, what: str = "more than the plan as it is") -> dict[str, Any]:
    """Build the ECharts option of a horizontal bar chart, at most `MOST_BARS` bars, the first at the top.

    Bars of infeasible rows are hatched and as long as the longest feasible bar.

    Args:
        rows: Bars in the order of the chart.
        unit: Unit of the objective.
        what: Title of the horizontal axis.

    Returns:
        The option for `Chart`.
    """
    listed = list(rows[:MOST_BARS])
    size, word = choose_money_scale(row.extra for row in listed if row.feasible)
    longest = max((abs(row.extra) / size for row in listed if row.feasible), default=0.0) or 1.0
    plain = [round(row.extra / size, 9) if row.feasible else None for row in listed]
    none = [None if row.feasible else longest for row in listed]
    costs = [f"{format_number(row.extra / size, 3)}" if row.feasible else "" for row in listed]
    labels = ["" if row.feasible else f"no plan: {abbreviate_shortfall(row.short)}" for row in listed]
    across = ChartAxis(what, f"{word}{unit}", extra={"scale": False})
    up = ChartAxis("", names=[escape_text(row.name, _MOST_NAME_CHARACTERS) for row in listed], extra={"inverse": True})
    series = [
        _bar_series("a plan exists", plain, costs, COLOURS[0], {"decal": {"symbol": "none"}}, "right"),
        _bar_series("no plan", none, labels, COLOURS[1], {"decal": _HATCH_DECAL}, "insideLeft"),
    ]
    either = any(row.feasible for row in listed) and not all(row.feasible for row in listed)
    return build_plot_option(across, up, series, legend=either, aria={"enabled": True, "decal": {"show": True}})


def compute_bars_height(rows: Sequence[LossBar]) -> int:
    """Compute the height of the chart of `plot_loss_bars`.

    Args:
        rows: Bars of the chart.

    Returns:
        Height [px].
    """
    return 130 + 30 * min(len(rows), MOST_BARS)


def _bar_series(
    name: str,
    values: Sequence[float | None],
    labels: Sequence[str],
    colour: str,
    style: Mapping[str, Any],
    position: str,
) -> dict[str, Any]:
    """Return one ECharts series of bars with a label at each."""
    data = [
        {"value": value, "label": {"show": bool(label), "formatter": label.translate(_BRACES_TO_PARENTHESES)}}
        for value, label in zip(values, labels, strict=True)
    ]
    look: dict[str, Any] = {"position": position, "color": INK, "fontSize": 12, "fontFamily": FONT}
    look |= {"backgroundColor": "#ffffff", "padding": [2, 4], "borderRadius": 2}
    return {
        "type": "bar",
        "name": name,
        "stack": "one",
        "data": data,
        "barMaxWidth": 20,
        "itemStyle": {"color": colour, **style},
        "label": look,
    }
