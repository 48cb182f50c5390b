"""Export of an instance as a GNU MathProg data file for `models/sourcing.mod`.

All values are in canonical units, as the shortest decimals that read back as the same doubles; infinite values, and
those equal to the default of the model, are omitted. Names are quoted symbols: ASCII letters, digits and `_.-~@`, all
else percent-encoded; names too long for GLPK are cut, with the full name in a comment. Periods are numbered from 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from textwrap import fill
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medalopt.export.lp_mps import MAX_SYMBOL_LENGTH, make_names_unique
from medalopt.instance.confidence import has_confidence
from medalopt.instance.credited_metal import leaves_metal
from medalopt.instance.instance import Instance
from medalopt.instance.price_steps import OFFER_STEPS, STREAM_STEPS, StepKind
from medalopt.linear_program import percent_encode

Subscripts = Sequence[str]
_LINE_WIDTH = 120


def _format_double(value: float) -> str:
    """Return the shortest decimal that reads back as the same double."""
    return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(float(value))


def _format_set(name: str, members: Iterable[str]) -> str:
    """Return a set, on several lines if it is long; tuples are in parentheses."""
    text = " ".join([f"set {name} :=", *members]) + ";"
    return fill(text, _LINE_WIDTH, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False)


def _list_pairs(first: Subscripts, second: Subscripts, holds: NDArray[Any]) -> Iterator[str]:
    """Yield the pairs of two index sets for which `holds` is true."""
    for row, members in zip(first, holds.tolist(), strict=True):
        yield from (f"({row},{member})" for member, yes in zip(second, members, strict=True) if yes)


def _format_vector(name: str, axis: Subscripts, values: NDArray[Any], default: float) -> Iterator[str]:
    """Yield a parameter over one index set."""
    entries = [f" {key} {_format_double(value)}" for key, value in _list_entries(axis, values, default)]
    if entries:
        yield from (f"param {name} :=", *entries, ";")


def _format_matrix(
    name: str, rows: Subscripts, columns: Subscripts, values: NDArray[Any], default: float
) -> Iterator[str]:
    """Yield a parameter over two index sets, one line for each of `rows`."""
    yield from _format_cube(name, {f"[{row}": part for row, part in zip(rows, values, strict=True)}, columns, default)


def _format_cube(name: str, slices: Mapping[str, NDArray[Any]], last: Subscripts, default: float) -> Iterator[str]:
    """Yield a parameter; `slices` maps each opened subscript `[a,b` to the values over the `last` index set."""
    entries = []
    for opened, values in slices.items():
        written = " ".join(f"{key} {_format_double(value)}" for key, value in _list_entries(last, values, default))
        if written:
            entries.append(f" {opened},*] {written}")
    if entries:
        yield from (f"param {name} :=", *entries, ";")


def _format_by_period(name: str, keys: Subscripts, periods: Subscripts, values: NDArray[Any]) -> Iterator[str]:
    """Yield a price of `keys` by period; nothing where each has one for all periods."""
    if values.shape[1] > 1:
        yield from _format_matrix(name, keys, periods, values, math.nan)


def _format_table(index: str, keys: Subscripts, columns: Mapping[str, Iterable[str | float]]) -> Iterator[str]:
    """Yield a set with its parameters side by side; text cells are written unchanged, `.` is the default."""
    yield f"param : {index} : {' '.join(columns)} :="
    for key, *cells in zip(keys, *columns.values(), strict=True):
        yield f" {key} {' '.join(_format_cell(cell) for cell in cells)}"
    yield ";"


def _format_cell(cell: str | float) -> str:
    """Return a cell; `.` for an infinite value."""
    if isinstance(cell, str):
        return cell
    return _format_double(float(cell)) if math.isfinite(cell) else "."


def _list_entries(axis: Subscripts, values: NDArray[Any], default: float) -> Iterator[tuple[str, float]]:
    """Yield the subscripts and values that are finite and differ from the default."""
    for key, value in zip(axis, values.tolist(), strict=True):
        if value != default and math.isfinite(value):
            yield key, float(value)


@dataclass(frozen=True)
class MathProgAxes:
    """Subscripts of every index set, as written in the file."""

    periods: Subscripts
    metals: Subscripts
    devices: Subscripts
    regions: Subscripts
    streams: Subscripts
    bundles: Subscripts  # by bundle index, the default last (index -1)
    treatments: Subscripts
    smelters: Subscripts
    terms: Subscripts
    offers: Subscripts
    alloys: Subscripts
    medals: Subscripts
    windows: Subscripts
    impurities: Subscripts
    charge_limits: Subscripts


def build_axes(instance: Instance) -> MathProgAxes:
    """Return the subscripts of an instance.

    Args:
        instance: Instance.

    Returns:
        The subscripts; a line of smelter terms is `smelter:line`.
    """
    smelter_of = [instance.smelters.names[k] for k in instance.terms.smelter]
    terms = [
        f"{percent_encode(k)}:{percent_encode(line)}" if line else percent_encode(k)
        for k, line in zip(smelter_of, instance.terms.names, strict=True)
    ]
    return MathProgAxes(
        periods=[str(t + 1) for t in range(len(instance.periods))],
        metals=_quote_symbols(instance.metals.names),
        devices=_quote_symbols(instance.devices.names),
        regions=_quote_symbols(instance.regions),
        streams=_quote_symbols(instance.streams.names),
        bundles=[*_quote_symbols([bundle for _, bundle in instance.bundles]), "."],
        treatments=_quote_symbols(instance.treatments.names),
        smelters=_quote_symbols(instance.smelters.names),
        terms=[f"'{symbol}'" for symbol in make_names_unique(terms, MAX_SYMBOL_LENGTH)],
        offers=_quote_symbols(instance.market.names),
        alloys=_quote_symbols(instance.alloys.names),
        medals=_quote_symbols(instance.medals.names),
        windows=_quote_symbols(instance.policy.windows),
        impurities=_quote_symbols(instance.impurities.names),
        charge_limits=_quote_symbols(instance.charge_limits.names),
    )


def _quote_symbols(names: Sequence[str]) -> Subscripts:
    """Return the quoted symbol of each name."""
    symbol = _make_mathprog_symbols(names)
    return [f"'{symbol[name]}'" for name in names]


def _pick_subscripts(axis: Subscripts, places: NDArray[np.intp]) -> Subscripts:
    """Return the subscripts at the given indices."""
    return [axis[place] for place in places.tolist()]


def _list_cut_names(instance: Instance) -> Iterator[str]:
    """Yield a comment with the full name for every name that is too long for a symbol."""
    listed = (
        instance.metals,
        instance.devices,
        instance.streams,
        instance.treatments,
        instance.smelters,
        instance.market,
        instance.alloys,
        instance.medals,
        instance.impurities,
        instance.charge_limits,
    )
    names = {*instance.regions, *instance.policy.windows, *(bundle for _, bundle in instance.bundles)}
    for name in sorted(names.union(*(axis.names for axis in listed))):
        if len(percent_encode(name)) > MAX_SYMBOL_LENGTH:
            yield f"# '{_make_mathprog_symbols([name])[name]}' is {percent_encode(name)}"


MEASURES = ("cost", "footprint", "mass")


def write_mathprog(instance: Instance, objective: str = "cost") -> str:
    """Render an instance as a MathProg data file.

    Args:
        instance: Instance.
        objective: Objective to minimise: cost, footprint or mass.

    Returns:
        The text of the data file.

    Raises:
        ValueError: The objective is unknown.
    """
    if objective not in MEASURES:
        raise ValueError(f"measure is {objective!r}; it must be one of {', '.join(MEASURES)}")
    axes = build_axes(instance)
    sections = (
        _write_metals,
        _write_streams,
        _write_treatments,
        _write_smelters,
        _write_terms,
        _write_impurities,
        _write_market,
        _write_alloys,
        _write_medals,
        _write_policy,
    )
    lines = [*_write_header(instance, objective)]
    for section in sections:
        lines += ["", *section(instance, axes)]
    return "\n".join([*lines, "", "end;", ""])


def _write_header(instance: Instance, objective: str) -> Iterator[str]:
    """Yield the header: name, currency, periods, cut names, objective and number of periods."""
    yield f"# {instance.name}: data for sourcing.mod. Money in {instance.currency}."
    if instance.periods[0] != "1":
        yield "# Periods: " + ", ".join(f"{t} is {label}" for t, label in enumerate(instance.periods, 1)) + "."
    if has_confidence(instance):
        yield "# Without the promise of the instance (family 16), which sourcing.mod does not have."
    yield from _list_cut_names(instance)
    yield ""
    yield "data;"
    yield f"param measure := '{objective}';"
    yield f"param n := {len(instance.periods)};"


def _write_metals(instance: Instance, axes: MathProgAxes) -> Iterator[str]:
    """Yield prices, holding costs and opening stocks of metals."""
    metals = instance.metals
    yield _format_set("METALS", axes.metals)
    yield from _format_matrix("sell", axes.metals, axes.periods, metals.sell.value, 0.0)
    yield from _format_matrix("holding", axes.metals, axes.periods, metals.holding.value, 0.0)
    yield from _format_vector("opening_stock", axes.metals, metals.opening_stock.value, 0.0)
    if leaves_metal(instance):
        yield _format_set("LEFT", _pick_subscripts(axes.metals, metals.surplus_to_smelter.nonzero()[0]))
    yield from _format_vector("reserve_periods", axes.metals, metals.reserve, 0)


def _write_streams(instance: Instance, axes: MathProgAxes) -> Iterator[str]:
    """Yield devices with assays, regions, streams with prices and supply, lots and storage."""
    streams = instance.streams
    storable = streams.storable.nonzero()[0]
    yield _format_set("DEVICES", axes.devices)
    yield from _format_matrix("assay", axes.devices, axes.metals, instance.devices.assay.value, 0.0)
    yield ""
    yield _format_set("REGIONS", axes.regions)
    yield from _format_table("STREAMS", axes.streams, {
        "device": _pick_subscripts(axes.devices, streams.device),
        "region": _pick_subscripts(axes.regions, streams.region),
        "bundle": _pick_subscripts(axes.bundles, streams.bundle),
        "price": streams.price.value[:, 0],
        "collection": streams.collection.value[:, 0],
        "stream_committed": streams.committed.value,
        "stream_footprint": streams.footprint.value,
    })  # fmt: skip
    yield from _format_by_period("price_in", axes.streams, axes.periods, streams.price.value)
    yield from _format_by_period("collection_in", axes.streams, axes.periods, streams.collection.value)
    yield from _format_matrix("available", axes.streams, axes.periods, streams.available.value, 0.0)
    yield from _format_matrix("credited", axes.streams, axes.metals, streams.credited.value, 1.0)
    yield from _format_vector("lot", axes.streams, streams.lot.value, 0.0)
    yield from _format_vector("minimum_order", axes.streams, streams.minimum_order.value, 0.0)
    yield from _format_vector("stream_fixed", axes.streams, streams.fixed_charge.value, 0.0)
    yield from _write_steps(instance, STREAM_STEPS, axes.streams)
    yield from _format_table("STORABLE", _pick_subscripts(axes.streams, storable), {
        "storage_limit": streams.storage_limit.value[storable],
        "storage_cost": streams.storage_cost.value[storable],
    })  # fmt: skip


def _write_steps(instance: Instance, kind: StepKind, owners: Subscripts) -> Iterator[str]:
    """Yield the limits and surcharges of price steps; nothing without steps."""
    steps = kind.get_steps(instance)
    if len(steps.owner):
        yield from _format_table(f"{kind.name.upper()}_STEPS", _quote_symbols(kind.list_names(instance)), {
            f"{kind.name}_step": _pick_subscripts(owners, steps.owner),
            f"{kind.name}_up_to": steps.above.value,
            f"{kind.name}_surcharge": steps.surcharge.value,
        })  # fmt: skip


def _write_treatments(instance: Instance, axes: MathProgAxes) -> Iterator[str]:
    """Yield costs, yields, recoveries and capacities of treatments."""
    treatments = instance.treatments
    parents = [axes.treatments[h] if h >= 0 else "." for h in treatments.parent.tolist()]
    yield from _format_table("TREATMENTS", axes.treatments, {
        "residue_value": treatments.residue_value.value,
        "treatment_footprint": treatments.footprint.value,
        **({"parent": parents} if treatments.has_fractions else {}),
    })  # fmt: skip
    yield _format_set("ACCEPTED", _list_pairs(axes.treatments, axes.devices, treatments.accepts))
    yield _format_set("SERVED", _list_pairs(axes.treatments, axes.regions, treatments.regions))
    cost = treatments.cost.value
    yield from _format_matrix("treatment_cost", axes.treatments, axes.devices, cost[:, :, 0], 0.0)
    pairs = [f"{h},{d}" for h, d in product(axes.treatments, axes.devices)]
    yield from _format_by_period("treatment_cost_in", pairs, axes.periods, cost.reshape(len(pairs), cost.shape[2]))
    yield from _format_matrix("to_smelter", axes.treatments, axes.devices, treatments.to_smelter.value, 1.0)
    recovery = treatments.recovery.value.reshape(-1, len(axes.metals))
    opened = [f"[{h},{d}" for h, d in product(axes.treatments, axes.devices)]
    yield from _format_cube("recovery", dict(zip(opened, recovery, strict=True)), axes.metals, 1.0)
    yield from _format_vector("treatment_fixed", axes.treatments, treatments.fixed_charge.value, 0.0)
    yield from _format_matrix("treatment_limit", axes.treatments, axes.periods, treatments.capacity.value, math.inf)
    if treatments.has_fractions:
        sold = list(zip(*treatments.sells.nonzero(), strict=True))
        yield from _format_table("SOLD", [f"{axes.treatments[h]} {axes.devices[d]}" for h, d in sold], {
            "sold": [treatments.sold.value[(*of, 0)] for of in sold],
        })  # fmt: skip
        pairs = [f"{axes.treatments[h]},{axes.devices[d]}" for h, d in sold]
        yield from _format_by_period("sold_in", pairs, axes.periods, treatments.sold.value[treatments.sells])


def _write_smelters(instance: Instance, axes: MathProgAxes) -> Iterator[str]:
    """Yield limits, lead times, accepted feeds and lanes of smelters."""
    smelters, lanes = instance.smelters, instance.lanes
    yield from _format_table("SMELTERS", axes.smelters, {
        "total_committed": smelters.committed.value,
        "total_limit": smelters.limit.value,
        "smelter_footprint": smelters.footprint.value,
    })  # fmt: skip
    yield from _format_vector("smelter_fixed", axes.smelters, smelters.fixed_charge.value, 0.0)
    yield from _format_matrix("feed_limit", axes.smelters, axes.periods, smelters.capacity.value, math.inf)
    yield from _format_matrix("lead", axes.smelters, axes.metals, smelters.lead, 0)
    feeds = [f"{k} {d} {h}" for k, d, h in product(axes.smelters, axes.devices, axes.treatments)]
    lines = smelters.line.ravel().tolist()
    yield _format_set("TERMS", axes.terms)
    accepted = [(feed, axes.terms[line]) for feed, line in zip(feeds, lines, strict=True) if line >= 0]
    yield from _format_table("FEEDS", [feed for feed, _ in accepted], {"terms": [line for _, line in accepted]})
    lane_indices = [(g, k) for g, k in zip(*lanes.exists.nonzero(), strict=True)]
    yield from _format_table("LANES", [f"{axes.regions[g]} {axes.smelters[k]}" for g, k in lane_indices], {
        "lane_cost": [lanes.cost.value[lane] for lane in lane_indices],
        "lane_footprint": [lanes.footprint.value[lane] for lane in lane_indices],
    })  # fmt: skip


def _write_terms(instance: Instance, axes: MathProgAxes) -> Iterator[str]:
    """Yield charges, returns and deductions of the lines of smelter terms."""
    terms = instance.terms
    charge, refining = terms.treatment_charge.value, terms.refining_charge.value
    yield from _format_vector("treatment_charge", axes.terms, charge[:, 0], 0.0)
    yield from _format_by_period("treatment_charge_in", axes.terms, axes.periods, charge)
    yield from _format_matrix("refining_charge", axes.terms, axes.metals, refining[:, :, 0], 0.0)
    pairs = [f"{line},{metal}" for line, metal in product(axes.terms, axes.metals)]
    flat = refining.reshape(len(pairs), refining.shape[2])
    yield from _format_by_period("refining_charge_in", pairs, axes.periods, flat)
    yield from _format_matrix("metal_return", axes.terms, axes.metals, terms.returned.value, 0.0)
    yield from _format_matrix("deduction", axes.terms, axes.metals, terms.deduction.value, 0.0)
    if leaves_metal(instance):
        pays = terms.pays.value.reshape(-1, len(axes.periods))
        opened = [f"[{line},{metal}" for line, metal in product(axes.terms, axes.metals)]
        yield from _format_cube("pays", dict(zip(opened, pays, strict=True)), axes.periods, 0.0)
    yield from _format_vector("minimum_lot", axes.terms, terms.minimum_lot.value, 0.0)
    yield from _format_vector("lot_charge", axes.terms, terms.lot_charge.value, 0.0)
    if terms.pooled.any():
        yield _format_set("POOLED", _pick_subscripts(axes.terms, terms.pooled.nonzero()[0]))


def _write_impurities(instance: Instance, axes: MathProgAxes) -> Iterator[str]:
    """Yield elements that smelters refuse, charge or limit, with their content; nothing where there are none."""
    impurities = instance.impurities
    if not impurities.has_effect:
        return
    own, of_metal = np.flatnonzero(impurities.metal < 0), np.flatnonzero(impurities.metal >= 0)
    elements = axes.impurities
    yield _format_set("IMPURITIES", elements)
    yield from _format_table("ON_ACCOUNT", _pick_subscripts(elements, of_metal), {
        "as_metal": _pick_subscripts(axes.metals, impurities.metal[of_metal]),
    })  # fmt: skip
    names = _pick_subscripts(elements, own)
    yield from _format_matrix("impurity_assay", axes.devices, names, impurities.assay.value[:, own], 0.0)
    recovery = impurities.recovery.value[:, :, own].reshape(-1, len(own))
    opened = [f"[{h},{d}" for h, d in product(axes.treatments, axes.devices)]
    yield from _format_cube("impurity_recovery", dict(zip(opened, recovery, strict=True)), names, 1.0)
    yield from _format_matrix("refused", axes.terms, elements, impurities.refuse.value, math.inf)
    yield from _format_matrix("content_limit", axes.smelters, elements, impurities.limit.value, math.inf)
    steps = range(len(impurities.penalty_line))
    yield from _format_table("PENALTIES", [str(n + 1) for n in steps], {
        "penalty_terms": _pick_subscripts(axes.terms, impurities.penalty_line),
        "penalty_on": _pick_subscripts(elements, impurities.penalty_element),
        "penalty_above": impurities.penalty_above.value,
        "penalty_per": impurities.penalty_per.value,
        "penalty_charge": impurities.penalty_charge.value[:, 0],
    })  # fmt: skip
    steps_by_period = impurities.penalty_charge.value
    yield from _format_by_period("penalty_charge_in", [str(n + 1) for n in steps], axes.periods, steps_by_period)


def _write_market(instance: Instance, axes: MathProgAxes) -> Iterator[str]:
    """Yield prices, limits, compositions and lots of market offers."""
    market = instance.market
    yield from _format_table("OFFERS", axes.offers, {
        "purchase_committed": market.committed.value,
        "purchase_limit": market.limit.value,
        "recycled_fraction": market.recycled.value,
        "offer_footprint": market.footprint.value,
    })  # fmt: skip
    if market.storable.any():
        yield _format_set("STORED", _pick_subscripts(axes.offers, market.storable.nonzero()[0]))
        yield from _format_matrix(
            "offer_storage_limit", axes.offers, axes.periods, market.storage_limit.value, math.inf
        )
        yield from _format_vector("offer_opening", axes.offers, market.opening_stock.value, 0.0)
        yield from _format_vector("offer_closing", axes.offers, market.closing_stock.value, 0.0)
    yield from _format_vector("offer_lot", axes.offers, market.lot.value, 0.0)
    yield from _format_vector("offer_minimum", axes.offers, market.minimum_order.value, 0.0)
    yield from _format_vector("offer_fixed", axes.offers, market.fixed_charge.value, 0.0)
    yield from _write_steps(instance, OFFER_STEPS, axes.offers)
    yield from _format_matrix("composition", axes.offers, axes.metals, market.composition.value, 0.0)
    yield from _format_matrix("offer_price", axes.offers, axes.periods, market.price.value, 0.0)


def _write_alloys(instance: Instance, axes: MathProgAxes) -> Iterator[str]:
    """Yield losses, process scrap, composition windows and capacities of alloys."""
    alloys = instance.alloys
    admits = alloys.admits_others.nonzero()[0]
    named = [(a, e) for a, e in zip(*alloys.named.nonzero(), strict=True)]
    yield from _format_table("ALLOYS", axes.alloys, {
        "loss": alloys.loss.value,
        "scrap_share": alloys.scrap_share.value,
        "scrap_returned": alloys.scrap_returned.value,
        "scrap_lead": alloys.scrap_lead,
        "scrap_value": alloys.scrap_value.value,
    })  # fmt: skip
    yield from _format_table("NAMED", [f"{axes.alloys[a]} {axes.metals[e]}" for a, e in named], {
        "low": [alloys.low.value[place] for place in named],
        "high": [alloys.high.value[place] for place in named],
    })  # fmt: skip
    others = {"others_share": alloys.others.value[admits]}
    yield from _format_table("ADMITS_OTHERS", _pick_subscripts(axes.alloys, admits), others)
    yield from _format_matrix("cast_limit", axes.alloys, axes.periods, alloys.capacity.value, math.inf)
    yield from _format_matrix("cast_holding", axes.alloys, axes.periods, alloys.holding.value, 0.0)
    yield from _write_charge_limits(instance, axes)
    yield from _format_matrix("cast_price", axes.alloys, axes.periods, alloys.sell.value, 0.0)


def _write_charge_limits(instance: Instance, axes: MathProgAxes) -> Iterator[str]:
    """Yield the limits on groups of offers charged to alloys; nothing where there are none."""
    limits = instance.charge_limits
    if not limits.names:
        return
    given = [(a, n) for a, n in np.argwhere(np.isfinite(limits.most.raw).any(axis=2)).tolist()]
    subscripts = [f"{axes.alloys[a]},{axes.charge_limits[n]}" for a, n in given]
    yield _format_set("LIMIT_NAMES", axes.charge_limits)
    yield _format_set("CHARGE_LIMITS", [key.replace(",", " ", 1) for key in subscripts])
    for (a, n), key in zip(given, subscripts, strict=True):
        yield _format_set(f"GROUP[{key}]", _pick_subscripts(axes.offers, limits.offers[a, n].nonzero()[0]))
    values = np.array([limits.most.value[pair] for pair in given])
    yield from _format_matrix("most_charged", subscripts, axes.periods, values, math.inf)


def _write_medals(instance: Instance, axes: MathProgAxes) -> Iterator[str]:
    """Yield counts, due periods, allowances and alloy parts of medals."""
    medals = instance.medals
    yield from _format_table("MEDALS", axes.medals, {
        "count": medals.count,
        "due": [due + 1 for due in medals.due.tolist()],
        "allowance": medals.allowance.value,
    })  # fmt: skip
    yield from _format_matrix("part", axes.medals, axes.alloys, medals.parts.value, 0.0)
    yield from _format_vector("shortfall", axes.medals, medals.shortfall.value, math.inf)


def _write_policy(instance: Instance, axes: MathProgAxes) -> Iterator[str]:
    """Yield recycled shares, device windows, participation, concentration and the footprint cap."""
    policy = instance.policy
    yield from _format_vector("recycled_floor", axes.metals, policy.recycled.value, 0.0)
    yield from _format_table("WINDOWS", axes.windows, {
        "window_low": policy.window_low.value,
        "window_high": policy.window_high.value,
    })  # fmt: skip
    for window, members in zip(axes.windows, policy.members, strict=True):
        yield _format_set(f"MEMBERS[{window}]", _pick_subscripts(axes.devices, members.nonzero()[0]))
    if policy.participation.value > 0:
        yield f"param participation_share := {_format_double(float(policy.participation.value))};"
    for name in ("smelters", "regions", "offers"):
        most = float(getattr(policy, f"concentration_{name}").value)
        if most < 1:
            yield f"param {name}_share := {_format_double(most)};"
    if math.isfinite(policy.footprint_cap.value):
        yield f"param cap := {_format_double(float(policy.footprint_cap.value))};"


def _make_mathprog_symbols(names: Sequence[str]) -> dict[str, str]:
    """Return the symbols in a MathProg data file."""
    different = dict.fromkeys(names)
    return dict(zip(different, make_names_unique(map(percent_encode, different), MAX_SYMBOL_LENGTH), strict=True))
