"""Recycling premium: cost of the plan less the cost of buying all metal, as text and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medalopt.analysis.sensitivity.premium import RecyclingPremium
from medalopt.instance.instance import Instance
from medalopt.report.numbers import format_money, format_number
from medalopt.report.sensitivity.report_part import SensitivityPart, describe_shortfall
from medalopt.text import escape_text
from medalopt.tolerances import VALUE_TOLERANCE


def report_premium(premium: RecyclingPremium, instance: Instance) -> SensitivityPart:
    """Report the recycling premium.

    Args:
        premium: Cost and footprint of the plan and of the benchmark.
        instance: Base instance, for currency and titles.

    Returns:
        Summary lines and the JSON member `premium`.
    """
    return SensitivityPart(
        describe_premium(premium, instance), (), (), encode_premium(premium, instance), heading="Recycling premium"
    )


def describe_premium(premium: RecyclingPremium, instance: Instance) -> tuple[str, ...]:
    """Describe the recycling premium, in total and per medal, and both footprints.

    Args:
        premium: Cost and footprint of the plan and of the benchmark.
        instance: Base instance, for currency and titles.

    Returns:
        One or two sentences; the reason where the benchmark is not available.
    """
    currency, titles = instance.currency, dict(zip(instance.metals.names, instance.metals.titles, strict=True))
    if premium.cost == float("inf"):
        return (f"Benchmark, buying all metal: not available ({_describe_missing_offers(premium.shortage, titles)}).",)
    if not premium.recycles and abs(premium.amount) <= VALUE_TOLERANCE * abs(premium.plan):
        return (
            f"Recycling premium: none (no devices taken, all metal bought for {format_money(premium.plan, currency)}).",
        )
    sign = "+" if premium.amount >= 0 else ""
    what = "Recycling premium" if premium.recycles else "Cost of the constraints (the plan takes no devices)"
    first = f"{what}: {sign}{format_money(premium.amount, currency)}"
    if premium.medals:
        first += f", {sign}{format_money(premium.per_medal, currency)} per medal"
    bought = format_money(premium.cost, currency)
    first += f"; total cost {format_money(premium.plan, currency)}, buying all metal {bought}"
    result = [f"{first}."]
    if premium.footprint or premium.footprint_bought:
        result.append(
            f"Footprint: {format_number(premium.footprint / 1000)} t CO2e; buying all metal "
            f"{format_number(premium.footprint_bought / 1000)} t CO2e."
        )
    return tuple(result)


def _describe_missing_offers(shortage: Mapping[str, float] | None, titles: Mapping[str, str]) -> str:
    """Return the reason why all metal cannot be bought: `no sufficient offer of silver: 6 kg short`."""
    if not shortage:
        return describe_shortfall(shortage)
    named = {titles[metal]: kg for metal, kg in shortage.items()}
    return f"no sufficient offer of {' and '.join(map(escape_text, named))}: {describe_shortfall(named)}"


def encode_premium(premium: RecyclingPremium, instance: Instance) -> dict[str, Any]:
    """Return the premium for JSON.

    Args:
        premium: Cost and footprint of the plan and of the benchmark.
        instance: Base instance, for the currency.

    Returns:
        The member `premium`; values of an infeasible benchmark are null.
    """
    exists = premium.cost < float("inf")
    return {
        "premium": {
            "cost": premium.plan,
            "cost_bought": premium.cost if exists else None,
            "premium": premium.amount if exists else None,
            "per_medal": premium.per_medal if exists and premium.medals else None,
            "medals": premium.medals,
            "unit": instance.currency,
            "footprint": premium.footprint,
            "footprint_bought": premium.footprint_bought if exists else None,
            "short": None if exists or premium.shortage is None else dict(premium.shortage),
        }
    }
