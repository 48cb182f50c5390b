"""Figures as a field may write them, spread over what they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TypeVar

from medalopt.instance.figures import Figures, Number
from medalopt.instance.resolve.axes import Axis
from medalopt.quantity import Quantity

T = TypeVar("T")


def number(figure: Quantity, unit_mass: Fraction | None = None) -> Number:
    """Return a figure with its factor complete; `unit_mass` (kg) is that of its device where it counts pieces."""
    if not figure.pieces:
        return Number(figure.raw, figure.factor)
    return Number(figure.raw, figure.factor * (unit_mass or Fraction(1)) ** figure.pieces)


def column(figures: Iterable[Quantity]) -> Figures:
    """Return one figure for each member of an axis."""
    return Figures.of(number(figure) for figure in figures)


def by_period(figures: Iterable[Quantity | list[Quantity]], periods: int) -> Figures:
    """Return a row for each member and a column for each period."""
    rows = [figure if isinstance(figure, list) else [figure] * periods for figure in figures]
    return Figures.of([number(figure) for row in rows for figure in row], (len(rows), periods))


def of_metal(value: T | dict[str, T] | None, metal: str) -> T | None:
    """Return what `value`, one for all or by metal with a default, says of `metal`; None where it says nothing."""
    if isinstance(value, dict):
        return value.get(metal, value.get("default"))
    return value


def by_metal(rows: Iterable[Mapping[str, Quantity]], metals: Axis, missing: Quantity) -> Figures:
    """Return a row for each mapping and a column for each metal."""
    filled = [[number(row.get(metal, missing)) for metal in metals.names] for row in rows]
    return Figures.of([figure for row in filled for figure in row], (len(filled), len(metals)))


def ends(window: Quantity | list[Quantity]) -> tuple[Quantity, Quantity]:
    """Return the least and the greatest of a window."""
    return (window[0], window[1]) if isinstance(window, list) else (window, window)
