"""Family 16, promised confidence: cuts of the chance constraints of metals and deadlines."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.model.variables import index_by_name, list_cut_keys


def add_confidence_cuts(model: pyo.ConcreteModel, instance: Instance, routes: Routes) -> None:
    r"""Add the cuts of the promised confidence (family 16): $Y_n-\sum_{a,t'\le t}w_{aet'}\ge-S_e$ (kg).

    $Y_n=\bar R_{et}-z_\alpha u_n^\top L^\top Dg_{et}$ is the metal returned by the deadline, less its deviation along
    the direction $u_n$ of the cut.

    Args:
        model: Model with assured metal and metal charged declared.
        instance: Instance.
        routes: Admissible routes, with the cuts.
    """
    if not routes.cuts:
        return
    opening = index_by_name(instance.metals.opening_stock.value, instance.metals.names)
    place = {period: number for number, period in enumerate(instance.periods)}
    charged: dict[str, list[tuple[int, object]]] = {}
    for (_, e, t), quantity in model.charge.items():
        charged.setdefault(e, []).append((place[t], quantity))

    def rule(m: pyo.ConcreteModel, e: str, t: str, n: str) -> tuple[float, object, None]:
        """Bound the metal charged up to a deadline by the assured metal of one cut.

        Returns:
            Lower bound, body and upper bound, kg.
        """
        gone = [quantity for period, quantity in charged.get(e, []) if period <= place[t]]
        return (-opening[e], m.assured[e, t, n] - pyo.quicksum(gone), None)

    doc = "16. promised confidence; dual: what a kilogram less of it assured saves, money/kg"
    model.confidence = pyo.Constraint(list(list_cut_keys(instance, routes)), rule=rule, doc=doc)
