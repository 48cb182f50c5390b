"""Arrays of supply streams, bundles and transport lanes, from their sheets to canonical order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from medalopt.instance.figures import Bools, Figures, Ints
from medalopt.instance.instance import Streams
from medalopt.instance.reader import columns
from medalopt.instance.reader.columns import Read
from medalopt.instance.reader.faults import Place
from medalopt.instance.reader.sheet import Cells, Key, Sheet
from medalopt.instance.resolve import cells
from medalopt.instance.resolve.axes import Axis
from medalopt.instance.resolve.draft import Draft
from medalopt.instance.resolve.grouping import AVAILABLE, DEVICE, REGION, Grouped, grouped, key_path, row_names
from medalopt.instance.schema.fields import Measure
from medalopt.instance.schema.kinds import ALL, ZERO
from medalopt.instance.schema.models import Stream
from medalopt.quantity import Quantity

_TOTAL: Key = ("total",)
_LIMIT, _COST = ("storage", "limit"), ("storage", "cost")
_BUNDLE: Key = ("bundle",)
_NOT_METALS = ("{}", "source", "note")


@dataclass(frozen=True, eq=False)
class StreamRows:
    """Grouped and parsed rows of streams.

    Attributes:
        sheet: Rows of streams (R,).
        names: Stream name of each row (R,).
        groups: Streams of the sheet.
        device: Device index of each stream (I,).
        read: Parsed columns, (I,) each, except `available` (R,).
    """

    sheet: Sheet
    names: Cells
    groups: Grouped
    device: Ints
    read: dict[Key, Read]

    @cached_property
    def order(self) -> Ints:
        """Permutation of the streams of the sheet to canonical order (I,)."""
        names = self.groups.names
        return np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.intp)

    def texts(self, key: Key) -> Cells:
        """Get a column of text.

        Args:
            key: Column.

        Returns:
            Cells (I,), in canonical order.
        """
        return self.sheet.column(key).taking(self.groups.first[self.order])


def gather(sheet: Sheet, draft: Draft) -> StreamRows:
    """Group and parse the rows of streams; log all errors.

    Args:
        sheet: Rows of streams.
        draft: Parsed instance.

    Returns:
        The parsed streams.
    """
    names = row_names(sheet)
    cells.check(sheet, Stream, names, draft)
    groups = grouped(sheet, names, draft)
    device = Axis.of(draft.document.devices).places(sheet.column(DEVICE).taking(groups.first))
    read = {}
    for key, default in _defaults(sheet).items():
        each = (np.arange(sheet.count), device[groups.owner]) if key == AVAILABLE else (groups.first, device)
        read[key] = cells.figures(sheet, key, Stream, names, draft, default, each[0])
        cells.weigh(sheet, key, read[key], each[1], names, draft, each[0])
    rows = StreamRows(sheet, names, groups, device, read)
    _offered(rows, draft)
    return rows


def _defaults(sheet: Sheet) -> dict[Key, Quantity]:
    """Return the columns of quantities, each with the default of an empty cell."""
    listed = {key: default for key, (kind, default) in cells.fields(Stream).items() if isinstance(kind, Measure)}
    known = {key: default or ZERO for key, default in listed.items() if key[-1] != "*"}
    metals = [key for key in sheet.columns if key[0] == "credited" and len(key) == 2 and key[1] not in _NOT_METALS]
    return {**known, **dict.fromkeys([("credited",), *metals], ALL)}


def _offered(rows: StreamRows, draft: Draft) -> None:
    """Log streams with neither or both of `available` and `total`."""
    count = len(rows.groups.names)
    if rows.sheet.entry is None and not {AVAILABLE, _TOTAL} & rows.sheet.heads.keys():
        message = "a column `available` or `total` is missing"
        draft.faults.add(Place(rows.sheet.file, 1, 1), (rows.sheet.section,), message)
        return
    said = rows.read[AVAILABLE].given | (rows.groups.slot >= 0)
    available = np.bincount(rows.groups.owner, weights=said, minlength=count) > 0
    total = rows.read[_TOTAL].given
    for number in np.flatnonzero(available == total)[:20].tolist():
        row = int(rows.groups.first[number])
        what = (
            "give `available` or `total`, not both" if total[number] else "say what is offered: `available` or `total`"
        )
        key = _TOTAL if total[number] else ()
        draft.faults.add(rows.sheet.place(row, key), key_path(rows.sheet, rows.names[row], AVAILABLE), what)


def streams(rows: StreamRows, draft: Draft, regions: Axis, metals: Axis, periods: int) -> Streams:
    """Build the arrays of the supply streams.

    Args:
        rows: Parsed streams.
        draft: Parsed instance.
        regions: Axis of regions.
        metals: Axis of metals.
        periods: Number of periods.

    Returns:
        Streams in canonical order; see `Streams` for shapes and units.
    """
    devices = Axis.of(draft.document.devices)
    order = rows.order
    masses = [draft.unit_mass.get(name) for name in devices.names]
    storable = _storable(rows)[order]
    limit = _figures(rows, _LIMIT, masses)
    return Streams(
        names=tuple(rows.groups.names[number] for number in order.tolist()),
        device=rows.device[order],
        region=regions.places(rows.texts(REGION)),
        bundle=_bundle_of(rows),
        available=_available(rows, order, masses, periods),
        price=_figures(rows, ("price",), masses),
        collection=_figures(rows, ("collection",), masses),
        committed=_figures(rows, ("committed",), masses),
        credited=_credited(rows, metals),
        storage_limit=Figures(np.where(storable, limit.raw, 0.0), limit.unit, limit.factors),
        storage_cost=_figures(rows, _COST, masses),
        storable=storable,
        footprint=_figures(rows, ("footprint",), masses),
        lot=_figures(rows, ("lot",), masses),
        minimum_order=_figures(rows, ("minimum_order",), masses),
    )


def bundles(rows: StreamRows) -> tuple[tuple[str, str], ...]:
    """Build the bundles of streams that are purchased together.

    Args:
        rows: Parsed streams.

    Returns:
        Region and name of each bundle (B,), sorted.
    """
    pairs = _bundled(rows)[0]
    return tuple(sorted(pair for pair in pairs if pair[1]))


def _bundle_of(rows: StreamRows) -> Ints:
    """Return the bundle index of each stream (I,), -1 without a bundle."""
    place = {pair: number for number, pair in enumerate(bundles(rows))}
    pairs, which = _bundled(rows)
    return np.array([place.get(pair, -1) for pair in pairs], dtype=np.intp)[which]


def _bundled(rows: StreamRows) -> tuple[list[tuple[str, str]], Ints]:
    """Return the distinct pairs of region and bundle, and the index of the pair of each stream; '' for no bundle."""
    region, bundle = rows.texts(REGION), rows.texts(_BUNDLE)
    pairs, which = np.unique(region.code * len(bundle.texts) + bundle.code, return_inverse=True)
    parts = (part.tolist() for part in np.divmod(pairs, len(bundle.texts)))
    return [(region.texts[one] or "", bundle.texts[two] or "") for one, two in zip(*parts, strict=True)], which


def _storable(rows: StreamRows) -> Bools:
    """Return True for streams of the sheet with a storage, even an empty one (I,)."""
    given = rows.read[_LIMIT].given | rows.read[_COST].given
    marks = rows.sheet.column(("storage", "{}"))
    return given | (marks.code[rows.groups.first] > 0)


def _figures(rows: StreamRows, key: Key, masses: Sequence[Fraction | None]) -> Figures:
    """Convert a parsed column to figures in canonical order."""
    return columns.figures(rows.read[key].at(rows.order), rows.device[rows.order], masses)


def _available(rows: StreamRows, order: Ints, masses: Sequence[Fraction | None], periods: int) -> Figures:
    """Return the available supply (I, T), from rows per period, for all periods, or an equally divided total."""
    groups = rows.groups
    offer = columns.figures(rows.read[AVAILABLE], rows.device[groups.owner], masses)
    total = columns.figures(rows.read[_TOTAL], rows.device, masses, periods)
    raw = np.zeros((len(groups.names), periods))
    unit = np.zeros(raw.shape, dtype=np.intp)
    always = np.flatnonzero(groups.slot < 0)
    raw[groups.owner[always]] = offer.raw[always, None]
    unit[groups.owner[always]] = offer.unit[always, None]
    spread = np.flatnonzero(groups.slot >= 0)
    raw[groups.owner[spread], groups.slot[spread]] = offer.raw[spread]
    unit[groups.owner[spread], groups.slot[spread]] = offer.unit[spread]
    given = rows.read[_TOTAL].given
    raw[given] = total.raw[given, None]
    unit[given] = total.unit[given, None] + len(offer.factors)
    return Figures(raw[order], unit[order], (*offer.factors, *total.factors))


def _credited(rows: StreamRows, metals: Axis) -> Figures:
    """Return the credited share of each metal (I, E): by metal, else `default`, else the scalar, else 100 %."""
    raw = np.ones((len(rows.order), len(metals)))
    unit = np.zeros(raw.shape, dtype=np.intp)
    factors: tuple[Fraction, ...] = (Fraction(1),)
    keys = [("credited",), ("credited", "default"), *(("credited", name) for name in metals.names)]
    for key in (key for key in keys if key in rows.read):
        column = rows.read[key].at(rows.order)
        where = [metals.index[key[1]]] if key[1:] and key[1] in metals.index else list(range(len(metals)))
        cells_of = np.ix_(np.flatnonzero(column.given), np.array(where, dtype=np.intp))
        raw[cells_of] = column.raw[column.given, None]
        unit[cells_of] = column.unit[column.given, None] + len(factors)
        factors = (*factors, *column.factors)
    return Figures(raw, unit, factors)
