"""A journal of answers: one line each, as they come, so that work which was ended goes on where it stood.

An answer is found again by what was changed, whatever question it belonged to; the first line says of which instance.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import medalopt
from medalopt.errors import OutputError, UsageError
from medalopt.instance.instance import Instance
from medalopt.solver.highs import version
from medalopt.wording import shown

FORMAT = "medalopt/journal/1"
LARGEST = 1_000_000_000  # bytes


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


class Journal:
    """The journal in the file at `path`, for variants of `instance` by `measure`; what it holds is taken up.

    Raises UsageError where the file is no journal, or that of another instance, OutputError where it cannot be written.
    """

    def __init__(self, path: Path, instance: Instance, measure: str) -> None:
        self.path = path
        self._header = {
            "format": FORMAT,
            "instance": instance.figures,
            "measure": measure,
            "medalopt": medalopt.__version__,
            "highs": version(),
        }
        try:
            self._known, end = self._read()
            self._file: IO[bytes] = path.open("r+b" if path.exists() else "xb")
            self._file.truncate(end)  # a line that was cut off when the process was killed
            self._file.seek(end)
            if not end:
                self._write(self._header)
        except OSError as error:
            raise self._refused(error) from error

    def __len__(self) -> int:
        return len(self._known)

    def answer(self, changes: Mapping[str, str]) -> Answer | None:
        """Return the answer that is known of a variant."""
        return self._known.get(_key(changes))

    def keep(self, changes: Mapping[str, str], answer: Answer) -> None:
        """Write down the answer of a variant."""
        key = _key(changes)
        self._known[key] = answer
        try:
            self._write({"variant": key, **asdict(answer)})
        except OSError as error:
            raise self._refused(error) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
        self._file.flush()

    def _read(self) -> tuple[dict[str, Answer], int]:
        """Return the answers of the file, and where its last whole line ends."""
        if not self.path.exists():
            return {}, 0
        if not self.path.is_file() or self.path.stat().st_size > LARGEST:
            raise UsageError(f"--journal {self._place}: is not a file of a journal; name another")
        text = self.path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        lines = whole.splitlines()
        if text and not (text if not lines else lines[0]).startswith(b'{"format": "medalopt/journal'):
            raise UsageError(f"--journal {self._place}: holds something else than a journal; name another file")
        if not lines:
            return {}, 0
        self._check(lines[0])
        return dict(self._entry(number, line) for number, line in enumerate(lines[1:], 2)), len(whole)

    def _check(self, line: bytes) -> None:
        try:
            header = json.loads(line)
        except ValueError:
            header = {}
        other = [name for name, value in self._header.items() if header.get(name) != value]
        if other:
            what = {"instance": "other figures", "measure": "another objective"}.get(other[0], "another version")
            raise UsageError(f"--journal {self._place}: belongs to {what}; name another file, or delete this one")

    def _entry(self, number: int, line: bytes) -> tuple[str, Answer]:
        try:
            found = json.loads(line)
            key, status, value = found["variant"], found["status"], found["value"]
            if not isinstance(key, str) or (status == "optimal") != isinstance(value, float):
                raise ValueError
            return key, Answer(status, value, str(found["said"]))
        except (ValueError, KeyError, TypeError):
            raise UsageError(
                f"--journal {self._place}: line {number} is damaged; delete that line, or the file"
            ) from None

    @property
    def _place(self) -> str:
        return shown(os.fspath(self.path), 400)

    def _refused(self, error: OSError) -> OutputError:
        return OutputError(f"--journal {self._place}: could not be written ({error.strerror}); name another file")


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
