"""How much metal a program without a plan lacks: the least that would have to be in stock from the beginning."""

from __future__ import annotations

import dataclasses

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.model.network import Entries
from medalopt.solver.linear import Linear

LACK = "lack"


def lacking(linear: Linear, most: dict[str, float]) -> Linear:
    """Return `linear` with metal from nowhere, of each of `most` up to so many kg, and counting nothing but that.

    Like opening stock it is there from the first period on and counts as recycled. Its columns are the last ones.
    """
    first: dict[str, int] = {}
    for row, (family, index) in enumerate(linear.rows):
        if family == "balance" and index[0] in most:
            first.setdefault(index[0], row)
    height, width = len(first), len(linear.lower)
    entries = linear.entries
    rows = np.array(list(first.values()), dtype=np.intp)
    upper = np.array([most[metal] for metal in first], dtype=np.float64)
    return dataclasses.replace(
        linear,
        places=(*linear.places, *((LACK, metal) for metal in first)),
        lower=np.concatenate([linear.lower, np.zeros(height)]),
        upper=np.concatenate([linear.upper, upper]),
        size=np.concatenate([linear.size, np.maximum(upper, 1e-6)]),
        costs=np.concatenate([np.zeros((1, width)), np.ones((1, height))], axis=1),
        entries=Entries(
            np.concatenate([entries.row, rows]),
            np.concatenate([entries.column, width + np.arange(height)]),
            np.concatenate([entries.value, -np.ones(height)]),
        ),
        given={},
    )


def lacked(linear: Linear, x: Floats) -> dict[str, float]:
    """Return the kg of each metal that come from nowhere in the columns `x`, (N,), of a program made by `lacking`."""
    places = enumerate(linear.places, start=linear.network)
    return {metal: float(x[column]) for column, (name, metal) in places if name == LACK and x[column] > 0}
