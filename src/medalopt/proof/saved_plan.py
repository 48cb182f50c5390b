"""Rows of a saved plan parsed to decisions, dual values and extensions; those that cannot be parsed are violations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np

from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.arithmetic import FLOAT_ARITHMETIC
from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import is_stocked, list_axis_names, may_miss
from medalopt.instance.instance import FRACTION_SEPARATOR, Instance
from medalopt.instance.routes import Routes
from medalopt.instance.smelter_terms import leaves_metal
from medalopt.proof.confidence import list_cone_axes
from medalopt.proof.extension_rows import compute_extension_residuals
from medalopt.proof.extensions import (
    OBJECTIVE_ROW,
    ExtensionData,
    ExtensionRow,
    ExtensionTerm,
    ExtensionVariable,
    PlacedExtensions,
    QuantityIndex,
)
from medalopt.proof.prices import list_price_axes
from medalopt.text import render_path
from medalopt.tolerances import FEASIBILITY_TOLERANCE, SUM_TOLERANCE


@dataclass(frozen=True)
class Violation:
    """A violated constraint or a wrong claim of a saved plan, with its amount."""

    rule: str
    path: str
    amount: float
    unit: str
    text: str


_NAME_COLUMNS = {"melted": "metal", "pool": "terms"}  # where a column has another name than its axis


class TableParser:
    """Parser that fills rows of names and values into arrays and collects the invalid ones."""

    def __init__(self, instance: Instance) -> None:
        self.axes = {**list_axis_names(instance), "melted": (*instance.metals.names, "other")}
        self.places = {name: {label: n for n, label in enumerate(axis)} for name, axis in self.axes.items()}
        self.broken: list[Violation] = []

    def fill_array(self, table: str, axes: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]) -> Floats:
        """Return an array filled from rows; unknown names and duplicates are refused.

        Args:
            table: Name of the saved table.
            axes: Index set of each name.
            rows: Names and value of each row.

        Returns:
            Values over `axes`, 0 without a row.
        """
        values = np.zeros(tuple(len(self.axes[axis]) for axis in axes))
        taken: set[tuple[int, ...]] = set()
        for names, value in rows:
            at = tuple(self.places[axis].get(name, -1) for axis, name in zip(axes, names, strict=True))
            if -1 in at:
                self._record_invalid(table, names, value, "names something that the instance does not have")
            elif at in taken:
                self._record_invalid(table, names, value, "comes twice")
            else:
                taken.add(at)
                values[at] = value
        return values

    def _read_table(self, plan: Any, table: str, axes: tuple[str, ...], column: str) -> Floats:
        """Return a column of a table of a saved plan as an array over `axes`, 0 without a row; see `fill_array`."""
        names = attrgetter(*(_NAME_COLUMNS.get(axis, axis) for axis in axes))
        rows = ((names(row) if axes[1:] else (names(row),), getattr(row, column)) for row in getattr(plan, table))
        return self.fill_array(table, axes, rows)

    def _record_invalid(self, table: str, names: Iterable[Any], value: float, reason: str) -> None:
        """Record an invalid row; `reason` completes the sentence that begins with it."""
        row = ", ".join(str(name) for name in names)
        self.broken.append(Violation(table, row, abs(value), "", f"{table}: the row {row} {reason}"))


def parse_duals(instance: Instance, rows: Iterable[Any]) -> tuple[dict[str, dict[Any, float]], list[Violation]]:
    """Parse saved dual values.

    Returns:
        Dual values by constraint and index, and a violation per unknown or duplicate row.
    """
    axes = list_price_axes(instance) | list_cone_axes(instance)
    known = {rule: [frozenset(axis) for axis in along] for rule, along in axes.items()}
    duals: dict[str, dict[Any, float]] = {}
    broken: list[Violation] = []
    for row in rows:
        along = known.get(row.rule)
        key = tuple(row.key) if len(row.key) > 1 else next(iter(row.key), None)
        stands = along is not None and len(along) == len(row.key) and all(map(frozenset.__contains__, along, row.key))
        if stands and key not in duals.get(row.rule, {}):
            duals.setdefault(row.rule, {})[key] = row.value
        else:
            reason = "comes twice" if stands else "is of no rule that the instance has"
            text = f"duals: the row {row.rule}[{', '.join(row.key)}] {reason}"
            broken.append(Violation("duals", render_path((row.rule, *row.key)), abs(row.value), "", text))
    return duals, broken


def parse_decisions(instance: Instance, routes: Routes, plan: Any) -> tuple[Decisions, list[Violation]]:
    """Parse the decisions of a saved plan.

    Args:
        plan: Saved plan, see `plan.schema.SavedPlan`.

    Returns:
        The decisions as arrays, and a violation per unknown or duplicate row.
    """
    tables = TableParser(instance)
    stockpile = tables._read_table(plan, "stockpiles", ("stream", "period"), "tonnes")
    bought, purchased = _parse_offers(instance, plan, tables)
    surplus = tables._read_table(plan, "metals", ("metal", "period"), "surplus")
    recharged = tables._read_table(plan, "casts", ("alloy", "period"), "scrap")
    melted = tables._read_table(plan, "melts", ("alloy", "melted", "period"), "kg")
    content = instance.market.composition.value
    from_offers = np.einsum("oe,oat->aet", content, bought)
    charged = melted[:, :-1] - from_offers
    charged = np.where(abs(charged) <= SUM_TOLERANCE * (abs(melted[:, :-1]) + from_offers), 0.0, charged)
    withheld = tables._read_table(plan, "withheld", ("pool", "metal", "period"), "kg")
    missed = _parse_missed_medals(instance, plan, tables)
    sent = _parse_shipments(instance, routes, plan, tables)
    left = _parse_left_metal(instance, plan, tables)
    if len(left):  # the surplus of a metal holds what is left with the smelters
        rest = surplus - left.sum(axis=0)
        surplus = np.where(abs(rest) <= SUM_TOLERANCE * surplus, 0.0, rest)
    decisions = Decisions(sent, stockpile, charged, bought, surplus, recharged, purchased, withheld, missed, left)
    return decisions, tables.broken


def _parse_left_metal(instance: Instance, plan: Any, tables: TableParser) -> Floats:
    """Return the metal left with the smelters (L, E, T); without lines where the instance has no such metal."""
    left = tables._read_table(plan, "left", ("terms", "metal", "period"), "kg")
    if leaves_metal(instance):
        return left
    for row in plan.left:
        tables._record_invalid("left", (row.terms, row.metal, row.period), row.kg, "is of a metal that is not left")
    return left[:0, :0, :0]


def _parse_missed_medals(instance: Instance, plan: Any, tables: TableParser) -> Floats:
    """Return the medals missed (M,), empty where none may be; each row names the period in which they are due."""
    missed = tables._read_table(plan, "shortfall", ("medal",), "missed")
    due = dict(zip(instance.medals.names, (instance.periods[t] for t in instance.medals.due.tolist()), strict=True))
    for row in plan.shortfall:
        if row.medal in due and row.period != due[row.medal]:
            tables._record_invalid("shortfall", (row.medal, row.period), row.missed, "names another period than is due")
    return missed if plan.shortfall or may_miss(instance).any() else np.zeros(0)


def _parse_offers(instance: Instance, plan: Any, tables: TableParser) -> tuple[Floats, Floats]:
    """Return the offers charged (O, A, T) and those bought into stock (S, T); rows in the wrong table are refused."""
    at_once, from_stock = (
        tables._read_table(plan, table, ("offer", "alloy", "period"), "kg") for table in ("purchases", "offer_charges")
    )
    purchased, stocked = tables._read_table(plan, "offer_stock", ("offer", "period"), "bought"), is_stocked(instance)
    names = {name for name, kept in zip(instance.market.names, stocked.tolist(), strict=True) if kept}
    for table, wanted in (("purchases", False), ("offer_charges", True), ("offer_stock", True)):
        for row in getattr(plan, table):
            if (row.offer in names) != wanted and row.offer in instance.market.names:
                reason = f"is of an offer that is {'not ' if wanted else ''}bought into stock"
                tables._record_invalid(table, (row.offer, row.period), 0.0, reason)
    return np.where(stocked[:, None, None], from_stock, at_once), purchased[stocked]


def list_route_names(row: Any) -> tuple[str, ...]:
    """Return the names of the route of a saved shipment.

    Args:
        row: Saved shipment.

    Returns:
        Stream, treatment or fraction, and smelter if there is one.
    """
    fraction: str | None = getattr(row, "fraction", None)
    split = row.treatment if fraction is None else f"{row.treatment}{FRACTION_SEPARATOR}{fraction}"
    return (row.stream, split, *(() if row.smelter is None else (row.smelter,)))


def _parse_shipments(instance: Instance, routes: Routes, plan: Any, tables: TableParser) -> Floats:
    """Return the tonnes sent (J, T) of the saved shipments."""
    streams = instance.streams
    device = dict(zip(streams.names, (instance.devices.names[d] for d in streams.device.tolist()), strict=True))
    region = dict(zip(streams.names, (instance.regions[g] for g in streams.region.tolist()), strict=True))
    route = QuantityIndex(instance, routes, ()).routes
    sent = np.zeros((len(routes), len(instance.periods)))
    taken: set[tuple[int, int]] = set()
    for row in plan.shipments:
        names = (row.stream, *list_route_names(row)[1:2], row.smelter or "no smelter", row.period)
        at = (route.get(list_route_names(row), -1), tables.places["period"].get(row.period, -1))
        if -1 in at or (getattr(row, "fraction", None) is None) != bool(routes.treats[at[0]]):
            tables._record_invalid("shipments", names, row.tonnes, "uses a route that the instance does not allow")
        elif at in taken:
            tables._record_invalid("shipments", names, row.tonnes, "comes twice")
        elif (row.device, row.region) != (device[row.stream], region[row.stream]):
            tables._record_invalid("shipments", names, row.tonnes, "names another device or region than its stream's")
        else:
            taken.add(at)
            sent[at] = row.tonnes
    return sent


_EXTENSION_FAMILY = "added rows"


def parse_extensions(instance: Instance, routes: Routes, plan: Any) -> tuple[ExtensionData, list[Violation]]:
    """Parse the extensions of a saved plan.

    Args:
        plan: Saved plan or statement of infeasibility, see `plan.schema`.

    Returns:
        The extensions, and a violation per duplicate name, empty range or unknown reference.
    """
    wrong = [
        _reject_row(name, "comes twice")
        for name in _find_duplicates([OBJECTIVE_ROW, *(row.name for row in plan.added_rows)])
    ]
    wrong += [_reject_row(name, "comes twice") for name in _find_duplicates([one.name for one in plan.added_variables])]
    wrong += [
        _reject_row(one.name, "has a lower end above its upper one")
        for one in (*plan.added_rows, *plan.added_variables)
        if one.lower is not None and one.upper is not None and one.lower > one.upper
    ]
    variables = {one.name: one for one in plan.added_variables}
    places = QuantityIndex(instance, routes, tuple(variables))
    terms: dict[str, list[ExtensionTerm]] = {OBJECTIVE_ROW: [], **{row.name: [] for row in plan.added_rows}}
    for stated in plan.added_terms:
        term = ExtensionTerm(stated.component, tuple(stated.key), stated.coefficient)
        if stated.row not in terms:
            wrong.append(_reject_row(stated.row, "has a term, and is no row of the plan"))
        elif places.locate(term) is None:
            what = f"{term.component}[{', '.join(term.key)}]"
            wrong.append(_reject_row(stated.row, f"names {what}, which the instance does not have"))
        else:
            terms[stated.row].append(term)
    low, high = -math.inf, math.inf
    rows = [
        ExtensionRow(
            row.name, _endpoint_or(row.lower, low), _endpoint_or(row.upper, high), tuple(terms[row.name]), row.dual
        )
        for row in plan.added_rows
    ]
    own = [
        ExtensionVariable(one.name, _endpoint_or(one.lower, low), _endpoint_or(one.upper, high), one.value)
        for one in variables.values()
    ]
    return ExtensionData(tuple(rows), tuple(own), tuple(terms[OBJECTIVE_ROW])), wrong


def check_extension_rows(account: PlanAccount, rows: PlacedExtensions) -> Iterator[Violation]:
    """Yield violated extension rows and violated bounds of user variables.

    Yields:
        Violations, with their amount in floats.
    """
    for each in compute_extension_residuals(account, rows):
        for number in np.flatnonzero(~(each.get_worst() <= FEASIBILITY_TOLERANCE)).tolist():
            amount = float(FLOAT_ARITHMETIC.lift(each.excess)[number])
            text = f"{_EXTENSION_FAMILY}: {each.names[number]} violated by {amount:.6g}"
            yield Violation(_EXTENSION_FAMILY, each.names[number], amount, "", text)


def _find_duplicates(names: list[str]) -> list[str]:
    """Return the names that occur again."""
    seen: set[str] = set()
    return [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]


def _reject_row(name: str, reason: str) -> Violation:
    """Return the violation of an invalid extension row."""
    return Violation(_EXTENSION_FAMILY, name, 0.0, "", f"{_EXTENSION_FAMILY}: {name} {reason}")


def _endpoint_or(value: float | None, none: float) -> float:
    """Return a bound, or `none` if it is absent."""
    return none if value is None else value
