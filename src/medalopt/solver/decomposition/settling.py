"""Recovery of solutions of a decomposed task: exact plans, convex combinations of block solutions, and multipliers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from medalopt.instance.decisions import Decisions
from medalopt.instance.figures import Floats
from medalopt.instance.routes import offered
from medalopt.model import links
from medalopt.model.network import Network
from medalopt.proof.prices import Grid
from medalopt.solver import highs
from medalopt.solver.decomposition.finishing import Open, at_rest, opened, program
from medalopt.solver.decomposition.onward import Stand
from medalopt.solver.decomposition.rounds import Round, worth
from medalopt.solver.decomposition.split import Split
from medalopt.solver.decomposition.streams import Answer
from medalopt.solver.ladder import scalings
from medalopt.solver.linear import Linear
from medalopt.solver.outcome import NOISE
from medalopt.solver.sizes import within_need
from medalopt.solver.solution import Duals, Solution, decided

NAME = "decomposition"
FEW = 1_000  # number of cells opened in the first crossover program
SHARE = 1.5e-3  # the same as a share of all cells; the larger number applies
STEPS = 40  # greatest number of crossover programs
MOST_EQUAL = 20_000  # greatest number of tied cells opened together
LEFT = 1e-12  # relative gap at which crossover ends


@dataclass(frozen=True, eq=False)
class _Step:
    """Solved crossover program: columns and duals, and the subproblem solution at its duals."""

    block: Network
    linear: Linear
    x: Floats
    y: Floats
    weights: Floats
    answer: Answer
    gap: float
    method: str
    basis: Any

    @property
    def stand(self) -> Stand:
        """Basis for the next program."""
        return Stand(self.block, self.linear, self.basis)


def settled(split: Split, state: Round, scaling: int, method: str) -> Solution | None:
    """Recover an exact plan by a sequence of crossover programs.

    Args:
        split: Decomposed task.
        state: State at the end of column generation.
        scaling: Number of the scaling, as `generate_scalings` yields them.
        method: Method of HiGHS.

    Returns:
        The plan; None where HiGHS does not find one.
    """
    asked, weights = split.met, split.master.weights(state.y)
    answer = asked.answer(weights)[0] if asked.sorts.need.any() else state.answer  # at the same prices
    few = max(FEW, int(answer.sent.size * SHARE))
    left = opened(asked, answer, weights, few)
    stand = Stand(split.own, split.master.linear, split.master.basis())
    for _ in range(STEPS):
        step = _step(split, left, scaling, method, stand)
        if step is None:
            few *= 2
            more = opened(asked, answer, weights, few, left)
        else:
            method, stand = step.method, step.stand
            done = step.gap <= LEFT  # ties are opened nevertheless: the secondary objectives may decide them
            more = opened(asked, step.answer, step.weights, 0 if done else few, left)
            if done and more.cells.sum() > MOST_EQUAL:
                return _plan(split, left, step)
        if more.size == left.size and step is not None:
            return _plan(split, left, step)  # the certificate decides on its quality
        if more.size == left.size and few > left.cells.size:
            return None
        left = more
    return None


def _step(split: Split, left: Open, scaling: int, method: str, stand: Stand) -> _Step | None:
    """Solve the crossover program of the open cells; return None without an optimum."""
    task, asked, half = split.task, split.met, split.half
    fixed = at_rest(asked, left)
    block, linear = program(asked, half, task.bounds, left, fixed)

    def useful() -> Floats:
        """Return the implied bounds of the columns, limited to amounts that demand can use."""
        return program(asked, half, within_need(task.instance, task.found, task.bounds), left, fixed)[1].size

    ready = next(islice(scalings(linear, useful), scaling, None))
    start = stand.onward(block, linear, task.found, left.answer)
    bare = ((each, None) for each in dict.fromkeys((method, *highs.METHODS)))
    tries = (highs.attempt(ready, *each, task.budget) for each in ((method, start), *bare))
    found = next((each for each in tries if each.status != "unanswered"), None)
    if found is None or found.status != "optimal":
        return None
    x, y = ready.primal(np.where(np.abs(found.x) < NOISE, 0.0, found.x)), ready.dual(found.y)
    of_master = _of_master(split, block, y)
    weights = split.master.weights(of_master)
    answer, made = asked.answer(weights)
    parts = np.concatenate([linear.costs[0] * x, half.program.costs[0, : half.count] * fixed])
    bound = split.master.alone(of_master) + float(worth(made, weights).sum())
    gap = (parts.sum() - bound) / max(1.0, np.abs(parts).sum())
    return _Step(block, linear, x, y, weights, answer, float(gap), found.method, found.basis)


def _of_master(split: Split, block: Network, y: Floats) -> Floats:
    """Return the duals of the master problem's rows among those of a crossover program."""
    rows, own = len(block.supply_stream), split.own
    supply = np.zeros(split.asked.block.shape)
    supply[block.supply_stream, block.supply_period] = y[:rows]
    return np.concatenate([supply[own.supply_stream, own.supply_period], y[rows : rows + len(split.half.program.rows)]])


def _plan(split: Split, left: Open, step: _Step) -> Solution:
    """Return the solution: optimum of the crossover program plus the fixed part."""
    made = decided(split.task.instance, split.task.found, step.block, step.linear, step.x)
    stays = left.fixed()
    _send(made.sent, stays, 1.0)
    made = replace(made, stockpile=made.stockpile + stays.kept)
    duals = told(split, step.y, step.answer, step.block)
    return Solution("optimal", f"{NAME}, then {step.method}", made, duals)


def _send(sent: Floats, answer: Answer, share: Any) -> None:
    """Add a share of the shipments of `answer` to `sent`, (J, T)."""
    stream, period = np.nonzero(answer.sent)
    sent[answer.by[stream, period], period] += (answer.sent * share)[stream, period]


def told(split: Split, y: Floats, answer: Answer, explicit: Network) -> Duals:
    """Recover the duals by constraint and index.

    The duals of linking variables and of the supply of priced streams are computed from those of the master rows.

    Args:
        split: Decomposed task.
        y: Duals of the explicit supply rows and the linking program's rows.
        answer: Subproblem solution at these duals.
        explicit: Network block of the explicit supply rows.

    Returns:
        The duals in own units.
    """
    instance, found, half = split.task.instance, split.task.found, split.half
    count = len(explicit.supply_stream)
    duals: dict[str, dict[Any, float]] = {}
    weights = split.master.weights(_of_master(split, explicit, y))
    families = links.links(instance, found, whole=False)
    linking = [
        (f"define_{link.name}", key if len(key) > 1 else key[0] if key else None)
        for link in families
        for key in link.keys
    ]
    of_half = y[count : count + len(half.program.rows)]
    rows = zip((*half.program.rows, *linking), np.concatenate([of_half, weights]).tolist(), strict=True)
    for (name, index), value in rows:
        duals.setdefault(name, {})[index] = value
    for g in np.flatnonzero(split.asked.sorts.need).tolist():
        duals.setdefault("participation", {})[instance.regions[g]] = float(answer.asked[g])
    own = np.where(np.isfinite(answer.own), answer.own, 0.0)
    its = split.asked.sorts.explicit[explicit.supply_stream]
    own[explicit.supply_stream[its], explicit.supply_period[its]] = y[:count][its]
    routed = np.zeros(len(own), dtype=bool)
    routed[found.stream] = True
    bundled, names = instance.streams.bundle >= 0, (instance.streams.names, instance.periods)
    there = offered(instance)
    return {
        **duals,
        "supply": Grid(names, own, there & (routed & ~bundled)[:, None]),
        "bundle_supply": Grid(names, own, there & bundled[:, None]),
    }


def mixed(split: Split, state: Round) -> Solution:
    """Recover the plan of the master problem, a convex combination of block solutions.

    Args:
        split: Decomposed task.
        state: State after an iteration.

    Returns:
        The plan, with the duals of the best bound.
    """
    master, task, asked = split.master, split.task, split.asked
    made = decided(task.instance, task.found, split.own, master.linear, state.mix.x)
    stockpile, shares = made.stockpile, state.mix.shares
    for number, weights in enumerate(master.asked):
        of_block = np.zeros(master.blocks)
        mine = np.flatnonzero((master.to[: len(shares)] == number) & (shares > 0))
        of_block[master.block[mine]] = shares[mine]
        if mine.size:
            answer = asked.answer(weights)[0]
            _send(made.sent, answer, of_block[asked.block])
            stockpile = stockpile + answer.kept * of_block[asked.block]
    duals = told(split, state.y, state.answer, split.own)
    return Solution("optimal", NAME, Decisions(**{**vars(made), "stockpile": stockpile}), duals)


def refused(split: Split, state: Round) -> Duals:
    """Recover the Farkas multipliers of an infeasible phase one.

    Args:
        split: Decomposed task.
        state: State at the end of phase one.

    Returns:
        Multipliers by constraint and index.
    """
    return told(split, state.y, state.answer, split.own)
