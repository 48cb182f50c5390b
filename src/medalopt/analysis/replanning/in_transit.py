"""Stock and metal in transit as supply of the remaining horizon.

Devices in stock form a region `NAME, in stock` of streams already collected and paid, with the lanes and treatments of
their origin, so that no delivery is ordered twice. Metal in transit is one free, committed stream per period of
arrival, which consists of the metal itself; its tonnes equal the mass of the metal.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from medalopt.catalog import list_limits
from medalopt.errors import UsageError
from medalopt.instance.arithmetic import read_floats
from medalopt.instance.arrays import Bools, ExactArray, Floats, Ints
from medalopt.instance.bounds import compute_offer_holding_cost, get_limit, may_buy
from medalopt.instance.instance import (
    Devices,
    Impurities,
    Instance,
    Lanes,
    PolicyLimits,
    Smelters,
    SmelterTerms,
    Streams,
    Treatments,
)
from medalopt.instance.smelter_terms import compute_worth_left, leaves_metal, list_terms_names
from medalopt.text import join_names, render_path

IN_STOCK_FORMAT = "{}, in stock"
_ZERO_FIELDS = ("committed", "lot", "minimum_order", "fixed_charge", "price", "collection", "footprint")


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
        lanes=Lanes(lanes.exists[regions], _select_rows(lanes.cost, regions), _select_rows(lanes.footprint, regions)),
    )


def _select_rows(array: ExactArray, indices: Ints) -> ExactArray:
    """Return the chosen entries of an array along its first axis."""
    unit = np.broadcast_to(array.unit, array.shape)
    return replace(array, raw=array.raw[indices], unit=unit[indices])


def _add_stock_streams(streams: Streams, waits: Ints, tonnes: Floats, region: Ints) -> Streams:
    """Return the streams with those in stock appended."""
    indices, first = np.append(np.arange(len(streams.names)), waits), len(streams.names)
    result: dict[str, Any] = {}
    for field in fields(streams):
        part = getattr(streams, field.name)
        if isinstance(part, ExactArray):
            result[field.name] = _select_rows(part, indices)
        elif isinstance(part, np.ndarray):
            result[field.name] = part[indices]
    for name in _ZERO_FIELDS:
        result[name].raw[first:] = 0.0
    offered = streams.available.value[indices]
    offered[first:] = 0.0
    offered[first:, 0] = tonnes
    result["available"] = ExactArray(offered, np.zeros(offered.shape, dtype=np.intp))
    result["bundle"][first:], result["region"][first:] = -1, region
    names = (*streams.names, *(IN_STOCK_FORMAT.format(streams.names[i]) for i in waits.tolist()))
    return replace(streams, **{**result, "names": names})


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
    indices, first = np.append(np.arange(len(market.names)), waits), len(market.names)
    result: dict[str, Any] = {
        field.name: _select_rows(part, indices)
        for field in fields(market)
        if isinstance(part := getattr(market, field.name), ExactArray)
    }
    for name in ("footprint", "lot", "minimum_order", "fixed_charge"):
        result[name].raw[first:] = 0.0
    for name, values in (("committed", kilograms[waits]), ("limit", kilograms[waits]), ("price", price)):
        own = getattr(market, name).value
        result[name] = ExactArray(
            np.concatenate([own, values]), np.zeros((len(indices), *own.shape[1:]), dtype=np.intp)
        )
    names = (*market.names, *(IN_STOCK_FORMAT.format(market.names[o]) for o in waits.tolist()))
    storable = np.append(market.storable, np.ones(len(waits), dtype=np.bool_))
    groups = instance.charge_limits
    return replace(
        instance,
        market=replace(market, **result, names=names, storable=storable),
        charge_limits=replace(groups, offers=groups.offers[:, :, indices]),
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
    return replace(
        instance,
        devices=_add_transit_devices(instance.devices, names, kilograms),
        regions=(*instance.regions, IN_TRANSIT),
        streams=_add_transit_streams(instance, names, kilograms, periods),
        treatments=_add_transit_treatment(instance, len(names)),
        smelters=_add_transit_smelter(instance, line),
        terms=_add_transit_terms(instance, origins),
        impurities=_add_transit_impurities(instance.impurities, len(names), len(origins)),
        lanes=_add_transit_lane(instance.lanes),
        policy=_extend_policy(instance.policy, len(names)),
    )


def _append_entries(array: ExactArray, count: int, value: float | Floats = 0.0, axis: int = 0) -> ExactArray:
    """Return an array with `count` entries of `value` appended along an axis."""
    shape = list(array.shape)
    shape[axis] = count
    added = np.broadcast_to(np.asarray(value, dtype=float), shape)
    plain = next((number for number, factor in enumerate(array.factors) if factor == 1), len(array.factors))
    factors = array.factors if plain < len(array.factors) else (*array.factors, type(array.factors[0])(1))
    unit = np.broadcast_to(array.unit, array.shape)
    return ExactArray(
        np.concatenate([array.raw, added], axis=axis),
        np.concatenate([unit, np.full(shape, plain, dtype=np.intp)], axis=axis),
        factors,
    )


def _add_transit_devices(devices: Devices, names: tuple[str, ...], kilograms: Floats) -> Devices:
    """Append one device type per stream, with the metal as its assay."""
    assay = KG_PER_TONNE * kilograms / kilograms.sum(axis=1, keepdims=True)
    return Devices(
        (*devices.names, *names),
        _append_entries(devices.assay, len(names), assay),
        _append_entries(devices.unit_mass, len(names)),
    )


def _add_transit_streams(instance: Instance, names: tuple[str, ...], kilograms: Floats, periods: Ints) -> Streams:
    """Append one stream per period of arrival, committed in full."""
    streams, count = instance.streams, len(names)
    tonnes = kilograms.sum(axis=1) / KG_PER_TONNE
    available = np.zeros((count, len(instance.periods)))
    available[np.arange(count), periods] = tonnes
    own = np.arange(count) + len(instance.devices.names)
    none = np.zeros(count, dtype=bool)
    plain: dict[str, Any] = {
        name: _append_entries(getattr(streams, name), count)
        for name in (
            *("price", "collection", "storage_limit", "storage_cost"),
            *("footprint", "lot", "minimum_order", "fixed_charge"),
        )
    }
    return replace(
        streams,
        names=(*streams.names, *names),
        device=np.append(streams.device, own),
        region=np.append(streams.region, np.full(count, len(instance.regions))),
        bundle=np.append(streams.bundle, np.full(count, -1)),
        available=_append_entries(streams.available, count, available),
        committed=_append_entries(streams.committed, count, tonnes),
        credited=_append_entries(streams.credited, count, 1.0),
        storable=np.append(streams.storable, none),
        **plain,
    )


def _add_transit_treatment(instance: Instance, count: int) -> Treatments:
    """Append one treatment without losses or costs, for metal in transit only."""
    treatments, devices = instance.treatments, len(instance.devices.names)

    def both(array: ExactArray, value: float) -> ExactArray:
        """Append entries along both axes.

        Args:
            array: (H, D) array.
            value: Value of the new entries.

        Returns:
            (H + count, D + count) array.
        """
        return _append_entries(_append_entries(array, count, value, axis=1), 1, value)

    accepts = np.zeros((len(treatments.names) + 1, devices + count), dtype=bool)
    accepts[:-1, :devices] = treatments.accepts
    accepts[-1, devices:] = True
    regions = np.zeros((len(treatments.names) + 1, len(instance.regions) + 1), dtype=bool)
    regions[:-1, :-1] = treatments.regions
    regions[-1, -1] = True
    return Treatments(
        (*treatments.names, IN_TRANSIT),
        both(treatments.cost, 0.0),
        both(treatments.to_smelter, 1.0),
        both(treatments.recovery, 1.0),
        _append_entries(treatments.residue_value, 1),
        _append_entries(treatments.capacity, 1, np.inf),
        accepts,
        regions,
        _append_entries(treatments.footprint, 1),
        np.append(treatments.parent, -1),
        np.pad(treatments.sells, ((0, 1), (0, count))),
        both(treatments.sold, 0.0),
        _append_entries(treatments.fixed_charge, 1),
    )


def _add_transit_smelter(instance: Instance, origin: Ints) -> Smelters:
    """Append one smelter without limits, charges or lead time; `origin` (N,) is the added line of each new device."""
    smelters, devices, treatments = instance.smelters, len(instance.devices.names), len(instance.treatments.names)
    line = np.full((len(smelters.names) + 1, devices + len(origin), treatments + 1), -1, dtype=np.intp)
    line[:-1, :devices, :treatments] = smelters.line
    line[-1, devices:, treatments] = len(instance.terms.names) + origin
    return Smelters(
        (*smelters.names, IN_TRANSIT),
        _append_entries(smelters.capacity, 1, np.inf),
        _append_entries(smelters.committed, 1),
        _append_entries(smelters.limit, 1, np.inf),
        np.concatenate([smelters.lead, np.zeros((1, smelters.lead.shape[1]), dtype=np.intp)]),
        line,
        _append_entries(smelters.footprint, 1),
        _append_entries(smelters.fixed_charge, 1),
    )


def _add_transit_terms(instance: Instance, names: tuple[str, ...]) -> SmelterTerms:
    """Append lines of terms that return all metal without charges: one for each line of origin, the last for scrap."""
    terms, count = instance.terms, len(names)
    pays = terms.pays
    if leaves_metal(instance):
        worth = compute_worth_left(instance)
        pays = _append_entries(pays, count, np.concatenate([worth, np.zeros((1, *worth.shape[1:]))]))
    return SmelterTerms(
        (*terms.names, *names),
        np.append(terms.smelter, np.full(count, len(instance.smelters.names))),
        _append_entries(terms.treatment_charge, count),
        _append_entries(terms.refining_charge, count),
        _append_entries(terms.returned, count, 1.0),
        _append_entries(terms.deduction, count),
        pays,
        np.append(terms.pooled, np.zeros(count, dtype=np.bool_)),
        _append_entries(terms.minimum_lot, count),
        _append_entries(terms.lot_charge, count),
    )


def _add_transit_impurities(impurities: Impurities, count: int, lines: int) -> Impurities:
    """Append devices without impurities, and a treatment and a smelter without conditions on them."""
    return replace(
        impurities,
        assay=_append_entries(impurities.assay, count),
        recovery=_append_entries(_append_entries(impurities.recovery, count, axis=1), 1),
        refuse=_append_entries(impurities.refuse, lines, np.inf),
        limit=_append_entries(impurities.limit, 1, np.inf),
    )


def _add_transit_lane(lanes: Lanes) -> Lanes:
    """Append one lane without costs between the new region and the new smelter."""

    def both(array: ExactArray) -> ExactArray:
        """Append an entry along both axes.

        Args:
            array: (R, K) array.

        Returns:
            (R + 1, K + 1) array.
        """
        return _append_entries(_append_entries(array, 1, axis=1), 1)

    exists = np.zeros((lanes.exists.shape[0] + 1, lanes.exists.shape[1] + 1), dtype=bool)
    exists[:-1, :-1] = lanes.exists
    exists[-1, -1] = True
    return Lanes(exists, both(lanes.cost), both(lanes.footprint))


def _extend_policy(policy: PolicyLimits, count: int) -> PolicyLimits:
    """Extend the device share windows by the new device types, which belong to none."""
    members = np.concatenate([policy.members, np.zeros((len(policy.windows), count), dtype=bool)], axis=1)
    return replace(policy, members=members)
