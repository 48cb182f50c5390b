"""Multipliers that show that a program has no plan, found by a program that always has one (phase one).

For multipliers y of the rows no x within its bounds can satisfy all rows if the least that
`sum(y * row)` asks for lies above the most that the columns can give it (Farkas 1902).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.solver.budget import ENDLESS, Budget
from medalopt.solver.highs import METHODS, attempt
from medalopt.solver.linear import Linear, greatest
from medalopt.solver.scaling import Scaled

PROVEN = 1e-9  # by which the contradiction must stand in plain floats, the multipliers being at most 1


def multipliers(program: Scaled, budget: Budget = ENDLESS) -> Iterator[Floats]:
    """Yield what each method in turn takes for multipliers of the rows, (M,), at most 1 in scaled units."""
    for method in METHODS:
        if not budget.left():
            return
        answer = attempt(_elastic(program), method, None, budget)
        if answer.status == "optimal":
            yield answer.y


def _elastic(program: Scaled) -> Scaled:
    """Return the program in which every row may be missed, at a cost of 1, and nothing else costs anything."""
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
    """Return by how much the rows, weighed by `y`, ask for more than the columns can give, all within their sizes."""
    most = np.minimum(program.upper, np.ldexp(linear.size, -program.column))
    least = np.maximum(program.lower, -np.ldexp(linear.size, -program.column))
    return contradiction(program, y, least, most)


def contradiction(program: Scaled, y: Floats, least: Floats, most: Floats) -> float:
    """Return by how much the rows, weighed by `y`, ask for more than columns in [`least`, `most`] can give."""
    end = np.where(y > 0, program.row_lower, program.row_upper)
    usable = np.isfinite(end)
    weights = np.where(usable, y, 0.0)
    asked = float((weights[usable] * end[usable]).sum())
    parts = program.value * weights[program.index]
    pull, terms = (
        np.bincount(program.of_entry, each, len(program.lower)).astype(np.float64) for each in (parts, abs(parts))
    )
    return asked - float(greatest(pull, terms, least, most))
