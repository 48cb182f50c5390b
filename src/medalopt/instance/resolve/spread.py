"""Broadcast quantities of the file (scalars, lists, mappings with a default) to arrays over periods and metals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np

from medalopt.instance.figures import NOTHING, Figures, Number
from medalopt.instance.resolve.axes import Axis
from medalopt.quantity import Quantity


def number(figure: Quantity, unit_mass: Fraction | None = None) -> Number:
    """Convert a quantity to a number with its complete factor.

    Args:
        figure: Quantity of the file.
        unit_mass: Mass of one piece of its device [kg], for a quantity per piece.

    Returns:
        Number as written and its factor to the canonical unit.
    """
    if not figure.pieces:
        return Number(figure.raw, figure.factor)
    return Number(figure.raw, figure.factor * (unit_mass or Fraction(1)) ** figure.pieces)


def column(figures: Iterable[Quantity]) -> Figures:
    """Build an array of one quantity per member of an axis.

    Args:
        figures: Quantities (N,).

    Returns:
        Figures (N,).
    """
    return Figures.of(number(figure) for figure in figures)


def by_period(figures: Iterable[Quantity | list[Quantity]], periods: int) -> Figures:
    """Build an array over periods; a scalar holds in all periods.

    Args:
        figures: Scalar, or list of T quantities, of each of N members.
        periods: Number of periods T.

    Returns:
        Figures (N, T).
    """
    rows: list[tuple[Number, dict[int, Number]]] = []
    for figure in figures:
        if isinstance(figure, list):
            rows.append((NOTHING, dict(enumerate(map(number, figure)))))
        else:
            rows.append((number(figure), {}))
    return grid(rows, periods)


def by_metal(rows: Iterable[Mapping[str, Quantity]], metals: Axis, missing: Quantity) -> Figures:
    """Build an array over metals.

    Args:
        rows: Quantity by metal, of each of N members.
        metals: Axis of metals (E).
        missing: Quantity of a metal that is not given.

    Returns:
        Figures (N, E).
    """
    most = number(missing)
    return grid(
        ((most, {metals.index[name]: number(figure) for name, figure in row.items()}) for row in rows), len(metals)
    )


def cascaded(
    *rules: Quantity | Mapping[str, Quantity] | None, metals: Axis, missing: Quantity
) -> tuple[Number, dict[int, Number]]:
    """Resolve rules of decreasing precedence, such as those of a terms line and its smelter, to one value per metal.

    Args:
        *rules: Scalar, mapping by metal with an optional `default`, or None; the first has precedence.
        metals: Axis of metals.
        missing: Quantity of a metal without a rule.

    Returns:
        Number of most metals, and the exceptions by metal index.
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
    """Find the metals for which a rule gives a value.

    Args:
        rule: Scalar, mapping by metal with an optional `default`, or None.
        metals: Names of metals.

    Returns:
        Subset of `metals`.
    """
    if isinstance(rule, Mapping) and "default" not in rule:
        return set(rule) & set(metals)
    return set() if rule is None else set(metals)


def grid(rows: Iterable[tuple[Number, Mapping[int, Number]]], width: int) -> Figures:
    """Build an array of N rows, each with one number for most columns and exceptions by column index.

    Args:
        rows: Number of most columns, and exceptions, of each row.
        width: Number of columns.

    Returns:
        Figures (N, width).
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
    """Get the bounds of a window.

    Args:
        window: Scalar for an equality, or [lower, upper].

    Returns:
        Lower and upper bound.
    """
    return (window[0], window[1]) if isinstance(window, list) else (window, window)
