r"""Price of confidence: cost of plans by promised confidence, up to the highest that any plan can promise.

Between two plans with the quantiles $z_1<z_2$, costs $c_1\le c_2$ and deviations $d_1,d_2$ the least cost has bounds
that are linear in $z$:

- Above: a mixture of both plans, with the share $\lambda$ of the first, keeps the promise for $z$ if
  $\lambda(z-z_1)d_1\le(1-\lambda)(z_2-z)d_2$. So for $d_1\le d_2$ the cost is not above the chord; for $r=d_2/d_1<1$
  it is above it by at most $(c_2-c_1)(1-\sqrt r)/(1+\sqrt r)$.
- Below: at given dual values the lower bound is the least of functions linear in $z$, hence concave: it is not below
  the line through its values at $z_1$ and $z_2$, one of which is the cost itself.

Chord and lower lines are farthest apart where the two lower lines cross. There the interval is divided.

Between two plans whose sources of metal differ the confidence is bisected, to place the breakpoint from which a source
is used, or no longer used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import NormalDist

import numpy as np

from medalopt.errors import ConfidenceNotReachedError, UsageError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.confidence import ConfidenceSlack, build_confidence, measure_confidence
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan
from medalopt.proof.certificate import certify_plan
from medalopt.proof.confidence import price_confidence
from medalopt.solve_instance import solve, solve_from_base
from medalopt.solver.decomposition.column_generation import ConfidencePath

GAP_SHARE = 0.02  # distance of chord and lower bound that suffices, of the cost of the highest confidence beyond none
MAX_PLANS = 24  # plans solved at most
_NEARLY_CERTAIN, _LEAST, _BELOW_HIGHEST = 0.999, 0.5, 1e-4
_LEVELS_IN_LOTS = (0.6, 0.7, 0.8, 0.9, 0.95)  # solved where no dual values bound the cost between plans
_BEGIN = 1e-4  # above the confidence without a promise, where the slope of the cost is taken
_NEAR_END = 0.1  # an interval is divided no nearer to its ends


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
class CostInterval:
    """Costs between two plans, by the standard normal quantile: bounded by their chord and by two lines below it."""

    left: float  # quantiles
    right: float
    chord: tuple[float, float]  # costs at both ends
    of_left: float  # lower bound at the right end by the dual values of the left plan
    of_right: float  # lower bound at the left end by those of the right plan
    excess: float  # of the cost above the chord, at most

    @property
    def crossing(self) -> float:
        """Part of the interval up to the point where the lower lines cross, share from 0 to 1."""
        rise, drop = self.chord[1] - self.of_left, self.chord[0] - self.of_right
        return drop / (rise + drop) if rise > 0 and drop > 0 else 0.5

    @property
    def gap(self) -> float:
        """Distance of upper and lower bound of the cost, at most, money."""
        rise, drop = (max(one, 0.0) for one in (self.chord[1] - self.of_left, self.chord[0] - self.of_right))
        return (rise * drop / (rise + drop) if rise and drop else 0.0) + self.excess

    def bound_at_crossing(self) -> tuple[float, float]:
        """Bound the cost from below where the lower lines cross.

        Returns:
            Quantile and cost.
        """
        share = self.crossing
        lower = max(
            self.chord[0] + share * (self.of_left - self.chord[0]),
            self.of_right + share * (self.chord[1] - self.of_right),
        )
        return self.left + share * (self.right - self.left), lower


@dataclass(frozen=True)
class PriceOfConfidence:
    """Plans by rising confidence.

    Attributes:
        instance: The instance, without a promise.
        rows: Plans; the first has the confidence that the plan without a promise reaches anyway.
        highest: Highest confidence that any plan can promise; None where nearly certain plans exist.
        intervals: Bounds of the cost between neighbouring plans; empty with whole lots.
        promised: Highest confidence that the file promises; None without any.
        breakpoints: Confidences at which sources of metal enter or leave; empty with whole lots.
    """

    instance: Instance
    rows: tuple[PricedConfidence, ...]
    highest: float | None
    intervals: tuple[CostInterval, ...] = ()
    promised: float | None = None
    breakpoints: tuple[Breakpoint, ...] = ()

    @property
    def gap(self) -> float | None:
        """Largest distance of the cost from the line between neighbouring plans, certified.

        Returns:
            Money; None where it is not known.
        """
        return max(interval.gap for interval in self.intervals) if self.intervals else None


def compute_price_of_confidence(
    instance: Instance,
    levels: Sequence[float] = (),
    report_progress: Callable[[str], None] = lambda _: None,
) -> PriceOfConfidence:
    """Compute the cost of plans by their promised confidence, the same for every metal and deadline.

    Args:
        instance: Instance from a file; a promise of its own is replaced.
        levels: Confidences, from 0.5 to below 1; empty: from where they cost something to the highest, as many as
            bound the cost between them to `GAP_SHARE` (with whole lots, `_LEVELS_IN_LOTS`), and those that the file
            promises.
        report_progress: Called before each solve.

    Returns:
        The costs.

    Raises:
        UsageError: A level is out of range, or nothing that is returned is uncertain.
    """
    if not all(_LEAST <= level < 1 for level in levels):
        raise UsageError("a confidence is a share from 50 % to below 100 %, such as 90 %")
    report_progress("without a promise")
    bare, path = _promise(instance, _LEAST), ConfidencePath()
    free = solve(bare)

    def solve_level(level: float) -> Plan:
        """Solve for the plan of a confidence, from the one before."""
        report_progress(f"{100 * level:.1f} %")
        return solve_from_base(_promise(instance, level), bare, path=path)

    anyway = _find_level_anyway(_promise(instance, _NEARLY_CERTAIN), free)
    plans, highest = {anyway: free}, None
    try:
        report_progress("the highest confidence")
        plans[_NEARLY_CERTAIN] = solve_from_base(_promise(instance, _NEARLY_CERTAIN), bare, path=path)
    except ConfidenceNotReachedError as error:
        if error.highest is None:
            raise UsageError(f"{instance.name}: is too large for its price of confidence") from error
        highest = error.highest.level - _BELOW_HIGHEST
    top = _NEARLY_CERTAIN if highest is None else highest
    own = [level for name, level in instance.annex.get("confidence", {}).items() if name in instance.metals.names]
    chosen = set(levels) or {*own, top, *(_LEVELS_IN_LOTS if bare.lots else ())}
    for level in sorted(chosen, reverse=True):  # a plan with a high confidence is a mixture that keeps a lower one
        if anyway < level <= top and level not in plans:
            plans[level] = solve_level(level)
    shown, begin = set(plans), anyway + _BEGIN
    if not bare.lots and anyway + 2 * _BEGIN < max(plans):
        plans[begin] = solve_level(begin)
    intervals = () if bare.lots else _refine(instance, plans, 0 if levels else MAX_PLANS, solve_level)
    rows = [
        _price(plan) for level, plan in sorted(plans.items()) if level > anyway and (level in shown or level != begin)
    ]
    first = PricedConfidence(anyway, free.objective, 0.0, "", "", 0.0)
    breakpoints = () if bare.lots else _find_breakpoints(plans, solve_level)
    return PriceOfConfidence(bare, (first, *rows), highest, intervals, max(own, default=None), breakpoints)


def _refine(
    instance: Instance, plans: dict[float, Plan], most: int, solve_level: Callable[[float], Plan]
) -> tuple[CostInterval, ...]:
    """Add plans by confidence, at most `most` in all, until the costs between them are known; return their bounds."""
    normal = NormalDist()
    known: dict[tuple[float, float], CostInterval] = {}
    while True:
        levels = sorted(plans)
        pairs = list(pairwise(levels))
        for pair in pairs:
            known[pair] = known.get(pair) or _bound_between(instance, pair, plans)
        intervals = tuple(known[pair] for pair in pairs)
        wide = max(intervals, key=lambda interval: interval.gap, default=None)
        enough = GAP_SHARE * abs(plans[levels[-1]].objective - plans[levels[0]].objective)
        if wide is None or len(plans) >= most or wide.gap <= enough:
            return intervals
        share = min(max(wide.crossing, _NEAR_END), 1 - _NEAR_END)
        level = normal.cdf(wide.left + share * (wide.right - wide.left))
        plans[level] = solve_level(level)


def _bound_between(instance: Instance, pair: tuple[float, float], plans: dict[float, Plan]) -> CostInterval:
    """Bound the costs between two confidences."""
    left, right = (plans[level] for level in pair)
    of_left, of_right = (_bound_at(instance, level, plan) for level, plan in ((pair[1], left), (pair[0], right)))
    states = [_measure(_promise(instance, pair[1]), plan) for plan in (left, right)]
    ratios = [two.deviation / one.deviation for one, two in zip(*states, strict=True) if one.deviation > 0]
    root = math.sqrt(min(1.0, min(ratios, default=1.0)))
    rise = max(right.objective - left.objective, 0.0)
    quantiles = [NormalDist().inv_cdf(level) for level in pair]
    chord, excess = (left.objective, right.objective), rise * (1 - root) / (1 + root)
    return CostInterval(quantiles[0], quantiles[1], chord, of_left, of_right, excess)


def _bound_at(instance: Instance, level: float, plan: Plan) -> float:
    """Return the lower bound of the costs at a confidence by the dual values of a plan with another one."""
    other = _promise(instance, level)
    account = PlanAccount(other, plan.account.routes, plan.account.decisions)
    return certify_plan(account, compute_bounds(other, account.routes), plan.duals, "cost").lower_bound


def _measure(instance: Instance, plan: Plan) -> Sequence[ConfidenceSlack]:
    """Return the chance constraints of an instance at a plan of another confidence."""
    policy = build_confidence(instance)
    assert policy is not None
    return measure_confidence(policy, plan.account)


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


BREAKPOINT_TOLERANCE = 1e-3  # of a confidence
MAX_PLANS_BETWEEN = 80  # solved to place breakpoints
_USED_SHARE = 1e-6  # of the largest quantity of its kind, above which a source is used

Source = tuple[str, str]  # `stream` or `offer`, and its name


@dataclass(frozen=True)
class Breakpoint:
    """Sources that a plan uses at a confidence of `level`, and not at `below`, or the reverse."""

    below: float
    level: float
    enters: tuple[Source, ...]
    leaves: tuple[Source, ...]
    cost: float  # of the plan at `level`, money


def list_sources(account: PlanAccount) -> frozenset[Source]:
    """List the sources of metal that a plan uses: streams of which devices are smelted, and offers bought.

    Args:
        account: Plan in floats.

    Returns:
        The sources.
    """
    instance, routes = account.instance, account.routes
    smelted = np.where(routes.smelter >= 0, account.decisions.sent.sum(axis=1), 0.0)
    tonnes = np.bincount(routes.stream, smelted, len(instance.streams.names))
    found = set[Source]()
    for kind, names, amounts in (
        ("stream", instance.streams.names, tonnes),
        ("offer", instance.market.names, np.asarray(account.bought)),
    ):
        enough = _USED_SHARE * max(float(np.max(amounts, initial=0.0)), 1.0)
        found |= {(kind, name) for name, amount in zip(names, amounts.tolist(), strict=True) if amount > enough}
    return frozenset(found)


def _find_breakpoints(plans: dict[float, Plan], solve_level: Callable[[float], Plan]) -> tuple[Breakpoint, ...]:
    """Return the confidences at which sources enter or leave, by rising confidence, between plans whose sources differ.

    They are within `BREAKPOINT_TOLERANCE`, or as near as `MAX_PLANS_BETWEEN` allow; plans found between are added to
    `plans`. A source that is used between two neighbouring plans alone is not found.
    """
    known = {level: list_sources(plan.account) for level, plan in plans.items()}
    left, wide = MAX_PLANS_BETWEEN, [(0.0, 1.0)]
    while left and wide:
        changing = [pair for pair in pairwise(sorted(known)) if known[pair[0]] != known[pair[1]]]
        wide = [pair for pair in changing if pair[1] - pair[0] > BREAKPOINT_TOLERANCE]
        for low, high in wide[:left]:
            middle = (low + high) / 2
            plans[middle] = solve_level(middle)
            known[middle] = list_sources(plans[middle].account)
        left -= len(wide[:left])
    return tuple(
        Breakpoint(
            low,
            high,
            tuple(sorted(known[high] - known[low])),
            tuple(sorted(known[low] - known[high])),
            plans[high].objective,
        )
        for low, high in pairwise(sorted(known))
        if known[low] != known[high]
    )
