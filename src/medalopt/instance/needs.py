"""What follows from an instance by arithmetic alone: what is owed when, and what may be charged to what."""

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
    r"""Return $Q_{at}=\sum_{m:\tau_m\le t}w_{ma}N_m$, (A, T): kg of alloy owed by the end of each period."""
    medals = instance.medals
    each = read(medals.parts) * (1 + read(medals.allowance))[:, None]  # (M, A)
    due = medals.due[:, None] <= np.arange(len(instance.periods))[None, :]  # (M, T)
    return (each * medals.count[:, None]).T @ due.astype(np.intp)


def is_owed(instance: Instance) -> Bools:
    """Return which alloys medals ask for at all, (A,)."""
    wanted = (instance.medals.parts.raw > 0) & (instance.medals.count > 0)[:, None]
    return np.logical_or.reduce(wanted, axis=0)


def casting_holding(instance: Instance, read: Reading = floats) -> Numbers:
    """Return what it costs to keep a kilogram of castings at the end of each period, (A, T); 0 in the last.

    Then all that has been cast is due, so nothing waits.
    """
    cost = read(instance.alloys.holding)
    return np.concatenate([cost[:, :-1], np.zeros_like(cost[:, -1:])], axis=1)


def pays_for_castings(instance: Instance) -> Bools:
    """Return for which alloys castings in stock cost anything, (A,): owed, and with a holding cost."""
    return is_owed(instance) & (instance.alloys.holding.raw[:, :-1] > 0).any(axis=1)


def returns(instance: Instance, found: Routes) -> Bools:
    """Return where a smelter can have metal back, (K, E, T): some route yields it, and its lead has passed."""
    smelters, metals, periods = len(instance.smelters.names), len(instance.metals.names), len(instance.periods)
    yields = np.zeros((smelters, metals), dtype=bool)
    route, metal = np.nonzero(found.returned > 0)  # routes to a smelter alone
    yields[found.smelter[route], metal] = True
    return yields[:, :, None] & (np.arange(periods)[None, None, :] >= instance.smelters.lead[:, :, None])


def on_account(instance: Instance, found: Routes) -> Bools:
    """Return which metals can ever be in stock, (E,): opening stock, or some route returns them in time."""
    stocked = instance.metals.opening_stock.raw > 0
    return stocked | returns(instance, found).any(axis=(0, 2))


def may_charge(instance: Instance, found: Routes) -> Bools:
    """Return which metals from stock may be charged to which alloys, (A, E)."""
    welcome = instance.alloys.named | instance.alloys.admits_others[:, None]
    return is_owed(instance)[:, None] & welcome & on_account(instance, found)[None, :]


def may_buy(instance: Instance) -> Bools:
    """Return which offers may be charged to which alloys, (O, A): without `others`, those it names all matter of."""
    pure = _without_foreign_metal(instance) & ~(unnamed_matter(instance) > 0).astype(np.bool_)[:, None]
    return (pure | instance.alloys.admits_others[None, :]) & is_owed(instance)[None, :]


def is_stocked(instance: Instance) -> Bools:
    """Return which offers are bought into stock, (O,): storable, and some alloy may be charged with them."""
    return instance.market.storable & may_buy(instance).any(axis=1)


def offer_holding(instance: Instance, read: Reading = floats) -> Numbers:
    """Return what it costs to keep a kilogram of each offer in stock, (O, T): that of the metals in it."""
    return read(instance.market.composition) @ read(instance.metals.holding)


def is_barred(instance: Instance) -> Bools:
    """Return which offers only their unnamed matter keeps out of which alloys, (O, A): `others` is left out or 0."""
    unnamed = (unnamed_matter(instance) > 0).astype(np.bool_)
    room = instance.alloys.others.raw > 0
    return _without_foreign_metal(instance) & unnamed[:, None] & (is_owed(instance) & ~room)[None, :]


def unnamed_matter(instance: Instance) -> NDArray[Any]:
    """Return the share of each offer that its composition does not name, (O,), exact."""
    return np.asarray(1 - np.add.reduce(instance.market.composition.exact(), axis=1, initial=Fraction(0)))


def _without_foreign_metal(instance: Instance) -> Bools:
    holds = instance.market.composition.raw > 0  # (O, E)
    foreign = (holds[:, None, :] & ~instance.alloys.named[None, :, :]).any(axis=2)
    return np.asarray(~foreign, dtype=np.bool_)


def process_scrap_rate(instance: Instance, read: Reading = floats) -> Numbers:
    r"""Return $\omega_a\sigma_a$, (A,): process scrap fit to charge again, per kg cast; 0 for alloys not owed."""
    rate = read(instance.alloys.scrap_share) * read(instance.alloys.scrap_returned)
    return np.where(is_owed(instance), rate, 0)
