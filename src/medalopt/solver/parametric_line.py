"""Parametric programs: all numbers are affine in one parameter, so that two programs determine every other one."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np

from medalopt.instance.arrays import Floats
from medalopt.model.network import SparseEntries
from medalopt.solver.program import SolverProgram
from medalopt.tolerances import LINEARITY_TOLERANCE

_PARAMETRIC_ARRAYS = ("lower", "upper", "size", "costs", "row_lower", "row_upper")
SMALLEST_SIZE_SHARE = 2.0**-20  # smallest size of a column along the line, as a share of its size at the ends


def have_same_structure(program: SolverProgram, other: SolverProgram) -> bool:
    """Return whether two programs have the same rows, columns, sparsity pattern and finite bounds.

    Args:
        program: Program.
        other: Program.

    Returns:
        True where only numbers differ.
    """
    return (
        program.rows == other.rows
        and program.places == other.places
        and len(program.lower) == len(other.lower)
        and np.array_equal(program.entries.row, other.entries.row)
        and np.array_equal(program.entries.column, other.entries.column)
        and all(
            np.array_equal(np.isfinite(a), np.isfinite(b))
            for a, b in zip(_list_bounds(program), _list_bounds(other), strict=True)
        )
    )


def share_structure(program: SolverProgram, other: SolverProgram) -> bool:
    """Return whether two programs share the very same key and index arrays, so that comparison is unnecessary.

    Args:
        program: Program.
        other: Program.

    Returns:
        True where the objects are identical.
    """
    return program.rows is other.rows and program.places is other.places and program.entries.row is other.entries.row


def are_nearly_equal(program: SolverProgram, other: SolverProgram) -> bool:
    """Return whether two programs of the same structure are equal up to rounding.

    Args:
        program: Program.
        other: Program.

    Returns:
        True where all numbers agree within `LINEARITY_TOLERANCE`.
    """
    pairs = (
        (*_list_bounds(program), program.costs, program.entries.value),
        (*_list_bounds(other), other.costs, other.entries.value),
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
        ends = {
            name: _difference_array(getattr(self.one, name), getattr(self.two, name)) for name in _PARAMETRIC_ARRAYS
        }
        return {name: by for name, by in ends.items() if by.any()}

    @cached_property
    def _value(self) -> Floats | None:
        """Difference of the matrix entries, None if constant."""
        by = _difference_array(self.one.entries.value, self.two.entries.value)
        return by if by.any() else None

    @cached_property
    def costs_slope(self) -> Floats:
        """Derivative of the costs with respect to the parameter.

        Returns:
            (N,).
        """
        return (self.two.costs[0] - self.one.costs[0]) / (self.second - self.first)

    @cached_property
    def end_slopes(self) -> dict[str, Floats]:
        """Derivatives of the bounds of columns and rows with respect to the parameter.

        Returns:
            (N,) or (M,) by name of the bound; 0 for infinite bounds.
        """
        ends = {}
        for name in ("lower", "upper", "row_lower", "row_upper"):
            one, two = getattr(self.one, name), getattr(self.two, name)
            by = np.zeros(len(one))
            np.subtract(two, one, out=by, where=np.isfinite(one))
            ends[name] = by / (self.second - self.first)
        return ends

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
        """Return whether matrix entries depend on the parameter.

        Returns:
            If True, the optimal value is not piecewise linear in it.
        """
        return self._value is not None

    @property
    def moves_costs(self) -> bool:
        """Return whether costs depend on the parameter.

        Returns:
            True if any does.
        """
        return bool("costs" in self._ends and self._ends["costs"][0].any())

    @property
    def moves_ends(self) -> bool:
        """Return whether bounds of rows or columns depend on the parameter.

        Returns:
            True if any does.
        """
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


def _difference_array(x: Floats, y: Floats) -> Floats:
    """Return the differences y − x, 0 where both are infinite."""
    moves = np.isfinite(x) & (x != y)
    by = np.zeros_like(x)
    by[moves] = y[moves] - x[moves]
    return by


def _list_bounds(of: SolverProgram) -> tuple[Floats, ...]:
    """Return the bounds of rows and columns."""
    return of.row_lower, of.row_upper, of.lower, of.upper


def _arrays_nearly_equal(a: Floats, b: Floats) -> bool:
    """Return whether finite numbers agree within `LINEARITY_TOLERANCE`, relative or absolute."""
    finite = np.isfinite(a)
    size = np.maximum(np.abs(a[finite]), np.abs(b[finite]))
    return bool((np.abs(a[finite] - b[finite]) <= LINEARITY_TOLERANCE * np.maximum(size, 1.0)).all())
