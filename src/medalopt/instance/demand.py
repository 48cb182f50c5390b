"""Demand for alloys over time, metals and offers admitted to each alloy, and offers excluded by unnamed matter."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medalopt.instance.arithmetic import NumberReader, Numbers, make_zeros, read_floats
from medalopt.instance.arrays import Bools, Floats
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.text import escape_text, join_names, render_path


def compute_cumulative_demand(
    instance: Instance, read: NumberReader = read_floats, missed: Numbers | None = None
) -> Numbers:
    r"""Compute $Q_{at}=\sum_{m:\tau_m\le t}w_{ma}N_m$, the cumulative demand for alloys.

    Args:
        instance: The instance.
        read: Reads parameters in the arithmetic of the result.
        missed (M,): Medals that are not made, and so not counted; None for none.

    Returns:
        Alloy due by the end of each period (A, T), kg, allowance included.
    """
    medals = instance.medals
    each = read(medals.parts) * (1 + read(medals.allowance))[:, None]  # (M, A)
    due = medals.due[:, None] <= np.arange(len(instance.periods))[None, :]  # (M, T)
    count = medals.count if missed is None else medals.count - missed
    return (each * count[:, None]).T @ due.astype(np.intp)


def may_miss(instance: Instance) -> Bools:
    """Return which kinds of medal may be missed, at a penalty each.

    Args:
        instance: The instance.

    Returns:
        Mask (M,): ordered, and with a `shortfall`.
    """
    return np.isfinite(instance.medals.shortfall.raw) & (instance.medals.count > 0)


def compute_required_demand(instance: Instance) -> Floats:
    """Compute the cumulative demand of the medals that every plan makes.

    Returns:
        Alloy due by the end of each period (A, T), kg: less than the whole demand where medals may be missed.
    """
    missed = np.where(may_miss(instance), instance.medals.count, 0) if may_miss(instance).any() else None
    return np.asarray(compute_cumulative_demand(instance, missed=missed))


def has_demand(instance: Instance) -> Bools:
    """Return which alloys are in demand.

    Args:
        instance: The instance.

    Returns:
        Mask (A,): a medal with a positive count contains the alloy.
    """
    demanded = (instance.medals.parts.raw > 0) & (instance.medals.count > 0)[:, None]
    return np.logical_or.reduce(demanded, axis=0)


def compute_casting_holding_cost(instance: Instance, read: NumberReader = read_floats) -> Numbers:
    """Compute the cost of holding a kilogram of castings at the end of each period.

    Returns:
        Holding costs (A, T), money/kg; 0 in the last period, when all castings are due.
    """
    cost = read(instance.alloys.holding)
    return np.concatenate([cost[:, :-1], np.zeros_like(cost[:, -1:])], axis=1)


def has_casting_holding_cost(instance: Instance) -> Bools:
    """Return which alloys have a holding cost for castings.

    Returns:
        Mask (A,): in demand, with a positive holding cost before the last period, whoever pays it.
    """
    holding = (instance.whole or instance).alloys.holding.raw
    return has_demand(instance) & (holding[:, :-1] > 0).any(axis=1)


def can_return_metal(instance: Instance, routes: Routes) -> Bools:
    """Return where a smelter can return metal: a route yields it and the lead time has passed.

    Args:
        instance: The instance.
        routes: Its routes.

    Returns:
        Mask (K, E, T).
    """
    smelters, metals, periods = len(instance.smelters.names), len(instance.metals.names), len(instance.periods)
    yields = np.zeros((smelters, metals), dtype=bool)
    route, metal = np.nonzero(routes.returned > 0)  # routes to a smelter alone
    yields[routes.smelter[route], metal] = True
    return yields[:, :, None] & (np.arange(periods)[None, None, :] >= instance.smelters.lead[:, :, None])


def can_be_in_stock(instance: Instance, routes: Routes) -> Bools:
    """Return which metals can be in stock: opening stock, or a return within the horizon.

    Args:
        instance: The instance.
        routes: Its routes.

    Returns:
        Mask (E,).
    """
    stocked = instance.metals.opening_stock.raw > 0
    return stocked | can_return_metal(instance, routes).any(axis=(0, 2))


def may_charge(instance: Instance, routes: Routes) -> Bools:
    """Return which metals may be charged from stock to which alloys.

    Args:
        instance: The instance.
        routes: Its routes.

    Returns:
        Mask (A, E).
    """
    welcome = instance.alloys.named | instance.alloys.admits_others[:, None]
    return has_demand(instance)[:, None] & welcome & can_be_in_stock(instance, routes)[None, :]


def may_buy(instance: Instance) -> Bools:
    """Return which offers may be charged to which alloys.

    An alloy without `others` admits only offers whose matter it names completely.

    Returns:
        Mask (O, A).
    """
    pure = _has_no_foreign_metal(instance) & ~(compute_unnamed_share(instance) > 0).astype(np.bool_)[:, None]
    return (pure | instance.alloys.admits_others[None, :]) & has_demand(instance)[None, :]


def is_stocked(instance: Instance) -> Bools:
    """Return which offers are bought into stock: storable, and admitted by an alloy in demand, or with a stock to hold.

    Returns:
        Mask (O,).
    """
    market = instance.market
    held = (market.opening_stock.raw > 0) | (market.closing_stock.raw > 0)
    return market.storable & (may_buy(instance).any(axis=1) | held)


def sells_castings(instance: Instance) -> bool:
    """Return whether castings of some alloy in demand have a selling price.

    Args:
        instance: The instance.
    """
    return bool((instance.alloys.sell.raw[has_demand(instance)] != 0).any())


def find_charge_limits(instance: Instance) -> Bools:
    """Find the limits on groups of offers that have a row in each period.

    Returns:
        Mask (A, N, T): finite, and about an offer that the alloy, in demand, may be charged with.
    """
    limits = instance.charge_limits
    some = (limits.offers & may_buy(instance).T[:, None, :]).any(axis=2, keepdims=True)
    return np.asarray(np.isfinite(limits.most.raw) & some)


def compute_casting_price(instance: Instance, read: NumberReader = read_floats) -> Numbers:
    r"""Compute $p_{at}(1-\sigma_a)$, the revenue for a kilogram cast: castings less process scrap are sold.

    Returns:
        Revenue (A, T), money/kg; 0 for alloys without demand.
    """
    price = read(instance.alloys.sell) * (1 - read(instance.alloys.scrap_share))[:, None]
    return np.where(has_demand(instance)[:, None], price, 0)


def compute_offer_holding_cost(instance: Instance, read: NumberReader = read_floats) -> Numbers:
    """Compute the cost of holding a kilogram of each offer in stock, that of the metals it contains.

    Returns:
        Holding costs (O, T), money/kg.
    """
    return read(instance.market.composition) @ read(instance.metals.holding)


def is_excluded_by_unnamed(instance: Instance) -> Bools:
    """Return which offers are excluded from which alloys by their unnamed matter alone.

    Returns:
        Mask (O, A): every named metal is admitted, but `others` of the alloy is missing or 0.
    """
    unnamed = (compute_unnamed_share(instance) > 0).astype(np.bool_)
    room = instance.alloys.others.raw > 0
    return _has_no_foreign_metal(instance) & unnamed[:, None] & (has_demand(instance) & ~room)[None, :]


def compute_unnamed_share(instance: Instance) -> NDArray[Any]:
    """Compute the mass fraction of each offer that its composition does not name.

    Args:
        instance: The instance.

    Returns:
        Exact fractions (O,).
    """
    return np.asarray(1 - np.add.reduce(instance.market.composition.exact(), axis=1, initial=Fraction(0)))


def _has_no_foreign_metal(instance: Instance) -> Bools:
    """Return which offers contain only metals that an alloy names, (O, A)."""
    holds = instance.market.composition.raw > 0  # (O, E)
    foreign = (holds[:, None, :] & ~instance.alloys.named[None, :, :]).any(axis=2)
    return np.asarray(~foreign, dtype=np.bool_)


def compute_scrap_rate(instance: Instance, read: NumberReader = read_floats) -> Numbers:
    r"""Compute $\omega_a\sigma_a$, the process scrap that can be recharged per kilogram cast.

    Returns:
        Rates (A,), kg/kg; 0 for alloys without demand.
    """
    rate = read(instance.alloys.scrap_share) * read(instance.alloys.scrap_returned)
    return np.where(has_demand(instance), rate, 0)


_SHARE_DIGITS = 10


def find_excluded_offers(instance: Instance, alloy: int) -> list[int]:
    """Find the offers that only their unnamed matter excludes from an alloy.

    Args:
        instance: The instance.
        alloy: Index of the alloy.

    Returns:
        Indices of the offers, the purest first.
    """
    rest = compute_unnamed_share(instance)
    return sorted(
        np.flatnonzero(is_excluded_by_unnamed(instance)[:, alloy]).tolist(), key=lambda offer: float(rest[offer])
    )


def explain_exclusion(instance: Instance, alloy: int, offers: Sequence[int]) -> str:
    """Explain the exclusion of offers from an alloy without `others`, with the remedy.

    Args:
        instance: The instance.
        alloy: Index of the alloy.
        offers: Indices of the offers, the purest first; at least one.

    Returns:
        One sentence.
    """
    alloys, market = instance.alloys, instance.market
    name, minimum = escape_text(alloys.names[alloy]), compute_unnamed_share(instance)[offers[0]]
    path = render_path(("alloys", alloys.names[alloy], "others"))
    contain, more = ("contains", "") if len(offers) == 1 else ("contain", " or more")
    text = (
        f"{join_names(market.names[o] for o in offers)} {contain} unnamed matter "
        f"({_format_per_cent(minimum)}{more}), which is not allowed "
        f"in `{name}`; give `{path}: {_format_per_cent(minimum)}` or more, or name the rest of its composition"
    )
    if alloys.low.exact()[alloy].sum() > 1 - minimum:
        text += f", and reduce the least shares of `{name}` by as much"
    return text


def _format_per_cent(share: Fraction) -> str:
    """Return an exact share rounded up to ten digits, such as `0.01 %`."""
    value = Context(prec=_SHARE_DIGITS, rounding=ROUND_CEILING).divide(
        Decimal(share.numerator * 100), share.denominator
    )
    return f"{value.normalize():f} %"


def compute_scrap_worth(instance: Instance, cast: Numbers, scrap: Numbers, read: NumberReader = read_floats) -> Numbers:
    """Compute the value of process scrap left at the end, or available too late to be recharged, as a cost.

    Args:
        instance: The instance.
        cast (A, T): Mass cast, kg.
        scrap (A, T): Process scrap in stock at the end of each period, kg.
        read: Reads parameters in the arithmetic of the result.

    Returns:
        Cost by period (T,), at most 0, money.
    """
    rate, value, periods = compute_scrap_rate(instance, read), read(instance.alloys.scrap_value), len(instance.periods)
    total = make_zeros((periods,), cast)
    for alloy, lead in enumerate(instance.alloys.scrap_lead.tolist()):
        if not rate[alloy] > 0:
            continue
        late = max(0, periods - lead)
        total[late:] = total[late:] - value[alloy] * rate[alloy] * cast[alloy, late:]
        total[-1] = total[-1] - value[alloy] * scrap[alloy, -1]
    return total
