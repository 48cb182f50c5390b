"""Exposure to metal prices: kilograms bought and sold by metal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medalopt.plan.plan import Plan
from medalopt.report.sourcing.content import Cell, Column, Table
from medalopt.report.sourcing.currency import amount

_SAYS = (
    "What depends on the prices of metals: kilograms bought, as metal or in scrap, and kilograms left over that are "
    "sold. All else that goes into the medals comes from devices, at charges that do not follow the market."
)
_TENTH = "If all prices of the metal rise by 10 %, the plan costs so much more (a negative amount: less), as it stands."
_UNNAMED = "other matter"
PART = 0.1


def tables(plan: Plan) -> tuple[Table, ...]:
    """Tabulate the price exposure by metal.

    Args:
        plan: Plan to report.

    Returns:
        The table `exposure`, without rows where nothing is bought or sold.
    """
    columns = (
        Column("metal", "Metal"),
        Column("bought_kg", "Bought", "kg", 3),
        Column("sold_kg", "Sold", "kg", 3),
        Column("exposed_kg", "Exposed: bought less sold", "kg", 3),
        amount("paid", "Paid", plan.instance.currency),
        amount("earned", "Earned", plan.instance.currency),
        amount("tenth", "If prices rise by 10 %", plan.instance.currency),
    )
    return (Table("exposure", "Exposure to metal prices", _SAYS, columns, tuple(_rows(plan)), (_TENTH,)),)


def _rows(plan: Plan) -> Iterator[tuple[Cell, ...]]:
    """Yield a row for each metal; the price of an offer is allocated to its metals by mass."""
    instance, made = plan.instance, plan.account.decisions
    market, bought = instance.market, plan.account.purchases  # (O, T), kg
    held = market.composition.value
    each = np.concatenate([held, 1 - held.sum(axis=1, keepdims=True)], axis=1)  # (O, E + 1)
    kilograms = each.T @ bought.sum(axis=1)
    paid = each.T @ (market.price.value * bought).sum(axis=1)
    sold = np.where(instance.metals.sell.value > 0, made.surplus, 0.0)
    earned = (instance.metals.sell.value * sold).sum(axis=1)
    least = 1e-9 * max(1.0, float(kilograms.sum()))
    for e, title in enumerate((*instance.metals.titles, _UNNAMED)):
        out = float(sold[e].sum()) if e < len(sold) else 0.0
        money = float(earned[e]) if e < len(sold) else 0.0
        into, spent = float(kilograms[e]), float(paid[e])
        if into > least or out > least:
            yield (title, into, out, into - out, spent, money, PART * (spent - money))
