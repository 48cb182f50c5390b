"""Slope scaling: plans with charges from linear programs in which a charge is spread over what was used before.

Dynamic slope scaling (Kim & Pardalos, Operations Research Letters 24:195, 1999): a charge is spread over the quantity
that the last plan uses, so that the next linear program prices what is used at its average cost; what is not used
keeps its last slope. Every plan without least quantities is a plan with charges; the cheapest is kept. A last program
fixes the contracts that it uses: their charges are paid already, and others cost a multiple of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.lot_relaxation import drop_lot_constraints, spread_charges
from medalopt.instance.lots import list_falling_paths, measure_activities
from medalopt.proof.prices import Duals

SLOPE_ROUNDS = 3
_CLOSED_SHARE = 0.01  # of the quantity of the last slope, over which the charge of an unused contract is spread at last


class PricedPlan(NamedTuple):
    """Plan with its dual values."""

    account: PlanAccount
    duals: Duals


def iterate_slopes(
    instance: Instance, relaxed: PricedPlan, solve_priced: Callable[[Instance], PricedPlan | None]
) -> Iterator[PricedPlan]:
    """Yield plans of an instance with charges and without least quantities.

    Args:
        instance: Instance with charges and falling prices.
        relaxed: Optimal plan with charges pro rata.
        solve_priced: Solves an instance without integers; None where it has no time left.

    Yields:
        Accounts of the plans in `instance`, with the dual values at their slopes.
    """
    plan: PricedPlan | None = relaxed
    slopes: dict[str, Floats] = {}
    best, kept = np.inf, slopes
    for number in range(SLOPE_ROUNDS + 2):
        if plan is None:
            return
        account = PlanAccount(instance, relaxed.account.routes, plan.account.decisions)
        yield plan._replace(account=account)
        used = measure_activities(account)
        slopes = {name: np.where(own > 0, own, slopes.get(name, 0.0)) for name, own in used.items()}
        if float(account.cost) < best:
            best, kept = float(account.cost), {name: _fix_slopes(used[name], slopes[name]) for name in used}
        last = number == SLOPE_ROUNDS and not list_falling_paths(instance)
        if number == SLOPE_ROUNDS and not last:
            return
        plan = solve_priced(drop_lot_constraints(spread_charges(instance, kept if last else slopes)))


def _fix_slopes(used: Floats, slopes: Floats) -> Floats:
    """Return slopes at which charges of used contracts are paid, and those of others are a multiple of theirs."""
    return np.where(used > 0, np.inf, _CLOSED_SHARE * slopes)


def has_only_charges(instance: Instance) -> bool:
    """Return whether charges and falling prices are all that makes an instance a mixed-integer program.

    Args:
        instance: Instance.
    """
    return not instance.annex.get("lots") and not (instance.terms.minimum_lot.value > 0).any()
