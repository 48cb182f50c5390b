"""Family 18, safety stock: the metal charged in the periods to come is in stock at the end of each period."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.instance import Instance


def add_reserve_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add the safety stock (family 18): $z_{et}\ge\sum_{t'=t+1}^{t+r_e}\sum_aw_{aet'}$, within the horizon (kg).

    Args:
        model: Model with stock and metal charged declared.
        instance: Instance.
    """
    periods, metals = instance.periods, instance.metals
    ahead = {e: r for e, r in zip(metals.names, metals.reserve.tolist(), strict=True) if r}
    charged: dict[tuple[str, str], list[object]] = {}
    for (_, e, t), quantity in model.charge.items():
        if e in ahead:
            charged.setdefault((e, t), []).append(quantity)
    place = {t: number for number, t in enumerate(periods)}
    keys = [(e, t) for e, t in charged if t != periods[-1]]
    if not keys:
        return

    def rule(m: pyo.ConcreteModel, e: str, t: str) -> tuple[float, object, None]:
        """Keep the metal of the coming periods in stock."""
        coming = periods[place[t] + 1 : place[t] + 1 + ahead[e]]
        return (0.0, m.stock[e, t] - pyo.quicksum([w for u in coming for w in charged[e, u]]), None)

    doc = "18. safety stock; dual: what a kilogram more in stock at the end of this period costs, money/kg"
    model.reserve = pyo.Constraint(sorted(keys, key=lambda key: (key[0], place[key[1]])), rule=rule, doc=doc)
