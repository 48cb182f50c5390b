"""Periods and their names."""

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
    """The periods of a horizon; any month inside a period names it."""

    start: str | None
    count: int
    length: str

    @classmethod
    def of(cls, periods: Periods) -> Calendar:
        """Take over what the file says."""
        return cls(periods.start, periods.count, periods.length)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The name of each period: its first month, or its number where no start is given."""
        if self.start is None:
            return tuple(str(number + 1) for number in range(self.count))
        first = _month(self.start)
        return tuple(_label(first + number * _MONTHS[self.length]) for number in range(self.count))

    def index(self, text: str) -> int | None:
        """Return the period that `text` names, None where it names none."""
        if self.start is None:
            return self.labels.index(text) if text in self.labels else None
        if not _MONTH.fullmatch(text):
            return None
        number = (_month(text) - _month(self.start)) // _MONTHS[self.length]
        return number if 0 <= number < self.count else None

    def unknown(self, text: str) -> str:
        """Return what is wrong with `text`, which names no period."""
        ends = f"`{self.labels[0]}` to `{self.labels[-1]}`" if self.count > 1 else f"`{self.labels[0]}` alone"
        inside = ", or any month inside one" if self.start and self.length != "month" else ""
        return f"`{shown(text)}` names no period: those are {ends}{inside}"


def _month(text: str) -> int:
    year, month = text.split("-")
    return int(year) * 12 + int(month) - 1


def _label(month: int) -> str:
    return f"{month // 12:04d}-{month % 12 + 1:02d}"
