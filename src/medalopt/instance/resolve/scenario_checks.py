"""Validate every scenario of an instance file; only the sections that a scenario changes are validated again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from medalopt.errors import FaultKind, InputError, UsageError
from medalopt.instance.paths import PathError, parse_path
from medalopt.instance.reader.errors import FaultLog
from medalopt.instance.reader.overrides import (
    OVERRIDE_LOCATION,
    apply_row_overrides,
    apply_tree_overrides,
    parse_overrides,
)
from medalopt.instance.reader.yaml_nodes import MappingNode, locate_key
from medalopt.instance.reader.yaml_reader import split_notes
from medalopt.instance.resolve.checks import check_document
from medalopt.instance.resolve.ineffective_values import Reasons, find_ineffective, find_reason
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.resolve.row_validation import name_stream_rows
from medalopt.instance.resolve.streams import name_lane_rows, read_lane_rows, read_stream_rows
from medalopt.instance.scenario import Change, ParameterChanges, format_value, resolve_change, spare_firm
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.fields_at_path import TABLE_SECTIONS
from medalopt.instance.schema.validation import build_section_model, validate_tree
from medalopt.instance.source_values import SourceValues
from medalopt.text import escape_text

_GLOBAL_SECTIONS = frozenset({"periods", "currency", "exchange"})  # sections on which all others depend
_InstanceBuilder = Callable[[ParameterChanges], object]


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
