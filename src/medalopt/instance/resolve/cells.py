"""Validate the columns of streams and lanes against their models: allowed and required columns, types and names."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, get_args

import numpy as np
from pydantic_core import PydanticUndefined

from medalopt.instance.figures import Ints
from medalopt.instance.reader import columns
from medalopt.instance.reader.columns import Read
from medalopt.instance.reader.faults import Place
from medalopt.instance.reader.sheet import PERIOD, Cells, Key, Sheet
from medalopt.instance.resolve.draft import Draft
from medalopt.instance.resolve.grouping import AVAILABLE, key_path
from medalopt.instance.schema.entry import Entry
from medalopt.instance.schema.fields import Measure, Name, Text
from medalopt.quantity import Quantity
from medalopt.wording import control_flaw, did_you_mean, listed, shown

_MOST = 20  # errors of one kind listed per column


@lru_cache(maxsize=8)
def fields(model: type[Entry]) -> dict[Key, tuple[Any, Any]]:
    """List the columns of a model of streams or lanes.

    Args:
        model: Pydantic model of one entry.

    Returns:
        Field type and default by column; '*' represents any metal.
    """
    found: dict[Key, tuple[Any, Any]] = {}
    for name, field in model.model_fields.items():
        inner = [one for one in get_args(field.annotation) if isinstance(one, type) and issubclass(one, Entry)]
        if inner:
            found.update({(name, *key): kind for key, kind in fields(inner[0]).items()})
            found[name, "{}"] = (Text(), None)
            continue
        kinds = [*field.metadata, *_kinds(field.annotation)]
        kind = next((one for one in kinds if isinstance(one, Measure)), None) or kinds[0]
        found[name,] = (kind, field.default)
        if any(isinstance(one, Name) and one.also for one in kinds) and isinstance(kind, Measure):
            found[name, "*"] = (kind, None)
    return found


def _kinds(annotation: Any) -> list[Any]:
    """Return all field types in an annotation, outermost first."""
    own = [one for one in getattr(annotation, "__metadata__", ()) if isinstance(one, (Measure, Name, Text))]
    return own + [kind for inner in get_args(annotation) for kind in _kinds(inner)]


def check(sheet: Sheet, model: type[Entry], names: Cells, draft: Draft) -> None:
    """Log unknown columns, missing values and undefined names.

    Args:
        sheet: Streams or lanes.
        model: Pydantic model of one entry.
        names: Stream or lane name of each row (R,).
        draft: Parsed instance, for defined names and the error log.
    """
    known = fields(model)
    for key, cells in sheet.columns.items():
        given = np.flatnonzero(cells.code)[:1].tolist()
        if message := _stray(key, known, draft, given=bool(given)):
            row = given[0] if given else min((row for row, at in sheet.places if at == key), default=0)
            draft.faults.add(sheet.place(row, key), key_path(sheet, names[row], key), message)
        if key[-1] in ("source", "note"):
            _texts(sheet, key, names, draft)
    for key, (kind, default) in known.items():
        if default is PydanticUndefined:
            _required(sheet, key, names, draft)
        if isinstance(kind, Name):
            _names(sheet, key, kind, names, draft)
        elif isinstance(kind, Text) and key in sheet.columns:
            _texts(sheet, key, names, draft)


def _stray(key: Key, known: dict[Key, tuple[Any, Any]], draft: Draft, *, given: bool) -> str:
    """Return the error of an unexpected column; '' if it is allowed, or if its parent column has the error.

    Only the name of a column can be wrong if all its cells are empty (not `given`).
    """
    mapping = len(key) > 1 and key[-1] == "{}"
    at = key[:-1] if mapping else key
    above, last = at[:-1], at[-1]
    beside = {one[len(above)] for one in known if len(one) >= len(at) and one[: len(above)] == above} - {"{}"}
    if not beside:
        return ""
    remark = last in ("source", "note") or (at == PERIOD and AVAILABLE in known)
    if "*" in beside and not remark and (problem := Name("metal", ("default",)).check(last, draft.context)):
        return problem
    if "*" not in beside and not remark and last not in beside:
        near = did_you_mean(last, beside) if draft.context.may_hint() else ""
        return f"unknown key `{shown(last)}`{near or f'; the keys known here are {listed(beside, 30)}'}"
    if not given:
        return ""
    if mapping and not {(*at, "{}"), (*at, "*")} & known.keys():
        return "expected one figure; found a mapping"
    if not mapping and (*at, "{}") in known:
        return "expected a mapping such as {limit: 20 t, cost: 500}; found one value"
    return ""


def _required(sheet: Sheet, key: Key, names: Cells, draft: Draft) -> None:
    """Log a missing required column or its empty cells."""
    if sheet.entry is None and key not in sheet.heads:
        draft.faults.add(Place(sheet.file, 1, 1), (sheet.section,), f"the column `{key[0]}` is missing")
        return
    for row in np.flatnonzero(sheet.column(key).code == 0)[:_MOST].tolist():
        draft.faults.add(sheet.place(row, key), key_path(sheet, names[row], key), f"`{key[0]}` is missing")


def _names(sheet: Sheet, key: Key, kind: Name, names: Cells, draft: Draft) -> None:
    """Log cells of a column that are invalid or undefined names."""
    told = {cell: kind.check(cell, draft.context) for cell in _written(sheet, key)}
    _tell_all(sheet, key, {cell: message for cell, message in told.items() if message}, names, draft)


def _texts(sheet: Sheet, key: Key, names: Cells, draft: Draft) -> None:
    """Log cells of a column that contain control characters."""
    told = {cell: control_flaw(cell) for cell in _written(sheet, key)}
    _tell_all(sheet, key, {cell: message for cell, message in told.items() if message}, names, draft)


def _written(sheet: Sheet, key: Key) -> list[str]:
    """Return the distinct texts of a column."""
    cells = sheet.column(key)
    return [cells.texts[code] or "" for code in cells.found().tolist()]


def _tell_all(sheet: Sheet, key: Key, wrong: dict[str, str], names: Cells, draft: Draft) -> None:
    """Log the errors of a column by distinct cell, at most `_MAX_LISTED`."""
    for number, (cell, message) in enumerate(wrong.items(), start=1):
        if number > _MOST:
            break
        more = f"; {len(wrong) - _MOST} more cells of this column are wrong" if number == _MOST < len(wrong) else ""
        _tell(sheet, key, cell, message + more, names, draft)


def _tell(sheet: Sheet, key: Key, cell: str, message: str, names: Cells, draft: Draft) -> None:
    """Log the error of a cell at the first row that has it."""
    row, *others = sheet.column(key).rows(cell)
    more = f" (and in {len(others)} more rows)" if others and sheet.entry is None else ""
    draft.faults.add(sheet.place(row, key), key_path(sheet, names[row], key), message + more)


def figures(
    sheet: Sheet, key: Key, model: type[Entry], names: Cells, draft: Draft, default: Quantity, rows: Ints
) -> Read:
    """Read a column of quantities; invalid cells are errors.

    Args:
        sheet: Streams or lanes.
        key: Column.
        model: Pydantic model of one entry.
        names: Stream or lane name of each row.
        draft: Parsed instance, for money and the error log.
        default: Quantity of an empty or invalid cell.
        rows: Rows to read (N,).

    Returns:
        Parsed column (N,).
    """
    if key not in sheet.columns:
        return columns.absent(len(rows), default)
    kind = fields(model).get(key) or fields(model)[*key[:-1], "*"]
    column = columns.read(sheet.column(key).taking(rows), kind[0], draft.context.money, default)
    _tell_all(sheet, key, column.wrong, names, draft)
    return column


def weigh(sheet: Sheet, key: Key, column: Read, device: Ints, names: Cells, draft: Draft, rows: Ints) -> None:
    """Log quantities per piece of devices without a unit mass.

    Args:
        sheet: Streams or lanes.
        key: Column.
        column: Parsed column (N,).
        device: Device index of each of its cells (N,).
        names: Stream or lane name of each row.
        draft: Parsed instance, for unit masses and the error log.
        rows: Row of each of its cells (N,).
    """
    masses = draft.unit_mass
    heavy = np.array([name in masses for name in sorted(draft.document.devices)] or [True], dtype=np.bool_)
    for row in rows[(column.pieces != 0) & (device >= 0) & ~heavy[device]][:_MOST].tolist():
        cell = shown(sheet.column(key)[row] or "")
        message = f"`{cell}` needs the mass of a piece: give the device a `unit_mass`"
        draft.faults.add(sheet.place(row, key), key_path(sheet, names[row], key), message)
