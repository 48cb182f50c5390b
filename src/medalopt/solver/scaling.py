"""Scaling of a program by exact powers of two, and of its solution back.

HiGHS uses absolute tolerances in each row's unit, so a plan in tonnes and raw yen could be 'solved' by zero. Each
column is scaled by its implied bound, each row by its largest coefficient, the objective by its largest cost over 256;
a power of two changes exponents only, no digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.figures import Floats, Ints
from medalopt.solver.linear import Linear
from medalopt.solver.sizes import powers

LIFT = 8  # the largest cost is 2**8, which resolves reduced costs 256 times as finely


@dataclass(frozen=True, eq=False)
class Scaled:
    """Program as passed to the solver, in compressed sparse columns.

    In own units, x = 2**column * x_scaled and y = 2**(row - cost) * y_scaled.
    """

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
        """Column of each entry, (entries,)."""
        return np.repeat(np.arange(len(self.lower)), np.diff(self.start))

    def activity(self, x: Floats) -> Floats:
        """Return the row activities A x.

        Args:
            x (N,): Scaled columns.

        Returns:
            Scaled activities (M,).
        """
        return np.bincount(self.index, self.value * x[self.of_entry], len(self.row_lower)).astype(np.float64)

    def pulled(self, y: Floats) -> Floats:
        """Return A'y, the duals carried to the columns.

        Args:
            y (M,): Scaled duals.

        Returns:
            A'y (N,); the reduced costs are `costs[0] - A'y`.
        """
        return np.bincount(self.of_entry, self.value * y[self.index], len(self.lower)).astype(np.float64)

    def primal(self, x: Floats) -> Floats:
        """Return the columns in own units.

        Args:
            x (N,): Scaled columns.

        Returns:
            Columns (N,).
        """
        return np.ldexp(x, self.column)

    def dual(self, y: Floats) -> Floats:
        """Return the duals in own units: first objective per unit of the row.

        Args:
            y (M,): Scaled duals.

        Returns:
            Duals (M,).
        """
        return np.ldexp(y, self.row - self.cost[0])


def scaled(linear: Linear, lift: int = LIFT) -> Scaled:
    """Scale a program.

    Args:
        linear: Program in own units.
        lift: Exponent of the largest scaled cost.

    Returns:
        The scaled program.

    Raises:
        SolverError: A coefficient is not finite, or the coefficients differ by too many orders of magnitude.
    """
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
    """Return the exponent of each column, (N,).

    A column without a size is scaled so that its largest coefficient equals its row's: the coefficients of a column
    that can only be 0 might otherwise be so small beside the others that HiGHS drops them.
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
    """Return the largest magnitude of `value` at each of `count` places; 0 where there is none."""
    largest = np.zeros(count)
    np.maximum.at(largest, place, np.abs(value))
    return largest


def _check(linear: Linear) -> None:
    """Raise SolverError where a coefficient or bound of the program is not finite."""
    finite = all(np.isfinite(part).all() for part in (linear.entries.value, linear.costs))
    lower_ok = not (np.isnan(linear.row_lower).any() or (linear.row_lower == np.inf).any())
    upper_ok = not (np.isnan(linear.row_upper).any() or (linear.row_upper == -np.inf).any())
    bounds_ok = not (np.isnan(linear.lower).any() or np.isnan(linear.upper).any())
    if not (finite and lower_ok and upper_ok and bounds_ok) or np.isnan(linear.size).any():
        raise SolverError("a figure of the program is not finite: look for one that is far too large")
