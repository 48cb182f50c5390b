"""Price of confidence: cost of plans by promised confidence, up to the highest that any plan can promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

from medalopt.errors import ConfidenceNotReachedError, UsageError
from medalopt.instance.confidence import build_confidence, measure_confidence
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan
from medalopt.proof.confidence import price_confidence
from medalopt.solve_instance import solve

LEVELS = 8  # confidences solved between that of the plan without a promise and the highest one
_NEARLY_CERTAIN, _LEAST, _BELOW_HIGHEST = 0.999, 0.5, 1e-4


@dataclass(frozen=True)
class PricedConfidence:
    """One plan: its promise, its cost, and the cost of one more percentage point (money)."""

    level: float
    cost: float
    marginal_cost: float
    metal: str  # of the tightest chance constraint; '' where none binds
    period: str
    buffer: float  # kg of that metal expected beyond what is charged


@dataclass(frozen=True)
class PriceOfConfidence:
    """Plans by rising confidence.

    Attributes:
        instance: The instance, without a promise.
        rows: Plans; the first has the confidence that the plan without a promise reaches anyway.
        highest: Highest confidence that any plan can promise; None where nearly certain plans exist.
    """

    instance: Instance
    rows: tuple[PricedConfidence, ...]
    highest: float | None


def compute_price_of_confidence(
    instance: Instance,
    levels: Sequence[float] = (),
    report_progress: Callable[[str], None] = lambda _: None,
) -> PriceOfConfidence:
    """Compute the cost of plans by their promised confidence, the same for every metal and deadline.

    Args:
        instance: Instance from a file; a promise of its own is replaced.
        levels: Confidences, from 0.5 to below 1; empty: from where they cost something to the highest, in
            even steps of the normal quantile.
        report_progress: Called before each solve.

    Returns:
        The costs.

    Raises:
        UsageError: A level is out of range, or nothing that is returned is uncertain.
    """
    if not all(_LEAST <= level < 1 for level in levels):
        raise UsageError("a confidence is a share from 50 % to below 100 %, such as 90 %")
    report_progress("without a promise")
    bare = _promise(instance, _LEAST)
    free = solve(bare)
    anyway = _find_level_anyway(_promise(instance, _NEARLY_CERTAIN), free)
    highest, rows = None, []
    try:
        report_progress("the highest confidence")
        rows.append(_price(solve(_promise(instance, _NEARLY_CERTAIN))))
    except ConfidenceNotReachedError as error:
        if error.highest is None:
            raise UsageError(f"{instance.name}: is too large for its price of confidence") from error
        highest = error.highest.level - _BELOW_HIGHEST
    top = _NEARLY_CERTAIN if highest is None else highest
    normal = NormalDist()
    low, high = normal.inv_cdf(anyway), normal.inv_cdf(top)
    steps = [normal.cdf(low + (high - low) * number / LEVELS) for number in range(1, LEVELS)] + [top]
    for level in sorted(levels) or [step for step in steps if step < _NEARLY_CERTAIN]:
        if anyway < level <= top:
            report_progress(f"{100 * level:.1f} %")
            rows.append(_price(solve(_promise(instance, level))))
    first = PricedConfidence(anyway, free.objective, 0.0, "", "", 0.0)
    ordered = sorted(rows, key=lambda row: row.level)
    return PriceOfConfidence(bare, (first, *ordered), highest)


def _promise(instance: Instance, level: float) -> Instance:
    """Return the instance with one confidence for every metal; without a promise at 50 %."""
    annex = {name: value for name, value in instance.annex.items() if name not in ("confidence", "uncertainty_budget")}
    if level > _LEAST:
        annex["confidence"] = dict.fromkeys(instance.metals.names, level)
    return replace(instance, annex=annex)


def _find_level_anyway(instance: Instance, plan: Plan) -> float:
    """Return the confidence of the plan without a promise: the least over metals and deadlines, at least 50 %."""
    policy = build_confidence(instance)
    if policy is None:
        raise UsageError(f"{instance.name}: nothing that is returned is uncertain; give assays a `cv`")
    slacks = measure_confidence(policy, plan.account)
    attained = [slack.attained_quantile for slack in slacks if slack.deviation > 0]
    return max(_LEAST, NormalDist().cdf(min(attained, default=0.0)))


def _price(plan: Plan) -> PricedConfidence:
    """Return cost and marginal cost of a plan with a promise; the latter from its dual values."""
    instance, policy = plan.instance, build_confidence(plan.instance)
    assert policy is not None
    tightest = max(measure_confidence(policy, plan.account), key=lambda slack: slack.excess)
    return PricedConfidence(
        tightest.row.level,
        plan.objective,
        sum(price.saves for price in price_confidence(plan.account, plan.duals)),
        instance.metals.names[tightest.row.metal],
        instance.periods[tightest.row.period],
        tightest.buffer,
    )
