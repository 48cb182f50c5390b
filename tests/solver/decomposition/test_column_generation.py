"""Column generation and direct solution have the same optimum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.laws import pool
from tests.model.cases import changed, loaded

import medalopt
from campaigns import decomposed
from medalopt import Instance
from medalopt.errors import LimitError, NoPlanError, UsageError
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.routes import build_routes
from medalopt.proof.bound import compute_lower_bound
from medalopt.proof.certificate import prove_infeasibility
from medalopt.proof.prices import build_prices
from medalopt.solver.decomposition import column_generation, crossover
from medalopt.solver.decomposition.column_generation import (
    generate_columns,
    solve_by_column_generation,
)
from medalopt.solver.decomposition.master import DecomposedTask
from medalopt.solver.solve_lp import SolveTask
from medalopt.tolerances import PHASE_ONE_TOLERANCE

TINY = Path(__file__).parents[3] / "instances" / "tiny.yaml"
SEEDS = range(6)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open almost no cell in the first crossover program, so that a small instance is decomposed like a large one."""
    monkeypatch.setattr(crossover, "FIRST_OPEN_CELLS", 1)


@pytest.mark.parametrize("measure", pool.MEASURES)
@pytest.mark.parametrize("seed", SEEDS)
def test_both_ways_agree(seed: int, measure: str) -> None:
    """Random instances have the same optimum, cost and tonnes by either way, or by either no plan."""
    instance, other = pool.instance(seed), pool.plan(seed, measure)
    try:
        plan = medalopt.solve(instance, measure, method="decomposition")
    except NoPlanError as error:
        assert other is None and error.status == "infeasible"
        return
    assert other is not None
    assert plan.method.startswith("decomposition") and plan.certificate.optimal
    assert abs(plan.objective - other.objective) <= pool.slack(plan, other)
    assert plan.cost == pytest.approx(other.cost, rel=1e-8)
    assert plan.tonnes == pytest.approx(other.tonnes, rel=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_streams_without_a_route_are_no_obstacle(seed: int) -> None:
    """Instances with streams without a route have the same optimum as by direct solution."""
    found = decomposed.trial(seed)
    assert not found.wrong and found.seen.total() > 0


@pytest.mark.parametrize("seed", range(12))
def test_both_ways_agree_on_stock(seed: int) -> None:
    """With castings that cost something while they wait, the same optimum by either way, or by either no plan."""
    other = pool.stocked(seed)
    try:
        plan = medalopt.solve(pool.instance(seed, stock=True), method="decomposition")
    except NoPlanError as error:
        assert other is None and error.status == "infeasible"
        return
    assert other is not None and plan.certificate.optimal
    assert abs(plan.objective - other.objective) <= pool.slack(plan, other)


def split(instance: Instance, measure: str = "cost") -> DecomposedTask:
    """Return the decomposition of `instance`."""
    found = build_routes(instance)
    return DecomposedTask.decompose(SolveTask(instance, found, compute_bounds(instance, found), measure))


def bounds(seed: int) -> list[tuple[float, float]]:
    """Return the Lagrangian bound of each iteration, and the bound of the proof at the same prices."""
    instance = pool.instance(seed)
    taken = split(instance)
    master = taken.master
    if master.phase_one:
        for state in generate_columns(master, taken.problem, 50):
            if state.mix.value <= PHASE_ONE_TOLERANCE:
                break
        master.end_phase_one()
    seen = []
    for state in generate_columns(master, taken.problem, 30):
        y = build_prices(instance, column_generation.recover_duals(taken, state.y, state.solution, taken.network))
        task = taken.task
        proven = float(compute_lower_bound(instance, task.routes, task.bounds, y, "cost"))
        seen.append((state.bound, proven))
        if state.gap < 1e-9:
            break
    return seen


def test_the_bound_of_a_round_is_that_of_the_certificate() -> None:
    """At the prices of every iteration the Lagrangian bound equals the bound of the proof."""
    seen = [pair for number in range(8) for pair in bounds(pool.solvable(number))]
    assert len(seen) > 20
    assert np.allclose([a for a, _ in seen], [b for _, b in seen], rtol=1e-9)


def test_a_gap_is_enough() -> None:
    """With a gap allowed the mix of answers does, which is a plan proven to be that near."""
    instance = pool.instance(pool.solvable(0))
    plan = medalopt.solve(instance, gap=0.05, method="decomposition")
    assert plan.certificate.feasible and plan.certificate.gap <= 0.05
    assert plan.method == "decomposition"


def test_what_needs_the_whole_program_is_refused() -> None:
    """An unknown method is refused."""
    with pytest.raises(UsageError, match="no method"):
        medalopt.solve(pool.instance(0), method="simplex")


def test_own_constraints_need_the_whole_program() -> None:
    """Decomposition is refused with extensions, with a remedy in the message."""
    with pytest.raises(UsageError, match="choose direct"):
        medalopt.solve(pool.instance(0), extensions=[Path("a.py")], method="decomposition")


def test_participation_is_met_region_by_region() -> None:
    """With participation, partly separable, both methods agree, with a price for each region."""
    instance = medalopt.load(TINY, {"policy.participation": "30 %"})
    assert split(instance).problem.classes.need.any()
    whole, taken = (medalopt.solve(instance, method=method) for method in ("direct", "decomposition"))
    assert taken.method.startswith("decomposition") and taken.certificate.optimal
    assert taken.cost == pytest.approx(whole.cost, rel=1e-9)
    assert taken.duals["participation"]


def test_what_is_out_of_time_is_stopped() -> None:
    """A time limit of 0 finds no plan, and the error says so."""
    with pytest.raises(LimitError):
        medalopt.solve(pool.instance(0), time_limit=0.0, method="decomposition")


def test_no_plan_is_proven_by_phase_one() -> None:
    """If infeasible, the multipliers of the master problem prove it, and no other method runs."""
    instance = medalopt.load(TINY, {"medals.gold.count": "100000"})
    found = build_routes(instance)
    first = next(solve_by_column_generation(SolveTask(instance, found, compute_bounds(instance, found))))
    assert first.status == "infeasible" and prove_infeasibility(instance, first.duals).holds


def test_both_ways_agree_where_every_feed_is_refused() -> None:
    """Without any route all metal is bought."""
    document = changed(
        impurities={"Hg": {}},
        devices={"phone": {"content": {"Ag": "1 kg/t", "Hg": "5 kg/t"}}},
        smelters={"smelter": {"returned": {"Ag": "90 %"}, "refuse": {"Hg": "1 kg/t"}}},
    )
    plan = medalopt.solve(loaded(document), method="decomposition")
    assert plan.cost == pytest.approx(300_000) and plan.certificate.optimal and not plan.tonnes
