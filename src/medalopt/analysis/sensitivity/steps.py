"""Shared by the sensitivity analyses: base-case solve, objective tolerance, and rows that cannot be proven."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from medalopt.analysis.variants import SAME, Variants
from medalopt.errors import SolverError
from medalopt.plan.plan import UNITS
from medalopt.solver.linear import Linear
from medalopt.solver.outcome import Outcome

T = TypeVar("T")
Tell = Callable[[str], None]
UNPROVEN = "unanswered"  # status of a row whose result could not be verified


def silent(doing: str) -> None:
    """Ignore a progress message.

    Args:
        doing: Description of the current step.
    """


def attempted(ask: Callable[[], T]) -> T | None:
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


def status_of(feasible: bool, proven: bool) -> str:
    """Return the status of one result row, as written to the JSON output.

    Args:
        feasible: True if the case has a feasible plan.
        proven: True if the result is verified.

    Returns:
        `optimal`, `infeasible`, or `unanswered` if the result is not verified.
    """
    return UNPROVEN if not proven else "optimal" if feasible else "infeasible"


def with_plan(variants: Variants) -> Outcome:
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


def more(value: float, outcome: Outcome, linear: Linear) -> float:
    """Return the increase of the objective over the optimum of the base case.

    Args:
        value: Objective value of a scenario; infinite if infeasible.
        outcome: Optimum of `linear`.
        linear: Linear program of the base case.

    Returns:
        `value` less the optimum, in the unit of the objective; 0 within the tolerance.
    """
    extra = value - outcome.value
    return 0.0 if abs(extra) <= same(outcome, linear) else extra


def same(outcome: Outcome, linear: Linear) -> float:
    """Return the tolerance within which two objective values count as equal.

    Args:
        outcome: Optimum of `linear`.
        linear: Linear program of the base case.

    Returns:
        SAME times max(1, |c|ᵀ|x|), in the unit of the objective.
    """
    return SAME * max(1.0, float(np.abs(linear.costs[0]) @ np.abs(outcome.x)))


def unit_of(variants: Variants) -> str:
    """Return the unit of the objective.

    Args:
        variants: Scenarios, which carry the instance and the objective.

    Returns:
        The currency of the instance, `kg CO2e` or `t`.
    """
    return UNITS.get(variants.measure, variants.instance.currency)


def titles_of(variants: Variants) -> dict[str, str]:
    """Return the display name of each metal.

    Args:
        variants: Scenarios of the instance.

    Returns:
        Display name by metal symbol.
    """
    metals = variants.instance.metals
    return dict(zip(metals.names, metals.titles, strict=True))
