"""Axes: names in order, and their indices."""

from __future__ import annotations

import numpy as np

from medalopt.instance.reader.rows import CellColumn
from medalopt.instance.resolve.broadcast import NameAxis


def test_names_that_are_not_on_an_axis() -> None:
    """An empty cell and an unknown name have the index -1."""
    assert NameAxis.from_names(["b", "a"]).find_indices(CellColumn.build(["b", None, "x", "a"])).tolist() == [
        1,
        -1,
        -1,
        0,
    ]
    assert np.array_equal(NameAxis.from_ordered_names(["b", "a"]).find_indices(CellColumn.build(["b"])), [0])
