"""Axes of the instance arrays, and broadcast of the file's scalars, lists, mappings and price steps over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from medalopt.instance.arrays import (
    EXACT_INFINITY,
    EXACT_ZERO,
    Bools,
    ExactArray,
    ExactNumber,
    Ints,
    stack_over_periods,
)
from medalopt.instance.instance import NO_STEPS, Names, PriceSteps
from medalopt.instance.reader.rows import CellColumn
from medalopt.instance.schema.containers import Entry
from medalopt.instance.schema.document import OfferPriceStep
from medalopt.instance.schema.field_types import ZERO_QUANTITY
from medalopt.units import Quantity


@dataclass(frozen=True)
class NameAxis:
    """Names of an axis in canonical order, and the index of each."""

    names: Names
    index: dict[str, int]

    @classmethod
    def from_names(cls, names: Iterable[str]) -> NameAxis:
        """Build an axis of sorted, distinct names.

        Args:
            names: Names, in any order.

        Returns:
            The axis.
        """
        return cls.from_ordered_names(sorted(set(names)))

    @classmethod
    def from_ordered_names(cls, names: Iterable[str]) -> NameAxis:
        """Build an axis of names in the order given, such as that of time.

        Args:
            names: Distinct names.

        Returns:
            The axis.
        """
        listed = tuple(names)
        return cls(listed, {name: number for number, name in enumerate(listed)})

    def find_indices(self, cells: CellColumn) -> Ints:
        """Find the index of each cell.

        Args:
            cells: Column of names (R,).

        Returns:
            Indices (R,); -1 for empty cells and unknown names.
        """
        return np.array([self.index.get(text or "", -1) for text in cells.texts], dtype=np.intp)[cells.code]

    def __len__(self) -> int:
        return len(self.names)


def convert_quantity(quantity: Quantity, unit_mass: Fraction | None = None) -> ExactNumber:
    """Convert a quantity to a number with its complete factor.

    Args:
        quantity: Quantity of the file.
        unit_mass: Mass of one piece of its device [kg], for a quantity per piece.

    Returns:
        Number as written and its factor to the canonical unit.
    """
    if not quantity.pieces:
        return ExactNumber(quantity.raw, quantity.factor)
    return ExactNumber(quantity.raw, quantity.factor * (unit_mass or Fraction(1)) ** quantity.pieces)


def build_column(quantities: Iterable[Quantity]) -> ExactArray:
    """Build an array of one quantity per member of an axis.

    Args:
        quantities: Quantities (N,).

    Returns:
        Figures (N,).
    """
    return ExactArray.gather(convert_quantity(quantity) for quantity in quantities)


def build_columns(members: Iterable[Entry | None], *fields: str) -> dict[str, ExactArray]:
    """Build the arrays of fields with one quantity per member of an axis.

    Args:
        members: Members (N,) of the axis; None where a member has no such entry.
        fields: Fields of a member; one that is not given is 0.

    Returns:
        Figures (N,) by field.
    """
    listed = list(members)
    return {field: build_column(getattr(member, field, None) or ZERO_QUANTITY for member in listed) for field in fields}


def build_period_arrays(members: Iterable[Entry], periods: int, *fields: str) -> dict[str, ExactArray]:
    """Build the arrays of fields over periods.

    Args:
        members: Members (N,) of the axis.
        periods: Number of periods T.
        fields: Fields of a member.

    Returns:
        Figures (N, T) by field.
    """
    listed = list(members)
    return {field: build_period_array((getattr(member, field) for member in listed), periods) for field in fields}


def build_period_array(quantities: Iterable[Quantity | list[Quantity]], periods: int) -> ExactArray:
    """Build an array over periods; a scalar holds in all periods.

    Args:
        quantities: Scalar, or list of T quantities, of each of N members.
        periods: Number of periods T.

    Returns:
        Figures (N, T).
    """
    rows: list[tuple[ExactNumber, dict[int, ExactNumber]]] = []
    for figure in quantities:
        if isinstance(figure, list):
            rows.append((EXACT_ZERO, dict(enumerate(map(convert_quantity, figure)))))
        else:
            rows.append((convert_quantity(figure), {}))
    return build_grid(rows, periods)


def build_metal_array(rows: Iterable[Mapping[str, Quantity]], metals: NameAxis, missing: Quantity) -> ExactArray:
    """Build an array over metals.

    Args:
        rows: Quantity by metal, of each of N members.
        metals: Axis of metals (E).
        missing: Quantity of a metal that is not given.

    Returns:
        Figures (N, E).
    """
    most = convert_quantity(missing)
    return build_grid(
        ((most, {metals.index[name]: convert_quantity(quantity) for name, quantity in row.items()}) for row in rows),
        len(metals),
    )


def resolve_cascade(
    *rules: Quantity | Mapping[str, Quantity] | None, metals: NameAxis, missing: Quantity
) -> tuple[ExactNumber, dict[int, ExactNumber]]:
    """Resolve rules of decreasing precedence, such as those of a terms line and its smelter, to one value per metal.

    Args:
        *rules: Scalar, mapping by metal with an optional `default`, or None; the first has precedence.
        metals: Axis of metals.
        missing: Quantity of a metal without a rule.

    Returns:
        Number of most metals, and the exceptions by metal index.
    """
    most, own = convert_quantity(missing), dict[int, ExactNumber]()
    for rule in reversed(rules):
        whole = rule.get("default") if isinstance(rule, Mapping) else rule
        if whole is not None:
            most, own = convert_quantity(whole), {}
        if isinstance(rule, Mapping):
            own |= {
                metals.index[name]: convert_quantity(quantity)
                for name, quantity in rule.items()
                if name in metals.index
            }
    return most, own


Figure = Quantity | list[Quantity]
"""One value for all periods, or a list with one for each."""


def list_figures(figure: Figure | None) -> list[Quantity]:
    """List the quantities of a value that may be given by period.

    Args:
        figure: Quantity, list of T quantities, or None.

    Returns:
        The quantities; none where it is None.
    """
    return figure if isinstance(figure, list) else [] if figure is None else [figure]


def select_figure(figure: Figure, period: int) -> Quantity:
    """Select the quantity of a period.

    Args:
        figure: Quantity for all periods, or list of T quantities.
        period: Index of the period.

    Returns:
        The quantity.
    """
    return figure[period] if isinstance(figure, list) else figure


def build_price_array(figures: Sequence[Figure], periods: int) -> ExactArray:
    """Build an array of prices, with an axis of periods only where one of them changes over time.

    Args:
        figures: Price of each of N members.
        periods: Number of periods T.

    Returns:
        Prices (N, 1 or T).
    """
    return build_by_period(figures, periods, lambda t: build_column(select_figure(figure, t) for figure in figures))


def build_by_period(figures: Iterable[Figure | None], periods: int, build: Callable[[int], ExactArray]) -> ExactArray:
    """Build an array with an axis of periods only where one of its values changes over time.

    Args:
        figures: Values of which it is built.
        periods: Number of periods T.
        build: Builds the array of a period.

    Returns:
        Array with a last axis of length 1 or T.
    """
    count = periods if any(isinstance(figure, list) for figure in figures) else 1
    return stack_over_periods([build(t) for t in range(count)])


def find_covered_metals(rule: Figure | Mapping[str, Figure] | None, metals: Iterable[str]) -> set[str]:
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


def build_grid(rows: Iterable[tuple[ExactNumber, Mapping[int, ExactNumber]]], width: int) -> ExactArray:
    """Build an array of N rows, each with one number for most columns and exceptions by column index.

    Args:
        rows: Number of most columns, and exceptions, of each row.
        width: Number of columns.

    Returns:
        Figures (N, width).
    """
    listed = list(rows)
    most = [number for number, _ in listed]
    others = [(row, index, number) for row, (_, own) in enumerate(listed) for index, number in own.items()]
    factors = dict.fromkeys([*(number.factor for number in most), *(number.factor for *_, number in others)])
    order = {factor: position for position, factor in enumerate(factors)}
    raw = np.repeat(np.array([number.raw for number in most], dtype=np.float64), width).reshape(len(listed), width)
    unit = np.repeat(np.array([order[number.factor] for number in most], dtype=np.intp), width).reshape(raw.shape)
    if others:
        at = tuple(np.array([one[:2] for one in others], dtype=np.intp).T)
        raw[at] = [number.raw for *_, number in others]
        unit[at] = [order[number.factor] for *_, number in others]
    return ExactArray(raw, unit, tuple(order) or (Fraction(1),))


def get_window_ends(window: Quantity | list[Quantity]) -> tuple[Quantity, Quantity]:
    """Get the bounds of a window.

    Args:
        window: Scalar for an equality, or [lower, upper].

    Returns:
        Lower and upper bound.
    """
    return (window[0], window[1]) if isinstance(window, list) else (window, window)


def mask_names(names: list[str] | None, axis: NameAxis) -> Bools:
    """Mark the members of an axis that a list names.

    Args:
        names: Names; None for all.
        axis: Axis (N).

    Returns:
        Mask (N,).
    """
    found = np.full(len(axis), names is None)
    found[[axis.index[name] for name in names or () if name in axis.index]] = True
    return found


class PriceStep(NamedTuple):
    """One step: its price, and the quantity up to which it holds, None for no limit; in canonical units."""

    price: Fraction
    up_to: Fraction | None


def split_price(price: Any) -> tuple[Figure, tuple[PriceStep, ...]]:
    """Return the price of the first step, and all steps.

    Args:
        price: Quantity, list of one by period, or steps.

    Returns:
        Quantity or list of quantities; and the steps in order, none where the price does not depend on the quantity.
    """
    if not (isinstance(price, list) and isinstance(price[0], OfferPriceStep)):
        return price, ()
    steps = (PriceStep(step.price.exact, None if step.up_to is None else step.up_to.exact) for step in price)
    return price[0].price, tuple(steps)


def set_first_prices(prices: ExactArray, steps: Sequence[Sequence[PriceStep]]) -> ExactArray:
    """Return prices with those of the first steps.

    Args:
        prices: Prices (N, 1 or T), 0 where there are steps.
        steps: Steps of each owner (N,).

    Returns:
        Prices of the same shape.
    """
    stepped = [(n, own[0].price) for n, own in enumerate(steps) if own]
    if not stepped:
        return prices
    raw, unit = np.array(prices.raw), np.array(np.broadcast_to(prices.unit, prices.raw.shape))
    for number, (n, _) in enumerate(stepped):
        raw[n], unit[n] = 1.0, len(prices.factors) + number
    return ExactArray(raw, unit, (*prices.factors, *(Fraction(price) for _, price in stepped)))


def build_price_steps(steps: Sequence[Sequence[PriceStep]]) -> PriceSteps:
    """Build the limits of price steps.

    Args:
        steps: Steps of each owner (N,).

    Returns:
        Limits (S,), by owner and in order.
    """
    rows: list[tuple[int, int, ExactNumber, ExactNumber]] = []
    for owner, own in enumerate(steps):
        for number, step in enumerate(own):
            if step.up_to is None:
                continue
            after = own[number + 1].price if number + 1 < len(own) else None
            surcharge = EXACT_INFINITY if after is None else ExactNumber(1.0, Fraction(after - step.price))
            rows.append((owner, number, ExactNumber(1.0, Fraction(step.up_to)), surcharge))
    if not rows:
        return NO_STEPS
    owners, numbers = (np.array([row[axis] for row in rows], dtype=np.intp) for axis in (0, 1))
    above, surcharges = ExactArray.gather(row[2] for row in rows), ExactArray.gather(row[3] for row in rows)
    return PriceSteps(owners, numbers, above, surcharges)
