"""Subproblems: the optimal shipments of all streams and bundles at given prices, each solved by itself.

A single stream is sent by its best route if the reduced cost is negative. A storable stream follows a recursion from
the last period: v[i,t] = min(0, p[i,t], h[i] + v[i,t+1]). A bundle is sent, each stream by its best route, if the sum
of its reduced costs is negative. Shipments are summed to linking variables by kind of route and period.

A region that must send a share of its supply is one block: profitable tonnes are sent, then the cheapest of the rest
until the minimum is met; the price of the last one is the dual of the minimum. Such a block slows convergence.
Therefore cells P that are surely profitable are left to the ordinary blocks: they send at most s_P, so the rest of the
region sends at least the minimum less s_P. This relaxation holds for every plan, and is exact wherever P is sent in
full.

A cell (a stream in a period) keeps its solution after the duals changed while the accumulated change of its routes'
reduced costs is below its margin: the distance of the best reduced cost from 0, and half the distance between the best
and the second best. In late iterations nearly all cells keep theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes, compute_separable_participation, index_period, mark_pooled_streams
from medalopt.solver.decomposition.pricing import RoutePricing, select_weights

BUNDLE_BLOCKS = 8  # number of blocks of bundles in each period
STREAMS_PER_PART, MAX_PARTS = 4_000, 4  # one more part of each block for every 4,000 streams, at most 4
MAX_PARTICIPATION_BLOCKS = 40  # greatest number of participation blocks
DENSE_LOT_LIMIT = 400_000  # number of (block, kind) pairs up to which sums use a dense array
REPRICED_SHARE = 0.25  # share of all cells up to which only the cells concerned are priced
PRICE_ROUNDING = 1e-13  # relative rounding allowance on each price change


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
        """Streams that are explicit in the master problem, (I,) mask."""
        return ~(self.alone | self.waiting | self.bundled)


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


@dataclass(frozen=True, eq=False)
class SubproblemSolution:
    """Optimal shipments and stocks at given prices; `best` and `reduced_costs` in objective per tonne."""

    best: Floats  # (I, T) on the best route
    by: Ints  # (I, T) the best route
    second: Floats  # (I, T) on the second best route, of which no participation dual is subtracted
    reduced_costs: Floats  # (I, T) dual of the supply row
    quantities: Floats  # (G,) dual of the participation minimum, already subtracted from `best` and `reduced_costs`
    sent: Floats  # (I, T) t
    stocks: Floats  # (I, T) t


@dataclass(frozen=True, eq=False)
class PricingCache:
    """Subproblem solution at prices `weights`; reduced costs of cells with a margin left may be older."""

    weights: Floats
    best: Floats  # (I, T) reduced cost on the best route when last priced
    margin: Floats  # (I, T) change of reduced costs that a cell still tolerates
    solution: SubproblemSolution
    reduced_costs: Floats  # (blocks, linking)


@dataclass(frozen=True, eq=False)
class PricingProblem:
    """Pricing problem: streams with the prices of their routes, by class; participation minima and blocks."""

    pricing: RoutePricing
    classes: StreamClasses
    minima: ParticipationNeeds
    block: Ints  # (I, T)
    has_minimum: Bools  # (B,) participation blocks, for which sending nothing is infeasible

    @classmethod
    def build(cls, pricing: RoutePricing, classes: StreamClasses, needs: ParticipationNeeds) -> PricingProblem:
        """Set up the pricing problem.

        Returns:
            The pricing problem.
        """
        return cls(pricing, classes, needs, *_assign_blocks(pricing.instance, classes, needs))

    @property
    def instance(self) -> Instance:
        """Instance that is priced."""
        return self.pricing.instance

    def solve(self, weights: Floats) -> tuple[SubproblemSolution, Floats]:
        """Solve the subproblems at given prices.

        Args:
            weights (linking,): Prices of the linking variables.

        Returns:
            The solution, and its linking amounts by block, (B, linking).
        """
        solution = self._solve_priced(weights, self.pricing.find_best(weights))
        return solution, sum_linking_quantities(self.pricing, solution, self.block, len(self.has_minimum))

    def _solve_priced(self, weights: Floats, priced: tuple[Floats, Ints, Floats]) -> SubproblemSolution:
        """Return the optimal shipments and their reduced costs; `priced` is what `RoutePricing.find_best` returns."""
        best, by, second = priced
        instance, pricing, classes = self.instance, self.pricing, self.classes
        available, region = pricing.available, instance.streams.region
        take = best < 0
        take[~classes.alone] = False
        if classes.bundled.any():
            sums = sum_over_bundles(instance, best, classes.bundled)
            take |= classes.bundled[:, None] & (sums < 0)[instance.streams.bundle]
        sent, kept, participation_price = take * available, pricing.zeros, np.zeros(len(instance.regions))
        if self.minima.cells.any():
            share, participation_price = _solve_participation(instance, self.minima, classes.bundled, best, available)
            np.copyto(sent, share * available, where=self.minima.cells)
            best = best - participation_price[region][:, None]
        own = np.minimum(best, 0.0)
        own[~classes.alone] = best[~classes.alone]
        if classes.waiting.any():
            kept = np.zeros_like(available)
            those = np.flatnonzero(classes.waiting)
            cost = np.multiply.outer(instance.streams.storage_cost.value[those], weights[pricing.linking.spend])
            own[those], sent[those], kept[those] = _solve_storage_recursion(best[those], cost, available[those])
        return SubproblemSolution(best, by, second, own, participation_price, sent, kept)

    def find_profitable_cells(self, weights: Floats, minimum: float) -> Bools:
        """Find the cells whose profit is at least a share of the magnitude of its terms; a bundle counts as a whole.

        Args:
            weights (linking,): Prices of the linking variables.
            minimum: The share.

        Returns:
            Mask (I, T).
        """
        best, by, _ = self.pricing.find_best(weights)
        size, bundled = self.pricing.compute_magnitude(weights, by), self.classes.bundled
        pays = best < -minimum * size
        if bundled.any():
            whole, weight = (sum_over_bundles(self.instance, each, bundled) for each in (best, size))
            pays = np.where(bundled[:, None], (whole < -minimum * weight)[self.instance.streams.bundle], pays)
        return np.asarray(pays)

    def reprice(self, weights: Floats, before: PricingCache | None) -> PricingCache:
        """Solve the subproblems at new prices, pricing again only cells whose solution may change.

        Args:
            weights (linking,): Prices of the linking variables.
            before: Cache of the previous prices, None at first.

        Returns:
            The cache at these prices; reduced costs may be older.
        """
        pricing, needed = self.pricing, self.minima.cells
        if before is not None:
            change, size = (_bound_route_values(pricing, each) for each in (weights - before.weights, weights))
            margin = before.margin - (change + PRICE_ROUNDING * size)[:, self.instance.streams.device].T
            due = margin <= 0
            if due.mean() <= REPRICED_SHARE:
                period, stream = np.nonzero(due.T)
                best, by = before.best.copy(order="K"), before.solution.by.copy(order="K")
                second, cells = before.solution.second.copy(order="K"), (stream, period)
                best[cells], by[cells], second[cells] = pricing.find_best_of(weights, stream, period)
                margin[cells] = _stability_margins(self.classes, stream, needed[cells], best[cells], second[cells])
                solution = self._solve_priced(weights, (best, by, second))
                return PricingCache(weights, best, margin, solution, self._update_quantities(solution, before))
        best, by, second = pricing.find_best(weights)
        margin = _stability_margins(self.classes, np.arange(len(best))[:, None], needed, best, second)
        solution = self._solve_priced(weights, (best, by, second))
        quantities = sum_linking_quantities(pricing, solution, self.block, len(self.has_minimum))
        return PricingCache(weights, best, margin, solution, quantities)

    def _update_quantities(self, solution: SubproblemSolution, before: PricingCache) -> Floats:
        """Return the linking amounts by block, updated for the changed cells only where these are few."""
        block, other = (self.block, len(self.has_minimum)), find_changed_cells(before.solution, solution)
        if other.mean() > REPRICED_SHARE:
            return sum_linking_quantities(self.pricing, solution, *block)
        return before.reduced_costs + sum_linking_quantities(self.pricing, solution, *block, before.solution, other)


def find_changed_cells(one: SubproblemSolution, other: SubproblemSolution) -> Bools:
    """Find the cells whose shipment, route or stock differs.

    Returns:
        Mask (I, T).
    """
    another = (one.by != other.by) & (other.sent > 0)
    return np.asarray((one.sent != other.sent) | (one.stocks != other.stocks) | another)


def _assign_blocks(instance: Instance, classes: StreamClasses, needs: ParticipationNeeds) -> tuple[Ints, Bools]:
    """Return the block of each cell, (I, T), and which blocks, (B,), are of participation.

    The master problem mixes the solutions of a block by common shares.

    Blocks are a device type in a period, a part of the bundles in a period, a storable device type, and neighbouring
    regions with a participation minimum. Very many streams are divided further by neighbouring regions, since more
    blocks mean fewer iterations.
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


def _assign_parts(instance: Instance, regions: Bools, parts: int) -> Ints:
    """Return the part of each stream, (I, 1), when the regions are divided into `parts` of similar size."""
    index = (np.cumsum(regions) - 1) * parts // max(1, int(regions.sum()))
    return np.maximum(index, 0)[instance.streams.region][:, None]


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


def _solve_participation(
    instance: Instance, needs: ParticipationNeeds, bundled: Bools, best: Floats, available: Floats
) -> tuple[Floats, Floats]:
    """Return the share of each cell that is sent, (I, T), and the dual of each minimum, (G,); bundles go as a whole.

    `bundled` (I,) marks streams in bundles; `best` (I, T) is the reduced cost of a tonne, `available` (I, T) in t.
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


def price_quantities(quantities: Floats, weights: Floats) -> Floats:
    """Return the value of linking amounts; `einsum` uses one thread, which is faster here.

    Args:
        quantities (n, linking): Linking amounts.
        weights (linking,): Prices.

    Returns:
        Values (n,).
    """
    return np.einsum("bl,l->b", quantities, weights)
