"""Sourcing plan of the remaining horizon, preceded by plan against actuals: metal, devices, cost, yield, contracts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medalopt.analysis.replanning.in_transit import get_in_transit_streams
from medalopt.analysis.replanning.replan import Replan
from medalopt.instance.arrays import Floats
from medalopt.report.charts.chart import COLOURS, Chart, ChartAxis, build_line_series, build_plot_option
from medalopt.report.document import CellValue, Report, ReportColumn, ReportTable, get_cell_value
from medalopt.report.numbers import format_mass, format_money, format_share, format_tonnes
from medalopt.report.solve_tables import get_period_word
from medalopt.report.sourcing.plan_report import MOST_SCREEN_ROWS, select_screen_tables
from medalopt.report.text_table import TextColumn, TextTable, make_text_table
from medalopt.text import escape_text, join_names

MAX_LOTS_LISTED = 100  # lots listed individually
_COST_TITLES = {
    "supply": "paid to suppliers",
    "collection": "collection",
    "treating": "treatment before the smelter",
    "transport": "transport to the smelter",
    "residue": "residues, what they cost or earn",
    "charges": "charges of smelters",
}
_PLANNED_KINDS = {
    "supply": ("supply",),
    "collection": ("collection",),
    "treating": ("treatment",),
    "transport": ("transport",),
    "residue": ("residue",),
    "charges": ("smelting", "refining"),
}


def _build_actuals_tables(found: Replan) -> tuple[ReportTable, ...]:
    """Return the tables that have rows, the metal balance first.

    Args:
        found: New plan with the executed periods.

    Returns:
        The tables.
    """
    made = (
        _build_metal_table(found),
        _build_device_table(found),
        _build_cost_table(found),
        _build_yield_table(found),
        _build_lot_table(found),
        _build_in_transit_table(found),
        _build_contract_table(found),
    )
    return tuple(table for table in made if table.rows)


def _slice_past(found: Replan) -> slice:
    """Return the slice of the executed periods."""
    return slice(None, found.past.last + 1)


def _name_period(found: Replan) -> str:
    """Return the word for a period."""
    return get_period_word(found.past.instance)


def _build_metal_table(found: Replan) -> ReportTable:
    """Return metal returned so far, planned and actual, metal in transit, and the total at the end of the horizon."""
    past, last = found.past, found.past.last
    before = found.returned_before
    awaited = past.metal_in_transit.sum(axis=1)
    rows = []
    for metal in found.metals:
        planned = None if before is None else float(before[metal, last])
        actual = float(found.returned_now[metal, last])
        rows.append(
            (
                past.instance.metals.titles[metal],
                planned,
                actual,
                _divide_or_none(actual, planned),
                float(awaited[metal]),
                float(past.stock[metal]),
                None if before is None else float(before[metal, -1]),
                float(found.returned_now[metal, -1]),
            )
        )
    after = found.question.after
    columns = (
        ReportColumn("metal", "Metal"),
        ReportColumn("planned_kg", f"Planned by {after}", "kg", 1),
        ReportColumn("actual_kg", "Actual", "kg", 1),
        ReportColumn("of_plan", "Of plan", "%", 1),
        ReportColumn("awaited_kg", "On its way", "kg", 1),
        ReportColumn("stock_kg", "On the account", "kg", 1),
        ReportColumn("first_plan_kg", "At the end, first plan", "kg", 1),
        ReportColumn("new_plan_kg", "At the end, this plan", "kg", 1),
    )
    says = f"Metal that had come back by the end of {after}, by plan and by the settlement sheets, and what is to come."
    return ReportTable("actual_metal", "Metal: plan against actual", says, columns, tuple(rows))


def _divide_or_none(part: float, whole: float | None) -> float | None:
    """Return the ratio, None without a denominator."""
    return part / whole if whole else None


def _build_device_table(found: Replan) -> ReportTable:
    """Return devices sent in each period, planned and actual."""
    past = found.past
    actual = past.sent.sum(axis=0)[_slice_past(found)]
    planned = None if found.before is None else found.before.account.decisions.sent.sum(axis=0)[_slice_past(found)]
    rows = tuple(
        (
            past.instance.periods[t],
            None if planned is None else float(planned[t]),
            float(actual[t]),
            None if planned is None else float(actual[t] - planned[t]),
        )
        for t in range(past.last + 1)
    )
    columns = (
        ReportColumn("period", _name_period(found).capitalize()),
        ReportColumn("planned_t", "Planned", "t", 1, total=True),
        ReportColumn("actual_t", "Actual", "t", 1, total=True),
        ReportColumn("more_t", "More (less: −)", "t", 1, total=True),
    )
    notes = (f"{past.waiting.sum():,.1f} t more wait in stockpiles.",) if past.waiting.any() else ()
    says = "Devices sent, dry tonnes, worked back from the feed by the share that a treatment sends on."
    return ReportTable("actual_devices", "Devices: plan against actual", says, columns, rows, notes)


def _build_cost_table(found: Replan) -> ReportTable:
    """Return the cost of executed lots by kind, of contracts, and of the remaining plan."""
    past, before = found.past, found.before
    rows: list[tuple[CellValue, ...]] = []
    for kind, spent in past.spent.items():
        planned = None
        if before is not None:
            planned = float(sum(before.account.costs[own][_slice_past(found)].sum() for own in _PLANNED_KINDS[kind]))
        if spent or planned:
            rows.append((_COST_TITLES[kind], planned, spent))
    so_far = None if before is None else sum(float(get_cell_value(row[1]) or 0.0) for row in rows)
    left = None if before is None or so_far is None else before.cost - so_far
    rows.append(("signed, and bought for melts so far", None, past.signed_cost))
    rows.append(("what is left to plan", left, found.plan.cost))
    columns = (
        ReportColumn("kind", "Kind"),
        ReportColumn("first_plan", "First plan", past.instance.currency, 0, total=True),
        ReportColumn("now", "Now", past.instance.currency, 0, total=True),
    )
    says = (
        f"What the lots up to {found.question.after} have cost, beside the first plan for those periods; what is "
        "signed; and the rest, which for the first plan holds all it has after them."
    )
    notes = ("Charges of lots that are not settled are those of the terms; all other costs are those of the instance.",)
    return ReportTable("actual_cost", "Cost: first plan and now", says, columns, tuple(rows), notes)


def _build_yield_table(found: Replan) -> ReportTable:
    """Return metal payable of settled lots against the expectation from the instance, by device."""
    past, lots = found.past, found.past.lots
    instance = past.instance
    told = np.isfinite(lots.payable).any(axis=1) & ~lots.waits
    device = instance.streams.device[lots.stream]
    rows = []
    for d, name in enumerate(instance.devices.names):
        own = told & (device == d)
        for metal in found.metals if own.any() else ():
            expected, payable = float(past.expected[own, metal].sum()), float(lots.payable[own, metal].sum())
            if payable or (expected and lots.payable[told, metal].any()):
                share, tonnes = _divide_or_none(payable, expected), float(lots.devices_t[own].sum())
                rows.append((name, instance.metals.titles[metal], int(own.sum()), tonnes, expected, payable, share))
    columns = (
        ReportColumn("device", "Device"),
        ReportColumn("metal", "Metal"),
        ReportColumn("lots", "Lots", "", 0),
        ReportColumn("devices_t", "Devices", "t", 1),
        ReportColumn("expected_kg", "Expected", "kg", 2),
        ReportColumn("payable_kg", "Payable", "kg", 2),
        ReportColumn("of_expected", "Of expected", "%", 1),
    )
    says = "What smelters return of the lots they have settled, beside what the figures of the instance make of them."
    notes = ("A share far from 100 % says that an assay, a recovery or a return of the instance should be changed.",)
    return ReportTable("actual_yield", "Settled lots: expected against payable", says, columns, tuple(rows), notes)


def _build_lot_table(found: Replan) -> ReportTable:
    """Return the table of lots with weights, charges and settlement."""
    past, lots = found.past, found.past.lots
    periods = (*past.instance.periods, f"after {past.instance.periods[-1]}")
    rows = []
    for n in _select_lots(found):
        name = lots.names[n]
        way = (None, None) if lots.waits[n] else _name_route(found, int(lots.route[n]))
        settled = periods[lots.settled[n]] if lots.settled[n] >= 0 else None
        stream, sent = past.instance.streams.names[lots.stream[n]], periods[lots.period[n]]
        figures = (float(lots.feed_t[n]), float(lots.devices_t[n]))
        charged = (float(past.expected_charges[n]), _null_if_nan(lots.charges[n]))
        rows.append((name, stream, *way, sent, *figures, *charged, settled))
    currency, every = past.instance.currency, len(lots.names) <= MAX_LOTS_LISTED
    columns = (
        ReportColumn("lot", "Lot"),
        ReportColumn("stream", "Stream"),
        ReportColumn("treatment", "Treatment"),
        ReportColumn("smelter", "Smelter"),
        ReportColumn("period", "Sent"),
        ReportColumn("feed_t", "Dry feed", "t", 2, total=every),
        ReportColumn("devices_t", "Devices", "t", 2, total=every),
        ReportColumn("expected_charges", "Charges by the terms", currency, 0, total=every),
        ReportColumn("charges", "Charges", currency, 0, total=every),
        ReportColumn("settled", "Settled"),
    )
    says = "The lots of the settlement sheet; without a treatment: waits in a stockpile."
    some = f"Those {MAX_LOTS_LISTED} of {len(lots.names):,} lots that return least as expected; all stand in the sheet."
    return ReportTable("actual_lots", "Lots", says, columns, tuple(rows), () if every else (some,))


def _select_lots(found: Replan) -> list[int]:
    """Return all lots, or of very many those whose metal deviates most, relative to the total of the metal."""
    past = found.past
    count = len(past.lots.names)
    if count <= MAX_LOTS_LISTED:
        return list(range(count))
    all_ = past.expected.sum(axis=0)
    off = np.abs(past.lot_returns - past.expected) / np.where(all_ > 0, all_, np.inf)
    return np.sort(np.argsort(-off.sum(axis=1), kind="stable")[:MAX_LOTS_LISTED]).tolist()


def _null_if_nan(value: Floats) -> float | None:
    """Return a number, None where it is not finite."""
    return float(value) if np.isfinite(value) else None


def _name_route(found: Replan, route: int) -> tuple[str, str | None]:
    """Return treatment and smelter of a route."""
    instance, ways = found.past.instance, found.past.found
    smelter = int(ways.smelter[route])
    return instance.treatments.names[ways.treatment[route]], instance.smelters.names[smelter] if smelter >= 0 else None


def _build_in_transit_table(found: Replan) -> ReportTable:
    """Return metal in transit by the period of its arrival."""
    past, left = found.past, found.question.left
    rows = tuple(
        (left.periods[t], past.instance.metals.titles[metal], float(past.metal_in_transit[metal, t]))
        for t in range(len(left.periods))
        for metal in found.metals
        if past.metal_in_transit[metal, t] > 0
    )
    columns = (
        ReportColumn("period", _name_period(found).capitalize()),
        ReportColumn("metal", "Metal"),
        ReportColumn("awaited_kg", "Comes", "kg", 2),
    )
    notes = []
    if past.back[:, -1].sum() > 0:
        notes.append("Metal that comes after the last period is left out.")
    notes.append("By payable metal where it is known, else by assay and terms, else by the figures of the instance.")
    says = (
        "Metal of lots that are not settled or settle later, of signed shipments, and of process scrap of past casts."
    )
    return ReportTable("on_its_way", "Metal on its way", says, columns, rows, tuple(notes))


def _build_contract_table(found: Replan) -> ReportTable:
    """Return contracted shipments of later periods."""
    past = found.past
    sent = past.executed_account.decisions.sent
    rows = []
    for route, t in np.argwhere(sent > 0).tolist():
        stream = past.instance.streams.names[past.found.stream[route]]
        rows.append((past.instance.periods[t], stream, *_name_route(found, route), float(sent[route, t])))
    columns = (
        ReportColumn("period", _name_period(found).capitalize()),
        ReportColumn("stream", "Stream"),
        ReportColumn("treatment", "Treatment"),
        ReportColumn("smelter", "Smelter"),
        ReportColumn("signed_t", "Signed", "t", 1, total=True),
    )
    says = (
        "Shipments that stay as they are signed: they are taken out of supply and capacity, and their metal is awaited."
    )
    return ReportTable("signed", "Signed shipments", says, columns, tuple(sorted(rows)))


def _build_metal_charts(found: Replan) -> tuple[Chart, ...]:
    """Return a chart of cumulative returns for each metal that the medals need.

    Args:
        found: New plan with the executed periods.

    Returns:
        The charts over the whole horizon.
    """
    before = None if found.before is None else found.before.account.composition.sum(axis=(0, 2))
    needed = found.plan.account.composition.sum(axis=(0, 2))
    if before is not None:
        needed = needed + before
    return tuple(_build_metal_chart(found, metal) for metal in found.metals if needed[metal] > 0)


def _build_metal_chart(found: Replan, metal: int) -> Chart:
    """Return the chart of one metal."""
    past, last = found.past, found.past.last
    now = found.returned_now[metal]
    came: Floats = now[: last + 1]
    series = []
    if found.returned_before is not None:
        first = [(t, float(kg)) for t, kg in enumerate(found.returned_before[metal])]
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
    up = ChartAxis("back so far", "kg", least=0)
    option = build_plot_option(ChartAxis("", names=past.instance.periods), up, series)
    return Chart(_title_metal_chart(found, metal), option, (_build_chart_table(found, metal),))


def _title_metal_chart(found: Replan, metal: int) -> str:
    """Return the title: kilograms returned so far and their share of the first plan."""
    last, title = found.past.last, escape_text(found.past.instance.metals.titles[metal], 40).capitalize()
    actual, after = float(found.returned_now[metal, last]), found.question.after
    line_ = f"{title}: {format_mass(actual)} back by {after}"
    if found.returned_before is None:
        return line_
    planned = float(found.returned_before[metal, last])
    beside = f"{format_share(actual, planned)} of the {format_mass(planned)} planned" if planned else "none was planned"
    return f"{line_}, {beside}"


def _build_chart_table(found: Replan, metal: int) -> TextTable:
    """Return the data of the chart as a table."""
    past, before = found.past, found.returned_before
    now = found.returned_now[metal]
    first = ["" for _ in now] if before is None else [f"{kg:,.1f}" for kg in before[metal]]
    columns = [
        (TextColumn("period", right=False), list(past.instance.periods)),
        (TextColumn("first plan, kg"), first),
        (TextColumn("actual, kg"), [f"{kg:,.1f}" if t <= past.last else "" for t, kg in enumerate(now)]),
        (TextColumn("this plan, kg"), [f"{kg:,.1f}" if t > past.last else "" for t, kg in enumerate(now)]),
    ]
    return make_text_table(f"{past.instance.metals.titles[metal].capitalize()} back so far", columns, always=9)


_ORDER_TABLES = ("orders", "award")  # tables of orders, by party


def add_actuals(content: Report, found: Replan) -> Report:
    """Return the sourcing plan of the remaining horizon with plan against actuals in front.

    Args:
        content: Sourcing plan of the remaining horizon.
        found: New plan with the executed periods.

    Returns:
        The combined report.
    """
    content = remove_settled_parties(content, found.question.settled_parties)
    title, actuals = found.past.instance.title or found.past.instance.name, _build_actuals_tables(found)
    return replace(
        content,
        title=f"{title}, planned anew after {found.question.after}",
        headline=(*summarize_actuals(found), *content.headline),
        tables=(*actuals, *content.tables),
        screen=(*(replace(table, most=MOST_SCREEN_ROWS) for table in actuals), *select_screen_tables(content.tables)),
        charts=(*_build_metal_charts(found), *content.charts),
    )


def remove_settled_parties(content: Report, settled: frozenset[str]) -> Report:
    """Return the report without orders to, and awards of, placeholder parties of metal in transit and in stock.

    Args:
        content: Sourcing plan.
        settled: Names of the placeholder regions and smelters.

    Returns:
        The report without these documents and rows.
    """
    kept = tuple(one for one in content.documents if settled.isdisjoint(value for _, value in one.party))
    made = []
    for table in content.tables:
        rows = tuple(row for row in table.rows if table.key not in _ORDER_TABLES or settled.isdisjoint(row))
        made += [replace(table, rows=rows)] if rows else []
    return replace(content, documents=kept, tables=tuple(made), screen=select_screen_tables(made))


def summarize_actuals(found: Replan) -> tuple[str, ...]:
    """Return the sentences on executed, contracted and planned quantities and on total cost.

    Args:
        found: New plan with the executed periods.

    Returns:
        The sentences.
    """
    return (
        *_describe_devices(found),
        *_describe_metals(found),
        *_describe_total_cost(found),
        *_describe_warnings(found),
    )


def _describe_devices(found: Replan) -> tuple[str, ...]:
    """Return the tonnes sent so far against plan, and the tonnes under contract."""
    past, until = found.past, slice(None, found.past.last + 1)
    actual = float(past.sent.sum())
    line = f"By the end of {found.question.after} {format_tonnes(actual)} of devices had been sent"
    if found.before is not None:
        line += f", {format_tonnes(float(found.before.account.decisions.sent[:, until].sum()))} were planned"
    signed = float(past.executed_account.decisions.sent.sum())
    more = f"; {format_tonnes(signed)} more are signed and stay" if signed else ""
    return (f"{line}{more}.",)


def _describe_metals(found: Replan) -> tuple[str, ...]:
    """Return for each metal still needed the kilograms returned against plan, in transit and still to be charged."""
    past, last = found.past, found.past.last
    needed = found.plan.account.composition.sum(axis=(0, 2))
    lines = []
    for metal in found.metals:
        if needed[metal] <= 0:
            continue
        line = (
            f"{past.instance.metals.titles[metal].capitalize()}: "
            f"{format_mass(float(found.returned_now[metal, last]))} back"
        )
        if found.returned_before is not None:
            line += f" of {format_mass(float(found.returned_before[metal, last]))} planned"
        awaited, taken = float(past.metal_in_transit[metal].sum()), float(needed[metal])
        on_way = f", {format_mass(awaited)} on its way" if awaited else ""
        lines.append(f"{line}{on_way}; the melts to come take {format_mass(taken)}.")
    return tuple(lines)


def _describe_total_cost(found: Replan) -> tuple[str, ...]:
    """Return the expected total cost and its difference to the first plan."""
    currency = found.past.instance.currency
    parts = (
        f"{format_money(found.spent)} spent, {format_money(found.past.signed_cost)} signed, "
        f"{format_money(found.plan.cost)} to come"
    )
    line = f"In all it is now taken to cost {format_money(found.total, currency)} ({parts})"
    if found.before is None:
        return (f"{line}.",)
    more = found.total - found.before.cost
    beside = f"{format_money(abs(more), currency)} ({format_share(abs(more), abs(found.before.cost))})"
    return (f"{line}, {beside} {'more' if more > 0 else 'less'} than the first plan.",)


def _describe_warnings(found: Replan) -> tuple[str, ...]:
    """Return overdue alloys, missed shares, and metal that arrives after the horizon."""
    said = []
    if found.question.overdue:
        said.append(f"Overdue, and taken to be due at once: the alloy of {join_names(found.question.overdue)}.")
    for one in found.missed:
        asked, comes = format_share(one.asked, 1), format_share(one.comes, 1)
        said.append(
            f"Missed over the whole horizon: {escape_text(one.path, 200)} asks for {asked}, and {comes} comes of it."
        )
    left = found.question.left
    line = f"What follows is the plan of what is left, from {left.periods[0]} on"
    if get_in_transit_streams(left):
        line += "; `on its way` stands there for metal that is awaited: it is not ordered, and costs nothing more"
    said.append(f"{line}.")
    if np.any(found.past.back[:, -1] > 0):
        said.append("Some metal comes only after the last period, and is left out.")
    return tuple(said)
