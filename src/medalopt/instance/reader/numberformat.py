"""What the number formats of a workbook make of numbers: dates, shares in per cent, or numbers as they are."""

from __future__ import annotations

import datetime
import re
from enum import Enum, auto

_LONGEST = 255  # characters of a format; Excel takes no longer ones
_ASIDE = re.compile(r'"[^"]*"|\\.|_.|\*.')  # text, and a character that is shown, left room for, or repeated
_BRACKETS = re.compile(r"\[[^\]]*\]")  # a colour, a condition, a currency, or hours that are not cut at 24
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_CLOCK = re.compile(r"[ymdhs]", re.IGNORECASE)
_DAYS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})  # built in
_SCALED = re.compile(r"[0#?],+(?![0#?,])")  # a comma that groups stands between digits
_PERCENT = frozenset({9, 10})
_FALSE_LEAP_DAY = 60  # Excel counts a 29 February 1900


class CellKind(Enum):
    """How a number is to be read."""

    PLAIN = auto()
    DATE = auto()
    PERCENT = auto()
    SCALED = auto()  # shown divided by a thousand, once for each comma behind its digits


def kind_of(number: int, code: str) -> CellKind:
    """Return the kind of a number format: `number` if it is built in, else by its `code`."""
    if number in _DAYS:
        return CellKind.DATE
    if number in _PERCENT:
        return CellKind.PERCENT
    every = _ASIDE.sub("", code[:_LONGEST])
    bare = every.partition(";")[0]
    if bare.strip().casefold() == "general":
        return CellKind.PLAIN
    if _ELAPSED.search(bare) or _CLOCK.search(_BRACKETS.sub("", bare)):
        return CellKind.DATE
    if _SCALED.search(every):
        return CellKind.SCALED
    return CellKind.PERCENT if "%" in bare else CellKind.PLAIN


def date(number: float, from_1904: bool) -> str:
    """Return the day that a number of days stands for: its month where it is the first, as Excel takes `2017-04`.

    Raises:
        ValueError: Where it stands for none.
    """
    days, part = divmod(number, 1)
    if days < 1 or (days == _FALSE_LEAP_DAY and not from_1904):
        raise ValueError(f"{number:.15g} days stand for no date")
    first = datetime.datetime(1904, 1, 1) if from_1904 else datetime.datetime(1899, 12, 30 + (days < _FALSE_LEAP_DAY))
    try:
        return month_or_day(first + datetime.timedelta(days=days, milliseconds=round(part * 86_400_000)))
    except OverflowError:
        raise ValueError(f"{number:.15g} days stand for no date") from None


def month_or_day(found: datetime.datetime) -> str:
    """Return a date as text: the month where it is midnight of the first day, the time only where it is another."""
    if found.time() != datetime.time():
        return found.isoformat(" ")
    return found.strftime("%Y-%m") if found.day == 1 else found.strftime("%Y-%m-%d")
