r"""Probability that the metal returned suffices, for each metal and deadline of a plan, to first order (normal).

The need of a metal by a deadline $t$ is the charge of the plan's melts from the account for the castings owed by then,
less the opening stock: melts ahead of their time are left out, planned purchases are deducted as the melts hold them.
The metal returned by the end of $t$ is normal with the mean of the plan and the standard deviation of
`instance.uncertainty`. Shipments and purchases stay as planned; melts may be re-timed up to the deadline.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Bools, Floats
from medalopt.instance.uncertainty import UncertaintyModel, build_uncertainty, has_uncertain_returns
from medalopt.tolerances import AMOUNT_TOLERANCE

TAIL = 0.05  # probability below the lower and above the upper quantile
_STANDARD = NormalDist()


@dataclass(frozen=True, eq=False)
class DeadlineRisk:
    """Need and metal returned of one metal by the end of one period, kg, under normal errors."""

    metal: int
    period: int
    needed: float
    mean: float
    deviation: float
    exposure: Floats  # (F,) kg, change of the metal returned for one standard deviation of each factor

    def compute_quantile(self, probability: float) -> float:
        """Compute a quantile of the metal returned; metal returned is never negative.

        Args:
            probability: Probability of less, between 0 and 1.

        Returns:
            Kilograms.
        """
        return max(self.mean + _STANDARD.inv_cdf(probability) * self.deviation, 0.0)

    @property
    def low(self) -> float:
        """Metal returned in all but the worst 5 % of cases, kg."""
        return self.compute_quantile(TAIL)

    @property
    def high(self) -> float:
        """Metal returned that is exceeded in 5 % of cases, kg."""
        return self.compute_quantile(1 - TAIL)

    @property
    def probability(self) -> float:
        """Probability that the metal returned covers the need; without uncertainty 1 or 0, and 1 at equality."""
        margin = self.mean - self.needed
        if self.needed <= 0 or (abs(margin) <= AMOUNT_TOLERANCE * self.needed and self.deviation == 0):
            return 1.0
        return float(margin > 0) if self.deviation == 0 else _STANDARD.cdf(margin / self.deviation)


def compute_risk(account: PlanAccount) -> tuple[DeadlineRisk, ...]:
    """Compute the risk of every metal that the plan charges from the account, at each deadline of its alloys.

    Returns:
        Risks by metal and period; none where nothing returned is uncertain.
    """
    if not has_uncertain_returns(account.instance):
        return ()
    sent = account.decisions.sent
    model = build_uncertainty(account.instance, account.routes, np.flatnonzero((sent > 0).any(axis=1)))
    return tuple(_list_risks(account, model))


def _list_risks(account: PlanAccount, model: UncertaintyModel) -> list[DeadlineRisk]:
    """Return the risk of each metal and deadline."""
    back = account.returned.sum(axis=0).cumsum(axis=1)
    need, deducted = compute_need(account), _find_deducted_lots(account)
    risks = []
    for metal, period in np.argwhere(find_deadlines(account)).tolist():
        exposure = model.compute_exposure(account.decisions.sent, metal, period, deducted)
        needed, mean = float(need[metal, period]), float(back[metal, period])
        risks.append(DeadlineRisk(metal, period, needed, mean, model.compute_deviation(exposure), exposure))
    return risks


def _find_deducted_lots(account: PlanAccount) -> Bools:
    """Find the pooled lots whose minimum deduction is in force in a plan, by period of shipment (P, E, T)."""
    if not len(account.pools.line):
        return np.zeros(account.decisions.withheld.shape, dtype=np.bool_)
    return np.asarray(account.decisions.withheld > AMOUNT_TOLERANCE * account.gross_payable, dtype=np.bool_)


def find_deadlines(account: PlanAccount) -> Bools:
    """Find the deadlines of each metal: periods in which a medal is due whose alloy is charged with it from stock.

    Returns:
        Mask (E, T).
    """
    medals, periods = account.instance.medals, len(account.instance.periods)
    due = np.zeros((len(account.instance.alloys.names), periods), dtype=np.bool_)
    for kind in np.flatnonzero(medals.count > 0).tolist():
        due[medals.parts.raw[kind] > 0, medals.due[kind]] = True
    charged = account.decisions.charged.sum(axis=2)  # (A, E)
    held = charged > AMOUNT_TOLERANCE * charged.sum(axis=1, keepdims=True)
    return np.asarray((held[:, :, None] & due[:, None, :]).any(axis=0))


def compute_need(account: PlanAccount) -> Floats:
    """Compute the metal to charge from the account for all that is owed, beyond the opening stock.

    Returns:
        Kilograms by the end of each period (E, T), 0 or more.
    """
    instance = account.instance
    owed = account.demand  # (A, T)
    usable = (1 - instance.alloys.scrap_share.value)[:, None] * account.cast.cumsum(axis=1)
    charged = account.decisions.charged.cumsum(axis=2)
    total = np.zeros(charged.shape[1:])
    for alloy in range(len(owed)):
        castings = np.concatenate([[0.0], usable[alloy]])
        for metal in np.flatnonzero(charged[alloy, :, -1] > 0).tolist():
            total[metal] += np.interp(owed[alloy], castings, np.concatenate([[0.0], charged[alloy, metal]]))
    return np.maximum(total - instance.metals.opening_stock.value[:, None], 0.0)
