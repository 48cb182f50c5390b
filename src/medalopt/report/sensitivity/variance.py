"""Variance-based global sensitivity: spread of the objective and the share of each cause (Sobol indices)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from medalopt.analysis.sensitivity.uncertain_parameters import UncertainInput
from medalopt.analysis.sensitivity.variance import (
    MAX_SAMPLE_ROWS,
    MIN_COMPLETE_ROWS,
    QUANTILES,
    SobolIndex,
    SobolIndices,
    VarianceAnalysis,
)
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render_path
from medalopt.report.charts.chart import COLOURS, FONT, INK, Chart, ChartAxis, build_plot_option
from medalopt.report.document import ReportColumn, ReportTable, ShownValue, limit_rows
from medalopt.report.numbers import format_money, format_number
from medalopt.report.sensitivity.report_part import SensitivityPart, capitalize_first, title_parameter
from medalopt.report.sensitivity.tornado import name_objective
from medalopt.text import escape_text

MOST_BARS_DRAWN, MOST_TABLE_ROWS = 15, 30
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
    members = {"global": _encode_variance(instance, unit, analysis)}
    tables = (table for chart in charts for table in chart.tables)
    screen = tuple(
        limit_rows(table, MOST_TABLE_ROWS, "{} more with smaller shares (-o NAME.xlsx, --json).") for table in tables
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
    uncertain_input, first, total = sure[0]
    title, many = title_cause(instance, uncertain_input), len(uncertain_input.factors) > 1
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
    by_cv = any(factor.cv is not None for uncertain_input in analysis.inputs for factor in uncertain_input.factors)
    how = "lognormal by their `cv`" if by_cv else "uniform within ±10 % (the instance has no `cv`)"
    together = any(uncertain_input.correlation for uncertain_input in analysis.inputs)
    text = f"Samples: {len(analysis.inputs)} causes, {how}{', metals of one device correlated' if together else ''}; "
    text += f"{analysis.count:,} rows, {analysis.scenario_count:,} solves."
    if analysis.capped_fraction:
        text += f" In {_format_percent(analysis.capped_fraction)} of the draws a share is limited to 100 %."
    return text


def title_cause(instance: Instance, uncertain_input: UncertainInput) -> str:
    """Return the title of a cause: of its only parameter, or of the group of parameters.

    Args:
        instance: Instance, for the titles of metals.
        uncertain_input: Parameters that are drawn together.

    Returns:
        The title.
    """
    if len(uncertain_input.factors) == 1:
        return title_parameter(instance, uncertain_input.factors[0].path, uncertain_input.factors[0].of)
    return escape_text(_GROUP_TITLES.get(str(uncertain_input.path[0]), "{}").format(uncertain_input.path[1]), 200)


def _rank_causes(causes: Sequence[UncertainInput], given: Sequence[SobolIndices]) -> RankedCauses:
    known = [
        (uncertain_input, indices.first, indices.total)
        for uncertain_input, indices in zip(causes, given, strict=True)
        if indices.first and indices.total
    ]
    return sorted(known, key=lambda row: -row[2].value)


def _variance_chart(
    instance: Instance, title: str, causes: Sequence[UncertainInput], given: Sequence[SobolIndices], of: str
) -> Chart:
    every = _rank_causes(causes, given)
    rows = _select_determined(every)
    drawn = rows[:MOST_BARS_DRAWN][::-1]
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
    names = [title_cause(instance, uncertain_input) for uncertain_input, _, _ in drawn]
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
            title_cause(instance, uncertain_input),
            ShownValue(first.value, _format_first_order(first)),
            _format_interval(first),
            ShownValue(total.value, _format_percent(total.value)),
            _format_interval(total),
        )
        for uncertain_input, first, total in rows
    )
    key, text = f"shares_of_{of.replace(' ', '_')}", "Shares of 1 with their 95 % intervals."
    return ReportTable(key, f"Shares of the variance of the {of}", text, columns, cells)


def _format_first_order(first: SobolIndex) -> str:
    return _format_percent(first.value) if _half_width(first) <= MOST_HALF_WIDTH else "not determined"


def _format_percent(share: float) -> str:
    part = min(max(0.0, share), 1.0)
    return f"{format_number(100 * part, 2)} %" if part == 0 or part >= LEAST_SHARE else f"below {100 * LEAST_SHARE:g} %"


def _format_interval(share: SobolIndex) -> str:
    low, high = (min(max(0.0, end), 1.0) for end in (share.low, share.high))
    if high < LEAST_SHARE:
        return _format_percent(high)
    return f"{format_number(100 * low, 2) if low >= LEAST_SHARE else '0'} to {_format_percent(high)}"


def _encode_variance(instance: Instance, unit: str, analysis: VarianceAnalysis) -> Mapping[str, Any]:
    return {
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
                "cause": title_cause(instance, uncertain_input),
                "paths": [render_path(factor.path) for factor in uncertain_input.factors],
                "correlation": uncertain_input.correlation,
                "objective": _encode_shares(of_measure),
                "feasible": _encode_shares(of_plans),
            }
            for uncertain_input, of_measure, of_plans in zip(
                analysis.inputs, analysis.objective_indices, analysis.feasibility_indices, strict=True
            )
        ],
    }


def _encode_shares(given: SobolIndices) -> dict[str, Any]:
    both = {"first": given.first, "total": given.total}
    members = {key: None if index is None else [index.value, index.low, index.high] for key, index in both.items()}
    return {**members, "rows": given.rows}
