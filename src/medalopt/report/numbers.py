"""Numbers as a person reads them: thousands apart, as many digits as count, a unit behind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Context, Decimal

_SCALES = ((1e12, "tn"), (1e9, "bn"), (1e6, "m"))
_MOST_DIGITS = 6  # of the largest figure of a column
_EXACT = 12  # digits of a figure of a contract: what lies beyond is rounding of a double


def digits(value: float, significant: int = 4) -> str:
    """Return `value` with thousands apart: whole from 1,000 on, below that with `significant` digits."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    places = significant - 1 - math.floor(math.log10(abs(value)))
    if places > significant + 2:
        return f"{value:.2g}".replace("-", "−")
    text = f"{value:,.{min(max(0, places), significant)}f}"
    return _plain(text.rstrip("0").rstrip(".") if "." in text else text)


def column(values: Sequence[float]) -> list[str]:
    """Return figures of one column, all with the same decimals: enough for the least, not too many for the largest.

    What would be shown as nothing, but is not, is `≈0`.
    """
    sizes = [abs(value) for value in values if value and math.isfinite(value)]
    if not sizes:
        return [digits(value) for value in values]
    least, greatest = (math.floor(math.log10(size)) for size in (min(sizes), max(sizes)))
    wanted = max(1 - least, 3 - greatest)  # two digits of the least, four of the greatest
    room = _MOST_DIGITS - 1 - max(0, greatest)
    needed = max(_decimals(value) for value in sizes)
    places = max(0, min(wanted, room, needed))
    return [_fixed(value, places) for value in values]


def _decimals(value: float) -> int:
    """Return how many decimals a figure of few digits has."""
    text = f"{value:.{_MOST_DIGITS}f}".rstrip("0")
    return len(text) - text.index(".") - 1


def _fixed(value: float, places: int) -> str:
    if value and abs(value) < 0.5 * 10.0**-places:
        return "≈0"
    return _plain(f"{value:,.{places}f}") if value else "0"


def scale(amounts: Iterable[float]) -> tuple[float, str]:
    """Return the unit that suits a column of money, as a number and its word: (1e6, 'm ') from 100 million on."""
    largest = max((abs(amount) for amount in amounts), default=0.0)
    return next(((size, f"{word} ") for size, word in _SCALES if largest >= 100 * size), (1.0, ""))


def money(value: float, currency: str = "") -> str:
    """Return an amount of money, in millions and above with a word for the size: `10.8 bn JPY`."""
    for size, word in _SCALES:
        if abs(value) >= size * (1 - 5e-5):
            return f"{digits(value / size)} {word} {currency}".rstrip()
    return f"{digits(value)} {currency}".rstrip()


def mass(kilograms: float) -> str:
    """Return a mass of metal in the unit that suits it: mg, g, kg or t."""
    if kilograms == 0:
        return "0 kg"
    units = ((1e4, 1e-3, "t"), (1, 1, "kg"), (1e-3, 1e3, "g"))
    factor, unit = next(((factor, unit) for size, factor, unit in units if abs(kilograms) >= size), (1e6, "mg"))
    return f"{digits(kilograms * factor)} {unit}"


def tonnes(amount: float) -> str:
    """Return a mass of devices: whole tonnes from 1,000 on, below that four digits."""
    return f"{digits(amount)} t"


def share(part: float, whole: float) -> str:
    """Return a part in per cent of the whole; a dash where there is no whole. Only all of it is `100 %`."""
    if not whole:
        return "–"
    per_cent = 100 * part / whole
    if abs(per_cent - round(per_cent, -2)) <= 1e-7:
        return f"{round(per_cent):.0f} %"
    if abs(per_cent) < 0.05:
        return "≈0 %"
    nearly = math.copysign(min(abs(per_cent), 99.9), per_cent) if abs(per_cent) < 100 else per_cent
    return f"{_plain(f'{nearly:,.1f}')} %"


def exact_share(part: float) -> str:
    """Return a contractual share in per cent with every digit it has: 0.9999 is `99.99 %`."""
    per_cent = (100 * Decimal(repr(float(part)))).normalize(Context(prec=_EXACT))
    return f"{per_cent:,f} %".replace("-", "−")


def exact_decimals(values: Iterable[float], least: int) -> int:
    """Return the decimals with which all `values` are printed as they are, at least `least` and at most `_EXACT`."""
    figures = (Decimal(repr(float(value))).normalize(Context(prec=_EXACT)) for value in values if math.isfinite(value))
    exponents = [figure.as_tuple().exponent for figure in figures]
    needed = max((-exponent for exponent in exponents if isinstance(exponent, int)), default=0)
    return min(max(least, needed), _EXACT)


def amount_decimals(values: Iterable[float], least: int = 3) -> int:
    """Return the decimals, at least `least`, with which the smallest of the amounts keeps four significant digits."""
    sizes = [abs(value) for value in values if value and math.isfinite(value)]
    wanted = 3 - math.floor(math.log10(min(sizes))) if sizes else least
    return max(least, min(wanted, exact_decimals(sizes, least)))


def share_decimals(shares: Iterable[float], least: int = 2) -> int:
    """Return the decimals, at least `least`, with which no share below 1 is printed as `100 %`."""
    below = [100 * (1 - value) for value in shares if 1e-9 < 1 - value < 1]
    return min(max(least, 1 - math.floor(math.log10(min(below)))), _EXACT) if below else least


def span(values: Sequence[float]) -> str:
    """Return `least to greatest` of amounts of money, or one figure where they are nearly the same."""
    least, greatest = min(values), max(values)
    if greatest - least <= 5e-3 * abs(greatest):
        return money(greatest)
    size, word = next(((size, f" {word}") for size, word in _SCALES if abs(greatest) >= size), (1.0, ""))
    return f"{digits(least / size, 3)} to {digits(greatest / size, 3)}{word}"


def _plain(text: str) -> str:
    return text.replace("-", "−")
