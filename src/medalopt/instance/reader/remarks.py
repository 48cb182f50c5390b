"""Separate `source` and `note`, which each mapping may carry, from the parameters."""

from __future__ import annotations

from medalopt.instance.instance import Source
from medalopt.instance.paths import Path, render
from medalopt.instance.reader.faults import Faults
from medalopt.instance.reader.nodes import Mapping, Node, Scalar, Sequence
from medalopt.wording import control_flaw

_KEYS = ("source", "note")


def apart(root: Mapping, faults: Faults) -> tuple[Mapping, tuple[Source, ...]]:
    """Split the notes of all mappings from the tree; rows of streams and lanes keep theirs as columns.

    Args:
        root: Root of the instance file.
        faults: Log for errors.

    Returns:
        The tree without `source` and `note`, and the notes sorted by path.
    """
    found: list[Source] = []
    return _stripped(root, (), found, faults), tuple(sorted(found, key=lambda source: source.path))


def _stripped(node: Mapping, path: Path, found: list[Source], faults: Faults) -> Mapping:
    """Return a mapping without notes, and append its notes to `found`."""
    remarks = {key: _texts(node.items[key], (*path, key), faults) for key in _KEYS if key in node.items}
    if any(remarks.values()):
        found.append(_source(path, remarks))
    items = {}
    for name, item in node.items.items():
        if name not in _KEYS:
            items[name] = _stripped(item, (*path, name), found, faults) if isinstance(item, Mapping) else item
    return Mapping(items, node.keys, node.place)


def _source(path: Path, remarks: dict[str, tuple[str, ...]]) -> Source:
    """Build the record of the notes of one mapping."""
    return Source(render(path), remarks.get("source", ()), "\n".join(remarks.get("note", ())))


def _texts(node: Node, path: Path, faults: Faults) -> tuple[str, ...]:
    """Return the texts of one `source` or `note`."""
    items = node.items if isinstance(node, Sequence) else (node,)
    texts = [item.text for item in items if isinstance(item, Scalar) and not item.null]
    for item in items:
        if isinstance(item, Scalar) and (problem := control_flaw(item.text)):
            faults.add(item.place, path, problem)
    if not all(isinstance(item, Scalar) for item in items):
        faults.add(node.place, path, f"`{path[-1]}` is a remark, text or a list of texts; call a thing something else")
    return tuple(texts)
