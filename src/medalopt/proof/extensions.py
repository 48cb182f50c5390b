"""User extensions as data: constraints, variables and costs over the quantities of a plan, with their arithmetic.

A term refers to a quantity as `models/sourcing.md` does (component and index), or to a variable of the user. These rows
belong to the claims of a plan, and every claim about them is verified.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from medalopt.catalog import VARIABLES
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import Numbers, make_zeros, sum_by_group
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.bounds import compute_cumulative_demand, list_axis_names
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.text import format_count


@dataclass(frozen=True)
class ExtensionTerm:
    """`coefficient` times one quantity: its component, and its names in the order of the component's index."""

    component: str
    key: tuple[str, ...]
    coefficient: float


@dataclass(frozen=True)
class ExtensionRow:
    """A constraint `lower <= sum of terms <= upper` in the unit of its author, with its dual value."""

    name: str
    lower: float
    upper: float
    terms: tuple[ExtensionTerm, ...]
    dual: float = 0.0


@dataclass(frozen=True)
class ExtensionVariable:
    """A variable of the user, `lower <= value <= upper`; a term refers to it as a component without a key."""

    name: str
    lower: float
    upper: float
    value: float = 0.0


@dataclass(frozen=True)
class ExtensionData:
    """All extensions of an instance: constraints, variables, and `costs` added to the objective."""

    rows: tuple[ExtensionRow, ...] = ()
    variables: tuple[ExtensionVariable, ...] = ()
    costs: tuple[ExtensionTerm, ...] = ()

    def scale_duals(self, factor: float) -> ExtensionData:
        """Return a copy with the dual values multiplied by a factor.

        Args:
            factor: Factor of every dual value.

        Returns:
            The scaled copy.
        """
        return replace(self, rows=tuple(replace(row, dual=row.dual * factor) for row in self.rows))

    def without_solution(self) -> ExtensionData:
        """Return a copy without solution values.

        Returns:
            Extensions in which dual values and variable values are 0.
        """
        return replace(
            self.scale_duals(0.0), variables=tuple(replace(variable, value=0.0) for variable in self.variables)
        )

    def with_duals_of(self, other: ExtensionData) -> ExtensionData:
        """Return a copy with the dual values of `other`.

        Args:
            other: Extensions with the same rows in the same order.

        Returns:
            The copy.
        """
        duals = [row.dual for row in other.rows]
        return replace(self, rows=tuple(replace(row, dual=dual) for row, dual in zip(self.rows, duals, strict=True)))

    @property
    def scope(self) -> str:
        """Scope of a certificate on these extensions, such as `instance and 3 added rows`."""
        counts = ((len(self.rows), "added row"), (len(self.variables), "added variable"))
        parts = [format_count(count, what) for count, what in counts if count]
        parts += ["added costs"] if self.costs else []
        *first, last = ["instance", *parts]
        return f"{', '.join(first)} and {last}" if first else last


NO_EXTENSIONS = ExtensionData()
OBJECTIVE_ROW = "objective"  # row name of terms that are added costs


_SPEND_KINDS = ("supply", "collection", "treatment", "transport", "smelting", "refining", "residue", "storage")


def evaluate_quantity(account: PlanAccount, array: str) -> Numbers:
    """Return the values of one array of quantities.

    Args:
        array: Name of the array.

    Returns:
        The values, in the unit of the quantity.
    """
    return _QUANTITY_FUNCTIONS[array](account)


def _evaluate_scale(account: PlanAccount, array: str) -> Numbers:
    """Return the magnitude that rounding errors of an array are relative to: for a difference, that of its parts."""
    made = _SCALE_FUNCTIONS.get(array)
    return made(account) if made else abs(evaluate_quantity(account, array))


def _sum_sent_by(by: str, groups: str) -> Callable[[PlanAccount], Numbers]:
    """Return a function that sums the tonnes sent by device or region."""

    def values(account: PlanAccount) -> Numbers:
        """Sum the tonnes sent by group."""
        group, names = getattr(account.instance.streams, by), getattr(account.instance, groups)
        return sum_by_group(account.sent, group, len(names if by == "region" else names.names))

    return values


def _bundle_shares(account: PlanAccount) -> Numbers:
    """Return the share taken of each bundle (B, T): tonnes sent and stocked over supply."""
    streams, bundles = account.instance.streams, len(account.instance.bundles)
    member = streams.bundle >= 0
    taken = sum_by_group(account.taken[member], streams.bundle[member], bundles)
    offered = sum_by_group(account.read(streams.available)[member], streams.bundle[member], bundles)
    return np.where(offered > 0, taken / np.where(offered > 0, offered, 1), 0)


def _evaluate_network_footprint(account: PlanAccount) -> Numbers:
    """Return the footprint of the network (1), kg CO2e."""
    emitted = (account.routes.footprint @ account.decisions.sent).sum()
    return make_zeros((1,), account.sent) + emitted


def _evaluate_left(account: PlanAccount) -> Numbers:
    """Return the metal left with the smelters (L, E, T), kg; 0 where none may be left."""
    left = account.decisions.left
    return left if len(left) else make_zeros(account.credited_by_line.shape, account.sent)


_QUANTITY_FUNCTIONS: Mapping[str, Callable[[PlanAccount], Numbers]] = {
    "sent": lambda account: account.decisions.sent,
    "stockpile": lambda account: account.decisions.stockpile,
    "take": _bundle_shares,
    "feed": lambda account: account.feed,
    "treated": lambda account: account.treated,
    "returned": lambda account: account.returned,
    "impurity": lambda account: account.impurity,
    "sent_device": _sum_sent_by("device", "devices"),
    "sent_region": _sum_sent_by("region", "regions"),
    "sent_stream": lambda account: account.sent,
    "spend": lambda account: (
        sum(account.costs_of_quantities[kind] for kind in _SPEND_KINDS) + account.sum_uncalled_charge()
    ),
    "network_footprint": _evaluate_network_footprint,
    "bought": lambda account: account.bought,
    "acquire": lambda account: account.purchases,
    "offer_stock": lambda account: account.offer_stock,
    "stock": lambda account: account.stock,
    "surplus": lambda account: account.decisions.surplus,
    "left": lambda account: _evaluate_left(account),
    "returned_line": lambda account: account.credited_by_line,
    "charge": lambda account: account.decisions.charged,
    "buy": lambda account: account.decisions.bought,
    "cast": lambda account: account.cast,
    "cast_stock": lambda account: account.cast_stock,
    "recharge": lambda account: account.decisions.recharged,
    "scrap": lambda account: account.scrap,
    "withheld": lambda account: account.decisions.withheld,
    "missed": lambda account: account.missed,
}
_SCALE_FUNCTIONS: Mapping[str, Callable[[PlanAccount], Numbers]] = {
    "spend": lambda account: sum(abs(account.costs_of_quantities[kind]) for kind in _SPEND_KINDS),
    "stock": lambda account: np.maximum(
        abs(account.stock), np.cumsum(account.decisions.charged.sum(axis=0) + account.decisions.surplus, axis=1)
    ),
    "scrap": lambda account: np.maximum(abs(account.scrap), np.cumsum(account.decisions.recharged, axis=1)),
    "offer_stock": lambda account: np.maximum(
        abs(account.offer_stock),
        np.cumsum(account.purchases, axis=1) + account.read(account.instance.market.opening_stock)[:, None],
    ),
    "cast_stock": lambda account: np.maximum(
        abs(account.cast_stock), compute_cumulative_demand(account.instance, account.read)
    ),
}


OWN_VARIABLES = "own"  # array of the user variables
_ARRAY_NAMES: Mapping[str, str] = {"ship": "sent", "leave": "sent"}  # component to array, if not equal
_AXIS_WIDTHS: Mapping[str, int] = {"route": 3, "exit": 2, "bundle": 2, "all": 0}  # number of names per axis, if not 1


class QuantityIndex:
    """Index from names to positions: array and place of the quantity of a term."""

    def __init__(self, instance: Instance, routes: Routes, own: tuple[str, ...]) -> None:
        self.instance, self.found = instance, routes
        names: dict[str, tuple[Any, ...]] = {**list_axis_names(instance), "all": ((),)}
        self.numbers: dict[str, dict[Any, int]] = {axis: _number_labels(labels) for axis, labels in names.items()}
        self.numbers["bundle"] = _number_labels(tuple(tuple(bundle) for bundle in instance.bundles))
        self.own = _number_labels(own)

    @cached_property
    def routes(self) -> dict[Any, int]:
        """Index of each route by stream, treatment, and smelter if there is one."""
        streams, treatments = self.instance.streams.names, self.instance.treatments.names
        smelters, routes = self.instance.smelters.names, self.found
        ways = zip(routes.stream.tolist(), routes.treatment.tolist(), routes.smelter.tolist(), strict=True)
        return _number_labels([(streams[i], treatments[h], *((smelters[k],) if k >= 0 else ())) for i, h, k in ways])

    def get_shape(self, component: str) -> tuple[int, ...]:
        """Return the shape of the array that holds a component.

        Args:
            component: Name of a model component or of a user variable.

        Returns:
            The shape.
        """
        if component in self.own:
            return (len(self.own),)
        ways = len(self.found)
        return tuple(ways if axis in ("route", "exit") else len(self.numbers[axis]) for axis in VARIABLES[component])

    def locate(self, term: ExtensionTerm) -> tuple[str, int] | None:
        """Return array and flat position of the quantity of a term.

        Returns:
            Name of the array and position, or None if the instance has no such quantity.
        """
        if term.component in self.own:
            return None if term.key else (OWN_VARIABLES, self.own[term.component])
        axes, rest = VARIABLES.get(term.component), term.key
        at: list[Any] = []
        if axes is None:
            return None
        for axis in axes:
            width = _AXIS_WIDTHS.get(axis, 1)
            label: Any = rest[0] if rest and width == 1 else rest[:width]
            rest, numbers = rest[width:], self.routes if axis in ("route", "exit") else self.numbers[axis]
            at.append(numbers.get(label))
        if rest or None in at:
            return None
        return _ARRAY_NAMES.get(term.component, term.component), int(
            np.ravel_multi_index(at, self.get_shape(term.component))
        )


def _number_labels(labels: Any) -> dict[Any, int]:
    """Return the position of each label."""
    return {label: number for number, label in enumerate(labels)}


@dataclass(frozen=True, eq=False)
class ArrayTerms:
    """All terms on one array: row, flat position in the array and coefficient of each."""

    shape: tuple[int, ...]
    row: Ints
    at: Ints
    coefficient: Numbers


@dataclass(frozen=True)
class PlacedExtensions:
    """Extensions as arrays in one arithmetic; the added costs are the row after the last."""

    added: ExtensionData
    terms: Mapping[str, ArrayTerms]
    lift: Callable[[Any], Numbers]

    @property
    def height(self) -> int:
        """Number of rows of the extensions, and 1 for the added costs."""
        return len(self.added.rows) + 1

    def get_row_bounds(self) -> tuple[Floats, Floats]:
        """Return the bounds of the rows, without the costs.

        Returns:
            Lower and upper bound, (R,) each.
        """
        return _split_pairs([(row.lower, row.upper) for row in self.added.rows])

    def get_variable_bounds(self) -> tuple[Floats, Floats]:
        """Return the bounds of the variables of the user.

        Returns:
            Lower and upper bound, (V,) each.
        """
        return _split_pairs([(variable.lower, variable.upper) for variable in self.added.variables])


def _split_pairs(pairs: list[tuple[float, float]]) -> tuple[Floats, Floats]:
    """Return pairs as two arrays."""
    table = np.array(pairs, dtype=np.float64).reshape(len(pairs), 2)
    return table[:, 0], table[:, 1]


def place_extensions(
    instance: Instance, routes: Routes, added: ExtensionData, lift: Callable[[Any], Numbers]
) -> PlacedExtensions:
    """Return extensions as arrays.

    Args:
        lift: Converts floats to the arithmetic of the result.

    Returns:
        The arrays.

    Raises:
        LookupError: A term refers to a quantity that the instance does not have.
    """
    places = QuantityIndex(instance, routes, tuple(variable.name for variable in added.variables))
    held: dict[str, tuple[tuple[int, ...], list[tuple[int, int, float]]]] = {}
    for number, terms in enumerate((*(row.terms for row in added.rows), added.costs)):
        for term in terms:
            at = places.locate(term)
            if at is None:
                raise LookupError(f"{term.component}[{', '.join(term.key)}]")
            held.setdefault(at[0], (places.get_shape(term.component), []))[1].append((number, at[1], term.coefficient))
    return PlacedExtensions(
        added,
        {
            array: ArrayTerms(
                shape,
                np.array([row for row, _, _ in all_], dtype=np.intp),
                np.array([index for _, index, _ in all_], dtype=np.intp),
                lift(np.array([coefficient for *_, coefficient in all_], dtype=np.float64)),
            )
            for array, (shape, all_) in held.items()
        },
        lift,
    )


def compute_activity(account: PlanAccount, rows: PlacedExtensions) -> tuple[Numbers, Numbers]:
    """Return the activity of each extension row, and of the added costs as last row.

    Returns:
        Activities (R + 1), and the sums of the absolute terms (R + 1).
    """
    values = rows.lift(np.array([variable.value for variable in rows.added.variables], dtype=np.float64))
    total = size = rows.lift(np.zeros(rows.height))
    for array, terms in rows.terms.items():
        index = np.unravel_index(terms.at, terms.shape)
        held = values if array == OWN_VARIABLES else evaluate_quantity(account, array)
        sizes = abs(values) if array == OWN_VARIABLES else _evaluate_scale(account, array)
        total = total + sum_by_group(terms.coefficient * held[index], terms.row, rows.height)
        size = size + sum_by_group(abs(terms.coefficient) * sizes[index], terms.row, rows.height)
    return total, size


def sum_weighted_rows(rows: PlacedExtensions, weights: Numbers) -> dict[str, Numbers]:
    """Return the weighted sum of the extension rows, transposed to the quantities.

    Args:
        rows: Extensions as arrays.
        weights (R + 1): Weight of each row, of the added costs last.

    Returns:
        By array, the sum of weight times coefficient per quantity.
    """
    result = {}
    for array, terms in rows.terms.items():
        parts = terms.coefficient * weights[terms.row]
        flat = sum_by_group(parts, terms.at, math.prod(terms.shape))
        result[array] = flat[np.arange(math.prod(terms.shape)).reshape(terms.shape)]
    return result
