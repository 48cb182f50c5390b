"""Certificate of a plan: constraint violation and optimality gap, by arithmetic on the instance alone."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.activities import spread_charges
from medalopt.instance.arithmetic import (
    EXACT_ARITHMETIC,
    FLOAT_ARITHMETIC,
    INTERVAL_ARITHMETIC,
    Arithmetic,
    Numbers,
    bound_number_above,
    bound_number_below,
)
from medalopt.instance.bounds import VariableBounds, compute_bounds
from medalopt.instance.payers import restrict_account
from medalopt.instance.routes import build_routes
from medalopt.proof.bound import BoundContext
from medalopt.proof.confidence import compute_cone_payments
from medalopt.proof.extension_rows import compute_extended_bound, compute_extension_residuals, evaluate_extension_costs
from medalopt.proof.extensions import NO_EXTENSIONS, ExtensionData, place_extensions
from medalopt.proof.prices import Duals, build_prices, convert_prices
from medalopt.proof.rows import compute_residuals
from medalopt.tolerances import FEASIBILITY_TOLERANCE, GAP_TOLERANCE

EXACT_SIZE_LIMIT = 400  # routes times periods: largest instance computed in fractions


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
        """Return whether the plan is proven optimal: feasible, with a gap of at most `GAP_TOLERANCE`."""
        return self.feasible and self.gap <= GAP_TOLERANCE

    @property
    def feasible(self) -> bool:
        """Return whether no constraint is violated beyond the tolerance, and a finite gap is proven."""
        return self.primal_violation <= FEASIBILITY_TOLERANCE and self.gap < np.inf


def certify_plan(
    account: PlanAccount,
    bounds: VariableBounds,
    duals: Duals,
    objective: str,
    arithmetic: Arithmetic | None = None,
    added: ExtensionData = NO_EXTENSIONS,
) -> Certificate:
    """Return the certificate of a plan.

    Uses exact fractions for small instances, else floats with proven error bounds, unless `arithmetic` is given.

    Args:
        account: Plan in floats.
        bounds: Implied bounds of the instance.
        duals: Dual values by constraint and names; they need not be right.
        objective: Objective: `cost`, `footprint` or `mass`.
        arithmetic: Arithmetic to use; with `FLOATS` rounding errors are not bounded.
        added: User extensions with their dual values.

    Returns:
        The certificate; its scope names the extensions.
    """
    parts = [getattr(account.decisions, field.name) for field in fields(Decisions)]
    if not all(np.isfinite(part).all() for part in (*parts, [variable.value for variable in added.variables])):
        return Certificate(np.nan, -np.inf, np.inf, FLOAT_ARITHMETIC.name, added.scope)
    chosen = arithmetic or (
        EXACT_ARITHMETIC if account.decisions.sent.size <= EXACT_SIZE_LIMIT else INTERVAL_ARITHMETIC
    )
    if chosen is not FLOAT_ARITHMETIC:
        account, bounds = _restate_account(account, chosen)
    rows = place_extensions(account.instance, account.routes, added, chosen.lift)
    broken = [rule.get_worst() for rule in compute_residuals(account, bounds)]
    broken += [float(kept.get_worst().max(initial=0.0)) for kept in compute_extension_residuals(account, rows)]
    worst = float(np.max(broken))  # NaN propagates
    context = _relax_charges(BoundContext(account.instance, account.routes, bounds, account.read), added)
    prices = convert_prices(build_prices(context.instance, duals), chosen)
    cones = compute_cone_payments(account.instance, account.routes, duals, account.read)
    bound = compute_extended_bound(context, prices, objective, rows, cones)
    extra, its_size = evaluate_extension_costs(account, rows)
    value, size = account.compute_objective(objective) + extra, sum_absolute_costs(account, objective) + its_size
    proven = bound_number_below(bound)
    gap = bound_number_above(value - bound) / max(1.0, bound_number_below(size)) if proven > -np.inf else np.inf
    return Certificate(worst, proven, gap, chosen.name, added.scope)


def _relax_charges(context: BoundContext, added: ExtensionData) -> BoundContext:
    """Return the context with lot charges and fixed charges paid pro rata, see `spread_charges`.

    With extensions, whose rows may hold the spend at given prices, charges are left out: a weaker bound.
    """
    relaxed = context.instance if added != NO_EXTENSIONS else spread_charges(context.instance)
    if relaxed is context.instance:
        return context
    routes = replace(build_routes(relaxed, context.read), cuts=context.routes.cuts)
    return replace(context, instance=relaxed, routes=routes)


def _restate_account(account: PlanAccount, arithmetic: Arithmetic) -> tuple[PlanAccount, VariableBounds]:
    """Return plan and implied bounds in another arithmetic."""
    routes = build_routes(account.instance, arithmetic.read)
    decisions = Decisions(*(arithmetic.lift(getattr(account.decisions, field.name)) for field in fields(Decisions)))
    stated = PlanAccount(account.instance, routes, decisions, arithmetic.read)
    return stated, compute_bounds(account.instance, routes, arithmetic.read)


def sum_absolute_costs(account: PlanAccount, objective: str) -> Numbers:
    """Return the sum of the absolute values of all parts of the objective.

    Args:
        account: Plan.
        objective: Objective: `cost`, `cost@PARTY`, `footprint` or `mass`.

    Returns:
        The sum, in the unit of the objective.
    """
    account, objective = restrict_account(account, objective)
    if objective == "cost":
        return sum(abs(by_period).sum() for by_period in account.costs.values())
    return abs(account.compute_objective(objective))
