"""Convert a CSV table of streams or lanes to a sheet."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path as FilePath
from pathlib import PurePosixPath, PureWindowsPath

import numpy as np

from medalopt.instance.reader import commas, delimited, limits
from medalopt.instance.reader.delimited import Rows
from medalopt.instance.reader.faults import ENOUGH, Faults, Place
from medalopt.instance.reader.nodes import Scalar
from medalopt.instance.reader.sheet import Key, Sheet
from medalopt.wording import did_you_mean, listed, no_comma, shown

_NESTED = ("storage", "credited")
_WORDS = ("device", "region", "smelter", "name", "bundle", "period", "source", "note")  # may hold text such as `007`


def locate(folder: FilePath, node: Scalar, path: tuple[str | int, ...], faults: Faults) -> FilePath | None:
    """Resolve the path of a table relative to the folder of the instance.

    Args:
        folder: Folder of the instance.
        node: Scalar with the path of the table.
        path: Path of the parameter, for the error.
        faults: Log for errors.

    Returns:
        Path of the table; None, with an error, if it is absolute or leaves the folder.
    """
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


def sheet_of(section: str, name: str, text: str, known: Collection[str], faults: Faults) -> Sheet | None:
    """Convert CSV text to a sheet.

    Args:
        section: `streams` or `lanes`.
        name: File name for messages.
        text: CSV text.
        known: Names of the valid columns.
        faults: Log for errors.

    Returns:
        The sheet; None, with errors, if the table cannot be read.
    """
    rows = delimited.rows(text)
    if len(rows.header) > limits.MAX_COLUMNS:
        message = f"has {len(rows.header):_} columns; a table has at most {limits.MAX_COLUMNS:_}"
        faults.add(Place(name, rows.line), (section,), message)
        return None
    heads = _heads(rows.header, Place(name, rows.line, 1), known, faults)
    _uneven(rows, name, faults)
    if rows.error is not None:
        said, line = rows.error
        message = f"is not a CSV table: {shown(said)}; look for a quote that is not closed"
        faults.add(Place(name, line), (section,), message)
        return None
    if not len(rows.lines):
        faults.add(Place(name), (section,), "holds no rows: a table has a header and at least one row")
        return None
    columns = {key: rows.column(place.column - 1) for key, place in heads.items()}
    sheet = Sheet(section, name, columns, rows.lines, heads, {})
    _divided(sheet, faults)
    return sheet


def _divided(sheet: Sheet, faults: Faults) -> None:
    """Log numbers with a comma, which CSV splits into two cells such as `1` and `000`."""
    by_column = {place.column: key for key, place in sheet.heads.items()}
    for key, place in sheet.heads.items():
        after = by_column.get(place.column + 1)
        texts = sheet.columns[after].texts if after else ()
        rests = [code for code, text in enumerate(texts) if text and commas.is_rest(text.strip())]
        if after is None or not rests or key[0] in _WORDS:
            continue
        for row in np.flatnonzero(np.isin(sheet.columns[after].code, rests)).tolist():
            first, rest = (sheet.columns[key][row] or "").strip(), (sheet.columns[after][row] or "").strip()
            if commas.is_few(first):
                faults.add(sheet.place(row, key), (sheet.section, *key), no_comma(f"{first},{rest}"))


def _uneven(rows: Rows, name: str, faults: Faults) -> None:
    """Log rows that are not as wide as the header, and a table that is too large."""
    width = len(rows.header)
    for line, cells in rows.uneven[:ENOUGH]:
        message = f"this row has {cells} cells, but the header has {width}: look for a missing or a stray comma"
        faults.add(Place(name, line, min(cells, width) + 1), (), message)
    faults.add_unsaid(len(rows.uneven[ENOUGH:]))
    if not rows.whole:
        faults.add(Place(name), (), f"has more than {limits.MAX_CELLS:_} cells; no instance needs as many")


def _heads(header: list[str], place: Place, known: Collection[str], faults: Faults) -> dict[Key, Place]:
    """Return the location of each known column; unknown and duplicate columns are errors."""
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
    """Return the field of a column header, in which an underscore separates nested names; None if it is unknown."""
    first, _, rest = text.partition("_")
    if first in _NESTED and rest and (first in known or text in known):
        return (first, rest)
    return (text,) if text in known else None
