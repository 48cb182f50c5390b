"""Rows of streams and lanes: grouping by stream and period, and validation of their columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Ints
from medalopt.instance.reader.sheet import PERIOD, Cells, Key, Sheet
from medalopt.instance.resolve.draft import Draft
from medalopt.wording import shown

NAME, DEVICE, REGION, AVAILABLE = ("name",), ("device",), ("region",), ("available",)

ALL, UNKNOWN = -1, -2


@dataclass(frozen=True, eq=False)
class Grouped:
    """Streams of a sheet.

    Attributes:
        names: Name of each stream (I,).
        first: First row of each stream (I,).
        owner: Stream index of each row (R,).
        slot: Period index of each row (R,).
    """

    names: list[str]
    first: Ints
    owner: Ints
    slot: Ints


def row_names(sheet: Sheet) -> Cells:
    """Name the stream of each row: its `name`, or device@region.

    Args:
        sheet: Rows of streams.

    Returns:
        Names (R,).
    """
    own, both = sheet.column(NAME), joined(sheet.column(DEVICE), sheet.column(REGION))
    place = {text: number for number, text in enumerate(own.texts)}
    code = np.array([place.setdefault(text, len(place)) for text in both.texts], dtype=np.intp)[both.code]
    return Cells(tuple(place), np.where(own.code > 0, own.code, code))


def joined(first: Cells, second: Cells) -> Cells:
    """Join two columns to names `first@second`, with `?` for empty cells.

    Args:
        first: Column of text (R,).
        second: Column of text (R,).

    Returns:
        Names (R,).
    """
    pairs, code = np.unique(first.code * len(second.texts) + second.code, return_inverse=True)
    place: dict[str | None, int] = {None: 0}
    found = []
    for one, two in zip(*(part.tolist() for part in np.divmod(pairs, len(second.texts))), strict=True):
        text = f"{first.texts[one] or '?'}@{second.texts[two] or '?'}"
        found.append(place.setdefault(text, len(place)))
    return Cells(tuple(place), np.array(found, dtype=np.intp)[code])


def grouped(sheet: Sheet, names: Cells, draft: Draft) -> Grouped:
    """Group rows by stream; duplicate streams and contradictory rows of one stream are errors.

    Args:
        sheet: Rows of streams.
        names: Stream name of each row (R,).
        draft: Parsed instance, for the calendar and the error log.

    Returns:
        The streams, in order of their first rows.
    """
    slot = _slots(sheet, names, draft)
    spread = sheet.entry is None and PERIOD in sheet.columns
    rows = np.arange(sheet.count)
    first, owner = _first(names.code if spread else rows if sheet.entry is None else sheet.entry)
    own = names.taking(first)
    earlier = own.first()[own.code]
    for number in np.flatnonzero(earlier < np.arange(len(first))).tolist():
        there = sheet.place(int(first[earlier[number]])).line
        message = (
            f"the stream `{shown(own[number] or '')}` stands in line {there} already: give one of them another `name`"
        )
        draft.faults.add(sheet.place(int(first[number]), NAME), (sheet.section, own[number] or ""), message)
    if spread:
        _agree(sheet, names, first[owner], draft)
    _once(sheet, names, owner, slot, draft)
    return Grouped([name or "" for name in own], first, owner, slot)


def _first(key: Ints) -> tuple[Ints, Ints]:
    """Return the first row of each key, in row order, and the number of the key of each row."""
    _, first, owner = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return first[order], number[owner]


def _slots(sheet: Sheet, names: Cells, draft: Draft) -> Ints:
    """Return the period index of each row, `_ALL_PERIODS` if it gives none, `_UNKNOWN_PERIOD` if it is invalid."""
    cells = sheet.column(PERIOD)
    slot, first = np.full(len(cells.texts), ALL), cells.first()
    for code in cells.found().tolist():
        text, row = cells.texts[code] or "", int(first[code])
        index = draft.calendar.index(text.strip()) if draft.calendar and text else UNKNOWN
        if index is None and draft.calendar:
            path = (sheet.section, names[row] or "", *PERIOD)
            draft.faults.add(sheet.place(row, PERIOD), path, draft.calendar.unknown(text))
        slot[code] = UNKNOWN if index is None else index
    return slot[cells.code]


def _agree(sheet: Sheet, names: Cells, leader: Ints, draft: Draft) -> None:
    """Log rows of one stream that differ in a column other than `period` and `available`."""
    for key, cells in sheet.columns.items():
        if key in (PERIOD, AVAILABLE):
            continue
        for row in np.flatnonzero(cells.code != cells.code[leader])[:20].tolist():
            first = int(leader[row])
            message = f"`{shown(cells[row] or '')}` here, `{shown(cells[first] or '')}` in line {sheet.lines[first]}"
            path = (sheet.section, names[row] or "", *key)
            draft.faults.add(sheet.place(row, key), path, f"rows of one stream must agree: {message}")


def _once(sheet: Sheet, names: Cells, owner: Ints, slot: Ints, draft: Draft) -> None:
    """Log rows that repeat a period of their stream."""
    order = np.lexsort((np.arange(len(slot)), slot, owner))
    order = order[slot[order] != UNKNOWN]
    kin = np.diff(owner[order]) == 0
    same = kin & ((np.diff(slot[order]) == 0) | (slot[order][:-1] == ALL))
    for place in np.flatnonzero(same)[:20].tolist():
        row, before = int(order[place + 1]), int(order[place])
        what = "this period is" if slot[row] >= 0 and slot[before] >= 0 else "all periods are"
        message = f"{what} given already, in line {sheet.lines[before]}: delete one of the rows"
        draft.faults.add(sheet.place(row, PERIOD), (sheet.section, names[row] or "", *AVAILABLE), message)


def key_path(sheet: Sheet, name: str | None, key: Key) -> tuple[str, ...]:
    """Build the path of a parameter of a stream or lane.

    Args:
        sheet: Streams or lanes.
        name: Name of the stream or lane.
        key: Column.

    Returns:
        Path such as (`streams`, `phone@tokyo`, `storage`, `limit`).
    """
    return (sheet.section, name or "", *(step for step in key if step != "{}"))
