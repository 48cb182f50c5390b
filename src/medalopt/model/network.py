r"""Arrays of the route network: columns, supply constraints, pooled settlement, and definitions of linking variables.

Supply of stream $i$ in period $t$: $\sum_{j\ni i}x_{jt}+s'_{it}-s'_{i,t-1}\le s_{it}$ (t); supply neither sent
nor stocked is not taken. For a stream in a bundle the left side equals $\theta_{\beta(i)t}\,s_{it}$.

Fractions, per treated stream, fraction and period: $\sum_kx_{ih'kt}=x_{iht}$ (t of devices).

Pooled settlement, per lot and metal: $W\ge\sum_jw_jx_j$, $W\le\sum_j\max(0,w_j)x_j$ and $W\le\sum_jy_jx_j$ (kg).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.bounds import can_return_metal
from medalopt.instance.instance import Instance
from medalopt.instance.lots import LINE_KIND, has_lot_constraint
from medalopt.instance.routes import Routes, compute_shipment_unit_costs, has_supply
from medalopt.instance.smelter_terms import (
    PooledLots,
    compute_withheld_charge,
    find_pooled_lots,
    get_line_leads,
    has_limit,
    leaves_metal,
    may_leave,
)
from medalopt.model.variables import mark_linked_regions, mark_linked_streams


@dataclass(frozen=True, eq=False)
class SparseEntries:
    """A sparse matrix in coordinate form: `value[n]` at `row[n]`, `column[n]`."""

    row: Ints
    column: Ints
    value: Floats


@dataclass(frozen=True, eq=False)
class _ColumnLayout:
    """Index arrays of the columns, in this order: shipments, stockpiles, shares of bundles, metal withheld."""

    route: Ints  # (C1,) route of each shipment
    period: Ints  # (C1,)
    stock_stream: Ints  # (C2,) stream of each stockpile
    stock_period: Ints  # (C2,)
    take_bundle: Ints  # (C3,)
    take_period: Ints  # (C3,)
    withheld_pool: Ints  # (C4,)
    withheld_metal: Ints  # (C4,)
    withheld_period: Ints  # (C4,)

    @property
    def first_stock(self) -> int:
        """Column of the first stockpile."""
        return len(self.route)

    @property
    def first_take(self) -> int:
        """Column of the first share of a bundle."""
        return self.first_stock + len(self.stock_stream)

    @property
    def first_withheld(self) -> int:
        """Column of the first withheld-metal variable."""
        return self.first_take + len(self.take_bundle)


@dataclass(frozen=True, eq=False)
class Network(_ColumnLayout):
    """Columns and rows of the network.

    `supply` has a row per pair of `supply_stream` and `supply_period`; `defining` has a row per linking variable, in
    the order of `list_linking_families`: the variable equals the row times the columns.
    """

    upper: Floats  # (C1 + C2 + C3 + C4,)
    supply: SparseEntries
    supply_stream: Ints  # (R,)
    supply_period: Ints  # (R,)
    supply_bundled: Bools  # (R,) True for an equation
    supply_upper: Floats  # (R,) t; 0 for bundles
    splitting: SparseEntries  # rows of fractions: tonnes of the branches less those treated
    split_group: Ints  # (N,) fraction, as `Routes.fraction_groups` numbers them
    split_route: Ints  # (N,) route that treats the devices
    split_treatment: Ints  # (N,) index of the fraction among the treatments
    split_period: Ints  # (N,)
    settlement: SparseEntries  # rows on withheld metal: lower bound (C4), upper bound (C4), all metal (C4)
    defining: SparseEntries

    @property
    def settlement_rows(self) -> int:
        """Number of rows on withheld metal, three for each column."""
        return 3 * len(self.withheld_pool)


_AxisPair = tuple[Ints, Ints]  # two index arrays of equal length

_NO_INDEX = -1  # marks a missing row or column


@dataclass(frozen=True, eq=False)
class NetworkSelection:
    """A subset of the network's columns and supply rows, each given by two index arrays."""

    shipped: _AxisPair  # route and period
    stocked: _AxisPair  # stream and period
    taken: _AxisPair  # bundle and period
    supplied: _AxisPair  # stream and period

    def joined(self, other: NetworkSelection) -> NetworkSelection:
        """Return these columns and rows followed by those of `other`.

        Args:
            other: Selection to append.

        Returns:
            The concatenated selection.
        """

        def both(one: _AxisPair, more: _AxisPair) -> _AxisPair:
            """Concatenate two pairs of index arrays axis by axis."""
            first, second = (np.concatenate(axes) for axes in zip(one, more, strict=True))
            return first, second

        return NetworkSelection(
            both(self.shipped, other.shipped),
            both(self.stocked, other.stocked),
            both(self.taken, other.taken),
            both(self.supplied, other.supplied),
        )


def build_network(instance: Instance, routes: Routes) -> Network:
    """Return the network of `instance` with all its streams.

    Args:
        instance: Instance.
        routes: Admissible routes (J).

    Returns:
        The network arrays.
    """
    return build_network_part(
        instance, routes, select_network(instance, routes, np.ones(len(instance.streams.names), dtype=bool))
    )


def select_network(instance: Instance, routes: Routes, streams: Bools) -> NetworkSelection:
    """Return all network columns and rows of the selected streams, and of their bundles.

    Args:
        instance: Instance.
        routes: Admissible routes (J).
        streams (I): Mask of the selected streams.

    Returns:
        The selection.
    """
    some = has_supply(instance) & streams[:, None]
    routed = np.zeros(len(streams), dtype=bool)
    routed[routes.stream] = True
    concerned = (routed | (instance.streams.bundle >= 0))[:, None]
    return NetworkSelection(
        shipped=find_indices(some[routes.stream]),
        stocked=find_indices(some & instance.streams.storable[:, None] & concerned),
        taken=find_indices(_bundle_offers(instance, streams)),
        supplied=find_indices(some & concerned),
    )


def find_indices(chosen: Bools) -> _AxisPair:
    """Return the indices at which a two-dimensional mask is true.

    Args:
        chosen: Mask of two axes.

    Returns:
        Row and column indices, in row-major order.
    """
    row, column = np.nonzero(chosen)
    return row, column


def build_network_part(instance: Instance, routes: Routes, columns: NetworkSelection, whole: bool = True) -> Network:
    """Return the network restricted to a selection of columns.

    Args:
        instance: Instance.
        routes: Admissible routes (J).
        columns: Columns and supply rows to keep.
        whole: Define a linking variable for every region and stream, see `list_linking_families`.

    Returns:
        The network arrays.
    """
    stream, period = columns.supplied
    in_bundle = instance.streams.bundle[stream] >= 0
    lots = find_pooled_lots(instance, routes)
    shape = _ColumnLayout(*columns.shipped, *columns.stocked, *columns.taken, *np.nonzero(lots.exists))
    upper = [
        np.full(len(shape.route), np.inf),
        instance.streams.storage_limit.value[shape.stock_stream],
        np.ones(len(shape.take_bundle)),
        np.full(len(shape.withheld_pool), np.inf),
    ]
    return Network(
        **vars(shape),
        upper=np.concatenate(upper),
        supply=_supply_entries(instance, routes, shape, stream, period),
        supply_stream=stream,
        supply_period=period,
        supply_bundled=in_bundle,
        supply_upper=np.where(in_bundle, 0.0, instance.streams.available.value[stream, period]),
        **_build_splitting(routes, shape),
        settlement=_settlement_entries(routes, lots, shape),
        defining=_defining_entries(instance, routes, lots, shape, whole),
    )


def _bundle_offers(instance: Instance, streams: Bools) -> Bools:
    """Return a mask (B, T) of the bundles with any supply in a period."""
    offers = np.zeros((len(instance.bundles), len(instance.periods)), dtype=bool)
    member = (instance.streams.bundle >= 0) & streams
    np.logical_or.at(offers, instance.streams.bundle[member], instance.streams.available.raw[member] > 0)
    return offers


def _supply_entries(
    instance: Instance, routes: Routes, shape: _ColumnLayout, stream: Ints, period: Ints
) -> SparseEntries:
    """Return the supply matrix: shipments and stockpiles less opening stockpiles and bundle shares."""
    count = (len(instance.streams.names), len(instance.periods) + 1)
    row = np.full(count, _NO_INDEX, dtype=np.intp)
    row[stream, period] = np.arange(len(stream))
    bundle = instance.streams.bundle
    take = np.full((len(instance.bundles) + 1, len(instance.periods)), _NO_INDEX, dtype=np.intp)
    take[shape.take_bundle, shape.take_period] = shape.first_take + np.arange(len(shape.take_bundle))
    taken = np.where(routes.treats[shape.route], row[routes.stream[shape.route], shape.period], _NO_INDEX)
    sent = _make_entries(taken, np.arange(len(shape.route)), 1.0)
    stocks = shape.first_stock + np.arange(len(shape.stock_stream))
    kept = _make_entries(row[shape.stock_stream, shape.stock_period], stocks, 1.0)
    drawn = _make_entries(row[shape.stock_stream, shape.stock_period + 1], stocks, -1.0)
    shares = _make_entries(
        np.arange(len(stream)), take[bundle[stream], period], -instance.streams.available.value[stream, period]
    )
    return _join_entries([sent, kept, drawn, shares])


_SPLIT_FIELDS = ("split_group", "split_route", "split_treatment", "split_period")


def _build_splitting(routes: Routes, shape: _ColumnLayout) -> dict[str, Any]:
    """Return the rows of fractions, with the route, fraction and period of each, as fields of the network."""
    groups = routes.fraction_groups
    if not len(groups.parent):
        none = np.zeros(0, dtype=np.intp)
        return {"splitting": _join_entries([])} | dict.fromkeys(_SPLIT_FIELDS, none)
    count = int(shape.period.max(initial=-1)) + 1
    place = np.full((len(groups.parent), count), False)
    own = groups.group[shape.route]
    branch = np.flatnonzero(own >= 0)
    place[own[branch], shape.period[branch]] = True
    column = np.full((len(routes), count), _NO_INDEX, dtype=np.intp)  # of each route and period
    column[shape.route, shape.period] = np.arange(len(shape.route))
    place |= column[groups.parent] >= 0
    group, period = np.nonzero(place)
    row = np.full(place.shape, _NO_INDEX, dtype=np.intp)
    row[group, period] = np.arange(len(group))
    parts = [
        _make_entries(row[own[branch], shape.period[branch]], branch, 1.0),
        _make_entries(np.arange(len(group)), column[groups.parent[group], period], -1.0),
    ]
    named = (group, groups.parent[group], groups.treatment[group], period)
    return {"splitting": _join_entries(parts)} | dict(zip(_SPLIT_FIELDS, named, strict=True))


def _settlement_entries(routes: Routes, lots: PooledLots, shape: _ColumnLayout) -> SparseEntries:
    """Return the settlement rows: withheld metal less its bound by the shipments of its lot, three blocks."""
    count = len(shape.withheld_pool)
    row = np.full(lots.exists.shape, _NO_INDEX, dtype=np.intp)
    row[shape.withheld_pool, shape.withheld_metal, shape.withheld_period] = np.arange(count)
    place = np.full(len(routes), _NO_INDEX, dtype=np.intp)  # position of a route among the pooled routes
    place[lots.routes] = np.arange(len(lots.routes))
    ships = np.flatnonzero(place[shape.route] >= 0)
    index, period = place[shape.route[ships]], shape.period[ships]
    bounds = (lots.withheld, np.maximum(lots.withheld, 0), routes.returned[lots.routes])
    parts = [_make_entries(np.arange(3 * count), np.tile(shape.first_withheld + np.arange(count), 3), 1.0)]
    for number, bound in enumerate(bounds):
        for metal in range(lots.exists.shape[1]):
            rows = row[lots.pool[index], metal, period]
            parts.append(
                _make_entries(np.where(rows >= 0, number * count + rows, _NO_INDEX), ships, -bound[index, metal])
            )
    return _join_entries(parts)


def _defining_entries(
    instance: Instance, routes: Routes, lots: PooledLots, shape: _ColumnLayout, whole: bool
) -> SparseEntries:
    """Return the matrix that defines the linking variables, family by family."""
    periods, smelters = len(instance.periods), len(instance.smelters.names)
    route, period = shape.route, shape.period
    columns = np.arange(len(route))
    parts: list[SparseEntries] = []
    first = 0

    def add(rows: Ints, index: Ints, values: Floats | float, height: int) -> None:
        """Append a block of rows; negative row indices are dropped."""
        nonlocal first
        parts.append(_make_entries(np.where(rows >= 0, first + rows, _NO_INDEX), index, values))
        first += height

    fed = routes.smelter[route] * periods + period  # negative for a route without a smelter
    add(fed, columns, routes.to_smelter[route], smelters * periods)
    add(routes.treatment[route] * periods + period, columns, 1.0, len(instance.treatments.names) * periods)
    returns, lead = can_return_metal(instance, routes), instance.smelters.lead
    add(*_credited_entries(routes, shape, returns, routes.smelter, lots.smelter, lead))
    if leaves_metal(instance):
        credited = may_leave(instance, routes)
        add(*_credited_entries(routes, shape, credited, routes.line, lots.line, get_line_leads(instance)))
    stream, treats = routes.stream[route], routes.treats[route]
    add(np.where(treats, instance.streams.device[stream], _NO_INDEX), columns, 1.0, len(instance.devices.names))
    for group, told in (
        (instance.streams.region[stream], mark_linked_regions(instance, routes, whole)),
        (stream, mark_linked_streams(instance, whole)),
    ):
        add(np.where(told[group] & treats, (np.cumsum(told) - 1)[group], _NO_INDEX), columns, 1.0, int(told.sum()))
    ordered = has_lot_constraint(instance.streams)
    taken = np.where(treats, stream, _NO_INDEX)
    add(_number_rows(ordered, taken, period, periods), columns, 1.0, int(ordered.sum()) * periods)
    add(*_line_feed_entries(instance, routes, route, period))
    add(*_impurity_entries(instance, routes, route, period))
    add(*_assured_entries(instance, routes, lots, shape), len(routes.cuts))
    stocks = shape.first_stock + np.arange(len(shape.stock_stream))
    add(shape.stock_period, stocks, instance.streams.storage_cost.value[shape.stock_stream], 0)
    withheld = shape.first_withheld + np.arange(len(shape.withheld_pool))
    charge = compute_withheld_charge(instance, lots)
    add(shape.withheld_period, withheld, -charge[shape.withheld_pool, shape.withheld_metal, shape.withheld_period], 0)
    add(period, columns, compute_shipment_unit_costs(instance, routes, route, period), periods)
    parts.append(_make_entries(np.full(len(route), first), columns, routes.footprint[route]))
    return _join_entries(parts)


def _number_rows(chosen: Bools, member: Ints, period: Ints, periods: int) -> Ints:
    """Return the row of a member and period among those chosen, by member and then period; none for member -1."""
    place = np.append(np.where(chosen, np.cumsum(chosen) - 1, _NO_INDEX), _NO_INDEX)[member]
    return np.where(place >= 0, place * periods + period, _NO_INDEX)


def _line_feed_entries(instance: Instance, routes: Routes, route: Ints, period: Ints) -> tuple[Ints, Ints, Floats, int]:
    """Return rows, columns, values and number of rows of the feed of lines of terms with lots (share of the mass)."""
    chosen, periods = LINE_KIND.find_members(instance), len(instance.periods)
    rows = _number_rows(chosen, routes.line[route], period, periods)
    return rows, np.arange(len(route)), routes.to_smelter[route], int(chosen.sum()) * periods


def _impurity_entries(instance: Instance, routes: Routes, route: Ints, period: Ints) -> tuple[Ints, Ints, Floats, int]:
    """Return rows, columns, values and number of rows of the impurities in feeds that have a limit (kg per t)."""
    smelter, element = np.nonzero(has_limit(instance))
    periods = len(instance.periods)
    rows, columns, values = [np.zeros(0, dtype=np.intp)], [np.zeros(0, dtype=np.intp)], [np.zeros(0)]
    for number, (k, x) in enumerate(zip(smelter.tolist(), element.tolist(), strict=True)):
        ships = np.flatnonzero(routes.smelter[route] == k)
        rows.append(number * periods + period[ships])
        columns.append(ships)
        values.append(routes.impurity[route[ships], x])
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(values), len(smelter) * periods


def _assured_entries(
    instance: Instance, routes: Routes, lots: PooledLots, shape: _ColumnLayout
) -> tuple[Ints, Ints, Floats]:
    """Return rows, columns and values of the assured metal of the cuts (kg per t)."""
    ships = np.flatnonzero(routes.smelter[shape.route] >= 0)
    route, smelter = shape.route[ships], routes.smelter[shape.route[ships]]
    keeper = lots.smelter[shape.withheld_pool]
    rows, columns, values = [np.zeros(0, dtype=np.intp)], [np.zeros(0, dtype=np.intp)], [np.zeros(0)]
    for number, cut in enumerate(routes.cuts):
        back = shape.period[ships] + instance.smelters.lead[smelter, cut.metal] <= cut.period
        due = shape.withheld_period + instance.smelters.lead[keeper, cut.metal] <= cut.period
        kept = shape.first_withheld + np.flatnonzero(due & (shape.withheld_metal == cut.metal) & (not cut.part))
        back &= cut.rate[route] != 0
        rows.append(np.full(int(back.sum()) + len(kept), number))
        columns.append(np.concatenate([ships[back], kept]))
        values.append(np.concatenate([cut.rate[route[back]], np.full(len(kept), -1.0)]))
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(values)


def _credited_entries(
    routes: Routes, shape: _ColumnLayout, exists: Bools, owner: Ints, keeper: Ints, lead: Ints
) -> tuple[Ints, Ints, Floats, int]:
    """Return rows, columns, values and number of rows of the definitions of metal credited (kg per t).

    Of the N smelters or lines of terms, `owner` (J,) is that of each route, -1 for none, and `keeper` (P,) that of each
    pooled lot; `exists` (N, E, T) is true where there is a row; `lead` (N, E) are the periods from shipment to credit.
    """
    periods = exists.shape[2]
    row = np.full((*exists.shape[:2], periods + 1), _NO_INDEX, dtype=np.intp)  # the last: after the horizon
    row[:, :, :-1][exists] = np.arange(int(exists.sum()))
    ships = np.flatnonzero(owner[shape.route] >= 0)
    route, by, period = shape.route[ships], owner[shape.route[ships]], shape.period[ships]
    rows, columns, values = [], [], []
    for e in np.flatnonzero(exists.any(axis=(0, 2))).tolist():
        rows.append(row[by, e, np.minimum(period + lead[by, e], periods)])
        columns.append(ships)
        values.append(routes.returned[route, e])
    keeps, kept = keeper[shape.withheld_pool], shape.withheld_metal
    rows.append(row[keeps, kept, np.minimum(shape.withheld_period + lead[keeps, kept], periods)])
    columns.append(shape.first_withheld + np.arange(len(keeps)))
    values.append(np.full(len(keeps), -1.0))
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(values), int(exists.sum())


def _make_entries(row: Ints, column: Ints, value: Floats | float) -> SparseEntries:
    """Return the entries in coordinate form, without those of index -1 or value 0."""
    values = np.broadcast_to(np.asarray(value, dtype=np.float64), row.shape)
    kept = (row >= 0) & (column >= 0) & (values != 0)
    return SparseEntries(row[kept], column[kept], values[kept])


def _join_entries(parts: list[SparseEntries]) -> SparseEntries:
    """Concatenate sparse entries."""
    if not parts:
        none = np.zeros(0, dtype=np.intp)
        return SparseEntries(none, none, np.zeros(0))
    return SparseEntries(
        np.concatenate([part.row for part in parts]),
        np.concatenate([part.column for part in parts]),
        np.concatenate([part.value for part in parts]),
    )
