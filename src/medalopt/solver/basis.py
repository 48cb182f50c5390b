"""Simplex bases and active sets: which columns and rows of a program are at a bound, and which are basic.

A basis can be transferred to a program with other rows and columns. From the active set of an optimum x* follow a basis
to start from and the programs in the differences d = x − x*.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medalopt.instance.arrays import Bools, Floats
from medalopt.solver.program import SolverProgram
from medalopt.solver.scaling import ScaledProgram
from medalopt.tolerances import ACTIVE_TOLERANCE, DUAL_TOLERANCE, PRICED_ACTIVE_TOLERANCE

LOWER, BASIC, UPPER = 0, 1, 2  # statuses, numbered as in HiGHS; 3 is a nonbasic column without bounds
Statuses = NDArray[np.int8]


class Basis:
    """Simplex basis: status of each column, (N,), and row, (M,).

    A basis that HiGHS returned is converted to numbers only where they are read, and is returned to HiGHS as it is.

    Args:
        columns (N,): Status of each column.
        rows (M,): Status of each row.
    """

    def __init__(self, columns: Statuses, rows: Statuses) -> None:
        self._statuses: tuple[Statuses, Statuses] | None = (columns, rows)
        self.native: Any = None  # the same in HiGHS's form, once it is known

    @classmethod
    def wrap(cls, native: Any) -> Basis:
        """Return the basis that HiGHS returned.

        Args:
            native: Valid basis in the form of HiGHS.

        Returns:
            The basis.
        """
        result = cls(np.zeros(0, dtype=np.int8), np.zeros(0, dtype=np.int8))
        result._statuses, result.native = None, native
        return result

    def detach(self) -> Basis:
        """Return the basis as numbers only, as it arrives in another process.

        Returns:
            The same statuses, to be checked by HiGHS.
        """
        return Basis(self.columns, self.rows)

    def _read(self) -> tuple[Statuses, Statuses]:
        """Return the statuses, converted from HiGHS's form where necessary."""
        if self._statuses is None:
            each = (self.native.col_status, self.native.row_status)  # each look at it is a copy
            columns, rows = (np.array([int(status) for status in statuses], dtype=np.int8) for statuses in each)
            self._statuses = columns, rows
        return self._statuses

    @property
    def columns(self) -> Statuses:
        """Status of each column, (N,)."""
        return self._read()[0]

    @property
    def rows(self) -> Statuses:
        """Status of each row, (M,)."""
        return self._read()[1]

    def __reduce__(self) -> tuple[type[Basis], tuple[Statuses, Statuses]]:
        return Basis, (self.columns, self.rows)


def transfer_statuses(
    statuses: Statuses, keys: Iterable[Hashable], new_keys: Sequence[Hashable], default: Statuses
) -> Statuses:
    """Transfer statuses by key.

    Args:
        statuses (n,): Statuses of `keys`.
        keys (n,): Key of each status.
        new_keys (m,): Keys to find a status for.
        default (m,): Status of each new key that is not among `keys`.

    Returns:
        Statuses (m,).
    """
    known = dict(zip(keys, statuses.tolist(), strict=True))
    result = [known.get(key, other) for key, other in zip(new_keys, default.tolist(), strict=True)]
    return np.array(result, dtype=np.int8)


@dataclass(frozen=True, eq=False)
class ProgramBasis:
    """Final `basis` of `program`.

    The program's own columns may be followed by elastic ones, a whole number of them for each row.
    """

    program: SolverProgram
    basis: Basis

    def drop_elastic_columns(self) -> ProgramBasis:
        """Return the basis of the program's own columns.

        Returns:
            The basis, to be completed.
        """
        return ProgramBasis(self.program, Basis(self.basis.columns[: len(self.program.lower)], self.basis.rows))

    def transfer(self, other: SolverProgram) -> Basis | None:
        """Transfer the basis to another program, matching rows and columns by key.

        Args:
            other: Program to start.

        Returns:
            The basis, new columns at their lower bound and new rows basic; None where the networks differ in their
            number of columns.
        """
        mine = self.program
        if mine.network != other.network:
            return None
        if mine.rows == other.rows and mine.places == other.places:
            return self.basis
        width, columns, rows = len(mine.lower), self.basis.columns, self.basis.rows
        new_columns, new_rows = np.full(len(other.places), LOWER, np.int8), np.full(len(other.rows), BASIC, np.int8)
        elastic = columns[width:].reshape(-1, len(mine.rows)) if len(columns) > width else columns[:0].reshape(0, 0)
        parts = [
            columns[: mine.network],
            transfer_statuses(columns[mine.network : width], mine.places, other.places, new_columns),
            *(transfer_statuses(each, mine.rows, other.rows, np.zeros_like(new_rows)) for each in elastic),
        ]
        return Basis(np.concatenate(parts), transfer_statuses(rows, mine.rows, other.rows, new_rows))


@dataclass(frozen=True, eq=False)
class ActiveSet:
    """Distances of the columns (N,) and rows (M,) of x* from their bounds, scaled; 0 where the bound is active."""

    below: Floats  # <= 0
    above: Floats  # >= 0
    row_below: Floats
    row_above: Floats

    @classmethod
    def find(cls, program: ScaledProgram, x: Floats, y: Floats, reduced: Floats) -> ActiveSet:
        """Return the active set of an optimum; all arguments are scaled.

        A bound with a nonzero dual counts as active even where rounding leaves x* slightly off it.

        Args:
            x (N,): Columns.
            y (M,): Duals.
            reduced (N,): Reduced costs.

        Returns:
            The active set.
        """
        terms = program.value * x[program.entry_columns]
        height = len(program.row_lower)
        activity = np.bincount(program.index, terms, height)
        size = np.maximum(np.bincount(program.index, np.abs(terms), height), 1.0)
        return cls(
            *_clear_active_slack(program.lower - x, program.upper - x, np.ones(len(x)), reduced),
            *_clear_active_slack(program.row_lower - activity, program.row_upper - activity, size, y),
        )

    @property
    def basis(self) -> Basis:
        """Basis to start from, in which every variable between its bounds is basic."""
        return Basis(_classify_statuses(self.below, self.above), _classify_statuses(self.row_below, self.row_above))

    def build_cone(self, program: ScaledProgram) -> ScaledProgram:
        """Return the program in d on the cone of feasible directions, with the active bounds only.

        Returns:
            Program whose optimum is a one-sided derivative, valid for small steps.
        """
        return dataclasses.replace(
            program,
            lower=np.where(self.below == 0, 0.0, -np.inf),
            upper=np.where(self.above == 0, 0.0, np.inf),
            row_lower=np.where(self.row_below == 0, 0.0, -np.inf),
            row_upper=np.where(self.row_above == 0, 0.0, np.inf),
        )

    def build_polyhedron(self, program: ScaledProgram) -> ScaledProgram:
        """Return the program in d on the whole polyhedron.

        Returns:
            Program for steps of any length.
        """
        return dataclasses.replace(
            program, lower=self.below, upper=self.above, row_lower=self.row_below, row_upper=self.row_above
        )

    def build_face(self, program: ScaledProgram, column_held: Bools, row_held: Bools) -> ScaledProgram:
        """Return the program in d with some columns and rows fixed, such as the optimal face.

        Args:
            column_held (N,): Mask of the fixed columns.
            row_held (M,): Mask of the fixed rows.

        Returns:
            Program on the face.
        """
        return dataclasses.replace(
            program,
            lower=np.where(column_held, 0.0, self.below),
            upper=np.where(column_held, 0.0, self.above),
            row_lower=np.where(row_held, 0.0, self.row_below),
            row_upper=np.where(row_held, 0.0, self.row_above),
        )

    def reward_leaving(self, program: ScaledProgram) -> Floats:
        """Return costs that reward the total distance from all active bounds, each at rate 1.

        Returns:
            Scaled costs (N,) for minimisation.
        """
        wish = -np.sign(_active_side(self.below, self.above))
        row_wish = -np.sign(_active_side(self.row_below, self.row_above))
        return np.asarray(wish + program.transpose_multiply(row_wish))


def _clear_active_slack(below: Floats, above: Floats, size: Floats, price: Floats) -> tuple[Floats, Floats]:
    """Return lower and upper distances with the active ones set to 0."""
    low, high = (
        size * np.where(sign * price > DUAL_TOLERANCE, PRICED_ACTIVE_TOLERANCE, ACTIVE_TOLERANCE) for sign in (1, -1)
    )
    return np.where(below >= -low, 0.0, below), np.where(above <= high, 0.0, above)


def _classify_statuses(below: Floats, above: Floats) -> Statuses:
    """Return the statuses for distances from the lower and upper bound."""
    return np.where(below == 0, LOWER, np.where(above == 0, UPPER, BASIC)).astype(np.int8)


def _active_side(below: Floats, above: Floats) -> Floats:
    """Return 1 at a lower bound, -1 at an upper bound, 0 between them or where both are active."""
    return (below == 0).astype(np.float64) - (above == 0).astype(np.float64)
