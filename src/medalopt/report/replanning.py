"""Sourcing plan of the remaining horizon, preceded by plan against actuals: metal, devices, cost, yield, contracts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medalopt.analysis.replanning.remaining_horizon import IN_TRANSIT, get_in_transit_streams
from medalopt.analysis.replanning.replan import Replan
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Floats, drop_infinite
from medalopt.instance.bounds import compute_casting_price
from medalopt.instance.instance import Instance
from medalopt.instance.routes import compute_fraction_amounts
from medalopt.report.charts import COLOURS, Chart, ChartAxis, build_line_series, build_plot_option
from medalopt.report.document import CellValue, Report, ReportColumn, ReportTable, get_cell_value
from medalopt.report.numbers import format_mass, format_money, format_share, format_tonnes
from medalopt.report.solve_tables import get_period_word
from medalopt.report.sourcing.order_layout import select_print_tables
from medalopt.report.sourcing.plan_report import MOST_SCREEN_ROWS, select_due_orders, select_screen_tables
from medalopt.text import escape_text, join_names

MAX_LOTS_LISTED = 100  # lots listed individually
_COST_TITLES = {
    "supply": "supply",
    "collection": "collection",
    "treating": "treatment before the smelter",
    "transport": "transport to the smelter",
    "residue": "residues (cost or revenue)",
    "sales": "fractions, surplus and castings sold (revenue)",
    "charges": "smelter charges",
    "holding": "holding and storage",
}
_PLANNED_KINDS = {
    "supply": ("supply",),
    "collection": ("collection",),
    "treating": ("treatment",),
    "transport": ("transport",),
    "residue": ("residue",),
    "charges": ("smelting", "refining"),
    "holding": ("holding", "storage"),
}


def _build_actuals_tables(replan: Replan) -> tuple[ReportTable, ...]:
    """Return the tables that have rows, the metal balance first."""
    tables = (
        _build_metal_table(replan),
        _build_device_table(replan),
        _build_cost_table(replan),
        _build_yield_table(replan),
        _build_lot_table(replan),
        _build_in_transit_table(replan),
        _build_contract_table(replan),
    )
    return tuple(table for table in tables if table.rows)


def _slice_past(replan: Replan) -> slice:
    """Return the slice of the executed periods."""
    return slice(None, replan.actuals.last + 1)


def _name_period(replan: Replan) -> str:
    """Return the word for a period."""
    return get_period_word(replan.actuals.instance)


def _build_metal_table(replan: Replan) -> ReportTable:
    """Return metal returned so far, planned and actual, metal in transit, and the total at the end of the horizon."""
    actuals, last = replan.actuals, replan.actuals.last
    before = replan.returned_before
    awaited = actuals.metal_in_transit.sum(axis=1)
    rows = []
    for metal in replan.metals:
        planned = None if before is None else float(before[metal, last])
        actual = float(replan.returned_now[metal, last])
        rows.append(
            (
                actuals.instance.metals.titles[metal],
                planned,
                actual,
                _divide_or_none(actual, planned),
                float(awaited[metal]),
                float(actuals.metal_stock[metal]),
                None if before is None else float(before[metal, -1]),
                float(replan.returned_now[metal, -1]),
            )
        )
    after = replan.problem.last_period
    columns = (
        ReportColumn("metal", "Metal"),
        ReportColumn("planned_kg", f"Planned by {after}", "kg", 1),
        ReportColumn("actual_kg", "Actual", "kg", 1),
        ReportColumn("of_plan", "Of plan", "%", 1),
        ReportColumn("awaited_kg", "In transit", "kg", 1),
        ReportColumn("stock_kg", "Stock", "kg", 1),
        ReportColumn("first_plan_kg", "Horizon, first plan", "kg", 1),
        ReportColumn("new_plan_kg", "Horizon, this plan", "kg", 1),
    )
    text = f"Metal returned by the end of {after}, planned and settled; in transit; in stock; at the horizon."
    return ReportTable("actual_metal", "Metal: plan against actual", text, columns, tuple(rows))


def _divide_or_none(part: float, whole: float | None) -> float | None:
    """Return the ratio, None without a denominator."""
    return part / whole if whole else None


def _build_device_table(replan: Replan) -> ReportTable:
    """Return devices sent in each period, planned and actual."""
    actuals = replan.actuals
    actual = actuals.sent_devices.sum(axis=0)[_slice_past(replan)]
    planned = None if replan.before is None else replan.before.account.treated_devices.sum(axis=0)[_slice_past(replan)]
    rows = tuple(
        (
            actuals.instance.periods[t],
            None if planned is None else float(planned[t]),
            float(actual[t]),
            None if planned is None else float(actual[t] - planned[t]),
        )
        for t in range(actuals.last + 1)
    )
    columns = (
        ReportColumn("period", _name_period(replan).capitalize()),
        ReportColumn("planned_t", "Planned", "t", 1, total=True),
        ReportColumn("actual_t", "Actual", "t", 1, total=True),
        ReportColumn("more_t", "Difference", "t", 1, total=True),
    )
    notes = (f"{actuals.stockpiles.sum():,.1f} t more are in stockpiles.",) if actuals.stockpiles.any() else ()
    text = "Devices sent (dry tonnes), computed from the feed by the yield of the treatment."
    return ReportTable("actual_devices", "Devices: plan against actual", text, columns, rows, notes)


def _build_cost_table(replan: Replan) -> ReportTable:
    """Return the cost of executed lots by kind, of contracts, and of the remaining plan."""
    actuals, before = replan.actuals, replan.before
    rows: list[tuple[CellValue, ...]] = []
    costs = {} if before is None else _sum_planned_costs(before.account)
    for kind, spent in actuals.cost_by_kind.items():
        planned = None if before is None else float(costs[kind][_slice_past(replan)].sum())
        if spent or planned:
            rows.append((_COST_TITLES[kind], planned, spent))
    so_far = None if before is None else sum(float(get_cell_value(row[1]) or 0.0) for row in rows)
    left = None if before is None or so_far is None else before.cost - so_far
    rows.append(("contracted, and purchased to date", None, actuals.signed_cost))
    if replan.penalty_to_date:
        rows.append(("penalties of medals not made", None, replan.penalty_to_date))
    rows.append(("remaining horizon", left, replan.plan.cost))
    columns = (
        ReportColumn("kind", "Kind"),
        ReportColumn("first_plan", "First plan", actuals.instance.currency, 0, total=True),
        ReportColumn("now", "Now", actuals.instance.currency, 0, total=True),
    )
    text = (
        f"Cost of lots up to {replan.problem.last_period} against the first plan for those periods; contracted cost; "
        "and the remaining horizon, which in the first plan includes all later periods."
    )
    notes = ("Charges of unsettled lots follow the terms; all other costs are those of the instance.",)
    return ReportTable("actual_cost", "Cost: first plan and now", text, columns, tuple(rows), notes)


def _sum_planned_costs(account: PlanAccount) -> dict[str, Floats]:
    """Return the planned cost of shipments by the kinds of the cost of lots, (T,) money each."""
    costs = account.costs_of_quantities
    planned = {kind: sum(costs[own] for own in kinds) for kind, kinds in _PLANNED_KINDS.items()}
    if "stream" in account.surcharges:
        planned["supply"] = planned["supply"] + account.surcharges["stream"].sum(axis=0)
    instance = account.instance
    sold = (instance.metals.sell.value * account.decisions.surplus).sum(axis=0)
    sold = sold + (compute_casting_price(instance) * account.cast).sum(axis=0)
    return {**planned, "sales": -compute_fraction_amounts(account)[1].sum(axis=0) - sold}


def _build_yield_table(replan: Replan) -> ReportTable:
    """Return metal payable of settled lots against the expectation from the instance, by device."""
    actuals, lots = replan.actuals, replan.actuals.lots
    instance = actuals.instance
    settled = np.isfinite(lots.payable).any(axis=1) & ~lots.waits
    device = instance.streams.device[lots.stream]
    branches, treatment = lots.find_branches(actuals.routes), np.append(actuals.routes.treatment, -1)[lots.route]
    rows = []
    for (d, fraction), name in _name_settled_devices(instance).items():
        members = settled & (device == d) & (treatment == fraction if fraction >= 0 else ~branches)
        for metal in replan.metals if members.any() else ():
            expected, payable = (
                float(actuals.expected_metal[members, metal].sum()),
                float(lots.payable[members, metal].sum()),
            )
            if payable or (expected and lots.payable[settled, metal].any()):
                share, tonnes = _divide_or_none(payable, expected), float(lots.devices_t[members].sum())
                rows.append((name, instance.metals.titles[metal], int(members.sum()), tonnes, expected, payable, share))
    columns = (
        ReportColumn("device", "Device"),
        ReportColumn("metal", "Metal"),
        ReportColumn("lots", "Lots", "", 0),
        ReportColumn("devices_t", "Devices", "t", 1),
        ReportColumn("expected_kg", "Expected", "kg", 2),
        ReportColumn("payable_kg", "Payable", "kg", 2),
        ReportColumn("of_expected", "Of expected", "%", 1),
    )
    text = "Payable metal of settled lots against the expectation from the parameters of the instance."
    notes = ("A share far from 100 % suggests correcting an assay, a recovery or an accountability of the instance.",)
    return ReportTable("actual_yield", "Settled lots, payable metal", text, columns, tuple(rows), notes)


def _name_settled_devices(instance: Instance) -> dict[tuple[int, int], str]:
    """Return the devices, whole (-1) and by fraction, with their names."""
    fractions = np.flatnonzero(instance.treatments.parent >= 0).tolist()
    treatments = instance.treatments.names
    return {
        (d, h): name if h < 0 else f"{name}, {treatments[h]}"
        for d, name in enumerate(instance.devices.names)
        for h in (-1, *fractions)
    }


def _build_lot_table(replan: Replan) -> ReportTable:
    """Return the table of lots with weights, charges and settlement."""
    actuals, lots = replan.actuals, replan.actuals.lots
    periods = (*actuals.instance.periods, f"after {actuals.instance.periods[-1]}")
    rows = []
    for n in _select_lots(replan):
        name = lots.names[n]
        route_names = (None, None) if lots.waits[n] else _name_route(replan, int(lots.route[n]))
        settled = periods[lots.settled[n]] if lots.settled[n] >= 0 else None
        stream, sent = actuals.instance.streams.names[lots.stream[n]], periods[lots.period[n]]
        masses = (float(lots.feed_t[n]), float(lots.devices_t[n]))
        charged = (float(actuals.expected_charges[n]), drop_infinite(float(lots.charges[n])))
        rows.append((name, stream, *route_names, sent, *masses, *charged, settled))
    currency, every = actuals.instance.currency, len(lots.names) <= MAX_LOTS_LISTED
    once = every and not lots.find_branches(actuals.routes).any()  # lots of fractions are of devices treated before
    columns = (
        ReportColumn("lot", "Lot"),
        ReportColumn("stream", "Stream"),
        ReportColumn("treatment", "Treatment"),
        ReportColumn("smelter", "Smelter"),
        ReportColumn("period", "Sent"),
        ReportColumn("feed_t", "Dry feed", "t", 2, total=every),
        ReportColumn("devices_t", "Devices", "t", 2, total=once),
        ReportColumn("expected_charges", "Charges by terms", currency, 0, total=every),
        ReportColumn("charges", "Charges", currency, 0, total=every),
        ReportColumn("settled", "Settled"),
    )
    text = "Lots of the settlement sheet; without a treatment: in a stockpile."
    some = f"The {MAX_LOTS_LISTED} of {len(lots.names):,} lots with the largest deviations; the sheet has all of them."
    return ReportTable("actual_lots", "Lots", text, columns, tuple(rows), () if every else (some,))


def _select_lots(replan: Replan) -> list[int]:
    """Return all lots, or of very many those whose metal deviates most, relative to the total of the metal."""
    actuals = replan.actuals
    count = len(actuals.lots.names)
    if count <= MAX_LOTS_LISTED:
        return list(range(count))
    all_ = actuals.expected_metal.sum(axis=0)
    off = np.abs(actuals.lot_returns - actuals.expected_metal) / np.where(all_ > 0, all_, np.inf)
    return np.sort(np.argsort(-off.sum(axis=1), kind="stable")[:MAX_LOTS_LISTED]).tolist()


def _name_route(replan: Replan, route: int) -> tuple[str, str | None]:
    """Return treatment and smelter of a route."""
    instance, routes = replan.actuals.instance, replan.actuals.routes
    smelter = int(routes.smelter[route])
    name = instance.smelters.names[smelter] if smelter >= 0 else None
    return instance.treatments.names[routes.treatment[route]], name


def _build_in_transit_table(replan: Replan) -> ReportTable:
    """Return metal in transit by the period of its arrival."""
    actuals, left = replan.actuals, replan.problem.remaining_instance
    rows = tuple(
        (left.periods[t], actuals.instance.metals.titles[metal], float(actuals.metal_in_transit[metal, t]))
        for t in range(len(left.periods))
        for metal in replan.metals
        if actuals.metal_in_transit[metal, t] > 0
    )
    columns = (
        ReportColumn("period", _name_period(replan).capitalize()),
        ReportColumn("metal", "Metal"),
        ReportColumn("awaited_kg", "Arrives", "kg", 2),
    )
    notes = []
    if actuals.metal_by_arrival[:, -1].sum() > 0:
        notes.append("Metal that arrives after the last period is excluded.")
    notes.append("From payable metal where known, else from assay and terms, else from the parameters of the instance.")
    text = "Metal of unsettled lots, of contracted shipments, and of process scrap of past casts."
    return ReportTable("on_its_way", "Metal in transit", text, columns, rows, tuple(notes))


def _build_contract_table(replan: Replan) -> ReportTable:
    """Return contracted shipments of later periods."""
    actuals = replan.actuals
    sent = actuals.executed_account.decisions.sent
    rows = []
    for route, t in np.argwhere(sent > 0).tolist():
        stream = actuals.instance.streams.names[actuals.routes.stream[route]]
        rows.append((actuals.instance.periods[t], stream, *_name_route(replan, route), float(sent[route, t])))
    columns = (
        ReportColumn("period", _name_period(replan).capitalize()),
        ReportColumn("stream", "Stream"),
        ReportColumn("treatment", "Treatment"),
        ReportColumn("smelter", "Smelter"),
        ReportColumn("signed_t", "Contracted", "t", 1, total=not actuals.routes.branches.size),
    )
    text = "Contracted shipments: fixed, subtracted from supply and capacity; their metal is in transit."
    return ReportTable("signed", "Contracted shipments", text, columns, tuple(sorted(rows)))


def _build_metal_charts(replan: Replan) -> tuple[Chart, ...]:
    """Return a chart of cumulative returns for each metal that the medals need."""
    before = None if replan.before is None else replan.before.account.composition.sum(axis=(0, 2))
    needed = replan.plan.account.composition.sum(axis=(0, 2))
    if before is not None:
        needed = needed + before
    return tuple(_build_metal_chart(replan, metal) for metal in replan.metals if needed[metal] > 0)


def _build_metal_chart(replan: Replan, metal: int) -> Chart:
    """Return the chart of one metal."""
    actuals, last = replan.actuals, replan.actuals.last
    now = replan.returned_now[metal]
    came: Floats = now[: last + 1]
    series = []
    if replan.returned_before is not None:
        first = [(t, float(kg)) for t, kg in enumerate(replan.returned_before[metal])]
        style = {"width": 2, "type": "dotted"}
        series.append(
            build_line_series("first plan", first, symbol="none", lineStyle=style, itemStyle={"color": COLOURS[6]})
        )
    actual = [(t, float(kg)) for t, kg in enumerate(came)]
    series.append(build_line_series("actual", actual, itemStyle={"color": COLOURS[0]}))
    planned = [(t, float(now[t])) for t in range(last, len(now))]
    style = {"width": 2.5, "type": "dashed"}
    series.append(
        build_line_series("this plan", planned, symbol="none", lineStyle=style, itemStyle={"color": COLOURS[1]})
    )
    up = ChartAxis("returned", "kg", minimum=0)
    option = build_plot_option(ChartAxis("", names=actuals.instance.periods), up, series)
    return Chart(_title_metal_chart(replan, metal), option, (_build_chart_table(replan, metal),))


def _title_metal_chart(replan: Replan, metal: int) -> str:
    """Return the title: kilograms returned so far and their share of the first plan."""
    last, title = replan.actuals.last, escape_text(replan.actuals.instance.metals.titles[metal], 40).capitalize()
    actual, after = float(replan.returned_now[metal, last]), replan.problem.last_period
    line_ = f"{title}: {format_mass(actual)} returned by {after}"
    if replan.returned_before is None:
        return line_
    planned = float(replan.returned_before[metal, last])
    comparison = (
        f"{format_share(actual, planned)} of the {format_mass(planned)} planned" if planned else "none was planned"
    )
    return f"{line_}, {comparison}"


def _build_chart_table(replan: Replan, metal: int) -> ReportTable:
    """Return the data of the chart as a table."""
    actuals, before, now = replan.actuals, replan.returned_before, replan.returned_now[metal].tolist()
    first = [None] * len(now) if before is None else before[metal].tolist()
    columns = (
        ReportColumn("period", "period"),
        ReportColumn("first_plan_kg", "first plan", "kg", 1),
        ReportColumn("actual_kg", "actual", "kg", 1),
        ReportColumn("this_plan_kg", "this plan", "kg", 1),
    )
    rows = tuple(
        (period, planned, kg if t <= actuals.last else None, kg if t > actuals.last else None)
        for t, (period, planned, kg) in enumerate(zip(actuals.instance.periods, first, now, strict=True))
    )
    title = f"{actuals.instance.metals.titles[metal].capitalize()} returned"
    return ReportTable(f"back_{actuals.instance.metals.names[metal]}", title, "Metal returned so far.", columns, rows)


_ORDER_TABLES = ("orders", "award")  # tables of orders, by party


def add_actuals(report: Report, replan: Replan) -> Report:
    """Return the sourcing plan of the remaining horizon with plan against actuals in front.

    Args:
        report: Sourcing plan of the remaining horizon.
        replan: New plan with the executed periods.
    """
    report = remove_settled_parties(report, replan.problem.settled_parties)
    title, actuals = replan.actuals.instance.title or replan.actuals.instance.name, _build_actuals_tables(replan)
    return replace(
        report,
        title=f"{title}, replanned after {replan.problem.last_period}",
        headline=(*_summarize_actuals(replan), *report.headline),
        tables=(*actuals, *report.tables),
        printed=select_print_tables((*actuals, *report.tables)),
        screen=(*(replace(table, most=MOST_SCREEN_ROWS) for table in actuals), *select_screen_tables(report.tables)),
        charts=(*_build_metal_charts(replan), *report.charts),
    )


def remove_settled_parties(report: Report, settled: frozenset[str]) -> Report:
    """Return the report without orders to, and awards of, placeholder parties of metal in transit and in stock.

    Returns:
        The report without these documents and rows.
    """
    open_documents = tuple(
        document for document in report.documents if settled.isdisjoint(value for _, value in document.party)
    )
    result, summary = [], report.summary
    for table in report.tables:
        absent = settled if table.key in _ORDER_TABLES else settled & {IN_TRANSIT} if table.key == "papers" else set()
        rows = tuple(row for row in table.rows if absent.isdisjoint(row))
        result += [replace(table, rows=rows)] if rows else []
    orders = next((table for table in result if table.key == "orders"), None)
    if summary is not None and orders is not None:
        summary = replace(summary, orders=select_due_orders(orders))
        result = [summary.orders if table.key == summary.orders.key else table for table in result]
    return replace(
        report,
        documents=open_documents,
        tables=tuple(result),
        screen=select_screen_tables(result),
        printed=select_print_tables(result),
        summary=summary,
    )


def _summarize_actuals(replan: Replan) -> tuple[str, ...]:
    """Return the sentences on executed, contracted and planned quantities and on total cost."""
    return (
        *_describe_total_cost(replan),
        *_describe_devices(replan),
        *_describe_metals(replan),
        *_describe_warnings(replan),
    )


def _describe_devices(replan: Replan) -> tuple[str, ...]:
    """Return the tonnes sent so far against plan, and the tonnes under contract."""
    actuals, until = replan.actuals, slice(None, replan.actuals.last + 1)
    actual = float(actuals.sent_devices.sum())
    line = f"Devices sent by {replan.problem.last_period}: {format_tonnes(actual)}"
    if replan.before is not None:
        line += f" of {format_tonnes(float(replan.before.account.treated_devices[:, until].sum()))} planned"
    signed = float(actuals.executed_account.treated_devices.sum())
    more = f"; {format_tonnes(signed)} more are contracted" if signed else ""
    return (f"{line}{more}.",)


def _describe_metals(replan: Replan) -> tuple[str, ...]:
    """Return for each metal still needed the kilograms returned against plan, in transit and still to be charged."""
    actuals, last = replan.actuals, replan.actuals.last
    needed = replan.plan.account.composition.sum(axis=(0, 2))
    lines = []
    for metal in replan.metals:
        if needed[metal] <= 0:
            continue
        line = (
            f"{actuals.instance.metals.titles[metal].capitalize()}: "
            f"{format_mass(float(replan.returned_now[metal, last]))} returned"
        )
        if replan.returned_before is not None:
            line += f" of {format_mass(float(replan.returned_before[metal, last]))} planned"
        awaited, taken = float(actuals.metal_in_transit[metal].sum()), float(needed[metal])
        on_way = f", {format_mass(awaited)} in transit" if awaited else ""
        lines.append(f"{line}{on_way}; remaining need {format_mass(taken)}.")
    return tuple(lines)


def _describe_total_cost(replan: Replan) -> tuple[str, ...]:
    """Return the expected total cost and its difference to the first plan."""
    currency = replan.actuals.instance.currency
    missed = replan.penalty_to_date
    penalties = f"{format_money(missed)} penalties of medals not made, " if missed else ""
    parts = (
        f"{format_money(replan.cost_to_date)} spent, {format_money(replan.actuals.signed_cost)} contracted, "
        f"{penalties}{format_money(replan.plan.cost)} remaining"
    )
    line = f"Expected total cost: {format_money(replan.total_cost, currency)} ({parts})"
    if replan.before is None:
        return (f"{line}.",)
    more = replan.total_cost - replan.before.cost
    difference = f"{format_money(abs(more), currency)} ({format_share(abs(more), abs(replan.before.cost))})"
    return (f"{line}, {difference} {'more' if more > 0 else 'less'} than the first plan.",)


def _describe_warnings(replan: Replan) -> tuple[str, ...]:
    """Return overdue alloys, missed shares, and metal that arrives after the horizon."""
    lines = []
    if replan.problem.overdue_medals:
        lines.append(f"Overdue, treated as due at once: the alloy of {join_names(replan.problem.overdue_medals)}.")
    for requirement in replan.missed_requirements:
        required, actual = format_share(requirement.required_share, 1), format_share(requirement.actual_share, 1)
        lines.append(
            f"Violated over the horizon: {escape_text(requirement.path, 200)} requires {required}; actual {actual}."
        )
    left = replan.problem.remaining_instance
    line = f"Below: plan of the remaining horizon, from {left.periods[0]}"
    if get_in_transit_streams(left):
        line += "; 'in transit' there denotes metal already ordered: no order, no further cost"
    lines.append(f"{line}.")
    if np.any(replan.actuals.metal_by_arrival[:, -1] > 0):
        lines.append("Metal that arrives after the last period is excluded.")
    return tuple(lines)
