"""Named scenarios of an instance, each solved and compared with the base case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.base_case import (
    StepCallback,
    compute_objective_increase,
    get_metal_titles,
    get_objective_unit,
    ignore_progress,
    solve_base_case,
)
from medalopt.analysis.sensitivity.shortage import MetalShortage, ShortageSolver
from medalopt.errors import SolverError, UsageError
from medalopt.instance.paths import render_path


@dataclass(frozen=True)
class NamedScenarioResult:
    """Result of one scenario: its `changes` as written in the file, and its plan compared with the base case.

    If infeasible, `value`, `extra`, `footprint` and `tonnes` are infinite and `shortage` gives the missing metal in kg;
    if
    no verified result exists, `fault` gives the reason.
    """

    name: str
    changes: Mapping[str, str]
    value: float
    extra: float
    footprint: float  # kg CO2e
    tonnes: float  # t of devices collected
    shortage: MetalShortage | None
    note: str = ""
    fault: str = ""

    @property
    def status(self) -> str:
        """Status of the scenario.

        Returns:
            `optimal`, `infeasible`, or `unanswered`.
        """
        return "optimal" if self.feasible else "unanswered" if self.fault else "infeasible"

    @property
    def feasible(self) -> bool:
        """Return whether a plan exists.

        Returns:
            True if the objective is finite.
        """
        return self.value < np.inf


@dataclass(frozen=True)
class ScenarioComparison:
    """The base case and all named scenarios, in the order of the instance."""

    base: NamedScenarioResult
    scenarios: tuple[NamedScenarioResult, ...]
    unit: str
    titles: dict[str, str]  # of metals


def evaluate_scenarios(runner: ScenarioRunner, report_progress: StepCallback = ignore_progress) -> ScenarioComparison:
    """Solve the named scenarios of the instance.

    Args:
        runner: Scenarios of the instance.
        report_progress: Progress callback.

    Returns:
        Objective, footprint and tonnes of each scenario and of the base case.

    Raises:
        NoPlanError: If the base case is infeasible.
        UsageError: If the instance names no scenario.
        InputError: If a change of a scenario is invalid.
    """
    named = runner.named_scenarios()
    if not named:
        raise UsageError(
            f"{runner.instance.name}: has no `scenarios:`; write some, such as "
            'scenarios: {poorer: {"devices.*.content.Ag": 85 %}}'
        )
    outcome = solve_base_case(runner)
    account = runner.base.compute_account(outcome)
    base = NamedScenarioResult("", {}, outcome.value, 0.0, float(account.footprint), float(account.tonnes), None)
    notes = {render_path(("scenarios", one.name)): one.name for one in named}
    notes = {notes[source.path]: source.note for source in runner.instance.sources if source.path in notes}
    collected = []
    for named_scenario in named:
        name, changes = named_scenario.name, named_scenario.texts
        report_progress(f"scenario {name}")
        scenario = runner.build_scenario(changes)
        try:
            result = runner.solve_scenario(scenario)
            short = None if result.feasible else ShortageSolver(scenario.instance).compute_shortage()
        except SolverError as error:  # only this row lacks a result
            collected.append(
                NamedScenarioResult(
                    name, changes, np.inf, np.inf, np.inf, np.inf, None, notes.get(name, ""), str(error)
                )
            )
            continue
        if not result.feasible:
            collected.append(
                NamedScenarioResult(name, changes, np.inf, np.inf, np.inf, np.inf, short, notes.get(name, ""))
            )
            continue
        made, extra = (
            scenario.compute_account(result),
            compute_objective_increase(result.value, outcome, runner.base.program),
        )
        totals = (result.value, extra, float(made.footprint), float(made.tonnes))
        collected.append(NamedScenarioResult(name, changes, *totals, None, notes.get(name, "")))
    return ScenarioComparison(base, tuple(collected), get_objective_unit(runner), get_metal_titles(runner))
