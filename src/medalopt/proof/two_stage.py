r"""Certificate of a two-stage plan: cost of its scenarios and a lower bound for every plan, from the instances alone.

For weights $q_s$ of the scenarios and prices $g_{cs}$ of the use of contracts, both any numbers,

$$\sum_sq_s\Bigl[\min_{x_s}\bigl(\mathrm{cost}_s(x_s)-\sum_cg_{cs}U_{cs}(x_s)\bigr)
+\sum_c\min_{0\le u\le a_{cs}\overline K_c}(f_c-g_{cs})u\Bigr]
+\sum_c\min_{0\le K\le\overline K_c}\Bigl(\sum_sq_s(\rho_c+a_{cs}g_{cs})\Bigr)K$$

is a lower bound of the expected cost with these weights. The inner minima over $x_s$ are the Lagrangian bounds of
`bound`. Weights with $q_s=p_s+\pi_s$, $0\le\pi_s\le wp_s/(1-\alpha)$ and $\sum_s\pi_s=w$ give a lower bound of the
expected cost plus $w$ times the conditional value at risk (Rockafellar and Uryasev 2000).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import (
    EXACT_ARITHMETIC,
    INTERVAL_ARITHMETIC,
    Arithmetic,
    Numbers,
    bound_number_above,
    bound_number_below,
)
from medalopt.instance.arrays import Floats
from medalopt.instance.contracts import ContractBook
from medalopt.proof.bound import BoundContext, ObjectiveWeights, minimise_lagrangian
from medalopt.proof.certificate import EXACT_SIZE_LIMIT, relax_charges, restate_account, sum_absolute_costs
from medalopt.proof.confidence import compute_cone_payments, merge_payments
from medalopt.proof.extension_rows import price_decisions
from medalopt.proof.prices import Duals, build_prices, convert_prices
from medalopt.proof.rows import compute_residuals
from medalopt.tolerances import FEASIBILITY_TOLERANCE, GAP_TOLERANCE

_NEGLIGIBLE, _TINY = 1e-6, 1e-300  # share of the greatest quantity of a contract below which a use counts as none


@dataclass(frozen=True, eq=False)
class ScenarioClaim:
    """Plan of one scenario, with dual values: `duals` of its constraints, `use` of its contracts (C,), both unproven.

    `share` (C,) are the units made available per unit agreed.
    """

    probability: float
    weight: float  # q, of the bound
    account: PlanAccount
    duals: Duals
    use: Floats
    share: Floats


@dataclass(frozen=True)
class TwoStageCertificate:
    """Proven properties of a two-stage plan, in money; `value` and `bound` are those of the objective."""

    value: float  # upper bound
    bound: float
    size: float  # sum of the magnitudes of all payments
    violation: float  # of a constraint or contract, relative to its size
    arithmetic: str

    @property
    def gap(self) -> float:
        """Upper bound of (value - bound) / max(1, sum of the magnitudes of all payments)."""
        return (self.value - self.bound) / max(1.0, self.size)

    @property
    def feasible(self) -> bool:
        """Return whether the plan is proven feasible: no constraint is violated beyond the tolerance."""
        return self.violation <= FEASIBILITY_TOLERANCE

    @property
    def optimal(self) -> bool:
        """Return whether the plan is proven optimal.

        Returns:
            True if no constraint is violated and the gap is at most `GAP_TOLERANCE`.
        """
        return self.violation <= FEASIBILITY_TOLERANCE and self.gap <= GAP_TOLERANCE


def certify_two_stage(
    book: ContractBook,
    agreed: Floats,
    claims: Sequence[ScenarioClaim],
    risk_weight: float = 0.0,
    risk_level: float = 0.9,
) -> TwoStageCertificate:
    """Certify a two-stage plan.

    Args:
        book: Contracts (C).
        agreed (C,): Quantities agreed.
        claims: Plan of each scenario.
        risk_weight: Weight of the conditional value at risk.
        risk_level: Its level.

    Returns:
        The certificate, in fractions where all scenarios together are small, else in intervals.
    """
    size = sum(claim.account.decisions.sent.size for claim in claims)
    arithmetic = EXACT_ARITHMETIC if size <= EXACT_SIZE_LIMIT else INTERVAL_ARITHMETIC
    proven = [_prove_scenario(book, agreed, claim, arithmetic) for claim in claims]
    quantities = [Fraction(max(value, 0.0)) for value in agreed.tolist()]
    paid = sum((Fraction(one.premium) * each for one, each in zip(book.contracts, quantities, strict=True)), Fraction())
    probabilities = [Fraction(claim.probability) for claim in claims]
    costs = [Fraction(one.cost) + paid for one in proven]
    value = sum((p * cost for p, cost in zip(probabilities, costs, strict=True)), Fraction())
    value += Fraction(risk_weight) * compute_value_at_risk(costs, probabilities, Fraction(risk_level))
    weights = project_weights(claims, risk_weight, risk_level)
    bound = sum((q * Fraction(one.bound) for q, one in zip(weights, proven, strict=True)), Fraction())
    bound += _minimise_agreed(book, claims, weights)
    payments = sum((q * Fraction(one.size) for q, one in zip(weights, proven, strict=True)), paid)
    violation = max(one.violation for one in proven)
    ends = bound_number_above(value), bound_number_below(bound)
    return TwoStageCertificate(*ends, float(payments), violation, arithmetic.name)


@dataclass(frozen=True)
class _ProvenScenario:
    """Contribution of one scenario, as ends of intervals: cost from above, payments and bound from below."""

    cost: float
    size: float
    bound: float
    violation: float


def _prove_scenario(
    book: ContractBook, agreed: Floats, claim: ScenarioClaim, arithmetic: Arithmetic
) -> _ProvenScenario:
    """Return cost, bound and violation of the plan of one scenario, without premiums."""
    account, bounds = restate_account(claim.account, arithmetic)
    instance, routes = account.instance, account.routes
    violation = max((float(rule.get_worst()) for rule in compute_residuals(account, bounds)), default=0.0)
    available = arithmetic.lift(np.maximum(agreed, 0.0)) * arithmetic.lift(claim.share)
    fees, paid = arithmetic.lift(np.zeros(1)).sum(), 0.0
    for number, contract in enumerate(book.contracts):
        used, given = contract.measure_use(account), available[number]
        size = max(bound_number_below(given), bound_number_below(used), contract.most * _NEGLIGIBLE, _TINY)
        missed = bound_number_above(used - given)
        if contract.fee is None:
            missed = max(missed, bound_number_above(given - used))
        else:
            left = arithmetic.lift(np.array([contract.fee]))[0] * np.maximum(given - used, 0)
            fees, paid = fees + left, paid + max(bound_number_below(left), 0.0)
        violation = max(violation, missed / size)
    context = relax_charges(BoundContext(instance, routes, bounds, arithmetic.read))
    prices = convert_prices(build_prices(context.instance, claim.duals), arithmetic)
    use = arithmetic.lift(claim.use)
    pull = price_decisions(instance, routes, arithmetic.read, book.price_quantities(instance, routes, use))
    cones = compute_cone_payments(instance, routes, claim.duals, arithmetic.read)
    context = replace(context, pull=merge_payments(pull, cones))
    lowest = minimise_lagrangian(context, prices, ObjectiveWeights.from_objective("cost"))
    lowest = lowest if cones is None else lowest + cones.fixed
    return _ProvenScenario(
        bound_number_above(account.cost + fees),
        max(bound_number_below(sum_absolute_costs(account, "cost")), 0.0) + paid,
        bound_number_below(lowest + _minimise_unused(book, claim, arithmetic)),
        violation,
    )


def _minimise_unused(book: ContractBook, claim: ScenarioClaim, arithmetic: Arithmetic) -> Numbers:
    """Return the least payment for quantities available and not used, at the prices of use."""
    open_ = [number for number, one in enumerate(book.contracts) if one.fee is not None]
    fee = arithmetic.lift(np.array([book.contracts[number].fee for number in open_], dtype=np.float64))
    most = arithmetic.lift(np.array([book.contracts[number].most for number in open_]))
    share, use = (arithmetic.lift(values[open_]) for values in (claim.share, claim.use))
    return (np.minimum(fee - use, 0) * (share * most)).sum() if open_ else 0


def _minimise_agreed(book: ContractBook, claims: Sequence[ScenarioClaim], weights: Sequence[Fraction]) -> Fraction:
    """Return the least payment for the quantities agreed, at the prices of use."""
    total = Fraction()
    for number, contract in enumerate(book.contracts):
        price = sum(weights) * Fraction(contract.premium)
        for claim, weight in zip(claims, weights, strict=True):
            price += weight * Fraction(float(claim.share[number])) * Fraction(float(claim.use[number]))
        total += min(price, Fraction()) * Fraction(contract.most)
    return total


def compute_value_at_risk(costs: Sequence[Fraction], probabilities: Sequence[Fraction], level: Fraction) -> Fraction:
    """Compute the conditional value at risk: the mean cost of the worst share 1 - `level`.

    Args:
        costs (S,): Costs.
        probabilities (S,): Probabilities.
        level: Level, below 1.

    Returns:
        Money.
    """
    left, total, worst = 1 - level, Fraction(), sorted(zip(costs, probabilities, strict=True), reverse=True)
    for cost, probability in worst:
        part = min(probability, left)
        total, left = total + part * cost, left - part
    return (total + left * worst[-1][0]) / (1 - level)  # probabilities may sum to less than 1 by rounding


def project_weights(claims: Sequence[ScenarioClaim], risk_weight: float, risk_level: float) -> list[Fraction]:
    """Return the weights of the bound, made to be those of some mixture of expected cost and value at risk.

    Args:
        claims: Scenarios with their claimed weights.
        risk_weight: Weight of the conditional value at risk.
        risk_level: Its level.

    Returns:
        Weights (S,).
    """
    probabilities = [Fraction(claim.probability) for claim in claims]
    if not risk_weight:
        return probabilities
    total, level = Fraction(risk_weight), Fraction(risk_level)
    most = [total * p / (1 - level) for p in probabilities]
    extra = [
        min(max(Fraction(claim.weight) - p, Fraction()), end)
        for claim, p, end in zip(claims, probabilities, most, strict=True)
    ]
    for number, end in enumerate(most):  # what rounding adds or lacks
        missing = total - sum(extra)
        extra[number] = min(max(extra[number] + missing, Fraction()), end)
    return [p + one for p, one in zip(probabilities, extra, strict=True)]
