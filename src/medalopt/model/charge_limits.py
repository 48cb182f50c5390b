"""Family 23, limits on groups of offers that are charged to an alloy together in a period."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.demand import find_charge_limits, may_buy
from medalopt.instance.instance import Instance
from medalopt.model.variables import index_by_name, select_names


def add_charge_limits(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add limits on groups of offers charged (family 23): $\sum_{o\in O_{aq}}b_{oat}\le\overline b_{aqt}$ (kg).

    Args:
        model: Model with the offers charged declared.
        instance: Instance; constraints are added where a limit is given and the alloy admits one of the offers.
    """
    limits, alloys, offers = instance.charge_limits, instance.alloys.names, instance.market.names
    if not limits.names:
        return
    most = index_by_name(limits.most.value, alloys, limits.names, instance.periods)
    members: dict[tuple[str, str], list[str]] = {}
    for a, n, o in select_names(limits.offers & may_buy(instance).T[:, None, :], alloys, limits.names, offers):
        members.setdefault((a, n), []).append(o)
    model.charge_limit = pyo.Constraint(
        select_names(find_charge_limits(instance), alloys, limits.names, instance.periods),
        rule=lambda m, a, n, t: (None, pyo.quicksum([m.buy[o, a, t] for o in members[a, n]]), most[a, n, t]),
        doc="23. limit on offers charged; dual: what a kilogram more of them saves (negative), money/kg",
    )
