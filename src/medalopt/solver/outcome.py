"""The answer of one variant, taken only where it proves itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.solver.infeasible import PROVEN, margin
from medalopt.solver.linear import Linear
from medalopt.solver.proving import Layout, Posed
from medalopt.solver.scaling import Scaled

NEAR = 1e-9  # of the costs paid, by which an answer may lie above its bound; of a row's size, by which it may miss it
NOISE = 2.0**-43  # of its implied bound, below which a quantity is nothing


@dataclass(frozen=True, eq=False)
class Outcome:
    """The answer of one variant in its own units; `status` is `optimal` or `infeasible`, the latter proven.

    `value` is the measure, infinite where there is no plan, and `bound` what the duals prove it cannot fall below.
    Where there is no plan `y` are the multipliers that prove so, and `x` is empty.
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


def posed(linear: Linear, ready: Scaled) -> Posed:
    """Return `ready`, which is `linear` scaled, as the one program that was asked."""
    size = np.ldexp(linear.size, -ready.column)
    arrays = (ready.lower, ready.upper, size, ready.costs[0], ready.row_lower, ready.row_upper, ready.value)
    return Posed(*(array[None, :] for array in arrays))


def judged(layout: Layout, ready: Scaled, programs: Posed, x: Floats, y: Floats, *, warm: bool) -> list[Outcome | None]:
    """Return the outcomes of `x`, (K, N), and `y`, (K, M), scaled as `ready`; None of what proves nothing."""
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
    """Return the outcome that there is no plan where one of `rays`, (M,), scaled, proves it; else None."""
    for ray in rays:
        y = ray / max(float(np.abs(ray).max(initial=0.0)), NEAR)
        if len(y) and margin(linear, ready, y) > PROVEN:
            return Outcome("infeasible", np.inf, np.zeros(0), np.ldexp(y, ready.row), np.inf, 0.0, warm)
    return None
