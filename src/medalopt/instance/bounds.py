"""Bounds that supply, opening stock and what is owed imply for every quantity of the program.

They are never added to the program. The solver scales by them, and a lower bound may rest on them.
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
    """Greatest values that any plan can reach."""

    sent: Numbers  # (I, T) t, of stream i on any one route in t
    stockpile: Numbers  # (I, T) t
    stock: Numbers  # (E, T) kg, z and g: all that can have come back by t, and the opening stock
    cast: Numbers  # (A,) kg, k
    charge: Numbers  # (A,) kg, w, b and v: what the melt takes
    scrap: Numbers  # (A,) kg, n
    purchase: Numbers  # (O,) kg, of an offer that is bought into stock in t; 0 of all others


def implied(instance: Instance, found: Routes, read: Reading = floats) -> Bounds:
    """Return the bounds that hold in every plan of `instance`."""
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
    """Return the most that may be bought into stock of each offer in a period, (O,), kg; 0 where there is no stock.

    Where no price is below 0 it is twice what melts take over the horizon or is committed, and a lot and a minimum
    order more: who buys as much has a purchase too many, without which the plan costs no more, so this bound excludes
    no optimum. Where a price is below 0 buying pays, and the bound is the offer's
    limit: no file with such a price is read without one.
    """
    market, stocked = instance.market, is_stocked(instance)
    taken = np.where(may_buy(instance), charge[None, :], 0).sum(axis=1)
    most = 2 * np.maximum(taken, read(market.committed)) + read(market.lot) + read(market.minimum_order)
    limited = pays_buyer(instance) & np.isfinite(market.limit.raw)
    most[limited] = read(market.limit)[limited]
    return np.where(stocked, most, 0)


def pays_buyer(instance: Instance) -> Bools:
    """Return which offers have a price below 0 in some period, (O,)."""
    return np.asarray((instance.market.price.raw < 0).any(axis=1))


def needed(instance: Instance, found: Routes, bounds: Bounds) -> Numbers:
    """Return how much of each metal all melts together can take from stock, (E,), kg."""
    return (may_charge(instance, found) * bounds.charge[:, None]).sum(axis=0)


def _returnable(instance: Instance, found: Routes, so_far: Numbers) -> Numbers:
    r"""Return for each metal the most that can be back by the end of each period, (E, T), in kg.

    Each stream counts by its best route: $\max_j y_{je}$ over routes whose lead has passed, times what it
    has offered up to the shortest of those leads before.
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
