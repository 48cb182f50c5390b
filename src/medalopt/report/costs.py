"""Cost of a plan by kind."""

from __future__ import annotations

from medalopt.plan.plan import Plan
from medalopt.plan.rows import ROUNDING
from medalopt.proof.certificate import paid
from medalopt.report.numbers import column, scale, share
from medalopt.report.section import Column, Section, section

KINDS = {
    "supply": "paid to suppliers",
    "collection": "collection",
    "treatment": "treatment before the smelter",
    "transport": "transport to the smelter",
    "smelting": "treatment charges of smelters",
    "refining": "refining charges",
    "residue": "residues, what they cost or earn",
    "storage": "stockpiles of devices",
    "purchases": "metal and scrap bought",
    "holding": "metal and castings held in stock",
    "sales": "metal sold",
    "scrap": "process scrap left at the end",
}


def costs(plan: Plan) -> Section:
    """Return the table of cost by kind, in the instance's currency; revenue is negative.

    Args:
        plan: Solved plan.

    Returns:
        The table; kinds below rounding, relative to all payments, are left out.
    """
    all_paid = paid(plan.account, "cost")
    parts = {KINDS[kind]: value for kind, value in plan.costs.items() if abs(value) > ROUNDING * all_paid}
    amounts = [*parts.values(), plan.cost]
    size, word = scale(amounts)
    return section(
        "What it costs",
        [
            (Column("kind", right=False), [*parts, "in all"]),
            (Column(f"{word}{plan.instance.currency}"), column([amount / size for amount in amounts])),
            (Column("share", rank=1), [share(amount, plan.cost) if plan.cost > 0 else "" for amount in amounts]),
        ],
        total=True,
    )
