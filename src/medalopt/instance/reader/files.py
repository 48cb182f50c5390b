"""Input files: read within a size limit and decoded to text; their errors and warnings, collected and raised together.

The encoding is UTF-8, or for tables the stated one, or CP932 if plausible.
"""

from __future__ import annotations

import gc
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from medalopt.errors import Fault, FaultKind, InputError
from medalopt.text import ParameterPath, escape_text, render_path

MAX_LISTED_FAULTS = 1_000  # errors that are listed
MAX_WORDED_FAULTS = 2 * MAX_LISTED_FAULTS  # errors that keep their message; further ones are only counted
_UNLISTED = Fault("", 0, 0, "", "", kind=FaultKind.UNLISTED)


MAX_LISTED = 20  # errors or warnings of one kind; the others are counted


@dataclass(frozen=True, order=True, slots=True)
class Location:
    """Location in a file: line and column from 1; 0 refers to the file as a whole."""

    file: str
    line: int = 0
    column: int = 0


@dataclass(frozen=True)
class FaultLog:
    """Collected errors (`errors`) and warnings (`list_warnings`)."""

    errors: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    def add_error(self, location: Location, path: ParameterPath | str, message: str, *, kind: FaultKind) -> None:
        """Add an error; after `MAX_WORDED_FAULTS` errors the others are only counted.

        Args:
            location: Location in the file.
            path: Path of the parameter, or a pattern as text.
            message: Description and remedy.
            kind: Kind of the error.
        """
        listed = len(self.errors) < MAX_WORDED_FAULTS
        self.errors.append(_build_fault(location, path, message, kind) if listed else _UNLISTED)

    def add_unlisted(self, count: int) -> None:
        """Count further errors without a message.

        Args:
            count: Number of errors.
        """
        self.errors.extend([_UNLISTED] * count)

    def has_error_below(self, path: ParameterPath) -> bool:
        """Test whether an item of a list has an error.

        Args:
            path: Path of the list.

        Returns:
            True where the path of an error begins with that of an item.
        """
        return any(fault.path.startswith(f"{render_path(path)}[") for fault in self.errors)

    def extend(self, others: FaultLog) -> None:
        """Add all errors and warnings of another log.

        Args:
            others: Log to add.
        """
        self.errors.extend(others.errors[:MAX_WORDED_FAULTS])
        self.add_unlisted(len(others.errors[MAX_WORDED_FAULTS:]))
        self.warnings.extend(others.warnings)

    def add_warning(self, location: Location, path: ParameterPath, message: str, *, kind: FaultKind) -> None:
        """Add a warning.

        Args:
            location: Location in the file.
            path: Path of the parameter.
            message: Description and remedy.
            kind: Kind of the warning.
        """
        self.warnings.append(_build_fault(location, path, message, kind))

    def raise_errors(self) -> None:
        """Raise the collected errors, sorted and without duplicates, at most `MAX_LISTED_FAULTS` of them.

        Raises:
            InputError: There is at least one error.
        """
        if not self.errors:
            return
        each = sorted(set(self.errors) - {_UNLISTED})
        count = len(each) + self.errors.count(_UNLISTED)
        raise InputError(_shorten_list(each, count, "faults"))

    def list_warnings(self) -> tuple[Fault, ...]:
        """Return the warnings, sorted and without duplicates.

        Returns:
            At most `MAX_LISTED_FAULTS` warnings, and the number of the others.
        """
        each = sorted(set(self.warnings))
        return tuple(_shorten_list(each, len(each), "warnings"))


def _shorten_list(each: list[Fault], count: int, noun: str) -> list[Fault]:
    """Return the first `MAX_LISTED_FAULTS` of `count` faults, and the number of the others as one more."""
    if count <= MAX_LISTED_FAULTS:
        return each
    text = f"{count - MAX_LISTED_FAULTS} more {noun} are not listed"
    return [*each[:MAX_LISTED_FAULTS], Fault(each[0].file, 0, 0, "", text, kind=FaultKind.UNLISTED)]


def _build_fault(location: Location, path: ParameterPath | str, message: str, kind: FaultKind) -> Fault:
    """Build a fault with an escaped file name."""
    shown = escape_text(path) if isinstance(path, str) else render_path(path)
    return Fault(escape_text(location.file, 4_096), location.line, location.column, shown, message, kind=kind)


# do not block on a pipe, nor acquire a controlling terminal
_OPEN_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))


ProblemHandler = Callable[[str], None]
"""Report a fault of a file as a whole."""


def _report(faults: FaultLog, location: Location, message: str) -> None:
    """Record an error of the encoding of a file."""
    faults.add_error(location, (), message, kind=FaultKind.ENCODING)


@dataclass(frozen=True)
class FileBytes:
    """Content of one file, with its name for messages."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of the content in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def read_file(path: Path, name: str, largest: int, report: ProblemHandler) -> FileBytes | None:
    """Read a regular file.

    Args:
        path: File to read.
        name: Its name for messages.
        largest: Size limit [bytes].
        report: Callback for the error message if the file cannot be read.

    Returns:
        Name and content; None after an error.
    """
    try:
        handle = os.open(path, _OPEN_FLAGS)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        report(f"cannot be read: {escape_text(reason)}; give the path of a file that exists and may be read")
        return None
    try:
        return _read_bounded(handle, name, largest, report)
    finally:
        os.close(handle)


def _read_bounded(handle: int, name: str, largest: int, report: ProblemHandler) -> FileBytes | None:
    """Read an open file up to the size limit."""
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        report("is not a regular file; give the path of a file, not of a folder, pipe or device")
        return None
    chunks: list[bytes] = []
    try:
        size = 0
        while size <= largest and (chunk := os.read(handle, 2**20)):
            chunks.append(chunk)
            size += len(chunk)
    except OSError as error:
        report(f"cannot be read to its end: {escape_text(error.strerror or 'access denied by the system')}")
        return None
    if size > largest:
        report(f"is larger than {largest // 2**20} MiB; put large tables into CSV files beside it")
        return None
    return FileBytes(name, b"".join(chunks))


_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
CODECS = {
    "utf-8": "utf-8-sig",
    "cp932": "cp932",
    "shift_jis": "cp932",
    "euc-jp": "euc_jp",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "big5": "cp950",
    "euc-kr": "cp949",
    "latin-1": "latin_1",
    "iso-8859-2": "iso8859_2",
    "iso-8859-15": "iso8859_15",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp1252": "cp1252",
    "koi8-r": "koi8_r",
    "koi8-u": "koi8_u",
}
"""Encodings that may be stated, with their names in Python: single-byte, or ASCII with double bytes."""

SAVE_AS_UTF8, SAVE_CSV_AS_UTF8 = "save it with the encoding UTF-8", "save it as `CSV UTF-8`"
# Python's decoding of bytes unused in CP932, and of those reserved for vendor characters
_CP932_UNUSED = re.compile("[\x80\xa0\uf8f0-\uf8f3]")
_CP932_PRIVATE = re.compile("[\ue000-\uf8ff]")
_CP932_RUN = re.compile(rb"(?:[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]|[\xa1-\xdf])+")
_CP932_CHARACTER = re.compile(rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]|[\xa1-\xdf]")
# half-width katakana that no word contains: initial small letter or mark, mark after a letter that takes none
_IMPLAUSIBLE_KATAKANA = re.compile(
    rb"(?<![0-9A-Za-z\xa1-\xdf])[\xa7-\xb0\xde\xdf]|(?<![\xb3\xb6-\xc4\xca-\xce])\xde|(?<![\xca-\xce])\xdf"
)
_LATIN_LETTER = re.compile(rb"[A-Za-z]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
_CELL_END = re.compile('[,"\r\n]')


def decode_utf8(data: FileBytes, advice: str, faults: FaultLog) -> str | None:
    """Decode a file that cannot state an encoding: UTF-8 with or without byte-order mark.

    Args:
        data: Content of the file.
        advice: Remedy for another encoding: `SAVE_AS_UTF8`, of CSV tables `SAVE_CSV_AS_UTF8`.
        faults: Log for errors.

    Returns:
        The text; None after an error.
    """
    if _note_utf16(data, advice, faults):
        return None
    try:
        return data.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        _report(
            faults, _locate_byte(data, _find_invalid_byte(data.content)), f"is not UTF-8 text: {advice} and try again"
        )
        return None


def decode_table(data: FileBytes, stated: str | None, faults: FaultLog) -> str | None:
    """Decode a CSV table of an instance.

    Args:
        data: Content of the table.
        stated: Its encoding, a key of `CODECS`; None for UTF-8, with CP932 as fallback (with a warning).
        faults: Log for errors and warnings.

    Returns:
        The text; None after an error.
    """
    if _note_utf16(data, SAVE_CSV_AS_UTF8, faults):
        return None
    try:
        text = data.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _decode_stated(data, stated, faults) if stated else _decode_cp932(data, faults)
    if stated in (None, "utf-8") or text.isascii():
        return text
    faults.add_warning(
        Location(data.name),
        (),
        f"is UTF-8, but read as {stated}, as `encoding` says; delete `encoding`",
        kind=FaultKind.ENCODING,
    )
    return _decode_stated(data, stated or "", faults)


def _note_utf16(data: FileBytes, advice: str, faults: FaultLog) -> bool:
    """Log an error if a file is UTF-16, with or without byte-order mark; return True if it is."""
    head = data.content[:64]
    blank = len(head) >= 4 and (not any(head[0::2]) or not any(head[1::2]))
    if blank or head.startswith(_UTF16_MARKS):
        _report(faults, Location(data.name), f"is UTF-16, not UTF-8: {advice} and try again")
    return blank or head.startswith(_UTF16_MARKS)


def _decode_stated(data: FileBytes, stated: str, faults: FaultLog) -> str | None:
    """Decode a table in its stated encoding; return None and log an error if it does not match."""
    try:
        text = data.content.decode(CODECS[stated])
    except UnicodeDecodeError as error:
        index = error.start + len(data.content) - len(error.object)  # `object` lacks the byte-order mark
    else:
        found = _CP932_UNUSED.search(text) if CODECS[stated] == "cp932" else None
        if found is None:
            return text
        index = len(text[: found.start()].encode("cp932"))
    _report(
        faults,
        _locate_cell(data, index),
        f"is not {stated} text, as `encoding` says: {SAVE_CSV_AS_UTF8}, or name another `encoding`",
    )
    return None


def _decode_cp932(data: FileBytes, faults: FaultLog) -> str | None:
    """Decode a non-UTF-8 table as CP932 with a warning; return None and log an error if CP932 is implausible."""
    location = _locate_cell(data, _find_invalid_byte(data.content))
    other = _find_utf8_line(data.content)
    if other:
        message = f"is not UTF-8 text, but line {other} is, so the file mixes encodings: enter this cell again"
        _report(faults, location, f"{message}, or {SAVE_CSV_AS_UTF8} all parts that it was composed of")
        return None
    state = f"{SAVE_CSV_AS_UTF8}, or state its encoding, such as {{table: FILE.csv, encoding: latin-1}}"
    try:
        text = data.content.decode("cp932")
    except UnicodeDecodeError:
        text = ""
    if not text or _CP932_UNUSED.search(text):
        _report(faults, location, f"is neither UTF-8 nor CP932 text: {state}")
        return None
    example = escape_text(_find_example_cell(text))
    if _CP932_PRIVATE.search(text) or not _is_japanese(data.content):
        _report(faults, location, f"is not UTF-8 text, and hardly CP932, in which it would be `{example}`: {state}")
        return None
    message = f"is not UTF-8 and is read as CP932, in which the first such cell is `{example}`"
    faults.add_warning(
        location,
        (),
        f"{message}: {SAVE_CSV_AS_UTF8}, or state {{table: FILE.csv, encoding: cp932}}",
        kind=FaultKind.ENCODING,
    )
    return text


def _is_japanese(content: bytes) -> bool:
    """Test if bytes that decode as CP932 are plausible Japanese text, and unlikely in other encodings.

    True with a common sign (kana, or a kanji of level 1 with first byte 81 to 9F, which Latin, Cyrillic, Chinese and
    Korean texts do not use), unless it is single inside a Latin word. If everything beyond ASCII is half-width
    katakana: two in a row, each in a valid position of a word.
    """
    wide = pair = False
    for run in _CP932_RUN.finditer(content):
        signs = _CP932_CHARACTER.findall(run[0])
        wide = wide or any(len(sign) == 2 for sign in signs)
        pair = pair or len(signs) > 1
        beside = content[run.start() - 1 : run.start()] + content[run.end() : run.end() + 1]
        alone = len(signs) == 1 and run[0][-1:].isascii() and _LATIN_LETTER.search(beside)
        if not alone and any(len(sign) == 2 and sign[0] < 0xA0 for sign in signs):
            return True
    return pair and not wide and not _IMPLAUSIBLE_KATAKANA.search(content)


def _find_utf8_line(content: bytes) -> int:
    """Return the number of the first line that is UTF-8 beyond ASCII, 0 if there is none."""
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.isascii():
            try:
                line.decode()
            except UnicodeDecodeError:
                continue
            return number
    return 0


def _find_example_cell(text: str) -> str:
    """Return the first cell with a character beyond ASCII, cut to 60 characters."""
    found = _BEYOND_ASCII.search(text)
    index = found.start() if found else 0
    before = _CELL_END.split(text[max(index - 20, 0) : index])[-1]
    return before + _CELL_END.split(text[index : index + 40])[0]


def _find_invalid_byte(content: bytes) -> int:
    """Return the offset of the first byte that is not UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _locate_byte(data: FileBytes, index: int) -> Location:
    """Return line and column (in characters) of a byte offset."""
    line_start = data.content.rfind(b"\n", 0, index) + 1
    before = data.content[line_start:index].decode("utf-8-sig" if line_start == 0 else "utf-8", errors="replace")
    column = len(before) + 1
    return Location(data.name, data.content.count(b"\n", 0, index) + 1, column)


def _locate_cell(data: FileBytes, index: int) -> Location:
    """Return line and column (in cells) of a byte offset in a CSV table."""
    line_start = data.content.rfind(b"\n", 0, index) + 1
    outside = data.content[line_start:index].split(b'"')[0::2]  # commas inside quotes do not separate cells
    return Location(data.name, data.content.count(b"\n", 0, index) + 1, sum(part.count(b",") for part in outside) + 1)


@contextmanager
def pause_garbage_collection() -> Iterator[None]:
    """Pause the cyclic garbage collector; also a decorator.

    The nodes, models and quantities of an instance hold no cycles, but each full collection would visit all of them:
    a third of the time of reading 100,000 lines of terms.

    Yields:
        Nothing; the collector runs again afterwards if it ran before.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
