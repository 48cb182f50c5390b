"""Shipments of a large instance among which branch and bound plans lots: those cheapest at the duals of the relaxation.

Branch and bound over all shipments of a nation takes gigabytes. Column generation has priced every one of them, so the
program in lots is restricted to those with the least reduced costs; the bound still holds for all of them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.routes import fold_prices, has_supply
from medalopt.model.network import NetworkSelection, find_indices, select_network
from medalopt.proof.bound import BoundContext, ObjectiveWeights, price_routes, price_supply
from medalopt.proof.prices import Duals, build_prices

MAX_LOT_SHIPMENTS = 20_000  # greatest number of shipments in a program with lots


def select_lot_columns(relaxed: PlanAccount, duals: Duals, objective: str) -> NetworkSelection | None:
    """Select the columns of the network for a program in lots.

    Args:
        relaxed: Optimal plan of the relaxation, without lots and with charges pro rata.
        duals: Its dual values.
        objective: `cost`, `footprint` or `mass`.

    Returns:
        The shipments of the relaxation and those with the least reduced costs, with all stockpiles and bundles; None
        where all columns are few enough.
    """
    instance, routes = relaxed.instance, relaxed.routes
    possible = has_supply(instance)[routes.stream]
    if possible.sum() <= MAX_LOT_SHIPMENTS or instance.whole is not None:
        return None
    reduced = np.where(possible, _compute_reduced_costs(relaxed, duals, objective), np.inf)
    most = np.partition(reduced, MAX_LOT_SHIPMENTS, axis=None)[MAX_LOT_SHIPMENTS]
    kept = possible & ((reduced < most) | (np.asarray(relaxed.decisions.sent) > 0))
    streams = instance.streams
    rows = np.zeros((len(streams.names), len(instance.periods)), dtype=np.bool_)
    rows |= (streams.storable | (streams.bundle >= 0))[:, None]
    route, period = find_indices(kept)
    rows[routes.stream[route], period] = True
    whole = select_network(instance, routes, np.ones(len(streams.names), dtype=np.bool_))
    stream, when = whole.supplied
    own = rows[stream, when]
    return replace(whole, shipped=(route, period), supplied=(stream[own], when[own]))


def _compute_reduced_costs(relaxed: PlanAccount, duals: Duals, objective: str) -> Floats:
    """Return the reduced cost of each shipment, (J, T); of a branch, that of devices with this branch."""
    instance, routes = relaxed.instance, relaxed.routes
    y, weights = build_prices(instance, duals), ObjectiveWeights.from_objective(objective)
    context = BoundContext(instance, routes, compute_bounds(instance, routes))
    own = np.asarray(price_supply(context, y, weights))
    own = np.where(np.isfinite(own), own, 0.0)
    price = np.asarray(price_routes(instance, routes, y, weights), dtype=np.float64)
    taking, folded = fold_prices(routes, price)
    reduced = price.copy()
    reduced[taking] = np.asarray(folded) - own[routes.stream[taking]]
    branches, groups = routes.branches, routes.fraction_groups
    if len(branches):
        least = np.full((len(groups.parent), price.shape[1]), np.inf)
        np.minimum.at(least, groups.group[branches], price[branches])
        of = groups.group[branches]
        reduced[branches] = price[branches] - least[of] + reduced[groups.parent[of]]
    return reduced
