"""A curve read the other way round: at which values of the figure a budget is kept."""

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
_NEAR = 1e-7  # of the way, to which a value is found
_TRIES = 40
Ask = Callable[[float], float]


@dataclass(frozen=True)
class Budget:
    """The stretches of the figure, from `low` to `high`, in which the measure is at most `amount`."""

    amount: float
    spans: tuple[tuple[float, float], ...]


def amount(text: str, measure: str, money: Money) -> float:
    """Return the budget that `text` names, in the unit of the measure. Raises UsageError."""
    try:
        return float(Measure(_UNITS[measure], low=None).check(text, money).exact)
    except QuantityError as error:
        raise UsageError(f"--budget {shown(text)}: {error}") from error


def within(points: Sequence[tuple[float, float]], most: float, ask: Ask | None, whole: bool) -> Budget:
    """Return where a curve through `points` (value, measure; infinite: no plan) keeps to `most`.

    `ask` tells the measure between the points; without it nothing is said of what lies there.
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
    """Return where the measure is `most`, between a point within it and one beyond: the secant, else the middle."""
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
