r"""What streams and bundles answer to prices, each by itself and as well as it can, all at once.

A stream alone: by its best route where that pays, else not at all. One that may wait, over the periods from the end:
$v_{it}=\min(0,\ p_{it},\ h_i+v_{i,t+1})$. A bundle: all its streams, each by its best route, where they pay together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Bools, Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.participating import own_share
from medalopt.instance.routes import Routes
from medalopt.solver.decomposition.pricing import Pricing

SPLIT = 8  # bundles are answered for in so many blocks a period
STREAMS, PARTS = 4_000, 4  # above so many streams the blocks are cut into parts of a nation, at most so many


@dataclass(frozen=True, eq=False)
class Sorts:
    """Which streams are answered for in which way, (I,) each; the rest stand in the master program itself."""

    alone: Bools
    waiting: Bools  # may be stocked, without a limit that could matter
    bundled: Bools  # in a bundle of which nothing may wait
    need: Floats  # (G,) t that each region must send and can decide on by itself

    @classmethod
    def of(cls, instance: Instance, found: Routes) -> Sorts:
        """Return the sorts of the streams of `instance`."""
        streams = instance.streams
        stored, bundle = streams.storable, streams.bundle
        enough = streams.storage_limit.value >= streams.available.value.sum(axis=1)
        with_stocks = np.zeros(len(instance.bundles) + 1, dtype=bool)
        with_stocks[bundle[stored]] = True
        return cls(
            alone=(bundle < 0) & ~stored,
            waiting=(bundle < 0) & stored & enough,
            bundled=~with_stocks[bundle] & (bundle >= 0),
            need=own_share(instance, found),
        )

    @property
    def explicit(self) -> Bools:
        """Which streams stand in the master program, (I,)."""
        return ~(self.alone | self.waiting | self.bundled)


@dataclass(frozen=True, eq=False)
class Answer:
    """What is sent and kept at certain prices; `best` and `own` are what a tonne changes the measure by."""

    best: Floats  # (I, T) on the best route
    by: Ints  # (I, T) the best route
    own: Floats  # (I, T) of supply: its dual
    asked: Floats  # (G,) what a tonne more asked of a region changes the measure by; `best` and `own` are less by it
    sent: Floats  # (I, T) t
    kept: Floats  # (I, T) t


def answered(
    instance: Instance,
    pricing: Pricing,
    sorts: Sorts,
    weights: Floats,
    asked: Floats | None = None,
    priced: tuple[Floats, Ints] | None = None,
) -> Answer:
    """Return the best answer to prices of the linking quantities, `weights`, of the streams that do not stand in the
    master program. Regions with a need of their own meet it, or are paid `asked`, (G,), for a tonne. What
    the best routes come to, and which, is known where it is `priced`."""
    best, by = priced or pricing.best(weights)[:2]
    available, region = pricing.available, instance.streams.region
    share, met = np.zeros_like(best), asked is None
    if asked is not None or sorts.need.any():
        if asked is None:
            share, asked = shares(instance, sorts, best, available)
        best = best - asked[region][:, None]
    take = sorts.alone[:, None] & (best < 0)
    own = np.where(sorts.alone[:, None], np.minimum(best, 0.0), best)
    if sorts.bundled.any():
        take |= sorts.bundled[:, None] & (together(instance, best, sorts.bundled) < 0)[instance.streams.bundle]
    part = np.where((sorts.need > 0)[region][:, None], share, take) if met else take.astype(np.float64)
    sent, kept = part * available, np.zeros_like(available)
    if sorts.waiting.any():
        those = np.flatnonzero(sorts.waiting)
        cost = np.multiply.outer(instance.streams.storage_cost.value[those], weights[pricing.linking.spend])
        own[those], sent[those], kept[those] = _over_time(best[those], cost, available[those])
    return Answer(best, by, own, np.zeros(len(instance.regions)) if asked is None else asked, sent, kept)


def shares(instance: Instance, sorts: Sorts, best: Floats, available: Floats) -> tuple[Floats, Floats]:
    """Return the share of each cell that regions with a need of their own send, (I, T), and the price of that, (G,).

    What pays goes; then the cheapest tonnes go until the need is met. A bundle goes together, at its mean price.
    """
    streams, periods = instance.streams, best.shape[1]
    of_bundle = np.zeros(len(instance.bundles), dtype=np.intp)
    bundled = np.flatnonzero(sorts.bundled)
    of_bundle[streams.bundle[bundled]] = streams.region[bundled]
    held = together(instance, np.ones_like(best), sorts.bundled)
    mean = np.divide(together(instance, best, sorts.bundled), held, out=np.full(held.shape, np.inf), where=held > 0)
    alone = np.flatnonzero(sorts.alone)
    price = np.concatenate([best[alone], mean]).ravel()
    tonnes = np.concatenate([available[alone], held]).ravel()
    region = np.repeat(np.concatenate([streams.region[alone], of_bundle]), periods)
    going = _cheapest(price, np.where(np.isfinite(price), tonnes, 0.0), region, sorts.need)
    asked = np.zeros(len(sorts.need))
    paid = (going > 0) & (price >= 0)
    np.maximum.at(asked, region[paid], price[paid])
    part = np.divide(going, tonnes, out=np.zeros_like(going), where=tonnes > 0).reshape(-1, periods)
    share = np.zeros_like(best)
    share[alone] = part[: len(alone)]
    share[bundled] = part[len(alone) :][streams.bundle[bundled]]
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


def together(instance: Instance, best: Floats, bundled: Bools) -> Floats:
    """Return what the whole of each bundle changes the measure by, (B, T); 0 where it has no stream of `bundled`."""
    those = np.flatnonzero(bundled)
    available = instance.streams.available.value[those]
    total = np.zeros((len(instance.bundles), best.shape[1]))
    np.add.at(total, instance.streams.bundle[those], np.where(available > 0, best[those], 0.0) * available)
    return total


def _over_time(best: Floats, cost: Floats, available: Floats) -> tuple[Floats, Floats, Floats]:
    """Return what a tonne of supply is worth, and what is sent and kept, of streams that may wait without limit."""
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


def blocks(instance: Instance, sorts: Sorts) -> Ints:
    """Return for each stream and period the number of its block, (I, T): those of a block are mixed in one share.

    A device type in a period; of bundles a part of them in a period; of streams that may wait a device type. Of very
    many streams those of regions next to each other: the more blocks, the fewer rounds.
    """
    periods, devices = np.arange(len(instance.periods)), instance.streams.device[:, None]
    number = devices * len(periods) + periods
    first = len(instance.devices.names) * len(periods)
    in_bundle = first + (instance.streams.bundle[:, None] % SPLIT) * len(periods) + periods
    number = np.where(sorts.bundled[:, None], in_bundle, number)
    number = np.where(sorts.waiting[:, None], first + SPLIT * len(periods) + devices, number)
    region = instance.streams.region[:, None]
    parts = min(PARTS, 1 + len(devices) // STREAMS)
    of_nation = region * parts // max(1, len(instance.regions))
    number = number + of_nation * (number.max(initial=0) + 1)
    there = np.bincount(number.ravel()) > 0
    return np.asfortranarray((np.cumsum(there) - 1)[number])
