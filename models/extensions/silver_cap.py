r"""No smelter returns more than 60 % of the silver.

$$\sum_tR_{k,\mathrm{Ag},t}\le0.6\sum_{k't}R_{k',\mathrm{Ag},t}\qquad\text{for every smelter }k$$

Unit of both sides: kg of silver on the account within the horizon. A plan in which no silver returns satisfies it.
Where one smelter alone can return silver, none may: all silver then comes from stock and market.

    medalopt solve INSTANCE --extend models/extensions/silver_cap.py
"""

import pyomo.environ as pyo

from medalopt import Instance

METAL = "Ag"
GREATEST_SHARE = 0.60


def extend(model: pyo.ConcreteModel, instance: Instance) -> None:
    """Add `silver_cap[k]`; its dual is what one kg more of silver from that smelter would change the objective by."""
    from_smelter = {}
    for k, e, t in model.returned:
        if e == METAL:
            from_smelter.setdefault(k, []).append(model.returned[k, e, t])
    in_all = sum(part for parts in from_smelter.values() for part in parts)

    def rule(_: pyo.ConcreteModel, k: str) -> tuple[None, object, float]:
        return (None, sum(from_smelter[k]) - GREATEST_SHARE * in_all, 0.0)

    model.silver_cap = pyo.Constraint(list(from_smelter), rule=rule)
