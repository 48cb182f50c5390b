"""Report of the price of confidence: the cost of plans that promise more, as a table and a chart."""

from __future__ import annotations

from typing import Any

from medalopt.analysis.risk.price_of_confidence import PricedConfidence, PriceOfConfidence
from medalopt.report.charts.chart import Chart, ChartAxis, build_line_series, build_plot_option, mark_infeasible_range
from medalopt.report.document import CellValue, Report, ReportColumn, ReportTable, ShownValue, make_amount_column
from medalopt.report.numbers import choose_money_scale, format_money
from medalopt.report.render.json import identify_instance, render_json


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
    }


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
        middle = others[len(others) // 2]
        point = format_money(middle.marginal_cost, currency)
        lines.append(f"At {_percent(middle.level)} one more percentage point costs {point}.")
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
    note = "Buffer: metal expected by the deadline beyond what is charged. One more point: from the dual values."
    return ReportTable(
        "confidence", "Cost by promised confidence", "Plans by rising confidence.", columns, rows, (note,)
    )


def _draw(found: PriceOfConfidence) -> Chart:
    """Return the chart of cost over confidence, with confidences shaded that no plan can promise."""
    size, word = choose_money_scale([row.cost for row in found.rows])
    points = [(100 * row.level, row.cost / size) for row in found.rows]
    top = 100.0 if found.highest is None else 100 * found.highest
    more = {} if found.highest is None else {"markArea": mark_infeasible_range(top, 100.0, "no plan")}
    option = build_plot_option(
        ChartAxis("confidence at every deadline", "%", minimum=float(int(points[0][0])), maximum=100.0),
        ChartAxis("cost", f"{word}{found.instance.currency}"),
        [build_line_series("", points, **more)],
    )
    last = found.rows[-1]
    title = f"{_percent(last.level)} confidence costs {_format_extra(last, found.rows[0])} more than none"
    return Chart(title, option)
