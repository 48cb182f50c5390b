"""Dual bounds and row violations are computed for many programs of one sparsity pattern at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Bools, Floats, Ints
from medalopt.solver.linear import Linear, greatest

_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Posed:
    """Programs of one shape, one for each of K solutions; an array with one row, (1, n), applies to all of them.

    `size` are the implied bounds of the columns, used in place of infinite bounds; `value` the entries by columns.
    """

    lower: Floats  # (K, N)
    upper: Floats
    size: Floats
    cost: Floats
    row_lower: Floats  # (K, M)
    row_upper: Floats
    value: Floats  # (K, entries)


class Layout:
    """Sparsity pattern of one matrix by columns and by rows.

    Args:
        start (N + 1,): First entry of each column.
        index (entries,): Row of each entry.
        height: Number of rows, M.
    """

    def __init__(self, start: Ints, index: Ints, height: int) -> None:
        counts, heights = np.diff(start), np.bincount(index, minlength=height)
        self._row, self._by_row = index, np.argsort(index, kind="stable")
        self._column_by_row = np.repeat(np.arange(len(counts)), counts)[self._by_row]
        self._columns = _Runs.of(counts)
        self._rows = _Runs.of(heights)

    def proven(self, posed: Posed, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return the lower bound that the duals prove (Lagrange), and the greatest relative row violation.

        Args:
            posed: Batch of K programs.
            x (K, N): Scaled columns.
            y (K, M): Scaled duals.

        Returns:
            Bounds (K,) and violations (K,).
        """
        return self._bound(posed, y), self._missed(posed, x)

    def _bound(self, posed: Posed, y: Floats) -> Floats:
        """Return the Lagrangian bounds (K,): row duals times right-hand sides, less the most the columns can gain."""
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
        """Return the greatest row violation relative to the row's size, (K,)."""
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
    """Consecutive groups of entries, such as those of one column."""

    some: Bools  # (n,) whether the group has entries
    first: Ints  # start of each nonempty group
    all: bool

    @classmethod
    def of(cls, counts: Ints) -> _Runs:
        """Return the groups with the given numbers of entries, (n,)."""
        return cls(counts > 0, (np.cumsum(counts) - counts)[counts > 0], bool((counts > 0).all()))

    def sums(self, terms: Floats) -> Floats:
        """Return the sum (K, n) of the `terms` (K, entries) of each group; 0 for an empty group."""
        if self.all:
            return np.asarray(np.add.reduceat(terms, self.first, axis=1))
        sums = np.zeros((len(terms), len(self.some)))
        if len(self.first):
            sums[:, self.some] = np.add.reduceat(terms, self.first, axis=1)
        return sums


def gap(linear: Linear, x: Floats, y: Floats) -> tuple[float, float]:
    """Compute the lower bound of the duals and the greatest relative row violation for one program in own units.

    Rows of extensions are included; columns without a bound use their implied size.

    Args:
        linear: Program.
        x (N,): Columns.
        y (M,): Duals.

    Returns:
        Lower bound of the objective, and violation.
    """
    entries, width = linear.entries, len(linear.lower)
    order = np.lexsort((entries.row, entries.column))
    start = np.concatenate([[0], np.cumsum(np.bincount(entries.column, minlength=width))])
    arrays = (linear.lower, linear.upper, linear.size, linear.costs[0], linear.row_lower, linear.row_upper)
    posed = Posed(*(array[None, :] for array in (*arrays, entries.value[order])))
    bound, violation = Layout(start, entries.row[order], len(linear.rows)).proven(posed, x[None, :], y[None, :])
    return float(bound[0]), float(violation[0])
