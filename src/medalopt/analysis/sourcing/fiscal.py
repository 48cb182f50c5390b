"""Fiscal years, April to March."""

from __future__ import annotations

from medalopt.instance.instance import Instance, Names

APRIL = 4


def fiscal_years(instance: Instance) -> Names:
    """Return the fiscal year of each period, by its first month.

    Args:
        instance: The instance.

    Returns:
        (T,): names such as FY2018, the year in which the fiscal year begins; '' if periods have no dates.
    """
    return tuple(_year(period) if "-" in period else "" for period in instance.periods)


def straddling(instance: Instance) -> bool:
    """Check if a period spans two fiscal years.

    Args:
        instance: The instance.

    Returns:
        True if a period of more than one month extends beyond March.
    """
    starts = {int(period[5:]) for period in instance.periods if "-" in period}
    months = {"month": 1, "quarter": 3, "year": 12}[instance.period_length]
    return any((start - APRIL) % 12 + months > 12 for start in starts)


def _year(period: str) -> str:
    """Return the name of the fiscal year of a month."""
    year, month = int(period[:4]), int(period[5:])
    return f"FY{year if month >= APRIL else year - 1}"
