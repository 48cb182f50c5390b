"""The one writer: files and folders that are there whole, or not at all."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from medalopt.errors import OutputError
from medalopt.wording import shown


def write_file(path: Path, content: str) -> None:
    """Write `content` to `path`: what stood there before stands until the new file is complete.

    Raises OutputError, and leaves no other file behind.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:60]}.", suffix=".part")
        temporary = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode(path))
        temporary.replace(path)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_folder(path: Path, contents: Mapping[str, str]) -> None:
    """Write a folder of files; a folder of the same files that stands there is replaced, any other is left alone.

    Raises OutputError where the folder holds other things, or cannot be written.
    """
    try:
        _check_replaceable(path, contents)
        fresh = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:60]}.", suffix=".part"))
    except OSError as error:
        raise _refused(path, error) from error
    try:
        for name, content in contents.items():
            (fresh / name).write_text(content, encoding="utf-8", newline="")
        fresh.chmod(0o777 & ~_umask())
        _swap(fresh, path)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def csv_text(columns: Mapping[str, Iterable[Any]]) -> str:
    """Return a table as CSV; text that a spreadsheet would run as a formula is written behind an apostrophe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([_cell(value) for value in row])
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in tuple("=+-@\t\r'"):
        return f"'{value}"
    return repr(value) if isinstance(value, float) else "" if value is None else value


def _check_replaceable(path: Path, contents: Mapping[str, str]) -> None:
    if path.is_dir() and not path.is_symlink():
        others = sorted({entry.name for entry in path.iterdir()} - set(contents))
        if others:
            raise OutputError(f"{shown(str(path))}: holds other files ({shown(others[0])}); name a new or empty folder")
    elif path.exists() or path.is_symlink():
        raise OutputError(f"{shown(str(path))}: is not a folder; name a new folder, or a file that ends in .json")


def _swap(fresh: Path, path: Path) -> None:
    if not path.exists():
        fresh.rename(path)
        return
    old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:60]}.", suffix=".old"))
    try:
        path.rename(old / "plan")
        try:
            fresh.rename(path)
        except OSError:
            (old / "plan").rename(path)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _mode(path: Path) -> int:
    """Return the mode of the file that is replaced, or of a new one."""
    try:
        return path.stat().st_mode & 0o7777
    except OSError:
        return 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _refused(path: Path, error: OSError) -> OutputError:
    reason = error.strerror or type(error).__name__
    return OutputError(f"{shown(str(path))}: could not be written ({reason}); what stood there before still stands")
