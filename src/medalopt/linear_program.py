"""The linear program as plain arrays with named rows and columns, for the solver and for export."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class NamedLinearProgram:
    """Minimise `cost @ x + offset` subject to `lower <= x <= upper` and `row_lower <= A @ x <= row_upper`.

    The constraint matrix A (R, C) is stored by columns (CSC): column `j` has its entries in `indptr[j]:indptr[j + 1]`
    of `indices` (rows) and `data`. Missing bounds are infinite. Names of columns and of rows are formatted by
    `format_component_name` and unique. `integer_columns` holds the indices of the integer variables.
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
    integer_columns: frozenset[int] = frozenset()


def percent_encode(name: str) -> str:
    """Percent-encode a name: ASCII letters, digits and `_.-~@` stay, any other character becomes `%XX` per UTF-8 byte.

    Args:
        name: Name of a supplier, device, period or other index.

    Returns:
        The ASCII symbol.
    """
    return quote(name, safe="@")


def format_component_name(component: str, *index: str | int) -> str:
    """Format the name of one row or column, such as `ship[phone@tokyo,dismantle,kosaka,2017-04]`.

    Args:
        component: Name of the Pyomo component.
        *index: Its indices, if any.

    Returns:
        The name, with percent-encoded indices.
    """
    if not index:
        return component
    return f"{component}[{','.join(percent_encode(str(part)) for part in index)}]"
