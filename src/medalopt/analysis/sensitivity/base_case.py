"""Shared by the sensitivity analyses: base-case solve, objective tolerance, and rows that cannot be proven."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.errors import SolverError
from medalopt.plan.plan import OBJECTIVE_UNITS
from medalopt.solver.program import SolverProgram
from medalopt.solver.verification import VerifiedResult
from medalopt.tolerances import VALUE_TOLERANCE

T = TypeVar("T")
StepCallback = Callable[[str], None]
UNPROVEN_STATUS = "unanswered"  # status of a row whose result could not be verified


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


def get_row_status(feasible: bool, proven: bool) -> str:
    """Return the status of one result row, as written to the JSON output.

    Args:
        feasible: True if the case has a feasible plan.
        proven: True if the result is verified.

    Returns:
        `optimal`, `infeasible`, or `unanswered` if the result is not verified.
    """
    return UNPROVEN_STATUS if not proven else "optimal" if feasible else "infeasible"


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
        result: Optimum of `program`.
        program: Linear program of the base case.

    Returns:
        `value` less the optimum, in the unit of the objective; 0 within the tolerance.
    """
    extra = value - result.value
    return 0.0 if abs(extra) <= compute_objective_tolerance(result, program) else extra


def compute_objective_tolerance(result: VerifiedResult, program: SolverProgram) -> float:
    """Return the tolerance within which two objective values count as equal.

    Args:
        result: Optimum of `program`.
        program: Linear program of the base case.

    Returns:
        SAME times max(1, |c|ᵀ|x|), in the unit of the objective.
    """
    return VALUE_TOLERANCE * max(1.0, float(np.abs(program.costs[0]) @ np.abs(result.x)))


def get_objective_unit(runner: ScenarioRunner) -> str:
    """Return the unit of the objective.

    Args:
        runner: Scenarios, which carry the instance and the objective.

    Returns:
        The currency of the instance, `kg CO2e` or `t`.
    """
    return OBJECTIVE_UNITS.get(runner.objective, runner.instance.currency)


def get_metal_titles(runner: ScenarioRunner) -> dict[str, str]:
    """Return the display name of each metal.

    Args:
        runner: Scenarios of the instance.

    Returns:
        Display name by metal symbol.
    """
    metals = runner.instance.metals
    return dict(zip(metals.names, metals.titles, strict=True))
