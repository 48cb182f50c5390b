"""Programs along a line: where every entry moves in proportion to one number, none has to be built anew."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.model.network import Entries
from medalopt.solver.linear import Linear

STRAIGHT = 1e-12  # in relation to its size, by which an entry may lie beside the line
_MOVING = ("lower", "upper", "size", "costs", "row_lower", "row_upper")
SMALLEST = 2.0**-20  # of its size, to which a column may shrink along a line and still be measured by it


def alike(one: Linear, other: Linear) -> bool:
    """Return whether both have the same rows, columns, entries and finite ends, so that only numbers differ."""
    return (
        one.rows == other.rows
        and one.places == other.places
        and len(one.lower) == len(other.lower)
        and np.array_equal(one.entries.row, other.entries.row)
        and np.array_equal(one.entries.column, other.entries.column)
        and all(np.array_equal(np.isfinite(a), np.isfinite(b)) for a, b in zip(_ends(one), _ends(other), strict=True))
    )


def shared(one: Linear, other: Linear) -> bool:
    """Return whether both name the very same rows, columns and places, so that there is nothing to compare."""
    return one.rows is other.rows and one.places is other.places and one.entries.row is other.entries.row


def close(one: Linear, other: Linear) -> bool:
    """Return whether two programs that are alike are the same but for rounding."""
    pairs = ((*_ends(one), one.costs, one.entries.value), (*_ends(other), other.costs, other.entries.value))
    return all(_near(a, b) for a, b in zip(*pairs, strict=True))


@dataclasses.dataclass(frozen=True, eq=False)
class Line:
    """All programs on the straight line through `one`, at the position `first`, and `two`, at `second`."""

    one: Linear
    two: Linear
    first: float
    second: float

    def at(self, position: float) -> Linear:
        """Return the program at `position`, which may lie beyond either."""
        share = (position - self.first) / (self.second - self.first)
        moved: dict[str, Any] = {name: _moved(getattr(self.one, name), share * by) for name, by in self._ends.items()}
        if self._value is not None:
            entries = self.one.entries
            moved["entries"] = Entries(entries.row, entries.column, entries.value + share * self._value)
        if "size" in moved:
            moved["size"] = np.maximum(moved["size"], np.minimum(self.one.size, self.two.size) * SMALLEST)
        return dataclasses.replace(self.one, **moved)

    def shaped_as(self, base: Linear) -> Line:
        """Return the same line, its programs sharing the names and places of `base`, which is alike."""
        one, two = (
            dataclasses.replace(
                end,
                rows=base.rows,
                places=base.places,
                entries=Entries(base.entries.row, base.entries.column, end.entries.value),
            )
            for end in (self.one, self.two)
        )
        return Line(one, two, self.first, self.second)

    @cached_property
    def _ends(self) -> dict[str, Floats]:
        """What moves beside the entries, by how much from `one` to `two`."""
        ways = {name: _way(getattr(self.one, name), getattr(self.two, name)) for name in _MOVING}
        return {name: by for name, by in ways.items() if by.any()}

    @cached_property
    def _value(self) -> Floats | None:
        by = _way(self.one.entries.value, self.two.entries.value)
        return by if by.any() else None

    @cached_property
    def costs_slope(self) -> Floats:
        """By how much the costs grow with the position, (N,)."""
        return (self.two.costs[0] - self.one.costs[0]) / (self.second - self.first)

    @cached_property
    def end_slopes(self) -> dict[str, Floats]:
        """By how much the ends of columns, (N,), and rows, (M,), grow with the position; 0 where there is none."""
        ends = {}
        for name in ("lower", "upper", "row_lower", "row_upper"):
            one, two = getattr(self.one, name), getattr(self.two, name)
            by = np.zeros(len(one))
            np.subtract(two, one, out=by, where=np.isfinite(one))
            ends[name] = by / (self.second - self.first)
        return ends

    def with_columns_alike(self) -> Line | None:
        """Return the line in which a column whose entries all grow alike is measured in what it grows by.

        Then its ends move and no entry does. None where entries move otherwise, or such a column costs something.
        """
        entries, column = self.one.entries, self.one.entries.column
        moved = np.unique(column[entries.value != self.two.entries.value])
        ratio = np.divide(self.two.entries.value, entries.value, out=np.zeros(len(column)), where=entries.value != 0)
        grows = np.ones(len(self.one.lower))
        grows[column] = ratio
        alone = self.one.costs[:, moved].any() or self.two.costs[:, moved].any() or not (grows[moved] > 0).all()
        if alone or not np.allclose(ratio, grows[column], rtol=STRAIGHT, atol=0):
            return None
        ends = {name: getattr(self.two, name) * grows for name in ("lower", "upper", "size")}
        return Line(self.one, dataclasses.replace(self.two, entries=entries, **ends), self.first, self.second)

    @property
    def moves_matrix(self) -> bool:
        """Whether the entries move: then the optimum is no piecewise linear function of the position."""
        return self._value is not None

    @property
    def moves_costs(self) -> bool:
        """Whether the costs move."""
        return bool("costs" in self._ends and self._ends["costs"][0].any())

    @property
    def moves_ends(self) -> bool:
        """Whether ends of rows or columns move."""
        return bool(self._ends.keys() - {"costs", "size"})


def line(one: Linear, first: float, two: Linear, second: float, other: Linear, third: float) -> Line | None:
    """Return the line through `one` and `two` where `other`, at the position `third`, lies on it; else None."""
    if not (alike(one, two) and alike(one, other)):
        return None
    drawn = Line(one, two, first, second)
    return drawn if close(drawn.at(third), other) else None


def _moved(start: Floats, by: Floats) -> Floats:
    """Return where `by` leads; what is left of a number that came to nothing is rounding, and none."""
    there = start + by
    there[np.abs(there) <= STRAIGHT * np.abs(by)] = 0.0
    return there


def _way(x: Floats, y: Floats) -> Floats:
    """Return by how much `y` lies beyond `x`; nothing where both have no end."""
    moves = np.isfinite(x) & (x != y)
    by = np.zeros_like(x)
    by[moves] = y[moves] - x[moves]
    return by


def _ends(of: Linear) -> tuple[Floats, ...]:
    return of.row_lower, of.row_upper, of.lower, of.upper


def _near(a: Floats, b: Floats) -> bool:
    finite = np.isfinite(a)
    size = np.maximum(np.abs(a[finite]), np.abs(b[finite]))
    return bool((np.abs(a[finite] - b[finite]) <= STRAIGHT * np.maximum(size, 1.0)).all())
