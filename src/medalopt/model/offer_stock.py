"""Family 22, stock of offers: the storage limit of each period, and the closing stock."""

from __future__ import annotations

import math

import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.model.variables import index_by_name


def add_offer_stock_limits(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add limits on the stock of offers (family 22): $z_{ot}\le L_{ot}$ and $z_{on}\ge E_o$ (kg).

    Args:
        model: Model with `offer_stock` declared, where some offer is bought into stock.
        instance: Instance.
    """
    market, stock = instance.market, model.component("offer_stock")
    if stock is None:
        return
    most = index_by_name(market.storage_limit.value, market.names, instance.periods)
    least = index_by_name(market.closing_stock.value, market.names)
    model.offer_storage = pyo.Constraint(
        [key for key in stock if math.isfinite(most[key])],
        rule=lambda m, o, t: (None, m.offer_stock[o, t], most[o, t]),
        doc="22. storage limit of an offer; dual: what a kilogram more of storage saves (negative), money/kg",
    )
    model.closing_stock = pyo.Constraint(
        [o for o, t in stock if t == instance.periods[-1] and least[o] > 0],
        rule=lambda m, o: (least[o], m.offer_stock[o, instance.periods[-1]], None),
        doc="22. closing stock of an offer; dual: what a kilogram more in stock at the end costs, money/kg",
    )
