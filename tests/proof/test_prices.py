"""Duals as arrays."""

from __future__ import annotations

import numpy as np
import pytest
from tests.laws import pool

from medalopt.proof.prices import Grid, prices


def test_a_grid_is_the_mapping_that_it_stands_for() -> None:
    """A grid has the keys and values of its rows, none where there is no row, and gives the prices a mapping gives."""
    instance = pool.instance(15)
    names = instance.streams.names, instance.periods
    shape = (len(names[0]), len(names[1]))
    values = -np.arange(1.0, 1 + shape[0] * shape[1]).reshape(shape)
    there = values % 2 == 0
    grid = Grid(names, values, there)
    plain = dict(grid.items())
    assert len(plain) == len(grid) == there.sum()
    first = next(iter(plain))
    assert grid[first] == plain[first] and first in grid
    missing = next((i, t) for i in names[0] for t in names[1] if (i, t) not in plain)
    for key in (missing, ("no such stream", names[1][0]), 3):
        with pytest.raises(KeyError):
            grid[key]
    assert (prices(instance, {"supply": grid}).supply == prices(instance, {"supply": plain}).supply).all()
