"""Arrays of devices, treatments and their fractions.

A treatment with several products becomes a treatment that sends nothing on, and one for each fraction. The treatment of
a fraction is free and without limit; it sends the share of the fraction on, with its recovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from medalopt.errors import FaultKind
from medalopt.instance.arrays import EXACT_ZERO, Bools, ExactArray
from medalopt.instance.instance import FRACTION_SEPARATOR, Devices, Treatments
from medalopt.instance.reader.yaml_nodes import find_node
from medalopt.instance.resolve.broadcast import (
    Figure,
    NameAxis,
    build_by_period,
    build_columns,
    build_grid,
    build_period_arrays,
    convert_quantity,
    mask_names,
    resolve_cascade,
    select_figure,
)
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.schema.document import Override, Treatment, TreatmentFraction
from medalopt.instance.schema.field_types import ZERO_QUANTITY
from medalopt.text import ParameterPath, escape_text, suggest_name
from medalopt.units import Quantity

WHOLE_TREATMENT = "whole"
_SINGLE_PRODUCT = ("to_smelter", "recovery")  # fields in whose place fractions stand


@dataclass(frozen=True)
class TreatmentEntry:
    """A treatment, or one of its fractions, as a treatment with a single product."""

    treatment: Treatment
    parent: str = ""  # of a fraction: name of the treatment that yields it
    fraction: str = ""
    sold: Mapping[str, Figure] = field(default_factory=dict)  # price by device where the fraction is sold


def _get_fractions(treatment: Treatment, device: str) -> Mapping[str, TreatmentFraction]:
    """Return the fractions of a device."""
    other = treatment.devices.get(device)
    return (other.fractions if other is not None else None) or treatment.fractions or {}


def has_fractions(treatment: Treatment) -> bool:
    """Return whether a treatment has fractions, for some device or all.

    Args:
        treatment: Treatment.

    Returns:
        True for at least one.
    """
    return bool(treatment.fractions) or any(other.fractions for other in treatment.devices.values())


def list_treatment_entries(draft: Draft) -> dict[str, TreatmentEntry]:
    """List the treatments and their fractions by name in canonical order; without the section, only `whole`.

    Returns:
        Entries (H) by name; of a fraction the names of treatment and fraction, joined by `/`.
    """
    treatments = draft.document.treatments
    if treatments is None:
        return {WHOLE_TREATMENT: TreatmentEntry(Treatment())}
    entries = {
        name: entry
        for treatment, one in treatments.items()
        for name, entry in (
            _split_treatment(treatment, one, list(draft.document.devices))
            if has_fractions(one)
            else [(treatment, TreatmentEntry(one))]
        )
    }
    return dict(sorted(entries.items()))


def _split_treatment(name: str, treatment: Treatment, devices: list[str]) -> Iterator[tuple[str, TreatmentEntry]]:
    """Yield a treatment that sends nothing on where it has fractions, and each of its fractions."""
    nothing = {"to_smelter": ZERO_QUANTITY, "recovery": ZERO_QUANTITY}
    own = {
        device: other.model_copy(update=nothing) if other.fractions else other
        for device, other in treatment.devices.items()
    }
    update = {"devices": own, **(nothing if treatment.fractions else {})}
    yield name, TreatmentEntry(treatment.model_copy(update=update))
    accepted = devices if treatment.accepts is None else [each for each in treatment.accepts if each in devices]
    by_device = {device: _get_fractions(treatment, device) for device in accepted}
    for fraction in sorted({each for found in by_device.values() for each in found}):
        found = {device: parts[fraction] for device, parts in by_device.items() if fraction in parts}
        single = Treatment.model_construct(
            to_smelter=ZERO_QUANTITY,
            recovery=ZERO_QUANTITY,
            residue_value=treatment.residue_value,
            accepts=list(found),
            regions=treatment.regions,
            devices={
                device: Override.model_construct(to_smelter=part.share, recovery=part.recovery)
                for device, part in found.items()
            },
        )
        sold = {device: part.sold for device, part in found.items() if part.sold is not None}
        yield f"{name}{FRACTION_SEPARATOR}{fraction}", TreatmentEntry(single, name, fraction, sold)


def check_fractions(draft: Draft) -> None:
    """Log fractions beside a single product, shares and recoveries above 100 %, and names that do not fit.

    Args:
        draft: Parsed instance; faults are added to it.
    """
    treatments, known = draft.document.treatments or {}, set[str]()
    for name, treatment in treatments.items():
        if not has_fractions(treatment):
            continue
        path: ParameterPath = ("treatments", name)
        parts = [(path, treatment.fractions or {})]
        if treatment.fractions:
            _check_single_product(draft, path, "")
        for device, other in treatment.devices.items():
            at = (*path, "devices", device)
            if treatment.fractions or other.fractions:
                _check_single_product(
                    draft, at, "" if other.fractions else " of the treatment: give this device its own"
                )
            parts.append((at, other.fractions or {}))
        for at, fractions in parts:
            known |= fractions.keys()
            _check_sums(draft, (*at, "fractions"), fractions)
            for fraction in fractions:
                full = f"{name}{FRACTION_SEPARATOR}{fraction}"
                if full in treatments:
                    message = f"a treatment is called `{escape_text(full)}`, as this fraction is in plans: rename one"
                    draft.add_fault((*at, "fractions", fraction), message, key=True, kind=FaultKind.CONFLICT)
    _check_line_fractions(draft, known)


def _check_single_product(draft: Draft, path: ParameterPath, which: str) -> None:
    """Log `to_smelter` and `recovery` beside fractions."""
    for name in _SINGLE_PRODUCT:
        if find_node(draft.root, (*path, name)) is not None:
            message = f"`{name}` is that of a single product, in whose place stand the `fractions`{which}; delete one"
            draft.add_fault((*path, name), message, kind=FaultKind.CONFLICT)


def _check_sums(draft: Draft, path: ParameterPath, fractions: Mapping[str, TreatmentFraction]) -> None:
    """Log shares, and recoveries of an element, that sum to more than 100 %."""
    parts = list(fractions.values())
    elements = [*draft.document.metals, *draft.document.impurities]
    sums = [("the shares", _add(part.share for part in parts))]
    sums += [(f"the recoveries of {escape_text(e)}", _add(_get_recovery(part, e) for part in parts)) for e in elements]
    for what, total in sums:
        if total > 1:
            message = f"{what} of the fractions sum to {float(total * 100):.10g} %, more than 100 %"
            draft.add_fault(path, message, kind=FaultKind.CONFLICT)
            return


def _add(shares: Iterable[Quantity]) -> Fraction:
    """Return an exact sum."""
    return sum((share.exact for share in shares), Fraction(0))


def _get_recovery(part: TreatmentFraction, element: str) -> Quantity:
    """Return the recovery of an element into a fraction."""
    if isinstance(part.recovery, Mapping):
        return part.recovery.get(element, part.recovery.get("default", ZERO_QUANTITY))
    return part.recovery


def _check_line_fractions(draft: Draft, known: set[str]) -> None:
    """Log lines of terms that name a fraction which no treatment yields."""
    for smelter, one in (draft.document.smelters or {}).items():
        for line, terms in (one.terms or {}).items():
            for number, fraction in enumerate(terms.fractions or []):
                if fraction not in known:
                    suggestion = suggest_name(fraction, known) or "; no treatment yields one of that name"
                    message = f"no fraction is called `{escape_text(fraction)}`{suggestion}"
                    draft.add_fault(
                        ("smelters", smelter, "terms", line, "fractions", number), message, kind=FaultKind.VALUE
                    )


def list_treatments(draft: Draft) -> dict[str, Treatment]:
    """List the treatments and their fractions by name in canonical order, each with a single product.

    Returns:
        Treatments (H) by name; without the section, only `whole` (no treatment).
    """
    return {name: entry.treatment for name, entry in list_treatment_entries(draft).items()}


def build_devices(draft: Draft, metals: NameAxis) -> Devices:
    """Build the arrays of the devices.

    Returns:
        Devices with assay (D, E) and unit mass (D,).
    """
    listed = dict(sorted(draft.document.devices.items()))
    return Devices(
        names=tuple(listed), assay=build_assays(draft, metals), **build_columns(listed.values(), "unit_mass")
    )


def build_assays(draft: Draft, elements: NameAxis) -> ExactArray:
    """Build the content of metals or impurities in each device.

    Args:
        draft: Parsed instance.
        elements: Axis of metals or impurities (E); others are left out.

    Returns:
        Assay (D, E), kg/t.
    """
    rows = (
        (
            EXACT_ZERO,
            {
                elements.index[element]: convert_quantity(quantity, draft.unit_mass.get(name))
                for element, quantity in device.content.items()
                if element in elements.index
            },
        )
        for name, device in sorted(draft.document.devices.items())
    )
    return build_grid(rows, len(elements))


def build_treatments(draft: Draft, devices: NameAxis, regions: NameAxis, metals: NameAxis, periods: int) -> Treatments:
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
    entries = list_treatment_entries(draft)
    listed, axis = {name: entry.treatment for name, entry in entries.items()}, NameAxis.from_ordered_names(entries)
    return Treatments(
        names=tuple(listed),
        cost=_build_costs(draft, listed.values(), devices, periods),
        to_smelter=_build_smelter_shares(listed, devices),
        recovery=build_recovery(listed, devices, metals),
        **build_columns(listed.values(), "residue_value", "footprint", "fixed_charge"),
        **build_period_arrays(listed.values(), periods, "capacity"),
        accepts=_build_mask_table((treatment.accepts for treatment in listed.values()), devices),
        regions=_build_mask_table((treatment.regions for treatment in listed.values()), regions),
        parent=np.array([axis.index.get(entry.parent, -1) for entry in entries.values()], dtype=np.intp),
        sells=_mark_sold(entries, devices),
        sold=_build_sold(entries, devices, periods),
    )


def _mark_sold(entries: dict[str, TreatmentEntry], devices: NameAxis) -> Bools:
    """Return which fractions are sold, for each device (H, D)."""
    return _build_mask_table((list(entry.sold) for entry in entries.values()), devices)


def _build_sold(entries: dict[str, TreatmentEntry], devices: NameAxis, periods: int) -> ExactArray:
    """Return the price of each fraction that is sold (H, D, 1 or T)."""
    listed = [entry.sold for entry in entries.values()]

    def build(period: int) -> ExactArray:
        """Return the prices of a period (H, D)."""
        rows = (
            {devices.index[name]: convert_quantity(select_figure(price, period)) for name, price in sold.items()}
            for sold in listed
        )
        return build_grid(((EXACT_ZERO, row) for row in rows), len(devices))

    return build_by_period((price for sold in listed for price in sold.values()), periods, build)


def _build_costs(draft: Draft, listed: Iterable[Treatment], devices: NameAxis, periods: int) -> ExactArray:
    """Return the cost of each treatment per tonne of each device (H, D, 1 or T); costs per piece use the unit mass."""

    def build(period: int) -> ExactArray:
        """Return the costs of a period (H, D)."""
        rows = []
        for treatment in listed:
            cost = select_figure(treatment.cost, period)
            costs = {
                name: cost if other.cost is None else select_figure(other.cost, period)
                for name, other in treatment.devices.items()
            }
            if cost.pieces:
                costs = dict.fromkeys(devices.names, cost) | costs
            of = {devices.index[name]: convert_quantity(one, draft.unit_mass.get(name)) for name, one in costs.items()}
            rows.append((convert_quantity(cost), of))
        return build_grid(rows, len(devices))

    costs = (cost for one in listed for cost in (one.cost, *(other.cost for other in one.devices.values())))
    return build_by_period(costs, periods, build)


def _build_smelter_shares(listed: dict[str, Treatment], devices: NameAxis) -> ExactArray:
    """Return the mass share of each device that each treatment sends to the smelter (H, D)."""
    rows = (
        (
            convert_quantity(treatment.to_smelter),
            {
                devices.index[name]: convert_quantity(other.to_smelter or treatment.to_smelter)
                for name, other in treatment.devices.items()
                if name in devices.index
            },
        )
        for treatment in listed.values()
    )
    return build_grid(rows, len(devices))


def build_recovery(listed: dict[str, Treatment], devices: NameAxis, metals: NameAxis) -> ExactArray:
    """Build the recovery of each metal from each device by each treatment.

    Args:
        listed: Treatments (H) by name.
        devices: Axis of devices (D).
        metals: Axis of metals or impurities (E).

    Returns:
        Recovery (H, D, E).
    """
    which = np.repeat(np.arange(len(listed)), len(devices)).reshape(len(listed), len(devices))
    rows = [resolve_cascade(treatment.recovery, metals=metals, missing=ZERO_QUANTITY) for treatment in listed.values()]
    for h, treatment in enumerate(listed.values()):
        for name, other in treatment.devices.items():
            if other.recovery is not None:
                which[h, devices.index[name]] = len(rows)
                rows.append(resolve_cascade(other.recovery, metals=metals, missing=ZERO_QUANTITY))
    array = build_grid(rows, len(metals))
    return ExactArray(array.raw[which], array.unit[which], array.factors)


def _build_mask_table(rows: Iterable[list[str] | None], axis: NameAxis) -> Bools:
    """Mark the members of an axis that each list names, None for all (N, members)."""
    masks = [mask_names(names, axis) for names in rows]
    return np.array(masks, dtype=np.bool_).reshape(len(masks), len(axis))


def build_feed_mask(entries: dict[str, TreatmentEntry], devices: NameAxis) -> Bools:
    """Mark the devices that each treatment accepts and sends to a smelter in part or in full.

    Args:
        entries: Treatments and fractions (H) by name.
        devices: Axis of devices (D).

    Returns:
        Mask of feeds (D, H).
    """
    listed = {name: entry.treatment for name, entry in entries.items()}
    sends = (_build_smelter_shares(listed, devices).raw != 0) & ~_mark_sold(entries, devices)
    return (sends & _build_mask_table((treatment.accepts for treatment in listed.values()), devices)).T
