"""Overrides of single parameters (path to new value), applied to the YAML tree and to rows before validation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass

from medalopt.instance.paths import Path, PathError, parse, render
from medalopt.instance.reader import yamltext
from medalopt.instance.reader.faults import Faults, Place
from medalopt.instance.reader.nodes import Mapping, Node, Scalar, Sequence, find
from medalopt.instance.schema.at import kind_at
from medalopt.wording import did_you_mean, shown

HERE = Place("--set")
NO_SUM = (
    "a leading + adds only where the path holds `*`, which scenarios, --vary and --grid accept; "
    "write the new value, without a sign"
)
_LONGEST = 100_000
_FIGURE = re.compile(r"[+-]?[0-9][0-9._]*(?:[eE][+-]?[0-9]+)?(?: ?[A-Za-z%][A-Za-z%/_]*)?")
_SECTIONS = (
    "metals",
    "devices",
    "treatments",
    "smelters",
    "market",
    "alloys",
    "medals",
    "mixes",
    "scenarios",
    "parties",
)
_BY_PERIOD = ("sell", "holding", "price", "capacity")
_BY_METAL = ("recovery", "returned", "refining_charge", "deduction", "lead", "credited", "cv")


class ChangeError(ValueError):
    """An override that cannot be applied; the message states the reason."""


@dataclass(frozen=True)
class Change:
    """Path of a parameter and its new value."""

    path: Path
    value: Node


def read(changes: AnyMapping[str, str], faults: Faults) -> list[Change]:
    """Parse overrides; an invalid path or value is an error.

    Args:
        changes: New value as text, by path.
        faults: Log for errors and warnings.

    Returns:
        The valid overrides.
    """
    found = []
    for text, value in changes.items():
        try:
            path = parse(text)
            if any("\ud800" <= char <= "\udfff" for char in text):
                raise PathError("holds bytes that are no text; write the path in UTF-8")
        except PathError as error:
            faults.add(HERE, (text,), str(error))
            continue
        node: Node | None = _figures_in(value)
        if len(value) > _LONGEST:
            faults.add(HERE, path, f"the new value is longer than {_LONGEST:_} characters")
            continue
        if node is None:
            own = Faults()
            node = yamltext.parse(value, HERE.file, own)
            for fault in own.found:
                faults.add(HERE, path, fault.message)
            for fault in own.odd:
                faults.warn(HERE, path, fault.message)
        if node is not None:
            for at in _sums(path, node):
                faults.add(HERE, at, NO_SUM)
            found.append(Change(path, _placed(node)))
    return found


def _sums(path: Path, node: Node) -> Iterator[Path]:
    """Yield the paths of quantities with a leading plus, which only wildcard changes interpret as a sum."""
    if isinstance(node, Scalar):
        if node.text.lstrip().startswith("+") and "*" not in path and kind_at(path) is not None:
            yield path
        return
    for step, item in node.items.items() if isinstance(node, Mapping) else enumerate(node.items):
        yield from _sums((*path, step), item)


def _figures_in(value: str) -> Node | None:
    """Parse a plain quantity, a list of them or an empty value; return None if it needs the YAML parser."""
    if not value.strip() or _FIGURE.fullmatch(value):
        return Scalar(value.strip(), True, HERE)
    if value.startswith("[") and value.endswith("]"):
        items = value[1:-1].split(", ")
        if all(map(_FIGURE.fullmatch, items)):
            return Sequence(tuple(Scalar(item, True, HERE) for item in items), HERE)
    return None


def _placed(node: Node) -> Node:
    """Return a copy of the node with all locations set to the override."""
    if isinstance(node, Mapping):
        items = {name: _placed(item) for name, item in node.items.items()}
        return Mapping(items, dict.fromkeys(items, HERE), HERE)
    if isinstance(node, Sequence):
        return Sequence(tuple(_placed(item) for item in node.items), HERE)
    return Scalar(node.text, node.plain, HERE)


def apply(root: Mapping, changes: list[Change], periods: int | None, faults: Faults) -> Mapping:
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
            _known(root, change.path)
            changed = _set(root, change.path, change, 0, periods)
        except ChangeError as error:
            faults.add(HERE, change.path, str(error))
            continue
        root = changed if isinstance(changed, Mapping) else root
    return root


def _known(root: Mapping, path: Path) -> None:
    """Raise OverrideError if the path names a member that its section does not have."""
    for length in (2, 4):
        named = (length == 2 and path[0] in _SECTIONS) or (
            length == 4 and path[0] == "smelters" and path[2:3] == ("terms",)
        )
        if len(path) < length or not named:
            continue
        above, name = find(root, path[: length - 1]), path[length - 1]
        members = above.items if isinstance(above, Mapping) else {}
        if name not in members:
            where = render(path[: length - 1])
            raise ChangeError(f"there is no `{shown(str(name))}` in `{where}`{did_you_mean(str(name), members)}")


def _set(node: Node | None, path: Path, change: Change, at: int, periods: int | None) -> Node:
    """Return `node`, at the first `at` steps of `path`, with the new value set below it."""
    if at == len(path):
        return change.value
    step = path[at]
    field = path[at - 1] if at else ""
    if isinstance(step, int):
        items = _listed(node, field, periods)
        if step >= len(items):
            raise ChangeError(f"there are {len(items)} values here; they are numbered from 0")
        inner = _set(items[step], path, change, at + 1, periods)
        return Sequence((*items[:step], inner, *items[step + 1 :]), node.place if node else HERE)
    base = _named(node, field)
    inner = _set(base.items.get(step), path, change, at + 1, periods)
    return Mapping({**base.items, step: inner}, {**base.keys, step: base.keys.get(step, HERE)}, base.place)


def _listed(node: Node | None, field: str | int, periods: int | None) -> tuple[Node, ...]:
    """Return the items of a list; expand a scalar of a per-period field to all periods."""
    if isinstance(node, Sequence):
        return node.items
    if isinstance(node, Scalar) and not node.null and field in _BY_PERIOD and periods:
        return (node,) * periods
    raise ChangeError("no list stands here: change the figure as a whole")


def _named(node: Node | None, field: str | int) -> Mapping:
    """Return a mapping; expand a scalar of a per-metal field to its `default`, and no node to an empty mapping."""
    if isinstance(node, Mapping):
        return node
    if node is None or (isinstance(node, Scalar) and node.null):
        whole = {"default": Scalar("100 %", False, HERE)} if field == "recovery" else {}
        return Mapping(dict(whole), dict.fromkeys(whole, HERE), HERE)
    if isinstance(node, Scalar) and field in _BY_METAL:
        return Mapping({"default": node}, {"default": node.place}, node.place)
    raise ChangeError(f"`{shown(str(field))}` is one figure and has nothing below it")
