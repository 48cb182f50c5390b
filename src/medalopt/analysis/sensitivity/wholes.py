"""Curves of figures that are whole numbers: which values are asked about, and a curve in pieces told at them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

MOST = 41  # whole values told one by one


def few(low: float, high: float, most: int = MOST) -> tuple[list[float], bool]:
    """Return whole values from `low` to `high`, at most about `most`, spread evenly; and whether they are all."""
    step = max(1, math.ceil((high - low) / (most - 1)))
    values = [float(at) for at in range(math.ceil(low), math.floor(high) + 1, step)]
    if values[-1] != math.floor(high):
        values.append(float(math.floor(high)))
    return values, step == 1


def at_whole_values(
    points: Sequence[tuple[float, float]], ends: tuple[float, float]
) -> list[tuple[float, float, bool]]:
    """Return the curve through `points` at the whole values beside its bends: value, measure, whether it bends there.

    The values just beyond it, within `ends`, have no plan: their measure is infinite.
    """
    least, most = math.ceil(points[0][0] - 1e-6), math.floor(points[-1][0] + 1e-6)
    beside = {side for at, _ in points[1:-1] for side in (math.floor(at + 1e-9), math.ceil(at - 1e-9))}
    inside = sorted({at for at in beside | {least, most} if least <= at <= most})
    rows = [(float(at), _on(points, at), at in beside and least < at < most) for at in inside]
    lost = {at for at in (ends[0], least - 1, most + 1, ends[1]) if ends[0] <= at <= ends[1]} - set(inside)
    beyond = [(float(at), math.inf, False) for at in lost if at < least or at > most]
    return sorted([*rows, *beyond])


def _on(points: Sequence[tuple[float, float]], at: float) -> float:
    for (left, one), (right, two) in pairwise(points):
        if left - 1e-6 <= at <= right + 1e-6:
            return one + (two - one) * (at - left) / (right - left)
    return points[0][1]
