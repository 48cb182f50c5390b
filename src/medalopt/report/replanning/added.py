"""Sourcing plan of the remaining horizon, preceded by plan against actuals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medalopt.analysis.replanning.awaited import awaited_names
from medalopt.analysis.replanning.replan import Replan
from medalopt.report.numbers import mass, money, share, tonnes
from medalopt.report.replanning.charts import charts
from medalopt.report.replanning.tables import tables
from medalopt.report.sourcing.content import Content
from medalopt.wording import listed, shown

_ORDERED = ("orders", "award")  # tables of orders, by party
KEYS = ("actual_metal", "actual_devices", "actual_cost", "actual_yield", "actual_lots", "on_its_way", "signed")


def with_actuals(content: Content, found: Replan) -> Content:
    """Return the sourcing plan of the remaining horizon with plan against actuals in front.

    Args:
        content: Sourcing plan of the remaining horizon.
        found: New plan with the executed periods.

    Returns:
        The combined report.
    """
    content = without_settled(content, found.question.settled_parties)
    title = found.past.instance.title or found.past.instance.name
    return replace(
        content,
        title=f"{title}, planned anew after {found.question.after}",
        decision=(*decision(found), *content.decision),
        tables=(*tables(found), *content.tables),
        charts=(*charts(found), *content.charts),
    )


def without_settled(content: Content, settled: frozenset[str]) -> Content:
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
        rows = tuple(row for row in table.rows if table.key not in _ORDERED or settled.isdisjoint(row))
        made += [replace(table, rows=rows)] if rows else []
    return replace(content, documents=kept, tables=tuple(made))


def decision(found: Replan) -> tuple[str, ...]:
    """Return the sentences on executed, contracted and planned quantities and on total cost.

    Args:
        found: New plan with the executed periods.

    Returns:
        The sentences.
    """
    return (*_devices(found), *_metals(found), *_cost(found), *_warnings(found))


def _devices(found: Replan) -> tuple[str, ...]:
    """Return the tonnes sent so far against plan, and the tonnes under contract."""
    past, until = found.past, slice(None, found.past.last + 1)
    actual = float(past.sent.sum())
    line = f"By the end of {found.question.after} {tonnes(actual)} of devices had been sent"
    if found.before is not None:
        line += f", {tonnes(float(found.before.account.decisions.sent[:, until].sum()))} were planned"
    signed = float(past.mint.decisions.sent.sum())
    more = f"; {tonnes(signed)} more are signed and stay" if signed else ""
    return (f"{line}{more}.",)


def _metals(found: Replan) -> tuple[str, ...]:
    """Return for each metal still needed the kilograms returned against plan, in transit and still to be charged."""
    past, last = found.past, found.past.last
    needed = found.plan.account.composition.sum(axis=(0, 2))
    lines = []
    for metal in found.metals:
        if needed[metal] <= 0:
            continue
        line = f"{past.instance.metals.titles[metal].capitalize()}: {mass(float(found.returned_now[metal, last]))} back"
        if found.returned_before is not None:
            line += f" of {mass(float(found.returned_before[metal, last]))} planned"
        awaited, taken = float(past.awaited[metal].sum()), float(needed[metal])
        on_way = f", {mass(awaited)} on its way" if awaited else ""
        lines.append(f"{line}{on_way}; the melts to come take {mass(taken)}.")
    return tuple(lines)


def _cost(found: Replan) -> tuple[str, ...]:
    """Return the expected total cost and its difference to the first plan."""
    currency = found.past.instance.currency
    parts = f"{money(found.spent)} spent, {money(found.past.signed_cost)} signed, {money(found.plan.cost)} to come"
    line = f"In all it is now taken to cost {money(found.total, currency)} ({parts})"
    if found.before is None:
        return (f"{line}.",)
    more = found.total - found.before.cost
    beside = f"{money(abs(more), currency)} ({share(abs(more), abs(found.before.cost))})"
    return (f"{line}, {beside} {'more' if more > 0 else 'less'} than the first plan.",)


def _warnings(found: Replan) -> tuple[str, ...]:
    """Return overdue alloys, missed shares, and metal that arrives after the horizon."""
    said = []
    if found.question.overdue:
        said.append(f"Overdue, and taken to be due at once: the alloy of {listed(found.question.overdue)}.")
    for one in found.missed:
        asked, comes = share(one.asked, 1), share(one.comes, 1)
        said.append(f"Missed over the whole horizon: {shown(one.path, 200)} asks for {asked}, and {comes} comes of it.")
    left = found.question.left
    line = f"What follows is the plan of what is left, from {left.periods[0]} on"
    if awaited_names(left):
        line += "; `on its way` stands there for metal that is awaited: it is not ordered, and costs nothing more"
    said.append(f"{line}.")
    if np.any(found.past.back[:, -1] > 0):
        said.append("Some metal comes only after the last period, and is left out.")
    return tuple(said)
