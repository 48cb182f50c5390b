"""Data for single commands, as plain values: lots, mixes, scenarios, parties and uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from medalopt.instance.instance import Source
from medalopt.instance.paths import render
from medalopt.instance.reader.nodes import Scalar
from medalopt.instance.resolve.draft import Draft
from medalopt.instance.resolve.lanes import LaneRows
from medalopt.instance.resolve.spread import number
from medalopt.instance.resolve.streams import StreamRows
from medalopt.instance.schema.entry import Entry
from medalopt.quantity import Quantity

_LOTS = ("lot", "minimum_order")
_UNCERTAIN = ("devices", "treatments", "smelters", "market")


def lots(draft: Draft, supply: StreamRows) -> dict[str, float]:
    """Return each lot size and minimum order by its path, in t (streams) or kg (offers), sorted."""
    found: dict[str, float] = {}
    for name, offer in draft.document.market.items():
        for field in _LOTS:
            figure = getattr(offer, field)
            if figure is not None:
                found[render(("market", name, field))] = float(figure.exact)
    return dict(sorted({**found, **_stream_lots(draft, supply)}.items()))


def _stream_lots(draft: Draft, supply: StreamRows) -> dict[str, float]:
    """Return lot sizes and minimum orders of streams [t]."""
    found = {}
    first = supply.groups.first.tolist()
    devices = supply.sheet.column(("device",))
    for field in _LOTS:
        column = supply.read[field,]
        for i in np.flatnonzero(column.given).tolist():
            factor = column.factors[int(column.unit[i])]
            figure = Quantity(float(column.raw[i]), factor, int(column.pieces[i]))
            mass = draft.unit_mass.get(devices[first[i]] or "")
            found[render(("streams", supply.groups.names[i], field))] = float(number(figure, mass).exact)
    return found


def annex(draft: Draft, supply: StreamRows) -> Mapping[str, Any]:
    """Return mixes, scenarios, parties, lots and uncertainty as plain data, without empty sections."""
    document = draft.document
    found: dict[str, Any] = {name: _plain(getattr(document, name)) for name in ("mixes", "scenarios", "parties")}
    found["lots"] = lots(draft, supply)
    for section in _UNCERTAIN:
        members = getattr(document, section) or {}
        spread = {name: _uncertainty(one) for name, one in sorted(members.items())}
        found[f"{section}_cv"] = {name: one for name, one in spread.items() if one}
    return {name: one for name, one in found.items() if one}


def _uncertainty(member: Entry) -> Any:
    """Return the coefficients of variation and correlations of one member."""
    return _plain({key: getattr(member, key, None) for key in ("cv", "correlation")})


def _plain(value: Any) -> Any:
    """Convert to sorted dictionaries, floats in canonical units, and text."""
    if isinstance(value, Quantity):
        return float(value.exact)
    if isinstance(value, Scalar):
        return value.text
    if isinstance(value, Entry):
        return _plain(
            {name: getattr(value, name) for name in type(value).model_fields if name not in ("source", "note")}
        )
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in sorted(value.items()) if item is not None}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def sources(rows: StreamRows | LaneRows | None) -> list[Source]:
    """Collect the `source` and `note` of single streams or lanes.

    Args:
        rows: Parsed streams or lanes; None without the section.

    Returns:
        Notes by path of the row.
    """
    found: dict[str, Source] = {}
    if rows is None:
        return []
    source, note = rows.sheet.column(("source",)), rows.sheet.column(("note",))
    last = np.zeros(len(rows.names.texts), dtype=np.intp)
    given = np.flatnonzero((source.code > 0) | (note.code > 0))
    last[rows.names.code[given]] = given + 1
    for row in (last[last > 0] - 1).tolist():
        texts, remark = source[row], note[row]
        if texts or remark:
            path = render((rows.sheet.section, rows.names[row] or ""))
            found[path] = Source(path, tuple((texts or "").split("\n")) if texts else (), remark or "")
    return list(found.values())
