"""Numbers as a person reads them: thousands apart, three or four digits that count, a unit behind."""

from __future__ import annotations

import math

_LARGE = ((1e12, "tn"), (1e9, "bn"), (1e6, "m"))


def digits(value: float, significant: int = 4) -> str:
    """Return `value` with thousands apart: whole from 1,000 on, below that with `significant` digits."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    places = significant - 1 - math.floor(math.log10(abs(value)))
    if places > 6:
        return f"{value:.2g}"
    text = f"{round(value, places):,.{max(0, places)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def whole(value: float) -> str:
    """Return `value` rounded to a whole number, thousands apart; with digits where that would be nothing."""
    return f"{value:,.0f}".replace("-", "−") if abs(value) >= 10 or value == 0 else digits(value, 3)


def money(value: float, currency: str) -> str:
    """Return an amount of money, in millions and above with a word for the size: `10.8 bn JPY`."""
    for size, word in _LARGE:
        if abs(value) >= size:
            return f"{digits(value / size)} {word} {currency}"
    return f"{digits(value)} {currency}"


def mass(kilograms: float) -> str:
    """Return a mass of metal in the unit that suits it: mg, g, kg or t."""
    for size, factor, unit in ((1e4, 1e-3, "t"), (1, 1, "kg"), (1e-3, 1e3, "g"), (0, 1e6, "mg")):
        if abs(kilograms) >= size:
            return f"{digits(kilograms * factor)} {unit}"
    return "0 kg"


def share(part: float, all_of_it: float) -> str:
    """Return a part in per cent of the whole; a dash where there is no whole."""
    return f"{digits(100 * part / all_of_it, 3)} %" if all_of_it else "–"
