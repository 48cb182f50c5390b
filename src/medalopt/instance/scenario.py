"""Scenarios: lists of changes, each of which replaces, scales or adds to the parameters that its path names.

The one language of `--set`, `scenarios:`, `sweep`, `--vary`, `compare` and `Instance.with_changes`:

- `*1.2` or `*80 %` scales.
- A percentage sets a parameter that may be written in per cent (a share, an assay), and scales any other. Where the
  path holds `*` it scales.
- `+5 t` and `-5 t` are added where the path holds `*`; `+1` and `-1` move any date by periods. Elsewhere `-5 t` is the
  new value, and a leading `+` is an error.
- Any other value replaces.

A `*` in a name of the path stands for any text. All changes of a scenario refer to the values before it.
`firm` lists parameters that no repair, scenario or variation changes; `--set` still may.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from typing import Any

from medalopt.errors import UsageError
from medalopt.instance.instance import Instance
from medalopt.instance.reader.overrides import NAMED_SECTIONS
from medalopt.instance.reader.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode
from medalopt.instance.schema.field_types import QuantityField
from medalopt.instance.schema.validation import ParameterKind, find_parameter_kind
from medalopt.instance.source_values import SourceValues
from medalopt.text import (
    ParameterPath,
    PathError,
    escape_text,
    find_wildcards,
    has_wildcard,
    parse_path,
    render_path,
    suggest_name,
)
from medalopt.units import Money, Quantity, QuantityError, find_currency

SCALE_SIGN, DUE_FIELD = "*", "due"
_PERIOD_OFFSET = re.compile(r"[+-][0-9]{1,4}")
_NON_MEMBER_KEYS = ("source", "note", "default")
_Transformation = Callable[[Fraction], Fraction]
_Pattern = tuple[str | int | tuple[str, ...], ...]  # a name with `*` as the texts between
ParameterChanges = Mapping[str, Any]  # value by path, see `Change.build`


class Operation(Enum):
    """Operation of a change."""

    REPLACE = "replace"
    SCALE = "scale"
    ADD = "add"


@dataclass(frozen=True)
class Change:
    """One change: path, with or without `*`; operation; and value, factor or summand as written."""

    path: str
    operation: Operation
    value: str

    @classmethod
    def build(cls, path: str, value: Any) -> Change:
        """Read a change.

        Args:
            path: Path of a parameter; a `*` in a name stands for any text.
            value: Text as in `--set`; or a number in the unit that the file may leave out, or a list, which replace.

        Returns:
            The change.

        Raises:
            UsageError: The value is of another type.
        """
        text = format_value(value)
        if text is None:
            shown = escape_text(repr(value), 100)
            raise UsageError(
                f"{escape_text(path)}: {shown}: a new value is a text, a number, or a list or mapping of them"
            )
        if not isinstance(value, str | ScalarNode) and text.startswith("-") and has_wildcard(path):
            text = f'"{text}"'  # a new value, not a summand
        return cls(path, _find_operation(path, text.strip()), text)


@dataclass(frozen=True)
class Scenario:
    """A named list of changes to an instance."""

    name: str
    changes: tuple[Change, ...] = ()

    @classmethod
    def build(cls, name: str, changes: ParameterChanges) -> Scenario:
        """Read a scenario.

        Args:
            name: Name of the scenario.
            changes: Value by path, as for `Change.build`.

        Returns:
            The scenario.

        Raises:
            UsageError: A value is of another type.
        """
        return cls(name, tuple(Change.build(path, value) for path, value in changes.items()))

    @property
    def texts(self) -> dict[str, str]:
        """Values as written, by path."""
        return {change.path: change.value for change in self.changes}


def format_value(value: Any) -> str | None:
    """Format the new value of a change as `--set` accepts it.

    Args:
        value: Text, number, truth value, None, or a list or mapping of them, numpy's too; or a scalar node.

    Returns:
        The text; None for any other value.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, ScalarNode):
        return None if value.null else value.text
    if hasattr(value, "tolist"):  # numpy
        value = value.tolist()
    if isinstance(value, Mapping):
        named = {json.dumps(str(name)): format_value(item) for name, item in value.items()}
        return None if None in named.values() else f"{{{', '.join(f'{name}: {text}' for name, text in named.items())}}}"
    if isinstance(value, list | tuple):
        texts = [format_value(item) for item in value]
        return None if None in texts else f"[{', '.join(text for text in texts if text is not None)}]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return repr(value) if isinstance(value, int | float) else None


def _find_operation(path: str, text: str) -> Operation:
    """Return the operation that a text means at a path."""
    several, sign = has_wildcard(path), text[:1]
    if sign == SCALE_SIGN:
        return Operation.SCALE
    if sign in ("+", "-"):
        adds = several or (path.endswith(DUE_FIELD) and _PERIOD_OFFSET.fullmatch(text))
        return Operation.ADD if adds else Operation.REPLACE
    if text.endswith("%") and (several or not _accepts_percentage(path)):
        return Operation.SCALE
    return Operation.REPLACE


def _accepts_percentage(path: str) -> bool:
    """Return whether the parameter at a path may be written in per cent; True where the path names no number."""
    try:
        kind = find_parameter_kind(parse_path(path))
    except PathError:
        return True  # reported by the reader
    if kind is None:
        return True
    if not isinstance(kind.field_type, QuantityField):
        return False
    try:
        QuantityField(kind.field_type.unit, low=None).check("1 %", Money(""))
    except QuantityError:
        return False
    return True


def resolve_change(source_values: SourceValues, change: Change) -> dict[str, str]:
    """Resolve a change to new values.

    Args:
        source_values: Values of the instance file before the change.
        change: The change.

    Returns:
        New value of each path that the change names.

    Raises:
        UsageError: The path matches nothing, or the value cannot be read or applied.
    """
    path, text = change.path, change.value.strip()
    last = _parse_pattern(path)[-1]
    if change.operation is Operation.REPLACE:
        if not has_wildcard(path):
            return {path: change.value}
        return _change_each_match(source_values, path, lambda one: {render_path(one): change.value})
    if change.operation is Operation.ADD:
        if last == DUE_FIELD and _PERIOD_OFFSET.fullmatch(text):
            return _change_each_match(
                source_values, path, lambda one: {render_path(one): _shift_period(source_values, one, int(text), path)}
            )
        return _change_each_match(source_values, path, lambda one: _add_to_parameter(source_values, one, text, path))
    factor = _read_operand(text.removeprefix(SCALE_SIGN), "", source_values, path)
    if factor < 0:
        raise UsageError(f"{escape_text(path)}: a parameter is scaled by 0 % or more; found `{escape_text(text)}`")
    return _change_each_match(
        source_values, path, lambda one: _transform_parameters(source_values, one, lambda exact: exact * factor)
    )


def _shift_period(source_values: SourceValues, path: ParameterPath, by: int, change_text: str) -> str:
    """Return the name of the period `by` periods after the one at `path`; a missing due date is the last period."""
    node, last = source_values.get_node(path), len(source_values.periods) - 1
    at = source_values.find_period(node.text) if isinstance(node, ScalarNode) and not node.null else last
    if at is None or not 0 <= at + by <= last:
        raise UsageError(f"{escape_text(change_text)}: {by:+} periods lead `{render_path(path)}` out of the horizon")
    return source_values.periods[at + by]


def match_paths(source_values: SourceValues, path: str) -> list[ParameterPath]:
    """List the paths that a pattern matches.

    Args:
        source_values: Values of the instance file.
        path: Path of a parameter, with or without `*`.

    Returns:
        The path itself, or with `*` one for each member of the section.

    Raises:
        UsageError: The text is no path.
    """
    return list(_match_below(source_values.root, _parse_pattern(path), ()))


def _touches_pattern(path: ParameterPath, pattern: str) -> bool:
    """Return whether a path lies at, below or above one that a pattern matches."""
    return all(
        matches_name(step, one) if isinstance(step, tuple) and isinstance(one, str) else step == one
        for step, one in zip(_parse_pattern(pattern), path, strict=False)
    )


def _change_each_match(
    source_values: SourceValues, path: str, change: Callable[[ParameterPath], dict[str, str]]
) -> dict[str, str]:
    """Return the changes that `change` gives for each match of `path`; no change at all is an error."""
    changes: dict[str, str] = {}
    for one in match_paths(source_values, path):
        changes.update(change(one))
    if not changes and not has_wildcard(path):
        raise UsageError(f"{escape_text(path)}: {_describe_unstated(source_values, parse_path(path))}")
    if not changes:
        raise UsageError(
            f"{escape_text(path)}: nothing in this instance has this name; write it like devices.*.content.Ag"
        )
    return changes


def _describe_unstated(source_values: SourceValues, path: ParameterPath) -> str:
    """Return why nothing is scaled: the section has no member of this name, or states no value there."""
    section = source_values.get_node(path[:1])
    if path[0] in (*NAMED_SECTIONS, "streams") and isinstance(section, MappingNode) and len(path) > 1:
        name, members = str(path[1]), [one for one in section.items if isinstance(one, str)]
        if name not in members:
            return f"there is no `{escape_text(name)}` in `{path[0]}`{suggest_name(name, members)}"
    return "the instance states no value that could be scaled; write the new value"


@lru_cache(maxsize=10_000)
def _parse_pattern(path: str) -> _Pattern:
    """Parse a pattern; a syntax error becomes a UsageError."""
    try:
        steps, wild = parse_path(path), find_wildcards(path)
    except PathError as error:
        raise UsageError(f"{escape_text(path)}: {error}") from error
    return tuple(
        tuple(step.split("*")) if star and isinstance(step, str) else step
        for step, star in zip(steps, wild, strict=True)
    )


def _match_below(node: Node | None, pattern: _Pattern, before: ParameterPath) -> Iterator[ParameterPath]:
    """Yield the paths that `pattern` matches below `node`; steps after its last `*` need not exist."""
    plain = tuple(step for step in pattern if not isinstance(step, tuple))
    if len(plain) == len(pattern):
        yield (*before, *plain)
        return
    first, rest = pattern[0], pattern[1:]
    items = node.items if isinstance(node, MappingNode) else {}
    for name in sorted(items) if isinstance(first, tuple) else [first]:
        if not isinstance(name, str) or name not in items or name in _NON_MEMBER_KEYS:
            continue
        if not isinstance(first, tuple) or matches_name(first, name):
            yield from _match_below(items[name], rest, (*before, name))


def matches_name(parts: tuple[str, ...], name: str) -> bool:
    """Return whether a name consists of some parts with any text between them.

    Args:
        parts: Texts between the `*` of a pattern, at least two.
        name: The name.

    Returns:
        True if the pattern matches.
    """
    first, *inner, last = parts
    index, end = len(first), len(name) - len(last)
    if index > end or not (name.startswith(first) and name.endswith(last)):
        return False
    for part in inner:
        found = name.find(part, index, end)
        if found < 0:
            return False
        index = found + len(part)
    return True


def _read_operand(text: str, unit: str, source_values: SourceValues, change_text: str) -> Fraction:
    """Read the operand of a relative change in the given unit."""
    try:
        return QuantityField(unit, low=None).check(text, source_values.money).exact
    except QuantityError as error:
        raise UsageError(f"{escape_text(change_text)}: {error}") from error


def _add_to_parameter(source_values: SourceValues, path: ParameterPath, text: str, change_text: str) -> dict[str, str]:
    """Return the changes that add `text` to the value in effect at `path`, or to its default."""
    kind = find_parameter_kind(path)
    by = _read_operand(
        text,
        kind.field_type.unit if kind and isinstance(kind.field_type, QuantityField) else "",
        source_values,
        change_text,
    )
    if kind is None or source_values.find_value(path) is not None:
        return _transform_parameters(source_values, path, lambda exact: exact + by)
    default = _find_default(kind)
    return {} if default is None else {render_path(path): _format_value(default + by, kind)}


def _transform_parameters(source_values: SourceValues, path: ParameterPath, move: _Transformation) -> dict[str, str]:
    """Return the changes that transform every parameter at or below `path`; missing values stay missing.

    Of price steps the prices are transformed, and no limit.
    """
    node = source_values.find_value(path)
    if node is None and path[0] == "streams" and path[2:] == ("available",):
        path = (*path[:2], "total")
        node = source_values.find_value(path)
    if isinstance(node, MappingNode):
        inner = (_transform_parameters(source_values, (*path, name), move) for name in node.items)
        return {at: text for changes in inner for at, text in changes.items()}
    kind = find_parameter_kind(path)
    if kind is None or node is None:
        return {}
    values = node.items if isinstance(node, SequenceNode) else (node,)
    if any(isinstance(one, MappingNode) for one in values):  # price steps: all prices, and no limit
        each = (_transform_parameters(source_values, (*path, number, path[-1]), move) for number in range(len(values)))
        return {at: text for changes in each for at, text in changes.items()}
    scalars = [one for one in values if isinstance(one, ScalarNode)]
    exact_values = [
        (one, exact) for one in scalars if (exact := source_values.convert_exact(path, one, kind)) is not None
    ]
    texts = [_format_like(move(exact), one, source_values, path, kind) for one, exact in exact_values]
    if len(texts) < len(values):
        return {}
    return {render_path(path): f"[{', '.join(texts)}]" if isinstance(node, SequenceNode) else texts[0]}


def _find_default(kind: ParameterKind) -> Fraction | None:
    """Return the exact default of a parameter; None where it has none or is unlimited."""
    default = kind.default
    if isinstance(default, Quantity):
        return default.exact if math.isfinite(default.raw) else None
    return Fraction(default) if isinstance(default, int) else None


def _format_like(
    exact: Fraction, scalar: ScalarNode, source_values: SourceValues, path: ParameterPath, kind: ParameterKind
) -> str:
    """Return a value as text: in the unit of `scalar` where that depends on a rate or mass, else the canonical one."""
    measure = kind.field_type
    if isinstance(measure, QuantityField) and (
        find_currency(scalar.text) not in ("", source_values.money.currency)
        or measure.check(scalar.value, source_values.money).pieces
    ):
        unit, factor = source_values.get_unit(path, scalar, measure)
        return f"{_format_value(exact / factor, kind)} {unit}"
    return _format_value(exact, kind)


def _format_value(exact: Fraction, kind: ParameterKind) -> str:
    """Return a value as text in its canonical unit; a count is rounded to the nearest integer, at least 0."""
    try:
        return repr(float(exact)) if isinstance(kind.field_type, QuantityField) else str(max(round(exact), 0))
    except OverflowError as error:
        raise UsageError("the new value is too large for a number") from error


def list_firm_paths(instance: Instance) -> tuple[str, ...]:
    """Return the firm paths of an instance, as its file writes them.

    Returns:
        Paths, which may contain `*`.
    """
    return tuple(instance.annex.get("firm", ()))


def is_firm(path: ParameterPath, firm: Sequence[str]) -> bool:
    """Return whether a change at a path changes a firm parameter: one at, above or below the path.

    Args:
        path: Path without `*`.
        firm: Firm paths.

    Returns:
        True if the change is not allowed.
    """
    return any(_touches_pattern(path, pattern) for pattern in firm)


def find_idle_paths(source_values: SourceValues, firm: Sequence[str]) -> list[tuple[int, str]]:
    """Find the firm paths that are no paths, or at which the file states nothing.

    Args:
        source_values: Values of the instance file.
        firm: Firm paths.

    Returns:
        Number of each in the list, from 0, and the reason.
    """
    wrong = []
    for number, text in enumerate(firm):
        try:
            found = any(source_values.find_value(path) is not None for path in match_paths(source_values, text))
        except UsageError as error:
            wrong.append((number, str(error)))
            continue
        if not found:
            hint = "name a parameter that the file states, such as `medals.*.count`"
            wrong.append((number, f"`{escape_text(text)}` matches nothing in this file: {hint}"))
    return wrong


def spare_firm(change: Change, resolved: dict[str, str], firm: Sequence[str]) -> dict[str, str]:
    """Return the parameters that a change of a scenario or a variation sets, without firm ones that it matches by `*`.

    Args:
        change: The change.
        resolved: New value of each path that it names.
        firm: Firm paths.

    Returns:
        New value of each path that is not firm.

    Raises:
        UsageError: It names a firm parameter without `*`, or firm ones alone.
    """
    if not firm:
        return resolved
    result = {path: value for path, value in resolved.items() if not is_firm(parse_path(path), firm)}
    if len(result) < len(resolved) and (not has_wildcard(change.path) or not result):
        raise UsageError(
            f"{escape_text(change.path)}: is `firm` in this instance, and no scenario or variation changes it; "
            "change it with --set, or take it off `firm`"
        )
    return result
