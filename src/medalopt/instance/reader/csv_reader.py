"""Parse CSV tables to columns, and convert those of streams or lanes to a sheet.

A file without quotes is split at all commas and line ends at once, and the cells of a column are compared as packed
64-bit integers. Any other file is parsed by Python's csv module, in chunks of rows.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from pathlib import Path as FilePath
from pathlib import PurePosixPath, PureWindowsPath

import numpy as np
from numpy.typing import NDArray

from medalopt.errors import FaultKind
from medalopt.instance.arrays import Bools, Ints
from medalopt.instance.reader import limits
from medalopt.instance.reader.files import MAX_WORDED_FAULTS, FaultLog, Location
from medalopt.instance.reader.rows import CellColumn, CellText, ColumnKey, InputSheet
from medalopt.instance.reader.yaml_nodes import ScalarNode, is_thousands_head, is_thousands_tail
from medalopt.text import escape_text, explain_comma, join_names, suggest_name

_MAX_PACKED_BYTES = 64  # longest cell [bytes] that is compared as packed integers
_CHUNK_ROWS = 50_000
_BYTE_MASKS = (255 * np.tri(9, 8, -1)).astype(np.uint8)  # row n masks the first n of eight bytes
_COMMA, _LINE_FEED, _CARRIAGE_RETURN = b",\n\r"
ByteArray = NDArray[np.uint8]
EdgeArray = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class CsvRows:
    """Rows of a CSV table.

    Attributes:
        header: Texts of the header.
        line: Line of the header.
        lines: Line in which each row ends (R,).
        column: Function from a column index (from 0) to its cells (R,).
        uneven: Line and number of cells of each row that is not as wide as the header.
        whole: False if the table exceeds `MAX_CELLS`.
        error: Message and line of the error that ended parsing, if any.
    """

    header: list[str]
    line: int
    lines: Ints
    column: Callable[[int], CellColumn]
    uneven: tuple[tuple[int, int], ...] = ()
    whole: bool = True
    error: tuple[str, int] | None = None


def read_csv_rows(text: str) -> CsvRows:
    """Parse a CSV table.

    Args:
        text: Header and rows.

    Returns:
        The rows, by column.
    """
    content = text.encode()
    return _read_unquoted(content) if _is_unquoted(content) else _read_quoted(text)


def _is_unquoted(content: bytes) -> bool:
    """Test if a table has no quotes, NUL or lone carriage returns, and at most `MAX_CELLS` cells."""
    has_special = b'"' in content or b"\0" in content or content.count(b"\r") != content.count(b"\r\n")
    header = content[: content.find(b"\n", len(content) - len(content.lstrip(b"\r\n")))]
    cells = (content.count(b"\n") + 1) * (header.count(b",") + 1)
    return bool(content) and not has_special and max(cells, content.count(b",")) <= limits.MAX_CELLS


def _read_unquoted(content: bytes) -> CsvRows:
    """Parse a table without quotes."""
    data = np.frombuffer(content + b"\n" * (not content.endswith(b"\n")) + bytes(_MAX_PACKED_BYTES + 8), dtype=np.uint8)
    ends = np.flatnonzero(data == _LINE_FEED)
    starts = np.concatenate([[0], ends[:-1] + 1])
    ends = ends - ((ends > starts) & (data[ends - 1] == _CARRIAGE_RETURN))
    commas = np.flatnonzero(data == _COMMA).astype(np.int32)
    before = np.searchsorted(commas, starts)
    count = np.diff(before, append=len(commas)) + 1
    there = ends > starts
    if not there.any() or int((ends - starts).max()) > csv.field_size_limit():
        return _read_quoted(content.decode())
    head = int(np.flatnonzero(there)[0])
    width = int(count[head])
    there[head] = False
    index, uneven = np.flatnonzero(there & (count == width)), np.flatnonzero(there & (count != width))
    cuts = commas[before[index][:, None] + np.arange(width - 1)]
    edges: EdgeArray = np.column_stack([starts[index] - 1, cuts, ends[index]]).astype(np.int32)
    header = content[starts[head] : ends[head]].decode().split(",")
    uneven_rows = tuple(zip((uneven + 1).tolist(), count[uneven].tolist(), strict=True))
    return CsvRows(
        header, head + 1, index + 1, lambda number: _extract_column(data, content, edges, number), uneven_rows
    )


def _extract_column(data: ByteArray, content: bytes, edges: EdgeArray, number: int) -> CellColumn:
    """Return the cells between two adjacent edges of each row."""
    start = edges[:, number].astype(np.intp) + 1
    length = edges[:, number + 1] - start
    long = length > _MAX_PACKED_BYTES
    texts, code = _factorize_cells(data, start, np.where(long, 0, length))
    if long.any():
        place: dict[CellText, int] = {}
        for row in np.flatnonzero(long).tolist():
            cell = content[start[row] : start[row] + length[row]].decode()
            code[row] = len(texts) + place.setdefault(cell, len(place))
        texts = (*texts, *place)
    return CellColumn(texts, code)


def _factorize_cells(data: ByteArray, start: Ints, length: Ints) -> tuple[tuple[CellText, ...], Ints]:
    """Return the distinct texts of cells up to `_MAX_PACKED_BYTES` long, and the code of each cell (0: empty)."""
    words = max(-(-int(length.max(initial=0)) // 8), 1)
    windows = np.lib.stride_tricks.sliding_window_view(data, 8)
    cell = np.empty((len(start), 8 * words), dtype=np.uint8)
    for byte in range(0, 8 * words, 8):
        cell[:, byte : byte + 8] = windows[start + byte] & _BYTE_MASKS[np.clip(length - byte, 0, 8)]
    number = cell.view(np.uint64)
    head = np.ones(len(cell), dtype=np.bool_)  # first cell of each run of equal cells; only these are sorted
    head[1:] = (number[1:] != number[:-1]).any(axis=1)
    code = _factorize_rows(number[head])
    one = np.zeros(int(code.max(initial=-1)) + 1, dtype=np.intp)
    one[code] = np.flatnonzero(head)
    texts = b"\n".join(cell[one].view(f"S{8 * words}").ravel().tolist()).decode().split("\n") if len(one) else []
    gap: Bools = length[one] == 0
    return (None, *texts[int(gap.any()) :]), code[np.cumsum(head) - 1] + int(not gap.any())


def _factorize_rows(number: NDArray[np.uint64]) -> Ints:
    """Return a code from 0 for each row of integers, equal for equal rows; the row of zeros has the least."""
    code = np.unique(number[:, 0], return_inverse=True)[1]
    for word in number.T[1:]:
        value, own = np.unique(word, return_inverse=True)
        code = np.unique(code * len(value) + own, return_inverse=True)[1]
    return code


def _read_quoted(text: str) -> CsvRows:
    """Parse a table with Python's csv module."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    line, seen, whole = 0, 0, True
    cells: list[list[str]] = []
    lines: list[int] = []
    uneven: list[tuple[int, int]] = []
    error: tuple[str, int] | None = None
    try:
        header = next((row for row in reader if row), [])
        line, cells = reader.line_num, [[] for _ in header]
        for chunk in _iterate_chunks(reader):
            seen += len(chunk) * len(header)
            whole = seen <= limits.MAX_CELLS
            uneven += [(index, len(row)) for row, index in chunk if len(row) not in (0, len(header))]
            even = [pair for pair in chunk if len(pair[0]) == len(header)] if header else []
            lines += map(itemgetter(1), even)
            for number, column in enumerate(cells):
                column += [row[number] for row, _ in even]
            if not whole:
                break
    except csv.Error as failure:
        error = (str(failure), reader.line_num)
    return CsvRows(
        header,
        line,
        np.array(lines, dtype=np.intp),
        lambda number: CellColumn.build(cells[number], gap=""),
        tuple(uneven),
        whole,
        error,
    )


def _iterate_chunks(reader: Iterator[list[str]]) -> Iterator[list[tuple[list[str], int]]]:
    """Yield chunks of rows with the line in which each ends; raise csv.Error after all rows before the error."""
    pairs = zip(reader, map(attrgetter("line_num"), itertools.repeat(reader)), strict=False)
    while True:
        chunk: list[tuple[list[str], int]] = []
        error: csv.Error | None = None
        try:
            chunk.extend(itertools.islice(pairs, _CHUNK_ROWS))
        except csv.Error as failure:
            error = failure
        yield chunk
        if error is not None:
            raise error
        if len(chunk) < _CHUNK_ROWS:
            return


_STEP_COLUMN = re.compile(r"(price)_([1-9][0-9]?)_(up_to|price)")  # of the steps of a price, from 1
_NESTED_FIELDS = ("storage", "credited")
_TEXT_FIELDS = (
    "device",
    "region",
    "smelter",
    "name",
    "bundle",
    "payer",
    "period",
    "source",
    "note",
)  # may hold text such as `007`


def resolve_table_path(
    folder: FilePath, node: ScalarNode, path: tuple[str | int, ...], faults: FaultLog
) -> FilePath | None:
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
        faults.add_error(node.place, path, message, kind=FaultKind.FILE)
        return None
    target = folder / name
    try:
        inside = target.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        inside = False
    if not inside:
        faults.add_error(node.place, path, f"{message}; this one leads elsewhere by a link", kind=FaultKind.FILE)
        return None
    return target


def build_csv_sheet(section: str, name: str, text: str, known: Collection[str], faults: FaultLog) -> InputSheet | None:
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
    rows = read_csv_rows(text)
    if len(rows.header) > limits.MAX_COLUMNS:
        message = f"has {len(rows.header):_} columns; a table has at most {limits.MAX_COLUMNS:_}"
        faults.add_error(Location(name, rows.line), (section,), message, kind=FaultKind.TABLE)
        return None
    heads = _read_header(rows.header, Location(name, rows.line, 1), known, faults)
    _check_row_widths(rows, name, faults)
    if rows.error is not None:
        reason, line = rows.error
        message = f"is not a CSV table: {escape_text(reason)}; look for a quote that is not closed"
        faults.add_error(Location(name, line), (section,), message, kind=FaultKind.TABLE)
        return None
    if not len(rows.lines):
        faults.add_error(
            Location(name), (section,), "has no rows: a table has a header and at least one row", kind=FaultKind.TABLE
        )
        return None
    columns = {key: rows.column(location.column - 1) for key, location in heads.items()}
    sheet = InputSheet(section, name, columns, rows.lines, heads, {})
    _check_comma_numbers(sheet, faults)
    return sheet


def _check_comma_numbers(sheet: InputSheet, faults: FaultLog) -> None:
    """Log numbers with a comma, which CSV splits into two cells such as `1` and `000`."""
    by_column = {location.column: key for key, location in sheet.header_locations.items()}
    for key, location in sheet.header_locations.items():
        after = by_column.get(location.column + 1)
        if after is None or key[0] in _TEXT_FIELDS:
            continue
        texts = sheet.columns[after].texts
        rests = [code for code, text in enumerate(texts) if text and is_thousands_tail(text.strip())]
        for row in np.flatnonzero(np.isin(sheet.columns[after].code, rests)).tolist():
            first, rest = (sheet.columns[key][row] or "").strip(), (sheet.columns[after][row] or "").strip()
            if is_thousands_head(first):
                faults.add_error(
                    sheet.locate_cell(row, key),
                    (sheet.section, *key),
                    explain_comma(f"{first},{rest}"),
                    kind=FaultKind.VALUE,
                )


def _check_row_widths(rows: CsvRows, name: str, faults: FaultLog) -> None:
    """Log rows that are not as wide as the header, and a table that is too large."""
    width = len(rows.header)
    for line, cells in rows.uneven[:MAX_WORDED_FAULTS]:
        message = f"this row has {cells} cells, but the header has {width}: look for a missing or a stray comma"
        faults.add_error(Location(name, line, min(cells, width) + 1), (), message, kind=FaultKind.TABLE)
    faults.add_unlisted(len(rows.uneven[MAX_WORDED_FAULTS:]))
    if not rows.whole:
        faults.add_error(
            Location(name),
            (),
            f"has more than {limits.MAX_CELLS:_} cells; no instance needs as many",
            kind=FaultKind.SIZE,
        )


def _read_header(
    header: list[str], place: Location, known: Collection[str], faults: FaultLog
) -> dict[ColumnKey, Location]:
    """Return the location of each known column; unknown and duplicate columns are errors."""
    heads: dict[ColumnKey, Location] = {}
    for number, text in enumerate(header, start=1):
        key = _parse_column_key(text.strip(), known)
        location = Location(place.file, place.line, number)
        if key is None:
            more = suggest_name(text, known) or f"; the columns known are {join_names(known, 30)}"
            hint = "; separate cells by commas" if len(header) == 1 and (";" in text or "\t" in text) else more
            faults.add_error(location, (), f"unknown column `{escape_text(text)}`{hint}", kind=FaultKind.UNKNOWN_KEY)
        elif key in heads:
            faults.add_error(
                location,
                (),
                f"the column `{escape_text(text)}` is defined twice, first as column {heads[key].column}",
                kind=FaultKind.DUPLICATE,
            )
        else:
            heads[key] = location
    return heads


def _parse_column_key(text: str, known: Collection[str]) -> ColumnKey | None:
    """Return the field of a column header, in which an underscore separates nested names; None if it is unknown."""
    first, _, rest = text.partition("_")
    if first in _NESTED_FIELDS and rest and (first in known or text in known):
        return (first, rest)
    step = _STEP_COLUMN.fullmatch(text)
    if step is not None and step[1] in known:
        return step.groups()
    return (text,) if text in known else None
