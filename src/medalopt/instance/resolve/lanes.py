"""Arrays of the transport lanes from regions to smelters, with cost and footprint."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from medalopt.instance.figures import Figures, Floats, Ints
from medalopt.instance.instance import Lanes
from medalopt.instance.reader.columns import Read
from medalopt.instance.reader.sheet import Cells, Key, Sheet
from medalopt.instance.resolve import cells
from medalopt.instance.resolve.axes import Axis
from medalopt.instance.resolve.draft import Draft
from medalopt.instance.resolve.grouping import REGION, joined, key_path
from medalopt.instance.schema.kinds import ZERO
from medalopt.instance.schema.models import Lane
from medalopt.wording import shown

_SMELTER, _DISTANCE, _COST, _FOOTPRINT = ("smelter",), ("distance",), ("cost",), ("footprint",)


@dataclass(frozen=True)
class LaneRows:
    """Parsed rows of lanes: sheet, lane name of each row (R,), and parsed columns (R,)."""

    sheet: Sheet
    names: Cells
    read: dict[Key, Read]


def row_names(sheet: Sheet) -> Cells:
    """Name the lane of each row: region@smelter.

    Args:
        sheet: Rows of lanes.

    Returns:
        Names (R,).
    """
    return joined(sheet.column(REGION), sheet.column(_SMELTER))


def gather(sheet: Sheet, draft: Draft) -> LaneRows:
    """Parse the rows of lanes; log all errors.

    Args:
        sheet: Rows of lanes.
        draft: Parsed instance.

    Returns:
        The parsed lanes.
    """
    names = row_names(sheet)
    cells.check(sheet, Lane, names, draft)
    keys: tuple[Key, ...] = (_DISTANCE, _COST, _FOOTPRINT)
    read = {key: cells.figures(sheet, key, Lane, names, draft, ZERO, np.arange(sheet.count)) for key in keys}
    region, smelter = sheet.column(REGION), sheet.column(_SMELTER)
    _, first, pair = np.unique(region.code * len(smelter.texts) + smelter.code, return_index=True, return_inverse=True)
    again = (first[pair] < np.arange(sheet.count)) & (region.code > 0) & (smelter.code > 0)
    for row in np.flatnonzero(again).tolist():
        message = f"this lane stands in line {sheet.lines[first[pair[row]]]} already: delete one"
        draft.faults.add(sheet.place(row), key_path(sheet, names[row], ()), message)
    for row in np.flatnonzero(read[_DISTANCE].given & read[_COST].given)[:20].tolist():
        path = key_path(sheet, names[row], _COST)
        draft.faults.add(sheet.place(row, _COST), path, "give `distance` or `cost`, not both")
    if bool(read[_DISTANCE].given.any()) and draft.document.transport_rate is None:
        row = int(np.flatnonzero(read[_DISTANCE].given)[0])
        message = "distances cost nothing, for there is no `transport_rate`"
        draft.faults.warn(sheet.place(row, _DISTANCE), key_path(sheet, names[row], _DISTANCE), message)
    _unreached(sheet, draft)
    return LaneRows(sheet, names, read)


def _unreached(sheet: Sheet, draft: Draft) -> None:
    """Warn of smelters without a lane."""
    reached = set(sheet.column(_SMELTER).texts)
    for smelter in sorted(set(draft.document.smelters or {}) - reached):
        draft.warn(("smelters", smelter), f"no lane leads to `{shown(smelter)}`, so nothing can be sent there")


def lanes(rows: LaneRows | None, draft: Draft, regions: Axis, smelters: Axis) -> Lanes:
    """Build the arrays of the transport lanes; without the section every pair has a free lane.

    Args:
        rows: Parsed lanes; None without the section.
        draft: Parsed instance, for the transport rate.
        regions: Axis of regions (G).
        smelters: Axis of smelters (K).

    Returns:
        Existence, cost and footprint (G, K).
    """
    shape = (len(regions), len(smelters))
    if rows is None:
        free = Figures(np.zeros(shape), np.zeros(shape, dtype=np.intp))
        return Lanes(np.ones(shape, dtype=np.bool_), free, free)
    g, k = regions.places(rows.sheet.column(REGION)), smelters.places(rows.sheet.column(_SMELTER))
    exists = np.zeros(shape, dtype=np.bool_)
    exists[g, k] = True
    rate = draft.document.transport_rate
    far, cost = rows.read[_DISTANCE], rows.read[_COST]
    factors = tuple(factor * (rate.exact if rate else Fraction(0)) for factor in far.factors)
    raw = np.where(far.given, far.raw, cost.raw)
    unit = np.where(far.given, far.unit, cost.unit + len(factors))
    footprint = rows.read[_FOOTPRINT]
    return Lanes(
        exists=exists,
        cost=_on(shape, g, k, raw, unit, (*factors, *cost.factors)),
        footprint=_on(shape, g, k, footprint.raw, footprint.unit, footprint.factors),
    )


def _on(shape: tuple[int, int], g: Ints, k: Ints, raw: Floats, unit: Ints, factors: tuple[Fraction, ...]) -> Figures:
    """Scatter one number per lane to the grid of regions and smelters."""
    grid, units = np.zeros(shape), np.zeros(shape, dtype=np.intp)
    grid[g, k], units[g, k] = raw, unit
    return Figures(grid, units, factors)
