"""The least relaxation in a given direction is found by one program with a column for the step."""

from __future__ import annotations

import dataclasses

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.model.network import Entries, Network
from medalopt.solver.highs import METHODS, attempt
from medalopt.solver.linear import Linear
from medalopt.solver.scaling import scaled

STOCKPILE = "stockpile"


def stockpiles_as_rows(linear: Linear, block: Network, names: tuple[str, ...], periods: tuple[str, ...]) -> Linear:
    """Return the program with stockpile limits as rows `stockpile[i, t]`, so that they have duals and can be relaxed.

    Args:
        linear: Program with the limits as upper bounds of columns.
        block: Network block.
        names (I,): Streams.
        periods (T,): Periods.

    Returns:
        The program with one row for each finite limit, last.
    """
    first = len(block.route)
    columns = first + np.arange(len(block.stock_stream))
    limit = linear.upper[columns]
    held = np.isfinite(limit)
    at = zip(block.stock_stream[held].tolist(), block.stock_period[held].tolist(), strict=True)
    rows = tuple((STOCKPILE, (names[i], periods[t])) for i, t in at)
    upper = linear.upper.copy()
    upper[columns] = np.inf
    entries, count = linear.entries, len(linear.rows)
    return dataclasses.replace(
        linear,
        upper=upper,
        rows=(*linear.rows, *rows),
        row_lower=np.concatenate([linear.row_lower, np.full(len(rows), -np.inf)]),
        row_upper=np.concatenate([linear.row_upper, limit[held]]),
        entries=Entries(
            np.concatenate([entries.row, count + np.arange(len(rows))]),
            np.concatenate([entries.column, columns[held]]),
            np.concatenate([entries.value, np.ones(len(rows))]),
        ),
    )


def alike(one: Linear, other: Linear) -> bool:
    """Return whether two programs differ at most in right-hand sides, sizes and costs.

    Args:
        one: Program.
        other: Program.

    Returns:
        True where rows, columns, bounds and matrix are equal.
    """
    return (
        one.rows == other.rows
        and one.places == other.places
        and len(one.lower) == len(other.lower)
        and np.array_equal(one.lower, other.lower)
        and np.array_equal(one.upper, other.upper)
        and np.array_equal(one.entries.row, other.entries.row)
        and np.array_equal(one.entries.column, other.entries.column)
        and np.array_equal(one.entries.value, other.entries.value)
        and np.array_equal(np.isfinite(one.row_lower), np.isfinite(other.row_lower))
        and np.array_equal(np.isfinite(one.row_upper), np.isfinite(other.row_upper))
    )


def least_step(start: Linear, goal: Linear, most: float) -> float | None:
    """Find the least step from one program's right-hand sides towards another's at which a feasible solution exists.

    Args:
        start: Infeasible program, step 0.
        goal: Program with the same matrix, step 1.
        most: Upper bound of the step.

    Returns:
        The step; None where even `most` is not feasible, or no method answers.
    """
    program = scaled(_stepping(start, goal, most))
    for method in METHODS:
        answer = attempt(program, method)
        if answer.status == "optimal":
            return float(program.primal(answer.x)[-1])
        if answer.status == "infeasible":
            return None
    return None


def _stepping(start: Linear, goal: Linear, most: float) -> Linear:
    """Return the program with the step as its last column; a row with only one changing side becomes two."""
    lower, upper = _moved(start.row_lower, goal.row_lower), _moved(start.row_upper, goal.row_upper)
    both = np.isfinite(start.row_lower) & np.isfinite(start.row_upper)
    split = np.flatnonzero(both & (lower != upper))
    move = np.where(np.isfinite(start.row_lower), lower, upper)
    entries, width, height = start.entries, len(start.lower), len(start.rows)
    copies = _rows_of(entries, split, height)
    moving = np.flatnonzero(move != 0)
    row_upper = start.row_upper.copy()
    row_upper[split] = np.inf
    costs = np.zeros((1, width + 1))
    costs[0, -1] = 1.0
    return dataclasses.replace(
        start,
        places=(*start.places, ("step", None)),
        lower=np.append(start.lower, 0.0),
        upper=np.append(start.upper, most),
        size=np.append(np.maximum(start.size, goal.size), 1.0),
        costs=costs,
        rows=(*start.rows, *(start.rows[row] for row in split.tolist())),
        row_lower=np.concatenate([start.row_lower, np.full(len(split), -np.inf)]),
        row_upper=np.concatenate([row_upper, start.row_upper[split]]),
        entries=Entries(
            np.concatenate([entries.row, copies.row, moving, height + np.arange(len(split))]),
            np.concatenate([entries.column, copies.column, np.full(len(moving) + len(split), width)]),
            np.concatenate([entries.value, copies.value, -move[moving], -upper[split]]),
        ),
    )


def _moved(start: Floats, goal: Floats) -> Floats:
    """Return the differences of finite bounds, 0 elsewhere."""
    finite = np.isfinite(start)
    return np.where(finite, np.where(finite, goal, 0.0) - np.where(finite, start, 0.0), 0.0)


def _rows_of(entries: Entries, rows: np.ndarray[tuple[int, ...], np.dtype[np.intp]], height: int) -> Entries:
    """Return the entries of copies of `rows`, numbered on from `height`."""
    number = np.full(height, -1, dtype=np.intp)
    number[rows] = height + np.arange(len(rows))
    kept = number[entries.row] >= 0
    return Entries(number[entries.row[kept]], entries.column[kept], entries.value[kept])
