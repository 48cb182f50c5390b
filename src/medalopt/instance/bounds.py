"""Implied bounds on the variables, and the lot and minimum-order constraints.

Supply, opening stock and demand imply an upper bound for every variable. They are not constraints of the program: the
solver scales by them, and dual bounds may use them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.arithmetic import Numbers, floats, zeros
from medalopt.instance.figures import Bools
from medalopt.instance.instance import Instance
from medalopt.instance.needs import is_owed, is_stocked, may_buy, may_charge, owed, process_scrap_rate
from medalopt.instance.routes import Reading, Routes


@dataclass(frozen=True, eq=False)
class Bounds:
    """Upper bounds on the variables that hold in every plan."""

    sent: Numbers  # (I, T) t, x: stream i on any one route in t
    stockpile: Numbers  # (I, T) t
    stock: Numbers  # (E, T) kg, z and g: cumulative returns and opening stock
    cast: Numbers  # (A,) kg, k
    charge: Numbers  # (A,) kg, w, b and v: charge to the melt
    scrap: Numbers  # (A,) kg, n
    purchase: Numbers  # (O,) kg, purchases into stock in a period; 0 for other offers


def implied(instance: Instance, found: Routes, read: Reading = floats) -> Bounds:
    """Compute the upper bounds that hold in every plan.

    Args:
        instance: The instance.
        found: Its routes.
        read: Reads parameters in the arithmetic of the result.

    Returns:
        The bounds.
    """
    available = read(instance.streams.available)
    so_far = np.cumsum(available, axis=1)
    limit = np.where(instance.streams.storable, read(instance.streams.storage_limit), 0)
    stockpile = np.minimum(limit[:, None], so_far)
    before = np.concatenate([np.zeros_like(stockpile[:, :1]), stockpile[:, :-1]], axis=1)
    wanted = is_owed(instance)
    share, loss = read(instance.alloys.scrap_share), read(instance.alloys.loss)
    cast = np.where(wanted, owed(instance, read)[:, -1], 0) / (1 - share)
    charge = cast / (1 - loss)
    return Bounds(
        sent=available + before,
        stockpile=stockpile,
        stock=read(instance.metals.opening_stock)[:, None] + _returnable(instance, found, so_far),
        cast=cast,
        charge=charge,
        scrap=cast * process_scrap_rate(instance, read),
        purchase=_purchasable(instance, charge, read),
    )


def _purchasable(instance: Instance, charge: Numbers, read: Reading) -> Numbers:
    """Bound the purchases into stock of each offer in a period, (O,), kg; 0 for offers that are not stocked.

    The bound is twice the greater of total charge and commitment, plus a lot and a minimum order. Larger purchases
    include one that can be dropped without raising the cost, so no optimum is excluded. At a price below 0 buying
    pays, and the bound is the offer's limit, which the reader requires.
    """
    market, stocked = instance.market, is_stocked(instance)
    taken = np.where(may_buy(instance), charge[None, :], 0).sum(axis=1)
    most = 2 * np.maximum(taken, read(market.committed)) + read(market.lot) + read(market.minimum_order)
    limited = pays_buyer(instance) & np.isfinite(market.limit.raw)
    most[limited] = read(market.limit)[limited]
    return np.where(stocked, most, 0)


def pays_buyer(instance: Instance) -> Bools:
    """Return which offers have a negative price in some period.

    Args:
        instance: The instance.

    Returns:
        Mask (O,).
    """
    return np.asarray((instance.market.price.raw < 0).any(axis=1))


def needed(instance: Instance, found: Routes, bounds: Bounds) -> Numbers:
    """Bound the metal that all melts together take from stock.

    Args:
        instance: The instance.
        found: Its routes.
        bounds: Bounds on the charge of each alloy.

    Returns:
        Upper bounds (E,), kg over the horizon.
    """
    return (may_charge(instance, found) * bounds.charge[:, None]).sum(axis=0)


def _returnable(instance: Instance, found: Routes, so_far: Numbers) -> Numbers:
    r"""Bound the metal returned by the end of each period, (E, T), kg.

    Each stream counts by its best route: $\max_j y_{je}$ over routes whose lead time has passed, times the cumulative
    supply up to the shortest of those lead times before.
    """
    metals, periods = len(instance.metals.names), len(instance.periods)
    total = zeros((metals, periods), so_far)
    travels = np.nonzero(found.smelter >= 0)[0]
    for metal in range(metals):
        yielding = travels[found.returned[travels, metal] > 0]
        lead = instance.smelters.lead[found.smelter[yielding], metal]
        for period in range(periods):
            back = lead <= period
            best = zeros((len(so_far),), so_far)
            soonest = np.full(len(so_far), periods, dtype=np.intp)
            np.maximum.at(best, found.stream[yielding[back]], found.returned[yielding[back], metal])
            np.minimum.at(soonest, found.stream[yielding[back]], lead[back])
            some = np.nonzero(soonest <= period)[0]
            total[metal, period] = (best[some] * so_far[some, period - soonest[some]]).sum()
    return total
