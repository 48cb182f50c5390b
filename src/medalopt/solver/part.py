"""Partial pricing: the program is solved with a subset of its columns, and omitted columns join where they price out.

Near an optimum most columns are nonbasic with a reduced cost whose sign no small change alters. Without them HiGHS is
several times as fast, and the duals show by arithmetic whether an omitted column could improve the result (Dantzig and
Wolfe 1960).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import highspy
import numpy as np

from medalopt.instance.figures import Floats, Ints
from medalopt.solver.highs import DUAL, PRIMAL, TOLERANCE, is_optimal, loaded
from medalopt.solver.infeasible import PROVEN, contradiction
from medalopt.solver.scaling import Scaled

Ends = Mapping[int, tuple[float, float]]
_PER_ROW = 1  # initial nonbasic columns for each row
_ROUNDS = 20  # pricing rounds, after which the whole program is solved
_STEPS = 300  # simplex iterations of one run, with the same consequence


class Unsure(Exception):
    """Partial pricing reached no conclusion on the whole program."""


class Part:
    """Subset of the columns of a program: basic, nonzero or of small reduced cost at an optimum; the others are 0.

    Args:
        program: Scaled program.
        solver: HiGHS at its optimum.
    """

    def __init__(self, program: Scaled, solver: highspy.Highs) -> None:
        self._program = program
        solution, basis = solver.getSolution(), solver.getBasis()
        apart = np.abs(program.costs[0] - program.pulled(np.array(solution.row_dual)))
        places = list(basis.col_status)  # each look at it is a copy
        basic = np.array([place == highspy.HighsBasisStatus.kBasic for place in places])
        apart[basic | (np.array(solution.col_value) != 0)] = -1.0
        count = min(int((apart < 0).sum()) + _PER_ROW * len(program.row_lower), len(apart))
        self._among = np.sort(np.argpartition(apart, count - 1)[:count])
        self._at = np.full(len(apart), -1)
        self._at[self._among] = np.arange(count)
        self._rest = _Rest(program, self._at < 0)
        made = loaded(_columns(program, self._among))
        assert made is not None, "a part of what HiGHS took is taken"
        self._solver = made
        made.setOptionValue("solver", "simplex")
        made.setOptionValue("simplex_iteration_limit", _STEPS)
        start = highspy.HighsBasis()
        start.col_status = [places[column] for column in self._among.tolist()]
        start.row_status, start.valid = basis.row_status, True
        made.setBasis(start)

    def answer(self, rows: Ends, columns: Ends) -> tuple[Floats, Floats] | None:
        """Solve with other bounds of some rows and columns.

        Args:
            rows: Lower and upper bound by row number.
            columns: Lower and upper bound by column number.

        Returns:
            Columns (N,) and duals (M,); None if infeasible, which is verified.

        Raises:
            InconclusivePricingError: No conclusion; this object must not be used again.
        """
        self._take(np.array([column for column in columns if self._at[column] < 0], dtype=np.intp))
        self._tell(rows, columns)
        for number in range(_ROUNDS):
            self._solver.setOptionValue("simplex_strategy", PRIMAL if number else DUAL)
            self._solver.run()
            status = self._solver.getModelStatus()
            if status == highspy.HighsModelStatus.kInfeasible:
                useful = self._repairing(self._changed(rows, columns))
                if not len(useful):
                    self._restore(rows, columns)
                    return None
            elif is_optimal(self._solver):
                solution = self._solver.getSolution()
                y = np.array(solution.row_dual)
                useful = self._rest.useful(y)
                if not len(useful):
                    self._restore(rows, columns)
                    x = np.zeros(len(self._program.lower))
                    x[self._among] = solution.col_value
                    return x, y
            else:
                break
            self._take(useful)
        raise Unsure

    def _repairing(self, program: Scaled) -> Ints:
        """Return omitted columns that may restore feasibility, none if the dual ray proves infeasibility."""
        _, exists, found = self._solver.getDualRay()  # type: ignore[attr-defined]
        ray = np.array(found) if exists else np.zeros(0)
        if not np.abs(ray).max(initial=0.0) > 0:
            raise Unsure
        ray /= np.abs(ray).max()
        for y in (ray, -ray):
            if contradiction(program, y, program.lower, program.upper) > PROVEN:
                return np.zeros(0, dtype=np.intp)
            part = _columns(program, self._among)
            if contradiction(part, y, part.lower, part.upper) > PROVEN:
                pull = program.pulled(y)
                useful = ((pull > 0) & (program.upper > 0)) | ((pull < 0) & (program.lower < 0))
                return np.flatnonzero(useful & (self._at < 0))
        raise Unsure

    def _changed(self, rows: Ends, columns: Ends) -> Scaled:
        """Return the program with other bounds of some rows and columns."""
        program = self._program
        ends = [array.copy() for array in (program.row_lower, program.row_upper, program.lower, program.upper)]
        for at, pair in rows.items():
            ends[0][at], ends[1][at] = pair
        for at, pair in columns.items():
            ends[2][at], ends[3][at] = pair
        return dataclasses.replace(program, row_lower=ends[0], row_upper=ends[1], lower=ends[2], upper=ends[3])

    def _tell(self, rows: Ends, columns: Ends) -> None:
        """Pass bounds of rows and columns to HiGHS."""
        for row, ends in rows.items():
            self._solver.changeRowBounds(row, *ends)
        for column, ends in columns.items():
            self._solver.changeColBounds(int(self._at[column]), *ends)

    def _restore(self, rows: Ends, columns: Ends) -> None:
        """Restore the original bounds."""
        program = self._program
        self._tell(
            {row: (program.row_lower[row], program.row_upper[row]) for row in rows},
            {column: (program.lower[column], program.upper[column]) for column in columns},
        )

    def _take(self, columns: Ints) -> None:
        """Add omitted columns."""
        if not len(columns):
            return
        more = _columns(self._program, columns)
        ends, entries = (more.costs[0], more.lower, more.upper), (more.start[:-1].astype(np.int32),)
        self._solver.addCols(len(columns), *ends, len(more.value), *entries, more.index.astype(np.int32), more.value)
        self._at[columns] = len(self._among) + np.arange(len(columns))
        self._among = np.append(self._among, columns)
        self._rest = _Rest(self._program, self._at < 0)


class _Rest:
    """The omitted columns with their entries, for pricing."""

    def __init__(self, program: Scaled, out: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
        self._columns = np.flatnonzero(out & (np.diff(program.start) > 0))
        entries = out[program.of_entry]
        counts = np.diff(program.start)[self._columns]
        self._first = np.cumsum(counts) - counts
        self._index, self._value = program.index[entries], program.value[entries]
        self._costs = program.costs[0][self._columns]
        self._up, self._down = program.upper[self._columns] > 0, program.lower[self._columns] < 0

    def useful(self, y: Floats) -> Ints:
        """Return the omitted columns with a favourable reduced cost at the duals `y`, (M,)."""
        if not len(self._columns):
            return self._columns
        reduced = self._costs - np.add.reduceat(self._value * y[self._index], self._first)
        return self._columns[((reduced < -TOLERANCE) & self._up) | ((reduced > TOLERANCE) & self._down)]


def _columns(program: Scaled, columns: Ints) -> Scaled:
    """Return the program with some of its columns only."""
    counts = np.diff(program.start)[columns]
    start = np.concatenate([[0], np.cumsum(counts)])
    entries = np.repeat(program.start[:-1][columns] - start[:-1], counts) + np.arange(start[-1])
    return dataclasses.replace(
        program,
        column=program.column[columns],
        lower=program.lower[columns],
        upper=program.upper[columns],
        costs=program.costs[:, columns],
        start=start,
        index=program.index[entries],
        value=program.value[entries],
    )
