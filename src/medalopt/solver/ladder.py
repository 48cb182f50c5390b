"""From an instance to answers: the program is assembled, scaled and given to one method after the other."""

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

FINE = 24  # the largest cost is 2**FINE where 2**LIFT did not do
HAIR = (
    2.0**-33
)  # of the right-hand side of a row, by which it is loosened where plans are missing by no more than rounding
CLOSE = 12  # a quantity is measured in 2**-CLOSE of its implied bound, where the bound itself did not do


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be solved: the instance with its routes and bounds, the measure, and a user's own constraints.

    `near` is where the solver stood on an instance that is nearly the same; `eased` gives own rows other ends, by name.
    `master` is what is compiled of an instance like it.
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
    """Return the network block and the whole program of `task` as arrays."""
    block = network(task.instance, task.found)
    arguments = (task.instance, task.found, block, task.bounds, task.measure)
    linear = (
        eased(extended(*arguments, task.extensions), task.eased)
        if task.extensions
        else assembled(*arguments, task.master)
    )
    return block, trimmed(linear)


def answers(task: Task) -> Iterator[Solution]:
    """Yield the answer of one method after the other; whoever asks decides which can be proven and is taken.

    Where a method finds no plan, or none of its plans is taken, multipliers come that may show that there is none.
    Where the budget ends, the last answer is `stopped`, with decisions where a plan had been come to.
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
    """Yield what iterative refinement makes of the answers: for needs of very different size."""
    for ready in scalings(linear, lambda: _useful(task)):
        for method in METHODS[:2]:
            for finer, zoom in refine(ready, method, task.budget):
                yield stated(task, block, linear, ready, finer, zoom)


def stated(task: Task, block: Network, linear: Linear, ready: Scaled, answer: Answer, zoom: int = 0) -> Solution:
    """Return the plan of an answer, found at a scale 2**`zoom`, and its prices in the instance's own units."""
    x = ready.primal(np.where(np.abs(answer.x) < np.ldexp(NOISE, -zoom), 0.0, answer.x))
    y = ready.dual(answer.y)
    decisions = decided(task.instance, task.found, block, linear, x)
    value, standing = float(linear.costs[0] @ x), Standing(linear, answer.basis)
    duals, compiled = priced(linear, y), gap(linear, x, y)
    return Solution("optimal", answer.method, decisions, duals, value, compiled, standing, filled(linear, x, y))


def _refused(task: Task, block: Network, linear: Linear, ready: Scaled, method: str) -> Iterator[Solution]:
    """Yield what may show that there is no plan: multipliers, with their margin in the program as it was compiled.

    Where the first show nothing a plan may be missing by rounding alone: then the plan with every right-hand side
    loosened by a `HAIR` comes next, which keeps each row to a thousand-millionth of its size.
    """
    free = replace(linear, given={})  # nothing costs anything
    for number, y in enumerate(multipliers(ready, task.budget)):
        weights, compiled = np.ldexp(y, ready.row), (margin(linear, ready, y), 0.0)
        added = filled(linear, np.zeros(len(linear.lower)), weights)
        yield Solution("infeasible", method, duals=priced(free, weights), compiled=compiled, added=added)
        if not number:
            yield from _loosened(task, block, linear, ready)


def _loosened(task: Task, block: Network, linear: Linear, ready: Scaled) -> Iterator[Solution]:
    """Yield the plan of `ready` with every row loosened by a hair of its right-hand side, where there is one."""
    low, high = (np.where(np.isfinite(side), np.abs(side), 0.0) * HAIR for side in (ready.row_lower, ready.row_upper))
    looser = replace(ready, row_lower=ready.row_lower - low, row_upper=ready.row_upper + high)
    answer = attempt(looser, METHODS[0], None, task.budget)
    if answer.status == "optimal":
        yield stated(task, block, linear, ready, answer)


def _useful(task: Task) -> Floats:
    """Return how large each column of the program can get and be of use."""
    return program(replace(task, bounds=within_need(task.instance, task.found, task.bounds)))[1].size


def scalings(linear: Linear, useful: Callable[[], Floats]) -> Iterator[Scaled]:
    """Yield `linear` measured in what there can be of everything, then in what of it is `useful`, and more finely.

    The second is for a little asked of very much, or spent where very much could be: the solver's tolerance would
    take it for nothing. The third is for what becomes less and less, as process scrap that is charged again and
    again: a basis may break its last rows by as much as the tolerance, which is very much beside them.
    """
    yield scaled(linear)
    yield scaled(replace(linear, size=useful()), FINE)
    yield scaled(replace(linear, size=np.ldexp(linear.size, -CLOSE)))
