r"""Exact vertex and exact dual values next to the floats of a plan, in fractions; optimal if both meet without a gap.

The active set (zero variables, binding constraints, vanishing reduced costs) is guessed from the floats and gives two
systems of equations, whose rows result from evaluating the accounting on affine numbers $c+\sum_ka_kx_k$. A solution is
claimed optimal only if it satisfies every constraint exactly and its lower bound equals its objective value.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any

import numpy as np

from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.arithmetic import EXACT_ARITHMETIC, Numbers, zero_where_infinite
from medalopt.instance.arrays import Bools, ExactFraction, Floats
from medalopt.instance.bounds import VariableBounds, compute_bounds
from medalopt.instance.lots import STEP_KINDS, compute_quantity
from medalopt.instance.routes import Routes, build_routes, has_supply
from medalopt.proof.bound import (
    BoundContext,
    ObjectiveWeights,
    compute_lower_bound,
    compute_reduced_costs,
    price_bundles,
    price_routes,
    price_stockpiles,
    price_supply,
)
from medalopt.proof.certificate import Certificate
from medalopt.proof.confidence import CONE_RULE
from medalopt.proof.prices import Duals, Prices, build_prices
from medalopt.proof.rows import compute_linear_residuals, compute_residuals
from medalopt.tolerances import CANCELLATION_TOLERANCE

AffineConstant = Fraction | int | float  # float only for infinity
MAX_EXACT_DECISIONS, MAX_EXACT_PRICES = 500, 400  # size limits: decisions and dual values
BASIS_PROVEN, BASIS_TOO_LARGE, BASIS_NOT_PROVEN = "proven", "too large", "not proven"
LinearEquation = tuple[Mapping[int, Fraction], Fraction]  # coefficients by unknown, and right-hand side
_PivotRow = tuple[int, dict[int, Any], Any]  # pivot (coefficient 1), other coefficients, right-hand side


class AffineNumber:
    r"""$c+\sum_k a_kx_k$ in exact fractions, with unknowns $x_k$ known in floats only: `at`.

    If floats cannot decide a comparison, the form counts as the greater: the maximum of a form and a limit is the form.
    """

    __slots__ = ("at", "constant", "slopes")

    def __init__(self, constant: AffineConstant, slopes: dict[int, Fraction], at: Sequence[float]) -> None:
        self.constant, self.slopes, self.at = constant, slopes, at

    def evaluate(self, found: Sequence[Fraction]) -> AffineConstant:
        """Return the value at given unknowns.

        Args:
            found: Value of each unknown.

        Returns:
            A fraction, or an infinite float.
        """
        return sum((slope * found[k] for k, slope in self.slopes.items()), self.constant)

    def terms(self) -> list[float]:
        """Return the constant and all terms in floats.

        Returns:
            Constant, then slope times value of each unknown.
        """
        return [float(self.constant), *(float(slope) * self.at[k] for k, slope in self.slopes.items())]

    def sign(self) -> int:
        """Return the sign of the value.

        Returns:
            -1, 1, or 0 if it cannot be distinguished from 0.
        """
        if math.isinf(self.constant):  # a sum would raise the invalid flag of the processor, which numpy reports
            return 1 if self.constant > 0 else -1
        terms = self.terms()
        total = sum(terms)
        return 0 if abs(total) <= CANCELLATION_TOLERANCE * max(map(abs, terms)) else 1 if total > 0 else -1

    def __add__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # the array adds to each of its entries
        if not isinstance(other, AffineNumber):
            return AffineNumber(self.constant + other, self.slopes, self.at) if other else self
        less, more = sorted((self.slopes, other.slopes), key=len)
        slopes = dict(more)
        for unknown, slope in less.items():
            total = slopes.get(unknown, 0) + slope
            if total:
                slopes[unknown] = total
            else:
                del slopes[unknown]
        return AffineNumber(self.constant + other.constant, slopes, self.at)

    def __mul__(self, factor: Any) -> Any:
        if isinstance(factor, np.ndarray):
            return NotImplemented
        if factor == 1:
            return self
        slopes = {unknown: slope * factor for unknown, slope in self.slopes.items()} if factor else {}
        return AffineNumber(self.constant * factor, slopes, self.at)

    def __neg__(self) -> AffineNumber:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __truediv__(self, factor: Fraction) -> AffineNumber:
        return self * (1 / factor)

    def __abs__(self) -> AffineNumber:
        return -self if self.sign() < 0 else self

    def __ge__(self, other: Any) -> bool:
        return (self - other).sign() >= 0

    def __le__(self, other: Any) -> bool:
        return not self >= other

    __gt__, __lt__ = __ge__, __le__
    __radd__, __rmul__ = __add__, __mul__


class UnknownVector:
    """Vector of unknowns, collected from arrays of floats near which they are solved for."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def build_unknowns(self, known: Floats) -> Numbers:
        """Return an array with one unknown per non-zero entry.

        Args:
            known: Approximate values.

        Returns:
            Affine numbers of the same shape; zeros stay exact zeros.
        """
        forms = EXACT_ARITHMETIC.lift(known)
        for place, value in np.ndenumerate(known):
            if value:
                forms[place] = AffineNumber(0, {len(self.at): ExactFraction(1)}, self.at)
                self.at.append(float(value))
        return forms

    def solve_unknowns(self, equations: Iterable[Numbers]) -> tuple[list[Fraction], bool]:
        """Solve for the unknowns at which the affine numbers vanish.

        Args:
            equations: Arrays of affine numbers to be 0.

        Returns:
            Value of each unknown, undetermined ones at their float, and whether all are determined.
        """
        at = [ExactFraction(value) for value in self.at]
        forms = [form for part in equations for form in np.ravel(part) if isinstance(form, AffineNumber)]
        forms.sort(key=lambda form: len(form.slopes))
        steps = solve_equations((form.slopes, -Fraction(form.evaluate(at))) for form in forms)
        return [value + steps.get(number, 0) for number, value in enumerate(at)], len(steps) == len(at)


def substitute_unknowns(forms: Numbers, found: Sequence[Fraction]) -> Numbers:
    """Return affine numbers evaluated at given unknowns.

    Args:
        forms: Array of affine or plain numbers.
        found: Value of each unknown.

    Returns:
        Fractions of the same shape.
    """
    return _map_entries(
        lambda entry: entry.evaluate(found) if isinstance(entry, AffineNumber) else entry, forms, object
    )


def mark_near_zero(forms: Numbers) -> Bools:
    """Return a mask of the entries that cannot be distinguished from 0.

    Args:
        forms: Array of affine or plain numbers.

    Returns:
        Mask of the same shape.
    """
    return _map_entries(
        lambda entry: entry.sign() == 0 if isinstance(entry, AffineNumber) else entry == 0, forms, np.bool_
    )


def measure_terms(forms: Numbers) -> Floats:
    """Return the largest absolute term of each entry.

    Args:
        forms: Array of affine or plain numbers.

    Returns:
        Floats of the same shape.
    """
    return _map_entries(
        lambda entry: max(map(abs, entry.terms() if isinstance(entry, AffineNumber) else [entry])), forms, np.float64
    )


def _map_entries(function: Callable[[Any], Any], values: Numbers, kind: type) -> Numbers:
    """Return an array with the function applied to each entry."""
    array = np.asarray(values, dtype=object)
    result: Numbers = np.empty(array.size, dtype=kind)
    result[:] = [function(value) for value in array.ravel().tolist()]
    return result.reshape(array.shape)


@dataclass(frozen=True)
class ExactBasis:
    """Result of the exact optimality check; `best` is the exact vertex next to the plan if it is optimal, else None."""

    state: str
    measure: str
    best: PlanAccount | None = None

    @classmethod
    def build(cls, account: PlanAccount, bounds: VariableBounds, duals: Duals, objective: str) -> ExactBasis:
        """Return the exact optimality check of a plan.

        Args:
            account: Plan in floats.
            duals: Dual values of the plan; a hint only, they need not be right.
            objective: Objective: `cost`, `footprint` or `mass`.

        Returns:
            The check; its state is `BASIS_TOO_LARGE` above the size limits.
        """
        if not _is_small(account):
            return cls(BASIS_TOO_LARGE, objective)
        if duals.get(CONE_RULE):  # the optimum on a cone is no vertex, and not rational
            return cls(BASIS_NOT_PROVEN, objective)
        best = _find_exact_optimum(account, bounds, duals, objective)
        return cls(BASIS_NOT_PROVEN, objective) if best is None else cls(BASIS_PROVEN, objective, best)

    def round_plan(self, account: PlanAccount) -> PlanAccount:
        """Return the plan with the floats nearest to the exact vertex, or unchanged if none was found.

        Args:
            account: Plan in floats.

        Returns:
            The rounded plan.
        """
        if self.best is None:
            return account
        nearest = (values.astype(np.float64) for values in _fields_of(self.best.decisions).values())
        return PlanAccount(account.instance, account.routes, Decisions(*nearest))

    def add_to_certificate(self, certificate: Certificate) -> Certificate:
        """Return the certificate with the result of this check.

        Args:
            certificate: Certificate of the plan.

        Returns:
            A copy with `basis` and `exact_value` set.
        """
        value = None if self.best is None else str(Fraction(self.best.compute_objective(self.measure)))
        return replace(certificate, basis=self.state, exact_value=value)


def _is_small(account: PlanAccount) -> bool:
    """Return True if the numbers of decisions and of dual values permit exact fractions."""
    rows = sum(np.size(part) for part in vars(build_prices(account.instance, {})).values())
    return (
        sum(np.size(part) for part in _fields_of(account.decisions).values()) <= MAX_EXACT_DECISIONS
        and rows <= MAX_EXACT_PRICES
    )


def _find_exact_optimum(
    account: PlanAccount, bounds: VariableBounds, duals: Duals, objective: str
) -> PlanAccount | None:
    """Return the exact optimum next to the plan, or None if optimality cannot be shown."""
    instance = account.instance
    finite = (np.isfinite(part).all() for part in _fields_of(account.decisions).values())
    if instance.lots or not all(finite):
        return None
    routes = build_routes(instance, EXACT_ARITHMETIC.read)
    exact = BoundContext(
        instance, routes, compute_bounds(instance, routes, EXACT_ARITHMETIC.read), EXACT_ARITHMETIC.read
    )
    best = _solve_exact_plan(account, exact)
    y = _solve_exact_prices(BoundContext(instance, account.routes, bounds), exact, duals, objective)
    if best is None or y is None:
        return None
    bound = compute_lower_bound(instance, routes, exact.bounds, y, objective, EXACT_ARITHMETIC.read)
    return best if bound == best.compute_objective(objective) else None


def _solve_exact_plan(account: PlanAccount, context: BoundContext) -> PlanAccount | None:
    """Return the solution of the binding constraints as equations, or None if not unique or infeasible."""

    def stated(parts: Mapping[str, Numbers]) -> PlanAccount:
        """Return the plan of these decisions in the arithmetic of the context."""
        return PlanAccount(account.instance, context.routes, Decisions(**parts), context.read)

    unknown = UnknownVector()
    parts = {name: unknown.build_unknowns(values) for name, values in _fields_of(account.decisions).items()}
    posed = stated(parts)
    equations = (rule.excess for rule in compute_linear_residuals(posed, context.bounds))
    at, all_settled = unknown.solve_unknowns((*equations, *_list_reached_limits(posed)))
    result = {name: substitute_unknowns(values, at) for name, values in parts.items()}
    plan = stated(result)
    near = all(_is_close(values, getattr(account.decisions, name)) for name, values in result.items())
    kept = all_settled and near and all(np.all(rule.excess == 0) for rule in compute_residuals(plan, context.bounds))
    return plan if kept else None


def _list_reached_limits(plan: PlanAccount) -> Iterator[Numbers]:
    """Yield the quantity beyond each limit of a price step, where that is 0: the plan ends at the limit."""
    for kind in STEP_KINDS:
        steps = kind.get_steps(plan.instance)
        if len(steps.owner):
            over = compute_quantity(plan, kind).sum(axis=1)[steps.owner] - plan.read(steps.above)
            yield np.where(mark_near_zero(over), over, 0)


def _list_paid_surcharges(context: BoundContext, y: Prices) -> Iterator[Numbers]:
    """Yield the reduced costs of the quantities beyond the limits of price steps: 0 where the next price is paid."""
    for kind in STEP_KINDS:
        steps = kind.get_steps(context.instance)
        if len(steps.owner):
            surcharge = zero_where_infinite(context.read(steps.surcharge))
            yield np.where(np.isinf(steps.surcharge.raw), 1, surcharge + getattr(y, f"{kind.name}_steps"))


def _solve_exact_prices(floats: BoundContext, exact: BoundContext, duals: Duals, objective: str) -> Prices | None:
    """Return dual values at which the small reduced costs are exactly 0, or None if a dual value changes sign."""
    instance, routes, weights = floats.instance, exact.routes, ObjectiveWeights.from_objective(objective)
    y = build_prices(instance, duals)
    unknown = UnknownVector()
    form = Prices(**{name: unknown.build_unknowns(values) for name, values in vars(y).items()})
    sent = price_routes(instance, routes, form, weights, exact.read)
    own = _supply_prices(routes, sent, price_supply(floats, y, weights))
    if routes.parent is not None:
        prices = price_routes(instance, floats.routes, y, weights, floats.read)
        sent = _settle_fractions(routes, sent, unknown.build_unknowns(_price_fractions(routes, prices, sent)))
    form = form.replace(supply=unknown.build_unknowns(own))
    paid = routes.mask_branches(form.supply[routes.stream])
    sent = np.where(has_supply(instance)[routes.stream], sent - paid, 0)
    others = (reduced for reduced, _ in compute_reduced_costs(exact, form, weights))
    vanishing = [sent, price_stockpiles(exact, form.supply, weights), price_bundles(exact, form.supply), *others]
    vanishing += _list_paid_surcharges(exact, form)
    at, _ = unknown.solve_unknowns(np.where(mark_near_zero(reduced), reduced, 0) for reduced in vanishing)
    settled = Prices(**{name: substitute_unknowns(values, at) for name, values in vars(form).items()})
    known = {**vars(y), "supply": own}
    same = (np.all(values * np.sign(known[name]).astype(np.intp) >= 0) for name, values in vars(settled).items())
    return settled if all(same) else None


def _supply_prices(routes: Routes, price: Numbers, own: Floats) -> Floats:
    """Return the dual values of supply (I, T), with rounding residues set to 0."""
    size = np.zeros(own.shape)
    np.maximum.at(size, routes.stream, measure_terms(price))
    return np.where(np.isfinite(own) & (abs(own) > CANCELLATION_TOLERANCE * size), own, 0.0)


def _price_fractions(routes: Routes, prices: Floats, forms: Numbers) -> Floats:
    """Return the dual values of fractions (N, T): the least price of their branches, rounding residues set to 0."""
    groups, branches = routes.fraction_groups, routes.branches
    shape = (len(groups.parent), prices.shape[1])
    least, size = np.full(shape, np.inf), np.zeros(shape)
    np.minimum.at(least, groups.group[branches], prices[branches])
    np.maximum.at(size, groups.group[branches], measure_terms(forms[branches]))
    return np.where(abs(least) > CANCELLATION_TOLERANCE * size, least, 0.0)


def _settle_fractions(routes: Routes, prices: Numbers, duals: Numbers) -> Numbers:
    """Return the prices of routes with the dual values of fractions: paid by branches to the route of their devices."""
    groups, branches = routes.fraction_groups, routes.branches
    settled = prices.copy()
    settled[branches] = settled[branches] - duals[groups.group[branches]]
    np.add.at(settled, groups.parent, duals)
    return settled


def _is_close(exact: Numbers, known: Floats) -> bool:
    """Return True if exact values agree with the floats they replace."""
    return bool((abs(exact.astype(np.float64) - known) <= CANCELLATION_TOLERANCE * abs(known).max(initial=0)).all())


def _fields_of(whole: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by name."""
    return {field.name: getattr(whole, field.name) for field in fields(whole)}


def _choose_rational() -> Callable[[int, int], Any]:
    """Return the constructor of rational numbers; flint's are faster and give the same result."""
    try:
        from flint import fmpq
    except ImportError:
        return Fraction
    return fmpq


_rational = _choose_rational()


def solve_equations(equations: Iterable[LinearEquation]) -> dict[int, Fraction]:
    """Solve linear equations by sparse Gaussian elimination.

    An equation that contradicts earlier ones is skipped; the caller has to check the solution.

    Args:
        equations: Coefficients by unknown, and right-hand side.

    Returns:
        Value of each unknown that is a pivot; free unknowns count as 0.
    """
    listed = [(slopes, right) for slopes, right in equations if slopes]
    often = Counter(unknown for slopes, _ in listed for unknown in slopes)
    order: dict[int, int] = {}  # row number of each pivot
    rows: list[_PivotRow] = []
    for slopes, right in listed:
        row, rest = _eliminate(
            {k: _to_rational(slope) for k, slope in slopes.items()}, _to_rational(right), order, rows
        )
        if row:
            pivot = min(row, key=lambda unknown: (often[unknown], unknown))
            lead = row.pop(pivot)
            order[pivot] = len(rows)
            rows.append((pivot, {k: slope / lead for k, slope in row.items()}, rest / lead))
    return _back_substitute(rows, order)


def _to_rational(number: Fraction) -> Any:
    """Return a fraction as the chosen rational."""
    return _rational(number.numerator, number.denominator)


def _eliminate(
    row: dict[int, Any], right: Any, order: Mapping[int, int], rows: list[_PivotRow]
) -> tuple[dict[int, Any], Any]:
    """Return the equation with the pivots of earlier rows eliminated, earliest first."""
    while known := [order[unknown] for unknown in row if unknown in order]:
        pivot, others, value = rows[min(known)]
        times = row.pop(pivot)
        right -= times * value
        for unknown, slope in others.items():
            left = row.get(unknown, 0) - times * slope
            if left:
                row[unknown] = left
            else:
                row.pop(unknown, None)
    return row, right


def _back_substitute(rows: list[_PivotRow], order: Mapping[int, int]) -> dict[int, Fraction]:
    """Return the pivots by back substitution, with free unknowns at 0."""
    result: dict[int, Any] = {}
    for pivot, others, value in reversed(rows):
        result[pivot] = value - sum(slope * result[k] for k, slope in others.items() if k in order)
    return {unknown: ExactFraction(int(value.numerator), int(value.denominator)) for unknown, value in result.items()}
