"""Family 11, footprint: the cap on emissions of network and purchases together (kg CO2e)."""

from __future__ import annotations

import math

import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.model.balance import collect_purchases
from medalopt.model.variables import index_by_name


def declare_footprint(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Declare the footprint of a plan, $\Phi+\sum_o\phi_ob_o$, as the expression `footprint` (kg CO2e).

    Args:
        model: Model with `network_footprint` and purchases declared.
        instance: Instance.
    """
    each = index_by_name(instance.market.footprint.value, instance.market.names)
    bought = [each[o] * one for (o, _), quantities in collect_purchases(model).items() if each[o] for one in quantities]
    model.footprint = pyo.Expression(
        expr=pyo.quicksum([model.network_footprint, *bought]), doc="footprint of the plan, kg CO2e"
    )


def add_footprint_cap(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add the footprint cap (family 11): $\Phi+\sum_o\phi_ob_o\le$ cap (kg CO2e); nothing if the cap is infinite.

    Args:
        model: Model with `footprint` declared.
        instance: Instance.
    """
    cap = float(instance.policy.footprint_cap.value)
    if math.isfinite(cap):
        doc = "11. footprint; dual: shadow price of the cap, <= 0, money/kg CO2e"
        model.footprint_cap = pyo.Constraint(rule=lambda m: (None, m.footprint, cap), doc=doc)
