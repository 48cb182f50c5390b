"""Where the simplex method stood on one program, as a start for another that is nearly the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import highspy

from medalopt.solver.linear import Linear

_NOT_THERE_BEFORE = highspy.HighsBasisStatus.kLower, highspy.HighsBasisStatus.kBasic  # a column, a row


def begun(columns: list[Any], rows: list[Any]) -> Any:
    """Return a basis in which columns and rows stand so; HiGHS makes it complete, whatever the number of basic ones."""
    result = highspy.HighsBasis()
    result.col_status, result.row_status = columns, rows
    result.valid = result.alien = True
    return result


@dataclass(frozen=True, eq=False)
class Standing:
    """The `basis` HiGHS ended with on `linear`, whose columns may be followed by further ones, so many for each row."""

    linear: Linear
    basis: Any

    def bare(self) -> Standing:
        """Return it without the further columns, as a start for the program itself."""
        width = len(self.linear.lower)
        return Standing(self.linear, begun(self.basis.col_status[:width], self.basis.row_status))

    def on(self, other: Linear) -> Any:
        """Return a basis for `other`, told row by row and column by column; None where their networks differ."""
        mine = self.linear
        if mine.rows == other.rows and mine.places == other.places:
            return self.basis if mine.network == other.network else None
        if mine.network != other.network:
            return None
        column, row = _NOT_THERE_BEFORE
        standing, width = self.basis.col_status, len(mine.lower)
        at = {place: mine.network + number for number, place in enumerate(mine.places)}
        places = [standing[at[place]] if place in at else column for place in other.places]
        number = {place: number for number, place in enumerate(mine.rows)}
        further = _further(standing[width:], len(mine.rows), [number.get(place) for place in other.rows])
        own = self.basis.row_status
        rows = [own[number[place]] if place in number else row for place in other.rows]
        return begun([*standing[: mine.network], *places, *further], rows)


def _further(standing: list[Any], height: int, rows: list[int | None]) -> Iterator[Any]:
    """Yield where the columns stand that come one for each row, as often as there are such."""
    for first in range(0, len(standing), height):
        yield from (_NOT_THERE_BEFORE[0] if row is None else standing[first + row] for row in rows)
