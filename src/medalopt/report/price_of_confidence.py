"""Report of the price of confidence: the cost of plans that promise more, as a table and a chart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import Any

from medalopt.analysis.risk.price_of_confidence import PricedConfidence, PriceOfConfidence
from medalopt.report.charts.chart import Chart, ChartAxis, build_line_series, build_plot_option, mark_infeasible_range
from medalopt.report.document import CellValue, Report, ReportColumn, ReportTable, ShownValue, make_amount_column
from medalopt.report.numbers import choose_money_scale, format_money
from medalopt.report.render.json import identify_instance, render_json

_SAMPLES = 4  # points drawn on each line
_DASHED = {"width": 1.5, "type": "dashed"}


def build_confidence_report(found: PriceOfConfidence) -> Report:
    """Build the report of the price of confidence.

    Args:
        found: Plans by rising confidence.

    Returns:
        The report: the confidence without a promise, the cost of the next points, and the highest promise.
    """
    instance, table = found.instance, _tabulate(found)
    return Report(
        f"Price of confidence of {instance.title or instance.name}",
        tuple(_summarize(found)),
        (table,),
        charts=(_draw(found),),
        foot=(f"Parameters of {instance.name}: sha256 {instance.figures}.",),
        json=lambda _: render_json(encode_price_of_confidence(found)),
    )


def encode_price_of_confidence(found: PriceOfConfidence) -> dict[str, Any]:
    """Encode the price of confidence as JSON members.

    Args:
        found: Plans by rising confidence.

    Returns:
        Plain data.
    """
    return {
        "format": "medalopt/confidence/1",
        "instance": identify_instance(found.instance),
        "currency": found.instance.currency,
        "highest": found.highest,
        "rows": [
            {
                "confidence": row.level,
                "cost": row.cost,
                "extra": row.cost - found.rows[0].cost,
                "marginal_cost_per_point": row.marginal_cost,
                "metal": row.metal or None,
                "deadline": row.period or None,
                "buffer_kg": row.buffer if row.metal else None,
            }
            for row in found.rows
        ],
        "gap": found.gap,
        "lower_bound": [{"confidence": level, "cost": cost} for level, cost in _list_lower_bounds(found)],
    }


def _list_lower_bounds(found: PriceOfConfidence) -> list[tuple[float, float]]:
    """Return confidence and lower bound of the cost where it is farthest from the line between neighbouring plans."""
    points = [interval.bound_at_crossing() for interval in found.intervals]
    return [(NormalDist().cdf(quantile), cost) for quantile, cost in points]


def _percent(share: float) -> str:
    """Return a share in per cent, rounded down: a promise is not rounded up."""
    return f"{int(share * 1000 + 1e-9) / 10:g} %"


def _summarize(found: PriceOfConfidence) -> list[str]:
    """Return the headline."""
    first, *others = found.rows
    currency = found.instance.currency
    lines = [f"Without a promise: {format_money(first.cost, currency)}, confidence {_percent(first.level)}."]
    if others:
        last = others[-1]
        lines.append(
            f"Confidence {_percent(last.level)}: {format_money(last.cost, currency)}, "
            f"{_format_extra(last, first)} more; limited by {last.metal} by {last.period}."
        )
        wanted = found.promised or (first.level + last.level) / 2
        middle = min(others, key=lambda row: abs(row.level - wanted))
        point = format_money(middle.marginal_cost, currency)
        lines.append(f"At {_percent(middle.level)} one more percentage point costs {point}.")
    if found.gap is not None and others:
        lines.append(f"Between these plans the cost is certified to {format_money(found.gap, currency)}.")
    if found.highest is None:
        lines.append("Plans with a confidence of 99.9 % exist.")
    else:
        lines.append(f"No plan can promise more than {_percent(found.highest)}.")
    return lines


def _format_extra(row: PricedConfidence, first: PricedConfidence) -> str:
    """Return the additional cost in per cent of the cost without a promise."""
    return f"{100 * (row.cost - first.cost) / abs(first.cost):.3g} %" if first.cost else f"{row.cost:.4g}"


def _tabulate(found: PriceOfConfidence) -> ReportTable:
    """Return the table of plans by rising confidence."""
    currency, first = found.instance.currency, found.rows[0]
    columns = (
        ReportColumn("confidence", "confidence", "%", 1, style="share"),
        make_amount_column("cost", "cost", currency, total=False),
        make_amount_column("extra", "extra", currency, total=False),
        make_amount_column("marginal", "one more point costs", currency, total=False),
        ReportColumn("metal", "limited by"),
        ReportColumn("deadline", "deadline"),
        ReportColumn("buffer", "buffer", "kg", style="significant"),
    )
    rows: tuple[tuple[CellValue, ...], ...] = tuple(
        (
            ShownValue(row.level, _percent(row.level).removesuffix(" %")),
            row.cost,
            row.cost - first.cost,
            row.marginal_cost,
            row.metal or None,
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


def _draw(found: PriceOfConfidence) -> Chart:
    """Return the chart of cost over confidence, with confidences shaded that no plan can promise."""
    size, word = choose_money_scale([row.cost for row in found.rows])
    points = [(100 * row.level, row.cost / size) for row in found.rows]
    top = 100.0 if found.highest is None else 100 * found.highest
    more = {} if found.highest is None else {"markArea": mark_infeasible_range(top, 100.0, "no plan")}
    lines = []
    if found.intervals:
        lower = _scale(_sample_line(_list_lower_line(found)), size)
        lines = [build_line_series("lower bound", lower, symbol="none", lineStyle=_DASHED)]
    option = build_plot_option(
        ChartAxis("confidence at every deadline", "%", minimum=float(int(points[0][0])), maximum=100.0),
        ChartAxis("cost", f"{word}{found.instance.currency}"),
        [build_line_series("least cost" if lines else "", points, **more), *lines],
    )
    last = found.rows[-1]
    title = f"{_percent(last.level)} confidence costs {_format_extra(last, found.rows[0])} more than none"
    return Chart(title, option)
