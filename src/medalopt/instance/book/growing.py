from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from medalopt.instance.paths import Path, render
from medalopt.instance.reader.faults import Faults, Place
from medalopt.instance.reader.nodes import Mapping, Node, Sequence
from medalopt.instance.schema.shapes import Form, shape_at

_TWICE = "`{}` is given already, as a whole or in parts: leave one of the cells empty"
_GAP = "a list has a figure for each period: write 0 where there is none"
_END = "a window has both ends: give the least and the greatest share"


@dataclass
class _Branch:
    """A mapping or list under construction: children by name or index, and the place of each key."""

    place: Place
    items: dict[Any, _Branch | Node] = field(default_factory=dict)
    keys: dict[Any, Place] = field(default_factory=dict)


class Growing:
    """The tree under construction; a value that cannot be inserted is recorded as a fault.

    Args:
        faults: Collects the faults.
        place: Place of the root.
    """

    def __init__(self, faults: Faults, place: Place) -> None:
        self.faults = faults
        self.top = _Branch(place)

    def entry(self, path: Path, place: Place, *, numbered: bool = False, again: bool = False) -> None:
        """Insert an empty entry.

        Args:
            path: Path of the entry.
            place: Place of its name.
            numbered: The entry is named by its row number.
            again: An entry of that name may exist; else it is a fault, unless its parts came from another sheet first.
        """
        branch = self._branch(path[:-1], place)
        if branch is None:
            return
        if path[-1] in branch.items and not again:
            named_only = isinstance(branch.items[path[-1]], _Branch) and not numbered
            stands = branch.keys[path[-1]]
            if named_only and stands.file != place.file:
                return  # a sheet of parts came first
            self.faults.add(place, path, f"`{path[-1]}` stands in row {stands.line} already: give it another name")
        elif path[-1] not in branch.items:
            branch.items[path[-1]] = _Branch(place)
            branch.keys[path[-1]] = place

    def put(self, path: Path, node: Node, key: Place) -> None:
        """Insert a node; an existing value at or above the path is a fault.

        Args:
            path: Path of the node.
            node: The node.
            key: Place of its last name.
        """
        branch = self._branch(path[:-1], node.place, key)
        if branch is None:
            return
        if path[-1] in branch.items:
            self.faults.add(node.place, path, _TWICE.format(render(path)))
            return
        branch.items[path[-1]] = node
        branch.keys[path[-1]] = key

    def _branch(self, path: Path, place: Place, key: Place | None = None) -> _Branch | None:
        """Return the branch at `path`, created if missing; None, and a fault, where a value exists on the way."""
        branch = self.top
        for at, step in enumerate(path):
            if step not in branch.items:
                branch.items[step] = _Branch(place)
                branch.keys[step] = key or place
            inner = branch.items[step]
            if not isinstance(inner, _Branch):
                self.faults.add(place, path, _TWICE.format(render(path[: at + 1])))
                return None
            branch = inner
        return branch

    def node(self) -> Mapping:
        """Build the node tree; lists with gaps are faults.

        Returns:
            The root node.
        """
        found = self._node(self.top, ())
        return found if isinstance(found, Mapping) else Mapping({}, {}, self.top.place)

    def _node(self, branch: _Branch | Node, path: Path) -> Node:
        """Build the node of a branch."""
        if not isinstance(branch, _Branch):
            return branch
        if branch.items and all(isinstance(step, int) for step in branch.items):
            return self._list(branch, path)
        items = {str(step): self._node(item, (*path, str(step))) for step, item in branch.items.items()}
        return Mapping(items, {str(step): place for step, place in branch.keys.items()}, branch.place)

    def _list(self, branch: _Branch, path: Path) -> Node:
        """Build a list node; a list must have all periods, a window both ends."""
        shape = shape_at(path)
        window = shape is not None and shape.form is Form.WINDOW
        count = 2 if window else max(branch.items) + 1
        if set(branch.items) != set(range(count)):
            self.faults.add(branch.place, path, _END if window else _GAP)
        items = tuple(self._node(branch.items[place], path) for place in sorted(branch.items))
        return Sequence(items, branch.place)
