r"""Promised confidence: for each metal and deadline, the metal returned suffices with a given probability.

With the metal $W_{et}$ charged from the account by the end of period $t$ and the opening stock $S_e$:

$$\bar R_{et}(x)-z_\alpha\lVert L^\top Dg_{et}(x)\rVert_2\ge W_{et}-S_e,$$

a second-order cone, convex since $z_\alpha\ge0$. For any $u$ with $\lVert u\rVert\le1$ the cut with
$u^\top L^\top Dg_{et}(x)$ in place of the norm follows from it. An uncertainty budget is the same constraint with
another norm and the factor 1. With the deviations $w=L^\top Dg_{et}(x)$ of independent variates the reserve is a norm:

- promised confidence: $z_\alpha\lVert w\rVert_2$, the quantile times the standard deviation;
- budget of uncertainty $\Gamma$ (Bertsimas and Sim 2004, The Price of Robustness): the $\Gamma$ largest $|w_n|$, as
  if so many variates were one standard deviation off at once, the last one in part where $\Gamma$ is no integer.

A norm is the largest $u^\top w$ over the ball of its dual norm, so that every $u$ of that ball gives a linear cut.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from medalopt.errors import LimitError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Bools, Floats
from medalopt.instance.bounds import may_charge
from medalopt.instance.instance import Instance
from medalopt.instance.routes import ConfidenceCut, Routes, build_routes
from medalopt.instance.uncertainty import (
    JOINT_CONFIDENCE,
    UncertaintyModel,
    build_uncertainty,
    get_joint_confidence,
    get_uncertainty_budget,
    has_confidence,
)


@dataclass(frozen=True)
class ProtectionNorm:
    """A norm of the deviations $w$ (Z,) of independent variates, with the ball of its dual norm.

    Without a budget it is the standard deviation of their sum, the Euclidean norm, which is its own dual. With one it
    is the sum of the `budget` largest absolute values, the last one in part.
    """

    budget: float | None = None

    def weigh_ranks(self, count: int) -> Floats:
        """Return the weight of each rank in a budget, the largest deviation first.

        Returns:
            (count,): 1 for as many as the budget, a fraction for the next, 0 beyond.
        """
        assert self.budget is not None, "a standard deviation has no ranks"
        return np.clip(self.budget - np.arange(count), 0.0, 1.0)

    def measure(self, deviations: Floats) -> float:
        """Return the norm.

        Args:
            deviations (Z,): Deviations.

        Returns:
            In their unit.
        """
        if self.budget is None:
            return float(np.linalg.norm(deviations))
        return float(self.weigh_ranks(len(deviations)) @ np.sort(np.abs(deviations))[::-1])

    def find_direction(self, deviations: Floats) -> Floats:
        """Return the vector of the dual ball whose product with the deviations is their norm.

        Returns:
            (Z,), dimensionless: the unit vector, 0 where all deviations are; with a budget the signs of the largest.
        """
        if self.budget is None:
            length = np.linalg.norm(deviations)
            return np.asarray(deviations / length if length > 0 else deviations)
        direction = np.zeros(len(deviations))
        order = np.argsort(-np.abs(deviations), kind="stable")
        direction[order] = self.weigh_ranks(len(deviations))
        return direction * np.sign(deviations)

    def measure_dual(self, vector: Floats) -> float:
        """Return the dual norm: the length; with a budget the largest absolute value, or the sum of all over it.

        Returns:
            At most 1 within the ball.
        """
        if self.budget is None:
            return float(np.linalg.norm(vector))
        sizes = np.abs(vector)
        return max(float(sizes.max(initial=0.0)), float(sizes.sum()) / self.budget)

    def is_within(self, vector: Floats, most: float) -> bool:
        """Return whether the dual norm of a vector is at most a limit, proven in fractions.

        Returns:
            True if it is proven.
        """
        sizes, limit = [abs(Fraction(value)) for value in vector.tolist()], Fraction(most)
        if self.budget is None:
            return sum((size**2 for size in sizes), Fraction(0)) <= limit**2
        return max(sizes, default=Fraction(0)) <= limit and sum(sizes, Fraction(0)) <= Fraction(self.budget) * limit


def find_attained_budget(deviations: Floats, reserve: float) -> float:
    """Find the largest budget whose loss a reserve covers.

    Args:
        deviations (Z,): Deviations.
        reserve: Possible loss, in their unit.

    Returns:
        The budget; infinite where the reserve covers all deviations at once, 0 where it is negative.
    """
    sizes = np.sort(np.abs(deviations[deviations != 0]))[::-1]
    losses = np.concatenate([[0.0], np.cumsum(sizes)])
    return np.inf if reserve >= losses[-1] else float(np.interp(reserve, losses, np.arange(len(losses))))


JointSplit = Mapping[tuple[str, str], float]  # confidence by metal and period
LARGEST_CONFIDENCE = 1 - 2.0**-52  # whose quantile is finite
MAX_PARTS = 20_000_000  # coefficients of routes in the constraints of an uncertainty budget


@dataclass(frozen=True)
class ConfidenceRow:
    """The chance constraint of one metal and deadline, by index; `quantile` is the standard normal one at `level`.

    With an uncertainty budget there is no level (NaN), and the quantile is 1.
    """

    metal: int
    period: int
    level: float
    quantile: float


@dataclass(frozen=True, eq=False)
class ConfidencePolicy:
    """Chance constraints of an instance, and the model of uncertainty they refer to."""

    model: UncertaintyModel
    rows: tuple[ConfidenceRow, ...]
    norm: ProtectionNorm

    @property
    def budget(self) -> float | None:
        """Uncertainty budget, a number of parameters; None where confidences are promised."""
        return self.norm.budget

    def measure_exposure(self, exposure: Floats) -> float:
        """Measure by its norm the possible loss of metal returned.

        Args:
            exposure (F,): Result of `UncertaintyModel.compute_exposure`, kg.

        Returns:
            Kilograms; of a promised confidence still to be multiplied by the quantile.
        """
        return self.norm.measure(self.model.loading.apply_transposed(exposure))

    def build_cut(self, routes: Routes, row: ConfidenceRow, direction: Floats) -> ConfidenceCut:
        """Build a cut.

        Args:
            routes: Routes in floats.
            row: Its chance constraint.
            direction (Z,): Vector of length at most 1.

        Returns:
            The cut.
        """
        spread = self.model.compute_cut_rates(row.metal, direction)
        return ConfidenceCut(row.metal, row.period, direction, routes.returned[:, row.metal] - row.quantile * spread)


def needs_cuts(instance: Instance) -> bool:
    """Return whether an instance promises a confidence, whose cuts are found solution by solution.

    Returns:
        False also with an uncertainty budget, which one linear program holds.
    """
    policy = build_confidence(instance)
    return policy is not None and policy.budget is None


def find_deadlines(instance: Instance, routes: Routes) -> Bools:
    """Find the deadlines of each metal: periods in which a medal is due whose alloy needs it.

    Returns:
        Mask (E, T).
    """
    medals, needs = instance.medals, may_charge(instance, routes) & (instance.alloys.low.raw > 0)  # (A, E)
    wanted = (medals.parts.raw > 0) & (medals.count > 0)[:, None]  # (M, A)
    due = medals.due[:, None] == np.arange(len(instance.periods))[None, :]  # (M, T)
    return np.asarray(needs.T.astype(np.intp) @ (wanted.T.astype(np.intp) @ due.astype(np.intp)) > 0)


@lru_cache(maxsize=4)
def build_confidence(instance: Instance) -> ConfidencePolicy | None:
    """Build the chance constraints of an instance; kept for the last instances.

    A joint confidence is split over all metals and deadlines that are uncertain (Boole's inequality), equally or as
    `split_joint_confidence` says.

    Returns:
        The chance constraints; None without any.
    """
    if not has_confidence(instance):
        return None
    routes = build_routes(instance)
    model, levels = build_uncertainty(instance, routes), instance.annex.get("confidence", {})
    uncertain = np.zeros(len(instance.metals.names), dtype=np.bool_)
    uncertain[model.metal] = True
    places = np.argwhere(find_deadlines(instance, routes) & uncertain[:, None]).tolist()
    if budget := get_uncertainty_budget(instance):
        rows = [ConfidenceRow(metal, period, math.nan, 1.0) for metal, period in places]
        return ConfidencePolicy(model, tuple(rows), ProtectionNorm(budget)) if rows else None
    joint = levels.get(JOINT_CONFIDENCE)
    equal = min(1 - (1 - joint) / len(places), LARGEST_CONFIDENCE) if joint and places else 0.5
    split = instance.annex.get("confidence_split", {})
    normal, rows = NormalDist(), []
    for metal, period in places:
        name = instance.metals.names[metal]
        shared = split.get(name, {}).get(instance.periods[period], equal)
        level = max(levels.get(name, 0.5), shared)
        if level > 0.5:
            rows.append(ConfidenceRow(metal, period, level, normal.inv_cdf(level)))
    return ConfidencePolicy(model, tuple(rows), ProtectionNorm()) if rows else None


def has_joint_split(instance: Instance) -> bool:
    """Return whether the joint confidence of an instance has a split of its own.

    Returns:
        False where it is split equally.
    """
    return bool(instance.annex.get("confidence_split"))


def split_joint_confidence(instance: Instance, levels: JointSplit) -> Instance:
    """Return an instance with a split of its joint confidence.

    Args:
        instance: The instance.
        levels: Confidence of each metal and deadline, by names.

    Returns:
        The instance; its digest is unchanged.
    """
    split: dict[str, dict[str, float]] = {}
    for (metal, period), level in levels.items():
        split.setdefault(metal, {})[period] = level
    return replace(instance, annex={**instance.annex, "confidence_split": split})


def is_joint_split(instance: Instance, levels: JointSplit) -> bool:
    """Return whether levels are a split of the joint confidence: their risks sum to no more than the joint one.

    Args:
        instance: The instance, without a split.
        levels: Confidence of each metal and deadline, by names.

    Returns:
        True if each is from 50 % to below 100 %, none is missing, and the sum in fractions is no greater.
    """
    joint, policy = get_joint_confidence(instance), build_confidence(instance)
    if joint is None or policy is None or not all(0.5 <= level < 1 for level in levels.values()):
        return False
    rows = {(instance.metals.names[row.metal], instance.periods[row.period]) for row in policy.rows}
    return rows == levels.keys() and sum(1 - Fraction(level) for level in levels.values()) <= 1 - Fraction(joint)


def list_budget_parts(instance: Instance, routes: Routes) -> tuple[ConfidenceCut, ...]:
    """List the linear parts of the constraints of an uncertainty budget: metal returned, and deviations by variate.

    Returns:
        For each metal and deadline a cut with the metal returned, then one for each variate; empty without a budget.

    Raises:
        LimitError: They have more than `MAX_PARTS` coefficients.
    """
    policy = build_confidence(instance)
    if policy is None or policy.budget is None:
        return ()
    width = policy.model.loading.shape[1]
    if len(policy.rows) * width * len(routes) > MAX_PARTS:
        raise LimitError(
            f"{instance.name}: too large for an uncertainty budget, with {width:,} uncertain parameters and "
            f"{len(routes):,} routes; promise a confidence instead"
        )
    return list_variate_parts(policy, routes)


def list_variate_parts(policy: ConfidencePolicy, routes: Routes) -> tuple[ConfidenceCut, ...]:
    """List the metal returned, and its deviations by variate, of each chance constraint.

    Returns:
        For each metal and deadline a cut with the metal returned, then one for each variate with a deviation.
    """
    width, parts = policy.model.loading.shape[1], []
    for row in policy.rows:
        parts.append(ConfidenceCut(row.metal, row.period, np.zeros(width), routes.returned[:, row.metal]))
        for variate in range(width):
            axis = np.zeros(width)
            axis[variate] = 1.0
            rate = policy.model.compute_cut_rates(row.metal, axis)
            if rate.any():
                parts.append(ConfidenceCut(row.metal, row.period, axis, rate, part=True))
    return tuple(parts)


def build_program_routes(instance: Instance) -> Routes:
    """Build the routes of an instance in floats, with the linear parts of an uncertainty budget.

    Returns:
        The routes of its program, without cuts of a promised confidence.
    """
    routes = build_routes(instance)
    return replace(routes, cuts=list_budget_parts(instance, routes))


@dataclass(frozen=True, eq=False)
class ConfidenceSlack:
    """State of a chance constraint at a plan, kg."""

    row: ConfidenceRow
    buffer: float  # expected metal returned and opening stock, less metal charged
    deviation: float  # standard deviation, or the loss within the uncertainty budget
    direction: Floats  # (Z,) of the cut at the plan
    size: float  # of the constraint
    spread: Floats  # (Z,) deviations by independent variate

    @property
    def attained_quantile(self) -> float:
        """Standard normal quantile that the plan attains; infinite without uncertainty."""
        return self.buffer / self.deviation if self.deviation > 0 else np.inf

    @property
    def excess(self) -> float:
        """Violation relative to the size of the constraint; negative if it holds with slack."""
        return (self.row.quantile * self.deviation - self.buffer) / (self.size or 1.0)


def measure_confidence(policy: ConfidencePolicy, account: PlanAccount) -> Sequence[ConfidenceSlack]:
    """Measure the chance constraints at a plan.

    Args:
        policy: Chance constraints.
        account: Plan in floats.

    Returns:
        One state for each.
    """
    returned = np.cumsum(account.returned.sum(axis=0), axis=1)
    charged = np.cumsum(account.decisions.charged.sum(axis=0), axis=1)
    opening = account.instance.metals.opening_stock.value
    result = []
    for row in policy.rows:
        at = row.metal, row.period
        exposure = policy.model.compute_exposure(account.decisions.sent, *at)
        own = policy.model.loading.apply_transposed(exposure)
        deviation, direction = policy.norm.measure(own), policy.norm.find_direction(own)
        buffer = float(returned[at] + opening[row.metal] - charged[at])
        size = max(float(returned[at] + opening[row.metal]), float(charged[at]))
        result.append(ConfidenceSlack(row, buffer, deviation, direction, size, own))
    return result
