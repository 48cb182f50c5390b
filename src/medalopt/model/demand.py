"""Family 6, demand: the alloy of every medal is cast by the end of the period in which it is due."""

from __future__ import annotations

import numpy as np
import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.instance.needs import is_owed, owed
from medalopt.model.tables import by_name, where


def demand(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""6. demand: $\sum_{\tau\le t}(1-\sigma_a)k_{a\tau}\ge Q_{at}$, with equality in the last period.

    Where nothing more falls due, the row of the period before says it all and there is none.
    """
    alloys, periods = instance.alloys.names, instance.periods
    quantity = owed(instance)
    rises = np.diff(quantity, axis=1, prepend=0.0) > 0
    rises[is_owed(instance), -1] = True
    need = by_name(quantity, alloys, periods)
    kept = by_name(1 - instance.alloys.scrap_share.value, alloys)
    place = {t: number for number, t in enumerate(periods)}

    def rule(m: pyo.ConcreteModel, a: str, t: str) -> tuple[float, object, float | None]:
        made = pyo.quicksum([kept[a] * m.cast[a, tau] for tau in periods[: place[t] + 1]])
        return (need[a, t], made, need[a, t] if t == periods[-1] else None)

    doc = "6. demand; dual: what a kilogram more of this alloy, owed by the end of this period, costs, money/kg"
    model.demand = pyo.Constraint(where(rises, alloys, periods), rule=rule, doc=doc)
