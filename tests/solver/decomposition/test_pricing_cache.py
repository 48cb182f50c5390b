"""Answers that last, while prices move less than would change them."""

from dataclasses import replace

import numpy as np
import pytest
from tests.laws import pool

from medalopt.instance.bounds import compute_bounds
from medalopt.instance.routes import build_routes
from medalopt.solver.decomposition import subproblems
from medalopt.solver.decomposition.master import DecomposedTask
from medalopt.solver.decomposition.subproblems import ParticipationNeeds
from medalopt.solver.solve_lp import SolveTask


@pytest.mark.parametrize("seed", [0, 3, 11, 27])
@pytest.mark.parametrize("owing", [False, True])
def test_answers_that_last_are_those_of_new_prices(seed: int, owing: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Along converging prices, cached subproblem solutions equal those priced again."""
    monkeypatch.setattr(subproblems, "REPRICED_SHARE", 1.0)
    instance = pool.instance(seed)
    found = build_routes(instance)
    taken = DecomposedTask.decompose(SolveTask(instance, found, compute_bounds(instance, found), "cost")).problem
    chance, last = np.random.default_rng(seed), None
    if owing:
        need = 0.3 * np.bincount(
            instance.streams.region, taken.pricing.available.sum(axis=1), len(instance.regions)
        ).astype(np.float64)
        need[np.unique(instance.streams.region[~taken.classes.alone])] = 0.0
        taken = replace(
            taken, minima=ParticipationNeeds.remaining_minimum(instance, need, chance.random(taken.block.shape) < 0.2)
        )
    weights = chance.normal(0, 1e3, taken.pricing.linking.count)
    for step in range(12):
        last = taken.reprice(weights, last)
        answer, made = taken.solve(weights)
        assert np.array_equal(last.solution.sent, answer.sent) and np.array_equal(last.solution.stocks, answer.stocks)
        assert np.array_equal(last.solution.by[answer.sent > 0], answer.by[answer.sent > 0])
        assert last.reduced_costs == pytest.approx(made, rel=1e-9, abs=1e-9 * np.abs(made).max(initial=1.0))
        weights = weights + chance.normal(0, 10.0 ** (2 - step), len(weights))
    assert (last is not None) and (last.margin > 0).any()
