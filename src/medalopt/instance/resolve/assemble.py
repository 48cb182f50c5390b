"""Assemble the frozen instance from a parsed document without errors, with the data of single commands.

These are lots, mixes, scenarios, parties, project and uncertainty, as plain values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from medalopt.instance.instance import Instance
from medalopt.instance.lots import list_charge_paths, list_falling_paths
from medalopt.instance.reader.files import pause_garbage_collection
from medalopt.instance.reader.rows import CellColumn, convert_column
from medalopt.instance.reader.yaml_nodes import ScalarNode, SourceNote
from medalopt.instance.resolve.broadcast import NameAxis, convert_quantity
from medalopt.instance.resolve.demand import (
    build_alloys,
    build_charge_limits,
    build_market,
    build_medals,
    build_metals,
    build_policy,
)
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.resolve.smelters import build_impurities, build_smelters, build_terms
from medalopt.instance.resolve.streams import LaneRows, StreamRows, build_bundles, build_lanes, build_streams
from medalopt.instance.resolve.transfers import collect_transfers
from medalopt.instance.resolve.treatments import build_devices, build_treatments
from medalopt.instance.schema.containers import Entry
from medalopt.instance.schema.document import DISTRIBUTIONS
from medalopt.instance.uncertainty import JOINT_CONFIDENCE
from medalopt.text import render_path
from medalopt.units import Quantity

_LOT_FIELDS = ("lot", "minimum_order")
_UNCERTAIN_SECTIONS = ("devices", "treatments", "smelters", "market")


def _collect_lots(draft: Draft, supply: StreamRows) -> dict[str, float]:
    """Return each lot size, minimum order and minimum lot by its path, in t (streams, feed) or kg (offers), sorted."""
    result = _collect_feed_lots(draft)
    for name, offer in draft.document.market.items():
        for field in _LOT_FIELDS:
            figure = getattr(offer, field)
            if figure is not None:
                result[render_path(("market", name, field))] = float(figure.exact)
    return dict(sorted({**result, **_collect_stream_lots(draft, supply)}.items()))


def _collect_feed_lots(draft: Draft) -> dict[str, float]:
    """Return the minimum lots of smelters and of their lines of terms [t]; one of 0 is none."""
    result: dict[str, float] = {}
    parts: list[tuple[tuple[str, ...], Quantity | None]]
    for name, smelter in (draft.document.smelters or {}).items():
        parts = [((), smelter.minimum_lot)]
        parts += [(("terms", line), terms.minimum_lot) for line, terms in (smelter.terms or {}).items()]
        for path, least in parts:
            if least is not None and least.raw > 0:
                result[render_path(("smelters", name, *path, "minimum_lot"))] = float(least.exact)
    return result


def _collect_stream_lots(draft: Draft, supply: StreamRows) -> dict[str, float]:
    """Return lot sizes and minimum orders of streams [t]."""
    result = {}
    first = supply.groups.first.tolist()
    devices = supply.named.sheet.get_column(("device",))
    for field in _LOT_FIELDS:
        column = supply.read[field,]
        for i in np.flatnonzero(column.filled).tolist():
            factor = column.factors[int(column.unit[i])]
            quantity = Quantity(float(column.raw[i]), factor, int(column.pieces[i]))
            mass = draft.unit_mass.get(devices[first[i]] or "")
            result[render_path(("streams", supply.groups.names[i], field))] = float(
                convert_quantity(quantity, mass).exact
            )
    return result


def _build_annex(draft: Draft, supply: StreamRows) -> Mapping[str, Any]:
    """Return mixes, scenarios, parties, project, lots and uncertainty as plain data, without empty sections."""
    document = draft.document
    result: dict[str, Any] = {
        name: _convert_to_plain(getattr(document, name)) for name in ("mixes", "scenarios", "parties", "project")
    }
    result["scenarios"] = {  # of two changes that name one parameter the later counts
        name: {path: changes[path] for path in document.scenarios[name]}
        for name, changes in result["scenarios"].items()
    }
    result["scenario_probabilities"] = dict(draft.probabilities)
    result["market_option"] = {
        name: float(one.option.exact) for name, one in sorted(document.market.items()) if one.option is not None
    }
    result["lots"] = _collect_lots(draft, supply)
    result["payers"] = _convert_to_plain(document.payers)
    result["transfers"] = collect_transfers(draft)
    result["firm"] = list(document.firm)
    result["alloys_heat"] = {
        name: float(one.heat.exact) for name, one in sorted(document.alloys.items()) if one.heat is not None
    }
    result["streams_payers"] = _collect_stream_payers(supply)
    result["treatments_payers"] = {
        name: one.payer for name, one in sorted((document.treatments or {}).items()) if one.payer is not None
    }
    for section in _UNCERTAIN_SECTIONS:
        members = getattr(document, section) or {}
        spread = {
            name: _convert_to_plain({key: getattr(one, key, None) for key in ("cv", "correlation")})
            for name, one in sorted(members.items())
        }
        result[f"{section}_cv"] = {name: one for name, one in spread.items() if one}
    result["streams_cv"] = _collect_stream_deviations(supply)
    result["supply_correlation"] = {
        name: share for name, share in _convert_to_plain(document.supply_correlation).items() if share
    }
    result["confidence"] = _collect_confidence(draft)
    if document.policy.uncertainty_budget is not None:  # also 0, which differs from none by name only
        result["uncertainty_budget"] = {"number": _convert_to_plain(document.policy.uncertainty_budget)}
    result["distribution"] = document.distribution if document.distribution != DISTRIBUTIONS[0] else ""
    return {name: one for name, one in result.items() if one}


def _collect_confidence(draft: Draft) -> dict[str, float]:
    """Return the promised confidence by metal, and the joint one as `joint`, without those left out."""
    policy, metals = draft.document.policy, draft.document.metals
    promise = _convert_to_plain(policy.confidence) or {}
    by_metal = promise if isinstance(promise, dict) else {"default": promise}
    levels = {metal: by_metal.get(metal, by_metal.get("default")) for metal in metals}
    levels[JOINT_CONFIDENCE] = _convert_to_plain(policy.joint_confidence)
    return {name: float(level) for name, level in sorted(levels.items()) if level}


def _collect_stream_deviations(supply: StreamRows) -> dict[str, dict[str, float]]:
    """Return the coefficient of variation of every stream that has one, in the form of the other sections."""
    column, streams = supply.read["cv",], supply.groups.names
    value = convert_column(column, supply.device, ()).value
    rows = np.flatnonzero(column.filled)
    return {name: {"cv": cv} for name, cv in sorted((streams[i], float(value[i])) for i in rows.tolist())}


def _collect_stream_payers(supply: StreamRows) -> dict[str, str]:
    """Return the payer of each stream that names one of its own."""
    column, first = supply.named.sheet.get_column(("payer",)), supply.groups.first
    return {
        supply.groups.names[i]: column.texts[code] or ""
        for i, code in enumerate(column.code[first].tolist())
        if code > 0
    }


def _convert_to_plain(value: Any) -> Any:
    """Convert to sorted dictionaries, floats in canonical units, and text."""
    if isinstance(value, Quantity):
        return float(value.exact)
    if isinstance(value, ScalarNode):
        return value.text
    if isinstance(value, Entry):
        return _convert_to_plain(
            {name: getattr(value, name) for name in type(value).model_fields if name not in ("source", "note")}
        )
    if isinstance(value, dict):
        return {name: _convert_to_plain(item) for name, item in sorted(value.items()) if item is not None}
    return [_convert_to_plain(item) for item in value] if isinstance(value, list) else value


def collect_sources(rows: StreamRows | LaneRows | None) -> list[SourceNote]:
    """Collect the `source` and `note` of single streams or lanes.

    Args:
        rows: Parsed streams or lanes; None without the section.

    Returns:
        Notes by path of the row.
    """
    result: dict[str, SourceNote] = {}
    if rows is None:
        return []
    source, note = rows.named.sheet.get_column(("source",)), rows.named.sheet.get_column(("note",))
    last = np.zeros(len(rows.named.names.texts), dtype=np.intp)
    noted = np.flatnonzero((source.code > 0) | (note.code > 0))
    last[rows.named.names.code[noted]] = noted + 1
    for row in (last[last > 0] - 1).tolist():
        texts, remark = source[row], note[row]
        if texts or remark:
            path = render_path((rows.named.sheet.section, rows.named.names[row] or ""))
            result[path] = SourceNote(path, tuple((texts or "").split("\n")) if texts else (), remark or "")
    return list(result.values())


def collect_regions(draft: Draft, supply: StreamRows, lanes: LaneRows | None) -> NameAxis:
    """Collect the regions of all streams, lanes and treatments.

    Args:
        draft: Parsed instance.
        supply: Parsed streams.
        lanes: Parsed lanes; None without the section.

    Returns:
        Axis of regions.
    """
    names = {name for treatment in (draft.document.treatments or {}).values() for name in treatment.regions or ()}
    for rows in (supply, lanes):
        cells = rows.named.sheet.get_column(("region",)) if rows else CellColumn.build_empty(0)
        names |= {name for code in cells.list_codes().tolist() if (name := cells.texts[code])}
    return NameAxis.from_names(names)


@pause_garbage_collection()
def assemble_instance(draft: Draft, supply: StreamRows, lanes: LaneRows | None) -> Instance:
    """Assemble the instance.

    Args:
        draft: Parsed instance without errors.
        supply: Parsed streams.
        lanes: Parsed lanes; None without the section.

    Returns:
        The instance, with its digest.
    """
    document, calendar = draft.document, draft.calendar
    assert calendar is not None, "an unread calendar is a fault"
    periods = calendar.count
    metals, devices, alloys = (
        NameAxis.from_names(document.metals),
        NameAxis.from_names(document.devices),
        NameAxis.from_names(document.alloys),
    )
    offers = NameAxis.from_names(document.market)
    regions, smelters = collect_regions(draft, supply, lanes), NameAxis.from_names(document.smelters or {})
    instance = Instance(
        name=document.name,
        title=document.title or "",
        currency=document.currency,
        periods=calendar.labels,
        period_length=calendar.length,
        metals=build_metals(draft, periods),
        devices=build_devices(draft, metals),
        regions=regions.names,
        streams=build_streams(supply, draft, regions, metals, periods),
        bundles=build_bundles(supply),
        treatments=build_treatments(draft, devices, regions, metals, periods),
        smelters=build_smelters(draft, devices, metals, periods),
        terms=build_terms(draft, metals, periods),
        impurities=build_impurities(draft, devices, metals, periods),
        lanes=build_lanes(lanes, draft, regions, smelters),
        market=build_market(draft, metals, periods),
        alloys=build_alloys(draft, metals, periods),
        charge_limits=build_charge_limits(draft, alloys, offers, periods),
        medals=build_medals(draft, alloys, periods),
        policy=build_policy(draft, metals, devices),
        lots=tuple(_collect_lots(draft, supply)),
        annex=_build_annex(draft, supply),
    )
    charges = (*list_charge_paths(instance), *list_falling_paths(instance))
    return replace(instance, lots=tuple(sorted({*instance.lots, *charges}))) if charges else instance
