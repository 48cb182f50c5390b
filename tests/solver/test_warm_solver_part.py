"""Partial pricing finds the optimum of the whole program, or reports that it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from tests.laws import pool

from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.solver import warm_solver
from medalopt.solver import warm_solver as warm
from medalopt.solver.local_analysis import BoundChange
from medalopt.solver.warm_solver import WarmSolver

SEEDS = [seed for seed in range(24) if seed % 2 == 0]


def answers(seed: int) -> list[tuple[float, ...]] | None:
    """Return prices of supply and of sums of shipments in a random plan, and the cost of a full step, or NaN."""
    plan = pool.plan(seed)
    if plan is None:
        return None
    near = PlanNeighbourhood.build(plan, [np.array([i]) for i in range(len(plan.instance.streams.names))])
    found = []
    for row in range(0, len(near.local.linear.rows), 3):
        for by in (1.0, -1.0):
            change = BoundChange(rows={row: (by, by)})
            told = (near.compute_slope(change), near.local.solve_step(BoundChange(rows={row: (100 * by, 100 * by)})))
            found.append(tuple(np.nan if one is None else one.value for one in told))
    for group in range(len(near.local.meters)):
        sums = (near.local.solve_metered_direction(group, 1), near.local.solve_metered_direction(group, -1))
        found.append(tuple(np.nan if one is None else one.value for one in sums))
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_part_answers_as_the_whole(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices, steps and infeasibility are the same as in the whole program, even with few initial columns."""
    whole = answers(seed)
    if whole is None:
        return
    asked: list[object] = []
    solve = warm_solver.PartialProgram.solve
    monkeypatch.setattr(warm_solver.PartialProgram, "solve", lambda *given: (asked.append(1), solve(*given))[1])
    monkeypatch.setattr(warm_solver, "_INITIAL_COLUMNS_PER_ROW", 0)
    monkeypatch.setattr(warm, "_PARTIAL_PRICING_ENTRIES", 0)
    apart = answers(seed)
    assert asked and apart is not None
    for one, other in zip(whole, apart, strict=True):
        assert one == pytest.approx(other, rel=1e-7, abs=1e-6, nan_ok=True)


def test_where_a_part_is_not_decisive_the_whole_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a step allowed to it, or a ray that proves anything, a part leaves the answer to the whole program."""
    whole = answers(10)
    monkeypatch.setattr(warm, "_PARTIAL_PRICING_ENTRIES", 0)
    monkeypatch.setattr(warm_solver, "_SIMPLEX_ITERATION_LIMIT", 0)
    monkeypatch.setattr(warm_solver, "FARKAS_TOLERANCE", np.inf)
    full: list[object] = []
    run = WarmSolver._run_simplex
    monkeypatch.setattr(WarmSolver, "_run_simplex", lambda *given: (full.append(1), run(*given))[1])
    apart = answers(10)
    assert full and whole is not None and apart is not None
    for one, other in zip(whole, apart, strict=True):
        assert one == pytest.approx(other, rel=1e-7, abs=1e-6, nan_ok=True)
