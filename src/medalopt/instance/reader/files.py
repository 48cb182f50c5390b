"""Read regular files up to a size limit, and decode their bytes to text."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from medalopt.wording import shown

# do not block on a pipe, nor acquire a controlling terminal
_WAY = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))


Report = Callable[[str], None]
"""Takes what is wrong with a file as a whole."""


@dataclass(frozen=True)
class Bytes:
    """Content of one file, with its name for messages."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 digest of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def read(path: Path, name: str, largest: int, report: Report) -> Bytes | None:
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
        report(f"cannot be read to its end: {shown(error.strerror or 'the system says no')}")
        return None
    if size > largest:
        report(f"is larger than {largest // 2**20} MiB; put large tables into CSV files beside it")
        return None
    return Bytes(name, b"".join(chunks))
