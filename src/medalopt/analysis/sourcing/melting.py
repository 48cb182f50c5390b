"""Melting and casting: fineness of each heat, account of process scrap, and number of medals that can be struck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.analysis.sourcing.fates import scrap_taken
from medalopt.instance.decisions import Account
from medalopt.instance.figures import Bools, Floats, Ints
from medalopt.instance.needs import process_scrap_rate
from medalopt.plan.rows import ROUNDING

PLATING = 0.1  # mass fraction of a medal below which an alloy is plating


@dataclass(frozen=True, eq=False)
class ScrapAccount:
    """Process scrap by alloy and period, (A, T) kg: opening + fit = recharged + closing.

    Of the metal cast, `fallen` becomes scrap; `lost` cannot be charged again, the rest becomes `fit` after the lead
    time. `waiting` has fallen by the end of the period and is not fit yet.
    """

    cast: Floats
    fallen: Floats
    lost: Floats
    opening: Floats
    fit: Floats
    recharged: Floats
    closing: Floats
    waiting: Floats
    value: Floats  # (A, T) money, of scrap in stock or waiting at the end of the period


def scrap_account(account: Account) -> ScrapAccount:
    """Compute the account of process scrap.

    Args:
        account: Accounting of the plan.

    Returns:
        Stocks and flows by alloy and period.
    """
    instance = account.instance
    rate, share = process_scrap_rate(instance), instance.alloys.scrap_share.value
    cast = account.cast
    closing = np.where(account.scrap > ROUNDING * cast.sum(axis=1)[:, None], account.scrap, 0.0)
    fit = np.zeros_like(cast)
    for alloy, lead in enumerate(instance.alloys.scrap_lead.tolist()):
        fit[alloy, lead:] = rate[alloy] * cast[alloy, : max(cast.shape[1] - lead, 0)]
    waiting = (rate[:, None] * cast - fit).cumsum(axis=1)
    waiting = np.where(waiting > ROUNDING * cast.sum(axis=1)[:, None], waiting, 0.0)
    return ScrapAccount(
        cast=cast,
        fallen=share[:, None] * cast,
        lost=(share - rate)[:, None] * cast,
        opening=np.concatenate([np.zeros((len(cast), 1)), closing[:, :-1]], axis=1),
        fit=fit,
        recharged=account.decisions.recharged,
        closing=closing,
        waiting=waiting,
        value=instance.alloys.scrap_value.value[:, None] * (closing + waiting),
    )


def fineness(account: Account) -> Floats:
    """Compute the composition of each cast, process scrap included.

    Args:
        account: Accounting of the plan.

    Returns:
        (A, E, T): mass fraction of each metal; 0 where nothing is cast.
    """
    instance, fresh = account.instance, account.composition
    taken, rate = scrap_taken(account), process_scrap_rate(instance)
    loss, lead = instance.alloys.loss.value[:, None], instance.alloys.scrap_lead
    alloys, metals, periods = fresh.shape
    share, pool = np.zeros_like(fresh), np.zeros((alloys, metals))
    falls = np.zeros((periods, alloys, metals))  # process scrap by period of reuse
    for t in range(periods):
        pool = pool + falls[t]
        again = taken[:, t, None] * pool
        pool = pool - again
        cast = (fresh[:, :, t] + again) * (1 - loss)
        back = t + lead
        known = np.flatnonzero(back < periods)
        falls[back[known], known] += (rate[:, None] * cast)[known]
        whole = account.cast[:, t, None]
        share[:, :, t] = np.divide(cast, whole, out=np.zeros_like(cast), where=whole > 0)
    return share


def struck(account: Account) -> Ints:
    """Count the medals of each kind that can be struck by the end of each period; the counts never decrease.

    Periods are processed backwards: by the end of a period at most as many medals of a kind are struck as by the end of
    the next one, earliest due first. So every medal due is struck by its date, as the demand constraint ensures enough
    castings, and no metal is counted for two medals.

    Args:
        account: Accounting of the plan, with its casts.

    Returns:
        (M, T): medals struck by the end of each period.
    """
    instance = account.instance
    medals = instance.medals
    need = medals.parts.value * (1 + medals.allowance.value)[:, None]  # (M, A) kg each
    there = ((1 - instance.alloys.scrap_share.value)[:, None] * account.cast).cumsum(axis=1)
    made = np.zeros((len(medals.names), there.shape[1]), dtype=np.intp)
    most = medals.count.astype(np.intp)
    for t in reversed(range(there.shape[1])):
        left = there[:, t].copy()
        for kind in np.lexsort((np.arange(len(medals.names)), medals.due)).tolist():
            asks = need[kind] > 0
            enough = left[asks] / need[kind][asks] + ROUNDING * medals.count[kind] + ROUNDING
            made[kind, t] = min(int(np.floor(max(enough.min(), 0))), int(most[kind])) if asks.any() else 0
            left -= made[kind, t] * need[kind]
        most = made[:, t]
    return made


def plating(account: Account) -> Bools:
    """Find the alloys that are plated on medals of another alloy: a small part of every medal that contains them.

    Args:
        account: Accounting of the plan.

    Returns:
        (A,): True for plating alloys.
    """
    parts = account.instance.medals.parts.value
    whole = parts.sum(axis=1, keepdims=True)
    small = (parts > 0) & (parts < PLATING * whole)
    return np.asarray(small.any(axis=0) & (small == (parts > 0)).all(axis=0))
