"""Scenario changes: expand wildcards and relative values, and validate every scenario of an instance.

The language of `scenarios:` and `--vary`. Without `*` the value replaces the parameter. With `*` a percentage scales
every parameter matched, `+n` and `-n` are added to it (to a date as periods), and any other value replaces it. The
result is an ordinary mapping from path to value. Of a scenario only the sections that it changes are validated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from fractions import Fraction

from medalopt.errors import UsageError
from medalopt.instance.paths import Path, PathError, parse, render
from medalopt.instance.reader.nodes import Mapping, Node, Scalar, Sequence
from medalopt.instance.schema.at import Kind, kind_at
from medalopt.instance.schema.fields import Measure
from medalopt.instance.written import Written
from medalopt.quantity import Quantity, QuantityError
from medalopt.wording import shown

ANY = "*"
_PERIODS = re.compile(r"[+-][0-9]{1,4}")
_REMARKS = ("source", "note", "default")
Move = Callable[[Fraction], Fraction]


def expanded(written: Written, path: str, value: str) -> dict[str, str]:
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
    if ANY not in _steps(path):
        return {path: value}
    text = value.strip()
    if text.startswith(("+", "-")) and _steps(path)[-1] == "due" and _PERIODS.fullmatch(text):
        return _each(written, path, lambda one: {render(one): _later(written, one, int(text), path)})
    if text.startswith(("+", "-")):
        return _each(written, path, lambda one: _added(written, one, text, path))
    if text.endswith("%"):
        return scaled(written, path, _read(text, "", written, path))
    return _each(written, path, lambda one: {render(one): value})


def _later(written: Written, path: Path, by: int, asked: str) -> str:
    """Return the name of the period `by` periods after the one at `path`; a missing due date is the last period."""
    node, last = written.at(path), len(written.periods) - 1
    at = written.period(node.text) if isinstance(node, Scalar) and not node.null else last
    if at is None or not 0 <= at + by <= last:
        raise UsageError(f"{shown(asked)}: {by:+} periods lead `{render(path)}` out of the horizon")
    return written.periods[at + by]


def scaled(written: Written, path: str, factor: Fraction) -> dict[str, str]:
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
    return _each(written, path, lambda one: _moved(written, one, lambda exact: exact * factor))


def named(written: Written, path: str) -> list[Path]:
    """List the paths that a pattern matches.

    Args:
        written: Values of the instance file.
        path: Path of a parameter, with or without `*`.

    Returns:
        The path itself, or with `*` one for each member of the section.

    Raises:
        UsageError: The text is no path.
    """
    return list(_named(written.root, _steps(path), ()))


def _each(written: Written, path: str, change: Callable[[Path], dict[str, str]]) -> dict[str, str]:
    """Return the changes that `change` gives for each match of `path`; no change at all is an error."""
    changes: dict[str, str] = {}
    for one in named(written, path):
        changes.update(change(one))
    if not changes:
        raise UsageError(f"{shown(path)}: nothing in this instance has that name; write it like devices.*.content.Ag")
    return changes


def _steps(path: str) -> Path:
    """Parse a pattern; a syntax error becomes a UsageError."""
    try:
        return parse(path)
    except PathError as error:
        raise UsageError(f"{shown(path)}: {error}") from error


def _named(node: Node | None, pattern: Path, before: Path) -> Iterator[Path]:
    """Yield the paths that `pattern` matches below `node`; steps after its last `*` need not exist."""
    if ANY not in pattern:
        yield (*before, *pattern)
        return
    first, rest = pattern[0], pattern[1:]
    items = node.items if isinstance(node, Mapping) else {}
    for name in sorted(items) if first == ANY else [first]:
        if isinstance(name, str) and name in items and name not in _REMARKS:
            yield from _named(items[name], rest, (*before, name))


def _read(text: str, unit: str, written: Written, asked: str) -> Fraction:
    """Read the operand of a relative change in the given unit."""
    try:
        return Measure(unit, low=None).check(text, written.money).exact
    except QuantityError as error:
        raise UsageError(f"{shown(asked)}: {error}") from error


def _added(written: Written, path: Path, text: str, asked: str) -> dict[str, str]:
    """Return the changes that add `text` to the value in effect at `path`, or to its default."""
    kind = kind_at(path)
    by = _read(text, kind.measure.unit if kind and isinstance(kind.measure, Measure) else "", written, asked)
    if kind is None or written.find(path) is not None:
        return _moved(written, path, lambda exact: exact + by)
    default = _default(kind)
    return {} if default is None else {render(path): _text(default + by, kind)}


def _moved(written: Written, path: Path, move: Move) -> dict[str, str]:
    """Return the changes that transform every parameter at or below `path`; missing values stay missing."""
    node = written.find(path)
    if node is None and path[0] == "streams" and path[2:] == ("available",):
        path = (*path[:2], "total")
        node = written.find(path)
    if isinstance(node, Mapping):
        inner = (_moved(written, (*path, name), move) for name in node.items)
        return {at: text for changes in inner for at, text in changes.items()}
    kind = kind_at(path)
    if kind is None or node is None:
        return {}
    values = node.items if isinstance(node, Sequence) else (node,)
    figures = [written.exact(path, one, kind) for one in values if isinstance(one, Scalar)]
    texts = [_text(move(exact), kind) for exact in figures if exact is not None]
    if len(texts) < len(values):
        return {}
    return {render(path): f"[{', '.join(texts)}]" if isinstance(node, Sequence) else texts[0]}


def _default(kind: Kind) -> Fraction | None:
    """Return the exact default of a parameter; None where it has none or is unlimited."""
    default = kind.default
    if isinstance(default, Quantity):
        return default.exact if math.isfinite(default.raw) else None
    return Fraction(default) if isinstance(default, int) else None


def _text(exact: Fraction, kind: Kind) -> str:
    """Return a value as text in its canonical unit; a count is rounded to the nearest integer, at least 0."""
    return repr(float(exact)) if isinstance(kind.measure, Measure) else str(max(round(exact), 0))
