"""Brings a program to a like size by exact powers of two, and its answer back.

HiGHS works with tolerances that are absolute in each row's own unit, so a plan in tonnes and raw yen may
be 'solved' by nothing. Here a column is measured in its implied bound, a row in its largest coefficient,
the objective in its largest cost over 256; a power of two changes an exponent and not a digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.figures import Floats, Ints
from medalopt.solver.linear import Linear
from medalopt.solver.sizes import powers

LIFT = 8  # the largest cost is 2**LIFT: reduced costs are then told from nothing 256 times as finely


@dataclass(frozen=True, eq=False)
class Scaled:
    """The program as the solver sees it, by columns: `x = 2**column * its x`, `y = 2**(row - cost) * its y`."""

    column: Ints  # (N,) exponents
    row: Ints  # (M,) exponents
    cost: Ints  # (objectives,) exponents
    lower: Floats
    upper: Floats
    costs: Floats
    row_lower: Floats
    row_upper: Floats
    start: Ints  # (N + 1,)
    index: Ints  # (entries,) rows
    value: Floats

    @cached_property
    def of_entry(self) -> Ints:
        """The column of each entry, (entries,)."""
        return np.repeat(np.arange(len(self.lower)), np.diff(self.start))

    def activity(self, x: Floats) -> Floats:
        """Return the rows' values, Ax, (M,)."""
        return np.bincount(self.index, self.value * x[self.of_entry], len(self.row_lower)).astype(np.float64)

    def pulled(self, y: Floats) -> Floats:
        """Return the rows' duals carried to the columns, A'y, (N,)."""
        return np.bincount(self.of_entry, self.value * y[self.index], len(self.lower)).astype(np.float64)

    def primal(self, x: Floats) -> Floats:
        """Return the columns' values in their own units."""
        return np.ldexp(x, self.column)

    def dual(self, y: Floats) -> Floats:
        """Return the rows' duals in units of the first objective per unit of the row."""
        return np.ldexp(y, self.row - self.cost[0])


def scaled(linear: Linear, lift: int = LIFT) -> Scaled:
    """Return `linear` at a like size, its largest cost at 2**`lift`. Raises SolverError where not all is finite."""
    entries = linear.entries
    _check(linear)
    column = _columns(linear)
    value = np.ldexp(entries.value, column[entries.column])
    row = -powers(_largest(value, entries.row, len(linear.rows)))
    value = np.ldexp(value, row[entries.row])
    costs = np.ldexp(linear.costs, column[None, :])
    cost = lift - powers(np.abs(costs).max(axis=1, initial=0.0))
    order = np.argsort(entries.column * len(linear.rows) + entries.row, kind="stable")
    counts = np.bincount(entries.column, minlength=len(column))
    result = Scaled(
        *(column, row, cost),
        np.ldexp(linear.lower, -column),
        np.ldexp(linear.upper, -column),
        np.ldexp(costs, cost[:, None]),
        np.ldexp(linear.row_lower, row),
        np.ldexp(linear.row_upper, row),
        np.concatenate([[0], np.cumsum(counts)]),
        entries.row[order],
        value[order],
    )
    if not (np.isfinite(result.value).all() and (result.value != 0).all() and np.isfinite(result.costs).all()):
        raise SolverError("the figures lie too far apart to be brought to a like size: look for a wrong unit")
    return result


def _columns(linear: Linear) -> Ints:
    """Return the exponent of each column; one that has no size gets its largest coefficient as large as its row's.

    Without that a coefficient of what can only be nothing may be so small beside the others that HiGHS drops it.
    """
    entries = linear.entries
    column = powers(linear.size)
    sized = (linear.size > 0) & np.isfinite(linear.size)
    value = np.where(sized[entries.column], np.ldexp(entries.value, column[entries.column]), 0.0)
    largest = _largest(value, entries.row, len(linear.rows))
    beside = np.where(largest[entries.row] > 0, np.ldexp(entries.value, -powers(largest)[entries.row]), 0.0)
    reach = _largest(beside, entries.column, len(column))
    return np.where(sized, column, -powers(reach))


def _largest(value: Floats, place: Ints, count: int) -> Floats:
    """Return the largest absolute `value` at each of `count` places; 0 where there is none."""
    largest = np.zeros(count)
    np.maximum.at(largest, place, np.abs(value))
    return largest


def _check(linear: Linear) -> None:
    finite = all(np.isfinite(part).all() for part in (linear.entries.value, linear.costs))
    lower_ok = not (np.isnan(linear.row_lower).any() or (linear.row_lower == np.inf).any())
    upper_ok = not (np.isnan(linear.row_upper).any() or (linear.row_upper == -np.inf).any())
    bounds_ok = not (np.isnan(linear.lower).any() or np.isnan(linear.upper).any())
    if not (finite and lower_ok and upper_ok and bounds_ok) or np.isnan(linear.size).any():
        raise SolverError("a figure of the program is not finite: look for one that is far too large")
