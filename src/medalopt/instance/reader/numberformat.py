"""Number formats of Excel cells: dates, percentages or plain numbers."""

from __future__ import annotations

import datetime
import re
from enum import Enum, auto

_LONGEST = 255  # longest format that Excel accepts
_ASIDE = re.compile(r'"[^"]*"|\\.|_.|\*.')  # quoted text, and literal, padding or fill characters
_BRACKETS = re.compile(r"\[[^\]]*\]")  # colour, condition, currency, or elapsed time
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_CLOCK = re.compile(r"[ymdhs]", re.IGNORECASE)
_DAYS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})  # built-in number formats
_SCALED = re.compile(r"[0#?],+(?![0#?,])")  # a grouping comma is followed by a digit
_PERCENT = frozenset({9, 10})
_FALSE_LEAP_DAY = 60  # serial number of 29 February 1900, which exists in Excel only


class CellKind(Enum):
    """Interpretation of a number by its format."""

    PLAIN = auto()
    DATE = auto()
    PERCENT = auto()
    SCALED = auto()  # displayed divided by a thousand per trailing comma


def kind_of(number: int, code: str) -> CellKind:
    """Classify a number format.

    Args:
        number: Number of a built-in format.
        code: Format code, if not built in.

    Returns:
        Interpretation of numbers in this format.
    """
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
    """Format the date of an Excel serial number.

    Args:
        number: Days since the epoch.
        from_1904: True for the epoch of 1904, False for 1900.

    Returns:
        ISO date; the month only for the first day of a month, since Excel stores `2017-04` so.

    Raises:
        ValueError: The number is no valid date.
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
    """Format a date: month for midnight of a first day, date for any other midnight, else date and time.

    Args:
        found: Date and time.

    Returns:
        Text such as `2017-04`, `2017-04-15` or `2017-04-15 08:00:00`.
    """
    if found.time() != datetime.time():
        return found.isoformat(" ")
    return found.strftime("%Y-%m") if found.day == 1 else found.strftime("%Y-%m-%d")
