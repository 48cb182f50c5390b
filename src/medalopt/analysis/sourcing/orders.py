"""Order lines of a plan: devices by stream, period and route, feed and returned metal by smelter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import read_floats
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.impurities import compute_penalties
from medalopt.instance.period_values import index_period


@dataclass(frozen=True)
class DeviceOrderLine:
    """Devices of a stream on one route in one period: tonnes, and money by kind of cost; `smelter` −1: none.

    Of a fraction `tonnes` are those of the fraction that is shipped. `feed` is the mass at the smelter [t].
    """

    stream: int
    treatment: int
    smelter: int
    period: int
    tonnes: float
    costs: dict[str, float]
    fraction: bool = False
    feed: float = 0.0


@dataclass(frozen=True)
class StorageLine:
    """Tonnes of a stream in storage at the end of a period, and the storage cost."""

    stream: int
    period: int
    tonnes: float
    cost: float


@dataclass(frozen=True)
class FeedLine:
    """Feed of a smelter under one line of its terms in one period: tonnes, treatment charge, penalties, lot charge.

    `fractions` are the indices of the fractions of treatments in it; empty without any.
    """

    line: int
    period: int
    tonnes: float
    charge: float
    metals: tuple[MetalReturn, ...]
    penalties: tuple[FeedPenalty, ...] = ()
    lot_charge: float = 0.0
    fractions: tuple[int, ...] = ()


@dataclass(frozen=True)
class FeedPenalty:
    """Penalty on a metal or impurity of a feed: its index, kg contained, and money."""

    element: int
    contained: float
    charge: float


@dataclass(frozen=True)
class MetalReturn:
    """Metal of a feed: kg contained, kg returned, period of return (None: after the horizon), and refining charge.

    Metal `left` with the smelter is not among the kilograms returned, and `revenue` is paid for it.
    """

    metal: int
    contained: float
    kilograms: float
    period: int | None
    charge: float
    left: float = 0.0
    revenue: float = 0.0


@dataclass(frozen=True)
class FixedChargeLine:
    """Fixed charge of a smelter, stream or offer: its index, the period of first use, and money."""

    member: int
    period: int
    charge: float


def list_fixed_charges(account: PlanAccount, kind: str) -> Iterator[FixedChargeLine]:
    """List the fixed charges of the contracts of one kind that a plan uses.

    Args:
        account: Accounting of the plan.
        kind: `smelter`, `stream` or `offer`.

    Yields:
        Charges by index of the contract.
    """
    charges = account.charges.get(kind)
    if charges is not None:
        for member, period in zip(*(axis.tolist() for axis in np.nonzero(charges)), strict=True):
            yield FixedChargeLine(member, period, float(charges[member, period]))


_DELIVERY_RATES = {"supply": "supply", "collection": "collection", "treatment": "treating", "transport": "transport"}
_RATE_BY_COST = {**_DELIVERY_RATES, "residue": "residue"}  # kind of cost to the name of its rate on a route


def list_device_orders(account: PlanAccount, region: int) -> Iterator[DeviceOrderLine]:
    """List the devices ordered from a region.

    Args:
        account: Accounting of the plan.
        region: Index of the region.

    Yields:
        Order lines by stream, then period.
    """
    routes, sent = account.routes, account.decisions.sent
    own = np.flatnonzero(account.instance.streams.region[routes.stream] == region)
    route, period = np.nonzero(sent[own])
    order = np.lexsort((own[route], period, routes.stream[own[route]]))
    for j, t in zip(own[route[order]].tolist(), period[order].tolist(), strict=True):
        tonnes = float(sent[j, t])
        rates = {kind: getattr(routes, rate)[j] for kind, rate in _RATE_BY_COST.items()}
        costs = {kind: tonnes * float(rate[index_period(rate, t)]) for kind, rate in rates.items()}
        fraction = not routes.treats[j]
        shipped = tonnes * float(routes.to_smelter[j]) if fraction else tonnes
        at = int(routes.stream[j]), int(routes.treatment[j]), int(routes.smelter[j])
        feed = tonnes * float(routes.to_smelter[j]) if routes.smelter[j] >= 0 else 0.0
        yield DeviceOrderLine(*at, t, shipped, costs, bool(fraction), feed)


def list_storage_lines(account: PlanAccount, region: int) -> Iterator[StorageLine]:
    """List the stored devices of a region.

    Args:
        account: Accounting of the plan.
        region: Index of the region.

    Yields:
        Storage lines by stream, then period.
    """
    streams, waiting = account.instance.streams, account.decisions.stockpile
    own = np.flatnonzero(streams.region == region)
    stream, period = np.nonzero(waiting[own])
    for i, t in zip(own[stream].tolist(), period.tolist(), strict=True):
        tonnes = float(waiting[i, t])
        yield StorageLine(i, t, tonnes, tonnes * float(streams.storage_cost.value[i]))


def list_feed_lines(account: PlanAccount, smelter: int) -> Iterator[FeedLine]:
    """List the feed of a smelter.

    Args:
        account: Accounting of the plan.
        smelter: Index of the smelter.

    Yields:
        Feed lines by period, one per line of its terms.
    """
    all_routes, sent = account.routes, account.decisions.sent
    routes = np.flatnonzero(all_routes.smelter == smelter)
    device = account.instance.streams.device[all_routes.stream[routes]]
    line = account.instance.smelters.line[smelter, device, all_routes.treatment[routes]]
    for t in range(sent.shape[1]):
        for one in np.unique(line[sent[routes, t] != 0]).tolist():
            yield _make_feed_line(account, smelter, one, t, routes[(line == one) & (sent[routes, t] != 0)])


def _make_feed_line(account: PlanAccount, smelter: int, line: int, period: int, routes: Ints) -> FeedLine:
    """Return the feed of one line of terms in one period."""
    all_routes, tonnes = account.routes, account.decisions.sent[routes, period]
    penalties = tuple(_list_penalties(account, routes, tonnes, period))
    carried = np.unique(all_routes.treatment[routes[~all_routes.treats[routes]]])
    return FeedLine(
        line,
        period,
        float(all_routes.to_smelter[routes] @ tonnes),
        float(all_routes.smelting[routes, index_period(all_routes.smelting, period)] @ tonnes)
        - sum(penalty.charge for penalty in penalties),
        tuple(_list_metal_returns(account, smelter, period, routes)),
        penalties,
        float(account.instance.terms.lot_charge.value[line]),
        tuple(carried.tolist()),
    )


def _list_penalties(account: PlanAccount, routes: Ints, tonnes: Floats, period: int) -> Iterator[FeedPenalty]:
    """Yield the penalties due on the routes of one feed line in one period."""
    instance, all_routes = account.instance, account.routes
    if not len(instance.impurities.penalty_line):
        return
    content = all_routes.impurity[routes]
    rates = compute_penalties(instance, read_floats, all_routes.line[routes], content, all_routes.to_smelter[routes])
    rates = rates[:, :, index_period(rates, period)]
    for x in np.flatnonzero(rates.any(axis=0)).tolist():
        yield FeedPenalty(x, float(content[:, x] @ tonnes), float(rates[:, x] @ tonnes))


def _list_metal_returns(account: PlanAccount, smelter: int, period: int, routes: Ints) -> Iterator[MetalReturn]:
    """Yield the metals returned from the routes of one feed line."""
    instance, all_routes, tonnes = account.instance, account.routes, account.decisions.sent[routes, period]
    device = instance.streams.device[all_routes.stream[routes]]
    held = (
        instance.devices.assay.value[device] * instance.treatments.recovery.value[all_routes.treatment[routes], device]
    )
    for e in range(len(instance.metals.names)):
        back = period + int(instance.smelters.lead[smelter, e])
        in_time = back < len(instance.periods)
        settled = tonnes * account.compute_settled_share(routes, e)[:, period]
        contained, kilograms = float(held[:, e] @ tonnes), float(all_routes.returned[routes, e] @ settled)
        if kilograms > 0:
            called = settled * account.compute_called_share(routes, e)[:, period] if in_time else settled
            due = all_routes.refining[routes, e, index_period(all_routes.refining, back)]
            charge = float(due @ called) if in_time else 0.0
            left = float(all_routes.returned[routes, e] @ (settled - called))
            paid = left * float(instance.terms.pays.value[all_routes.line[routes[0]], e, back]) if left else 0.0
            yield MetalReturn(e, contained, kilograms - left, back if in_time else None, charge, left, paid)
