"""What answers prove by arithmetic alone: a bound by their duals, and how far they miss a row; of many at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Bools, Floats, Ints
from medalopt.solver.linear import Linear, greatest

_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Posed:
    """Programs of one shape, one for each of K answers; an array of one row, (1, n), holds for all of them.

    `size`, the implied bounds of the columns, is what one without an end pays by; `value` the entries by columns.
    """

    lower: Floats  # (K, N)
    upper: Floats
    size: Floats
    cost: Floats
    row_lower: Floats  # (K, M)
    row_upper: Floats
    value: Floats  # (K, entries)


class Layout:
    """The entries of one matrix, by columns and by rows: `index` of those of each column from `start` on, (N + 1,)."""

    def __init__(self, start: Ints, index: Ints, height: int) -> None:
        counts, heights = np.diff(start), np.bincount(index, minlength=height)
        self._row, self._by_row = index, np.argsort(index, kind="stable")
        self._column_by_row = np.repeat(np.arange(len(counts)), counts)[self._by_row]
        self._columns = _Runs.of(counts)
        self._rows = _Runs.of(heights)

    def proven(self, posed: Posed, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return the bounds, (K,), that the duals `y`, (K, M), prove, and the greatest violations by `x`, (K, N)."""
        return self._bound(posed, y), self._missed(posed, x)

    def _bound(self, posed: Posed, y: Floats) -> Floats:
        end = np.where(y > 0, posed.row_lower, posed.row_upper)
        usable = np.isfinite(end)
        if not usable.all():
            y, end = np.where(usable, y, 0.0), np.where(usable, end, 0.0)
        parts = posed.value * y[:, self._row]
        pull = self._columns.sums(parts) - posed.cost
        most = np.where(np.isfinite(posed.upper), posed.upper, posed.size)
        least = np.where(np.isfinite(posed.lower), posed.lower, -posed.size)
        paid = (y * end).sum(axis=1)
        if np.isfinite(posed.size).all():
            return np.asarray(paid - np.maximum(pull * most, pull * least).sum(axis=1))
        terms = self._columns.sums(np.abs(parts)) + np.abs(posed.cost)
        return np.asarray(paid - greatest(pull, terms, least, most))

    def _missed(self, posed: Posed, x: Floats) -> Floats:
        """Return the greatest violation of a row beside its size, (K,)."""
        low, high = posed.row_lower, posed.row_upper
        terms = posed.value[:, self._by_row] * x[:, self._column_by_row]
        activity = self._rows.sums(terms)
        missed = np.maximum(np.maximum(low - activity, activity - high), 0.0)
        sizes = self._rows.sums(np.abs(terms))
        for side in (low, high):
            sizes = np.maximum(sizes, np.abs(side), out=sizes, where=np.isfinite(side))
        return np.asarray((missed / np.maximum(sizes, _TINY)).max(axis=1, initial=0.0))


@dataclass(frozen=True, eq=False)
class _Runs:
    """Consecutive entries that belong together."""

    some: Bools  # (n,) whether there are any
    first: Ints  # where each begins that has some
    all: bool

    @classmethod
    def of(cls, counts: Ints) -> _Runs:
        """Return the runs of so many entries each, (n,)."""
        return cls(counts > 0, (np.cumsum(counts) - counts)[counts > 0], bool((counts > 0).all()))

    def sums(self, terms: Floats) -> Floats:
        """Return the sums, (K, n), of the `terms`, (K, entries), of each; 0 where there are none."""
        if self.all:
            return np.asarray(np.add.reduceat(terms, self.first, axis=1))
        sums = np.zeros((len(terms), len(self.some)))
        if len(self.first):
            sums[:, self.some] = np.add.reduceat(terms, self.first, axis=1)
        return sums


def gap(linear: Linear, x: Floats, y: Floats) -> tuple[float, float]:
    """Return the lower bound that the duals `y` give, and the greatest violation of a row by `x` beside its size.

    Both for the program as it was compiled, a user's own constraints included; columns without a bound of
    their own pay by their implied size.
    """
    entries, width = linear.entries, len(linear.lower)
    order = np.lexsort((entries.row, entries.column))
    start = np.concatenate([[0], np.cumsum(np.bincount(entries.column, minlength=width))])
    arrays = (linear.lower, linear.upper, linear.size, linear.costs[0], linear.row_lower, linear.row_upper)
    posed = Posed(*(array[None, :] for array in (*arrays, entries.value[order])))
    bound, violation = Layout(start, entries.row[order], len(linear.rows)).proven(posed, x[None, :], y[None, :])
    return float(bound[0]), float(violation[0])
