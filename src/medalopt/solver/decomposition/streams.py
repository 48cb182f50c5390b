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
from medalopt.solver.decomposition.needs import Needs, shares, together
from medalopt.solver.decomposition.pricing import Pricing

SPLIT = 8  # bundles are answered for in so many blocks a period
STREAMS, PARTS = 4_000, 4  # above so many streams the blocks are cut into parts of a nation, at most so many
NEEDS = 40  # blocks, at most, of regions with a need


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
    second: Floats  # (I, T) on the second best route, `asked` not counted
    own: Floats  # (I, T) of supply: its dual
    asked: Floats  # (G,) what a tonne more asked of a region changes the measure by; `best` and `own` are less by it
    sent: Floats  # (I, T) t
    kept: Floats  # (I, T) t


def answered(
    instance: Instance,
    pricing: Pricing,
    sorts: Sorts,
    needs: Needs,
    weights: Floats,
    priced: tuple[Floats, Ints, Floats] | None = None,
) -> Answer:
    """Return the best answer to prices of the linking quantities, `weights`, of the streams that do not stand in the
    master program, where regions send what they need to. What the best routes come to, which they are, and what the
    second best come to is known where it is `priced`."""
    best, by, second = priced or pricing.best(weights)
    available, region = pricing.available, instance.streams.region
    sums = together(instance, best, sorts.bundled) if sorts.bundled.any() else None
    take = best < 0
    take[~sorts.alone] = False
    if sums is not None:
        take |= sorts.bundled[:, None] & (sums < 0)[instance.streams.bundle]
    sent, kept, asked = take * available, pricing.nothing, np.zeros(len(instance.regions))
    if needs.cells.any():
        share, asked = shares(instance, needs, sorts.bundled, best, available)
        np.copyto(sent, share * available, where=needs.cells)
        best = best - asked[region][:, None]
    own = np.minimum(best, 0.0)
    own[~sorts.alone] = best[~sorts.alone]
    if sorts.waiting.any():
        kept = np.zeros_like(available)
        those = np.flatnonzero(sorts.waiting)
        cost = np.multiply.outer(instance.streams.storage_cost.value[those], weights[pricing.linking.spend])
        own[those], sent[those], kept[those] = _over_time(best[those], cost, available[those])
    return Answer(best, by, second, own, asked, sent, kept)


def sure(instance: Instance, pricing: Pricing, sorts: Sorts, weights: Floats, least: float) -> Bools:
    """Return which cells pay by at least that share of what their tonnes cost and bring at prices `weights`, (I, T)."""
    best, by, _ = pricing.best(weights)
    size = pricing.size(weights, by)
    pays = best < -least * size
    if sorts.bundled.any():
        whole, weight = (together(instance, each, sorts.bundled) for each in (best, size))
        pays = np.where(sorts.bundled[:, None], (whole < -least * weight)[instance.streams.bundle], pays)
    return np.asarray(pays)


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


def blocks(instance: Instance, sorts: Sorts, needs: Needs) -> tuple[Ints, Bools]:
    """Return for each stream and period the number of its block, (I, T): those of a block are mixed in one share; and
    of each block whether it has a need, so that nothing is no answer of it.

    A device type in a period; of bundles a part of them in a period; of streams that may wait a device type. Of very
    many streams those of regions next to each other: the more blocks, the fewer rounds. Cells with a need are in blocks
    of regions next to each other.
    """
    periods, devices = np.arange(len(instance.periods)), instance.streams.device[:, None]
    number = devices * len(periods) + periods
    first = len(instance.devices.names) * len(periods)
    in_bundle = first + (instance.streams.bundle[:, None] % SPLIT) * len(periods) + periods
    number = np.where(sorts.bundled[:, None], in_bundle, number)
    number = np.where(sorts.waiting[:, None], first + SPLIT * len(periods) + devices, number)
    parts = min(PARTS, 1 + len(devices) // STREAMS)
    number = number + _part(instance, np.ones(len(needs.left), dtype=bool), parts) * (number.max(initial=0) + 1)
    without = int(number.max(initial=-1)) + 1
    number = np.where(needs.cells, without + _part(instance, needs.left > 0, NEEDS), number)
    there = np.bincount(number.ravel()) > 0
    return np.asfortranarray((np.cumsum(there) - 1)[number]), np.flatnonzero(there) >= without


def _part(instance: Instance, regions: Bools, parts: int) -> Ints:
    """Return in which of so many parts of like size, of regions next to each other, each stream is, (I, 1)."""
    at = (np.cumsum(regions) - 1) * parts // max(1, int(regions.sum()))
    return np.maximum(at, 0)[instance.streams.region][:, None]
