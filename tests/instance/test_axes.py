"""Axes: names in order, and where each stands."""

from __future__ import annotations

import numpy as np

from medalopt.instance.reader.sheet import Cells
from medalopt.instance.resolve.axes import Axis


def test_names_that_are_not_on_an_axis() -> None:
    """A cell left out and a name of nothing have no place: -1."""
    assert Axis.of(["b", "a"]).places(Cells.of(["b", None, "x", "a"])).tolist() == [1, -1, -1, 0]
    assert np.array_equal(Axis.given(["b", "a"]).places(Cells.of(["b"])), [0])
