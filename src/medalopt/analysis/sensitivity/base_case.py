"""Base case of the sensitivity analyses, metal shortage of a scenario, and premium of recycling over buying all metal.

The shortage of an infeasible scenario is the least metal from an external source that restores feasibility: free, pure,
unlimited offers of every metal that an alloy needs are added, and the LP minimises the kilograms bought from them,
Σ_e buy_e, instead of the objective of the plan.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.catalog import list_limits
from medalopt.errors import SolverError, UsageError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Bools, ExactArray, Floats
from medalopt.instance.bounds import compute_required_demand, get_limit, has_demand
from medalopt.instance.instance import Instance
from medalopt.instance.lot_relaxation import drop_lot_constraints
from medalopt.instance.lots import reorder_steps
from medalopt.instance.routes import build_routes
from medalopt.solver.assemble import CompiledMaster
from medalopt.solver.highs import TimeBudget
from medalopt.solver.mip import solve_program_in_lots
from medalopt.solver.parametric_solver import ParametricSolver
from medalopt.solver.program import SolverProgram
from medalopt.solver.verification import VerifiedResult
from medalopt.tolerances import VALUE_TOLERANCE

MAX_LOT_SECONDS = 60.0  # greatest time of the search for one outage or delay in lots, beyond which it is not proven
T = TypeVar("T")
StepCallback = Callable[[str], None]


def solve_or_none(ask: Callable[[], T]) -> T | None:
    """Call `ask`, and turn a SolverError into None, so that a table lacks one row instead of failing as a whole.

    Args:
        ask: Function without arguments that solves one case.

    Returns:
        The result of `ask`; None if no verified result could be obtained.
    """
    try:
        return ask()
    except SolverError:
        return None


class BaseCase:
    """Instance without changes, with which scenarios are compared; in lots where the runner counts them.

    Args:
        runner: Scenarios of the instance, which keep the results of the base case.
    """

    def __init__(self, runner: ScenarioRunner) -> None:
        self._runner = runner
        self.in_lots = runner.base_in_lots is not None
        self.scenario = runner.base_in_lots or runner.base

    @cached_property
    def result(self) -> VerifiedResult:
        """Verified optimum; raises NoPlanError, with the conflicting constraints, if the instance is infeasible."""
        if self.in_lots:
            return self._runner.lots_result
        result = self._runner.solve_scenario()
        if not result.feasible:
            self._runner.plan  # noqa: B018  # raises NoPlanError with the conflicting constraints
        return result

    @property
    def account(self) -> PlanAccount:
        """Accounting of the optimal plan."""
        return self.scenario.compute_account(self.result)

    @property
    def tolerance(self) -> float:
        """Difference within which two objective values count as equal, relative to |c|ᵀ|x| of the optimum."""
        return VALUE_TOLERANCE * max(1.0, float(np.abs(self.scenario.program.costs[0]) @ np.abs(self.result.x)))

    def solve(self, scenario: ScenarioProgram) -> VerifiedResult:
        """Solve a scenario as the base case is solved: in lots for at most `MAX_LOT_SECONDS`, or as linear program.

        Args:
            scenario: Scenario with its program.

        Returns:
            Verified result: optimal with its value, or infeasible.

        Raises:
            SolverError: If no result can be verified.
        """
        if self.in_lots:
            return solve_program_in_lots(scenario.program, TimeBudget(MAX_LOT_SECONDS))
        return self._runner.solve_scenario(scenario)

    def compute_increase(self, value: float) -> float:
        """Compute the increase of the objective over the optimum.

        Args:
            value: Objective value of a scenario; infinite if infeasible.

        Returns:
            `value` less the optimum, in the unit of the objective; 0 within the tolerance.
        """
        extra = value - self.result.value
        return 0.0 if abs(extra) <= self.tolerance else extra


def get_metal_titles(runner: ScenarioRunner) -> dict[str, str]:
    """Return the display name of each metal.

    Returns:
        Display name by metal symbol.
    """
    metals = runner.instance.metals
    return dict(zip(metals.names, metals.titles, strict=True))


EXTERNAL_OFFER_PREFIX = "\0"  # prefix of external offers; not allowed in names of a file
SHORTAGE_TOLERANCE = 1e-7  # fraction of a metal's minimum charge below which it is not short

MetalShortage = Mapping[str, float]  # metal to kg


class ShortageSolver:
    """Minimises external metal for scenarios of one instance, with one warm-started program.

    Args:
        instance: The instance whose scenarios are evaluated.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    @cached_property
    def scenario(self) -> ScenarioProgram:
        """Instance extended by external offers, with costs of 1 per kilogram bought from them."""
        return self._build_program(self._instance)

    @cached_property
    def _master(self) -> CompiledMaster:
        """The compiled model of the extended instance, shared by all scenarios."""
        instance = self._with_gifts(self._instance)
        return CompiledMaster.compile(instance, build_routes(instance), "cost")

    def _with_gifts(self, instance: Instance) -> Instance:
        """Return `instance` with free external offers of every metal that an alloy to be delivered contains."""
        in_demand = np.logical_or.reduce(self._instance.alloys.named[has_demand(self._instance)], axis=0)
        return _add_external_offers(drop_lot_constraints(instance), in_demand)

    def _build_program(self, instance: Instance) -> ScenarioProgram:
        """Return the program of the extended `instance` that minimises external metal."""
        scenario = ScenarioProgram.build(self._with_gifts(instance), "cost", self._master)
        costs = np.zeros_like(scenario.program.costs)
        costs[0, list(_find_external_columns(scenario.program))] = 1.0
        return dataclasses.replace(scenario, program=dataclasses.replace(scenario.program, costs=costs))

    @cached_property
    def _warm_solver(self) -> ParametricSolver:
        """The warm-started solver of the extended program."""
        return ParametricSolver(self.scenario.program)

    @cached_property
    def min_charge(self) -> Mapping[str, float]:
        """Minimum charge of each metal over the horizon, kg."""
        return dict(zip(self._instance.metals.names, compute_min_charge(self._instance)[:, -1].tolist(), strict=True))

    def compute_shortage(self, program: SolverProgram | None = None) -> MetalShortage | None:
        """Return the least external metal that makes a program feasible.

        Args:
            program: Program of the shape of `variant`; by default that of `variant` itself.

        Returns:
            Kilograms by metal symbol, without those below tolerance; empty if the program is feasible by itself, None
            if no metal restores feasibility.
        """
        base_program = self.scenario.program if program is None else program
        outcome = self._warm_solver.solve(base_program)
        if not outcome.feasible:
            return None
        result: dict[str, float] = {}
        for column, metal in _find_external_columns(base_program).items():
            result[metal] = result.get(metal, 0.0) + float(outcome.x[column])
        return {
            metal: kg
            for metal, kg in sorted(result.items())
            if kg > SHORTAGE_TOLERANCE * max(self.min_charge[metal], SHORTAGE_TOLERANCE)
        }

    def compute_for_instance(self, instance: Instance) -> MetalShortage | None:
        """Return the least external metal that makes another instance feasible.

        Args:
            instance: Changed instance with the same names as the original.

        Returns:
            Kilograms by metal symbol; None if no metal restores feasibility.
        """
        return self.compute_shortage(self._build_program(instance).program)

    def weigh(self, short: MetalShortage | None) -> float:
        """Return the severity of a shortage.

        Args:
            short: Kilograms by metal symbol, or None.

        Returns:
            The largest missing fraction of a metal's minimum charge, 0 to 1; infinite for None.
        """
        if short is None:
            return np.inf
        return max((kg / max(self.min_charge[metal], kg) for metal, kg in short.items()), default=0.0)


def _find_external_columns(program: SolverProgram) -> dict[int, str]:
    """Return the columns of external purchases, each with its metal symbol."""
    return {
        program.network + number: index[0][len(EXTERNAL_OFFER_PREFIX) :]
        for number, (place, index) in enumerate(program.places)
        if place == "buy" and index[0].startswith(EXTERNAL_OFFER_PREFIX)
    }


def _add_external_offers(instance: Instance, metals: Bools) -> Instance:
    """Return `instance` with pure, unlimited, recycled offers of `metals` (E,) at no price."""
    market, groups, numbers = instance.market, instance.charge_limits, np.flatnonzero(metals).tolist()
    names = (*market.names, *(f"{EXTERNAL_OFFER_PREFIX}{instance.metals.names[e]}" for e in numbers))
    order = np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.intp)
    not_zero: dict[str, float | Floats] = {"limit": np.inf, "storage_limit": np.inf, "recycled": 1.0}
    not_zero["composition"] = np.eye(len(metals))[numbers]
    arrays = {
        field.name: array.append(len(numbers), not_zero.get(field.name, 0.0)).select(order)
        for field in dataclasses.fields(market)
        if isinstance(array := getattr(market, field.name), ExactArray)
    }
    extended = dataclasses.replace(
        market,
        **arrays,
        names=tuple(names[number] for number in order.tolist()),
        storable=np.append(market.storable, np.zeros(len(numbers), dtype=bool))[order],
        steps=reorder_steps(market.steps, np.argsort(order)),
    )
    offers = np.pad(groups.offers, [(0, 0), (0, 0), (0, len(numbers))])[:, :, order]
    return dataclasses.replace(instance, market=extended, charge_limits=dataclasses.replace(groups, offers=offers))


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
        """Cost of recycling above that of buying, money; negative if recycling is cheaper."""
        return self.plan - self.cost

    @property
    def per_medal(self) -> float:
        """Cost of recycling above that of buying, money per medal; 0 without medals."""
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
    return compare_with_buying(BaseCase(runner).account)


def compare_with_buying(account: PlanAccount) -> RecyclingPremium:
    """Compare a plan with buying all metal.

    Returns:
        Costs and footprints of plan and benchmark.
    """
    instance = _make_buying_benchmark(account.instance)
    scenario = ScenarioProgram.build(instance, "cost")
    result = solve_program_in_lots(scenario.program, TimeBudget(MAX_LOT_SECONDS))
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


def _make_zeros(array: ExactArray) -> ExactArray:
    """Return zeros of the same shape."""
    return ExactArray(np.zeros(array.shape), np.zeros(array.shape, dtype=np.intp))


def compute_min_charge(instance: Instance) -> Floats:
    r"""Compute the least cumulative charge of each metal.

    With castings $K_{at}=Q_{at}/(1-\sigma_a)$, fresh charge is at least $K_{at}/(1-\lambda_a)$ less the process scrap
    that may be back by then: $\omega_a\sigma_a$ of $K_{at}$ or, if less, of castings possible $\mu_a$ periods before.
    A metal takes its least share of it, or the remainder at the greatest shares of all others.

    Returns:
        Charge by the end of each period, (E, T) [kg].
    """
    alloys, periods = instance.alloys, len(instance.periods)
    share, high = alloys.scrap_share.value, alloys.high.value
    cast = compute_required_demand(instance) / (1 - share)[:, None]
    castable = np.zeros((len(alloys.names), periods))  # by the time of which all scrap is back
    for alloy, lead in enumerate(alloys.scrap_lead.tolist()):
        castable[alloy, lead:] = alloys.capacity.value[alloy].cumsum()[: max(periods - lead, 0)]
    back = (alloys.scrap_returned.value * share)[:, None] * np.minimum(cast, castable)
    fresh = cast / (1 - alloys.loss.value)[:, None] - back
    rest = 1 - (high.sum(axis=1) + np.where(alloys.admits_others, alloys.others.value, 0.0))[:, None] + high
    minimum = np.where(alloys.named, np.maximum(alloys.low.value, rest), 0.0)  # (A, E)
    return np.asarray(np.maximum(minimum, 0.0).T @ np.maximum.accumulate(fresh, axis=1))
