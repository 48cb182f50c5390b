"""Many programs on one line: of each only what moves is passed on, and the answers are checked together.

HiGHS is told as little of a program as a loop by hand would tell it. Between two answers a third is first drawn on the
straight line: where its columns and duals prove each other, as they do wherever one basis is best from the one
to the other, nothing has to be solved.
"""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.solver.line import SMALLEST, Line
from medalopt.solver.moving import Moves, Moving, Places
from medalopt.solver.outcome import NEAR, Outcome
from medalopt.solver.proving import Posed
from medalopt.solver.scaling import Scaled

_KEPT = 64  # answers given one by one between which others are drawn
_STRAIGHT = 1e-6  # of what the optimum rises, within which slopes are one
_TOGETHER = 5_000_000  # columns, rows and entries of all programs that are kept at once
_POSED = ("lower", "upper", "size", "costs", "row_lower", "row_upper", "value")
_ARRAYS = ("lower", "upper", "costs", "row_lower", "row_upper", "value")


class Sweep:
    """The programs on `line`, answered by `moving`, whose first program is alike."""

    def __init__(self, moving: Moving, line: Line) -> None:
        self._moving, self._line = moving, line
        self._one, two = moving.scaled(line.one), moving.scaled(line.two)
        self._moves = Moves.between(self._one, two)
        self._ways = {name: _Way.of(_first(self._one, name), _first(two, name)) for name in _ARRAYS}
        sizes = [np.ldexp(size, -self._one.column) for size in (line.one.size, line.two.size)]
        self._ways["size"], self._least = _Way.of(*sizes), SMALLEST * np.minimum(*sizes)
        self._still = {name: way.start[None, :] for name, way in self._ways.items()}
        self._slopes = [line.end_slopes[end][self._moves.row] for end in ("row_lower", "row_upper")]
        self._places: list[float] = []  # where it was solved one by one, in order
        self._known: list[Outcome] = []
        self._stretches: list[_Stretch] = []  # between each of these and the next

    def answer(self, position: float) -> Outcome:
        """Return the optimum at `position`. Raises SolverError where it cannot be proven."""
        at, place = np.array([position]), bisect.bisect(self._places, position)
        if 0 < place < len(self._places) and not self._ways["value"].moves:
            drawn = self._drawn(at, self._stretches[place - 1])[0]
            if drawn is not None:
                return drawn
        found = self._solved(at)[0]
        if len(self._places) < _KEPT:
            self._keep(place, position, found)
        return found

    def _keep(self, place: int, position: float, found: Outcome) -> None:
        self._places.insert(place, position)
        self._known.insert(place, found)
        around = list(zip(self._places, self._known, strict=True))[max(place - 1, 0) : place + 2]
        self._stretches[max(place - 1, 0) : place] = [self._stretch(*ends) for ends in pairwise(around)]

    def outcomes(self, positions: Sequence[float]) -> Iterator[Outcome]:
        """Yield the optimum at each of `positions`. Raises SolverError where one cannot be proven."""
        one = self._one
        together = max(_TOGETHER // (len(one.lower) + len(one.row_lower) + len(one.value)), 4)
        for first in range(0, len(positions), together):
            some = np.array(positions[first : first + together], dtype=np.float64)
            order = np.argsort(some, kind="stable")
            found: list[Outcome | None] = [None] * len(some)
            for at, outcome in zip(order.tolist(), self._in_order(some[order]), strict=True):
                found[at] = outcome
            yield from (outcome for outcome in found if outcome is not None)

    def _in_order(self, positions: Floats) -> list[Outcome]:
        """Return the optimum at each of `positions`, which rise: the ends first, then what lies between."""
        if self._ways["value"].moves:
            return self._solved(positions)
        found: dict[int, Outcome] = {}
        for end in {0, len(positions) - 1}:
            found[end] = self._solved(positions[end : end + 1])[0]
        between = [(0, len(positions) - 1)]
        while between:
            low, high = between.pop()
            if high - low < 2:
                continue
            middle = (low + high) // 2
            ends = [(float(positions[at]), found[at]) for at in (low, high)]
            stretch = self._stretch(*ends)
            drawn = self._drawn(positions[[middle]], stretch)[0]
            found[middle] = drawn or self._solved(positions[middle : middle + 1])[0]
            rest = [(low, middle), (middle, high)]
            if drawn is not None:  # then one line leads from end to end, or nearly so
                inner = [at for at in range(low + 1, high) if at != middle]
                answers = self._drawn(positions[inner], stretch) if inner else []
                found |= {at: one for at, one in zip(inner, answers, strict=True) if one is not None}
                rest = [(at, at + 2) for at in range(low, high - 1) if at + 1 not in found]
            between += rest
        return [found[at] for at in range(len(positions))]

    def _drawn(self, at: Floats, stretch: _Stretch) -> list[Outcome | None]:
        """Return the outcomes `at` positions of a stretch, drawn between its ends; None of those that prove nothing."""
        if not stretch.ways:
            return [None] * len(at)
        share = ((at - stretch.first) / stretch.length)[:, None]
        x, y = (start + share * by for start, by in stretch.ways)
        return self._moving.proven(self._posed(at), x, y)

    def _stretch(self, low: tuple[float, Outcome], high: tuple[float, Outcome]) -> _Stretch:
        """Return what lies between two answers; nothing can be drawn there where one is no plan, or where it bends."""
        (first, one), (last, two) = low, high
        if first == last or not (one.feasible and two.feasible) or self._bent(low, high):
            return _Stretch(first, last - first, ())
        scaled = ((one.x, two.x, -self._one.column), (one.y, two.y, self._one.cost[0] - self._one.row))
        ends = ((np.ldexp(start, by), np.ldexp(end, by)) for start, end, by in scaled)
        return _Stretch(first, last - first, tuple((start, end - start) for start, end in ends))

    def _bent(self, low: tuple[float, Outcome], high: tuple[float, Outcome]) -> bool:
        """Whether the slopes say that the optimum is not straight between two positions; told where rows alone move."""
        if self._line.moves_costs or len(self._moves.column):
            return False
        (first, one), (last, two) = low, high
        middle = abs(one.value - two.value) * _STRAIGHT + 2 * NEAR * max(abs(one.value), abs(two.value), 1.0)
        for outcome in (one, two):
            y = outcome.y[self._moves.row]
            slope = float((y * np.where(y > 0, *self._slopes)).sum())
            if abs(two.value - one.value - slope * (last - first)) > middle:
                return True
        return False

    def _solved(self, positions: Floats) -> list[Outcome]:
        """Return the optimum at each of `positions`, solved one after the other and checked together."""
        programs = self._posed(positions)
        x, y = np.zeros((len(positions), len(self._one.lower))), np.zeros((len(positions), len(self._one.row_lower)))
        solved = [
            self._moving.tried(self._ready(programs, number), self._moves, x[number], y[number])
            for number in range(len(positions))
        ]
        found = self._moving.proven(programs, x, y)
        return [
            one if one is not None and sure else self._moving.solve(self._line.at(position))
            for one, sure, position in zip(found, solved, positions.tolist(), strict=True)
        ]

    def _posed(self, positions: Floats) -> Posed:
        shares = (positions - self._line.first) / (self._line.second - self._line.first)
        arrays = self._still | {name: way.all(shares) for name, way in self._ways.items() if way.moves}
        if self._ways["size"].moves:
            arrays["size"] = np.maximum(arrays["size"], self._least)
        return Posed(*(arrays[name] for name in _POSED))

    def _ready(self, programs: Posed, number: int) -> Scaled:
        """Return one of `programs` as HiGHS is to be told of it."""
        moved = {
            name: getattr(programs, name)[number]
            for name in ("lower", "upper", "row_lower", "row_upper", "value")
            if self._ways[name].moves
        }
        if self._ways["costs"].moves:
            moved["costs"] = np.vstack([programs.cost[number], self._one.costs[1:]])
        return dataclasses.replace(self._one, **moved)


@dataclass(frozen=True, eq=False)
class _Stretch:
    """What is between two positions.

    `ways`: the columns at the first, (N,), scaled, and by how much they move to the other; then the duals, (M,).
    """

    first: float
    length: float
    ways: tuple[tuple[Floats, Floats], ...]  # none where nothing between can be drawn


@dataclass(frozen=True, eq=False)
class _Way:
    """One array of the scaled program: where it starts, and where and by how much it moves to the end of the line."""

    start: Floats
    at: Places
    by: Floats

    @classmethod
    def of(cls, start: Floats, end: Floats) -> _Way:
        """Return the way from `start` to `end`, of one length."""
        at = np.flatnonzero(start != end).astype(np.int32)
        return cls(start, at, end[at] - start[at])

    @property
    def moves(self) -> bool:
        """Whether anything does."""
        return len(self.at) > 0

    def all(self, shares: Floats) -> Floats:
        """Return the array for each share, (K, n)."""
        whole = np.repeat(self.start[None, :], len(shares), axis=0)
        whole[:, self.at] += shares[:, None] * self.by
        return whole


def _first(program: Scaled, name: str) -> Floats:
    array: Floats = getattr(program, name)
    return array[0] if array.ndim > 1 else array
