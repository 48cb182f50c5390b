r"""Each metal of the medals comes from at least two smelters: none returns more than 80 % of it.

That a second smelter is used at all needs whole numbers (used or not); that it returns a share worth the name
needs none, and protects better against the failure of the first. So the rule is linear:

$$\sum_tR_{ket}\le0.8\sum_{k't}R_{k'et}\qquad\text{for every smelter }k\text{ and every metal }e\text{ in an alloy}$$

Unit of both sides: kg on the account within the horizon. A metal that no device brings back is free of it; a metal that
one smelter alone can return may not come from devices at all.

    medalopt solve INSTANCE --extend models/extensions/two_sources.py
"""

import pyomo.environ as pyo

from medalopt import Instance

GREATEST_SHARE = 0.80


def extend(model: pyo.ConcreteModel, instance: Instance) -> None:
    """Add `two_sources[k, e]`; its dual is what one kg more from that smelter would change the objective by."""
    named = {
        e for e, is_named in zip(instance.metals.names, instance.alloys.named.any(axis=0), strict=True) if is_named
    }
    returned = {}
    for k, e, t in model.returned:
        if e in named:
            returned.setdefault((k, e), []).append(model.returned[k, e, t])
    in_all = {metal: sum(sum(parts) for (_, e), parts in returned.items() if e == metal) for metal in named}

    def rule(_: pyo.ConcreteModel, k: str, e: str) -> tuple[None, object, float]:
        return (None, sum(returned[k, e]) - GREATEST_SHARE * in_all[e], 0.0)

    model.two_sources = pyo.Constraint(list(returned), rule=rule)
