"""The linear program as arrays, in the order in which it goes to the solver.

The columns of the network block come first, all other columns and every row are identified by component and index.

Presolve by hand: linking variables that no constraint uses are eliminated.

A linking variable is a sum of network columns (row `define_...`), so its cost can be moved to those columns; where no
other row uses it, its row and column are dropped. Each step is exact but for one rounding and leaves the objective on
columns of similar size.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.model.network import SparseEntries
from medalopt.proof.extensions import NO_EXTENSIONS, ExtensionData

CANCELLATION_TOLERANCE = 1e-9
CAST_STOCK_ROW = "define_cast_stock"  # balance of the castings in stock
ComponentKey = tuple[str, Any]  # component of the Pyomo model, and index in it


@dataclass(frozen=True, eq=False)
class SolverProgram:
    """Linear program in own units: minimise `costs[0] @ x`, ties broken by `costs[1]` and so on.

    Subject to `lower <= x <= upper` and `row_lower <= A x <= row_upper`. The first `network` columns are those of the
    network block; `places` identifies the others, `rows` every row. `size` is the implied bound by which each column is
    scaled, infinite for variables of extensions. `given` holds the amount to add to the dual of a row whose linking
    variable passed its cost on to the network (see `eliminate_linking_variables`). The rows and variables of
    extensions, `added`, come last.
    """

    network: int
    places: tuple[ComponentKey, ...]
    lower: Floats  # (N,)
    upper: Floats  # (N,)
    size: Floats  # (N,)
    costs: Floats  # (objectives, N)
    rows: tuple[ComponentKey, ...]
    row_lower: Floats  # (M,)
    row_upper: Floats  # (M,)
    entries: SparseEntries
    given: dict[ComponentKey, float]
    added: ExtensionData = NO_EXTENSIONS


def find_defining_rows(linear: SolverProgram) -> Bools:
    """Return which rows define a linking variable as a sum of other columns.

    The balance of castings in stock is excluded, since deliveries are subtracted there. Rows of extensions are
    excluded.

    Args:
        linear: Program of M rows.

    Returns:
        Mask (M,).
    """
    rows = np.array([name.startswith("define_") and name != CAST_STOCK_ROW for name, _ in linear.rows], dtype=bool)
    rows[len(rows) - len(linear.added.rows) :] = False
    return rows


def maximise_over_bounds(pull: Floats, terms: Floats, least: Floats, most: Floats) -> Floats:
    """Return the maximum of `pull @ x` over the box `least <= x <= most`; infinite where a needed bound is.

    A coefficient with an infinite bound counts as 0 if it may be rounding, that is within `CANCELLATION_TOLERANCE` of
    `terms`.

    Args:
        pull (..., N): Coefficient of each column; the sum runs over the last axis.
        terms (..., N): Sum of the magnitudes that make up each coefficient.
        least (..., N): Lower bounds.
        most (..., N): Upper bounds.

    Returns:
        Maximum, one for each leading index.
    """
    end = np.where(pull > 0, most, least)
    idle = np.isinf(end) & (np.abs(pull) <= CANCELLATION_TOLERANCE * terms)
    return np.asarray((np.where(idle, 0.0, end) * pull).sum(axis=-1))


def eliminate_linking_variables(linear: SolverProgram) -> SolverProgram:
    """Return an equivalent program with the costs of linking variables on the network and without the unused ones.

    Args:
        linear: Program with one defining row for each linking variable.

    Returns:
        The smaller program; its `given` holds the dual offset of each definition.
    """
    quantity = _find_defined_columns(linear, find_defining_rows(linear))
    costs = _substitute_costs(linear, quantity)
    used = np.bincount(linear.entries.column, minlength=len(linear.lower)) > 1
    rows = np.flatnonzero(quantity >= 0)
    gone = rows[~used[quantity[rows]] & _find_free_rows(linear, quantity)[rows]]
    shifts = linear.costs[0, quantity[rows]]
    given = {linear.rows[row]: float(shift) for row, shift in zip(rows.tolist(), shifts.tolist(), strict=True)}
    return _drop_rows_and_columns(dataclasses.replace(linear, costs=costs, given=given), gone, quantity[gone])


def _find_defined_columns(linear: SolverProgram, definition: Bools) -> Ints:
    """Return the linking column that each row defines, with coefficient 1, (M,); -1 for other rows."""
    entries = linear.entries
    its_own = definition[entries.row] & (entries.column >= linear.network) & (entries.value == 1)
    alone = np.bincount(entries.row[its_own], minlength=len(linear.rows)) == 1
    equation = (linear.row_lower == 0) & (linear.row_upper == 0)
    quantity = np.full(len(linear.rows), -1, dtype=np.intp)
    quantity[entries.row[its_own]] = entries.column[its_own]
    return np.where(alone & equation, quantity, -1)


def _substitute_costs(linear: SolverProgram, quantity: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
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


def _find_free_rows(linear: SolverProgram, quantity: Ints) -> Bools:
    """Return for each row whether the bounds of the variable it defines are never binding, (M,)."""
    entries = linear.entries
    own = quantity[entries.row]
    below = (own != entries.column) & ((entries.value > 0) | (linear.lower[entries.column] < 0))
    may_be_negative = np.bincount(entries.row[below], minlength=len(quantity)) > 0
    lower, upper = linear.lower[quantity], linear.upper[quantity]
    return (upper == np.inf) & ((lower == -np.inf) | ((lower <= 0) & ~may_be_negative))


def _drop_rows_and_columns(linear: SolverProgram, rows: Ints, columns: Ints) -> SolverProgram:
    """Return the program without the given rows and columns."""
    kept_row, kept_column = np.ones(len(linear.rows), dtype=bool), np.ones(len(linear.lower), dtype=bool)
    kept_row[rows], kept_column[columns] = False, False
    entries = linear.entries
    kept = kept_row[entries.row]
    places = zip(linear.places, kept_column[linear.network :].tolist(), strict=True)
    return SolverProgram(
        network=linear.network,
        places=tuple(place for place, stays in places if stays),
        lower=linear.lower[kept_column],
        upper=linear.upper[kept_column],
        size=linear.size[kept_column],
        costs=linear.costs[:, kept_column],
        rows=tuple(name for name, stays in zip(linear.rows, kept_row.tolist(), strict=True) if stays),
        row_lower=linear.row_lower[kept_row],
        row_upper=linear.row_upper[kept_row],
        entries=SparseEntries(
            (np.cumsum(kept_row) - 1)[entries.row[kept]],
            (np.cumsum(kept_column) - 1)[entries.column[kept]],
            entries.value[kept],
        ),
        given=linear.given,
        added=linear.added,
    )
