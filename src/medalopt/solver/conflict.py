"""Which ends of which rows contradict each other: by how much they must give, and an irreducible set by HiGHS.

The end of a row is one side of it, `row_lower <= A x` or `A x <= row_upper`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import highspy
import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.figures import Bools, Floats
from medalopt.solver.highs import METHODS, attempt, loaded
from medalopt.solver.infeasible import PROVEN
from medalopt.solver.scaling import Scaled

_IRREDUCIBLE = 4
_LOWER = (highspy.IisBoundStatus.kIisBoundStatusLower, highspy.IisBoundStatus.kIisBoundStatusBoxed)
_UPPER = (highspy.IisBoundStatus.kIisBoundStatusUpper, highspy.IisBoundStatus.kIisBoundStatusBoxed)


@dataclass(frozen=True, eq=False)
class Ends:
    """Some ends of the rows of a program."""

    lower: Bools  # (M,)
    upper: Bools  # (M,)

    def __and__(self, other: Ends) -> Ends:
        """Return the ends that are in both."""
        return Ends(self.lower & other.lower, self.upper & other.upper)

    def __or__(self, other: Ends) -> Ends:
        """Return the ends that are in one of both."""
        return Ends(self.lower | other.lower, self.upper | other.upper)


@dataclass(frozen=True, eq=False)
class Shortfall:
    """By how much rows must give in all, in scaled units; the multipliers, (M,), that force it; and where, (N,)."""

    value: float
    multipliers: Floats
    x: Floats

    @property
    def contradicts(self) -> bool:
        """Whether the rows cannot all be kept."""
        return self.value > PROVEN


def shortfall(program: Scaled, ends: Ends) -> Shortfall:
    """Return the least by which `ends` must be missed in all; no other end counts. Raises SolverError."""
    for method in METHODS:
        answer = attempt(_elastic(program, ends), method)
        if answer.status == "optimal":
            columns = len(program.lower)
            return Shortfall(float(answer.x[columns:].sum()), answer.y, answer.x[:columns])
    raise SolverError("no method tells by how much the rows contradict each other")


def _elastic(program: Scaled, ends: Ends) -> Scaled:
    below = np.flatnonzero(ends.lower & np.isfinite(program.row_lower))
    above = np.flatnonzero(ends.upper & np.isfinite(program.row_upper))
    extra, columns = len(below) + len(above), len(program.lower)
    return dataclasses.replace(
        program,
        column=np.concatenate([program.column, np.zeros(extra, dtype=np.intp)]),
        cost=np.zeros(1, dtype=np.intp),
        lower=np.concatenate([program.lower, np.zeros(extra)]),
        upper=np.concatenate([program.upper, np.full(extra, np.inf)]),
        costs=np.concatenate([np.zeros((1, columns)), np.ones((1, extra))], axis=1),
        row_lower=np.where(ends.lower, program.row_lower, -np.inf),
        row_upper=np.where(ends.upper, program.row_upper, np.inf),
        start=np.concatenate([program.start, program.start[-1] + np.arange(1, extra + 1)]),
        index=np.concatenate([program.index, below, above]),
        value=np.concatenate([program.value, np.ones(len(below)), -np.ones(len(above))]),
    )


def irreducible(program: Scaled, seconds: float) -> Ends | None:
    """Return an irreducible set of ends that contradict each other, by HiGHS; None where it finds none in time."""
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
