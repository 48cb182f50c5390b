r"""What a tonne on each route changes the measure by, at prices of the linking quantities: streams priced all at once.

Routes of one device type, treatment and smelter differ from place to place only in what they cost and emit, so the
metal of all of them is priced once: $p_{jt}=w_t\,c_j+\phi_jw_\Phi+w_{X}+W_{\kappa(j)t}$, $\kappa(j)$ the kind of $j$.
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
    """The routes of an instance, by kind: those of a kind bring the same metal, and pay the same to refine it."""

    instance: Instance
    found: Routes
    linking: Linking
    kind: Ints  # (J,)
    typical: Ints  # (kinds,) a route of each
    cost: Floats  # (J,) money/t, without refining
    refining: Floats  # (kinds, T) money/t
    ranks: Ranks
    available: Floats  # (I, T) t, period by period, as all that is priced

    @classmethod
    def of(cls, instance: Instance, found: Routes) -> Pricing:
        """Return the routes `found` by kind."""
        kind, typical = kinds(instance, found)
        cost = base_costs(found)
        refining = refining_of(instance, found, typical)
        available = np.asfortranarray(instance.streams.available.value)
        linking, ranks = Linking.of(instance, found), Ranks.of(found.stream, len(instance.streams.names))
        return cls(instance, found, linking, kind, typical, cost, refining, ranks, available)

    @cached_property
    def nothing(self) -> Floats:
        """Nothing of each stream in each period, (I, T), for whoever writes nothing into it."""
        return np.zeros_like(self.available)

    @cached_property
    def dearest(self) -> Floats:
        """What a tonne costs without refining, and what it emits, on the routes of each device type at most, (2, D)."""
        device = self.instance.streams.device[self.found.stream]
        most = np.zeros((2, len(self.instance.devices.names)))
        for row, figures in zip(most, (self.cost, self.found.footprint), strict=True):
            np.maximum.at(row, device, np.abs(figures))
        return most

    def _parts(self, weights: Floats) -> Iterator[tuple[Floats, Floats]]:
        """Yield for each period what routes of a kind have in common, and what they do not, (J,) each, by ranks."""
        metal, spend, order = self.metal(weights), weights[self.linking.spend], self.ranks.order
        kind, fixed, cost = self.kind[order], self._fixed(weights)[order], self.cost[order]
        for period in range(len(self.instance.periods)):
            yield metal[period][kind], fixed + spend[period] * cost

    def _fixed(self, weights: Floats) -> Floats:
        """Return what routes change the measure by in every period alike, but for what is spent, (J,)."""
        places, streams, found = self.linking, self.instance.streams, self.found
        fixed = found.footprint * weights[places.footprint] + at(weights, places.device)[streams.device][found.stream]
        for group, each in ((streams.region[found.stream], places.region), (found.stream, places.stream)):
            if (each >= 0).any():
                fixed = fixed + at(weights, each)[group]
        return fixed

    def metal(self, weights: Floats) -> Floats:
        """Return what kinds of route differ by from period to period, (T, kinds)."""
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
        """Return what a tonne of each stream changes the measure by at best, (I, T), infinite without a route, by
        which route, (I, T), and what it does by the second best, infinite without one."""
        ranks, shape = self.ranks, (len(self.instance.periods), len(self.instance.streams.names))
        best, by, second = np.full(shape, np.inf), np.zeros(shape, dtype=np.intp), np.full(shape, np.inf)
        for period, (metal, own) in enumerate(self._parts(weights)):
            those = period, ranks.stream
            best[those], by[those], second[those] = ranks.least(metal + own)
        return best.T, by.T, second.T

    def best_of(self, weights: Floats, stream: Ints, period: Ints) -> tuple[Floats, Ints, Floats]:
        """Return the same of cells of streams in periods, (cells,) each."""
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
        """Yield, of cells of streams in periods, which have a further route, that route, and what a tonne on it changes
        the measure by."""
        metal, fixed, spend = self.metal(weights), self._fixed(weights), weights[self.linking.spend]
        for those, route in self.ranks.routes(stream):
            when = period[those]
            yield those, route, metal[when, self.kind[route]] + (fixed[route] + spend[when] * self.cost[route])

    def size(self, weights: Floats, by: Ints) -> Floats:
        """Return what a tonne of each stream costs and brings on route `by`, (I, T), without their signs: 1 for 0."""
        metal, fixed, spend = self.metal(weights), self._fixed(weights), weights[self.linking.spend]
        size = np.empty(by.shape[::-1])
        for period, route in enumerate(by.T):
            size[period] = np.abs(metal[period][self.kind[route]])
            size[period] += np.abs(fixed[route] + spend[period] * self.cost[route])
        return np.where(size > 0, size, 1.0).T
