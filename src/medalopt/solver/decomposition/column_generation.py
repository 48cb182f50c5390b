"""Column generation (Dantzig and Wolfe 1960): master problem and subproblems alternate until bound and objective meet.

Subproblems are priced between the best duals so far and those of the master problem, y = α ŷ + (1−α) ȳ (Wentges 1997;
in-out separation: Ben-Ameur and Neto 2007), since the latter alone oscillate. Each iteration gives a lower bound
(Lagrange): the value of the rows at y, and of the subproblems.

Then an exact optimum, a mixture of solutions, or a proof of infeasibility, which phase one shows, is recovered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medalopt.instance.accounting import Decisions
from medalopt.instance.arrays import Floats
from medalopt.instance.routes import has_supply
from medalopt.model.network import Network
from medalopt.model.variables import list_linking_families
from medalopt.proof.prices import DualGrid, Duals
from medalopt.solver.assemble import list_defining_rows, list_settlement_rows
from medalopt.solver.confidence import ConeCut, assign_cuts, read_cuts
from medalopt.solver.decomposition.crossover import (
    MAX_KEPT_CELLS,
    Crossover,
    CrossoverStep,
    OpenCells,
    begin_crossover,
    select_master_duals,
    solve_crossover,
)
from medalopt.solver.decomposition.master import DecomposedTask, MasterProblem, MasterSolution
from medalopt.solver.decomposition.pricing import RoutePricing
from medalopt.solver.decomposition.subproblems import (
    PricingProblem,
    SubproblemSolution,
    price_quantities,
)
from medalopt.solver.highs import METHODS
from medalopt.solver.solve_lp import Solution, SolveTask, extract_decisions, solve_linear_program
from medalopt.tolerances import PHASE_ONE_TOLERANCE, REDUCED_COST_TOLERANCE, TARGET_GAP

MAX_ITERATIONS = 300  # greatest number of iterations of a phase
COARSE_GAP = 1e-5  # relative gap at which participation minima are included
SURE_PROFIT_SHARE = 0.05  # relative profit from which a cell counts as surely profitable
MAX_PARTICIPATION_TURNS = 8  # greatest number of times the surely profitable cells are revised
REUSED_PRICES = 12  # number of earlier prices whose solutions start a revised master problem
SCALING_COUNT = 3  # number of scalings, as `generate_scalings` yields them
METHOD_NAME = "decomposition"
INITIAL_SMOOTHING, MIN_SMOOTHING = 0.5, 0.02  # smoothing factor α: initial and least value


@dataclass(frozen=True, eq=False)
class ColumnGenerationState:
    """State after an iteration: master optimum `mix`, best duals `y` so far, and their lower `bound`."""

    number: int
    mix: MasterSolution
    y: Floats
    bound: float
    solution: SubproblemSolution  # subproblem solution at y; reduced costs may be older

    @property
    def gap(self) -> float:
        """Gap between the master objective and the bound, relative to the magnitude of the objective's terms."""
        return (self.mix.value - self.bound) / max(1.0, self.mix.size)


def generate_columns(
    master: MasterProblem, problem: PricingProblem, maximum: int, first: Floats | None = None
) -> Iterator[ColumnGenerationState]:
    """Iterate column generation in the current phase of the master problem.

    Args:
        master: Master problem.
        maximum: Greatest number of iterations.
        first (M,): Duals to begin with, if better ones than the master's are known.

    Yields:
        The state after each iteration.
    """
    best: ColumnGenerationState | None = None
    kept, last = INITIAL_SMOOTHING, None
    for number in range(maximum):
        mix = master.solve()
        if mix is None:
            return
        start = mix.y if first is None else _append_zeros(first, len(mix.y))
        y = start if best is None else kept * _append_zeros(best.y, len(mix.y)) + (1 - kept) * mix.y
        weights = master.compute_prices(y)
        last = problem.reprice(weights, last)
        result = last.reduced_costs
        bound = master.compute_bound_alone(y) + float(price_quantities(result, weights).sum())
        better = best is None or bound > best.bound
        best = (
            ColumnGenerationState(number, mix, y, bound, last.solution)
            if better or best is None
            else replace(best, number=number, mix=mix)
        )
        pays = price_quantities(result, master.compute_prices(mix.y)) - mix.blocks < -REDUCED_COST_TOLERANCE * max(
            1.0, mix.size
        )
        yield best
        if not pays.any() and not kept:
            return  # no block solution prices out at the unsmoothed duals: optimal up to rounding
        if pays.any():
            master.add_columns(weights, result[pays], np.flatnonzero(pays))
        kept = min(INITIAL_SMOOTHING, 1.5 * kept) if pays.any() else (kept / 2 if kept > MIN_SMOOTHING else 0.0)


def _append_zeros(y: Floats, count: int) -> Floats:
    """Return duals with zeros for the cuts added since, (count,)."""
    return np.append(y, np.zeros(count - len(y)))


class ConfidencePath:
    """Decomposition of an instance, kept while one confidence after the other is promised.

    Block solutions and directions of cuts are valid for every confidence: only quantiles change. The first confidence
    should be the highest one, so that block solutions are known with which each of the others can be kept.
    """

    def __init__(self) -> None:
        self._split: DecomposedTask | None = None
        self._last: Crossover | None = None

    def solve(self, task: SolveTask) -> Iterator[Solution]:
        """Yield solutions: from the last crossover, from the block solutions so far, then from the beginning.

        Args:
            task: Task; all tasks of a path differ in their promised confidence alone.

        Yields:
            Unverified solutions, as `solve_by_column_generation` does.
        """
        split = None if self._split is None or task.routes.cuts else self._split.with_promise(task.instance)
        if split is not None:
            yield from self._continue(split)
        yield from solve_by_column_generation(task, path=self)

    def _continue(self, split: DecomposedTask) -> Iterator[Solution]:
        """Yield solutions from the last crossover, then from the block solutions."""
        if self._last is not None and self._last.left.cells.sum() <= MAX_KEPT_CELLS:
            cuts = assign_cuts(split.linking.cones, self._last.cuts)
            solution = self._cross_over(split, replace(self._last, cuts=cuts), 0, METHODS[1], required=False)
            if solution is not None:
                yield solution
        state = _iterate_and_reprice(split, TARGET_GAP)
        if state is not None and not split.problem.classes.need.any():
            solution = self._cross_over(split, begin_crossover(split, state.y, state.solution), 0, METHODS[0])
            if solution is not None:
                yield solution

    def _cross_over(
        self, split: DecomposedTask, start: Crossover, scaling: int, method: str, required: bool = True
    ) -> Solution | None:
        """Return the exact plan by `solve_crossover`; None where none is found."""
        found = solve_crossover(split, start, scaling, method, required)
        if found is None:
            return None
        left, step = found
        self._split = split
        self._last = Crossover(left, step.next_basis, step.binding_cuts, step.solution, step.weights)
        return _build_crossover_solution(split, left, step)


def solve_by_column_generation(
    task: SolveTask, gap: float = 0.0, path: ConfidencePath | None = None
) -> Iterator[Solution]:
    """Yield solutions: with a `gap` the plan that attains it, then exact ones, then those of the direct method.

    Args:
        gap: Relative optimality gap that suffices, 0 for exact solutions only.
        path: Keeps the decomposition and the last crossover.

    Yields:
        Unverified solutions, as `solve_linear_program` does.
    """
    path = path or ConfidencePath()
    split = DecomposedTask.decompose(task)
    owing = bool(split.problem.classes.need.any())
    state = _iterate_and_reprice(split, COARSE_GAP if owing else max(gap / 2, TARGET_GAP))
    if owing and state is not None and not split.master.phase_one:
        split, state = _enforce_participation(split, state, max(gap / 2, TARGET_GAP))
    if not task.budget.seconds_left():
        if state is not None and not split.master.phase_one:
            yield _recover_mixed_solution(split, state)
        yield Solution("stopped", METHOD_NAME)
        return
    if state is not None and split.master.phase_one:
        yield _build_solution(split, state.y, state.solution, split.network, split.master.cuts)  # multipliers
    elif state is not None:
        if gap > TARGET_GAP:
            yield _recover_mixed_solution(split, state)
        yield from _yield_exact(split, state, path)
    yield from solve_linear_program(task)


def _enforce_participation(
    split: DecomposedTask, state: ColumnGenerationState, near: float
) -> tuple[DecomposedTask, ColumnGenerationState | None]:
    """Return the decomposition and state with participation minima included.

    Surely profitable cells are left to ordinary blocks. Cells that cease to be so are returned to their region and
    column generation is repeated, as long as this improves the bound.
    """
    problem, found = split.problem, state
    surely = np.ones_like(problem.minima.cells)
    for _ in range(MAX_PARTICIPATION_TURNS):
        surely &= problem.find_profitable_cells(split.master.compute_prices(found.y), SURE_PROFIT_SHARE)
        split = split.require_participation(surely, REUSED_PRICES)
        for enough in sorted({max(COARSE_GAP, near), near}, reverse=True):
            following = _iterate_and_reprice(split, enough, found.y)
            if following is None or split.master.phase_one:
                return split, following
            found = following
            if _measure_bound_deficit(split, found) > enough:
                break
        else:
            break
    return split, found


def _measure_bound_deficit(split: DecomposedTask, state: ColumnGenerationState) -> float:
    """Return the relative improvement of the bound if all cells count for the participation minima."""
    weights = split.master.compute_prices(state.y)
    all_of_it, taken = (
        float(price_quantities(problem.solve(weights)[1], weights).sum())
        for problem in (split.full_problem, split.problem)
    )
    return (all_of_it - taken) / max(1.0, state.mix.size)


def _iterate_and_reprice(
    split: DecomposedTask, near: float, first: Floats | None = None
) -> ColumnGenerationState | None:
    """Return the final state of column generation with all cells priced at its duals."""
    state = _iterate_phases(split, near, first)
    return state and replace(state, solution=split.problem.solve(split.master.compute_prices(state.y))[0])


def _iterate_phases(split: DecomposedTask, near: float, first: Floats | None = None) -> ColumnGenerationState | None:
    """Return the state with a relative gap of at most `near`, or the one of phase one that shows infeasibility.

    At the iteration or time limit the last state; None where the master problem has no solution.
    """
    master, problem = split.master, split.problem
    state: ColumnGenerationState | None = None
    if master.phase_one:
        for state in generate_columns(master, problem, MAX_ITERATIONS):
            if state.mix.value <= PHASE_ONE_TOLERANCE or state.bound > max(PHASE_ONE_TOLERANCE, state.mix.value / 2):
                break
        if state is None or state.mix.value > PHASE_ONE_TOLERANCE:
            return state
        master.end_phase_one()
    state = None
    for state in generate_columns(master, problem, MAX_ITERATIONS, first):
        if state.gap <= near:
            break
    return state


def _yield_exact(split: DecomposedTask, state: ColumnGenerationState, path: ConfidencePath) -> Iterator[Solution]:
    """Yield exact solutions, by one scaling and method after the other."""
    for scaling in range(SCALING_COUNT):
        for method in METHODS:
            if not split.task.budget.seconds_left():
                yield _recover_mixed_solution(split, state)
                yield Solution("stopped", METHOD_NAME)
                return
            solution = path._cross_over(split, begin_crossover(split, state.y, state.solution), scaling, method)
            if solution is not None:
                yield solution


def _build_crossover_solution(split: DecomposedTask, left: OpenCells, step: CrossoverStep) -> Solution:
    """Return the solution: optimum of the crossover program plus the fixed part."""
    decisions = extract_decisions(split.task.instance, split.task.routes, step.network, step.program, step.x)
    stays = left.fixed()
    _add_shipments(split.problem.pricing, decisions.sent, stays, 1.0)
    decisions = replace(decisions, stockpile=decisions.stockpile + stays.stocks)
    method = f"{METHOD_NAME}, then {step.method}"
    return _build_solution(split, step.y, step.solution, step.network, step.cuts, method, decisions)


def _build_solution(
    split: DecomposedTask,
    y: Floats,
    solution: SubproblemSolution,
    network: Network,
    cuts: tuple[ConeCut, ...],
    method: str = METHOD_NAME,
    decisions: Decisions | None = None,
) -> Solution:
    """Return a plan with its duals, or Farkas multipliers without a plan; cuts of cones become those of the routes."""
    status, duals = "infeasible" if decisions is None else "optimal", recover_duals(split, y, solution, network, cuts)
    if not split.linking.cones:
        return Solution(status, method, decisions, duals)
    own, duals = read_cuts(split.task.instance, split.task.routes, cuts, duals)
    return Solution(status, method, decisions, duals, cuts=own)


def _add_shipments(pricing: RoutePricing, sent: Floats, solution: SubproblemSolution, share: Any) -> None:
    """Add a share of the shipments of `solution` to `sent`, (J, T)."""
    stream, period = np.nonzero(solution.sent)
    amount = (solution.sent * share)[stream, period]
    for member in pricing.combinations.member[solution.by[stream, period]].T:
        own = np.flatnonzero(member >= 0)
        sent[member[own], period[own]] += amount[own]


def recover_duals(
    split: DecomposedTask,
    y: Floats,
    solution: SubproblemSolution,
    explicit: Network,
    cuts: tuple[ConeCut, ...] = (),
) -> Duals:
    """Recover the duals by constraint and index.

    The duals of linking variables and of the supply of priced streams are computed from those of the master rows.

    Args:
        split: Decomposed task.
        y: Duals of the explicit supply rows and the linking program's rows.
        solution: Subproblem solution at these duals.
        explicit: Network block of the explicit supply rows.
        cuts: Cuts of the cones, whose duals come last.

    Returns:
        The duals in own units.
    """
    instance, routes, half = split.task.instance, split.task.routes, split.linking.with_cuts(cuts)
    count, splits = len(explicit.supply_stream), len(explicit.split_group)
    duals: dict[str, dict[Any, float]] = {}
    weights = split.master.compute_prices(select_master_duals(split, explicit, y, cuts))
    families = list_linking_families(instance, routes, whole=False)
    linking = list_defining_rows(families)
    named = (*list_settlement_rows(instance, explicit), *half.program.rows)
    of_half = y[count + splits : count + splits + len(named)]
    rows = zip((*named, *linking), np.concatenate([of_half, weights]).tolist(), strict=True)
    for (name, index), value in rows:
        duals.setdefault(name, {})[index] = value
    for g in np.flatnonzero(split.problem.classes.need).tolist():
        duals.setdefault("participation", {})[instance.regions[g]] = float(solution.quantities[g])
    own = np.where(np.isfinite(solution.reduced_costs), solution.reduced_costs, 0.0)
    its = split.problem.classes.is_explicit[explicit.supply_stream]
    own[explicit.supply_stream[its], explicit.supply_period[its]] = y[:count][its]
    routed = np.zeros(len(own), dtype=bool)
    routed[routes.stream] = True
    bundled, names = instance.streams.bundle >= 0, (instance.streams.names, instance.periods)
    there = has_supply(instance)
    return {
        **duals,
        "supply": DualGrid(names, own, there & (routed & ~bundled)[:, None]),
        "bundle_supply": DualGrid(names, own, there & bundled[:, None]),
    }


def _recover_mixed_solution(split: DecomposedTask, state: ColumnGenerationState) -> Solution:
    """Recover the plan of the master problem, a convex combination of block solutions."""
    master, task, problem = split.master, split.task, split.problem
    decisions = extract_decisions(task.instance, task.routes, split.network, master.linear, state.mix.x)
    stockpile, shares = decisions.stockpile, state.mix.shares
    for number, weights in enumerate(master.prices):
        of_block = np.zeros(master.blocks)
        mine = np.flatnonzero((master.to[: len(shares)] == number) & (shares > 0))
        of_block[master.block[mine]] = shares[mine]
        if mine.size:
            solution = problem.solve(weights)[0]
            _add_shipments(problem.pricing, decisions.sent, solution, of_block[problem.block])
            stockpile = stockpile + solution.stocks * of_block[problem.block]
    plan = Decisions(**{**vars(decisions), "stockpile": stockpile})
    return _build_solution(split, state.y, state.solution, split.network, master.cuts, decisions=plan)
