"""Family 4, melt: the charge less the melt loss is the cast alloy."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.model.variables import index_by_name


def add_melt_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add melt constraints (family 4): $(C_{at}+v_{at})(1-\lambda_a)=k_{at}$ (kg).

    Args:
        model: Model with charge, recharged scrap and castings declared.
        instance: Instance.
    """
    yielded = index_by_name(1 - instance.alloys.loss.value, instance.alloys.names)

    def rule(m: pyo.ConcreteModel, a: str, t: str) -> tuple[float, object, float]:
        """Define the mass cast by the charge and the recharged scrap."""
        parts = [table[a, t] for table in (m.charged_all, m.recharge) if (a, t) in table]
        return (0.0, m.cast[a, t] - pyo.quicksum([yielded[a] * part for part in parts]), 0.0)

    doc = "4. melt: charge less melt loss equals castings; dual: marginal value of a kilogram in the melt, money/kg"
    model.melt = pyo.Constraint(list(model.cast), rule=rule, doc=doc)
