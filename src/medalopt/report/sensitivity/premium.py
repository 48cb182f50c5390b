"""Recycling premium: cost of the plan less the cost of buying all metal, as text and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medalopt.analysis.sensitivity.premium import Premium
from medalopt.instance.instance import Instance
from medalopt.report.numbers import digits, money
from medalopt.report.sensitivity.bars import missing
from medalopt.report.sensitivity.part import Part
from medalopt.wording import shown

_SAME = 1e-8  # of the cost; a smaller difference counts as zero


def told(found: Premium, instance: Instance) -> Part:
    """Report the recycling premium.

    Args:
        found: Cost and footprint of the plan and of the benchmark.
        instance: Base instance, for currency and titles.

    Returns:
        Summary lines and the JSON member `premium`.
    """
    return Part(lines(found, instance), (), (), members(found, instance), heading="What recycling costs")


def lines(found: Premium, instance: Instance) -> tuple[str, ...]:
    """Describe the recycling premium, in total and per medal, and both footprints.

    Args:
        found: Cost and footprint of the plan and of the benchmark.
        instance: Base instance, for currency and titles.

    Returns:
        One or two sentences; the reason where the benchmark is not available.
    """
    currency, titles = instance.currency, dict(zip(instance.metals.names, instance.metals.titles, strict=True))
    if found.cost == float("inf"):
        return (f"Benchmark, buying all metal: not available ({_lacking(found.short, titles)}).",)
    if not found.recycles and abs(found.amount) <= _SAME * abs(found.plan):
        return (f"The plan takes no devices: it buys all metal, for {money(found.plan, currency)}.",)
    more = "more" if found.amount >= 0 else "less"
    what = "Recycling costs" if found.recycles else "The plan takes no devices, but keeping its rules costs"
    first = (
        f"{what} {money(abs(found.amount), currency)} {more} than buying all metal "
        f"({money(found.plan, currency)} against {money(found.cost, currency)})"
    )
    if found.medals:
        first += f": {money(abs(found.per_medal), currency)} {more} a medal"
    result = [f"{first}."]
    if found.footprint or found.footprint_bought:
        result.append(
            f"The footprint is {digits(found.footprint / 1000)} t CO2e; of bought metal it would be "
            f"{digits(found.footprint_bought / 1000)} t."
        )
    return tuple(result)


def _lacking(short: Mapping[str, float] | None, titles: Mapping[str, str]) -> str:
    """Return the reason why all metal cannot be bought: `no sufficient offer of silver: 6 kg short`."""
    if not short:
        return missing(short)
    named = {titles[metal]: kg for metal, kg in short.items()}
    return f"no sufficient offer of {' and '.join(map(shown, named))}: {missing(named)}"


def members(found: Premium, instance: Instance) -> dict[str, Any]:
    """Return the premium for JSON.

    Args:
        found: Cost and footprint of the plan and of the benchmark.
        instance: Base instance, for the currency.

    Returns:
        The member `premium`; values of an infeasible benchmark are null.
    """
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
            "short": None if exists or found.short is None else dict(found.short),
        }
    }
