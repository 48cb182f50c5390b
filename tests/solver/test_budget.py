"""Optimality gap and time limit of a solve."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from tests.model.cases import conformance, loaded, plain
from tests.solver.test_infeasibility import too_little

import medalopt
from medalopt.errors import LimitError, NoPlanError, SolverError, UsageError
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.routes import build_routes
from medalopt.plan.plan import Plan
from medalopt.solve_instance import solve_continuous
from medalopt.solver import highs, solve_lp
from medalopt.solver.highs import METHODS, NO_TIME_LIMIT, HighsResult, HighsSession, TimeBudget, solve_by_method
from medalopt.solver.scaling import ScaledProgram, scale_program
from medalopt.solver.solve_lp import SolveTask, build_program

TINY = medalopt.load(Path(__file__).parents[2] / "instances" / "tiny.yaml")
LONG = 1e6  # seconds: a time limit that is never reached


def stopped_after(iterations: int, monkeypatch: pytest.MonkeyPatch) -> Plan | None:
    """Return the plan of tiny after a number of simplex iterations; None if there is none yet."""
    whole = highs.load_highs

    def short(scaled_program: ScaledProgram) -> HighsSession | None:
        solver = whole(scaled_program)
        if solver is not None:
            solver.set_options(simplex_iteration_limit=iterations)
        return solver

    with monkeypatch.context() as patched:
        patched.setattr(highs, "load_highs", short)
        try:
            return medalopt.solve(TINY, time_limit=LONG)
        except LimitError:
            return None


def test_a_plan_stopped_early_says_how_good_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan stopped early is feasible; its bound is below the optimum and its gap above the true one."""
    best = medalopt.solve(TINY).cost
    plans = [stopped_after(iterations, monkeypatch) for iterations in (0, 120, 150, 184, 400)]
    assert plans[0] is None and plans[-1] is not None and not plans[-1].stopped
    early = [plan for plan in plans if plan is not None and plan.stopped]
    assert len(early) >= 3
    for plan in early:
        assert plan.status == "feasible"
        assert plan.certificate.primal_violation <= 1e-9
        assert plan.certificate.lower_bound <= best * (1 + 1e-12)
        paid = sum(abs(by_period).sum() for by_period in plan.account.costs.values())
        assert plan.cost > best and plan.certificate.gap >= (plan.cost - best) / paid
    assert early[-1].cost < early[0].cost


def test_a_limit_that_is_not_reached_changes_nothing() -> None:
    """The plan is the one that is found without a limit, and is called optimal."""
    free, limited = medalopt.solve(TINY), medalopt.solve(TINY, time_limit=LONG)
    assert limited.status == "optimal" and not limited.stopped
    assert limited.cost == pytest.approx(free.cost, rel=1e-12)
    assert limited.tonnes == pytest.approx(free.tonnes, rel=1e-9)


def test_without_time_there_is_no_plan() -> None:
    """A time limit of 0 s gives an error with a remedy, and no plan."""
    with pytest.raises(LimitError, match="the time limit expired before a plan was found"):
        medalopt.solve(TINY, time_limit=0)


def worse(share: float) -> object:
    """Return a way to solve whose prices prove less than there is to prove."""
    return lambda ready, method, *_: replace(answer := solve_by_method(ready, method), y=(1 - share) * answer.y)


def test_a_gap_that_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan with poor dual values is accepted only at the gap that was requested."""
    instance = loaded(plain())
    monkeypatch.setattr(solve_lp, "solve_by_method", worse(0.001))
    monkeypatch.setattr(solve_lp, "refine_iteratively", lambda *_: ())
    with pytest.raises(SolverError, match="no method found a solution that can be verified"):
        medalopt.solve(instance)
    plan = medalopt.solve(instance, gap=0.01)
    assert plan.status == "feasible" and not plan.stopped
    assert 1e-9 < plan.certificate.gap <= 0.01
    with pytest.raises(SolverError):
        medalopt.solve(instance, gap=plan.certificate.gap / 2)


def test_the_nearest_to_the_best_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """If time ends before a proof, the plan with the smallest proven gap is returned."""
    shares = iter((0.001, 0.0001, 0.01))

    def poor(ready: ScaledProgram, method: str, *_: object) -> HighsResult:
        share = next(shares, None)
        return HighsResult("stopped", method) if share is None else worse(share)(ready, method)  # type: ignore[operator,no-any-return]

    monkeypatch.setattr(solve_lp, "solve_by_method", poor)
    plan = medalopt.solve(conformance("c00"), time_limit=LONG)
    assert plan.stopped and plan.method == f"{METHODS[1]}, direct"


@dataclass(frozen=True)
class Short(TimeBudget):
    """A budget that is over as soon as the first run has been given all of it."""

    asked: tuple[int, ...] = ()

    def seconds_left(self) -> float:
        """Return all the time there is, once."""
        object.__setattr__(self, "asked", (*self.asked, 1))
        return LONG if len(self.asked) == 1 else 0.0


def test_a_proof_found_in_time_is_not_thrown_away() -> None:
    """If time ends during tie-breaking, the proven plan is returned with its prices."""
    instance = loaded(plain())
    found = build_routes(instance)
    ready = scale_program(build_program(SolveTask(instance, found, compute_bounds(instance, found)))[1])
    whole, cut = (solve_by_method(ready, METHODS[0], None, budget) for budget in (TimeBudget(LONG), Short(LONG)))
    assert cut.status == "optimal"
    assert ready.costs[0] @ cut.x == pytest.approx(ready.costs[0] @ whole.x, rel=1e-9)
    assert np.array_equal(cut.y, whole.y)


@dataclass(frozen=True)
class Counted(TimeBudget):
    """Time budget that ends after `most` queries."""

    most: int = 0
    asked: list[int] = field(default_factory=list)

    def seconds_left(self) -> float:
        """Return all the time there is, so many times."""
        self.asked.append(1)
        return LONG if len(self.asked) <= self.most else 0.0


def test_the_search_for_a_contradiction_keeps_the_limit_too() -> None:
    """If time ends before Farkas multipliers, no claim is made; otherwise infeasibility is proven."""
    instance = too_little()
    for most in (1, 2, 3):
        with pytest.raises(LimitError):
            solve_continuous(instance, budget=Counted(LONG, most=most))
    with pytest.raises(NoPlanError) as refusal:
        solve_continuous(instance, budget=Counted(LONG, most=100))
    assert refusal.value.status == "infeasible"


def test_what_cannot_be_asked() -> None:
    """A negative gap or time limit, or one that is no number, is refused."""
    for gap in (-0.01, math.inf, math.nan):
        with pytest.raises(UsageError, match="give a share"):
            medalopt.solve(TINY, gap=gap)
    for seconds in (-1.0, math.nan):
        with pytest.raises(UsageError, match="is not valid: give 0 or more"):
            medalopt.solve(TINY, time_limit=seconds)


def test_a_budget_without_an_end() -> None:
    """An infinite budget stays infinite, and an exhausted one never becomes negative."""
    assert NO_TIME_LIMIT.seconds_left() == math.inf
    assert TimeBudget(0).seconds_left() == 0
