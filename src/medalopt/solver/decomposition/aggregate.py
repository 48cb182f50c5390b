"""Aggregation of shipments to linking variables, by kind of route and period."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.routes import index_period
from medalopt.solver.decomposition.pricing import RoutePricing
from medalopt.solver.decomposition.subproblems import SubproblemSolution

DENSE_LOT_LIMIT = 400_000  # number of (block, kind) pairs up to which sums use a dense array


def sum_linking_quantities(
    pricing: RoutePricing,
    solution: SubproblemSolution,
    block: Ints,
    count: int,
    before: SubproblemSolution | None = None,
    those: Bools | None = None,
) -> Floats:
    """Sum the shipments and stocks of each block in terms of the linking variables.

    Args:
        pricing: Routes by kind.
        solution: Shipments and stocks.
        block (I, T): Block of each cell.
        count: Number of blocks.
        before: Earlier solution to subtract, which differs in the cells `those` only.
        those (I, T): Mask of the cells to count.

    Returns:
        Amounts (count, linking), or their changes since `before`.
    """
    total = np.zeros((count, pricing.linking.count))
    waits = solution.stocks is not pricing.zeros
    if those is None:
        those = (solution.sent != 0) | (solution.stocks != 0) if waits else solution.sent != 0
    lots = [
        _group_lots(pricing, _changed_shipments(solution, before, those, period), block, count, period, total)
        for period in np.flatnonzero(those.any(axis=0)).tolist()
    ]
    if lots:
        of_block, kind, when, tonnes, cost = (np.concatenate(each) for each in zip(*lots, strict=True))
        for index, amount in _lot_quantities(pricing, kind, when, tonnes, cost):
            np.add.at(total, (of_block[index >= 0], index[index >= 0]), amount[index >= 0])
    if waits:
        kept = solution.stocks if before is None else np.where(those, solution.stocks - before.stocks, 0.0)
        period, stream = np.nonzero(kept.T)
        waited = kept[stream, period] * pricing.instance.streams.storage_cost.value[stream]
        np.add.at(total, (block[stream, period], pricing.linking.spend[period]), waited)
    return total


def _changed_shipments(
    solution: SubproblemSolution, before: SubproblemSolution | None, those: Bools, period: int
) -> tuple[Ints, Ints, Floats]:
    """Return streams, routes and tonnes sent in a period by the given cells, with those of `before` negative."""
    stream = np.flatnonzero(those[:, period])
    route, tonnes = solution.by[stream, period], solution.sent[stream, period]
    if before is None:
        return stream, route, tonnes
    gone = before.by[stream, period], -before.sent[stream, period]
    return np.tile(stream, 2), np.concatenate([route, gone[0]]), np.concatenate([tonnes, gone[1]])


def _group_lots(
    pricing: RoutePricing, sides: tuple[Ints, Ints, Floats], block: Ints, count: int, period: int, total: Floats
) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """Return block, kind, period, tonnes and cost of shipments grouped by block and kind.

    Amounts that do not depend on the kind (footprint, region, stream) are added to `total`.
    """
    places, streams = pricing.linking, pricing.instance.streams
    stream, route, tonnes = sides
    of_block = block[stream, period]
    kinds = len(pricing.members)
    code = of_block * kinds + pricing.kind[route]
    names = np.arange(count * kinds)
    if len(names) > DENSE_LOT_LIMIT:
        names, code = np.unique(code, return_inverse=True)
    cost = pricing.cost[route, index_period(pricing.cost, period)]
    sums = [np.bincount(code, each).astype(np.float64) for each in (tonnes, tonnes * cost)]
    some = np.flatnonzero((sums[0] != 0) | (sums[1] != 0))
    lots, of_lots = names[some], [each[some] for each in sums]
    total[:, places.footprint] += np.bincount(of_block, tonnes * pricing.footprint[route], count)
    for group, place in ((streams.region, places.region), (np.arange(len(streams.names)), places.stream)):
        if (place >= 0).any():
            index = place[group[stream]]
            np.add.at(total, (of_block[index >= 0], index[index >= 0]), tonnes[index >= 0])
    return lots // kinds, lots % kinds, np.full(len(lots), period), of_lots[0], of_lots[1]


def _lot_quantities(
    pricing: RoutePricing, kind: Ints, period: Ints, tonnes: Floats, cost: Floats
) -> Iterator[tuple[Ints, Floats]]:
    """Yield positions, -1 for none, and amounts of the linking variables for groups of one kind and period."""
    first = pricing.members[kind, 0]
    stream = pricing.routes.stream[pricing.typical[first]]
    yield pricing.linking.device[pricing.instance.streams.device[stream]], tonnes
    yield pricing.linking.spend[period], cost + tonnes * pricing.refining[first, period]
    yield from _route_quantities(pricing, first, period, tonnes)
    for member in pricing.members[kind, 1:].T:
        there = np.flatnonzero(member >= 0)
        own, when, carried = member[there], period[there], tonnes[there]
        for index, amount in (
            (pricing.linking.spend[when], carried * pricing.refining[own, when]),
            *_route_quantities(pricing, own, when, carried),
        ):
            place, values = np.full(len(kind), -1, dtype=np.intp), np.zeros(len(kind))
            place[there], values[there] = index, amount
            yield place, values


def _route_quantities(pricing: RoutePricing, kind: Ints, period: Ints, tonnes: Floats) -> Iterator[tuple[Ints, Floats]]:
    """Yield positions, -1 for none, and amounts of the linking variables of routes of one kind and period."""
    instance, routes, places = pricing.instance, pricing.routes, pricing.linking
    route = pricing.typical[kind]
    smelter = routes.smelter[route]
    travels = smelter >= 0
    yield (
        np.where(travels, places.feed[smelter, period], -1) if travels.any() else smelter,
        tonnes * routes.to_smelter[route],
    )
    yield places.treated[routes.treatment[route], period], tonnes
    for metal in range(len(instance.metals.names) if travels.any() else 0):
        rate = routes.returned[route, metal]
        back = places.returned[smelter, metal, period + instance.smelters.lead[smelter, metal]]
        yield np.where(travels & (rate > 0), back, -1), tonnes * rate
        if instance.metals.surplus_to_smelter[metal]:
            back = places.returned_line[routes.line[route], metal, period + instance.smelters.lead[smelter, metal]]
            yield np.where(travels & (rate > 0), back, -1), tonnes * rate
    for x in range(len(instance.impurities.names) if travels.any() else 0):
        place = places.impurity[smelter, x, period]
        yield np.where(travels & (routes.impurity[route, x] > 0), place, -1), tonnes * routes.impurity[route, x]
    lead = instance.smelters.lead
    for place, cut in zip(places.assured.tolist(), routes.cuts, strict=True):
        back = travels & (period + lead[smelter, cut.metal] <= cut.period)
        yield np.where(back, place, -1), tonnes * cut.rate[route]
