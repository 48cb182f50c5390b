"""The certificate of a plan: no rule broken, and how far at most from the best, by arithmetic on the instance alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.bounds import Bounds
from medalopt.instance.decisions import Account
from medalopt.proof.bound import lower_bound
from medalopt.proof.prices import Duals, prices
from medalopt.proof.rows import EXACT, rules

GAP = 1e-9  # at most, for a plan to be called optimal


@dataclass(frozen=True)
class Certificate:
    """What has been proven of a plan, in the unit of its measure."""

    primal_violation: float  # greatest, in relation to the size of its row
    lower_bound: float
    gap: float  # (value - bound) / max(1, sum of |costs paid|)
    arithmetic: str
    scope: str

    @property
    def optimal(self) -> bool:
        """Whether the plan keeps every rule and no other is better, within the tolerances of the formulation."""
        return self.primal_violation <= EXACT and self.gap <= GAP


def certify(account: Account, bounds: Bounds, duals: Duals, measure: str) -> Certificate:
    """Return the certificate of the plan of `account`; `duals` by constraint and names, believed in nothing."""
    worst = float(np.max([rule.worst() for rule in rules(account, bounds)]))  # what is no number stays none
    bound = lower_bound(account.instance, account.found, bounds, prices(account.instance, duals), measure)
    gap = (float(account.value(measure)) - bound) / max(1.0, paid(account, measure))
    return Certificate(worst, bound, gap, "float64", "instance")


def paid(account: Account, measure: str) -> float:
    """Return the sum of all that the measure counts, each part as a positive number."""
    if measure == "cost":
        return float(sum(abs(by_period).sum() for by_period in account.costs.values()))
    return abs(float(account.value(measure)))
