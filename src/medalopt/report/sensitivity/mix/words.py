"""Phrases for metal shortfalls and scarce metals, shared by lines, tables and charts of the device mix."""

from __future__ import annotations

from collections.abc import Sequence

from medalopt.analysis.sensitivity.mix.answers import Amounts, Answer
from medalopt.analysis.sensitivity.mix.mix import DeviceMix
from medalopt.report.numbers import digits, mass, money

_MILLION = 1e6
_SIZES = ((1e9, "bn "), (1e6, "m "), (1e3, "thousand "))


def short(found: DeviceMix, amounts: Amounts | None) -> str:
    """Describe the metal shortfall of an infeasible mix, the largest first."""
    if amounts is None:
        return "not for want of metal"
    if not amounts:
        return "at the very edge"
    parts = sorted(amounts.items(), key=lambda part: -part[1])
    return " and ".join(f"{mass(kg)} of {found.title(metal)}" for metal, kg in parts) + " short"


def because(found: DeviceMix, answer: Answer) -> str:
    """Describe the shortfall of an infeasible mix, and the reason where it is known.

    Args:
        found: The device mix, for the titles of metals.
        answer: Solution of an infeasible mix.

    Returns:
        The shortfall, followed by the reason after a semicolon.
    """
    told = short(found, answer.short)
    return f"{told}; {answer.why}" if answer.why else told


def cell(answer: Answer) -> str:
    """Format the objective of a mix for a table.

    Args:
        answer: Solution of a mix.

    Returns:
        The objective without its unit, or `no plan`.
    """
    return "no plan" if answer.value is None else money(answer.value)


def worth(found: DeviceMix, answer: Answer) -> str:
    """Format the scarce metals of a mix with their shadow prices [unit of the objective per kg].

    Args:
        found: The device mix, for the titles of metals.
        answer: Solution of a mix.

    Returns:
        The metals with the highest shadow price first; the shortfall where no plan exists.
    """
    if answer.value is None:
        return short(found, answer.short)
    parts = sorted(answer.scarce.items(), key=lambda part: -part[1])
    saved = [
        f"{found.title(metal)} {money(saves) if saves >= _MILLION else digits(saves, 3)}" for metal, saves in parts
    ]
    return ", ".join(saved) or "none"


def scarce(found: DeviceMix, answer: Answer) -> str:
    """Describe the scarce metals of a mix, or that it is infeasible."""
    if answer.value is None:
        return "no plan"
    metals = [found.title(metal) for metal in sorted(answer.scarce, key=lambda metal: -answer.scarce[metal])]
    return f"{listed(metals)} scarce" if metals else "no metal scarce"


def fitting(values: Sequence[float]) -> tuple[float, str]:
    """Return the scale in which amounts have few digits: its size and its word."""
    largest = max(map(abs, values), default=0.0)
    return next(((size, word) for size, word in _SIZES if largest >= size), (1.0, ""))


def listed(names: Sequence[str]) -> str:
    """Join names as in a sentence: `a, b and c`.

    Args:
        names: Names in their order.

    Returns:
        The enumeration; empty without names.
    """
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part) if names else ""
