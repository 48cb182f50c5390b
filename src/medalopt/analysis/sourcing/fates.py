"""Destinations of metal by proportional mixing, solved backwards in time.

Each account (metal stock, melt, process scrap and blanks of an alloy) is taken as perfectly mixed, so every withdrawal
has the composition of the account. The destination of a kilogram then depends only on its account and period. Process
scrap is charged again one period later at the earliest, so the scrap loop is a triangular system, solved exactly by
backward substitution.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from medalopt.instance.decisions import Account
from medalopt.instance.figures import Bools, Floats
from medalopt.instance.needs import owed, process_scrap_rate
from medalopt.plan.rows import ROUNDING


class End(IntEnum):
    """Destinations of metal other than medals, indexed from the last."""

    STOCK = -1  # in stock at the end of the horizon of the horizon
    SURPLUS = -2  # surplus, sold or not
    SCRAP_LEFT = -3  # process scrap left at the end of the horizon
    SCRAP_LOST = -4  # process scrap that cannot be charged again
    MELT = -5  # lost in melting
    ALLOWANCE = -6  # used in striking the medals and not recovered


@dataclass(frozen=True, eq=False)
class Fates:
    """Shares of a kilogram by destination (the M medals, then `MetalDestination`); each sums to 1.

    `charged` (A, T, M + 6): metal charged to an alloy in a period. `stocked` (E, T, M + 6): metal in stock in a period,
    before withdrawals.
    """

    charged: Floats
    stocked: Floats


def fates(account: Account) -> Fates:
    """Compute the destination shares of metal charged and metal in stock.

    Args:
        account: Accounting of the plan.

    Returns:
        Shares by destination, from the accounts and periods.
    """
    charged = _charged(account)
    made = account.decisions
    metals, periods = account.stock.shape
    stocked = np.zeros((metals, periods, charged.shape[2]))
    after = np.zeros((metals, charged.shape[2]))
    after[:, End.STOCK] = 1
    turnover = account.instance.metals.opening_stock.value + account.returned.sum(axis=(0, 2))
    stays = np.where(account.stock > ROUNDING * turnover[:, None], account.stock, 0)
    held = made.charged.sum(axis=0) + made.surplus + stays
    for t in reversed(range(periods)):
        found = np.einsum("ae,ad->ed", made.charged[:, :, t], charged[:, t]) + stays[:, t, None] * after
        found[:, End.SURPLUS] += made.surplus[:, t]
        none = held[:, t] <= 0  # empty stock: any shares that sum to 1
        after = np.where(none[:, None], after, found / np.where(none, 1, held[:, t])[:, None])
        stocked[:, t] = after
    return Fates(charged, stocked)


def _charged(account: Account) -> Floats:
    """Return the destination shares (A, T, M + 6) of metal charged to an alloy in a period."""
    alloys = account.instance.alloys
    loss, fallen, fit = alloys.loss.value, alloys.scrap_share.value, process_scrap_rate(account.instance)
    blanks, again = _blanks(account), scrap_taken(account)
    count, periods, ends = blanks.shape
    fresh = np.zeros((count, periods, ends))
    scrap = np.zeros((count, periods + 1, ends))  # shares of process scrap in stock
    scrap[:, periods, End.SCRAP_LEFT] = 1
    rows, lead = np.arange(count), alloys.scrap_lead
    for t in reversed(range(periods)):
        back = scrap[rows, np.minimum(t + lead, periods)]
        cast = (1 - fallen)[:, None] * blanks[:, t] + fit[:, None] * back
        cast[:, End.SCRAP_LOST] += fallen - fit
        fresh[:, t] = (1 - loss)[:, None] * cast
        fresh[:, t, End.MELT] += loss
        scrap[:, t] = again[:, t, None] * fresh[:, t] + (1 - again[:, t, None]) * scrap[:, t + 1]
    return fresh


def scrap_taken(account: Account) -> Floats:
    """Compute the share of available process scrap that is charged again.

    Args:
        account: Accounting of the plan.

    Returns:
        (A, T): share of the scrap at hand in the period.
    """
    again = np.maximum(account.decisions.recharged, 0)
    there = again + np.maximum(account.scrap, 0)
    return np.divide(again, there, out=np.zeros_like(again), where=there > 0)


def _blanks(account: Account) -> Floats:
    """Return the destination shares (A, T, M + 6) of blanks of an alloy; medals are struck at their due date."""
    instance = account.instance
    medals, parts = instance.medals, instance.medals.parts.value  # (M, A)
    kinds, alloys = parts.shape
    weights = parts * ((1 + medals.allowance.value) * medals.count)[:, None]
    into = np.zeros((kinds, kinds + len(End)))  # destination shares of a kilogram struck to a kind of medal
    into[:, :kinds] = np.diag(1 / (1 + medals.allowance.value))
    into[:, End.ALLOWANCE] = 1 - into[:, :kinds].sum(axis=1)
    made = ((1 - instance.alloys.scrap_share.value)[:, None] * account.cast).cumsum(axis=1)
    due = owed(instance)
    fate = np.zeros((alloys, due.shape[1], into.shape[1]))
    after = _shares(weights, np.ones(kinds, dtype=bool)) @ into
    for t in reversed(range(due.shape[1])):
        now = medals.due == t
        taken = (weights * now[:, None]).sum(axis=0)  # (A,)
        there = made[:, t] - (due[:, t] - taken)
        share = np.divide(taken, there, out=np.ones(alloys), where=there > taken + ROUNDING * due[:, -1])
        share = np.where(taken > 0, share, 0.0)[:, None]
        after = share * (_shares(weights, now) @ into) + (1 - share) * after
        fate[:, t] = after
    return fate


def _shares(weights: Floats, kinds: Bools) -> Floats:
    """Return the share (A, M) of each of the marked medals in an alloy; 0 if none contains it."""
    chosen = weights * kinds[:, None]
    whole = chosen.sum(axis=0)
    return np.divide(chosen, whole, out=np.zeros_like(chosen), where=whole > 0).T
