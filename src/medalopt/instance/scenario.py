"""Scenario changes: expand wildcards and relative values, and validate every scenario of an instance.

The language of `scenarios:` and `--vary`. Without `*` the value replaces the parameter. With `*` a percentage scales
every parameter matched, `+n` and `-n` are added to it (to a date as periods), and any other value replaces it. The
result is an ordinary mapping from path to value. Of a scenario only the sections that it changes are validated.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from medalopt.errors import InputError, UsageError
from medalopt.instance.paths import ParameterPath, PathError, parse_path, render_path
from medalopt.instance.reader.errors import FaultLog
from medalopt.instance.reader.overrides import (
    OVERRIDE_LOCATION,
    apply_row_overrides,
    apply_tree_overrides,
    parse_overrides,
)
from medalopt.instance.reader.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode, locate_key
from medalopt.instance.reader.yaml_reader import split_notes
from medalopt.instance.resolve.checks import check_document
from medalopt.instance.resolve.ineffective_values import Reasons, find_ineffective, find_reason
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.resolve.row_validation import name_stream_rows
from medalopt.instance.resolve.streams import name_lane_rows, read_lane_rows, read_stream_rows
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.field_types import QuantityField
from medalopt.instance.schema.fields_at_path import ParameterKind, find_parameter_kind
from medalopt.instance.schema.validation import build_section_model, validate_tree
from medalopt.instance.source_values import SourceValues
from medalopt.text import escape_text
from medalopt.units import Quantity, QuantityError

WILDCARD = "*"
_PERIOD_OFFSET = re.compile(r"[+-][0-9]{1,4}")
_NON_MEMBER_KEYS = ("source", "note", "default")
_Transformation = Callable[[Fraction], Fraction]


def expand_change(written: SourceValues, path: str, value: str) -> dict[str, str]:
    """Expand one change to ordinary changes.

    Args:
        written: Values of the instance file.
        path: Path of a parameter, with or without `*`.
        value: New value, percentage or offset.

    Returns:
        New value of each path matched.

    Raises:
        UsageError: The path matches nothing, or the value cannot be read or applied.
    """
    if WILDCARD not in _parse_pattern(path):
        return {path: value}
    text = value.strip()
    if text.startswith(("+", "-")) and _parse_pattern(path)[-1] == "due" and _PERIOD_OFFSET.fullmatch(text):
        return _change_each_match(
            written, path, lambda one: {render_path(one): _shift_period(written, one, int(text), path)}
        )
    if text.startswith(("+", "-")):
        return _change_each_match(written, path, lambda one: _add_to_parameter(written, one, text, path))
    if text.endswith("%"):
        return scale_matching(written, path, _read_operand(text, "", written, path))
    return _change_each_match(written, path, lambda one: {render_path(one): value})


def _shift_period(written: SourceValues, path: ParameterPath, by: int, asked: str) -> str:
    """Return the name of the period `by` periods after the one at `path`; a missing due date is the last period."""
    node, last = written.get_node(path), len(written.periods) - 1
    at = written.find_period(node.text) if isinstance(node, ScalarNode) and not node.null else last
    if at is None or not 0 <= at + by <= last:
        raise UsageError(f"{escape_text(asked)}: {by:+} periods lead `{render_path(path)}` out of the horizon")
    return written.periods[at + by]


def scale_matching(written: SourceValues, path: str, factor: Fraction) -> dict[str, str]:
    """Scale every parameter that a path matches.

    Args:
        written: Values of the instance file.
        path: Path of a parameter, with or without `*`.
        factor: Multiplier of the exact value.

    Returns:
        New value of each path matched.

    Raises:
        UsageError: The path matches nothing.
    """
    return _change_each_match(
        written, path, lambda one: _transform_parameters(written, one, lambda exact: exact * factor)
    )


def match_paths(written: SourceValues, path: str) -> list[ParameterPath]:
    """List the paths that a pattern matches.

    Args:
        written: Values of the instance file.
        path: Path of a parameter, with or without `*`.

    Returns:
        The path itself, or with `*` one for each member of the section.

    Raises:
        UsageError: The text is no path.
    """
    return list(_match_below(written.root, _parse_pattern(path), ()))


def _change_each_match(
    written: SourceValues, path: str, change: Callable[[ParameterPath], dict[str, str]]
) -> dict[str, str]:
    """Return the changes that `change` gives for each match of `path`; no change at all is an error."""
    changes: dict[str, str] = {}
    for one in match_paths(written, path):
        changes.update(change(one))
    if not changes:
        raise UsageError(
            f"{escape_text(path)}: nothing in this instance has that name; write it like devices.*.content.Ag"
        )
    return changes


def _parse_pattern(path: str) -> ParameterPath:
    """Parse a pattern; a syntax error becomes a UsageError."""
    try:
        return parse_path(path)
    except PathError as error:
        raise UsageError(f"{escape_text(path)}: {error}") from error


def _match_below(node: Node | None, pattern: ParameterPath, before: ParameterPath) -> Iterator[ParameterPath]:
    """Yield the paths that `pattern` matches below `node`; steps after its last `*` need not exist."""
    if WILDCARD not in pattern:
        yield (*before, *pattern)
        return
    first, rest = pattern[0], pattern[1:]
    items = node.items if isinstance(node, MappingNode) else {}
    for name in sorted(items) if first == WILDCARD else [first]:
        if isinstance(name, str) and name in items and name not in _NON_MEMBER_KEYS:
            yield from _match_below(items[name], rest, (*before, name))


def _read_operand(text: str, unit: str, written: SourceValues, asked: str) -> Fraction:
    """Read the operand of a relative change in the given unit."""
    try:
        return QuantityField(unit, low=None).check(text, written.money).exact
    except QuantityError as error:
        raise UsageError(f"{escape_text(asked)}: {error}") from error


def _add_to_parameter(written: SourceValues, path: ParameterPath, text: str, asked: str) -> dict[str, str]:
    """Return the changes that add `text` to the value in effect at `path`, or to its default."""
    kind = find_parameter_kind(path)
    by = _read_operand(
        text, kind.field_type.unit if kind and isinstance(kind.field_type, QuantityField) else "", written, asked
    )
    if kind is None or written.find_value(path) is not None:
        return _transform_parameters(written, path, lambda exact: exact + by)
    default = _find_default(kind)
    return {} if default is None else {render_path(path): _format_value(default + by, kind)}


def _transform_parameters(written: SourceValues, path: ParameterPath, move: _Transformation) -> dict[str, str]:
    """Return the changes that transform every parameter at or below `path`; missing values stay missing."""
    node = written.find_value(path)
    if node is None and path[0] == "streams" and path[2:] == ("available",):
        path = (*path[:2], "total")
        node = written.find_value(path)
    if isinstance(node, MappingNode):
        inner = (_transform_parameters(written, (*path, name), move) for name in node.items)
        return {at: text for changes in inner for at, text in changes.items()}
    kind = find_parameter_kind(path)
    if kind is None or node is None:
        return {}
    values = node.items if isinstance(node, SequenceNode) else (node,)
    figures = [written.convert_exact(path, one, kind) for one in values if isinstance(one, ScalarNode)]
    texts = [_format_value(move(exact), kind) for exact in figures if exact is not None]
    if len(texts) < len(values):
        return {}
    return {render_path(path): f"[{', '.join(texts)}]" if isinstance(node, SequenceNode) else texts[0]}


def _find_default(kind: ParameterKind) -> Fraction | None:
    """Return the exact default of a parameter; None where it has none or is unlimited."""
    default = kind.default
    if isinstance(default, Quantity):
        return default.exact if math.isfinite(default.raw) else None
    return Fraction(default) if isinstance(default, int) else None


def _format_value(exact: Fraction, kind: ParameterKind) -> str:
    """Return a value as text in its canonical unit; a count is rounded to the nearest integer, at least 0."""
    return repr(float(exact)) if isinstance(kind.field_type, QuantityField) else str(max(round(exact), 0))


_GLOBAL_SECTIONS = frozenset({"periods", "currency", "exchange"})  # sections on which all others depend
_TABLE_SECTIONS = ("streams", "lanes")
Changes = Mapping[str, str]
_InstanceBuilder = Callable[[Changes], object]


def format_scenario_value(value: Any) -> str | None:
    """Format the new value of a scenario as `--set` accepts it.

    Args:
        value: Scalar node, text, or list of them.

    Returns:
        The text; None where the value is neither a scalar nor a list of scalars.
    """
    if isinstance(value, list):
        texts = [format_scenario_value(item) for item in value]
        return None if None in texts else f"[{', '.join(text for text in texts if text is not None)}]"
    if isinstance(value, str):
        return value
    return value.text if isinstance(value, ScalarNode) and not value.null else None


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
    written = SourceValues(draft)

    @lru_cache(maxsize=100_000)
    def expanded(path: str, value: str) -> dict[str, str]:
        return expand_change(written, path, value)

    known = frozenset(draft.faults.errors)
    for name, scenario in draft.document.scenarios.items():
        _check_scenario(draft, name, scenario, reasons, expanded, whole, known)


def _check_scenario(
    draft: Draft,
    name: str,
    scenario: Mapping[str, Any],
    reasons: Reasons,
    expanded: Callable[[str, str], dict[str, str]],
    whole: _InstanceBuilder,
    known: frozenset[Any],
) -> None:
    """Validate one scenario and record its faults."""
    made: dict[str, dict[str, str]] = {}
    wrong: dict[str, list[str]] = {}  # messages by key of the scenario; '': the scenario as a whole
    for key, value in scenario.items():
        text = format_scenario_value(value)
        if text is None or not _begins_with_section(key):
            continue  # reported by the validation of the file itself
        try:
            made[key] = expanded(key, text)
        except UsageError as error:
            wrong.setdefault(key, []).append(str(error).removeprefix(f"{escape_text(key)}: "))
    keys = {path: key for key, changes in made.items() for path in changes}
    changes = {path: value for each in made.values() for path, value in each.items()}
    found = FaultLog()
    idle: Reasons = {}
    try:
        if _GLOBAL_SECTIONS.isdisjoint(str(parse_path(path)[0]) for path in changes):
            idle = _validate_changes(draft, changes, reasons, found)
        else:
            whole(changes)
    except InputError as error:
        found.errors.extend(error.faults)
    clean = not known
    for fault in found.errors:
        if fault.file == OVERRIDE_LOCATION.file or (clean and fault not in known):
            key = _find_key(fault.path, keys)
            told = "" if fault.path == key or not fault.path else f"{fault.path}: "
            wrong.setdefault(key, []).append(f"{told}{fault.message}")
    for key, each in made.items():
        why = [find_reason(parse_path(path), idle) for path in each]
        if each and all(why) and key not in wrong:
            wrong[key] = [f"has no effect: {why[0]}"]
    for key, messages in wrong.items():
        path = ("scenarios", name, key) if key else ("scenarios", name)
        more = f" (and {len(messages) - 1} more of what it names)" if len(set(messages)) > 1 else ""
        draft.faults.add_error(locate_key(draft.root, path), path, messages[0] + more)


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


def _validate_changes(draft: Draft, changes: Changes, reasons: Reasons, faults: FaultLog) -> Reasons:
    """Apply `changes` to the draft, record faults, and return the values that then have no effect."""
    wanted = parse_overrides(changes, faults)
    sections = {str(change.path[0]) for change in wanted}
    calendar = draft.calendar
    root = apply_tree_overrides(draft.root, wanted, calendar.count if calendar else None, faults)
    inner = frozenset(sections - set(_TABLE_SECTIONS))
    bare = MappingNode({name: root.items[name] for name in inner if name in root.items}, root.keys, root.place)
    part = validate_tree(split_notes(bare, faults)[0], build_section_model(inner), draft.context, faults)
    document = draft.document.model_copy(update={name: getattr(part, name) for name in inner})
    labels = calendar.labels if calendar else None
    rows, ways = draft.streams, draft.lanes
    if "streams" in sections:
        rows = apply_row_overrides(rows, wanted, name_stream_rows, labels, faults)
    if "lanes" in sections and ways is not None:
        ways = apply_row_overrides(ways, wanted, name_lane_rows, labels, faults)
    changed = dataclasses.replace(draft, root=root, document=document, streams=rows, lanes=ways, faults=faults)
    if "streams" in sections:
        read_stream_rows(rows, changed)
    if "lanes" in sections and ways is not None:
        read_lane_rows(ways, changed)
    check_document(changed, sections)
    return find_ineffective(changed, sections, reasons)
