"""In refinement all bounds are shifted to the current solution and multiplied by a power of two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.solver.budget import Budget
from medalopt.solver.highs import METHODS, Answer, attempt
from medalopt.solver.scaling import Scaled

ROUNDS = 6  # greatest number of refinements of one solution
ZOOMS = (40, 24, 12)  # exponents of the magnification of one refinement, tried in turn
FAR = 1e18  # a magnified bound beyond this is dropped; HiGHS treats 1e20 as infinite
PIVOTS = 20  # simplex iterations for each row and column, beyond which it is taken to cycle


def refine(program: Scaled, method: str, budget: Budget) -> Iterator[tuple[Answer, int]]:
    """Yield the optimum of one method, then refined once, twice and so on.

    Residuals are computed in extended precision where the machine has it.

    Args:
        program: Scaled program.
        method: Simplex method to start with.
        budget: Time limit.

    Yields:
        Result, and the exponent of the scale at which it was found.
    """
    found, primal, dual = _solve(program, method, None, budget), 0, 0
    x, y = np.zeros(len(program.lower)), np.zeros(len(program.row_lower))
    finer, rounds = True, 0
    while found is not None:
        x = np.clip(x + np.ldexp(found.x, -primal), program.lower, program.upper)
        y, basis = y + np.ldexp(found.y, -dual), found.basis
        yield Answer("optimal", method, x, y, basis), primal
        if not finer or rounds == ROUNDS:
            return
        rest, before, rounds = _measured_from(program, x, y), (primal, dual), rounds + 1
        closest = _exponent(_violation(rest)), _exponent(_improvement(rest))
        for zoom in ZOOMS:
            primal, dual = (min(scale + zoom, most) for scale, most in zip(before, closest, strict=True))
            found = _solve(_magnified(rest, primal, dual), method, basis, budget)
            if found is not None:
                break
        finer = primal > before[0] or dual > before[1]


def _solve(program: Scaled, method: str, basis: object, budget: Budget) -> Answer | None:
    """Return an optimum, from `basis` if that works, else from scratch by either simplex method; None without one."""
    most = PIVOTS * (len(program.lower) + len(program.row_lower))
    starts = ((method, basis), (METHODS[0], None), (METHODS[1], None))
    answers = (attempt(program, each, start, budget, most) for each, start in starts if budget.left())
    return next((answer for answer in answers if answer.status == "optimal"), None)


def _measured_from(program: Scaled, x: Floats, y: Floats) -> Scaled:
    """Return the program in the differences from `x`, its first objective being the reduced costs at the duals `y`."""
    value = program.value.astype(np.longdouble)
    activity = np.zeros(len(y), dtype=np.longdouble)
    reduced = program.costs[0].astype(np.longdouble)
    np.add.at(activity, program.index, value * x[program.of_entry])
    np.subtract.at(reduced, program.of_entry, value * y[program.index])
    return replace(
        program,
        lower=program.lower - x,
        upper=program.upper - x,
        row_lower=(program.row_lower - activity).astype(np.float64),
        row_upper=(program.row_upper - activity).astype(np.float64),
        costs=np.concatenate([reduced[None, :].astype(np.float64), program.costs[1:]]),
    )


def _violation(rest: Scaled) -> float:
    """Return the greatest violation of a bound or row at zero difference."""
    return max(float(low.max(initial=0.0)) for low in (rest.lower, -rest.upper, rest.row_lower, -rest.row_upper))


def _improvement(rest: Scaled) -> float:
    """Return the largest reduced cost of a column that is not at the bound it favours."""
    reduced = rest.costs[0]
    room = np.where(reduced > 0, rest.lower < 0, rest.upper > 0)
    return float(np.abs(reduced)[room].max(initial=0.0))


def _exponent(size: float) -> int:
    """Return the exponent of the power of two that scales `size` to about 1."""
    return -int(np.frexp(size)[1]) if size > 0 else max(ZOOMS)


def _magnified(rest: Scaled, primal: int, dual: int) -> Scaled:
    """Return the residual program with bounds times 2**primal and first objective times 2**dual."""
    ends = (np.ldexp(end, primal) for end in (rest.lower, rest.upper, rest.row_lower, rest.row_upper))
    lower, upper, row_lower, row_upper = (np.where(np.abs(end) > FAR, np.copysign(np.inf, end), end) for end in ends)
    costs = np.concatenate([np.ldexp(rest.costs[:1], dual), rest.costs[1:]])
    return replace(rest, lower=lower, upper=upper, row_lower=row_lower, row_upper=row_upper, costs=costs)
