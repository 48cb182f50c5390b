"""Money of the sourcing plan: to the smallest coin of its currency."""

from __future__ import annotations

from medalopt.report.sourcing.content import Column

# ISO 4217, currencies without a minor unit, and those with three digits of it
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"


def places(currency: str) -> int:
    """Return the digits after the point in which amounts of `currency` are paid."""
    return 0 if currency in _NONE else 3 if currency in _THREE else 2


def amount(key: str, title: str, currency: str, total: bool = True) -> Column:
    """Return a column of amounts of money."""
    return Column(key, title, currency, places(currency), total)


def rate(key: str, title: str, currency: str, per: str) -> Column:
    """Return a column of prices, money per `per`."""
    return Column(key, title, f"{currency}/{per}", max(2, places(currency)))
