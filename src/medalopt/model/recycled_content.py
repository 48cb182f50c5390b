"""Family 8, recycled content: a lower bound on the recycled share of each metal charged."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.model.variables import index_by_name


def add_recycled_content_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add recycled content constraints (family 8).

    $\sum_{oat}(1-\varphi_o)b_{oe}b_{oat}\le(1-\kappa_e)\sum_{at}C_{aet}$ (kg).
    Metal from stock, opening stock included, counts as recycled.

    Args:
        model: Model with charge and purchases declared.
        instance: Instance.
    """
    market, metals = instance.market, instance.metals.names
    content = index_by_name(market.composition.value, market.names, metals)
    mined = index_by_name(1 - market.recycled.value, market.names)
    floor = index_by_name(instance.policy.recycled.value, metals)
    charged: dict[str, list[object]] = {}
    for (_, e, _), quantity in model.charged.items():
        charged.setdefault(e, []).append(quantity)

    def rule(m: pyo.ConcreteModel, e: str) -> tuple[None, object, float]:
        """Bound the mined metal charged over the horizon."""
        new = pyo.quicksum(
            [mined[o] * content[o, e] * b for (o, _, _), b in m.buy.items() if mined[o] * content[o, e]],
        )
        return (None, new - (1 - floor[e]) * pyo.quicksum(charged[e]), 0.0)

    doc = "8. recycled content; dual: shadow price of primary metal allowed, <= 0, money/kg"
    model.recycled = pyo.Constraint([e for e in metals if floor[e] > 0 and e in charged], rule=rule, doc=doc)
