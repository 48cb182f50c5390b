"""Value of information of a two-stage program: wait and see, and the contracts of mean data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalopt.errors import NoPlanError
from medalopt.instance.arrays import Floats
from medalopt.solver.program import SolverProgram
from medalopt.solver.two_stage import (
    NO_LIMITS,
    ScenarioStage,
    SearchLimits,
    TwoStageSolution,
    has_integers,
    improve_in_whole,
    is_searched_apart,
    search_together,
    solve_two_stage,
)


@dataclass(frozen=True, eq=False)
class InformationValue:
    """Value of a stochastic program and of perfect information; all are costs to minimise.

    `wait_and_see` <= `recourse` <= `mean_value_evaluated`.
    """

    solution: TwoStageSolution  # of the two-stage program
    alone: tuple[float, ...]  # optimum of each scenario, known beforehand
    wait_and_see: float  # mean of `alone`
    mean_first: Floats  # (n,) first stage of the program with mean data; NaN where that is infeasible
    mean_value: float  # optimum of that program; infinite likewise
    evaluated: tuple[float, ...]  # cost of each scenario with that first stage; infinite where it is infeasible
    mean_value_evaluated: float  # mean of `evaluated` (EEV)

    @property
    def recourse(self) -> float:
        """Optimum of the two-stage program.

        Returns:
            Unit of the objective.
        """
        return self.solution.value

    @property
    def of_perfect_information(self) -> float:
        """Expected value of perfect information (EVPI).

        Returns:
            Unit of the objective.
        """
        return self.recourse - self.wait_and_see

    @property
    def of_stochastic_solution(self) -> float:
        """Value of the stochastic solution (VSS).

        Returns:
            Unit of the objective.
        """
        return self.mean_value_evaluated - self.recourse


def compute_evpi_and_vss(
    first: SolverProgram,
    stages: Sequence[ScenarioStage],
    mean: ScenarioStage,
    report_progress: Callable[[str], None] = lambda _: None,
    limits: SearchLimits = NO_LIMITS,
) -> InformationValue:
    """Compute the value of the stochastic solution and of perfect information.

    Args:
        first: Columns, costs and rows of the first stage.
        stages: Scenarios; their probabilities sum to 1.
        mean: The scenario of mean data.
        report_progress: Called before each solve.
        limits: Limits of the search of all scenarios together.

    Returns:
        The optimum and the values around it.

    Raises:
        InfeasibleScenariosError: Some scenarios are infeasible even if known beforehand.
        NoPlanError: The two-stage program is infeasible.
    """

    def weigh(costs: Sequence[float]) -> float:
        """Return the expected value over the scenarios of a cost of each."""
        return sum(stage.probability * value for stage, value in zip(stages, costs, strict=True))

    plans, stages = _solve_each(first, stages, report_progress)
    alone = [one for one in plans if one is not None]
    if len(alone) < len(plans):
        raise InfeasibleScenariosError([number for number, one in enumerate(plans) if one is None])
    width = sum(len(stage.program.lower) for stage in stages)
    report_progress(f"all {len(stages)} scenarios together, {width:,} columns")
    solution = _solve_all(first, stages, alone, limits)
    report_progress("expected values")
    decided, least, evaluated = np.full(len(first.lower), np.nan), np.inf, [np.inf] * len(stages)
    try:
        middle = solve_two_stage(first, [replace(mean, probability=1.0)])
    except NoPlanError:
        pass  # there are no decisions for mean data
    else:
        decided, least = middle.first, middle.value
        fixed = replace(first, lower=decided, upper=decided)
        tried, _ = _solve_each(fixed, solution.stages, report_progress)
        evaluated = [np.inf if one is None else one.value for one in tried]
        if weigh(evaluated) < solution.value and (better := _improve(first, solution, tried)) is not None:
            solution = better
    if limits.given and has_integers(stages):
        report_progress("searching all scenarios together")
        solution = search_together(first, solution, limits)
    values = [one.value for one in alone]
    return InformationValue(
        *(solution, tuple(values), weigh(values), decided, least, tuple(evaluated), weigh(evaluated)),
    )


def _solve_all(
    first: SolverProgram, stages: Sequence[ScenarioStage], alone: Sequence[TwoStageSolution], limits: SearchLimits
) -> TwoStageSolution:
    """Return the optimum over all scenarios; with integers and many scenarios, an improved plan of each alone."""
    if is_searched_apart(stages):
        found = improve_in_whole(first, stages, [one.second[0] for one in alone])
        if found is not None:
            known = sum(stage.probability * one.bound for stage, one in zip(stages, alone, strict=True))
            return replace(found, bound=known)  # no plan costs less than plans that know the scenario
    return solve_two_stage(first, stages, limits=limits)


def _improve(
    first: SolverProgram, solution: TwoStageSolution, tried: Sequence[TwoStageSolution | None]
) -> TwoStageSolution | None:
    """Return a plan that is no dearer than the contracts of mean data, from their integers; None without integers."""
    stages, numbers = solution.stages, [one.second[0] for one in tried if one is not None]
    if not has_integers(stages):
        return None
    found = improve_in_whole(first, stages, numbers)
    return None if found is None or found.value > solution.value else replace(found, bound=solution.bound)


def _solve_each(
    first: SolverProgram, stages: Sequence[ScenarioStage], report_progress: Callable[[str], None]
) -> tuple[list[TwoStageSolution | None], list[ScenarioStage]]:
    """Return the plan of each scenario by itself, None where it is infeasible, and the stages with its cuts."""
    plans: list[TwoStageSolution | None] = []
    cut: list[ScenarioStage] = []
    for number, stage in enumerate(stages, start=1):
        report_progress(f"scenario {number} of {len(stages)} by itself")
        try:
            solution = solve_two_stage(first, [replace(stage, probability=1.0)])
        except NoPlanError:
            plans.append(None)
            cut.append(stage)
        else:
            plans.append(solution)
            cut.append(replace(solution.stages[0], probability=stage.probability))
    return plans, cut


class InfeasibleScenariosError(NoPlanError):
    """Scenarios that are infeasible even if known beforehand; `scenarios` are their indices."""

    def __init__(self, scenarios: Sequence[int]) -> None:
        super().__init__("two-stage program", "infeasible")
        self.scenarios = tuple(scenarios)
