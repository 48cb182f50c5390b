"""Rows of a diagnosis, and the numbers in their texts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from medalopt.wording import shown

MOST_NAMES = 4


@dataclass(frozen=True)
class Reason:
    """One thing that stands in the way: the rule's family, the figure it stands on, an amount, and a sentence."""

    rule: str
    path: str
    amount: float | None
    unit: str | None
    text: str

    def row(self) -> dict[str, object]:
        """Return the reason as one row."""
        return {"rule": self.rule, "path": self.path, "amount": self.amount, "unit": self.unit, "text": self.text}


def number(value: float, up: bool | None = None) -> str:
    """Return `value` with thousands apart and at least four digits; `up` rounds so that 'at most' stays true."""
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
    """Return an amount without the last digits, in which arithmetic leaves its traces."""
    return None if amount is None else float(f"{amount:.12g}")


def kilograms(value: float, up: bool | None = None) -> str:
    """Return a mass of metal, such as `214 kg`; below a kilogram in grams."""
    return f"{number(value, up)} kg" if value == 0 or abs(value) >= 1 else f"{number(value * 1000, up)} g"


def tonnes(value: float, up: bool | None = None) -> str:
    """Return a mass of devices, such as `79,653 t`."""
    return f"{number(value, up)} t"


def per_cent(share: float) -> str:
    """Return a share, such as `99.9 %`."""
    return f"{share * 100:.6g} %"


def names(listed: Sequence[str], word: str = "") -> str:
    """Return names as a person lists them; of many the first, and how many more there are."""
    few = [shown(name) for name in listed[:MOST_NAMES]]
    if len(listed) > MOST_NAMES:
        return f"{', '.join(few[:-1])} and {len(listed) - MOST_NAMES + 1} more{word and ' ' + word}"
    return " and ".join([", ".join(few[:-1]), few[-1]] if len(few) > 1 else few)


def when(periods: Sequence[str]) -> str:
    """Return a span of periods, such as ` in 2017-04 to 2017-06`."""
    if not periods:
        return ""
    return f" in {period(periods[0])}" if len(periods) == 1 else f" in {period(periods[0])} to {periods[-1]}"


def period(name: str) -> str:
    """Return a period as it stands in a sentence: one that has but a number as `period 1`."""
    return f"period {name}" if name.isdecimal() else name
