"""Report of `medalopt risk`: probability that the plan as ordered suffices, histograms, parameters to measure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from medalopt.analysis.risk.simulation import CostDistribution, RiskSimulation, SimulatedRisk
from medalopt.instance.instance import Instance
from medalopt.instance.uncertainty import ACCOUNTABILITY, ASSAY, RECOVERY, UncertainFactor
from medalopt.report.charts import COLOURS, Chart, ChartAxis, build_plot_option, mark_base_case
from medalopt.report.deadline_risk import RISK_COLUMNS, SAFE_PROBABILITY, describe_distribution, format_probability
from medalopt.report.document import CellValue, Report, ReportColumn, ReportTable, limit_rows
from medalopt.report.numbers import format_mass, format_money
from medalopt.report.render.json import identify_plan, make_report
from medalopt.report.sensitivity.report_part import capitalize_first
from medalopt.report.solve import describe_status
from medalopt.text import escape_text, render_path

_MOST_METALS, _MOST_FACTORS, _MOST_ROWS = 2, 3, 10
_COST_ROWS = {  # member of the JSON, and title
    "planned": ("planned", "planned"),
    "mean": ("mean", "mean"),
    "deviation": ("sd", "standard deviation"),
    "low": ("q05", "5 % quantile"),
    "median": ("median", "median"),
    "high": ("q95", "95 % quantile"),
    "purchases": ("missing_metal", "mean cost of missing metal"),
}
_RISK_MEMBERS = (  # of the JSON, as in the table
    *("needed_kg", "mean_kg", "sd_kg", "q05_kg", "q95_kg", "probability", "probability_low", "probability_high"),
    *("probability_normal", "probability_as_timed", "shortfall_kg"),
)
_MIN_UNMET = 0.001  # probability from which unmet metal is named
_TITLES = {
    ASSAY: "assay of {metal} in {owner}",
    RECOVERY: "recovery of {metal} by {owner}",
    ACCOUNTABILITY: "accountability of {metal} at {owner}",
}


def build_risk_report(simulation: RiskSimulation) -> Report:
    """Build the report of a simulated plan.

    Returns:
        The report: probability of each metal, cost with recourse, and the factors to measure first.
    """
    risk, factors = _tabulate_rows(simulation), _tabulate_shares(simulation)
    tables = (risk, _tabulate_cost(simulation), factors)
    cut = limit_rows(factors, _MOST_ROWS, "{} more (--full, -o NAME.xlsx, --json).")
    return make_report(
        simulation.plan.instance,
        "Risk of the plan of {}",
        _summarize(simulation),
        lambda: _encode_simulation(simulation),
        tables=tables,
        charts=tuple(
            _draw_histogram(simulation.plan.instance, row, simulation.draws)
            for row in _find_worst_rows(simulation)
            if row.deviation > 0
        ),
        screen=(risk, tables[1], cut),
        status=describe_status(simulation.plan),
    )


def _summarize(simulation: RiskSimulation) -> Iterable[str]:
    """Yield the headline: joint probability, the metals most at risk, cost, and the parameter to measure first."""
    instance, joint = simulation.plan.instance, simulation.joint
    where = "every deadline" if len({row.risk.period for row in simulation.rows}) > 1 else "the deadline"
    yield (
        f"Probability that every metal suffices at {where}: {format_probability(joint.probability)} "
        f"(95 % confidence interval {100 * joint.low:.1f} to {100 * joint.high:.1f} %)."
    )
    worst = _find_worst_rows(simulation)
    for row in [row for row in worst if row.enough.probability < SAFE_PROBABILITY][:_MOST_METALS]:
        yield describe_distribution(
            capitalize_first(_name_row(instance, row)),
            row.risk.needed,
            row.mean,
            (row.low, row.high),
            row.enough.probability,
        )
        yield f"Expected shortfall of {_name_row(instance, row)}: {format_mass(row.shortfall)}."
    yield _describe_cost(instance, simulation.cost)
    first = [share for share in simulation.shares if share.risk is simulation.shares[0].risk][:_MOST_FACTORS]
    named = "; ".join(f"{name_factor(instance, one.factor)} {format_probability(one.share)}" for one in first)
    if named:
        yield f"Measure first (share of the variance of {_title(instance, first[0].risk.metal)}): {named}."
    yield (
        f"{simulation.draws:,} draws (Latin hypercube, {_name_distribution(instance)}, seed {simulation.seed}); "
        "shipments and purchases as planned."
    )


def _describe_cost(instance: Instance, cost: CostDistribution) -> str:
    """Return the sentence on the cost with recourse, and on metal that cannot be bought."""
    low, mean, high = (format_money(value) for value in (cost.low, cost.mean, cost.high))
    text = f"Cost with recourse: {mean} {instance.currency} expected, {low} to {high} in 9 of 10 cases"
    if cost.purchases > 0:
        text += f", {format_money(cost.purchases, instance.currency)} of it for missing metal"
    named = [
        f"{format_mass(kilograms)} of {_title(instance, metal)}"
        for metal, kilograms, probability in cost.unmet
        if probability >= _MIN_UNMET
    ]
    unmet = f". On average {' and '.join(named)} cannot be bought" if named else ""
    return f"{text}{unmet}."


def _find_worst_rows(simulation: RiskSimulation) -> list[SimulatedRisk]:
    """Return the row with the smallest probability of each metal, the smallest first."""
    worst: dict[int, SimulatedRisk] = {}
    for row in sorted(simulation.rows, key=lambda row: (row.enough.probability, row.risk.probability)):
        worst.setdefault(row.risk.metal, row)
    return list(worst.values())


def _name_row(instance: Instance, row: SimulatedRisk) -> str:
    """Return metal and deadline; the latter where there are several periods."""
    when = f" by {instance.periods[row.risk.period]}" if len(instance.periods) > 1 else ""
    return f"{_title(instance, row.risk.metal)}{when}"


def _title(instance: Instance, metal: int) -> str:
    return instance.metals.titles[metal]


def _name_distribution(instance: Instance) -> str:
    return str(instance.annex.get("distribution", "lognormal"))


def name_factor(instance: Instance, factor: UncertainFactor) -> str:
    """Name an uncertain parameter in words.

    Args:
        instance: Instance.
        factor: Its factor.

    Returns:
        Such as `assay of silver in phone`.
    """
    title = _TITLES.get(factor.kind, "supply of {owner}")
    titles = dict(zip(instance.metals.names, instance.metals.titles, strict=True))
    metal = titles.get(factor.metal, "all metals")
    return title.format(owner=escape_text(factor.owner, 60), metal=metal)


def _tabulate_rows(simulation: RiskSimulation) -> ReportTable:
    """Return the table of all metals and deadlines."""
    instance = simulation.plan.instance
    columns = (
        *RISK_COLUMNS,
        ReportColumn("probability_low", "95 % interval, from", "%", 1, rank=3, style="share"),
        ReportColumn("probability_high", "95 % interval, to", "%", 1, rank=3, style="share"),
        ReportColumn("probability_as_timed", "as timed", "%", 1, rank=2, style="share"),
        ReportColumn("probability_normal", "normal approximation", "%", 1, rank=4, style="share"),
        ReportColumn("shortfall_kg", "expected shortfall", "kg", style="significant"),
    )
    rows: tuple[tuple[CellValue, ...], ...] = tuple(
        (
            _title(instance, row.risk.metal),
            instance.periods[row.risk.period],
            *(row.risk.needed, row.mean, row.deviation, row.low, row.high, row.enough.probability),
            *(row.enough.low, row.enough.high, row.as_timed, row.risk.probability, row.shortfall),
        )
        for row in simulation.rows
    )
    notes = (
        "As timed: the plan's own melts can be carried out in their own periods. Expected shortfall: mean of max(0, "
        "needed − returned) over all draws.",
    )
    text = "Metal returned by the end of the deadline's period against the need, shipments and purchases as planned."
    return ReportTable("risk", "Shortfall risk", text, columns, rows, notes)


def _tabulate_cost(simulation: RiskSimulation) -> ReportTable:
    """Return the table of the cost with recourse."""
    cost, currency = simulation.cost, simulation.plan.instance.currency
    columns = (ReportColumn("quantity", "quantity"), ReportColumn("cost", "cost", currency, style="significant"))
    rows = tuple((title, getattr(cost, name)) for name, (_, title) in _COST_ROWS.items())
    text = "Cost of the plan in the draws, metal bought for what is missing included where the instance allows it."
    return ReportTable("cost", "Cost with recourse", text, columns, rows)


def _tabulate_shares(simulation: RiskSimulation) -> ReportTable:
    """Return the table of the factors by their share of the variance."""
    instance = simulation.plan.instance
    columns = (
        ReportColumn("metal", "metal"),
        ReportColumn("period", "deadline", rank=1),
        ReportColumn("factor", "factor"),
        ReportColumn("path", "path", rank=2),
        ReportColumn("cv", "cv", "%", 1, rank=1, style="share"),
        ReportColumn("variance_share", "share of the variance", "%", 1, style="share"),
    )
    rows = tuple(
        (
            _title(instance, one.risk.metal),
            instance.periods[one.risk.period],
            name_factor(instance, one.factor),
            render_path(one.factor.path),
            one.factor.deviation,
            one.share,
        )
        for one in simulation.shares
    )
    text = "Which assay, recovery, accountability or supply to measure first, by its share of the variance."
    return ReportTable("information", "Shares of the variance", text, columns, rows)


def _draw_histogram(instance: Instance, row: SimulatedRisk, draws: int) -> Chart:
    """Return the histogram of one metal and deadline, short draws in another colour, with the need marked."""
    needed, edges, shares = row.risk.needed, row.edges.tolist(), (100 * row.counts / draws).tolist()
    short: list[list[float]] = []
    enough: list[list[float]] = []
    for start, end, share in zip(edges[:-1], edges[1:], shares, strict=True):
        side = short if (start + end) / 2 < needed else enough
        side += [[start, share], [end, share]]
    name = _name_row(instance, row)
    series = [
        {
            "type": "line",
            "name": label,
            "data": [[points[0][0], 0.0], *points, [points[-1][0], 0.0]],
            "showSymbol": False,
            "lineStyle": {"width": 1, "color": colour},
            "itemStyle": {"color": colour},
            "areaStyle": {"color": colour, "opacity": 0.75},
        }
        for points, label, colour in (
            (short, f"short ({format_probability(1 - row.enough.probability)} of the draws)", COLOURS[1]),
            (enough, f"enough ({format_probability(row.enough.probability)})", COLOURS[0]),
        )
        if any(share for _, share in points)
    ]
    series[-1]["markLine"] = mark_base_case(needed, f"needed {format_mass(needed)}")
    option = build_plot_option(
        ChartAxis(f"{_title(instance, row.risk.metal)} returned by {instance.periods[row.risk.period]}", "kg"),
        ChartAxis("share of the draws", "%", minimum=0, extra={"nameGap": 28}),  # above the label of the need
        series,
        legend=True,
    )
    option["legend"]["icon"] = "roundRect"
    option["grid"]["top"] = 78
    title = (
        f"{capitalize_first(name)}: the metal returned covers the need of {format_mass(needed)} in "
        f"{format_probability(row.enough.probability)} of the draws."
    )
    return Chart(title, option, (), ("Draws beyond the outermost 0.2 % on either side are counted in the last bins.",))


def _encode_simulation(simulation: RiskSimulation) -> dict[str, Any]:
    """Return a simulated plan as plain data, in kilograms and the instance's currency."""
    instance, cost = simulation.plan.instance, simulation.cost
    names = instance.metals.names
    joint = {name: getattr(simulation.joint, name) for name in ("probability", "low", "high")}
    return {
        "format": "medalopt/risk/1",
        **identify_plan(simulation.plan),
        "distribution": _name_distribution(instance),
        "risk": [
            {
                "metal": names[row.risk.metal],
                "period": instance.periods[row.risk.period],
                **{key: record[key] for key in _RISK_MEMBERS},
            }
            for row, record in zip(simulation.rows, _tabulate_rows(simulation).list_records(), strict=True)
        ],
        "joint": {**joint, "draws": simulation.draws, "seed": simulation.seed},
        "cost": {key: getattr(cost, name) for name, (key, _) in _COST_ROWS.items()} | {"unit": instance.currency},
        "unmet": [
            {"metal": names[metal], "unmet_kg": kilograms, "probability": probability}
            for metal, kilograms, probability in cost.unmet
        ],
        "information": [
            {
                "path": render_path(one.factor.path),
                "metal": names[one.risk.metal],
                "period": instance.periods[one.risk.period],
                "cv": one.factor.deviation,
                "variance_share": one.share,
            }
            for one in simulation.shares
        ],
        "histograms": [
            {
                "metal": names[row.risk.metal],
                "period": instance.periods[row.risk.period],
                "edges_kg": row.edges.tolist(),
                "draws": row.counts.tolist(),
            }
            for row in simulation.rows
        ],
    }
