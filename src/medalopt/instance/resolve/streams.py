"""Arrays of supply streams, bundles and transport lanes, from their sheets to canonical order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from medalopt.errors import FaultKind
from medalopt.instance.arrays import Bools, ExactArray, Floats, Ints, stack_over_periods
from medalopt.instance.instance import Lanes, Streams
from medalopt.instance.reader.files import Location
from medalopt.instance.reader.rows import (
    STEPPED_FIELD,
    CellColumn,
    ColumnKey,
    InputSheet,
    NumericColumn,
    build_absent_column,
    convert_column,
)
from medalopt.instance.resolve.broadcast import NameAxis, PriceStep, build_price_steps, set_first_prices
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.resolve.row_validation import (
    AVAILABLE,
    DEVICE,
    PERIOD_PRICES,
    REGION,
    NamedRows,
    StreamGroups,
    check_sheet,
    check_unit_masses,
    group_rows,
    is_step_column,
    join_columns,
    list_columns,
    name_stream_rows,
    read_numeric_column,
)
from medalopt.instance.schema.containers import MAX_PRICE_STEPS, find_step_fault
from medalopt.instance.schema.document import Lane, Stream
from medalopt.instance.schema.field_types import ONE_QUANTITY, ZERO_QUANTITY, QuantityField
from medalopt.text import escape_text
from medalopt.units import Quantity

_TOTAL: ColumnKey = ("total",)
_STORAGE_LIMIT, _STORAGE_COST = ("storage", "limit"), ("storage", "cost")
_BUNDLE: ColumnKey = ("bundle",)
_NOT_METALS = ("{}", "source", "note")


@dataclass(frozen=True, eq=False)
class StreamRows:
    """Grouped and parsed rows (R,) of streams.

    Attributes:
        named: Rows with the name of the stream of each.
        groups: Streams of the sheet.
        device: Device index of each stream (I,).
        read: Parsed columns, (I,) each, except `available` and prices (R,).
    """

    named: NamedRows
    groups: StreamGroups
    device: Ints
    read: dict[ColumnKey, NumericColumn]

    def add_warning(self, stream: int, key: ColumnKey, message: str, kind: FaultKind) -> None:
        """Log a warning on a column of a stream, given by its index in canonical order.

        Args:
            stream: Index in canonical order.
            key: Column of the cell.
            message: Sentence: the odd value and the expected one.
            kind: Kind of the fault, by which the reference lists it.
        """
        self.named.add_warning(int(self.groups.first[self.order[stream]]), key, message, kind)

    @cached_property
    def order(self) -> Ints:
        """Permutation of the streams of the sheet to canonical order, (I,) row indices, by name."""
        names = self.groups.names
        return np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.intp)

    def texts(self, key: ColumnKey) -> CellColumn:
        """Get a column of text.

        Args:
            key: Column.

        Returns:
            Cells (I,), in canonical order.
        """
        return self.named.sheet.get_column(key).select_rows(self.groups.first[self.order])


def read_stream_rows(sheet: InputSheet, draft: Draft) -> StreamRows:
    """Group and parse the rows of streams; log all errors.

    Args:
        sheet: Rows of streams.
        draft: Parsed instance.

    Returns:
        The parsed streams.
    """
    named = NamedRows(sheet, name_stream_rows(sheet), draft)
    check_sheet(named, Stream)
    groups = group_rows(named)
    device = NameAxis.from_names(draft.document.devices).find_indices(
        sheet.get_column(DEVICE).select_rows(groups.first)
    )
    read = {}
    for key, default in _list_defaults(sheet).items():
        by_row = key == AVAILABLE or key in PERIOD_PRICES
        each = (np.arange(sheet.count), device[groups.owner]) if by_row else (groups.first, device)
        read[key] = read_numeric_column(named, key, Stream, default, each[0])
        stated_rows = _find_stated_rows(sheet, key, groups) if key in PERIOD_PRICES else np.arange(len(each[0]))
        check_unit_masses(named, key, read[key].select_rows(stated_rows), each[1][stated_rows], each[0][stated_rows])
    rows = StreamRows(named, groups, device, read)
    _check_offered(rows)
    _check_prices(rows)
    _check_stream_steps(rows)
    return rows


def _find_stated_rows(sheet: InputSheet, key: ColumnKey, groups: StreamGroups) -> Ints:
    """Return the first row of each stream, and further rows that differ from it."""
    leader = groups.first[groups.owner]
    code = sheet.get_column(key).code
    return np.flatnonzero((leader == np.arange(len(leader))) | (code != code[leader]))


def _check_prices(rows: StreamRows) -> None:
    """Log prices that change over time and lack some period."""
    groups, calendar = rows.groups, rows.named.draft.calendar
    periods = calendar.count if calendar else 0
    stated = np.bincount(groups.owner[groups.slot >= 0], minlength=len(groups.names))
    for key in PERIOD_PRICES:
        code = rows.named.sheet.get_column(key).code
        differs = np.bincount(groups.owner[code != code[groups.first[groups.owner]]], minlength=len(groups.names)) > 0
        for number in np.flatnonzero(differs & (stated < periods))[:20].tolist():
            message = f"`{key[0]}` differs between periods, and so needs a row for each of {periods}; it has "
            rows.named.add_error(int(groups.first[number]), key, message + str(stated[number]), FaultKind.MISSING)


def _list_defaults(sheet: InputSheet) -> dict[ColumnKey, Quantity]:
    """Return the columns of quantities, each with the default of an empty cell."""
    listed = {key: default for key, (kind, default) in list_columns(Stream).items() if isinstance(kind, QuantityField)}
    known = {
        key: default or ZERO_QUANTITY
        for key, default in listed.items()
        if key[-1] != "*" and (key in sheet.columns or not is_step_column(key))
    }
    metals = [key for key in sheet.columns if key[0] == "credited" and len(key) == 2 and key[1] not in _NOT_METALS]
    return {**known, **dict.fromkeys([("credited",), *metals], ONE_QUANTITY)}


def _check_offered(rows: StreamRows) -> None:
    """Log streams with neither or both of `available` and `total`."""
    count, named = len(rows.groups.names), rows.named
    sheet = named.sheet
    if sheet.entry_index is None and not {AVAILABLE, _TOTAL} & sheet.header_locations.keys():
        place, message = Location(sheet.file, 1, 1), "a column `available` or `total` is missing"
        named.draft.faults.add_error(place, (sheet.section,), message, kind=FaultKind.MISSING)
        return
    total, owner = rows.read[_TOTAL].filled, rows.groups.owner
    stated = rows.read[AVAILABLE].filled | ((rows.groups.slot >= 0) & ~total[owner])  # no supply in a period given
    available = np.bincount(owner, weights=stated, minlength=count) > 0
    for number in np.flatnonzero(available == total)[:20].tolist():
        row = int(rows.groups.first[number])
        what = "give `available` or `total`, not both" if total[number] else "give the supply: `available` or `total`"
        key = _TOTAL if total[number] else ()
        named.add_error(row, key, what, FaultKind.CONFLICT, named.build_path(row, AVAILABLE))


def build_streams(rows: StreamRows, draft: Draft, regions: NameAxis, metals: NameAxis, periods: int) -> Streams:
    """Build the arrays of the supply streams.

    Returns:
        Streams in canonical order; see `Streams` for shapes and units.
    """
    devices = NameAxis.from_names(draft.document.devices)
    order = rows.order
    masses = [draft.unit_mass.get(name) for name in devices.names]
    storable = _find_storable(rows)[order]
    limit = _convert_stream_column(rows, _STORAGE_LIMIT, masses)
    steps = _list_stream_steps(rows, masses)
    return Streams(
        names=tuple(rows.groups.names[number] for number in order.tolist()),
        device=rows.device[order],
        region=regions.find_indices(rows.texts(REGION)),
        bundle=_number_bundles(rows),
        available=_build_available(rows, order, masses, periods),
        price=set_first_prices(_build_prices(rows, ("price",), masses, periods), steps),
        collection=_build_prices(rows, ("collection",), masses, periods),
        committed=_convert_stream_column(rows, ("committed",), masses),
        credited=_build_credited(rows, metals),
        storage_limit=ExactArray(np.where(storable, limit.raw, 0.0), limit.unit, limit.factors),
        storage_cost=_convert_stream_column(rows, _STORAGE_COST, masses),
        storable=storable,
        footprint=_convert_stream_column(rows, ("footprint",), masses),
        lot=_convert_stream_column(rows, ("lot",), masses),
        minimum_order=_convert_stream_column(rows, ("minimum_order",), masses),
        fixed_charge=_convert_stream_column(rows, ("fixed_charge",), masses),
        steps=build_price_steps(steps),
    )


def build_bundles(rows: StreamRows) -> tuple[tuple[str, str], ...]:
    """Build the bundles of streams that are purchased together.

    Args:
        rows: Parsed streams.

    Returns:
        Region and name of each bundle (B,), sorted.
    """
    pairs = _pair_bundles(rows)[0]
    return tuple(sorted(pair for pair in pairs if pair[1]))


def _number_bundles(rows: StreamRows) -> Ints:
    """Return the bundle index of each stream (I,), -1 without a bundle."""
    place = {pair: number for number, pair in enumerate(build_bundles(rows))}
    pairs, which = _pair_bundles(rows)
    return np.array([place.get(pair, -1) for pair in pairs], dtype=np.intp)[which]


def _pair_bundles(rows: StreamRows) -> tuple[list[tuple[str, str]], Ints]:
    """Return the distinct pairs of region and bundle, and the index of the pair of each stream; '' for no bundle."""
    region, bundle = rows.texts(REGION), rows.texts(_BUNDLE)
    pairs, which = np.unique(region.code * len(bundle.texts) + bundle.code, return_inverse=True)
    parts = (part.tolist() for part in np.divmod(pairs, len(bundle.texts)))
    return [(region.texts[one] or "", bundle.texts[two] or "") for one, two in zip(*parts, strict=True)], which


def _find_storable(rows: StreamRows) -> Bools:
    """Return True for streams of the sheet with a storage, even an empty one (I,)."""
    storable = rows.read[_STORAGE_LIMIT].filled | rows.read[_STORAGE_COST].filled
    marks = rows.named.sheet.get_column(("storage", "{}"))
    return storable | (marks.code[rows.groups.first] > 0)


def _convert_stream_column(rows: StreamRows, key: ColumnKey, masses: Sequence[Fraction | None]) -> ExactArray:
    """Convert a parsed column to figures in canonical order."""
    return convert_column(rows.read[key].select_rows(rows.order), rows.device[rows.order], masses)


def _build_prices(rows: StreamRows, key: ColumnKey, masses: Sequence[Fraction | None], periods: int) -> ExactArray:
    """Return a price (I, 1 or T) in canonical order, one for all periods, or from rows per period."""
    groups, each = rows.groups, convert_column(rows.read[key], rows.device[rows.groups.owner], masses)
    code = rows.named.sheet.get_column(key).code
    leader = groups.first[groups.owner]
    if (code == code[leader]).all():
        first = groups.first[rows.order]
        return ExactArray(each.raw[first, None], each.unit[first, None], each.factors)
    raw, unit = (
        np.repeat(each.raw[groups.first, None], periods, 1),
        np.repeat(each.unit[groups.first, None], periods, 1),
    )
    spread = np.flatnonzero(groups.slot >= 0)
    at = groups.owner[spread], groups.slot[spread]
    raw[at], unit[at] = each.raw[spread], each.unit[spread]
    raw, unit = raw[rows.order], unit[rows.order]
    return stack_over_periods([ExactArray(raw[:, t], unit[:, t], each.factors) for t in range(periods)])


def _build_available(rows: StreamRows, order: Ints, masses: Sequence[Fraction | None], periods: int) -> ExactArray:
    """Return the available supply (I, T), from rows per period, for all periods, or an equally divided total."""
    groups = rows.groups
    offer = convert_column(rows.read[AVAILABLE], rows.device[groups.owner], masses)
    total = convert_column(rows.read[_TOTAL], rows.device, masses, periods)
    raw = np.zeros((len(groups.names), periods))
    unit = np.zeros(raw.shape, dtype=np.intp)
    always = np.flatnonzero(groups.slot < 0)
    raw[groups.owner[always]] = offer.raw[always, None]
    unit[groups.owner[always]] = offer.unit[always, None]
    spread = np.flatnonzero(groups.slot >= 0)
    raw[groups.owner[spread], groups.slot[spread]] = offer.raw[spread]
    unit[groups.owner[spread], groups.slot[spread]] = offer.unit[spread]
    filled = rows.read[_TOTAL].filled
    raw[filled] = total.raw[filled, None]
    unit[filled] = total.unit[filled, None] + len(offer.factors)
    return ExactArray(raw[order], unit[order], (*offer.factors, *total.factors))


def _build_credited(rows: StreamRows, metals: NameAxis) -> ExactArray:
    """Return the credited share of each metal (I, E): by metal, else `default`, else the scalar, else 100 %."""
    raw = np.ones((len(rows.order), len(metals)))
    unit = np.zeros(raw.shape, dtype=np.intp)
    factors: tuple[Fraction, ...] = (Fraction(1),)
    keys = [("credited",), ("credited", "default"), *(("credited", name) for name in metals.names)]
    for key in (key for key in keys if key in rows.read):
        column = rows.read[key].select_rows(rows.order)
        where = [metals.index[key[1]]] if key[1:] and key[1] in metals.index else list(range(len(metals)))
        cells_of = np.ix_(np.flatnonzero(column.filled), np.array(where, dtype=np.intp))
        raw[cells_of] = column.raw[column.filled, None]
        unit[cells_of] = column.unit[column.filled, None] + len(factors)
        factors = (*factors, *column.factors)
    return ExactArray(raw, unit, factors)


_SMELTER, _DISTANCE, _COST, _FOOTPRINT = ("smelter",), ("distance",), ("cost",), ("footprint",)


@dataclass(frozen=True)
class LaneRows:
    """Parsed rows of lanes, with the name of each, and their columns (R,)."""

    named: NamedRows
    read: dict[ColumnKey, NumericColumn]


def name_lane_rows(sheet: InputSheet) -> CellColumn:
    """Name the lane of each row: region@smelter.

    Args:
        sheet: Rows of lanes.

    Returns:
        Names (R,).
    """
    return join_columns(sheet.get_column(REGION), sheet.get_column(_SMELTER))


def read_lane_rows(sheet: InputSheet, draft: Draft) -> LaneRows:
    """Parse the rows of lanes; log all errors.

    Args:
        sheet: Rows of lanes.
        draft: Parsed instance.

    Returns:
        The parsed lanes.
    """
    rows = NamedRows(sheet, name_lane_rows(sheet), draft)
    check_sheet(rows, Lane)
    keys: tuple[ColumnKey, ...] = (_DISTANCE, _COST, _FOOTPRINT)
    read = {key: read_numeric_column(rows, key, Lane, ZERO_QUANTITY, np.arange(sheet.count)) for key in keys}
    region, smelter = sheet.get_column(REGION), sheet.get_column(_SMELTER)
    _, first, pair = np.unique(region.code * len(smelter.texts) + smelter.code, return_index=True, return_inverse=True)
    again = (first[pair] < np.arange(sheet.count)) & (region.code > 0) & (smelter.code > 0)
    for row in np.flatnonzero(again).tolist():
        message = f"this lane is defined in line {sheet.lines[first[pair[row]]]} already: delete one"
        rows.add_error(row, (), message, FaultKind.DUPLICATE)
    for row in np.flatnonzero(read[_DISTANCE].filled & read[_COST].filled)[:20].tolist():
        rows.add_error(row, _COST, "give `distance` or `cost`, not both", FaultKind.CONFLICT)
    if bool(read[_DISTANCE].filled.any()) and draft.document.transport_rate is None:
        row = int(np.flatnonzero(read[_DISTANCE].filled)[0])
        rows.add_warning(row, _DISTANCE, "distances cost nothing without `transport_rate`", FaultKind.FREE_LANE)
    _warn_unreached_smelters(sheet, draft)
    return LaneRows(rows, read)


def _warn_unreached_smelters(sheet: InputSheet, draft: Draft) -> None:
    """Warn of smelters without a lane."""
    reached = set(sheet.get_column(_SMELTER).texts)
    for smelter in sorted(set(draft.document.smelters or {}) - reached):
        draft.add_warning(
            ("smelters", smelter),
            f"no lane leads to `{escape_text(smelter)}`, so nothing can be sent there",
            kind=FaultKind.UNREACHABLE,
        )


def build_lanes(rows: LaneRows | None, draft: Draft, regions: NameAxis, smelters: NameAxis) -> Lanes:
    """Build the arrays of the transport lanes; without the section every pair has a free lane.

    Args:
        rows: Parsed lanes; None without the section.
        draft: Parsed instance, for the transport rate.
        regions: Axis of regions (G).
        smelters: Axis of smelters (K).

    Returns:
        Existence, cost and footprint (G, K).
    """
    shape = (len(regions), len(smelters))
    if rows is None:
        free = ExactArray(np.zeros(shape), np.zeros(shape, dtype=np.intp))
        return Lanes(np.ones(shape, dtype=np.bool_), free, free)
    sheet = rows.named.sheet
    g, k = regions.find_indices(sheet.get_column(REGION)), smelters.find_indices(sheet.get_column(_SMELTER))
    exists = np.zeros(shape, dtype=np.bool_)
    exists[g, k] = True
    rate = draft.document.transport_rate
    far, cost = rows.read[_DISTANCE], rows.read[_COST]
    factors = tuple(factor * (rate.exact if rate else Fraction(0)) for factor in far.factors)
    raw = np.where(far.filled, far.raw, cost.raw)
    unit = np.where(far.filled, far.unit, cost.unit + len(factors))
    footprint = rows.read[_FOOTPRINT]
    return Lanes(
        exists=exists,
        cost=_build_lane_grid(shape, g, k, raw, unit, (*factors, *cost.factors)),
        footprint=_build_lane_grid(shape, g, k, footprint.raw, footprint.unit, footprint.factors),
    )


def _build_lane_grid(
    shape: tuple[int, int], g: Ints, k: Ints, raw: Floats, unit: Ints, factors: tuple[Fraction, ...]
) -> ExactArray:
    """Scatter one number per lane to the grid of regions and smelters."""
    grid, units = np.zeros(shape), np.zeros(shape, dtype=np.intp)
    grid[g, k], units[g, k] = raw, unit
    return ExactArray(grid, units, factors)


_PRICE, _UP_TO = "price", "up_to"


def _list_stream_steps(rows: StreamRows, masses: Sequence[Fraction | None]) -> list[tuple[PriceStep, ...]]:
    """Return the price steps of each stream (I,) in canonical order; none where the price is one for any quantity."""
    result: list[tuple[PriceStep, ...]] = [()] * len(rows.order)
    place = np.argsort(rows.order)
    for number in range(1, MAX_PRICE_STEPS + 1):
        price = rows.read.get((STEPPED_FIELD, str(number), _PRICE))
        if price is None:
            break
        given = np.flatnonzero(price.filled)
        limit = rows.read.get((STEPPED_FIELD, str(number), _UP_TO), build_absent_column(len(price.raw), ZERO_QUANTITY))
        prices, limits = (
            convert_column(column.select_rows(given), rows.device[given], masses).exact().tolist()
            for column in (price, limit)
        )
        for n, stream in enumerate(given.tolist()):
            up_to = limits[n] if limit.filled[stream] else None
            result[place[stream]] = (*result[place[stream]], PriceStep(prices[n], up_to))
    return result


def _check_stream_steps(rows: StreamRows) -> None:
    """Log price steps of streams without a price, whose limits do not rise, or with another price beside them."""
    columns = [key for key in rows.named.sheet.columns if is_step_column(key)]
    if not columns:
        return
    most = max(int(key[1]) for key in columns)
    filled = {key: rows.named.sheet.get_column(key).code[rows.groups.first] > 0 for key in columns}
    nothing = np.zeros(len(rows.groups.names), dtype=np.bool_)
    priced, limited = (
        np.array([filled.get((STEPPED_FIELD, str(n + 1), name), nothing) for n in range(most)])
        for name in (_PRICE, _UP_TO)
    )
    stepped = (priced | limited).any(axis=0)
    masses = [rows.named.draft.unit_mass.get(name) for name in sorted(rows.named.draft.document.devices)]
    steps = _list_stream_steps(rows, masses)
    place = np.argsort(rows.order)
    plain = rows.named.sheet.get_column((STEPPED_FIELD,)).code[rows.groups.first] > 0
    for stream in np.flatnonzero(stepped).tolist():
        count = int(np.flatnonzero((priced | limited)[:, stream]).max()) + 1
        limits = [step.up_to for step in steps[place[stream]]]
        if plain[stream]:
            message = "give one price or price steps, not both"
        elif not priced[:count, stream].all():
            message = f"step {int(priced[:count, stream].argmin()) + 1} has no `price`"
        else:
            message = find_step_fault([None] * count if count > MAX_PRICE_STEPS else limits)
        if message:
            row, key = int(rows.groups.first[stream]), next(key for key in columns if filled[key][stream])
            path = rows.named.build_path(row, (STEPPED_FIELD,))
            if not rows.named.draft.faults.has_error_below(path):  # such a step only seems to lack a value
                rows.named.add_error(row, key, message, FaultKind.VALUE, path)
