"""When to buy in a two-stage plan: purchases of each offer by period, over all scenarios."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from medalopt.analysis.risk.two_stage_plan import TwoStagePlan
from medalopt.instance.bounds import is_stocked
from medalopt.instance.contracts import OPTION
from medalopt.report.document import ReportColumn, ReportTable
from medalopt.report.numbers import format_mass
from medalopt.text import escape_text
from medalopt.tolerances import DISPLAY_TOLERANCE

_MOST_DATES = 4  # periods in the headline


@dataclass(frozen=True)
class PurchaseDate:
    """Purchases of one offer in one period over all scenarios, kg; `share` is the probability of any."""

    offer: int
    period: int
    least: float
    mean: float
    greatest: float
    share: float

    @property
    def firm(self) -> bool:
        """Whether every scenario buys the same."""
        return self.greatest - self.least <= DISPLAY_TOLERANCE * self.greatest


def list_purchase_dates(plan: TwoStagePlan) -> list[PurchaseDate]:
    """List the purchases by offer and period.

    Args:
        plan: Two-stage plan.

    Returns:
        Periods in which some scenario buys, by offer and in order of time.
    """
    bought = np.stack([np.asarray(one.account.purchases, dtype=np.float64) for one in plan.outcomes])  # (S, O, T)
    if not bought.size:
        return []
    probabilities = np.array([one.probability for one in plan.outcomes])
    some = bought > DISPLAY_TOLERANCE * bought.sum(axis=2).max(axis=0, initial=0.0)[None, :, None]
    bought = np.where(some, bought, 0.0)
    least, greatest = bought.min(axis=0), bought.max(axis=0)
    mean, share = np.tensordot(probabilities, bought, 1), np.minimum(np.tensordot(probabilities, some, 1), 1.0)
    return [
        PurchaseDate(offer, period, *(float(table[offer, period]) for table in (least, mean, greatest, share)))
        for offer, period in np.argwhere(greatest > 0).tolist()
    ]


def tabulate_purchase_dates(plan: TwoStagePlan) -> ReportTable:
    """Return the table of the purchases by offer and period; without rows for a single period.

    Args:
        plan: Two-stage plan.
    """
    columns = (
        ReportColumn("offer", "offer"),
        ReportColumn("period", "period"),
        ReportColumn("least_kg", "least", "kg", style="significant"),
        ReportColumn("mean_kg", "expected", "kg", style="significant"),
        ReportColumn("greatest_kg", "greatest", "kg", style="significant"),
        ReportColumn("share", "cases that buy", "%", 1, style="share"),
    )
    names, periods = plan.instance.market.names, plan.instance.periods
    rows = tuple(
        (names[one.offer], periods[one.period], one.least, one.mean, one.greatest, one.share)
        for one in (list_purchase_dates(plan) if len(periods) > 1 else ())
    )
    text = "When each offer is bought, or its option exercised: over all scenarios."
    return ReportTable("purchase_dates", "Purchases by period", text, columns, rows)


def describe_purchase_dates(plan: TwoStagePlan) -> Iterator[str]:
    """Yield when to buy the largest offer whose date is a decision: one under option, or one that can be stored.

    Args:
        plan: Two-stage plan.

    Yields:
        One sentence; none for a single period, or where no such offer is bought.
    """
    instance = plan.instance
    options = {one.member for one in plan.book.contracts if one.kind == OPTION}
    stored = set(np.flatnonzero(is_stocked(instance)).tolist())
    price = instance.market.price.value.mean(axis=1)
    paid: dict[int, float] = {}
    dates = [one for one in list_purchase_dates(plan) if one.offer in options | stored]
    for one in dates:
        paid[one.offer] = paid.get(one.offer, 0.0) + one.mean * float(price[one.offer])
    if not paid or len(instance.periods) == 1:
        return
    offer = max(paid, key=lambda each: paid[each])
    own = [one for one in dates if one.offer == offer]
    shown = sorted(own, key=lambda one: -one.mean)[:_MOST_DATES]
    parts = [_describe_date(plan, one) for one in own if one in shown]
    if left := len(own) - len(shown):
        parts.append(f"less in {left} other periods")
    if len(own) > 1:  # the answer first: a page shows it as a key figure
        parts.insert(0, f"mostly in {instance.periods[shown[0].period]}")
    verb = "exercise" if offer in options else "buy"
    yield f"When to {verb} {escape_text(instance.market.names[offer])}: {'; '.join(parts)}."


def _describe_date(plan: TwoStagePlan, one: PurchaseDate) -> str:
    """Return the purchases of one period."""
    period = plan.instance.periods[one.period]
    if one.firm:
        return f"{format_mass(one.mean)} in {period}"
    mean = f"{format_mass(one.mean)} on average ({100 * one.share:.3g} % of cases)"
    return f"up to {format_mass(one.greatest)} in {period}, {mean}"


def encode_purchase_date(plan: TwoStagePlan, one: PurchaseDate) -> dict[str, Any]:
    """Encode the purchases of an offer in a period as JSON members.

    Args:
        plan: Two-stage plan.
        one: Purchases.
    """
    return {
        "offer": plan.instance.market.names[one.offer],
        "period": plan.instance.periods[one.period],
        "least_kg": one.least,
        "mean_kg": one.mean,
        "greatest_kg": one.greatest,
        "probability": one.share,
    }
