"""The linear program as plain arrays: what is solved, and what is exported for another solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Program:
    """Minimise `cost @ x + offset`, where `lower <= x <= upper` and `row_lower <= A @ x <= row_upper`.

    The matrix A is held by columns (CSC): the entries of column `j` stand at `indptr[j]:indptr[j + 1]` of
    `indices` (rows) and `data`. A bound that does not exist is infinite. Columns and rows are named
    `component[index,...]`, each index percent-encoded, and no name occurs twice among columns or rows.
    """

    columns: tuple[str, ...]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    cost: NDArray[np.float64]
    offset: float
    rows: tuple[str, ...]
    row_lower: NDArray[np.float64]
    row_upper: NDArray[np.float64]
    indptr: NDArray[np.int32]
    indices: NDArray[np.int32]
    data: NDArray[np.float64]
