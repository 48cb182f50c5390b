"""Validate the sheets of streams and lanes: allowed and required columns, types, names, no duplicate rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args, get_origin

import numpy as np
from pydantic_core import PydanticUndefined

from medalopt.errors import FaultKind
from medalopt.instance.arrays import Ints
from medalopt.instance.reader.files import MAX_LISTED, Location
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
from medalopt.text import ParameterPath, check_control_characters, escape_text, join_names, suggest_name
from medalopt.units import Quantity

_NAME, DEVICE, REGION, AVAILABLE = ("name",), ("device",), ("region",), ("available",)
PERIOD_PRICES: tuple[ColumnKey, ...] = (("price",), ("collection",))  # columns that may differ by period

_ALL_PERIODS, _UNKNOWN_PERIOD = -1, -2


@dataclass(frozen=True, eq=False)
class NamedRows:
    """Rows (R,) of streams or lanes with the name of each, and the parsed instance, which logs their faults."""

    sheet: InputSheet
    names: CellColumn
    draft: Draft

    def build_path(self, row: int, key: ColumnKey) -> ParameterPath:
        """Return the path of a cell, such as (`streams`, `phone@tokyo`, `storage`, `limit`).

        Args:
            row: Number of the entry.
            key: Column, such as (`storage`, `limit`).

        Returns:
            The path, with steps counted from 0.
        """
        steps = (int(step) - 1 if is_step_column(key) and step.isdigit() else step for step in key if step != "{}")
        return (self.sheet.section, self.names[row] or "", *steps)

    def add_error(
        self, row: int, key: ColumnKey, message: str, kind: FaultKind, path: ParameterPath | None = None
    ) -> None:
        """Log an error of a cell, at its own path unless another is given.

        Args:
            row: Number of the entry.
            key: Column of the cell.
            message: Sentence: the error and the allowed values.
            kind: Kind of the fault, by which the reference lists it.
            path: Path in place of the cell's own.
        """
        place = self.sheet.locate_cell(row, key)
        self.draft.faults.add_error(place, self.build_path(row, key) if path is None else path, message, kind=kind)

    def add_warning(self, row: int, key: ColumnKey, message: str, kind: FaultKind) -> None:
        """Log a warning on a cell.

        Args:
            row: Number of the entry.
            key: Column of the cell.
            message: Sentence: the odd value and the expected one.
            kind: Kind of the fault, by which the reference lists it.
        """
        place = self.sheet.locate_cell(row, key)
        self.draft.faults.add_warning(place, self.build_path(row, key), message, kind=kind)


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

    Args:
        sheet: Rows of streams.

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


def group_rows(rows: NamedRows) -> StreamGroups:
    """Group rows by stream; duplicate streams and contradictory rows of one stream are errors.

    Returns:
        The streams, in order of their first rows.
    """
    sheet, names = rows.sheet, rows.names
    slot = _read_periods(rows)
    spread = sheet.entry_index is None and PERIOD in sheet.columns
    numbers = np.arange(sheet.count)
    first, owner = _number_first_rows(
        names.code if spread else numbers if sheet.entry_index is None else sheet.entry_index
    )
    own = names.select_rows(first)
    earlier = own.find_first_rows()[own.code]
    for number in np.flatnonzero(earlier < np.arange(len(first))).tolist():
        there = sheet.locate_cell(int(first[earlier[number]])).line
        stream = f"the stream `{escape_text(own[number] or '')}` is defined in line {there} already"
        path = (sheet.section, own[number] or "")
        rows.add_error(
            int(first[number]), _NAME, f"{stream}: give one of them another `name`", FaultKind.DUPLICATE, path
        )
    if spread:
        _check_agreement(rows, first[owner])
    _check_duplicates(rows, owner, slot)
    return StreamGroups([name or "" for name in own], first, owner, slot)


def _number_first_rows(key: Ints) -> tuple[Ints, Ints]:
    """Return the first row of each key, in row order, and the number of the key of each row."""
    _, first, owner = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return first[order], number[owner]


def _read_periods(rows: NamedRows) -> Ints:
    """Return the period index of each row, `_ALL_PERIODS` if it gives none, `_UNKNOWN_PERIOD` if it is invalid."""
    cells, calendar = rows.sheet.get_column(PERIOD), rows.draft.calendar
    slot, first = np.full(len(cells.texts), _ALL_PERIODS), cells.find_first_rows()
    for code in cells.list_codes().tolist():
        text = cells.texts[code] or ""
        index = calendar.find_period(text.strip()) if calendar and text else _UNKNOWN_PERIOD
        if index is None and calendar:
            rows.add_error(int(first[code]), PERIOD, calendar.describe_unknown(text), FaultKind.VALUE)
        slot[code] = _UNKNOWN_PERIOD if index is None else index
    return slot[cells.code]


def _check_agreement(rows: NamedRows, leader: Ints) -> None:
    """Log rows of one stream that differ in a column other than `period`, `available` and prices."""
    for key, cells in rows.sheet.columns.items():
        if key in (PERIOD, AVAILABLE, *PERIOD_PRICES):
            continue
        for row in np.flatnonzero(cells.code != cells.code[leader])[:20].tolist():
            first = int(leader[row])
            other = f"`{escape_text(cells[first] or '')}` in line {rows.sheet.lines[first]}"
            message = f"rows of one stream must agree: `{escape_text(cells[row] or '')}` here, {other}"
            rows.add_error(row, key, message, FaultKind.CONFLICT, (*rows.build_path(row, ()), *key))


def _check_duplicates(rows: NamedRows, owner: Ints, slot: Ints) -> None:
    """Log rows that repeat a period of their stream."""
    order = np.lexsort((np.arange(len(slot)), slot, owner))
    order = order[slot[order] != _UNKNOWN_PERIOD]
    kin = np.diff(owner[order]) == 0
    same = kin & ((np.diff(slot[order]) == 0) | (slot[order][:-1] == _ALL_PERIODS))
    for place in np.flatnonzero(same)[:20].tolist():
        row, before = int(order[place + 1]), int(order[place])
        what = "this period is" if slot[row] >= 0 and slot[before] >= 0 else "all periods are"
        message = f"{what} given already, in line {rows.sheet.lines[before]}: delete one of the rows"
        rows.add_error(row, PERIOD, message, FaultKind.DUPLICATE, rows.build_path(row, AVAILABLE))


def is_step_column(key: ColumnKey) -> bool:
    """Test if a column is that of a step of a price.

    Args:
        key: Column.

    Returns:
        True for a column such as ('price', '1', 'up_to').
    """
    return len(key) == 3 and key[0] == STEPPED_FIELD


@lru_cache(maxsize=8)
def list_columns(model: type[Entry]) -> dict[ColumnKey, tuple[Any, Any]]:
    """List the columns of a model of streams or lanes.

    Args:
        model: Pydantic model of one entry.

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


def check_sheet(rows: NamedRows, model: type[Entry]) -> None:
    """Log unknown columns, missing values and undefined names of entries of a pydantic model.

    Args:
        rows: Entries of a section, in which faults are logged.
        model: Pydantic model of an entry.
    """
    known, sheet = list_columns(model), rows.sheet
    for key, cells in sheet.columns.items():
        filled = np.flatnonzero(cells.code)[:1].tolist()
        if message := _describe_unknown_column(key, known, rows.draft, given=bool(filled)):
            row = filled[0] if filled else min((row for row, at in sheet.cell_locations if at == key), default=0)
            rows.add_error(row, key, message, FaultKind.VALUE)
        if key[-1] in ("source", "note"):
            _check_texts(rows, key)
    for key, (kind, default) in known.items():
        if default is PydanticUndefined:
            _check_required(rows, key)
        if isinstance(kind, NameField):
            _check_names(rows, key, kind)
        elif isinstance(kind, TextField) and key in sheet.columns:
            _check_texts(rows, key)


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


def _check_required(rows: NamedRows, key: ColumnKey) -> None:
    """Log a missing required column or its empty cells."""
    sheet = rows.sheet
    if sheet.entry_index is None and key not in sheet.header_locations:
        place, message = Location(sheet.file, 1, 1), f"the column `{key[0]}` is missing"
        rows.draft.faults.add_error(place, (sheet.section,), message, kind=FaultKind.MISSING)
        return
    for row in np.flatnonzero(sheet.get_column(key).code == 0)[:MAX_LISTED].tolist():
        rows.add_error(row, key, f"`{key[0]}` is missing", FaultKind.MISSING)


def _check_names(rows: NamedRows, key: ColumnKey, kind: NameField) -> None:
    """Log cells of a column that are invalid or undefined names."""
    _report_cells(rows, key, {cell: kind.check(cell, rows.draft.context) for cell in _list_cell_texts(rows.sheet, key)})


def _check_texts(rows: NamedRows, key: ColumnKey) -> None:
    """Log cells of a column that contain control characters."""
    _report_cells(rows, key, {cell: check_control_characters(cell) for cell in _list_cell_texts(rows.sheet, key)})


def _list_cell_texts(sheet: InputSheet, key: ColumnKey) -> list[str]:
    """Return the distinct texts of a column."""
    cells = sheet.get_column(key)
    return [cells.texts[code] or "" for code in cells.list_codes().tolist()]


def _report_cells(rows: NamedRows, key: ColumnKey, faults: dict[str, str]) -> None:
    """Log the errors of a column by distinct cell, '' for none, at most `MAX_LISTED`, each at the first such row."""
    wrong = {cell: message for cell, message in faults.items() if message}
    for number, (cell, message) in enumerate([*wrong.items()][:MAX_LISTED], start=1):
        if number == MAX_LISTED < len(wrong):
            message += f"; {len(wrong) - MAX_LISTED} more cells of this column are wrong"
        row, *others = rows.sheet.get_column(key).find_rows(cell)
        if others and rows.sheet.entry_index is None:
            message += f" (and in {len(others)} more rows)"
        rows.add_error(row, key, message, FaultKind.VALUE)


def read_numeric_column(
    rows: NamedRows, key: ColumnKey, model: type[Entry], default: Quantity, chosen: Ints
) -> NumericColumn:
    """Read a column of quantities; invalid cells are errors.

    Args:
        rows: Streams or lanes.
        key: Column.
        model: Pydantic model of one entry.
        default: Quantity of an empty or invalid cell.
        chosen: Rows to read (N,).

    Returns:
        Parsed column (N,).
    """
    if key not in rows.sheet.columns:
        return build_absent_column(len(chosen), default)
    kind = list_columns(model).get(key) or list_columns(model)[*key[:-1], "*"]
    cells = rows.sheet.get_column(key).select_rows(chosen)
    column = parse_column(cells, kind[0], rows.draft.context.money, default)
    _report_cells(rows, key, column.errors)
    return column


def check_unit_masses(rows: NamedRows, key: ColumnKey, column: NumericColumn, device: Ints, chosen: Ints) -> None:
    """Log quantities per piece of devices without a unit mass.

    Args:
        rows: Streams or lanes.
        key: Column.
        column: Parsed column (N,).
        device: Device index of each of its cells (N,).
        chosen: Row of each of its cells (N,).
    """
    draft = rows.draft
    heavy = np.array([name in draft.unit_mass for name in sorted(draft.document.devices)] or [True], dtype=np.bool_)
    for row in chosen[(column.pieces != 0) & (device >= 0) & ~heavy[device]][:MAX_LISTED].tolist():
        cell = escape_text(rows.sheet.get_column(key)[row] or "")
        rows.add_error(row, key, f"`{cell}` needs the mass of a piece: give the device a `unit_mass`", FaultKind.VALUE)
