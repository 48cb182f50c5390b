r"""Promised confidence: for each metal and deadline, the metal returned suffices with a given probability.

With the metal $W_{et}$ charged from the account by the end of period $t$ and the opening stock $S_e$:

$$\bar R_{et}(x)-z_\alpha\lVert L^\top Dg_{et}(x)\rVert_2\ge W_{et}-S_e,$$

a second-order cone, convex since $z_\alpha\ge0$. For any $u$ with $\lVert u\rVert\le1$ the cut with
$u^\top L^\top Dg_{et}(x)$ in place of the norm follows from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Bools, Floats
from medalopt.instance.demand import may_charge
from medalopt.instance.instance import Instance
from medalopt.instance.routes import ConfidenceCut, Routes, build_routes
from medalopt.instance.uncertainty import (
    JOINT_CONFIDENCE,
    UncertaintyModel,
    build_uncertainty,
    has_uncertain_returns,
)


@dataclass(frozen=True)
class ConfidenceRow:
    """The chance constraint of one metal and deadline, by index; `quantile` is the standard normal one at `level`."""

    metal: int
    period: int
    level: float
    quantile: float


@dataclass(frozen=True, eq=False)
class ConfidencePolicy:
    """Chance constraints of an instance, and the model of uncertainty they refer to."""

    model: UncertaintyModel
    rows: tuple[ConfidenceRow, ...]

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


def has_confidence(instance: Instance) -> bool:
    """Return whether an instance promises a confidence and the metal returned is uncertain.

    Args:
        instance: The instance.

    Returns:
        True if there can be a chance constraint.
    """
    return bool(instance.annex.get("confidence")) and has_uncertain_returns(instance)


def find_deadlines(instance: Instance, routes: Routes) -> Bools:
    """Find the deadlines of each metal: periods in which a medal is due whose alloy needs it.

    Args:
        instance: The instance.
        routes: Its routes.

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

    A joint confidence is split equally over all metals and deadlines that are uncertain (Boole's inequality).

    Args:
        instance: The instance.

    Returns:
        The chance constraints; None without any.
    """
    if not has_confidence(instance):
        return None
    routes = build_routes(instance)
    model, levels = build_uncertainty(instance, routes), instance.annex["confidence"]
    uncertain = np.zeros(len(instance.metals.names), dtype=np.bool_)
    uncertain[model.metal] = True
    places = np.argwhere(find_deadlines(instance, routes) & uncertain[:, None]).tolist()
    joint = levels.get(JOINT_CONFIDENCE)
    shared = 1 - (1 - joint) / len(places) if joint and places else 0.5
    normal, rows = NormalDist(), []
    for metal, period in places:
        level = max(levels.get(instance.metals.names[metal], 0.5), shared)
        if level > 0.5:
            rows.append(ConfidenceRow(metal, period, level, normal.inv_cdf(level)))
    return ConfidencePolicy(model, tuple(rows)) if rows else None


@dataclass(frozen=True, eq=False)
class ConfidenceSlack:
    """State of a chance constraint at a plan, kg."""

    row: ConfidenceRow
    buffer: float  # expected metal returned and opening stock, less metal charged
    deviation: float
    direction: Floats  # (Z,) unit vector of the cut at the plan
    size: float  # of the constraint

    @property
    def attained_quantile(self) -> float:
        """Standard normal quantile that the plan attains; infinite without uncertainty."""
        return self.buffer / self.deviation if self.deviation > 0 else np.inf

    @property
    def excess(self) -> float:
        """Violation relative to the size of the constraint.

        Returns:
            Dimensionless; negative if the constraint holds with slack.
        """
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
        deviation, direction = policy.model.compute_deviation(exposure), policy.model.compute_direction(exposure)
        buffer = float(returned[at] + opening[row.metal] - charged[at])
        size = max(float(returned[at] + opening[row.metal]), float(charged[at]))
        result.append(ConfidenceSlack(row, buffer, deviation, direction, size))
    return result
