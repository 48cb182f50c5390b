"""The program as arrays, as it goes to the solver: the network's columns first, then all others by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from medalopt.instance.figures import Bools, Floats
from medalopt.model.network import Entries
from medalopt.proof.added import NOTHING, Added

ROUNDING = 1e-9
CASTINGS = "define_cast_stock"  # the row of castings in stock
Place = tuple[str, Any]  # component of the model, and index in it


@dataclass(frozen=True, eq=False)
class Linear:
    """Minimise `costs[0] @ x`, ties by `costs[1]` and on, where `lower <= x <= upper`, `row_lower <= A x <= row_upper`.

    The first `network` columns are those of the network block; `places` names the others, `rows` every row.
    `size` is the implied bound of each column, by which it is scaled; infinite for a user's own. `given` holds what
    is to be added to the duals of rows whose quantity lost its cost to the network, or 0 and the row (see `trim`).
    What extensions added, `added`, are the last rows and the last columns.
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
    """Return which rows define a linking quantity as a sum of other columns, (M,), none of them added.

    Castings in stock are no such sum: what is due is taken off.
    """
    rows = np.array([name.startswith("define_") and name != CASTINGS for name, _ in linear.rows], dtype=bool)
    rows[len(rows) - len(linear.added.rows) :] = False
    return rows


def greatest(pull: Floats, terms: Floats, least: Floats, most: Floats) -> Floats:
    """Return the most that columns in [`least`, `most`] can add, at `pull` for one of each; infinite without an end.

    The columns are the last axis, over which is summed. `terms` is the sum of the magnitudes that make up each pull:
    beside it a pull without an end may be rounding.
    """
    end = np.where(pull > 0, most, least)
    idle = np.isinf(end) & (np.abs(pull) <= ROUNDING * terms)
    return np.asarray((np.where(idle, 0.0, end) * pull).sum(axis=-1))
