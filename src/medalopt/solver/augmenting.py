"""A program with meters and movers: rows that weigh columns, and columns that move the ends of rows.

A meter tells how much there is of what a figure costs; a mover, held at 0, is by how much a figure at the side of the
rules has been moved. With them every question about a figure is a question about one row or one column.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Floats, Ints
from medalopt.model.network import Entries
from medalopt.solver.linear import Linear

Ends = Mapping[int, tuple[float, float]]  # by row, how much a unit moves its lower and its upper end


@dataclass(frozen=True, eq=False)
class Mover:
    """What one unit of a figure moves, and how large the figure is, by which the mover is scaled."""

    ends: Ends
    size: float


def augmented(linear: Linear, y: Floats, meters: Sequence[Floats], movers: Sequence[Mover]) -> tuple[Linear, Floats]:
    """Return `linear` with a row for each meter, (N,) weights, and a column for each mover; and its duals, from `y`.

    A row of two ends of which a mover moves only one becomes two.
    """
    linear, y, copy_of = _split(linear, y, movers)
    height, width = len(linear.rows), len(linear.lower)
    rows, columns, values = [], [], []
    for number, weights in enumerate(meters):
        at = np.flatnonzero(weights)
        rows.append(np.full(len(at), height + number))
        columns.append(at)
        values.append(weights[at])
    for number, mover in enumerate(movers):
        moved = _moved(mover.ends, copy_of)
        rows.append(np.array(list(moved), dtype=np.intp))
        columns.append(np.full(len(moved), width + number))
        values.append(-np.array(list(moved.values()), dtype=np.float64))
    free = np.full(len(meters), np.inf)
    none = np.zeros(len(movers))
    entries = linear.entries
    whole = dataclasses.replace(
        linear,
        places=(*linear.places, *(("mover", number) for number in range(len(movers)))),
        lower=np.append(linear.lower, none),
        upper=np.append(linear.upper, none),
        size=np.append(linear.size, [mover.size for mover in movers]),
        costs=np.concatenate([linear.costs, np.zeros((len(linear.costs), len(movers)))], axis=1),
        rows=(*linear.rows, *(("meter", number) for number in range(len(meters)))),
        row_lower=np.append(linear.row_lower, -free),
        row_upper=np.append(linear.row_upper, free),
        entries=Entries(
            np.concatenate([entries.row, *rows]).astype(np.intp),
            np.concatenate([entries.column, *columns]).astype(np.intp),
            np.concatenate([entries.value, *values]),
        ),
    )
    return whole, np.append(y, np.zeros(len(meters)))


def _moved(ends: Ends, copy_of: Mapping[int, int]) -> dict[int, float]:
    """Return by how much a unit moves each row as a whole; `copy_of`: the rows of upper ends of those that were two."""
    moved: dict[int, float] = {}
    for row, (low, high) in ends.items():
        if row in copy_of:
            moved[row], moved[copy_of[row]] = low, high
        else:
            moved[row] = low if low else high
    return {row: by for row, by in moved.items() if by}


def _split(linear: Linear, y: Floats, movers: Sequence[Mover]) -> tuple[Linear, Floats, dict[int, int]]:
    """Return `linear` with rows of two ends as two, where a mover moves these apart."""
    both = np.isfinite(linear.row_lower) & np.isfinite(linear.row_upper)
    apart = {row for mover in movers for row, (low, high) in mover.ends.items() if low != high and both[row]}
    split = np.array(sorted(apart), dtype=np.intp)
    height, entries = len(linear.rows), linear.entries
    copies = _copies(entries, split, height)
    row_upper = linear.row_upper.copy()
    row_upper[split] = np.inf
    above = np.minimum(y[split], 0.0)
    y = y.copy()
    y[split] = np.maximum(y[split], 0.0)
    result = dataclasses.replace(
        linear,
        rows=(*linear.rows, *(linear.rows[row] for row in split.tolist())),
        row_lower=np.append(linear.row_lower, np.full(len(split), -np.inf)),
        row_upper=np.append(row_upper, linear.row_upper[split]),
        entries=Entries(
            np.concatenate([entries.row, copies.row]),
            np.concatenate([entries.column, copies.column]),
            np.concatenate([entries.value, copies.value]),
        ),
    )
    return result, np.append(y, above), {row: height + number for number, row in enumerate(split.tolist())}


def _copies(entries: Entries, rows: Ints, height: int) -> Entries:
    """Return copies of `rows`, numbered on from `height`."""
    number = np.full(height, -1, dtype=np.intp)
    number[rows] = height + np.arange(len(rows))
    kept = number[entries.row] >= 0
    return Entries(number[entries.row[kept]], entries.column[kept], entries.value[kept])
