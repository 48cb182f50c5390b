"""From an instance to answers by decomposition: prices and streams in turn, then the few that are left, exactly."""

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

MISSED = 1e-12  # of the ends of all rows together, below which nothing is missed
NEAR = 1e-10  # the gap at which the streams near a tie are few
MOST = 300  # rounds of a phase
ROUGH = 1e-5  # the gap at which regions' needs are taken up
SURE = 0.05  # of what a tonne costs and brings, by which what pays is sure to
TURNS = 8  # times that what is sure is taken anew, at most
LAST = 12  # prices of before, the answers to which a further turn begins with
SCALINGS = 3  # as `ladder.scalings` has them


def answers(task: Task, gap: float = 0.0) -> Iterator[Solution]:
    """Yield answers as `ladder.answers` does: where a `gap` is good enough the mix that reaches it, then exact ones.

    Where nothing comes of it the direct way answers.
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
    """Return the state in which regions that see to their need themselves meet it.

    What pays by far at the prices so far is taken to go at the right ones. What does not is no longer taken to be sure,
    and the rounds begin anew, as long as that makes the bound better.
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
    """Return by how much the bound is better if nothing is taken to be sure, beside all that is paid."""
    weights = split.master.weights(state.y)
    all_of_it, taken = (float(worth(asked.answer(weights)[1], weights).sum()) for asked in (split.met, split.asked))
    return (all_of_it - taken) / max(1.0, state.mix.size)


def _priced(split: Split, near: float, first: Floats | None = None) -> Round | None:
    """Return what `_rounds` do, every cell priced at last."""
    state = _rounds(split, near, first)
    return state and replace(state, answer=split.asked.answer(split.master.weights(state.y))[0])


def _rounds(split: Split, near: float, first: Floats | None = None) -> Round | None:
    """Return the state in which the mix is `near` the bound, or that of phase one which shows that there is no plan.

    The last one where the rounds or the time are over; None where the master program has no answer. `first` are prices
    to begin with.
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
