"""Family 12, process scrap: a share of every casting becomes scrap and can be recharged after a lead time."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.demand import compute_scrap_rate
from medalopt.instance.instance import Instance
from medalopt.model.variables import index_by_name


def add_process_scrap_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add the scrap balance (family 12): $n_{at}=n_{a,t-1}+\omega_a\sigma_ak_{a,t-\mu_a}-v_{at}$, $n_{a0}=0$ (kg).

    Args:
        model: Model with `scrap`, `recharge` and `cast` declared.
        instance: Instance.
    """
    alloys, periods = instance.alloys.names, instance.periods
    rate = index_by_name(compute_scrap_rate(instance), alloys)
    lead = index_by_name(instance.alloys.scrap_lead, alloys)
    place = {t: number for number, t in enumerate(periods)}

    def rule(m: pyo.ConcreteModel, a: str, t: str) -> tuple[float, object, float]:
        """Balance the process scrap of one alloy in one period."""
        parts = [m.scrap[a, t], m.recharge[a, t]]
        if place[t] > 0:
            parts.append(-m.scrap[a, periods[place[t] - 1]])
        if place[t] >= lead[a]:
            parts.append(-rate[a] * m.cast[a, periods[place[t] - int(lead[a])]])
        return (0.0, pyo.quicksum(parts), 0.0)

    doc = "12. process scrap in hand; dual: change of cost per kilogram more, money/kg; negative: saving"
    model.process_scrap = pyo.Constraint(list(model.scrap), rule=rule, doc=doc)
