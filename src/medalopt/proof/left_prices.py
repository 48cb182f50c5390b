"""Dual values of the limits on metal left with the smelters, and the worth of credited metal that follows."""

from __future__ import annotations

import numpy as np

from medalopt.instance.arithmetic import Numbers, make_zeros
from medalopt.instance.arrays import Ints
from medalopt.instance.instance import Instance
from medalopt.instance.left_metal import may_leave, shift_to_shipment
from medalopt.instance.routes import Routes
from medalopt.proof.prices import Prices


def list_left_prices(instance: Instance, routes: Routes, y: Prices) -> Numbers:
    """Return the dual values of the limits on metal left with the smelters.

    Args:
        instance: Instance.
        routes: Admissible routes (J).
        y: Dual values of the linking constraints.

    Returns:
        Objective per kilogram by line of terms, metal and period of credit (L, E, T); 0 where there is no limit.
    """
    return np.where(may_leave(instance, routes), y.left_most, 0)


def value_credited_metal(instance: Instance, routes: Routes, y: Prices, route: Ints, metal: int, back: Ints) -> Numbers:
    """Return the value of a kilogram of metal that a smelter credits, called back or left with it.

    Args:
        instance: Instance.
        routes: Admissible routes (J).
        y: Dual values of the linking constraints.
        route (N,): Index of routes to a smelter.
        metal: Index of the metal.
        back (N, ...): Period in which the metal is credited; the last one for all later ones.

    Returns:
        Objective per kilogram, of the shape of `back`.
    """
    at = np.minimum(back, len(instance.periods) - 1)
    saved = -y.balance[metal][at]
    if not instance.metals.surplus_to_smelter[metal]:
        return saved
    line = routes.line[route].reshape(-1, *[1] * (at.ndim - 1))
    return saved - list_left_prices(instance, routes, y)[line, metal, at]


def price_left_metal_of_routes(instance: Instance, routes: Routes, y: Prices, route: Ints) -> Numbers:
    """Return the share of the limits on metal left in the reduced cost of routes to a smelter.

    Args:
        instance: Instance.
        routes: Admissible routes (J).
        y: Dual values of the linking constraints.
        route (N,): Index of the routes.

    Returns:
        Objective per tonne by period of shipment (N, T).
    """
    worth = shift_to_shipment(instance, list_left_prices(instance, routes, y))[routes.line[route]]  # (N, E, T)
    total = make_zeros((len(route), worth.shape[2]), y.balance)
    for metal in np.flatnonzero(instance.metals.surplus_to_smelter).tolist():
        total = total + routes.returned[route, metal][:, None] * worth[:, metal]
    return total
