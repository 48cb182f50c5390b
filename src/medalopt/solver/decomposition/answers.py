"""Solve one instance by column generation, then cross over to an exact optimum; infeasibility is shown by phase one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.solver import ladder
from medalopt.solver.decomposition.rounds import Round, rounds, worth
from medalopt.solver.decomposition.settling import NAME, mixed, refused, settled
from medalopt.solver.decomposition.split import Split
from medalopt.solver.decomposition.streams import sure
from medalopt.solver.highs import METHODS
from medalopt.solver.ladder import Task
from medalopt.solver.solution import Solution

MISSED = 1e-12  # sum of relative violations below which phase one is feasible
NEAR = 1e-10  # relative gap at which column generation ends and crossover begins
MOST = 300  # greatest number of iterations of a phase
ROUGH = 1e-5  # relative gap at which participation minima are included
SURE = 0.05  # relative profit from which a cell counts as surely profitable
TURNS = 8  # greatest number of times the surely profitable cells are revised
LAST = 12  # number of earlier prices whose solutions start a revised master problem
SCALINGS = 3  # number of scalings, as `generate_scalings` yields them


def answers(task: Task, gap: float = 0.0) -> Iterator[Solution]:
    """Yield solutions: with a `gap` the plan that attains it, then exact ones, then those of the direct method.

    Args:
        task: Instance to solve.
        gap: Relative optimality gap that suffices, 0 for exact solutions only.

    Yields:
        Unverified solutions, as `solve_linear_program` does.
    """
    split = Split.of(task)
    owing = bool(split.asked.sorts.need.any())
    state = _priced(split, ROUGH if owing else max(gap / 2, NEAR))
    if owing and state is not None and not split.master.phase_one:
        split, state = _with_needs(split, state, max(gap / 2, NEAR))
    if not task.budget.left():
        if state is not None and not split.master.phase_one:
            yield mixed(split, state)
        yield Solution("stopped", NAME)
        return
    if state is not None and split.master.phase_one:
        yield Solution("infeasible", NAME, duals=refused(split, state))
    elif state is not None:
        if gap > NEAR:
            yield mixed(split, state)
        yield from _exact(split, state)
    yield from ladder.answers(task)


def _with_needs(split: Split, state: Round, near: float) -> tuple[Split, Round | None]:
    """Return the decomposition and state with participation minima included.

    Surely profitable cells are left to ordinary blocks. Cells that cease to be so are returned to their region and
    column generation is repeated, as long as this improves the bound.
    """
    asked, found = split.asked, state
    surely = np.ones_like(asked.needs.cells)
    for _ in range(TURNS):
        surely &= sure(asked.instance, asked.pricing, asked.sorts, split.master.weights(found.y), SURE)
        split = split.needing(surely, LAST)
        for enough in sorted({max(ROUGH, near), near}, reverse=True):
            following = _priced(split, enough, found.y)
            if following is None or split.master.phase_one:
                return split, following
            found = following
            if _short(split, found) > enough:
                break
        else:
            break
    return split, found


def _short(split: Split, state: Round) -> float:
    """Return the relative improvement of the bound if all cells count for the participation minima."""
    weights = split.master.weights(state.y)
    all_of_it, taken = (float(worth(asked.answer(weights)[1], weights).sum()) for asked in (split.met, split.asked))
    return (all_of_it - taken) / max(1.0, state.mix.size)


def _priced(split: Split, near: float, first: Floats | None = None) -> Round | None:
    """Return the final state of column generation with all cells priced at its duals."""
    state = _rounds(split, near, first)
    return state and replace(state, answer=split.asked.answer(split.master.weights(state.y))[0])


def _rounds(split: Split, near: float, first: Floats | None = None) -> Round | None:
    """Return the state with a relative gap of at most `near`, or the one of phase one that shows infeasibility.

    At the iteration or time limit the last state; None where the master problem has no solution.
    """
    master, asked = split.master, split.asked
    state: Round | None = None
    if master.phase_one:
        for state in rounds(master, asked, MOST):
            if state.mix.value <= MISSED or state.bound > max(MISSED, state.mix.value / 2):
                break
        if state is None or state.mix.value > MISSED:
            return state
        master.end_phase_one()
    state = None
    for state in rounds(master, asked, MOST, first):
        if state.gap <= near:
            break
    return state


def _exact(split: Split, state: Round) -> Iterator[Solution]:
    """Yield exact solutions, by one scaling and method after the other."""
    for scaling in range(SCALINGS):
        for method in METHODS:
            if not split.task.budget.left():
                yield mixed(split, state)
                yield Solution("stopped", NAME)
                return
            answer = settled(split, state, scaling, method)
            if answer is not None:
                yield answer
