"""Where the terms of added rows stand: names to places in the arrays of an account, and sums over them both ways."""

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

OWN = "own"  # the array of the user's own variables
_ARRAY: Mapping[str, str] = {"ship": "sent", "leave": "sent"}  # component to array, where they differ
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
_WIDTH: Mapping[str, int] = {"route": 3, "exit": 2, "bundle": 2, "all": 0}  # names that an axis takes, if not one


class Places:
    """Where a term's quantity stands: the array, and the place in it."""

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
        """The number of each route by its names: stream, treatment, and the smelter where there is one."""
        streams, treatments = self.instance.streams.names, self.instance.treatments.names
        smelters, found = self.instance.smelters.names, self.found
        ways = zip(found.stream.tolist(), found.treatment.tolist(), found.smelter.tolist(), strict=True)
        return _numbered([(streams[i], treatments[h], *((smelters[k],) if k >= 0 else ())) for i, h, k in ways])

    def shape(self, component: str) -> tuple[int, ...]:
        """Return the shape of the array that `component` stands in."""
        if component in self.own:
            return (len(self.own),)
        ways = len(self.found)
        return tuple(ways if axis in ("route", "exit") else len(self.numbers[axis]) for axis in _AXES[component])

    def place(self, term: Term) -> tuple[str, int] | None:
        """Return the array of a term and the (flat) place in it; None where the instance has no such quantity."""
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
    return {label: number for number, label in enumerate(labels)}


@dataclass(frozen=True, eq=False)
class Terms:
    """All terms in one array: the row of each, its place in the array, its coefficient."""

    shape: tuple[int, ...]
    row: Ints
    at: Ints
    coefficient: Numbers


@dataclass(frozen=True)
class Placed:
    """`added` as arrays of one arithmetic; its costs are the row after the last."""

    added: Added
    terms: Mapping[str, Terms]
    lift: Callable[[Any], Numbers]

    @property
    def height(self) -> int:
        """The number of rows, the costs among them."""
        return len(self.added.rows) + 1

    def ends(self) -> tuple[Floats, Floats]:
        """Return the lower and the upper end of each row, without the costs."""
        return _pairs([(row.lower, row.upper) for row in self.added.rows])

    def limits(self) -> tuple[Floats, Floats]:
        """Return the bounds of each variable of the user's own."""
        return _pairs([(one.lower, one.upper) for one in self.added.variables])


def _pairs(pairs: list[tuple[float, float]]) -> tuple[Floats, Floats]:
    table = np.array(pairs, dtype=np.float64).reshape(len(pairs), 2)
    return table[:, 0], table[:, 1]


def placed(instance: Instance, found: Routes, added: Added, lift: Callable[[Any], Numbers]) -> Placed:
    """Return `added` as arrays. Raises LookupError where a term names what the instance does not have."""
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
    """Return what the plan makes of each row, the costs last, (R + 1,), and the sum of its terms' sizes."""
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
    """Return for each array what the rows, times `weights`, (R + 1,), ask of each of its quantities."""
    made = {}
    for array, terms in rows.terms.items():
        parts = terms.coefficient * weights[terms.row]
        flat = summed(parts, terms.at, math.prod(terms.shape))
        made[array] = flat[np.arange(math.prod(terms.shape)).reshape(terms.shape)]
    return made
