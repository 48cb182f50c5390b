"""Metal in transit as supply: one stream per period of arrival, free and committed.

The stream consists of the metal itself, and a smelter of its own returns it in full without lead time. Only the metal
balance and the tonnes are affected; the tonnes equal the mass of the metal.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medalopt.errors import UsageError
from medalopt.instance.figures import Figures, Floats, Ints
from medalopt.instance.instance import (
    Devices,
    Instance,
    Lanes,
    Policy,
    Smelters,
    Streams,
    Terms,
    Treatments,
)

AWAITED = "on its way"
PER_TONNE = 1000.0  # kg


def awaited_names(instance: Instance) -> frozenset[str]:
    """Return the streams that represent metal in transit.

    Args:
        instance: Instance of a remaining horizon.

    Returns:
        Their names.
    """
    if AWAITED not in instance.regions:
        return frozenset()
    own = instance.regions.index(AWAITED)
    of = zip(instance.streams.names, instance.streams.region.tolist(), strict=True)
    return frozenset(name for name, region in of if region == own)


def with_awaited(instance: Instance, awaited: Floats) -> Instance:
    """Add metal in transit to an instance.

    Args:
        instance: The instance.
        awaited (E, T): Metal by period of arrival, kg.

    Returns:
        The instance with one more stream per period of arrival; unchanged if there is no metal in transit.

    Raises:
        UsageError: If a region, treatment or smelter already has the reserved name.
    """
    periods = np.flatnonzero(awaited.sum(axis=0) > 0)
    if not len(periods):
        return instance
    if AWAITED in (*instance.regions, *instance.treatments.names, *instance.smelters.names):
        raise UsageError(f"`{AWAITED}` stands for metal that is awaited: give what is called so another name")
    kilograms = awaited[:, periods].T  # (N, E)
    names = tuple(f"{AWAITED}, {instance.periods[t]}" for t in periods.tolist())
    return replace(
        instance,
        devices=_devices(instance.devices, names, kilograms),
        regions=(*instance.regions, AWAITED),
        streams=_streams(instance, names, kilograms, periods),
        treatments=_treatments(instance, len(names)),
        smelters=_smelters(instance, len(names)),
        terms=_terms(instance),
        lanes=_lanes(instance.lanes),
        policy=_policy(instance.policy, len(names)),
    )


def _grown(figures: Figures, count: int, value: float | Floats = 0.0, axis: int = 0) -> Figures:
    """Return an array with `count` entries of `value` appended along an axis."""
    shape = list(figures.shape)
    shape[axis] = count
    added = np.broadcast_to(np.asarray(value, dtype=float), shape)
    plain = next((number for number, factor in enumerate(figures.factors) if factor == 1), len(figures.factors))
    factors = figures.factors if plain < len(figures.factors) else (*figures.factors, type(figures.factors[0])(1))
    unit = np.broadcast_to(figures.unit, figures.shape)
    return Figures(
        np.concatenate([figures.raw, added], axis=axis),
        np.concatenate([unit, np.full(shape, plain, dtype=np.intp)], axis=axis),
        factors,
    )


def _devices(devices: Devices, names: tuple[str, ...], kilograms: Floats) -> Devices:
    """Append one device type per stream, with the metal as its assay."""
    assay = PER_TONNE * kilograms / kilograms.sum(axis=1, keepdims=True)
    return Devices(
        (*devices.names, *names), _grown(devices.assay, len(names), assay), _grown(devices.unit_mass, len(names))
    )


def _streams(instance: Instance, names: tuple[str, ...], kilograms: Floats, periods: Ints) -> Streams:
    """Append one stream per period of arrival, committed in full."""
    streams, count = instance.streams, len(names)
    tonnes = kilograms.sum(axis=1) / PER_TONNE
    available = np.zeros((count, len(instance.periods)))
    available[np.arange(count), periods] = tonnes
    own = np.arange(count) + len(instance.devices.names)
    none = np.zeros(count, dtype=bool)
    plain = {
        name: _grown(getattr(streams, name), count)
        for name in ("price", "collection", "storage_limit", "storage_cost", "footprint", "lot", "minimum_order")
    }
    return replace(
        streams,
        names=(*streams.names, *names),
        device=np.append(streams.device, own),
        region=np.append(streams.region, np.full(count, len(instance.regions))),
        bundle=np.append(streams.bundle, np.full(count, -1)),
        available=_grown(streams.available, count, available),
        committed=_grown(streams.committed, count, tonnes),
        credited=_grown(streams.credited, count, 1.0),
        storable=np.append(streams.storable, none),
        **plain,
    )


def _treatments(instance: Instance, count: int) -> Treatments:
    """Append one treatment without losses or costs, for metal in transit only."""
    made, devices = instance.treatments, len(instance.devices.names)

    def both(figures: Figures, value: float) -> Figures:
        """Append entries along both axes."""
        return _grown(_grown(figures, count, value, axis=1), 1, value)

    accepts = np.zeros((len(made.names) + 1, devices + count), dtype=bool)
    accepts[:-1, :devices] = made.accepts
    accepts[-1, devices:] = True
    regions = np.zeros((len(made.names) + 1, len(instance.regions) + 1), dtype=bool)
    regions[:-1, :-1] = made.regions
    regions[-1, -1] = True
    return Treatments(
        (*made.names, AWAITED),
        both(made.cost, 0.0),
        both(made.to_smelter, 1.0),
        both(made.recovery, 1.0),
        _grown(made.residue_value, 1),
        _grown(made.capacity, 1, np.inf),
        accepts,
        regions,
        _grown(made.footprint, 1),
    )


def _smelters(instance: Instance, count: int) -> Smelters:
    """Append one smelter without limits, charges or lead time."""
    made, devices, treatments = instance.smelters, len(instance.devices.names), len(instance.treatments.names)
    line = np.full((len(made.names) + 1, devices + count, treatments + 1), -1, dtype=np.intp)
    line[:-1, :devices, :treatments] = made.line
    line[-1, devices:, treatments] = len(instance.terms.names)
    return Smelters(
        (*made.names, AWAITED),
        _grown(made.capacity, 1, np.inf),
        _grown(made.committed, 1),
        _grown(made.limit, 1, np.inf),
        np.concatenate([made.lead, np.zeros((1, made.lead.shape[1]), dtype=np.intp)]),
        line,
        _grown(made.footprint, 1),
    )


def _terms(instance: Instance) -> Terms:
    """Append terms that return all metal without charges."""
    made = instance.terms
    return Terms(
        (*made.names, ""),
        np.append(made.smelter, len(instance.smelters.names)),
        _grown(made.treatment_charge, 1),
        _grown(made.refining_charge, 1),
        _grown(made.returned, 1, 1.0),
        _grown(made.deduction, 1),
        np.append(made.pooled, False),
    )


def _lanes(lanes: Lanes) -> Lanes:
    """Append one lane without costs between the new region and the new smelter."""

    def both(figures: Figures) -> Figures:
        """Append entries along both axes."""
        return _grown(_grown(figures, 1, axis=1), 1)

    exists = np.zeros((lanes.exists.shape[0] + 1, lanes.exists.shape[1] + 1), dtype=bool)
    exists[:-1, :-1] = lanes.exists
    exists[-1, -1] = True
    return Lanes(exists, both(lanes.cost), both(lanes.footprint))


def _policy(policy: Policy, count: int) -> Policy:
    """Extend the device share windows by the new device types, which belong to none."""
    members = np.concatenate([policy.members, np.zeros((len(policy.windows), count), dtype=bool)], axis=1)
    return replace(policy, members=members)
