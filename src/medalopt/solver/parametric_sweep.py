"""Parametric programs: all numbers are affine in one parameter; many of a family are solved warm, verified together.

Two programs determine every other one. Between two solved parameter values, columns and duals are interpolated first.
Wherever one basis is optimal over the interval, the interpolated pair passes verification and nothing has to be solved.
"""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from medalopt.instance.arrays import Floats
from medalopt.model.network import SparseEntries
from medalopt.solver.parametric_solver import IndexArray, ParametricSolver, ProgramChanges
from medalopt.solver.program import SolverProgram, have_same_structure, subtract_bounds
from medalopt.solver.scaling import ScaledProgram
from medalopt.solver.verification import ProgramBatch, VerifiedResult
from medalopt.tolerances import GAP_TOLERANCE, LINEARITY_TOLERANCE

_STORED_RESULTS = 64  # solved values kept for interpolation by `solve_at`
_SLOPE_TOLERANCE = 1e-6  # relative difference of the objective within which slopes agree
_BATCH_NUMBERS = 5_000_000  # columns, rows and entries of all programs of one batch
_BATCH_ARRAYS = ("lower", "upper", "size", "costs", "row_lower", "row_upper", "value")
_SCALED_ARRAYS = ("lower", "upper", "costs", "row_lower", "row_upper", "value")
_PARAMETRIC_ARRAYS = ("lower", "upper", "size", "costs", "row_lower", "row_upper")
SMALLEST_SIZE_SHARE = 2.0**-20  # smallest size of a column along the line, as a share of its size at the ends


def are_nearly_equal(program: SolverProgram, other: SolverProgram) -> bool:
    """Return whether two programs of the same structure are equal up to rounding.

    Returns:
        True where all numbers agree within `LINEARITY_TOLERANCE`.
    """
    pairs = (
        (*program.bounds, program.costs, program.entries.value),
        (*other.bounds, other.costs, other.entries.value),
    )
    return all(_arrays_nearly_equal(a, b) for a, b in zip(*pairs, strict=True))


@dataclasses.dataclass(frozen=True, eq=False)
class ProgramLine:
    """Affine family of programs through `one`, at parameter value `first`, and `two`, at `second`."""

    one: SolverProgram
    two: SolverProgram
    first: float
    second: float

    def interpolate(self, position: float) -> SolverProgram:
        """Return the program at a parameter value.

        Args:
            position: Value, also outside of [first, second].

        Returns:
            The program; its arrays that do not depend on the parameter are shared with `one`.
        """
        share = (position - self.first) / (self.second - self.first)
        moved: dict[str, Any] = {
            name: _advance_array(getattr(self.one, name), share * by) for name, by in self._ends.items()
        }
        if self._value is not None:
            entries = self.one.entries
            moved["entries"] = SparseEntries(entries.row, entries.column, entries.value + share * self._value)
        if "size" in moved:
            moved["size"] = np.maximum(moved["size"], np.minimum(self.one.size, self.two.size) * SMALLEST_SIZE_SHARE)
        return dataclasses.replace(self.one, **moved)

    def shaped_as(self, base: SolverProgram) -> ProgramLine:
        """Return the same family with the keys and index arrays of `base`.

        Args:
            base: Program of the same structure.

        Returns:
            The family.
        """
        program, two = (
            dataclasses.replace(
                end,
                rows=base.rows,
                places=base.places,
                entries=SparseEntries(base.entries.row, base.entries.column, end.entries.value),
            )
            for end in (self.one, self.two)
        )
        return ProgramLine(program, two, self.first, self.second)

    @cached_property
    def _ends(self) -> dict[str, Floats]:
        """The arrays other than the matrix that depend on the parameter, with their difference from `one` to `two`."""
        ends = {name: subtract_bounds(getattr(self.one, name), getattr(self.two, name)) for name in _PARAMETRIC_ARRAYS}
        return {name: by for name, by in ends.items() if by.any()}

    @cached_property
    def _value(self) -> Floats | None:
        """Difference of the matrix entries, None if constant."""
        by = subtract_bounds(self.one.entries.value, self.two.entries.value)
        return by if by.any() else None

    @cached_property
    def costs_slope(self) -> Floats:
        """Derivative of the costs with respect to the parameter, (N,)."""
        return (self.two.costs[0] - self.one.costs[0]) / (self.second - self.first)

    @cached_property
    def end_slopes(self) -> dict[str, Floats]:
        """Derivatives of the bounds of columns (N,) and rows (M,) by name; 0 for infinite bounds."""
        return {
            name: subtract_bounds(getattr(self.one, name), getattr(self.two, name)) / (self.second - self.first)
            for name in ("lower", "upper", "row_lower", "row_upper")
        }

    def with_columns_alike(self) -> ProgramLine | None:
        """Return the family with each column whose entries all grow by one factor rescaled by it.

        Then its bounds depend on the parameter and its entries do not.

        Returns:
            The family; None where entries change otherwise, or such a column has a cost.
        """
        entries, column = self.one.entries, self.one.entries.column
        moved = np.unique(column[entries.value != self.two.entries.value])
        ratio = np.divide(self.two.entries.value, entries.value, out=np.zeros(len(column)), where=entries.value != 0)
        grows = np.ones(len(self.one.lower))
        grows[column] = ratio
        alone = self.one.costs[:, moved].any() or self.two.costs[:, moved].any() or not (grows[moved] > 0).all()
        if alone or not np.allclose(ratio, grows[column], rtol=LINEARITY_TOLERANCE, atol=0):
            return None
        ends = {name: getattr(self.two, name) * grows for name in ("lower", "upper", "size")}
        return ProgramLine(self.one, dataclasses.replace(self.two, entries=entries, **ends), self.first, self.second)

    @property
    def moves_matrix(self) -> bool:
        """Return whether matrix entries depend on the parameter, so that the value is not piecewise linear in it."""
        return self._value is not None

    @property
    def moves_costs(self) -> bool:
        """Return whether costs depend on the parameter."""
        return bool("costs" in self._ends and self._ends["costs"][0].any())

    @property
    def moves_ends(self) -> bool:
        """Return whether bounds of rows or columns depend on the parameter."""
        return bool(self._ends.keys() - {"costs", "size"})


def fit_program_line(
    program: SolverProgram, first: float, two: SolverProgram, second: float, other: SolverProgram, third: float
) -> ProgramLine | None:
    """Fit the affine family through two programs, checked at a third.

    Args:
        program: Program at `first`.
        first: Parameter value.
        two: Program at `second`.
        second: Parameter value.
        other: Program at `third`.
        third: Parameter value.

    Returns:
        The family; None where the third program is not on it.
    """
    if not (have_same_structure(program, two) and have_same_structure(program, other)):
        return None
    drawn = ProgramLine(program, two, first, second)
    return drawn if are_nearly_equal(drawn.interpolate(third), other) else None


def _advance_array(start: Floats, by: Floats) -> Floats:
    """Return `start + by`, with results that are rounding beside `by` set to 0."""
    there = start + by
    there[np.abs(there) <= LINEARITY_TOLERANCE * np.abs(by)] = 0.0
    return there


def _arrays_nearly_equal(a: Floats, b: Floats) -> bool:
    """Return whether finite numbers agree within `LINEARITY_TOLERANCE`, relative or absolute."""
    finite = np.isfinite(a)
    size = np.maximum(np.abs(a[finite]), np.abs(b[finite]))
    return bool((np.abs(a[finite] - b[finite]) <= LINEARITY_TOLERANCE * np.maximum(size, 1.0)).all())


class ParametricSweep:
    """Sweep over an affine family of programs.

    Args:
        moving: Warm-started solver whose first program has the same structure.
        line: The family.
    """

    def __init__(self, moving: ParametricSolver, line: ProgramLine) -> None:
        self._moving, self._line = moving, line
        self._one, two = moving.scaled(line.one), moving.scaled(line.two)
        self._moves = ProgramChanges.between(self._one, two)
        self._ways = {
            name: _ArrayPath.of(_first_objective(self._one, name), _first_objective(two, name))
            for name in _SCALED_ARRAYS
        }
        sizes = [np.ldexp(size, -self._one.column) for size in (line.one.size, line.two.size)]
        self._ways["size"], self._least = _ArrayPath.of(*sizes), SMALLEST_SIZE_SHARE * np.minimum(*sizes)
        self._still = {name: way.start[None, :] for name, way in self._ways.items()}
        self._slopes = [line.end_slopes[end][self._moves.row] for end in ("row_lower", "row_upper")]
        self._places: list[float] = []  # solved parameter values, ascending
        self._known: list[VerifiedResult] = []
        self._stretches: list[_Interval] = []  # between consecutive values

    def solve_at(self, position: float) -> VerifiedResult:
        """Solve at one parameter value.

        Args:
            position: Parameter value.

        Returns:
            The verified result.

        Raises:
            SolverError: No result can be verified.
        """
        at, place = np.array([position]), bisect.bisect(self._places, position)
        if 0 < place < len(self._places) and not self._ways["value"].moves:
            drawn = self._drawn(at, self._stretches[place - 1])[0]
            if drawn is not None:
                return drawn
        result = self._solved(at)[0]
        if len(self._places) < _STORED_RESULTS:
            self._keep(place, position, result)
        return result

    def _keep(self, place: int, position: float, result: VerifiedResult) -> None:
        """Store a solved value and update the intervals on both sides."""
        self._places.insert(place, position)
        self._known.insert(place, result)
        around = list(zip(self._places, self._known, strict=True))[max(place - 1, 0) : place + 2]
        self._stretches[max(place - 1, 0) : place] = [self._stretch(*ends) for ends in pairwise(around)]

    def solve_all(self, positions: Sequence[float]) -> Iterator[VerifiedResult]:
        """Solve at many parameter values.

        Args:
            positions: Parameter values in any order.

        Yields:
            The verified result of each, in the given order.

        Raises:
            SolverError: A result cannot be verified.
        """
        one = self._one
        together = max(_BATCH_NUMBERS // (len(one.lower) + len(one.row_lower) + len(one.value)), 4)
        for first in range(0, len(positions), together):
            some = np.array(positions[first : first + together], dtype=np.float64)
            order = np.argsort(some, kind="stable")
            result: list[VerifiedResult | None] = [None] * len(some)
            for at, outcome in zip(order.tolist(), self._in_order(some[order]), strict=True):
                result[at] = outcome
            yield from (result for result in result if result is not None)

    def _in_order(self, positions: Floats) -> list[VerifiedResult]:
        """Return the results at ascending values: the ends first, then by bisection with interpolation."""
        if self._ways["value"].moves:
            return self._solved(positions)
        result: dict[int, VerifiedResult] = {}
        for end in {0, len(positions) - 1}:
            result[end] = self._solved(positions[end : end + 1])[0]
        between = [(0, len(positions) - 1)]
        while between:
            low, high = between.pop()
            if high - low < 2:
                continue
            middle = (low + high) // 2
            ends = [(float(positions[index]), result[index]) for index in (low, high)]
            stretch = self._stretch(*ends)
            drawn = self._drawn(positions[[middle]], stretch)[0]
            result[middle] = drawn or self._solved(positions[middle : middle + 1])[0]
            rest = [(low, middle), (middle, high)]
            if drawn is not None:  # the interval is nearly linear: interpolate all of it
                inner = [index for index in range(low + 1, high) if index != middle]
                answers = self._drawn(positions[inner], stretch) if inner else []
                result |= {index: result for index, result in zip(inner, answers, strict=True) if result is not None}
                rest = [(index, index + 2) for index in range(low, high - 1) if index + 1 not in result]
            between += rest
        return [result[index] for index in range(len(positions))]

    def _drawn(self, at: Floats, stretch: _Interval) -> list[VerifiedResult | None]:
        """Return the interpolated results at values within an interval; None where not verified."""
        if not stretch.ways:
            return [None] * len(at)
        share = ((at - stretch.first) / stretch.length)[:, None]
        x, y = (start + share * by for start, by in stretch.ways)
        return self._moving.verify(self._posed(at), x, y)

    def _stretch(self, low: tuple[float, VerifiedResult], high: tuple[float, VerifiedResult]) -> _Interval:
        """Return the interval between two results, without interpolation over a breakpoint or infeasibility."""
        (first, result), (last, two) = low, high
        if first == last or not (result.feasible and two.feasible) or self._bent(low, high):
            return _Interval(first, last - first, ())
        scaled = ((result.x, two.x, -self._one.column), (result.y, two.y, self._one.cost[0] - self._one.row))
        ends = ((np.ldexp(start, by), np.ldexp(end, by)) for start, end, by in scaled)
        return _Interval(first, last - first, tuple((start, end - start) for start, end in ends))

    def _bent(self, low: tuple[float, VerifiedResult], high: tuple[float, VerifiedResult]) -> bool:
        """Return whether the slopes show a breakpoint between two values; tested where only row bounds change."""
        if self._line.moves_costs or len(self._moves.column):
            return False
        (first, result), (last, two) = low, high
        middle = abs(result.value - two.value) * _SLOPE_TOLERANCE + 2 * GAP_TOLERANCE * max(
            abs(result.value), abs(two.value), 1.0
        )
        for outcome in (result, two):
            y = outcome.y[self._moves.row]
            slope = float((y * np.where(y > 0, *self._slopes)).sum())
            if abs(two.value - result.value - slope * (last - first)) > middle:
                return True
        return False

    def _solved(self, positions: Floats) -> list[VerifiedResult]:
        """Return the results at several values, solved one after the other and verified together."""
        programs = self._posed(positions)
        x, y = np.zeros((len(positions), len(self._one.lower))), np.zeros((len(positions), len(self._one.row_lower)))
        solved = [
            self._moving.solve_unverified(self._ready(programs, number), self._moves, x[number], y[number])
            for number in range(len(positions))
        ]
        result = self._moving.verify(programs, x, y)
        return [
            result if result is not None and sure else self._moving.solve(self._line.interpolate(position))
            for result, sure, position in zip(result, solved, positions.tolist(), strict=True)
        ]

    def _posed(self, positions: Floats) -> ProgramBatch:
        """Return the scaled programs at the given values as a batch."""
        shares = (positions - self._line.first) / (self._line.second - self._line.first)
        arrays = self._still | {name: way.all(shares) for name, way in self._ways.items() if way.moves}
        if self._ways["size"].moves:
            arrays["size"] = np.maximum(arrays["size"], self._least)
        return ProgramBatch(*(arrays[name] for name in _BATCH_ARRAYS))

    def _ready(self, programs: ProgramBatch, number: int) -> ScaledProgram:
        """Return one scaled program of a batch, sharing the arrays that do not change."""
        moved = {
            name: getattr(programs, name)[number]
            for name in ("lower", "upper", "row_lower", "row_upper", "value")
            if self._ways[name].moves
        }
        if self._ways["costs"].moves:
            moved["costs"] = np.vstack([programs.cost[number], self._one.costs[1:]])
        return dataclasses.replace(self._one, **moved)


@dataclass(frozen=True, eq=False)
class _Interval:
    """Interval between two solved values.

    `ways`: scaled columns (N,) at the first value and their difference to the second; then the same for the duals (M,).
    """

    first: float
    length: float
    ways: tuple[tuple[Floats, Floats], ...]  # empty where interpolation is not possible


@dataclass(frozen=True, eq=False)
class _ArrayPath:
    """One array of the scaled program along the family: start, changing positions and their differences."""

    start: Floats
    at: IndexArray
    by: Floats

    @classmethod
    def of(cls, start: Floats, end: Floats) -> _ArrayPath:
        """Return the path between two arrays of equal length."""
        index = np.flatnonzero(start != end).astype(np.int32)
        return cls(start, index, end[index] - start[index])

    @property
    def moves(self) -> bool:
        """Return whether any number changes."""
        return len(self.at) > 0

    def all(self, shares: Floats) -> Floats:
        """Return the array for each share of the way."""
        whole = np.repeat(self.start[None, :], len(shares), axis=0)
        whole[:, self.at] += shares[:, None] * self.by
        return whole


def _first_objective(program: ScaledProgram, name: str) -> Floats:
    """Return a one-dimensional array of the program, of the costs those of the first objective."""
    array: Floats = getattr(program, name)
    return array[0] if array.ndim > 1 else array
