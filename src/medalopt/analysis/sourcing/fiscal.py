"""Fiscal years, April to March."""

from __future__ import annotations

from medalopt.instance.instance import Instance, Names

APRIL = 4


def fiscal_years(instance: Instance) -> Names:
    """Return the fiscal year of each period, named by the year in which it begins; '' where periods have no dates.

    A period belongs to the fiscal year of its first month.
    """
    return tuple(_year(period) if "-" in period else "" for period in instance.periods)


def straddling(instance: Instance) -> bool:
    """Whether a period reaches over the end of March: one that is longer than a month may."""
    starts = {int(period[5:]) for period in instance.periods if "-" in period}
    months = {"month": 1, "quarter": 3, "year": 12}[instance.period_length]
    return any((start - APRIL) % 12 + months > 12 for start in starts)


def _year(period: str) -> str:
    year, month = int(period[:4]), int(period[5:])
    return f"FY{year if month >= APRIL else year - 1}"
