"""Rows on every linking quantity of tiny that a price may stand on."""

from __future__ import annotations

import pyomo.environ as pyo


def extend(model: pyo.ConcreteModel, instance: object) -> None:
    """Ask for a little more from everywhere than the best plan takes."""
    model.more = pyo.ConstraintList()
    model.more.add(expr=sum(model.bought.values()) >= 1)
    model.objective.expr += 0.5 * model.network_footprint + sum(model.treated.values()) + sum(model.feed.values())
    model.objective.expr += sum(model.bought.values()) + 0.5 * sum(model.returned.values())
