"""Curves of integer parameters: selection of values, and piecewise linear curves evaluated at whole numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

MOST = 41  # maximum number of whole values of a curve


def few(low: float, high: float, most: int = MOST) -> tuple[list[float], bool]:
    """Select whole values, evenly spaced.

    Args:
        low: Lower bound.
        high: Upper bound.
        most: Approximate maximum number of values.

    Returns:
        The values in ascending order, and True if they are all whole numbers of the interval.
    """
    step = max(1, math.ceil((high - low) / (most - 1)))
    values = [float(at) for at in range(math.ceil(low), math.floor(high) + 1, step)]
    if values[-1] != math.floor(high):
        values.append(float(math.floor(high)))
    return values, step == 1


def at_whole_values(
    points: Sequence[tuple[float, float]], ends: tuple[float, float]
) -> list[tuple[float, float, bool]]:
    """Evaluate a piecewise linear curve at the whole numbers next to its breakpoints.

    Args:
        points: (position, objective), ascending.
        ends: Bounds of the parameter.

    Returns:
        (position, objective, breakpoint) in ascending order; the objective is infinite just beyond the feasible
        interval.
    """
    least, most = math.ceil(points[0][0] - 1e-6), math.floor(points[-1][0] + 1e-6)
    beside = {side for at, _ in points[1:-1] for side in (math.floor(at + 1e-9), math.ceil(at - 1e-9))}
    inside = sorted({at for at in beside | {least, most} if least <= at <= most})
    rows = [(float(at), _on(points, at), at in beside and least < at < most) for at in inside]
    lost = {at for at in (ends[0], least - 1, most + 1, ends[1]) if ends[0] <= at <= ends[1]} - set(inside)
    beyond = [(float(at), math.inf, False) for at in lost if at < least or at > most]
    return sorted([*rows, *beyond])


def _on(points: Sequence[tuple[float, float]], at: float) -> float:
    """Interpolate the curve at a position."""
    for (left, one), (right, two) in pairwise(points):
        if left - 1e-6 <= at <= right + 1e-6:
            return one + (two - one) * (at - left) / (right - left)
    return points[0][1]
