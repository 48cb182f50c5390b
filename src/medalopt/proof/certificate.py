"""Certificate of a plan, and proof of infeasibility, by arithmetic on the instance alone.

A plan has a constraint violation and an optimality gap. Infeasibility is proven by multipliers of the linking
constraints (Farkas 1902): under the zero objective every plan has value 0, and dual values with a positive lower bound
are therefore a contradiction, whatever their source: the weighted sum of the constraints cannot be satisfied.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import numpy as np

from medalopt.instance.accounting import Decisions, PlanAccount
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
from medalopt.instance.instance import Instance
from medalopt.instance.lot_relaxation import spread_charges
from medalopt.instance.payers import restrict_account
from medalopt.instance.routes import build_routes
from medalopt.proof.bound import ZERO_OBJECTIVE, BoundContext
from medalopt.proof.confidence import compute_cone_payments, list_cone_axes
from medalopt.proof.extension_rows import compute_extended_bound, compute_extension_residuals, evaluate_extension_costs
from medalopt.proof.extensions import NO_EXTENSIONS, ExtensionData, place_extensions
from medalopt.proof.prices import Duals, build_prices, convert_prices, list_price_axes
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
        duals: Dual values by constraint and names; they need not be right.
        objective: Objective: `cost`, `footprint` or `mass`.
        arithmetic: Arithmetic to use; with `FLOAT_ARITHMETIC` rounding errors are not bounded.
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
        account, bounds = restate_account(account, chosen)
    rows = place_extensions(account.instance, account.routes, added, chosen.lift)
    broken = [rule.get_worst() for rule in compute_residuals(account, bounds)]
    broken += [float(kept.get_worst().max(initial=0.0)) for kept in compute_extension_residuals(account, rows)]
    worst = float(np.max(broken))  # NaN propagates
    context = relax_charges(BoundContext(account.instance, account.routes, bounds, account.read), added)
    prices = convert_prices(build_prices(context.instance, duals), chosen)
    cones = compute_cone_payments(account.instance, account.routes, duals, account.read)
    bound = compute_extended_bound(context, prices, objective, rows, cones)
    extra, its_size = evaluate_extension_costs(account, rows)
    value, size = account.compute_objective(objective) + extra, sum_absolute_costs(account, objective) + its_size
    proven = bound_number_below(bound)
    gap = bound_number_above(value - bound) / max(1.0, bound_number_below(size)) if proven > -np.inf else np.inf
    return Certificate(worst, proven, gap, chosen.name, added.scope)


def relax_charges(context: BoundContext, added: ExtensionData = NO_EXTENSIONS) -> BoundContext:
    """Return the context with lot charges and fixed charges paid pro rata, see `spread_charges`.

    With extensions, whose rows may hold the spend at given prices, charges are left out: a weaker bound.

    Returns:
        The context; itself where nothing is charged.
    """
    relaxed = context.instance if added != NO_EXTENSIONS else spread_charges(context.instance)
    if relaxed is context.instance:
        return context
    routes = replace(build_routes(relaxed, context.read), cuts=context.routes.cuts)
    return replace(context, instance=relaxed, routes=routes)


def restate_account(account: PlanAccount, arithmetic: Arithmetic) -> tuple[PlanAccount, VariableBounds]:
    """Return plan and implied bounds in another arithmetic.

    Args:
        account: Plan in floats.
        arithmetic: Arithmetic of the result.

    Returns:
        The plan, without cuts, and the bounds.
    """
    routes = build_routes(account.instance, arithmetic.read)
    decisions = Decisions(*(arithmetic.lift(getattr(account.decisions, field.name)) for field in fields(Decisions)))
    stated = PlanAccount(account.instance, routes, decisions, arithmetic.read)
    return stated, compute_bounds(account.instance, routes, arithmetic.read)


def sum_absolute_costs(account: PlanAccount, objective: str) -> Numbers:
    """Return the sum of the absolute values of all parts of the objective.

    Args:
        objective: Objective: `cost`, `cost@PARTY`, `footprint` or `mass`.

    Returns:
        The sum, in the unit of the objective.
    """
    account, objective = restrict_account(account, objective)
    if objective == "cost":
        return sum(abs(by_period).sum() for by_period in account.costs.values())
    return abs(account.compute_objective(objective))


COMPILED_SCOPE = "instance and extensions as compiled"


_SUPPLY_ROWS = ("supply", "bundle_supply")


@dataclass(frozen=True)
class InfeasibilityProof:
    """Multipliers by constraint and names, scaled to a largest absolute value in [1, 2), and their proven margin."""

    duals: Duals
    margin: float  # lower bound of the violation of the weighted sum of constraints
    arithmetic: str
    scope: str
    added: ExtensionData = NO_EXTENSIONS  # user extensions with the multipliers of their rows

    @property
    def holds(self) -> bool:
        """Return whether infeasibility is proven: the margin is above 0."""
        return self.margin > 0

    @property
    def rules(self) -> int:
        """Number of constraints with a non-zero multiplier, extensions included."""
        return sum(len(rows) for rows in self.duals.values()) + sum(row.dual != 0 for row in self.added.rows)


def prove_infeasibility(
    instance: Instance, duals: Duals, arithmetic: Arithmetic | None = None, added: ExtensionData = NO_EXTENSIONS
) -> InfeasibilityProof:
    """Return the infeasibility proof that multipliers give for `instance`.

    Uses exact fractions for small instances, else floats with proven error bounds, unless `arithmetic` is given.

    Args:
        duals: Multipliers by constraint and names; they need not be right.
        arithmetic: Arithmetic to use.
        added: User extensions with the multipliers of their rows.

    Returns:
        The scaled multipliers and their margin; not positive if nothing is proven.

    Raises:
        LookupError: A name does not exist in the instance.
    """
    weighed, rows, _ = _normalise_multipliers(_usable_multipliers(instance, duals), replace(added, costs=()))
    routes = build_routes(instance)
    chosen = arithmetic or (
        EXACT_ARITHMETIC if len(routes) * len(instance.periods) <= EXACT_SIZE_LIMIT else INTERVAL_ARITHMETIC
    )
    if chosen is not FLOAT_ARITHMETIC:
        routes = build_routes(instance, chosen.read)
    context = BoundContext(instance, routes, compute_bounds(instance, routes, chosen.read), chosen.read)
    y = convert_prices(build_prices(instance, weighed), chosen)
    placed = place_extensions(instance, routes, rows, chosen.lift)
    cones = compute_cone_payments(instance, routes, weighed, chosen.read)
    bound = compute_extended_bound(context, y, ZERO_OBJECTIVE, placed, cones)
    return InfeasibilityProof(weighed, bound_number_below(bound), chosen.name, rows.scope, rows)


def adopt_compiled_proof(duals: Duals, margin: float, added: ExtensionData) -> InfeasibilityProof:
    """Return a proof whose margin was computed on the compiled program, in floats.

    Args:
        duals: Multipliers by constraint and names; definitions of linking variables are dropped.
        margin: Violation of the weighted sum of constraints, extension rows included.
        added: User extensions with the multipliers of their rows.

    Returns:
        The scaled multipliers and margin; the scope says that the program was not verified independently.
    """
    linking = {rule: rows for rule, rows in duals.items() if not rule.startswith("define_")}
    weighed, rows, shift = _normalise_multipliers(linking, replace(added, costs=()))
    return InfeasibilityProof(weighed, math.ldexp(margin, shift), FLOAT_ARITHMETIC.name, COMPILED_SCOPE, rows)


def _usable_multipliers(instance: Instance, duals: Duals) -> Duals:
    """Return the multipliers that enter a bound; supply of streams without stockpile is priced by the bound itself."""
    streams, known = instance.streams, list_price_axes(instance).keys() | list_cone_axes(instance).keys()
    stored = {name for name, may in zip(streams.names, streams.storable.tolist(), strict=True) if may}
    return {
        rule: {key: value for key, value in rows.items() if rule not in _SUPPLY_ROWS or key[0] in stored}
        for rule, rows in duals.items()
        if rule in known
    }


def _normalise_multipliers(duals: Duals, added: ExtensionData) -> tuple[Duals, ExtensionData, int]:
    """Return non-zero multipliers and extension rows scaled by a power of two, and its exponent."""
    some = {
        rule: {key: value for key, value in rows.items() if value != 0 and math.isfinite(value)}
        for rule, rows in duals.items()
    }
    sizes = [abs(value) for rows in some.values() for value in rows.values()]
    largest = max((*sizes, *(abs(row.dual) for row in added.rows if math.isfinite(row.dual))), default=0.0)
    shift = 1 - math.frexp(largest)[1] if largest else 0
    weighed = {rule: {key: math.ldexp(value, shift) for key, value in rows.items()} for rule, rows in some.items()}
    own = tuple(replace(row, dual=math.ldexp(row.dual, shift)) for row in added.rows)
    return {rule: rows for rule, rows in weighed.items() if rows}, replace(added, rows=own), shift
