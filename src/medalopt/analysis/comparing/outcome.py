"""Summary of a plan, solved or saved, as quantities by part and item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medalopt.instance.written import Written
from medalopt.plan.plan import Plan
from medalopt.plan.rows import Rows
from medalopt.plan.saved_form import OPTIONAL, TABLES, SavedPlan

Key = tuple[str, str, str]  # part, item, unit
PARTS = ("totals", "cost", "streams", "treatments", "smelters", "purchases", "metals")


@dataclass(frozen=True, eq=False)
class Outcome:
    """One of the compared plans: its quantities (empty if there is no plan), and its source values if known."""

    name: str
    status: str  # optimal, feasible, infeasible or unanswered
    currency: str
    figures: Mapping[Key, float] = field(default_factory=dict)
    data: Written | None = None
    digest: str = ""  # SHA-256 of the instance's parameters
    saved: bool = False


def of_plan(name: str, plan: Plan, data: Written) -> Outcome:
    """Summarize a solved plan.

    Args:
        name: Name of the plan in the comparison.
        plan: Verified plan.
        data: Source values of its instance.

    Returns:
        The summary.
    """
    instance = plan.instance
    figures = _figures(plan.tables, {**plan.costs, "total": plan.cost}, plan.footprint, plan.tonnes, instance.currency)
    return Outcome(name, plan.status, instance.currency, figures, data, instance.figures)


def of_saved(name: str, plan: SavedPlan, currency: str, data: Written | None) -> Outcome:
    """Summarize a saved plan from its tables.

    Args:
        name: Name of the plan in the comparison.
        plan: Saved plan.
        currency: Currency of its costs.
        data: Source values of its instance; None if not known.

    Returns:
        The summary.
    """
    tables = {
        table: _columns(table, getattr(plan, table)) for table in ("shipments", "purchases", "offer_stock", "metals")
    }
    figures = _figures(tables, plan.cost, plan.footprint, plan.tonnes, currency)
    return Outcome(name, plan.status, currency, figures, data, plan.instance.figures, saved=True)


def _columns(table: str, rows: list[Any]) -> Rows:
    """Return the columns of a saved table."""
    return {column: [getattr(row, column) for row in rows] for column in {**TABLES, **OPTIONAL}[table].model_fields}


def _figures(
    tables: Mapping[str, Rows], cost: Mapping[str, float], footprint: float, tonnes: float, currency: str
) -> dict[Key, float]:
    """Return the quantities of a plan from its tables and totals."""
    found: dict[Key, float] = {
        ("totals", "cost", currency): cost["total"],
        ("totals", "devices taken", "t"): tonnes,
        ("totals", "footprint", "kg CO2e"): footprint,
    }
    found |= {("cost", kind, currency): value for kind, value in cost.items() if kind != "total"}
    sent, bought, metals = tables["shipments"], tables["purchases"], tables["metals"]
    for part, column in (("streams", "stream"), ("treatments", "treatment"), ("smelters", "smelter")):
        found |= _summed(part, "t", sent[column], sent["tonnes"])
    stocked = tables.get("offer_stock", {"offer": [], "bought": []})
    offers, kilograms = bought["offer"] + stocked["offer"], bought["kg"] + stocked["bought"]
    found |= _summed("purchases", "kg", offers, kilograms)
    for what, told in (("returned", "returned"), ("used", "used"), ("surplus", "left over")):
        items = [f"{metal}, {told}" for metal in metals["metal"]]
        found |= _summed("metals", "kg", items, metals[what])
    return found


def _summed(part: str, unit: str, items: Sequence[str | None], amounts: Sequence[float]) -> dict[Key, float]:
    """Sum amounts by item, in the order of the items' names."""
    found: dict[Key, float] = {}
    for item, amount in zip(items, amounts, strict=True):
        key = (part, "none" if item is None else item, unit)
        found[key] = found.get(key, 0.0) + amount
    return dict(sorted(found.items()))
