"""Presolve by hand: linking variables that no constraint uses are eliminated.

A linking variable is a sum of network columns (row `define_...`), so its cost can be moved to those columns; where no
other row uses it, its row and column are dropped. Each step is exact but for one rounding and leaves the objective on
columns of similar size.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from medalopt.instance.figures import Bools, Ints
from medalopt.model.network import Entries
from medalopt.solver.linear import Linear, defining


def trimmed(linear: Linear) -> Linear:
    """Return an equivalent program with the costs of linking variables on the network and without the unused ones.

    Args:
        linear: Program with one defining row for each linking variable.

    Returns:
        The smaller program; its `given` holds the dual offset of each definition.
    """
    quantity = _defined(linear, defining(linear))
    costs = _moved(linear, quantity)
    used = np.bincount(linear.entries.column, minlength=len(linear.lower)) > 1
    rows = np.flatnonzero(quantity >= 0)
    gone = rows[~used[quantity[rows]] & _free(linear, quantity)[rows]]
    shifts = linear.costs[0, quantity[rows]]
    given = {linear.rows[row]: float(shift) for row, shift in zip(rows.tolist(), shifts.tolist(), strict=True)}
    return _without(dataclasses.replace(linear, costs=costs, given=given), gone, quantity[gone])


def _defined(linear: Linear, definition: Bools) -> Ints:
    """Return the linking column that each row defines, with coefficient 1, (M,); -1 for other rows."""
    entries = linear.entries
    its_own = definition[entries.row] & (entries.column >= linear.network) & (entries.value == 1)
    alone = np.bincount(entries.row[its_own], minlength=len(linear.rows)) == 1
    equation = (linear.row_lower == 0) & (linear.row_upper == 0)
    quantity = np.full(len(linear.rows), -1, dtype=np.intp)
    quantity[entries.row[its_own]] = entries.column[its_own]
    return np.where(alone & equation, quantity, -1)


def _moved(linear: Linear, quantity: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the costs (objectives, N) with those of linking variables moved to the columns that define them."""
    entries, width = linear.entries, len(linear.lower)
    own = quantity[entries.row]
    costly = (linear.costs != 0).any(axis=0)  # few linking variables have a cost
    terms = (own >= 0) & (own != entries.column) & costly[own]
    own, column, value = own[terms], entries.column[terms], entries.value[terms]
    costs = linear.costs.copy()
    defined = quantity[quantity >= 0]
    for objective in np.flatnonzero(linear.costs[:, defined].any(axis=1)).tolist():
        costs[objective] += np.bincount(column, -linear.costs[objective, own] * value, width)
        costs[objective, defined] = 0.0
    return costs


def _free(linear: Linear, quantity: Ints) -> Bools:
    """Return for each row whether the bounds of the variable it defines are never binding, (M,)."""
    entries = linear.entries
    own = quantity[entries.row]
    below = (own != entries.column) & ((entries.value > 0) | (linear.lower[entries.column] < 0))
    may_be_negative = np.bincount(entries.row[below], minlength=len(quantity)) > 0
    lower, upper = linear.lower[quantity], linear.upper[quantity]
    return (upper == np.inf) & ((lower == -np.inf) | ((lower <= 0) & ~may_be_negative))


def _without(linear: Linear, rows: Ints, columns: Ints) -> Linear:
    """Return the program without the given rows and columns."""
    kept_row, kept_column = np.ones(len(linear.rows), dtype=bool), np.ones(len(linear.lower), dtype=bool)
    kept_row[rows], kept_column[columns] = False, False
    entries = linear.entries
    kept = kept_row[entries.row]
    places = zip(linear.places, kept_column[linear.network :].tolist(), strict=True)
    return Linear(
        network=linear.network,
        places=tuple(place for place, stays in places if stays),
        lower=linear.lower[kept_column],
        upper=linear.upper[kept_column],
        size=linear.size[kept_column],
        costs=linear.costs[:, kept_column],
        rows=tuple(name for name, stays in zip(linear.rows, kept_row.tolist(), strict=True) if stays),
        row_lower=linear.row_lower[kept_row],
        row_upper=linear.row_upper[kept_row],
        entries=Entries(
            (np.cumsum(kept_row) - 1)[entries.row[kept]],
            (np.cumsum(kept_column) - 1)[entries.column[kept]],
            entries.value[kept],
        ),
        given=linear.given,
        added=linear.added,
    )
