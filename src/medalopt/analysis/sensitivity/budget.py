"""Inverse of a curve: the values of the parameter at which the objective stays within a budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from medalopt.errors import UsageError
from medalopt.instance.schema.fields import Measure
from medalopt.quantity import Money, QuantityError
from medalopt.wording import shown

_UNITS = {"cost": "money", "footprint": "kg", "mass": "t"}
_NEAR = 1e-7  # fraction of the interval to which a crossing is located
_TRIES = 40
Ask = Callable[[float], float]


@dataclass(frozen=True)
class Budget:
    """Intervals of the parameter, (low, high), in which the objective is at most `amount`."""

    amount: float
    spans: tuple[tuple[float, float], ...]


def amount(text: str, measure: str, money: Money) -> float:
    """Parse a budget.

    Args:
        text: Amount with unit.
        measure: Objective: cost, footprint or mass.
        money: Currencies and exchange rates of the instance.

    Returns:
        The budget in the unit of the objective.

    Raises:
        UsageError: If the amount or its unit is invalid.
    """
    try:
        return float(Measure(_UNITS[measure], low=None).check(text, money).exact)
    except QuantityError as error:
        raise UsageError(f"--budget {shown(text)}: {error}") from error


def within(points: Sequence[tuple[float, float]], most: float, ask: Ask | None, whole: bool) -> Budget:
    """Find the intervals in which a curve is at most `most`.

    Args:
        points: (value, objective), ascending; the objective is infinite if infeasible.
        most: Budget.
        ask: Objective between the points; None to use the points alone.
        whole: Round the intervals inwards to whole numbers.

    Returns:
        The budget and its intervals.
    """
    near = _NEAR * (points[-1][0] - points[0][0])
    spans: list[tuple[float, float]] = [(points[0][0],) * 2] if points[0][1] <= most else []
    for one, two in pairwise(points):
        if one[1] <= most and two[1] <= most:
            spans[-1] = (spans[-1][0], two[0])
        elif one[1] <= most and math.isfinite(two[1]):
            spans[-1] = (spans[-1][0], _crossing(ask, one, two, most, near))
        elif two[1] <= most:
            start = _crossing(ask, two, one, most, near) if math.isfinite(one[1]) else two[0]
            spans.append((start, two[0]))
    if whole:
        spans = [(float(math.ceil(low - 1e-6)), float(math.floor(high + 1e-6))) for low, high in spans]
    return Budget(most, tuple(span for span in spans if span[0] <= span[1]))


def _crossing(
    ask: Ask | None, inside: tuple[float, float], outside: tuple[float, float], most: float, near: float
) -> float:
    """Locate the crossing of `most` between an inside and an outside point: two secant steps, then one bisection."""
    for number in range(_TRIES):
        share = (most - inside[1]) / (outside[1] - inside[1]) if number % 3 < 2 else 0.5
        at = inside[0] + (outside[0] - inside[0]) * share
        if ask is None or abs(outside[0] - inside[0]) <= near:
            return inside[0]
        value = ask(at)
        if abs(value - most) <= 1e-9 * max(abs(most), 1.0):
            return at
        if value < most:
            inside = (at, value)
        else:
            outside = (at, value)
    return inside[0]
