"""One program kept warm in HiGHS that answers its variants: only what moved is passed on, and no answer is believed.

The scaling is that of the first program. A variant with the same rows, columns and entries is solved from the basis
where the last one ended; one whose structure differs, or whose answer does not pass the check, is solved anew.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import highspy
import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.figures import Floats, Ints
from medalopt.solver.embedding import embedded
from medalopt.solver.ends import Ends
from medalopt.solver.highs import METHODS, attempt, loaded
from medalopt.solver.infeasible import PROVEN, margin, multipliers
from medalopt.solver.ladder import NOISE, gap
from medalopt.solver.line import alike, shared
from medalopt.solver.linear import Linear
from medalopt.solver.scaling import Scaled, scaled
from medalopt.solver.warm import stand

NEAR = 1e-9  # of the costs paid, by which an answer may lie above its bound; of a row's size, by which it may miss it
_MANY = 2_000  # entries of the matrix from which it is passed as a whole
_DUAL, _PRIMAL = 1, 4  # strategies of the simplex method


@dataclass(frozen=True, eq=False)
class Outcome:
    """The answer of one variant in its own units; `status` is `optimal` or `infeasible`, the latter proven.

    `value` is the measure, infinite where there is no plan, and `bound` what the duals prove it cannot fall below.
    """

    status: str
    value: float
    x: Floats  # (N,)
    y: Floats  # (M,)
    bound: float
    violation: float  # of a row, beside its size
    warm: bool  # whether it was solved from where the last variant ended

    @property
    def feasible(self) -> bool:
        """Whether there is a plan."""
        return self.status == "optimal"


class Moving:
    """Variants of `linear`, one after the other; `start`: where its optimum is known, its columns and duals."""

    def __init__(self, linear: Linear, start: tuple[Floats, Floats] | None = None) -> None:
        self.linear = linear
        self._base = scaled(linear)
        self._order = np.lexsort((linear.entries.row, linear.entries.column))
        self._columns = np.repeat(np.arange(len(linear.lower)), np.diff(self._base.start))
        self._now = self._base
        self._last = linear
        self._solver = _loaded(self._base)
        if start is not None:
            self._stand(*start)

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
        if not found.feasible or len(found.x) == len(variant.lower):
            return found
        return dataclasses.replace(found, x=found.x[placed.columns], y=found.y[placed.rows])

    def _solved(self, wanted: Linear) -> Outcome | None:
        ready = self._scaled(wanted)
        if not np.isfinite(ready.value).all() or not self._pass(ready):
            return None
        self._last = wanted
        return self._run(wanted, ready)

    def _scaled(self, linear: Linear) -> Scaled:
        """Return `linear` in the scaling of the first program."""
        base, last, now = self._base, self._last, self._now
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
        return self._base.column[self._columns] + self._base.row[self._base.index]

    def _pass(self, ready: Scaled) -> bool:
        """Pass on what moved; return whether HiGHS took all of it."""
        now, solver = self._now, self._solver
        moved = _moved((ready.value, now.value))
        if len(moved) > _MANY or (len(moved) and not ready.value[moved].all()):
            return self._anew(ready)
        for entry in moved.tolist():
            solver.changeCoeff(int(ready.index[entry]), int(self._columns[entry]), float(ready.value[entry]))
        at = _moved((ready.costs[0], now.costs[0]))
        if len(at):
            solver.changeColsCost(len(at), at, ready.costs[0][at])
        at = _moved((ready.lower, now.lower), (ready.upper, now.upper))
        if len(at):
            solver.changeColsBounds(len(at), at, ready.lower[at], ready.upper[at])
        at = _moved((ready.row_lower, now.row_lower), (ready.row_upper, now.row_upper))
        for row in at.tolist():
            solver.changeRowBounds(row, ready.row_lower[row], ready.row_upper[row])
        self._now = ready
        return True

    def _anew(self, ready: Scaled) -> bool:
        """Pass the whole program, and the basis that HiGHS stands on."""
        basis = self._solver.getBasis()
        solver = loaded(ready)
        if solver is None:
            return False
        self._solver, self._now = solver, ready
        solver.setOptionValue("solver", "simplex")
        if basis.valid:
            solver.setBasis(basis)
        return True

    def _run(self, linear: Linear, ready: Scaled) -> Outcome | None:
        """Solve by the dual simplex method, then by the primal; None where neither answer can be proven."""
        for strategy in (_DUAL, _PRIMAL):
            self._solver.setOptionValue("simplex_strategy", strategy)
            self._solver.run()
            status = self._solver.getModelStatus()
            if status == highspy.HighsModelStatus.kOptimal:
                solution = self._solver.getSolution()
                found = _checked(linear, ready, np.array(solution.col_value), np.array(solution.row_dual), warm=True)
                if found is not None:
                    return found
            elif status == highspy.HighsModelStatus.kInfeasible and self._refuted(linear, ready):
                return _without_plan(warm=True)
        return None

    def _refuted(self, linear: Linear, ready: Scaled) -> bool:
        """Whether the ray that HiGHS found proves that there is no plan."""
        _, exists, ray = self._solver.getDualRay()  # type: ignore[attr-defined]
        y = np.array(ray) if exists else np.zeros(0)
        largest = float(np.abs(y).max(initial=0.0))
        return largest > 0 and any(margin(linear, ready, sign * y / largest) > PROVEN for sign in (1.0, -1.0))

    def _stand(self, x: Floats, y: Floats) -> None:
        base = self._base
        x, y = np.ldexp(x, -base.column), np.ldexp(y, base.cost[0] - base.row)
        pulled = np.bincount(self._columns, base.value * y[base.index], len(x))
        ends = Ends.of(base, x, y, base.costs[0] - pulled)
        stand(self._solver, ends.columns, ends.rows)


def cold(linear: Linear) -> Outcome:
    """Return the optimum of `linear`, solved from the beginning. Raises SolverError where no answer can be proven."""
    ready = scaled(linear)
    for method in METHODS:
        answer = attempt(ready, method)
        if answer.status == "optimal":
            found = _checked(linear, ready, answer.x, answer.y, warm=False)
            if found is not None:
                return found
        elif answer.status == "infeasible" and any(margin(linear, ready, y) > PROVEN for y in multipliers(ready)):
            return _without_plan(warm=False)
    raise SolverError("a variant of the instance could not be solved: look for figures that lie very far apart")


def _checked(linear: Linear, ready: Scaled, x: Floats, y: Floats, *, warm: bool) -> Outcome | None:
    """Return the outcome of `x`, (N,), and `y`, (M,), scaled, where they prove each other by arithmetic; else None."""
    x = np.clip(ready.primal(np.where(np.abs(x) < NOISE, 0.0, x)), linear.lower, linear.upper)
    y = ready.dual(y)
    value, paid = float(linear.costs[0] @ x), float(np.abs(linear.costs[0]) @ np.abs(x))
    bound, violation = gap(linear, x, y)
    if violation > NEAR or not value - bound <= NEAR * max(1.0, paid):
        return None
    return Outcome("optimal", value, x, y, bound, violation, warm)


def _without_plan(*, warm: bool) -> Outcome:
    return Outcome("infeasible", np.inf, np.zeros(0), np.zeros(0), np.inf, 0.0, warm)


def _moved(*pairs: tuple[Floats, Floats]) -> Ints:
    """Return where any of the arrays differ, as HiGHS takes numbers."""
    apart = [one != other for one, other in pairs if one is not other]
    return np.flatnonzero(np.logical_or.reduce(apart)).astype(np.int32) if apart else np.zeros(0, dtype=np.int32)


def _loaded(program: Scaled) -> highspy.Highs:
    solver = loaded(program)
    if solver is None:
        raise SolverError("the program could not be kept for its variants: look for figures that lie far apart")
    solver.setOptionValue("solver", "simplex")
    return solver
