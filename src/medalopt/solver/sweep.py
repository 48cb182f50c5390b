"""Many programs on one line, in a row: of each only what moves is passed on, and the answers are checked together.

HiGHS is told as little of a program as a loop by hand would tell it. The arithmetic that proves each answer is that
of `gap`, made for many answers at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from medalopt.instance.figures import Bools, Floats, Ints
from medalopt.solver.highs import kept
from medalopt.solver.line import Line
from medalopt.solver.linear import Linear
from medalopt.solver.moving import NEAR, UNKEPT, Outcome, cold
from medalopt.solver.scaling import Scaled, scaled

Places = NDArray[np.int32]  # as HiGHS takes them
_TOGETHER = 100_000  # entries of all programs that are checked at once
_TINY = 1e-300


class Sweep:
    """The programs on `line`, kept in one HiGHS, scaled as the first one on it is.

    Where there is no plan, or an answer does not pass the check, `otherwise` answers.
    """

    def __init__(self, line: Line, otherwise: Callable[[Linear], Outcome] = cold) -> None:
        self._line, self._base, self._otherwise = line, scaled(line.one), otherwise
        self._ways = _ways(self._base, line)
        self._size = np.ldexp(np.maximum(line.one.size, line.two.size), -self._base.column)
        self._layout = _Layout(self._base)
        entries = self._ways["value"].at
        row, column = self._base.index[entries], self._base.of_entry[entries]
        self._entries = list(zip(row.tolist(), column.tolist(), strict=True))
        self._solver = kept(self._base, UNKEPT)

    def outcomes(self, positions: Sequence[float]) -> Iterator[Outcome]:
        """Yield the optimum at each of `positions`. Raises SolverError where one cannot be proven."""
        together = max(1, _TOGETHER // max(len(self._base.value), 1))
        for first in range(0, len(positions), together):
            yield from self._some(np.array(positions[first : first + together], dtype=np.float64))

    def _some(self, positions: Floats) -> Iterator[Outcome]:
        shares = (positions - self._line.first) / (self._line.second - self._line.first)
        x, y = np.zeros((len(shares), len(self._base.lower))), np.zeros((len(shares), len(self._base.row_lower)))
        solved = np.array([self._run(share, x[n], y[n]) for n, share in enumerate(shares.tolist())], dtype=bool)
        program = {name: way.all(shares) for name, way in self._ways.items()}
        x = np.minimum(np.maximum(x, program["lower"]), program["upper"])
        value, paid = (program["costs"] * x).sum(axis=1), np.abs(program["costs"] * x).sum(axis=1)
        bound, violation = self._layout.proven(program, self._size, x, y)
        unit = float(np.ldexp(1.0, -int(self._base.cost[0])))
        taken = solved & (violation <= NEAR) & (value - bound <= NEAR * np.maximum(1.0 / unit, paid))
        told = zip((value * unit).tolist(), (bound * unit).tolist(), violation.tolist(), strict=True)
        for n, (least, proven, missed) in enumerate(told):
            if taken[n]:
                x_own, y_own = self._base.primal(x[n]), self._base.dual(y[n])
                yield Outcome("optimal", least, x_own, y_own, proven, missed, True)
            else:
                yield self._otherwise(self._line.at(float(positions[n])))

    def _run(self, share: float, x: Floats, y: Floats) -> bool:
        """Solve the program at `share` of the way into `x` and `y`; return whether HiGHS calls it optimal."""
        solver, ways = self._solver, self._ways
        if self._entries:
            for (row, column), value in zip(self._entries, ways["value"].there(share).tolist(), strict=True):
                solver.changeCoeff(row, column, value)
        if len(at := ways["costs"].at):
            solver.changeColsCost(len(at), at, ways["costs"].there(share))
        if len(at := ways["lower"].at):
            solver.changeColsBounds(len(at), at, ways["lower"].there(share), ways["upper"].there(share))
        if len(at := ways["row_lower"].at):
            ends = (ways["row_lower"].there(share).tolist(), ways["row_upper"].there(share).tolist())
            for row, low, high in zip(at.tolist(), *ends, strict=True):
                solver.changeRowBounds(row, low, high)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return False
        solution = solver.getSolution()
        x[:], y[:] = solution.col_value, solution.row_dual
        return True


@dataclass(frozen=True, eq=False)
class _Way:
    """One array of the scaled program: where it starts, and where and by how much it moves to the end of the line."""

    start: Floats
    at: Places
    first: Floats  # what stands at `at` at the start
    by: Floats

    def there(self, share: float) -> Floats:
        """Return what stands at `at`, at `share` of the way."""
        return self.first + share * self.by

    def all(self, shares: Floats) -> Floats:
        """Return the array for each share, (K, n), or, where nothing moves, once, (1, n)."""
        if not len(self.at):
            return self.start[None, :]
        whole = np.repeat(self.start[None, :], len(shares), axis=0)
        whole[:, self.at] = self.first + shares[:, None] * self.by
        return whole


def _ways(base: Scaled, line: Line) -> dict[str, _Way]:
    """Return the ways of all arrays; those of the two ends of columns, and of rows, share their places."""
    column, entries = base.column, line.two.entries
    order = np.lexsort((entries.row, entries.column))
    exponents = column[entries.column[order]] + base.row[entries.row[order]]
    pairs = {
        "costs": (base.costs[0], np.ldexp(line.two.costs[0], column + base.cost[0])),
        "lower": (base.lower, np.ldexp(line.two.lower, -column)),
        "upper": (base.upper, np.ldexp(line.two.upper, -column)),
        "row_lower": (base.row_lower, np.ldexp(line.two.row_lower, base.row)),
        "row_upper": (base.row_upper, np.ldexp(line.two.row_upper, base.row)),
        "value": (base.value, np.ldexp(entries.value[order], exponents)),
    }
    moves = {name: start != end for name, (start, end) in pairs.items()}
    for low, high in (("lower", "upper"), ("row_lower", "row_upper")):
        moves[low] = moves[high] = moves[low] | moves[high]
    ways = {}
    for name, (start, end) in pairs.items():
        at = np.flatnonzero(moves[name]).astype(np.int32)
        by = np.zeros(len(at))
        apart = start[at] != end[at]
        by[apart] = end[at][apart] - start[at][apart]
        ways[name] = _Way(start, at, start[at], by)
    return ways


class _Layout:
    """The entries of one matrix by columns and by rows, to sum them up for many answers at once."""

    def __init__(self, program: Scaled) -> None:
        counts = np.diff(program.start)
        heights = np.bincount(program.index, minlength=len(program.row_lower))
        self._row, self._by_row = program.index, np.argsort(program.index, kind="stable")
        self._column_by_row = program.of_entry[self._by_row]
        self._columns = counts > 0, program.start[:-1][counts > 0]
        self._rows = heights > 0, (np.cumsum(heights) - heights)[heights > 0]

    def proven(self, program: dict[str, Floats], size: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return the bounds, (K,), that the duals `y`, (K, M), prove, and the greatest violations by `x`, (K, N).

        `program`: its arrays, (K, n) or (1, n); `size`: (N,) the implied bounds of the columns; all scaled.
        """
        low, high = program["row_lower"], program["row_upper"]
        end = np.where(y > 0, low, high)
        usable = np.isfinite(end)
        y, end = np.where(usable, y, 0.0), np.where(usable, end, 0.0)
        pull = _sums(program["value"] * y[:, self._row], *self._columns) - program["costs"]
        most = np.where(np.isfinite(program["upper"]), program["upper"], size)
        least = np.where(np.isfinite(program["lower"]), program["lower"], -size)
        bound = (y * end).sum(axis=1) - np.maximum(pull * most, pull * least).sum(axis=1)
        terms = (program["value"][:, self._by_row]) * x[:, self._column_by_row]
        activity, sizes = _sums(terms, *self._rows), _sums(np.abs(terms), *self._rows)
        for side in (low, high):
            sizes = np.maximum(sizes, np.where(np.isfinite(side), np.abs(side), 0.0))
        missed = np.maximum(np.maximum(low - activity, activity - high), 0.0)
        return bound, (missed / np.maximum(sizes, _TINY)).max(axis=1, initial=0.0)


def _sums(terms: Floats, some: Bools, first: Ints) -> Floats:
    """Return the sums, (K, n), of consecutive `terms`, (K, entries), from each of `first` on; 0 where none are."""
    sums = np.zeros((len(terms), len(some)))
    if len(first):
        sums[:, some] = np.add.reduceat(terms, first, axis=1)
    return sums
