"""Errors and warnings of input files, collected from all files and raised once."""

from __future__ import annotations

from dataclasses import dataclass, field

from medalopt.errors import Fault, InputError
from medalopt.instance.paths import Path, render
from medalopt.wording import shown

MOST_FAULTS = 1_000  # errors that are listed
ENOUGH = 2 * MOST_FAULTS  # errors that keep their message; further ones are only counted
_ONE_MORE = Fault("", 0, 0, "", "")


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """Location in a file: line and column from 1; 0 refers to the file as a whole."""

    file: str
    line: int = 0
    column: int = 0


@dataclass(frozen=True)
class Faults:
    """Collected errors (`found`) and warnings (`odd`)."""

    found: list[Fault] = field(default_factory=list)
    odd: list[Fault] = field(default_factory=list)

    def add(self, place: Place, path: Path, message: str) -> None:
        """Add an error; after `MAX_WORDED_FAULTS` errors the others are only counted.

        Args:
            place: Location in the file.
            path: Path of the parameter.
            message: Description and remedy.
        """
        self.found.append(_fault(place, path, message) if len(self.found) < ENOUGH else _ONE_MORE)

    def add_unsaid(self, count: int) -> None:
        """Count further errors without a message.

        Args:
            count: Number of errors.
        """
        self.found.extend([_ONE_MORE] * count)

    def extend(self, others: Faults) -> None:
        """Add all errors and warnings of another log.

        Args:
            others: Log to add.
        """
        self.found.extend(others.found[:ENOUGH])
        self.add_unsaid(len(others.found[ENOUGH:]))
        self.odd.extend(others.odd)

    def warn(self, place: Place, path: Path, message: str) -> None:
        """Add a warning.

        Args:
            place: Location in the file.
            path: Path of the parameter.
            message: Description and remedy.
        """
        self.odd.append(_fault(place, path, message))

    def settle(self) -> None:
        """Raise the collected errors, sorted and without duplicates, at most `MAX_LISTED_FAULTS` of them.

        Raises:
            InputError: There is at least one error.
        """
        if not self.found:
            return
        each = sorted(set(self.found) - {_ONE_MORE})
        count = len(each) + self.found.count(_ONE_MORE)
        if count > MOST_FAULTS:
            rest = Fault(each[0].file, 0, 0, "", f"{count - MOST_FAULTS} more faults are not listed")
            each = [*each[:MOST_FAULTS], rest]
        raise InputError(each)

    def warnings(self) -> tuple[Fault, ...]:
        """Return the warnings, sorted and without duplicates.

        Returns:
            At most `MAX_LISTED_FAULTS` warnings, and the number of the others.
        """
        each = sorted(set(self.odd))
        if len(each) > MOST_FAULTS:
            rest = Fault(each[0].file, 0, 0, "", f"{len(each) - MOST_FAULTS} more warnings are not listed")
            each = [*each[:MOST_FAULTS], rest]
        return tuple(each)


def _fault(place: Place, path: Path, message: str) -> Fault:
    """Build a fault with an escaped file name."""
    return Fault(shown(place.file, 4_096), place.line, place.column, render(path), message)
