"""Devices, treatments, smelters and their terms: what may happen to a tonne of devices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medalopt.instance.figures import Bools, Figures, Ints
from medalopt.instance.instance import Devices, Smelters, Terms, Treatments
from medalopt.instance.resolve.axes import Axis
from medalopt.instance.resolve.draft import Draft
from medalopt.instance.resolve.spread import by_period, column, number, of_metal
from medalopt.instance.schema.kinds import ZERO
from medalopt.instance.schema.models import Line, Override, Smelter, Treatment
from medalopt.quantity import Quantity

WHOLE = "whole"


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
    assay = []
    for device in listed.values():
        mass = device.unit_mass.exact if device.unit_mass else None
        assay += [number(device.content.get(metal, ZERO), mass) for metal in metals.names]
    return Devices(
        names=tuple(listed),
        assay=Figures.of(assay, (len(listed), len(metals))),
        unit_mass=column(device.unit_mass or ZERO for device in listed.values()),
    )


def accepted(names: list[str] | None, axis: Axis) -> list[bool]:
    """Return which members of an axis a list names; None names all."""
    return [names is None or name in names for name in axis.names]


def treatments(draft: Draft, devices: Axis, regions: Axis, metals: Axis, periods: int) -> Treatments:
    """Return the treatments, with what differs for single devices."""
    listed = treatments_of(draft)
    pairs = [(one, one.devices.get(name) or Override(), name) for one in listed.values() for name in devices.names]
    shape = (len(listed), len(devices))
    recovery = []
    for one, other, _ in pairs:
        rule = one.recovery if other.recovery is None else other.recovery
        recovery += [number(of_metal(rule, metal) or ZERO) for metal in metals.names]
    masses = draft.unit_mass
    return Treatments(
        names=tuple(listed),
        cost=Figures.of((number(cost_of(one, other), masses.get(name)) for one, other, name in pairs), shape),
        to_smelter=Figures.of((number(share_of(one, other)) for one, other, _ in pairs), shape),
        recovery=Figures.of(recovery, (*shape, len(metals))),
        residue_value=column(one.residue_value for one in listed.values()),
        capacity=by_period((one.capacity for one in listed.values()), periods),
        accepts=_table([accepted(one.accepts, devices) for one in listed.values()], shape),
        regions=_table([accepted(one.regions, regions) for one in listed.values()], (len(listed), len(regions))),
        footprint=column(one.footprint for one in listed.values()),
    )


def cost_of(one: Treatment, other: Override) -> Quantity:
    """Return the cost of a treatment for a device with what differs in `other`."""
    return one.cost if other.cost is None else other.cost


def share_of(one: Treatment, other: Override) -> Quantity:
    """Return the share sent on by a treatment for a device with what differs in `other`."""
    return one.to_smelter if other.to_smelter is None else other.to_smelter


def _table(rows: list[list[bool]], shape: tuple[int, int]) -> Bools:
    return np.array(rows, dtype=np.bool_).reshape(shape)


def lines_of(smelter: Smelter) -> dict[str, Line]:
    """Return a smelter's lines of terms by name; one called '' where it has no schedule."""
    return {"": Line()} if smelter.terms is None else dict(sorted(smelter.terms.items()))


def feeds(smelter: Smelter, listed: dict[str, Treatment], devices: Axis) -> Iterator[tuple[int, int, list[str]]]:
    """Yield device, treatment and the matching lines of every feed that `smelter` and the treatment accept."""
    for d, device in enumerate(devices.names):
        for h, (name, treatment) in enumerate(listed.items()):
            sent = share_of(treatment, treatment.devices.get(device) or Override())
            if sent.raw and all(names is None or device in names for names in (smelter.accepts, treatment.accepts)):
                yield d, h, [line for line, terms in lines_of(smelter).items() if matches(terms, device, name)]


def matches(line: Line, device: str, treatment: str) -> bool:
    """Whether a line of terms names this feed."""
    return (line.devices is None or device in line.devices) and (
        line.treatments is None or treatment in line.treatments
    )


def smelters(draft: Draft, devices: Axis, metals: Axis, periods: int) -> Smelters:
    """Return the smelters, with the line of terms for every feed."""
    listed = smelters_of(draft)
    leads = [of_metal(one.lead, metal) or 0 for one in listed.values() for metal in metals.names]
    return Smelters(
        names=tuple(listed),
        capacity=by_period((one.capacity for one in listed.values()), periods),
        committed=column(one.committed for one in listed.values()),
        limit=column(one.limit for one in listed.values()),
        lead=np.array(leads, dtype=np.intp).reshape(len(listed), len(metals)),
        line=_lines(draft, devices),
        footprint=column(one.footprint for one in listed.values()),
    )


def _lines(draft: Draft, devices: Axis) -> Ints:
    """Return the index of the line of terms for each smelter, device and treatment; -1 where there is no such feed."""
    treatments = treatments_of(draft)
    listed = smelters_of(draft)
    line = np.full((len(listed), len(devices), len(treatments)), -1, dtype=np.intp)
    start = 0
    for k, smelter in enumerate(listed.values()):
        place = {name: start + number for number, name in enumerate(lines_of(smelter))}
        for d, h, names in feeds(smelter, treatments, devices):
            line[k, d, h] = place[names[0]] if names else -1
        start += len(place)
    return line


def terms(draft: Draft, metals: Axis) -> Terms:
    """Return every line of terms; what a line leaves out is the smelter's, metal by metal."""
    pairs = [(k, one, line) for k, one in enumerate(smelters_of(draft).values()) for line in lines_of(one).values()]
    names = [name for one in smelters_of(draft).values() for name in lines_of(one)]

    def cascade(field: str) -> Figures:
        rules = [(getattr(line, field), getattr(one, field)) for _, one, line in pairs]
        figures = [_first(own, smelters, metal) for own, smelters in rules for metal in metals.names]
        return Figures.of((number(figure) for figure in figures), (len(pairs), len(metals)))

    return Terms(
        names=tuple(names),
        smelter=np.array([k for k, _, _ in pairs], dtype=np.intp),
        treatment_charge=column(
            one.treatment_charge if line.treatment_charge is None else line.treatment_charge for _, one, line in pairs
        ),
        refining_charge=cascade("refining_charge"),
        returned=cascade("returned"),
        deduction=cascade("deduction"),
    )


def _first(
    line: Quantity | dict[str, Quantity] | None, smelter: Quantity | dict[str, Quantity], metal: str
) -> Quantity:
    """Return what the line says of a metal, else what the smelter says, else nothing."""
    own = of_metal(line, metal)
    return own if own is not None else of_metal(smelter, metal) or ZERO
