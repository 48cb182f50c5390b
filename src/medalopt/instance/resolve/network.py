"""Devices, treatments, smelters and their terms: what may happen to a tonne of devices."""

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
    """Return the treatments by name in canonical order; `whole`, which does nothing, where the section is absent."""
    given = draft.document.treatments
    return {WHOLE: Treatment()} if given is None else dict(sorted(given.items()))


def smelters_of(draft: Draft) -> dict[str, Smelter]:
    """Return the smelters by name in canonical order."""
    return dict(sorted((draft.document.smelters or {}).items()))


def devices(draft: Draft, metals: Axis) -> Devices:
    """Return the assays."""
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
    """Return which members of an axis a list names; None names all."""
    found = np.full(len(axis), names is None)
    found[[axis.index[name] for name in names or () if name in axis.index]] = True
    return found


def treatments(draft: Draft, devices: Axis, regions: Axis, metals: Axis, periods: int) -> Treatments:
    """Return the treatments, with what differs for single devices."""
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
    """Return what each treatment costs for each device, (H, D); one per piece depends on the device's mass."""
    masses, rows = draft.unit_mass, []
    for one in treatments_of(draft).values():
        own = {name: cost_of(one, other) for name, other in one.devices.items()}
        if one.cost.pieces:
            own = dict.fromkeys(devices.names, one.cost) | own
        rows.append((number(one.cost), {devices.index[name]: number(of, masses.get(name)) for name, of in own.items()}))
    return grid(rows, len(devices))


def _shares(listed: dict[str, Treatment], devices: Axis) -> Figures:
    """Return the share that each treatment sends on of each device, (H, D)."""
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
    """Return the recovery of each metal by each treatment from each device, (H, D, E)."""
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
    """Return the cost of a treatment for a device with what differs in `other`."""
    return one.cost if other.cost is None else other.cost


def share_of(one: Treatment, other: Override) -> Quantity:
    """Return the share sent on by a treatment for a device with what differs in `other`."""
    return one.to_smelter if other.to_smelter is None else other.to_smelter


def _table(rows: Iterable[Bools], shape: tuple[int, int]) -> Bools:
    return np.array(list(rows), dtype=np.bool_).reshape(shape)


def lines_of(smelter: Smelter) -> dict[str, Line]:
    """Return a smelter's lines of terms by name; one called '' where it has no schedule."""
    return {"": Line()} if smelter.terms is None else dict(sorted(smelter.terms.items()))


def feeds(listed: dict[str, Treatment], devices: Axis) -> Bools:
    """Return which devices each treatment accepts and sends something of on, (D, H)."""
    sends = _shares(listed, devices).raw != 0
    return (sends & _table((accepted(one.accepts, devices) for one in listed.values()), sends.shape)).T


def schedule(
    smelter: Smelter, feeds: Bools, devices: Axis, treatments: Axis
) -> tuple[Ints, dict[tuple[int, int], tuple[int, int]]]:
    """Return which line of its terms a smelter applies to each feed.

    Args:
        smelter: the smelter.
        feeds (D, H): which device and treatment make a feed, whoever takes it.
        devices: the axis of the D devices.
        treatments: the axis of the H treatments.

    Returns:
        the place of the line among those of the smelter for each feed, (D, H), -1 where it accepts no such feed;
        and of pairs of lines that match the same feed the first few, each with the first such feed.
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
    """Return the places of `names` on an axis, each once, in the order of the axis; None names all."""
    if names is None:
        return np.arange(len(axis))
    return np.array(sorted({axis.index[name] for name in names if name in axis.index}), dtype=np.intp)


def smelters(draft: Draft, devices: Axis, metals: Axis, periods: int) -> Smelters:
    """Return the smelters, with the line of terms for every feed."""
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
    """Return the lead of each metal at each smelter, (K, E)."""
    found = np.zeros((len(listed), len(metals)), dtype=np.intp)
    for row, one in zip(found, listed.values(), strict=True):
        rule = one.lead if isinstance(one.lead, dict) else {"default": one.lead}
        row[:] = rule.get("default", 0)
        for metal, lead in rule.items():
            if metal in metals.index:
                row[metals.index[metal]] = lead
    return found


def _lines(draft: Draft, devices: Axis) -> Ints:
    """Return the index of the line of terms for each smelter, device and treatment; -1 where there is no such feed."""
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
    """Return what a line of terms settles as a lot: the feed of a `route`, or all its feed of a period, `pooled`."""
    return smelter.settlement_lot if line.settlement_lot is None else line.settlement_lot


def terms(draft: Draft, metals: Axis) -> Terms:
    """Return every line of terms; what a line leaves out is the smelter's, metal by metal."""
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
