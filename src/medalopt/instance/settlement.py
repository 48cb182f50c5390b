"""Settlement of past lots and signed contracts, read from CSV files and checked against an instance.

A lot is a shipment of feed to a smelter, or a stockpile that still waits for treatment; its settlement sheet states
weights, assays, payable metal, charges and the settlement date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from medalopt.errors import Fault
from medalopt.instance.accounting import Decisions
from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.bounds import is_stocked
from medalopt.instance.input_table import InputTable
from medalopt.instance.instance import Instance
from medalopt.instance.reader.files import FaultLog
from medalopt.instance.routes import Routes
from medalopt.instance.schema.field_types import QuantityField, find_name_flaw
from medalopt.instance.smelter_terms import leaves_metal
from medalopt.text import escape_text

_FEED_TOLERANCE = 0.01  # relative excess of feed over devices_t * to_smelter that is tolerated
_MAX_METAL_RATIO = 2.0  # payable over expected metal, above which a warning is given
_MAX_WARNINGS = 20  # most warnings of one kind
_WEIGHT_TOLERANCE = 0.005  # relative tolerance of weights and assays
_TEXT_COLUMNS = ("lot", "stream", "treatment", "smelter", "period", "settled_on")
_WEIGHT_COLUMNS = ("wet_t", "moisture", "dry_t", "devices_t")
_REQUIRED_COLUMNS = ("lot", "stream", "period")
_TONNES, _SHARE, _ASSAY = QuantityField("t"), QuantityField(high=1, below=True), QuantityField("kg/t", high=1000)
_KILOGRAMS, _MONEY = QuantityField("kg"), QuantityField("money", low=None)


@dataclass(frozen=True, eq=False)
class ActualLots:
    """N lots. A lot without a treatment is in a stockpile; NaN where a value is unknown."""

    names: tuple[str, ...]
    stream: Ints  # (N,)
    route: Ints  # (N,) index of the route; -1: in a stockpile
    period: Ints  # (N,) period of shipment
    feed_t: Floats  # (N,) dry t of feed at the smelter (of devices where there is no smelter)
    devices_t: Floats  # (N,) dry t of devices treated
    assay: Floats  # (N, E) kg per dry t of feed
    payable: Floats  # (N, E) kg returned by the smelter
    charges: Floats  # (N,) money, all charges of the smelter
    settled: Ints  # (N,) period of settlement, -1: not yet; the number of periods: after the horizon
    sha256: str
    warnings: tuple[Fault, ...] = ()

    @property
    def waits(self) -> Bools:
        """Lots in a stockpile, (N,) mask."""
        return self.route < 0

    def find_branches(self, routes: Routes) -> Bools:
        """Find the lots of fractions, whose devices were taken and treated in another lot.

        Args:
            routes: Routes of the instance.

        Returns:
            (N,) mask.
        """
        return np.append(~routes.treats, False)[self.route]  # last: stockpiles, of route -1


def make_empty_lots(instance: Instance) -> ActualLots:
    """Return lots of which there are none.

    Returns:
        Lots with N = 0.
    """
    none, nothing = np.zeros(0, dtype=np.intp), np.zeros(0)
    empty = np.zeros((0, len(instance.metals.names)))
    return ActualLots((), none, none, none, nothing, nothing, empty, empty, nothing, none, "")


def read_lots(path: Path, instance: Instance, routes: Routes, last: int) -> ActualLots:
    """Read lots from a CSV file.

    Args:
        path: Path of the file.
        instance: The instance.
        routes: Its routes.
        last: Index of the last past period.

    Returns:
        The lots with warnings.

    Raises:
        InputError: With every fault.
    """
    faults = FaultLog()
    metals = instance.metals.names
    columns = [*_TEXT_COLUMNS, *_WEIGHT_COLUMNS, "charges"]
    columns += [f"{what}_{metal}{unit}" for metal in metals for what, unit in (("assay", ""), ("payable", "_kg"))]
    table = InputTable.read(path, "actuals", columns, _REQUIRED_COLUMNS, instance, faults)
    if table is None:
        faults.raise_errors()
    assert table is not None, "a table that cannot be read is a fault"
    lots = _assemble_lots(table, instance, routes, last)
    _check_names(table, lots)
    _check_weights(table, lots)
    _check_metal(table, lots, instance)
    _check_fraction_lots(table, lots, instance, routes)
    faults.raise_errors()
    _warn_of_feed(table, lots, routes)
    _warn_of_metal(table, lots, instance, routes)
    _warn_of_supply(table, lots, instance, routes)
    _warn_of_dates(table, lots, instance)
    return replace(lots, warnings=faults.list_warnings())


def _assemble_lots(table: InputTable, instance: Instance, routes: Routes, last: int) -> ActualLots:
    """Read all columns; unstated payable metal of a settled lot is 0, unstated device mass is feed / `to_smelter`."""
    stream = table.read_names("stream", instance.streams.names)
    treatment = table.read_names("treatment", instance.treatments.names)
    smelter = table.read_names("smelter", instance.smelters.names)
    period = table.read_periods()
    for row in range(table.count):
        for name, index in (("stream", stream), ("period", period)):
            if index[row] < 0 and not table.is_filled(name, row):
                table.report_missing(row, name)
        if period[row] > last:
            table.add_fault(row, "period", f"lies after {instance.periods[last]}, the last period covered by --after")
    route = _find_routes(table, routes, stream, treatment, smelter)
    feed = _compute_dry_weight(table)
    metals = range(len(instance.metals.names))
    names = instance.metals.names
    assay = np.stack([table.read_quantities(f"assay_{names[e]}", _ASSAY) for e in metals], axis=1)
    payable = np.stack([table.read_quantities(f"payable_{names[e]}_kg", _KILOGRAMS) for e in metals], axis=1)
    settled = table.read_dates("settled_on")
    settled_lots = np.isfinite(payable).any(axis=1)  # metals left out of a settlement are 0
    payable[settled_lots] = np.nan_to_num(payable[settled_lots])
    share = np.where(route >= 0, routes.to_smelter[route] if len(routes) else 1.0, 1.0)
    sent_on = np.where(share > 0, share, 1.0)  # without a smelter the weight is that of the devices
    devices = table.read_quantities("devices_t", _TONNES)
    devices = np.where(np.isfinite(devices), devices, feed / sent_on)
    charges = table.read_quantities("charges", _MONEY)
    texts = tuple(table.read_texts("lot"))
    return ActualLots(texts, stream, route, period, feed, devices, assay, payable, charges, settled, table.sha256)


def _find_routes(table: InputTable, routes: Routes, stream: Ints, treatment: Ints, smelter: Ints) -> Ints:
    """Return the route of each row, (N,), -1 where it has no treatment; routes that the instance lacks are faults."""
    ways = zip(routes.stream.tolist(), routes.treatment.tolist(), routes.smelter.tolist(), strict=True)
    place = {way: number for number, way in enumerate(ways)}
    parent = routes.fraction_groups.parent if len(routes) else np.zeros(0, dtype=np.intp)
    split = {(routes.stream[j], routes.treatment[j]) for j in parent.tolist()}
    route = np.full(table.count, -1, dtype=np.intp)
    treated, sent = table.read_texts("treatment"), table.read_texts("smelter")
    for row, way in enumerate(zip(stream.tolist(), treatment.tolist(), smelter.tolist(), strict=True)):
        if not treated[row]:
            if sent[row] and table.is_filled("stream", row):
                table.report_missing(row, "treatment")
            continue
        route[row] = place.get(way, -1)
        known = way[0] >= 0 and way[1] >= 0 and (way[2] >= 0 or not sent[row])
        if known and route[row] < 0:
            where = "to that smelter" if sent[row] else "without a smelter"
            message = f"in the instance this stream does not go by this treatment {where}"
            if sent[row] and way[:2] in split:
                message += "; it has fractions: name one of them, as `TREATMENT/FRACTION`"
            table.add_fault(row, "treatment", message)
    return route


def _compute_dry_weight(table: InputTable) -> Floats:
    """Return dry weights, (N,), t: as stated, or wet weight times (1 - moisture), which must agree."""
    wet, moisture, dry = (
        table.read_quantities(name, measure)
        for name, measure in (("wet_t", _TONNES), ("moisture", _SHARE), ("dry_t", _TONNES))
    )
    worked_out, smelters = wet * (1 - moisture), table.read_texts("smelter")
    for row in np.flatnonzero(abs(worked_out - dry) > _WEIGHT_TOLERANCE * np.maximum(worked_out, dry)).tolist():
        table.add_fault(row, "dry_t", f"{dry[row]:g} t, but wet_t and moisture give {worked_out[row]:.6g} t")
    both = np.where(np.isfinite(dry), dry, worked_out)
    for row in np.flatnonzero(~np.isfinite(both)).tolist():
        if not table.is_filled("dry_t", row) and not (
            table.is_filled("wet_t", row) and table.is_filled("moisture", row)
        ):
            of = "" if smelters[row] else ", of what was treated or is in stock"
            table.add_fault(row, "dry_t", f"is missing here: give it, or wet_t and moisture{of}")
    return both


def _check_names(table: InputTable, lots: ActualLots) -> None:
    """Record missing, repeated and invalid lot names."""
    first: dict[str, int] = {}
    for row, name in enumerate(lots.names):
        if not name:
            table.report_missing(row, "lot")
        elif name in first:
            table.add_fault(
                row, "lot", f"is defined twice, first in line {table.sheet.lines[first[name]]}; add the two up"
            )
        elif problem := find_name_flaw(name):
            table.add_fault(row, "lot", problem)
        first.setdefault(name, row)


def _check_weights(table: InputTable, lots: ActualLots) -> None:
    """Record lots with more feed than devices."""
    for row in np.flatnonzero(lots.devices_t < lots.feed_t * (1 - _WEIGHT_TOLERANCE)).tolist():
        table.add_fault(
            row, "devices_t", f"{lots.devices_t[row]:g} t of devices cannot give {lots.feed_t[row]:g} t of feed"
        )


def _check_metal(table: InputTable, lots: ActualLots, instance: Instance) -> None:
    """Record metal or settlement of untreated lots, settlement before shipment, and more payable metal than assayed."""
    known = np.isfinite(lots.payable)
    for row in np.flatnonzero((lots.settled >= 0) & ~known.any(axis=1)).tolist():
        table.add_fault(row, "settled_on", "a settled lot states the payable metal; write 0 where there is none")
    for row in np.flatnonzero((lots.settled >= 0) & (lots.settled < lots.period)).tolist():
        table.add_fault(row, "settled_on", "lies before the lot was sent")
    for row in np.flatnonzero(lots.waits & (known.any(axis=1) | (lots.settled >= 0))).tolist():
        if not table.is_filled("treatment", row):
            table.add_fault(row, "treatment", "a settled lot has been treated; only stockpiled devices have not")
    held = lots.assay * lots.feed_t[:, None]
    for row, metal in np.argwhere(lots.payable > held * (1 + _WEIGHT_TOLERANCE)).tolist():
        name = instance.metals.names[metal]
        more = f"{lots.payable[row, metal]:g} kg are payable of {held[row, metal]:.6g} kg contained in the lot"
        table.add_fault(row, f"payable_{name}_kg", f"{more} by assay_{name} and dry_t; look for a wrong unit")
    mass = np.nan_to_num(lots.payable).sum(axis=1)
    exceeding = (lots.payable > held * (1 + _WEIGHT_TOLERANCE)).any(axis=1)
    for row in np.flatnonzero(~exceeding & (mass > 1_000 * lots.feed_t * (1 + _WEIGHT_TOLERANCE))).tolist():
        name = instance.metals.names[int(np.argmax(np.nan_to_num(lots.payable[row])))]
        more = f"{mass[row]:g} kg of metal are payable of {1_000 * lots.feed_t[row]:g} kg of dry feed"
        table.add_fault(row, f"payable_{name}_kg", f"{more}; look for a wrong unit, such as grams written as kilograms")


def _check_fraction_lots(table: InputTable, lots: ActualLots, instance: Instance, routes: Routes) -> None:
    """Record lots of fractions of which no devices were treated; warn of fractions of more devices than were."""
    groups, periods = routes.fraction_groups if len(routes) else None, len(instance.periods)
    if groups is None or not len(groups.parent):
        return
    went = np.flatnonzero(~lots.waits & (lots.period >= 0))
    treated = np.zeros((len(routes), periods))
    np.add.at(treated, (lots.route[went], lots.period[went]), lots.devices_t[went])
    treated = np.cumsum(treated, axis=1)
    carried = np.zeros((len(groups.parent), periods))
    own = went[groups.group[lots.route[went]] >= 0]
    np.add.at(carried, (groups.group[lots.route[own]], lots.period[own]), lots.devices_t[own])
    carried = np.cumsum(carried, axis=1)
    for row in own.tolist():
        group, t = groups.group[lots.route[row]], lots.period[row]
        there, name = treated[groups.parent[group], t], instance.treatments.names[groups.treatment[group]]
        if not there:
            text = "give the devices treated in a row of their own, with the treatment and without a smelter"
            table.add_fault(row, "treatment", f"no devices were treated up to then that yield `{name}`: {text}")
        elif carried[group, t] > there * (1 + _WEIGHT_TOLERANCE):
            text = (
                f"`{name}` of {carried[group, t]:.4g} t of devices was sent up to then, but {there:.4g} t were treated"
            )
            table.add_warning(row, "devices_t", f"{text}; check both weights")


def _warn_of_feed(table: InputTable, lots: ActualLots, routes: Routes) -> None:
    """Warn of lots with more feed than `to_smelter` of the treatment implies."""
    share = np.where(lots.waits, 0.0, routes.to_smelter[lots.route] if len(routes) else 0.0)
    sent_on = share * lots.devices_t
    for row in np.flatnonzero((share > 0) & (lots.feed_t > sent_on * (1 + _FEED_TOLERANCE)))[:_MAX_WARNINGS].tolist():
        gives = f"{lots.devices_t[row]:g} t of devices send on {sent_on[row]:.4g} t by `to_smelter` of the treatment"
        table.add_warning(row, "devices_t", f"{gives}, but the feed weighs {lots.feed_t[row]:g} t; check both weights")


def _warn_of_metal(table: InputTable, lots: ActualLots, instance: Instance, routes: Routes) -> None:
    """Warn of lots with far more payable metal than the instance implies."""
    if not len(routes):
        return
    expected = np.where(lots.waits[:, None], np.inf, routes.returned[lots.route] * lots.devices_t[:, None])
    for row, metal in np.argwhere(lots.payable > _MAX_METAL_RATIO * expected)[:_MAX_WARNINGS].tolist():
        name = instance.metals.names[metal]
        more = f"{lots.payable[row, metal]:g} kg are payable, but the instance expects {expected[row, metal]:.4g} kg"
        table.add_warning(row, f"payable_{name}_kg", f"{more} of such devices; check its unit")


def _warn_of_supply(table: InputTable, lots: ActualLots, instance: Instance, routes: Routes) -> None:
    """Warn of streams with more sent than supplied in a period, or cumulatively where supply can be stockpiled."""
    offered, sent = instance.streams.available.value, np.zeros(instance.streams.available.raw.shape)
    taken_t = lots.devices_t * ~lots.find_branches(routes)
    np.add.at(sent, (lots.stream, lots.period), taken_t)
    stored = instance.streams.storable[:, None]
    offered, taken = (np.where(stored, np.cumsum(tonnes, axis=1), tonnes) for tonnes in (offered, sent))
    over = (taken > offered * (1 + _WEIGHT_TOLERANCE)) & (sent > 0)
    for i, t in np.argwhere(over)[:_MAX_WARNINGS].tolist():
        row = int(np.flatnonzero((lots.stream == i) & (lots.period == t) & (taken_t > 0))[-1])
        name, when = escape_text(instance.streams.names[i]), instance.periods[t]
        upto = "up to" if instance.streams.storable[i] else "in"
        text = f"{taken[i, t]:.4g} t of `{name}` were sent {upto} {when}, but only {offered[i, t]:.4g} t were offered"
        table.add_warning(
            row, "devices_t" if table.is_filled("devices_t", row) else "dry_t", f"{text}; check the unit and period"
        )


def _warn_of_dates(table: InputTable, lots: ActualLots, instance: Instance) -> None:
    """Warn of lots settled after the horizon."""
    for row in np.flatnonzero(lots.settled >= len(instance.periods))[:_MAX_WARNINGS].tolist():
        text = (
            f"`{escape_text(table.read_texts('settled_on')[row])}` lies after {instance.periods[-1]}, the last period"
        )
        table.add_warning(row, "settled_on", f"{text}: its metal arrives too late for any medal; check the year")


_CONTRACT_COLUMNS = ("stream", "treatment", "smelter", "offer", "alloy", "metal", "period", "tonnes", "kg")
_CONTRACT_ROW_KINDS = (
    "a shipment (stream, treatment, smelter, tonnes), a purchase (offer, alloy, kg), a purchase that is in stock "
    "(offer, kg), metal from stock charged to a melt (alloy, metal, kg), process scrap charged again (alloy, kg), "
    "credited metal left with a smelter (smelter, metal, kg), or surplus metal sold (metal, kg)"
)


_CONTRACT_KINDS: Mapping[frozenset[str], tuple[str, tuple[str, ...]]] = {
    frozenset({"stream", "treatment", "tonnes"}): ("sent", ("route", "period")),
    frozenset({"stream", "treatment", "smelter", "tonnes"}): ("sent", ("route", "period")),
    frozenset({"offer", "alloy", "kg"}): ("bought", ("offer", "alloy", "period")),
    frozenset({"offer", "kg"}): ("purchased", ("offer", "period")),
    frozenset({"metal", "kg"}): ("surplus", ("metal", "period")),
    frozenset({"alloy", "metal", "kg"}): ("charged", ("alloy", "metal", "period")),
    frozenset({"alloy", "kg"}): ("recharged", ("alloy", "period")),
    frozenset({"smelter", "metal", "kg"}): ("left", ("smelter", "metal", "period")),
}
"""Decisions and their axes by the columns that a row fills beside its period."""


def make_empty_decisions(instance: Instance, routes: Routes) -> Decisions:
    """Return decisions that are all zero.

    Returns:
        The decisions.
    """
    periods, alloys = len(instance.periods), len(instance.alloys.names)
    return Decisions(
        sent=np.zeros((len(routes), periods)),
        stockpile=np.zeros((len(instance.streams.names), periods)),
        charged=np.zeros((alloys, len(instance.metals.names), periods)),
        bought=np.zeros((len(instance.market.names), alloys, periods)),
        surplus=np.zeros((len(instance.metals.names), periods)),
        recharged=np.zeros((alloys, periods)),
        withheld=np.zeros((int(instance.terms.pooled.sum()), len(instance.metals.names), periods)),
        left=np.zeros(instance.terms.pays.shape if leaves_metal(instance) else (0, 0, 0)),
    )


def read_signed_contracts(path: Path, instance: Instance, routes: Routes) -> tuple[Decisions, str, tuple[Fault, ...]]:
    """Read signed contracts and completed operations from a CSV file.

    Each row is a shipment, a purchase, metal from stock or process scrap charged to a melt, metal left with a smelter,
    or surplus sold.

    Returns:
        The quantities as decisions, the sha256 of the file, and warnings.

    Raises:
        InputError: With every fault.
    """
    faults = FaultLog()
    table = InputTable.read(path, "frozen", _CONTRACT_COLUMNS, ("period",), instance, faults)
    if table is None:
        faults.raise_errors()
    assert table is not None, "a table that cannot be read is a fault"
    decisions = make_empty_decisions(instance, routes)
    period = table.read_periods()
    tonnes, kilograms = (
        table.read_quantities("tonnes", QuantityField("t")),
        table.read_quantities("kg", QuantityField("kg")),
    )
    index = {
        name: table.read_names(name, known)
        for name, known in (
            ("stream", instance.streams.names),
            ("treatment", instance.treatments.names),
            ("smelter", instance.smelters.names),
            ("offer", instance.market.names),
            ("alloy", instance.alloys.names),
            ("metal", instance.metals.names),
        )
    }
    index["route"] = _find_routes(table, routes, index["stream"], index["treatment"], index["smelter"])
    into_stock = _add_contract_rows(table, decisions, instance, {**index, "period": period}, (tonnes, kilograms))
    _warn_of_repeated_rows(table)
    faults.raise_errors()
    if into_stock:
        purchases = decisions.bought.sum(axis=1)
        for at, amount in into_stock:
            purchases[at] += amount
        decisions = replace(decisions, purchased=purchases[np.flatnonzero(is_stocked(instance))])
    return decisions, table.sha256, faults.list_warnings()


def _add_contract_rows(
    table: InputTable, decisions: Decisions, instance: Instance, index: dict[str, Ints], amounts: tuple[Floats, Floats]
) -> list[tuple[tuple[int, ...], float]]:
    """Add the rows (N,) to the decisions, in t and kg; return those of purchases in stock, by offer and period."""
    into_stock = []
    for row in range(table.count):
        if not table.is_filled("period", row):
            table.report_missing(row, "period")
        filled = frozenset(name for name in _CONTRACT_COLUMNS if name != "period" and table.is_filled(name, row))
        array, axes = _CONTRACT_KINDS.get(filled, ("", ()))
        at, amount = tuple(int(index[axis][row]) for axis in axes), float(amounts["kg" in filled][row])
        if not axes:
            found = ", ".join(sorted(filled)) or "nothing"
            table.add_fault(row, "", f"a row is {_CONTRACT_ROW_KINDS}; this one fills {found}")
        elif min(at) < 0 or not np.isfinite(amount):
            continue  # reported with the column
        elif array == "purchased":
            into_stock += [(at, amount)] if _check_storable(table, row, instance, at[0]) else []
        elif array != "left":
            getattr(decisions, array)[at] += amount
        elif (line := _find_paying_line(table, row, instance, at)) is not None:
            decisions.left[(line, *at[1:])] += amount
    return into_stock


def _check_storable(table: InputTable, row: int, instance: Instance, offer: int) -> bool:
    """Return whether an offer is bought into stock; one that is not is a fault."""
    stocked = bool(is_stocked(instance)[offer])
    if not stocked:
        name = escape_text(instance.market.names[offer])
        text = f"`{name}` is not `storable`, or no alloy admits it: name the `alloy` that it was charged to"
        table.add_fault(row, "offer", text)
    return stocked


def _find_paying_line(table: InputTable, row: int, instance: Instance, at: tuple[int, ...]) -> int | None:
    """Return the line of terms with which metal is left by smelter, metal, period; None, and a fault, without one."""
    smelter, metal, period = at
    lines, name = np.flatnonzero(instance.terms.smelter == smelter), escape_text(instance.metals.names[metal])
    if not instance.metals.surplus_to_smelter[metal]:
        table.add_fault(row, "metal", f"`{name}` beyond need is the project's: its `surplus` is not `smelter`")
    elif len(np.unique(instance.terms.pays.value[lines, metal, period])) > 1:
        text = f"the lines of terms of this smelter pay different prices for `{name}`: give a saved plan instead"
        table.add_fault(row, "smelter", text)
    else:
        return int(lines[0])
    return None


def _warn_of_repeated_rows(table: InputTable) -> None:
    """Warn of rows that agree in every column; their amounts are added."""
    columns = [table.read_texts(name) for name in _CONTRACT_COLUMNS]
    first: dict[tuple[str, ...], int] = {}
    for row, cells in enumerate(zip(*columns, strict=True)):
        before = first.setdefault(cells, row)
        if before < row:
            text = f"this row repeats line {table.sheet.lines[before]}, and both are added up"
            table.add_warning(row, "", f"{text}; delete one of them where the same is meant")
