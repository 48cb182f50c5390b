"""Entries of an infeasibility diagnosis, and the formatting of numbers, names and periods in their sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from medalopt.wording import shown

MOST_NAMES = 4


@dataclass(frozen=True)
class Reason:
    """One reason for infeasibility.

    Attributes:
        rule: Constraint family.
        path: Path of the parameter that states the rule.
        amount: Amount in `unit`; None if the rule has none.
        unit: Unit of the amount.
        text: Sentence for the reader.
    """

    rule: str
    path: str
    amount: float | None
    unit: str | None
    text: str

    def row(self) -> dict[str, object]:
        """Return the reason as one JSON row.

        Returns:
            Field name to value.
        """
        return {"rule": self.rule, "path": self.path, "amount": self.amount, "unit": self.unit, "text": self.text}


def number(value: float, up: bool | None = None) -> str:
    """Format a number with thousands separators and at least four significant digits.

    Args:
        value: Number to format.
        up: Round up (True), down (False) or to nearest (None), so that "at most" and "at least" stay true.

    Returns:
        The number as text, without trailing zeros.
    """
    if value == 0:
        return "0"
    places = max(0, 3 - math.floor(math.log10(abs(value))))
    step = 10.0**-places
    steps = value / step
    near = round(steps)
    if up is not None and abs(steps - near) > 1e-6:
        near = math.ceil(steps) if up else math.floor(steps)
    text = f"{near * step:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain(amount: float | None) -> float | None:
    """Round an amount to 12 significant digits, which removes floating-point noise.

    Args:
        amount: Amount, or None.

    Returns:
        The rounded amount; None if there is none.
    """
    return None if amount is None else float(f"{amount:.12g}")


def kilograms(value: float, up: bool | None = None) -> str:
    """Format a mass of metal, such as `214 kg`; below one kilogram in grams.

    Args:
        value: Mass [kg].
        up: Rounding direction, see `format_number`.

    Returns:
        The mass with its unit.
    """
    return f"{number(value, up)} kg" if value == 0 or abs(value) >= 1 else f"{number(value * 1000, up)} g"


def tonnes(value: float, up: bool | None = None) -> str:
    """Format a mass of devices, such as `79,653 t`.

    Args:
        value: Mass [t].
        up: Rounding direction, see `format_number`.

    Returns:
        The mass with its unit.
    """
    return f"{number(value, up)} t"


def per_cent(share: float) -> str:
    """Format a share, such as `99.9 %`.

    Args:
        share: Share [1].

    Returns:
        The share in per cent.
    """
    return f"{share * 100:.6g} %"


def names(listed: Sequence[str], word: str = "") -> str:
    """Join names as an enumeration; of more than four, the first three and the number of the others.

    Args:
        listed: Names.
        word: Noun after the number of the others.

    Returns:
        The enumeration.
    """
    few = [shown(name) for name in listed[:MOST_NAMES]]
    if len(listed) > MOST_NAMES:
        return f"{', '.join(few[:-1])} and {len(listed) - MOST_NAMES + 1} more{word and ' ' + word}"
    return " and ".join([", ".join(few[:-1]), few[-1]] if len(few) > 1 else few)


def when(periods: Sequence[str]) -> str:
    """Format a span of periods, such as ` in 2017-04 to 2017-06`.

    Args:
        periods: Names of the periods, ascending.

    Returns:
        The span with a leading space; empty if there are no periods.
    """
    if not periods:
        return ""
    return f" in {period(periods[0])}" if len(periods) == 1 else f" in {period(periods[0])} to {periods[-1]}"


def period(name: str) -> str:
    """Format the name of a period for a sentence; a bare number becomes `period 1`.

    Args:
        name: Name of the period.

    Returns:
        The name.
    """
    return f"period {name}" if name.isdecimal() else name
