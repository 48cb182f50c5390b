"""A rule that tiny cannot keep: 22 t must be sent from somewhere, and it allows 3."""

from __future__ import annotations

import pyomo.environ as pyo


def extend(model: pyo.ConcreteModel, instance: object) -> None:
    """Allow 3 t in all."""
    model.few = pyo.Constraint(expr=sum(model.sent_stream.values()) <= 3)
