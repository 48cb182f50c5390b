"""Metal purchase orders: kilograms of an offer by period and alloy, at its price."""

from __future__ import annotations

import numpy as np

from medalopt.analysis.sourcing.payments import ORDER
from medalopt.instance.instance import Instance
from medalopt.instance.needs import is_stocked
from medalopt.plan.plan import Plan
from medalopt.report.numbers import amount_decimals, exact_share
from medalopt.report.plants import period_word
from medalopt.report.sourcing.content import Cell, Column, Document, Table, with_amount_digits, with_exact_digits
from medalopt.report.sourcing.currency import amount, places, rate
from medalopt.report.sourcing.documents.form import KILOGRAM, TOLERANCE, document, window

_SAYS = "Metal or scrap to deliver, and the alloy that it is charged to."
_INTO_STOCK = "(into stock)"


def documents(plan: Plan) -> tuple[Document, ...]:
    """Return the purchase order of every offer with purchases."""
    instance, account = plan.instance, plan.account
    bought, into_stock = account.decisions.bought, is_stocked(plan.instance)
    made: list[Document] = []
    for offer in range(len(instance.market.names)):
        if into_stock[offer]:
            period = np.flatnonzero(account.purchases[offer])
            rows = tuple(_row(instance, offer, t, None, float(account.purchases[offer, t])) for t in period.tolist())
        else:
            period, alloy = np.nonzero(bought[offer].T)
            places_of = zip(period.tolist(), alloy.tolist(), strict=True)
            rows = tuple(_row(instance, offer, t, a, float(bought[offer, a, t])) for t, a in places_of)
        if rows:
            columns = with_exact_digits(_columns(instance), rows, ("price_per_kg",))
            columns = with_amount_digits(columns, rows, ("bought_kg",))
            lines = Table("purchase_lines", "What is bought", _SAYS, columns, rows)
            kilograms = float(account.bought[offer])
            made.append(_document(instance, f"P{len(made) + 1:02d}", offer, period.tolist(), lines, kilograms))
    return tuple(made)


def _document(
    instance: Instance, number: str, offer: int, periods: list[int], lines: Table, kilograms: float
) -> Document:
    currency, market = instance.currency, instance.market
    money = sum(float(row[4]) for row in lines.rows if isinstance(row[4], float))
    held = zip(instance.metals.titles, market.composition.value[offer].tolist(), strict=True)
    goods = ", ".join(f"{title} {exact_share(part)}" for title, part in held if part)
    terms = (
        ("Goods", f"{market.names[offer]}: {goods}; recycled {exact_share(float(market.recycled.value[offer]))}"),
        ("Quantity", f"{kilograms:,.{amount_decimals([kilograms])}f} kg in all"),
        ("Quantity tolerance", TOLERANCE),
        ("Delivery window", window(instance, periods)),
        ("Price basis", f"{currency} per kilogram, as each line says"),
        ("Amount", f"{money:,.{places(currency)}f} {currency}".replace("-", "−")),
    )
    return document(instance, ORDER, number, ("Offer", market.names[offer]), terms, lines, ())


def _columns(instance: Instance) -> tuple[Column, ...]:
    return (
        Column("period", period_word(instance).capitalize()),
        Column("alloy", "For alloy"),
        Column("bought_kg", "Kilograms", "kg", 3, total=True),
        rate("price_per_kg", "Price", instance.currency, "kg"),
        amount("amount", "Amount", instance.currency),
        Column("unit_code", "Unit code", hidden=True),
    )


def _row(instance: Instance, offer: int, period: int, alloy: int | None, kilograms: float) -> tuple[Cell, ...]:
    price = float(instance.market.price.value[offer, period])
    names = (instance.periods[period], _INTO_STOCK if alloy is None else instance.alloys.names[alloy])
    return (*names, kilograms, price, kilograms * price, KILOGRAM)
