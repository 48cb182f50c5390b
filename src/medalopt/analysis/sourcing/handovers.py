"""Order lines of a plan: devices by stream, period and route, feed and returned metal by smelter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medalopt.instance.decisions import Account
from medalopt.instance.figures import Ints


@dataclass(frozen=True)
class Handover:
    """Devices of a stream on one route in one period: tonnes, and money by kind of cost; `smelter` −1: none."""

    stream: int
    treatment: int
    smelter: int
    period: int
    tonnes: float
    costs: dict[str, float]


@dataclass(frozen=True)
class Storage:
    """Tonnes of a stream in storage at the end of a period, and the storage cost."""

    stream: int
    period: int
    tonnes: float
    cost: float


@dataclass(frozen=True)
class Feed:
    """Feed of a smelter under one line of its terms in one period: tonnes and treatment charge."""

    line: int
    period: int
    tonnes: float
    charge: float
    metals: tuple[Returned, ...]


@dataclass(frozen=True)
class Returned:
    """Metal of a feed: kg contained, kg returned, period of return (None: after the horizon), and refining charge."""

    metal: int
    contained: float
    kilograms: float
    back: int | None
    charge: float


_WAY = {"supply": "supply", "collection": "collection", "treatment": "treating", "transport": "transport"}
_COSTS = {**_WAY, "residue": "residue"}  # kind of cost to the name of its rate on a route


def handovers(account: Account, region: int) -> Iterator[Handover]:
    """List the devices ordered from a region.

    Args:
        account: Accounting of the plan.
        region: Index of the region.

    Yields:
        Order lines by stream, then period.
    """
    found, sent = account.found, account.decisions.sent
    own = np.flatnonzero(account.instance.streams.region[found.stream] == region)
    route, period = np.nonzero(sent[own])
    order = np.lexsort((own[route], period, found.stream[own[route]]))
    for j, t in zip(own[route[order]].tolist(), period[order].tolist(), strict=True):
        tonnes = float(sent[j, t])
        costs = {kind: tonnes * float(getattr(found, rate)[j]) for kind, rate in _COSTS.items()}
        yield Handover(int(found.stream[j]), int(found.treatment[j]), int(found.smelter[j]), t, tonnes, costs)


def storages(account: Account, region: int) -> Iterator[Storage]:
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
        yield Storage(i, t, tonnes, tonnes * float(streams.storage_cost.value[i]))


def feeds(account: Account, smelter: int) -> Iterator[Feed]:
    """List the feed of a smelter.

    Args:
        account: Accounting of the plan.
        smelter: Index of the smelter.

    Yields:
        Feed lines by period, one per line of its terms.
    """
    found, sent = account.found, account.decisions.sent
    routes = np.flatnonzero(found.smelter == smelter)
    device = account.instance.streams.device[found.stream[routes]]
    line = account.instance.smelters.line[smelter, device, found.treatment[routes]]
    for t in range(sent.shape[1]):
        for one in np.unique(line[sent[routes, t] != 0]).tolist():
            yield _feed(account, smelter, one, t, routes[(line == one) & (sent[routes, t] != 0)])


def _feed(account: Account, smelter: int, line: int, period: int, routes: Ints) -> Feed:
    """Return the feed of one line of terms in one period."""
    found, tonnes = account.found, account.decisions.sent[routes, period]
    return Feed(
        line,
        period,
        float(found.to_smelter[routes] @ tonnes),
        float(found.smelting[routes] @ tonnes),
        tuple(_metals(account, smelter, period, routes)),
    )


def _metals(account: Account, smelter: int, period: int, routes: Ints) -> Iterator[Returned]:
    """Yield the metals returned from the routes of one feed line."""
    instance, found, tonnes = account.instance, account.found, account.decisions.sent[routes, period]
    device = instance.streams.device[found.stream[routes]]
    held = instance.devices.assay.value[device] * instance.treatments.recovery.value[found.treatment[routes], device]
    for e in range(len(instance.metals.names)):
        back = period + int(instance.smelters.lead[smelter, e])
        in_time = back < len(instance.periods)
        settled = tonnes * account.settled(routes, e)[:, period]
        contained, kilograms = float(held[:, e] @ tonnes), float(found.returned[routes, e] @ settled)
        if kilograms > 0:
            charge = float(found.refining[routes, e] @ settled) if in_time else 0.0
            yield Returned(e, contained, kilograms, back if in_time else None, charge)
