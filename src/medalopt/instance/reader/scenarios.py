"""Scenario files: a CSV table with a column per parameter path, or YAML in the form of the section `scenarios`."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from medalopt.instance.paths import PathError, parse
from medalopt.instance.reader import files, limits, yamltext
from medalopt.instance.reader.encodings import decode_csv, decode_yaml
from medalopt.instance.reader.faults import Faults, Place
from medalopt.instance.reader.files import Bytes
from medalopt.instance.reader.nodes import Mapping, Node, Scalar, Sequence
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.fields import flaw
from medalopt.wording import control_flaw, did_you_mean, shown

NAME = "scenario"
Scenarios = dict[str, dict[str, str]]
_YAML = (".yaml", ".yml")


def read(path: Path) -> Scenarios:
    """Read a scenario file.

    Args:
        path: CSV or YAML file.

    Returns:
        Overrides (path to new value) by scenario name.

    Raises:
        InputError: The file is invalid; it lists every error.
    """
    faults = Faults()
    name = os.fspath(path)
    data = files.read(path, name, limits.MAX_LIST_BYTES, lambda message: faults.add(Place(name), (), message))
    yaml = path.suffix.lower() in _YAML
    text = (decode_yaml if yaml else decode_csv)(data, faults) if data is not None else None
    found: Scenarios = {}
    if data is not None and text is not None:
        found = (_of_yaml if yaml else _of_table)(text, data, faults)
        if not found and not faults.found:
            faults.add(Place(name), (), "holds no scenarios")
    faults.settle()
    return found


def _of_table(text: str, data: Bytes, faults: Faults) -> Scenarios:
    """Parse a CSV table: a row per scenario, named by column `scenario` or by number; empty cells change nothing."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: Scenarios = {}
    try:
        header = [head.strip() for head in next((row for row in reader if row), [])]
        if not _check_heads(header, Place(data.name, reader.line_num, 1), faults):
            return {}
        cells_read = 0
        for row in reader:
            place = Place(data.name, reader.line_num, 1)
            cells_read += len(row)
            if cells_read > limits.MAX_CELLS:
                faults.add(place, (), f"has more than {limits.MAX_CELLS:_} cells; make several files of it")
                break
            if len(row) == len(header):
                cells = dict(zip(header, row, strict=True))
                name = cells.pop(NAME, "").strip() or str(len(found) + 1)
                _add(found, name, {path: cell for path, cell in cells.items() if cell.strip()}, place, faults)
            elif row:
                faults.add(place, (), f"this row has {len(row)} cells, but the header has {len(header)}")
    except csv.Error as error:
        said = f"is not a CSV table: {shown(str(error))}; look for a quote that is not closed"
        faults.add(Place(data.name, reader.line_num), (), said)
    return found


def _check_heads(header: list[str], place: Place, faults: Faults) -> bool:
    """Log invalid column headers; return False if there are too many columns."""
    if len(header) > limits.MAX_COLUMNS:
        faults.add(place, (), f"has {len(header):_} columns; a table has at most {limits.MAX_COLUMNS:_}")
        return False
    seen: set[str] = set()
    for column, head in enumerate(header, start=1):
        at = Place(place.file, place.line, column)
        if head in seen:
            faults.add(at, (), f"the column `{shown(head)}` stands twice")
        elif head != NAME:
            _check(head, at, faults)
        seen.add(head)
    return True


def _of_yaml(text: str, data: Bytes, faults: Faults) -> Scenarios:
    """Parse YAML: scenarios by name, optionally below the key `scenarios`."""
    root = yamltext.parse(text, data.name, faults)
    if isinstance(root, Mapping) and list(root.items) == ["scenarios"]:
        root = root.items["scenarios"]
    if not isinstance(root, Mapping):
        if root is not None:
            faults.add(root.place, (), "expected scenarios by name, such as {poorer: {devices.*.content.Ag: 85 %}}")
        return {}
    found: Scenarios = {}
    for name, node in root.items.items():
        if not isinstance(node, Mapping):
            faults.add(node.place, (name,), "expected changes, path to value, such as {devices.*.content.Ag: 85 %}")
            continue
        changes = {}
        for path, value in node.items.items():
            _check(path, node.keys[path], faults)
            changes[path] = _value(value, (name, path), faults)
        _add(found, name, changes, node.place, faults)
    return found


def _value(node: Node, path: tuple[str, ...], faults: Faults) -> str:
    """Return a scalar or a list of scalars as the text of an override."""
    items = node.items if isinstance(node, Sequence) else (node,)
    texts = [item.text for item in items if isinstance(item, Scalar) and not item.null]
    if isinstance(node, Mapping) or len(texts) < len(items):
        faults.add(node.place, path, "expected the new value: one figure, or a list of them")
    return f"[{', '.join(texts)}]" if isinstance(node, Sequence) else "".join(texts)


def _check(path: str, place: Place, faults: Faults) -> None:
    """Log an invalid path or an unknown section."""
    try:
        section = str(parse(path)[0])
    except PathError as error:
        faults.add(place, (path[:100],), str(error))
        return
    if section not in Document.model_fields:
        near = did_you_mean(section, Document.model_fields)
        faults.add(place, (path,), f"a path begins with a section; `{shown(section)}` is none{near}")


def _add(found: Scenarios, name: str, changes: dict[str, str], place: Place, faults: Faults) -> None:
    """Add a scenario; log control characters, invalid names and duplicates."""
    for problem in (flaw(name), *map(control_flaw, changes), *map(control_flaw, changes.values())):
        if problem:
            faults.add(place, (name[:100],), problem)
    if name in found:
        faults.add(place, (), f"the scenario `{shown(name)}` stands twice: give one of them another name")
    found[name] = changes
