"""Parse YAML by events with limits of depth and size; anchors, aliases, tags and duplicate keys are errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from medalopt.instance.paths import Path
from medalopt.instance.reader import commas, limits
from medalopt.instance.reader.faults import Faults, Place
from medalopt.instance.reader.nodes import Mapping, Node, Scalar, Sequence, entry_name
from medalopt.wording import no_comma, shown

_FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_NAMES = ("accepts", "regions", "devices", "treatments", "source")  # lists of names or texts
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class _Open:
    """A collection that is being parsed: its items so far, and the key that waits for its value."""

    place: Place
    mapping: bool
    items: list[Node] = field(default_factory=list)
    named: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)
    key: Scalar | None = None
    last: str | None = None  # previous key
    skip: bool = False
    rest: bool = False  # the key may continue the previous value after a comma

    def close(self, name: str) -> Node:
        """Return the complete collection.

        Args:
            name: Key of the collection in its parent.

        Returns:
            Mapping or list node.
        """
        if self.mapping:
            return Mapping(self.named, self.keys, self.place)
        items = tuple(self.items) if name in _NAMES else commas.joined_list(self.items)
        return Sequence(items, self.place)


def parse(text: str, file: str, faults: Faults) -> Node | None:
    """Parse the single YAML document of a text.

    Args:
        text: YAML text.
        file: File name for messages.
        faults: Log for errors and warnings.

    Returns:
        Root node; None after an error that stops the parser.
    """
    whole = Place(file)
    if bad := _FORBIDDEN.search(text):
        code = f"U+{ord(bad[0]):04X}"
        faults.add(_place_in(text, bad.start(), file), (), f"the character {code} may not stand in YAML: delete it")
        return None
    try:
        return _tree(text, file, faults)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else whole
        said = shown(", ".join(part for part in (error.context, error.problem) if part), 200)
        faults.add(place, (), f"is not YAML: {said}; look for a missing quote, bracket, colon or space, or for a tab")
    except yaml.YAMLError as error:
        faults.add(whole, (), f"is not YAML: {shown(str(error), 200)}")
    return None


def _place_in(text: str, at: int, file: str) -> Place:
    """Return the location of a character offset."""
    return Place(file, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def _tree(text: str, file: str, faults: Faults) -> Node | None:
    """Build the tree of the first document from its events."""
    stack: list[_Open] = []
    documents = nodes = 0
    root: Node | None = None
    for event in _events(text):
        place = Place(file, event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                faults.add(place, (), "a second document begins here; an instance is one document: delete the `---`")
                return root
            if event.version and event.version != (1, 2):
                faults.add(place, (), "is marked as YAML 1.1; the format is YAML 1.2: delete the `%YAML` line")
        nodes += isinstance(event, yaml.NodeEvent)
        if len(stack) > limits.MAX_DEPTH or nodes > limits.MAX_YAML_VALUES:
            deep = len(stack) > limits.MAX_DEPTH
            limit = f"{limits.MAX_DEPTH} levels deep" if deep else f"{limits.MAX_YAML_VALUES:_} values long"
            faults.add(place, (), f"the file is more than {limit}; no instance is")
            return None
        done = _take(event, place, stack, faults)
        root = done if done is not None and not stack else root
    if root is None:
        faults.add(Place(file), (), "is empty; `medalopt new NAME` writes an instance to start from")
    return root if root is None else _without_commas(root, (), faults)


def _events(text: str) -> Iterator[Any]:
    """Yield the events of PyYAML's parser."""
    yield from yaml.parse(text, Loader=_LOADER)


def _take(event: Any, place: Place, stack: list[_Open], faults: Faults) -> Node | None:
    """Process one event; return the node that it completes, if any."""
    if isinstance(event, yaml.NodeEvent):
        _refuse(event, place, faults)
    if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
        stack.append(_Open(place, isinstance(event, yaml.MappingStartEvent)))
        return None
    node: Node
    if isinstance(event, yaml.ScalarEvent):
        node = Scalar(event.value, event.implicit[0], place)
    elif isinstance(event, yaml.AliasEvent):
        node = Scalar("", True, place)
    elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
        node = stack.pop().close(stack[-1].key.text if stack and stack[-1].key else "")
    else:
        return None
    if stack:
        _put(stack[-1], node, faults)
    return node


def _refuse(event: Any, place: Place, faults: Faults) -> None:
    """Log an error for an anchor, alias or tag, which the format excludes."""
    if isinstance(event, yaml.AliasEvent):
        faults.add(place, (), f"an alias (`*{shown(event.anchor)}`) is not allowed: write the value out")
        return
    if event.anchor:
        faults.add(place, (), f"an anchor (`&{shown(event.anchor)}`) is not allowed: delete it")
    if event.tag:
        faults.add(place, (), f"a tag (`{shown(event.tag)}`) is not allowed: delete it")


def _put(parent: _Open, node: Node, faults: Faults) -> None:
    """Append a complete node to its parent, as item, key or value."""
    if not parent.mapping:
        parent.items.append(node)
    elif parent.key is None and not parent.skip:
        _key(parent, node, faults)
    else:
        _value(parent, node, faults)


def _key(parent: _Open, node: Node, faults: Faults) -> None:
    """Set a node as the next key of its parent, or log an error if it is not a valid key."""
    problem = ""
    before = parent.named[parent.last] if parent.last is not None else None
    parent.rest = commas.touch(before, node)
    if not isinstance(node, Scalar):
        problem = "a key must be a name, not a list or a mapping"
    elif node.plain and node.text == "<<":
        problem = "a merge key (`<<`) is not allowed: write the values out"
    elif node.text in parent.named and not parent.rest:
        problem = _twice(parent, node)
    if problem or not isinstance(node, Scalar):
        faults.add(node.place, (), problem)
        parent.skip = True
    else:
        parent.key = node


def _twice(parent: _Open, key: Scalar) -> str:
    """Describe a duplicate key."""
    first = parent.keys[key.text].line
    return f"`{shown(key.text)}` stands twice in one mapping, first in line {first}: delete or rename one"


def _value(parent: _Open, node: Node, faults: Faults) -> None:
    """Store a node as the value of the current key."""
    key, before = parent.key, parent.named.get(parent.last or "")
    if key is not None and parent.rest and isinstance(node, Scalar) and node.plain and not node.text:
        assert parent.last is not None and isinstance(before, Scalar), "a number stands before"
        parent.named[parent.last] = commas.joined(before, key)
    elif key is not None and parent.rest and key.text in parent.named:
        faults.add(key.place, (), _twice(parent, key))
    elif key is not None:
        parent.named[key.text], parent.keys[key.text] = node, key.place
        parent.last = key.text
    parent.key, parent.skip, parent.rest = None, False, False


def _without_commas(node: Node, path: Path, faults: Faults) -> Node:
    """Log an error for each number with a comma; return the tree with these numbers corrected."""
    if isinstance(node, commas.Halved):
        faults.add(node.place, path, no_comma(node.text))
        return node.meant
    if isinstance(node, Mapping):
        for name, item in node.items.items():
            if not isinstance(item, Scalar) or isinstance(item, commas.Halved):
                node.items[name] = _without_commas(item, (*path, name), faults)
        return node
    if isinstance(node, Sequence):
        if commas.is_doubtful(node.items):
            said = f"is read as {len(node.items)} values; put a space behind each comma, or write 1_000 for a thousand"
            faults.warn(node.place, path, said)
        parts = (
            _without_commas(item, (*path, entry_name(path, number, item)), faults)
            for number, item in enumerate(node.items)
        )
        return Sequence(tuple(parts), node.place)
    return node
