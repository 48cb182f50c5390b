"""Errors and warnings of input files, collected from all files and raised once."""

from __future__ import annotations

from dataclasses import dataclass, field

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
