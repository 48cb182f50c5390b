"""Tornado of parameters: effect of each on the objective and on feasibility, as summary, table, chart and JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from medalopt.analysis.result_cache import ScenarioResult
from medalopt.analysis.sensitivity.tornado import Tornado, TornadoBar, TornadoEnd
from medalopt.analysis.sensitivity.uncertain_parameters import ParameterGroup
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render_path
from medalopt.report.charts.chart import COLOURS, FAINT, FONT, INK, Chart, ChartAxis, build_plot_option, mark_base_case
from medalopt.report.document import CellValue, ReportColumn, ReportTable, ShownValue, limit_rows
from medalopt.report.numbers import choose_money_scale, format_money, format_number
from medalopt.report.sensitivity.report_part import (
    SensitivityPart,
    abbreviate_shortfall,
    describe_shortfall,
    title_parameter,
    title_shortfall,
)
from medalopt.text import escape_text, format_count

MOST_BARS_DRAWN, MOST_TABLE_ROWS = 20, 15  # bars of the chart, rows of the table
INFEASIBLE_BAR_RATIO = 1.15  # length of an infeasible bar, relative to the longest other bar
_STATUS_WORDS = {"infeasible": "infeasible", "wrong": "not allowed", "unanswered": "not solved"}


def report_tornado(instance: Instance, unit: str, tornado: Tornado) -> SensitivityPart:
    """Report the effect of each parameter, varied alone down and up.

    Args:
        instance: Base instance.
        unit: Unit of the objective.
        tornado: Base case and the bars, the largest effect first.

    Returns:
        Summary lines, the chart with its table, and the JSON member `tornado`.
    """
    bars = [bar for bar in tornado.bars if not bar.is_idle(tornado.base)]
    lines = tuple(_tornado_lines(instance, unit, tornado, bars))
    table = _tornado_table(instance, unit, tornado, bars)
    charts = (_tornado_chart(instance, unit, tornado, bars, lines[0].rstrip("."), table),) if bars else ()
    members = {"tornado": _encode_tornado(instance, unit, tornado)}
    screen = (
        (limit_rows(table, MOST_TABLE_ROWS, "{} more with a smaller effect (-o NAME.xlsx, --json)."),) if bars else ()
    )
    return SensitivityPart(
        lines, (), charts, members, tornado.interrupted, "Parameters by effect on the objective", screen
    )


def format_step(part: float) -> str:
    """Format a relative step of a parameter in per cent.

    Args:
        part: Step relative to the value, 0.1 for 10 %.

    Returns:
        Three significant digits and `%`.
    """
    return f"{format_number(100 * part, 3)} %"


def _tornado_lines(instance: Instance, unit: str, tornado: Tornado, bars: Sequence[TornadoBar]) -> list[str]:
    turning = [bar for bar in bars if bar.count_status_changes(tornado.base)]
    lines = [_main_finding(instance, unit, tornado.base, bars)]
    rest = turning[1:]
    if rest:
        names = ", ".join(_describe_status_change(instance, bar, tornado.base) for bar in rest[:5])
        more = f" and {len(rest) - 5} more" if len(rest) > 5 else ""
        label = "Also infeasible" if tornado.base.feasible else "Also feasible"
        lines.append(f"{label}: {names}{more}.")
    steady = [bar for bar in bars if not bar.count_status_changes(tornado.base)]
    dearest = max(steady, key=lambda bar: bar.compute_swing(tornado.base), default=None)
    if turning and dearest is not None and dearest.compute_swing(tornado.base):
        name = title_parameter(instance, dearest.factor.path, dearest.factor.of)
        lines.append(
            f"Largest effect on {name_objective(unit)}: {name}. {_describe_both_ends(unit, tornado.base, dearest)}."
        )
    lines.append(_describe_steps(tornado))
    if tornado.interrupted:
        lines.append(
            f"Interrupted after {len(tornado.bars)} of {tornado.parameter_count} parameters; the rest was not varied."
        )
    return lines


def _main_finding(instance: Instance, unit: str, base: ScenarioResult, bars: Sequence[TornadoBar]) -> str:
    if not bars:
        return "No parameter has an effect when varied alone."
    first = bars[0]
    name = title_parameter(instance, first.factor.path, first.factor.of)
    if not first.count_status_changes(base):
        return f"Main risk: {name}. {_describe_both_ends(unit, base, first)}."
    changed = [end for end in first.ends if end.result.status != base.status]
    steps = " or ".join(describe_step(end) for end in changed)
    status = _STATUS_WORDS.get(changed[0].result.status, "feasible")
    short = next((f" ({_end_shortfall(instance, end, describe_shortfall)})" for end in changed if end.measured), "")
    return f"Main risk: {name}. {steps}: {status}{short}."


def _end_shortfall(instance: Instance, end: TornadoEnd, say: Callable[[Mapping[str, float] | None], str]) -> str:
    """Describe the metal shortfall at an infeasible end by `say`."""
    return say(title_shortfall(end.shortage, dict(zip(instance.metals.names, instance.metals.titles, strict=True))))


def _describe_infeasible_end(instance: Instance, end: TornadoEnd) -> str:
    """Describe an end whose status differs from solved, in the few words of a cell."""
    text = _STATUS_WORDS.get(end.result.status, "feasible")
    return f"{text}: {_end_shortfall(instance, end, abbreviate_shortfall)}" if end.measured else text


def _describe_status_change(instance: Instance, bar: TornadoBar, base: ScenarioResult) -> str:
    steps = " or ".join(describe_step(end) for end in bar.ends if end.result.status != base.status)
    return f"{title_parameter(instance, bar.factor.path, bar.factor.of)} ({steps})"


def describe_step(end: TornadoEnd) -> str:
    """Return the change of the parameter at an end.

    Args:
        end: End of a bar.

    Returns:
        Such as `−10 %`.
    """
    return f"{'−' if end.factor < 1 else '+'}{format_step(abs(end.factor - 1))}"


def _describe_both_ends(unit: str, base: ScenarioResult, bar: TornadoBar) -> str:
    return "; ".join(f"{describe_step(end)}: {_describe_effect(unit, base, end)}" for end in bar.ends)


def _describe_effect(unit: str, base: ScenarioResult, end: TornadoEnd) -> str:
    by = end.compute_effect(base)
    if by is None:
        return f"{_STATUS_WORDS.get(end.result.status, 'a plan')}"
    return "no effect" if by == 0 else f"{name_objective(unit)} {'+' if by > 0 else ''}{format_money(by, unit)}"


def _describe_steps(tornado: Tornado) -> str:
    """Describe the steps by which parameters were varied, and their source."""
    by_cv = sum(bar.factor.cv is not None for bar in tornado.bars)
    tenth = len(tornado.bars) - by_cv
    descriptions = []
    if by_cv:
        descriptions.append(f"{format_count(by_cv, 'parameter')} by the coefficient of variation `cv` of the instance")
    if tenth:
        descriptions.append(
            f"{format_count(tenth, 'parameter')} by 10 %{' (no `cv`)' if by_cv else ' (the instance has no `cv`)'}"
        )
    idle = sum(bar.is_idle(tornado.base) for bar in tornado.bars)
    nothing = f"; {idle} of them without effect" if idle else ""
    return f"Varied one at a time, down and up: {' and '.join(descriptions)}{nothing}."


def _tornado_table(instance: Instance, unit: str, tornado: Tornado, bars: Sequence[TornadoBar]) -> ReportTable:
    columns = (
        ReportColumn("figure", "parameter"),
        ReportColumn("step", "step ±", "%", 1),
        ReportColumn("why", "step from", rank=1),
        ReportColumn("down", "down", unit, style="signed"),
        ReportColumn("up", "up", unit, style="signed"),
    )
    rows = tuple(
        (
            title_parameter(instance, bar.factor.path, bar.factor.of),
            ShownValue(bar.factor.relative_step, format_number(100 * bar.factor.relative_step, 3)),
            "cv" if bar.factor.cv is not None else "10 %",
            *(_show_effect(instance, end, tornado.base) for end in bar.ends),
        )
        for bar in bars
    )
    capped = [_name_capped_parameter(instance, bar) for bar in bars[:MOST_TABLE_ROWS] if bar.up.capped_count]
    notes = (f"Limited to the greatest allowed value: {', '.join(capped)}.",) if capped else ()
    title = "Effect of each parameter, varied alone"
    text = "Change of the objective when one parameter is decreased or increased by its step."
    return ReportTable("tornado", title, text, columns, rows, notes)


def _show_effect(instance: Instance, end: TornadoEnd, base: ScenarioResult) -> CellValue:
    """Return the change of the objective at an end, or the status of the plan."""
    effect = end.compute_effect(base)
    return ShownValue(None, _describe_infeasible_end(instance, end)) if effect is None else effect


def _name_capped_parameter(instance: Instance, bar: TornadoBar) -> str:
    name = title_parameter(instance, bar.factor.path, bar.factor.of)
    of = (
        ""
        if bar.up.capped_count == bar.factor.parameter_count
        else f" ({bar.up.capped_count} of {bar.factor.parameter_count} parameters)"
    )
    return f"{name}{of}"


def _tornado_chart(
    instance: Instance, unit: str, tornado: Tornado, bars: Sequence[TornadoBar], title: str, table: ReportTable
) -> Chart:
    drawn = list(bars[:MOST_BARS_DRAWN])[::-1]  # ECharts draws upward
    longest = (
        max((abs(end.compute_effect(tornado.base) or 0.0) for bar in drawn for end in bar.ends), default=0.0) or 1.0
    )
    size, word = choose_money_scale([longest])
    end = longest * INFEASIBLE_BAR_RATIO / size
    names = [
        f"{title_parameter(instance, bar.factor.path, bar.factor.of)} ±{format_step(bar.factor.relative_step)}"
        for bar in drawn
    ]
    series = [
        {
            "type": "bar",
            "name": name,
            "barGap": "0%",
            "barCategoryGap": "30%",
            "itemStyle": {"color": colour},
            "data": [_bar_item(instance, bar.ends[which], tornado.base, size, end, colour) for bar in drawn],
        }
        for which, (name, colour) in enumerate((("decrease", COLOURS[0]), ("increase", COLOURS[1])))
    ]
    series[0]["markLine"] = mark_base_case(0, _base_label(unit, tornado.base))
    look = {"color": INK, "fontFamily": FONT, "fontSize": 12}
    ends = {"axisLabel": {**look, "hideOverlap": True, "showMinLabel": False, "showMaxLabel": False}}
    across = ChartAxis(f"change of the {name_objective(unit)}", f"{word}{unit}", minimum=-end, maximum=end, extra=ends)
    up = ChartAxis("", names=names, extra={"axisLabel": {**look, "interval": 0}})
    option = build_plot_option(across, up, series, legend=True, aria={"enabled": True, "decal": {"show": False}})
    option["yAxis"]["data"] = [escape_text(name, 60) for name in names]
    notes = (
        ("Hatched to the edge: infeasible, with the metal that is short.",)
        if any(bar.count_status_changes(tornado.base) for bar in drawn)
        else ()
    )
    return Chart(title, option, (table,), notes, 120 + 30 * len(drawn))


def _bar_item(
    instance: Instance, end: TornadoEnd, base: ScenarioResult, size: float, maximum: float, colour: str
) -> dict[str, Any]:
    """Return one bar; an infeasible one reaches the edge, hatched and labelled."""
    effect = end.compute_effect(base)
    if effect is not None:
        return {"value": effect / size}
    hatched = {"color": "rgba(0,0,0,0.25)", "dashArrayX": [1, 0], "dashArrayY": [2, 5], "rotation": -0.8}
    label = {
        "show": True,
        "position": "insideRight",
        "formatter": _describe_infeasible_end(instance, end).replace(" short", ""),
        "color": INK,
        "fontFamily": FONT,
        "fontSize": 11,
    }
    return {
        "value": maximum,
        "itemStyle": {"color": f"{colour}59", "decal": hatched, "borderColor": FAINT},
        "label": label,
    }


def _base_label(unit: str, base: ScenarioResult) -> str:
    return "base case: infeasible" if base.value is None else f"base case: {format_money(base.value, unit)}"


def _encode_tornado(instance: Instance, unit: str, tornado: Tornado) -> Mapping[str, Any]:
    return {
        "objective": tornado.base.value,
        "unit": unit,
        "status": tornado.base.status,
        "asked": tornado.parameter_count,
        "interrupted": tornado.interrupted,
        "bars": [_encode_bar(instance, bar, tornado.base) for bar in tornado.bars],
    }


def _encode_bar(instance: Instance, bar: TornadoBar, base: ScenarioResult) -> dict[str, Any]:
    factor: ParameterGroup = bar.factor
    return {
        "figure": title_parameter(instance, factor.path, factor.of),
        "path": render_path(factor.path),
        "of": factor.of or None,
        "figures": factor.parameter_count,
        "by": "10 %" if factor.cv is None else "cv",
        "step": factor.relative_step,
        **{
            f"{name}": {
                "factor": end.factor,
                "held": end.capped_count,
                "status": end.result.status,
                "objective": end.result.value,
                **({"short": None if end.shortage is None else dict(end.shortage)} if end.measured else {}),
                **({"said": end.result.said} if end.result.said else {}),
            }
            for name, end in zip(("down", "up"), bar.ends, strict=True)
        },
    }


def name_objective(unit: str) -> str:
    """Return the name of the objective by its unit.

    Args:
        unit: Unit of the objective.

    Returns:
        `cost`, `footprint` or `tonnes`.
    """
    return {"kg CO2e": "footprint", "t": "tonnes"}.get(unit, "cost")
