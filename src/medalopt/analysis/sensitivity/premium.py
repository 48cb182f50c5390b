"""Benchmark of buying all metal on the market, and the premium of recycling over it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.base_case import solve_base_case
from medalopt.analysis.sensitivity.shortage import MetalShortage, ShortageSolver
from medalopt.catalog import list_limits
from medalopt.errors import UsageError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import ExactArray
from medalopt.instance.bounds import get_limit
from medalopt.instance.instance import Instance
from medalopt.solver.parametric_solver import solve_from_scratch


@dataclass(frozen=True)
class RecyclingPremium:
    """Cost and footprint of the plan and of the benchmark, in which all metal is bought from market offers.

    If the offers do not suffice the benchmark is not available: `cost` is infinite and `shortage` gives the missing
    metal
    (None if no metal restores feasibility). Other prices, such as `sell`, are never used in place of an offer.
    """

    plan: float
    cost: float
    medals: int
    footprint: float  # kg CO2e of the plan
    footprint_bought: float
    shortage: MetalShortage | None
    recycles: bool = True  # the plan collects devices

    @property
    def amount(self) -> float:
        """Cost of recycling above that of buying.

        Returns:
            Money; negative if recycling is cheaper.
        """
        return self.plan - self.cost

    @property
    def per_medal(self) -> float:
        """Cost of recycling above that of buying, per medal.

        Returns:
            Money per medal; 0 without medals.
        """
        return self.amount / self.medals if self.medals else 0.0


def compute_premium(runner: ScenarioRunner) -> RecyclingPremium:
    """Compute the premium of the optimal plan over buying all metal.

    Args:
        runner: Scenarios of the instance, with cost as objective.

    Returns:
        Costs and footprints of plan and benchmark.

    Raises:
        UsageError: If the objective is not cost.
        NoPlanError: If the instance is infeasible.
    """
    if runner.objective != "cost":
        raise UsageError("the recycling premium is computed for cost only: omit the objective")
    return compare_with_buying(runner.base.compute_account(solve_base_case(runner)))


def compare_with_buying(account: PlanAccount) -> RecyclingPremium:
    """Compare a plan with buying all metal.

    Args:
        account: Accounting of the plan.

    Returns:
        Costs and footprints of plan and benchmark.
    """
    instance = _make_buying_benchmark(account.instance)
    scenario = ScenarioProgram.build(instance, "cost")
    result = solve_from_scratch(scenario.program)
    simply = scenario.compute_account(result) if result.feasible else None
    return RecyclingPremium(
        plan=float(account.cost),
        cost=np.inf if simply is None else float(simply.cost),
        medals=int(instance.medals.count.sum()),
        footprint=float(account.footprint),
        footprint_bought=np.inf if simply is None else float(simply.footprint),
        shortage=ShortageSolver(instance).compute_shortage() if simply is None else None,
        recycles=bool(account.sent.any()),
    )


def _make_buying_benchmark(instance: Instance) -> Instance:
    """Return the benchmark instance: no streams, no committed feed, and no policy constraints."""
    streams, policy = instance.streams, instance.policy
    return dataclasses.replace(
        instance,
        streams=dataclasses.replace(
            streams, available=_make_zeros(streams.available), committed=_make_zeros(streams.committed)
        ),
        smelters=dataclasses.replace(instance.smelters, committed=_make_zeros(instance.smelters.committed)),
        policy=dataclasses.replace(
            policy,
            **{  # type: ignore[arg-type]
                limit.field: ExactArray(np.full(values.shape, limit.free), np.zeros(values.shape, dtype=np.intp))
                for _, limit in list_limits("policy")
                for values in (get_limit(instance, limit),)
            },
        ),
    )


def _make_zeros(array: ExactArray, first: int | None = None) -> ExactArray:
    """Return zeros of the same shape, or only the `first` of them."""
    raw = np.zeros(array.shape)[:first] if array.shape else np.zeros(())
    return ExactArray(raw, np.zeros(raw.shape, dtype=np.intp))
