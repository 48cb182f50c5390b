"""What a kilogram ends in, from where it stands: by proportional mixing, solved backwards in time.

In each account (the stock of a metal, a melt, the process scrap and the blanks of an alloy) everything is taken to be
mixed, so what leaves it holds its origins in the proportion of the account at that moment. Where a kilogram ends then
depends on nothing but where it is and when. Process scrap is charged again a period later at the earliest, so the loop
of scrap is a triangular linear system, and going backwards in time solves it exactly.
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
    """What metal on the account may end in instead of a medal, from the last end backwards."""

    STOCK = -1  # in stock at the end
    SURPLUS = -2  # sold or left over
    SCRAP_LEFT = -3  # process scrap that is left at the end
    SCRAP_LOST = -4  # process scrap that is not fit to be charged again
    MELT = -5  # lost in melting
    ALLOWANCE = -6  # metal that the medals use and that never comes back


@dataclass(frozen=True, eq=False)
class Fates:
    """Shares of a kilogram by its end, of M + 6 ends (the medals, then `End`); they sum to 1.

    `charged`: of metal charged to alloy a in t, (A, T, M + 6); `stocked`: of metal e in stock in t, before anything
    is taken of it, (E, T, M + 6).
    """

    charged: Floats
    stocked: Floats


def fates(account: Account) -> Fates:
    """Return what metal ends in, from where it is charged, and from the stock."""
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
        none = held[:, t] <= 0  # of an empty stock nothing is asked, but a share sums to 1
        after = np.where(none[:, None], after, found / np.where(none, 1, held[:, t])[:, None])
        stocked[:, t] = after
    return Fates(charged, stocked)


def _charged(account: Account) -> Floats:
    """Return what metal ends in that is charged to an alloy in a period, (A, T, M + 6)."""
    alloys = account.instance.alloys
    loss, fallen, fit = alloys.loss.value, alloys.scrap_share.value, process_scrap_rate(account.instance)
    blanks, again = _blanks(account), scrap_taken(account)
    count, periods, ends = blanks.shape
    fresh = np.zeros((count, periods, ends))
    scrap = np.zeros((count, periods + 1, ends))  # of process scrap that is there in the period
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
    """Return the share of the process scrap at hand in a period that is charged again in it, (A, T)."""
    again = np.maximum(account.decisions.recharged, 0)
    there = again + np.maximum(account.scrap, 0)
    return np.divide(again, there, out=np.zeros_like(again), where=there > 0)


def _blanks(account: Account) -> Floats:
    """Return what the blanks of an alloy end in that are there in a period, (A, T, M + 6): struck when they are due."""
    instance = account.instance
    medals, parts = instance.medals, instance.medals.parts.value  # (M, A)
    kinds, alloys = parts.shape
    weights = parts * ((1 + medals.allowance.value) * medals.count)[:, None]
    into = np.zeros((kinds, kinds + len(End)))  # what a kilogram that goes into a kind of medal ends in
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
    """Return how an alloy is shared among `kinds` of medal, (A, M); nothing where none of them asks for it."""
    chosen = weights * kinds[:, None]
    whole = chosen.sum(axis=0)
    return np.divide(chosen, whole, out=np.zeros_like(chosen), where=whole > 0).T
