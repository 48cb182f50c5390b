"""Bytes of regular files, bounded, and their text."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from medalopt.instance.reader.faults import Faults, Place
from medalopt.wording import shown

_UNUSED = re.compile("[\x80\xa0\uf8f0-\uf8f3]")  # what Python makes of bytes that CP932 does not use
# a pipe must not keep us waiting, nor a terminal take us over
_WAY = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


Report = Callable[[str], None]
"""Takes what is wrong with a file as a whole."""


@dataclass(frozen=True)
class Bytes:
    """The content of one file, under the name that messages use."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The digest of the content."""
        return hashlib.sha256(self.content).hexdigest()


def read(path: Path, name: str, largest: int, report: Report) -> Bytes | None:
    """Return the bytes of the regular file at `path`; None, and a word to `report`, where there is none to be read."""
    try:
        handle = os.open(path, _WAY)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        report(f"cannot be read: {shown(reason)}; give the path of a file that exists and may be read")
        return None
    try:
        return _bounded(handle, name, largest, report)
    finally:
        os.close(handle)


def _bounded(handle: int, name: str, largest: int, report: Report) -> Bytes | None:
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
        report(f"cannot be read to its end: {shown(error.strerror or 'the system says no')}")
        return None
    if size > largest:
        report(f"is larger than {largest // 2**20} MiB; put large tables into CSV files beside it")
        return None
    return Bytes(name, b"".join(chunks))


def text_of(data: Bytes, faults: Faults, *, older: bool = False) -> str | None:
    """Return the text of a UTF-8 file, with or without byte-order mark; None, and a fault, where it is something else.

    With `older`, a file that is not UTF-8 but decodes as CP932 from end to end is taken for that.
    """
    content = data.content
    if content.startswith(_UTF16) or _looks_utf16(content):
        advice = "save it as `CSV UTF-8`" if older else "save it with the encoding UTF-8"
        faults.add(Place(data.name), (), f"is UTF-16, not UTF-8: {advice} and try again")
        return None
    for encoding in ("utf-8-sig", "cp932")[: 2 if older else 1]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8-sig" or not _UNUSED.search(text):
            return text
    faults.add(_bad_byte(data), (), "is not UTF-8 text: save it with the encoding UTF-8 and try again")
    return None


def _looks_utf16(content: bytes) -> bool:
    """Whether every other byte of the beginning is zero, as in Western text saved as UTF-16 without a mark."""
    head = content[:64]
    return len(head) >= 4 and (not any(head[0::2]) or not any(head[1::2]))


def _bad_byte(data: Bytes) -> Place:
    """Return line and column of the first byte that is not UTF-8."""
    try:
        data.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data.content[: error.start]
        line_start = before.rfind(b"\n") + 1
        column = len(before[line_start:].decode("utf-8", errors="replace")) + 1
        return Place(data.name, before.count(b"\n") + 1, column)
    return Place(data.name)
