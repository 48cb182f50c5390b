"""Which sheet each part of an instance has, and how a column is headed.

A column is headed by the path of its figure below the row: `content.Au`, `storage.limit`. Where a figure takes a
list, the place in it follows in brackets: `available[2017-04]`, `composition.Ag[least]`. Several names, and several
sources, stand in one cell, one a line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from medalopt.instance.paths import Path, PathError, parse, render
from medalopt.instance.reader.nodes import Mapping, Node, Scalar, Sequence
from medalopt.instance.resolve.periods import Calendar
from medalopt.instance.schema.shapes import Form, shape_at

GIVEN, POLICY, SCENARIOS = "Instance", "Policy", "Scenarios"
PAIRS = ("field", "value", "unit", "meaning")
CHANGES = ("scenario", "change", "to")
UNITS, HEADS = 1, 2  # rows, from 0; below them stand the entries
ENDS = ("least", "greatest")
EMPTY = ("{}", "[]")
_PLACE = re.compile(r"(.*)\[([^\[\]]*)\]", re.DOTALL)


class Section(NamedTuple):
    """A sheet with a row for each entry: `path` leads to them, `*` standing for a name; `keys` head those names."""

    sheet: str
    path: tuple[str, ...]
    keys: tuple[str, ...] = ()


SECTIONS = (
    Section("Metals", ("metals", "*"), ("metal",)),
    Section("Devices", ("devices", "*"), ("device",)),
    Section("Streams", ("streams", "*")),
    Section("Treatments", ("treatments", "*"), ("treatment",)),
    Section("Treatment devices", ("treatments", "*", "devices", "*"), ("treatment", "device")),
    Section("Smelters", ("smelters", "*"), ("smelter",)),
    Section("Smelter terms", ("smelters", "*", "terms", "*"), ("smelter", "line")),
    Section("Lanes", ("lanes", "*")),
    Section("Market", ("market", "*"), ("offer",)),
    Section("Alloys", ("alloys", "*"), ("alloy",)),
    Section("Medals", ("medals", "*"), ("medal",)),
    Section("Mixes", ("mixes", "*"), ("mix",)),
    Section("Parties", ("parties", "*"), ("party",)),
)
LISTS = ("streams", "lanes")


class Leaf(NamedTuple):
    """One cell: the path of its figure below the row, and what is written there."""

    path: Path
    node: Scalar


class Row(NamedTuple):
    """An entry: its names, and its cells."""

    names: tuple[str, ...]
    leaves: tuple[Leaf, ...]


def rows(root: Mapping, section: Section) -> list[Row]:
    """Return the entries of `section` in the tree `root`, in which streams and lanes stand by name."""
    return [
        Row(names if section.keys else (), tuple(leaves(entry, path)))
        for names, path, entry in _entries(root, section.path, (), ())
    ]


def _entries(
    node: Node | None, pattern: tuple[str, ...], names: tuple[str, ...], path: Path
) -> Iterator[tuple[tuple[str, ...], Path, Mapping]]:
    if not pattern:
        if isinstance(node, Mapping):
            yield names, path, node
        elif isinstance(node, Scalar) and node.null:
            yield names, path, Mapping({}, {}, node.place)
    elif isinstance(node, Mapping):
        named = pattern[0] == "*"
        for name, item in node.items.items():
            if name == pattern[0] or (named and name not in ("source", "note")):
                yield from _entries(item, pattern[1:], (*names, name) if named else names, (*path, name))


def leaves(node: Node, above: Path, path: Path = ()) -> Iterator[Leaf]:
    """Yield what is written below an entry that stands at `above`, but for what has a sheet of its own."""
    shape = shape_at((*above, *path))
    if isinstance(node, Scalar):
        if not node.null:
            words = shape is not None and shape.measure is None
            text = quoted(node.text, alone=shape.form is not Form.LIST) if shape and words else node.text
            yield Leaf(path, Scalar(text, node.plain, node.place))
    elif isinstance(node, Sequence) and shape is not None and shape.form is Form.LIST and node.items:
        texts = [quoted(item.text, alone=False) for item in node.items if isinstance(item, Scalar)]
        yield Leaf(path, Scalar("\n".join(texts), False, node.place))
    elif isinstance(node, Sequence):
        if not node.items:
            yield Leaf(path, Scalar("[]", False, node.place))
        for number, item in enumerate(node.items):
            yield from leaves(item, above, (*path, number))
    else:
        if not node.items and path:
            yield Leaf(path, Scalar("{}", False, node.place))
        for name, item in node.items.items():
            if not _elsewhere((*above, *path, name), item):
                yield from leaves(item, above, (*path, name))


def quoted(text: str, *, alone: bool) -> str:
    """Return a text as its cell holds it, alone or as one line of it: in quotes where it would read otherwise."""
    odd = text in EMPTY or unquoted(text) != text or (text[:1] in '[{"' and not alone)
    trimmed = not text.strip() if alone else text != text.strip() or "\n" in text
    return json.dumps(text, ensure_ascii=False) if odd or trimmed else text


def unquoted(text: str) -> str:
    """Return the text that a cell or a line of it holds: of one in double quotes what stands between them."""
    if text[:1] == text[-1:] == '"' and len(text) > 1:
        try:
            return str(json.loads(text))
        except ValueError:
            pass
    return text


def _elsewhere(path: Path, node: Node) -> bool:
    """Whether what stands at `path` is an entry with a row of its own."""
    empty = isinstance(node, Scalar) and node.null
    if path[-1] in ("source", "note") or not (empty or isinstance(node, Mapping)):
        return False
    if path[0] in (POLICY.lower(), SCENARIOS.lower()) and len(path) == 1:
        return True
    return any(
        len(path) == len(section.path) and all(own in ("*", step) for own, step in zip(section.path, path, strict=True))
        for section in SECTIONS
    )


def head(path: Path, above: Path, labels: tuple[str, ...]) -> str:
    """Return the heading of a column; `labels` are the names of the periods."""
    if not isinstance(path[-1], int):
        return render(path, exact=True)
    shape = shape_at((*above, *path))
    window = shape is not None and shape.form is Form.WINDOW
    names = ENDS if window else labels
    return f"{render(path[:-1], exact=True)}[{names[path[-1]] if path[-1] < len(names) else path[-1]}]"


def path_of(text: str, calendar: Calendar | None) -> Path:
    """Return the path that a heading stands for. Raises PathError."""
    match = _PLACE.fullmatch(text.strip())
    if match is None:
        return parse(text.strip())
    steps, place = parse(match[1]), match[2].strip()
    if place.casefold() in ENDS:
        return (*steps, ENDS.index(place.casefold()))
    if calendar is None:
        raise PathError("names a period, and the periods on the sheet `Instance` cannot be read")
    number = calendar.index(place)
    if number is None:
        raise PathError(calendar.unknown(place))
    return (*steps, number)
