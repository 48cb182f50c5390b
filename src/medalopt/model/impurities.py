"""Family 19, impurity limits: mean content of a metal or impurity in all feed of a smelter in a period."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.impurities import has_limit
from medalopt.instance.instance import Instance
from medalopt.model.variables import index_by_name, select_names


def add_impurity_limits(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add limits on the mean content of feed (family 19): $S_{kxt}\le\overline a_{kx}F_{kt}$ (kg).

    Args:
        model: Model with feed and impurities in feed declared.
        instance: Instance; constraints are added where a limit is given.
    """
    smelters, elements = instance.smelters.names, instance.impurities.names
    limited = select_names(has_limit(instance), smelters, elements)
    most = index_by_name(instance.impurities.limit.value, smelters, elements)
    model.impurity_limit = pyo.Constraint(
        [(k, x, t) for k, x in limited for t in instance.periods],
        rule=lambda m, k, x, t: (None, m.impurity[k, x, t] - most[k, x] * m.feed[k, t], 0.0),
        doc="19. impurity limit; dual: what a kilogram more of it in the feed saves (negative), money/kg",
    )
