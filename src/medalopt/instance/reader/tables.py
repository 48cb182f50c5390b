"""A CSV table as a sheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from pathlib import Path as FilePath
from pathlib import PurePosixPath, PureWindowsPath

from medalopt.instance.reader import files
from medalopt.instance.reader.faults import Faults, Place
from medalopt.instance.reader.files import Bytes
from medalopt.instance.reader.nodes import Scalar
from medalopt.instance.reader.sheet import Cells, Key, Sheet
from medalopt.wording import did_you_mean, listed, shown

_MOST_CELLS = 20_000_000
_NESTED = ("storage", "credited")


def locate(folder: FilePath, node: Scalar, path: tuple[str | int, ...], faults: Faults) -> FilePath | None:
    """Return where the table named by `node` lies; None, and a fault, where that is not below `folder`."""
    name = node.text
    absolute = PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor or name.startswith("~")
    message = "the path of a table is relative to the instance and stays below its folder, such as `tiny/streams.csv`"
    if not name.strip() or "\0" in name or absolute or ".." in PurePosixPath(name.replace("\\", "/")).parts:
        faults.add(node.place, path, message)
        return None
    target = folder / name
    try:
        inside = target.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        inside = False
    if not inside:
        faults.add(node.place, path, f"{message}; this one leads elsewhere by a link")
        return None
    return target


def sheet_of(section: str, data: Bytes, known: Collection[str], faults: Faults) -> Sheet | None:
    """Return the table in `data`, whose columns are the `known` fields; None, and faults, where it cannot be read."""
    text = files.text_of(data, faults, older=True)
    if text is None:
        return None
    columns: dict[Key, Cells] = {}
    lines: list[int] = []
    heads: dict[Key, Place] = {}
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next((row for row in reader if row), [])
        heads = _heads(header, Place(data.name, reader.line_num, 1), known, faults)
        appends = [columns.setdefault(key, []).append for key in heads]
        picked = [place.column - 1 for place in heads.values()]
        for row in _sound(reader, len(header), data.name, faults):
            lines.append(reader.line_num)
            for append, column in zip(appends, picked, strict=True):
                append(row[column] or None)
    except csv.Error as error:
        said = f"is not a CSV table: {shown(str(error))}; look for a quote that is not closed"
        faults.add(Place(data.name, reader.line_num), (section,), said)
        return None
    if not lines:
        faults.add(Place(data.name), (section,), "holds no rows: a table has a header and at least one row")
        return None
    return Sheet(section, data.name, columns, lines, heads, {})


def _sound(reader: Iterator[list[str]], width: int, name: str, faults: Faults) -> Iterator[list[str]]:
    """Yield the rows as wide as the header; the others are faults, blank lines nothing."""
    cells = 0
    for row in reader:
        cells += width
        if cells > _MOST_CELLS:
            faults.add(Place(name), (), f"has more than {_MOST_CELLS:_} cells; no instance needs as many")
            return
        if len(row) == width:
            yield row
        elif row:
            line = getattr(reader, "line_num", 0)
            message = f"this row has {len(row)} cells, but the header has {width}: look for a missing or a stray comma"
            faults.add(Place(name, line, min(len(row), width) + 1), (), message)


def _heads(header: list[str], place: Place, known: Collection[str], faults: Faults) -> dict[Key, Place]:
    """Return the field of each column that is known; the others, and those named twice, are faults."""
    heads: dict[Key, Place] = {}
    for number, text in enumerate(header, start=1):
        key = _key(text.strip(), known)
        at = Place(place.file, place.line, number)
        if key is None:
            more = did_you_mean(text, known) or f"; the columns known are {listed(known, 30)}"
            hint = "; separate cells by commas" if len(header) == 1 and (";" in text or "\t" in text) else more
            faults.add(at, (), f"unknown column `{shown(text)}`{hint}")
        elif key in heads:
            faults.add(at, (), f"the column `{shown(text)}` stands twice, first as column {heads[key].column}")
        else:
            heads[key] = at
    return heads


def _key(text: str, known: Collection[str]) -> Key | None:
    """Return the field that a column's head names; a nested one is written with an underscore."""
    first, _, rest = text.partition("_")
    if first in _NESTED and rest and (first in known or text in known):
        return (first, rest)
    return (text,) if text in known else None
