"""What recycling costs beside simply buying the metal, in words and for a program."""

from __future__ import annotations

from typing import Any

from medalopt.analysis.sensitivity.premium import Premium
from medalopt.instance.instance import Instance
from medalopt.report.numbers import digits, money
from medalopt.report.sensitivity.bars import missing
from medalopt.report.sensitivity.part import Part
from medalopt.wording import shown

_SAME = 1e-8  # of the cost, below which a difference is none


def told(found: Premium, instance: Instance) -> Part:
    """Return the premium for recycling as a part of the report."""
    return Part(lines(found, instance), (), (), members(found, instance), heading="What recycling costs")


def lines(found: Premium, instance: Instance) -> tuple[str, ...]:
    """Return what recycling costs more than buying, and what it does to the footprint."""
    currency, titles = instance.currency, dict(zip(instance.metals.names, instance.metals.titles, strict=True))
    if found.cost == float("inf"):
        short = None if found.short is None else {titles[metal]: kg for metal, kg in found.short.items()}
        return (f"The metal cannot simply be bought at these offers: {missing(short)}.",)
    if not found.recycles and abs(found.amount) <= _SAME * abs(found.plan):
        return (f"The plan takes no devices: it simply buys the metal, for {money(found.plan, currency)}.",)
    more = "more" if found.amount >= 0 else "less"
    what = "Recycling costs" if found.recycles else "The plan takes no devices, but keeping its rules costs"
    first = (
        f"{what} {money(abs(found.amount), currency)} {more} than simply buying the metal "
        f"({money(found.plan, currency)} against {money(found.cost, currency)})"
    )
    if found.medals:
        first += f": {money(abs(found.per_medal), currency)} {more} a medal"
    result = [f"{first}."]
    if found.at_sell:
        names = ", ".join(shown(name) for name in found.at_sell)
        result.append(f"Bought at its `sell` price, as no offer gives it or enough of it: {names}.")
    if found.footprint or found.footprint_bought:
        result.append(
            f"The footprint is {digits(found.footprint / 1000)} t CO2e; of bought metal it would be "
            f"{digits(found.footprint_bought / 1000)} t."
        )
    return tuple(result)


def members(found: Premium, instance: Instance) -> dict[str, Any]:
    """Return the premium as plain data; what no plan gives is null."""
    exists = found.cost < float("inf")
    return {
        "premium": {
            "cost": found.plan,
            "cost_bought": found.cost if exists else None,
            "premium": found.amount if exists else None,
            "per_medal": found.per_medal if exists and found.medals else None,
            "medals": found.medals,
            "unit": instance.currency,
            "footprint": found.footprint,
            "footprint_bought": found.footprint_bought if exists else None,
            "at_sell": list(found.at_sell),
            "short": None if exists or found.short is None else dict(found.short),
        }
    }
