"""The linear program around a plan in lots: contracts, lots and price steps in use are kept as in the plan.

Shadow prices exist only without integers. With those of the plan fixed, what is left is a linear program: contracts in
use keep their least quantity, all others stay unused, whole lots keep their numbers, and falling prices the step that
is reached. Its prices and ranges are exact for the lots of the plan; charges are paid already and in no price.
"""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from medalopt.errors import LimitError, NoPlanError, SolverError
from medalopt.instance.activities import list_used_keys
from medalopt.instance.bounds import drop_lot_constraints
from medalopt.instance.confidence import needs_cuts
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.model.kept_lots import build_kept_lots
from medalopt.plan.plan import Plan
from medalopt.solve_instance import is_large_instance, solve
from medalopt.text import render_path

CHOICE_SECONDS = 60.0  # [s] time limit of the search for the plan whose lots are kept
MAX_REPLANNED, REPLAN_SECONDS = 3, 20.0  # kinds of medal that are re-planned with one more; time of each [s]


class ReplannedMedal(NamedTuple):
    """Path of the number of a medal, and what one more costs in lots; None where no optimum is found in time."""

    path: str
    more: float | None


@dataclass(frozen=True, eq=False)
class KeptLots:
    """Plan in lots, and the optimal plan of the linear program that keeps its lots.

    Attributes:
        chosen: Plan in lots.
        plan: Plan of the linear program, of which all charges are left out.
        extensions: The constraints that keep the lots, for the analyses of `plan`.
    """

    chosen: Plan
    plan: Plan
    extensions: tuple[Any, ...]

    def replan_medals(self) -> tuple[ReplannedMedal, ...]:
        """Compute what one more medal costs where lots are re-planned, of the dearest kinds.

        Returns:
            At most `MAX_REPLANNED` kinds of medal, the largest number first.
        """
        instance = self.chosen.instance
        order = np.argsort(-instance.medals.count, kind="stable")[:MAX_REPLANNED].tolist()
        start = list_used_keys(self.chosen.account)
        found = []
        for m in order:
            count = instance.medals.count.copy()
            count[m] += 1
            changed = dataclasses.replace(instance, medals=dataclasses.replace(instance.medals, count=count))
            more: float | None = None
            if not self.chosen.stopped:
                with contextlib.suppress(LimitError, NoPlanError, SolverError):
                    plan = solve(changed, self.chosen.measure, time_limit=REPLAN_SECONDS, start=start)
                    more = None if plan.stopped else plan.objective - self.chosen.objective
            found.append(ReplannedMedal(render_path(("medals", instance.medals.names[m], "count")), more))
        return tuple(found)

    @property
    def charges(self) -> float:
        """Objective of the plan in lots above that of the linear program: charges, and prices of earlier steps."""
        return self.chosen.objective - self.plan.objective


def can_keep_lots(instance: Instance) -> bool:
    """Return whether the program with the lots of a plan kept can be built: not of large ones, and without a promise.

    Args:
        instance: Instance.
    """
    return bool(instance.lots) and not needs_cuts(instance) and not is_large_instance(instance, build_routes(instance))


def choose_lots(instance: Instance, objective: str) -> Plan:
    """Solve an instance in lots, to the optimum or for `CHOICE_SECONDS`.

    Args:
        objective: Objective to minimise.

    Returns:
        The plan whose lots are kept; raises as `solve`.
    """
    return solve(instance, objective, time_limit=CHOICE_SECONDS)


def keep_lots(chosen: Plan) -> KeptLots:
    """Solve the linear program in which the lots of a plan are kept.

    Args:
        chosen: Plan in lots.

    Returns:
        Both plans.

    Raises:
        SolverError: No plan of the linear program is verified.
    """
    extension = build_kept_lots(chosen.account, chosen.measure)
    relaxed = drop_lot_constraints(chosen.instance)
    plan = solve(relaxed, chosen.measure, (extension,))
    if not plan.certificate.optimal:
        raise SolverError(f"{chosen.instance.name}: the plan with its lots kept is not verified")
    return KeptLots(chosen, plan, (extension,))
