"""Simplex bases: construction, and transfer to a program with other rows and columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import highspy

from medalopt.solver.program import SolverProgram

_DEFAULT_STATUSES = (
    highspy.HighsBasisStatus.kLower,
    highspy.HighsBasisStatus.kBasic,
)  # status of a new column and of a new row


def build_basis(columns: list[Any], rows: list[Any]) -> Any:
    """Build a basis from statuses; HiGHS completes it, whatever the number of basic ones.

    Args:
        columns (N,): HiGHS status of each column.
        rows (M,): HiGHS status of each row.

    Returns:
        A HiGHS basis marked as alien.
    """
    result = highspy.HighsBasis()
    result.col_status, result.row_status = columns, rows
    result.valid = result.alien = True
    return result


@dataclass(frozen=True, eq=False)
class ProgramBasis:
    """Final `basis` of HiGHS on `linear`.

    The program's own columns may be followed by elastic ones, a whole number of them for each row.
    """

    linear: SolverProgram
    basis: Any

    def bare(self) -> ProgramBasis:
        """Return the basis without the further columns, for the program itself.

        Returns:
            The basis of the program's own columns.
        """
        width = len(self.linear.lower)
        return ProgramBasis(self.linear, build_basis(self.basis.col_status[:width], self.basis.row_status))

    def on(self, other: SolverProgram) -> Any:
        """Transfer the basis to another program, matching rows and columns by key.

        Args:
            other: Program to start.

        Returns:
            A HiGHS basis; None where the networks differ in their number of columns.
        """
        mine = self.linear
        if mine.rows == other.rows and mine.places == other.places:
            return self.basis if mine.network == other.network else None
        if mine.network != other.network:
            return None
        column, row = _DEFAULT_STATUSES
        standing, width = self.basis.col_status, len(mine.lower)
        at = {place: mine.network + number for number, place in enumerate(mine.places)}
        places = [standing[at[place]] if place in at else column for place in other.places]
        number = {place: number for number, place in enumerate(mine.rows)}
        further = _map_extra_columns(standing[width:], len(mine.rows), [number.get(place) for place in other.rows])
        own = self.basis.row_status
        rows = [own[number[place]] if place in number else row for place in other.rows]
        return build_basis([*standing[: mine.network], *places, *further], rows)


def _map_extra_columns(standing: list[Any], height: int, rows: list[int | None]) -> Iterator[Any]:
    """Yield the statuses of the further columns, in blocks of one for each row."""
    for first in range(0, len(standing), height):
        yield from (_DEFAULT_STATUSES[0] if row is None else standing[first + row] for row in rows)
