"""Infeasibility: Farkas multipliers, irreducible infeasible subsets and least relaxations.

Multipliers y of the rows prove infeasibility if the least that `sum(y * row)` requires exceeds the most that the
columns can contribute within their bounds (Farkas 1902). They are found as duals of a feasibility program (phase one).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.solver.budget import ENDLESS, Budget
from medalopt.solver.highs import METHODS, attempt
from medalopt.solver.linear import Linear, greatest
from medalopt.solver.scaling import Scaled

PROVEN = 1e-9  # least margin in floating point, for multipliers of magnitude at most 1


def multipliers(program: Scaled, budget: Budget = ENDLESS) -> Iterator[Floats]:
    """Yield candidate Farkas multipliers, by one method after the other.

    Args:
        program: Scaled program.
        budget: Time limit.

    Yields:
        Multipliers (M,) of magnitude at most 1, scaled; not verified.
    """
    for method in METHODS:
        if not budget.left():
            return
        answer = attempt(_elastic(program), method, None, budget)
        if answer.status == "optimal":
            yield answer.y


def _elastic(program: Scaled) -> Scaled:
    """Return the elastic program: every row may be violated at cost 1, nothing else has a cost."""
    columns, rows = len(program.lower), len(program.row_lower)
    slack = np.arange(rows)
    return Scaled(
        column=np.concatenate([program.column, np.zeros(2 * rows, dtype=np.intp)]),
        row=program.row,
        cost=np.zeros(1, dtype=np.intp),
        lower=np.concatenate([program.lower, np.zeros(2 * rows)]),
        upper=np.concatenate([program.upper, np.full(2 * rows, np.inf)]),
        costs=np.concatenate([np.zeros((1, columns)), np.ones((1, 2 * rows))], axis=1),
        row_lower=program.row_lower,
        row_upper=program.row_upper,
        start=np.concatenate([program.start, program.start[-1] + np.arange(1, 2 * rows + 1)]),
        index=np.concatenate([program.index, slack, slack]),
        value=np.concatenate([program.value, np.ones(rows), -np.ones(rows)]),
    )


def margin(linear: Linear, program: Scaled, y: Floats) -> float:
    """Compute the margin by which multipliers prove infeasibility, columns limited by their implied bounds too.

    Args:
        linear: Program in own units, for the implied bounds.
        program: The same program, scaled.
        y (M,): Multipliers, scaled.

    Returns:
        Required minus possible activity; above 0 there is no feasible solution.
    """
    most = np.minimum(program.upper, np.ldexp(linear.size, -program.column))
    least = np.maximum(program.lower, -np.ldexp(linear.size, -program.column))
    return contradiction(program, y, least, most)


def contradiction(program: Scaled, y: Floats, least: Floats, most: Floats) -> float:
    """Compute required minus possible activity of the rows weighted by multipliers.

    Args:
        program: Scaled program.
        y (M,): Multipliers.
        least (N,): Lower bounds of the columns.
        most (N,): Upper bounds of the columns.

    Returns:
        The margin; above 0 the rows contradict the bounds.
    """
    end = np.where(y > 0, program.row_lower, program.row_upper)
    usable = np.isfinite(end)
    weights = np.where(usable, y, 0.0)
    asked = float((weights[usable] * end[usable]).sum())
    parts = program.value * weights[program.index]
    pull, terms = (
        np.bincount(program.of_entry, each, len(program.lower)).astype(np.float64) for each in (parts, abs(parts))
    )
    return asked - float(greatest(pull, terms, least, most))
