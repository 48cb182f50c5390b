"""Rows in the form that LP and MPS files take: rows with two bounds split, and the coefficients by row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medalopt.program import Program

NO_LIMIT = -1e30  # below any attainable value; HiGHS, CPLEX and Gurobi read it as infinite


def two_sided(program: Program) -> NDArray[np.bool_]:
    """Return the rows with two different finite bounds, (rows,).

    Args:
        program: Linear program.

    Returns:
        The mask of these rows.
    """
    both = np.isfinite(program.row_lower) & np.isfinite(program.row_upper)
    result: NDArray[np.bool_] = both & (program.row_lower != program.row_upper)
    return result


def split(program: Program, which: NDArray[np.bool_]) -> Program:
    """Return the program with each row of a mask as two: its lower bound, and at the end its upper as `NAME.upper`.

    Args:
        program: Linear program.
        which: Mask of the rows, (rows,).

    Returns:
        The equivalent program.
    """
    chosen = np.flatnonzero(which)
    copy_of = np.full(len(program.rows), -1, dtype=np.int32)
    copy_of[chosen] = len(program.rows) + np.arange(len(chosen), dtype=np.int32)
    columns = np.repeat(np.arange(len(program.columns)), np.diff(program.indptr))
    copied = np.flatnonzero(copy_of[program.indices] >= 0)
    columns = np.concatenate([columns, columns[copied]])
    order = np.argsort(columns, kind="stable")
    counts = np.bincount(columns, minlength=len(program.columns))
    return replace(
        program,
        rows=(*program.rows, *(f"{program.rows[row]}.upper" for row in chosen)),
        row_lower=np.concatenate([program.row_lower, np.full(len(chosen), -np.inf)]),
        row_upper=np.concatenate([np.where(which, np.inf, program.row_upper), program.row_upper[chosen]]),
        indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        indices=np.concatenate([program.indices, copy_of[program.indices[copied]]])[order].astype(np.int32),
        data=np.concatenate([program.data, program.data[copied]])[order],
    )


def entries_by_row(program: Program) -> list[list[tuple[int, float]]]:
    """Return the coefficients by row.

    Args:
        program: Linear program.

    Returns:
        For each row the pairs (column index, coefficient).
    """
    result: list[list[tuple[int, float]]] = [[] for _ in program.rows]
    columns = np.repeat(np.arange(len(program.columns)), np.diff(program.indptr))
    for row, column, value in zip(program.indices.tolist(), columns.tolist(), program.data.tolist(), strict=True):
        result[row].append((column, value))
    return result
