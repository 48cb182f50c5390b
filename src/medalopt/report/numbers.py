"""Formatting of numbers: thousands separators, significant digits, magnitude words and units."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Context, Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from medalopt.text import format_count

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance

_SCALES = ((1e12, "tn"), (1e9, "bn"), (1e6, "m"))
_MAX_COLUMN_DIGITS = 6  # digits of the largest number of a column
_MIN_RUN = 3  # equal entries of a list that are counted
_EXACT_DIGITS = 12  # digits of a contractual number: further ones are rounding errors of doubles


def format_number(value: float, significant: int = 4) -> str:
    """Format a number with thousands separators.

    Args:
        value: Number.
        significant: Significant digits below 1,000; larger numbers are rounded to integers.

    Returns:
        The text, with a true minus sign.
    """
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    places = significant - 1 - math.floor(math.log10(abs(value)))
    if places > significant + 2:
        return f"{value:.2g}".replace("-", "−")
    text = f"{value:,.{min(max(0, places), significant)}f}"
    return _use_minus_sign(text.rstrip("0").rstrip(".") if "." in text else text)


def format_confidence(level: float) -> str:
    """Format a confidence in per cent; one close to 1 is rounded down, as none is `100 %`.

    Args:
        level: Confidence.
    """
    return f"{format_number(min(100 * level, 99.99))} %"


def format_column(values: Sequence[float]) -> list[str]:
    """Format the numbers of one column with equal decimals: two digits of the smallest, at most six of the largest.

    Returns:
        The texts; a nonzero number that would round to zero is `≈0`.
    """
    sizes = [abs(value) for value in values if value and math.isfinite(value)]
    if not sizes:
        return [format_number(value) for value in values]
    minimum, maximum = (math.floor(math.log10(size)) for size in (min(sizes), max(sizes)))
    decimals = max(1 - minimum, 3 - maximum)  # two digits of the least, four of the greatest
    room = _MAX_COLUMN_DIGITS - 1 - max(0, maximum)
    needed = max(_count_decimals(value) for value in sizes)
    places = max(0, min(decimals, room, needed))
    return [_format_fixed(value, places) for value in values]


def _count_decimals(value: float) -> int:
    """Return the number of decimals of a number with few digits."""
    text = f"{value:.{_MAX_COLUMN_DIGITS}f}".rstrip("0")
    return len(text) - text.index(".") - 1


def _format_fixed(value: float, places: int) -> str:
    """Format a number with fixed decimals; `≈0` where a nonzero number rounds to zero."""
    if value and abs(value) < 0.5 * 10.0**-places:
        return "≈0"
    return _use_minus_sign(f"{value:,.{places}f}") if value else "0"


def choose_money_scale(amounts: Iterable[float], least: float = 100) -> tuple[float, str]:
    """Return the magnitude for a column of money.

    Args:
        amounts: Amounts of the column.
        least: Least multiple of the magnitude that the largest amount is.

    Returns:
        Divisor and word, such as (1e6, 'm '); (1.0, '') for small amounts.
    """
    largest = max((abs(amount) for amount in amounts), default=0.0)
    return next(((size, f"{word} ") for size, word in _SCALES if largest >= least * size), (1.0, ""))


def format_money(value: float, currency: str = "") -> str:
    """Format an amount of money, from one million on with a magnitude word: `10.8 bn JPY`.

    Args:
        value: Amount.
        currency: Currency or other unit, appended.
    """
    for size, word in _SCALES:
        if abs(value) >= size * (1 - 5e-5):
            return f"{format_number(value / size)} {word} {currency}".rstrip()
    return f"{format_number(value)} {currency}".rstrip()


def format_mass(kilograms: float) -> str:
    """Format a mass of metal in mg, g, kg or t.

    Args:
        kilograms: Mass [kg].

    Returns:
        The text with its unit.
    """
    if kilograms == 0:
        return "0 kg"
    units = ((1e4, 1e-3, "t"), (1, 1, "kg"), (1e-3, 1e3, "g"))
    factor, unit = next(((factor, unit) for size, factor, unit in units if abs(kilograms) >= size), (1e6, "mg"))
    return f"{format_number(kilograms * factor)} {unit}"


def format_tonnes(amount: float) -> str:
    """Format a mass of devices.

    Args:
        amount: Mass [t].

    Returns:
        The text with its unit: whole tonnes from 1,000 on, else four digits.
    """
    return f"{format_number(amount)} t"


def format_share(part: float, whole: float) -> str:
    """Format a part of a whole in per cent; only the full whole is `100 %`.

    Returns:
        The text; a dash where `whole` is 0, `≈0 %` below 0.05 %.
    """
    if not whole:
        return "–"
    per_cent = 100 * part / whole
    if abs(per_cent - round(per_cent, -2)) <= 1e-7:
        return f"{round(per_cent):.0f} %"
    if abs(per_cent) < 0.05:
        return "≈0 %"
    nearly = math.copysign(min(abs(per_cent), 99.9), per_cent) if abs(per_cent) < 100 else per_cent
    return f"{_use_minus_sign(f'{nearly:,.1f}')} %"


def format_exact_share(part: float) -> str:
    """Format a contractual share in per cent with all its digits: 0.9999 is `99.99 %`.

    Args:
        part: Share of 1.
    """
    per_cent = (100 * Decimal(repr(float(part)))).normalize(Context(prec=_EXACT_DIGITS))
    return f"{per_cent:,f} %".replace("-", "−")


def count_exact_decimals(values: Iterable[float], minimum: int) -> int:
    """Return the number of decimals with which all values are printed without rounding.

    Args:
        values: Numbers of one column; values that are not finite are ignored.
        minimum: Least number of decimals.

    Returns:
        The number of decimals, at most 12.
    """
    figures = (
        Decimal(repr(float(value))).normalize(Context(prec=_EXACT_DIGITS)) for value in values if math.isfinite(value)
    )
    exponents = [figure.as_tuple().exponent for figure in figures]
    needed = max((-exponent for exponent in exponents if isinstance(exponent, int)), default=0)
    return min(max(minimum, needed), _EXACT_DIGITS)


def count_amount_decimals(values: Iterable[float], minimum: int = 3) -> int:
    """Return the number of decimals with which the smallest amount keeps four significant digits.

    Returns:
        The number of decimals, no more than exact printing needs.
    """
    sizes = [abs(value) for value in values if value and math.isfinite(value)]
    decimals = 3 - math.floor(math.log10(min(sizes))) if sizes else minimum
    return max(minimum, min(decimals, count_exact_decimals(sizes, minimum)))


def count_share_decimals(shares: Iterable[float], minimum: int = 2) -> int:
    """Return the number of decimals with which no share below 1 is printed as `100 %`.

    Returns:
        The number of decimals of the percentages.
    """
    below = [100 * (1 - value) for value in shares if 1e-9 < 1 - value < 1]
    return min(max(minimum, 1 - math.floor(math.log10(min(below)))), _EXACT_DIGITS) if below else minimum


def format_money_range(values: Sequence[float]) -> str:
    """Format the range of amounts of money as `least to greatest`.

    Returns:
        The range, or one amount where the ends differ by at most 0.5 %.
    """
    minimum, maximum = min(values), max(values)
    if maximum - minimum <= 5e-3 * abs(maximum):
        return format_money(maximum)
    size, word = next(((size, f" {word}") for size, word in _SCALES if abs(maximum) >= size), (1.0, ""))
    return f"{format_number(minimum / size, 3)} to {format_number(maximum / size, 3)}{word}"


def _use_minus_sign(text: str) -> str:
    """Replace the hyphen by a true minus sign."""
    return text.replace("-", "−")


def format_change_value(text: str) -> str:
    """Shorten the value of a change for people: runs of equal entries of a list are counted.

    Args:
        text: Value as written in the instance: `70 %`, `[0, 0, 0, 1.9]`.

    Returns:
        The text, of a list with runs of three or more as in `[3 × 0, 1.9]`.
    """
    if not (text.startswith("[") and text.endswith("]")) or "{" in text or "[" in text[1:]:
        return text
    runs = [(entry, len(list(group))) for entry, group in groupby(text[1:-1].split(", "))]
    parts = [f"{count} × {entry}" if count >= _MIN_RUN else ", ".join([entry] * count) for entry, count in runs]
    return f"[{', '.join(parts)}]"


def format_period_count(instance: Instance, count: int) -> str:
    """Return a number of periods in words, by their length where it is known: `2 months`.

    Args:
        instance: Instance with its periods.
        count: Number of periods.

    Returns:
        The count with its noun.
    """
    return format_count(count, name_period_length(instance))


def name_period_length(instance: Instance) -> str:
    """Return the word for one period: its length, or `period` where periods are only numbered.

    Args:
        instance: Instance with its periods.

    Returns:
        The noun.
    """
    return "period" if instance.periods[0].isdecimal() else instance.period_length
