"""Limits of the catalogue, implied bounds on the variables, and the lot and minimum-order constraints.

Supply, opening stock and demand imply an upper bound for every variable. They are not constraints of the program: the
solver scales by them, and dual bounds may use them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from medalopt.catalog import Limit
from medalopt.instance.arithmetic import NumberReader, Numbers, make_zeros, read_floats
from medalopt.instance.arrays import Bools, ExactArray, Ints
from medalopt.instance.demand import (
    compute_cumulative_demand,
    compute_scrap_rate,
    has_demand,
    is_stocked,
    may_buy,
    may_charge,
)
from medalopt.instance.instance import Instance, MarketOffers, Names, Streams
from medalopt.instance.price_steps import OFFER_STEPS, STEP_KINDS, drop_falling_steps, list_step_prices
from medalopt.instance.routes import FractionGroups, Routes
from medalopt.instance.smelter_terms import list_pool_names, list_terms_names


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

    Args:
        instance: The instance.
        routes: Its routes.
        read: Reads parameters in the arithmetic of the result.

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

    Args:
        instance: The instance.

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


def drop_lot_constraints(instance: Instance) -> Instance:
    """Return an instance without whole lots, minimum orders, lots of feed, fixed charges and falling prices.

    Where prices fall, that of the step before holds for all of the quantity; `spread_charges` gives a relaxation.

    Returns:
        The instance, a relaxation where no price falls; `instance` itself where it has no such constraint.
    """
    if not instance.lots:
        return instance

    stated_digest, instance = instance.figures, drop_falling_steps(instance)

    def drop(part: Any, *fields: str) -> Any:
        """Return a part of the instance with some of its arrays set to 0."""
        count = len(part.names)
        zero = ExactArray(np.zeros(count), np.zeros(count, dtype=np.intp))
        return replace(part, **dict.fromkeys(fields, zero))

    return replace(
        instance,
        lots=(),
        stated_digest=stated_digest,
        whole=None if instance.whole is None else drop_lot_constraints(instance.whole),
        streams=drop(instance.streams, "lot", "minimum_order", "fixed_charge"),
        market=drop(instance.market, "lot", "minimum_order", "fixed_charge"),
        treatments=drop(instance.treatments, "fixed_charge"),
        smelters=drop(instance.smelters, "fixed_charge"),
        terms=drop(instance.terms, "minimum_lot", "lot_charge"),
    )


def has_lot_constraint(part: Streams | MarketOffers) -> Bools:
    """Return which streams or offers have a lot size or a minimum order.

    Args:
        part: The streams or the market of an instance.

    Returns:
        Mask (I,) or (O,).
    """
    return (part.lot.raw > 0) | (part.minimum_order.raw > 0)


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

    Args:
        instance: Instance.

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
        **{f"{kind.name}_step": kind.list_names(instance) for kind in STEP_KINDS},
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
