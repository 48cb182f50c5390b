"""Recovery of solutions of a decomposed task: exact plans, convex combinations of block solutions, and multipliers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from medalopt.instance.accounting import Decisions
from medalopt.instance.arrays import Floats
from medalopt.instance.routes import has_supply
from medalopt.model.network import Network
from medalopt.model.variables import list_linking_families
from medalopt.proof.prices import DualGrid
from medalopt.solver.basis import Basis
from medalopt.solver.decomposition.crossover import (
    CrossoverBasis,
    OpenCells,
    build_crossover_program,
    select_open_cells,
    sum_fixed_quantities,
)
from medalopt.solver.decomposition.iterations import ColumnGenerationState, DecomposedTask, price_quantities
from medalopt.solver.decomposition.subproblems import SubproblemSolution
from medalopt.solver.highs import METHODS, solve_by_method
from medalopt.solver.program import SolverProgram
from medalopt.solver.scaling import tighten_bounds_to_demand
from medalopt.solver.solution import Duals, Solution, extract_decisions
from medalopt.solver.solve_lp import generate_scalings
from medalopt.tolerances import CROSSOVER_GAP, NEGLIGIBLE_SHARE

METHOD_NAME = "decomposition"
FIRST_OPEN_CELLS = 1_000  # number of cells opened in the first crossover program
OPEN_CELL_SHARE = 1.5e-3  # the same as a share of all cells; the larger number applies
MAX_CROSSOVER_STEPS = 40  # greatest number of crossover programs
MAX_TIED_CELLS = 20_000  # greatest number of tied cells opened together


@dataclass(frozen=True, eq=False)
class _CrossoverStep:
    """Solved crossover program: columns and duals, and the subproblem solution at its duals."""

    block: Network
    linear: SolverProgram
    x: Floats
    y: Floats
    weights: Floats
    answer: SubproblemSolution
    gap: float
    method: str
    basis: Basis | None

    @property
    def stand(self) -> CrossoverBasis:
        """Basis for the next program."""
        return CrossoverBasis(self.block, self.linear, self.basis)


def recover_exact_solution(
    split: DecomposedTask, state: ColumnGenerationState, scaling: int, method: str
) -> Solution | None:
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
    few = max(FIRST_OPEN_CELLS, int(answer.sent.size * OPEN_CELL_SHARE))
    left = select_open_cells(asked, answer, weights, few)
    stand = CrossoverBasis(split.own, split.master.linear, split.master.read_basis())
    for _ in range(MAX_CROSSOVER_STEPS):
        step = _solve_crossover_step(split, left, scaling, method, stand)
        if step is None:
            few *= 2
            more = select_open_cells(asked, answer, weights, few, left)
        else:
            method, stand = step.method, step.stand
            done = step.gap <= CROSSOVER_GAP  # ties are opened nevertheless: the secondary objectives may decide them
            more = select_open_cells(asked, step.answer, step.weights, 0 if done else few, left)
            if done and more.cells.sum() > MAX_TIED_CELLS:
                return _build_crossover_solution(split, left, step)
        if more.size == left.size and step is not None:
            return _build_crossover_solution(split, left, step)  # the certificate decides on its quality
        if more.size == left.size and few > left.cells.size:
            return None
        left = more
    return None


def _solve_crossover_step(
    split: DecomposedTask, left: OpenCells, scaling: int, method: str, stand: CrossoverBasis
) -> _CrossoverStep | None:
    """Solve the crossover program of the open cells; return None without an optimum."""
    task, asked, half = split.task, split.met, split.half
    fixed = sum_fixed_quantities(asked, left)
    block, linear = build_crossover_program(asked, half, task.bounds, left, fixed)

    def useful() -> Floats:
        """Return the implied bounds of the columns, limited to amounts that demand can use."""
        return build_crossover_program(
            asked, half, tighten_bounds_to_demand(task.instance, task.found, task.bounds), left, fixed
        )[1].size

    ready = next(islice(generate_scalings(linear, useful), scaling, None))
    start = stand.transfer(block, linear, task.found, left.answer)
    bare = ((each, None) for each in dict.fromkeys((method, *METHODS)))
    tries = (solve_by_method(ready, *each, task.budget) for each in ((method, start), *bare))
    found = next((each for each in tries if each.status != "unanswered"), None)
    if found is None or found.status != "optimal":
        return None
    x, y = ready.primal(np.where(np.abs(found.x) < NEGLIGIBLE_SHARE, 0.0, found.x)), ready.dual(found.y)
    of_master = _select_master_duals(split, block, y)
    weights = split.master.weights(of_master)
    answer, made = asked.answer(weights)
    parts = np.concatenate([linear.costs[0] * x, half.program.costs[0, : half.count] * fixed])
    bound = split.master.alone(of_master) + float(price_quantities(made, weights).sum())
    gap = (parts.sum() - bound) / max(1.0, np.abs(parts).sum())
    return _CrossoverStep(block, linear, x, y, weights, answer, float(gap), found.method, found.basis)


def _select_master_duals(split: DecomposedTask, block: Network, y: Floats) -> Floats:
    """Return the duals of the master problem's rows among those of a crossover program."""
    rows, own = len(block.supply_stream), split.own
    supply = np.zeros(split.asked.block.shape)
    supply[block.supply_stream, block.supply_period] = y[:rows]
    return np.concatenate([supply[own.supply_stream, own.supply_period], y[rows : rows + len(split.half.program.rows)]])


def _build_crossover_solution(split: DecomposedTask, left: OpenCells, step: _CrossoverStep) -> Solution:
    """Return the solution: optimum of the crossover program plus the fixed part."""
    made = extract_decisions(split.task.instance, split.task.found, step.block, step.linear, step.x)
    stays = left.fixed()
    _add_shipments(made.sent, stays, 1.0)
    made = replace(made, stockpile=made.stockpile + stays.kept)
    duals = recover_duals(split, step.y, step.answer, step.block)
    return Solution("optimal", f"{METHOD_NAME}, then {step.method}", made, duals)


def _add_shipments(sent: Floats, answer: SubproblemSolution, share: Any) -> None:
    """Add a share of the shipments of `answer` to `sent`, (J, T)."""
    stream, period = np.nonzero(answer.sent)
    sent[answer.by[stream, period], period] += (answer.sent * share)[stream, period]


def recover_duals(split: DecomposedTask, y: Floats, answer: SubproblemSolution, explicit: Network) -> Duals:
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
    weights = split.master.weights(_select_master_duals(split, explicit, y))
    families = list_linking_families(instance, found, whole=False)
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
    there = has_supply(instance)
    return {
        **duals,
        "supply": DualGrid(names, own, there & (routed & ~bundled)[:, None]),
        "bundle_supply": DualGrid(names, own, there & bundled[:, None]),
    }


def recover_mixed_solution(split: DecomposedTask, state: ColumnGenerationState) -> Solution:
    """Recover the plan of the master problem, a convex combination of block solutions.

    Args:
        split: Decomposed task.
        state: State after an iteration.

    Returns:
        The plan, with the duals of the best bound.
    """
    master, task, asked = split.master, split.task, split.asked
    made = extract_decisions(task.instance, task.found, split.own, master.linear, state.mix.x)
    stockpile, shares = made.stockpile, state.mix.shares
    for number, weights in enumerate(master.asked):
        of_block = np.zeros(master.blocks)
        mine = np.flatnonzero((master.to[: len(shares)] == number) & (shares > 0))
        of_block[master.block[mine]] = shares[mine]
        if mine.size:
            answer = asked.answer(weights)[0]
            _add_shipments(made.sent, answer, of_block[asked.block])
            stockpile = stockpile + answer.kept * of_block[asked.block]
    duals = recover_duals(split, state.y, state.answer, split.own)
    return Solution("optimal", METHOD_NAME, Decisions(**{**vars(made), "stockpile": stockpile}), duals)


def recover_farkas_duals(split: DecomposedTask, state: ColumnGenerationState) -> Duals:
    """Recover the Farkas multipliers of an infeasible phase one.

    Args:
        split: Decomposed task.
        state: State at the end of phase one.

    Returns:
        Multipliers by constraint and index.
    """
    return recover_duals(split, state.y, state.answer, split.own)
