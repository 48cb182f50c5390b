"""Fractions: a treatment with several products becomes a treatment that sends nothing on, and one for each fraction.

The treatment of a fraction is free and without limit; it sends the share of the fraction on, with its recovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from medalopt.errors import FaultKind
from medalopt.instance.instance import FRACTION_SEPARATOR
from medalopt.instance.paths import ParameterPath
from medalopt.instance.reader.yaml_nodes import find_node
from medalopt.instance.resolve.broadcast import Figure
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.schema.document import Override, Treatment, TreatmentFraction
from medalopt.instance.schema.field_types import ZERO_QUANTITY
from medalopt.text import escape_text, suggest_name
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


def get_fractions(treatment: Treatment, device: str) -> Mapping[str, TreatmentFraction]:
    """Return the fractions of a device.

    Args:
        treatment: Treatment.
        device: Name of the device.

    Returns:
        Fractions by name; empty where the treatment has a single product for this device.
    """
    other = treatment.devices.get(device)
    return (other.fractions if other is not None else None) or treatment.fractions or {}


def has_fractions(treatment: Treatment) -> bool:
    """Return whether a treatment has fractions, for some device or all.

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
    by_device = {device: get_fractions(treatment, device) for device in accepted}
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
    """Log fractions beside a single product, shares and recoveries above 100 %, and names that do not fit."""
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
