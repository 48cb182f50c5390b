"""Arrays of the processing of devices: assays, treatments, smelters and their terms."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from medalopt.instance.figures import NOTHING, Bools, Figures, Ints
from medalopt.instance.instance import Devices, Smelters, Terms, Treatments
from medalopt.instance.resolve.axes import Axis
from medalopt.instance.resolve.draft import Draft
from medalopt.instance.resolve.spread import by_period, cascaded, column, grid, number
from medalopt.instance.schema.kinds import ZERO
from medalopt.instance.schema.models import Line, Override, Smelter, Treatment
from medalopt.quantity import Quantity

WHOLE = "whole"
POOLED = "pooled"
_ENOUGH = 20  # conflicting pairs of lines reported per smelter


def treatments_of(draft: Draft) -> dict[str, Treatment]:
    """List the treatments by name in canonical order; without the section, only `whole` (no treatment).

    Args:
        draft: Parsed instance.

    Returns:
        Treatments (H) by name.
    """
    given = draft.document.treatments
    return {WHOLE: Treatment()} if given is None else dict(sorted(given.items()))


def smelters_of(draft: Draft) -> dict[str, Smelter]:
    """List the smelters by name in canonical order.

    Args:
        draft: Parsed instance.

    Returns:
        Smelters (K) by name.
    """
    return dict(sorted((draft.document.smelters or {}).items()))


def devices(draft: Draft, metals: Axis) -> Devices:
    """Build the arrays of the devices.

    Args:
        draft: Parsed instance.
        metals: Axis of metals (E).

    Returns:
        Devices with assay (D, E) and unit mass (D,).
    """
    listed = dict(sorted(draft.document.devices.items()))
    masses = draft.unit_mass
    rows = (
        (NOTHING, {metals.index[metal]: number(one, masses.get(name)) for metal, one in device.content.items()})
        for name, device in listed.items()
    )
    return Devices(
        names=tuple(listed),
        assay=grid(rows, len(metals)),
        unit_mass=column(device.unit_mass or ZERO for device in listed.values()),
    )


def accepted(names: list[str] | None, axis: Axis) -> Bools:
    """Mark the members of an axis that a list names.

    Args:
        names: Names; None for all.
        axis: Axis (N).

    Returns:
        Mask (N,).
    """
    found = np.full(len(axis), names is None)
    found[[axis.index[name] for name in names or () if name in axis.index]] = True
    return found


def treatments(draft: Draft, devices: Axis, regions: Axis, metals: Axis, periods: int) -> Treatments:
    """Build the arrays of the treatments, with overrides for single devices.

    Args:
        draft: Parsed instance.
        devices: Axis of devices.
        regions: Axis of regions.
        metals: Axis of metals.
        periods: Number of periods.

    Returns:
        Treatments; see `Treatments` for shapes and units.
    """
    listed = treatments_of(draft)
    return Treatments(
        names=tuple(listed),
        cost=_costs(draft, devices),
        to_smelter=_shares(listed, devices),
        recovery=_recovery(listed, devices, metals),
        residue_value=column(one.residue_value for one in listed.values()),
        capacity=by_period((one.capacity for one in listed.values()), periods),
        accepts=_table((accepted(one.accepts, devices) for one in listed.values()), (len(listed), len(devices))),
        regions=_table((accepted(one.regions, regions) for one in listed.values()), (len(listed), len(regions))),
        footprint=column(one.footprint for one in listed.values()),
    )


def _costs(draft: Draft, devices: Axis) -> Figures:
    """Return the cost of each treatment per tonne of each device (H, D); costs per piece use the unit mass."""
    masses, rows = draft.unit_mass, []
    for one in treatments_of(draft).values():
        own = {name: cost_of(one, other) for name, other in one.devices.items()}
        if one.cost.pieces:
            own = dict.fromkeys(devices.names, one.cost) | own
        rows.append((number(one.cost), {devices.index[name]: number(of, masses.get(name)) for name, of in own.items()}))
    return grid(rows, len(devices))


def _shares(listed: dict[str, Treatment], devices: Axis) -> Figures:
    """Return the mass share of each device that each treatment sends to the smelter (H, D)."""
    rows = (
        (
            number(one.to_smelter),
            {
                devices.index[name]: number(share_of(one, other))
                for name, other in one.devices.items()
                if name in devices.index
            },
        )
        for one in listed.values()
    )
    return grid(rows, len(devices))


def _recovery(listed: dict[str, Treatment], devices: Axis, metals: Axis) -> Figures:
    """Return the recovery of each metal from each device by each treatment (H, D, E)."""
    which = np.repeat(np.arange(len(listed)), len(devices)).reshape(len(listed), len(devices))
    rows = [cascaded(one.recovery, metals=metals, missing=ZERO) for one in listed.values()]
    for h, one in enumerate(listed.values()):
        for name, other in one.devices.items():
            if other.recovery is not None:
                which[h, devices.index[name]] = len(rows)
                rows.append(cascaded(other.recovery, metals=metals, missing=ZERO))
    found = grid(rows, len(metals))
    return Figures(found.raw[which], found.unit[which], found.factors)


def cost_of(one: Treatment, other: Override) -> Quantity:
    """Return the cost of a treatment for a device, from its override if given."""
    return one.cost if other.cost is None else other.cost


def share_of(one: Treatment, other: Override) -> Quantity:
    """Return the mass share sent to the smelter for a device, from its override if given."""
    return one.to_smelter if other.to_smelter is None else other.to_smelter


def _table(rows: Iterable[Bools], shape: tuple[int, int]) -> Bools:
    """Stack masks to an array of the given shape."""
    return np.array(list(rows), dtype=np.bool_).reshape(shape)


def lines_of(smelter: Smelter) -> dict[str, Line]:
    """List the terms lines of a smelter; one named '' if it has no `terms`.

    Args:
        smelter: Section of the smelter.

    Returns:
        Terms lines by name, in canonical order.
    """
    return {"": Line()} if smelter.terms is None else dict(sorted(smelter.terms.items()))


def feeds(listed: dict[str, Treatment], devices: Axis) -> Bools:
    """Mark the devices that each treatment accepts and sends to a smelter in part or in full.

    Args:
        listed: Treatments (H) by name.
        devices: Axis of devices (D).

    Returns:
        Mask of feeds (D, H).
    """
    sends = _shares(listed, devices).raw != 0
    return (sends & _table((accepted(one.accepts, devices) for one in listed.values()), sends.shape)).T


def schedule(
    smelter: Smelter, feeds: Bools, devices: Axis, treatments: Axis
) -> tuple[Ints, dict[tuple[int, int], tuple[int, int]]]:
    """Match each feed to the terms line of a smelter.

    Args:
        smelter: Section of the smelter.
        feeds: Mask of feeds (D, H), regardless of the smelter.
        devices: Axis of devices (D).
        treatments: Axis of treatments (H).

    Returns:
        Index of the terms line of each feed (D, H), -1 if the smelter does not accept it; and up to `_MAX_CONFLICTS`
        pairs of lines that match the same feed, each with the first such feed (d, h).
    """
    taken = feeds & accepted(smelter.accepts, devices)[:, None]
    line = np.full(taken.shape, -1, dtype=np.intp)
    twice: dict[tuple[int, int], tuple[int, int]] = {}
    for place, terms in enumerate(lines_of(smelter).values()):
        d, h = places(terms.devices, devices), places(terms.treatments, treatments)
        at = np.ix_(d, h)
        before = line[at]
        clash = np.argwhere(taken[at] & (before >= 0))
        if len(clash):
            one, two = clash[0].tolist()
            twice[int(before[one, two]), place] = int(d[one]), int(h[two])
            if len(twice) >= _ENOUGH:
                break
        line[at] = np.where(taken[at] & (before < 0), place, before)
    return line, twice


def places(names: list[str] | None, axis: Axis) -> Ints:
    """Return the sorted, distinct indices of names on an axis; None for all."""
    if names is None:
        return np.arange(len(axis))
    return np.array(sorted({axis.index[name] for name in names if name in axis.index}), dtype=np.intp)


def smelters(draft: Draft, devices: Axis, metals: Axis, periods: int) -> Smelters:
    """Build the arrays of the smelters.

    Args:
        draft: Parsed instance.
        devices: Axis of devices.
        metals: Axis of metals.
        periods: Number of periods.

    Returns:
        Smelters, with the terms line of each feed (K, D, H); see `Smelters` for shapes and units.
    """
    listed = smelters_of(draft)
    return Smelters(
        names=tuple(listed),
        capacity=by_period((one.capacity for one in listed.values()), periods),
        committed=column(one.committed for one in listed.values()),
        limit=column(one.limit for one in listed.values()),
        lead=_leads(listed, metals),
        line=_lines(draft, devices),
        footprint=column(one.footprint for one in listed.values()),
    )


def _leads(listed: dict[str, Smelter], metals: Axis) -> Ints:
    """Return the lead time of each metal at each smelter (K, E) [periods]."""
    found = np.zeros((len(listed), len(metals)), dtype=np.intp)
    for row, one in zip(found, listed.values(), strict=True):
        rule = one.lead if isinstance(one.lead, dict) else {"default": one.lead}
        row[:] = rule.get("default", 0)
        for metal, lead in rule.items():
            if metal in metals.index:
                row[metals.index[metal]] = lead
    return found


def _lines(draft: Draft, devices: Axis) -> Ints:
    """Return the index of the terms line of each feed at each smelter (K, D, H), -1 if it is not accepted."""
    treatments = treatments_of(draft)
    listed = smelters_of(draft)
    found = np.full((len(listed), len(devices), len(treatments)), -1, dtype=np.intp)
    start, made, axis = 0, feeds(treatments, devices), Axis.given(treatments)
    for own, smelter in zip(found, listed.values(), strict=True):
        line, _ = schedule(smelter, made, devices, axis)
        own[:] = np.where(line >= 0, line + start, -1)
        start += len(lines_of(smelter))
    return found


def settlement_of(smelter: Smelter, line: Line) -> str:
    """Return the settlement lot of a terms line: `route` (each feed) or `pooled` (all its feeds of a period)."""
    return smelter.settlement_lot if line.settlement_lot is None else line.settlement_lot


def terms(draft: Draft, metals: Axis) -> Terms:
    """Build the arrays of all terms lines; a missing value is that of the smelter, metal by metal.

    Args:
        draft: Parsed instance.
        metals: Axis of metals (E).

    Returns:
        Terms (L lines); see `Terms` for shapes and units.
    """
    triples = [
        (k, one, name, line)
        for k, one in enumerate(smelters_of(draft).values())
        for name, line in lines_of(one).items()
    ]

    def cascade(field: str) -> Figures:
        rules = ((getattr(line, field), getattr(one, field)) for _, one, _, line in triples)
        return grid((cascaded(*both, metals=metals, missing=ZERO) for both in rules), len(metals))

    return Terms(
        names=tuple(name for _, _, name, _ in triples),
        smelter=np.array([k for k, *_ in triples], dtype=np.intp),
        treatment_charge=column(
            one.treatment_charge if line.treatment_charge is None else line.treatment_charge
            for _, one, _, line in triples
        ),
        refining_charge=cascade("refining_charge"),
        returned=cascade("returned"),
        deduction=cascade("deduction"),
        pooled=np.array([settlement_of(one, line) == POOLED for _, one, _, line in triples], dtype=np.bool_),
    )
