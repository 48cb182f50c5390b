"""Assemble the frozen instance from a parsed document without errors.

Metals, market offers, alloys, medals and policy become arrays here; lots, mixes, scenarios, parties, transfers, project
and uncertainty stay plain values, for single commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from medalopt.instance.arrays import ExactArray
from medalopt.instance.instance import Alloys, ChargeLimits, Instance, MarketOffers, Medals, Metals, PolicyLimits
from medalopt.instance.lots import list_charge_paths, list_falling_paths
from medalopt.instance.payers import RAISED_PRICES
from medalopt.instance.reader.files import pause_garbage_collection
from medalopt.instance.reader.rows import CellColumn, convert_column
from medalopt.instance.reader.yaml_nodes import ScalarNode, SourceNote
from medalopt.instance.resolve.broadcast import (
    NameAxis,
    build_column,
    build_columns,
    build_metal_array,
    build_period_array,
    build_period_arrays,
    build_price_steps,
    convert_quantity,
    get_window_ends,
    mask_names,
    split_price,
)
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.resolve.row_validation import name_stream_rows
from medalopt.instance.resolve.smelters import build_impurities, build_smelters, build_terms
from medalopt.instance.resolve.streams import LaneRows, StreamRows, build_bundles, build_lanes, build_streams
from medalopt.instance.resolve.treatments import build_devices, build_treatments
from medalopt.instance.scenario import matches_name
from medalopt.instance.schema.containers import Entry
from medalopt.instance.schema.document import DISTRIBUTIONS, SURPLUS_TITLES, Group, Scrap
from medalopt.instance.schema.field_types import NO_LIMIT, ONE_QUANTITY, ZERO_QUANTITY
from medalopt.instance.schema.parties import Transfer
from medalopt.instance.uncertainty import JOINT_CONFIDENCE
from medalopt.text import PathError, escape_text, find_wildcards, join_names, parse_path, render_path, suggest_name
from medalopt.units import Quantity

_SMELTER_TITLE = SURPLUS_TITLES[1]


def _build_metals(draft: Draft, periods: int) -> Metals:
    """Build the arrays of the metals."""
    listed = dict(sorted(draft.document.metals.items()))
    return Metals(
        names=tuple(listed),
        titles=tuple(metal.title or name for name, metal in listed.items()),
        **build_period_arrays(listed.values(), periods, "sell", "holding"),
        **build_columns(listed.values(), "opening_stock"),
        surplus_to_smelter=np.array([metal.surplus == _SMELTER_TITLE for metal in listed.values()], dtype=np.bool_),
        reserve=np.array([metal.reserve for metal in listed.values()], dtype=np.intp),
    )


def _build_market(draft: Draft, metals: NameAxis, periods: int) -> MarketOffers:
    """Build the arrays of the market offers."""
    listed = dict(sorted(draft.document.market.items()))
    offers, prices = listed.values(), [split_price(offer.price) for offer in listed.values()]
    return MarketOffers(
        names=tuple(listed),
        composition=build_metal_array((offer.composition for offer in offers), metals, ZERO_QUANTITY),
        price=build_period_array((first for first, _ in prices), periods),
        **build_columns(offers, "committed", "limit", "recycled", "footprint", "lot", "minimum_order", "fixed_charge"),
        **build_columns(offers, "opening_stock", "closing_stock"),
        storable=np.array([offer.storable for offer in offers], dtype=np.bool_),
        storage_limit=build_period_array(
            (offer.storage.limit if offer.storage else NO_LIMIT for offer in offers), periods
        ),
        steps=build_price_steps([steps for _, steps in prices]),
    )


def _build_alloys(draft: Draft, metals: NameAxis, periods: int) -> Alloys:
    """Build the arrays of the alloys with their process scrap (zero if not given)."""
    listed = dict(sorted(draft.document.alloys.items()))
    each = listed.values()
    scraps = [alloy.scrap or Scrap() for alloy in each]
    windows = [{metal: get_window_ends(window) for metal, window in alloy.composition.items()} for alloy in each]
    named = [mask_names(list(window), metals) for window in windows]
    return Alloys(
        names=tuple(listed),
        named=np.array(named, dtype=np.bool_).reshape(len(listed), len(metals)),
        low=build_metal_array(
            ({metal: pair[0] for metal, pair in window.items()} for window in windows), metals, ZERO_QUANTITY
        ),
        high=build_metal_array(
            ({metal: pair[1] for metal, pair in window.items()} for window in windows), metals, ZERO_QUANTITY
        ),
        admits_others=np.array([alloy.others is not None for alloy in each], dtype=np.bool_),
        **build_columns(each, "others", "loss"),
        **build_period_arrays(each, periods, "capacity", "holding", "sell"),
        **{f"scrap_{name}": one for name, one in build_columns(scraps, "share", "returned", "value").items()},
        scrap_lead=np.array([scrap.lead for scrap in scraps], dtype=np.intp),
    )


def _build_charge_limits(draft: Draft, alloys: NameAxis, offers: NameAxis, periods: int) -> ChargeLimits:
    """Build the arrays of the limits on groups of offers charged to an alloy."""
    listed = {name: draft.document.alloys[name].limits for name in alloys.names}
    names = sorted({name for limits in listed.values() for name in limits})
    each = [limits.get(name) for limits in listed.values() for name in names]
    most = build_period_array((NO_LIMIT if limit is None else limit.most for limit in each), periods)
    members = [mask_names([] if limit is None else limit.offers, offers) for limit in each]
    shape = (len(alloys), len(names))
    return ChargeLimits(
        names=tuple(names),
        offers=np.array(members, dtype=np.bool_).reshape(*shape, len(offers)),
        most=ExactArray(most.raw.reshape(*shape, periods), most.unit.reshape(*shape, periods), most.factors),
    )


def _build_medals(draft: Draft, alloys: NameAxis, periods: int) -> Medals:
    """Build the arrays of the medals; the default due date is the last period."""
    listed = dict(sorted(draft.document.medals.items()))
    each = listed.values()
    calendar = draft.calendar
    due = [calendar.find_period(medal.due) if calendar and medal.due is not None else periods - 1 for medal in each]
    return Medals(
        names=tuple(listed),
        count=np.array([medal.count for medal in each], dtype=np.intp),
        due=np.array(due, dtype=np.intp),
        parts=build_metal_array((medal.parts for medal in each), alloys, ZERO_QUANTITY),
        **build_columns(each, "allowance", "shortfall"),
    )


def _build_policy(draft: Draft, metals: NameAxis, devices: NameAxis) -> PolicyLimits:
    """Build the arrays of the policy constraints; the footprint cap is in kg CO2e."""
    policy = draft.document.policy
    shares = dict(sorted(policy.device_share.items()))
    groups = {name: one if isinstance(one, Group) else None for name, one in shares.items()}
    windows = [get_window_ends(one.share if isinstance(one, Group) else one) for one in shares.values()]
    members = [mask_names(one.devices if one else [name], devices) for name, one in groups.items()]
    cap = NO_LIMIT if policy.footprint_cap is None else _convert_to_kilograms(policy.footprint_cap)
    return PolicyLimits(
        recycled=build_column(policy.recycled.get(metal, ZERO_QUANTITY) for metal in metals.names),
        windows=tuple(shares),
        members=np.array(members, dtype=np.bool_).reshape(len(shares), len(devices)),
        window_low=build_column(low for low, _ in windows),
        window_high=build_column(high for _, high in windows),
        participation=ExactArray.gather([convert_quantity(policy.participation or ZERO_QUANTITY)], ()),
        footprint_cap=ExactArray.gather([convert_quantity(cap)], ()),
        **{
            f"concentration_{name}": ExactArray.gather([convert_quantity(ONE_QUANTITY if limit is None else limit)], ())
            for name, limit in policy.concentration
        },
    )


def _convert_to_kilograms(tonnes: Quantity) -> Quantity:
    """Convert a quantity from t to kg."""
    return tonnes._replace(factor=tonnes.factor * 1000)


def _collect_transfers(draft: Draft) -> dict[str, dict[str, Any]]:
    """Collect the transfers as plain values, sorted by name, without those whose price is 0 in every period."""
    result: dict[str, dict[str, Any]] = {}
    for name, one in sorted(draft.document.transfers.items()):
        price = [float(each.exact) for each in _list_prices(one)]
        if any(price):
            section, members = find_transfer_members(draft, one.per)
            parties = {"payer": one.payer, "receiver": one.receiver}
            result[name] = {**parties, "section": section, "members": members, "price": price}
    return result


def _list_prices(transfer: Transfer) -> list[Quantity]:
    """Return the prices of a transfer, one for all periods or one per period."""
    return transfer.price if isinstance(transfer.price, list) else [transfer.price]


def find_transfer_members(draft: Draft, per: str) -> tuple[str, list[str]]:
    """Find what a transfer is paid for.

    Args:
        draft: Parsed instance.
        per: Path such as `streams.phone@*`.

    Returns:
        Section, and the names in it that the path matches, sorted.

    Raises:
        PathError: The path matches nothing that a transfer may be paid for.
    """
    steps, wild = parse_path(per), find_wildcards(per)
    section, name = steps[0], steps[-1]
    if section not in RAISED_PRICES or len(steps) != 2 or not isinstance(name, str):
        allowed = join_names([f"{one}.NAME" for one in RAISED_PRICES])
        raise PathError(f"`{escape_text(per)}`: a transfer is paid per tonne or kilogram of {allowed}")
    names = sorted(_list_names(draft, section))
    members = [one for one in names if (matches_name(tuple(name.split("*")), one) if wild[-1] else one == name)]
    if not members:
        hint = suggest_name(name, names) or "; name something that the file states"
        kind = section.removesuffix("s")
        raise PathError(f"`{escape_text(per)}` matches nothing: no {kind} is called `{escape_text(name)}`{hint}")
    return section, members


def _list_names(draft: Draft, section: str) -> Iterable[str]:
    """Return the names in a section."""
    document = draft.document
    if section == "streams":
        if draft.streams is None:
            return ()
        names = name_stream_rows(draft.streams)
        return {text for code in names.list_codes().tolist() if (text := names.texts[code])}
    whole = document.treatments if document.treatments is not None else ("whole",)
    return {"treatments": whole, "smelters": document.smelters or (), "metals": document.metals}[section]


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
    result["transfers"] = _collect_transfers(draft)
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
        metals=_build_metals(draft, periods),
        devices=build_devices(draft, metals),
        regions=regions.names,
        streams=build_streams(supply, draft, regions, metals, periods),
        bundles=build_bundles(supply),
        treatments=build_treatments(draft, devices, regions, metals, periods),
        smelters=build_smelters(draft, devices, metals, periods),
        terms=build_terms(draft, metals, periods),
        impurities=build_impurities(draft, devices, metals, periods),
        lanes=build_lanes(lanes, draft, regions, smelters),
        market=_build_market(draft, metals, periods),
        alloys=_build_alloys(draft, metals, periods),
        charge_limits=_build_charge_limits(draft, alloys, offers, periods),
        medals=_build_medals(draft, alloys, periods),
        policy=_build_policy(draft, metals, devices),
        lots=tuple(_collect_lots(draft, supply)),
        annex=_build_annex(draft, supply),
    )
    charges = (*list_charge_paths(instance), *list_falling_paths(instance))
    return replace(instance, lots=tuple(sorted({*instance.lots, *charges}))) if charges else instance
