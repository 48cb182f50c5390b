"""Tables of plan against actuals: metal, devices, cost, yield of settled lots, metal in transit, contracts."""

from __future__ import annotations

import numpy as np

from medalopt.analysis.replanning.replan import Replan
from medalopt.instance.figures import Floats
from medalopt.report.plants import period_word
from medalopt.report.sourcing.content import Cell, Column, Table

MOST = 100  # lots listed individually
_KINDS = {
    "supply": "paid to suppliers",
    "collection": "collection",
    "treating": "treatment before the smelter",
    "transport": "transport to the smelter",
    "residue": "residues, what they cost or earn",
    "charges": "charges of smelters",
}
_PLANNED = {
    "supply": ("supply",),
    "collection": ("collection",),
    "treating": ("treatment",),
    "transport": ("transport",),
    "residue": ("residue",),
    "charges": ("smelting", "refining"),
}


def tables(found: Replan) -> tuple[Table, ...]:
    """Return the tables that have rows, the metal balance first.

    Args:
        found: New plan with the executed periods.

    Returns:
        The tables.
    """
    made = (_metal(found), _devices(found), _cost(found), _yield(found), _lots(found), _awaited(found), _signed(found))
    return tuple(table for table in made if table.rows)


def _until(found: Replan) -> slice:
    """Return the slice of the executed periods."""
    return slice(None, found.past.last + 1)


def _word(found: Replan) -> str:
    """Return the word for a period."""
    return period_word(found.past.instance)


def _metal(found: Replan) -> Table:
    """Return metal returned so far, planned and actual, metal in transit, and the total at the end of the horizon."""
    past, last = found.past, found.past.last
    before = found.returned_before
    awaited = past.awaited.sum(axis=1)
    rows = []
    for metal in found.metals:
        planned = None if before is None else float(before[metal, last])
        actual = float(found.returned_now[metal, last])
        rows.append(
            (
                past.instance.metals.titles[metal],
                planned,
                actual,
                _share(actual, planned),
                float(awaited[metal]),
                float(past.stock[metal]),
                None if before is None else float(before[metal, -1]),
                float(found.returned_now[metal, -1]),
            )
        )
    after = found.question.after
    columns = (
        Column("metal", "Metal"),
        Column("planned_kg", f"Planned by {after}", "kg", 1),
        Column("actual_kg", "Actual", "kg", 1),
        Column("of_plan", "Of plan", "%", 1),
        Column("awaited_kg", "On its way", "kg", 1),
        Column("stock_kg", "On the account", "kg", 1),
        Column("first_plan_kg", "At the end, first plan", "kg", 1),
        Column("new_plan_kg", "At the end, this plan", "kg", 1),
    )
    says = f"Metal that had come back by the end of {after}, by plan and by the settlement sheets, and what is to come."
    return Table("actual_metal", "Metal: plan against actual", says, columns, tuple(rows))


def _share(part: float, whole: float | None) -> float | None:
    """Return the ratio, None without a denominator."""
    return part / whole if whole else None


def _devices(found: Replan) -> Table:
    """Return devices sent in each period, planned and actual."""
    past = found.past
    actual = past.sent.sum(axis=0)[_until(found)]
    planned = None if found.before is None else found.before.account.decisions.sent.sum(axis=0)[_until(found)]
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
        Column("period", _word(found).capitalize()),
        Column("planned_t", "Planned", "t", 1, total=True),
        Column("actual_t", "Actual", "t", 1, total=True),
        Column("more_t", "More (less: −)", "t", 1, total=True),
    )
    notes = (f"{past.waiting.sum():,.1f} t more wait in stockpiles.",) if past.waiting.any() else ()
    says = "Devices sent, dry tonnes, worked back from the feed by the share that a treatment sends on."
    return Table("actual_devices", "Devices: plan against actual", says, columns, rows, notes)


def _cost(found: Replan) -> Table:
    """Return the cost of executed lots by kind, of contracts, and of the remaining plan."""
    past, before = found.past, found.before
    rows: list[tuple[Cell, ...]] = []
    for kind, spent in past.spent.items():
        planned = None
        if before is not None:
            planned = float(sum(before.account.costs[own][_until(found)].sum() for own in _PLANNED[kind]))
        if spent or planned:
            rows.append((_KINDS[kind], planned, spent))
    so_far = None if before is None else sum(float(row[1] or 0.0) for row in rows)
    left = None if before is None or so_far is None else before.cost - so_far
    rows.append(("signed, and bought for melts so far", None, past.signed_cost))
    rows.append(("what is left to plan", left, found.plan.cost))
    columns = (
        Column("kind", "Kind"),
        Column("first_plan", "First plan", past.instance.currency, 0, total=True),
        Column("now", "Now", past.instance.currency, 0, total=True),
    )
    says = (
        f"What the lots up to {found.question.after} have cost, beside the first plan for those periods; what is "
        "signed; and the rest, which for the first plan holds all it has after them."
    )
    notes = ("Charges of lots that are not settled are those of the terms; all other costs are those of the instance.",)
    return Table("actual_cost", "Cost: first plan and now", says, columns, tuple(rows), notes)


def _yield(found: Replan) -> Table:
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
                share, tonnes = _share(payable, expected), float(lots.devices_t[own].sum())
                rows.append((name, instance.metals.titles[metal], int(own.sum()), tonnes, expected, payable, share))
    columns = (
        Column("device", "Device"),
        Column("metal", "Metal"),
        Column("lots", "Lots", "", 0),
        Column("devices_t", "Devices", "t", 1),
        Column("expected_kg", "Expected", "kg", 2),
        Column("payable_kg", "Payable", "kg", 2),
        Column("of_expected", "Of expected", "%", 1),
    )
    says = "What smelters return of the lots they have settled, beside what the figures of the instance make of them."
    notes = ("A share far from 100 % says that an assay, a recovery or a return of the instance should be changed.",)
    return Table("actual_yield", "Settled lots: expected against payable", says, columns, tuple(rows), notes)


def _lots(found: Replan) -> Table:
    """Return the table of lots with weights, charges and settlement."""
    past, lots = found.past, found.past.lots
    periods = (*past.instance.periods, f"after {past.instance.periods[-1]}")
    rows = []
    for n in _differing(found):
        name = lots.names[n]
        way = (None, None) if lots.waits[n] else _way(found, int(lots.route[n]))
        settled = periods[lots.settled[n]] if lots.settled[n] >= 0 else None
        stream, sent = past.instance.streams.names[lots.stream[n]], periods[lots.period[n]]
        figures = (float(lots.feed_t[n]), float(lots.devices_t[n]))
        charged = (float(past.expected_charges[n]), _number(lots.charges[n]))
        rows.append((name, stream, *way, sent, *figures, *charged, settled))
    currency, every = past.instance.currency, len(lots.names) <= MOST
    columns = (
        Column("lot", "Lot"),
        Column("stream", "Stream"),
        Column("treatment", "Treatment"),
        Column("smelter", "Smelter"),
        Column("period", "Sent"),
        Column("feed_t", "Dry feed", "t", 2, total=every),
        Column("devices_t", "Devices", "t", 2, total=every),
        Column("expected_charges", "Charges by the terms", currency, 0, total=every),
        Column("charges", "Charges", currency, 0, total=every),
        Column("settled", "Settled"),
    )
    says = "The lots of the settlement sheet; without a treatment: waits in a stockpile."
    some = f"Those {MOST} of {len(lots.names):,} lots that return least as expected; all stand in the sheet."
    return Table("actual_lots", "Lots", says, columns, tuple(rows), () if every else (some,))


def _differing(found: Replan) -> list[int]:
    """Return all lots, or of very many those whose metal deviates most, relative to the total of the metal."""
    past = found.past
    count = len(past.lots.names)
    if count <= MOST:
        return list(range(count))
    all_ = past.expected.sum(axis=0)
    off = np.abs(past.coming - past.expected) / np.where(all_ > 0, all_, np.inf)
    return np.sort(np.argsort(-off.sum(axis=1), kind="stable")[:MOST]).tolist()


def _number(value: Floats) -> float | None:
    """Return a number, None where it is not finite."""
    return float(value) if np.isfinite(value) else None


def _way(found: Replan, route: int) -> tuple[str, str | None]:
    """Return treatment and smelter of a route."""
    instance, ways = found.past.instance, found.past.found
    smelter = int(ways.smelter[route])
    return instance.treatments.names[ways.treatment[route]], instance.smelters.names[smelter] if smelter >= 0 else None


def _awaited(found: Replan) -> Table:
    """Return metal in transit by the period of its arrival."""
    past, left = found.past, found.question.left
    rows = tuple(
        (left.periods[t], past.instance.metals.titles[metal], float(past.awaited[metal, t]))
        for t in range(len(left.periods))
        for metal in found.metals
        if past.awaited[metal, t] > 0
    )
    columns = (
        Column("period", _word(found).capitalize()),
        Column("metal", "Metal"),
        Column("awaited_kg", "Comes", "kg", 2),
    )
    notes = []
    if past.back[:, -1].sum() > 0:
        notes.append("Metal that comes after the last period is left out.")
    notes.append("By payable metal where it is known, else by assay and terms, else by the figures of the instance.")
    says = (
        "Metal of lots that are not settled or settle later, of signed shipments, and of process scrap of past casts."
    )
    return Table("on_its_way", "Metal on its way", says, columns, rows, tuple(notes))


def _signed(found: Replan) -> Table:
    """Return contracted shipments of later periods."""
    past = found.past
    sent = past.mint.decisions.sent
    rows = []
    for route, t in np.argwhere(sent > 0).tolist():
        stream = past.instance.streams.names[past.found.stream[route]]
        rows.append((past.instance.periods[t], stream, *_way(found, route), float(sent[route, t])))
    columns = (
        Column("period", _word(found).capitalize()),
        Column("stream", "Stream"),
        Column("treatment", "Treatment"),
        Column("smelter", "Smelter"),
        Column("signed_t", "Signed", "t", 1, total=True),
    )
    says = (
        "Shipments that stay as they are signed: they are taken out of supply and capacity, and their metal is awaited."
    )
    return Table("signed", "Signed shipments", says, columns, tuple(sorted(rows)))
