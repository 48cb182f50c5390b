"""Report of the value of information: parameters with the saving by better knowledge of each at the same confidence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from medalopt.analysis.risk.information import MAX_FACTORS, InformationValuation
from medalopt.instance.confidence import get_uncertainty_budget
from medalopt.instance.paths import render_path
from medalopt.report.charts.chart import COLOURS, Chart, ChartAxis, build_plot_option, shorten_name
from medalopt.report.document import CellValue, Report, ReportColumn, ReportTable
from medalopt.report.numbers import choose_money_scale, format_money, format_number
from medalopt.report.render.json import identify_instance, render_json
from medalopt.report.risk import describe_promise, name_promise
from medalopt.report.risk_simulation import name_factor
from medalopt.report.sensitivity.report_part import capitalize_first
from medalopt.text import format_count

INFORMATION_FORMAT = "medalopt/information/1"
_BAR_PIXELS, _MAX_NAME = 26, 44


def build_information_report(found: InformationValuation) -> Report:
    """Build the report of the value of information.

    Args:
        found: Savings by parameter.

    Returns:
        The report: parameters to measure first, a table and a chart.
    """
    instance, table = found.plan.instance, _tabulate(found)
    return Report(
        f"Value of information in {instance.title or instance.name}",
        tuple(_summarize(found)),
        (table,) if table.rows else (),
        charts=(_draw(found),) if table.rows else (),
        foot=(f"Parameters of {instance.name}: sha256 {instance.figures}.",),
        json=lambda _: render_json(encode_information(found)),
    )


def _summarize(found: InformationValuation) -> Iterable[str]:
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


def _tabulate(found: InformationValuation) -> ReportTable:
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


def _draw(found: InformationValuation) -> Chart:
    """Return the chart of savings: one pair of bars for each parameter."""
    instance, factors = found.plan.instance, found.factors
    size, word = choose_money_scale([max(one.halved, one.sampled) for one in factors])
    series = [
        {
            "type": "bar",
            "name": label,
            "data": [value / size for value in values],
            "barMaxWidth": 18,
            "itemStyle": {"color": colour},
        }
        for label, values, colour in (
            (f"{found.samples:,} samples", [one.sampled for one in factors], COLOURS[0]),
            ("half the uncertainty", [one.halved for one in factors], COLOURS[1]),
        )
    ]
    names = [shorten_name(name_factor(instance, one.factor), _MAX_NAME) for one in factors]
    across = ChartAxis("saving at the same confidence", f"{word}{instance.currency}", minimum=0)
    up = ChartAxis("", names=names, extra={"inverse": True, "data": names})
    title = f"{capitalize_first(name_factor(instance, factors[0].factor))} is worth measuring first"
    height = 130 + 2 * _BAR_PIXELS * len(factors)
    return Chart(title, build_plot_option(across, up, series, legend=True), height=height)


def encode_information(found: InformationValuation) -> dict[str, Any]:
    """Encode the value of information as JSON members.

    Args:
        found: Savings by parameter.

    Returns:
        Plain data.
    """
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
