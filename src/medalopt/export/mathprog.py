"""Export of an instance as a GNU MathProg data file for `models/sourcing.mod`.

All values are in canonical units, as the shortest decimals that read back as the same doubles. Names are quoted
symbols: ASCII letters, digits and `_.-~@`, all else percent-encoded; longer names than GLPK takes are cut, with the
full name in a comment. Values equal to the default of the model are omitted. Periods are numbered from 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

from medalopt.export.mathprog_axes import Axes, axes, cut_names, picked
from medalopt.export.mathprog_data import cube, matrix, number, pairs, set_of, table, vector
from medalopt.instance.instance import Instance

MEASURES = ("cost", "footprint", "mass")


def write_mathprog(instance: Instance, measure: str = "cost") -> str:
    """Render an instance as a MathProg data file.

    Args:
        instance: Instance.
        measure: Objective to minimise: cost, footprint or mass.

    Returns:
        The text of the data file.

    Raises:
        ValueError: The objective is unknown.
    """
    if measure not in MEASURES:
        raise ValueError(f"measure is {measure!r}; it must be one of {', '.join(MEASURES)}")
    at = axes(instance)
    sections = (_metals, _streams, _treatments, _smelters, _terms, _market, _alloys, _medals, _policy)
    lines = [*_opening(instance, measure)]
    for section in sections:
        lines += ["", *section(instance, at)]
    return "\n".join([*lines, "", "end;", ""])


def _opening(instance: Instance, measure: str) -> Iterator[str]:
    """Yield the header: name, currency, periods, cut names, objective and number of periods."""
    yield f"# {instance.name}: data for sourcing.mod. Money in {instance.currency}."
    if instance.periods[0] != "1":
        yield "# Periods: " + ", ".join(f"{t} is {label}" for t, label in enumerate(instance.periods, 1)) + "."
    yield from cut_names(instance)
    yield ""
    yield "data;"
    yield f"param measure := '{measure}';"
    yield f"param n := {len(instance.periods)};"


def _metals(instance: Instance, at: Axes) -> Iterator[str]:
    """Yield prices, holding costs and opening stocks of metals."""
    metals = instance.metals
    yield set_of("METALS", at.metals)
    yield from matrix("sell", at.metals, at.periods, metals.sell.value, 0.0)
    yield from matrix("holding", at.metals, at.periods, metals.holding.value, 0.0)
    yield from vector("opening_stock", at.metals, metals.opening_stock.value, 0.0)


def _streams(instance: Instance, at: Axes) -> Iterator[str]:
    """Yield devices with assays, regions, streams with prices and supply, lots and storage."""
    streams = instance.streams
    storable = streams.storable.nonzero()[0]
    yield set_of("DEVICES", at.devices)
    yield from matrix("assay", at.devices, at.metals, instance.devices.assay.value, 0.0)
    yield ""
    yield set_of("REGIONS", at.regions)
    yield from table("STREAMS", at.streams, {
        "device": picked(at.devices, streams.device),
        "region": picked(at.regions, streams.region),
        "bundle": picked(at.bundles, streams.bundle),
        "price": streams.price.value,
        "collection": streams.collection.value,
        "stream_committed": streams.committed.value,
        "stream_footprint": streams.footprint.value,
    })  # fmt: skip
    yield from matrix("available", at.streams, at.periods, streams.available.value, 0.0)
    yield from matrix("credited", at.streams, at.metals, streams.credited.value, 1.0)
    yield from vector("lot", at.streams, streams.lot.value, 0.0)
    yield from vector("minimum_order", at.streams, streams.minimum_order.value, 0.0)
    yield from table("STORABLE", picked(at.streams, storable), {
        "storage_limit": streams.storage_limit.value[storable],
        "storage_cost": streams.storage_cost.value[storable],
    })  # fmt: skip


def _treatments(instance: Instance, at: Axes) -> Iterator[str]:
    """Yield costs, yields, recoveries and capacities of treatments."""
    treatments = instance.treatments
    yield from table("TREATMENTS", at.treatments, {
        "residue_value": treatments.residue_value.value,
        "treatment_footprint": treatments.footprint.value,
    })  # fmt: skip
    yield set_of("ACCEPTED", pairs(at.treatments, at.devices, treatments.accepts))
    yield set_of("SERVED", pairs(at.treatments, at.regions, treatments.regions))
    yield from matrix("treatment_cost", at.treatments, at.devices, treatments.cost.value, 0.0)
    yield from matrix("to_smelter", at.treatments, at.devices, treatments.to_smelter.value, 1.0)
    recovery = treatments.recovery.value.reshape(-1, len(at.metals))
    opened = [f"[{h},{d}" for h, d in product(at.treatments, at.devices)]
    yield from cube("recovery", dict(zip(opened, recovery, strict=True)), at.metals, 1.0)
    yield from matrix("treatment_limit", at.treatments, at.periods, treatments.capacity.value, math.inf)


def _smelters(instance: Instance, at: Axes) -> Iterator[str]:
    """Yield limits, lead times, accepted feeds and lanes of smelters."""
    smelters, lanes = instance.smelters, instance.lanes
    yield from table("SMELTERS", at.smelters, {
        "total_committed": smelters.committed.value,
        "total_limit": smelters.limit.value,
        "smelter_footprint": smelters.footprint.value,
    })  # fmt: skip
    yield from matrix("feed_limit", at.smelters, at.periods, smelters.capacity.value, math.inf)
    yield from matrix("lead", at.smelters, at.metals, smelters.lead, 0)
    feeds = [f"{k} {d} {h}" for k, d, h in product(at.smelters, at.devices, at.treatments)]
    lines = smelters.line.ravel().tolist()
    yield set_of("TERMS", at.terms)
    accepted = [(feed, at.terms[line]) for feed, line in zip(feeds, lines, strict=True) if line >= 0]
    yield from table("FEEDS", [feed for feed, _ in accepted], {"terms": [line for _, line in accepted]})
    ways = [(g, k) for g, k in zip(*lanes.exists.nonzero(), strict=True)]
    yield from table("LANES", [f"{at.regions[g]} {at.smelters[k]}" for g, k in ways], {
        "lane_cost": [lanes.cost.value[way] for way in ways],
        "lane_footprint": [lanes.footprint.value[way] for way in ways],
    })  # fmt: skip


def _terms(instance: Instance, at: Axes) -> Iterator[str]:
    """Yield charges, returns and deductions of the lines of smelter terms."""
    terms = instance.terms
    yield from vector("treatment_charge", at.terms, terms.treatment_charge.value, 0.0)
    yield from matrix("refining_charge", at.terms, at.metals, terms.refining_charge.value, 0.0)
    yield from matrix("metal_return", at.terms, at.metals, terms.returned.value, 0.0)
    yield from matrix("deduction", at.terms, at.metals, terms.deduction.value, 0.0)
    if terms.pooled.any():
        yield set_of("POOLED", picked(at.terms, terms.pooled.nonzero()[0]))


def _market(instance: Instance, at: Axes) -> Iterator[str]:
    """Yield prices, limits, compositions and lots of market offers."""
    market = instance.market
    yield from table("OFFERS", at.offers, {
        "purchase_committed": market.committed.value,
        "purchase_limit": market.limit.value,
        "recycled_fraction": market.recycled.value,
        "offer_footprint": market.footprint.value,
    })  # fmt: skip
    if market.storable.any():
        yield set_of("STORED", picked(at.offers, market.storable.nonzero()[0]))
    yield from vector("offer_lot", at.offers, market.lot.value, 0.0)
    yield from vector("offer_minimum", at.offers, market.minimum_order.value, 0.0)
    yield from matrix("composition", at.offers, at.metals, market.composition.value, 0.0)
    yield from matrix("offer_price", at.offers, at.periods, market.price.value, 0.0)


def _alloys(instance: Instance, at: Axes) -> Iterator[str]:
    """Yield losses, process scrap, composition windows and capacities of alloys."""
    alloys = instance.alloys
    admits = alloys.admits_others.nonzero()[0]
    named = [(a, e) for a, e in zip(*alloys.named.nonzero(), strict=True)]
    yield from table("ALLOYS", at.alloys, {
        "loss": alloys.loss.value,
        "scrap_share": alloys.scrap_share.value,
        "scrap_returned": alloys.scrap_returned.value,
        "scrap_lead": alloys.scrap_lead,
        "scrap_value": alloys.scrap_value.value,
    })  # fmt: skip
    yield from table("NAMED", [f"{at.alloys[a]} {at.metals[e]}" for a, e in named], {
        "low": [alloys.low.value[place] for place in named],
        "high": [alloys.high.value[place] for place in named],
    })  # fmt: skip
    others = {"others_share": alloys.others.value[admits]}
    yield from table("ADMITS_OTHERS", picked(at.alloys, admits), others)
    yield from matrix("cast_limit", at.alloys, at.periods, alloys.capacity.value, math.inf)
    yield from matrix("cast_holding", at.alloys, at.periods, alloys.holding.value, 0.0)


def _medals(instance: Instance, at: Axes) -> Iterator[str]:
    """Yield counts, due periods, allowances and alloy parts of medals."""
    medals = instance.medals
    yield from table("MEDALS", at.medals, {
        "count": medals.count,
        "due": [due + 1 for due in medals.due.tolist()],
        "allowance": medals.allowance.value,
    })  # fmt: skip
    yield from matrix("part", at.medals, at.alloys, medals.parts.value, 0.0)


def _policy(instance: Instance, at: Axes) -> Iterator[str]:
    """Yield recycled shares, device windows, participation and the footprint cap."""
    policy = instance.policy
    yield from vector("recycled_floor", at.metals, policy.recycled.value, 0.0)
    yield from table("WINDOWS", at.windows, {
        "window_low": policy.window_low.value,
        "window_high": policy.window_high.value,
    })  # fmt: skip
    for window, members in zip(at.windows, policy.members, strict=True):
        yield set_of(f"MEMBERS[{window}]", picked(at.devices, members.nonzero()[0]))
    if policy.participation.value > 0:
        yield f"param participation_share := {number(float(policy.participation.value))};"
    if math.isfinite(policy.footprint_cap.value):
        yield f"param cap := {number(float(policy.footprint_cap.value))};"
