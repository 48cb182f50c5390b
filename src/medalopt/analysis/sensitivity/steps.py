"""What several questions about a plan share: when a value is the same, and how each step is told."""

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
UNPROVEN = "unanswered"  # the status of a row of which nothing could be proven


def silent(doing: str) -> None:
    """Tell nobody."""


def attempted(ask: Callable[[], T]) -> T | None:
    """Return what `ask` returns, None where no answer can be proven: a table then lacks one row and not all of them."""
    try:
        return ask()
    except SolverError:
        return None


def status_of(feasible: bool, proven: bool) -> str:
    """Return the status of one row, as the JSON output has it."""
    return UNPROVEN if not proven else "optimal" if feasible else "infeasible"


def with_plan(variants: Variants) -> Outcome:
    """Return the optimum of the instance itself. Raises NoPlanError where there is none."""
    outcome = variants.answer()
    if not outcome.feasible:
        variants.plan  # noqa: B018  # which raises, and says what stands in its way
    return outcome


def more(value: float, outcome: Outcome, linear: Linear) -> float:
    """Return by how much `value` lies above the optimum of `linear`; 0 where it is the same."""
    extra = value - outcome.value
    return 0.0 if abs(extra) <= same(outcome, linear) else extra


def same(outcome: Outcome, linear: Linear) -> float:
    """Return by how much a value may lie beside the optimum of `linear` and be the same."""
    return SAME * max(1.0, float(np.abs(linear.costs[0]) @ np.abs(outcome.x)))


def unit_of(variants: Variants) -> str:
    """Return the unit of what is measured: the currency, `kg CO2e` or `t`."""
    return UNITS.get(variants.measure, variants.instance.currency)


def titles_of(variants: Variants) -> dict[str, str]:
    """Return what a person calls each metal."""
    metals = variants.instance.metals
    return dict(zip(metals.names, metals.titles, strict=True))
