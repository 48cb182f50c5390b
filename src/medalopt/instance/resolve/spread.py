"""Figures as a field may write them, spread over what they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np

from medalopt.instance.figures import NOTHING, Figures, Number
from medalopt.instance.resolve.axes import Axis
from medalopt.quantity import Quantity


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
    rows: list[tuple[Number, dict[int, Number]]] = []
    for figure in figures:
        if isinstance(figure, list):
            rows.append((NOTHING, dict(enumerate(map(number, figure)))))
        else:
            rows.append((number(figure), {}))
    return grid(rows, periods)


def by_metal(rows: Iterable[Mapping[str, Quantity]], metals: Axis, missing: Quantity) -> Figures:
    """Return a row for each mapping and a column for each metal."""
    most = number(missing)
    return grid(
        ((most, {metals.index[name]: number(figure) for name, figure in row.items()}) for row in rows), len(metals)
    )


def cascaded(
    *rules: Quantity | Mapping[str, Quantity] | None, metals: Axis, missing: Quantity
) -> tuple[Number, dict[int, Number]]:
    """Return what holds for most metals, and by their place for the others.

    Each of `rules` is one figure, or by metal with a default, and counts before those that follow it.
    """
    most, own = number(missing), dict[int, Number]()
    for rule in reversed(rules):
        whole = rule.get("default") if isinstance(rule, Mapping) else rule
        if whole is not None:
            most, own = number(whole), {}
        if isinstance(rule, Mapping):
            own |= {metals.index[name]: number(figure) for name, figure in rule.items() if name in metals.index}
    return most, own


def covers(rule: Quantity | Mapping[str, Quantity] | None, metals: Iterable[str]) -> set[str]:
    """Return of which of `metals` a rule, one figure or by metal with a default, says something."""
    if isinstance(rule, Mapping) and "default" not in rule:
        return set(rule) & set(metals)
    return set() if rule is None else set(metals)


def grid(rows: Iterable[tuple[Number, Mapping[int, Number]]], width: int) -> Figures:
    """Return a row of `width` figures for each of `rows`: one figure for most, and others by their place.

    What a row does not set apart takes no step of Python.
    """
    listed = list(rows)
    most = [figure for figure, _ in listed]
    others = [(row, at, figure) for row, (_, own) in enumerate(listed) for at, figure in own.items()]
    factors = dict.fromkeys([*(figure.factor for figure in most), *(figure.factor for *_, figure in others)])
    order = {factor: place for place, factor in enumerate(factors)}
    raw = np.repeat(np.array([figure.raw for figure in most], dtype=np.float64), width).reshape(len(listed), width)
    unit = np.repeat(np.array([order[figure.factor] for figure in most], dtype=np.intp), width).reshape(raw.shape)
    if others:
        at = tuple(np.array([one[:2] for one in others], dtype=np.intp).T)
        raw[at] = [figure.raw for *_, figure in others]
        unit[at] = [order[figure.factor] for *_, figure in others]
    return Figures(raw, unit, tuple(order) or (Fraction(1),))


def ends(window: Quantity | list[Quantity]) -> tuple[Quantity, Quantity]:
    """Return the least and the greatest of a window."""
    return (window[0], window[1]) if isinstance(window, list) else (window, window)
