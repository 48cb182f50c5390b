"""Sources in an explanation: quantity taken and break-even prices, and for sources left out the price to enter."""

from __future__ import annotations

import math

from medalopt.analysis.explanation.explanation import Explanation
from medalopt.analysis.explanation.taking import Taking, Way
from medalopt.report.numbers import column, digits, money, share, tonnes
from medalopt.report.section import Column, Section, section
from medalopt.wording import shown

MOST_LEFT_OUT = 3


def sources(found: Explanation) -> Section:
    """Return the table of sources that are taken, with break-even prices.

    A break-even price is the price of goods and collection [objective per t] up to which the full quantity, or any
    quantity, stays in the optimal plan. For an objective other than cost it is the increase that is tolerated.

    Args:
        found: Explanation of an optimal plan.

    Returns:
        The table, with notes on sources taken in part and on small sources.
    """
    listed = [one for one in found.takings if not one.left_out]
    unit = found.plan.unit
    priced = found.plan.measure == "cost"
    columns = [
        (Column("source", right=False), [shown(one.source.name) for one in listed]),
        (Column("taken t", rank=2), column([one.taken for one in listed])),
        (Column("taken"), [share(one.taken, one.offered) for one in listed]),
        (Column("for its", right=False, rank=1), [mostly(one) for one in listed]),
        (Column("price now"), [money(one.price) if priced else "" for one in listed]),
        (Column("all of it up to"), [limit(found, one, one.falls_at) for one in listed]),
        (Column("some up to"), [limit(found, one, one.leaves_at) for one in listed]),
    ]
    title = f"What is taken, up to what price of goods and collection, {unit} per t"
    if not priced:
        title = f"What is taken, and how much more a tonne of it may add, {unit}"
    return section(title, columns, notes=_notes(found))


def limit(found: Explanation, one: Taking, rise: float) -> str:
    """Return the price to which a source may rise, or the tolerated increase where the objective is not cost."""
    if math.isinf(rise):
        return "any"
    return money(one.price + rise) if found.plan.measure == "cost" else f"+{money(rise)}"


def mostly(one: Taking) -> str:
    """Return the most valuable metal of a source with its share of the value of all its metals."""
    if not one.returned or not one.worth > 0:
        return "–"
    name, _, worth = one.returned[0]
    return f"{shown(name)} {share(worth, one.worth)}" if len(one.returned) > 1 else shown(name)


def _notes(found: Explanation) -> list[str]:
    """Return notes on the sources taken in part within a group, and on the total of the small sources."""
    streams = found.plan.instance.streams
    partly = [
        (
            float(streams.available.value[source.streams].sum()),
            float(found.plan.account.sent[source.streams].sum()),
            source,
        )
        for source in found.each
    ]
    rest = [row for row in partly if 1e-9 * row[0] < row[1] < (1 - 1e-9) * row[0]]
    rest.sort(key=lambda row: row[1] - row[0])
    notes = []
    if len(found.each) > len(found.told) and rest:
        told = [f"{shown(source.name)} ({share(taken, offered)})" for offered, taken, source in rest[:3]]
        more = [f"{len(rest) - 3} more"] if len(rest) > 3 else []
        notes.append(f"Taken in part: {', '.join([*told, *more])}.")
    if found.untold:
        offered = sum(float(streams.available.value[source.streams].sum()) for source in found.untold)
        taken = sum(float(found.plan.account.sent[source.streams].sum()) for source in found.untold)
        notes.append(f"{len(found.untold)} smaller sources: {tonnes(taken)} taken of {tonnes(offered)}.")
    return notes


def left_out(found: Explanation) -> list[str]:
    """Return one line for each of the largest sources that are left out.

    Args:
        found: Explanation of an optimal plan.

    Returns:
        The lines: cost and metal value per tonne, and the price at which the source enters the plan.
    """
    listed = [one for one in found.takings if one.left_out and one.offered > 0]
    lines = [why_left_out(found, one) for one in listed[:MOST_LEFT_OUT]]
    if len(listed) > MOST_LEFT_OUT:
        names = ", ".join(shown(one.source.name) for one in listed[MOST_LEFT_OUT:])
        lines.append(f"Left out too: {names} (--json tells at what price each would come in).")
    return lines


def why_left_out(found: Explanation, one: Taking) -> str:
    """Return cost and metal value of one tonne of a source left out, and the price at which it enters."""
    unit = found.plan.unit
    line = f"Left out: {shown(one.source.name)}, {tonnes(one.offered)} offered."
    if not one.ways:
        return f"{line} No treatment, lane and smelter takes it."
    if found.plan.measure == "cost":
        best = one.ways[0]
        line += f" A tonne would cost {money(one.cost, unit)} {way(best)} and bring {money(one.worth)} in metal."
    if math.isinf(one.enters_at):
        return f"{line} No price brings it in."
    if one.enters_at == 0:
        return f"{line} A plan that takes it is as good."
    cheaper = f" It comes in when it is {money(one.enters_at, unit)} a tonne cheaper"
    if found.plan.measure != "cost":
        return f"{line}{cheaper}."
    goods = one.price - one.enters_at
    return f"{line}{cheaper}: for less than {money(goods)}, now {money(one.price)}."


def way(of: Way) -> str:
    """Return a route in words.

    Args:
        of: Treatment and smelter; no smelter: the device is passed on to ordinary recycling.

    Returns:
        The phrase, such as `by dismantle to kosaka`.
    """
    there = f" to {shown(of.smelter)}" if of.smelter is not None else ", out of the project"
    return f"by {shown(of.treatment)}{there}"


def per_tonne(kilograms: float) -> str:
    """Return the metal content of one tonne with a suitable unit.

    Args:
        kilograms: Metal [kg per t].

    Returns:
        The content in kg, or in g below 1 kg.
    """
    return f"{digits(kilograms)} kg" if kilograms >= 1 else f"{digits(1000 * kilograms)} g"
