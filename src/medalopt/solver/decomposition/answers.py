"""From an instance to answers by decomposition: prices and streams in turn, then the few that are left, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from medalopt.solver import ladder
from medalopt.solver.decomposition.rounds import Round, rounds
from medalopt.solver.decomposition.settling import NAME, mixed, refused, settled
from medalopt.solver.decomposition.split import Split
from medalopt.solver.highs import METHODS
from medalopt.solver.ladder import Task
from medalopt.solver.solution import Solution

MISSED = 1e-12  # of the ends of all rows together, below which nothing is missed
NEAR = 1e-10  # the gap at which the streams near a tie are few
MOST = 300  # rounds of a phase
ROUGH = 1e-5  # the gap at which regions with a need of their own are paid anew
TURNS = 14  # times that they are, at most
SAME = 1e-5  # beside the greatest of them, by which prices of needs may differ and are the same
LAST = 12  # prices of before, the answers to which a further turn begins with
SCALINGS = 3  # as `ladder.scalings` has them


def answers(task: Task, gap: float = 0.0) -> Iterator[Solution]:
    """Yield answers as `ladder.answers` does: where a `gap` is good enough the mix that reaches it, then exact ones.

    Where nothing comes of it the direct way answers.
    """
    split = Split.of(task)
    state = _priced(split, max(gap / 2, NEAR if split.asked.paid is None else ROUGH))
    if state is not None and not split.master.phase_one and split.asked.paid is not None:
        split, state = _with_needs(split, state)
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


def _with_needs(split: Split, state: Round) -> tuple[Split, Round]:
    """Return the state in which regions are paid what meeting their need costs them at its prices, found in turn."""
    for number in range(TURNS):
        weights = split.master.weights(state.y)
        met = split.met()
        paid = met.asked.answer(weights)[0].asked
        before = split.asked.paid
        if number and before is not None and np.abs(paid - before).max() <= SAME * np.abs(paid).max():
            break
        following = split.paying(paid, LAST)
        found = _priced(following, max(NEAR, ROUGH / 10 ** (number + 1)))
        if found is None or following.master.phase_one:
            break
        split, state = following, found
    met = split.met()
    answer = met.asked.answer(met.master.weights(state.y))[0]
    return met, replace(state, answer=answer)


def _priced(split: Split, near: float) -> Round | None:
    """Return what `_rounds` do, every cell priced at last."""
    state = _rounds(split, near)
    if state is None:
        return None
    answer = split.asked.answer(split.master.weights(state.y), split.master.phase_one)[0]
    return replace(state, answer=answer)


def _rounds(split: Split, near: float) -> Round | None:
    """Return the state in which the mix is `near` the bound, or that of phase one which shows that there is no plan.

    The last one where the rounds or the time are over; None where the master program has no answer.
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
    for state in rounds(master, asked, MOST):
        if state.gap <= near:
            break
    return state


def _exact(split: Split, state: Round) -> Iterator[Solution]:
    """Yield exact answers, by one scaling and method after the other."""
    for scaling in range(SCALINGS):
        for method in METHODS:
            if not split.task.budget.left():
                yield mixed(split, state)
                yield Solution("stopped", NAME)
                return
            answer = settled(split, state, scaling, method)
            if answer is not None:
                yield answer
