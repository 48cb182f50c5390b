"""Shared by the sensitivity analyses: base-case solve, objective tolerance, unproven rows, and metal shortage.

The shortage of an infeasible scenario is the least metal from an external source that restores feasibility: free, pure,
unlimited offers of every metal that an alloy needs are added, and the LP minimises the kilograms bought from them,
Σ_e buy_e, instead of the objective of the plan.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeVar

import numpy as np

from medalopt.analysis.infeasibility.screening import compute_min_charge
from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.errors import SolverError
from medalopt.instance.arrays import EXACT_INFINITY, EXACT_ONE, EXACT_ZERO, Bools, ExactArray, ExactNumber
from medalopt.instance.bounds import drop_lot_constraints
from medalopt.instance.demand import has_demand
from medalopt.instance.instance import Instance
from medalopt.instance.price_steps import reorder_steps
from medalopt.instance.routes import build_routes
from medalopt.solver.compile import CompiledMaster
from medalopt.solver.parametric_solver import ParametricSolver
from medalopt.solver.program import SolverProgram
from medalopt.solver.verification import VerifiedResult
from medalopt.tolerances import VALUE_TOLERANCE

T = TypeVar("T")
StepCallback = Callable[[str], None]


def ignore_progress(activity: str) -> None:
    """Ignore a progress message.

    Args:
        activity: Description of the current step.
    """


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


def solve_base_case(runner: ScenarioRunner) -> VerifiedResult:
    """Solve the instance without changes (the base case).

    Args:
        runner: Scenarios of the instance, which cache the base case.

    Returns:
        The verified optimum.

    Raises:
        NoPlanError: If the instance is infeasible; it carries the conflicting constraints.
    """
    result = runner.solve_scenario()
    if not result.feasible:
        runner.plan  # noqa: B018  # raises NoPlanError with the conflicting constraints
    return result


def compute_objective_increase(value: float, result: VerifiedResult, program: SolverProgram) -> float:
    """Return the increase of the objective over the optimum of the base case.

    Args:
        value: Objective value of a scenario; infinite if infeasible.

    Returns:
        `value` less the optimum, in the unit of the objective; 0 within the tolerance.
    """
    extra = value - result.value
    return 0.0 if abs(extra) <= compute_objective_tolerance(result, program) else extra


def compute_objective_tolerance(result: VerifiedResult, program: SolverProgram) -> float:
    """Return the tolerance within which two objective values count as equal.

    Returns:
        SAME times max(1, |c|ᵀ|x|), in the unit of the objective.
    """
    return VALUE_TOLERANCE * max(1.0, float(np.abs(program.costs[0]) @ np.abs(result.x)))


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
    market, periods = instance.market, len(instance.periods)
    numbers = np.flatnonzero(metals).tolist()
    names = [f"{EXTERNAL_OFFER_PREFIX}{instance.metals.names[e]}" for e in numbers]
    order = np.array(sorted(range(len(market.names) + len(names)), key=[*market.names, *names].__getitem__), dtype=int)
    pure = [EXACT_ONE if e == one else EXACT_ZERO for one in numbers for e in range(len(metals))]

    groups = instance.charge_limits
    none = np.zeros((*groups.offers.shape[:2], len(numbers)), dtype=np.bool_)

    def with_(array: ExactArray, more: list[ExactNumber]) -> ExactArray:
        """Append entries to an array of the market, and reorder it by offer name."""
        return _concatenate_arrays(array, ExactArray.gather(more, (len(numbers), *array.shape[1:])), order)

    return dataclasses.replace(
        instance,
        market=dataclasses.replace(
            market,
            names=tuple([*market.names, *names][number] for number in order.tolist()),
            composition=with_(market.composition, pure),
            price=with_(market.price, [EXACT_ZERO] * (len(numbers) * periods)),
            limit=with_(market.limit, [EXACT_INFINITY] * len(numbers)),
            storage_limit=with_(market.storage_limit, [EXACT_INFINITY] * len(numbers) * periods),
            opening_stock=with_(market.opening_stock, [EXACT_ZERO] * len(numbers)),
            closing_stock=with_(market.closing_stock, [EXACT_ZERO] * len(numbers)),
            recycled=with_(market.recycled, [EXACT_ONE] * len(numbers)),
            storable=np.append(market.storable, np.zeros(len(numbers), dtype=bool))[order],
            committed=with_(market.committed, [EXACT_ZERO] * len(numbers)),
            footprint=with_(market.footprint, [EXACT_ZERO] * len(numbers)),
            lot=with_(market.lot, [EXACT_ZERO] * len(numbers)),
            minimum_order=with_(market.minimum_order, [EXACT_ZERO] * len(numbers)),
            steps=reorder_steps(market.steps, np.argsort(order)),
        ),
        charge_limits=dataclasses.replace(groups, offers=np.concatenate([groups.offers, none], axis=2)[:, :, order]),
    )


def _concatenate_arrays(
    array: ExactArray, other: ExactArray, order: np.ndarray[tuple[int, ...], np.dtype[np.intp]]
) -> ExactArray:
    """Concatenate two arrays with units along the first axis and permute the result by `order`."""
    units = [np.broadcast_to(array.unit, array.shape) for array in (array, other)]
    unit = np.concatenate([units[0], units[1] + len(array.factors)])
    return ExactArray(np.concatenate([array.raw, other.raw])[order], unit[order], (*array.factors, *other.factors))
