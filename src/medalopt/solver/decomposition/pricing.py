"""Pricing of all routes at once: the reduced cost of a tonne on each route at given duals of the linking variables.

Routes of one device type, treatment and smelter (one kind) differ between places only in cost and emissions, so the
metal of each kind is priced once: p[j,t] = w[t] c[j,t] + φ[j] w_Φ + w_X + W[κ(j),t], where κ(j) is the kind of route j
and w are the prices of spend, footprint and the sums by device, region and stream.

The linking variables form one vector, ordered as `list_linking_families` lists them.

Sums by region and by stream are included only where a constraint of the instance uses them.

What is priced are combinations: a route with one branch of each of its fractions; their price is the sum over their
routes. A fraction chooses its smelter without regard to the others, so that the best combination has the best branch of
each fraction, and every flow on branches is a sum of combinations. Without fractions a combination is a route.

The routes of all streams are ordered by rank: first routes of all streams, second routes, and so on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.bounds import can_return_metal
from medalopt.instance.instance import Instance
from medalopt.instance.routes import (
    Routes,
    classify_routes,
    compute_base_costs,
    compute_refining_costs_of,
    index_period,
)
from medalopt.instance.smelter_terms import has_limit, may_leave
from medalopt.model.variables import mark_linked_regions, mark_linked_streams

MAX_COMBINATIONS = 4_000_000  # above which an instance is solved by the complete model


@dataclass(frozen=True, eq=False)
class _LinkingIndex:
    """Position of each linking variable in a vector of `count`; -1 where it does not exist."""

    feed: Ints  # (K, T)
    treated: Ints  # (H, T)
    returned: Ints  # (K, E, T + longest lead time), by the period in which the metal is returned
    returned_line: Ints  # (L, E, T + longest lead time), likewise by line of terms, of metal that may be left
    device: Ints  # (D,)
    region: Ints  # (G,)
    stream: Ints  # (I,)
    impurity: Ints  # (K, X, T) of the elements that a smelter limits
    assured: Ints  # (N,) of the cuts of the promised confidence
    spend: Ints  # (T,)
    footprint: int
    count: int

    @classmethod
    def build(cls, instance: Instance, routes: Routes) -> _LinkingIndex:
        """Number the linking variables of an instance."""
        periods, smelters, treatments = len(instance.periods), len(instance.smelters.names), instance.treatments.names
        back = np.zeros((smelters, len(instance.metals.names), periods + instance.smelters.lead.max(initial=0)), bool)
        back[:, :, :periods] = can_return_metal(instance, routes)
        of_line = np.zeros((len(instance.terms.names), *back.shape[1:]), bool)
        of_line[:, :, :periods] = may_leave(instance, routes)
        every = (
            np.ones((smelters, periods), dtype=bool),
            np.ones((len(treatments), periods), dtype=bool),
            back,
            of_line,
            np.ones(len(instance.devices.names), dtype=bool),
            mark_linked_regions(instance, routes, whole=False),
            mark_linked_streams(instance, whole=False),
            np.repeat(has_limit(instance)[:, :, None], periods, axis=2),
            np.ones(len(routes.cuts), dtype=bool),
            np.ones(periods, dtype=bool),
        )
        ends = np.cumsum([family.sum() for family in every]).tolist()
        places = tuple(map(_number_places, every, ends))
        feed, treated, returned, returned_line, device, region, stream, impurity, assured, spend = places
        shipped = (device, region, stream, impurity, assured, spend)
        return cls(feed, treated, returned, returned_line, *shipped, ends[-1], ends[-1] + 1)


def _number_places(there: Bools, end: int) -> Ints:
    """Return consecutive numbers that end before `end` where the mask is set, -1 elsewhere."""
    places = np.full(there.shape, -1, dtype=np.intp)
    places[there] = np.arange(end - int(there.sum()), end)
    return places


def select_weights(weights: Floats, places: Ints) -> Floats:
    """Select weights by position.

    Args:
        weights (linking,): Vector of weights.
        places: Positions, -1 for none.

    Returns:
        Weights of the shape of `places`; 0 where there is no position.
    """
    return np.append(weights, 0.0)[places]


def _split_kinds(routes: Routes, kind: Ints, typical: Ints) -> tuple[Ints, Ints]:
    """Return kinds of routes that also share the assured metal of every cut, and one route of each kind."""
    if all(np.array_equal(cut.rate, cut.rate[typical][kind]) for cut in routes.cuts):
        return kind, typical
    keys = np.column_stack([kind, *(cut.rate for cut in routes.cuts)])
    _, typical, kind = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return kind.ravel(), typical


@dataclass(frozen=True, eq=False)
class RouteRanking:
    """Order of routes in which the minimum over each stream's routes is found one rank at a time."""

    stream: Ints  # (streams with a route,) those with most routes first
    order: Ints  # (J,) first route of each `stream`, then second routes where they exist, ...
    counts: tuple[int, ...]  # number of streams with a route of each rank
    total: int  # I, number of all streams

    @classmethod
    def rank(cls, stream: Ints, total: int) -> RouteRanking:
        """Rank routes.

        Args:
            stream (J,): Stream of each route, ascending.
            total: Number of all streams.

        Returns:
            The ranking.
        """
        routed, first, many = np.unique(stream, return_index=True, return_counts=True)
        order = np.argsort(-many, kind="stable")
        routed, first, many = routed[order], first[order], many[order]
        counts = tuple(int((many > rank).sum()) for rank in range(many.max(initial=0)))
        ranked = [first[:count] + rank for rank, count in enumerate(counts)]
        routes = np.concatenate([np.zeros(0, dtype=np.intp), *ranked])
        return cls(routed, routes, counts, total)

    def find_least(self, price: Floats) -> tuple[Floats, Ints, Floats]:
        """Find the cheapest and second cheapest route of each stream.

        Args:
            price (J,): Price of each route, in ranked order.

        Returns:
            Least price, its route (the first of several), and second least price, infinite with a single route; one for
            each entry of `stream`.
        """
        best, by = price[: len(self.stream)].copy(), self.order[: len(self.stream)].copy()
        second = np.full(len(best), np.inf)
        start = len(best)
        for count in self.counts[1:]:
            here = slice(start, start + count)
            less = price[here] < best[:count]
            np.minimum(second[:count], np.maximum(best[:count], price[here]), out=second[:count])
            np.copyto(best[:count], price[here], where=less)
            np.copyto(by[:count], self.order[here], where=less)
            start += count
        return best, by, second

    def iterate_routes(self, stream: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Yield the routes of some streams, one rank at a time.

        Args:
            stream (cells,): Streams.

        Yields:
            Positions of the streams that have a route of this rank, and these routes.
        """
        index, start = self._at[stream], 0
        for count in self.counts:
            those = np.flatnonzero(index < count)
            yield those, self.order[start + index[those]]
            start += count

    @cached_property
    def _at(self) -> Ints:
        """Position of each stream in `stream`, (I,); past the end without a route."""
        at = np.full(self.total, len(self.stream))
        at[self.stream] = np.arange(len(self.stream))
        return at


@dataclass(frozen=True, eq=False)
class _SeparableRanking:
    """Least price of each stream without listing combinations: each fraction takes its best branch on its own."""

    taking: Ints  # (P,) routes that take devices
    first: Ints  # (P,) first combination of each
    parents: RouteRanking  # of `taking`, by stream
    branches: Ints  # (B,) by fraction
    start: Ints  # (N,) first branch of each fraction in `branches`
    owner: Ints  # (N,) position in `taking` of the route of its devices
    stride: Ints  # (N,) combinations from one branch to the next
    fractions: RouteRanking  # of `branches`, by fraction

    @classmethod
    def build(cls, routes: Routes, total: int) -> _SeparableRanking:
        """Build the ranking."""
        groups, taking = routes.fraction_groups, np.flatnonzero(routes.treats)
        branches = routes.branches[np.argsort(groups.group[routes.branches], kind="stable")]
        group = groups.group[branches]
        ends = np.searchsorted(group, np.arange(len(groups.parent) + 1))
        owner = np.searchsorted(taking, groups.parent)
        rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
        stride, count = np.ones(len(owner), dtype=np.intp), np.ones(len(taking), dtype=np.intp)
        for number in reversed(range(int(rank.max(initial=-1)) + 1)):  # the last fraction varies first
            own = np.flatnonzero(rank == number)
            stride[own] = count[owner[own]]
            count[owner[own]] *= np.diff(ends)[own]
        return cls(
            taking,
            np.cumsum(count) - count,
            RouteRanking.rank(routes.stream[taking], total),
            branches,
            ends[:-1],
            owner,
            stride,
            RouteRanking.rank(group, len(owner)),
        )

    @cached_property
    def _by_rank(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Branches in ranked order, and `owner`, `start` and `stride` of the fractions in the order of the ranking."""
        fraction = self.fractions.stream
        ranked = self.branches[self.fractions.order]
        return ranked, self.owner[fraction], self.start[fraction], self.stride[fraction]

    def find_least(self, price: Floats) -> tuple[Floats, Ints, Floats]:
        """Find the cheapest and second cheapest combination of each stream."""
        ranked, owner, start, stride = self._by_rank
        least, chosen, second = self.fractions.find_least(price[ranked])
        total = price[self.taking] + np.bincount(owner, least, len(self.taking))
        choice = (chosen - start) * stride
        combination = self.first + np.bincount(owner, choice, len(self.taking)).astype(np.intp)
        other = np.full(len(self.taking), np.inf)  # by another branch of one fraction
        np.minimum.at(other, owner, second - least)
        best, by, after = self.parents.find_least(total[self.parents.order])
        return best, combination[by], np.minimum(after, best + other[by])


@dataclass(frozen=True, eq=False)
class RoutePricing:
    """Combinations of routes by kind: those of one kind return the same metal at the same refining charges."""

    instance: Instance
    routes: Routes
    combinations: _RouteCombinations
    linking: _LinkingIndex
    route_kind: Ints  # (J,)
    kind: Ints  # (C,)
    members: Ints  # (kinds, M) kind of each route, -1 for none
    typical: Ints  # (route kinds,) one route of each kind of route
    cost: Floats  # (C, 1 or T) money/t, without refining
    footprint: Floats  # (C,) kg CO2e/t
    refining: Floats  # (route kinds, T) money/t
    ranks: RouteRanking
    available: Floats  # (I, T) t, in column-major order as all priced arrays

    @classmethod
    def group(cls, instance: Instance, routes: Routes) -> RoutePricing:
        """Group the routes of an instance by kind.

        Args:
            routes: J routes.

        Returns:
            The routes, ready for pricing.
        """
        route_kind, typical = _split_kinds(routes, *classify_routes(instance, routes))
        kind = route_kind
        combinations = _RouteCombinations.build(routes)
        members = np.arange(len(typical))[:, None]
        if routes.parent is not None:
            of_member, code = (
                np.append(kind, -1)[combinations.member],
                np.zeros(len(combinations.stream), dtype=np.intp),
            )
            for member in of_member.T:
                code = np.unique(code * (len(typical) + 1) + member + 1, return_inverse=True)[1]
            _, first, kind = np.unique(code, return_index=True, return_inverse=True)
            members = of_member[first]
        refining = compute_refining_costs_of(instance, routes, typical)
        available = np.asfortranarray(instance.streams.available.value)
        linking, ranks = (
            _LinkingIndex.build(instance, routes),
            RouteRanking.rank(combinations.stream, len(instance.streams.names)),
        )
        cost, footprint = map(combinations.sum_over_members, (compute_base_costs(routes), routes.footprint))
        grouped = (route_kind, kind.ravel(), members, typical, cost, footprint, refining)
        return cls(instance, routes, combinations, linking, *grouped, ranks, available)

    @cached_property
    def zeros(self) -> Floats:
        """Shared zero array, not to be written to, (I, T)."""
        return np.zeros_like(self.available)

    @cached_property
    def largest_costs(self) -> Floats:
        """Greatest unit cost without refining, money per t, and emissions, kg CO2e per t, by device type, (2, D)."""
        device = self.instance.streams.device[self.combinations.stream]
        maximum = np.zeros((2, len(self.instance.devices.names)))
        costs = np.abs(self.cost).max(axis=1)
        for row, values in zip(maximum, (costs, np.abs(self.footprint)), strict=True):
            np.maximum.at(row, device, values)
        return maximum

    def _parts(self, weights: Floats) -> Iterator[tuple[Floats, Floats]]:
        """Yield for each period the reduced cost by kind and the remainder, (C,) each, in ranked order."""
        metal, spend, order = self.price_metal(weights), weights[self.linking.spend], self.ranks.order
        kind, fixed, cost = self.kind[order], self._fixed(weights)[order], self.cost[order]
        for period in range(len(self.instance.periods)):
            yield metal[period][kind], fixed + spend[period] * cost[:, index_period(cost, period)]

    @cached_property
    def separable(self) -> _SeparableRanking | None:
        """Ranking by fraction; None where no treatment has fractions."""
        return None if self.routes.parent is None else _SeparableRanking.build(self.routes, len(self.available))

    @cached_property
    def _base_costs(self) -> Floats:
        """Cost of a tonne on each route, without refining, (J, 1 or T) money/t."""
        return np.asarray(compute_base_costs(self.routes))

    def _price_every_route(self, separable: _SeparableRanking, weights: Floats) -> Iterator[Floats]:
        """Yield for each period the reduced cost of each route (J,), that of devices on the routes that take them."""
        metal, spend = self._price_routes(weights), weights[self.linking.spend]
        fixed = self.routes.footprint * weights[self.linking.footprint]
        taking = separable.taking
        fixed[taking] = self._add_device_prices(weights, fixed[taking], self.routes.stream[taking])
        for period in range(len(self.instance.periods)):
            cost = self._base_costs[:, index_period(self._base_costs, period)]
            yield metal[period][self.route_kind] + (fixed + spend[period] * cost)

    def _fixed(self, weights: Floats) -> Floats:
        """Return the part of the reduced cost that is constant over time, without spend, (C,)."""
        return self._add_device_prices(
            weights, self.footprint * weights[self.linking.footprint], self.combinations.stream
        )

    def _add_device_prices(self, weights: Floats, fixed: Floats, stream: Ints) -> Floats:
        """Return `fixed` plus the prices of a tonne of devices of given streams, by device, region and stream."""
        places, streams = self.linking, self.instance.streams
        fixed = fixed + select_weights(weights, places.device)[streams.device][stream]
        for group, each in ((streams.region[stream], places.region), (stream, places.stream)):
            if (each >= 0).any():
                fixed = fixed + select_weights(weights, each)[group]
        return fixed

    def price_metal(self, weights: Floats) -> Floats:
        """Return the part of the reduced cost that a kind of combination determines.

        Args:
            weights (linking,): Prices of the linking variables.

        Returns:
            Objective per tonne, (T, kinds).
        """
        single = self._price_routes(weights)
        if self.members.shape[1] == 1:
            return single
        padded = np.concatenate([single, np.zeros((len(single), 1))], axis=1)
        return np.ascontiguousarray(padded[:, self.members].sum(axis=2))

    def _price_routes(self, weights: Floats) -> Floats:
        """Return the part of the reduced cost that a kind of route determines, (T, route kinds)."""
        routes, places, periods = self.routes, self.linking, np.arange(len(self.instance.periods))
        smelter, treatment = routes.smelter[self.typical], routes.treatment[self.typical]
        total = select_weights(weights, places.treated)[treatment] + weights[places.spend] * self.refining
        travels = np.flatnonzero(smelter >= 0)
        those, by = self.typical[travels], smelter[travels]
        total[travels] += routes.to_smelter[those][:, None] * select_weights(weights, places.feed)[by]
        for metal in range(len(self.instance.metals.names)):
            back = periods[None, :] + self.instance.smelters.lead[by, metal][:, None]
            worth = select_weights(weights, places.returned[by[:, None], metal, back])
            if self.instance.metals.surplus_to_smelter[metal]:
                line = routes.line[those]
                worth = worth + select_weights(weights, places.returned_line[line[:, None], metal, back])
            total[travels] += routes.returned[those, metal][:, None] * worth
        for x in range(len(self.instance.impurities.names)):
            held = routes.impurity[those, x][:, None]
            total[travels] += held * select_weights(weights, places.impurity[by, x])
        for cut, price in zip(routes.cuts, weights[places.assured].tolist(), strict=True):
            back = periods[None, :] + self.instance.smelters.lead[by, cut.metal][:, None] <= cut.period
            total[travels] += np.where(back, (price * cut.rate[those])[:, None], 0.0)
        return np.ascontiguousarray(total.T)

    def find_best(self, weights: Floats) -> tuple[Floats, Ints, Floats]:
        """Price all streams.

        Args:
            weights (linking,): Prices of the linking variables.

        Returns:
            Reduced cost of a tonne on the best route, that route, and the reduced cost on the second best route, (I, T)
            each; infinite without such a route.
        """
        ranks, shape = self.ranks, (len(self.instance.periods), len(self.instance.streams.names))
        best, by, second = np.full(shape, np.inf), np.zeros(shape, dtype=np.intp), np.full(shape, np.inf)
        if self.separable is not None:
            for period, price in enumerate(self._price_every_route(self.separable, weights)):
                those = period, self.separable.parents.stream
                best[those], by[those], second[those] = self.separable.find_least(price)
            return best.T, by.T, second.T
        for period, (metal, own) in enumerate(self._parts(weights)):
            those = period, ranks.stream
            best[those], by[those], second[those] = ranks.find_least(metal + own)
        return best.T, by.T, second.T

    def find_best_of(self, weights: Floats, stream: Ints, period: Ints) -> tuple[Floats, Ints, Floats]:
        """Price some cells (a stream in a period).

        Args:
            weights (linking,): Prices of the linking variables.
            stream (cells,): Stream of each cell.
            period (cells,): Period of each cell.

        Returns:
            Reduced cost on the best route, that route, and reduced cost on the second best route, (cells,) each.
        """
        best, by, second = (
            np.full(len(stream), np.inf),
            np.zeros(len(stream), dtype=np.intp),
            np.full(len(stream), np.inf),
        )
        for those, route, price in self.ways_of(weights, stream, period):
            before = best[those]
            second[those] = np.minimum(second[those], np.maximum(before, price))
            by[those] = np.where(price < before, route, by[those])
            best[those] = np.minimum(before, price)
        return best, by, second

    def ways_of(self, weights: Floats, stream: Ints, period: Ints) -> Iterator[tuple[Ints, Ints, Floats]]:
        """Yield the routes of some cells, one rank at a time.

        Args:
            weights (linking,): Prices of the linking variables.
            stream (cells,): Stream of each cell.
            period (cells,): Period of each cell.

        Yields:
            Positions of the cells that have a route of this rank, the routes, and the reduced costs of a tonne on them.
        """
        metal, fixed, spend = self.price_metal(weights), self._fixed(weights), weights[self.linking.spend]
        for those, route in self.ranks.iterate_routes(stream):
            when = period[those]
            cost = self.cost[route, index_period(self.cost, when)]
            yield those, route, metal[when, self.kind[route]] + (fixed[route] + spend[when] * cost)

    def compute_magnitude(self, weights: Floats, by: Ints) -> Floats:
        """Return the magnitude of the terms of the reduced cost on given routes, for relative comparisons.

        Args:
            weights (linking,): Prices of the linking variables.
            by (I, T): Routes.

        Returns:
            Sum of magnitudes per tonne, (I, T); 1 where it is 0.
        """
        if not len(self.kind):  # every feed is refused
            return np.ones(by.shape)
        metal, fixed, spend = self.price_metal(weights), self._fixed(weights), weights[self.linking.spend]
        size = np.empty(by.shape[::-1])
        for period, route in enumerate(by.T):
            size[period] = np.abs(metal[period][self.kind[route]])
            cost = self.cost[route, index_period(self.cost, period)]
            size[period] += np.abs(fixed[route] + spend[period] * cost)
        return np.where(size > 0, size, 1.0).T


@dataclass(frozen=True, eq=False)
class _RouteCombinations:
    """C combinations of the routes of an instance, by stream."""

    stream: Ints  # (C,) ascending
    member: Ints  # (C, M) the route that takes devices and its branches, -1 for none

    @classmethod
    def build(cls, routes: Routes) -> _RouteCombinations:
        """Build the combinations of all routes."""
        if routes.parent is None:
            return cls(routes.stream, np.arange(len(routes))[:, None])
        member = np.flatnonzero(routes.treats)[:, None]
        groups = routes.fraction_groups
        rank = np.arange(len(groups.parent)) - np.searchsorted(groups.parent, groups.parent)
        branches = routes.branches[np.argsort(groups.group[routes.branches], kind="stable")]
        first = np.searchsorted(groups.group[branches], np.arange(len(groups.parent) + 1))
        for number in range(int(rank.max(initial=-1)) + 1):
            own = np.full(len(routes), -1, dtype=np.intp)  # the fraction of this rank of each route
            own[groups.parent[rank == number]] = np.flatnonzero(rank == number)
            group = own[member[:, 0]]
            choices = np.where(group >= 0, first[group + 1] - first[group], 1)
            each = np.repeat(np.arange(len(member)), choices)
            place = np.arange(len(each)) - np.repeat(np.cumsum(choices) - choices, choices)
            chosen = branches[np.minimum(first[group[each]] + place, len(branches) - 1)]
            member = np.column_stack([member[each], np.where(group[each] >= 0, chosen, -1)])
        return cls(routes.stream[member[:, 0]], member)

    def sum_over_members(self, values: Floats) -> Floats:
        """Return sums of values over the routes of each combination."""
        if self.member.shape[1] == 1:
            return values[self.member[:, 0]]
        padded = np.concatenate([values, np.zeros_like(values[:1])])
        return np.asarray(padded[self.member].sum(axis=1))


def count_combinations(routes: Routes) -> int:
    """Count the combinations of routes without building them.

    Args:
        routes: Routes of an instance.

    Returns:
        Their number.
    """
    if routes.parent is None:
        return len(routes)
    groups = routes.fraction_groups
    choices = np.ones(len(routes))
    np.multiply.at(choices, groups.parent, np.bincount(groups.group[routes.branches], minlength=len(groups.parent)))
    return int(min(choices[routes.treats].sum(), 1e18))
