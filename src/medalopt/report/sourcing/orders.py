"""What is bought: kilograms of each offer by period, and what they cost."""

from __future__ import annotations

from medalopt.plan.plan import Plan
from medalopt.report.plants import period_word
from medalopt.report.sourcing.content import Column, Table

_SAYS = "Metal and scrap that is bought and charged to the melts."


def tables(plan: Plan) -> tuple[Table, ...]:
    """Return what is bought, a row for each offer, alloy and period."""
    bought = plan.tables["purchases"]
    columns = (
        Column("offer", "Offer"),
        Column("alloy", "For alloy"),
        Column("period", period_word(plan.instance).capitalize()),
        Column("bought_kg", "Bought", "kg", 3, total=True),
        Column("cost", "Cost", plan.instance.currency, 0, total=True),
    )
    rows = tuple(zip(*(bought[name] for name in ("offer", "alloy", "period", "kg", "cost")), strict=True))
    return (Table("bought", "Metal bought", _SAYS, columns, rows),)
