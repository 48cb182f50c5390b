"""Family 10, participation: every region sends at least a share of its supply."""

from __future__ import annotations

import numpy as np
import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.model.variables import index_by_name


def add_participation_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add participation constraints (family 10): $X_g\ge\psi\sum_{i:g(i)=g}\sum_ts_{it}$ (t).

    Supply of streams without a route is included in the right-hand side.

    Args:
        model: Model with `sent_region` declared.
        instance: Instance.
    """
    share = float(instance.policy.participation.value)
    offers = np.zeros(len(instance.regions))
    np.add.at(offers, instance.streams.region, instance.streams.available.value.sum(axis=1))
    offered = index_by_name(offers, instance.regions)
    model.participation = pyo.Constraint(
        [g for g in instance.regions if share * offered[g] > 0 and g in model.sent_region],
        rule=lambda m, g: (share * offered[g], m.sent_region[g], None),
        doc="10. participation; dual: shadow price of the required tonnes, >= 0, money/t",
    )
