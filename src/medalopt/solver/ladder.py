"""Solve one instance as a linear program: assemble, scale, and try primal simplex, dual simplex and interior point.

Where no solution can be verified, iterative refinement follows (Gleixner, Steffy and Wolter 2016): the residual of a
solution is solved at a finer scale, since HiGHS's absolute tolerance ignores a demand that is 1e-12 of another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from medalopt.instance.bounds import Bounds
from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.model.network import Network, network
from medalopt.solver.additions import eased
from medalopt.solver.assemble import assembled, extended
from medalopt.solver.budget import ENDLESS, Budget
from medalopt.solver.highs import METHODS, Answer, attempt
from medalopt.solver.infeasible import margin, multipliers
from medalopt.solver.linear import Linear
from medalopt.solver.master import Master
from medalopt.solver.outcome import NOISE
from medalopt.solver.proving import gap
from medalopt.solver.refining import refine
from medalopt.solver.scaling import Scaled, scaled
from medalopt.solver.sizes import within_need
from medalopt.solver.solution import Solution, decided, filled, priced
from medalopt.solver.standing import Standing
from medalopt.solver.trim import trimmed

FINE = 24  # exponent of the largest cost in the second scaling
HAIR = 2.0**-33  # share of its right-hand side by which each row is relaxed where rounding makes it infeasible
CLOSE = 12  # in the third scaling a column is scaled by 2**-12 of its implied bound


@dataclass(frozen=True, eq=False)
class Task:
    """Instance to solve, with its routes and implied bounds, objective and extensions.

    `near` is the basis of a similar instance; `eased` replaces the bounds of extension rows, by name; `master` is the
    compiled part of a similar instance.
    """

    instance: Instance
    found: Routes
    bounds: Bounds
    measure: str = "cost"
    extensions: tuple[Path, ...] = ()
    near: Standing | None = None
    budget: Budget = ENDLESS
    eased: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    master: Master | None = None


def program(task: Task) -> tuple[Network, Linear]:
    """Build the program of a task.

    Args:
        task: Instance to solve.

    Returns:
        Network block, and the whole program in own units with unused linking variables eliminated.
    """
    block = network(task.instance, task.found)
    arguments = (task.instance, task.found, block, task.bounds, task.measure)
    linear = (
        eased(extended(*arguments, task.extensions), task.eased)
        if task.extensions
        else assembled(*arguments, task.master)
    )
    return block, trimmed(linear)


def answers(task: Task) -> Iterator[Solution]:
    """Yield the solution of one scaling and method after the other.

    The caller verifies each and stops at the first valid one. Where a method reports infeasibility, or no plan is
    accepted, Farkas multipliers are yielded. At the time limit the last solution is `stopped`, with decisions where a
    feasible one was found.

    Args:
        task: Instance to solve.

    Yields:
        Unverified solutions.
    """
    block, linear = program(task)
    for ready in scalings(linear, lambda: _useful(task)):
        refused = False
        for method in METHODS:
            start = task.near.on(linear) if task.near is not None and method == METHODS[0] else None
            answer = attempt(ready, method, start, task.budget) if task.budget.left() else Answer("stopped", method)
            if answer.status == "optimal" or len(answer.x):
                yield stated(task, block, linear, ready, answer)
            elif answer.status == "unbounded" and task.extensions:
                yield Solution("unbounded", method)
            elif answer.status == "infeasible" and not refused:
                refused = True
                yield from _refused(task, block, linear, ready, method)
            if answer.status == "stopped":
                yield Solution("stopped", method)
                return
        if not refused:
            yield from _refused(task, block, linear, ready, METHODS[-1])
    yield from _refined(task, block, linear)
    if not task.budget.left():
        yield Solution("stopped", METHODS[-1])


def _refined(task: Task, block: Network, linear: Linear) -> Iterator[Solution]:
    """Yield the solutions of iterative refinement, for demands of very different size."""
    for ready in scalings(linear, lambda: _useful(task)):
        for method in METHODS[:2]:
            for finer, zoom in refine(ready, method, task.budget):
                yield stated(task, block, linear, ready, finer, zoom)


def stated(task: Task, block: Network, linear: Linear, ready: Scaled, answer: Answer, zoom: int = 0) -> Solution:
    """Build the solution in own units from a result of HiGHS.

    Args:
        task: Instance to solve.
        block: Network block.
        linear: Program in own units.
        ready: The same program, scaled.
        answer: Result of HiGHS.
        zoom: Exponent of the scale of refinement, which lowers the threshold of negligible columns.

    Returns:
        Decisions and duals, with lower bound and violation on the compiled program.
    """
    x = ready.primal(np.where(np.abs(answer.x) < np.ldexp(NOISE, -zoom), 0.0, answer.x))
    y = ready.dual(answer.y)
    decisions = decided(task.instance, task.found, block, linear, x)
    value, standing = float(linear.costs[0] @ x), Standing(linear, answer.basis)
    duals, compiled = priced(linear, y), gap(linear, x, y)
    return Solution("optimal", answer.method, decisions, duals, value, compiled, standing, filled(linear, x, y))


def _refused(task: Task, block: Network, linear: Linear, ready: Scaled, method: str) -> Iterator[Solution]:
    """Yield Farkas multipliers with their margin, and after the first the solution with all rows slightly relaxed.

    The relaxation by `LOOSENING_SHARE` covers programs that are infeasible by rounding only; it keeps each row to 1e-9
    of its size.
    """
    free = replace(linear, given={})  # feasibility program: no costs
    for number, y in enumerate(multipliers(ready, task.budget)):
        weights, compiled = np.ldexp(y, ready.row), (margin(linear, ready, y), 0.0)
        added = filled(linear, np.zeros(len(linear.lower)), weights)
        yield Solution("infeasible", method, duals=priced(free, weights), compiled=compiled, added=added)
        if not number:
            yield from _loosened(task, block, linear, ready)


def _loosened(task: Task, block: Network, linear: Linear, ready: Scaled) -> Iterator[Solution]:
    """Yield the solution of `ready` with every row relaxed by `LOOSENING_SHARE` of its right-hand side, if feasible."""
    low, high = (np.where(np.isfinite(side), np.abs(side), 0.0) * HAIR for side in (ready.row_lower, ready.row_upper))
    looser = replace(ready, row_lower=ready.row_lower - low, row_upper=ready.row_upper + high)
    answer = attempt(looser, METHODS[0], None, task.budget)
    if answer.status == "optimal":
        yield stated(task, block, linear, ready, answer)


def _useful(task: Task) -> Floats:
    """Return the implied bounds of the columns, limited to amounts that demand can use."""
    return program(replace(task, bounds=within_need(task.instance, task.found, task.bounds)))[1].size


def scalings(linear: Linear, useful: Callable[[], Floats]) -> Iterator[Scaled]:
    """Yield a program in three scalings: by implied bounds, by useful amounts, and by a fraction of the implied bounds.

    The second is for demands that are tiny beside supply, which the solver's tolerance would ignore. The third is for
    geometric sequences, as process scrap charged again and again: a basis may violate their last rows by the tolerance,
    which is large beside them.

    Args:
        linear: Program in own units.
        useful: Function that returns the useful amounts (N,).

    Yields:
        The scaled programs.
    """
    yield scaled(linear)
    yield scaled(replace(linear, size=useful()), FINE)
    yield scaled(replace(linear, size=np.ldexp(linear.size, -CLOSE)))
