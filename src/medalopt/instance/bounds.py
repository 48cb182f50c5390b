"""Demand for alloys over time, which metals and offers it admits, and the bounds on the variables that follow.

Supply, opening stock and demand imply an upper bound for every variable. They are not constraints of the program: the
solver scales by them, and dual bounds may use them. Limits of the catalogue are found here by their names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medalopt.catalog import Limit
from medalopt.instance.arithmetic import NumberReader, Numbers, make_zeros, read_floats
from medalopt.instance.arrays import Bools, ExactArray, Floats, Ints
from medalopt.instance.instance import Instance, Names
from medalopt.instance.lots import OFFER_STEPS, STEP_KINDS, list_step_prices
from medalopt.instance.routes import FractionGroups, Routes
from medalopt.instance.smelter_terms import list_pool_names, list_terms_names
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


def compute_scrap_rate(instance: Instance, read: NumberReader = read_floats) -> Numbers:
    r"""Compute $\omega_a\sigma_a$, the process scrap that can be recharged per kilogram cast.

    Returns:
        Rates (A,), kg/kg; 0 for alloys without demand.
    """
    rate = read(instance.alloys.scrap_share) * read(instance.alloys.scrap_returned)
    return np.where(has_demand(instance), rate, 0)


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


def can_return_metal(instance: Instance, routes: Routes) -> Bools:
    """Return where a smelter can return metal: a route yields it and the lead time has passed.

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

    Returns:
        Mask (E,).
    """
    stocked = instance.metals.opening_stock.raw > 0
    return stocked | can_return_metal(instance, routes).any(axis=(0, 2))


def may_charge(instance: Instance, routes: Routes) -> Bools:
    """Return which metals may be charged from stock to which alloys.

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

    Returns:
        Exact fractions (O,).
    """
    return np.asarray(1 - np.add.reduce(instance.market.composition.exact(), axis=1, initial=Fraction(0)))


def _has_no_foreign_metal(instance: Instance) -> Bools:
    """Return which offers contain only metals that an alloy names, (O, A)."""
    holds = instance.market.composition.raw > 0  # (O, E)
    foreign = (holds[:, None, :] & ~instance.alloys.named[None, :, :]).any(axis=2)
    return np.asarray(~foreign, dtype=np.bool_)


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


@dataclass(frozen=True, eq=False)
class VariableBounds:
    """Upper bounds on the variables that hold in every plan."""

    sent: Numbers  # (I, T) t, x: stream i on any one route in t
    stockpile: Numbers  # (I, T) t
    stock: Numbers  # (E, T) kg, z and g: cumulative returns and opening stock
    cast: Numbers  # (A,) kg, k
    charge: Numbers  # (A,) kg, w, b and v: charge to the melt
    scrap: Numbers  # (A,) kg, n
    purchase: Numbers  # (O,) kg, purchases into stock in a period; 0 for other offers


def compute_bounds(instance: Instance, routes: Routes, read: NumberReader = read_floats) -> VariableBounds:
    """Compute the upper bounds that hold in every plan.

    Returns:
        The bounds.
    """
    available = read(instance.streams.available)
    so_far = np.cumsum(available, axis=1)
    limit = np.where(instance.streams.storable, read(instance.streams.storage_limit), 0)
    stockpile = np.minimum(limit[:, None], so_far)
    before = np.concatenate([np.zeros_like(stockpile[:, :1]), stockpile[:, :-1]], axis=1)
    in_demand = has_demand(instance)
    share, loss = read(instance.alloys.scrap_share), read(instance.alloys.loss)
    cast = np.where(in_demand, compute_cumulative_demand(instance, read)[:, -1], 0) / (1 - share)
    charge = cast / (1 - loss)
    return VariableBounds(
        sent=available + before,
        stockpile=stockpile,
        stock=read(instance.metals.opening_stock)[:, None] + _bound_returned_metal(instance, routes, so_far),
        cast=cast,
        charge=charge,
        scrap=cast * compute_scrap_rate(instance, read),
        purchase=_bound_stocked_purchases(instance, charge, read),
    )


def _bound_stocked_purchases(instance: Instance, charge: Numbers, read: NumberReader) -> Numbers:
    """Bound the purchases into stock of each offer in a period, (O,), kg; 0 for offers that are not stocked.

    The bound is twice the greater of total charge with closing stock and commitment, plus a lot and a minimum
    order. Larger purchases include one that can be dropped without raising the cost, so no optimum is excluded. At
    a price below 0 buying pays, and the bound is the offer's limit, which the reader requires. Where a policy
    couples offers it may pay to buy more of one so that another may be bought: the bound is then the
    greatest of all offers, up to which purchases above all others can be reduced together without a share above its
    limit.
    """
    market, stocked = instance.market, is_stocked(instance)
    buyable = may_buy(instance)
    taken = np.where(buyable, charge[None, :], 0).sum(axis=1)
    taken = taken + read(market.closing_stock)
    maximum = 2 * np.maximum(taken, read(market.committed)) + read(market.lot) + read(market.minimum_order)
    limited = has_negative_price(instance) & np.isfinite(market.limit.raw)
    maximum[limited] = read(market.limit)[limited]
    if instance.policy.couples_offers:
        maximum[~limited] = np.where(buyable.any(axis=1) | stocked, maximum, 0).max(initial=0)
    return np.where(stocked, maximum, 0)


def has_negative_price(instance: Instance) -> Bools:
    """Return which offers have a negative price in some period or step.

    Returns:
        Mask (O,).
    """
    return np.asarray(list_step_prices(instance, OFFER_STEPS)[0] < 0)


def bound_metal_charged(instance: Instance, routes: Routes, bounds: VariableBounds) -> Numbers:
    """Bound the metal that all melts together take from stock.

    Args:
        instance: The instance.
        routes: Its routes.
        bounds: Bounds on the charge of each alloy.

    Returns:
        Upper bounds (E,), kg over the horizon.
    """
    return (may_charge(instance, routes) * bounds.charge[:, None]).sum(axis=0)


def _bound_returned_metal(instance: Instance, routes: Routes, so_far: Numbers) -> Numbers:
    r"""Bound the metal returned by the end of each period, (E, T), kg.

    Each stream counts by its best route: $\max_j y_{je}$ over routes whose lead time has passed, times the cumulative
    supply up to the shortest of those lead times before. Devices that are split count by the best branch of each of
    their fractions, all of them after the shortest lead time.
    """
    metals, periods = len(instance.metals.names), len(instance.periods)
    total = make_zeros((metals, periods), so_far)
    travels = np.nonzero(routes.smelter >= 0)[0]
    groups = routes.fraction_groups
    for metal in range(metals):
        yielding = travels[routes.returned[travels, metal] > 0]
        lead = instance.smelters.lead[routes.smelter[yielding], metal]
        returned = routes.returned[:, metal]
        if len(groups.parent):
            yielding, lead, returned = _merge_branches(routes, groups, yielding, lead, returned)
        best, soonest = make_zeros((len(so_far),), so_far), np.full(len(so_far), periods, dtype=np.intp)
        for first, end in pairwise([*np.unique(lead[lead < periods]).tolist(), periods]):
            back = lead == first  # routes whose lead time has passed now for the first time
            np.maximum.at(best, routes.stream[yielding[back]], returned[yielding[back]])
            np.minimum.at(soonest, routes.stream[yielding[back]], lead[back])
            some = np.nonzero(soonest <= first)[0]
            until = np.arange(first, end)[:, None] - soonest[some]
            total[metal, first:end] = (best[some] * so_far[some, until]).sum(axis=1)
    return total


def _merge_branches(
    routes: Routes, groups: FractionGroups, yielding: Ints, lead: Ints, returned: Numbers
) -> tuple[Ints, Ints, Numbers]:
    """Return yielding routes with their lead time, and the metal returned, where parents stand for their branches."""
    branch = groups.group[yielding] >= 0
    group = groups.group[yielding[branch]]
    best = make_zeros((len(groups.parent),), returned)
    np.maximum.at(best, group, returned[yielding[branch]])
    soonest = np.full(len(returned), np.iinfo(np.intp).max)
    np.minimum.at(soonest, groups.parent[group], lead[branch])
    parents = np.unique(groups.parent[group])
    total = np.where(routes.treats, returned, 0)
    np.add.at(total, groups.parent, best)
    return (
        np.concatenate([yielding[~branch], parents]),
        np.concatenate([lead[~branch], soonest[parents]]),
        total,
    )


def bound_purchases(instance: Instance, bounds: VariableBounds) -> Numbers:
    """Bound the purchases of each offer in a period: its limit, or the charge of the melts that admit it.

    Offers bought into stock have the greater bound `VariableBounds.purchase`.

    Returns:
        Upper bounds (O,), kg.
    """
    melts = np.where(may_buy(instance), bounds.charge[None, :], 0).sum(axis=1)
    maximum = np.where(is_stocked(instance), bounds.purchase, melts)
    return np.minimum(instance.market.limit.value, maximum)


def list_axis_names(instance: Instance) -> dict[str, Names]:
    """Return the names along every axis that the catalogue knows, but routes and bundles.

    Returns:
        By axis, its names.
    """
    return {
        "stream": instance.streams.names,
        "treatment": instance.treatments.names,
        "smelter": instance.smelters.names,
        "metal": instance.metals.names,
        "alloy": instance.alloys.names,
        "offer": instance.market.names,
        "charge_limit": instance.charge_limits.names,
        "medal": instance.medals.names,
        "device": instance.devices.names,
        "region": instance.regions,
        "window": instance.policy.windows,
        "impurity": instance.impurities.names,
        "pool": list_pool_names(instance),
        "terms": list_terms_names(instance),
        **{f"{kind.name}_step": kind.list_steps(instance) for kind in STEP_KINDS},
        "period": instance.periods,
    }


def list_axis_titles(instance: Instance, axes: tuple[str, ...]) -> Names:
    """Return the names along a family's first axis as people call them: of metals their titles.

    Returns:
        The titles; one empty title for a family with a single row.
    """
    return instance.metals.titles if axes[:1] == ("metal",) else list_axis_names(instance)[axes[0]] if axes else ("",)


def get_limit(instance: Instance, limit: Limit) -> ExactArray:
    """Return the values of a limit.

    Args:
        instance: Instance.
        limit: Limit of the catalogue.

    Returns:
        Its array in the instance.
    """
    values: ExactArray = getattr(getattr(instance, limit.section), limit.field)
    return values
