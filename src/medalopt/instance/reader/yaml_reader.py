"""Parse YAML by events within limits of depth and size, and separate `source` and `note` from the parameters.

Anchors, aliases, tags and duplicate keys are errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from medalopt.errors import FaultKind
from medalopt.instance.instance import SourceNote
from medalopt.instance.reader import limits
from medalopt.instance.reader.errors import FaultLog, Location
from medalopt.instance.reader.yaml_nodes import (
    CommaNumber,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    is_ambiguous_list,
    is_split_by_comma,
    join_comma_number,
    join_comma_numbers,
    name_list_entry,
)
from medalopt.text import ParameterPath, check_control_characters, escape_text, explain_comma, render_path

_FORBIDDEN_CHARACTERS = re.compile("[^\\t\\n\\r\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_NAME_LISTS = ("accepts", "regions", "devices", "treatments", "fractions", "source")  # lists of names or texts
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _report(faults: FaultLog, location: Location, message: str, path: ParameterPath = ()) -> None:
    """Record an error of syntax."""
    faults.add_error(location, path, message, kind=FaultKind.SYNTAX)


@dataclass
class _OpenCollection:
    """A collection that is being parsed: its items so far, and the key that waits for its value."""

    place: Location
    mapping: bool
    items: list[Node] = field(default_factory=list)
    named: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Location] = field(default_factory=dict)
    key: ScalarNode | None = None
    last: str | None = None  # previous key
    skip: bool = False
    rest: bool = False  # the key may continue the previous value after a comma

    def close(self, name: str) -> Node:
        """Return the complete collection."""
        if self.mapping:
            return MappingNode(self.named, self.keys, self.place)
        items = tuple(self.items) if name in _NAME_LISTS else join_comma_numbers(self.items)
        return SequenceNode(items, self.place)


def parse_yaml(text: str, file: str, faults: FaultLog) -> Node | None:
    """Parse the single YAML document of a text.

    Args:
        text: YAML text.
        file: File name for messages.
        faults: Log for errors and warnings.

    Returns:
        Root node; None after an error that stops the parser.
    """
    whole = Location(file)
    if bad := _FORBIDDEN_CHARACTERS.search(text):
        code = f"U+{ord(bad[0]):04X}"
        _report(
            faults, _locate_offset(text, bad.start(), file), f"the character {code} is not allowed in YAML: delete it"
        )
        return None
    try:
        return _build_tree(text, file, faults)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        location = Location(file, mark.line + 1, mark.column + 1) if mark else whole
        reason = escape_text(", ".join(part for part in (error.context, error.problem) if part), 200)
        _report(
            faults, location, f"is not YAML: {reason}; look for a missing quote, bracket, colon or space, or for a tab"
        )
    except yaml.YAMLError as error:
        _report(faults, whole, f"is not YAML: {escape_text(str(error), 200)}")
    return None


def _locate_offset(text: str, index: int, file: str) -> Location:
    """Return the location of a character offset."""
    return Location(file, text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


def _build_tree(text: str, file: str, faults: FaultLog) -> Node | None:
    """Build the tree of the first document from its events."""
    stack: list[_OpenCollection] = []
    documents = nodes = 0
    root: Node | None = None
    for event in _parse_events(text):
        location = Location(file, event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                _report(
                    faults, location, "a second document begins here; an instance is one document: delete the `---`"
                )
                return root
            if event.version and event.version != (1, 2):
                _report(faults, location, "is marked as YAML 1.1; the format is YAML 1.2: delete the `%YAML` line")
        nodes += isinstance(event, yaml.NodeEvent)
        if len(stack) > limits.MAX_DEPTH or nodes > limits.MAX_YAML_VALUES:
            deep = len(stack) > limits.MAX_DEPTH
            limit = f"{limits.MAX_DEPTH} levels deep" if deep else f"{limits.MAX_YAML_VALUES:_} values long"
            faults.add_error(
                location,
                (),
                f"the file is more than {limit}; put long lists into tables beside it",
                kind=FaultKind.SIZE,
            )
            return None
        done = _process_event(event, location, stack, faults)
        root = done if done is not None and not stack else root
    if root is None:
        _report(faults, Location(file), "is empty; `medalopt new NAME` writes an instance to start from")
    return root if root is None else _report_comma_numbers(root, (), faults)


def _parse_events(text: str) -> Iterator[Any]:
    """Yield the events of PyYAML's parser."""
    yield from yaml.parse(text, Loader=_LOADER)


def _process_event(event: Any, location: Location, stack: list[_OpenCollection], faults: FaultLog) -> Node | None:
    """Process one event; return the node that it completes, if any."""
    if isinstance(event, yaml.NodeEvent):
        _reject_anchors(event, location, faults)
    if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
        stack.append(_OpenCollection(location, isinstance(event, yaml.MappingStartEvent)))
        return None
    node: Node
    if isinstance(event, yaml.ScalarEvent):
        node = ScalarNode(event.value, event.implicit[0], location)
    elif isinstance(event, yaml.AliasEvent):
        node = ScalarNode("", True, location)
    elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
        node = stack.pop().close(stack[-1].key.text if stack and stack[-1].key else "")
    else:
        return None
    if stack:
        _append_node(stack[-1], node, faults)
    return node


def _reject_anchors(event: Any, location: Location, faults: FaultLog) -> None:
    """Log an error for an anchor, alias or tag, which the format excludes."""
    if isinstance(event, yaml.AliasEvent):
        _report(faults, location, f"an alias (`*{escape_text(event.anchor)}`) is not allowed: write the value out")
        return
    if event.anchor:
        _report(faults, location, f"an anchor (`&{escape_text(event.anchor)}`) is not allowed: delete it")
    if event.tag:
        _report(faults, location, f"a tag (`{escape_text(event.tag)}`) is not allowed: delete it")


def _append_node(parent: _OpenCollection, node: Node, faults: FaultLog) -> None:
    """Append a complete node to its parent, as item, key or value."""
    if not parent.mapping:
        parent.items.append(node)
    elif parent.key is None and not parent.skip:
        _append_key(parent, node, faults)
    else:
        _append_value(parent, node, faults)


def _append_key(parent: _OpenCollection, node: Node, faults: FaultLog) -> None:
    """Set a node as the next key of its parent, or log an error if it is not a valid key."""
    problem, kind = "", FaultKind.SYNTAX
    before = parent.named[parent.last] if parent.last is not None else None
    parent.rest = is_split_by_comma(before, node)
    if not isinstance(node, ScalarNode):
        problem = "a key must be a name, not a list or a mapping"
    elif node.plain and node.text == "<<":
        problem = "a merge key (`<<`) is not allowed: write the values out"
    elif node.text in parent.named and not parent.rest:
        problem, kind = _describe_duplicate(parent, node), FaultKind.DUPLICATE
    if problem or not isinstance(node, ScalarNode):
        faults.add_error(node.place, (), problem, kind=kind)
        parent.skip = True
    else:
        parent.key = node


def _describe_duplicate(parent: _OpenCollection, key: ScalarNode) -> str:
    """Describe a duplicate key."""
    first = parent.keys[key.text].line
    return f"`{escape_text(key.text)}` is defined twice in one mapping, first in line {first}: delete or rename one"


def _append_value(parent: _OpenCollection, node: Node, faults: FaultLog) -> None:
    """Store a node as the value of the current key."""
    key, before = parent.key, parent.named.get(parent.last or "")
    if key is not None and parent.rest and isinstance(node, ScalarNode) and node.plain and not node.text:
        assert parent.last is not None and isinstance(before, ScalarNode), "a number precedes"
        parent.named[parent.last] = join_comma_number(before, key)
    elif key is not None and parent.rest and key.text in parent.named:
        faults.add_error(key.place, (), _describe_duplicate(parent, key), kind=FaultKind.DUPLICATE)
    elif key is not None:
        parent.named[key.text], parent.keys[key.text] = node, key.place
        parent.last = key.text
    parent.key, parent.skip, parent.rest = None, False, False


def _report_comma_numbers(node: Node, path: ParameterPath, faults: FaultLog) -> Node:
    """Log an error for each number with a comma; return the tree with these numbers corrected."""
    if isinstance(node, CommaNumber):
        faults.add_error(node.place, path, explain_comma(node.text), kind=FaultKind.VALUE)
        return node.without_comma
    if isinstance(node, MappingNode):
        for name, item in node.items.items():
            if not isinstance(item, ScalarNode) or isinstance(item, CommaNumber):
                node.items[name] = _report_comma_numbers(item, (*path, name), faults)
        return node
    if isinstance(node, SequenceNode):
        if is_ambiguous_list(node.items):
            text = f"is read as {len(node.items)} values; put a space behind each comma, or write 1_000 for a thousand"
            faults.add_warning(node.place, path, text, kind=FaultKind.LIST_OF_DIGITS)
        parts = (
            _report_comma_numbers(item, (*path, name_list_entry(path, number, item)), faults)
            for number, item in enumerate(node.items)
        )
        return SequenceNode(tuple(parts), node.place)
    return node


_NOTE_KEYS = ("source", "note")


def split_notes(root: MappingNode, faults: FaultLog) -> tuple[MappingNode, tuple[SourceNote, ...]]:
    """Split the notes of all mappings from the tree; rows of streams and lanes keep theirs as columns.

    Returns:
        The tree without `source` and `note`, and the notes sorted by path.
    """
    notes: list[SourceNote] = []
    return _strip_notes(root, (), notes, faults), tuple(sorted(notes, key=lambda source: source.path))


def _strip_notes(node: MappingNode, path: ParameterPath, notes: list[SourceNote], faults: FaultLog) -> MappingNode:
    """Return a mapping without notes, and append its notes to `notes`."""
    remarks = {key: _read_note_texts(node.items[key], (*path, key), faults) for key in _NOTE_KEYS if key in node.items}
    if any(remarks.values()):
        notes.append(SourceNote(render_path(path), remarks.get("source", ()), "\n".join(remarks.get("note", ()))))
    items: dict[str, Node] = {}
    for name, item in node.items.items():
        if name not in _NOTE_KEYS:
            inside = (*path, name)
            if isinstance(item, MappingNode):
                item = _strip_notes(item, inside, notes, faults)
            elif isinstance(item, SequenceNode) and path:  # price steps and penalties, but not rows of streams
                entries = (
                    _strip_notes(each, (*inside, index), notes, faults) if isinstance(each, MappingNode) else each
                    for index, each in enumerate(item.items)
                )
                item = SequenceNode(tuple(entries), item.place)
            items[name] = item
    return MappingNode(items, node.keys, node.place)


def _read_note_texts(node: Node, path: ParameterPath, faults: FaultLog) -> tuple[str, ...]:
    """Return the texts of one `source` or `note`."""
    items = node.items if isinstance(node, SequenceNode) else (node,)
    texts = [item.text for item in items if isinstance(item, ScalarNode) and not item.null]
    for item in items:
        if isinstance(item, ScalarNode) and (problem := check_control_characters(item.text)):
            faults.add_error(item.place, path, problem, kind=FaultKind.VALUE)
    if not all(isinstance(item, ScalarNode) for item in items):
        faults.add_error(
            node.place,
            path,
            f"`{path[-1]}` is a remark, text or a list of texts; call a thing something else",
            kind=FaultKind.STRUCTURE,
        )
    return tuple(texts)
