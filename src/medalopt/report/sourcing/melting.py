"""Melt cards, fineness, plating requisition, scrap account and medals that can be struck, for the mint."""

from __future__ import annotations

import numpy as np

from medalopt.analysis.sourcing.melting import fineness, plating, scrap_account, struck
from medalopt.instance.figures import Floats
from medalopt.plan.plan import Plan
from medalopt.report.numbers import exact_decimals, share_decimals
from medalopt.report.plants import period_word
from medalopt.report.sourcing.content import Cell, Column, Table
from medalopt.report.sourcing.metals import decimals

PRECIOUS = frozenset({"Au", "Ag", "Pt", "Pd", "Rh"})  # fineness of these is quoted in parts per thousand
GRAMS = 1000  # per kilogram


def tables(plan: Plan) -> tuple[Table, ...]:
    """Tabulate the melts of a plan.

    Args:
        plan: Plan to report.

    Returns:
        The tables `melt_cards`, `fineness`, `plating` where a medal is plated, `scrap_account` and `medals`.
    """
    return (_cards(plan), _fineness(plan), *_requisition(plan), _scrap(plan), _medals(plan))


def _heats(plan: Plan) -> list[tuple[int, int]]:
    alloy, period = np.nonzero(plan.account.cast > 0)
    return list(zip(alloy.tolist(), period.tolist(), strict=True))


def _digits(plan: Plan) -> int:
    return decimals([float(plan.account.cast[heat]) for heat in _heats(plan)])


def _cards(plan: Plan) -> Table:
    rows = tuple(row for alloy, period in _heats(plan) for row in _card(plan, alloy, period))
    columns = (
        Column("alloy", "Alloy"),
        Column("period", period_word(plan.instance).capitalize()),
        Column("charge", "Charge"),
        Column("origin", "From"),
        Column("charge_kg", "Weigh in", "kg", _digits(plan)),
        Column("share", "Share of the charge", "%", 2),
        Column("cast_kg", "Cast from the heat", "kg", _digits(plan)),
    )
    says = "What to charge for each heat: metal from stock, offers as bought, and process scrap of the same alloy."
    return Table("melt_cards", "Melt cards", says, columns, rows)


def _card(plan: Plan, alloy: int, period: int) -> list[tuple[Cell, ...]]:
    instance, made = plan.instance, plan.account.decisions
    lines = [
        (title, "stock", float(kg))
        for title, kg in zip(instance.metals.titles, made.charged[alloy, :, period], strict=True)
    ]
    lines += [
        (offer, "bought", float(kg))
        for offer, kg in zip(instance.market.names, made.bought[:, alloy, period], strict=True)
    ]
    lines.append(("process scrap", "the mint", float(made.recharged[alloy, period])))
    whole = sum(kg for _, _, kg in lines)
    cast = float(plan.account.cast[alloy, period])
    head = (instance.alloys.names[alloy], instance.periods[period])
    return [(*head, what, origin, kg, kg / whole, cast) for what, origin, kg in lines if kg > 0]


def _fineness(plan: Plan) -> Table:
    shares = fineness(plan.account)
    rows = tuple(
        row for alloy, period in _heats(plan) for row in _windows(plan, shares[alloy, :, period], alloy, period)
    )
    windows = [100 * float(row[place] or 0.0) for row in rows for place in (3, 5)]
    places = share_decimals((float(row[4] or 0.0) for row in rows), exact_decimals(windows, 2))
    columns = (
        Column("alloy", "Alloy"),
        Column("period", period_word(plan.instance).capitalize()),
        Column("metal", "Metal"),
        Column("least_share", "Least", "%", places),
        Column("resulting_share", "Resulting", "%", places),
        Column("greatest_share", "Greatest", "%", places),
        Column("fineness_permille", "Fineness", "‰", places - 1),
    )
    says = "What the heats come to, process scrap included, beside the window that the alloy asks for."
    notes = (
        "Fineness in parts of a thousand stands for precious metals, as the trade tells it.",
        "Metal from stock counts as pure: assay it before it is weighed in.",
    )
    return Table("fineness", "Resulting fineness", says, columns, rows, notes)


def _windows(plan: Plan, share: Floats, alloy: int, period: int) -> list[tuple[Cell, ...]]:
    instance, alloys = plan.instance, plan.instance.alloys
    head = (alloys.names[alloy], instance.periods[period])
    rows: list[tuple[Cell, ...]] = []
    for metal in np.flatnonzero(alloys.named[alloy]).tolist():
        got = float(share[metal])
        low, high = float(alloys.low.value[alloy, metal]), float(alloys.high.value[alloy, metal])
        permille = 1000 * got if instance.metals.names[metal] in PRECIOUS else None
        rows.append((*head, instance.metals.titles[metal], low, got, high, permille))
    if alloys.admits_others[alloy]:
        rest = max(0.0, 1 - float(share[alloys.named[alloy]].sum()))
        rest = rest if rest > 1e-9 else 0.0  # rounding
        rows.append((*head, "all others", 0.0, rest, float(alloys.others.value[alloy]), None))
    return rows


def _requisition(plan: Plan) -> tuple[Table, ...]:
    """Return the metal to draw for plating; no table where no medal is plated."""
    instance, medals = plan.instance, plan.instance.medals
    plated = np.flatnonzero(plating(plan.account)).tolist()
    rows: list[tuple[Cell, ...]] = []
    for alloy in plated:
        charge = float(plan.account.charge[alloy].sum())
        kinds = np.flatnonzero(medals.parts.value[:, alloy] * medals.count > 0).tolist()
        net = [float(medals.parts.value[m, alloy] * medals.count[m]) for m in kinds]
        gross = [kg * (1 + float(medals.allowance.value[m])) for m, kg in zip(kinds, net, strict=True)]
        for m, on, owed in zip(kinds, net, gross, strict=True):
            each = GRAMS * float(medals.parts.value[m, alloy])
            drawn = charge * owed / sum(gross)
            due = instance.periods[int(medals.due[m])]
            rows.append(
                (instance.alloys.names[alloy], medals.names[m], due, int(medals.count[m]), each, on, owed - on, drawn)
            )
    columns = (
        Column("alloy", "Plating"),
        Column("medal", "On medals"),
        Column("due", "Due by the end of"),
        Column("medals", "Medals", "", total=True),
        Column("each_g", "Each", "g", 2),
        Column("on_medals_kg", "On the medals", "kg", 3, total=True),
        Column("allowance_kg", "Allowance", "kg", 3, total=True),
        Column("drawn_kg", "To draw in all", "kg", 3, total=True),
    )
    says = "What to draw for plating: the metal on the medals, the allowance, and what goes round as scrap or is lost."
    return (Table("plating", "Plating requisition", says, columns, tuple(rows)),) if rows else ()


def _scrap(plan: Plan) -> Table:
    instance, found = plan.instance, scrap_account(plan.account)
    parts = (found.cast, found.fallen, found.lost, found.opening, found.fit, found.recharged, found.closing)
    shares = instance.alloys.scrap_share.value
    listed = [a for a in range(len(instance.alloys.names)) if shares[a] > 0 and found.cast[a].sum() > 0]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            instance.alloys.names[alloy],
            period,
            *(float(part[alloy, t]) for part in (*parts, found.waiting)),
            float(found.value[alloy, t]),
        )
        for alloy in listed
        for t, period in enumerate(instance.periods)
        if any(part[alloy, t] > 0 for part in (*parts, found.waiting))
    )
    named = (
        ("cast_kg", "Cast"),
        ("fallen_kg", "Scrap fallen"),
        ("lost_kg", "Not fit to reuse"),
        ("opening_kg", "Opening stock"),
        ("fit_kg", "Fit again"),
        ("recharged_kg", "Charged again"),
        ("closing_kg", "Closing stock"),
        ("waiting_kg", "Not fit yet"),
    )
    columns = (
        Column("alloy", "Alloy"),
        Column("period", period_word(instance).capitalize()),
        *(Column(key, title, "kg", _digits(plan)) for key, title in named),
        Column("value", "Worth", instance.currency),
    )
    says = (
        "Process scrap of the mint: what falls of what is cast, what is charged again, and what is left and its worth."
    )
    return Table("scrap_account", "Scrap account of the mint", says, columns, rows)


def _medals(plan: Plan) -> Table:
    instance, medals = plan.instance, plan.instance.medals
    made = struck(plan.account)
    rows = tuple(
        (
            kind,
            period,
            int(made[m, t]),
            int(medals.count[m]),
            float(made[m, t] / medals.count[m]) if medals.count[m] else None,
            "due" if t == medals.due[m] else "",
        )
        for m, kind in enumerate(medals.names)
        for t, period in enumerate(instance.periods)
        if t == medals.due[m] or made[m, t] != (made[m, t - 1] if t else 0)
    )
    columns = (
        Column("medal", "Medal"),
        Column("period", f"By the end of the {period_word(instance)}"),
        Column("struck", "Can be struck so far", ""),
        Column("ordered", "Ordered", ""),
        Column("share", "Of the order", "%", 1),
        Column("due", "Due"),
    )
    says = "How many medals can be struck of what is cast so far, allowance included, the earliest due first."
    return Table("medals", "Medals that can be struck", says, columns, rows)
