"""Columns of money at the minor unit of the currency."""

from __future__ import annotations

from medalopt.report.sourcing.content import Column

# ISO 4217: currencies without a minor unit, and with one of three digits
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"


def places(currency: str) -> int:
    """Return the decimal places in which a currency is paid (ISO 4217).

    Args:
        currency: Code of three letters.

    Returns:
        0, 2 or 3.
    """
    return 0 if currency in _NONE else 3 if currency in _THREE else 2


def amount(key: str, title: str, currency: str, total: bool = True) -> Column:
    """Return a column of amounts of money.

    Args:
        key: Name in CSV and JSON.
        title: Title for people.
        currency: Unit of the column.
        total: Show the sum of the column.

    Returns:
        The column.
    """
    return Column(key, title, currency, places(currency), total)


def rate(key: str, title: str, currency: str, per: str) -> Column:
    """Return a column of prices.

    Args:
        key: Name in CSV and JSON.
        title: Title for people.
        currency: Currency of the price.
        per: Unit of the quantity, such as `t`.

    Returns:
        The column, of unit `currency/per`.
    """
    return Column(key, title, f"{currency}/{per}", max(2, places(currency)))
