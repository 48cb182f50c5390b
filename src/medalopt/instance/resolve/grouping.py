"""Which rows of a sheet of streams make up one stream, and what each row says of which period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Ints
from medalopt.instance.reader.sheet import PERIOD, Key, Sheet
from medalopt.instance.resolve.draft import Draft
from medalopt.wording import shown

NAME, DEVICE, REGION, AVAILABLE = ("name",), ("device",), ("region",), ("available",)

ALL, UNKNOWN = -1, -2


@dataclass(frozen=True, eq=False)
class Grouped:
    """The streams of a sheet: names, the first row of each, and the stream and period of each row."""

    names: list[str]
    first: Ints
    owner: Ints
    slot: Ints


def row_names(sheet: Sheet) -> list[str]:
    """Return the name of the stream of each row: its own, or device@region."""
    memo: dict[tuple[str | None, str | None], str] = {}
    names = []
    triples = zip(sheet.column(NAME), sheet.column(DEVICE), sheet.column(REGION), strict=True)
    for own, device, region in triples:
        names.append(own or memo.setdefault((device, region), f"{device or '?'}@{region or '?'}"))
    return names


def grouped(sheet: Sheet, names: list[str], draft: Draft) -> Grouped:
    """Gather rows into streams; two streams of one name and rows of one stream that disagree are faults."""
    slot = _slots(sheet, names, draft)
    spread = sheet.entry is None and PERIOD in sheet.columns
    keys: list[object] = list(names) if spread else list(sheet.entry or range(sheet.count))
    number: dict[object, int] = {}
    owner = np.fromiter((number.setdefault(key, len(number)) for key in keys), dtype=np.intp, count=len(keys))
    _, first = np.unique(owner, return_index=True)
    own_names = [names[row] for row in first.tolist()]
    seen: dict[str, int] = {}
    for row, name in zip(first.tolist(), own_names, strict=True):
        if seen.setdefault(name, row) != row:
            there = sheet.place(seen[name]).line
            message = f"the stream `{shown(name)}` stands in line {there} already: give one of them another `name`"
            draft.faults.add(sheet.place(row, NAME), (sheet.section, name), message)
    if spread:
        _agree(sheet, names, first[owner], draft)
    _once(sheet, names, owner, slot, draft)
    return Grouped(own_names, first, owner, slot)


def _slots(sheet: Sheet, names: list[str], draft: Draft) -> Ints:
    """Return the period of each row, `ALL` where it speaks for every one."""
    cells = sheet.column(PERIOD)
    found: dict[str | None, int] = {None: ALL}
    for row, cell in enumerate(cells):
        if cell not in found:
            index = draft.calendar.index(cell.strip()) if draft.calendar and cell else UNKNOWN
            if index is None and draft.calendar and cell:
                draft.faults.add(
                    sheet.place(row, PERIOD), (sheet.section, names[row], *PERIOD), draft.calendar.unknown(cell)
                )
            found[cell] = UNKNOWN if index is None else index
    return np.fromiter((found[cell] for cell in cells), dtype=np.intp, count=len(cells))


def _agree(sheet: Sheet, names: list[str], leader: Ints, draft: Draft) -> None:
    """Note where rows of one stream say different things of what is not of a period."""
    leaders = leader.tolist()
    for key, cells in sheet.columns.items():
        if key in (PERIOD, AVAILABLE):
            continue
        apart = [row for row, first in enumerate(leaders) if cells[row] != cells[first]]
        for row in apart[:20]:
            first = leaders[row]
            message = f"`{shown(cells[row] or '')}` here, `{shown(cells[first] or '')}` in line {sheet.lines[first]}"
            path = (sheet.section, names[row], *key)
            draft.faults.add(sheet.place(row, key), path, f"rows of one stream must agree: {message}")


def _once(sheet: Sheet, names: list[str], owner: Ints, slot: Ints, draft: Draft) -> None:
    """Note rows that speak of a stream's period a second time."""
    order = np.lexsort((np.arange(len(slot)), slot, owner))
    order = order[slot[order] != UNKNOWN]
    kin = np.diff(owner[order]) == 0
    same = kin & ((np.diff(slot[order]) == 0) | (slot[order][:-1] == ALL))
    for place in np.flatnonzero(same)[:20].tolist():
        row, before = int(order[place + 1]), int(order[place])
        what = "this period is" if slot[row] >= 0 and slot[before] >= 0 else "all periods are"
        message = f"{what} given already, in line {sheet.lines[before]}: delete one of the rows"
        draft.faults.add(sheet.place(row, PERIOD), (sheet.section, names[row], *AVAILABLE), message)


def key_path(sheet: Sheet, name: str, key: Key) -> tuple[str, ...]:
    """Return the path of a figure of the stream or lane called `name`."""
    return (sheet.section, name, *(step for step in key if step != "{}"))
