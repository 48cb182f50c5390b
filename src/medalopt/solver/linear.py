"""The linear program as arrays, in the order in which it goes to the solver.

The columns of the network block come first, all other columns and every row are identified by component and index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from medalopt.instance.figures import Bools, Floats
from medalopt.model.network import Entries
from medalopt.proof.added import NOTHING, Added

ROUNDING = 1e-9
CASTINGS = "define_cast_stock"  # balance of the castings in stock
Place = tuple[str, Any]  # component of the Pyomo model, and index in it


@dataclass(frozen=True, eq=False)
class Linear:
    """Linear program in own units: minimise `costs[0] @ x`, ties broken by `costs[1]` and so on.

    Subject to `lower <= x <= upper` and `row_lower <= A x <= row_upper`. The first `network` columns are those of the
    network block; `places` identifies the others, `rows` every row. `size` is the implied bound by which each column is
    scaled, infinite for variables of extensions. `given` holds the amount to add to the dual of a row whose linking
    variable passed its cost on to the network (see `eliminate_linking_variables`). The rows and variables of
    extensions, `added`, come last.
    """

    network: int
    places: tuple[Place, ...]
    lower: Floats  # (N,)
    upper: Floats  # (N,)
    size: Floats  # (N,)
    costs: Floats  # (objectives, N)
    rows: tuple[Place, ...]
    row_lower: Floats  # (M,)
    row_upper: Floats  # (M,)
    entries: Entries
    given: dict[Place, float]
    added: Added = NOTHING


def defining(linear: Linear) -> Bools:
    """Return which rows define a linking variable as a sum of other columns.

    The balance of castings in stock is excluded, since deliveries are subtracted there. Rows of extensions are
    excluded.

    Args:
        linear: Program of M rows.

    Returns:
        Mask (M,).
    """
    rows = np.array([name.startswith("define_") and name != CASTINGS for name, _ in linear.rows], dtype=bool)
    rows[len(rows) - len(linear.added.rows) :] = False
    return rows


def greatest(pull: Floats, terms: Floats, least: Floats, most: Floats) -> Floats:
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
    idle = np.isinf(end) & (np.abs(pull) <= ROUNDING * terms)
    return np.asarray((np.where(idle, 0.0, end) * pull).sum(axis=-1))
