"""Stock and metal in transit as supply of the remaining horizon.

Devices in stock form a region `NAME, in stock` of streams already collected and paid, with the lanes and treatments of
their origin, so that no delivery is ordered twice. Metal in transit is one free, committed stream per period of
arrival, which consists of the metal itself; its tonnes equal the mass of the metal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from medalopt.catalog import list_limits
from medalopt.errors import UsageError
from medalopt.instance.arithmetic import read_floats
from medalopt.instance.arrays import Bools, ExactArray, Floats, Ints
from medalopt.instance.bounds import compute_offer_holding_cost, get_limit, may_buy
from medalopt.instance.instance import (
    Instance,
    Lanes,
    Streams,
)
from medalopt.instance.smelter_terms import compute_worth_left, leaves_metal, list_terms_names
from medalopt.text import join_names, render_path

IN_STOCK_FORMAT = "{}, in stock"
_ZERO_FIELDS = ("footprint", "lot", "minimum_order", "fixed_charge")  # of what is in stock


def add_stockpiles(instance: Instance, tonnes: Floats) -> Instance:
    """Add stockpiled devices to an instance as free streams.

    Args:
        instance: The instance.
        tonnes (I,): Stock of each stream, t.

    Returns:
        The instance with one more stream per stockpile; unchanged if there is no stock.
    """
    waits = np.flatnonzero(tonnes > 0)
    if not len(waits):
        return instance
    homes = np.unique(instance.streams.region[waits])
    region = len(instance.regions) + np.searchsorted(homes, instance.streams.region[waits])
    regions = np.append(np.arange(len(instance.regions)), homes)
    lanes = instance.lanes
    return replace(
        instance,
        regions=(*instance.regions, *(IN_STOCK_FORMAT.format(instance.regions[home]) for home in homes.tolist())),
        streams=_add_stock_streams(instance.streams, waits, tonnes[waits], region),
        treatments=replace(instance.treatments, regions=instance.treatments.regions[:, regions]),
        lanes=Lanes(lanes.exists[regions], lanes.cost.select(regions), lanes.footprint.select(regions)),
    )


def _repeat_members(part: Any, members: Ints, zero: tuple[str, ...]) -> dict[str, Any]:
    """Return names and arrays of streams or offers with some of them repeated at the end, in stock and 0 in `zero`."""
    indices, first = np.append(np.arange(len(part.names)), members), len(part.names)
    names = (*part.names, *(IN_STOCK_FORMAT.format(part.names[member]) for member in members.tolist()))
    result: dict[str, Any] = {"names": names}
    for field in fields(part):
        array = getattr(part, field.name)
        if isinstance(array, ExactArray):
            result[field.name] = array.select(indices)
        elif isinstance(array, np.ndarray):
            result[field.name] = array[indices]
    for name in zero:
        result[name].raw[first:] = 0.0
    return result


def _add_stock_streams(streams: Streams, waits: Ints, tonnes: Floats, region: Ints) -> Streams:
    """Return the streams with those in stock appended."""
    result, first = (
        _repeat_members(streams, waits, ("committed", "price", "collection", *_ZERO_FIELDS)),
        len(streams.names),
    )
    offered = result["available"].value.copy()
    offered[first:] = 0.0
    offered[first:, 0] = tonnes
    result["available"] = ExactArray(offered, np.zeros(offered.shape, dtype=np.intp))
    result["bundle"][first:], result["region"][first:] = -1, region
    return replace(streams, **result)


def add_offer_stock(instance: Instance, kilograms: Floats) -> Instance:
    """Add purchased metal in stock to an instance, as storable offers `NAME, in stock` that are paid already.

    Where storage or the charge of an offer is limited, or it has an opening or closing stock, its stock is opening
    stock instead. Otherwise all of it is committed. A kilogram that is entered in a later period costs the holding
    until then, so that the plan pays for holding from the first period on, whenever it is entered, also for metal
    that is never charged.

    Args:
        instance: The instance.
        kilograms (O,): Stock of each offer, kg.

    Returns:
        The instance with one more offer per stock that some alloy in demand admits.

    Raises:
        UsageError: If no offer may exceed a share of purchases, of which metal bought before is no part.
    """
    market, held = instance.market, _has_limited_stock(instance)
    opening = ExactArray(np.where(held, kilograms, 0.0), np.zeros(len(held), dtype=np.intp))
    instance = replace(instance, market=replace(market, opening_stock=opening))
    market = instance.market
    waits = np.flatnonzero((kilograms > 0) & may_buy(instance).any(axis=1) & ~held)
    if not len(waits):
        return instance
    shares = [
        render_path(limit.figure(""))
        for family, limit in list_limits("policy")
        if "offer" in family.axes and get_limit(instance, limit).value < limit.free
    ]
    if shares:
        offers = join_names([market.names[o] for o in waits.tolist()])
        raise UsageError(
            f"purchases of {offers} are in stock, and {join_names(shares)} limits shares of purchases "
            "from now on, which --after cannot separate: plan after a period at whose end all of it has been charged"
        )
    holding = compute_offer_holding_cost(instance, read_floats)[waits]
    price = np.zeros(holding.shape)
    price[:, 1:] = np.cumsum(holding[:, :-1], axis=1)
    result, first = _repeat_members(market, waits, _ZERO_FIELDS), len(market.names)
    result["storable"][first:] = True
    for name, values in (("committed", kilograms[waits]), ("limit", kilograms[waits]), ("price", price)):
        own = getattr(market, name).value
        result[name] = ExactArray(
            np.concatenate([own, values]), np.zeros((first + len(waits), *own.shape[1:]), dtype=np.intp)
        )
    groups = instance.charge_limits
    return replace(
        instance,
        market=replace(market, **result),
        charge_limits=replace(groups, offers=np.append(groups.offers, groups.offers[:, :, waits], axis=2)),
    )


def _has_limited_stock(instance: Instance) -> Bools:
    """Return the offers whose stock or charge is limited, or that have an opening or closing stock."""
    market = instance.market
    stated = np.isfinite(market.storage_limit.raw).any(axis=1) | instance.charge_limits.offers.any(axis=(0, 1))
    return np.asarray(stated | (market.opening_stock.raw > 0) | (market.closing_stock.raw > 0))


IN_TRANSIT = "in transit"
KG_PER_TONNE = 1000.0  # kg


def get_in_transit_streams(instance: Instance) -> frozenset[str]:
    """Return the streams that represent metal in transit.

    Args:
        instance: Instance of a remaining horizon.

    Returns:
        Their names.
    """
    if IN_TRANSIT not in instance.regions:
        return frozenset()
    placeholder = instance.regions.index(IN_TRANSIT)
    of = zip(instance.streams.names, instance.streams.region.tolist(), strict=True)
    return frozenset(name for name, region in of if region == placeholder)


def add_metal_in_transit(instance: Instance, awaited: Floats) -> Instance:
    """Add metal in transit to an instance.

    Where metal may be left with the smelters, it is known by line of terms: metal left is paid as by the line,
    and saves the refining charge, which counts in the cost of the shipment.

    Args:
        instance: The instance.
        awaited (L + 1, E, T): Metal by line of terms and period of arrival, kg; the last line is process scrap. One
            line alone (1, E, T) where no metal may be left.

    Returns:
        The instance with one more stream per line and period of arrival; unchanged if there is no metal in transit.

    Raises:
        UsageError: If a region, treatment or smelter already has the reserved name.
    """
    line, periods = np.nonzero(awaited.sum(axis=1) > 0)
    if not len(periods):
        return instance
    if IN_TRANSIT in (*instance.regions, *instance.treatments.names, *instance.smelters.names):
        raise UsageError(
            f"`{IN_TRANSIT}` is reserved for metal in transit: rename the region, treatment or smelter of this name"
        )
    kilograms = awaited[line, :, periods]  # (N, E)
    origins = (*(list_terms_names(instance) if len(awaited) > 1 else ()), "")
    names = tuple(
        ", ".join(filter(None, (IN_TRANSIT, instance.periods[t], origins[number])))
        for number, t in zip(line.tolist(), periods.tolist(), strict=True)
    )
    count, lines = len(names), len(origins)
    added = {"D": count, "I": count, "G": 1, "H": 1, "K": 1, "L": lines, "P": lines if leaves_metal(instance) else 0}
    fill = _list_transit_entries(instance, kilograms, periods)
    parts = {name: _extend_section(getattr(instance, name), name, added, fill.get(name, {})) for name in _GROWING}
    treatments, new = parts["treatments"], np.arange(-count, 0)  # device types
    treatments["accepts"][-1, new], treatments["regions"][-1, -1], parts["lanes"]["exists"][-1, -1] = True, True, True
    parts["smelters"]["line"][-1, new, -1] = len(instance.terms.names) + line
    own = {"devices": names, "streams": names, "terms": origins, "treatments": (IN_TRANSIT,), "smelters": (IN_TRANSIT,)}
    for name, more in own.items():
        parts[name]["names"] = (*getattr(instance, name).names, *more)
    changed = {name: replace(getattr(instance, name), **arrays) for name, arrays in parts.items()}
    return replace(instance, regions=(*instance.regions, IN_TRANSIT), **changed)


def _list_transit_entries(instance: Instance, kilograms: Floats, periods: Ints) -> dict[str, dict[str, Any]]:
    """Return what is not 0 of metal in transit, by section: committed streams of the metal itself, and no limits."""
    count, tonnes = len(periods), kilograms.sum(axis=1) / KG_PER_TONNE
    available = np.zeros((count, len(instance.periods)))
    available[np.arange(count), periods] = tonnes
    worth = compute_worth_left(instance) if leaves_metal(instance) else np.zeros((0, *instance.terms.pays.shape[1:]))
    streams = {"device": np.arange(count) + len(instance.devices.names), "region": len(instance.regions), "bundle": -1}
    return {
        "devices": {"assay": KG_PER_TONNE * kilograms / kilograms.sum(axis=1, keepdims=True)},
        "streams": {**streams, "available": available, "committed": tonnes, "credited": 1.0},
        "treatments": {"to_smelter": 1.0, "recovery": 1.0, "capacity": np.inf, "parent": -1},
        "smelters": {"capacity": np.inf, "limit": np.inf, "line": -1},
        "terms": {
            **{"smelter": len(instance.smelters.names), "returned": 1.0},
            "pays": np.pad(worth, [(0, 1), (0, 0), (0, 0)]),  # scrap: nothing
        },
        "impurities": {"refuse": np.inf, "limit": np.inf},
    }


# axes by which the arrays of a section grow, of all or by name: D devices, I streams, G regions, H treatments,
# K smelters, L lines of terms, P those that pay for metal left
_GROWING: Mapping[str, Mapping[str, str] | str] = {
    "devices": "D",
    "streams": "I",
    "treatments": {
        **dict.fromkeys(("residue_value", "capacity", "footprint", "parent", "fixed_charge"), "H"),
        **dict.fromkeys(("cost", "to_smelter", "recovery", "accepts", "sells", "sold"), "HD"),
        "regions": "HG",
    },
    "smelters": {
        **dict.fromkeys(("capacity", "committed", "limit", "lead", "footprint", "fixed_charge"), "K"),
        "line": "KDH",
    },
    "terms": {
        **dict.fromkeys(("smelter", "treatment_charge", "refining_charge", "returned", "deduction"), "L"),
        **dict.fromkeys(("pooled", "minimum_lot", "lot_charge"), "L"),
        "pays": "P",
    },
    "impurities": {"assay": "D", "recovery": "HD", "refuse": "L", "limit": "K"},
    "lanes": "GK",
    "policy": {"members": ".D"},
}


def _extend_section(
    part: Any, section: str, added: Mapping[str, int], fill: Mapping[str, float | Floats]
) -> dict[str, Any]:
    """Return the arrays of a section with entries added along each axis that grows: those of `fill`, else 0."""
    axes, result = _GROWING[section], {}
    for field in fields(part):
        array = getattr(part, field.name)
        if isinstance(array, ExactArray | np.ndarray):
            for axis, letter in enumerate(axes if isinstance(axes, str) else axes.get(field.name, "")):
                count, value = added.get(letter, 0), fill.get(field.name, 0.0)
                if isinstance(array, ExactArray):
                    array = array.append(count, value, axis)
                else:
                    array = np.insert(array, np.full(count, array.shape[axis]), value, axis=axis)
            result[field.name] = array
    return result
