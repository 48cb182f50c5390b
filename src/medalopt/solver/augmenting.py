"""For ranging, the program has one row for each cost parameter and one column for each right-hand-side parameter.

A meter row measures the quantity that a cost parameter multiplies; a mover column, fixed at 0, is the change of a
right-hand-side parameter. Each question about a parameter then concerns a single row or column.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Floats, Ints
from medalopt.model.network import Entries
from medalopt.solver.linear import Linear

Ends = Mapping[int, tuple[float, float]]  # by row: derivatives of its lower and its upper bound


@dataclass(frozen=True, eq=False)
class Mover:
    """Right-hand-side parameter: derivatives of the row bounds, and its size, by which the column is scaled."""

    ends: Ends
    size: float


def augmented(linear: Linear, y: Floats, meters: Sequence[Floats], movers: Sequence[Mover]) -> tuple[Linear, Floats]:
    """Add a row for each cost parameter and a column for each right-hand-side parameter.

    A row with two bounds of which a parameter changes only one is split into two rows.

    Args:
        linear: Program.
        y (M,): Duals.
        meters: For each cost parameter the weights of the columns, (N,).
        movers: Right-hand-side parameters.

    Returns:
        The augmented program and its duals.
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
    """Return the change of each row per unit of a parameter; `copy_of` maps split rows to their upper halves."""
    moved: dict[int, float] = {}
    for row, (low, high) in ends.items():
        if row in copy_of:
            moved[row], moved[copy_of[row]] = low, high
        else:
            moved[row] = low if low else high
    return {row: by for row, by in moved.items() if by}


def _split(linear: Linear, y: Floats, movers: Sequence[Mover]) -> tuple[Linear, Floats, dict[int, int]]:
    """Split ranged rows whose bounds a parameter changes differently; return program, duals and the copies by row."""
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
    """Return the entries of copies of `rows`, numbered on from `height`."""
    number = np.full(height, -1, dtype=np.intp)
    number[rows] = height + np.arange(len(rows))
    kept = number[entries.row] >= 0
    return Entries(number[entries.row[kept]], entries.column[kept], entries.value[kept])
