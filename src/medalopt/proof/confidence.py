r"""Promised confidence in the certificate: the cones of a plan, and the terms of their dual values in the lower bound.

A chance constraint $s(x)\ge z\lVert h(x)\rVert$ has a dual value $\mu\ge0$ and a vector $v$ no longer than $\mu$; then
$\mu s(x)-zv^\top h(x)\ge0$ for every plan (Cauchy and Schwarz), and this linear expression is relaxed as any
other row. No cut of the solver is trusted: $v$ is shortened until $v^\top v\le\mu^2$ holds in fractions. With an
uncertainty budget $\Gamma$ the same holds where $|v_n|\le\mu$ for each and $\sum_n|v_n|\le\Gamma\mu$.

The quantile $z$, loadings, deviations and rates of the model of uncertainty are data in double precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import NormalDist

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import IntervalArray, NumberReader, Numbers, lift_floats, make_zeros
from medalopt.instance.arrays import Floats
from medalopt.instance.confidence import (
    LARGEST_CONFIDENCE,
    ConfidencePolicy,
    ConfidenceRow,
    ConfidenceSlack,
    ProtectionNorm,
    build_confidence,
    measure_confidence,
)
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.instance.smelter_terms import find_pooled_lots
from medalopt.instance.uncertainty import get_joint_confidence
from medalopt.proof.prices import Duals

CONE_RULE, DIRECTION_RULE = "confidence", "confidence_direction"  # rules of the saved dual values
LEVEL_RULE = "confidence_level"  # saved beside them: the split of a joint confidence
_SHRINKAGE = 2.0**-40  # of a vector that is longer than its dual value, and of the risks that are split
_SPARE_RISK = 1e-3  # of an equal share: what a metal that suffices anyway keeps beside the risk of the plan


@dataclass(frozen=True, eq=False)
class ConePrice:
    """Dual value of a chance constraint and the vector of its direction."""

    row: ConfidenceRow
    value: float  # mu
    direction: Floats  # (Z,) v


@dataclass(frozen=True, eq=False)
class ConePayments:
    """Payments of chance constraints per unit of each decision, by array, and in all."""

    pull: Mapping[str, Numbers]
    fixed: Numbers


def list_cone_axes(instance: Instance) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return the names along each index of the dual values of chance constraints.

    Returns:
        By rule, one tuple of names per index; empty without chance constraints.
    """
    policy = build_confidence(instance)
    if policy is None:
        return {}
    places = instance.metals.names, instance.periods
    variates = tuple(str(number) for number in range(policy.model.loading.shape[1]))
    levels = {LEVEL_RULE: places} if get_joint_confidence(instance) else {}
    return {CONE_RULE: places, DIRECTION_RULE: (*places, variates), **levels}


def parse_cone_prices(instance: Instance, duals: Duals) -> list[ConePrice]:
    """Parse the dual values of chance constraints; each direction is shortened to its dual value.

    Args:
        duals: Dual values by rule and names; they need not be right.

    Returns:
        One price for each chance constraint with a positive dual value, its direction at most as long.
    """
    policy = build_confidence(instance)
    return [
        replace(price, direction=_shorten(policy.norm, price.direction, price.value))
        for price in read_cone_prices(instance, duals)
        if policy is not None
    ]


def read_cone_prices(instance: Instance, duals: Duals) -> list[ConePrice]:
    """Read the dual values of chance constraints as they are: a direction may be longer than its dual value.

    Args:
        duals: Dual values by rule and names; they need not be right.

    Returns:
        One price for each chance constraint with a positive dual value.
    """
    policy = build_confidence(instance)
    given = duals.get(CONE_RULE, {})
    if policy is None or not given:
        return []
    length = policy.model.loading.shape[1]
    vectors: dict[tuple[str, str], Floats] = {}
    for (metal, period, variate), value in duals.get(DIRECTION_RULE, {}).items():
        vectors.setdefault((metal, period), np.zeros(length))[int(variate)] = value if np.isfinite(value) else 0.0
    result = []
    for row in policy.rows:
        key = instance.metals.names[row.metal], instance.periods[row.period]
        value = given.get(key, 0.0)
        if 0 < value < np.inf:
            result.append(ConePrice(row, value, vectors.get(key, np.zeros(length))))
    return result


def _shorten(norm: ProtectionNorm, vector: Floats, most: float) -> Floats:
    """Return a vector scaled to a dual norm of at most `most`, proven in fractions."""
    while not norm.is_within(vector, most):
        longer = norm.measure_dual(vector) / most
        vector = vector / max(longer, 1.0) * (1 - _SHRINKAGE)
    return vector


def compute_cone_payments(instance: Instance, routes: Routes, duals: Duals, read: NumberReader) -> ConePayments | None:
    """Compute the payments of chance constraints for each decision at their dual values.

    Args:
        routes: Admissible routes (J), in the arithmetic of the result.
        duals: Dual values by rule and names.
        read: Reads parameters in the arithmetic of the result.

    Returns:
        The payments; None without a positive dual value.
    """
    prices = parse_cone_prices(instance, duals)
    policy = build_confidence(instance)
    if not prices or policy is None:
        return None
    periods = len(instance.periods)
    sent = make_zeros((len(routes), periods), routes.returned)
    charge = make_zeros((len(instance.alloys.names), len(instance.metals.names), periods), routes.returned)
    lots = find_pooled_lots(instance, routes, read)
    withheld = make_zeros(lots.exists.shape, routes.returned)
    fixed, opening = make_zeros((), routes.returned), read(instance.metals.opening_stock)
    arrives = np.where(routes.smelter >= 0, 0, periods)[:, None] + np.arange(periods)[None, :]
    for price in prices:
        metal, period = price.row.metal, price.row.period
        value = lift_floats(np.full(1, price.value), routes.returned)
        rate = value * routes.returned[:, metal] - _weigh_spread(policy, price, routes)
        back = arrives + instance.smelters.lead[routes.smelter, metal][:, None] <= period
        sent = sent + np.where(back, rate[:, None], 0)
        charge[:, metal, : period + 1] = charge[:, metal, : period + 1] - value
        due = np.arange(periods)[None, :] + instance.smelters.lead[lots.smelter, metal][:, None] <= period
        withheld[:, metal] = withheld[:, metal] - np.where(due, value, 0)
        fixed = fixed - (value * opening[metal : metal + 1]).sum()
    pull = {"sent": sent, "charge": charge, **({"withheld": withheld} if len(lots.line) else {})}
    return ConePayments(pull, fixed)


def _weigh_spread(policy: ConfidencePolicy, price: ConePrice, routes: Routes) -> Numbers:
    r"""Return $zv^\top L^\top Dg$ per tonne on each route (J,), in the arithmetic of the routes."""
    model, like = policy.model, routes.returned
    weight = make_zeros((len(model.factors),), like)
    direction = lift_floats(price.direction * 1.0, like)
    np.add.at(weight, model.loading.factor, lift_floats(model.loading.loading, like) * direction[model.loading.variate])
    weight = weight * lift_floats(model.deviation, like) * lift_floats(np.full(1, price.row.quantile), like)
    rows = np.flatnonzero(model.metal == price.row.metal)
    spread = make_zeros((len(routes),), like)
    np.add.at(spread, model.route[rows], lift_floats(model.rate[rows], like) * weight[model.factor[rows]])
    return spread


@dataclass(frozen=True)
class ConfidencePrice:
    """Price of one chance constraint: saving in the objective by one percentage point less of its confidence.

    Of an uncertainty budget it is the saving by one parameter less, to first order.
    """

    row: ConfidenceRow
    saves: float


def price_confidence(account: PlanAccount, duals: Duals) -> list[ConfidencePrice]:
    r"""Price each binding chance constraint: $\mu\,\mathrm{sd}_{et}/(100\,\varphi(z_\alpha))$.

    With an uncertainty budget it is $\mu$ times the smallest deviation that the budget covers.

    Returns:
        One price for each chance constraint with a positive dual value, the largest first.
    """
    policy, values = build_confidence(account.instance), {}
    for cone in parse_cone_prices(account.instance, duals):
        values[cone.row.metal, cone.row.period] = cone.value
    if policy is None or not values:
        return []
    prices = [
        ConfidencePrice(slack.row, values[at] * differentiate_deviation(policy, slack))
        for slack in measure_confidence(policy, account)
        if (at := (slack.row.metal, slack.row.period)) in values
    ]
    return sorted(prices, key=lambda price: -price.saves)


def differentiate_deviation(policy: ConfidencePolicy, slack: ConfidenceSlack) -> float:
    """Differentiate the reserve of a chance constraint.

    Args:
        policy: Chance constraints.
        slack: State of one of them at a plan.

    Returns:
        Kilograms per percentage point of confidence, or per unit of the uncertainty budget.
    """
    if policy.budget is None:
        return slack.deviation / NormalDist().pdf(slack.row.quantile) / 100
    covered = min(math.ceil(policy.budget), len(slack.spread))
    return float(np.sort(np.abs(slack.spread))[::-1][covered - 1])


def sum_assured_values(instance: Instance, duals: Duals) -> Floats:
    """Sum the dual values of chance constraints at deadlines not earlier than each period.

    Returns:
        Saving, by these alone, per kilogram more of each metal, certain to be on the account from a period on, (E, T).
    """
    values = np.zeros((len(instance.metals.names), len(instance.periods)))
    for price in parse_cone_prices(instance, duals):
        values[price.row.metal, : price.row.period + 1] += price.value
    return values


def compute_deviation_costs(instance: Instance, routes: Routes, duals: Duals) -> Floats:
    r"""Compute the cost of the deviation of each metal by a tonne on each route, at the dual values, if back in time.

    Args:
        routes: Admissible routes (J) in floats.
        duals: Dual values by rule and names.

    Returns:
        $z_\alpha v^\top L^\top Dg$ by route, metal and period in which the metal is back, (J, E, T); no routes
        without a positive dual value.
    """
    prices, policy = parse_cone_prices(instance, duals), build_confidence(instance)
    if policy is None or not prices:
        return np.zeros((0, len(instance.metals.names), len(instance.periods)))
    costs = np.zeros((len(routes), len(instance.metals.names), len(instance.periods)))
    for price in prices:
        each = policy.model.compute_cut_rates(price.row.metal, price.direction) * price.row.quantile
        costs[:, price.row.metal, : price.row.period + 1] += each[:, None]
    return costs


def merge_payments(pull: Mapping[str, Numbers], payments: ConePayments | None) -> dict[str, Numbers]:
    """Return payments of extension rows and chance constraints together.

    Args:
        pull: Payments of extension rows by array.
        payments: Payments of chance constraints.

    Returns:
        Their sums by array.
    """
    added = {} if payments is None else payments.pull
    return {
        array: pull[array] + added[array] if array in pull and array in added else pull.get(array, added.get(array))
        for array in {**pull, **added}
    }


def iterate_cone_residuals(account: PlanAccount) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield the violations and sizes of all chance constraints of a plan, by metal and period.

    Yields:
        At most one pair of arrays (E, T), kg; the square root is bounded from above.
    """
    policy = build_confidence(account.instance)
    if policy is None:
        return
    sent = account.decisions.sent
    opening = account.read(account.instance.metals.opening_stock)[:, None]
    come = opening + np.cumsum(account.returned.sum(axis=0), axis=1)
    gone = np.cumsum(account.decisions.charged.sum(axis=0), axis=1)
    excess, size = make_zeros(come.shape, sent), np.maximum(abs(come), abs(gone))
    for row in policy.rows:
        at = row.metal, slice(row.period, row.period + 1)
        deviation = _bound_norm(policy, _compute_spread(policy, row, sent))
        quantile = lift_floats(np.full(1, row.quantile), sent)
        excess[at] = np.maximum(quantile * deviation - (come - gone)[at], 0)
    yield excess, size


def _bound_norm(policy: ConfidencePolicy, spread: Numbers) -> Numbers:
    """Return the norm of deviations (Z,), or a bound above it, as one number (1,)."""
    if policy.budget is None:
        return _compute_root_above((spread * spread)[None, :].sum(axis=1))
    sizes = abs(spread)
    sizes = lift_floats(sizes.high, sizes) if isinstance(sizes, IntervalArray) else sizes
    ranks = sizes.high if isinstance(sizes, IntervalArray) else sizes
    order = np.argsort(-ranks, kind="stable")
    weights = lift_floats(policy.norm.weigh_ranks(len(order)), sizes)
    return (sizes[order] * weights)[None, :].sum(axis=1)


def _compute_spread(policy: ConfidencePolicy, row: ConfidenceRow, sent: Numbers) -> Numbers:
    r"""Return the deviations $L^\top Dg(x)$ of one chance constraint, (Z,), kg."""
    model = policy.model
    rows = np.flatnonzero(model.metal == row.metal)
    tonnes = make_zeros((len(rows),), sent)
    for lead in np.unique(model.lead[rows]).tolist():  # the sums are of routes, which are fewer than derivatives
        those = np.flatnonzero(model.lead[rows] == lead)
        tonnes[those] = sent[:, : max(row.period + 1 - lead, 0)].sum(axis=1)[model.route[rows[those]]]
    exposure = make_zeros((len(model.factors),), sent)
    np.add.at(exposure, model.factor[rows], lift_floats(model.rate[rows], sent) * tonnes)
    exposure = exposure * lift_floats(model.deviation, sent)
    own = make_zeros((model.loading.shape[1],), sent)
    np.add.at(own, model.loading.variate, lift_floats(model.loading.loading, sent) * exposure[model.loading.factor])
    return own


def _compute_root_above(values: Numbers) -> Numbers:
    """Return square roots, or bounds above them, in the arithmetic of the values."""
    if isinstance(values, IntervalArray):
        low = np.nextafter(np.sqrt(np.maximum(values.low, 0.0)), 0.0)
        return IntervalArray(low, np.nextafter(np.sqrt(np.maximum(values.high, 0.0)), np.inf))
    if values.dtype != object:
        return np.sqrt(values)
    roots = make_zeros(values.shape, values)
    roots[:] = [enclose_square_root(Fraction(value))[1] for value in values.tolist()]
    return roots


def reallocate_risk(account: PlanAccount, duals: Duals) -> dict[tuple[str, str], float]:
    r"""Reallocate the risks of a joint confidence by their marginal costs.

    A chance constraint without a dual value keeps the risk that the plan takes anyway, at most half of its own, which
    costs nothing at first. The others share the rest, in proportion to $\mu\,\mathrm{sd}_{et}/z_\alpha$: as
    $\varphi(z)\approx z(1-\alpha)$, one more point of risk then saves nearly the same for each.

    Args:
        account: Plan in floats, of an instance with a joint confidence.
        duals: Its dual values.

    Returns:
        Confidence of each metal and deadline, by names; their risks sum to less than the joint one.
    """
    instance, normal = account.instance, NormalDist()
    policy, joint = build_confidence(instance), get_joint_confidence(instance)
    assert policy is not None and joint is not None
    slacks = measure_confidence(policy, account)
    keys = [(instance.metals.names[slack.row.metal], instance.periods[slack.row.period]) for slack in slacks]
    values = [max(duals.get(CONE_RULE, {}).get(key, 0.0), 0.0) for key in keys]
    whole = (1 - joint) * (1 - _SHRINKAGE)
    spare, risks = whole / len(slacks) * _SPARE_RISK, {}
    for key, slack, value in zip(keys, slacks, values, strict=True):
        if not value:
            risks[key] = min((1 - slack.row.level) / 2, normal.cdf(-slack.attained_quantile) + spare)
    weights = {
        key: value * slack.deviation / slack.row.quantile
        for key, slack, value in zip(keys, slacks, values, strict=True)
        if value
    }
    left, total = max(whole - sum(risks.values()), 0.0), sum(weights.values())
    for key, weight in weights.items():
        risks[key] = min(left * weight / total, 0.5)
    return {key: min(1 - risk, LARGEST_CONFIDENCE) for key, risk in risks.items()}


def enclose_square_root(number: Fraction, digits: int = 30) -> tuple[Fraction, Fraction]:
    """Enclose the square root of a fraction by two fractions.

    Args:
        number: A fraction of at least 0.
        digits: Decimal digits of the enclosure, relative to the root.

    Returns:
        Lower and upper bound; equal where the root is exact.
    """
    if number < 0:
        raise ValueError(f"{number} has no real square root")
    if not number:
        return number, number
    shift = 4 * digits + max(0, number.denominator.bit_length() - number.numerator.bit_length())
    scaled = (number.numerator << (2 * shift)) // number.denominator
    root = math.isqrt(scaled)
    low = Fraction(root, 1 << shift)
    return low, low if low * low == number else Fraction(root + 1, 1 << shift)
