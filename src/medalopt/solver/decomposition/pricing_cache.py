"""Pricing cache: the cells (a stream in a period) that must be priced again after the duals changed.

A cell keeps its solution while the accumulated change of its routes' reduced costs is below its margin: the distance of
the best reduced cost from 0, and half the distance between the best and the second best. In late iterations nearly all
cells keep theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.solver.decomposition.aggregate import sum_linking_quantities
from medalopt.solver.decomposition.participation import ParticipationNeeds
from medalopt.solver.decomposition.pricing import RoutePricing, select_weights
from medalopt.solver.decomposition.subproblems import StreamClasses, SubproblemSolution, solve_subproblems

REPRICED_SHARE = 0.25  # share of all cells up to which only the cells concerned are priced
PRICE_ROUNDING = 1e-13  # relative rounding allowance on each price change


@dataclass(frozen=True, eq=False)
class PricingCache:
    """Subproblem solution at prices `weights`; reduced costs of cells with a margin left may be older."""

    weights: Floats
    best: Floats  # (I, T) reduced cost on the best route when last priced
    margin: Floats  # (I, T) change of reduced costs that a cell still tolerates
    solution: SubproblemSolution
    reduced_costs: Floats  # (blocks, linking)


def update_pricing_cache(
    pricing: RoutePricing,
    classes: StreamClasses,
    needs: ParticipationNeeds,
    block: tuple[Ints, int],
    weights: Floats,
    before: PricingCache | None = None,
) -> PricingCache:
    """Solve the subproblems at new prices, pricing again only cells whose solution may change.

    Args:
        pricing: Routes by kind.
        classes: Classes of streams.
        needs: Participation minima.
        block: Block of each cell, (I, T), and number of blocks.
        weights (linking,): Prices of the linking variables.
        before: Cache of the previous prices.

    Returns:
        The cache at the new prices.
    """
    streams = pricing.instance.streams
    if before is not None:
        moved = _bound_route_values(pricing, weights - before.weights) + PRICE_ROUNDING * _bound_route_values(
            pricing, weights
        )
        margin = before.margin - moved[:, streams.device].T
        due = margin <= 0
        if due.mean() <= REPRICED_SHARE:
            period, stream = np.nonzero(due.T)
            best, by = before.best.copy(order="K"), before.solution.by.copy(order="K")
            second, cells = before.solution.second.copy(order="K"), (stream, period)
            best[cells], by[cells], second[cells] = pricing.find_best_of(weights, stream, period)
            margin[cells] = _stability_margins(classes, stream, needs.cells[cells], best[cells], second[cells])
            solution = solve_subproblems(pricing.instance, pricing, classes, needs, weights, (best, by, second))
            return PricingCache(weights, best, margin, solution, _update_quantities(pricing, block, solution, before))
    best, by, second = pricing.find_best(weights)
    margin = _stability_margins(classes, np.arange(len(best))[:, None], needs.cells, best, second)
    solution = solve_subproblems(pricing.instance, pricing, classes, needs, weights, (best, by, second))
    return PricingCache(weights, best, margin, solution, sum_linking_quantities(pricing, solution, *block))


def _bound_route_values(pricing: RoutePricing, weights: Floats) -> Floats:
    """Return an upper bound of the magnitude of a tonne's price on any route of each device type, (T, D)."""
    places = pricing.linking
    device = pricing.instance.streams.device[pricing.routes.stream[pricing.typical[pricing.members[:, 0]]]]
    maximum = np.zeros((len(pricing.instance.periods), len(pricing.instance.devices.names)))
    np.maximum.at(
        maximum.T, device, np.abs(pricing.price_metal(weights) + select_weights(weights, places.device)[device]).T
    )
    dearest, dirtiest = pricing.largest_costs
    maximum += np.abs(weights[places.spend])[:, None] * dearest + abs(weights[places.footprint]) * dirtiest
    return maximum + sum(
        np.abs(select_weights(weights, each)).max(initial=0.0) for each in (places.region, places.stream)
    )


def _stability_margins(classes: StreamClasses, stream: Ints, needed: Bools, best: Floats, second: Floats) -> Floats:
    """Return the change of reduced costs that cells tolerate; negative for cells that are not solved by themselves."""
    with np.errstate(invalid="ignore"):
        other = second - best
    other *= 0.5
    np.fmin(other, np.abs(best), out=other)  # without a route the cell never changes; fmin ignores NaN
    np.copyto(other, -1.0, where=needed | ~classes.alone[stream])
    np.copyto(other, np.inf, where=classes.is_explicit[stream])
    return other


def _update_quantities(
    pricing: RoutePricing, block: tuple[Ints, int], solution: SubproblemSolution, before: PricingCache
) -> Floats:
    """Return the linking amounts by block, updated for the changed cells only where these are few."""
    old = before.solution
    other = (
        (solution.sent != old.sent) | (solution.stocks != old.stocks) | ((solution.by != old.by) & (solution.sent > 0))
    )
    if other.mean() > REPRICED_SHARE:
        return sum_linking_quantities(pricing, solution, *block)
    return before.reduced_costs + sum_linking_quantities(pricing, solution, *block, old, other)
