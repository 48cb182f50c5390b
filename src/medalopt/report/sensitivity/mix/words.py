"""What is short, and what is scarce, in words that lines, tables and charts of the mix share."""

from __future__ import annotations

from collections.abc import Sequence

from medalopt.analysis.sensitivity.mix.answers import Amounts, Answer
from medalopt.analysis.sensitivity.mix.mix import DeviceMix
from medalopt.report.numbers import digits, mass, money

_MILLION = 1e6
_SIZES = ((1e9, "bn "), (1e6, "m "), (1e3, "thousand "))


def short(found: DeviceMix, amounts: Amounts | None) -> str:
    """Return the metals that are short, in words."""
    if amounts is None:
        return "not for want of metal"
    if not amounts:
        return "at the very edge"
    parts = sorted(amounts.items(), key=lambda part: -part[1])
    return " and ".join(f"{mass(kg)} of {found.title(metal)}" for metal, kg in parts) + " short"


def because(found: DeviceMix, answer: Answer) -> str:
    """Return what is short, or else why there is no plan as far as that is known, in words."""
    told = short(found, answer.short)
    return f"{told}; {answer.why}" if answer.why else told


def cell(answer: Answer) -> str:
    """Return the cost of an answer as the cell of a table."""
    return "no plan" if answer.value is None else money(answer.value)


def worth(found: DeviceMix, answer: Answer) -> str:
    """Return the scarce metals of an answer with what a kilogram more of each would save."""
    if answer.value is None:
        return short(found, answer.short)
    parts = sorted(answer.scarce.items(), key=lambda part: -part[1])
    saved = [
        f"{found.title(metal)} {money(saves) if saves >= _MILLION else digits(saves, 3)}" for metal, saves in parts
    ]
    return ", ".join(saved) or "none"


def scarce(found: DeviceMix, answer: Answer) -> str:
    """Return what is scarce in an answer, or that there is no plan: what binds."""
    if answer.value is None:
        return "no plan"
    metals = [found.title(metal) for metal in sorted(answer.scarce, key=lambda metal: -answer.scarce[metal])]
    return f"{listed(metals)} scarce" if metals else "no metal scarce"


def fitting(values: Sequence[float]) -> tuple[float, str]:
    """Return the unit in which amounts of money have few digits, as a number and its word."""
    largest = max(map(abs, values), default=0.0)
    return next(((size, word) for size, word in _SIZES if largest >= size), (1.0, ""))


def listed(names: Sequence[str]) -> str:
    """Return `a`, `b` and `c`."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part) if names else ""
