"""Family 3, metal balance: what comes back is stocked, charged, sold or left over."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.model.tables import by_name


def balance(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""3. metal balance: $z_{et}=z_{e,t-1}+R_{et}-\sum_aw_{aet}-g_{et}$, with $z_{e0}=S_{e0}$."""
    before = dict(zip(instance.periods[1:], instance.periods, strict=False))
    opening = by_name(instance.metals.opening_stock.value, instance.metals.names)
    returned: dict[tuple[str, str], list[object]] = {}
    for (_, e, t), quantity in model.returned.items():
        returned.setdefault((e, t), []).append(quantity)
    charged: dict[tuple[str, str], list[object]] = {}
    for (_, e, t), quantity in model.charge.items():
        charged.setdefault((e, t), []).append(quantity)

    def rule(m: pyo.ConcreteModel, e: str, t: str) -> tuple[float, object, float]:
        gone = pyo.quicksum([m.stock[e, t], m.surplus[e, t], *charged.get((e, t), [])])
        come = returned.get((e, t), []) + ([m.stock[e, before[t]]] if t in before else [])
        start = 0.0 if t in before else opening[e]
        return (start, gone - pyo.quicksum(come) if come else gone, start)

    doc = "3. metal balance; dual: what a kilogram more on the account in this period saves (negative), money/kg"
    model.balance = pyo.Constraint(list(model.stock), rule=rule, doc=doc)
