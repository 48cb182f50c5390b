"""Reports of the price of confidence, and of the value of better information at the same confidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import Any

from medalopt.analysis.risk.information import MAX_FACTORS, InformationValuation
from medalopt.analysis.risk.price_of_confidence import PricedConfidence, PriceOfConfidence, Source
from medalopt.instance.uncertainty import get_uncertainty_budget
from medalopt.report.charts import (
    Chart,
    ChartAxis,
    build_bar_series,
    build_line_series,
    build_plot_option,
    draw_bar_pairs,
    mark_infeasible_range,
    shorten_name,
)
from medalopt.report.deadline_risk import describe_promise, name_promise
from medalopt.report.document import (
    CellValue,
    Report,
    ReportColumn,
    ReportTable,
    ShownValue,
    get_cell_value,
    limit_rows,
)
from medalopt.report.numbers import choose_money_scale, format_money, format_number
from medalopt.report.render.json import identify_instance, make_report
from medalopt.report.risk_simulation import name_factor
from medalopt.report.sensitivity.report_part import capitalize_first
from medalopt.text import format_count, render_path

_MOST_NAMED = 8  # breakpoints in the summary
_MOST_ROWS = 15  # of breakpoints on the screen
_MOST_SOURCES = 4  # named in a cell
_MOST_DIGITS = 3  # decimal places of a confidence in per cent
_SAMPLES = 4  # points drawn on each line
_ROW_KEYS = ("confidence", "cost", "extra", "marginal_cost_per_point", "metal", "deadline", "buffer_kg")
_LABEL_SHARE = 0.06  # of the axis, that a label in an area needs
_MARKED = {"symbol": "diamond", "symbolSize": 9}
_DASHED = {"width": 1.5, "type": "dashed"}


def build_confidence_report(found: PriceOfConfidence) -> Report:
    """Build the report of the price of confidence.

    Returns:
        The report: the confidence without a promise, the cost of the next points, and the highest promise.
    """
    instance, table, breakpoints = found.instance, _tabulate_prices(found), tuple(_tabulate_breakpoints(found))
    title, lines, charts = "Price of confidence of {}", _summarize_prices(found), (_draw_prices(found),)
    return make_report(
        instance,
        title,
        lines,
        lambda: _encode_price_of_confidence(found),
        tables=(table, *breakpoints),
        charts=charts,
        screen=(table, *(limit_rows(one, _MOST_ROWS, "{} more (-o NAME.xlsx, --json).") for one in breakpoints)),
    )


def _encode_price_of_confidence(found: PriceOfConfidence) -> dict[str, Any]:
    """Encode the price of confidence as JSON members."""
    return {
        "format": "medalopt/confidence/1",
        "instance": identify_instance(found.instance),
        "currency": found.instance.currency,
        "highest": found.highest,
        "rows": [dict(zip(_ROW_KEYS, map(get_cell_value, row), strict=True)) for row in _tabulate_prices(found).rows],
        "gap": found.gap,
        "breakpoints": [
            {
                "confidence": one.level,
                "below": one.below,
                "cost": one.cost,
                **{
                    side: [{"kind": kind, "name": name} for kind, name in getattr(one, side)]
                    for side in ("enters", "leaves")
                },
            }
            for one in found.breakpoints
        ],
        "lower_bound": [  # where it is farthest from the line between neighbouring plans
            {"confidence": NormalDist().cdf(quantile), "cost": cost}
            for quantile, cost in (interval.bound_at_crossing() for interval in found.intervals)
        ],
    }


def _percent(share: float, digits: int = 1) -> str:
    """Return a share in per cent, rounded down: a promise is not rounded up."""
    scale = 10**digits
    return f"{int(100 * scale * share + 1e-9) / scale:g} %"


def _count_level_digits(found: PriceOfConfidence) -> int:
    """Return the decimal places with which no two plans show the same confidence, at most `_MOST_DIGITS`."""
    shown = ({_percent(row.level, digits) for row in found.rows} for digits in range(1, _MOST_DIGITS))
    return next((n for n, levels in enumerate(shown, start=1) if len(levels) == len(found.rows)), _MOST_DIGITS)


def _summarize_prices(found: PriceOfConfidence) -> list[str]:
    """Return the headline."""
    first, *others = found.rows
    currency = found.instance.currency
    lines = [f"Without a promise: {format_money(first.cost, currency)}, confidence {_percent(first.level)}."]
    if others:
        last = others[-1]
        title = _map_titles(found)[last.metal]
        lines.append(
            f"Confidence {_percent(last.level)}: {format_money(last.cost, currency)}, "
            f"{_format_extra(last, first)} more; limited by {title} by {last.period}."
        )
        wanted = found.promised or (first.level + last.level) / 2
        middle = min(others, key=lambda row: abs(row.level - wanted))
        point = format_money(middle.marginal_cost, currency)
        lines.append(f"At {_percent(middle.level)} one more percentage point costs {point}.")
    if found.gap is not None and others:
        lines.append(f"Between these plans the cost is certified to {format_money(found.gap, currency)}.")
    if found.breakpoints:
        ends = dict.fromkeys(f"{100 * one.level:.3g}" for one in found.breakpoints)
        listed = ", ".join(
            [*list(ends)[:_MOST_NAMED], *([f"{len(ends) - _MOST_NAMED} more"] * (len(ends) > _MOST_NAMED))]
        )
        lines.append(f"Sources of metal enter or leave the plan at (%): {listed}.")
    if found.highest is None:
        lines.append("Plans with a confidence of 99.9 % exist.")
    else:
        lines.append(f"No plan can promise more than {_percent(found.highest)}.")
    return lines


def _map_titles(found: PriceOfConfidence) -> dict[str, str]:
    """Return the display name of each metal."""
    return dict(zip(found.instance.metals.names, found.instance.metals.titles, strict=True))


def _format_extra(row: PricedConfidence, first: PricedConfidence) -> str:
    """Return the additional cost in per cent of the cost without a promise."""
    return f"{100 * (row.cost - first.cost) / abs(first.cost):.3g} %" if first.cost else f"{row.cost:.4g}"


def _tabulate_prices(found: PriceOfConfidence) -> ReportTable:
    """Return the table of plans by rising confidence."""
    currency, first, titles = found.instance.currency, found.rows[0], _map_titles(found)
    digits = _count_level_digits(found)
    columns = (
        ReportColumn("confidence", "confidence", "%", 1, style="share"),
        ReportColumn("cost", "cost", currency, style="significant"),
        ReportColumn("extra", "extra", currency, style="significant"),
        ReportColumn("marginal", "one more point costs", currency, style="significant"),
        ReportColumn("metal", "limited by"),
        ReportColumn("deadline", "deadline"),
        ReportColumn("buffer", "buffer", "kg", style="significant"),
    )
    rows: tuple[tuple[CellValue, ...], ...] = tuple(
        (
            ShownValue(row.level, _percent(row.level, digits).removesuffix(" %")),
            row.cost,
            row.cost - first.cost,
            row.marginal_cost,
            ShownValue(row.metal, titles[row.metal]) if row.metal else None,
            row.period or None,
            row.buffer if row.metal else None,
        )
        for row in found.rows
    )
    notes = ["Buffer: metal expected by the deadline beyond what is charged. One more point: from the dual values."]
    if found.gap is not None:
        text = (
            "Between two plans the cost differs from the line between them, linear in the normal quantile, by at most"
        )
        notes.append(f"{text} {format_money(found.gap, currency)}: certified by the dual values.")
    return ReportTable(
        "confidence", "Cost by promised confidence", "Plans by rising confidence.", columns, rows, tuple(notes)
    )


def _tabulate_breakpoints(found: PriceOfConfidence) -> Iterator[ReportTable]:
    """Yield the table of the confidences at which sources of metal enter or leave."""
    columns = (
        ReportColumn("confidence", "from", "%", 1, style="share"),
        ReportColumn("below", "not yet at", "%", 1, style="share"),
        ReportColumn("cost", "cost", found.instance.currency, style="significant"),
        ReportColumn("enters", "enters"),
        ReportColumn("leaves", "leaves"),
    )
    rows: tuple[tuple[CellValue, ...], ...] = tuple(
        (one.level, one.below, one.cost, _name_sources(one.enters), _name_sources(one.leaves))
        for one in found.breakpoints
    )
    if rows:
        text = "Sources of metal: streams of which devices are smelted, and offers bought."
        notes = ("Both confidences are those of plans that are certified; the cost is that of the first.",)
        yield ReportTable("breakpoints", "Sources by confidence", text, columns, rows, notes)


def _name_sources(sources: Sequence[Source]) -> str | None:
    """Return the names of sources, at most `_MOST_SOURCES`."""
    names = [name for _, name in sources]
    more = [f"{len(names) - _MOST_SOURCES} more"] if len(names) > _MOST_SOURCES else []
    return ", ".join([*names[:_MOST_SOURCES], *more]) or None


def _list_lower_line(found: PriceOfConfidence) -> list[tuple[float, float]]:
    """Return the corners of the lower bound of the cost: normal quantile and cost."""
    corners = [(found.intervals[0].left, found.intervals[0].chord[0])]
    for interval in found.intervals:
        corners += [interval.bound_at_crossing(), (interval.right, interval.chord[1])]
    return corners


def _sample_line(corners: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return points on lines between corners, as they are linear in the quantile and not in the confidence."""
    points = [corners[0]]
    for (left, low), (right, high) in pairwise(corners):
        for step in range(1, _SAMPLES + 1):
            share = step / _SAMPLES
            points.append((left + share * (right - left), low + share * (high - low)))
    return points


def _scale(points: Sequence[tuple[float, float]], size: float) -> list[tuple[float, float | None]]:
    """Return confidence in per cent and cost in the unit of the chart."""
    return [(100 * NormalDist().cdf(quantile), cost / size) for quantile, cost in points]


def _draw_prices(found: PriceOfConfidence) -> Chart:
    """Return the chart of cost over confidence, with confidences shaded that no plan can promise."""
    size, word = choose_money_scale([row.cost for row in found.rows])
    points = [(100 * row.level, row.cost / size) for row in found.rows]
    top = 100.0 if found.highest is None else 100 * found.highest
    wide = 100 - top > _LABEL_SHARE * (100 - points[0][0])  # enough for the words
    more = {} if found.highest is None else {"markArea": mark_infeasible_range(top, 100.0, "no plan" if wide else "")}
    lines = []
    if found.intervals:
        lower = _scale(_sample_line(_list_lower_line(found)), size)
        lines = [build_line_series("lower bound", lower, symbol="none", lineStyle=_DASHED)]
    if found.breakpoints:
        turns = [(100 * one.level, one.cost / size) for one in found.breakpoints]
        hidden = {"opacity": 0}
        lines.append(build_line_series("a source enters or leaves", turns, **_MARKED, lineStyle=hidden))
    option = build_plot_option(
        ChartAxis("confidence at every deadline", "%", minimum=float(int(points[0][0])), maximum=100.0),
        ChartAxis("cost", f"{word}{found.instance.currency}"),
        [build_line_series("least cost" if lines else "", points, **more), *lines],
    )
    last = found.rows[-1]
    title = f"{_percent(last.level)} confidence costs {_format_extra(last, found.rows[0])} more than none"
    return Chart(title, option)


INFORMATION_FORMAT = "medalopt/information/1"
_MAX_NAME = 44


def build_information_report(found: InformationValuation) -> Report:
    """Build the report of the value of information.

    Args:
        found: Savings by parameter.

    Returns:
        The report: parameters to measure first, a table and a chart.
    """
    instance, table = found.plan.instance, _tabulate_savings(found)
    drawn = {"tables": (table,), "charts": (_draw_savings(found),)} if table.rows else {}
    lines = _summarize_savings(found)
    return make_report(instance, "Value of information in {}", lines, lambda: _encode_information(found), **drawn)


def _summarize_savings(found: InformationValuation) -> Iterable[str]:
    """Yield the headline."""
    yield from _summarize_factors(found)
    if found.scenarios is not None:
        saved = format_money(max(found.scenarios.perfect, 0.0), found.plan.instance.currency)
        yield (
            f"Knowing which of the {found.scenarios.count} scenarios comes before contracts are signed saves {saved} "
            "on average, without a promise (value of perfect information; medalopt stochastic)."
        )


def _summarize_factors(found: InformationValuation) -> Iterable[str]:
    """Yield what to measure first."""
    plan, row, currency = found.plan, found.row, found.plan.instance.currency
    if row is None or not found.factors:
        yield f"Total cost: {format_money(plan.cost, currency)}."
        yield "No promise binds: information saves nothing."
        return
    promise, limit = describe_promise(plan.instance, row).removeprefix("promised "), name_promise(plan.instance, row)
    article = "an" if promise.startswith("u") else "a"
    yield f"Total cost at {article} {promise}: {format_money(plan.cost, currency)}; limited by {limit}."
    first, *others = found.factors
    saves = format_money(first.sampled, currency)
    per_sample = format_money(first.compute_saving_per_sample(found.samples), currency)
    yield (
        f"Measure first: {name_factor(plan.instance, first.factor)}. {found.samples:,} samples save {saves} "
        f"({per_sample} per sample), half the uncertainty {format_money(first.halved, currency)}."
    )
    if others:
        named = "; ".join(
            f"{name_factor(plan.instance, one.factor)} {format_money(one.sampled, currency)}" for one in others[:2]
        )
        yield f"Next: {named}."
    yield (
        f"One sample has a standard error of {format_number(100 * found.sample_error)} % (--sample-error); "
        "at the same confidence and the same mean."
    )


def _tabulate_savings(found: InformationValuation) -> ReportTable:
    """Return the table of parameters."""
    instance = found.plan.instance
    columns = (
        ReportColumn("factor", "parameter"),
        ReportColumn("path", "path", rank=2),
        ReportColumn("cv", "cv", "%", 1, style="share"),
        ReportColumn("variance_share", "share of the variance", "%", 1, rank=1, style="share"),
        ReportColumn("halved", "half the cv saves", instance.currency, style="money"),
        ReportColumn("cv_sampled", "cv after samples", "%", 1, rank=1, style="share"),
        ReportColumn("sampled", "samples save", instance.currency, style="money"),
        ReportColumn("per_sample", "per sample", instance.currency, style="money"),
    )
    rows: tuple[tuple[CellValue, ...], ...] = tuple(
        (
            name_factor(instance, one.factor),
            render_path(one.factor.path),
            *(one.factor.deviation, one.share, one.halved, one.posterior, one.sampled),
            one.compute_saving_per_sample(found.samples),
        )
        for one in found.factors
    )
    notes = [f"After {found.samples:,} samples the variance is 1/(1/σ² + n/s²). The savings do not add up."]
    if found.left:
        count = format_count(MAX_FACTORS + found.left, "parameter")
        notes.append(f"{count} matter; the {MAX_FACTORS} with the largest saving to first order are solved again.")
    text = "What a plan with the same confidence costs less if one parameter were known better."
    return ReportTable("value_of_information", "Value of information", text, columns, rows, tuple(notes))


def _draw_savings(found: InformationValuation) -> Chart:
    """Return the chart of savings: one pair of bars for each parameter."""
    instance, factors = found.plan.instance, found.factors
    size, word = choose_money_scale([max(one.halved, one.sampled) for one in factors])
    series = [
        build_bar_series(f"{found.samples:,} samples", 0, [one.sampled / size for one in factors]),
        build_bar_series("half the uncertainty", 1, [one.halved / size for one in factors]),
    ]
    names = [shorten_name(name_factor(instance, one.factor), _MAX_NAME) for one in factors]
    across = ChartAxis("saving at the same confidence", f"{word}{instance.currency}", minimum=0)
    title = f"{capitalize_first(name_factor(instance, factors[0].factor))} is worth measuring first"
    return draw_bar_pairs(title, across, names, series)


def _encode_information(found: InformationValuation) -> dict[str, Any]:
    """Encode the value of information as JSON members."""
    instance, row = found.plan.instance, found.row
    return {
        "format": INFORMATION_FORMAT,
        "instance": identify_instance(instance),
        "currency": instance.currency,
        "cost": found.plan.cost,
        "confidence": None if row is None or get_uncertainty_budget(instance) else row.level,
        "metal": None if row is None else instance.metals.names[row.metal],
        "deadline": None if row is None else instance.periods[row.period],
        "samples": found.samples,
        "sample_error": found.sample_error,
        "left": found.left,
        "scenarios": (
            None
            if found.scenarios is None
            else {"count": found.scenarios.count, "perfect_information": found.scenarios.perfect}
        ),
        "rows": [
            {
                "path": render_path(one.factor.path),
                "cv": one.factor.deviation,
                "variance_share": one.share,
                "first_order": one.estimate,
                "halved": one.halved,
                "cv_sampled": one.posterior,
                "sampled": one.sampled,
                "per_sample": one.compute_saving_per_sample(found.samples),
            }
            for one in found.factors
        ],
    }
