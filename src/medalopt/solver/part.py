"""A large program asked by a part of its columns: those left out are priced after each answer, and come in if they pay.

Near an optimum most columns stand at an end with a reduced cost that no small change turns. Without them HiGHS answers
several times as quickly, and by the duals of its answer arithmetic tells whether one of them would have been of use
(Dantzig and Wolfe 1960).
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
_PER_ROW = 1  # columns beside the basic ones that are taken from the beginning, for each row
_ROUNDS = 20  # of pricing, after which the whole program is asked
_STEPS = 300  # of the simplex method, after which the same


class Unsure(Exception):
    """A part of a program cannot tell what the whole would answer."""


class Part:
    """The columns of `program` that `solver`, at its optimum, stands upon, or nearly so; all others stand at 0."""

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
        """Return columns, (N,), and duals, (M,), at the optimum with other ends of some rows and columns.

        None where there is no plan, which is proven. Raises Unsure where this part cannot tell; it is of no use then.
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
        """Return the columns left out that may make a plan possible, none where the solver's ray refutes `program`.

        Raises Unsure where the ray proves nothing.
        """
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
        """Return the program with other ends of some rows and columns."""
        program = self._program
        ends = [array.copy() for array in (program.row_lower, program.row_upper, program.lower, program.upper)]
        for at, pair in rows.items():
            ends[0][at], ends[1][at] = pair
        for at, pair in columns.items():
            ends[2][at], ends[3][at] = pair
        return dataclasses.replace(program, row_lower=ends[0], row_upper=ends[1], lower=ends[2], upper=ends[3])

    def _tell(self, rows: Ends, columns: Ends) -> None:
        for row, ends in rows.items():
            self._solver.changeRowBounds(row, *ends)
        for column, ends in columns.items():
            self._solver.changeColBounds(int(self._at[column]), *ends)

    def _restore(self, rows: Ends, columns: Ends) -> None:
        program = self._program
        self._tell(
            {row: (program.row_lower[row], program.row_upper[row]) for row in rows},
            {column: (program.lower[column], program.upper[column]) for column in columns},
        )

    def _take(self, columns: Ints) -> None:
        """Take in `columns`, which have been left out."""
        if not len(columns):
            return
        more = _columns(self._program, columns)
        ends, entries = (more.costs[0], more.lower, more.upper), (more.start[:-1].astype(np.int32),)
        self._solver.addCols(len(columns), *ends, len(more.value), *entries, more.index.astype(np.int32), more.value)
        self._at[columns] = len(self._among) + np.arange(len(columns))
        self._among = np.append(self._among, columns)
        self._rest = _Rest(self._program, self._at < 0)


class _Rest:
    """The columns that are left out, by what would make them useful."""

    def __init__(self, program: Scaled, out: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
        self._columns = np.flatnonzero(out & (np.diff(program.start) > 0))
        entries = out[program.of_entry]
        counts = np.diff(program.start)[self._columns]
        self._first = np.cumsum(counts) - counts
        self._index, self._value = program.index[entries], program.value[entries]
        self._costs = program.costs[0][self._columns]
        self._up, self._down = program.upper[self._columns] > 0, program.lower[self._columns] < 0

    def useful(self, y: Floats) -> Ints:
        """Return the columns that the duals `y`, (M,), would have leave 0."""
        if not len(self._columns):
            return self._columns
        reduced = self._costs - np.add.reduceat(self._value * y[self._index], self._first)
        return self._columns[((reduced < -TOLERANCE) & self._up) | ((reduced > TOLERANCE) & self._down)]


def _columns(program: Scaled, columns: Ints) -> Scaled:
    """Return `program` with some of its columns alone."""
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
