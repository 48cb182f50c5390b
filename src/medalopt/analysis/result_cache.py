"""Cache of scenario results on disk: one JSON line per result, appended as results arrive, to resume runs.

The key of a result is the hash of the changed parameters; the first line identifies the instance, the objective and
the versions. Each line carries a digest of itself and of the first line, which detects altered lines and lines of
another cache. Recomputed digests are detected by solving a sample of the cached scenarios again (`ResultCache.sample`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

import medalopt
from medalopt.analysis.process_pool import ScenarioResult
from medalopt.errors import OutputError, UsageError
from medalopt.instance.instance import Instance
from medalopt.instance.reader.limits import MAX_JOURNAL_BYTES, MAX_JOURNAL_LINE_BYTES
from medalopt.solver.highs import get_highs_version
from medalopt.text import escape_text

CACHE_FORMAT = "medalopt/journal/2"
MIN_SAMPLE_SIZE, SAMPLE_SHARE = 3, 0.02  # cached results solved again: minimum number, share
_FILE_PREFIX = b'{"format": "medalopt/journal'
# opening a pipe or a terminal must not block
_OPEN_FLAGS = os.O_RDWR | os.O_CREAT | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _lock(handle: int) -> None:
        os.lseek(handle, MAX_JOURNAL_BYTES, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        """Lock the file until the process closes it or ends. Raises OSError if another process holds the lock."""
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


RESULT_STATUSES = ("optimal", "infeasible", "wrong", "unanswered")
_RESULT_FIELDS = ("status", "value", "said")
_LINE_FIELDS = ("variant", *_RESULT_FIELDS, "check")


class ResultCache:
    """Result cache in one file, locked against other runs."""

    def __init__(self, path: Path, instance: Instance, objective: str) -> None:
        """Open the cache, verify its lines and drop a last line that is incomplete.

        Args:
            path: File of the cache; created if it does not exist.
            instance: Base instance of the scenarios.
            objective: Objective: `cost`, `footprint` or `mass`.

        Raises:
            UsageError: If the file is no cache, belongs to another instance, is damaged or in use.
            OutputError: If the file cannot be written.
        """
        self.path = path
        header = {
            "format": CACHE_FORMAT,
            "instance": instance.figures,
            "measure": objective,
            "medalopt": medalopt.__version__,
            "highs": get_highs_version(),
        }
        self._header = header
        self._seed = hashlib.sha256(json.dumps(header).encode()).hexdigest()
        self._file = self._open_file()
        try:
            self._known, end = self._read()
            self._file.truncate(end)  # drop a line cut off when the process was killed
            self._file.seek(end)
            if not end:
                self._write(header)
        except OSError as error:
            self._file.close()
            raise self._make_error(error) from error
        except UsageError:
            self._file.close()
            raise

    def __len__(self) -> int:
        return len(self._known)

    def find_result(self, changes: Mapping[str, str]) -> ScenarioResult | None:
        """Look up the result of a scenario.

        Args:
            changes: Changes of the scenario, path to value.

        Returns:
            The cached result; None if there is none.
        """
        return self._known.get(_hash_changes(changes))

    def add_result(self, changes: Mapping[str, str], result: ScenarioResult) -> None:
        """Append the result of a scenario.

        Args:
            changes: Changes of the scenario, path to value.

        Raises:
            OutputError: If the file cannot be written.
        """
        key = _hash_changes(changes)
        self._known[key] = result
        line = {"variant": key, **{name: getattr(result, name) for name in _RESULT_FIELDS}}
        try:
            self._write({**line, "check": compute_line_digest(self._header, line)})
        except OSError as error:
            raise self._make_error(error) from error

    def select_sample(self, scenarios: Mapping[int, Mapping[str, str]]) -> list[int]:
        """Select cached scenarios to solve again: 2 % of them, at least three.

        The selection follows from a hash of the file and of the changes, so that one file always gives the same sample.

        Args:
            scenarios: Number of each cached scenario to its changes.

        Returns:
            Numbers of the selected scenarios, ascending.
        """
        order = {
            n: hashlib.sha256(f"{self._seed}{_hash_changes(changes)}".encode()).digest()
            for n, changes in scenarios.items()
        }
        count = max(MIN_SAMPLE_SIZE, math.ceil(SAMPLE_SHARE * len(scenarios)))
        return sorted(sorted(order, key=order.__getitem__)[:count])

    def reject(self, changes: Mapping[str, str]) -> NoReturn:
        """Reject the cache because a scenario solved again has another result.

        Args:
            changes: Changes of that scenario, path to value.

        Raises:
            UsageError: Always.
        """
        what = escape_text(", ".join(f"{path}={value}" for path, value in changes.items()), 200)
        raise UsageError(
            f"--journal {self._quoted_path}: the file has another result for {what} than a new solve; delete the file"
        )

    def close(self) -> None:
        """Close the file and release the lock."""
        self._file.close()

    def _open_file(self) -> IO[bytes]:
        """Open the file, create it if necessary, and lock it."""
        try:
            handle = os.open(self.path, _OPEN_FLAGS, 0o666)
        except IsADirectoryError:
            self._refuse_file()
        except (OSError, ValueError) as error:
            raise self._make_error(error) from error
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_JOURNAL_BYTES:
            os.close(handle)
            self._refuse_file()
        file = os.fdopen(handle, "r+b")
        try:
            _lock(handle)
        except (BlockingIOError, PermissionError) as error:
            file.close()
            raise UsageError(
                f"--journal {self._quoted_path}: is in use by another run; wait for its end, or name another file"
            ) from error
        except OSError:  # a file system without locks
            pass
        return file

    def _write(self, line: dict[str, Any]) -> None:
        """Append one JSON line and flush it."""
        self._file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
        self._file.flush()

    def _read(self) -> tuple[dict[str, ScenarioResult], int]:
        """Return the cached results and the length of the file up to its last complete line [bytes]."""
        self._file.seek(0)
        text = self._file.read()
        end = text.rfind(b"\n") + 1
        if text and not text.startswith(_FILE_PREFIX):
            raise UsageError(f"--journal {self._quoted_path}: is not a journal; name another file")
        if not end:
            return {}, 0
        first, *lines = text[: end - 1].split(b"\n")
        self._check(first)
        self._seed = hashlib.sha256(text[:end]).hexdigest()
        return dict(self._parse_entry(number, line) for number, line in enumerate(lines, 2)), end

    def _check(self, line: bytes) -> None:
        """Raise UsageError if the header belongs to another instance, objective or version."""
        header = _parse_line(line) or {}
        other = [name for name, value in self._header.items() if header.get(name) != value]
        if other:
            what = {"instance": "another instance or version of it", "measure": "another objective"}.get(
                other[0], "another version"
            )
            raise UsageError(f"--journal {self._quoted_path}: belongs to {what}; name another file, or delete this one")

    def _parse_entry(self, number: int, line: bytes) -> tuple[str, ScenarioResult]:
        """Return key and result of one line. Raises UsageError if its digest does not match."""
        result = _parse_line(line) or {}
        check = result.pop("check", None)
        if "variant" not in result or check != compute_line_digest(self._header, result):
            raise UsageError(
                f"--journal {self._quoted_path}: line {number} is damaged, altered or from another journal; "
                "delete that line, or the file"
            )
        return result["variant"], ScenarioResult(result["status"], result["value"], result["said"])

    @property
    def _quoted_path(self) -> str:
        """Path of the file as messages quote it."""
        return escape_text(os.fspath(self.path), 400)

    def _refuse_file(self) -> NoReturn:
        """Raise UsageError: the path is not a regular file of admissible size."""
        raise UsageError(f"--journal {self._quoted_path}: is not a regular file, or too large; name another")

    def _make_error(self, error: OSError | ValueError) -> OutputError:
        """Return the error of a failed file operation, with its reason."""
        reason = (isinstance(error, OSError) and error.strerror) or "not a path"
        return OutputError(f"--journal {self._quoted_path}: could not be written ({reason}); name another file")


def compute_line_digest(header: Mapping[str, Any], line: Mapping[str, Any]) -> str:
    """Compute the digest of one line.

    Args:
        header: First line of the file.
        line: All fields of the line except the digest.

    Returns:
        First 32 hexadecimal digits of the SHA-256 hash of both.
    """
    return hashlib.sha256(json.dumps([header, line]).encode()).hexdigest()[:32]


def _parse_line(line: bytes) -> dict[str, Any] | None:
    """Return the object of one line; None if it is not a valid line of a cache."""
    if len(line) > MAX_JOURNAL_LINE_BYTES:
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    if "format" in found:
        return found
    key, status, value, message = (found.get(name) for name in ("variant", "status", "value", "said"))
    sound = (
        isinstance(key, str)
        and isinstance(message, str)
        and status in RESULT_STATUSES
        and len(found) == len(_LINE_FIELDS)
    )
    number = isinstance(value, float) and math.isfinite(value)
    return found if sound and (number if status == "optimal" else value is None) else None


@contextlib.contextmanager
def open_result_cache(path: Path | None, instance: Instance, objective: str) -> Iterator[ResultCache | None]:
    """Open a result cache for the duration of a `with` block.

    Args:
        path: File of the cache; None for no cache.
        instance: Base instance of the scenarios.
        objective: Objective: `cost`, `footprint` or `mass`.

    Yields:
        The cache, or None.

    Raises:
        UsageError: If the file is no cache of this instance or is in use.
        OutputError: If the file cannot be written.
    """
    kept = ResultCache(path, instance, objective) if path is not None else None
    try:
        yield kept
    finally:
        if kept is not None:
            kept.close()


def _hash_changes(changes: Mapping[str, str]) -> str:
    """Return the hash of the changes of a scenario, independent of their order unless they hold wildcards."""
    several = any("*" in path for path in changes)  # several paths may name one parameter; the last one counts
    items = list(changes.items()) if several else sorted(changes.items())
    return hashlib.sha256(json.dumps(items).encode()).hexdigest()[:32]
