"""Arrays of the processing of devices: assays, treatments, smelters and their terms."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from medalopt.instance.arrays import EXACT_ZERO, Bools, ExactArray, ExactNumber, Ints
from medalopt.instance.instance import Devices, Smelters, SmelterTerms, Treatments
from medalopt.instance.period_values import stack_over_periods
from medalopt.instance.resolve.broadcast import (
    Figure,
    NameAxis,
    build_column,
    build_grid,
    build_period_array,
    build_price_array,
    convert_quantity,
    resolve_cascade,
    select_figure,
)
from medalopt.instance.resolve.fractions import TreatmentEntry, list_treatment_entries
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.schema.document import SURPLUS_TITLES, Line, Override, Smelter, Treatment
from medalopt.instance.schema.field_types import ZERO_QUANTITY
from medalopt.units import Quantity

_POOLED = "pooled"
_MAX_CONFLICTS = 20  # conflicting pairs of lines reported per smelter


def leaves_surplus(draft: Draft) -> bool:
    """Return whether surplus of any metal is left with the smelters.

    Returns:
        True for at least one metal.
    """
    return any(metal.surplus == SURPLUS_TITLES[1] for metal in draft.document.metals.values())


def list_treatments(draft: Draft) -> dict[str, Treatment]:
    """List the treatments and their fractions by name in canonical order, each with a single product.

    Returns:
        Treatments (H) by name; without the section, only `whole` (no treatment).
    """
    return {name: entry.treatment for name, entry in list_treatment_entries(draft).items()}


def list_smelters(draft: Draft) -> dict[str, Smelter]:
    """List the smelters by name in canonical order.

    Returns:
        Smelters (K) by name.
    """
    return dict(sorted((draft.document.smelters or {}).items()))


def build_devices(draft: Draft, metals: NameAxis) -> Devices:
    """Build the arrays of the devices.

    Returns:
        Devices with assay (D, E) and unit mass (D,).
    """
    listed = dict(sorted(draft.document.devices.items()))
    masses = draft.unit_mass
    rows = (
        (
            EXACT_ZERO,
            {
                metals.index[metal]: convert_quantity(quantity, masses.get(name))
                for metal, quantity in device.content.items()
                if metal in metals.index  # impurities have arrays of their own
            },
        )
        for name, device in listed.items()
    )
    return Devices(
        names=tuple(listed),
        assay=build_grid(rows, len(metals)),
        unit_mass=build_column(device.unit_mass or ZERO_QUANTITY for device in listed.values()),
    )


def mask_names(names: list[str] | None, axis: NameAxis) -> Bools:
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


def build_treatments(draft: Draft, devices: NameAxis, regions: NameAxis, metals: NameAxis, periods: int) -> Treatments:
    """Build the arrays of the treatments, with overrides for single devices.

    Returns:
        Treatments; see `Treatments` for shapes and units.
    """
    entries = list_treatment_entries(draft)
    listed, axis = list_treatments(draft), NameAxis.from_ordered_names(entries)
    return Treatments(
        names=tuple(listed),
        cost=_build_costs(draft, devices, periods),
        to_smelter=_build_smelter_shares(listed, devices),
        recovery=build_recovery(listed, devices, metals),
        residue_value=build_column(treatment.residue_value for treatment in listed.values()),
        capacity=build_period_array((treatment.capacity for treatment in listed.values()), periods),
        accepts=_build_mask_table(
            (mask_names(treatment.accepts, devices) for treatment in listed.values()), (len(listed), len(devices))
        ),
        regions=_build_mask_table(
            (mask_names(treatment.regions, regions) for treatment in listed.values()), (len(listed), len(regions))
        ),
        footprint=build_column(treatment.footprint for treatment in listed.values()),
        parent=np.array([axis.index.get(entry.parent, -1) for entry in entries.values()], dtype=np.intp),
        sells=_mark_sold(entries, devices),
        sold=_build_sold(entries, devices, periods),
        fixed_charge=build_column(treatment.fixed_charge for treatment in listed.values()),
    )


def _mark_sold(entries: dict[str, TreatmentEntry], devices: NameAxis) -> Bools:
    """Return which fractions are sold, for each device (H, D)."""
    rows = (mask_names(list(entry.sold), devices) for entry in entries.values())
    return _build_mask_table(rows, (len(entries), len(devices)))


def _build_sold(entries: dict[str, TreatmentEntry], devices: NameAxis, periods: int) -> ExactArray:
    """Return the price of each fraction that is sold (H, D, 1 or T)."""
    listed = [entry.sold for entry in entries.values()]
    count = periods if any(isinstance(price, list) for sold in listed for price in sold.values()) else 1

    def build(period: int) -> ExactArray:
        """Return the prices of a period (H, D)."""
        rows = (
            {devices.index[name]: convert_quantity(select_figure(price, period)) for name, price in sold.items()}
            for sold in listed
        )
        return build_grid(((EXACT_ZERO, row) for row in rows), len(devices))

    return stack_over_periods([build(t) for t in range(count)])


def _build_costs(draft: Draft, devices: NameAxis, periods: int) -> ExactArray:
    """Return the cost of each treatment per tonne of each device (H, D, 1 or T)."""
    listed = list_treatments(draft).values()
    costs = [cost for one in listed for cost in (one.cost, *(other.cost for other in one.devices.values()))]
    count = periods if any(isinstance(cost, list) for cost in costs) else 1
    return stack_over_periods([_build_costs_in(draft, devices, t) for t in range(count)])


def _build_costs_in(draft: Draft, devices: NameAxis, period: int) -> ExactArray:
    """Return the cost of each treatment in a period (H, D); costs per piece use the unit mass."""
    masses, rows = draft.unit_mass, []
    for treatment in list_treatments(draft).values():
        cost = select_figure(treatment.cost, period)
        device_costs = {
            name: select_figure(_get_cost(treatment, other), period) for name, other in treatment.devices.items()
        }
        if cost.pieces:
            device_costs = dict.fromkeys(devices.names, cost) | device_costs
        rows.append(
            (
                convert_quantity(cost),
                {devices.index[name]: convert_quantity(of, masses.get(name)) for name, of in device_costs.items()},
            )
        )
    return build_grid(rows, len(devices))


def _build_smelter_shares(listed: dict[str, Treatment], devices: NameAxis) -> ExactArray:
    """Return the mass share of each device that each treatment sends to the smelter (H, D)."""
    rows = (
        (
            convert_quantity(treatment.to_smelter),
            {
                devices.index[name]: convert_quantity(_get_smelter_share(treatment, other))
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


def _get_cost(treatment: Treatment, other: Override) -> Figure:
    """Return the cost of a treatment for a device, from its override if given."""
    return treatment.cost if other.cost is None else other.cost


def _get_smelter_share(treatment: Treatment, other: Override) -> Quantity:
    """Return the mass share sent to the smelter for a device, from its override if given."""
    return treatment.to_smelter if other.to_smelter is None else other.to_smelter


def _build_mask_table(rows: Iterable[Bools], shape: tuple[int, int]) -> Bools:
    """Stack masks to an array of the given shape."""
    return np.array(list(rows), dtype=np.bool_).reshape(shape)


def list_terms_lines(smelter: Smelter) -> dict[str, Line]:
    """List the terms lines of a smelter; one named '' if it has no `terms`.

    Args:
        smelter: Section of the smelter.

    Returns:
        Terms lines by name, in canonical order.
    """
    return {"": Line()} if smelter.terms is None else dict(sorted(smelter.terms.items()))


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
    return (
        sends
        & _build_mask_table((mask_names(treatment.accepts, devices) for treatment in listed.values()), sends.shape)
    ).T


def match_terms(
    smelter: Smelter, feeds: Bools, devices: NameAxis, entries: dict[str, TreatmentEntry]
) -> tuple[Ints, dict[tuple[int, int], tuple[int, int]]]:
    """Match each feed to the terms line of a smelter.

    Args:
        smelter: Section of the smelter.
        feeds: Mask of feeds (D, H), regardless of the smelter.
        devices: Axis of devices (D).
        entries: Treatments and fractions (H) by name.

    Returns:
        Index of the terms line of each feed (D, H), -1 if the smelter does not accept it; and up to `_MAX_CONFLICTS`
        pairs of lines that match the same feed, each with the first such feed (d, h).
    """
    taken = (feeds & mask_names(smelter.accepts, devices)[:, None]).ravel()
    line = np.full(taken.shape, -1, dtype=np.intp)
    twice: dict[tuple[int, int], tuple[int, int]] = {}
    treatments = NameAxis.from_ordered_names(entries)
    split = any(entry.parent for entry in entries.values())
    for position, terms in enumerate(list_terms_lines(smelter).values()):
        d = _find_indices(terms.devices, devices)
        h = _find_feeds(terms, entries) if split else _find_indices(terms.treatments, treatments)
        cells = (d[:, None] * len(treatments) + h).ravel()
        cells = cells[taken[cells]]
        before = line[cells]
        clash = before >= 0
        if clash.any():
            first = int(clash.argmax())
            one, two = divmod(int(cells[first]), len(treatments))
            twice[int(before[first]), position] = one, two
            if len(twice) >= _MAX_CONFLICTS:
                break
            cells = cells[~clash]
        line[cells] = position
    return line.reshape(feeds.shape), twice


def _find_indices(names: list[str] | None, axis: NameAxis) -> Ints:
    """Return the sorted, distinct indices of names on an axis; None for all."""
    if names is None:
        return np.arange(len(axis))
    return np.array(sorted({axis.index[name] for name in names if name in axis.index}), dtype=np.intp)


def _find_feeds(terms: Line, entries: dict[str, TreatmentEntry]) -> Ints:
    """Return the indices of the treatments and fractions that a line of terms names; a treatment includes its own."""
    named = None if terms.treatments is None else set(terms.treatments)
    fractions = None if terms.fractions is None else set(terms.fractions)
    found = [
        h
        for h, (name, entry) in enumerate(entries.items())
        if (named is None or (entry.parent or name) in named) and (fractions is None or entry.fraction in fractions)
    ]
    return np.array(found, dtype=np.intp)


def build_smelters(draft: Draft, devices: NameAxis, metals: NameAxis, periods: int) -> Smelters:
    """Build the arrays of the smelters.

    Returns:
        Smelters, with the terms line of each feed (K, D, H); see `Smelters` for shapes and units.
    """
    listed = list_smelters(draft)
    return Smelters(
        names=tuple(listed),
        capacity=build_period_array((smelter.capacity for smelter in listed.values()), periods),
        committed=build_column(smelter.committed for smelter in listed.values()),
        limit=build_column(smelter.limit for smelter in listed.values()),
        lead=_build_leads(listed, metals),
        line=_build_line_index(draft, devices),
        footprint=build_column(smelter.footprint for smelter in listed.values()),
        fixed_charge=build_column(smelter.fixed_charge for smelter in listed.values()),
    )


def _build_leads(listed: dict[str, Smelter], metals: NameAxis) -> Ints:
    """Return the lead time of each metal at each smelter (K, E) [periods]."""
    found = np.zeros((len(listed), len(metals)), dtype=np.intp)
    for row, smelter in zip(found, listed.values(), strict=True):
        rule = smelter.lead if isinstance(smelter.lead, dict) else {"default": smelter.lead}
        row[:] = rule.get("default", 0)
        for metal, lead in rule.items():
            if metal in metals.index:
                row[metals.index[metal]] = lead
    return found


def _build_line_index(draft: Draft, devices: NameAxis) -> Ints:
    """Return the index of the terms line of each feed at each smelter (K, D, H), -1 if it is not accepted."""
    treatments = list_treatment_entries(draft)
    listed = list_smelters(draft)
    found = np.full((len(listed), len(devices), len(treatments)), -1, dtype=np.intp)
    start, result = 0, build_feed_mask(treatments, devices)
    for own, smelter in zip(found, listed.values(), strict=True):
        line, _ = match_terms(smelter, result, devices, treatments)
        own[:] = np.where(line >= 0, line + start, -1)
        start += len(list_terms_lines(smelter))
    return found


def _get_settlement_lot(smelter: Smelter, line: Line) -> str:
    """Return the settlement lot of a terms line: `route` (each feed) or `pooled` (all its feeds of a period)."""
    return smelter.settlement_lot if line.settlement_lot is None else line.settlement_lot


def build_terms(draft: Draft, metals: NameAxis, periods: int) -> SmelterTerms:
    """Build the arrays of all terms lines; a missing value is that of the smelter, metal by metal.

    Returns:
        Terms (L lines); see `Terms` for shapes and units.
    """
    triples = [
        (k, smelter, name, line)
        for k, smelter in enumerate(list_smelters(draft).values())
        for name, line in list_terms_lines(smelter).items()
    ]

    def cascade(field: str) -> ExactArray:
        """Resolve a charge of all lines, (L, E) money per kg: of the line, else of the smelter, else 0."""
        plain: dict[int, tuple[ExactNumber, dict[int, ExactNumber]]] = {}  # of a line without a rule of its own

        def resolve(k: int, smelter: Smelter, line: Line) -> tuple[ExactNumber, dict[int, ExactNumber]]:
            stated = getattr(line, field)
            if stated is None and k in plain:
                return plain[k]
            result = resolve_cascade(stated, getattr(smelter, field), metals=metals, missing=ZERO_QUANTITY)
            return plain.setdefault(k, result) if stated is None else result

        return build_grid((resolve(k, smelter, line) for k, smelter, _, line in triples), len(metals))

    return SmelterTerms(
        names=tuple(name for _, _, name, _ in triples),
        smelter=np.array([k for k, *_ in triples], dtype=np.intp),
        treatment_charge=build_price_array(
            [
                smelter.treatment_charge if line.treatment_charge is None else line.treatment_charge
                for _, smelter, _, line in triples
            ],
            periods,
        ),
        refining_charge=_build_refining_charges([(smelter, line) for _, smelter, _, line in triples], metals, periods),
        returned=cascade("returned"),
        deduction=cascade("deduction"),
        pays=_build_prices_paid(
            [smelter.pays | line.pays for _, smelter, _, line in triples if leaves_surplus(draft)], metals, periods
        ),
        pooled=np.array(
            [_get_settlement_lot(smelter, line) == _POOLED for _, smelter, _, line in triples], dtype=np.bool_
        ),
        minimum_lot=build_column(
            smelter.minimum_lot if line.minimum_lot is None else line.minimum_lot for _, smelter, _, line in triples
        ),
        lot_charge=build_column(
            smelter.lot_charge if line.lot_charge is None else line.lot_charge for _, smelter, _, line in triples
        ),
    )


_ChargeRule = Figure | dict[str, Figure] | None


def _build_refining_charges(lines: list[tuple[Smelter, Line]], metals: NameAxis, periods: int) -> ExactArray:
    """Return the refining charge by terms line, metal and period of credit (L, E, 1 or T)."""
    rules: list[_ChargeRule] = [rule for pair in lines for one in pair if (rule := one.refining_charge) is not None]
    values = [value for rule in rules for value in (rule.values() if isinstance(rule, dict) else [rule])]
    count = periods if any(isinstance(value, list) for value in values) else 1

    def select(rule: _ChargeRule, period: int) -> Quantity | dict[str, Quantity] | None:
        """Return a rule in a period."""
        if isinstance(rule, dict):
            return {metal: select_figure(value, period) for metal, value in rule.items()}
        return None if rule is None else select_figure(rule, period)

    def build(period: int) -> ExactArray:
        """Return the charges of a period (L, E)."""
        above: dict[int, tuple[ExactNumber, dict[int, ExactNumber]]] = {}  # of lines without a rule of their own

        def resolve(smelter: Smelter, line: Line) -> tuple[ExactNumber, dict[int, ExactNumber]]:
            if line.refining_charge is None and id(smelter) in above:
                return above[id(smelter)]
            own, general = select(line.refining_charge, period), select(smelter.refining_charge, period)
            result = resolve_cascade(own, general, metals=metals, missing=ZERO_QUANTITY)
            return above.setdefault(id(smelter), result) if own is None else result

        return build_grid((resolve(*pair) for pair in lines), len(metals))

    return stack_over_periods([build(t) for t in range(count)])


def _build_prices_paid(rules: list[dict[str, Quantity | list[Quantity]]], metals: NameAxis, periods: int) -> ExactArray:
    """Return the price of metal left with the smelter by terms line, metal and period (L or 0, E, T)."""
    figures = (rule.get(metal, ZERO_QUANTITY) for rule in rules for metal in metals.names)
    flat = build_period_array(figures, periods)
    shape = (len(rules), len(metals), periods)
    return ExactArray(flat.raw.reshape(shape), flat.unit.reshape(shape), flat.factors)
