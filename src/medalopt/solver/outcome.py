"""Verification of solutions by arithmetic alone: dual bound, row violations and Farkas multipliers.

A result is accepted only where its own numbers prove it; the status of the solver is not trusted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.solver.infeasible import PROVEN, margin
from medalopt.solver.linear import Linear
from medalopt.solver.proving import Layout, Posed
from medalopt.solver.scaling import Scaled

NEAR = 1e-9  # relative: of an objective above its bound, of a row beyond its right-hand side
NOISE = 2.0**-43  # share of its implied bound below which a column is set to 0


@dataclass(frozen=True, eq=False)
class Outcome:
    """Verified result of one program in own units; `status` is `optimal` or `infeasible`.

    `value` is the objective, infinite if infeasible, and `bound` the lower bound that the duals prove. If infeasible,
    `y` are the Farkas multipliers and `x` is empty.
    """

    status: str
    value: float
    x: Floats  # (N,)
    y: Floats  # (M,)
    bound: float
    violation: float  # greatest violation of a row, relative to its size
    warm: bool  # whether solved from the basis of the previous variant

    @property
    def feasible(self) -> bool:
        """True if the program is feasible."""
        return self.status == "optimal"


def posed(linear: Linear, ready: Scaled) -> Posed:
    """Return a scaled program as a batch of one.

    Args:
        linear: Program in own units.
        ready: The same program, scaled.

    Returns:
        Batch with leading dimension 1.
    """
    size = np.ldexp(linear.size, -ready.column)
    arrays = (ready.lower, ready.upper, size, ready.costs[0], ready.row_lower, ready.row_upper, ready.value)
    return Posed(*(array[None, :] for array in arrays))


def judged(layout: Layout, ready: Scaled, programs: Posed, x: Floats, y: Floats, *, warm: bool) -> list[Outcome | None]:
    """Verify claimed optima: violation and duality gap within `VERIFICATION_TOLERANCE`.

    Args:
        layout: Sparsity pattern of the matrix.
        ready: Scaled program, for the scale factors.
        programs: Batch of K programs.
        x (K, N): Scaled columns.
        y (K, M): Scaled duals.
        warm: Recorded in the results.

    Returns:
        One result for each program, None where not verified.
    """
    x = np.where(np.abs(x) < NOISE, 0.0, x)
    x = np.minimum(np.maximum(x, programs.lower), programs.upper)
    costs = programs.cost * x
    value, paid = costs.sum(axis=1), np.abs(costs).sum(axis=1)
    bound, violation = layout.proven(programs, x, y)
    unit = float(np.ldexp(1.0, -int(ready.cost[0])))
    taken = (violation <= NEAR) & (value - bound <= NEAR * np.maximum(1.0 / unit, paid))
    x, y = ready.primal(x), ready.dual(y)
    told = zip(taken.tolist(), (value * unit).tolist(), (bound * unit).tolist(), violation.tolist(), strict=True)
    return [
        Outcome("optimal", least, x[n], y[n], proven, missed, warm) if sure else None
        for n, (sure, least, proven, missed) in enumerate(told)
    ]


def refuted(linear: Linear, ready: Scaled, rays: Iterable[Floats], *, warm: bool) -> Outcome | None:
    """Verify infeasibility by Farkas multipliers.

    Args:
        linear: Program in own units.
        ready: The same program, scaled.
        rays: Candidate multipliers (M,), scaled.
        warm: Recorded in the result.

    Returns:
        The result of the first candidate that proves infeasibility, else None.
    """
    for ray in rays:
        y = ray / max(float(np.abs(ray).max(initial=0.0)), NEAR)
        if len(y) and margin(linear, ready, y) > PROVEN:
            return Outcome("infeasible", np.inf, np.zeros(0), np.ldexp(y, ready.row), np.inf, 0.0, warm)
    return None
