"""The currency of an instance and what others are worth in it."""

from __future__ import annotations

import re
from fractions import Fraction

from medalopt import quantity
from medalopt.instance.reader.faults import Faults
from medalopt.instance.reader.nodes import Mapping, Scalar, find
from medalopt.quantity import Money, QuantityError
from medalopt.wording import listed, shown

_CODE = "[A-Z]{3}"


def money(root: Mapping, faults: Faults) -> Money:
    """Return the money of the file; a rate may be given in a currency that has one itself, but not in a circle."""
    node = find(root, ("currency",))
    currency = node.text if isinstance(node, Scalar) and re.fullmatch(_CODE, node.text) else ""
    waiting = _rates(root, currency, faults)
    rates: dict[str, Fraction] = {}
    while solved := {code: rate for code, text in waiting.items() if (rate := _rate(text, Money(currency, rates)))}:
        rates.update(solved)
        waiting = {code: text for code, text in waiting.items() if code not in solved}
    circle = [
        code for code, text in waiting.items() if _rate(text, Money(currency, dict.fromkeys(waiting, Fraction(1))))
    ]
    for code in circle:
        place = root.place if (at := find(root, ("exchange", code))) is None else at.place
        message = f"the rates of {listed(circle)} are given in terms of each other: give one of them in {currency}"
        faults.add(place, ("exchange", code), message)
    return Money(currency, rates, complete=bool(currency) and not waiting)


def _rates(root: Mapping, currency: str, faults: Faults) -> dict[str, str | float]:
    """Return the rates as written, but for one of the instance's own currency."""
    section = find(root, ("exchange",))
    if not isinstance(section, Mapping):
        return {}
    found = {code: node for code, node in section.items.items() if isinstance(node, Scalar) and not node.null}
    if currency in found:
        message = f"`{shown(currency)}` is the instance's own currency: delete its rate"
        faults.add(section.keys[currency], ("exchange", currency), message)
    return {
        code: node.value
        for code, node in found.items()
        if code != currency and re.fullmatch(_CODE, code) and isinstance(node.value, (str, int, float))
    }


def _rate(text: str | float, known: Money) -> Fraction | None:
    """Return a rate in the instance's currency, None where it cannot be read so far."""
    try:
        figure = quantity.read(text, "money", known)
    except QuantityError:
        return None
    return figure.exact if figure.raw > 0 else None
