"""Family 11, footprint: the cap on what network and purchases emit together."""

from __future__ import annotations

import math

import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.model.balance import purchases
from medalopt.model.tables import by_name


def declare(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""The footprint of a plan, $\Phi+\sum_o\phi_ob_o$, as the expression `footprint`."""
    each = by_name(instance.market.footprint.value, instance.market.names)
    bought = [each[o] * one for (o, _), quantities in purchases(model).items() if each[o] for one in quantities]
    model.footprint = pyo.Expression(
        expr=pyo.quicksum([model.network_footprint, *bought]), doc="footprint of the plan, kg CO2e"
    )


def footprint(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""11. footprint: $\Phi+\sum_o\phi_ob_o\le$ cap."""
    cap = float(instance.policy.footprint_cap.value)
    if math.isfinite(cap):
        doc = "11. footprint; dual: what a kilogram of CO2e more allowed saves (negative), money/kg"
        model.footprint_cap = pyo.Constraint(rule=lambda m: (None, m.footprint, cap), doc=doc)
