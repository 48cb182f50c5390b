"""Scenario files, and the validation of every scenario of an instance file.

A scenario file is a CSV table with a column per parameter path, or YAML in the form of the section. Only the sections
that a scenario changes are validated again.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import os
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

from medalopt.errors import FaultKind, InputError, UsageError
from medalopt.instance.instance import Instance
from medalopt.instance.reader import limits
from medalopt.instance.reader.files import (
    SAVE_AS_UTF8,
    SAVE_CSV_AS_UTF8,
    FaultLog,
    FileBytes,
    Location,
    decode_utf8,
    read_file,
)
from medalopt.instance.reader.overrides import (
    OVERRIDE_LOCATION,
    apply_row_overrides,
    apply_tree_overrides,
    parse_overrides,
)
from medalopt.instance.reader.yaml_nodes import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    locate_key,
    parse_yaml,
    split_notes,
)
from medalopt.instance.resolve.checks import check_document
from medalopt.instance.resolve.ineffective_values import Reasons, find_ineffective, find_reason
from medalopt.instance.resolve.parsed_document import Draft, read_scenario_entry
from medalopt.instance.resolve.row_validation import name_stream_rows
from medalopt.instance.resolve.streams import name_lane_rows, read_lane_rows, read_stream_rows
from medalopt.instance.scenario import Change, ParameterChanges, Scenario, format_value, resolve_change, spare_firm
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.field_types import find_name_flaw
from medalopt.instance.schema.validation import TABLE_SECTIONS, build_section_model, validate_tree
from medalopt.instance.source_values import SourceValues
from medalopt.text import ParameterPath, PathError, check_control_characters, escape_text, parse_path, suggest_name

MAX_STREAMS_BUILT = 20_000  # in all scenarios that are built for their warnings; at least one scenario is
_GLOBAL_SECTIONS = frozenset({"periods", "currency", "exchange"})  # sections on which all others depend


_InstanceBuilder = Callable[[ParameterChanges], object]


def _report(faults: FaultLog, location: Location, message: str, path: ParameterPath = ()) -> None:
    """Record an error of a scenario file."""
    faults.add_error(location, path, message, kind=FaultKind.SCENARIOS)


def check_scenarios(draft: Draft, reasons: Reasons, whole: _InstanceBuilder) -> None:
    """Validate all scenarios and record their faults, each with the scenario's name and path.

    Args:
        draft: The parsed instance; faults are added to it.
        reasons: Values of the file itself that have no effect, with the reasons.
        whole: Builds a complete instance with changes and raises InputError where they are invalid; used for changes on
            which all sections depend.
    """
    if not draft.document.scenarios:
        return
    resolve = lru_cache(maxsize=100_000)(partial(resolve_change, SourceValues(draft)))
    known = frozenset(draft.faults.errors)
    for name, scenario in draft.document.scenarios.items():
        _check_scenario(draft, name, scenario, reasons, resolve, whole, known)


def _check_scenario(
    draft: Draft,
    name: str,
    scenario: Mapping[str, Any],
    reasons: Reasons,
    resolve: Callable[[Change], dict[str, str]],
    whole: _InstanceBuilder,
    known: frozenset[Any],
) -> None:
    """Validate one scenario and record its faults."""
    result: dict[str, dict[str, str]] = {}
    wrong: dict[str, list[str]] = {}  # messages by key of the scenario; '': the scenario as a whole
    for key, value in scenario.items():
        if format_value(value) is None or not _begins_with_section(key):
            continue  # reported by the validation of the file itself
        try:
            change = Change.build(key, value)
            result[key] = spare_firm(change, resolve(change), draft.document.firm)
        except UsageError as error:
            wrong.setdefault(key, []).append(str(error).removeprefix(f"{escape_text(key)}: "))
    keys = {path: key for key, changes in result.items() for path in changes}
    changes = {path: value for each in result.values() for path, value in each.items()}
    faults = FaultLog()
    idle: Reasons = {}
    try:
        if _GLOBAL_SECTIONS.isdisjoint(str(parse_path(path)[0]) for path in changes):
            idle = _validate_changes(draft, changes, reasons, faults)
        else:
            whole({key: scenario[key] for key in result})
    except InputError as error:
        faults.errors.extend(error.faults)
    clean = not known
    for fault in faults.errors:
        if fault.file == OVERRIDE_LOCATION.file or (clean and fault not in known):
            key = _find_key(fault.path, keys)
            text = "" if fault.path == key or not fault.path else f"{fault.path}: "
            wrong.setdefault(key, []).append(f"{text}{fault.message}")
    for key, each in result.items():
        why = [find_reason(parse_path(path), idle) for path in each]
        if each and all(why) and key not in wrong:
            wrong[key] = [f"has no effect: {why[0]}"]
    for key, messages in wrong.items():
        path = ("scenarios", name, key) if key else ("scenarios", name)
        more = f" (and {len(messages) - 1} more of the same scenario)" if len(set(messages)) > 1 else ""
        draft.faults.add_error(locate_key(draft.root, path), path, messages[0] + more, kind=FaultKind.CHANGE)


def warn_of_scenarios(draft: Draft, unchanged: Instance, build: Callable[[ParameterChanges], Instance]) -> None:
    """Record the warnings that an instance draws in its scenarios alone; of the first ones where they are many.

    Args:
        draft: The parsed instance without errors, also in its scenarios; warnings are added to it.
        unchanged: The instance.
        build: Builds the instance with changes, firm parameters protected.
    """
    known = {(warning.path, warning.kind) for warning in unchanged.warnings}  # amounts in messages may differ
    scenarios = draft.document.scenarios
    greatest = max(1, MAX_STREAMS_BUILT // max(1, len(unchanged.streams.names)))
    if len(scenarios) > greatest:
        text = f"errors of all {len(scenarios)} scenarios are found, and warnings of the first {greatest} alone"
        draft.faults.add_warning(locate_key(draft.root, ("scenarios",)), ("scenarios",), text, kind=FaultKind.SCENARIOS)
    for name, scenario in islice(scenarios.items(), greatest):
        changes = {key: value for key, value in scenario.items() if format_value(value) is not None}
        for warning in build(changes).warnings if changes else ():
            if (warning.path, warning.kind) not in known:
                path = ("scenarios", name)
                text = ": ".join(part for part in (warning.path, warning.message) if part)
                draft.faults.add_warning(
                    locate_key(draft.root, path), path, f"in this scenario: {text}", kind=warning.kind
                )


def _begins_with_section(key: str) -> bool:
    """Return whether the path begins with a section of the file."""
    try:
        return str(parse_path(key)[0]) in Document.model_fields
    except PathError:
        return False


def _find_key(path: str, keys: Mapping[str, str]) -> str:
    """Return the change of a scenario that causes a fault at `path`; '' where there is none."""
    while path and path not in keys:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return keys.get(path, "")


def _validate_changes(draft: Draft, changes: ParameterChanges, reasons: Reasons, faults: FaultLog) -> Reasons:
    """Apply `changes` to the draft, record faults, and return the values that then have no effect."""
    overrides = parse_overrides(changes, faults)
    sections = {str(change.path[0]) for change in overrides}
    calendar = draft.calendar
    root = apply_tree_overrides(draft.root, overrides, calendar.count if calendar else None, faults)
    inner = frozenset(sections - set(TABLE_SECTIONS))
    bare = MappingNode({name: root.items[name] for name in inner if name in root.items}, root.keys, root.place)
    part = validate_tree(split_notes(bare, faults)[0], build_section_model(inner), draft.context, faults)
    document = draft.document.model_copy(update={name: getattr(part, name) for name in inner})
    labels = calendar.labels if calendar else None
    rows, sheet = draft.streams, draft.lanes
    if "streams" in sections:
        rows = apply_row_overrides(rows, overrides, name_stream_rows, labels, faults)
    if "lanes" in sections and sheet is not None:
        sheet = apply_row_overrides(sheet, overrides, name_lane_rows, labels, faults)
    changed = dataclasses.replace(draft, root=root, document=document, streams=rows, lanes=sheet, faults=faults)
    if "streams" in sections:
        read_stream_rows(rows, changed)
    if "lanes" in sections and sheet is not None:
        read_lane_rows(sheet, changed)
    check_document(changed, sections)
    return find_ineffective(changed, sections, reasons)


_SCENARIO_COLUMN = "scenario"


_YAML_SUFFIXES = (".yaml", ".yml")


def read_scenario_file(path: Path) -> list[Scenario]:
    """Read a scenario file.

    Returns:
        The scenarios, in the order of the file.

    Raises:
        InputError: The file is invalid; it lists every error.
    """
    faults = FaultLog()
    name = os.fspath(path)
    data = read_file(
        path,
        name,
        limits.MAX_LIST_BYTES,
        lambda message: faults.add_error(Location(name), (), message, kind=FaultKind.FILE),
    )
    yaml = path.suffix.lower() in _YAML_SUFFIXES
    text = decode_utf8(data, SAVE_AS_UTF8 if yaml else SAVE_CSV_AS_UTF8, faults) if data is not None else None
    result: dict[str, Scenario] = {}
    if data is not None and text is not None:
        result = (_parse_scenario_yaml if yaml else _parse_scenario_table)(text, data, faults)
        if not result and not faults.errors:
            _report(faults, Location(name), "contains no scenarios")
    faults.raise_errors()
    return list(result.values())


def _parse_scenario_table(text: str, data: FileBytes, faults: FaultLog) -> dict[str, Scenario]:
    """Parse a CSV table: a row per scenario, named by column `scenario` or by number; empty cells change nothing."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    result: dict[str, Scenario] = {}
    try:
        header = [head.strip() for head in next((row for row in reader if row), [])]
        if not _check_header(header, Location(data.name, reader.line_num, 1), faults):
            return {}
        cells_read = 0
        for row in reader:
            location = Location(data.name, reader.line_num, 1)
            cells_read += len(row)
            if cells_read > limits.MAX_CELLS:
                faults.add_error(
                    location,
                    (),
                    f"has more than {limits.MAX_CELLS:_} cells; make several files of it",
                    kind=FaultKind.SIZE,
                )
                break
            if len(row) == len(header):
                cells = dict(zip(header, row, strict=True))
                name = cells.pop(_SCENARIO_COLUMN, "").strip() or str(len(result) + 1)
                _add_scenario(
                    result, name, {path: cell for path, cell in cells.items() if cell.strip()}, location, faults
                )
            elif row:
                _report(faults, location, f"this row has {len(row)} cells, but the header has {len(header)}")
    except csv.Error as error:
        message = f"is not a CSV table: {escape_text(str(error))}; look for a quote that is not closed"
        _report(faults, Location(data.name, reader.line_num), message)
    return result


def _check_header(header: list[str], place: Location, faults: FaultLog) -> bool:
    """Log invalid column headers; return False if there are too many columns."""
    if len(header) > limits.MAX_COLUMNS:
        faults.add_error(
            place, (), f"has {len(header):_} columns; a table has at most {limits.MAX_COLUMNS:_}", kind=FaultKind.SIZE
        )
        return False
    seen: set[str] = set()
    for column, head in enumerate(header, start=1):
        location = Location(place.file, place.line, column)
        if head in seen:
            _report(faults, location, f"the column `{escape_text(head)}` is defined twice")
        elif head != _SCENARIO_COLUMN:
            _check_path(head, location, faults)
        seen.add(head)
    return True


def _parse_scenario_yaml(text: str, data: FileBytes, faults: FaultLog) -> dict[str, Scenario]:
    """Parse YAML: scenarios by name, optionally below the key `scenarios`."""
    root = parse_yaml(text, data.name, faults)
    if isinstance(root, MappingNode) and list(root.items) == ["scenarios"]:
        root = root.items["scenarios"]
    if not isinstance(root, MappingNode):
        if root is not None:
            _report(faults, root.place, "expected scenarios by name, such as {poorer: {devices.*.content.Ag: 85 %}}")
        return {}
    result: dict[str, Scenario] = {}
    for name, node in root.items.items():
        if not isinstance(node, MappingNode):
            _report(
                faults, node.place, "expected changes, path to value, such as {devices.*.content.Ag: 85 %}", (name,)
            )
            continue
        changes, entry = {}, read_scenario_entry(node, (name,), faults).changes
        for path, value in entry.items.items():
            _check_path(path, entry.keys[path], faults)
            changes[path] = _read_value(value, (name, path), faults)
        _add_scenario(result, name, changes, node.place, faults)
    return result


def _read_value(node: Node, path: tuple[str, ...], faults: FaultLog) -> str:
    """Return a scalar or a list of scalars as the text of an override."""
    items = node.items if isinstance(node, SequenceNode) else (node,)
    texts = [item.text for item in items if isinstance(item, ScalarNode) and not item.null]
    if isinstance(node, MappingNode) or len(texts) < len(items):
        _report(faults, node.place, "expected the new value: one value, or a list of them", path)
    return f"[{', '.join(texts)}]" if isinstance(node, SequenceNode) else "".join(texts)


def _check_path(path: str, location: Location, faults: FaultLog) -> None:
    """Log an invalid path or an unknown section."""
    try:
        section = str(parse_path(path)[0])
    except PathError as error:
        _report(faults, location, str(error), (path[:100],))
        return
    if section not in Document.model_fields:
        suggestion = suggest_name(section, Document.model_fields)
        _report(
            faults, location, f"a path begins with a section; `{escape_text(section)}` is none{suggestion}", (path,)
        )


def _add_scenario(
    found: dict[str, Scenario], name: str, changes: dict[str, str], location: Location, faults: FaultLog
) -> None:
    """Add a scenario; log control characters, invalid names and duplicates."""
    for problem in (
        find_name_flaw(name),
        *map(check_control_characters, changes),
        *map(check_control_characters, changes.values()),
    ):
        if problem:
            _report(faults, location, problem, (name[:100],))
    if name in found:
        _report(faults, location, f"the scenario `{escape_text(name)}` is defined twice: rename one of them")
    found[name] = Scenario.build(name, changes)
