"""Export of an instance as a GNU MathProg data file for `models/sourcing.mod`.

All values are in canonical units, as the shortest decimals that read back as the same doubles; infinite values, and
those equal to the default of the model, are omitted. Names are quoted symbols: ASCII letters, digits and `_.-~@`, all
else percent-encoded; names too long for GLPK are cut, with the full name in a comment. Periods are numbered from 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from textwrap import fill
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medalopt.export.lp_mps import MAX_SYMBOL_LENGTH, make_names_unique
from medalopt.instance.instance import Instance
from medalopt.instance.lots import OFFER_STEPS, STREAM_STEPS, ActivityKind
from medalopt.instance.smelter_terms import leaves_metal
from medalopt.instance.uncertainty import has_confidence
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


def _format_array(name: str, values: NDArray[Any], default: float, *axes: Subscripts) -> Iterator[str]:
    """Yield a parameter over index sets, a line for all but the last; nothing where all are the default."""
    entries = []
    if len(axes) == 1:
        entries = [f" {key} {_format_double(value)}" for key, value in _list_entries(axes[0], values, default)]
    else:
        rows = values.reshape(math.prod(map(len, axes[:-1])), len(axes[-1]))
        for subscripts, row in zip(product(*axes[:-1]), rows, strict=True):
            written = " ".join(f"{key} {_format_double(value)}" for key, value in _list_entries(axes[-1], row, default))
            if written:
                entries.append(f" [{','.join(subscripts)},*] {written}")
    if entries:
        yield from (f"param {name} :=", *entries, ";")


def _format_by_period(name: str, values: NDArray[Any], *axes: Subscripts) -> Iterator[str]:
    """Yield a price by period, the last axis; nothing where there is one for all periods."""
    if values.shape[-1] > 1:
        yield from _format_array(name, values, math.nan, *axes)


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


def _list_axes(instance: Instance) -> dict[str, Sequence[str]]:
    """Return the names along the axes with names of their own."""
    sections = ("metals", "devices", "streams", "treatments", "smelters", "alloys", "medals")
    return {
        **{section: getattr(instance, section).names for section in (*sections, "impurities", "charge_limits")},
        "regions": instance.regions,
        "offers": instance.market.names,
        "windows": instance.policy.windows,
        "bundles": [bundle for _, bundle in instance.bundles],
    }


def build_axes(instance: Instance) -> SimpleNamespace:
    """Return the subscripts of every index set, as written in the file.

    Args:
        instance: Instance.

    Returns:
        A sequence for `periods`, for `terms`, where a line of smelter terms is `smelter:line`, and for each axis with
        names of its own; the last of `bundles`, of index -1, is the default.
    """
    smelter_of = [instance.smelters.names[k] for k in instance.terms.smelter]
    terms = [
        f"{percent_encode(k)}:{percent_encode(line)}" if line else percent_encode(k)
        for k, line in zip(smelter_of, instance.terms.names, strict=True)
    ]
    axes = {axis: _quote_symbols(names) for axis, names in _list_axes(instance).items()}
    return SimpleNamespace(
        periods=[str(t + 1) for t in range(len(instance.periods))],
        terms=[f"'{symbol}'" for symbol in make_names_unique(terms, MAX_SYMBOL_LENGTH)],
        **{**axes, "bundles": [*axes["bundles"], "."]},
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
    for name in sorted({name for names in _list_axes(instance).values() for name in names}):
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


def _write_metals(instance: Instance, axes: SimpleNamespace) -> Iterator[str]:
    """Yield prices, holding costs and opening stocks of metals."""
    metals = instance.metals
    yield _format_set("METALS", axes.metals)
    yield from _format_array("sell", metals.sell.value, 0.0, axes.metals, axes.periods)
    yield from _format_array("holding", metals.holding.value, 0.0, axes.metals, axes.periods)
    yield from _format_array("opening_stock", metals.opening_stock.value, 0.0, axes.metals)
    if leaves_metal(instance):
        yield _format_set("LEFT", _pick_subscripts(axes.metals, metals.surplus_to_smelter.nonzero()[0]))
    yield from _format_array("reserve_periods", metals.reserve, 0, axes.metals)


def _write_streams(instance: Instance, axes: SimpleNamespace) -> Iterator[str]:
    """Yield devices with assays, regions, streams with prices and supply, lots and storage."""
    streams = instance.streams
    storable = streams.storable.nonzero()[0]
    yield _format_set("DEVICES", axes.devices)
    yield from _format_array("assay", instance.devices.assay.value, 0.0, axes.devices, axes.metals)
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
    yield from _format_by_period("price_in", streams.price.value, axes.streams, axes.periods)
    yield from _format_by_period("collection_in", streams.collection.value, axes.streams, axes.periods)
    yield from _format_array("available", streams.available.value, 0.0, axes.streams, axes.periods)
    yield from _format_array("credited", streams.credited.value, 1.0, axes.streams, axes.metals)
    yield from _format_array("lot", streams.lot.value, 0.0, axes.streams)
    yield from _format_array("minimum_order", streams.minimum_order.value, 0.0, axes.streams)
    yield from _format_array("stream_fixed", streams.fixed_charge.value, 0.0, axes.streams)
    yield from _write_steps(instance, STREAM_STEPS, axes.streams)
    yield from _format_table("STORABLE", _pick_subscripts(axes.streams, storable), {
        "storage_limit": streams.storage_limit.value[storable],
        "storage_cost": streams.storage_cost.value[storable],
    })  # fmt: skip


def _write_steps(instance: Instance, kind: ActivityKind, owners: Subscripts) -> Iterator[str]:
    """Yield the limits and surcharges of price steps; nothing without steps."""
    steps = kind.get_steps(instance)
    if len(steps.owner):
        yield from _format_table(f"{kind.name.upper()}_STEPS", _quote_symbols(kind.list_steps(instance)), {
            f"{kind.name}_step": _pick_subscripts(owners, steps.owner),
            f"{kind.name}_up_to": steps.above.value,
            f"{kind.name}_surcharge": steps.surcharge.value,
        })  # fmt: skip


def _write_treatments(instance: Instance, axes: SimpleNamespace) -> Iterator[str]:
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
    yield from _format_array("treatment_cost", cost[:, :, 0], 0.0, axes.treatments, axes.devices)
    yield from _format_by_period("treatment_cost_in", cost, axes.treatments, axes.devices, axes.periods)
    yield from _format_array("to_smelter", treatments.to_smelter.value, 1.0, axes.treatments, axes.devices)
    yield from _format_array("recovery", treatments.recovery.value, 1.0, axes.treatments, axes.devices, axes.metals)
    yield from _format_array("treatment_fixed", treatments.fixed_charge.value, 0.0, axes.treatments)
    yield from _format_array("treatment_limit", treatments.capacity.value, math.inf, axes.treatments, axes.periods)
    if treatments.has_fractions:
        sold = list(zip(*treatments.sells.nonzero(), strict=True))
        yield from _format_table("SOLD", [f"{axes.treatments[h]} {axes.devices[d]}" for h, d in sold], {
            "sold": [treatments.sold.value[(*of, 0)] for of in sold],
        })  # fmt: skip
        pairs = [f"{axes.treatments[h]},{axes.devices[d]}" for h, d in sold]
        yield from _format_by_period("sold_in", treatments.sold.value[treatments.sells], pairs, axes.periods)


def _write_smelters(instance: Instance, axes: SimpleNamespace) -> Iterator[str]:
    """Yield limits, lead times, accepted feeds and lanes of smelters."""
    smelters, lanes = instance.smelters, instance.lanes
    yield from _format_table("SMELTERS", axes.smelters, {
        "total_committed": smelters.committed.value,
        "total_limit": smelters.limit.value,
        "smelter_footprint": smelters.footprint.value,
    })  # fmt: skip
    yield from _format_array("smelter_fixed", smelters.fixed_charge.value, 0.0, axes.smelters)
    yield from _format_array("feed_limit", smelters.capacity.value, math.inf, axes.smelters, axes.periods)
    yield from _format_array("lead", smelters.lead, 0, axes.smelters, axes.metals)
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


def _write_terms(instance: Instance, axes: SimpleNamespace) -> Iterator[str]:
    """Yield charges, returns and deductions of the lines of smelter terms."""
    terms = instance.terms
    charge, refining = terms.treatment_charge.value, terms.refining_charge.value
    yield from _format_array("treatment_charge", charge[:, 0], 0.0, axes.terms)
    yield from _format_by_period("treatment_charge_in", charge, axes.terms, axes.periods)
    yield from _format_array("refining_charge", refining[:, :, 0], 0.0, axes.terms, axes.metals)
    yield from _format_by_period("refining_charge_in", refining, axes.terms, axes.metals, axes.periods)
    yield from _format_array("metal_return", terms.returned.value, 0.0, axes.terms, axes.metals)
    yield from _format_array("deduction", terms.deduction.value, 0.0, axes.terms, axes.metals)
    if leaves_metal(instance):
        yield from _format_array("pays", terms.pays.value, 0.0, axes.terms, axes.metals, axes.periods)
    yield from _format_array("minimum_lot", terms.minimum_lot.value, 0.0, axes.terms)
    yield from _format_array("lot_charge", terms.lot_charge.value, 0.0, axes.terms)
    if terms.pooled.any():
        yield _format_set("POOLED", _pick_subscripts(axes.terms, terms.pooled.nonzero()[0]))


def _write_impurities(instance: Instance, axes: SimpleNamespace) -> Iterator[str]:
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
    yield from _format_array("impurity_assay", impurities.assay.value[:, own], 0.0, axes.devices, names)
    recovery = impurities.recovery.value[:, :, own]
    yield from _format_array("impurity_recovery", recovery, 1.0, axes.treatments, axes.devices, names)
    yield from _format_array("refused", impurities.refuse.value, math.inf, axes.terms, elements)
    yield from _format_array("content_limit", impurities.limit.value, math.inf, axes.smelters, elements)
    numbers, charge = [str(n + 1) for n in range(len(impurities.penalty_line))], impurities.penalty_charge.value
    yield from _format_table("PENALTIES", numbers, {
        "penalty_terms": _pick_subscripts(axes.terms, impurities.penalty_line),
        "penalty_on": _pick_subscripts(elements, impurities.penalty_element),
        "penalty_above": impurities.penalty_above.value,
        "penalty_per": impurities.penalty_per.value,
        "penalty_charge": charge[:, 0],
    })  # fmt: skip
    yield from _format_by_period("penalty_charge_in", charge, numbers, axes.periods)


def _write_market(instance: Instance, axes: SimpleNamespace) -> Iterator[str]:
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
        yield from _format_array("offer_storage_limit", market.storage_limit.value, math.inf, axes.offers, axes.periods)
        yield from _format_array("offer_opening", market.opening_stock.value, 0.0, axes.offers)
        yield from _format_array("offer_closing", market.closing_stock.value, 0.0, axes.offers)
    yield from _format_array("offer_lot", market.lot.value, 0.0, axes.offers)
    yield from _format_array("offer_minimum", market.minimum_order.value, 0.0, axes.offers)
    yield from _format_array("offer_fixed", market.fixed_charge.value, 0.0, axes.offers)
    yield from _write_steps(instance, OFFER_STEPS, axes.offers)
    yield from _format_array("composition", market.composition.value, 0.0, axes.offers, axes.metals)
    yield from _format_array("offer_price", market.price.value, 0.0, axes.offers, axes.periods)


def _write_alloys(instance: Instance, axes: SimpleNamespace) -> Iterator[str]:
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
    yield from _format_array("cast_limit", alloys.capacity.value, math.inf, axes.alloys, axes.periods)
    yield from _format_array("cast_holding", alloys.holding.value, 0.0, axes.alloys, axes.periods)
    yield from _write_charge_limits(instance, axes)
    yield from _format_array("cast_price", alloys.sell.value, 0.0, axes.alloys, axes.periods)


def _write_charge_limits(instance: Instance, axes: SimpleNamespace) -> Iterator[str]:
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
    yield from _format_array("most_charged", values, math.inf, subscripts, axes.periods)


def _write_medals(instance: Instance, axes: SimpleNamespace) -> Iterator[str]:
    """Yield counts, due periods, allowances and alloy parts of medals."""
    medals = instance.medals
    yield from _format_table("MEDALS", axes.medals, {
        "count": medals.count,
        "due": [due + 1 for due in medals.due.tolist()],
        "allowance": medals.allowance.value,
    })  # fmt: skip
    yield from _format_array("part", medals.parts.value, 0.0, axes.medals, axes.alloys)
    yield from _format_array("shortfall", medals.shortfall.value, math.inf, axes.medals)


def _write_policy(instance: Instance, axes: SimpleNamespace) -> Iterator[str]:
    """Yield recycled shares, device windows, participation, concentration and the footprint cap."""
    policy = instance.policy
    yield from _format_array("recycled_floor", policy.recycled.value, 0.0, axes.metals)
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
