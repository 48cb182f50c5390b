"""The cells of an Excel workbook, read within bounds: what it would unpack to is known before it is read."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from medalopt.instance.reader.files import Bytes
from medalopt.wording import shown

LARGEST_WORKBOOK = 64 * 2**20  # bytes, packed
SIGNATURE = b"PK\x03\x04"
_UNPACKED, _MOST_PARTS = 512 * 2**20, 20_000
_MOST_CELLS, _MOST_TEXT = 20_000_000, 512 * 2**20
_CELL = re.compile(rb"""\sr\s*=\s*["']\$?([A-Z]{1,3})\$?([0-9]{1,7})["']""")
_ROW = re.compile(rb"""<(?:\w+:)?row\b[^>]*?\sr\s*=\s*["']([0-9]{1,7})["']""")
_EACH = re.compile(rb"<(?:\w+:)?row\b")
_ONE = re.compile(rb"<(?:\w+:)?c\b")
_VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*>\s*([0-9]{1,9})\s*<")
_TEXT = re.compile(rb"<(?:\w+:)?si\b")

Value = str | float | bool | None
Rows = list[list[Value]]


@dataclass(frozen=True)
class Spreadsheet:
    """The sheets of a workbook, by name: rows of values, all from A1 on; None where a cell is empty."""

    name: str
    sheets: dict[str, Rows]


class _TooLarge(ValueError):
    """What the workbook would unpack to is more than any of ours."""


def address(sheet: str, row: int, column: int) -> str:
    """Return how people name the cell in `row` and `column`, both from 0: `Streams!D7`."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    plain = sheet if re.fullmatch(r"\w+", sheet) else "'" + sheet.replace("'", "''") + "'"
    return f"{plain}!{letters}{row + 1}"


def read(data: Bytes, report: Callable[[str], None]) -> Spreadsheet | None:
    """Return what stands in the cells of `data`; None, and a word to `report`, where it is no workbook or too large."""
    try:
        return Spreadsheet(data.name, _sheets(_unpacked(data.content)))
    except _TooLarge as error:
        report(f"is no workbook that medalopt reads: {error}")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        report(
            f"is no Excel workbook that can be read ({shown(str(error), 100)}); save it as .xlsx, without a password"
        )
    return None


def _unpacked(content: bytes) -> dict[str, bytes]:
    """Return the parts in XML, each once. Raises _TooLarge before more is unpacked than may be."""
    parts: dict[str, bytes] = {}
    room = _UNPACKED
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        if len(file.infolist()) > _MOST_PARTS:
            raise _TooLarge(f"it has more than {_MOST_PARTS:_} parts")
        for info in file.infolist():
            if not info.filename.endswith((".xml", ".rels")):
                continue
            if info.file_size > room:
                raise _TooLarge(f"it unpacks to more than {_UNPACKED // 2**20} MiB")
            with file.open(info) as part:
                parts[info.filename] = part.read(room + 1)  # no more than its size, whatever it packs
            room -= len(parts[info.filename])
            if b"\0" in parts[info.filename]:
                raise ValueError("a part is not UTF-8")
    _measure(parts)
    return parts


def _measure(parts: dict[str, bytes]) -> None:
    """Raise _TooLarge where the cells, or their text, would take more memory than any plan or instance needs."""
    lengths = [len(one) for name, part in parts.items() if "sharedStrings" in name for one in _TEXT.split(part)[1:]]
    told = 0
    for part in parts.values():
        high, wide = _extent(part)
        if high * wide > _MOST_CELLS:
            raise _TooLarge(f"a sheet has {high:_} rows and {wide:_} columns; delete what stands far below or aside")
        told += sum(lengths[at] for at in map(int, _VALUE.findall(part)) if at < len(lengths))
        if told > _MOST_TEXT:
            raise _TooLarge(f"its cells hold more than {_MOST_TEXT // 2**20} MiB of text")


def _extent(part: bytes) -> tuple[int, int]:
    """Return at most how many rows and columns the cells of a part take."""
    high = wide = 0
    for letters, row in _CELL.findall(part):
        high = max(high, int(row))
        wide = max(wide, _number(letters))
    high = max([high, *map(int, _ROW.findall(part))])
    rows = _EACH.split(part)[1:]
    return high + len(rows) if high == 0 else max(high, len(rows)), max(
        [wide, *(len(_ONE.findall(row)) for row in rows)]
    )


def _number(letters: bytes) -> int:
    found = 0
    for letter in letters:
        found = 26 * found + letter - ord("A") + 1
    return found


def _sheets(parts: dict[str, bytes]) -> dict[str, Rows]:
    """Return the sheets of cells, read from a file that holds `parts` and nothing else."""
    import python_calamine

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for name, part in parts.items():
            file.writestr(name, part)
    buffer.seek(0)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(buffer)
        cells = [one.name for one in book.sheets_metadata if one.typ == python_calamine.SheetTypeEnum.WorkSheet]
        return {name: list(_rows(book.get_sheet_by_name(name))) for name in cells}
    except (python_calamine.CalamineError, python_calamine.PasswordError) as error:
        raise ValueError(str(error) or "it is broken") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # of the reader's own language: a broken file, not a broken run
            raise ValueError("it is broken") from error
        raise


def _rows(sheet: Any) -> Iterator[list[Value]]:
    for row in sheet.to_python(skip_empty_area=False):
        yield [_value(cell) for cell in row]


def _value(cell: Any) -> Value:
    """Return what a cell says; a day as text, its month where it is the first: so Excel takes `2017-04` for a day."""
    if isinstance(cell, str):
        return cell if cell.strip() else None
    if isinstance(cell, datetime.date):
        return cell.strftime("%Y-%m") if cell.day == 1 else cell.strftime("%Y-%m-%d")
    if isinstance(cell, bool):
        return cell
    return float(cell) if isinstance(cell, int | float) else str(cell)


def written(value: Value) -> str:
    """Return a cell as text: a whole number without a point, nothing as ''."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return value or ""
