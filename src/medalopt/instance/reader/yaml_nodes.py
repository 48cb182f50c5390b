"""YAML tree in which each key and value has its location, and recognition of numbers with a comma.

YAML in brackets, and CSV, split `1,000` in two parts that may look like valid values. Such a number is recognised by a
comma directly between two digits, without the space that separates other values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as AnySequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from medalopt.instance.reader.errors import Location
from medalopt.text import ParameterPath

_MAX_NUMBER_LENGTH = 400
_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")  # YAML core schema


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """Scalar as written; `plain` if unquoted, so that it may be a number, a boolean or null."""

    text: str
    plain: bool
    place: Location

    @property
    def value(self) -> Any:
        """Value by the core schema of YAML 1.2; the text itself if it was quoted or is long."""
        return _resolve_scalar(self.text) if self.plain and len(self.text) <= _MAX_NUMBER_LENGTH else self.text

    @property
    def null(self) -> bool:
        """Return whether the value is null or empty; a quoted text is not."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True)
class SequenceNode:
    """List node."""

    items: tuple[Node, ...]
    place: Location


@dataclass(frozen=True)
class MappingNode:
    """Mapping node; `keys` holds the location of each key."""

    items: dict[str, Node]
    keys: dict[str, Location]
    place: Location


Node = ScalarNode | SequenceNode | MappingNode


def convert_to_plain(node: Node) -> Any:
    """Convert a tree to dictionaries and lists with `ScalarNode` leaves, as a mutable copy for validation.

    Returns:
        Nested dictionaries and lists.
    """
    if isinstance(node, MappingNode):
        return {name: convert_to_plain(item) for name, item in node.items.items()}
    return [convert_to_plain(item) for item in node.items] if isinstance(node, SequenceNode) else node


def get_child(node: Node | None, name: str | int) -> Node | None:
    """Get a child of a node.

    Args:
        node: Mapping, list, scalar or None.
        name: Key of a mapping, or index of a list.

    Returns:
        The child; None if there is none.
    """
    if isinstance(node, MappingNode) and isinstance(name, str):
        return node.items.get(name)
    if isinstance(node, SequenceNode) and isinstance(name, int) and name < len(node.items):
        return node.items[name]
    return None


def name_list_entry(above: ParameterPath, number: int, item: Node) -> str | int:
    """Name a list entry as paths do: a stream or lane by its name, any other entry by its index.

    Args:
        above: Path of the list.
        number: Index of the entry.
        item: Node of the entry.

    Returns:
        Name such as `phone@tokyo`, or the index.
    """
    if above not in (("streams",), ("lanes",)) or not isinstance(item, MappingNode):
        return number
    texts = {name: node.text for name, node in item.items.items() if isinstance(node, ScalarNode)}
    first, second = ("device", "region") if above == ("streams",) else ("region", "smelter")
    own = texts.get("name") if above == ("streams",) else None
    return own or (f"{texts[first]}@{texts[second]}" if first in texts and second in texts else number)


def find_node(node: Node | None, path: ParameterPath) -> Node | None:
    """Find the node at a path.

    Args:
        node: Root of the tree.
        path: Keys and indices.

    Returns:
        The node; None if there is none.
    """
    for name in path:
        node = get_child(node, name)
    return node


def locate_path(root: Node, path: ParameterPath) -> Location:
    """Locate the node at a path, or its nearest ancestor in the file.

    Args:
        root: Root of the tree.
        path: Keys and indices.

    Returns:
        Location of the node.
    """
    location = root.place
    node: Node | None = root
    for name in path:
        node = get_child(node, name)
        if node is None:
            break
        location = node.place
    return location


def locate_key(root: Node, path: ParameterPath) -> Location:
    """Locate the key at the end of a path.

    Args:
        root: Root of the tree.
        path: Keys and indices, not empty.

    Returns:
        Location of the key; that of the node or its nearest ancestor if there is no such key.
    """
    above = find_node(root, path[:-1])
    name = path[-1]
    if isinstance(above, MappingNode) and isinstance(name, str) and name in above.keys:
        return above.keys[name]
    return locate_path(root, path)


@lru_cache(maxsize=4096)
def _resolve_scalar(text: str) -> Any:
    """Return the value of an unquoted scalar by the core schema of YAML 1.2."""
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    if " " in text:
        return text  # numbers contain no space
    import yaml
    import yamlcore

    loader = yamlcore.CoreLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))
    return loader.construct_object(yaml.ScalarNode(tag, text))


_NUMBER_BEFORE_COMMA = re.compile(r"[+-]?[0-9][0-9_]*(?:\.[0-9_]*)?")
_THOUSANDS_HEAD = re.compile(r"[+-]?[1-9][0-9]{0,2}|[0-9]{3}")  # the part before a thousands comma
_THREE_DIGITS = re.compile(r"[0-9]{3}(?![0-9_])")
_THOUSANDS_TAIL = re.compile(r"0[0-9]{2}(?![0-9_])")  # not a valid number by itself
_NUMBER_WITH_UNIT = re.compile(r"[0-9][0-9._]*\s*[A-Za-z%]")
_ONE_OR_TWO_DIGITS = re.compile(r"[1-9][0-9]?")


class CommaNumber(ScalarNode):
    """A number with a comma, joined again; `text` is as written."""

    __slots__ = ()

    @property
    def without_comma(self) -> ScalarNode:
        """The number with a decimal point in place of the comma, or without one that groups three digits."""
        first, _, rest = self.text.partition(",")
        point = "" if _THREE_DIGITS.match(rest) else "."
        return ScalarNode(f"{first}{point}{rest.replace(',', '')}", True, self.place)


def is_split_by_comma(before: Node | None, after: Node) -> bool:
    """Test if a number is followed by a comma and directly by a digit of the next scalar.

    Returns:
        True if both may be parts of one number with a comma.
    """
    return (
        isinstance(before, ScalarNode)
        and isinstance(after, ScalarNode)
        and before.plain
        and after.plain
        and after.place.line == before.place.line
        and after.place.column == before.place.column + len(before.text) + 1
        and after.text[:1].isdigit()
        and _NUMBER_BEFORE_COMMA.fullmatch(before.text.rpartition(",")[2]) is not None
    )


def join_comma_number(before: ScalarNode, after: ScalarNode) -> CommaNumber:
    """Join two scalars to the number with a comma.

    Args:
        before: Part before the comma.
        after: Part after the comma.

    Returns:
        The joined number, at the location of its first part.
    """
    return CommaNumber(f"{before.text},{after.text}", True, before.place)


def join_comma_numbers(items: AnySequence[Node]) -> tuple[Node, ...]:
    """Join the parts of numbers with a comma in a list in brackets.

    Args:
        items: Nodes of the list.

    Returns:
        The nodes, with joined numbers as `CommaNumber`.
    """
    near = [is_split_by_comma(one, two) for one, two in pairwise(items)]
    if not any(near):
        return tuple(items)
    units = [isinstance(item, ScalarNode) and bool(_NUMBER_WITH_UNIT.match(item.text)) for item in items]
    alternating = len(items) % 2 == 0 and len(items) > 2 and not any(units[::2]) and all(units[1::2])
    mixed = not all(near) or alternating
    result: list[Node] = [items[0]]
    for number, (one, two) in enumerate(pairwise(items)):
        if near[number] and isinstance(one, ScalarNode) and isinstance(two, ScalarNode):
            bare_then_unit = units[number + 1] and not units[number]
            thousand = bool(_THOUSANDS_HEAD.fullmatch(one.text) and _THREE_DIGITS.match(two.text))
            if is_thousands_tail(two.text) or (thousand and (mixed or bare_then_unit)) or (mixed and bare_then_unit):
                last = result.pop()
                result.append(join_comma_number(last if isinstance(last, ScalarNode) else one, two))
                continue
        result.append(two)
    return tuple(result)


def is_thousands_tail(text: str) -> bool:
    """Test if a text can only be the part after a thousands comma, such as `000` or `050 t`.

    Returns:
        True if it starts with 0 and has three digits.
    """
    return _THOUSANDS_TAIL.match(text) is not None


def is_thousands_head(text: str) -> bool:
    """Test if a text may be the part before a thousands comma.

    Args:
        text: Text of a scalar or cell.

    Returns:
        True for one to three digits.
    """
    return _THOUSANDS_HEAD.fullmatch(text) is not None


def is_ambiguous_list(items: AnySequence[Node]) -> bool:
    """Test if a list such as [1,400,2,400] may hold half as many values, each with a comma.

    Args:
        items: Nodes of the list.

    Returns:
        True if the list is ambiguous.
    """
    texts = [item.text if isinstance(item, ScalarNode) and item.plain else "" for item in items]
    pairs = len(texts) % 2 == 0 and len(texts) > 2 and all(is_split_by_comma(one, two) for one, two in pairwise(items))
    return pairs and all(map(_ONE_OR_TWO_DIGITS.fullmatch, texts[::2])) and all(map(_THREE_DIGITS.match, texts[1::2]))


def is_null(value: object) -> bool:
    """Return whether a value is a null of the file.

    Args:
        value: Scalar node, list or dictionary.

    Returns:
        True for an unquoted null.
    """
    return isinstance(value, ScalarNode) and value.null
