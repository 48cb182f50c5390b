"""Routes (stream, treatment, smelter): unit costs, metal returned, pooled settlement and separable participation.

Every function takes `read`, which turns an `ExactArray` into numbers: floats (`read_floats`), exact fractions
(`ExactArray.exact`) or intervals. The formulas are the same for all three.

Pooled settlement: all feed F of a line of terms in a period is one lot with one assay and the metal M = sum(chi m x).
The smelter withholds W of the payable share, so that the metal returned, R = sum(r chi m x) - W, is at most r M and at
most M - delta F. Where the share leaves more than the deduction with the smelter on every route, W is no variable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medalopt.instance.arithmetic import Numbers, floats, zeros
from medalopt.instance.figures import Bools, Figures, Ints
from medalopt.instance.instance import Instance

Reading = Callable[[Figures], Numbers]


@dataclass(frozen=True, eq=False)
class Routes:
    """J routes $(i,h,k)$ in canonical order, with the yield and the unit costs of a tonne of devices.

    A route on which the whole tonne is passed on to ordinary recycling has no smelter (-1) and returns no metal.
    """

    stream: Ints  # (J,)
    treatment: Ints  # (J,)
    smelter: Ints  # (J,), -1: none, passed on to ordinary recycling
    to_smelter: Numbers  # (J,) pi, mass fraction sent on to the smelter
    returned: Numbers  # (J, E) y, kg of metal credited per tonne of devices
    supply: Numbers  # (J,) money/t, price paid to the supplier
    collection: Numbers  # (J,) money/t
    treating: Numbers  # (J,) money/t
    transport: Numbers  # (J,) money/t of devices
    smelting: Numbers  # (J,) money/t of devices, treatment charge
    refining: Numbers  # (J, E) money/t of devices, refining charge, due only if the metal returns in time
    residue: Numbers  # (J,) money/t of devices, a cost (negative: revenue)
    footprint: Numbers  # (J,) kg CO2e/t
    line: Ints  # (J,) line of terms, -1: none

    def __len__(self) -> int:
        """Return the number of routes."""
        return len(self.stream)


def routes(instance: Instance, read: Reading = floats) -> Routes:
    """Build the routes that lanes, `accepts`, `regions` and smelter terms allow.

    Args:
        instance: The instance.
        read: Reads parameters in the arithmetic of the result.

    Returns:
        The routes with unit costs and metal returned per tonne of devices.
    """
    stream, treatment, smelter = _allowed(instance)
    device = instance.streams.device[stream]
    region = instance.streams.region[stream]
    to_smelter = read(instance.treatments.to_smelter)[treatment, device]
    travels = smelter >= 0
    line = (
        instance.smelters.line[smelter, device, treatment] if travels.any() else smelter
    )  # -1 on routes without a smelter
    returned = _metal_returned(instance, read, stream, treatment, line, to_smelter)
    lane = _on_the_way(travels, read(instance.lanes.cost), region, smelter)
    charge = _on_the_way(travels, read(instance.terms.treatment_charge), line)
    refining = _on_the_way(travels, read(instance.terms.refining_charge), line)
    emitted = _on_the_way(travels, read(instance.lanes.footprint), region, smelter)
    emitted = emitted + _on_the_way(travels, read(instance.smelters.footprint), smelter)
    return Routes(
        stream,
        treatment,
        smelter,
        to_smelter,
        returned,
        supply=read(instance.streams.price)[stream],
        collection=read(instance.streams.collection)[stream],
        treating=read(instance.treatments.cost)[treatment, device],
        transport=to_smelter * lane,
        smelting=to_smelter * charge,
        refining=refining * returned,
        residue=-(1 - to_smelter) * read(instance.treatments.residue_value)[treatment],
        footprint=read(instance.streams.footprint)[stream]
        + read(instance.treatments.footprint)[treatment]
        + to_smelter * emitted,
        line=np.where(travels, line, -1),
    )


def _allowed(instance: Instance) -> tuple[Ints, Ints, Ints]:
    """Return stream, treatment and smelter (-1: none) of every admissible route, (J,) each, in canonical order."""
    device, region = instance.streams.device, instance.streams.region
    treatments, smelters = instance.treatments, instance.smelters
    treatable = treatments.accepts[:, device].T & treatments.regions[:, region].T  # (I, H)
    leaves = (treatments.to_smelter.raw == 0)[:, device].T  # (I, H)
    accepted = smelters.line[:, device, :].transpose(1, 2, 0) >= 0  # (I, H, K)
    reached = instance.lanes.exists[region][:, None, :]  # (I, 1, K)
    sent, sent_by, smelted = np.nonzero(treatable[:, :, None] & accepted & reached)
    left, left_by = np.nonzero(treatable & leaves)
    stream = np.concatenate([sent, left])
    treatment = np.concatenate([sent_by, left_by])
    smelter = np.concatenate([smelted, np.full_like(left, -1)])
    order = np.lexsort((smelter, treatment, stream))
    return stream[order], treatment[order], smelter[order]


def _on_the_way(travels: Bools, table: Numbers, *at: Ints) -> Numbers:
    """Pick the values of each route's smelter from `table`; 0 for routes without one."""
    if not travels.any():
        return zeros((len(travels), *table.shape[len(at) :]), table)
    picked = table[at]
    picked[~travels] = 0
    return picked


def _metal_returned(
    instance: Instance, read: Reading, stream: Ints, treatment: Ints, line: Ints, to_smelter: Numbers
) -> Numbers:
    r"""Return $y_{je}=\chi_{ie}\max(0,\min(r_{je}m_{je},\ m_{je}-\delta_{je}\pi_j))$, (J, E), in kg/t of devices.

    For pooled lots only the payable share: the deduction depends on the whole lot.
    """
    travels = line >= 0
    metal = contained(instance, read, stream, treatment)
    share = _on_the_way(travels, read(instance.terms.returned), line)
    deduction = _on_the_way(travels, read(instance.terms.deduction), line)
    if instance.terms.pooled.any():
        deduction = np.where(_on_the_way(travels, instance.terms.pooled, line)[:, None], 0, deduction)
    settled = np.minimum(share * metal, metal - deduction * to_smelter[:, None])
    return read(instance.streams.credited)[stream] * np.maximum(settled, 0)


def contained(instance: Instance, read: Reading, stream: Ints, treatment: Ints) -> Numbers:
    """Return $m_{je}$, (N, E): metal in the feed per tonne of devices of each stream and treatment, kg/t.

    Args:
        instance: The instance.
        read: Reads parameters in the arithmetic of the result.
        stream (N,): Index of the stream.
        treatment (N,): Index of the treatment.

    Returns:
        Assay times recovery (N, E), kg/t of devices.
    """
    device = instance.streams.device[stream]
    return read(instance.devices.assay)[device] * read(instance.treatments.recovery)[treatment, device]


def kinds(instance: Instance, found: Routes) -> tuple[Ints, Ints]:
    """Classify routes by equal metal returned and refining charge.

    Routes of one kind share device type, treatment, smelter and credited shares, hence `to_smelter`, `returned` and
    `refining`; they differ in costs and emissions of supply, collection and transport.

    Args:
        instance: The instance.
        found: Its routes.

    Returns:
        Kind of each route (J,), and the index of one route of each kind.
    """
    credited = instance.streams.credited
    told = np.concatenate([credited.raw, np.broadcast_to(credited.unit, credited.raw.shape)], axis=1)
    share = np.zeros(len(told), dtype=np.intp)
    if (told != told[:1]).any():
        share = np.unique(told, axis=0, return_inverse=True)[1].ravel()
    device, smelters = instance.streams.device[found.stream], len(instance.smelters.names) + 1
    number = np.ravel_multi_index(
        (share[found.stream], device, found.treatment, found.smelter + 1),
        (len(share), len(instance.devices.names), len(instance.treatments.names), smelters),
    )
    _, typical, kind = np.unique(number, return_index=True, return_inverse=True)
    return kind, typical


def base_costs(found: Routes) -> Numbers:
    """Compute the cost of a tonne on each route without the refining charge.

    Args:
        found: The routes.

    Returns:
        Unit costs (J,), money/t of devices.
    """
    return found.supply + found.collection + found.treating + found.transport + found.smelting + found.residue


def route_costs(instance: Instance, found: Routes) -> Numbers:
    """Compute the cost of a tonne on each route in each period.

    The refining charge is due only for metal that returns within the horizon.

    Args:
        instance: The instance.
        found: Its routes.

    Returns:
        Unit costs (J, T), money/t of devices.
    """
    return base_costs(found)[:, None] + refining_costs(instance, found)


def costs_at(instance: Instance, found: Routes, route: Ints, period: Ints) -> Numbers:
    """Compute the unit costs of selected routes, each in one period, as `compute_route_costs` does for all.

    Args:
        instance: The instance.
        found: Its routes.
        route (N,): Index of the route.
        period (N,): Index of the period of shipment.

    Returns:
        Unit costs (N,), money/t of devices.
    """
    total, smelter = zeros(route.shape, found.refining), found.smelter[route]
    for metal in range(len(instance.metals.names)):
        in_time = period + instance.smelters.lead[smelter, metal] < len(instance.periods)
        total = total + np.where(in_time, found.refining[route, metal], 0)
    return base_costs(found)[route] + total


def refining_costs(instance: Instance, found: Routes) -> Numbers:
    """Compute the refining charge of a tonne on each route in each period.

    Args:
        instance: The instance.
        found: Its routes.

    Returns:
        Refining charges (J, T), money/t of devices.
    """
    kind, typical = kinds(instance, found)
    return refining_of(instance, found, typical)[kind]


def refining_of(instance: Instance, found: Routes, route: Ints) -> Numbers:
    """Compute the refining charge of a tonne on selected routes in each period.

    Args:
        instance: The instance.
        found: Its routes.
        route (N,): Index of the route.

    Returns:
        Refining charges (N, T), money/t of devices; 0 for metal that returns after the horizon.
    """
    period = np.arange(len(instance.periods))
    total = zeros((len(route), len(period)), found.refining)
    for metal in range(len(instance.metals.names)):
        in_time = period[None, :] + instance.smelters.lead[found.smelter[route], metal][:, None] < len(period)
        total = total + np.where(in_time, found.refining[route, metal][:, None], 0)
    return total


def offered(instance: Instance) -> Bools:
    """Return when a stream has devices to send: current supply, or earlier supply that can be stockpiled.

    Args:
        instance: The instance.

    Returns:
        Mask (I, T).
    """
    positive = instance.streams.available.raw > 0
    waiting = np.logical_or.accumulate(positive, axis=1)
    return np.where(instance.streams.storable[:, None], waiting, positive)
