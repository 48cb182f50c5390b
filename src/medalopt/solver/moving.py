"""One program kept warm in HiGHS that answers its variants: only what moved is passed on, and no answer is believed.

The scaling is that of the first program. A variant with the same rows, columns and entries is solved from the basis
where the last one ended; one whose structure differs, or whose answer does not pass the check, is solved anew.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import highspy
import numpy as np
from numpy.typing import NDArray

from medalopt.errors import SolverError
from medalopt.instance.figures import Floats, Ints
from medalopt.solver.embedding import embedded
from medalopt.solver.ends import Ends
from medalopt.solver.highs import DUAL, METHODS, PRIMAL, TOLERANCE, attempt, is_optimal, kept, loaded
from medalopt.solver.infeasible import multipliers
from medalopt.solver.ladder import scalings
from medalopt.solver.line import alike, shared
from medalopt.solver.linear import Linear
from medalopt.solver.outcome import Outcome, judged, posed, refuted
from medalopt.solver.proving import Layout, Posed
from medalopt.solver.scaling import Scaled, scaled
from medalopt.solver.warm import stand

_MANY = 2_000  # entries of the matrix from which it is passed as a whole
_LARGE = 20_000  # entries from which the primal simplex method is the quicker one also from a basis
UNKEPT = "the program could not be kept for its variants"
Places = NDArray[np.int32]
Standing = tuple[NDArray[np.int8], NDArray[np.int8]]  # of the columns, (N,), and rows, (M,): HiGHS's own numbers


@dataclass(frozen=True, eq=False)
class Moves:
    """Where two programs of one shape differ: entries, costs, and either end of columns and rows, by their numbers."""

    value: Places
    cost: Places
    column: Places
    row: Places

    @classmethod
    def between(cls, one: Scaled, other: Scaled) -> Moves:
        """Return where they do, as HiGHS takes numbers."""
        return cls(
            _moved((one.value, other.value)),
            _moved((one.costs[0], other.costs[0])),
            _moved((one.lower, other.lower), (one.upper, other.upper)),
            _moved((one.row_lower, other.row_lower), (one.row_upper, other.row_upper)),
        )


class Moving:
    """Variants of `linear`, one after the other; `start`: where its optimum is known, its columns and duals."""

    def __init__(self, linear: Linear, start: tuple[Floats, Floats] | None = None) -> None:
        self.linear = linear
        self._base = scaled(linear)
        self._order = np.lexsort((linear.entries.row, linear.entries.column))
        self._now = self._base
        self._last: Linear | None = linear
        self._layout = Layout(self._base.start, self._base.index, len(self._base.row_lower))
        self._solver = kept(self._base, UNKEPT)
        self._home: tuple[Standing | None, highspy.HighsBasis] | None = None
        self._fresh = False
        self._begin = highspy.HighsBasis()
        if start is not None:
            self._stand(*start)
            self._begin = self._solver.getBasis()

    def solve(self, linear: Linear | None = None) -> Outcome:
        """Return the optimum of `linear` (by default of the first program). Raises SolverError without a proof."""
        wanted = self.linear if linear is None else linear
        if not shared(wanted, self.linear) and not alike(wanted, self.linear):
            return cold(wanted)
        return self._solved(wanted) or cold(wanted)

    def embedded(self, variant: Linear, columns: Ints) -> Outcome:
        """Return the optimum of a variant of another shape; `columns`: where each of its network stands in the first.

        One that has fewer rows, columns or entries is solved warm all the same.
        """
        placed = embedded(self.linear, variant, columns)
        found = None if placed is None else self._solved(placed.linear)
        if placed is None or found is None:
            return cold(variant)
        if len(found.x) == len(variant.lower):
            return found
        x = found.x[placed.columns] if found.feasible else found.x
        return dataclasses.replace(found, x=x, y=found.y[placed.rows])

    @cached_property
    def standing(self) -> Standing | None:
        """Where all columns and rows of the first program stand at its optimum; None where there is no plan.

        It does not depend on what was solved before.
        """
        self._last = self.linear
        found = self._run(self.linear, self._base) if self._anew(self._base, self._begin) else None
        if found is None or not found.feasible:
            return None
        basis = self._solver.getBasis()
        if not basis.valid:
            return None
        return (
            np.array([int(status) for status in basis.col_status], dtype=np.int8),
            np.array([int(status) for status in basis.row_status], dtype=np.int8),
        )

    def stand_at(self, standing: Standing | None) -> None:
        """Let the next variant start at `standing`, or from nothing, in a solver that remembers nothing before it."""
        if self._home is None or self._home[0] is not standing:
            self._home = (standing, _basis(standing))
        self._fresh = True

    def proven(self, programs: Posed, x: Floats, y: Floats) -> list[Outcome | None]:
        """Return the outcomes of `x`, (K, N), and `y`, (K, M), scaled; None of those that prove nothing."""
        return judged(self._layout, self._base, programs, x, y, warm=True)

    def tried(self, ready: Scaled, moves: Moves, x: Floats, y: Floats) -> bool:
        """Solve `ready`, in which `moves` differ at most, into `x`, (N,), and `y`, (M,), scaled; whether it could be.

        The answer is HiGHS's word alone.
        """
        if self._fresh or len(moves.value) > _MANY or not ready.value[moves.value].all():
            return False
        self._tell(ready, moves)
        self._last = None
        self._solver.run()
        if not is_optimal(self._solver):
            return False
        solution = self._solver.getSolution()
        x[:], y[:] = solution.col_value, solution.row_dual
        return True

    def _solved(self, wanted: Linear) -> Outcome | None:
        ready = self.scaled(wanted)
        if not np.isfinite(ready.value).all() or not self._pass(ready):
            return None
        self._last = wanted
        return self._run(wanted, ready)

    def scaled(self, linear: Linear) -> Scaled:
        """Return `linear`, which is alike, in the scaling of the first program."""
        base, last, now = self._base, self._last, self._now
        if last is None:
            last, now = self.linear, base
        same = linear.entries.value is last.entries.value
        value = now.value if same else np.ldexp(linear.entries.value[self._order], self._exponents)
        return dataclasses.replace(
            base,
            lower=now.lower if linear.lower is last.lower else np.ldexp(linear.lower, -base.column),
            upper=now.upper if linear.upper is last.upper else np.ldexp(linear.upper, -base.column),
            costs=now.costs
            if linear.costs is last.costs
            else np.ldexp(linear.costs, base.column[None, :] + base.cost[:, None]),
            row_lower=now.row_lower if linear.row_lower is last.row_lower else np.ldexp(linear.row_lower, base.row),
            row_upper=now.row_upper if linear.row_upper is last.row_upper else np.ldexp(linear.row_upper, base.row),
            value=value,
        )

    @property
    def _exponents(self) -> Ints:
        return self._base.column[self._base.of_entry] + self._base.row[self._base.index]

    def _pass(self, ready: Scaled) -> bool:
        """Pass on what moved; return whether HiGHS took all of it."""
        if self._fresh and self._home is not None:
            self._fresh = False
            return self._anew(ready, self._home[1])
        moves = Moves.between(ready, self._now)
        if len(moves.value) > _MANY or not ready.value[moves.value].all():
            return self._anew(ready, self._solver.getBasis())
        self._tell(ready, moves)
        return True

    def _tell(self, ready: Scaled, moves: Moves) -> None:
        """Tell HiGHS of `moves`, which lead to `ready`."""
        solver = self._solver
        for entry in moves.value.tolist():
            solver.changeCoeff(int(ready.index[entry]), int(self._base.of_entry[entry]), float(ready.value[entry]))
        if len(at := moves.cost):
            solver.changeColsCost(len(at), at, ready.costs[0][at])
        if len(at := moves.column):
            solver.changeColsBounds(len(at), at, ready.lower[at], ready.upper[at])
        if len(at := moves.row):
            solver.changeRowsBounds(len(at), at, ready.row_lower[at], ready.row_upper[at])  # type: ignore[attr-defined]
        self._now = ready

    def _anew(self, ready: Scaled, basis: highspy.HighsBasis) -> bool:
        """Pass the whole program, and the basis to start from."""
        solver = loaded(ready)
        if solver is None:
            return False
        self._solver, self._now = solver, ready
        solver.setOptionValue("solver", "simplex")
        if basis.valid:
            solver.setBasis(basis)
        return True

    def _run(self, linear: Linear, ready: Scaled) -> Outcome | None:
        """Solve by one simplex method, then by the other; None where neither answer can be proven."""
        for strategy in (DUAL, PRIMAL) if len(ready.value) < _LARGE else (PRIMAL, DUAL):
            self._solver.setOptionValue("simplex_strategy", strategy)
            self._solver.run()
            status = self._solver.getModelStatus()
            if is_optimal(self._solver):
                solution = self._solver.getSolution()
                x, y = np.array(solution.col_value), np.array(solution.row_dual)
                found = self.proven(posed(linear, ready), x[None, :], y[None, :])[0]
            elif status == highspy.HighsModelStatus.kInfeasible:
                ray = self._ray(ready) if strategy == PRIMAL else self._dual_ray()
                found = refuted(linear, ready, (ray, -ray), warm=True)
            else:
                found = None
            if found is not None:
                return found
        return None

    def _dual_ray(self) -> Floats:
        """Return the ray that the dual simplex method ended on; empty where it kept none."""
        _, exists, ray = self._solver.getDualRay()  # type: ignore[attr-defined]
        return np.array(ray) if exists else np.zeros(0)

    def _ray(self, ready: Scaled) -> Floats:
        """Return the multipliers by which the basis at the end of phase one shows that there is no plan.

        They are the duals of that phase: a basic column or row costs 1 below its lower end, and -1 above its upper.
        """
        basic = np.array(self._solver.getBasicVariables()[1])  # type: ignore[attr-defined]
        solution = self._solver.getSolution()
        at, row = np.maximum(basic, 0), np.maximum(-basic - 1, 0)
        ends = (
            (np.array(solution.col_value)[at], np.array(solution.row_value)[row]),
            (ready.lower[at], ready.row_lower[row]),
            (ready.upper[at], ready.row_upper[row]),
        )
        value, low, high = (np.where(basic >= 0, column, of_row) for column, of_row in ends)
        misses = np.where(value < low - TOLERANCE, 1.0, np.where(value > high + TOLERANCE, -1.0, 0.0))
        return np.array(self._solver.getBasisTransposeSolve(misses)[1])  # type: ignore[attr-defined]

    def _stand(self, x: Floats, y: Floats) -> None:
        base = self._base
        x, y = np.ldexp(x, -base.column), np.ldexp(y, base.cost[0] - base.row)
        ends = Ends.of(base, x, y, base.costs[0] - base.pulled(y))
        stand(self._solver, ends.columns, ends.rows)


def cold(linear: Linear) -> Outcome:
    """Return the optimum of `linear`, solved from the beginning, by one scaling and method after the other.

    Raises SolverError where no answer can be proven.
    """
    for ready in scalings(linear, lambda: linear.size):
        layout = Layout(ready.start, ready.index, len(ready.row_lower))
        for method in METHODS:
            answer = attempt(ready, method)
            found = None
            if answer.status == "optimal":
                found = judged(layout, ready, posed(linear, ready), answer.x[None, :], answer.y[None, :], warm=False)[0]
            elif answer.status == "infeasible":
                found = refuted(linear, ready, multipliers(ready), warm=False)
            if found is not None:
                return found
    raise SolverError("a variant of the instance could not be solved: look for figures that lie very far apart")


def _moved(*pairs: tuple[Floats, Floats]) -> Places:
    """Return where any of the arrays differ, as HiGHS takes numbers."""
    apart = [one != other for one, other in pairs if one is not other]
    return np.flatnonzero(np.logical_or.reduce(apart)).astype(np.int32) if apart else np.zeros(0, dtype=np.int32)


def _basis(standing: Standing | None) -> highspy.HighsBasis:
    basis = highspy.HighsBasis()
    if standing is None:
        return basis
    columns, rows = (places.tolist() for places in standing)
    basis.col_status = [highspy.HighsBasisStatus(place) for place in columns]
    basis.row_status = [highspy.HighsBasisStatus(place) for place in rows]
    basis.valid = True
    return basis
