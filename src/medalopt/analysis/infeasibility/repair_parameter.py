"""Parameters that a repair may move: location, direction, limits, rounding and spelling."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from medalopt.instance.arrays import ExactArray
from medalopt.instance.instance import Instance
from medalopt.text import ParameterPath, render_path

SIGNIFICANT_DIGITS, SHORT_DIGITS = 6, 5
POSITION_TOLERANCE = 2e-6  # relative error of a position found by search
SNAP_TOLERANCE = 1e-6  # share of the way to `end` below which the rest of it is added
FileValue = float | int | str | list[float]


@dataclass(frozen=True, eq=False)
class RepairParameter:
    """Parameter and its direction; its position is its value in `unit`, or for a list the factor on all values.

    Attributes:
        paths: Spellings a file may use, the most common first.
        section: Section of the instance; `field`: array in it.
        index: Index into the array.
        factor: From `unit` to the unit of the instance.
        now: Present values, in `unit`.
        kind: `one`, `list` (one value per period), `window` (both ends written as one number, one of which moves),
            `whole` (a count or lead time) or `date`.
        up: True if the parameter is to increase.
        end: Farthest position that makes sense; infinite if there is none.
    """

    paths: tuple[ParameterPath, ...]
    section: str
    field: str
    index: tuple[Any, ...]  # index into the array
    unit: str | None
    factor: Fraction  # from `unit` to the unit of the array
    now: tuple[float, ...]
    kind: str
    up: bool
    end: float  # farthest position; may be infinite

    @property
    def start(self) -> float:
        """Present position: value of the parameter, or 1 for a list that is scaled as a whole."""
        return 1.0 if self.kind == "list" else self.now[0]

    @property
    def path_texts(self) -> frozenset[str]:
        """Paths as text, such as `streams.phone@east.available`."""
        return frozenset(render_path(path) for path in self.paths)

    @property
    def is_stepwise(self) -> bool:
        """Return whether the parameter, a date or a lead time, moves in whole steps that change the rows of the LP."""
        return self.kind == "date" or (self.kind == "whole" and self.field != "count")

    def round_values(self, position: float) -> tuple[float, ...]:
        """Round the values at a position outwards, to six significant digits or to whole numbers.

        Args:
            position: Position, see `RepairParameter`.

        Returns:
            Values in `unit`, within `end`.
        """
        if self.kind in ("whole", "date"):
            near = round(position)
            if abs(position - near) > 1e-6:
                near = math.ceil(position) if self.up else math.floor(position)
            return (float(min(near, self.end) if self.up else max(near, self.end)),)
        scaled = [position * value for value in self.now] if self.kind == "list" else [position]
        return tuple(self._round_outwards(value) for value in scaled)

    def simplify(self, position: float) -> tuple[float, ...] | None:
        """Return a value of few digits if it equals the position within rounding.

        Args:
            position: Position, see `RepairParameter`.

        Returns:
            Values in `unit`; None if there is no such value, and for dates and lists.
        """
        if self.kind in ("date", "list"):
            return None
        if math.isfinite(self.end) and abs(position - self.end) <= SNAP_TOLERANCE * abs(self.now[0] - self.end):
            return (self.end,)  # the rest is within the tolerance alone, but not together with other changes
        few = float(round(position)) if self.kind == "whole" else float(f"{position:.{SHORT_DIGITS}g}")
        return (few,) if abs(few - position) <= POSITION_TOLERANCE * abs(position) else None

    def _round_outwards(self, value: float) -> float:
        """Round away from the present value, to `end` if that is nearly reached."""
        if (
            self.kind != "list"
            and math.isfinite(self.end)
            and abs(value - self.end) <= SNAP_TOLERANCE * abs(self.now[0] - self.end)
        ):
            return self.end
        result = round_outwards(value, self.up)
        bound = self.end if self.kind != "list" else math.inf
        return min(result, bound) if self.up else max(result, bound)

    def apply(self, instance: Any, values: tuple[float, ...]) -> Any:
        """Set the parameter.

        Args:
            instance: Instance to change, or the part of it that holds the section.
            values: Values in `unit`.

        Returns:
            A copy of the instance with these values.
        """
        part, field = getattr(instance, self.section), self.field
        if "." in field:  # of a part of the section
            outer, field = field.split(".")
            inner = dataclasses.replace(self, section=outer, field=field).apply(part, values)
            return dataclasses.replace(instance, **{self.section: inner})
        old = getattr(part, field)
        if isinstance(old, ExactArray):
            new: Any = _replace_values(old, self.index, values if len(values) > 1 else values[0], self.factor)
        else:
            new = old.copy()
            new[self.index] = int(values[0])
        changed = {field: new}
        if field == "others":  # an alloy without `others` now has it
            changed["admits_others"] = part.admits_others.copy()
            changed["admits_others"][self.index] = True
        return dataclasses.replace(instance, **{self.section: dataclasses.replace(part, **changed)})

    def at_position(self, instance: Instance, position: float) -> Instance:
        """Set the parameter to a position without rounding.

        Args:
            position: Position, see `RepairParameter`.

        Returns:
            A copy of the instance with the values at this position.
        """
        return self.apply(
            instance, tuple(position * value for value in self.now) if self.kind == "list" else (position,)
        )

    def format_values(self, values: tuple[float, ...], instance: Instance) -> FileValue:
        """Return values as a file would hold them, without the unit.

        Args:
            values: Values in `unit`.
            instance: Instance with the names of the periods.

        Returns:
            A number, a list, or the name of a period.
        """
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

    def format_present(self, instance: Instance) -> FileValue:
        """Return the present value as a file would hold it, without the unit.

        Args:
            instance: Instance with the names of the periods.

        Returns:
            A number, a list, or the name of a period.
        """
        return self.now[0] if self.kind == "window" else self.format_values(self.now, instance)


def round_outwards(value: float, up: bool) -> float:
    """Round to six significant digits, up or down, after removing floating-point noise beyond ten digits.

    Returns:
        The rounded value.
    """
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    return float(Context(prec=SIGNIFICANT_DIGITS, rounding=rounding).plus(Decimal(f"{value:.10g}")))


def _replace_values(old: ExactArray, at: tuple[Any, ...], values: Any, factor: Fraction) -> ExactArray:
    """Return a copy of an exact array with other values, given in another unit."""
    raw, unit = old.raw.copy(), np.broadcast_to(old.unit, old.raw.shape).copy()
    raw[at], unit[at] = values, len(old.factors)
    return ExactArray(raw, unit, (*old.factors, factor))


def format_file_value(value: FileValue, unit: str | None) -> str:
    """Format a value as a file may hold it, such as `46 %` or `[1 t, 2 t]`.

    Args:
        value: Number, list of numbers, or name of a period.
        unit: Unit of the numbers; None if they have none.

    Returns:
        The text.
    """
    if isinstance(value, list):
        return f"[{', '.join(format_file_value(one, unit) for one in value)}]"
    if isinstance(value, str):
        return value
    number = f"{Decimal(repr(value)).normalize():f}"
    return f"{number} {unit}" if unit else number
