"""Participation blocks: regions with a minimum share, solved by themselves."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import count, islice
from typing import Any

import numpy as np
import pytest
from instances.japan1621 import __main__ as japan1621
from tests.laws import pool

import medalopt
from medalopt import Instance
from medalopt.instance.arrays import ExactArray, Floats
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.routes import build_routes, compute_separable_participation
from medalopt.proof.bound import compute_lower_bound
from medalopt.proof.certificate import prove_infeasibility
from medalopt.proof.prices import build_prices
from medalopt.solver.decomposition import column_generation, crossover
from medalopt.solver.decomposition.column_generation import generate_columns
from medalopt.solver.decomposition.master import DecomposedTask
from medalopt.solver.decomposition.subproblems import ParticipationNeeds, PricingProblem, _solve_participation
from medalopt.solver.solve_lp import SolveTask

SHARE = 0.3
OWING = range(4)  # of the random instances in which some region sees to its need itself


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open almost no cell in the first crossover program, so that a small instance is decomposed like a large one."""
    monkeypatch.setattr(crossover, "FIRST_OPEN_CELLS", 1)


def at(instance: Instance, share: float) -> Instance:
    """Return `instance` with a minimum participation of every region."""
    asked = ExactArray(np.array(share), np.array(0))
    return replace(instance, policy=replace(instance.policy, participation=asked))


@cache
def owing(number: int) -> Instance:
    """Return a random instance with a minimum participation of every region."""
    asked = (at(pool.instance(seed), SHARE) for seed in count())
    separable = (each for each in asked if compute_separable_participation(each, build_routes(each)).any())
    return next(islice((each for each in separable if pool.solved(each) is not None), number, None))


def split(instance: Instance) -> DecomposedTask:
    """Return the decomposition of `instance`."""
    found = build_routes(instance)
    return DecomposedTask.decompose(SolveTask(instance, found, compute_bounds(instance, found)))


def agree(instance: Instance) -> medalopt.Plan:
    """Return the plan by decomposition, which is the direct way's, proven and by no other way in the end."""
    whole, taken = (medalopt.solve(instance, method=method) for method in ("direct", "decomposition"))
    assert taken.method.startswith("decomposition") and taken.certificate.optimal
    assert abs(taken.objective - whole.objective) <= pool.slack(whole, taken)
    return taken


@pytest.fixture(scope="module")
def nation(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """A nation of eight municipalities, with the supply by base assays: a plan that needs much of it."""
    folder = tmp_path_factory.mktemp("nation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(japan1621, "TOKYO", japan1621.TOKYO.with_name("tokyo2020-base-assays.yaml"))
        japan1621.main(8, folder)
    return medalopt.load(folder / "japan8.yaml")


def test_a_nation_reaches_the_exact_end(nation: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regions whose share binds have a price for it, and the exact end is reached from the first state of all needs."""
    seen, real = list[DecomposedTask](), DecomposedTask.require_participation

    def needing(*given: Any) -> DecomposedTask:
        seen.append(real(*given))
        return seen[-1]

    monkeypatch.setattr(DecomposedTask, "require_participation", needing)
    plan = agree(at(nation, 0.2))
    assert len(seen) == 1 and seen[0].problem.has_minimum.any() and not seen[0].problem.has_minimum.all()
    assert max(plan.duals["participation"].values()) > 0


@pytest.mark.parametrize("sure", [-10.0, 0.0, 10.0])
@pytest.mark.parametrize("number", OWING)
def test_what_is_taken_to_be_sure_does_not_matter(number: int, sure: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The optimum does not depend on which cells are assumed surely profitable."""
    monkeypatch.setattr(column_generation, "SURE_PROFIT_SHARE", sure)
    agree(owing(number))


def answered(number: int) -> tuple[DecomposedTask, Floats, Floats]:
    """Return a decomposed instance, the value of tonnes at random prices, and the minimum of each region."""
    taken = split(owing(number))
    weights = np.random.default_rng(number).normal(0, 1e3, taken.problem.pricing.linking.count)
    return taken, taken.problem.pricing.find_best(weights)[0], taken.problem.classes.need


@pytest.mark.parametrize("number", OWING)
def test_a_region_sends_its_cheapest_tonnes(number: int) -> None:
    """A region sends its minimum from the cheapest tonnes, and more only if profitable."""
    taken, best, need = answered(number)
    instance, available = taken.task.instance, taken.problem.pricing.available
    alone = taken.problem.classes.alone
    share, asked = _solve_participation(
        instance, taken.full_problem.minima, taken.problem.classes.bundled, best, available
    )
    region = instance.streams.region
    sent = np.bincount(region, (share * available).sum(axis=1), len(need))
    assert (sent >= need * (1 - 1e-12)).all() and (sent[asked > 0] <= need[asked > 0] * (1 + 1e-12)).all()
    mine = (alone & (need > 0)[region])[:, None] & (available > 0)
    price = asked[region][:, None]
    assert (share[mine & (best < price)] == 1).all() and (share[mine & (best > np.maximum(price, 0))] == 0).all()


@pytest.mark.parametrize("number", OWING)
def test_what_is_sure_to_go_may_be_left_out(number: int) -> None:
    """With cells taken to be sure the bound is never better, and the same where all of them pay."""
    taken, _, need = answered(number)
    chance = np.random.default_rng(number)
    for _ in range(5):
        weights = chance.normal(0, 1e3, taken.problem.pricing.linking.count)
        best = taken.problem.pricing.find_best(weights)[0]
        alone = taken.problem.classes.alone[:, None]
        pays, some = alone & (best < 0), alone & (chance.random(best.shape) < 0.5)
        all_of_it = worth(taken.full_problem, weights)
        for sure, same in ((pays, True), (some, False)):
            found = worth(
                replace(taken.problem, minima=ParticipationNeeds.remaining_minimum(taken.task.instance, need, sure)),
                weights,
            )
            assert found <= all_of_it + 1e-9 * abs(all_of_it)
            assert not same or found == pytest.approx(all_of_it, rel=1e-9)


def worth(asked: PricingProblem, weights: Floats) -> float:
    """Return the value of a subproblem solution."""
    return float((asked.solve(weights)[1] @ weights).sum())


def test_the_bound_with_needs_is_one_of_the_certificate() -> None:
    """With participation blocks, the bound of each iteration is at most that of the proof and meets the objective."""
    instance = owing(0)
    taken = split(instance).require_participation(np.zeros(instance.streams.available.value.shape, dtype=bool), 3)
    if taken.master.phase_one:
        assert (
            list(generate_columns(taken.master, taken.problem, 50))[-1].mix.value
            <= column_generation.PHASE_ONE_TOLERANCE
        )
        taken.master.end_phase_one()
    states = list(generate_columns(taken.master, taken.problem, 30))
    assert states[-1].gap < 1e-9
    for state in states:
        task = taken.task
        y = build_prices(task.instance, column_generation.recover_duals(taken, state.y, state.solution, taken.network))
        proven = float(compute_lower_bound(task.instance, task.routes, task.bounds, y, "cost"))
        assert proven == pytest.approx(state.bound, rel=1e-9)


def test_shares_that_cannot_be_kept_are_proven_so(nation: Instance) -> None:
    """If regions cannot all participate, block duals contribute to the proof of infeasibility."""
    instance = at(nation, 0.9)
    found = build_routes(instance)
    first = next(
        column_generation.solve_by_column_generation(SolveTask(instance, found, compute_bounds(instance, found)))
    )
    assert first.status == "infeasible" and prove_infeasibility(instance, first.duals).holds
    assert max(first.duals["participation"].values()) > 0
