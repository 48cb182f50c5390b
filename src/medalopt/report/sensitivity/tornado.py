"""Effect of parameters on the objective: each varied alone (tornado), or all at once (shares of the variance)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from medalopt.analysis.process_pool import ScenarioResult
from medalopt.analysis.sensitivity.tornado import Tornado, TornadoBar, TornadoEnd
from medalopt.analysis.sensitivity.uncertain_parameters import ParameterGroup, UncertainInput
from medalopt.analysis.sensitivity.variance import (
    MAX_SAMPLE_ROWS,
    MIN_COMPLETE_ROWS,
    QUANTILES,
    SobolIndex,
    SobolIndices,
    VarianceAnalysis,
)
from medalopt.instance.instance import Instance
from medalopt.report.charts import COLOURS, FAINT, FONT, INK, Chart, ChartAxis, build_plot_option, mark_base_case
from medalopt.report.document import ReportColumn, ReportTable, ShownValue, limit_rows, show_value
from medalopt.report.numbers import choose_money_scale, format_money, format_number
from medalopt.report.sensitivity.report_part import (
    SensitivityPart,
    capitalize_first,
    describe_shortfall,
    describe_step,
    format_step,
    name_objective,
    title_parameter,
    title_shortfall,
)
from medalopt.text import escape_text, format_count, list_first, render_path

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
    members = {
        "tornado": {
            "objective": tornado.base.value,
            "unit": unit,
            "status": tornado.base.status,
            "asked": tornado.parameter_count,
            "interrupted": tornado.interrupted,
            "bars": [_encode_bar(instance, bar, tornado.base) for bar in tornado.bars],
        }
    }
    screen = (
        (limit_rows(table, MOST_TABLE_ROWS, "{} more with a smaller effect (-o NAME.xlsx, --json)."),) if bars else ()
    )
    return SensitivityPart(
        lines, (), charts, members, tornado.interrupted, "Parameters by effect on the objective", screen
    )


def _tornado_lines(instance: Instance, unit: str, tornado: Tornado, bars: Sequence[TornadoBar]) -> list[str]:
    turning = [bar for bar in bars if bar.count_status_changes(tornado.base)]
    lines = [_main_finding(instance, unit, tornado.base, bars)]
    rest = turning[1:]
    if rest:
        names = [_describe_status_change(instance, bar, tornado.base) for bar in rest]
        lines.append(f"Also {'infeasible' if tornado.base.feasible else 'feasible'}: {list_first(names, 5)}.")
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
    short = next((f" ({_end_shortfall(instance, end)})" for end in changed if end.measured), "")
    return f"Main risk: {name}. {steps}: {status}{short}."


def _end_shortfall(instance: Instance, end: TornadoEnd, brief: bool = False) -> str:
    """Describe the metal shortfall at an infeasible end."""
    titles = dict(zip(instance.metals.names, instance.metals.titles, strict=True))
    return describe_shortfall(title_shortfall(end.shortage, titles), brief=brief)


def _describe_infeasible_end(instance: Instance, end: TornadoEnd) -> str:
    """Describe an end whose status differs from solved, in the few words of a cell."""
    text = _STATUS_WORDS.get(end.result.status, "feasible")
    return f"{text}: {_end_shortfall(instance, end, brief=True)}" if end.measured else text


def _describe_status_change(instance: Instance, bar: TornadoBar, base: ScenarioResult) -> str:
    steps = " or ".join(describe_step(end) for end in bar.ends if end.result.status != base.status)
    return f"{title_parameter(instance, bar.factor.path, bar.factor.of)} ({steps})"


def _describe_both_ends(unit: str, base: ScenarioResult, bar: TornadoBar) -> str:
    return "; ".join(f"{describe_step(end)}: {_describe_effect(unit, base, end)}" for end in bar.ends)


def _describe_effect(unit: str, base: ScenarioResult, end: TornadoEnd) -> str:
    by = end.result.compute_effect(base)
    if by is None:
        return f"{_STATUS_WORDS.get(end.result.status, 'a plan')}"
    return "no effect" if by == 0 else f"{name_objective(unit)} {'+' if by > 0 else ''}{format_money(by, unit)}"


def _describe_steps(tornado: Tornado) -> str:
    """Describe the steps by which parameters were varied, and their source."""
    by_cv = sum(bar.factor.cv is not None for bar in tornado.bars)
    tenth = len(tornado.bars) - by_cv
    descriptions = []
    if by_cv:
        descriptions.append(f"{format_count(by_cv, 'parameter')} by the coefficient of variation (cv) of the instance")
    if tenth:
        descriptions.append(
            f"{format_count(tenth, 'parameter')} by 10 %{' (no cv)' if by_cv else ' (the instance has no cv)'}"
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
            *(
                show_value(end.result.compute_effect(tornado.base), _describe_infeasible_end(instance, end))
                for end in bar.ends
            ),
        )
        for bar in bars
    )
    capped = [_name_capped_parameter(instance, bar) for bar in bars[:MOST_TABLE_ROWS] if bar.up.capped_count]
    notes = (f"Limited to the greatest allowed value: {', '.join(capped)}.",) if capped else ()
    title = "Effect of each parameter, varied alone"
    text = "Change of the objective when one parameter is decreased or increased by its step."
    return ReportTable("tornado", title, text, columns, rows, notes)


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
    longest = max((bar.compute_swing(tornado.base) for bar in drawn), default=0.0) or 1.0
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
    objective = "infeasible" if tornado.base.value is None else format_money(tornado.base.value, unit)
    series[0]["markLine"] = mark_base_case(0, f"base case: {objective}")
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
    effect = end.result.compute_effect(base)
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


_MOST_CAUSES_DRAWN, _MOST_CAUSE_ROWS = 15, 30
ADVISED_HALF_WIDTH = 0.1  # of a 95 % interval, half its width; above it a larger sample is advised
MOST_HALF_WIDTH = 0.25  # of a 95 % interval, half its width; above it a share is noise and not shown
LEAST_SHARE = 1e-3  # a smaller share is shown as below it
PLAN_EXISTENCE = "feasibility"
RankedCauses = list[tuple[UncertainInput, SobolIndex, SobolIndex]]
_GROUP_TITLES = {
    "devices": "assays of {}",
    "treatments": "recovery by {}",
    "smelters": "returns of {}",
    "streams": "supply of all streams",
}


def report_variance(instance: Instance, unit: str, analysis: VarianceAnalysis) -> SensitivityPart:
    """Report the spread of the objective and the causes of it and of infeasibility.

    Args:
        instance: Base instance.
        unit: Unit of the objective.
        analysis: Quantiles and the first-order and total shares of the variance by cause.

    Returns:
        Summary lines, up to two charts with tables, and the JSON member `global`.
    """
    lines = tuple(_variance_lines(instance, unit, analysis))
    of = name_objective(unit)
    request = (
        (f"the spread of the {of}", analysis.objective_indices, of),
        (PLAN_EXISTENCE, analysis.feasibility_indices, "feasibility"),
    )
    charts = [
        _variance_chart(
            instance, _describe_leading_cause(instance, analysis, given, what), analysis.inputs, given, name
        )
        for what, given, name in request
        if _select_determined(_rank_causes(analysis.inputs, given))
    ]
    members = {
        "global": {
            "rows": analysis.count,
            "solves": analysis.scenario_count,
            "solved": analysis.solved_count,
            "interrupted": analysis.interrupted,
            "without_plan": analysis.without,
            "held": analysis.capped_fraction,
            "unit": unit,
            "quantiles": {str(index): value for index, value in zip(QUANTILES, analysis.quantiles, strict=False)},
            "standard_deviation": analysis.spread,
            "causes": [
                {
                    "cause": _title_cause(instance, cause),
                    "paths": [render_path(factor.path) for factor in cause.factors],
                    "correlation": cause.correlation,
                    "objective": _encode_shares(of_measure),
                    "feasible": _encode_shares(of_plans),
                }
                for cause, of_measure, of_plans in zip(
                    analysis.inputs, analysis.objective_indices, analysis.feasibility_indices, strict=True
                )
            ],
        }
    }
    tables = (table for chart in charts for table in chart.tables)
    screen = tuple(
        limit_rows(table, _MOST_CAUSE_ROWS, "{} more with smaller shares (-o NAME.xlsx, --json).") for table in tables
    )
    return SensitivityPart(
        lines, (), tuple(charts), members, analysis.interrupted, "Variance-based sensitivity", screen
    )


def _variance_lines(instance: Instance, unit: str, analysis: VarianceAnalysis) -> list[str]:
    of = name_objective(unit)
    cause = _describe_leading_cause(instance, analysis, analysis.objective_indices, f"the spread of the {of}")
    lines = [f"{capitalize_first(cause)}."]
    if analysis.quantiles:
        low, middle, high = (format_money(value, unit) for value in analysis.quantiles)
        lines.append(f"{capitalize_first(of)} under uncertainty: median {middle}, 5 to 95 % quantile {low} to {high}.")
    if analysis.without:
        lines.append(f"Infeasible: {_format_percent(analysis.without)} of the samples; the {of} is that of the others.")
        if any(indices.total for indices in analysis.feasibility_indices):
            cause = _describe_leading_cause(instance, analysis, analysis.feasibility_indices, PLAN_EXISTENCE)
            lines.append(f"{capitalize_first(cause)}.")
    lines.append(_describe_sampling(analysis))
    if analysis.interrupted:
        lines.append(
            f"Interrupted after {analysis.solved_count:,} of {analysis.scenario_count:,} samples; shares of those only."
        )
    unsure = [indices.total.high - indices.total.low for indices in analysis.objective_indices if indices.total]
    if unsure and max(unsure) > 2 * ADVISED_HALF_WIDTH:
        lines.append(f"Accuracy of the shares: about ±{_format_percent(max(unsure) / 2)}; a larger N improves it.")
    return lines


def _describe_leading_cause(
    instance: Instance, analysis: VarianceAnalysis, given: Sequence[SobolIndices], what: str
) -> str:
    known = _rank_causes(analysis.inputs, given)
    if not known and any(indices.rows < MIN_COMPLETE_ROWS for indices in given):
        return f"too few feasible samples to attribute {what}: use a larger N"
    if not known:
        return f"no uncertain parameter changes {what}"
    sure = _select_determined(known)
    if not sure:
        return (
            f"{analysis.count:,} rows are too few to attribute {what}: use {_required_rows(analysis, known):,} or more"
        )
    cause, first, total = sure[0]
    title, many = _title_cause(instance, cause), len(cause.factors) > 1
    if first.low <= 0 or _half_width(first) > MOST_HALF_WIDTH:  # the first-order share is not determined
        account = "account" if many else "accounts"
        return f"{title} together with others {account} for {_format_interval(total)} of {what}"
    return f"{title} alone {'explain' if many else 'explains'} {_format_interval(first)} of {what}"


def _half_width(share: SobolIndex) -> float:
    """Return half the width of the 95 % interval of a share, the part above 0."""
    return (share.high - max(0.0, share.low)) / 2


def _select_determined(known: RankedCauses) -> RankedCauses:
    """Return the causes whose total share has a half-width of at most `MOST_HALF_WIDTH`."""
    return [row for row in known if _half_width(row[2]) <= MOST_HALF_WIDTH]


def _required_rows(analysis: VarianceAnalysis, known: RankedCauses) -> int:
    """Return the sample rows, a power of two, for `ADVISED_HALF_WIDTH`: the error falls as 1/sqrt(N)."""
    required = analysis.count * (_half_width(known[0][2]) / ADVISED_HALF_WIDTH) ** 2
    return min(MAX_SAMPLE_ROWS, 2 ** math.ceil(math.log2(max(required, 2.0 * analysis.count))))


def _describe_sampling(analysis: VarianceAnalysis) -> str:
    by_cv = any(factor.cv is not None for cause in analysis.inputs for factor in cause.factors)
    how = "lognormal by their cv" if by_cv else "uniform within ±10 % (the instance has no cv)"
    together = any(cause.correlation for cause in analysis.inputs)
    text = f"Samples: {len(analysis.inputs)} causes, {how}{', metals of one device correlated' if together else ''}; "
    text += f"{analysis.count:,} rows, {analysis.scenario_count:,} solves."
    if analysis.capped_fraction:
        text += f" In {_format_percent(analysis.capped_fraction)} of the draws a share is limited to 100 %."
    return text


def _title_cause(instance: Instance, cause: UncertainInput) -> str:
    """Return the title of a cause: of its only parameter, or of the group of parameters."""
    if len(cause.factors) == 1:
        return title_parameter(instance, cause.factors[0].path, cause.factors[0].of)
    return escape_text(_GROUP_TITLES.get(str(cause.path[0]), "{}").format(cause.path[1]), 200)


def _rank_causes(causes: Sequence[UncertainInput], given: Sequence[SobolIndices]) -> RankedCauses:
    known = [
        (cause, indices.first, indices.total)
        for cause, indices in zip(causes, given, strict=True)
        if indices.first and indices.total
    ]
    return sorted(known, key=lambda row: -row[2].value)


def _variance_chart(
    instance: Instance, title: str, causes: Sequence[UncertainInput], given: Sequence[SobolIndices], of: str
) -> Chart:
    every = _rank_causes(causes, given)
    rows = _select_determined(every)
    drawn = rows[:_MOST_CAUSES_DRAWN][::-1]
    series = [
        {
            "type": "bar",
            "name": label,
            "barGap": "0%",
            "itemStyle": {"color": colour},
            "data": [None if share is None else 100 * min(max(share.value, 0.0), 1.0) for share in values],
        }
        for values, label, colour in (
            (
                [first if _half_width(first) <= MOST_HALF_WIDTH else None for _, first, _ in drawn],
                "first order",
                COLOURS[0],
            ),
            ([total for _, _, total in drawn], "total", COLOURS[4]),
        )
    ]
    names = [_title_cause(instance, cause) for cause, _, _ in drawn]
    up = ChartAxis(
        "", names=names, extra={"axisLabel": {"color": INK, "fontFamily": FONT, "fontSize": 12, "interval": 0}}
    )
    option = build_plot_option(ChartAxis(f"share of the variance of the {of}", "%", minimum=0), up, series, legend=True)
    option["yAxis"]["data"] = [escape_text(one, 60) for one in names]
    notes = ["Total shares may add up to more than 100 %: interactions count for each cause."]
    if len(rows) < len(every):
        notes.append(f"{len(every) - len(rows)} more causes are not determined by this sample (--json).")
    return Chart(
        f"{capitalize_first(title)}.",
        option,
        (_variance_table(instance, rows, of),),
        tuple(notes),
        130 + 34 * len(drawn),
    )


def _variance_table(instance: Instance, rows: RankedCauses, of: str) -> ReportTable:
    columns = (
        ReportColumn("cause", "cause"),
        ReportColumn("first", "first order", "", 3),
        ReportColumn("first_interval", "95 % interval", "", rank=2),
        ReportColumn("total", "total", "", 3),
        ReportColumn("total_interval", "95 % interval", "", rank=1),
    )
    cells = tuple(
        (
            _title_cause(instance, cause),
            ShownValue(
                first.value,
                (_format_percent(first.value) if _half_width(first) <= MOST_HALF_WIDTH else "not determined"),
            ),
            _format_interval(first),
            ShownValue(total.value, _format_percent(total.value)),
            _format_interval(total),
        )
        for cause, first, total in rows
    )
    key, text = f"shares_of_{of.replace(' ', '_')}", "Shares of 1 with their 95 % intervals."
    return ReportTable(key, f"Shares of the variance of the {of}", text, columns, cells)


def _format_percent(share: float) -> str:
    part = min(max(0.0, share), 1.0)
    return f"{format_number(100 * part, 2)} %" if part == 0 or part >= LEAST_SHARE else f"below {100 * LEAST_SHARE:g} %"


def _format_interval(share: SobolIndex) -> str:
    low, high = (min(max(0.0, end), 1.0) for end in (share.low, share.high))
    if high < LEAST_SHARE:
        return _format_percent(high)
    return f"{format_number(100 * low, 2) if low >= LEAST_SHARE else '0'} to {_format_percent(high)}"


def _encode_shares(given: SobolIndices) -> dict[str, Any]:
    both = {"first": given.first, "total": given.total}
    members = {key: None if index is None else [index.value, index.low, index.high] for key, index in both.items()}
    return {**members, "rows": given.rows}
