"""Solve one instance by column generation, then recover an exact optimum, a mixture of solutions, or a proof.

Infeasibility is shown by phase one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from medalopt.instance.accounting import Decisions
from medalopt.instance.arrays import Floats
from medalopt.instance.routes import has_supply
from medalopt.model.network import Network
from medalopt.model.variables import list_linking_families
from medalopt.proof.prices import DualGrid, Duals
from medalopt.solver.assemble import list_settlement_rows
from medalopt.solver.basis import Basis
from medalopt.solver.confidence import MAX_CUT_ROUNDS
from medalopt.solver.decomposition.cones import (
    ConeCut,
    add_scaled_cut,
    assign_cuts,
    list_cut_rows,
    merge_cuts,
    read_cuts,
    separate_cones,
)
from medalopt.solver.decomposition.crossover import (
    CrossoverBasis,
    OpenCells,
    build_crossover_program,
    select_open_cells,
    sum_fixed_quantities,
)
from medalopt.solver.decomposition.iterations import (
    ColumnGenerationState,
    DecomposedTask,
    generate_columns,
    price_quantities,
)
from medalopt.solver.decomposition.pricing import RoutePricing
from medalopt.solver.decomposition.subproblems import SubproblemSolution, find_profitable_cells
from medalopt.solver.highs import DUAL_SIMPLEX, METHODS, load_highs, solve_by_method
from medalopt.solver.program import SolverProgram
from medalopt.solver.scaling import ScaledProgram, tighten_bounds_to_demand
from medalopt.solver.solution import Solution, extract_decisions
from medalopt.solver.solve_lp import SolveTask, generate_scalings, solve_linear_program
from medalopt.tolerances import CROSSOVER_GAP, NEGLIGIBLE_SHARE, PHASE_ONE_TOLERANCE, TARGET_GAP

MAX_ITERATIONS = 300  # greatest number of iterations of a phase
COARSE_GAP = 1e-5  # relative gap at which participation minima are included
SURE_PROFIT_SHARE = 0.05  # relative profit from which a cell counts as surely profitable
MAX_PARTICIPATION_TURNS = 8  # greatest number of times the surely profitable cells are revised
REUSED_PRICES = 12  # number of earlier prices whose solutions start a revised master problem
SCALING_COUNT = 3  # number of scalings, as `generate_scalings` yields them
METHOD_NAME = "decomposition"
FIRST_OPEN_CELLS = 1_000  # number of cells opened in the first crossover program
OPEN_CELL_SHARE = 1.5e-3  # the same as a share of all cells; the larger number applies
MAX_CROSSOVER_STEPS = 40  # greatest number of crossover programs
MAX_CONTINUED_STEPS = 4  # the same where block solutions are the alternative
MAX_KEPT_CELLS = 2_500  # number of open cells up to which the next confidence begins with them
MAX_TIED_CELLS = 20_000  # greatest number of tied cells opened together


@dataclass(frozen=True, eq=False)
class _Crossover:
    """Start of a sequence of crossover programs, with the subproblem `solution` at the prices `weights`."""

    left: OpenCells
    basis: CrossoverBasis
    cuts: tuple[ConeCut, ...]
    solution: SubproblemSolution
    weights: Floats


class ConfidencePath:
    """Decomposition of an instance, kept while one confidence after the other is promised.

    Block solutions and directions of cuts are valid for every confidence: only quantiles change. The first confidence
    should be the highest one, so that block solutions are known with which each of the others can be kept.
    """

    def __init__(self) -> None:
        self._split: DecomposedTask | None = None
        self._last: _Crossover | None = None

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
            solution = self.cross_over(split, replace(self._last, cuts=cuts), 0, METHODS[1], required=False)
            if solution is not None:
                yield solution
        state = _iterate_and_reprice(split, TARGET_GAP)
        if state is not None and not split.problem.classes.need.any():
            solution = self.cross_over(split, _begin_crossover(split, state), 0, METHODS[0])
            if solution is not None:
                yield solution

    def cross_over(
        self, split: DecomposedTask, start: _Crossover, scaling: int, method: str, required: bool = True
    ) -> Solution | None:
        """Recover an exact plan by a sequence of crossover programs.

        Args:
            split: Decomposed task.
            start: Open cells, basis and cuts to start with.
            scaling: Number of the scaling.
            method: Method of HiGHS.
            required: Whether as many cells are opened as it takes; else at most `MAX_KEPT_CELLS`.

        Returns:
            The solution; None where none is found.
        """
        found = _solve_crossover(split, start, scaling, method, required)
        if found is None:
            return None
        left, step = found
        self._split = split
        self._last = _Crossover(left, step.next_basis, step.binding_cuts, step.solution, step.weights)
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
        yield _recover_multipliers(split, state)
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
        surely &= find_profitable_cells(
            problem.instance, problem.pricing, problem.classes, split.master.compute_prices(found.y), SURE_PROFIT_SHARE
        )
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
            solution = path.cross_over(split, _begin_crossover(split, state), scaling, method)
            if solution is not None:
                yield solution


@dataclass(frozen=True, eq=False)
class _CrossoverStep:
    """Solved crossover program: columns and duals, and the subproblem solution at its duals."""

    network: Network
    program: SolverProgram
    ready: ScaledProgram
    x: Floats
    y: Floats
    weights: Floats
    solution: SubproblemSolution
    gap: float
    method: str
    basis: Basis | None
    cuts: tuple[ConeCut, ...]
    cut_values: Floats  # dual values of the cuts

    @property
    def binding_cuts(self) -> tuple[ConeCut, ...]:
        """Cuts with a dual value, which alone give the same optimum."""
        return tuple(cut for cut, value in zip(self.cuts, self.cut_values.tolist(), strict=True) if value > 0)

    @property
    def next_basis(self) -> CrossoverBasis:
        """Basis for the next program."""
        return CrossoverBasis(self.network, self.program, self.basis)


def _begin_crossover(split: DecomposedTask, state: ColumnGenerationState) -> _Crossover:
    """Return the start of crossover from the final state of column generation."""
    problem, weights = split.full_problem, split.master.compute_prices(state.y)
    solution = problem.solve(weights)[0] if problem.classes.need.any() else state.solution  # at the same prices
    left = select_open_cells(problem, solution, weights, _count_first_cells(solution))
    basis = CrossoverBasis(split.network, split.master.linear, split.master.read_basis())
    return _Crossover(left, basis, merge_cuts(split.master.cuts, state.y[split.master.height :]), solution, weights)


def _count_first_cells(solution: SubproblemSolution) -> int:
    """Return the number of cells opened in the first crossover program."""
    return max(FIRST_OPEN_CELLS, int(solution.sent.size * OPEN_CELL_SHARE))


def _solve_crossover(
    split: DecomposedTask, start: _Crossover, scaling: int, method: str, required: bool
) -> tuple[OpenCells, _CrossoverStep] | None:
    """Solve crossover programs until no cell changes; return the open cells and the last program's optimum."""
    problem, solution, weights = split.full_problem, start.solution, start.weights
    left, basis, cuts, few = start.left, start.basis, start.cuts, _count_first_cells(solution)
    for _ in range(MAX_CROSSOVER_STEPS if required else MAX_CONTINUED_STEPS):
        step = _solve_crossover_step(split, left, scaling, method, basis, cuts)
        if step is not None and separate_cones(split.linking.cones, step.x[step.program.network :]):
            cuts, basis = _collect_cuts(split, step)
            continue
        if step is None and not required:
            return None
        if step is None:
            few *= 2
            more = select_open_cells(problem, solution, weights, few, left)
        else:
            method, basis = step.method, step.next_basis
            done = step.gap <= CROSSOVER_GAP  # ties are opened nevertheless: the secondary objectives may decide them
            more = select_open_cells(problem, step.solution, step.weights, 0 if done else few, left)
            if done and more.cells.sum() > MAX_TIED_CELLS:
                return left, step
        if more.size == left.size and step is not None:
            return left, step  # the certificate decides on its quality
        if more.size == left.size and few > left.cells.size:
            return None
        if not required and more.cells.sum() > MAX_KEPT_CELLS:
            return None
        left = more
    return None


def _solve_crossover_step(
    split: DecomposedTask,
    left: OpenCells,
    scaling: int,
    method: str,
    basis: CrossoverBasis,
    cuts: tuple[ConeCut, ...],
) -> _CrossoverStep | None:
    """Solve the crossover program of the open cells; return None without an optimum."""
    task, problem, half = split.task, split.full_problem, split.linking.with_cuts(cuts)
    fixed = sum_fixed_quantities(problem, left)
    network, program = build_crossover_program(problem, half, task.bounds, left, fixed)

    def useful() -> Floats:
        """Return the implied bounds of the columns, limited to amounts that demand can use."""
        return build_crossover_program(
            problem, half, tighten_bounds_to_demand(task.instance, task.routes, task.bounds), left, fixed
        )[1].size

    ready = next(islice(generate_scalings(program, useful), scaling, None))
    start = basis.transfer(network, program, split.problem.pricing, left.solution)
    bare = ((each, None) for each in dict.fromkeys((method, *METHODS)))
    tries = (solve_by_method(ready, *each, task.budget) for each in ((method, start), *bare))
    result = next((each for each in tries if each.status != "unanswered"), None)
    if result is None or result.status != "optimal":
        return None
    x, y = (
        ready.unscale_columns(np.where(np.abs(result.x) < NEGLIGIBLE_SHARE, 0.0, result.x)),
        ready.unscale_duals(result.y),
    )
    of_master = _select_master_duals(split, network, y, cuts)
    weights = split.master.compute_prices(of_master)
    solution, entries = problem.solve(weights)
    parts = np.concatenate([program.costs[0] * x, half.program.costs[0, : half.count] * fixed])
    bound = split.master.compute_bound_alone(of_master, cuts) + float(price_quantities(entries, weights).sum())
    gap = (parts.sum() - bound) / max(1.0, np.abs(parts).sum())
    return _CrossoverStep(
        *(network, program, ready, x, y, weights, solution, float(gap), result.method, result.basis, cuts),
        of_master[len(of_master) - len(cuts) :],
    )


def _collect_cuts(split: DecomposedTask, step: _CrossoverStep) -> tuple[tuple[ConeCut, ...], CrossoverBasis]:
    """Collect the cuts that a crossover program needs, by dual simplex in HiGHS; return them with the final basis."""
    session, cuts, program = load_highs(step.ready), step.cuts, step.program
    if session is None or step.basis is None:
        return (*cuts, *separate_cones(split.linking.cones, step.x[program.network :])), step.next_basis
    session.use_simplex(DUAL_SIMPLEX)
    session.set_basis(step.basis)
    basis: Basis | None = step.basis
    for _ in range(MAX_CUT_ROUNDS):
        if session.run(split.task.budget) != "optimal":
            break
        x = step.ready.unscale_columns(session.read_solution()[0])
        violated, basis = separate_cones(split.linking.cones, x[program.network :]), session.basis
        program = replace(step.program, rows=(*step.program.rows, *list_cut_rows(len(step.cuts), len(cuts))))
        if not violated:
            break
        for cut in violated:
            add_scaled_cut(session, cut, program.network, step.ready.column)
        cuts = (*cuts, *violated)
    return cuts, CrossoverBasis(step.network, program, basis)


def _select_master_duals(split: DecomposedTask, network: Network, y: Floats, cuts: tuple[ConeCut, ...]) -> Floats:
    """Return the duals of the master problem's rows among those of a crossover program."""
    rows, own = len(network.supply_stream), split.network
    supply = np.zeros(split.problem.block.shape)
    supply[network.supply_stream, network.supply_period] = y[:rows]
    fractions = np.zeros((int(network.split_group.max(initial=-1)) + 1, len(split.task.instance.periods)))
    end = rows + len(network.split_group)
    fractions[network.split_group, network.split_period] = y[rows:end]
    rest = y[end : end + network.settlement_rows + len(split.linking.program.rows) + len(cuts)]
    return np.concatenate(
        [supply[own.supply_stream, own.supply_period], fractions[own.split_group, own.split_period], rest]
    )


def _build_crossover_solution(split: DecomposedTask, left: OpenCells, step: _CrossoverStep) -> Solution:
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
    weights = split.master.compute_prices(_select_master_duals(split, explicit, y, cuts))
    families = list_linking_families(instance, routes, whole=False)
    linking = [
        (f"define_{link.name}", key if len(key) > 1 else key[0] if key else None)
        for link in families
        for key in link.keys
    ]
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


def _recover_multipliers(split: DecomposedTask, state: ColumnGenerationState) -> Solution:
    """Recover the Farkas multipliers of an infeasible phase one."""
    return _build_solution(split, state.y, state.solution, split.network, split.master.cuts)
