"""Rows as the file formats take them: those with two limits split, and the matrix by rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medalopt.program import Program

NO_LIMIT = -1e30  # below what any plan reaches; HiGHS, CPLEX and Gurobi read it as infinite


def two_sided(program: Program) -> NDArray[np.bool_]:
    """Return which rows have two different finite limits."""
    both = np.isfinite(program.row_lower) & np.isfinite(program.row_upper)
    result: NDArray[np.bool_] = both & (program.row_lower != program.row_upper)
    return result


def split(program: Program, which: NDArray[np.bool_]) -> Program:
    """Return the same program with each row of `which` as two: its lower limit, and last its upper as `NAME.upper`."""
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
    """Return the entries (column, coefficient) of every row."""
    result: list[list[tuple[int, float]]] = [[] for _ in program.rows]
    columns = np.repeat(np.arange(len(program.columns)), np.diff(program.indptr))
    for row, column, value in zip(program.indices.tolist(), columns.tolist(), program.data.tolist(), strict=True):
        result[row].append((column, value))
    return result
