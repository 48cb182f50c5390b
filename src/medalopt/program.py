"""The linear program as plain arrays: what is solved, and what is exported for another solver."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Program:
    """Minimise `cost @ x + offset`, where `lower <= x <= upper` and `row_lower <= A @ x <= row_upper`.

    The matrix A is held by columns (CSC): the entries of column `j` stand at `indptr[j]:indptr[j + 1]` of
    `indices` (rows) and `data`. A bound that does not exist is infinite. Columns and rows are named by
    `component_name`, and no name occurs twice among columns or among rows. The columns `whole` are whole numbers.
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
    whole: frozenset[int] = frozenset()


def percent_encoded(name: str) -> str:
    """Return `name` as a symbol of ASCII letters, digits and `_.-~@`, all else as `%XX` of its UTF-8 bytes."""
    return quote(name, safe="@")


def component_name(component: str, *index: str | int) -> str:
    """Return the name of one row or column, such as `ship[phone@tokyo,dismantle,kosaka,2017-04]`."""
    if not index:
        return component
    return f"{component}[{','.join(percent_encoded(str(part)) for part in index)}]"
