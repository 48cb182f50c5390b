"""Shared by the sensitivity analyses: base-case solve, objective tolerance, and rows that cannot be proven."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from medalopt.analysis.scenario_runner import VALUE_TOLERANCE, ScenarioRunner
from medalopt.errors import SolverError
from medalopt.plan.plan import OBJECTIVE_UNITS
from medalopt.solver.program import SolverProgram
from medalopt.solver.verification import VerifiedResult

T = TypeVar("T")
StepCallback = Callable[[str], None]
UNPROVEN_STATUS = "unanswered"  # status of a row whose result could not be verified


def ignore_progress(doing: str) -> None:
    """Ignore a progress message.

    Args:
        doing: Description of the current step.
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


def solve_base_case(variants: ScenarioRunner) -> VerifiedResult:
    """Solve the instance without changes (the base case).

    Args:
        variants: Scenarios of the instance, which cache the base case.

    Returns:
        The verified optimum.

    Raises:
        NoPlanError: If the instance is infeasible; it carries the conflicting constraints.
    """
    outcome = variants.answer()
    if not outcome.feasible:
        variants.plan  # noqa: B018  # raises NoPlanError with the conflicting constraints
    return outcome


def compute_objective_increase(value: float, outcome: VerifiedResult, linear: SolverProgram) -> float:
    """Return the increase of the objective over the optimum of the base case.

    Args:
        value: Objective value of a scenario; infinite if infeasible.
        outcome: Optimum of `linear`.
        linear: Linear program of the base case.

    Returns:
        `value` less the optimum, in the unit of the objective; 0 within the tolerance.
    """
    extra = value - outcome.value
    return 0.0 if abs(extra) <= compute_objective_tolerance(outcome, linear) else extra


def compute_objective_tolerance(outcome: VerifiedResult, linear: SolverProgram) -> float:
    """Return the tolerance within which two objective values count as equal.

    Args:
        outcome: Optimum of `linear`.
        linear: Linear program of the base case.

    Returns:
        SAME times max(1, |c|ᵀ|x|), in the unit of the objective.
    """
    return VALUE_TOLERANCE * max(1.0, float(np.abs(linear.costs[0]) @ np.abs(outcome.x)))


def get_objective_unit(variants: ScenarioRunner) -> str:
    """Return the unit of the objective.

    Args:
        variants: Scenarios, which carry the instance and the objective.

    Returns:
        The currency of the instance, `kg CO2e` or `t`.
    """
    return OBJECTIVE_UNITS.get(variants.measure, variants.instance.currency)


def get_metal_titles(variants: ScenarioRunner) -> dict[str, str]:
    """Return the display name of each metal.

    Args:
        variants: Scenarios of the instance.

    Returns:
        Display name by metal symbol.
    """
    metals = variants.instance.metals
    return dict(zip(metals.names, metals.titles, strict=True))
