"""Residuals of every constraint of the formulation on a plan, each with the size it is relative to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from medalopt.instance.arithmetic import Numbers, highest, lowest, summed, zeros
from medalopt.instance.bounds import Bounds, needed
from medalopt.instance.decisions import Account
from medalopt.instance.needs import is_owed, is_stocked, may_buy, may_charge, owed
from medalopt.instance.routes import offered

BROKEN = 1e-9  # relative violation at which a constraint counts as satisfied


@dataclass(frozen=True, eq=False)
class Rule:
    """Residuals of one constraint family: `excess` is the violation (0 if satisfied), `size` its reference size."""

    family: str
    name: str  # constraint, or variable outside its bounds
    unit: str
    axes: tuple[str, ...]  # index sets of the arrays
    excess: Numbers
    size: Numbers

    def worst(self) -> float:
        """Return an upper bound of the largest relative violation."""
        excess, size = highest(self.excess), lowest(self.size)
        return float(np.divide(excess, np.where(size > 0, size, 1.0)).max(initial=0.0))


def rules(account: Account, bounds: Bounds) -> Iterator[Rule]:
    """Yield the residuals of every constraint family on a plan.

    Args:
        account: Plan.
        bounds: Implied bounds of the instance, as reference magnitudes and variable bounds.

    Yields:
        Residuals, in the arithmetic of the plan.
    """
    yield from _bounds(account, bounds)
    yield from _supply(account)
    yield from _settlement(account)
    yield from _capacity(account)
    yield from _metal(account, bounds)
    yield from _fineness(account)
    yield from _demand(account)
    yield from _totals(account)
    yield from _policy(account)
    if account.instance.lots:
        yield from _lots(account)


def _above(value: Numbers, limit: Numbers | float) -> Numbers:
    """Return the violation of an upper bound."""
    return np.maximum(value - limit, 0)


def _finite(limit: Numbers) -> Numbers:
    """Return a limit with 0 in place of infinity; the violation is 0 there."""
    return np.where(limit < np.inf, limit, 0)


def _most(*parts: Numbers) -> Numbers:
    """Return the largest absolute value of several arrays, entry by entry."""
    return reduce(np.maximum, map(abs, parts))


def _bounds(account: Account, bounds: Bounds) -> Iterator[Rule]:
    """Yield violations of variable bounds: negative values, and decisions without a variable in the formulation."""
    made, instance, found = account.decisions, account.instance, account.found
    some = offered(instance)
    chargeable = may_charge(instance, found)[:, :, None]
    buyable = may_buy(instance)[:, :, None]
    limits: tuple[tuple[str, str, str, tuple[str, ...], Numbers, Any], ...] = (
        ("supply", "ship", "t", ("route", "period"), made.sent, some[found.stream]),
        ("supply", "stockpile", "t", ("stream", "period"), made.stockpile, instance.streams.storable[:, None]),
        ("fineness", "charge", "kg", ("alloy", "metal", "period"), made.charged, chargeable),
        ("fineness", "buy", "kg", ("offer", "alloy", "period"), made.bought, buyable),
        ("metal balance", "surplus", "kg", ("metal", "period"), made.surplus, True),
        ("process scrap", "recharge", "kg", ("alloy", "period"), made.recharged, (bounds.scrap > 0)[:, None]),
    )
    into_stock = is_stocked(instance)[:, None]
    if into_stock.any():
        limits = (*limits, ("metal balance", "acquire", "kg", ("offer", "period"), account.purchases, True))
    for family, name, unit, axes, value, exists in limits:
        wrong = np.where(exists, np.maximum(-value, 0), abs(value))
        size = abs(value) + abs(account.composition) if name == "charge" else abs(value)
        yield Rule(family, name, unit, axes, wrong, size)
    if into_stock.any():
        most = bounds.purchase[:, None]
        over = np.where(into_stock, _above(account.purchases, most), 0)
        yield Rule("metal balance", "acquire", "kg", ("offer", "period"), over, _most(most, account.purchases))


def _supply(account: Account) -> Iterator[Rule]:
    """Yield residuals of supply (family 1); the streams of a bundle are taken in equal shares of supply."""
    instance, made = account.instance, account.decisions
    available = account.read(instance.streams.available)
    sent = summed(made.sent, account.found.stream, len(available))
    before = np.concatenate([np.zeros_like(available[:, :1]), made.stockpile[:, :-1]], axis=1)
    taken, size = sent + made.stockpile - before, _most(available, sent + made.stockpile + before)
    bundle = instance.streams.bundle
    alone = bundle < 0
    axes = ("stream", "period")
    yield Rule("supply", "supply", "t", axes, np.where(alone[:, None], _above(taken, available), 0), size)
    limit = account.read(instance.streams.storage_limit)[:, None]
    yield Rule("supply", "stockpile", "t", axes, _above(made.stockpile, limit), _most(_finite(limit), made.stockpile))
    total = summed(available[~alone], bundle[~alone], len(instance.bundles))
    got = summed(taken[~alone], bundle[~alone], len(instance.bundles))
    share = got / np.where(total > 0, total, 1)  # a bundle without supply has shares of 0
    fair = np.where(alone[:, None], taken, share[bundle] * available) if len(instance.bundles) else taken
    yield Rule("supply", "bundle_supply", "t", axes, abs(taken - fair), size)
    over = _above(got, total) + np.maximum(-got, 0)
    yield Rule("supply", "take", "t", ("bundle", "period"), over, _most(total, got))


def _settlement(account: Account) -> Iterator[Rule]:
    """Yield residuals of pooled settlement (family 14): bounds on the metal withheld from each lot."""
    lots, withheld = account.pools, account.decisions.withheld
    if not len(lots.line):
        return
    axes = ("pool", "metal", "period")
    wrong = np.where(lots.exists, np.maximum(-withheld, 0), abs(withheld))
    yield Rule("settlement", "withheld", "kg", axes, wrong, abs(withheld))
    least, size = account.in_pools(lots.withheld), account.in_pools(abs(lots.withheld))
    most = account.in_pools(np.maximum(lots.withheld, 0))
    for name, excess, beside in (
        ("withheld_least", _above(least, withheld), size),
        ("withheld_most", _above(withheld, most), most),
        ("withheld_all", _above(withheld, account.unsettled), account.unsettled),
    ):
        yield Rule("settlement", name, "kg", axes, np.where(lots.exists, excess, 0), _most(beside, withheld))


def _capacity(account: Account) -> Iterator[Rule]:
    """Yield residuals of capacity (family 2)."""
    instance, read = account.instance, account.read
    for name, axis, unit, used, limit in (
        ("feed_capacity", "smelter", "t", account.feed, read(instance.smelters.capacity)),
        ("treatment_capacity", "treatment", "t", account.treated, read(instance.treatments.capacity)),
        ("cast_capacity", "alloy", "kg", account.cast, read(instance.alloys.capacity)),
    ):
        yield Rule("capacity", name, unit, (axis, "period"), _above(used, limit), _most(_finite(limit), used))


def _metal(account: Account, bounds: Bounds) -> Iterator[Rule]:
    """Yield residuals of metal balance (3) and process scrap (12): no stock is negative.

    The reference magnitude is the metal needed for the melts if that is less than all metal available; otherwise a
    small demand could be met from rounding errors of a large supply.
    """
    need = needed(account.instance, account.found, bounds)
    natural = np.where(need > 0, np.minimum(bounds.stock[:, -1], need), bounds.stock[:, -1])
    gone = np.cumsum(account.decisions.charged.sum(axis=0) + account.decisions.surplus, axis=1)
    size = np.maximum(natural[:, None], abs(gone))
    yield Rule("metal balance", "balance", "kg", ("metal", "period"), np.maximum(-account.stock, 0), size)
    if is_stocked(account.instance).any():
        gone = np.cumsum(account.decisions.bought.sum(axis=1), axis=1)
        size = np.maximum(bounds.purchase[:, None], abs(gone))
        short = np.maximum(-account.offer_stock, 0)
        yield Rule("metal balance", "offer_balance", "kg", ("offer", "period"), short, size)
    size = np.maximum(bounds.scrap[:, None], abs(account.scrap))
    yield Rule("process scrap", "process_scrap", "kg", ("alloy", "period"), np.maximum(-account.scrap, 0), size)


def _fineness(account: Account) -> Iterator[Rule]:
    """Yield residuals of fineness (family 5)."""
    alloys, read = account.instance.alloys, account.read
    wanted = is_owed(account.instance)[:, None]
    charge, named = account.charge, alloys.named & wanted
    low, high = read(alloys.low)[:, :, None] * charge[:, None, :], read(alloys.high)[:, :, None] * charge[:, None, :]
    axes, size = ("alloy", "metal", "period"), np.broadcast_to(charge[:, None, :], account.composition.shape)
    chosen = named[:, :, None]
    yield Rule("fineness", "fineness_low", "kg", axes, np.where(chosen, _above(low, account.composition), 0), size)
    yield Rule("fineness", "fineness_high", "kg", axes, np.where(chosen, _above(account.composition, high), 0), size)
    known = np.where(alloys.named[:, :, None], account.composition, 0).sum(axis=1)
    allowed = read(alloys.others)[:, None] * charge
    rest = np.where((alloys.admits_others[:, None]) & wanted, _above(charge - known, allowed), 0)
    yield Rule("fineness", "others", "kg", ("alloy", "period"), rest, charge)


def _demand(account: Account) -> Iterator[Rule]:
    """Yield residuals of demand (family 6), an equation in the last period."""
    quantity = owed(account.instance, account.read)
    kept = (1 - account.read(account.instance.alloys.scrap_share))[:, None] * np.cumsum(account.cast, axis=1)
    excess = _above(quantity, kept)
    excess[:, -1] = abs(quantity[:, -1] - kept[:, -1])
    yield Rule("demand", "demand", "kg", ("alloy", "period"), excess, _most(quantity[:, -1:], kept))


def _totals(account: Account) -> Iterator[Rule]:
    """Yield residuals of commitments and limits over the horizon (family 7)."""
    instance, read = account.instance, account.read
    for name, axis, unit, total, least, most in (
        (
            *("purchase", "offer", "kg", account.bought),
            read(instance.market.committed),
            read(instance.market.limit),
        ),
        ("stream_commitment", "stream", "t", account.sent, read(instance.streams.committed), None),
        (
            *("feed_total", "smelter", "t", account.feed.sum(axis=1)),
            read(instance.smelters.committed),
            read(instance.smelters.limit),
        ),
    ):
        excess, size = _above(least, total), _most(least, total)
        if most is not None:
            excess, size = np.maximum(excess, _above(total, most)), _most(size, _finite(most))
        yield Rule("commitments and limits", name, unit, (axis,), excess, size)


def _policy(account: Account) -> Iterator[Rule]:
    """Yield residuals of recycled content (8), device mix (9), participation (10) and footprint (11)."""
    instance, read = account.instance, account.read
    policy, streams, market = instance.policy, instance.streams, instance.market
    bought = account.decisions.bought.sum(axis=(1, 2))
    new = ((1 - read(market.recycled)) * bought) @ read(market.composition)
    charged = account.composition.sum(axis=(0, 2))
    allowed = (1 - read(policy.recycled)) * charged
    over = np.where(policy.recycled.raw > 0, _above(new, allowed), 0)
    yield Rule("recycled content", "recycled", "kg", ("metal",), over, charged)
    by_device = summed(account.sent, streams.device, len(instance.devices.names))
    in_window = policy.members.astype(np.intp) @ by_device
    everything = zeros((len(policy.windows),), account.sent) + account.tonnes
    low, high = read(policy.window_low) * everything, read(policy.window_high) * everything
    yield Rule("device mix", "mix_low", "t", ("window",), _above(low, in_window), everything)
    yield Rule("device mix", "mix_high", "t", ("window",), _above(in_window, high), everything)
    by_region = summed(account.sent, streams.region, len(instance.regions))
    offers = summed(read(streams.available).sum(axis=1), streams.region, len(instance.regions))
    asked = read(policy.participation) * offers
    yield Rule("participation", "participation", "t", ("region",), _above(asked, by_region), offers)
    none = zeros((1,), account.sent)
    cap, emitted = none + read(policy.footprint_cap), none + account.footprint
    yield Rule("footprint", "footprint_cap", "kg", (), _above(emitted, cap), _most(_finite(cap), emitted))


def _lots(account: Account) -> Iterator[Rule]:
    """Yield residuals of whole lots and minimum orders (family 13)."""
    instance, made, read = account.instance, account.decisions, account.read
    sent = summed(made.sent, account.found.stream, len(instance.streams.names))
    for part, axis, unit, ordered in (
        (instance.streams, "stream", "t", sent),
        (instance.market, "offer", "kg", account.purchases),
    ):
        axes = (axis, "period")
        lot, least = read(part.lot)[:, None], read(part.minimum_order)[:, None]
        chosen = part.lot.raw[:, None] > 0
        count = np.rint(lowest(ordered) / np.where(chosen, part.lot.value[:, None], 1)).astype(np.intp)
        off = np.where(chosen, abs(ordered - lot * count), 0)
        yield Rule("whole lots", "whole_lots", unit, axes, off, _most(lot, ordered))
        short = np.minimum(abs(ordered), _above(least, ordered))
        yield Rule("whole lots", "least_order", unit, axes, short, _most(least, ordered))
