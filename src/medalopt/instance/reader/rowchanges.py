"""Overrides of streams and lanes, applied to the rows of their sheet, whether YAML list or CSV table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medalopt.instance.reader.changes import HERE, Change, ChangeError
from medalopt.instance.reader.entries import written
from medalopt.instance.reader.faults import Faults
from medalopt.instance.reader.nodes import Mapping, Node, Scalar, Sequence
from medalopt.instance.reader.sheet import PERIOD, Cells, Key, Sheet
from medalopt.wording import did_you_mean, shown

_AVAILABLE: Key = ("available",)
_NAMING = ("name", "device", "region", "smelter")
Cell = tuple[int, Key, str | None]


def apply(
    sheet: Sheet,
    changes: list[Change],
    names_of: Callable[[Sheet], Cells],
    labels: tuple[str, ...] | None,
    faults: Faults,
) -> Sheet:
    """Apply all overrides of rows of a sheet.

    Args:
        sheet: Streams or lanes.
        changes: Overrides.
        names_of: Function from the sheet to the stream or lane name of each row (R,).
        labels: Period labels; None if the calendar is invalid.
        faults: Log for errors.

    Returns:
        The changed sheet.
    """
    rows: dict[str | None, list[int]] | None = None
    waiting: list[Cell] = []  # applied together, for speed
    for change in changes:
        if change.path[0] != sheet.section or len(change.path) < 2:
            continue
        rows = names_of(sheet).each() if rows is None else rows
        try:
            changed = _changed(sheet, change, rows, labels)
        except ChangeError as error:
            faults.add(HERE, change.path, str(error))
            continue
        if not isinstance(changed, Sheet) and all(_plain(sheet, key) for _, key, _ in changed):
            waiting += changed
            continue
        sheet, waiting = sheet.with_cells(waiting, HERE), []
        changed = _changed(sheet, change, rows, labels)
        after = changed if isinstance(changed, Sheet) else sheet.with_cells(changed, HERE)
        rows = rows if after.lines is sheet.lines and change.path[2] not in _NAMING else None
        sheet = after
    return sheet.with_cells(waiting, HERE)


def _plain(sheet: Sheet, key: Key) -> bool:
    """Test if later overrides can be evaluated before a cell of this column is written."""
    return key in sheet.columns and key != PERIOD and key[0] not in _NAMING


def _changed(
    sheet: Sheet, change: Change, every: dict[str | None, list[int]], labels: tuple[str, ...] | None
) -> Sheet | list[Cell]:
    """Return the cells that an override writes, or the changed sheet if rows are added or removed."""
    name, *rest = change.path[1:]
    rows = every.get(name, []) if isinstance(name, str) else []
    if not rows or not isinstance(name, str):
        near = did_you_mean(str(name), {name for name in every if name})
        raise ChangeError(f"there is no `{shown(str(name))}` among the {sheet.section}{near}")
    index = rest[-1] if rest and isinstance(rest[-1], int) else None
    key = tuple(step for step in rest if isinstance(step, str))
    if not key or len(key) + (index is not None) < len(rest):
        raise ChangeError(f"name one figure, such as `{sheet.section}.{shown(name)}.footprint`")
    if key != _AVAILABLE:
        if index is not None:
            raise ChangeError("no list stands here: change the figure as a whole")
        cells = [cell for row in rows for cell in _cells(row, key, change.value)]
        return [*_cleared(sheet, rows, key), *cells]
    return _offer(sheet, rows, index, change.value, labels or ())


def _cleared(sheet: Sheet, rows: list[int], key: Key) -> list[Cell]:
    """Return edits that empty the nested columns of `key`."""
    return [(row, one, None) for one in sheet.columns if one[:1] == key and one != key for row in rows]


def _cells(row: int, key: Key, value: Node) -> list[Cell]:
    """Return the edits that write a value, including nested fields."""
    if isinstance(value, Scalar):
        if value.null:
            return [(row, key, None)]
        return [*((row, (*key[:length], "{}"), "") for length in range(1, len(key))), (row, key, written(value))]
    if isinstance(value, Mapping):
        inner = [cell for name, item in value.items.items() for cell in _cells(row, (*key, name), item)]
        return [(row, (*key, "{}"), ""), (row, key, None), *inner]
    raise ChangeError("expected one figure; found a list")


def _offer(
    sheet: Sheet, rows: list[int], index: int | None, value: Node, labels: tuple[str, ...]
) -> Sheet | list[Cell]:
    """Override the available supply of a stream in all periods or in one."""
    if index is not None:
        if index >= len(labels):
            raise ChangeError(f"there are {len(labels)} periods; they are numbered from 0")
        sheet, rows = _spread(sheet, rows, labels)
        return sheet.with_cells(_cells(rows[index], _AVAILABLE, value), HERE)
    if isinstance(value, Sequence):
        if len(value.items) != len(labels):
            raise ChangeError(f"there are {len(labels)} periods, but {len(value.items)} values")
        periods = [sheet.column(PERIOD)[row] for row in rows]
        given = [
            item for label, item in zip(labels, value.items, strict=True) if label in periods or not _nothing(item)
        ]
        if len(given) == len(rows) and all(label in labels for label in periods):
            order = sorted(zip(periods, rows, strict=True), key=lambda pair: labels.index(pair[0] or ""))
            return [cell for (_, row), item in zip(order, given, strict=True) for cell in _cells(row, _AVAILABLE, item)]
        sheet, rows = _spread(sheet, rows, labels)
        new = zip(rows, value.items, strict=True)
        return sheet.with_cells([cell for row, item in new for cell in _cells(row, _AVAILABLE, item)], HERE)
    cells = _cells(rows[0], _AVAILABLE, value)
    if PERIOD in sheet.columns:
        cells = [(rows[0], PERIOD, None), *cells]
    if len(rows) == 1:
        return cells
    return sheet.with_cells(cells, HERE).taking(np.delete(np.arange(sheet.count), rows[1:]))


def _nothing(item: Node) -> bool:
    """Test if a node is zero."""
    return isinstance(item, Scalar) and item.value == 0


def _spread(sheet: Sheet, rows: list[int], labels: tuple[str, ...]) -> tuple[Sheet, list[int]]:
    """Replace the rows of a stream by one row per period, at the end; return the sheet and the new row indices."""
    periods = [sheet.column(PERIOD)[row] for row in rows]
    source = [rows[periods.index(label)] if label in periods else rows[0] for label in labels]
    kept = np.delete(np.arange(sheet.count), rows)
    spread = sheet.taking(np.concatenate([kept, source]))
    new = list(range(len(kept), len(kept) + len(labels)))
    empty = [row for row, label in zip(new, labels, strict=True) if None not in periods and label not in periods]
    cells: list[Cell] = [(row, PERIOD, label) for row, label in zip(new, labels, strict=True)]
    return spread.with_cells([*cells, *((row, _AVAILABLE, None) for row in empty)], HERE), new
