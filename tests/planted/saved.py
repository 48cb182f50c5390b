"""Check of `verify`: false statements of a saved plan beside its decisions are rejected."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any


def _costs_exchanged(told: dict[str, Any]) -> None:
    one, other = told["shipments"][:2]
    one["cost"], other["cost"] = other["cost"], one["cost"]


def _other_matter(told: dict[str, Any]) -> None:
    next(row for row in told["melts"] if row["metal"] == "other")["kg"] += 1.0


def _a_price_of_lots(told: dict[str, Any]) -> None:
    best = told["objective"]["value"]
    told["lots"] = {"without": best, "lower_bound": best, "extra": abs(best), "above_bound": 0.0}


FALSE: tuple[Callable[[dict[str, Any]], object], ...] = (
    _costs_exchanged,
    _other_matter,
    _a_price_of_lots,
    lambda told: told["objective"].update(unit="USD"),
    lambda told: told["certificate"].update(arithmetic="by an oracle"),
    lambda told: told["prices"][0].update(value=told["prices"][0]["value"] + 1),
)


def statements(instance: Any, false: tuple[Callable[[dict[str, Any]], object], ...] = FALSE) -> Iterator[str]:
    """Yield errors: a valid plan of `instance` that is rejected, or one of the `false` statements that is accepted."""
    import medalopt
    from medalopt.errors import MedaloptError
    from medalopt.plan.schema import SavedPlan
    from medalopt.proof.verdict import verify_plan
    from medalopt.report.render.json import build_plan_object

    try:
        right = build_plan_object(medalopt.solve(instance))
    except MedaloptError:
        return
    if not verify_plan(instance, SavedPlan.model_validate(right)).accepted:
        yield "refused"
    for change in false:
        told = copy.deepcopy(right)
        change(told)
        if verify_plan(instance, SavedPlan.model_validate(told)).accepted:
            yield "accepted"
