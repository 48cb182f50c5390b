"""Layout of an instance workbook: the sheet of each section, and the headings, units and cells of its columns.

A column is headed by the path of its field below the row: `content.Au`, `storage.limit`. For a field that takes a
list, the position follows in brackets: `available[2017-04]`, `composition.Ag[least]`. Several names or sources share
one cell, one per line.
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
UNITS, HEADS = 1, 2  # row indices from 0; entries follow below
ENDS = ("least", "greatest")
EMPTY = ("{}", "[]")
_PLACE = re.compile(r"(.*)\[([^\[\]]*)\]", re.DOTALL)


class Section(NamedTuple):
    """A sheet with a row for each entry at `path`, in which `*` is a name; `keys` head the columns of those names."""

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
    """One cell: the path of its field below the row, and the value as written."""

    path: Path
    node: Scalar


class Row(NamedTuple):
    """An entry: its names and its cells."""

    names: tuple[str, ...]
    leaves: tuple[Leaf, ...]


def rows(root: Mapping, section: Section) -> list[Row]:
    """List the entries of a sheet.

    Args:
        root: Root node, with streams and lanes by name.
        section: The sheet.

    Returns:
        The entries in the order of the file.
    """
    return [
        Row(names if section.keys else (), tuple(leaves(entry, path)))
        for names, path, entry in _entries(root, section.path, (), ())
    ]


def _entries(
    node: Node | None, pattern: tuple[str, ...], names: tuple[str, ...], path: Path
) -> Iterator[tuple[tuple[str, ...], Path, Mapping]]:
    """Yield names, path and node of every entry below `node` that the pattern matches; null is an empty entry."""
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
    """Iterate over the cells of an entry, without those that have a row of their own.

    Args:
        node: Node at or below the entry.
        above: Path of the entry.
        path: Path of the node below the entry.

    Returns:
        The cells, lists of names or sources joined by line breaks.
    """
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
    """Quote a text for a cell where it would otherwise be read differently.

    Args:
        text: The text.
        alone: The text fills the cell; else it is one line of it.

    Returns:
        The text, as a JSON string where needed.
    """
    odd = text in EMPTY or unquoted(text) != text or (text[:1] in '[{"' and not alone)
    trimmed = not text.strip() if alone else text != text.strip() or "\n" in text
    return json.dumps(text, ensure_ascii=False) if odd or trimmed else text


def unquoted(text: str) -> str:
    """Read the text of a cell or of one line of it.

    Args:
        text: Content of the cell; double quotes are removed.

    Returns:
        The text.
    """
    if text[:1] == text[-1:] == '"' and len(text) > 1:
        try:
            return str(json.loads(text))
        except ValueError:
            pass
    return text


def _elsewhere(path: Path, node: Node) -> bool:
    """Return whether the node at `path` is an entry with a row of its own, or a section with a sheet of its own."""
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
    """Render the heading of a column.

    Args:
        path: Path of the field below the row.
        above: Path of an entry.
        labels: Names of the periods.

    Returns:
        The heading, with a period or window end in brackets.
    """
    if not isinstance(path[-1], int):
        return render(path, exact=True)
    shape = shape_at((*above, *path))
    window = shape is not None and shape.form is Form.WINDOW
    names = ENDS if window else labels
    return f"{render(path[:-1], exact=True)}[{names[path[-1]] if path[-1] < len(names) else path[-1]}]"


def path_of(text: str, calendar: Calendar | None) -> Path:
    """Parse the heading of a column.

    Args:
        text: The heading.
        calendar: The planning periods; None where they cannot be read.

    Returns:
        The path of the field below the row.

    Raises:
        PathError: The heading is no path or names an unknown period.
    """
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
