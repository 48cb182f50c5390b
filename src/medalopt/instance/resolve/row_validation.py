"""Validate the sheets of streams and lanes: allowed and required columns, types, names, no duplicate rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args, get_origin

import numpy as np
from pydantic_core import PydanticUndefined

from medalopt.errors import FaultKind
from medalopt.instance.arrays import Ints
from medalopt.instance.paths import ParameterPath
from medalopt.instance.reader.errors import MAX_LISTED, Location
from medalopt.instance.reader.rows import (
    PERIOD,
    STEPPED_FIELD,
    CellColumn,
    ColumnKey,
    InputSheet,
    NumericColumn,
    build_absent_column,
    parse_column,
)
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.schema.containers import MAX_PRICE_STEPS, Entry
from medalopt.instance.schema.field_types import NameField, QuantityField, TextField
from medalopt.text import check_control_characters, escape_text, join_names, suggest_name
from medalopt.units import Quantity

_NAME, DEVICE, REGION, AVAILABLE = ("name",), ("device",), ("region",), ("available",)
PERIOD_PRICES: tuple[ColumnKey, ...] = (("price",), ("collection",))  # columns that may differ by period

_ALL_PERIODS, _UNKNOWN_PERIOD = -1, -2


@dataclass(frozen=True, eq=False)
class StreamGroups:
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


def name_stream_rows(sheet: InputSheet) -> CellColumn:
    """Name the stream of each row: its `name`, or device@region.

    Returns:
        Names (R,).
    """
    own, both = sheet.get_column(_NAME), join_columns(sheet.get_column(DEVICE), sheet.get_column(REGION))
    place = {text: number for number, text in enumerate(own.texts)}
    code = np.array([place.setdefault(text, len(place)) for text in both.texts], dtype=np.intp)[both.code]
    return CellColumn(tuple(place), np.where(own.code > 0, own.code, code))


def join_columns(first: CellColumn, second: CellColumn) -> CellColumn:
    """Join two columns to names `first@second`, with `?` for empty cells.

    Args:
        first: Column of text (R,).
        second: Column of text (R,).

    Returns:
        Names (R,).
    """
    pairs, code = np.unique(first.code * len(second.texts) + second.code, return_inverse=True)
    place: dict[str | None, int] = {None: 0}
    result = []
    for one, two in zip(*(part.tolist() for part in np.divmod(pairs, len(second.texts))), strict=True):
        text = f"{first.texts[one] or '?'}@{second.texts[two] or '?'}"
        result.append(place.setdefault(text, len(place)))
    return CellColumn(tuple(place), np.array(result, dtype=np.intp)[code])


def group_rows(sheet: InputSheet, names: CellColumn, draft: Draft) -> StreamGroups:
    """Group rows by stream; duplicate streams and contradictory rows of one stream are errors.

    Args:
        sheet: Rows of streams.
        names: Stream name of each row (R,).
        draft: Parsed instance, for the calendar and the error log.

    Returns:
        The streams, in order of their first rows.
    """
    slot = _read_periods(sheet, names, draft)
    spread = sheet.entry_index is None and PERIOD in sheet.columns
    rows = np.arange(sheet.count)
    first, owner = _number_first_rows(
        names.code if spread else rows if sheet.entry_index is None else sheet.entry_index
    )
    own = names.select_rows(first)
    earlier = own.find_first_rows()[own.code]
    for number in np.flatnonzero(earlier < np.arange(len(first))).tolist():
        there = sheet.locate_cell(int(first[earlier[number]])).line
        message = (
            f"the stream `{escape_text(own[number] or '')}` is defined in line {there} already: give one "
            f"of them another `name`"
        )
        draft.faults.add_error(
            sheet.locate_cell(int(first[number]), _NAME),
            (sheet.section, own[number] or ""),
            message,
            kind=FaultKind.DUPLICATE,
        )
    if spread:
        _check_agreement(sheet, names, first[owner], draft)
    _check_duplicates(sheet, names, owner, slot, draft)
    return StreamGroups([name or "" for name in own], first, owner, slot)


def _number_first_rows(key: Ints) -> tuple[Ints, Ints]:
    """Return the first row of each key, in row order, and the number of the key of each row."""
    _, first, owner = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return first[order], number[owner]


def _read_periods(sheet: InputSheet, names: CellColumn, draft: Draft) -> Ints:
    """Return the period index of each row, `_ALL_PERIODS` if it gives none, `_UNKNOWN_PERIOD` if it is invalid."""
    cells = sheet.get_column(PERIOD)
    slot, first = np.full(len(cells.texts), _ALL_PERIODS), cells.find_first_rows()
    for code in cells.list_codes().tolist():
        text, row = cells.texts[code] or "", int(first[code])
        index = draft.calendar.find_period(text.strip()) if draft.calendar and text else _UNKNOWN_PERIOD
        if index is None and draft.calendar:
            path = (sheet.section, names[row] or "", *PERIOD)
            draft.faults.add_error(
                sheet.locate_cell(row, PERIOD), path, draft.calendar.describe_unknown(text), kind=FaultKind.VALUE
            )
        slot[code] = _UNKNOWN_PERIOD if index is None else index
    return slot[cells.code]


def _check_agreement(sheet: InputSheet, names: CellColumn, leader: Ints, draft: Draft) -> None:
    """Log rows of one stream that differ in a column other than `period`, `available` and prices."""
    for key, cells in sheet.columns.items():
        if key in (PERIOD, AVAILABLE, *PERIOD_PRICES):
            continue
        for row in np.flatnonzero(cells.code != cells.code[leader])[:20].tolist():
            first = int(leader[row])
            message = (
                f"`{escape_text(cells[row] or '')}` here, `{escape_text(cells[first] or '')}` in line "
                f"{sheet.lines[first]}"
            )
            path = (sheet.section, names[row] or "", *key)
            draft.faults.add_error(
                sheet.locate_cell(row, key), path, f"rows of one stream must agree: {message}", kind=FaultKind.CONFLICT
            )


def _check_duplicates(sheet: InputSheet, names: CellColumn, owner: Ints, slot: Ints, draft: Draft) -> None:
    """Log rows that repeat a period of their stream."""
    order = np.lexsort((np.arange(len(slot)), slot, owner))
    order = order[slot[order] != _UNKNOWN_PERIOD]
    kin = np.diff(owner[order]) == 0
    same = kin & ((np.diff(slot[order]) == 0) | (slot[order][:-1] == _ALL_PERIODS))
    for place in np.flatnonzero(same)[:20].tolist():
        row, before = int(order[place + 1]), int(order[place])
        what = "this period is" if slot[row] >= 0 and slot[before] >= 0 else "all periods are"
        message = f"{what} given already, in line {sheet.lines[before]}: delete one of the rows"
        draft.faults.add_error(
            sheet.locate_cell(row, PERIOD),
            (sheet.section, names[row] or "", *AVAILABLE),
            message,
            kind=FaultKind.DUPLICATE,
        )


def build_cell_path(sheet: InputSheet, name: str | None, key: ColumnKey) -> ParameterPath:
    """Build the path of a parameter of a stream or lane.

    Args:
        sheet: Streams or lanes.
        name: Name of the stream or lane.
        key: Column.

    Returns:
        Path such as (`streams`, `phone@tokyo`, `storage`, `limit`).
    """
    steps = (int(step) - 1 if step.isdigit() else step for step in key if step != "{}")
    return (sheet.section, name or "", *(steps if is_step_column(key) else (step for step in key if step != "{}")))


def is_step_column(key: ColumnKey) -> bool:
    """Test if a column is that of a step of a price.

    Returns:
        True for a column such as ('price', '1', 'up_to').
    """
    return len(key) == 3 and key[0] == STEPPED_FIELD


@lru_cache(maxsize=8)
def list_columns(model: type[Entry]) -> dict[ColumnKey, tuple[Any, Any]]:
    """List the columns of a model of streams or lanes.

    Returns:
        Field type and default by column; '*' represents any metal.
    """
    result: dict[ColumnKey, tuple[Any, Any]] = {}
    for name, field in model.model_fields.items():
        inner = [one for one in get_args(field.annotation) if isinstance(one, type) and issubclass(one, Entry)]
        if inner:
            result.update({(name, *key): kind for key, kind in list_columns(inner[0]).items()})
            result[name, "{}"] = (TextField(), None)
            continue
        for step in _list_step_models(field.annotation):
            columns = {inner: kind for (inner,), (kind, _) in list_columns(step).items()}
            result |= {
                (name, str(n + 1), inner): (columns[inner], None) for n in range(MAX_PRICE_STEPS) for inner in columns
            }
        kinds = [*field.metadata, *_list_kinds(field.annotation)]
        kind = next((one for one in kinds if isinstance(one, QuantityField)), None) or kinds[0]
        result[name,] = (kind, field.default)
        if any(isinstance(one, NameField) and one.also for one in kinds) and isinstance(kind, QuantityField):
            result[name, "*"] = (kind, None)
    return result


def _list_step_models(annotation: Any) -> list[type[Entry]]:
    """Return the models of the price steps in an annotation."""
    options = get_args(annotation)
    if get_origin(annotation) is list:
        return [one for one in options if isinstance(one, type) and issubclass(one, Entry)]
    return [model for inner in options for model in _list_step_models(inner)]


def _list_kinds(annotation: Any) -> list[Any]:
    """Return all field types in an annotation, outermost first."""
    own = [
        one for one in getattr(annotation, "__metadata__", ()) if isinstance(one, (QuantityField, NameField, TextField))
    ]
    return own + [kind for inner in get_args(annotation) for kind in _list_kinds(inner)]


def check_sheet(sheet: InputSheet, model: type[Entry], names: CellColumn, draft: Draft) -> None:
    """Log unknown columns, missing values and undefined names.

    Args:
        sheet: Streams or lanes.
        model: Pydantic model of one entry.
        names: Stream or lane name of each row (R,).
        draft: Parsed instance, for defined names and the error log.
    """
    known = list_columns(model)
    for key, cells in sheet.columns.items():
        filled = np.flatnonzero(cells.code)[:1].tolist()
        if message := _describe_unknown_column(key, known, draft, given=bool(filled)):
            row = filled[0] if filled else min((row for row, at in sheet.cell_locations if at == key), default=0)
            draft.faults.add_error(
                sheet.locate_cell(row, key), build_cell_path(sheet, names[row], key), message, kind=FaultKind.VALUE
            )
        if key[-1] in ("source", "note"):
            _check_texts(sheet, key, names, draft)
    for key, (kind, default) in known.items():
        if default is PydanticUndefined:
            _check_required(sheet, key, names, draft)
        if isinstance(kind, NameField):
            _check_names(sheet, key, kind, names, draft)
        elif isinstance(kind, TextField) and key in sheet.columns:
            _check_texts(sheet, key, names, draft)


def _describe_unknown_column(
    key: ColumnKey, known: dict[ColumnKey, tuple[Any, Any]], draft: Draft, *, given: bool
) -> str:
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
    if "*" in beside and not remark and (problem := NameField("metal", ("default",)).check(last, draft.context)):
        return problem
    if "*" not in beside and not remark and last not in beside:
        suggestion = suggest_name(last, beside) if draft.context.may_hint() else ""
        return f"unknown key `{escape_text(last)}`{suggestion or f'; the keys known here are {join_names(beside, 30)}'}"
    if not given:
        return ""
    if mapping and not {(*at, "{}"), (*at, "*")} & known.keys():
        return "expected one value; found a mapping"
    if not mapping and (*at, "{}") in known:
        return "expected a mapping such as {limit: 20 t, cost: 500}; found one value"
    return ""


def _check_required(sheet: InputSheet, key: ColumnKey, names: CellColumn, draft: Draft) -> None:
    """Log a missing required column or its empty cells."""
    if sheet.entry_index is None and key not in sheet.header_locations:
        draft.faults.add_error(
            Location(sheet.file, 1, 1), (sheet.section,), f"the column `{key[0]}` is missing", kind=FaultKind.MISSING
        )
        return
    for row in np.flatnonzero(sheet.get_column(key).code == 0)[:MAX_LISTED].tolist():
        draft.faults.add_error(
            sheet.locate_cell(row, key),
            build_cell_path(sheet, names[row], key),
            f"`{key[0]}` is missing",
            kind=FaultKind.MISSING,
        )


def _check_names(sheet: InputSheet, key: ColumnKey, kind: NameField, names: CellColumn, draft: Draft) -> None:
    """Log cells of a column that are invalid or undefined names."""
    faults = {cell: kind.check(cell, draft.context) for cell in _list_cell_texts(sheet, key)}
    _report_cells(sheet, key, {cell: message for cell, message in faults.items() if message}, names, draft)


def _check_texts(sheet: InputSheet, key: ColumnKey, names: CellColumn, draft: Draft) -> None:
    """Log cells of a column that contain control characters."""
    faults = {cell: check_control_characters(cell) for cell in _list_cell_texts(sheet, key)}
    _report_cells(sheet, key, {cell: message for cell, message in faults.items() if message}, names, draft)


def _list_cell_texts(sheet: InputSheet, key: ColumnKey) -> list[str]:
    """Return the distinct texts of a column."""
    cells = sheet.get_column(key)
    return [cells.texts[code] or "" for code in cells.list_codes().tolist()]


def _report_cells(sheet: InputSheet, key: ColumnKey, wrong: dict[str, str], names: CellColumn, draft: Draft) -> None:
    """Log the errors of a column by distinct cell, at most `MAX_LISTED`."""
    for number, (cell, message) in enumerate(wrong.items(), start=1):
        if number > MAX_LISTED:
            break
        more = (
            f"; {len(wrong) - MAX_LISTED} more cells of this column are wrong"
            if number == MAX_LISTED < len(wrong)
            else ""
        )
        _report_cell(sheet, key, cell, message + more, names, draft)


def _report_cell(sheet: InputSheet, key: ColumnKey, cell: str, message: str, names: CellColumn, draft: Draft) -> None:
    """Log the error of a cell at the first row that has it."""
    row, *others = sheet.get_column(key).find_rows(cell)
    more = f" (and in {len(others)} more rows)" if others and sheet.entry_index is None else ""
    draft.faults.add_error(
        sheet.locate_cell(row, key), build_cell_path(sheet, names[row], key), message + more, kind=FaultKind.VALUE
    )


def read_numeric_column(
    sheet: InputSheet,
    key: ColumnKey,
    model: type[Entry],
    names: CellColumn,
    draft: Draft,
    default: Quantity,
    rows: Ints,
) -> NumericColumn:
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
        return build_absent_column(len(rows), default)
    kind = list_columns(model).get(key) or list_columns(model)[*key[:-1], "*"]
    column = parse_column(sheet.get_column(key).select_rows(rows), kind[0], draft.context.money, default)
    _report_cells(sheet, key, column.errors, names, draft)
    return column


def check_unit_masses(
    sheet: InputSheet, key: ColumnKey, column: NumericColumn, device: Ints, names: CellColumn, draft: Draft, rows: Ints
) -> None:
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
    for row in rows[(column.pieces != 0) & (device >= 0) & ~heavy[device]][:MAX_LISTED].tolist():
        cell = escape_text(sheet.get_column(key)[row] or "")
        message = f"`{cell}` needs the mass of a piece: give the device a `unit_mass`"
        draft.faults.add_error(
            sheet.locate_cell(row, key), build_cell_path(sheet, names[row], key), message, kind=FaultKind.VALUE
        )
