"""The certificate of a plan: no rule broken, and how far at most from the best, by arithmetic on the instance alone."""

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

GAP = 1e-9  # at most, for a plan to be called optimal
SMALL = 400  # routes times periods, up to which fractions are as quick as a person asks


@dataclass(frozen=True)
class Certificate:
    """What has been proven of a plan, in the unit of its measure."""

    primal_violation: float  # at most, in relation to the size of its row
    lower_bound: float
    gap: float  # at most: (value - bound) / max(1, sum of |costs paid|)
    arithmetic: str
    scope: str
    basis: str = ""  # whether the vertex next to the plan is shown to be optimal in fractions, no gap left: see `basis`
    exact_value: str | None = None  # what that vertex comes to, as a fraction
    search_bound: float | None = None  # of a mixed-integer program: the solver's own bound, which is not certified

    @property
    def optimal(self) -> bool:
        """Whether the plan keeps every rule and no other is better, within the tolerances of the formulation."""
        return self.feasible and self.gap <= GAP

    @property
    def feasible(self) -> bool:
        """Whether the plan keeps every rule, and something is proven of how far it is from the best."""
        return self.primal_violation <= BROKEN and self.gap < np.inf


def certify(
    account: Account,
    bounds: Bounds,
    duals: Duals,
    measure: str,
    arithmetic: Arithmetic | None = None,
    added: Added = NOTHING,
) -> Certificate:
    """Return the certificate of the plan of `account`; `duals` by constraint and names, believed in nothing.

    `added` is what a user added to the instance, the duals of its rows with it; the scope says so.

    In exact fractions from the decimals of the file where the instance is small, else in floating point with a
    proven error bound; in plain floats (`FLOATS`, on which `account` and `bounds` stand) only where asked for.
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
    worst = float(np.max(broken))  # what is no number stays none
    ground = Ground(account.instance, account.found, bounds, account.read)
    bound = subject.lower_bound(ground, lifted(prices(account.instance, duals), chosen), measure, rows)
    extra, its_size = subject.costs(account, rows)
    value, size = account.value(measure) + extra, paid(account, measure) + its_size
    proven = lower(bound)
    gap = upper(value - bound) / max(1.0, lower(size)) if proven > -np.inf else np.inf
    return Certificate(worst, proven, gap, chosen.name, added.scope)


def _restated(account: Account, arithmetic: Arithmetic) -> tuple[Account, Bounds]:
    """Return the same plan, and the bounds of its instance, in another arithmetic."""
    found = routes(account.instance, arithmetic.read)
    made = Decisions(*(arithmetic.lift(getattr(account.decisions, field.name)) for field in fields(Decisions)))
    stated = Account(account.instance, found, made, arithmetic.read)
    return stated, implied(account.instance, found, arithmetic.read)


def paid(account: Account, measure: str) -> Numbers:
    """Return the sum of all that the measure counts, each part as a positive number."""
    if measure == "cost":
        return sum(abs(by_period).sum() for by_period in account.costs.values())
    return abs(account.value(measure))
