"""What a saved answer states, decisions and prices, taken back; what cannot be taken over is a broken rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from medalopt.instance.decisions import Decisions
from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.needs import is_stocked
from medalopt.instance.paths import render
from medalopt.instance.pooling import pool_names
from medalopt.instance.routes import Routes
from medalopt.proof.placed import Places
from medalopt.proof.prices import axes

NOISE = 1e-12  # of what is charged in all, below which a difference of two figures is rounding


@dataclass(frozen=True)
class Broken:
    """One rule that a plan breaks, and by how much."""

    rule: str
    path: str
    amount: float
    unit: str
    text: str


class Tables:
    """Rows of named figures filled into arrays, each place once."""

    def __init__(self, instance: Instance) -> None:
        self.axes = {
            "stream": instance.streams.names,
            "treatment": instance.treatments.names,
            "offer": instance.market.names,
            "alloy": instance.alloys.names,
            "metal": instance.metals.names,
            "melted": (*instance.metals.names, "other"),
            "pool": pool_names(instance),
            "period": instance.periods,
        }
        self.places = {name: {label: n for n, label in enumerate(axis)} for name, axis in self.axes.items()}
        self.broken: list[Broken] = []

    def filled(self, table: str, axes: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]) -> Floats:
        """Return an array over `axes` with the value of each row at its names; 0 where there is no row."""
        values = np.zeros(tuple(len(self.axes[axis]) for axis in axes))
        taken: set[tuple[int, ...]] = set()
        for names, value in rows:
            at = tuple(self.places[axis].get(name, -1) for axis, name in zip(axes, names, strict=True))
            if -1 in at:
                self.refuse(table, names, value, "names what the instance does not have")
            elif at in taken:
                self.refuse(table, names, value, "comes twice")
            else:
                taken.add(at)
                values[at] = value
        return values

    def refuse(self, table: str, names: Iterable[Any], value: float, why: str) -> None:
        """Note a row that cannot stand."""
        row = ", ".join(str(name) for name in names)
        self.broken.append(Broken(table, row, abs(value), "", f"{table}: the row {row} {why}"))


def priced(instance: Instance, rows: Iterable[Any]) -> tuple[dict[str, dict[Any, float]], list[Broken]]:
    """Return the stated prices by constraint and index, and those that are of no row, or come twice."""
    known = {rule: [frozenset(axis) for axis in along] for rule, along in axes(instance).items()}
    duals: dict[str, dict[Any, float]] = {}
    broken: list[Broken] = []
    for row in rows:
        along = known.get(row.rule)
        key = tuple(row.key) if len(row.key) > 1 else next(iter(row.key), None)
        stands = along is not None and len(along) == len(row.key) and all(map(frozenset.__contains__, along, row.key))
        if stands and key not in duals.get(row.rule, {}):
            duals.setdefault(row.rule, {})[key] = row.value
        else:
            why = "comes twice" if stands else "is of no rule that the instance has"
            text = f"duals: the row {row.rule}[{', '.join(row.key)}] {why}"
            broken.append(Broken("duals", render((row.rule, *row.key)), abs(row.value), "", text))
    return duals, broken


def decided(instance: Instance, found: Routes, plan: Any) -> tuple[Decisions, list[Broken]]:
    """Return the decisions of the saved `plan` as arrays, and the rows that belong to nothing."""
    tables = Tables(instance)
    stockpile = tables.filled(
        "stockpiles", ("stream", "period"), (((row.stream, row.period), row.tonnes) for row in plan.stockpiles)
    )
    bought = tables.filled(
        "purchases",
        ("offer", "alloy", "period"),
        (((row.offer, row.alloy, row.period), row.kg) for row in plan.purchases),
    )
    from_stock = tables.filled(
        "offer_charges",
        ("offer", "alloy", "period"),
        (((row.offer, row.alloy, row.period), row.kg) for row in plan.offer_charges),
    )
    purchased = tables.filled(
        "offer_stock", ("offer", "period"), (((row.offer, row.period), row.bought) for row in plan.offer_stock)
    )
    bought, purchased = _of_stock(instance, plan, bought, from_stock, purchased, tables)
    surplus = tables.filled(
        "metals", ("metal", "period"), (((row.metal, row.period), row.surplus) for row in plan.metals)
    )
    recharged = tables.filled(
        "casts", ("alloy", "period"), (((row.alloy, row.period), row.scrap) for row in plan.casts)
    )
    melted = tables.filled(
        "melts", ("alloy", "melted", "period"), (((row.alloy, row.metal, row.period), row.kg) for row in plan.melts)
    )
    content = instance.market.composition.value
    from_offers = np.einsum("oe,oat->aet", content, bought)
    charged = melted[:, :-1] - from_offers
    charged = np.where(abs(charged) <= NOISE * (abs(melted[:, :-1]) + from_offers), 0.0, charged)
    withheld = tables.filled(
        "withheld", ("pool", "metal", "period"), (((row.terms, row.metal, row.period), row.kg) for row in plan.withheld)
    )
    sent = _sent(instance, found, plan, tables)
    return Decisions(sent, stockpile, charged, bought, surplus, recharged, purchased, withheld), tables.broken


def _of_stock(
    instance: Instance, plan: Any, at_once: Floats, from_stock: Floats, purchased: Floats, tables: Tables
) -> tuple[Floats, Floats]:
    """Return what is charged of each offer, and what is bought of those in stock; refuse rows in the wrong table."""
    stocked = is_stocked(instance)
    names = {name for name, kept in zip(instance.market.names, stocked.tolist(), strict=True) if kept}
    for table, wanted in (("purchases", False), ("offer_charges", True), ("offer_stock", True)):
        for row in getattr(plan, table):
            if (row.offer in names) != wanted and row.offer in instance.market.names:
                why = f"is of an offer that is {'not ' if wanted else ''}bought into stock"
                tables.refuse(table, (row.offer, row.period), 0.0, why)
    return np.where(stocked[:, None, None], from_stock, at_once), purchased[stocked]


def way(row: Any) -> tuple[str, ...]:
    """Return the names of the route that a row of shipments takes."""
    return (row.stream, row.treatment, *(() if row.smelter is None else (row.smelter,)))


def _sent(instance: Instance, found: Routes, plan: Any, tables: Tables) -> Floats:
    streams = instance.streams
    device = dict(zip(streams.names, (instance.devices.names[d] for d in streams.device.tolist()), strict=True))
    region = dict(zip(streams.names, (instance.regions[g] for g in streams.region.tolist()), strict=True))
    route = Places(instance, found, ()).routes
    sent = np.zeros((len(found), len(instance.periods)))
    taken: set[tuple[int, int]] = set()
    for row in plan.shipments:
        names = (row.stream, row.treatment, row.smelter or "no smelter", row.period)
        at = (route.get(way(row), -1), tables.places["period"].get(row.period, -1))
        if -1 in at:
            tables.refuse("shipments", names, row.tonnes, "takes a route that the instance does not allow")
        elif at in taken:
            tables.refuse("shipments", names, row.tonnes, "comes twice")
        elif (row.device, row.region) != (device[row.stream], region[row.stream]):
            tables.refuse("shipments", names, row.tonnes, "names another device or region than its stream's")
        else:
            taken.add(at)
            sent[at] = row.tonnes
    return sent
