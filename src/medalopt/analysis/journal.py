"""A journal of answers: one line each, as they come, so that work which was ended goes on where it stood.

An answer is found again by what was changed, whatever question it belonged to; the first line says of which instance.
Each line carries a digest of itself and of the first line, so that one that was altered, or comes from another journal,
is found out. Whoever computes the digest anew is found out by those answers that are solved again (`Journal.sample`).
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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import medalopt
from medalopt.errors import OutputError, UsageError
from medalopt.instance.instance import Instance
from medalopt.instance.reader.limits import MAX_JOURNAL_BYTES, MAX_JOURNAL_LINE_BYTES
from medalopt.solver.highs import version
from medalopt.wording import shown

FORMAT = "medalopt/journal/2"
LEAST_SAMPLE, SHARE_OF_SAMPLE = 3, 0.02  # of the answers that are taken from the journal, how many are solved again
SAME = 1e-7  # relative difference of two values of one variant, solved on two machines
_BEGIN = b'{"format": "medalopt/journal'
# neither a pipe nor a terminal may keep us waiting
_WAY = os.O_RDWR | os.O_CREAT | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _lock(handle: int) -> None:
        os.lseek(handle, MAX_JOURNAL_BYTES, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        """Lock the file for this process, until it closes it or ends. Raises OSError where another one has it."""
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


STATUSES = ("optimal", "infeasible", "wrong", "unanswered")
_NAMES = ("variant", "status", "value", "said", "check")


@dataclass(frozen=True)
class Answer:
    """What one variant gave: `optimal` with its value, `infeasible`, `wrong` (no instance is so) or `unanswered`."""

    status: str
    value: float | None
    said: str = ""

    @property
    def feasible(self) -> bool:
        """Whether there is a plan."""
        return self.status == "optimal"

    def agrees(self, other: Answer) -> bool:
        """Whether `other`, of the same variant, is the same answer but for rounding; what was not answered may be."""
        if "unanswered" in (self.status, other.status):
            return True
        if self.value is None or other.value is None:
            return self.status == other.status
        return math.isclose(self.value, other.value, rel_tol=SAME, abs_tol=SAME)


class Journal:
    """The journal in the file at `path`, for variants of `instance` by `measure`; what it holds is taken up.

    No other run may have it. Raises UsageError where the file is no journal, that of another instance, damaged or in
    use, OutputError where it cannot be written.
    """

    def __init__(self, path: Path, instance: Instance, measure: str) -> None:
        self.path = path
        header = {
            "format": FORMAT,
            "instance": instance.figures,
            "measure": measure,
            "medalopt": medalopt.__version__,
            "highs": version(),
        }
        self._header = header
        self._seed = hashlib.sha256(json.dumps(header).encode()).hexdigest()
        self._file = self._opened()
        try:
            self._known, end = self._read()
            self._file.truncate(end)  # a line that was cut off when the process was killed
            self._file.seek(end)
            if not end:
                self._write(header)
        except OSError as error:
            self._file.close()
            raise self._refused(error) from error
        except UsageError:
            self._file.close()
            raise

    def __len__(self) -> int:
        return len(self._known)

    def answer(self, changes: Mapping[str, str]) -> Answer | None:
        """Return the answer that is known of a variant."""
        return self._known.get(_key(changes))

    def keep(self, changes: Mapping[str, str], answer: Answer) -> None:
        """Write down the answer of a variant."""
        key = _key(changes)
        self._known[key] = answer
        line = {"variant": key, **asdict(answer)}
        try:
            self._write({**line, "check": digest(self._header, line)})
        except OSError as error:
            raise self._refused(error) from error

    def sample(self, asked: Mapping[int, Mapping[str, str]]) -> list[int]:
        """Return which of the known variants `asked` are to be solved again: 2 % of them, and at least three.

        They are chosen by a hash of the journal and of what is changed: always the same of the same journal.
        """
        order = {n: hashlib.sha256(f"{self._seed}{_key(changes)}".encode()).digest() for n, changes in asked.items()}
        count = max(LEAST_SAMPLE, math.ceil(SHARE_OF_SAMPLE * len(asked)))
        return sorted(sorted(order, key=order.__getitem__)[:count])

    def refuse(self, changes: Mapping[str, str]) -> NoReturn:
        """Raise UsageError: solved again, the variant has another answer than the journal says."""
        what = shown(", ".join(f"{path}={value}" for path, value in changes.items()), 200)
        raise UsageError(
            f"--journal {self._place}: solved again, {what} has another answer than stands there; delete the file"
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _opened(self) -> IO[bytes]:
        """Open the file, made if need be, and lock it."""
        try:
            handle = os.open(self.path, _WAY, 0o666)
        except IsADirectoryError:
            self._refuse_file()
        except (OSError, ValueError) as error:
            raise self._refused(error) from error
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
                f"--journal {self._place}: is in use by another run; wait for its end, or name another file"
            ) from error
        except OSError:  # a file system without locks
            pass
        return file

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
        self._file.flush()

    def _read(self) -> tuple[dict[str, Answer], int]:
        """Return the answers of the file, and where its last whole line ends."""
        self._file.seek(0)
        text = self._file.read()
        end = text.rfind(b"\n") + 1
        if text and not text.startswith(_BEGIN):
            raise UsageError(f"--journal {self._place}: holds something else than a journal; name another file")
        if not end:
            return {}, 0
        first, *lines = text[: end - 1].split(b"\n")
        self._check(first)
        self._seed = hashlib.sha256(text[:end]).hexdigest()
        return dict(self._entry(number, line) for number, line in enumerate(lines, 2)), end

    def _check(self, line: bytes) -> None:
        header = _parsed(line) or {}
        other = [name for name, value in self._header.items() if header.get(name) != value]
        if other:
            what = {"instance": "other figures", "measure": "another objective"}.get(other[0], "another version")
            raise UsageError(f"--journal {self._place}: belongs to {what}; name another file, or delete this one")

    def _entry(self, number: int, line: bytes) -> tuple[str, Answer]:
        found = _parsed(line) or {}
        check = found.pop("check", None)
        if "variant" not in found or check != digest(self._header, found):
            raise UsageError(
                f"--journal {self._place}: line {number} is damaged, altered or from another journal; "
                "delete that line, or the file"
            )
        return found["variant"], Answer(found["status"], found["value"], found["said"])

    @property
    def _place(self) -> str:
        return shown(os.fspath(self.path), 400)

    def _refuse_file(self) -> NoReturn:
        raise UsageError(f"--journal {self._place}: is not a file of a journal; name another")

    def _refused(self, error: OSError | ValueError) -> OutputError:
        reason = (isinstance(error, OSError) and error.strerror) or "not a path"
        return OutputError(f"--journal {self._place}: could not be written ({reason}); name another file")


def digest(header: Mapping[str, Any], line: Mapping[str, Any]) -> str:
    """Return the digest of a line, of all that it holds but the digest, in the journal that begins with `header`."""
    return hashlib.sha256(json.dumps([header, line]).encode()).hexdigest()[:32]


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return the object of one line, None where it is none that a journal holds."""
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
    key, status, value, said = (found.get(name) for name in ("variant", "status", "value", "said"))
    sound = isinstance(key, str) and isinstance(said, str) and status in STATUSES and len(found) == len(_NAMES)
    number = isinstance(value, float) and math.isfinite(value)
    return found if sound and (number if status == "optimal" else value is None) else None


@contextlib.contextmanager
def journal(path: Path | None, instance: Instance, measure: str) -> Iterator[Journal | None]:
    """Give the journal at `path`, if one is wanted, for as long as the body runs."""
    kept = Journal(path, instance, measure) if path is not None else None
    try:
        yield kept
    finally:
        if kept is not None:
            kept.close()


def _key(changes: Mapping[str, str]) -> str:
    several = any("*" in path for path in changes)  # they may name the same figure, and then the last counts
    items = list(changes.items()) if several else sorted(changes.items())
    return hashlib.sha256(json.dumps(items).encode()).hexdigest()[:32]
