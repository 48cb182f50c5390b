"""Assemble the frozen instance from a parsed document without errors."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import numpy as np

from medalopt.instance.figures import Figures
from medalopt.instance.instance import Instance
from medalopt.instance.reader.sheet import Cells
from medalopt.instance.resolve import lanes, medals, network, streams
from medalopt.instance.resolve.annex import annex, lots
from medalopt.instance.resolve.axes import Axis
from medalopt.instance.resolve.draft import Draft
from medalopt.instance.resolve.lanes import LaneRows
from medalopt.instance.resolve.streams import StreamRows

_APART = ("name", "title", "titles", "annex", "sources", "files", "figures", "warnings")
_BELOW = ("lot", "minimum_order", "pooled")  # hashed separately if present
_WHERE_GIVEN = (
    ".alloys.holding",
    ".market.storable",
)  # later additions: all zero does not change the digest


def regions_of(draft: Draft, supply: StreamRows, ways: LaneRows | None) -> Axis:
    """Collect the regions of all streams, lanes and treatments.

    Args:
        draft: Parsed instance.
        supply: Parsed streams.
        ways: Parsed lanes; None without the section.

    Returns:
        Axis of regions.
    """
    names = {name for one in (draft.document.treatments or {}).values() for name in one.regions or ()}
    for rows in (supply, ways):
        cells = rows.sheet.column(("region",)) if rows else Cells.none(0)
        names |= {name for code in cells.found().tolist() if (name := cells.texts[code])}
    return Axis.of(names)


def assemble(draft: Draft, supply: StreamRows, ways: LaneRows | None) -> Instance:
    """Assemble the instance.

    Args:
        draft: Parsed instance without errors.
        supply: Parsed streams.
        ways: Parsed lanes; None without the section.

    Returns:
        The instance, with its digest.
    """
    document, calendar = draft.document, draft.calendar
    assert calendar is not None, "an unread calendar is a fault"
    periods = calendar.count
    metals, devices, alloys = Axis.of(document.metals), Axis.of(document.devices), Axis.of(document.alloys)
    regions, smelters = regions_of(draft, supply, ways), Axis.of(document.smelters or {})
    instance = Instance(
        name=document.name,
        title=document.title or "",
        currency=document.currency,
        periods=calendar.labels,
        period_length=calendar.length,
        metals=medals.metals(draft, periods),
        devices=network.devices(draft, metals),
        regions=regions.names,
        streams=streams.streams(supply, draft, regions, metals, periods),
        bundles=streams.bundles(supply),
        treatments=network.treatments(draft, devices, regions, metals, periods),
        smelters=network.smelters(draft, devices, metals, periods),
        terms=network.terms(draft, metals),
        lanes=lanes.lanes(ways, draft, regions, smelters),
        market=medals.market(draft, metals, periods),
        alloys=medals.alloys(draft, metals, periods),
        medals=medals.medals(draft, alloys, periods),
        policy=medals.policy(draft, metals, devices),
        lots=tuple(lots(draft, supply)),
        annex=annex(draft, supply),
    )
    return dataclasses.replace(instance, figures=digest(instance))


def digest(instance: Instance) -> str:
    """Compute the digest of all values, names and structure in canonical order, independent of the units in the file.

    Args:
        instance: Instance to hash.

    Returns:
        SHA-256 digest in hexadecimal.
    """
    state = hashlib.sha256()
    _feed(state, "", instance)
    _feed(state, "lots", instance.annex.get("lots", {}))
    if instance.terms.pooled.any():
        _feed(state, "pooled", instance.terms.pooled)
    return state.hexdigest()


def _feed(state: Any, label: str, part: Any) -> None:
    """Hash one part of the instance, preceded by its label and shape."""
    if label in _WHERE_GIVEN and not np.any(part.raw if isinstance(part, Figures) else part):
        return
    if isinstance(part, Figures):
        _feed(state, label, part.value)
    elif isinstance(part, np.ndarray):
        kind = "<f8" if part.dtype.kind == "f" else "<i8"
        state.update(json.dumps([label, part.shape]).encode())
        state.update(np.ascontiguousarray(part, dtype=kind).tobytes())
    elif dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            if field.name not in (_BELOW if label else _APART):
                _feed(state, f"{label}.{field.name}", getattr(part, field.name))
    else:
        state.update(json.dumps([label, part]).encode())
