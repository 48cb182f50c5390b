"""Family 2, capacity: smelter feed (t), treatment input (t) and casting at the mint (kg), per period."""

from __future__ import annotations

import numpy as np
import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.model.variables import index_by_name, select_names


def add_capacity_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add capacity constraints (family 2): $F_{kt}\le u_{kt}$; $G_{ht}\le v_{ht}$; $k_{at}\le\overline k_{at}$.

    Args:
        model: Model with feed, treated tonnage and castings declared.
        instance: Instance; a constraint is added per finite capacity only.
    """
    dual_doc = "dual: shadow price of capacity in this period, <= 0, money/{}"
    for name, quantity, axis, limit, unit in (
        ("feed_capacity", model.feed, instance.smelters.names, instance.smelters.capacity, "tonne"),
        ("treatment_capacity", model.treated, instance.treatments.names, instance.treatments.capacity, "tonne"),
        ("cast_capacity", model.cast, instance.alloys.names, instance.alloys.capacity, "kilogram"),
    ):
        greatest = index_by_name(limit.value, axis, instance.periods)
        given = select_names(np.isfinite(limit.value), axis, instance.periods)
        rows = pyo.Constraint(
            [key for key in given if key in quantity],
            rule=lambda m, *key, quantity=quantity, maximum=greatest: (None, quantity[key], maximum[key]),
            doc="2. capacity; " + dual_doc.format({"tonne": "t", "kilogram": "kg"}[unit]),
        )
        model.add_component(name, rows)
