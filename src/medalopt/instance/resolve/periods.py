"""Calendar: the periods of the planning horizon and their labels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from medalopt.instance.schema.models import Periods
from medalopt.wording import shown

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Calendar:
    """Periods of the planning horizon; any month inside a period names it."""

    start: str | None
    count: int
    length: str

    @classmethod
    def of(cls, periods: Periods) -> Calendar:
        """Build the calendar of an instance file.

        Args:
            periods: Section `periods` of the file.

        Returns:
            The calendar.
        """
        return cls(periods.start, periods.count, periods.length)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Label of each period: its first month, or its number from 1 if there is no start."""
        if self.start is None:
            return tuple(str(number + 1) for number in range(self.count))
        first = _month(self.start)
        return tuple(_label(first + number * _MONTHS[self.length]) for number in range(self.count))

    def index(self, text: str) -> int | None:
        """Find the period with a label.

        Args:
            text: Month or number of a period.

        Returns:
            Index of the period; None if there is no such period.
        """
        if self.start is None:
            return self.labels.index(text) if text in self.labels else None
        if not _MONTH.fullmatch(text):
            return None
        number = (_month(text) - _month(self.start)) // _MONTHS[self.length]
        return number if 0 <= number < self.count else None

    def unknown(self, text: str) -> str:
        """Describe a label that names no period.

        Args:
            text: The label.

        Returns:
            Message for the user.
        """
        ends = f"`{self.labels[0]}` to `{self.labels[-1]}`" if self.count > 1 else f"`{self.labels[0]}` alone"
        inside = ", or any month inside one" if self.start and self.length != "month" else ""
        return f"`{shown(text)}` names no period: those are {ends}{inside}"


def _month(text: str) -> int:
    """Return the number of months since year 0."""
    year, month = text.split("-")
    return int(year) * 12 + int(month) - 1


def _label(month: int) -> str:
    """Format a number of months since year 0 as `YYYY-MM`."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"
