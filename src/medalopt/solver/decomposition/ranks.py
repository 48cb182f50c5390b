"""The routes of all streams side by side: of each its first, then of those that have more the second, and so on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.instance.figures import Floats, Ints


@dataclass(frozen=True, eq=False)
class Ranks:
    """An order of routes, which stand by stream, in which the least of each stream's is found a rank at a time."""

    stream: Ints  # (streams with a route,) those with the most routes first
    order: Ints  # (J,) routes: the first of each `stream`, the second of those that have one, ...
    counts: tuple[int, ...]  # how many streams have a route of each rank
    total: int  # I, the number of all streams, with a route or without

    @classmethod
    def of(cls, stream: Ints, total: int) -> Ranks:
        """Return the ranks of routes of `stream`, (J,), which ascends, one of `total` streams each."""
        routed, first, many = np.unique(stream, return_index=True, return_counts=True)
        order = np.argsort(-many, kind="stable")
        routed, first, many = routed[order], first[order], many[order]
        counts = tuple(int((many > rank).sum()) for rank in range(many.max(initial=0)))
        ranked = [first[:count] + rank for rank, count in enumerate(counts)]
        routes = np.concatenate([np.zeros(0, dtype=np.intp), *ranked])
        return cls(routed, routes, counts, total)

    def least(self, price: Floats) -> tuple[Floats, Ints, Floats]:
        """Return the least `price`, given in this order, of the routes of each `stream`, of which, the first one of
        several, and the second least, infinite where there is one route."""
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
        """Yield for each rank which of the streams asked for have a route of it, and that route."""
        at, start = self._at[stream], 0
        for count in self.counts:
            those = np.flatnonzero(at < count)
            yield those, self.order[start + at[those]]
            start += count

    @cached_property
    def _at(self) -> Ints:
        """The position of each stream in `stream`, (I,); behind all where it has no route."""
        at = np.full(self.total, len(self.stream))
        at[self.stream] = np.arange(len(self.stream))
        return at
