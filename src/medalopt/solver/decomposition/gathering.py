"""What shipments come to in linking quantities: of each kind of route in a period together, by the million."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medalopt.instance.figures import Floats, Ints
from medalopt.solver.decomposition.pricing import Pricing
from medalopt.solver.decomposition.streams import Answer

DENSE = 4_000_000  # lots that are counted without being sorted


def gathered(pricing: Pricing, answer: Answer, block: Ints, count: int) -> Floats:
    """Return how much of each linking quantity the answers of each block, (I, T), come to: (count, linking)."""
    period, stream = np.nonzero(answer.sent.T)
    route, tonnes = answer.by[stream, period], answer.sent[stream, period]
    total = shipped(pricing, block[stream, period], route, period, tonnes, count)
    period, stream = np.nonzero(answer.kept.T)
    if stream.size:
        waited = answer.kept[stream, period] * pricing.instance.streams.storage_cost.value[stream]
        np.add.at(total, (block[stream, period], pricing.linking.spend[period]), waited)
    return total


def shipped(pricing: Pricing, block: Ints, route: Ints, period: Ints, tonnes: Floats, count: int) -> Floats:
    """Return how much of each linking quantity `tonnes` on routes in periods come to, by block: (count, linking)."""
    found, places, streams = pricing.found, pricing.linking, pricing.instance.streams
    kinds, periods = len(pricing.typical), len(pricing.instance.periods)
    code = (block * kinds + pricing.kind[route]) * periods + period
    lot, size = code, count * kinds * periods
    lots = np.arange(size)
    if size > DENSE:
        lots, lot = np.unique(code, return_inverse=True)
    sums = [np.bincount(lot, each, len(lots)).astype(np.float64) for each in (tonnes, tonnes * pricing.cost[route])]
    emitted = np.bincount(lot, tonnes * found.footprint[route], len(lots))
    some = np.flatnonzero(np.bincount(lot, minlength=len(lots)))
    of_kind, when = np.divmod(lots[some], periods)
    total = np.zeros((count, places.count))
    for at, amount in _of_lots(pricing, of_kind % kinds, when, sums[0][some], sums[1][some]):
        np.add.at(total, (of_kind[at >= 0] // kinds, at[at >= 0]), amount[at >= 0])
    np.add.at(total[:, places.footprint], of_kind // kinds, emitted[some])
    for group, place in ((streams.region, places.region), (np.arange(len(streams.names)), places.stream)):
        if (place >= 0).any():
            at = place[group[found.stream[route]]]
            np.add.at(total, (block[at >= 0], at[at >= 0]), tonnes[at >= 0])
    return total


def _of_lots(pricing: Pricing, kind: Ints, period: Ints, tonnes: Floats, cost: Floats) -> Iterator[tuple[Ints, Floats]]:
    """Yield places, -1 where there is none, and amounts of what lots of one kind in a period come to."""
    instance, found, places = pricing.instance, pricing.found, pricing.linking
    route = pricing.typical[kind]
    smelter = found.smelter[route]
    travels = smelter >= 0
    yield (
        np.where(travels, places.feed[smelter, period], -1) if travels.any() else smelter,
        tonnes * found.to_smelter[route],
    )
    yield places.treated[found.treatment[route], period], tonnes
    for metal in range(len(instance.metals.names) if travels.any() else 0):
        rate = found.returned[route, metal]
        back = places.returned[smelter, metal, period + instance.smelters.lead[smelter, metal]]
        yield np.where(travels & (rate > 0), back, -1), tonnes * rate
    yield places.device[instance.streams.device[found.stream[route]]], tonnes
    yield places.spend[period], cost + tonnes * pricing.refining[kind, period]
