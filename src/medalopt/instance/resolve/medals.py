"""Arrays of the demand side: metals, market offers, alloys, medals and policy."""

from __future__ import annotations

import numpy as np

from medalopt.instance.figures import Figures
from medalopt.instance.instance import Alloys, Market, Medals, Metals, Policy
from medalopt.instance.resolve.axes import Axis
from medalopt.instance.resolve.draft import Draft
from medalopt.instance.resolve.network import accepted
from medalopt.instance.resolve.spread import by_metal, by_period, column, ends, number
from medalopt.instance.schema.kinds import NO_LIMIT, ZERO
from medalopt.instance.schema.models import Group, Scrap
from medalopt.quantity import Quantity


def metals(draft: Draft, periods: int) -> Metals:
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
        sell=by_period((metal.sell for metal in listed.values()), periods),
        holding=by_period((metal.holding for metal in listed.values()), periods),
        opening_stock=column(metal.opening_stock for metal in listed.values()),
    )


def market(draft: Draft, metals: Axis, periods: int) -> Market:
    """Build the arrays of the market offers.

    Args:
        draft: Parsed instance.
        metals: Axis of metals.
        periods: Number of periods.

    Returns:
        Offers; see `Market` for shapes and units.
    """
    listed = dict(sorted(draft.document.market.items()))
    offers = listed.values()
    return Market(
        names=tuple(listed),
        composition=by_metal((offer.composition for offer in offers), metals, ZERO),
        price=by_period((offer.price for offer in offers), periods),
        committed=column(offer.committed for offer in offers),
        limit=column(offer.limit for offer in offers),
        recycled=column(offer.recycled for offer in offers),
        footprint=column(offer.footprint for offer in offers),
        lot=column(offer.lot or ZERO for offer in offers),
        minimum_order=column(offer.minimum_order or ZERO for offer in offers),
        storable=np.array([offer.storable for offer in offers], dtype=np.bool_),
    )


def alloys(draft: Draft, metals: Axis, periods: int) -> Alloys:
    """Build the arrays of the alloys with their process scrap (zero if not given).

    Args:
        draft: Parsed instance.
        metals: Axis of metals.
        periods: Number of periods.

    Returns:
        Alloys; see `Alloys` for shapes and units.
    """
    listed = dict(sorted(draft.document.alloys.items()))
    each = listed.values()
    scraps = [alloy.scrap or Scrap() for alloy in each]
    windows = [{metal: ends(window) for metal, window in alloy.composition.items()} for alloy in each]
    named = [accepted(list(window), metals) for window in windows]
    return Alloys(
        names=tuple(listed),
        named=np.array(named, dtype=np.bool_).reshape(len(listed), len(metals)),
        low=by_metal(({metal: pair[0] for metal, pair in window.items()} for window in windows), metals, ZERO),
        high=by_metal(({metal: pair[1] for metal, pair in window.items()} for window in windows), metals, ZERO),
        admits_others=np.array([alloy.others is not None for alloy in each], dtype=np.bool_),
        others=column(alloy.others or ZERO for alloy in each),
        loss=column(alloy.loss for alloy in each),
        capacity=by_period((alloy.capacity for alloy in each), periods),
        holding=by_period((alloy.holding for alloy in each), periods),
        scrap_share=column(scrap.share for scrap in scraps),
        scrap_returned=column(scrap.returned for scrap in scraps),
        scrap_lead=np.array([scrap.lead for scrap in scraps], dtype=np.intp),
        scrap_value=column(scrap.value for scrap in scraps),
    )


def medals(draft: Draft, alloys: Axis, periods: int) -> Medals:
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
    due = [calendar.index(medal.due) if calendar and medal.due is not None else periods - 1 for medal in each]
    return Medals(
        names=tuple(listed),
        count=np.array([medal.count for medal in each], dtype=np.intp),
        due=np.array(due, dtype=np.intp),
        parts=by_metal((medal.parts for medal in each), alloys, ZERO),
        allowance=column(medal.allowance for medal in each),
    )


def policy(draft: Draft, metals: Axis, devices: Axis) -> Policy:
    """Build the arrays of the policy constraints.

    Args:
        draft: Parsed instance.
        metals: Axis of metals.
        devices: Axis of devices.

    Returns:
        Policy; the footprint cap is in kg CO2e.
    """
    given = draft.document.policy
    shares = dict(sorted(given.device_share.items()))
    groups = {name: one if isinstance(one, Group) else None for name, one in shares.items()}
    windows = [ends(one.share if isinstance(one, Group) else one) for one in shares.values()]
    members = [accepted(one.devices if one else [name], devices) for name, one in groups.items()]
    cap = NO_LIMIT if given.footprint_cap is None else _in_kilograms(given.footprint_cap)
    return Policy(
        recycled=column(given.recycled.get(metal, ZERO) for metal in metals.names),
        windows=tuple(shares),
        members=np.array(members, dtype=np.bool_).reshape(len(shares), len(devices)),
        window_low=column(low for low, _ in windows),
        window_high=column(high for _, high in windows),
        participation=Figures.of([number(given.participation or ZERO)], ()),
        footprint_cap=Figures.of([number(cap)], ()),
    )


def _in_kilograms(tonnes: Quantity) -> Quantity:
    """Convert a quantity from t to kg."""
    return tonnes._replace(factor=tonnes.factor * 1000)
