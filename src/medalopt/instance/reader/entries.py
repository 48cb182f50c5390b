"""Convert a YAML list of streams or lanes to a sheet."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from medalopt.instance.paths import Path
from medalopt.instance.reader import limits
from medalopt.instance.reader.faults import Faults, Place
from medalopt.instance.reader.nodes import Mapping, Node, Scalar, Sequence, entry_name
from medalopt.instance.reader.sheet import PERIOD, Cells, Key, Sheet, Text
from medalopt.wording import counted, there_are

_SPREAD = "available"
_NAMES = ("device", "region", "smelter", "name", "bundle")


@dataclass
class _Rows:
    """Sheet under construction."""

    columns: dict[Key, list[Text]] = field(default_factory=dict)
    places: dict[tuple[int, Key], Place] = field(default_factory=dict)
    entry: list[int] = field(default_factory=list)

    def add(self, number: int, place: Place, cells: dict[Key, tuple[Text, Place]]) -> None:
        """Append a row.

        Args:
            number: Index of the list entry.
            place: Location of the entry.
            cells: Text and location by column.
        """
        row = len(self.entry)
        for key, (text, at) in cells.items():
            column = self.columns.setdefault(key, [])
            column.extend([None] * (row - len(column)))
            column.append(text)
            self.places[row, key] = at
        self.places[row, ()] = place
        self.entry.append(number)


def sheet_of(section: str, node: Sequence, periods: tuple[str, ...] | None, faults: Faults) -> Sheet:
    """Convert a YAML list to a sheet; an entry whose `available` is a list takes one row per period.

    Args:
        section: `streams` or `lanes`.
        node: List node.
        periods: Period labels; None if the calendar is invalid.
        faults: Log for errors.

    Returns:
        The sheet.
    """
    rows = _Rows()
    for number, item in enumerate(node.items):
        path = (section, entry_name((section,), number, item))
        if not isinstance(item, Mapping):
            faults.add(item.place, path, "expected a mapping such as {device: phone, region: tokyo, available: 10 t}")
            continue
        spread = item.items.get(_SPREAD)
        cells = _cells(item, path, faults)
        if isinstance(spread, Sequence):
            for extra in _spread(spread, (*path, _SPREAD), periods, faults):
                rows.add(number, item.place, {**cells, **extra})
        else:
            rows.add(number, item.place, cells)
        if len(rows.columns) * len(rows.entry) > limits.MAX_FIGURES:
            keys = f"{len(rows.columns):_} different keys in {len(rows.entry):_} entries"
            faults.add(item.place, (section,), f"{keys} are more than any list has: look for unknown keys")
            break
    for column in rows.columns.values():
        column.extend([None] * (len(rows.entry) - len(column)))
    lines, entry = (
        np.array(numbers, dtype=np.intp)
        for numbers in ([rows.places[row, ()].line for row in range(len(rows.entry))], rows.entry)
    )
    columns = {key: Cells.of(cells) for key, cells in rows.columns.items()}
    return Sheet(section, node.place.file, columns, lines, {}, rows.places, entry)


def _cells(entry: Mapping, path: Path, faults: Faults) -> dict[Key, tuple[Text, Place]]:
    """Return the cells of one entry, including nested fields."""
    found: dict[Key, tuple[Text, Place]] = {}
    for name, node in entry.items.items():
        key_place = entry.keys[name]
        if isinstance(node, Mapping) or (name == "storage" and _null(node)):
            found[name, "{}"] = ("", key_place)
            for inner, item in node.items.items() if isinstance(node, Mapping) else ():
                _cell((name, inner), item, (*path, name, inner), found, faults)
        elif not (name == _SPREAD and isinstance(node, Sequence)):
            _cell((name,), node, (*path, name), found, faults)
    return found


def _cell(key: Key, node: Node, path: Path, found: dict[Key, tuple[Text, Place]], faults: Faults) -> None:
    """Add one value to `found`, unless it is empty."""
    if isinstance(node, Sequence) and key == ("source",) and all(isinstance(item, Scalar) for item in node.items):
        texts = [item.text for item in node.items if isinstance(item, Scalar)]
        found[key] = ("\n".join(texts), node.place)
    elif not isinstance(node, Scalar):
        kind = "list" if isinstance(node, Sequence) else "mapping"
        faults.add(node.place, path, f"expected one value; found a {kind}")
    elif not node.null or (key[0] in ("device", "region", "smelter") and node.text):
        found[key] = (node.text if key[0] in _NAMES else written(node), node.place)
    else:
        found[key] = (None, node.place)


def written(node: Scalar) -> str:
    """Format a scalar as cell text: numbers of YAML's core schema in decimals, any other text unchanged.

    Args:
        node: Scalar node.

    Returns:
        Text of the cell.
    """
    value = node.value
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return repr(value) if number and not (isinstance(value, float) and not math.isfinite(value)) else node.text


def _null(node: Node) -> bool:
    """Test if a node is null."""
    return isinstance(node, Scalar) and node.null


def _spread(
    node: Sequence, path: Path, periods: tuple[str, ...] | None, faults: Faults
) -> list[dict[Key, tuple[Text, Place]]]:
    """Return period and amount for each item of a list, at most one per period."""
    if periods is not None and len(node.items) != len(periods):
        values = counted(len(node.items), "value")
        message = f"{there_are(len(periods), 'period')}, but {values}: give one for each, or one for all"
        faults.add(node.place, path, message)
    rows = []
    for index, item in enumerate(node.items if periods is None else node.items[: len(periods)]):
        found: dict[Key, tuple[Text, Place]] = {PERIOD: (periods[index] if periods else "?", item.place)}
        if _null(item):
            faults.add(item.place, (*path, index), "a list has a figure for each period: write 0 where there is none")
        _cell((_SPREAD,), item, (*path, index), found, faults)
        rows.append(found)
    return rows or [{(_SPREAD,): ("0", node.place)}]
