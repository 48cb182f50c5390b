"""Solve one instance by column generation, then cross over to an exact optimum; infeasibility is shown by phase one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from medalopt.instance.arrays import Floats
from medalopt.solver.decomposition.iterations import (
    ColumnGenerationState,
    DecomposedTask,
    generate_columns,
    price_quantities,
)
from medalopt.solver.decomposition.recover import (
    METHOD_NAME,
    recover_exact_solution,
    recover_mixed_solution,
    recover_refutation,
)
from medalopt.solver.decomposition.subproblems import find_profitable_cells
from medalopt.solver.highs import METHODS
from medalopt.solver.solution import Solution
from medalopt.solver.solve_lp import SolveTask, solve_linear_program
from medalopt.tolerances import PHASE_ONE_TOLERANCE, TARGET_GAP

MAX_ITERATIONS = 300  # greatest number of iterations of a phase
COARSE_GAP = 1e-5  # relative gap at which participation minima are included
SURE_PROFIT_SHARE = 0.05  # relative profit from which a cell counts as surely profitable
MAX_PARTICIPATION_TURNS = 8  # greatest number of times the surely profitable cells are revised
REUSED_PRICES = 12  # number of earlier prices whose solutions start a revised master problem
SCALING_COUNT = 3  # number of scalings, as `generate_scalings` yields them


def solve_by_column_generation(task: SolveTask, gap: float = 0.0) -> Iterator[Solution]:
    """Yield solutions: with a `gap` the plan that attains it, then exact ones, then those of the direct method.

    Args:
        task: Instance to solve.
        gap: Relative optimality gap that suffices, 0 for exact solutions only.

    Yields:
        Unverified solutions, as `solve_linear_program` does.
    """
    split = DecomposedTask.decompose(task)
    owing = bool(split.problem.classes.need.any())
    state = _iterate_and_reprice(split, COARSE_GAP if owing else max(gap / 2, TARGET_GAP))
    if owing and state is not None and not split.master.phase_one:
        split, state = _enforce_participation(split, state, max(gap / 2, TARGET_GAP))
    if not task.budget.seconds_left():
        if state is not None and not split.master.phase_one:
            yield recover_mixed_solution(split, state)
        yield Solution("stopped", METHOD_NAME)
        return
    if state is not None and split.master.phase_one:
        yield recover_refutation(split, state)
    elif state is not None:
        if gap > TARGET_GAP:
            yield recover_mixed_solution(split, state)
        yield from _yield_exact(split, state)
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


def _yield_exact(split: DecomposedTask, state: ColumnGenerationState) -> Iterator[Solution]:
    """Yield exact solutions, by one scaling and method after the other."""
    for scaling in range(SCALING_COUNT):
        for method in METHODS:
            if not split.task.budget.seconds_left():
                yield recover_mixed_solution(split, state)
                yield Solution("stopped", METHOD_NAME)
                return
            solution = recover_exact_solution(split, state, scaling, method)
            if solution is not None:
                yield solution
