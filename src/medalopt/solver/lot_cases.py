"""Proof that no plan in lots exists: by cases, each refuted by Farkas multipliers.

A quantity is 0 or at least a least lot, or a multiple of a lot size. Where a solution of the linear program without
lots has it in between, it is either below or above: two cases. A case whose program is infeasible has multipliers
that prove it; if all are, there is no plan. The integer columns and their upper bounds are not used, so that a row
is part of the proof only where its multipliers are.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medalopt.catalog import LOWER, UPPER
from medalopt.instance.arrays import Bools, Floats
from medalopt.solver.highs import TimeBudget
from medalopt.solver.infeasibility import (
    ElasticSolution,
    RowEnd,
    RowSides,
    find_support,
    minimise_violation,
    verify_conflict_multipliers,
)
from medalopt.solver.program import SolverProgram, find_integer_columns
from medalopt.solver.scaling import ScaledProgram, scale_program

_SPLIT_TOLERANCE = 1e-7  # distance from an allowed quantity, of the least lot or the lot size
LEAST_ROWS = ("line_least", "least_order", "offer_least_order")
MULTIPLE_ROWS = ("whole_lots", "offer_whole_lots")


@dataclass(frozen=True)
class LotRow:
    """Row of a quantity that is 0 or at least `size`, or a multiple of it where `multiple`; `size` in own units."""

    row: int
    size: float
    multiple: bool

    def split(self, quantity: float) -> tuple[float, float] | None:
        """Return the nearest allowed quantities below and above one that is not allowed; None if it is allowed.

        Args:
            quantity: Quantity, in own units.
        """
        share = quantity / self.size
        low = math.floor(share + _SPLIT_TOLERANCE) if self.multiple else 0
        if share - low <= _SPLIT_TOLERANCE or (not self.multiple and share >= 1 - _SPLIT_TOLERANCE):
            return None
        return low * self.size, (low + 1) * self.size


@dataclass(frozen=True, eq=False)
class LotProgram:
    """Program with its lots as rows of quantities: integer columns are fixed at 0, and their rows are free.

    `integer_rows` (M,) masks the rows with integer columns, those of lots among them.
    """

    program: SolverProgram
    scaled: ScaledProgram
    lots: tuple[LotRow, ...]
    integer_rows: Bools

    @classmethod
    def build(cls, program: SolverProgram) -> LotProgram:
        """Separate the lots of a program with integer columns.

        Args:
            program: Program in own units.

        Returns:
            The program without integers, with the rows of its lots.
        """
        whole = find_integer_columns(program)
        lots = [number for number, (name, _) in enumerate(program.rows) if name in (*LEAST_ROWS, *MULTIPLE_ROWS)]
        entries = program.entries
        size, free = np.zeros(len(program.rows)), np.zeros(len(program.rows), dtype=bool)
        of_integer = whole[entries.column]
        size[entries.row[of_integer]] = -entries.value[of_integer]
        free[entries.row[of_integer]] = True
        open_program = dataclasses.replace(
            program,
            lower=np.where(whole, 0.0, program.lower),
            upper=np.where(whole, 0.0, program.upper),
            size=np.where(whole, 1.0, program.size),
            row_lower=np.where(free, -np.inf, program.row_lower),
            row_upper=np.where(free, np.inf, program.row_upper),
        )
        rows = (LotRow(row, float(size[row]), program.rows[row][0] in MULTIPLE_ROWS) for row in lots)
        return cls(open_program, scale_program(open_program), tuple(rows), free)


@dataclass(frozen=True, eq=False)
class LotCases:
    """Outcome of a proof by cases.

    Attributes:
        status: `refuted`, `feasible`, or `open` where a limit ended the proof, or multipliers do not suffice.
        cases: Number of cases refuted by multipliers.
        used: Row ends that some multipliers weight, those of lots included.
    """

    status: str
    cases: int
    used: frozenset[RowEnd] = frozenset()


def refute_lots(
    lots: LotProgram, ends: RowSides, considered: Collection[int], limit: int, budget: TimeBudget
) -> LotCases:
    """Refute every case of the lots of a program.

    Args:
        ends: Sides of other rows that must hold.
        considered: Rows of the lots that must hold.
        limit: Greatest number of cases.
        budget: Time limit.

    Returns:
        Whether all cases are refuted, with the row ends that this takes.
    """
    search = _CaseSearch(lots, ends, [lot for lot in lots.lots if lot.row in considered], limit, budget)
    used = search.refute({}, None)
    return LotCases(search.status if used is None else "refuted", search.cases, used or frozenset())


class _CaseSearch:
    """Depth-first search over the cases; `status` says why it ended without a proof."""

    def __init__(
        self, lots: LotProgram, ends: RowSides, considered: Sequence[LotRow], limit: int, budget: TimeBudget
    ) -> None:
        self.lots, self.ends, self.considered, self.limit, self.budget = lots, ends, considered, limit, budget
        self.cases, self.status = 0, "open"

    def refute(self, bounds: Mapping[RowEnd, float], start: ElasticSolution | None) -> frozenset[RowEnd] | None:
        """Return the row ends that refute a case, given by bounds on quantities of lots; None without a proof."""
        if self.cases >= self.limit or not self.budget.seconds_left():
            return None
        program, sides = self._restrict(bounds)
        found = minimise_violation(program, sides, start)
        if found.contradicts:
            if not verify_conflict_multipliers(self.lots.program, program, found.multipliers):
                return None
            self.cases += 1
            return frozenset(find_support(found.multipliers, sides))
        split = self._choose_split(found.x)
        if split is None:
            self.status = "feasible"
            return None
        lot, (low, high) = split
        used: frozenset[RowEnd] = frozenset()
        for end, bound in ((LOWER, high), (UPPER, low)):
            own = self.refute({**bounds, (lot.row, end): bound}, found)
            if own is None:
                return None
            if (lot.row, end) not in own:
                return own  # refuted without this bound, so the other case is refuted as well
            used |= own
        return used

    def _restrict(self, bounds: Mapping[RowEnd, float]) -> tuple[ScaledProgram, RowSides]:
        """Return the program of a case, without the row sides that need not hold in it, and those that must."""
        scaled = self.lots.scaled
        sides = self.ends | RowSides.of_ends(bounds, len(scaled.row_lower))
        limits = np.where(sides.lower, scaled.row_lower, -np.inf), np.where(sides.upper, scaled.row_upper, np.inf)
        for (row, end), bound in bounds.items():
            limits[end][row] = np.ldexp(bound, int(scaled.row[row]))
        return dataclasses.replace(scaled, row_lower=limits[LOWER], row_upper=limits[UPPER]), sides

    def _choose_split(self, x: Floats) -> tuple[LotRow, tuple[float, float]] | None:
        """Return the lot farthest from an allowed quantity, with the allowed quantities beside it; None if all are."""
        scaled = self.lots.scaled
        activity = np.ldexp(scaled.compute_activity(x), -scaled.row)
        splits = [(lot, lot.split(float(activity[lot.row]))) for lot in self.considered]
        open_lots = [(lot, between) for lot, between in splits if between is not None]
        if not open_lots:
            return None
        return max(
            open_lots,
            key=lambda one: min(activity[one[0].row] - one[1][0], one[1][1] - activity[one[0].row]) / one[0].size,
        )
