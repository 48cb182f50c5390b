"""YAML as a tree in which each key and value has its location: parser, look-up, and notes beside the parameters.

A file is parsed by events within limits of depth and size; anchors, aliases, tags and duplicate keys are errors. In
brackets YAML splits `1,000` in two parts that may look like valid values, as CSV does. Such a number is recognised by a
comma directly between two digits, without the space that separates other values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

import yaml

from medalopt.errors import FaultKind
from medalopt.instance.reader import limits
from medalopt.instance.reader.files import FaultLog, Location
from medalopt.text import ParameterPath, check_control_characters, escape_text, explain_comma, render_path

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


def convert_to_plain(node: Node, leaf: Callable[[ScalarNode], Any] | None = None) -> Any:
    """Convert a tree to a mutable copy of dictionaries and lists.

    Args:
        node: Root of the tree.
        leaf: Converts a scalar; None: the copy has the `ScalarNode` itself, for validation.

    Returns:
        Nested dictionaries and lists.
    """
    if isinstance(node, MappingNode):
        return {name: convert_to_plain(item, leaf) for name, item in node.items.items()}
    if isinstance(node, SequenceNode):
        return [convert_to_plain(item, leaf) for item in node.items]
    return node if leaf is None else leaf(node)


def relocate_node(node: Node, location: Location) -> Node:
    """Return a copy of a tree with one location for all keys and values.

    Returns:
        Root of the copy.
    """
    if isinstance(node, MappingNode):
        items = {name: relocate_node(item, location) for name, item in node.items.items()}
        return MappingNode(items, dict.fromkeys(items, location), location)
    if isinstance(node, SequenceNode):
        return SequenceNode(tuple(relocate_node(item, location) for item in node.items), location)
    return ScalarNode(node.text, node.plain, location)


def iterate_scalars(node: Node, path: ParameterPath = ()) -> Iterator[tuple[ParameterPath, ScalarNode]]:
    """Iterate over the scalars at and below a node that are not null.

    Args:
        node: The node.
        path: Its path.

    Yields:
        Path and scalar of each.
    """
    if isinstance(node, ScalarNode):
        if not node.null:
            yield path, node
        return
    for step, item in node.items.items() if isinstance(node, MappingNode) else enumerate(node.items):
        yield from iterate_scalars(item, (*path, step))


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


def _is_split_by_comma(before: Node | None, after: Node) -> bool:
    """Test if a number is followed by a comma and directly by a digit of the next scalar, as part of one number."""
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


def _join_comma_number(before: ScalarNode, after: ScalarNode) -> CommaNumber:
    """Join the parts before and after the comma to the number, at the location of its first part."""
    return CommaNumber(f"{before.text},{after.text}", True, before.place)


def _join_comma_numbers(items: Sequence[Node]) -> tuple[Node, ...]:
    """Join the parts of numbers with a comma in a list in brackets, each to a `CommaNumber`."""
    near = [_is_split_by_comma(one, two) for one, two in pairwise(items)]
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
                result.append(_join_comma_number(last if isinstance(last, ScalarNode) else one, two))
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

    Returns:
        True for one to three digits.
    """
    return _THOUSANDS_HEAD.fullmatch(text) is not None


def _is_ambiguous_list(items: Sequence[Node]) -> bool:
    """Test if a list such as [1,400,2,400] may hold half as many values, each with a comma."""
    texts = [item.text if isinstance(item, ScalarNode) and item.plain else "" for item in items]
    pairs = len(texts) % 2 == 0 and len(texts) > 2 and all(_is_split_by_comma(one, two) for one, two in pairwise(items))
    return pairs and all(map(_ONE_OR_TWO_DIGITS.fullmatch, texts[::2])) and all(map(_THREE_DIGITS.match, texts[1::2]))


def is_null(value: object) -> bool:
    """Return whether a value is a null of the file.

    Args:
        value: Scalar node, list or dictionary.

    Returns:
        True for an unquoted null.
    """
    return isinstance(value, ScalarNode) and value.null


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
        items = tuple(self.items) if name in _NAME_LISTS else _join_comma_numbers(self.items)
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
        line_start = text.rfind("\n", 0, bad.start())
        place = Location(file, text.count("\n", 0, bad.start()) + 1, bad.start() - line_start)
        _report(faults, place, f"the character U+{ord(bad[0]):04X} is not allowed in YAML: delete it")
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


def _build_tree(text: str, file: str, faults: FaultLog) -> Node | None:
    """Build the tree of the first document from its events."""
    stack: list[_OpenCollection] = []
    documents = nodes = 0
    root: Node | None = None
    for event in yaml.parse(text, Loader=_LOADER):
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
    parent.rest = _is_split_by_comma(before, node)
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
        parent.named[parent.last] = _join_comma_number(before, key)
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
        if _is_ambiguous_list(node.items):
            text = f"is read as {len(node.items)} values; put a space behind each comma, or write 1_000 for a thousand"
            faults.add_warning(node.place, path, text, kind=FaultKind.LIST_OF_DIGITS)
        parts = (
            _report_comma_numbers(item, (*path, name_list_entry(path, number, item)), faults)
            for number, item in enumerate(node.items)
        )
        return SequenceNode(tuple(parts), node.place)
    return node


@dataclass(frozen=True)
class SourceNote:
    """Source and note of one mapping of the file, as its author wrote them."""

    path: str
    source: tuple[str, ...]
    note: str


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
