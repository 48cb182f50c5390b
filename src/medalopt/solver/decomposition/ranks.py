"""The routes of all streams are ordered by rank: first routes of all streams, second routes, and so on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.instance.figures import Floats, Ints


@dataclass(frozen=True, eq=False)
class Ranks:
    """Order of routes in which the minimum over each stream's routes is found one rank at a time."""

    stream: Ints  # (streams with a route,) those with most routes first
    order: Ints  # (J,) first route of each `stream`, then second routes where they exist, ...
    counts: tuple[int, ...]  # number of streams with a route of each rank
    total: int  # I, number of all streams

    @classmethod
    def of(cls, stream: Ints, total: int) -> Ranks:
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

    def least(self, price: Floats) -> tuple[Floats, Ints, Floats]:
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

    def routes(self, stream: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Yield the routes of some streams, one rank at a time.

        Args:
            stream (cells,): Streams.

        Yields:
            Positions of the streams that have a route of this rank, and these routes.
        """
        at, start = self._at[stream], 0
        for count in self.counts:
            those = np.flatnonzero(at < count)
            yield those, self.order[start + at[those]]
            start += count

    @cached_property
    def _at(self) -> Ints:
        """Position of each stream in `stream`, (I,); past the end without a route."""
        at = np.full(self.total, len(self.stream))
        at[self.stream] = np.arange(len(self.stream))
        return at
