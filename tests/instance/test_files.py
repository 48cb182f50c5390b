"""Files read, and their size limits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

from medalopt.instance.reader.files import SAVE_AS_UTF8, FaultLog, FileBytes, decode_utf8, read_file
from medalopt.instance.reader.limits import MAX_INSTANCE_BYTES, MAX_TABLE_BYTES


def test_how_much_of_a_file_identifies_utf_16() -> None:
    """Of the first 64 bytes every other one is zero in UTF-16; a letter there, or fewer than four bytes, is none."""
    for content, text in (
        (b"a\0" * 32 + b"ab", False),
        (b"\0a" * 32 + b"bb", False),
        (b"a\0" * 31 + b"ab", True),
        (b"\0a" * 31 + b"ba", True),
        (b"a\0b\0", False),
        (b"a\0b", True),
    ):
        assert (decode_utf8(FileBytes("x", content), SAVE_AS_UTF8, FaultLog()) is not None) is text, content


def test_a_file_that_breaks_off_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A medium that fails while it is read is a word to the user, not the end of the run."""
    path, said = tmp_path / "file", list[str]()
    path.write_text("x")

    def broken(*_: object) -> NoReturn:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "read", broken)
    assert read_file(path, "file", 9, said.append) is None
    assert said == ["cannot be read to its end: Input/output error"]


def test_size_limits_of_files_are_stated_in_mebibytes(tmp_path: Path) -> None:
    """An instance file has at most 96 MiB and a table 512; one byte more is an error that names the limit."""
    path, said = tmp_path / "file", list[str]()
    for largest, told in ((MAX_INSTANCE_BYTES, 96), (MAX_TABLE_BYTES, 512)):
        assert largest == told * 2**20
    with path.open("wb") as file:
        file.truncate(MAX_INSTANCE_BYTES + 1)
    assert read_file(path, "file", MAX_INSTANCE_BYTES, said.append) is None
    assert said == ["is larger than 96 MiB; put large tables into CSV files beside it"]
