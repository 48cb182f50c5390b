"""Ledger of recycled metal: credits by supplier, and claims on them when metal is charged.

Metal on the account is mixed: charges and sales of a period draw on all suppliers in proportion to their balance
(mass balance, not segregation). Process scrap that is charged again was claimed when it was first charged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import sum_by_group
from medalopt.instance.arrays import Floats
from medalopt.tolerances import AMOUNT_TOLERANCE, SUM_TOLERANCE


@dataclass(frozen=True)
class ClaimEntry:
    """Entry of the ledger: recycled metal of one supplier in one period, kg.

    Attributes:
        metal: Index of the metal.
        period: Index of the period.
        smelter: Index of the smelter; −1 for another supplier.
        offer: Index of the offer; −1 for another supplier, −1 in both: opening stock.
        credited: Credited in the period.
        claimed: Claimed as charged to an alloy.
        released: Sold or returned without a claim.
        balance: Credited and neither claimed nor released by the end of the period.
    """

    metal: int
    period: int
    smelter: int
    offer: int
    credited: float
    claimed: float
    released: float
    balance: float


def list_claims(account: PlanAccount) -> Iterator[ClaimEntry]:
    """List the ledger of recycled metal.

    Args:
        account: Accounting of the plan.

    Yields:
        Entries with a movement, by metal, period and supplier: smelters, opening stock, offers.
    """
    smelters = len(account.instance.smelters.names)
    credit, claim, release = _compute_movements(account)
    balance = (credit - claim - release).cumsum(axis=2)
    size = AMOUNT_TOLERANCE * np.maximum(credit.sum(axis=(0, 2)), 1e-12)  # (E,)
    moves = np.maximum(np.maximum(abs(credit), abs(claim)), abs(release)) > size[None, :, None]
    for metal, period, supplier in np.argwhere(moves.transpose(1, 2, 0)).tolist():
        place = (supplier, metal, period)
        rest = float(balance[place])
        yield ClaimEntry(
            metal,
            period,
            supplier if supplier < smelters else -1,
            supplier - smelters - 1 if supplier > smelters else -1,
            float(credit[place]),
            float(claim[place]),
            float(release[place]),
            rest if rest > size[metal] else 0.0,
        )


def _compute_movements(account: PlanAccount) -> tuple[Floats, Floats, Floats]:
    """Return credits, claims and releases (K + 1 + O, E, T) kg of smelters, opening stock and offers."""
    instance, decisions = account.instance, account.decisions
    called = np.asarray(account.returned, dtype=float)  # (K, E, T)
    if len(decisions.left):
        smelters = len(instance.smelters.names)
        back = called - sum_by_group(decisions.left, instance.terms.smelter, smelters)
        called = np.where(back > SUM_TOLERANCE * called, back, 0.0)
    opening = np.zeros((1, *called.shape[1:]))
    opening[0, :, 0] = instance.metals.opening_stock.value
    credit = np.concatenate([called, opening])
    claim, release = np.zeros_like(credit), np.zeros_like(credit)
    charged, surplus = decisions.charged.sum(axis=0), decisions.surplus
    pool = np.zeros(credit.shape[:2])
    for t in range(credit.shape[2]):
        pool = pool + credit[:, :, t]
        whole = pool.sum(axis=0)
        share = np.divide(pool, whole, out=np.zeros_like(pool), where=whole > 0)
        claim[:, :, t], release[:, :, t] = share * charged[:, t], share * surplus[:, t]
        pool = np.maximum(pool - claim[:, :, t] - release[:, :, t], 0)
    recycled = instance.market.recycled.value[:, None] * instance.market.composition.value  # (O, E)
    bought, used = account.purchases, decisions.bought.sum(axis=1)  # (O, T)
    offers = tuple(recycled[:, :, None] * amount[:, None, :] for amount in (bought, used))
    return (
        np.concatenate([credit, offers[0]]),
        np.concatenate([claim, offers[1]]),
        np.concatenate([release, np.zeros_like(offers[0])]),
    )
