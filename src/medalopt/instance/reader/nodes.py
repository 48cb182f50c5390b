"""YAML tree in which each key and value has its location, and numbers with a comma in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from medalopt.instance.paths import Path
from medalopt.instance.reader.faults import Place

_LONGEST_NUMBER = 400
_WHOLE = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")  # YAML core schema


@dataclass(frozen=True, slots=True)
class Scalar:
    """Scalar as written; `plain` if unquoted, so that it may be a number, a boolean or null."""

    text: str
    plain: bool
    place: Place

    @property
    def value(self) -> Any:
        """Value by the core schema of YAML 1.2; the text itself if it was quoted or is long."""
        return _resolved(self.text) if self.plain and len(self.text) <= _LONGEST_NUMBER else self.text

    @property
    def null(self) -> bool:
        """True if the value is null or empty."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True)
class Sequence:
    """List node."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True)
class Mapping:
    """Mapping node; `keys` holds the location of each key."""

    items: dict[str, Node]
    keys: dict[str, Place]
    place: Place


Node = Scalar | Sequence | Mapping


def plain(node: Node) -> Any:
    """Convert a tree to dictionaries and lists with `ScalarNode` leaves, as a mutable copy for validation.

    Args:
        node: Root of the tree.

    Returns:
        Nested dictionaries and lists.
    """
    if isinstance(node, Mapping):
        return {name: plain(item) for name, item in node.items.items()}
    return [plain(item) for item in node.items] if isinstance(node, Sequence) else node


def step(node: Node | None, name: str | int) -> Node | None:
    """Get a child of a node.

    Args:
        node: Mapping, list, scalar or None.
        name: Key of a mapping, or index of a list.

    Returns:
        The child; None if there is none.
    """
    if isinstance(node, Mapping) and isinstance(name, str):
        return node.items.get(name)
    if isinstance(node, Sequence) and isinstance(name, int) and name < len(node.items):
        return node.items[name]
    return None


def entry_name(above: Path, number: int, item: Node) -> str | int:
    """Name a list entry as paths do: a stream or lane by its name, any other entry by its index.

    Args:
        above: Path of the list.
        number: Index of the entry.
        item: Node of the entry.

    Returns:
        Name such as `phone@tokyo`, or the index.
    """
    if above not in (("streams",), ("lanes",)) or not isinstance(item, Mapping):
        return number
    texts = {name: node.text for name, node in item.items.items() if isinstance(node, Scalar)}
    first, second = ("device", "region") if above == ("streams",) else ("region", "smelter")
    own = texts.get("name") if above == ("streams",) else None
    return own or (f"{texts[first]}@{texts[second]}" if first in texts and second in texts else number)


def find(node: Node | None, path: Path) -> Node | None:
    """Find the node at a path.

    Args:
        node: Root of the tree.
        path: Keys and indices.

    Returns:
        The node; None if there is none.
    """
    for name in path:
        node = step(node, name)
    return node


def place_of(root: Node, path: Path) -> Place:
    """Locate the node at a path, or its nearest ancestor in the file.

    Args:
        root: Root of the tree.
        path: Keys and indices.

    Returns:
        Location of the node.
    """
    place = root.place
    node: Node | None = root
    for name in path:
        node = step(node, name)
        if node is None:
            break
        place = node.place
    return place


def key_place(root: Node, path: Path) -> Place:
    """Locate the key at the end of a path.

    Args:
        root: Root of the tree.
        path: Keys and indices, not empty.

    Returns:
        Location of the key; that of the node or its nearest ancestor if there is no such key.
    """
    above = find(root, path[:-1])
    name = path[-1]
    if isinstance(above, Mapping) and isinstance(name, str) and name in above.keys:
        return above.keys[name]
    return place_of(root, path)


@lru_cache(maxsize=4096)
def _resolved(text: str) -> Any:
    """Return the value of an unquoted scalar by the core schema of YAML 1.2."""
    if _WHOLE.fullmatch(text):
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
