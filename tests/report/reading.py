"""Names and numbers in a sentence of a report, without its wording.

The wording of reports is compared in `tests/golden/` alone. Other tests read from a line the names and numbers in it.
"""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"(?<![\w.])[−+-]?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?(?:\s(?:m|bn)\b)?")
_SIZES = {"m": 1e6, "bn": 1e9}


def list_numbers(text: str) -> list[float]:
    """Return the numbers in a text in their order; `1.2 m` is 1,200,000."""
    numbers = []
    for found in _NUMBER.findall(text):
        number, _, size = found.replace("−", "-").replace(",", "").partition(" ")
        numbers.append(float(number) * _SIZES.get(size, 1.0))
    return numbers


def mentions_about(text: str, *numbers: float) -> bool:
    """Return whether a text contains each of these numbers, rounded to four digits."""
    found = list_numbers(text)
    return all(any(math.isclose(number, other, rel_tol=1e-3) for other in found) for number in numbers)


def mentions(text: str, *names: object, numbers: tuple[float, ...] = ()) -> bool:
    """Return whether a text contains all of these names and numbers, in any order."""
    return all(str(name) in text for name in names) and set(numbers) <= set(list_numbers(text))
