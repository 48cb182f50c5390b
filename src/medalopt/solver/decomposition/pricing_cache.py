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
    answer: SubproblemSolution
    made: Floats  # (blocks, linking)


def update_pricing_cache(
    pricing: RoutePricing,
    sorts: StreamClasses,
    needs: ParticipationNeeds,
    block: tuple[Ints, int],
    weights: Floats,
    before: PricingCache | None = None,
) -> PricingCache:
    """Solve the subproblems at new prices, pricing again only cells whose solution may change.

    Args:
        pricing: Routes by kind.
        sorts: Classes of streams.
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
            best, by = before.best.copy(order="K"), before.answer.by.copy(order="K")
            second, cells = before.answer.second.copy(order="K"), (stream, period)
            best[cells], by[cells], second[cells] = pricing.best_of(weights, stream, period)
            margin[cells] = _stability_margins(sorts, stream, needs.cells[cells], best[cells], second[cells])
            answer = solve_subproblems(pricing.instance, pricing, sorts, needs, weights, (best, by, second))
            return PricingCache(weights, best, margin, answer, _update_quantities(pricing, block, answer, before))
    best, by, second = pricing.best(weights)
    margin = _stability_margins(sorts, np.arange(len(best))[:, None], needs.cells, best, second)
    answer = solve_subproblems(pricing.instance, pricing, sorts, needs, weights, (best, by, second))
    return PricingCache(weights, best, margin, answer, sum_linking_quantities(pricing, answer, *block))


def _bound_route_values(pricing: RoutePricing, weights: Floats) -> Floats:
    """Return an upper bound of the magnitude of a tonne's price on any route of each device type, (T, D)."""
    places = pricing.linking
    device = pricing.instance.streams.device[pricing.found.stream[pricing.typical]]
    most = np.zeros((len(pricing.instance.periods), len(pricing.instance.devices.names)))
    np.maximum.at(most.T, device, np.abs(pricing.metal(weights) + select_weights(weights, places.device)[device]).T)
    dearest, dirtiest = pricing.dearest
    most += np.abs(weights[places.spend])[:, None] * dearest + abs(weights[places.footprint]) * dirtiest
    return most + sum(np.abs(select_weights(weights, each)).max(initial=0.0) for each in (places.region, places.stream))


def _stability_margins(sorts: StreamClasses, stream: Ints, needed: Bools, best: Floats, second: Floats) -> Floats:
    """Return the change of reduced costs that cells tolerate; negative for cells that are not solved by themselves."""
    with np.errstate(invalid="ignore"):
        other = second - best
    other *= 0.5
    np.fmin(other, np.abs(best), out=other)  # without a route the cell never changes; fmin ignores NaN
    np.copyto(other, -1.0, where=needed | ~sorts.alone[stream])
    np.copyto(other, np.inf, where=sorts.explicit[stream])
    return other


def _update_quantities(
    pricing: RoutePricing, block: tuple[Ints, int], answer: SubproblemSolution, before: PricingCache
) -> Floats:
    """Return the linking amounts by block, updated for the changed cells only where these are few."""
    old = before.answer
    other = (answer.sent != old.sent) | (answer.kept != old.kept) | ((answer.by != old.by) & (answer.sent > 0))
    if other.mean() > REPRICED_SHARE:
        return sum_linking_quantities(pricing, answer, *block)
    return before.made + sum_linking_quantities(pricing, answer, *block, old, other)
