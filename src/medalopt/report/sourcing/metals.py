"""Metal account by metal and period, and melt cards, fineness, plating requisition and scrap account for the mint."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from medalopt.analysis.sourcing.metals import (
    MetalAccount,
    compute_fineness,
    compute_scrap_account,
    count_strikable_medals,
    find_plating_alloys,
)
from medalopt.analysis.sourcing.plan_analyses import PlanFacts
from medalopt.instance.arrays import Floats
from medalopt.plan.plan import Plan
from medalopt.report.document import CellValue, ReportColumn, ReportTable, TableRows, get_cell_number, get_cell_value
from medalopt.report.numbers import count_exact_decimals, count_share_decimals
from medalopt.report.solve_tables import get_period_word
from medalopt.tolerances import AMOUNT_TOLERANCE

SPREAD_DEVIATIONS = 2  # standard deviations
_ACCOUNT_DESCRIPTION = (
    "Metal account by metal and period: opening stock + returned + bought − charged − surplus = closing stock."
)
_ACCOUNT_NOTES = (
    "Lower and upper bound: two standard deviations around the planned value, from the cv of devices, treatments and "
    "smelters; relative variances of assay, recovery and return add up.",
    "Independent: each lot (one stream by one route in one {period}) deviates independently. Fully correlated: all "
    "lots of a device, a treatment or a smelter deviate alike, as when the parameter itself is wrong. "
    "Actual returns lie between.",
    "Correlation between the metals of a device does not change these ranges; it makes shortfalls coincide.",
)


def tabulate_metal_account(facts: PlanFacts) -> tuple[ReportTable, ...]:
    """Tabulate the metal account.

    Args:
        facts: Facts of the plan to report.

    Returns:
        The table `metal_account` [kg], a row for each metal and period.
    """
    instance, account = facts.plan.instance, facts.metal_account
    listed, word = np.flatnonzero(account.has_movement).tolist(), get_period_word(instance)
    places = choose_decimals(account.at_hand[listed, -1])
    flows = _list_flows(account)
    columns = (
        ReportColumn("metal", "Metal"),
        ReportColumn("period", word.capitalize()),
        *(ReportColumn(key, title, "kg", places) for key, title, _ in flows),
    )
    rows: TableRows = tuple(
        (instance.metals.titles[metal], name, *(float(amount[metal, period]) for _, _, amount in flows))
        for metal in listed
        for period, name in enumerate(instance.periods)
    )
    notes = tuple(note.format(period=word) for note in _ACCOUNT_NOTES) if account.uncertainty else ()
    return (ReportTable("metal_account", "Metal account", _ACCOUNT_DESCRIPTION, columns, rows, notes),)


def _list_flows(account: MetalAccount) -> list[tuple[str, str, Floats]]:
    """Return key and title of each column of the metal account, and its amounts, (E, T) kg."""
    bounds: list[tuple[str, str, Floats]] = []
    if account.uncertainty:
        for key, title, deviation in (
            ("", "lots independent", account.uncertainty.independent),
            ("_alike", "lots fully correlated", account.uncertainty.correlated),
        ):
            spread = SPREAD_DEVIATIONS * deviation
            bounds.append((f"returned_low{key}_kg", f"Lower bound, {title}", np.maximum(0, account.returned - spread)))
            bounds.append((f"returned_high{key}_kg", f"Upper bound, {title}", account.returned + spread))
    return [
        ("opening_kg", "Opening stock", account.opening),
        ("returned_kg", "Returned", account.returned),
        *bounds,
        ("bought_kg", "Bought", account.bought),
        ("charged_kg", "Charged", account.charged),
        ("left_kg", "Surplus", account.surplus),
        ("closing_kg", "Closing stock", account.closing),
    ]


def choose_decimals(kilograms: Iterable[float]) -> int:
    """Choose the decimal places of a column of masses: four significant digits of the smallest, to the gram at most.

    Args:
        kilograms: Masses [kg].

    Returns:
        0 to 3.
    """
    sizes = [size for size in map(float, kilograms) if size > 0]
    return max(0, min(3, 3 - int(np.floor(np.log10(min(sizes)))))) if sizes else 0


PRECIOUS_METALS = frozenset({"Au", "Ag", "Pt", "Pd", "Rh"})  # fineness of these is quoted in parts per thousand
GRAMS_PER_KILOGRAM = 1000  # per kilogram


def tabulate_melting(plan: Plan) -> tuple[ReportTable, ...]:
    """Tabulate the melts of a plan.

    Returns:
        The tables `melt_cards`, `fineness`, `plating` where a medal is plated, `scrap_account` and `medals`.
    """
    return (
        _melt_card_table(plan),
        _fineness_table(plan),
        *_plating_tables(plan),
        _scrap_table(plan),
        _medal_table(plan),
    )


def _list_heats(plan: Plan) -> list[tuple[int, int]]:
    alloy, period = np.nonzero(plan.account.cast > 0)
    return list(zip(alloy.tolist(), period.tolist(), strict=True))


def _heat_decimals(plan: Plan) -> int:
    return choose_decimals([float(plan.account.cast[heat]) for heat in _list_heats(plan)])


_SCRAP_LOOP_NOTE = (
    "Heats of one alloy and period are alike. Process scrap circulates in the mint: it is charged to its own alloy "
    "again, by lot, and what is left is in the scrap account."
)


def _melt_card_table(plan: Plan) -> ReportTable:
    rows = tuple(row for alloy, period in _list_heats(plan) for row in _melt_card_rows(plan, alloy, period))
    heats = [get_cell_number(row[-1]) for row in rows]
    columns = (
        ReportColumn("alloy", "Alloy"),
        ReportColumn("period", get_period_word(plan.instance).capitalize()),
        ReportColumn("charge", "Charge"),
        ReportColumn("origin", "Source"),
        ReportColumn("charge_kg", "Mass", "kg", _heat_decimals(plan)),
        ReportColumn("share", "Share of charge", "%", 2),
        ReportColumn("cast_kg", "Cast", "kg", _heat_decimals(plan)),
        ReportColumn("lots", "Lots"),
        ReportColumn("heats", "Heats", "", optional=True),
        ReportColumn("heat_kg", "Mass in each heat", "kg", choose_decimals(heats), optional=True),
    )
    text = "Charge of each heat: metal from stock, purchases, and process scrap of the same alloy."
    return ReportTable("melt_cards", "Melt cards", text, columns, rows, (_SCRAP_LOOP_NOTE,) if rows else ())


def _melt_card_rows(plan: Plan, alloy: int, period: int) -> list[tuple[CellValue, ...]]:
    instance, decisions = plan.instance, plan.account.decisions
    lines = [
        (title, "stock", float(kg))
        for title, kg in zip(instance.metals.titles, decisions.charged[alloy, :, period], strict=True)
    ]
    lines += [
        (offer, "bought", float(kg))
        for offer, kg in zip(instance.market.names, decisions.bought[:, alloy, period], strict=True)
    ]
    lines.append(("process scrap", "the mint", float(decisions.recharged[alloy, period])))
    whole = sum(kg for _, _, kg in lines)
    cast = float(plan.account.cast[alloy, period])
    head = (instance.alloys.names[alloy], instance.periods[period])
    greatest = instance.annex.get("alloys_heat", {}).get(head[0])
    heats = None if greatest is None else max(1, math.ceil(whole / greatest * (1 - AMOUNT_TOLERANCE)))
    lots = "-".join(head) if heats is None else f"{'-'.join(head)}-1" + (f" to -{heats}" if heats > 1 else "")
    return [
        (*head, what, origin, kg, kg / whole, cast, lots, heats, None if heats is None else kg / heats)
        for what, origin, kg in lines
        if kg > 0
    ]


def _fineness_table(plan: Plan) -> ReportTable:
    shares = compute_fineness(plan.account)
    rows = tuple(
        row
        for alloy, period in _list_heats(plan)
        for row in _fineness_rows(plan, shares[alloy, :, period], alloy, period)
    )
    windows = [100 * float(get_cell_value(row[place]) or 0.0) for row in rows for place in (3, 5)]
    places = count_share_decimals(
        (float(get_cell_value(row[4]) or 0.0) for row in rows), count_exact_decimals(windows, 2)
    )
    columns = (
        ReportColumn("alloy", "Alloy"),
        ReportColumn("period", get_period_word(plan.instance).capitalize()),
        ReportColumn("metal", "Metal"),
        ReportColumn("least_share", "Minimum", "%", places),
        ReportColumn("resulting_share", "Result", "%", places),
        ReportColumn("greatest_share", "Maximum", "%", places),
        ReportColumn("fineness_permille", "Fineness", "‰", places - 1),
    )
    text = "Composition of the heats including process scrap, against the specification of the alloy."
    notes = (
        "Fineness in parts per thousand, for precious metals only.",
        "Metal from stock is assumed pure: assay it before charging.",
    )
    return ReportTable("fineness", "Resulting fineness", text, columns, rows, notes)


def _fineness_rows(plan: Plan, share: Floats, alloy: int, period: int) -> list[tuple[CellValue, ...]]:
    instance, alloys = plan.instance, plan.instance.alloys
    head = (alloys.names[alloy], instance.periods[period])
    rows: list[tuple[CellValue, ...]] = []
    for metal in np.flatnonzero(alloys.named[alloy]).tolist():
        got = float(share[metal])
        low, high = float(alloys.low.value[alloy, metal]), float(alloys.high.value[alloy, metal])
        permille = 1000 * got if instance.metals.names[metal] in PRECIOUS_METALS else None
        rows.append((*head, instance.metals.titles[metal], low, got, high, permille))
    if alloys.admits_others[alloy]:
        rest = max(0.0, 1 - float(share[alloys.named[alloy]].sum()))
        rest = rest if rest > 1e-9 else 0.0  # rounding
        rows.append((*head, "all others", 0.0, rest, float(alloys.others.value[alloy]), None))
    return rows


def _plating_tables(plan: Plan) -> tuple[ReportTable, ...]:
    """Return the metal to draw for plating; no table where no medal is plated."""
    instance, medals = plan.instance, plan.instance.medals
    plated = np.flatnonzero(find_plating_alloys(plan.account)).tolist()
    rows: list[tuple[CellValue, ...]] = []
    for alloy in plated:
        charge = float(plan.account.charge[alloy].sum())
        cast = medals.count - plan.account.missed
        kinds = np.flatnonzero(medals.parts.value[:, alloy] * cast > 0).tolist()
        net = [float(medals.parts.value[m, alloy] * cast[m]) for m in kinds]
        gross = [kg * (1 + float(medals.allowance.value[m])) for m, kg in zip(kinds, net, strict=True)]
        for m, on, owed in zip(kinds, net, gross, strict=True):
            each = GRAMS_PER_KILOGRAM * float(medals.parts.value[m, alloy])
            drawn = charge * owed / sum(gross)
            names = (instance.alloys.names[alloy], medals.names[m], instance.periods[int(medals.due[m])])
            count = float(cast[m])  # whole unless a part of a medal is missed
            rows.append((*names, int(count) if count.is_integer() else count, each, on, owed - on, drawn))
    columns = (
        ReportColumn("alloy", "Plating"),
        ReportColumn("medal", "On medals"),
        ReportColumn("due", "Due by the end of"),
        ReportColumn("medals", "Medals", "", total=True),
        ReportColumn("each_g", "Per medal", "g", 2),
        ReportColumn("on_medals_kg", "On the medals", "kg", 3, total=True),
        ReportColumn("allowance_kg", "Allowance", "kg", 3, total=True),
        ReportColumn("drawn_kg", "Total requisition", "kg", 3, total=True),
    )
    text = "Metal requisition for plating: on the medals, allowance, and metal recirculated as scrap or lost."
    return (ReportTable("plating", "Plating requisition", text, columns, tuple(rows)),) if rows else ()


def _scrap_table(plan: Plan) -> ReportTable:
    instance, scrap = plan.instance, compute_scrap_account(plan.account)
    flows = (
        ("cast_kg", "Cast", scrap.cast),
        ("fallen_kg", "Scrap generated", scrap.fallen),
        ("lost_kg", "Not reusable", scrap.lost),
        ("opening_kg", "Opening stock", scrap.opening),
        ("fit_kg", "Available", scrap.fit),
        ("recharged_kg", "Recharged", scrap.recharged),
        ("closing_kg", "Closing stock", scrap.closing),
        ("waiting_kg", "Not yet available", scrap.waiting),
    )
    shares = instance.alloys.scrap_share.value
    listed = [a for a in range(len(instance.alloys.names)) if shares[a] > 0 and scrap.cast[a].sum() > 0]
    rows: TableRows = tuple(
        (instance.alloys.names[a], period, *(float(part[a, t]) for _, _, part in flows), float(scrap.value[a, t]))
        for a in listed
        for t, period in enumerate(instance.periods)
        if any(part[a, t] > 0 for _, _, part in flows)
    )
    columns = (
        ReportColumn("alloy", "Alloy"),
        ReportColumn("period", get_period_word(instance).capitalize()),
        *(ReportColumn(key, title, "kg", _heat_decimals(plan)) for key, title, _ in flows),
        ReportColumn("value", "Value", instance.currency),
    )
    text = "Process scrap of the mint: generated, recharged, closing stock and its value."
    return ReportTable("scrap_account", "Scrap account of the mint", text, columns, rows)


def _medal_table(plan: Plan) -> ReportTable:
    instance, medals = plan.instance, plan.instance.medals
    result = count_strikable_medals(plan.account)
    rows = tuple(
        (
            kind,
            period,
            int(result[m, t]),
            int(medals.count[m]),
            float(result[m, t] / medals.count[m]) if medals.count[m] else None,
            "due" if t == medals.due[m] else "",
        )
        for m, kind in enumerate(medals.names)
        for t, period in enumerate(instance.periods)
        if t == medals.due[m] or result[m, t] != (result[m, t - 1] if t else 0)
    )
    columns = (
        ReportColumn("medal", "Medal"),
        ReportColumn("period", f"By the end of the {get_period_word(instance)}"),
        ReportColumn("struck", "Can be struck", ""),
        ReportColumn("ordered", "Ordered", ""),
        ReportColumn("share", "Of the order", "%", 1),
        ReportColumn("due", "Due"),
    )
    text = "Medals that can be struck from the metal cast to date, allowance included; earliest due first."
    return ReportTable("medals", "Medals that can be struck", text, columns, rows)
