"""Participation blocks: regions that must send a minimum share of their supply, solved by themselves at given prices.

Profitable tonnes are sent; then the cheapest remaining tonnes are sent until the minimum is met, and the price of the
last one is the dual of the participation constraint. Such a region is one block, which slows convergence. Therefore
cells P that are surely profitable are left to the ordinary blocks: they send at most s_P, so the rest of the region
sends at least the minimum less s_P. This relaxation holds for every plan, and is exact wherever P is sent in full.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.instance import Instance


@dataclass(frozen=True, eq=False)
class ParticipationNeeds:
    """Participation: the `minimum` (G,) tonnes that each region must send from the cells `cells` (I, T)."""

    cells: Bools
    minimum: Floats

    @classmethod
    def without_minimum(cls, instance: Instance) -> ParticipationNeeds:
        """Return no participation minimum.

        Returns:
            Empty needs.
        """
        return cls(np.zeros(instance.streams.available.value.shape, dtype=bool), np.zeros(len(instance.regions)))

    @classmethod
    def full_minimum(cls, instance: Instance, need: Floats) -> ParticipationNeeds:
        """Return the full participation minimum, over all cells of the regions.

        Args:
            need (G,): Tonnes that each region must send.

        Returns:
            The needs.
        """
        periods = len(instance.periods)
        return cls(np.repeat((need > 0)[instance.streams.region][:, None], periods, axis=1), need)

    @classmethod
    def remaining_minimum(cls, instance: Instance, need: Floats, sure: Bools) -> ParticipationNeeds:
        """Return the participation minimum that remains when some cells are sent in full.

        Args:
            need (G,): Tonnes that each region must send.
            sure (I, T): Mask of the cells left to ordinary blocks.

        Returns:
            The needs of the other cells.
        """
        streams = instance.streams
        going = np.where(sure, streams.available.value, 0.0).sum(axis=1)
        left = np.maximum(need - np.bincount(streams.region, going, len(need)), 0.0)
        return cls(~sure & (left > 0)[streams.region][:, None], left)


def solve_participation(
    instance: Instance, needs: ParticipationNeeds, bundled: Bools, best: Floats, available: Floats
) -> tuple[Floats, Floats]:
    """Solve the participation blocks at given prices; a bundle is sent as a whole, at its mean price.

    Args:
        bundled (I,): Mask of the streams in bundles.
        best (I, T): Reduced cost of a tonne on the best route.
        available (I, T): Tonnes offered.

    Returns:
        Share of each cell that is sent, (I, T), and dual of each region's minimum, (G,), objective per tonne.
    """
    streams, periods = instance.streams, best.shape[1]
    of_bundle = np.zeros(len(instance.bundles), dtype=np.intp)
    those = np.flatnonzero(bundled)
    of_bundle[streams.bundle[those]] = streams.region[those]
    cells_by_bundle = sum_over_bundles(instance, needs.cells.astype(np.float64), bundled)
    mean = np.divide(
        sum_over_bundles(instance, best, bundled),
        cells_by_bundle,
        out=np.full(cells_by_bundle.shape, np.inf),
        where=cells_by_bundle > 0,
    )
    alone = np.flatnonzero(~bundled & needs.cells.any(axis=1))
    price = np.concatenate([best[alone], mean]).ravel()
    tonnes = np.concatenate([np.where(needs.cells[alone], available[alone], 0.0), cells_by_bundle]).ravel()
    region = np.repeat(np.concatenate([streams.region[alone], of_bundle]), periods)
    going = _fill_cheapest_first(price, np.where(np.isfinite(price), tonnes, 0.0), region, needs.minimum)
    participation_price = np.zeros(len(needs.minimum))
    paid = (going > 0) & (price >= 0)
    np.maximum.at(participation_price, region[paid], price[paid])
    part = np.divide(going, tonnes, out=np.zeros_like(going), where=tonnes > 0).reshape(-1, periods)
    share = np.zeros_like(best)
    share[alone] = part[: len(alone)]
    share[those] = part[len(alone) :][streams.bundle[those]]
    return share, participation_price


def _fill_cheapest_first(price: Floats, tonnes: Floats, region: Ints, need: Floats) -> Floats:
    """Return the tonnes sent of each item: all with a negative price, then the cheapest up to the regions' minima."""
    order = np.lexsort((price, region))
    before = np.cumsum(tonnes[order]) - tonnes[order]
    start = np.searchsorted(region[order], np.arange(len(need)))
    before = before - np.append(before, 0.0)[start][region[order]]
    left = np.clip(need[region[order]] - before, 0.0, tonnes[order])
    going = np.empty_like(tonnes)
    going[order] = np.where(price[order] < 0, tonnes[order], left)
    return going


def sum_over_bundles(instance: Instance, each: Floats, bundled: Bools) -> Floats:
    """Sum over the streams of each bundle, weighted by the tonnes offered.

    Args:
        each (I, T): Amount per tonne.
        bundled (I,): Mask of the streams that count.

    Returns:
        Amount of each bundle, (B, T).
    """
    those = np.flatnonzero(bundled)
    available = instance.streams.available.value[those]
    total = np.zeros((len(instance.bundles), each.shape[1]))
    np.add.at(total, instance.streams.bundle[those], np.where(available > 0, each[those], 0.0) * available)
    return total
