"""Arrays of the demand side: metals, market offers, alloys, medals and policy."""

from __future__ import annotations

import numpy as np

from medalopt.instance.arrays import ExactArray
from medalopt.instance.instance import Alloys, ChargeLimits, MarketOffers, Medals, Metals, PolicyLimits
from medalopt.instance.resolve.broadcast import (
    NameAxis,
    build_column,
    build_columns,
    build_metal_array,
    build_period_array,
    build_period_arrays,
    build_price_steps,
    convert_quantity,
    get_window_ends,
    mask_names,
    split_price,
)
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.schema.document import SURPLUS_TITLES, Group, Scrap
from medalopt.instance.schema.field_types import NO_LIMIT, ONE_QUANTITY, ZERO_QUANTITY
from medalopt.units import Quantity

_SMELTER_TITLE = SURPLUS_TITLES[1]


def build_metals(draft: Draft, periods: int) -> Metals:
    """Build the arrays of the metals.

    Args:
        draft: Parsed instance.
        periods: Number of periods.

    Returns:
        Metals; see `Metals` for shapes and units.
    """
    listed = dict(sorted(draft.document.metals.items()))
    return Metals(
        names=tuple(listed),
        titles=tuple(metal.title or name for name, metal in listed.items()),
        **build_period_arrays(listed.values(), periods, "sell", "holding"),
        **build_columns(listed.values(), "opening_stock"),
        surplus_to_smelter=np.array([metal.surplus == _SMELTER_TITLE for metal in listed.values()], dtype=np.bool_),
        reserve=np.array([metal.reserve for metal in listed.values()], dtype=np.intp),
    )


def build_market(draft: Draft, metals: NameAxis, periods: int) -> MarketOffers:
    """Build the arrays of the market offers.

    Args:
        draft: Parsed instance.
        metals: Axis of metals.
        periods: Number of periods.

    Returns:
        Offers; see `Market` for shapes and units.
    """
    listed = dict(sorted(draft.document.market.items()))
    offers, prices = listed.values(), [split_price(offer.price) for offer in listed.values()]
    return MarketOffers(
        names=tuple(listed),
        composition=build_metal_array((offer.composition for offer in offers), metals, ZERO_QUANTITY),
        price=build_period_array((first for first, _ in prices), periods),
        **build_columns(offers, "committed", "limit", "recycled", "footprint", "lot", "minimum_order", "fixed_charge"),
        **build_columns(offers, "opening_stock", "closing_stock"),
        storable=np.array([offer.storable for offer in offers], dtype=np.bool_),
        storage_limit=build_period_array(
            (offer.storage.limit if offer.storage else NO_LIMIT for offer in offers), periods
        ),
        steps=build_price_steps([steps for _, steps in prices]),
    )


def build_alloys(draft: Draft, metals: NameAxis, periods: int) -> Alloys:
    """Build the arrays of the alloys with their process scrap (zero if not given).

    Returns:
        Alloys; see `Alloys` for shapes and units.
    """
    listed = dict(sorted(draft.document.alloys.items()))
    each = listed.values()
    scraps = [alloy.scrap or Scrap() for alloy in each]
    windows = [{metal: get_window_ends(window) for metal, window in alloy.composition.items()} for alloy in each]
    named = [mask_names(list(window), metals) for window in windows]
    return Alloys(
        names=tuple(listed),
        named=np.array(named, dtype=np.bool_).reshape(len(listed), len(metals)),
        low=build_metal_array(
            ({metal: pair[0] for metal, pair in window.items()} for window in windows), metals, ZERO_QUANTITY
        ),
        high=build_metal_array(
            ({metal: pair[1] for metal, pair in window.items()} for window in windows), metals, ZERO_QUANTITY
        ),
        admits_others=np.array([alloy.others is not None for alloy in each], dtype=np.bool_),
        **build_columns(each, "others", "loss"),
        **build_period_arrays(each, periods, "capacity", "holding", "sell"),
        **{f"scrap_{name}": one for name, one in build_columns(scraps, "share", "returned", "value").items()},
        scrap_lead=np.array([scrap.lead for scrap in scraps], dtype=np.intp),
    )


def build_charge_limits(draft: Draft, alloys: NameAxis, offers: NameAxis, periods: int) -> ChargeLimits:
    """Build the arrays of the limits on groups of offers charged to an alloy.

    Returns:
        Limits; see `ChargeLimits` for shapes and units.
    """
    listed = {name: draft.document.alloys[name].limits for name in alloys.names}
    names = sorted({name for limits in listed.values() for name in limits})
    each = [limits.get(name) for limits in listed.values() for name in names]
    most = build_period_array((NO_LIMIT if limit is None else limit.most for limit in each), periods)
    members = [mask_names([] if limit is None else limit.offers, offers) for limit in each]
    shape = (len(alloys), len(names))
    return ChargeLimits(
        names=tuple(names),
        offers=np.array(members, dtype=np.bool_).reshape(*shape, len(offers)),
        most=ExactArray(most.raw.reshape(*shape, periods), most.unit.reshape(*shape, periods), most.factors),
    )


def build_medals(draft: Draft, alloys: NameAxis, periods: int) -> Medals:
    """Build the arrays of the medals; the default due date is the last period.

    Args:
        draft: Parsed instance.
        alloys: Axis of alloys.
        periods: Number of periods.

    Returns:
        Medals; see `Medals` for shapes and units.
    """
    listed = dict(sorted(draft.document.medals.items()))
    each = listed.values()
    calendar = draft.calendar
    due = [calendar.find_period(medal.due) if calendar and medal.due is not None else periods - 1 for medal in each]
    return Medals(
        names=tuple(listed),
        count=np.array([medal.count for medal in each], dtype=np.intp),
        due=np.array(due, dtype=np.intp),
        parts=build_metal_array((medal.parts for medal in each), alloys, ZERO_QUANTITY),
        **build_columns(each, "allowance", "shortfall"),
    )


def build_policy(draft: Draft, metals: NameAxis, devices: NameAxis) -> PolicyLimits:
    """Build the arrays of the policy constraints.

    Args:
        draft: Parsed instance.
        metals: Axis of metals.
        devices: Axis of devices.

    Returns:
        Policy; the footprint cap is in kg CO2e.
    """
    policy = draft.document.policy
    shares = dict(sorted(policy.device_share.items()))
    groups = {name: one if isinstance(one, Group) else None for name, one in shares.items()}
    windows = [get_window_ends(one.share if isinstance(one, Group) else one) for one in shares.values()]
    members = [mask_names(one.devices if one else [name], devices) for name, one in groups.items()]
    cap = NO_LIMIT if policy.footprint_cap is None else _convert_to_kilograms(policy.footprint_cap)
    return PolicyLimits(
        recycled=build_column(policy.recycled.get(metal, ZERO_QUANTITY) for metal in metals.names),
        windows=tuple(shares),
        members=np.array(members, dtype=np.bool_).reshape(len(shares), len(devices)),
        window_low=build_column(low for low, _ in windows),
        window_high=build_column(high for _, high in windows),
        participation=ExactArray.gather([convert_quantity(policy.participation or ZERO_QUANTITY)], ()),
        footprint_cap=ExactArray.gather([convert_quantity(cap)], ()),
        **{
            f"concentration_{name}": ExactArray.gather([convert_quantity(ONE_QUANTITY if limit is None else limit)], ())
            for name, limit in policy.concentration
        },
    )


def _convert_to_kilograms(tonnes: Quantity) -> Quantity:
    """Convert a quantity from t to kg."""
    return tonnes._replace(factor=tonnes.factor * 1000)
