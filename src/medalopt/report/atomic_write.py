"""Atomic writing of files and folders: complete, or not there at all.

Content is written to `.NAME.….part` in the same folder, synchronised, and renamed to its place. A killed process may
leave such a part; it is removed when the same NAME is written again, after `STALE_SECONDS`.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from medalopt.errors import OutputError
from medalopt.text import escape_control_characters, escape_text, format_path

STALE_SECONDS = 600
FileContent = str | bytes | Iterable[str]
_RENAME_EXCHANGE, _AT_FDCWD = 2, -100  # RENAME_EXCHANGE and AT_FDCWD of Linux


def write_file(path: Path, content: FileContent) -> None:
    """Write `content` to `path`, or to the target of a link; the previous file stays until the new one is complete.

    Args:
        path: File to write.
        content: Text, bytes, or text in pieces of which only one is held at a time; control characters in text are
            escaped as in JSON.

    Raises:
        OutputError: The path is no file or cannot be written; no other file is left behind.
    """
    temporary: Path | None = None
    try:
        target = _resolve_path(path)
        if target.exists() and not target.is_file():
            raise OutputError(f"{format_path(path)}: is not a file; name another")
        _remove_stale_parts(target)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=_make_prefix(target), suffix=".part")
        temporary = Path(name)
        _write_content(handle, content)
        temporary.chmod(_get_mode(target))
        temporary.replace(target)
    except OSError as error:
        raise _make_write_error(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_folder(path: Path, contents: Mapping[str, FileContent], optional: Collection[str] = ()) -> None:
    """Write a folder of files; an existing folder is replaced if it holds no other files.

    Args:
        path: Folder to write.
        contents: File name to content.
        optional: Names of files that an existing folder may hold besides.

    Raises:
        OutputError: The folder holds other files or cannot be written; nothing else is left behind.
    """
    fresh: Path | None = None
    try:
        target = _resolve_path(path)
        _check_replaceable(path, target, {*contents, *optional})
        _remove_stale_parts(target)
        fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=_make_prefix(target), suffix=".part"))
        for name, content in contents.items():
            _write_content(os.open(fresh / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), content)
        fresh.chmod(target.stat().st_mode & 0o7777 if target.exists() else 0o777 & ~_get_umask())
        _swap_folder(fresh, target)
    except OSError as error:
        raise _make_write_error(path, error) from error
    finally:
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)


def _resolve_path(path: Path) -> Path:
    """Return the real path, links followed."""
    return Path(os.path.realpath(path))


def _make_prefix(target: Path) -> str:
    """Return the prefix of the temporary parts of a file."""
    return f".{target.name[:60]}."


def _remove_stale_parts(target: Path) -> None:
    """Remove parts of this name that a killed process left more than `STALE_SECONDS` ago."""
    for part in target.parent.glob(f"{_escape_glob(_make_prefix(target))}*.part"):
        if part.lstat().st_mtime < time.time() - STALE_SECONDS:
            shutil.rmtree(part, ignore_errors=True) if part.is_dir() else part.unlink(missing_ok=True)


def _escape_glob(name: str) -> str:
    """Escape the wildcards of a glob pattern."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


def _write_content(handle: int, content: FileContent) -> None:
    """Write all content to an open file and synchronise it to disk."""
    with os.fdopen(handle, "wb") as file:
        for piece in [content] if isinstance(content, str | bytes) else content:
            file.write(escape_control_characters(piece).encode() if isinstance(piece, str) else piece)
        file.flush()
        os.fsync(file.fileno())


def _check_replaceable(path: Path, target: Path, names: Collection[str]) -> None:
    """Raise OutputError where `target` is no folder, or holds files other than `names`."""
    if target.is_dir():
        others = sorted({entry.name for entry in target.iterdir()} - set(names))
        if others:
            raise OutputError(
                f"{format_path(path)}: contains other files ({escape_text(others[0])}); name a new or empty folder"
            )
    elif target.exists():
        raise OutputError(f"{format_path(path)}: is not a folder; name a new folder, or a file that ends in .json")


def _swap_folder(fresh: Path, target: Path) -> None:
    """Put `fresh` in the place of `target`, which is then at `fresh`: atomically where the system supports it."""
    if not target.exists():
        fresh.rename(target)
    elif not _exchange_names(fresh, target):
        before = Path(tempfile.mkdtemp(dir=target.parent, prefix=_make_prefix(target), suffix=".part")) / target.name
        try:
            target.rename(before)  # which a mount point refuses
            try:
                fresh.rename(target)
            except OSError:
                before.rename(target)
                raise
        finally:
            shutil.rmtree(before.parent, ignore_errors=True)


def _exchange_names(one: Path, other: Path) -> bool:
    """Exchange two names atomically (Linux renameat2); return False where that is not supported."""
    try:
        exchange = ctypes.CDLL(None).renameat2
    except (OSError, AttributeError):
        return False
    return bool(exchange(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)


def _get_mode(path: Path) -> int:
    """Return the mode of the file that is replaced, or of a new one."""
    try:
        return path.stat().st_mode & 0o7777
    except OSError:
        return 0o666 & ~_get_umask()


def _get_umask() -> int:
    """Return the file mode creation mask."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _make_write_error(path: Path, error: OSError) -> OutputError:
    """Return the error for a path that cannot be written."""
    reason = error.strerror or type(error).__name__
    return OutputError(f"{format_path(path)}: could not be written ({reason}); an existing file is unchanged")
