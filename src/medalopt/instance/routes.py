"""Routes (stream, treatment, smelter): unit costs, metal returned, fractions and separable participation.

Every function takes `read`, which turns an `ExactArray` into numbers: floats (`read_floats`), exact fractions
(`ExactArray.exact`) or intervals. A branch carries a fraction of the devices that another route, its parent, takes and
treats. Prices and charges that may change over time have one value per period on their last axis, or one for all.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from medalopt.instance.arithmetic import NumberReader, Numbers, make_zeros, read_floats
from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.smelter_terms import (
    compute_feed_metal,
    compute_impurity_content,
    compute_penalties,
    find_accepted_lines,
    read_at_credit,
)

if TYPE_CHECKING:
    from medalopt.instance.accounting import PlanAccount


@dataclass(frozen=True, eq=False)
class ConfidenceCut:
    r"""A cut of the chance constraint of one metal and deadline: metal returned less a bound on its deviation.

    Along `direction` $u$ of length at most 1, the deviation is at least $u^\top L^\top Dg(x)$. With an uncertainty
    budget one cut without a direction has the metal returned, and a `part` for each variate has its own deviation.
    """

    metal: int
    period: int
    direction: Floats  # (Z,)
    rate: Numbers  # (J,) assured metal, kg/t of devices: returned less the quantile times the bound
    part: bool = False  # the rate is the deviation along the direction, for an uncertainty budget


@dataclass(frozen=True, eq=False)
class Routes:
    """J routes $(i,h,k)$ in canonical order, with the yield and the unit costs of a tonne of devices.

    A route on which the whole tonne is passed on to ordinary recycling has no smelter (-1) and returns no metal. Of a
    treatment with fractions, a route without a smelter is the treatment of the devices, and each of its fractions goes
    on by branches: routes with a `parent`, whose tonnes are those of the devices and have no costs before the smelter.
    """

    stream: Ints  # (J,)
    treatment: Ints  # (J,)
    smelter: Ints  # (J,), -1: none, passed on to ordinary recycling
    to_smelter: Numbers  # (J,) pi, mass fraction sent on to the smelter
    returned: Numbers  # (J, E) y, kg of metal credited per tonne of devices
    supply: Numbers  # (J, 1 or T) money/t, price paid to the supplier
    collection: Numbers  # (J, 1 or T) money/t
    treating: Numbers  # (J, 1 or T) money/t
    transport: Numbers  # (J, 1) money/t of devices
    smelting: Numbers  # (J, 1 or T) money/t of devices, treatment charge and penalties
    refining: Numbers  # (J, E, 1 or T) money/t of devices, refining charge by period of credit, due only within it
    residue: Numbers  # (J, 1) money/t of devices, a cost (negative: revenue)
    footprint: Numbers  # (J,) kg CO2e/t
    line: Ints  # (J,) line of terms, -1: none
    impurity: Numbers = field(default_factory=lambda: np.zeros((0, 0)))  # (J, X) kg/t of devices, in the feed
    cuts: tuple[ConfidenceCut, ...] = ()  # of the promised confidence, in the program only
    sales: Numbers | float = 0.0  # (J, 1 or T) money/t of devices, revenue for fractions sold (negative); 0: none
    parent: Ints | None = None  # (J,) of a branch: index of the route that treats its devices, else -1; None: none

    def __len__(self) -> int:
        """Return the number of routes."""
        return len(self.stream)

    @property
    def branches(self) -> Ints:
        """Indices of the branches, which carry a fraction of devices that another route treats."""
        return np.zeros(0, dtype=np.intp) if self.parent is None else np.flatnonzero(self.parent >= 0)

    @property
    def taking(self) -> Ints | slice:
        """Indices of the routes that take and treat devices (P,); all of them without branches."""
        return slice(None) if self.parent is None else np.flatnonzero(self.parent < 0)

    @property
    def treats(self) -> Bools:
        """Mask of the routes that take and treat devices: all but the branches (J,)."""
        return np.ones(len(self), dtype=np.bool_) if self.parent is None else self.parent < 0

    @cached_property
    def fraction_groups(self) -> FractionGroups:
        """The fractions that the routes carry, by the route that treats the devices, then by fraction."""
        group, branches = np.full(len(self), -1, dtype=np.intp), self.branches
        if self.parent is None or not len(branches):
            return FractionGroups(branches, branches, group)
        pairs = self.parent[branches] * (int(self.treatment.max()) + 1) + self.treatment[branches]
        _, first, number = np.unique(pairs, return_index=True, return_inverse=True)
        group[branches] = number
        return FractionGroups(self.parent[branches[first]], self.treatment[branches[first]], group)

    def mask_branches(self, values: Numbers) -> Numbers:
        """Return values by route (J, ...) with 0 for branches; `values` itself without any.

        Args:
            values: Values by route, (J, ...).

        Returns:
            (J, ...), in the unit of the values.
        """
        if self.parent is None:
            return values
        return np.where(self.treats.reshape(-1, *(1,) * (values.ndim - 1)), values, 0)


def build_routes(instance: Instance, read: NumberReader = read_floats) -> Routes:
    """Build the routes that lanes, `accepts`, `regions` and smelter terms allow.

    Returns:
        The routes with unit costs and metal returned per tonne of devices.
    """
    stream, treatment, smelter = _enumerate_routes(instance)
    device = instance.streams.device[stream]
    region = instance.streams.region[stream]
    to_smelter = read(instance.treatments.to_smelter)[treatment, device]
    travels = smelter >= 0
    line = (
        instance.smelters.line[smelter, device, treatment] if travels.any() else smelter
    )  # -1 on routes without a smelter
    returned = _compute_returned_metal(instance, read, stream, treatment, line, to_smelter)
    lane = _pick_by_smelter(travels, read(instance.lanes.cost), region, smelter)
    charge = _pick_by_smelter(travels, read(instance.terms.treatment_charge), line)
    refining = _pick_by_smelter(travels, read(instance.terms.refining_charge), line)
    emitted = _pick_by_smelter(travels, read(instance.lanes.footprint), region, smelter)
    emitted = emitted + _pick_by_smelter(travels, read(instance.smelters.footprint), smelter)
    impurity = compute_impurity_content(instance, read, device, treatment)
    impurity[~travels] = 0
    smelting = to_smelter[:, None] * charge
    penalties = compute_penalties(instance, read, np.where(travels, line, -1), impurity, to_smelter)
    if penalties.shape[1]:
        smelting = smelting + penalties.sum(axis=1)
    routes = Routes(
        stream,
        treatment,
        smelter,
        to_smelter,
        returned,
        supply=read(instance.streams.price)[stream],
        collection=read(instance.streams.collection)[stream],
        treating=read(instance.treatments.cost)[treatment, device],
        transport=(to_smelter * lane)[:, None],
        smelting=smelting,
        refining=refining * returned[:, :, None],
        residue=(-(1 - to_smelter) * read(instance.treatments.residue_value)[treatment])[:, None],
        footprint=read(instance.streams.footprint)[stream]
        + read(instance.treatments.footprint)[treatment]
        + to_smelter * emitted,
        line=np.where(travels, line, -1),
        impurity=impurity,
    )
    return _add_fractions(instance, read, routes) if instance.treatments.has_fractions else routes


def _add_fractions(instance: Instance, read: NumberReader, routes: Routes) -> Routes:
    """Return the routes with the parents of branches, which have no costs before the smelter, and the fractions sold.

    Residue is neither sold nor on a branch to a smelter.
    """
    treatments, device = instance.treatments, instance.streams.device[routes.stream]
    owner, count = treatments.parent[routes.treatment], len(treatments.names)
    first = np.searchsorted(routes.stream * count + routes.treatment, routes.stream * count + np.maximum(owner, 0))
    fresh = replace(routes, parent=np.where(owner < 0, -1, first))
    revenue = make_zeros(treatments.sold.shape, routes.to_smelter)  # (H, D, 1 or T) money/t of devices
    fractions = np.flatnonzero(treatments.parent >= 0)
    earned = read(treatments.to_smelter)[:, :, None] * read(treatments.sold)
    sold = np.where(treatments.sells[:, :, None], earned, 0)
    np.add.at(revenue, treatments.parent[fractions], sold[fractions])
    treats = fresh.treats
    return replace(
        fresh,
        supply=fresh.mask_branches(routes.supply),
        collection=fresh.mask_branches(routes.collection),
        residue=(-compute_residue_shares(instance, fresh, read) * read(treatments.residue_value)[routes.treatment])[
            :, None
        ],
        sales=np.where(treats[:, None], -revenue[routes.treatment, device], 0),
        footprint=routes.footprint - np.where(treats, 0, read(instance.streams.footprint)[routes.stream]),
    )


def compute_residue_shares(instance: Instance, routes: Routes, read: NumberReader = read_floats) -> Numbers:
    """Compute the share of devices that is residue: neither sent to a smelter nor sold.

    Returns:
        Mass fractions of the devices (J,); 0 for branches.
    """
    rest = 1 - routes.to_smelter
    if routes.parent is None:
        return rest
    treatments, device, groups = (
        instance.treatments,
        instance.streams.device[routes.stream],
        routes.fraction_groups,
    )
    share, sold = read(treatments.to_smelter), make_zeros(treatments.sells.shape, rest)
    fractions = np.flatnonzero(treatments.parent >= 0)
    np.add.at(sold, treatments.parent[fractions], np.where(treatments.sells, share, 0)[fractions])
    going = sold[routes.treatment, device]
    np.add.at(going, groups.parent, share[groups.treatment, device[groups.parent]])
    return routes.mask_branches(rest - going)


def _enumerate_routes(instance: Instance) -> tuple[Ints, Ints, Ints]:
    """Return stream, treatment and smelter (-1: none) of every admissible route, (J,) each, in canonical order."""
    device, region = instance.streams.device, instance.streams.region
    treatments = instance.treatments
    treatable = treatments.accepts[:, device].T & treatments.regions[:, region].T  # (I, H)
    leaves = ((treatments.to_smelter.raw == 0) & (treatments.parent < 0)[:, None])[:, device].T  # (I, H)
    accepted = find_accepted_lines(instance)[:, device, :].transpose(1, 2, 0) >= 0  # (I, H, K)
    reached = instance.lanes.exists[region][:, None, :]  # (I, 1, K)
    sent, sent_by, smelted = np.nonzero(treatable[:, :, None] & accepted & reached)
    left, left_by = np.nonzero(treatable & leaves)
    stream = np.concatenate([sent, left])
    treatment = np.concatenate([sent_by, left_by])
    smelter = np.concatenate([smelted, np.full_like(left, -1)])
    order = np.lexsort((smelter, treatment, stream))
    return stream[order], treatment[order], smelter[order]


def _pick_by_smelter(travels: Bools, table: Numbers, *index: Ints) -> Numbers:
    """Pick the values of each route's smelter from `table`; 0 for routes without one."""
    if not travels.any():
        return make_zeros((len(travels), *table.shape[len(index) :]), table)
    picked = table[index]
    picked[~travels] = 0
    return picked


def _compute_returned_metal(
    instance: Instance, read: NumberReader, stream: Ints, treatment: Ints, line: Ints, to_smelter: Numbers
) -> Numbers:
    r"""Return $y_{je}=\chi_{ie}\max(0,\min(r_{je}m_{je},\ m_{je}-\delta_{je}\pi_j))$, (J, E), in kg/t of devices.

    For pooled lots only the payable share: the deduction depends on the whole lot.
    """
    travels = line >= 0
    metal = compute_feed_metal(instance, read, stream, treatment)
    share = _pick_by_smelter(travels, read(instance.terms.returned), line)
    deduction = _pick_by_smelter(travels, read(instance.terms.deduction), line)
    if instance.terms.pooled.any():
        deduction = np.where(_pick_by_smelter(travels, instance.terms.pooled, line)[:, None], 0, deduction)
    settled = np.minimum(share * metal, metal - deduction * to_smelter[:, None])
    return read(instance.streams.credited)[stream] * np.maximum(settled, 0)


def classify_routes(instance: Instance, routes: Routes) -> tuple[Ints, Ints]:
    """Classify routes by equal metal returned and refining charge.

    Routes of one kind share device type, treatment, smelter and credited shares, hence `to_smelter`, `returned` and
    `refining`; they differ in costs and emissions of supply, collection and transport.

    Returns:
        Kind of each route (J,), and the index of one route of each kind.
    """
    credited = instance.streams.credited
    keys = np.concatenate([credited.raw, np.broadcast_to(credited.unit, credited.raw.shape)], axis=1)
    share = np.zeros(len(keys), dtype=np.intp)
    if (keys != keys[:1]).any():
        share = np.unique(keys, axis=0, return_inverse=True)[1].ravel()
    device, smelters = instance.streams.device[routes.stream], len(instance.smelters.names) + 1
    number = np.ravel_multi_index(
        (share[routes.stream], device, routes.treatment, routes.smelter + 1),
        (len(share), len(instance.devices.names), len(instance.treatments.names), smelters),
    )
    _, typical, kind = np.unique(number, return_index=True, return_inverse=True)
    return kind, typical


def compute_base_costs(routes: Routes) -> Numbers:
    """Compute the cost of a tonne on each route without the refining charge.

    Returns:
        Unit costs (J, 1 or T), money/t of devices.
    """
    costs = routes.supply + routes.collection + routes.treating + routes.transport + routes.smelting + routes.residue
    return costs if routes.parent is None else costs + routes.sales


def compute_route_costs(instance: Instance, routes: Routes) -> Numbers:
    """Compute the cost of a tonne on each route in each period.

    The refining charge is due only for metal that returns within the horizon.

    Returns:
        Unit costs (J, T), money/t of devices.
    """
    return compute_base_costs(routes) + compute_refining_costs(instance, routes)


def compute_shipment_unit_costs(instance: Instance, routes: Routes, route: Ints, period: Ints) -> Numbers:
    """Compute the unit costs of selected routes, each in one period, as `compute_route_costs` does for all.

    Args:
        instance: The instance.
        routes: Its routes.
        route (N,): Index of the route.
        period (N,): Index of the period of shipment.

    Returns:
        Unit costs (N,), money/t of devices.
    """
    total, smelter = make_zeros(route.shape, routes.refining), routes.smelter[route]
    for metal in range(len(instance.metals.names)):
        back = period + instance.smelters.lead[smelter, metal]
        due = routes.refining[route, metal, index_period(routes.refining, back)]
        total = total + np.where(back < len(instance.periods), due, 0)
    base = compute_base_costs(routes)
    return base[route, index_period(base, period)] + total


def compute_refining_costs(instance: Instance, routes: Routes) -> Numbers:
    """Compute the refining charge of a tonne on each route in each period.

    Returns:
        Refining charges (J, T), money/t of devices.
    """
    kind, typical = classify_routes(instance, routes)
    return compute_refining_costs_of(instance, routes, typical)[kind]


def compute_refining_costs_of(instance: Instance, routes: Routes, route: Ints) -> Numbers:
    """Compute the refining charge of a tonne on selected routes in each period.

    Args:
        instance: The instance.
        routes: Its routes.
        route (N,): Index of the route.

    Returns:
        Refining charges (N, T), money/t of devices; 0 for metal that returns after the horizon.
    """
    periods = len(instance.periods)
    total = make_zeros((len(route), periods), routes.refining)
    for metal in range(len(instance.metals.names)):
        lead = instance.smelters.lead[routes.smelter[route], metal]
        total = total + read_at_credit(routes.refining[route, metal], lead, periods)
    return total


def has_supply(instance: Instance) -> Bools:
    """Return when a stream has devices to send: current supply, or earlier supply that can be stockpiled.

    Returns:
        Mask (I, T).
    """
    positive = instance.streams.available.raw > 0
    waiting = np.logical_or.accumulate(positive, axis=1)
    return np.where(instance.streams.storable[:, None], waiting, positive)


_SEND_MARGIN = 1 + 1e-6  # routable supply over required participation, at least


def compute_separable_participation(instance: Instance, routes: Routes) -> Floats:
    """Compute the participation of regions whose constraint is separable.

    Such a region has no stockpiles and enough supply with a route, so that its decisions in one period affect another
    period through the sum alone; one price per region then decides.

    Returns:
        Required tonnes (G,) of separable regions; 0 for the others.
    """
    streams, regions = instance.streams, len(instance.regions)
    tonnes, region = streams.available.value, streams.region
    free = compute_routable_supply(instance, routes)
    asked = float(instance.policy.participation.value) * np.bincount(region, tonnes.sum(axis=1), regions)
    waits = np.bincount(region, streams.storable, regions) > 0
    possible = np.bincount(region, free, regions) >= _SEND_MARGIN * asked
    possible &= not instance.policy.couples_regions
    possible[region[mark_pooled_streams(instance, routes)]] = False  # pooled lots couple streams and periods
    return np.where(possible & ~waits, asked, 0.0)


def mark_pooled_streams(instance: Instance, routes: Routes) -> Bools:
    """Return the streams with a route to a line of terms with pooled settlement, (I,).

    Returns:
        Mask, (I,).
    """
    marked = np.zeros(len(instance.streams.names), dtype=np.bool_)
    if instance.terms.pooled.any():
        marked[routes.stream[instance.terms.pooled[routes.line] & (routes.line >= 0)]] = True
    return marked


def compute_routable_supply(instance: Instance, routes: Routes) -> Floats:
    """Compute the supply of each stream that has a route, and whose bundle has no stream without one.

    Returns:
        Tonnes over the horizon (I,).
    """
    streams, tonnes = instance.streams, instance.streams.available.value
    routed = np.zeros(len(streams.names), dtype=bool)
    routed[routes.stream] = True
    held = np.zeros(
        (len(instance.bundles) + 1, tonnes.shape[1]), dtype=bool
    )  # (B + 1, T) bundles that contain a stream without a route
    bundled = streams.bundle >= 0
    np.logical_or.at(held, streams.bundle[bundled], ~routed[bundled, None] & (tonnes[bundled] > 0))
    return np.where(routed[:, None] & ~(held[streams.bundle] & bundled[:, None]), tonnes, 0.0).sum(axis=1)


def index_period(values: Numbers, period: Any) -> Any:
    """Return the index along the axis of periods at which the values of a period are found.

    Args:
        values (..., 1 or T): Values in any arithmetic.
        period: Index of a period, or array of them.

    Returns:
        The index, of the shape of `period`; 0 where one value holds for all periods.
    """
    last = values.shape[-1] - 1
    return min(period, last) if isinstance(period, int) else np.minimum(period, last)


def sum_over_routes(rate: Numbers, sent: Numbers) -> Numbers:
    """Sum a unit cost over all routes, by period.

    Args:
        rate (J, 1 or T): Money per tonne.
        sent (J, T): Tonnes sent.

    Returns:
        Money (T,).
    """
    return rate[:, 0] @ sent if rate.shape[1] == 1 else (rate * sent).sum(axis=0)


@dataclass(frozen=True, eq=False)
class FractionGroups:
    """N fractions of treated devices: the branches of a group together carry the tonnes of their parent."""

    parent: Ints  # (N,) index of the route that treats the devices
    treatment: Ints  # (N,) index of the fraction among the treatments
    group: Ints  # (J,) group of each branch, -1: the route is none


def fold_prices(routes: Routes, prices: Numbers) -> tuple[Ints, Numbers]:
    """Add the least price of each fraction to that of the route which treats the devices.

    Args:
        routes: Routes of an instance.
        prices (J, ...): Price of a tonne on each route.

    Returns:
        Routes that take devices (P,), and prices (P, ...) of devices with all their fractions.
    """
    taking, groups = np.flatnonzero(routes.treats), routes.fraction_groups
    if not len(groups.parent):
        return taking, prices if len(taking) == len(prices) else prices[taking]
    branches = routes.branches
    least = make_zeros((len(groups.parent), *prices.shape[1:]), prices) + np.inf
    np.minimum.at(least, groups.group[branches], prices[branches])
    total = prices[taking]
    np.add.at(total, np.searchsorted(taking, groups.parent), least)
    return taking, total


def fold_branches(routes: Routes, prices: Numbers) -> Numbers:
    """Return the prices of `fold_prices` for every route.

    Args:
        routes: Routes of an instance.
        prices (J, ...): Price of a tonne on each route.

    Returns:
        Prices (J, ...); infinite for branches. `prices` itself without any.
    """
    if not len(routes.fraction_groups.parent):
        return prices
    taking, folded = fold_prices(routes, prices)
    total = make_zeros(prices.shape, prices) + np.inf
    total[taking] = folded
    return total


def compute_fraction_amounts(account: PlanAccount) -> tuple[Numbers, Numbers]:
    """Compute the tonnes of each fraction that treated devices yield, and the revenue for fractions sold.

    Returns:
        Tonnes and money by fraction and period, (H, T) each; 0 for treatments.
    """
    treatments, routes, treated = account.instance.treatments, account.routes, account.treated_devices
    share = account.read(treatments.to_smelter)
    price = np.where(treatments.sells[:, :, None], account.read(treatments.sold), 0)
    tonnes = make_zeros((len(treatments.names), treated.shape[1]), treated)
    paid, device = make_zeros(tonnes.shape, treated), account.instance.streams.device[routes.stream]
    for fraction in np.flatnonzero(treatments.parent >= 0).tolist():
        parents = np.flatnonzero((routes.treatment == treatments.parent[fraction]) & routes.treats)
        amount = np.where(treatments.accepts[fraction], share[fraction], 0)[device[parents]][:, None] * treated[parents]
        tonnes[fraction] = amount.sum(axis=0)
        paid[fraction] = (price[fraction][device[parents]] * amount).sum(axis=0)
    return tonnes, paid
