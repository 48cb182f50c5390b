r"""Regions that owe a share of what they offer, each seeing to it by itself: at prices given, a small program solved.

What pays goes; then the cheapest tonnes go until the need is met, and the price of the last of them is the dual of the
need. Such a region answers as a whole, in one block, which makes for many rounds. So what surely pays is let out of
that: cells $P$, in the blocks of all others. They send $s_P$ at the most, so what is left of the region sends at least
the need less $s_P$: that holds for every plan, and is all that is asked wherever $P$ goes whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Bools, Floats, Ints
from medalopt.instance.instance import Instance


@dataclass(frozen=True, eq=False)
class Needs:
    """What regions have to send: of the cells `cells`, (I, T), of a region at least `left`, (G,) t."""

    cells: Bools
    left: Floats

    @classmethod
    def none(cls, instance: Instance) -> Needs:
        """Return that no region has to send anything."""
        return cls(np.zeros(instance.streams.available.value.shape, dtype=bool), np.zeros(len(instance.regions)))

    @classmethod
    def whole(cls, instance: Instance, need: Floats) -> Needs:
        """Return that regions send `need`, (G,), of all that they have."""
        periods = len(instance.periods)
        return cls(np.repeat((need > 0)[instance.streams.region][:, None], periods, axis=1), need)

    @classmethod
    def but(cls, instance: Instance, need: Floats, sure: Bools) -> Needs:
        """Return that regions send what is left of `need`, (G,), when cells that are `sure` to go, (I, T), do."""
        streams = instance.streams
        going = np.where(sure, streams.available.value, 0.0).sum(axis=1)
        left = np.maximum(need - np.bincount(streams.region, going, len(need)), 0.0)
        return cls(~sure & (left > 0)[streams.region][:, None], left)


def shares(instance: Instance, needs: Needs, bundled: Bools, best: Floats, available: Floats) -> tuple[Floats, Floats]:
    """Return the share of each cell of `needs` that goes at prices `best` of a tonne, (I, T), and the price of each
    region's need, (G,). A bundle of streams `bundled`, (I,), goes together, at its mean price."""
    streams, periods = instance.streams, best.shape[1]
    of_bundle = np.zeros(len(instance.bundles), dtype=np.intp)
    those = np.flatnonzero(bundled)
    of_bundle[streams.bundle[those]] = streams.region[those]
    held = together(instance, needs.cells.astype(np.float64), bundled)
    mean = np.divide(together(instance, best, bundled), held, out=np.full(held.shape, np.inf), where=held > 0)
    alone = np.flatnonzero(~bundled & needs.cells.any(axis=1))
    price = np.concatenate([best[alone], mean]).ravel()
    tonnes = np.concatenate([np.where(needs.cells[alone], available[alone], 0.0), held]).ravel()
    region = np.repeat(np.concatenate([streams.region[alone], of_bundle]), periods)
    going = _cheapest(price, np.where(np.isfinite(price), tonnes, 0.0), region, needs.left)
    asked = np.zeros(len(needs.left))
    paid = (going > 0) & (price >= 0)
    np.maximum.at(asked, region[paid], price[paid])
    part = np.divide(going, tonnes, out=np.zeros_like(going), where=tonnes > 0).reshape(-1, periods)
    share = np.zeros_like(best)
    share[alone] = part[: len(alone)]
    share[those] = part[len(alone) :][streams.bundle[those]]
    return share, asked


def _cheapest(price: Floats, tonnes: Floats, region: Ints, need: Floats) -> Floats:
    """Return how much of each of `tonnes` goes: all below a price of 0, then the cheapest up to what regions need."""
    order = np.lexsort((price, region))
    before = np.cumsum(tonnes[order]) - tonnes[order]
    start = np.searchsorted(region[order], np.arange(len(need)))
    before = before - np.append(before, 0.0)[start][region[order]]
    left = np.clip(need[region[order]] - before, 0.0, tonnes[order])
    going = np.empty_like(tonnes)
    going[order] = np.where(price[order] < 0, tonnes[order], left)
    return going


def together(instance: Instance, each: Floats, bundled: Bools) -> Floats:
    """Return what the whole of each bundle comes to where a tonne comes to `each`, (I, T): (B, T); 0 where it has no
    stream of `bundled`."""
    those = np.flatnonzero(bundled)
    available = instance.streams.available.value[those]
    total = np.zeros((len(instance.bundles), each.shape[1]))
    np.add.at(total, instance.streams.bundle[those], np.where(available > 0, each[those], 0.0) * available)
    return total
