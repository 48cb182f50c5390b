"""Pricing of all routes at once: the reduced cost of a tonne on each route at given duals of the linking variables.

Routes of one device type, treatment and smelter (one kind) differ between places only in cost and emissions, so the
metal of each kind is priced once: p[j,t] = w[t] c[j] + φ[j] w_Φ + w_X + W[κ(j),t], where κ(j) is the kind of route j
and w are the prices of spend, footprint and the sums by device, region and stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.instance.figures import Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes, base_costs, kinds, refining_of
from medalopt.solver.decomposition.linking import Linking, at
from medalopt.solver.decomposition.ranks import Ranks


@dataclass(frozen=True, eq=False)
class Pricing:
    """Routes of an instance by kind: routes of one kind return the same metal at the same refining charges."""

    instance: Instance
    found: Routes
    linking: Linking
    kind: Ints  # (J,)
    typical: Ints  # (kinds,) one route of each kind
    cost: Floats  # (J,) money/t, without refining
    refining: Floats  # (kinds, T) money/t
    ranks: Ranks
    available: Floats  # (I, T) t, in column-major order as all priced arrays

    @classmethod
    def of(cls, instance: Instance, found: Routes) -> Pricing:
        """Group the routes of an instance by kind.

        Args:
            instance: Instance.
            found: J routes.

        Returns:
            The routes, ready for pricing.
        """
        kind, typical = kinds(instance, found)
        cost = base_costs(found)
        refining = refining_of(instance, found, typical)
        available = np.asfortranarray(instance.streams.available.value)
        linking, ranks = Linking.of(instance, found), Ranks.of(found.stream, len(instance.streams.names))
        return cls(instance, found, linking, kind, typical, cost, refining, ranks, available)

    @cached_property
    def nothing(self) -> Floats:
        """Shared zero array (I, T), not to be written to."""
        return np.zeros_like(self.available)

    @cached_property
    def dearest(self) -> Floats:
        """Greatest magnitude of unit cost without refining, and of unit emissions, by device type, (2, D)."""
        device = self.instance.streams.device[self.found.stream]
        most = np.zeros((2, len(self.instance.devices.names)))
        for row, figures in zip(most, (self.cost, self.found.footprint), strict=True):
            np.maximum.at(row, device, np.abs(figures))
        return most

    def _parts(self, weights: Floats) -> Iterator[tuple[Floats, Floats]]:
        """Yield for each period the reduced cost by kind and the remainder, (J,) each, in ranked order."""
        metal, spend, order = self.metal(weights), weights[self.linking.spend], self.ranks.order
        kind, fixed, cost = self.kind[order], self._fixed(weights)[order], self.cost[order]
        for period in range(len(self.instance.periods)):
            yield metal[period][kind], fixed + spend[period] * cost

    def _fixed(self, weights: Floats) -> Floats:
        """Return the part of the reduced cost that is constant over time, without spend, (J,)."""
        places, streams, found = self.linking, self.instance.streams, self.found
        fixed = found.footprint * weights[places.footprint] + at(weights, places.device)[streams.device][found.stream]
        for group, each in ((streams.region[found.stream], places.region), (found.stream, places.stream)):
            if (each >= 0).any():
                fixed = fixed + at(weights, each)[group]
        return fixed

    def metal(self, weights: Floats) -> Floats:
        """Return the part of the reduced cost that a kind of route determines.

        Args:
            weights (linking,): Prices of the linking variables.

        Returns:
            Objective per tonne, (T, kinds).
        """
        found, places, periods = self.found, self.linking, np.arange(len(self.instance.periods))
        smelter, treatment = found.smelter[self.typical], found.treatment[self.typical]
        total = at(weights, places.treated)[treatment] + weights[places.spend] * self.refining
        travels = np.flatnonzero(smelter >= 0)
        those, by = self.typical[travels], smelter[travels]
        total[travels] += found.to_smelter[those][:, None] * at(weights, places.feed)[by]
        for metal in range(len(self.instance.metals.names)):
            back = periods[None, :] + self.instance.smelters.lead[by, metal][:, None]
            worth = at(weights, places.returned[by[:, None], metal, back])
            total[travels] += found.returned[those, metal][:, None] * worth
        return np.ascontiguousarray(total.T)

    def best(self, weights: Floats) -> tuple[Floats, Ints, Floats]:
        """Price all streams.

        Args:
            weights (linking,): Prices of the linking variables.

        Returns:
            Reduced cost of a tonne on the best route, that route, and the reduced cost on the second best route, (I, T)
            each; infinite without such a route.
        """
        ranks, shape = self.ranks, (len(self.instance.periods), len(self.instance.streams.names))
        best, by, second = np.full(shape, np.inf), np.zeros(shape, dtype=np.intp), np.full(shape, np.inf)
        for period, (metal, own) in enumerate(self._parts(weights)):
            those = period, ranks.stream
            best[those], by[those], second[those] = ranks.least(metal + own)
        return best.T, by.T, second.T

    def best_of(self, weights: Floats, stream: Ints, period: Ints) -> tuple[Floats, Ints, Floats]:
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
        metal, fixed, spend = self.metal(weights), self._fixed(weights), weights[self.linking.spend]
        for those, route in self.ranks.routes(stream):
            when = period[those]
            yield those, route, metal[when, self.kind[route]] + (fixed[route] + spend[when] * self.cost[route])

    def size(self, weights: Floats, by: Ints) -> Floats:
        """Return the magnitude of the terms of the reduced cost on given routes, for relative comparisons.

        Args:
            weights (linking,): Prices of the linking variables.
            by (I, T): Routes.

        Returns:
            Sum of magnitudes per tonne, (I, T); 1 where it is 0.
        """
        metal, fixed, spend = self.metal(weights), self._fixed(weights), weights[self.linking.spend]
        size = np.empty(by.shape[::-1])
        for period, route in enumerate(by.T):
            size[period] = np.abs(metal[period][self.kind[route]])
            size[period] += np.abs(fixed[route] + spend[period] * self.cost[route])
        return np.where(size > 0, size, 1.0).T
