"""Exact vertex and exact dual values next to the floats of a plan, in fractions; optimal if both meet without a gap.

The active set (zero variables, binding constraints, vanishing reduced costs) is guessed from the floats and gives two
systems of equations. Their solution is claimed optimal only if it satisfies every constraint exactly and its lower
bound equals its objective value, both in the arithmetic of the certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any

import numpy as np

from medalopt.instance.arithmetic import EXACT, Numbers
from medalopt.instance.bounds import Bounds, implied
from medalopt.instance.decisions import Account, Decisions
from medalopt.instance.figures import Floats
from medalopt.instance.routes import Routes, offered, routes
from medalopt.proof.bound import Ground, Weights, answers, lower_bound, reduced_costs, route_prices, together, waiting
from medalopt.proof.certificate import Certificate
from medalopt.proof.forms import NEAR, Unknown, nearly, put, sizes
from medalopt.proof.prices import Duals, Prices, prices
from medalopt.proof.rows import rules

COLUMNS, ROWS = 500, 400  # size limits: decisions and dual values
PROVEN, LARGE, OPEN = "proven", "too large", "not proven"


@dataclass(frozen=True)
class Basis:
    """Result of the exact optimality check; `best` is the exact vertex next to the plan if it is optimal, else None."""

    state: str
    measure: str
    best: Account | None = None

    @classmethod
    def of(cls, account: Account, bounds: Bounds, duals: Duals, measure: str) -> Basis:
        """Return the exact optimality check of a plan.

        Args:
            account: Plan in floats.
            bounds: Implied bounds of the instance.
            duals: Dual values of the plan; a hint only, they need not be right.
            measure: Objective: `cost`, `footprint` or `mass`.

        Returns:
            The check; its state is `BASIS_TOO_LARGE` above the size limits.
        """
        if not _small(account):
            return cls(LARGE, measure)
        best = _vertex(account, bounds, duals, measure)
        return cls(OPEN, measure) if best is None else cls(PROVEN, measure, best)

    def rounded(self, account: Account) -> Account:
        """Return the plan with the floats nearest to the exact vertex, or unchanged if none was found.

        Args:
            account: Plan in floats.

        Returns:
            The rounded plan.
        """
        if self.best is None:
            return account
        nearest = (values.astype(np.float64) for values in _parts(self.best.decisions).values())
        return Account(account.instance, account.found, Decisions(*nearest))

    def told(self, certificate: Certificate) -> Certificate:
        """Return the certificate with the result of this check.

        Args:
            certificate: Certificate of the plan.

        Returns:
            A copy with `basis` and `exact_value` set.
        """
        value = None if self.best is None else str(Fraction(self.best.value(self.measure)))
        return replace(certificate, basis=self.state, exact_value=value)


def _small(account: Account) -> bool:
    """Return True if the numbers of decisions and of dual values permit exact fractions."""
    rows = sum(np.size(part) for part in _parts(prices(account.instance, {})).values())
    return sum(np.size(part) for part in _parts(account.decisions).values()) <= COLUMNS and rows <= ROWS


def _vertex(account: Account, bounds: Bounds, duals: Duals, measure: str) -> Account | None:
    """Return the exact optimum next to the plan, or None if optimality cannot be shown."""
    instance = account.instance
    finite = (np.isfinite(part).all() for part in _parts(account.decisions).values())
    if instance.lots or not all(finite):
        return None
    found = routes(instance, EXACT.read)
    exact = Ground(instance, found, implied(instance, found, EXACT.read), EXACT.read)
    best = _exact_plan(account, exact)
    y = _exact_prices(Ground(instance, account.found, bounds), exact, duals, measure)
    if best is None or y is None:
        return None
    bound = lower_bound(instance, found, exact.bounds, y, measure, EXACT.read)
    return best if bound == best.value(measure) else None


def _exact_plan(account: Account, ground: Ground) -> Account | None:
    """Return the solution of the binding constraints as equations, or None if not unique or infeasible."""

    def stated(parts: Mapping[str, Numbers]) -> Account:
        """Return the plan of these decisions in the arithmetic of the context."""
        return Account(account.instance, ground.found, Decisions(**parts), ground.read)

    unknown = Unknown()
    parts = {name: unknown.near(values) for name, values in _parts(account.decisions).items()}
    at, all_settled = unknown.settled(rule.excess for rule in rules(stated(parts), ground.bounds))
    made = {name: put(values, at) for name, values in parts.items()}
    plan = stated(made)
    near = all(_close(values, getattr(account.decisions, name)) for name, values in made.items())
    kept = all_settled and near and all(np.all(rule.excess == 0) for rule in rules(plan, ground.bounds))
    return plan if kept else None


def _exact_prices(floats: Ground, exact: Ground, duals: Duals, measure: str) -> Prices | None:
    """Return dual values at which the small reduced costs are exactly 0, or None if a dual value changes sign."""
    instance, found, weights = floats.instance, exact.found, Weights.of(measure)
    y = prices(instance, duals)
    unknown = Unknown()
    form = Prices(**{name: unknown.near(values) for name, values in _parts(y).items()})
    sent = route_prices(instance, found, form, weights, exact.read)
    own = _supply(found, sent, answers(floats, y, weights))
    form = replace(form, supply=unknown.near(own))
    sent = np.where(offered(instance)[found.stream], sent - form.supply[found.stream], 0)
    others = (reduced for reduced, _ in reduced_costs(exact, form, weights))
    vanishing = [sent, waiting(exact, form.supply, weights), together(exact, form.supply), *others]
    at, _ = unknown.settled(np.where(nearly(reduced), reduced, 0) for reduced in vanishing)
    settled = Prices(**{name: put(values, at) for name, values in _parts(form).items()})
    known = {**_parts(y), "supply": own}
    same = (np.all(values * np.sign(known[name]).astype(np.intp) >= 0) for name, values in _parts(settled).items())
    return settled if all(same) else None


def _supply(found: Routes, price: Numbers, own: Floats) -> Floats:
    """Return the dual values of supply (I, T), with rounding residues set to 0."""
    size = np.zeros(own.shape)
    np.maximum.at(size, found.stream, sizes(price))
    return np.where(np.isfinite(own) & (abs(own) > NEAR * size), own, 0.0)


def _close(exact: Numbers, known: Floats) -> bool:
    """Return True if exact values agree with the floats they replace."""
    return bool((abs(exact.astype(np.float64) - known) <= NEAR * abs(known).max(initial=0)).all())


def _parts(whole: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by name."""
    return {field.name: getattr(whole, field.name) for field in fields(whole)}
