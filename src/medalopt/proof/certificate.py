"""Certificate of a plan: constraint violation and optimality gap, by arithmetic on the instance alone."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from medalopt.instance.arithmetic import ENCLOSED, EXACT, FLOATS, Arithmetic, Numbers, lower, upper
from medalopt.instance.bounds import Bounds, implied
from medalopt.instance.decisions import Account, Decisions
from medalopt.instance.routes import routes
from medalopt.proof import subject
from medalopt.proof.added import NOTHING, Added
from medalopt.proof.bound import Ground
from medalopt.proof.placed import placed
from medalopt.proof.prices import Duals, lifted, prices
from medalopt.proof.rows import BROKEN, rules

GAP = 1e-9  # largest relative gap of an optimal plan
SMALL = 400  # routes times periods: largest instance computed in fractions


@dataclass(frozen=True)
class Certificate:
    """Proven properties of a plan, in the unit of its objective."""

    primal_violation: float  # upper bound, relative to the size of the constraint
    lower_bound: float
    gap: float  # upper bound of (value - bound) / max(1, sum of absolute costs)
    arithmetic: str
    scope: str
    basis: str = ""  # state of the exact optimality check, see `basis`
    exact_value: str | None = None  # objective value of the exact vertex, as a fraction
    search_bound: float | None = None  # dual bound of the MIP solver, not certified

    @property
    def optimal(self) -> bool:
        """True if the plan is feasible and its gap at most `GAP_TOLERANCE`."""
        return self.feasible and self.gap <= GAP

    @property
    def feasible(self) -> bool:
        """True if no constraint is violated beyond the tolerance and a finite gap is proven."""
        return self.primal_violation <= BROKEN and self.gap < np.inf


def certify(
    account: Account,
    bounds: Bounds,
    duals: Duals,
    measure: str,
    arithmetic: Arithmetic | None = None,
    added: Added = NOTHING,
) -> Certificate:
    """Return the certificate of a plan.

    Uses exact fractions for small instances, else floats with proven error bounds, unless `arithmetic` is given.

    Args:
        account: Plan in floats.
        bounds: Implied bounds of the instance.
        duals: Dual values by constraint and names; they need not be right.
        measure: Objective: `cost`, `footprint` or `mass`.
        arithmetic: Arithmetic to use; with `FLOATS` rounding errors are not bounded.
        added: User extensions with their dual values.

    Returns:
        The certificate; its scope names the extensions.
    """
    parts = [getattr(account.decisions, field.name) for field in fields(Decisions)]
    if not all(np.isfinite(part).all() for part in (*parts, [one.value for one in added.variables])):
        return Certificate(np.nan, -np.inf, np.inf, FLOATS.name, added.scope)
    chosen = arithmetic or (EXACT if account.decisions.sent.size <= SMALL else ENCLOSED)
    if chosen is not FLOATS:
        account, bounds = _restated(account, chosen)
    rows = placed(account.instance, account.found, added, chosen.lift)
    broken = [rule.worst() for rule in rules(account, bounds)]
    broken += [float(kept.worst().max(initial=0.0)) for kept in subject.kept(account, rows)]
    worst = float(np.max(broken))  # NaN propagates
    ground = Ground(account.instance, account.found, bounds, account.read)
    bound = subject.lower_bound(ground, lifted(prices(account.instance, duals), chosen), measure, rows)
    extra, its_size = subject.costs(account, rows)
    value, size = account.value(measure) + extra, paid(account, measure) + its_size
    proven = lower(bound)
    gap = upper(value - bound) / max(1.0, lower(size)) if proven > -np.inf else np.inf
    return Certificate(worst, proven, gap, chosen.name, added.scope)


def _restated(account: Account, arithmetic: Arithmetic) -> tuple[Account, Bounds]:
    """Return plan and implied bounds in another arithmetic."""
    found = routes(account.instance, arithmetic.read)
    made = Decisions(*(arithmetic.lift(getattr(account.decisions, field.name)) for field in fields(Decisions)))
    stated = Account(account.instance, found, made, arithmetic.read)
    return stated, implied(account.instance, found, arithmetic.read)


def paid(account: Account, measure: str) -> Numbers:
    """Return the sum of the absolute values of all parts of the objective.

    Args:
        account: Plan.
        measure: Objective: `cost`, `footprint` or `mass`.

    Returns:
        The sum, in the unit of the objective.
    """
    if measure == "cost":
        return sum(abs(by_period).sum() for by_period in account.costs.values())
    return abs(account.value(measure))
