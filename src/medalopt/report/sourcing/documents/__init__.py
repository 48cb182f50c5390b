"""Order documents of a plan: call-offs, toll-refining instructions and metal purchase orders, one for each party."""

from __future__ import annotations

from medalopt.plan.plan import Plan
from medalopt.report.sourcing.content import Cell, Column, Document, Table
from medalopt.report.sourcing.currency import amount
from medalopt.report.sourcing.documents import calloff, purchase, toll


def documents(plan: Plan) -> tuple[Document, ...]:
    """Build all order documents of a plan; their amounts and the internal items add up to the plan's cost.

    Args:
        plan: Plan to report.

    Returns:
        Call-offs, then toll-refining instructions, then purchase orders.
    """
    return (*calloff.documents(plan), *toll.documents(plan), *purchase.documents(plan))


def listed(plan: Plan, made: tuple[Document, ...]) -> Table:
    """Tabulate the orders with their amounts, and whether each can be signed.

    Args:
        plan: Plan to report, for its currency.
        made: Orders of the plan.

    Returns:
        The table `orders`.
    """
    columns = (
        Column("document", "Number"),
        Column("kind", "Document"),
        Column("party", "Party"),
        Column("quantity", "Quantity"),
        amount("amount", "Amount", plan.instance.currency),
        Column("state", "State"),
    )
    rows = tuple(_row(document) for document in made)
    says = "Every document that this plan needs. A draft is no order: what its party lacks stands on it."
    return Table("orders", "Documents to sign", says, columns, rows)


def _row(document: Document) -> tuple[Cell, ...]:
    at = next(place for place, column in enumerate(document.lines.columns) if column.key == "amount")
    money = sum(float(row[at] or 0.0) for row in document.lines.rows)
    quantity = dict(document.terms)["Quantity"].partition(" of ")[0].removesuffix(" in all")
    state = f"draft: {len(document.missing)} missing" if document.missing else "complete"
    return (document.number, document.kind, document.party[0][1], quantity, money, state)
