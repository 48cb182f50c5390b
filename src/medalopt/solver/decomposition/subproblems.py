"""Subproblems: the optimal shipments of all streams and bundles at given prices, each solved by itself.

A single stream is sent by its best route if the reduced cost is negative. A storable stream follows a recursion from
the last period: v[i,t] = min(0, p[i,t], h[i] + v[i,t+1]). A bundle is sent, each stream by its best route, if the sum
of its reduced costs is negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes, compute_separable_participation, mark_pooled_streams
from medalopt.solver.decomposition.participation import ParticipationNeeds, solve_participation, sum_over_bundles
from medalopt.solver.decomposition.pricing import RoutePricing

BUNDLE_BLOCKS = 8  # number of blocks of bundles in each period
STREAMS_PER_PART, MAX_PARTS = 4_000, 4  # one more part of each block for every 4,000 streams, at most 4
MAX_PARTICIPATION_BLOCKS = 40  # greatest number of participation blocks


@dataclass(frozen=True, eq=False)
class StreamClasses:
    """Classes of streams by kind of subproblem, (I,) each; all other streams are explicit in the master problem.

    Streams that feed a pooled line of terms are explicit: what the smelter withholds depends on all of its feed.
    """

    alone: Bools
    waiting: Bools  # storable, with a limit that is never binding
    bundled: Bools  # in a bundle without storable or explicit streams
    need: Floats  # (G,) t, participation minimum of regions that can be solved by themselves

    @classmethod
    def classify(cls, instance: Instance, routes: Routes) -> StreamClasses:
        """Classify the streams of an instance.

        Args:
            instance: Instance.
            routes: Routes.

        Returns:
            The classes.
        """
        streams = instance.streams
        stored, bundle = streams.storable, streams.bundle
        enough = streams.storage_limit.value >= streams.available.value.sum(axis=1)
        with_stocks = np.zeros(len(instance.bundles) + 1, dtype=bool)
        pooled = mark_pooled_streams(instance, routes)
        with_stocks[bundle[stored | pooled]] = True
        return cls(
            alone=(bundle < 0) & ~stored & ~pooled,
            waiting=(bundle < 0) & stored & enough & ~pooled,
            bundled=~with_stocks[bundle] & (bundle >= 0),
            need=compute_separable_participation(instance, routes),
        )

    @property
    def is_explicit(self) -> Bools:
        """Streams that are explicit in the master problem.

        Returns:
            (I,) mask.
        """
        return ~(self.alone | self.waiting | self.bundled)


@dataclass(frozen=True, eq=False)
class SubproblemSolution:
    """Optimal shipments and stocks at given prices; `best` and `reduced_costs` in objective per tonne."""

    best: Floats  # (I, T) on the best route
    by: Ints  # (I, T) the best route
    second: Floats  # (I, T) on the second best route, without `asked`
    reduced_costs: Floats  # (I, T) dual of the supply row
    quantities: Floats  # (G,) dual of the participation minimum, already subtracted from `best` and `own`
    sent: Floats  # (I, T) t
    stocks: Floats  # (I, T) t


def solve_subproblems(
    instance: Instance,
    pricing: RoutePricing,
    classes: StreamClasses,
    needs: ParticipationNeeds,
    weights: Floats,
    priced: tuple[Floats, Ints, Floats] | None = None,
) -> SubproblemSolution:
    """Solve all subproblems at given prices.

    Args:
        instance: Instance.
        pricing: Routes by kind.
        classes: Classes of streams.
        needs: Participation minima.
        weights (linking,): Prices of the linking variables.
        priced: Result of `RoutePricing.best` for these prices, if known.

    Returns:
        The optimal shipments and their reduced costs.
    """
    best, by, second = priced or pricing.find_best(weights)
    available, region = pricing.available, instance.streams.region
    sums = sum_over_bundles(instance, best, classes.bundled) if classes.bundled.any() else None
    take = best < 0
    take[~classes.alone] = False
    if sums is not None:
        take |= classes.bundled[:, None] & (sums < 0)[instance.streams.bundle]
    sent, kept, participation_price = take * available, pricing.zeros, np.zeros(len(instance.regions))
    if needs.cells.any():
        share, participation_price = solve_participation(instance, needs, classes.bundled, best, available)
        np.copyto(sent, share * available, where=needs.cells)
        best = best - participation_price[region][:, None]
    own = np.minimum(best, 0.0)
    own[~classes.alone] = best[~classes.alone]
    if classes.waiting.any():
        kept = np.zeros_like(available)
        those = np.flatnonzero(classes.waiting)
        cost = np.multiply.outer(instance.streams.storage_cost.value[those], weights[pricing.linking.spend])
        own[those], sent[those], kept[those] = _solve_storage_recursion(best[those], cost, available[those])
    return SubproblemSolution(best, by, second, own, participation_price, sent, kept)


def find_profitable_cells(
    instance: Instance, pricing: RoutePricing, classes: StreamClasses, weights: Floats, minimum: float
) -> Bools:
    """Find the cells whose profit is at least a share of the magnitude of its terms; a bundle counts as a whole.

    Args:
        instance: Instance.
        pricing: Routes by kind.
        classes: Classes of streams.
        weights (linking,): Prices of the linking variables.
        minimum: The share.

    Returns:
        Mask (I, T).
    """
    best, by, _ = pricing.find_best(weights)
    size = pricing.compute_magnitude(weights, by)
    pays = best < -minimum * size
    if classes.bundled.any():
        whole, weight = (sum_over_bundles(instance, each, classes.bundled) for each in (best, size))
        pays = np.where(classes.bundled[:, None], (whole < -minimum * weight)[instance.streams.bundle], pays)
    return np.asarray(pays)


def _solve_storage_recursion(best: Floats, cost: Floats, available: Floats) -> tuple[Floats, Floats, Floats]:
    """Return duals of supply, shipments and stocks of storable streams by the recursion over periods."""
    own, waits = np.empty(best.shape), np.zeros(best.shape, dtype=bool)
    later = np.zeros(len(best))
    for period in reversed(range(best.shape[1])):
        wait = cost[:, period] + later
        waits[:, period] = (wait < best[:, period]) & (wait < 0)
        later = own[:, period] = np.minimum(0.0, np.minimum(best[:, period], wait))
    sent, kept, left = np.zeros(best.shape), np.zeros(best.shape), np.zeros(len(best))
    for period in range(best.shape[1]):
        there = left + available[:, period]
        kept[:, period] = left = np.where(waits[:, period], there, 0.0)
        sent[:, period] = np.where(~waits[:, period] & (best[:, period] < 0), there, 0.0)
    return own, sent, kept


def assign_blocks(instance: Instance, classes: StreamClasses, needs: ParticipationNeeds) -> tuple[Ints, Bools]:
    """Assign the cells to blocks; the master problem mixes the solutions of a block by common shares.

    Blocks are a device type in a period, a part of the bundles in a period, a storable device type, and neighbouring
    regions with a participation minimum. Very many streams are divided further by neighbouring regions, since more
    blocks mean fewer iterations.

    Args:
        instance: Instance.
        classes: Classes of streams.
        needs: Participation minima.

    Returns:
        Block of each cell, (I, T), and mask of the participation blocks, (B,), for which sending nothing is infeasible.
    """
    periods, devices = np.arange(len(instance.periods)), instance.streams.device[:, None]
    number = devices * len(periods) + periods
    first = len(instance.devices.names) * len(periods)
    in_bundle = first + (instance.streams.bundle[:, None] % BUNDLE_BLOCKS) * len(periods) + periods
    number = np.where(classes.bundled[:, None], in_bundle, number)
    number = np.where(classes.waiting[:, None], first + BUNDLE_BLOCKS * len(periods) + devices, number)
    parts = min(MAX_PARTS, 1 + len(devices) // STREAMS_PER_PART)
    number = number + _assign_parts(instance, np.ones(len(needs.minimum), dtype=bool), parts) * (
        number.max(initial=0) + 1
    )
    without = int(number.max(initial=-1)) + 1
    number = np.where(
        needs.cells, without + _assign_parts(instance, needs.minimum > 0, MAX_PARTICIPATION_BLOCKS), number
    )
    there = np.bincount(number.ravel()) > 0
    return np.asfortranarray((np.cumsum(there) - 1)[number]), np.flatnonzero(there) >= without


def _assign_parts(instance: Instance, regions: Bools, parts: int) -> Ints:
    """Return the part of each stream, (I, 1), when the regions are divided into `parts` of similar size."""
    index = (np.cumsum(regions) - 1) * parts // max(1, int(regions.sum()))
    return np.maximum(index, 0)[instance.streams.region][:, None]
