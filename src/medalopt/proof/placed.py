"""Position of extension terms in the arrays of a plan, and sums over them by row and by column."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from medalopt.instance.arithmetic import Numbers, summed
from medalopt.instance.decisions import Account
from medalopt.instance.figures import Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.pooling import pool_names
from medalopt.instance.routes import Routes
from medalopt.proof.added import Added, Term
from medalopt.proof.quantities import quantity, scale

OWN = "own"  # array of the user variables
_ARRAY: Mapping[str, str] = {"ship": "sent", "leave": "sent"}  # component to array, if not equal
_AXES: Mapping[str, tuple[str, ...]] = {
    "ship": ("route", "period"),
    "leave": ("exit", "period"),
    "stockpile": ("stream", "period"),
    "take": ("bundle", "period"),
    "feed": ("smelter", "period"),
    "treated": ("treatment", "period"),
    "returned": ("smelter", "metal", "period"),
    "sent_device": ("device",),
    "sent_region": ("region",),
    "sent_stream": ("stream",),
    "spend": ("period",),
    "network_footprint": ("all",),
    "bought": ("offer",),
    "stock": ("metal", "period"),
    "surplus": ("metal", "period"),
    "charge": ("alloy", "metal", "period"),
    "buy": ("offer", "alloy", "period"),
    "acquire": ("offer", "period"),
    "offer_stock": ("offer", "period"),
    "cast": ("alloy", "period"),
    "cast_stock": ("alloy", "period"),
    "recharge": ("alloy", "period"),
    "scrap": ("alloy", "period"),
    "withheld": ("pool", "metal", "period"),
}
_WIDTH: Mapping[str, int] = {"route": 3, "exit": 2, "bundle": 2, "all": 0}  # number of names per axis, if not 1


class Places:
    """Index from names to positions: array and place of the quantity of a term."""

    def __init__(self, instance: Instance, found: Routes, own: tuple[str, ...]) -> None:
        self.instance, self.found = instance, found
        names = {
            "stream": instance.streams.names,
            "treatment": instance.treatments.names,
            "smelter": instance.smelters.names,
            "metal": instance.metals.names,
            "alloy": instance.alloys.names,
            "offer": instance.market.names,
            "device": instance.devices.names,
            "region": instance.regions,
            "pool": pool_names(instance),
            "period": instance.periods,
            "all": ((),),
        }
        self.numbers: dict[str, dict[Any, int]] = {axis: _numbered(labels) for axis, labels in names.items()}
        self.numbers["bundle"] = _numbered(tuple(tuple(bundle) for bundle in instance.bundles))
        self.own = _numbered(own)

    @cached_property
    def routes(self) -> dict[Any, int]:
        """Index of each route by its names: stream, treatment, and smelter if there is one."""
        streams, treatments = self.instance.streams.names, self.instance.treatments.names
        smelters, found = self.instance.smelters.names, self.found
        ways = zip(found.stream.tolist(), found.treatment.tolist(), found.smelter.tolist(), strict=True)
        return _numbered([(streams[i], treatments[h], *((smelters[k],) if k >= 0 else ())) for i, h, k in ways])

    def shape(self, component: str) -> tuple[int, ...]:
        """Return the shape of the array that holds a component.

        Args:
            component: Name of a model component or of a user variable.

        Returns:
            The shape.
        """
        if component in self.own:
            return (len(self.own),)
        ways = len(self.found)
        return tuple(ways if axis in ("route", "exit") else len(self.numbers[axis]) for axis in _AXES[component])

    def place(self, term: Term) -> tuple[str, int] | None:
        """Return array and flat position of the quantity of a term.

        Args:
            term: Term of an extension row.

        Returns:
            Name of the array and position, or None if the instance has no such quantity.
        """
        if term.component in self.own:
            return None if term.key else (OWN, self.own[term.component])
        axes, rest = _AXES.get(term.component), term.key
        at: list[Any] = []
        if axes is None:
            return None
        for axis in axes:
            width = _WIDTH.get(axis, 1)
            label: Any = rest[0] if rest and width == 1 else rest[:width]
            rest, numbers = rest[width:], self.routes if axis in ("route", "exit") else self.numbers[axis]
            at.append(numbers.get(label))
        if rest or None in at:
            return None
        return _ARRAY.get(term.component, term.component), int(np.ravel_multi_index(at, self.shape(term.component)))


def _numbered(labels: Any) -> dict[Any, int]:
    """Return the position of each label."""
    return {label: number for number, label in enumerate(labels)}


@dataclass(frozen=True, eq=False)
class Terms:
    """All terms on one array: row, flat position in the array and coefficient of each."""

    shape: tuple[int, ...]
    row: Ints
    at: Ints
    coefficient: Numbers


@dataclass(frozen=True)
class Placed:
    """Extensions as arrays in one arithmetic; the added costs are the row after the last."""

    added: Added
    terms: Mapping[str, Terms]
    lift: Callable[[Any], Numbers]

    @property
    def height(self) -> int:
        """Number of rows, the added costs included."""
        return len(self.added.rows) + 1

    def ends(self) -> tuple[Floats, Floats]:
        """Return lower and upper bound of each row (R), without the costs."""
        return _pairs([(row.lower, row.upper) for row in self.added.rows])

    def limits(self) -> tuple[Floats, Floats]:
        """Return lower and upper bound of each user variable."""
        return _pairs([(one.lower, one.upper) for one in self.added.variables])


def _pairs(pairs: list[tuple[float, float]]) -> tuple[Floats, Floats]:
    """Return pairs as two arrays."""
    table = np.array(pairs, dtype=np.float64).reshape(len(pairs), 2)
    return table[:, 0], table[:, 1]


def placed(instance: Instance, found: Routes, added: Added, lift: Callable[[Any], Numbers]) -> Placed:
    """Return extensions as arrays.

    Args:
        instance: Instance.
        found: Admissible routes (J).
        added: User extensions.
        lift: Converts floats to the arithmetic of the result.

    Returns:
        The arrays.

    Raises:
        LookupError: A term refers to a quantity that the instance does not have.
    """
    places = Places(instance, found, tuple(one.name for one in added.variables))
    held: dict[str, tuple[tuple[int, ...], list[tuple[int, int, float]]]] = {}
    for number, terms in enumerate((*(row.terms for row in added.rows), added.costs)):
        for term in terms:
            at = places.place(term)
            if at is None:
                raise LookupError(f"{term.component}[{', '.join(term.key)}]")
            held.setdefault(at[0], (places.shape(term.component), []))[1].append((number, at[1], term.coefficient))
    return Placed(
        added,
        {
            array: Terms(
                shape,
                np.array([row for row, _, _ in all_], dtype=np.intp),
                np.array([at for _, at, _ in all_], dtype=np.intp),
                lift(np.array([coefficient for *_, coefficient in all_], dtype=np.float64)),
            )
            for array, (shape, all_) in held.items()
        },
        lift,
    )


def activity(account: Account, rows: Placed) -> tuple[Numbers, Numbers]:
    """Return the activity of each extension row, and of the added costs as last row.

    Args:
        account: Plan.
        rows: Extensions as arrays.

    Returns:
        Activities (R + 1), and the sums of the absolute terms (R + 1).
    """
    values = rows.lift(np.array([one.value for one in rows.added.variables], dtype=np.float64))
    total = size = rows.lift(np.zeros(rows.height))
    for array, terms in rows.terms.items():
        at = np.unravel_index(terms.at, terms.shape)
        held = values if array == OWN else quantity(account, array)
        sizes = abs(values) if array == OWN else scale(account, array)
        total = total + summed(terms.coefficient * held[at], terms.row, rows.height)
        size = size + summed(abs(terms.coefficient) * sizes[at], terms.row, rows.height)
    return total, size


def weighed(rows: Placed, weights: Numbers) -> dict[str, Numbers]:
    """Return the weighted sum of the extension rows, transposed to the quantities.

    Args:
        rows: Extensions as arrays.
        weights (R + 1): Weight of each row, of the added costs last.

    Returns:
        By array, the sum of weight times coefficient per quantity.
    """
    made = {}
    for array, terms in rows.terms.items():
        parts = terms.coefficient * weights[terms.row]
        flat = summed(parts, terms.at, math.prod(terms.shape))
        made[array] = flat[np.arange(math.prod(terms.shape)).reshape(terms.shape)]
    return made
