"""Conflicts are sets of row sides, `row_lower <= A x` or `A x <= row_upper`, that no column values satisfy together."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.figures import Bools, Floats
from medalopt.solver.highs import METHODS, PRIMAL, attempt, is_optimal, loaded
from medalopt.solver.infeasible import PROVEN
from medalopt.solver.linear import Linear
from medalopt.solver.scaling import Scaled
from medalopt.solver.standing import Standing

_IRREDUCIBLE = 4  # value of HiGHS's option iis_strategy
_ROUNDING = 1e-9  # a column's weight below this magnitude is rounding
_LOWER = (highspy.IisBoundStatus.kIisBoundStatusLower, highspy.IisBoundStatus.kIisBoundStatusBoxed)
_UPPER = (highspy.IisBoundStatus.kIisBoundStatusUpper, highspy.IisBoundStatus.kIisBoundStatusBoxed)


@dataclass(frozen=True, eq=False)
class Ends:
    """Selection of lower and upper sides of the rows of a program."""

    lower: Bools  # (M,)
    upper: Bools  # (M,)

    def __and__(self, other: Ends) -> Ends:
        """Return the intersection."""
        return Ends(self.lower & other.lower, self.upper & other.upper)

    def __or__(self, other: Ends) -> Ends:
        """Return the union."""
        return Ends(self.lower | other.lower, self.upper | other.upper)


@dataclass(frozen=True, eq=False)
class Shortfall:
    """Optimum of the elastic program in scaled units.

    `value` is the least sum of violations, `multipliers` (M,) its duals, `x` (N,) the columns, and `basis` the final
    basis of HiGHS, from which a similar program can start.
    """

    value: float
    multipliers: Floats
    x: Floats
    basis: Any = None

    def beside(self, mine: Linear, other: Linear) -> Shortfall:
        """Return the solution with its basis transferred to a similar program.

        Args:
            mine: Program that this solution belongs to.
            other: Program to start.

        Returns:
            A start for `other`.
        """
        if self.basis is None:
            return self
        return dataclasses.replace(self, basis=Standing(mine, self.basis).on(other))

    @property
    def contradicts(self) -> bool:
        """True if the rows cannot all be satisfied."""
        return self.value > PROVEN


def shortfall(program: Scaled, ends: Ends, near: Shortfall | None = None) -> Shortfall:
    """Minimise the sum of violations of selected row sides; other sides are dropped.

    Args:
        program: Scaled program.
        ends: Row sides to satisfy.
        near: Solution of a program of the same shape, to start from.

    Returns:
        The optimum of the elastic program.

    Raises:
        SolverError: No method finds it.
    """
    elastic, columns = _elastic(program, ends), len(program.lower)
    quick = _from(elastic, near)
    if quick is not None:
        return Shortfall(float(quick[0][columns:].sum()), quick[1], quick[0][:columns], quick[2])
    for method in METHODS:
        answer = attempt(elastic, method)
        if answer.status == "optimal":
            return Shortfall(float(answer.x[columns:].sum()), answer.y, answer.x[:columns])
    raise SolverError("no method tells by how much the rows contradict each other")


def _from(elastic: Scaled, near: Shortfall | None) -> tuple[Floats, Floats, Any] | None:
    """Return x, y and basis by primal simplex, which tolerates changed data; None without an optimum."""
    solver = loaded(elastic)
    if solver is None:
        return None
    if near is not None and near.basis is not None:
        solver.setBasis(near.basis)
    solver.setOptionValue("solver", "simplex")
    solver.setOptionValue("simplex_strategy", PRIMAL)
    solver.run()
    if not is_optimal(solver):
        return None
    solution = solver.getSolution()
    return np.array(solution.col_value), np.array(solution.row_dual), solver.getBasis()


def _elastic(program: Scaled, ends: Ends) -> Scaled:
    """Return the elastic program of the selected sides, of the same shape whatever the selection."""
    columns, rows = len(program.lower), len(program.row_lower)
    slack = np.arange(rows)
    return dataclasses.replace(
        program,
        column=np.concatenate([program.column, np.zeros(2 * rows, dtype=np.intp)]),
        cost=np.zeros(1, dtype=np.intp),
        lower=np.concatenate([program.lower, np.zeros(2 * rows)]),
        upper=np.concatenate([program.upper, np.full(2 * rows, np.inf)]),
        costs=np.concatenate([np.zeros((1, columns)), np.ones((1, 2 * rows))], axis=1),
        row_lower=np.where(ends.lower, program.row_lower, -np.inf),
        row_upper=np.where(ends.upper, program.row_upper, np.inf),
        start=np.concatenate([program.start, program.start[-1] + np.arange(1, 2 * rows + 1)]),
        index=np.concatenate([program.index, slack, slack]),
        value=np.concatenate([program.value, np.ones(rows), -np.ones(rows)]),
    )


def irreducible(program: Scaled, seconds: float) -> Ends | None:
    """Find an irreducible infeasible subset of row sides by HiGHS.

    Args:
        program: Scaled infeasible program.
        seconds: Time limit.

    Returns:
        The row sides, None where HiGHS finds none in time.
    """
    solver = loaded(program)
    if solver is None:
        return None
    for option, value in (("iis_strategy", _IRREDUCIBLE), ("iis_time_limit", seconds), ("time_limit", seconds)):
        solver.setOptionValue(option, value)
    status, found = solver.getIis()
    if status != highspy.HighsStatus.kOk or not found.valid_ or not len(found.row_index_):
        return None
    lower, upper = np.zeros(len(program.row_lower), dtype=bool), np.zeros(len(program.row_lower), dtype=bool)
    for row, bound in zip(found.row_index_, found.row_bound_, strict=True):
        lower[row] = highspy.IisBoundStatus(bound) in _LOWER
        upper[row] = highspy.IisBoundStatus(bound) in _UPPER
    return Ends(lower, upper)


def proves(linear: Linear, program: Scaled, y: Floats) -> bool:
    """Return whether multipliers prove a conflict among the rows they weight alone.

    Implied bounds of a column, which come from other rows, are used only against weights left by rounding.

    Args:
        linear: Program in own units, for the implied bounds.
        program: The same program, scaled.
        y (M,): Multipliers, scaled.

    Returns:
        True where the margin exceeds twice `FARKAS_TOLERANCE`.
    """
    end = np.where(y > 0, program.row_lower, program.row_upper)
    usable = np.isfinite(end)
    weights = np.where(usable, y, 0.0)
    asked = float((weights[usable] * end[usable]).sum())
    pull = program.pulled(weights)
    size = np.ldexp(linear.size, -program.column)
    rounding = np.abs(pull) <= _ROUNDING
    most = np.where(rounding, np.minimum(program.upper, size), program.upper)
    least = np.where(rounding, np.maximum(program.lower, -size), program.lower)
    end_of_column = np.where(pull > 0, most, least)
    given = np.where(pull == 0, 0.0, np.where(pull == 0, 0.0, end_of_column) * pull)
    return asked - float(given.sum()) > 2 * PROVEN
