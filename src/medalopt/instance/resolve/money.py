"""The currency of an instance and what others are worth in it."""

from __future__ import annotations

import re
from collections.abc import Mapping as AnyMapping
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
    rates, unknown = resolve_rates(_rates(root, currency, faults), currency)
    return Money(currency, rates, complete=bool(currency), unknown=unknown)


def resolve_rates(given: AnyMapping[str, str | float], currency: str) -> tuple[dict[str, Fraction], dict[str, str]]:
    """Work out the rates as `given`, each in `currency` or in another that has a rate; takes time in proportion.

    Returns:
        The worth of one unit of each currency in `currency`; and of those without, why there is none.
    """
    rates: dict[str, Fraction] = {}
    causes: dict[str, str] = {}
    for start in given:
        chain: list[str] = []
        members: set[str] = set()
        code = start
        while code in given and code not in rates and code not in causes and code not in members:
            chain.append(code)
            members.add(code)
            code = _target(given[code])
        if code in members:
            circle = chain[chain.index(code) :]
            told = f"the rates of {listed(circle)} are given in terms of each other: give one of them in {currency}"
            causes |= dict.fromkeys(circle, told)
            chain = chain[: -len(circle)]
        for one in reversed(chain):
            rate = _rate(one, given[one], causes, Money(currency, rates, complete=bool(currency)))
            (rates if isinstance(rate, Fraction) else causes)[one] = rate  # type: ignore[assignment]
    return rates, {code: f"the currency `{code}` has no rate in {currency}: {cause}" for code, cause in causes.items()}


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


def _target(rate: str | float) -> str:
    """Return the currency in which a rate is given; '' for that of the instance, or where it cannot be read."""
    return quantity.currency_in(rate) if isinstance(rate, str) else ""


def _rate(code: str, text: str | float, causes: AnyMapping[str, str], known: Money) -> Fraction | str:
    """Return the rate of `code` in the instance's currency, or why it cannot be worked out."""
    target = _target(text)
    if target and known.rate(target) is None:
        return causes.get(target, f"`exchange` gives that of `{code}` in `{target}`, for which it gives none")
    try:
        figure = quantity.read(text, "money", known)
    except QuantityError:
        return f"that of `{code}`, `{shown(str(text))}`, is no amount of money"
    return figure.exact if figure.raw > 0 else f"that of `{code}`, `{shown(str(text))}`, is not more than 0"
