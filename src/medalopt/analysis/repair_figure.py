"""A figure of the instance that a repair may move: where it stands, which way it may go, and how it is written."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from medalopt.instance.figures import Figures
from medalopt.instance.instance import Instance
from medalopt.instance.paths import Path, render

DIGITS, FEW = 6, 5
BESIDE = 2e-6  # of a figure, by which its least position may be found beside the true one
SNAP = 1e-6  # of the way to its end, from where a figure goes to it
Written = float | int | str | list[float]


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure and how it may move, by its position: its value in `unit`, or for a list the factor on all values.

    `kind` is `one`, `list` (one value a period), `window` (both ends written as one number, of which one moves),
    `whole` (a count or lead) or `date`. `paths` are the ways a file may spell it, the likeliest first.
    """

    paths: tuple[Path, ...]
    section: str
    field: str
    at: tuple[Any, ...]  # index into the array of the instance
    unit: str | None
    factor: Fraction  # from `unit` to the unit of the instance
    now: tuple[float, ...]
    kind: str
    up: bool
    end: float  # the farthest position that makes sense; infinite where there is none

    @property
    def start(self) -> float:
        """The position at which the figure stands."""
        return 1.0 if self.kind == "list" else self.now[0]

    @property
    def spelled(self) -> frozenset[str]:
        """The paths as text."""
        return frozenset(render(path) for path in self.paths)

    @property
    def stepwise(self) -> bool:
        """Whether it moves in whole steps that change the rows themselves: a date or a lead."""
        return self.kind == "date" or (self.kind == "whole" and self.field != "count")

    def rounded(self, position: float) -> tuple[float, ...]:
        """Return the values at `position`, rounded outwards to six significant digits, or to whole numbers."""
        if self.kind in ("whole", "date"):
            near = round(position)
            if abs(position - near) > 1e-6:
                near = math.ceil(position) if self.up else math.floor(position)
            return (float(min(near, self.end) if self.up else max(near, self.end)),)
        scaled = [position * value for value in self.now] if self.kind == "list" else [position]
        return tuple(self._outwards(value) for value in scaled)

    def neat(self, position: float) -> tuple[float, ...] | None:
        """Return the values at the figure of few digits from which `position` is told apart by rounding alone."""
        if self.kind in ("date", "list"):
            return None
        if math.isfinite(self.end) and abs(position - self.end) <= SNAP * abs(self.now[0] - self.end):
            return (self.end,)  # what is left of it would be within the tolerance, once, and not with others
        few = float(round(position)) if self.kind == "whole" else float(f"{position:.{FEW}g}")
        return (few,) if abs(few - position) <= BESIDE * abs(position) else None

    def _outwards(self, value: float) -> float:
        """Round away from where the figure stands."""
        if (
            self.kind != "list"
            and math.isfinite(self.end)
            and abs(value - self.end) <= SNAP * abs(self.now[0] - self.end)
        ):
            return self.end
        result = outwards(value, self.up)
        bound = self.end if self.kind != "list" else math.inf
        return min(result, bound) if self.up else max(result, bound)

    def put(self, instance: Instance, values: tuple[float, ...]) -> Instance:
        """Return `instance` with the figure at `values`, in `unit`."""
        part = getattr(instance, self.section)
        old = getattr(part, self.field)
        if isinstance(old, Figures):
            new: Any = _with(old, self.at, values if len(values) > 1 else values[0], self.factor)
        else:
            new = old.copy()
            new[self.at] = int(values[0])
        changed = {self.field: new}
        if self.field == "others":  # where it was left out it is given now
            changed["admits_others"] = part.admits_others.copy()
            changed["admits_others"][self.at] = True
        return dataclasses.replace(instance, **{self.section: dataclasses.replace(part, **changed)})

    def at_position(self, instance: Instance, position: float) -> Instance:
        """Return `instance` with the figure at `position`, not rounded."""
        return self.put(instance, tuple(position * value for value in self.now) if self.kind == "list" else (position,))

    def told(self, values: tuple[float, ...], instance: Instance) -> Written:
        """Return `values` as a file would hold them, without the unit."""
        if self.kind == "date":
            return instance.periods[int(values[0])]
        if self.kind == "whole":
            return int(values[0])
        if self.kind == "list":
            return list(values)
        if self.kind == "window":
            other = self.now[0]
            return [other, values[0]] if self.up else [values[0], other]
        return values[0]

    def before(self, instance: Instance) -> Written:
        """Return what stands there now, without the unit."""
        return self.now[0] if self.kind == "window" else self.told(self.now, instance)


def outwards(value: float, up: bool) -> float:
    """Return `value` with six significant digits, rounded up or down; what is a rounding error above them is them."""
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    return float(Context(prec=DIGITS, rounding=rounding).plus(Decimal(f"{value:.10g}")))


def _with(old: Figures, at: tuple[Any, ...], values: Any, factor: Fraction) -> Figures:
    raw, unit = old.raw.copy(), np.broadcast_to(old.unit, old.raw.shape).copy()
    raw[at], unit[at] = values, len(old.factors)
    return Figures(raw, unit, (*old.factors, factor))


def spelled(value: Written, unit: str | None) -> str:
    """Return a value as the file may hold it, such as `46 %` or `[1 t, 2 t]`."""
    if isinstance(value, list):
        return f"[{', '.join(spelled(one, unit) for one in value)}]"
    if isinstance(value, str):
        return value
    number = f"{Decimal(repr(value)).normalize():f}"
    return f"{number} {unit}" if unit else number
