"""Currency of an instance and its exchange rates."""

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
    """Read the currency and the exchange rates; chains of rates are resolved, cyclic ones remain unknown.

    Args:
        root: Root of the instance file.
        faults: Log for errors.

    Returns:
        Currency and exchange rates.
    """
    node = find(root, ("currency",))
    currency = node.text if isinstance(node, Scalar) and re.fullmatch(_CODE, node.text) else ""
    rates, unknown = resolve_rates(_rates(root, currency, faults), currency)
    return Money(currency, rates, complete=bool(currency), unknown=unknown)


def resolve_rates(given: AnyMapping[str, str | float], currency: str) -> tuple[dict[str, Fraction], dict[str, str]]:
    """Resolve exchange rates to one currency, in linear time.

    Args:
        given: Rate of each currency, in `currency` or in another currency that has a rate.
        currency: Target currency.

    Returns:
        Value of one unit of each currency in `currency`; and for each currency without a rate the reason.
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
    """Return the exchange rates as written, without one of the instance's own currency, which is an error."""
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
    """Return the currency in which a rate is given; '' for that of the instance, or if the rate is unreadable."""
    return quantity.currency_in(rate) if isinstance(rate, str) else ""


def _rate(code: str, text: str | float, causes: AnyMapping[str, str], known: Money) -> Fraction | str:
    """Return the rate of a currency in that of the instance, or the reason why there is none."""
    target = _target(text)
    if target and known.rate(target) is None:
        return causes.get(target, f"`exchange` gives that of `{code}` in `{target}`, for which it gives none")
    try:
        figure = quantity.read(text, "money", known)
    except QuantityError:
        return f"that of `{code}`, `{shown(str(text))}`, is no amount of money"
    return figure.exact if figure.raw > 0 else f"that of `{code}`, `{shown(str(text))}`, is not more than 0"
