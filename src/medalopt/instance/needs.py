"""Demand for alloys over time, metals and offers admitted to each alloy, and offers excluded by unnamed matter."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medalopt.instance.arithmetic import Numbers, floats
from medalopt.instance.figures import Bools
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Reading, Routes


def owed(instance: Instance, read: Reading = floats) -> Numbers:
    r"""Compute $Q_{at}=\sum_{m:\tau_m\le t}w_{ma}N_m$, the cumulative demand for alloys.

    Args:
        instance: The instance.
        read: Reads parameters in the arithmetic of the result.

    Returns:
        Alloy due by the end of each period (A, T), kg, allowance included.
    """
    medals = instance.medals
    each = read(medals.parts) * (1 + read(medals.allowance))[:, None]  # (M, A)
    due = medals.due[:, None] <= np.arange(len(instance.periods))[None, :]  # (M, T)
    return (each * medals.count[:, None]).T @ due.astype(np.intp)


def is_owed(instance: Instance) -> Bools:
    """Return which alloys are in demand.

    Args:
        instance: The instance.

    Returns:
        Mask (A,): a medal with a positive count contains the alloy.
    """
    wanted = (instance.medals.parts.raw > 0) & (instance.medals.count > 0)[:, None]
    return np.logical_or.reduce(wanted, axis=0)


def casting_holding(instance: Instance, read: Reading = floats) -> Numbers:
    """Compute the cost of holding a kilogram of castings at the end of each period.

    Args:
        instance: The instance.
        read: Reads parameters in the arithmetic of the result.

    Returns:
        Holding costs (A, T), money/kg; 0 in the last period, when all castings are due.
    """
    cost = read(instance.alloys.holding)
    return np.concatenate([cost[:, :-1], np.zeros_like(cost[:, -1:])], axis=1)


def pays_for_castings(instance: Instance) -> Bools:
    """Return which alloys have a holding cost for castings.

    Args:
        instance: The instance.

    Returns:
        Mask (A,): in demand, with a positive holding cost before the last period.
    """
    return is_owed(instance) & (instance.alloys.holding.raw[:, :-1] > 0).any(axis=1)


def returns(instance: Instance, found: Routes) -> Bools:
    """Return where a smelter can return metal: a route yields it and the lead time has passed.

    Args:
        instance: The instance.
        found: Its routes.

    Returns:
        Mask (K, E, T).
    """
    smelters, metals, periods = len(instance.smelters.names), len(instance.metals.names), len(instance.periods)
    yields = np.zeros((smelters, metals), dtype=bool)
    route, metal = np.nonzero(found.returned > 0)  # routes to a smelter alone
    yields[found.smelter[route], metal] = True
    return yields[:, :, None] & (np.arange(periods)[None, None, :] >= instance.smelters.lead[:, :, None])


def on_account(instance: Instance, found: Routes) -> Bools:
    """Return which metals can be in stock: opening stock, or a return within the horizon.

    Args:
        instance: The instance.
        found: Its routes.

    Returns:
        Mask (E,).
    """
    stocked = instance.metals.opening_stock.raw > 0
    return stocked | returns(instance, found).any(axis=(0, 2))


def may_charge(instance: Instance, found: Routes) -> Bools:
    """Return which metals may be charged from stock to which alloys.

    Args:
        instance: The instance.
        found: Its routes.

    Returns:
        Mask (A, E).
    """
    welcome = instance.alloys.named | instance.alloys.admits_others[:, None]
    return is_owed(instance)[:, None] & welcome & on_account(instance, found)[None, :]


def may_buy(instance: Instance) -> Bools:
    """Return which offers may be charged to which alloys.

    An alloy without `others` admits only offers whose matter it names completely.

    Args:
        instance: The instance.

    Returns:
        Mask (O, A).
    """
    pure = _without_foreign_metal(instance) & ~(unnamed_matter(instance) > 0).astype(np.bool_)[:, None]
    return (pure | instance.alloys.admits_others[None, :]) & is_owed(instance)[None, :]


def is_stocked(instance: Instance) -> Bools:
    """Return which offers are bought into stock: storable, and admitted by an alloy in demand.

    Args:
        instance: The instance.

    Returns:
        Mask (O,).
    """
    return instance.market.storable & may_buy(instance).any(axis=1)


def offer_holding(instance: Instance, read: Reading = floats) -> Numbers:
    """Compute the cost of holding a kilogram of each offer in stock, that of the metals it contains.

    Args:
        instance: The instance.
        read: Reads parameters in the arithmetic of the result.

    Returns:
        Holding costs (O, T), money/kg.
    """
    return read(instance.market.composition) @ read(instance.metals.holding)


def is_barred(instance: Instance) -> Bools:
    """Return which offers are excluded from which alloys by their unnamed matter alone.

    Args:
        instance: The instance.

    Returns:
        Mask (O, A): every named metal is admitted, but `others` of the alloy is missing or 0.
    """
    unnamed = (unnamed_matter(instance) > 0).astype(np.bool_)
    room = instance.alloys.others.raw > 0
    return _without_foreign_metal(instance) & unnamed[:, None] & (is_owed(instance) & ~room)[None, :]


def unnamed_matter(instance: Instance) -> NDArray[Any]:
    """Compute the mass fraction of each offer that its composition does not name.

    Args:
        instance: The instance.

    Returns:
        Exact fractions (O,).
    """
    return np.asarray(1 - np.add.reduce(instance.market.composition.exact(), axis=1, initial=Fraction(0)))


def _without_foreign_metal(instance: Instance) -> Bools:
    """Return which offers contain only metals that an alloy names, (O, A)."""
    holds = instance.market.composition.raw > 0  # (O, E)
    foreign = (holds[:, None, :] & ~instance.alloys.named[None, :, :]).any(axis=2)
    return np.asarray(~foreign, dtype=np.bool_)


def process_scrap_rate(instance: Instance, read: Reading = floats) -> Numbers:
    r"""Compute $\omega_a\sigma_a$, the process scrap that can be recharged per kilogram cast.

    Args:
        instance: The instance.
        read: Reads parameters in the arithmetic of the result.

    Returns:
        Rates (A,), kg/kg; 0 for alloys without demand.
    """
    rate = read(instance.alloys.scrap_share) * read(instance.alloys.scrap_returned)
    return np.where(is_owed(instance), rate, 0)
