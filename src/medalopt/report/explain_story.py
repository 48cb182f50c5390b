"""Explanation of one stream as text: routes, costs and metal value per tonne, rent, break-even prices, range."""

from __future__ import annotations

import math

from medalopt.analysis.explanation.explanation import Story
from medalopt.analysis.explanation.taking import Taking
from medalopt.report.explain import own_rules
from medalopt.report.explain_page import page
from medalopt.report.explain_sources import per_tonne, way
from medalopt.report.numbers import money, share, tonnes
from medalopt.report.screen import Screen
from medalopt.wording import counted, shown

MOST_WAYS = 4
SAME = 1e-6
_KINDS = {
    "supply": "to the supplier",
    "collection": "collection",
    "treating": "treatment",
    "transport": "transport",
    "smelting": "treatment charge",
    "residue": "residue",
    "refining": "refining charge",
}


def told(found: Story, screen: Screen | None = None) -> str:
    """Render the explanation of one stream, and of its bundle, as text.

    Args:
        found: Explanation of the stream.
        screen: Width and style; None for standard output.

    Returns:
        The page.
    """
    instance, stream = found.plan.instance, found.stream
    name = instance.streams.names[stream]
    device = instance.devices.names[instance.streams.device[stream]]
    region = instance.regions[instance.streams.region[stream]]
    title = f"{name}: {device} from {region}"
    lines = [*own_rules(found.plan), *_lines(found, found.own)]
    if found.bundle is not None:
        others = len(found.bundle.source.streams) - 1
        with_it = counted(others, "other stream")
        lines.append(f"It comes only with {with_it}, as {shown(found.bundle.source.name)}. Of that bundle as a whole:")
        lines += _lines(found, found.bundle)
    return page(title, lines, (), screen)


def _lines(found: Story, one: Taking) -> list[str]:
    """Return the lines on one source: quantity, routes, balance of a tonne, break-even prices, range."""
    lines = [f"{tonnes(one.taken)} taken of {tonnes(one.offered)} offered ({share(one.taken, one.offered)})."]
    lines += _ways(one, found.plan.unit)
    lines += _balance(found, one)
    return [*lines, *_prices(found, one), *_range(one)]


def _ways(one: Taking, unit: str) -> list[str]:
    """Return the routes in use, and the cheapest alternative with its extra cost per tonne."""
    if not one.ways:
        return ["No treatment, lane and smelter takes it."]
    used = [of for of in one.ways if of.tonnes > 0]
    rivals = [of for of in one.ways if of.tonnes == 0]
    told = [f"{tonnes(of.tonnes)} {way(of)}" for of in used[:MOST_WAYS]]
    more = [f"{len(used) - MOST_WAYS} ways more"] if len(used) > MOST_WAYS else []
    lines = [f"It goes {'; '.join([*told, *more])}."] if used else [f"Its best way would be {way(rivals[0])}."]
    nearest = rivals[0 if used else 1 :][:1]
    if nearest:
        short = nearest[0].short
        dearer = f"at least {money(short, unit)} a tonne dearer" if short > 0 else "as good"
        lines.append(f"The nearest other way is {way(nearest[0])}: {dearer}.")
    return lines


def _balance(found: Story, one: Taking) -> list[str]:
    """Return the cost of one tonne by kind, the value of its metals, and the rent."""
    unit = found.plan.unit
    if found.plan.measure != "cost" or not one.ways:
        return []
    costs = ", ".join(f"{_KINDS[kind]} {money(cost)}" for kind, cost in one.costs)
    lines = [f"A tonne costs {money(one.cost, unit)} on the way{f': {costs}' if costs else ''}."]
    if one.returned:
        metals = ", ".join(f"{per_tonne(kg)} of {shown(metal)} {money(worth)}" for metal, kg, worth in one.returned)
        lines.append(f"It brings metal worth {money(one.worth, unit)}: {metals}.")
    else:
        lines.append("It brings no metal.")
    return [*lines, _rent(one, unit)]


def _rent(one: Taking, unit: str) -> str:
    """Return the shadow price of one more tonne on offer."""
    if one.left_out:
        return "What rules and full plants on its way ask is counted at the plan's prices as well."
    if one.rent == 0:
        return "At the plan's prices a tonne more on offer saves nothing."
    verb = "saves" if one.rent > 0 else "costs"
    return f"At the plan's prices a tonne more on offer {verb} {money(abs(one.rent), unit)}."


def _prices(found: Story, one: Taking) -> list[str]:
    """Return the current price and the break-even prices at which the source enters, shrinks or leaves."""
    unit, by_cost = found.plan.unit, found.plan.measure == "cost"

    def at(rise: float) -> str:
        """Return a price changed by `rise`, with its unit."""
        return f"{money(one.price + rise, unit)} a tonne" if by_cost else f"{money(rise, unit)} a tonne added"

    now = f"Goods and collection cost {money(one.price, unit)} a tonne now. " if by_cost else ""
    if one.left_out:
        if math.isinf(one.enters_at):
            return [f"{now}No price brings it in."] if one.ways else []
        return [f"{now}It comes in below {at(-one.enters_at)}."]
    all_of_it = "at any price" if math.isinf(one.falls_at) else f"up to {at(one.falls_at)}"
    some = "at any price" if math.isinf(one.leaves_at) else f"up to {at(one.leaves_at)}"
    more = "" if math.isinf(one.enters_at) else f" More is taken below {at(-one.enters_at)}."
    kept = f"All that is taken stays {all_of_it}"
    return [f"{now}{kept}{'' if all_of_it == some else f', some of it {some}'}.{more}"]


def _range(one: Taking) -> list[str]:
    """Return the least and greatest quantity over all alternative optima."""
    if one.most - one.least <= SAME * max(one.offered, 1.0):
        return ["No optimal plan takes more or less of it."]
    return [f"Optimal plans take from {tonnes(one.least)} to {tonnes(one.most)} of it."]
