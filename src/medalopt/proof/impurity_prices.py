"""Reduced costs of routes due to impurity limits."""

from __future__ import annotations

import numpy as np

from medalopt.instance.arithmetic import Numbers, make_zeros, zero_where_infinite
from medalopt.instance.arrays import Ints
from medalopt.instance.impurities import has_limit
from medalopt.instance.instance import Instance
from medalopt.instance.routes import NumberReader, Routes
from medalopt.proof.prices import Prices


def price_impurities(instance: Instance, routes: Routes, y: Prices, route: Ints, read: NumberReader) -> Numbers:
    """Price the impurities on routes to a smelter: the duals of the limits times the content above them.

    Args:
        instance: Instance.
        routes: Admissible routes (J).
        y: Dual values of the linking constraints.
        route (N,): Index of each route.
        read: Reads parameters in the arithmetic of the bound.

    Returns:
        Objective per tonne of devices (N, T): at most 0 where the feed is above the limit.
    """
    limited = has_limit(instance)
    total = make_zeros((len(route), len(instance.periods)), y.balance)
    most, smelter = zero_where_infinite(read(instance.impurities.limit)), routes.smelter[route]
    for x in np.flatnonzero(limited.any(axis=0)).tolist():
        over = routes.impurity[route, x] - most[smelter, x] * routes.to_smelter[route]
        total = total + over[:, None] * y.impurity_limit[smelter, x]
    return total
