"""Overrides of single parameters (path to new value), applied before validation to the YAML tree and to sheet rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as AnyMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from medalopt.errors import FaultKind, InputError
from medalopt.instance.reader.files import FaultLog, Location
from medalopt.instance.reader.rows import (
    PERIOD,
    STEPPED_FIELD,
    CellColumn,
    ColumnKey,
    InputSheet,
    find_empty_step,
    format_scalar,
    is_step_list,
)
from medalopt.instance.reader.yaml_nodes import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    find_node,
    iterate_scalars,
    parse_yaml,
    relocate_node,
)
from medalopt.instance.schema.validation import PER_METAL_FIELDS, find_parameter_kind
from medalopt.text import ParameterPath, PathError, escape_text, parse_path, render_path, suggest_name

OVERRIDE_LOCATION = Location("--set")


@contextmanager
def attribute_faults_to(option: str, path: str = "") -> Iterator[None]:
    """Report faults in changes as faults of a command-line option.

    Args:
        option: Name of the option.
        path: Parameter for which the option stands, which its faults then need not name; '': every changed parameter.

    Yields:
        Nothing; InputError raised inside is raised again with `option` as the file of its faults.
    """
    try:
        yield
    except InputError as error:
        own = [
            replace(fault, file=option, path="" if path else fault.path)
            if fault.file == OVERRIDE_LOCATION.file and fault.path.startswith(path)
            else fault
            for fault in error.faults
        ]
        raise InputError(own) from error


SUM_NOT_ALLOWED = "a leading + adds only if the path contains `*`; write the new value, without a sign"
_MAX_VALUE_LENGTH = 100_000
_PLAIN_QUANTITY = re.compile(r"[+-]?[0-9][0-9._]*(?:[eE][+-]?[0-9]+)?(?: ?[A-Za-z%][A-Za-z%/_]*)?")
NAMED_SECTIONS = (
    "metals",
    "devices",
    "treatments",
    "smelters",
    "market",
    "alloys",
    "medals",
    "mixes",
    "scenarios",
    "transfers",
    "parties",
)
_PER_PERIOD_FIELDS = ("sell", "holding", "price", "capacity", "cost", "sold", "treatment_charge", "charge")
_PER_METAL_AND_PERIOD_FIELDS = ("pays", "refining_charge")


class OverrideError(ValueError):
    """An override that cannot be applied; the message states the reason."""


@dataclass(frozen=True)
class ParameterOverride:
    """Path of a parameter and its new value."""

    path: ParameterPath
    value: Node


def parse_overrides(changes: AnyMapping[str, str], faults: FaultLog) -> list[ParameterOverride]:
    """Parse overrides; an invalid path or value is an error.

    Args:
        changes: New value as text, by path.
        faults: Log for errors and warnings.

    Returns:
        The valid overrides.
    """
    result = []
    for text, value in changes.items():
        try:
            path = parse_path(text)
            if any("\ud800" <= char <= "\udfff" for char in text):
                raise PathError("contains bytes that are not text; write the path in UTF-8")
        except PathError as error:
            faults.add_error(OVERRIDE_LOCATION, (text,), str(error), kind=FaultKind.CHANGE)
            continue
        node: Node | None = _parse_quantities(value)
        if len(value) > _MAX_VALUE_LENGTH:
            faults.add_error(
                OVERRIDE_LOCATION,
                path,
                f"the new value is longer than {_MAX_VALUE_LENGTH:_} characters",
                kind=FaultKind.CHANGE,
            )
            continue
        if node is None:
            own = FaultLog()
            node = parse_yaml(value, OVERRIDE_LOCATION.file, own)
            for fault in own.errors:
                faults.add_error(OVERRIDE_LOCATION, path, fault.message, kind=fault.kind)
            for fault in own.warnings:
                faults.add_warning(OVERRIDE_LOCATION, path, fault.message, kind=fault.kind)
        if node is not None:
            for at, scalar in iterate_scalars(node, path):
                if scalar.text.lstrip().startswith("+") and find_parameter_kind(at) is not None:
                    faults.add_error(OVERRIDE_LOCATION, at, SUM_NOT_ALLOWED, kind=FaultKind.CHANGE)
            result.append(ParameterOverride(path, relocate_node(node, OVERRIDE_LOCATION)))
    return result


def _parse_quantities(value: str) -> Node | None:
    """Parse a plain quantity, a list of them or an empty value; return None if it needs the YAML parser."""
    if not value.strip() or _PLAIN_QUANTITY.fullmatch(value):
        return ScalarNode(value.strip(), True, OVERRIDE_LOCATION)
    if value.startswith("[") and value.endswith("]"):
        items = value[1:-1].split(", ")
        if all(map(_PLAIN_QUANTITY.fullmatch, items)):
            return SequenceNode(tuple(ScalarNode(item, True, OVERRIDE_LOCATION) for item in items), OVERRIDE_LOCATION)
    return None


def apply_tree_overrides(
    root: MappingNode, changes: list[ParameterOverride], periods: int | None, faults: FaultLog
) -> MappingNode:
    """Apply all overrides that concern neither a stream nor a lane.

    Args:
        root: Root of the instance file.
        changes: Overrides.
        periods: Number of periods; None if unknown.
        faults: Log for errors.

    Returns:
        The changed tree.
    """
    for change in changes:
        if len(change.path) > 1 and change.path[0] in ("streams", "lanes"):
            continue
        try:
            _check_member_exists(root, change.path)
            changed = _replace_at(root, change.path, change, 0, periods)
        except OverrideError as error:
            faults.add_error(OVERRIDE_LOCATION, change.path, str(error), kind=FaultKind.CHANGE)
            continue
        root = changed if isinstance(changed, MappingNode) else root
    return root


def _check_member_exists(root: MappingNode, path: ParameterPath) -> None:
    """Raise OverrideError if the path names a member that its section does not have."""
    for length in (2, 4):
        named = (length == 2 and path[0] in NAMED_SECTIONS) or (
            length == 4 and path[0] == "smelters" and path[2:3] == ("terms",)
        )
        if len(path) < length or not named:
            continue
        above, name = find_node(root, path[: length - 1]), path[length - 1]
        members = above.items if isinstance(above, MappingNode) else {}
        if name not in members:
            where = render_path(path[: length - 1])
            raise OverrideError(
                f"there is no `{escape_text(str(name))}` in `{where}`{suggest_name(str(name), members)}"
            )


def _replace_at(
    node: Node | None, path: ParameterPath, change: ParameterOverride, index: int, periods: int | None
) -> Node:
    """Return `node`, at the first `index` steps of `path`, with the new value set below it."""
    if index == len(path):
        return change.value
    step = path[index]
    field = path[index - 1] if index else ""
    if isinstance(step, int):
        by_metal = path[index - 2] if index > 1 else ""  # such as `pays.Au[0]`
        known = field in _PER_PERIOD_FIELDS or by_metal in _PER_METAL_AND_PERIOD_FIELDS
        items = _expand_list(node, known, periods)
        if step >= len(items):
            raise OverrideError(f"there are {len(items)} values here; they are numbered from 0")
        inner = _replace_at(items[step], path, change, index + 1, periods)
        return SequenceNode((*items[:step], inner, *items[step + 1 :]), node.place if node else OVERRIDE_LOCATION)
    base = _expand_mapping(node, field)
    inner = _replace_at(base.items.get(step), path, change, index + 1, periods)
    return MappingNode(
        {**base.items, step: inner}, {**base.keys, step: base.keys.get(step, OVERRIDE_LOCATION)}, base.place
    )


def _expand_list(node: Node | None, per_period: bool, periods: int | None) -> tuple[Node, ...]:
    """Return the items of a list; expand a scalar of a per-period field to all periods."""
    if isinstance(node, SequenceNode):
        return node.items
    if isinstance(node, ScalarNode) and not node.null and per_period and periods:
        return (node,) * periods
    raise OverrideError("the value is not a list: change it as a whole")


def _expand_mapping(node: Node | None, field: str | int) -> MappingNode:
    """Return a mapping; expand a scalar of a per-metal field to its `default`, and no node to an empty mapping."""
    if isinstance(node, MappingNode):
        return node
    if node is None or (isinstance(node, ScalarNode) and node.null):
        whole = {"default": ScalarNode("100 %", False, OVERRIDE_LOCATION)} if field == "recovery" else {}
        return MappingNode(dict(whole), dict.fromkeys(whole, OVERRIDE_LOCATION), OVERRIDE_LOCATION)
    if isinstance(node, ScalarNode) and field in PER_METAL_FIELDS:
        return MappingNode({"default": node}, {"default": node.place}, node.place)
    raise OverrideError(f"`{escape_text(str(field))}` is one value without members")


_AVAILABLE: ColumnKey = ("available",)
_PRICES: tuple[ColumnKey, ...] = (("price",), ("collection",))  # of streams, by period
_NAME_FIELDS = ("name", "device", "region", "smelter")
CellEdit = tuple[int, ColumnKey, str | None]


def apply_row_overrides(
    sheet: InputSheet,
    changes: list[ParameterOverride],
    names_of: Callable[[InputSheet], CellColumn],
    labels: tuple[str, ...] | None,
    faults: FaultLog,
) -> InputSheet:
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
    waiting: list[CellEdit] = []  # applied together, for speed
    for change in changes:
        if change.path[0] != sheet.section or len(change.path) < 2:
            continue
        rows = names_of(sheet).group_rows() if rows is None else rows
        try:
            changed = _build_edits(sheet, change, rows, labels)
        except OverrideError as error:
            faults.add_error(OVERRIDE_LOCATION, change.path, str(error), kind=FaultKind.CHANGE)
            continue
        if not isinstance(changed, InputSheet) and all(_is_independent(sheet, key) for _, key, _ in changed):
            waiting += changed
            continue
        sheet, waiting = sheet.with_cells(waiting, OVERRIDE_LOCATION), []
        changed = _build_edits(sheet, change, rows, labels)
        after = changed if isinstance(changed, InputSheet) else sheet.with_cells(changed, OVERRIDE_LOCATION)
        rows = rows if after.lines is sheet.lines and change.path[2] not in _NAME_FIELDS else None
        sheet = after
    return sheet.with_cells(waiting, OVERRIDE_LOCATION)


def _is_independent(sheet: InputSheet, key: ColumnKey) -> bool:
    """Test if later overrides can be evaluated before a cell of this column is written."""
    return key in sheet.columns and key != PERIOD and key[0] not in _NAME_FIELDS


def _build_edits(
    sheet: InputSheet, change: ParameterOverride, every: dict[str | None, list[int]], labels: tuple[str, ...] | None
) -> InputSheet | list[CellEdit]:
    """Return the cells that an override writes, or the changed sheet if rows are added or removed."""
    name, *rest = change.path[1:]
    rows = every.get(name, []) if isinstance(name, str) else []
    if not rows or not isinstance(name, str):
        suggestion = suggest_name(str(name), {name for name in every if name})
        raise OverrideError(f"there is no `{escape_text(str(name))}` among the {sheet.section}{suggestion}")
    index = rest[-1] if rest and isinstance(rest[-1], int) else None
    key = tuple(step for step in rest if isinstance(step, str))
    if rest[:1] == [STEPPED_FIELD] and len(rest) == 3 and isinstance(rest[1], int):
        own = (STEPPED_FIELD, str(rest[1] + 1), str(rest[2]))
        if not any(sheet.get_column((*own[:2], "price"))[row] for row in rows):
            raise OverrideError("there is no such price step; steps are numbered from 0")
        if not isinstance(change.value, ScalarNode):
            raise OverrideError("expected one value")
        return [(row, own, None if change.value.null else format_scalar(change.value)) for row in rows]
    if key == (STEPPED_FIELD,) and isinstance(change.value, SequenceNode) and is_step_list(key[0], change.value):
        return [*_clear_nested(sheet, rows, key), *_fill_steps(rows, key, change.value)]
    if not key or len(key) + (index is not None) < len(rest):
        raise OverrideError(f"name one parameter, such as `{sheet.section}.{escape_text(name)}.footprint`")
    if key != _AVAILABLE and (key not in _PRICES or (index is None and not isinstance(change.value, SequenceNode))):
        if index is not None:
            raise OverrideError("the value is not a list: change it as a whole")
        cells = [cell for row in rows for cell in _fill_cells(row, key, change.value)]
        return [*_clear_nested(sheet, rows, key), *cells]
    if key[0] == STEPPED_FIELD:
        sheet = sheet.with_cells(_clear_nested(sheet, rows, key), OVERRIDE_LOCATION)
    return _override_periods(sheet, rows, key, index, change.value, labels or ())


def _clear_nested(sheet: InputSheet, rows: list[int], key: ColumnKey) -> list[CellEdit]:
    """Return edits that empty the nested columns of `key`."""
    return [(row, one, None) for one in sheet.columns if one[:1] == key and one != key for row in rows]


def _fill_cells(row: int, key: ColumnKey, value: Node) -> list[CellEdit]:
    """Return the edits that write a value, including nested fields."""
    if isinstance(value, ScalarNode):
        if value.null:
            return [(row, key, None)]
        return [*((row, (*key[:length], "{}"), "") for length in range(1, len(key))), (row, key, format_scalar(value))]
    if isinstance(value, MappingNode):
        inner = [cell for name, item in value.items.items() for cell in _fill_cells(row, (*key, name), item)]
        return [(row, (*key, "{}"), ""), (row, key, None), *inner]
    raise OverrideError("expected one value; found a list")


def _fill_steps(rows: list[int], key: ColumnKey, value: SequenceNode) -> list[CellEdit]:
    """Return the edits that write price steps in place of a price."""
    steps = [
        ((*key, str(number), inner), item)
        for number, step in enumerate(value.items, start=1)
        for inner, item in (step.items.items() if isinstance(step, MappingNode) else (("price", step),))
    ]
    if empty := find_empty_step(value):
        raise OverrideError(f"step {empty} has no `price`")
    for (_, number, inner), item in steps:
        if not isinstance(item, ScalarNode):
            found = "list" if isinstance(item, SequenceNode) else "mapping"
            raise OverrideError(f"`{escape_text(inner)}` of step {number}: expected one value; found a {found}")
    cells = [(own, None if item.null else format_scalar(item)) for own, item in steps if isinstance(item, ScalarNode)]
    return [*((row, key, None) for row in rows), *((row, own, text) for row in rows for own, text in cells)]


def _override_periods(
    sheet: InputSheet, rows: list[int], key: ColumnKey, index: int | None, value: Node, labels: tuple[str, ...]
) -> InputSheet | list[CellEdit]:
    """Override the supply or a price of a stream in all periods or in one."""
    if index is not None:
        if index >= len(labels):
            raise OverrideError(f"there are {len(labels)} periods; they are numbered from 0")
        sheet, rows = _expand_periods(sheet, rows, labels)
        return sheet.with_cells(_fill_cells(rows[index], key, value), OVERRIDE_LOCATION)
    if isinstance(value, SequenceNode):
        if len(value.items) != len(labels):
            raise OverrideError(f"there are {len(labels)} periods, but {len(value.items)} values")
        periods = [sheet.get_column(PERIOD)[row] for row in rows]
        given = [
            item
            for label, item in zip(labels, value.items, strict=True)
            if label in periods or key != _AVAILABLE or not (isinstance(item, ScalarNode) and item.value == 0)
        ]
        if len(given) == len(rows) and all(label in labels for label in periods):
            order = sorted(zip(periods, rows, strict=True), key=lambda pair: labels.index(pair[0] or ""))
            return [cell for (_, row), item in zip(order, given, strict=True) for cell in _fill_cells(row, key, item)]
        sheet, rows = _expand_periods(sheet, rows, labels)
        new = zip(rows, value.items, strict=True)
        return sheet.with_cells([cell for row, item in new for cell in _fill_cells(row, key, item)], OVERRIDE_LOCATION)
    if any(len({sheet.get_column(price)[row] for row in rows}) > 1 for price in _PRICES):
        sheet, rows = _expand_periods(sheet, rows, labels)  # prices change over time and stay as they are
        return sheet.with_cells([cell for row in rows for cell in _fill_cells(row, key, value)], OVERRIDE_LOCATION)
    cells = _fill_cells(rows[0], key, value)
    if PERIOD in sheet.columns:
        cells = [(rows[0], PERIOD, None), *cells]
    if len(rows) == 1:
        return cells
    return sheet.with_cells(cells, OVERRIDE_LOCATION).select_rows(np.delete(np.arange(sheet.count), rows[1:]))


def _expand_periods(sheet: InputSheet, rows: list[int], labels: tuple[str, ...]) -> tuple[InputSheet, list[int]]:
    """Replace the rows of a stream by one row per period, at the end; return the sheet and the new row indices."""
    periods = [sheet.get_column(PERIOD)[row] for row in rows]
    source = [rows[periods.index(label)] if label in periods else rows[0] for label in labels]
    remaining = np.delete(np.arange(sheet.count), rows)
    spread = sheet.select_rows(np.concatenate([remaining, source]))
    new = list(range(len(remaining), len(remaining) + len(labels)))
    empty = [row for row, label in zip(new, labels, strict=True) if None not in periods and label not in periods]
    cells: list[CellEdit] = [(row, PERIOD, label) for row, label in zip(new, labels, strict=True)]
    return spread.with_cells([*cells, *((row, _AVAILABLE, None) for row in empty)], OVERRIDE_LOCATION), new
