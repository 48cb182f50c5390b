"""Dual values of the linking constraints as arrays, projected onto the sign that each constraint allows.

Reduced costs of routes due to impurity limits, and the value of credited metal, called back or left with smelters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from medalopt.catalog import FAMILIES, UPPER, Family
from medalopt.instance.arithmetic import (
    Arithmetic,
    NumberReader,
    Numbers,
    make_zeros,
    sum_by_group,
    zero_where_infinite,
)
from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.bounds import (
    compute_cumulative_demand,
    find_charge_limits,
    get_limit,
    is_stocked,
    list_axis_names,
)
from medalopt.instance.instance import Instance
from medalopt.instance.lots import STEP_KINDS, STREAM_STEPS, ActivityKind
from medalopt.instance.routes import Routes
from medalopt.instance.smelter_terms import has_limit, leaves_metal, may_leave, shift_to_shipment

Duals = Mapping[str, Mapping[Any, float]]  # by constraint and index: objective per unit of the row


@dataclass(frozen=True, eq=False)
class DualGrid(Mapping[Any, float]):
    """Dual values of constraints with two indices as a mapping that is backed by an array, for large instances."""

    names: tuple[tuple[str, ...], tuple[str, ...]]
    array: Floats  # (first, second)
    present: Bools  # (first, second) True where the constraint exists

    def __getitem__(self, key: Any) -> float:
        try:
            at = self._places[0][key[0]], self._places[1][key[1]]
        except (TypeError, IndexError):
            raise KeyError(key) from None
        if not self.present[at]:
            raise KeyError(key)
        return float(self.array[at])

    def __iter__(self) -> Iterator[Any]:
        one, other = self.names
        return ((one[i], other[t]) for i, t in zip(*(axis.tolist() for axis in np.nonzero(self.present)), strict=True))

    def __len__(self) -> int:
        return int(self.present.sum())

    @cached_property
    def _places(self) -> tuple[dict[str, int], ...]:
        """Position of each name, by index."""
        return tuple({label: number for number, label in enumerate(axis)} for axis in self.names)


class Prices:
    """Change of the objective per unit of each right-hand side (dual values of the linking constraints).

    One array for each priced family of the catalogue, with its axes and sign, 0 where no constraint exists. `supply`
    holds `bundle_supply` too; `offer_balance` has the offers bought into stock only, `reserve` the metals with a safety
    stock; `left_most` is (0, E, T) where no metal may be left with a smelter.
    """

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Numbers: ...

    def __init__(self, **by_family: Numbers) -> None:
        vars(self).update(by_family)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse assignment, as a frozen data class does."""
        raise AttributeError(f"{name}: dual values are frozen; `replace` returns a copy")

    def replace(self, **by_family: Numbers) -> Prices:
        """Return a copy with other dual values of some families.

        Args:
            by_family: Arrays by family, of the shapes they have.

        Returns:
            The copy.
        """
        return Prices(**vars(self) | by_family)


def convert_prices(y: Prices, arithmetic: Arithmetic) -> Prices:
    """Return dual values in another arithmetic.

    Returns:
        The dual values, numbers of `arithmetic`.
    """
    return Prices(**{name: arithmetic.lift(values) for name, values in vars(y).items()})


def list_price_axes(instance: Instance) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return the names along each index of every constraint with a dual value.

    Returns:
        By constraint, one tuple of names per index.
    """
    names = list_axis_names(instance)
    return {family.name: tuple(names[axis] for axis in family.axes) for family in FAMILIES.values() if family.priced}


def _project_signs(instance: Instance, family: Family, values: Floats) -> Floats:
    """Return dual values with the sign of their family, and 0 for limits that are infinite."""
    for limit in family.limits:
        if limit.side == UPPER and limit.free == np.inf:
            finite = np.isfinite(get_limit(instance, limit).value)
            values = np.where(finite, values, np.maximum(values, 0))
    return np.asarray({1: np.maximum(values, 0), -1: np.minimum(values, 0)}.get(family.sign, values))


def build_prices(instance: Instance, duals: Duals) -> Prices:
    """Return dual values as arrays; values of the wrong sign or of infinite right-hand sides are set to 0.

    Returns:
        The arrays, all finite.

    Raises:
        KeyError: A name does not exist in the instance.
    """
    known = list_price_axes(instance)

    def table(name: str) -> Floats:
        """Return the dual values of one constraint family."""
        rows = duals.get(name, {})
        if isinstance(rows, DualGrid) and rows.names == known[name]:
            return np.where(rows.present & np.isfinite(rows.array), rows.array, 0.0)
        places = [{label: number for number, label in enumerate(axis)} for axis in known[name]]
        values = np.zeros(tuple(len(axis) for axis in known[name]))
        for key, value in rows.items():
            index = key if isinstance(key, tuple) else () if key is None else (key,)
            values[tuple(place[label] for place, label in zip(places, index, strict=True))] = value
        return np.where(np.isfinite(values), values, 0.0)

    priced = {name: _project_signs(instance, FAMILIES[name], table(name)) for name in known}
    demand = priced["demand"]
    rises = np.diff(compute_cumulative_demand(instance), axis=1, prepend=0.0) > 0
    demand[:, :-1] = np.where(rises[:, :-1], np.maximum(demand[:, :-1], 0), 0.0)
    supply = table("supply") + priced.pop("bundle_supply")
    named, admits = instance.alloys.named[:, :, None], instance.alloys.admits_others[:, None]
    return Prices(
        **priced
        | {
            "left_most": priced["left_most"] if leaves_metal(instance) else priced["left_most"][:0],
            "offer_balance": priced["offer_balance"][is_stocked(instance)],
            "reserve": priced["reserve"][instance.metals.reserve > 0],
            "fineness_high": np.where(named, priced["fineness_high"], 0.0),
            "charge_limit": np.where(find_charge_limits(instance), priced["charge_limit"], 0.0),
            "impurity_limit": np.where(has_limit(instance)[:, :, None], priced["impurity_limit"], 0.0),
            "others": np.where(admits, priced["others"], 0.0),
            "supply": np.where((instance.streams.bundle < 0)[:, None], np.minimum(supply, 0), supply),
        }
    )


def shift_to_next_period(values: Numbers) -> Numbers:
    """Return values shifted to the next period.

    Args:
        values (N, T): Values by period.

    Returns:
        (N, T) value of the period after each, 0 after the last.
    """
    return np.concatenate([values[:, 1:], np.zeros_like(values[:, :1])], axis=1)


def clip_step_prices(instance: Instance, y: Prices, cost: int, read: NumberReader) -> Prices:
    """Return dual values with those of price steps no greater than the surcharge: it is worth no more to avoid it.

    The quantity beyond a limit then has a reduced cost of at least 0, and contributes nothing to a bound.

    Args:
        cost: Weight of the cost in the objective, 0 or 1.
        read: Reads parameters in the arithmetic of the bound.

    Returns:
        The dual values.
    """
    clipped = {}
    for kind in STEP_KINDS:
        surcharge, duals = read(kind.get_steps(instance).surcharge), getattr(y, f"{kind.name}_steps")
        least = -cost * np.maximum(zero_where_infinite(surcharge), 0)
        clipped[f"{kind.name}_steps"] = np.where(surcharge < np.inf, np.maximum(duals, least), duals)
    return y.replace(**clipped)


def price_totals(instance: Instance, y: Prices, kind: ActivityKind) -> Numbers:
    """Return the dual value of commitment, limit and price steps for a unit of each stream or offer.

    Args:
        kind: Streams or offers.

    Returns:
        Objective per tonne of each stream (I,), or per kg of each offer (O,).
    """
    own = y.stream_commitment if kind is STREAM_STEPS else y.purchase
    owner = kind.get_steps(instance).owner
    return own + sum_by_group(getattr(y, f"{kind.name}_steps"), owner, len(own)) if len(owner) else own


def price_impurities(instance: Instance, routes: Routes, y: Prices, route: Ints, read: NumberReader) -> Numbers:
    """Price the impurities on routes to a smelter: the duals of the limits times the content above them.

    Args:
        route (N,): Index of each route.
        read: Reads parameters in the arithmetic of the bound.

    Returns:
        Objective per tonne of devices (N, T): at most 0 where the feed is above the limit.
    """
    limited = has_limit(instance)
    total = make_zeros((len(route), len(instance.periods)), y.balance)
    most, smelter = zero_where_infinite(read(instance.impurities.limit)), routes.smelter[route]
    for x in np.flatnonzero(limited.any(axis=0)).tolist():
        over = routes.impurity[route, x] - most[smelter, x] * routes.to_smelter[route]
        total = total + over[:, None] * y.impurity_limit[smelter, x]
    return total


def list_left_prices(instance: Instance, routes: Routes, y: Prices) -> Numbers:
    """Return the dual values of the limits on metal left with the smelters.

    Returns:
        Objective per kilogram by line of terms, metal and period of credit (L, E, T); 0 where there is no limit.
    """
    return np.where(may_leave(instance, routes), y.left_most, 0)


def value_credited_metal(instance: Instance, routes: Routes, y: Prices, route: Ints, metal: int, back: Ints) -> Numbers:
    """Return the value of a kilogram of metal that a smelter credits, called back or left with it.

    Args:
        route (N,): Index of routes to a smelter.
        metal: Index of the metal.
        back (N, ...): Period in which the metal is credited; the last one for all later ones.

    Returns:
        Objective per kilogram, of the shape of `back`.
    """
    at = np.minimum(back, len(instance.periods) - 1)
    saved = -y.balance[metal][at]
    if not instance.metals.surplus_to_smelter[metal]:
        return saved
    line = routes.line[route].reshape(-1, *[1] * (at.ndim - 1))
    return saved - list_left_prices(instance, routes, y)[line, metal, at]


def price_left_metal_of_routes(instance: Instance, routes: Routes, y: Prices, route: Ints) -> Numbers:
    """Return the share of the limits on metal left in the reduced cost of routes to a smelter.

    Args:
        route (N,): Index of the routes.

    Returns:
        Objective per tonne by period of shipment (N, T).
    """
    worth = shift_to_shipment(instance, list_left_prices(instance, routes, y))[routes.line[route]]  # (N, E, T)
    total = make_zeros((len(route), worth.shape[2]), y.balance)
    for metal in np.flatnonzero(instance.metals.surplus_to_smelter).tolist():
        total = total + routes.returned[route, metal][:, None] * worth[:, metal]
    return total


def price_offer_balance(y: Prices, stocked: Bools) -> Numbers:
    """Return the dual values of the balance of every offer; without meaning for offers not stocked.

    Args:
        stocked (O,): Offers bought into stock.

    Returns:
        Objective per kg (O, T).
    """
    return y.offer_balance[np.maximum(np.cumsum(stocked) - 1, 0)]


def expand_reserve_prices(instance: Instance, y: Prices) -> Numbers:
    """Return the dual values of the safety stock of every metal.

    Returns:
        Objective per kg in stock at the end of each period (E, T); 0 in the last, and for metals without a reserve.
    """
    prices = make_zeros(y.balance.shape, y.balance)
    prices[np.flatnonzero(instance.metals.reserve > 0), :-1] = y.reserve[:, :-1]
    return prices


def price_announced_charges(instance: Instance, y: Prices) -> Numbers:
    """Return the cost of a kilogram charged for its reserve in the periods before.

    Returns:
        Objective per kg (E, T).
    """
    prices, reserve = expand_reserve_prices(instance, y), instance.metals.reserve[:, None]
    total = make_zeros(prices.shape, prices)
    for ahead in range(1, min(int(reserve.max(initial=0)), prices.shape[1] - 1) + 1):
        total[:, ahead:] = total[:, ahead:] + np.where(reserve >= ahead, prices[:, :-ahead], 0)
    return total


def price_charge_limits(instance: Instance, y: Prices) -> Numbers:
    """Return the dual value of the limits on groups of offers for a kilogram of each offer charged to each alloy.

    Returns:
        Objective per kg (O, A, T).
    """
    alloys, limits, offers = instance.charge_limits.offers.shape
    total = make_zeros((offers, alloys, len(instance.periods)), y.charge_limit)
    for limit in range(limits):
        member = instance.charge_limits.offers[:, limit].T[:, :, None]  # (O, A, 1)
        total = total + np.where(member, y.charge_limit[None, :, limit], 0)
    return total


DUAL_SHRINKAGE = 2.0**-40  # relative; it changes the lower bound by less than the tolerance of a certificate


def shrink_duals(duals: Duals) -> Duals:
    """Scale duals by 1 - `DUAL_SHRINKAGE`, since a rounding error of a dual times a very large supply ruins the bound.

    Args:
        duals: Dual values by constraint.

    Returns:
        The scaled duals.
    """
    return {rule: _scale_duals(rows, 1 - DUAL_SHRINKAGE) for rule, rows in duals.items()}


def _scale_duals(rows: Mapping[Any, float], factor: float) -> Mapping[Any, float]:
    """Multiply the dual values of one constraint by a factor."""
    if isinstance(rows, DualGrid):
        return replace(rows, array=rows.array * factor)
    return {key: value * factor for key, value in rows.items()}
