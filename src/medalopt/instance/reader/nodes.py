"""The tree of an instance file, in which every key and every value knows its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from medalopt.instance.paths import Path
from medalopt.instance.reader.faults import Place

_LONGEST_NUMBER = 400
_WHOLE = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")  # as YAML's core schema has them


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text as written; `plain` where it stood without quotes and may thus be a number, a truth value or null."""

    text: str
    plain: bool
    place: Place

    @property
    def value(self) -> Any:
        """What the text stands for by the core schema of YAML 1.2; the text itself where it was quoted or is long."""
        return _resolved(self.text) if self.plain and len(self.text) <= _LONGEST_NUMBER else self.text

    @property
    def null(self) -> bool:
        """Whether nothing is given."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True)
class Mapping:
    """A mapping of names; `keys` holds where each name stands."""

    items: dict[str, Node]
    keys: dict[str, Place]
    place: Place


Node = Scalar | Sequence | Mapping


def plain(node: Node) -> Any:
    """Return the tree as dictionaries and lists with `Scalar` leaves, a copy to be validated and pruned."""
    if isinstance(node, Mapping):
        return {name: plain(item) for name, item in node.items.items()}
    return [plain(item) for item in node.items] if isinstance(node, Sequence) else node


def step(node: Node | None, name: str | int) -> Node | None:
    """Return the child `name` of `node`, None where it has none."""
    if isinstance(node, Mapping) and isinstance(name, str):
        return node.items.get(name)
    if isinstance(node, Sequence) and isinstance(name, int) and name < len(node.items):
        return node.items[name]
    return None


def entry_name(above: Path, number: int, item: Node) -> str | int:
    """Return how paths call an entry of the list at `above`: a stream or lane by its name, else its number."""
    if above not in (("streams",), ("lanes",)) or not isinstance(item, Mapping):
        return number
    texts = {name: node.text for name, node in item.items.items() if isinstance(node, Scalar)}
    first, second = ("device", "region") if above == ("streams",) else ("region", "smelter")
    own = texts.get("name") if above == ("streams",) else None
    return own or (f"{texts[first]}@{texts[second]}" if first in texts and second in texts else number)


def find(node: Node | None, path: Path) -> Node | None:
    """Return what stands at `path` below `node`, None where nothing does."""
    for name in path:
        node = step(node, name)
    return node


def place_of(root: Node, path: Path) -> Place:
    """Return the place of what stands at `path`, or of the nearest thing above it."""
    place = root.place
    node: Node | None = root
    for name in path:
        node = step(node, name)
        if node is None:
            break
        place = node.place
    return place


def key_place(root: Node, path: Path) -> Place:
    """Return the place of the key that ends `path`."""
    above = find(root, path[:-1])
    name = path[-1]
    if isinstance(above, Mapping) and isinstance(name, str) and name in above.keys:
        return above.keys[name]
    return place_of(root, path)


@lru_cache(maxsize=4096)
def _resolved(text: str) -> Any:
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    if " " in text:
        return text  # no number has a space in it
    import yaml
    import yamlcore

    loader = yamlcore.CoreLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))
    return loader.construct_object(yaml.ScalarNode(tag, text))
