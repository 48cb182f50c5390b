"""Small programs as arrays, by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from medalopt.model.network import SparseEntries
from medalopt.solver.program import SolverProgram


def two_by_two(**changes: Any) -> SolverProgram:
    """Return a program by hand: 3 x + 0.5 y <= 6 and x - 1000 y = 0, sizes 8 and 1/4, costs 5 and 0.25."""
    made = SolverProgram(
        network=0,
        places=(("x", None), ("y", None)),
        lower=np.array([0.0, -np.inf]),
        upper=np.array([8.0, np.inf]),
        size=np.array([8.0, 0.25]),
        costs=np.array([[5.0, 0.25], [0.0, 0.0]]),
        rows=(("one", None), ("two", None)),
        row_lower=np.array([-np.inf, 0.0]),
        row_upper=np.array([6.0, 0.0]),
        entries=SparseEntries(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([3.0, 0.5, 1.0, -1000.0])),
        dual_offsets={},
    )
    return replace(made, **changes)
