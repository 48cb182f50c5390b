"""Residuals of every constraint of the formulation on a plan, each with the size it is relative to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from medalopt.catalog import FAMILIES, UPPER
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import (
    Numbers,
    bound_above,
    bound_below,
    make_zeros,
    sum_by_group,
    zero_where_infinite,
)
from medalopt.instance.bounds import (
    VariableBounds,
    bound_metal_charged,
    compute_cumulative_demand,
    get_limit,
    has_demand,
    is_stocked,
    may_buy,
    may_charge,
    may_miss,
)
from medalopt.instance.instance import PolicyLimits
from medalopt.instance.lots import STEP_KINDS, compute_line_feed, compute_quantity, measure_excess
from medalopt.instance.routes import has_supply
from medalopt.instance.smelter_terms import has_limit, leaves_metal, may_leave
from medalopt.proof.confidence import CONE_RULE, iterate_cone_residuals


@dataclass(frozen=True, eq=False)
class ConstraintResidual:
    """Residuals of one constraint family: `excess` is the violation (0 if satisfied), `size` its reference size."""

    family: str
    name: str  # constraint, or variable outside its bounds
    unit: str
    axes: tuple[str, ...]  # index sets of the arrays
    excess: Numbers
    size: Numbers

    def get_worst(self) -> float:
        """Return an upper bound of the largest relative violation.

        Returns:
            Dimensionless; 0 without rows.
        """
        excess, size = bound_above(self.excess), bound_below(self.size)
        return float(np.divide(excess, np.where(size > 0, size, 1.0)).max(initial=0.0))


def compute_residuals(account: PlanAccount, bounds: VariableBounds) -> Iterator[ConstraintResidual]:
    """Yield the residuals of every constraint family on a plan, chance constraints included.

    Args:
        bounds: Implied bounds of the instance, as reference magnitudes and variable bounds.

    Yields:
        Residuals, in the arithmetic of the plan.
    """
    yield from compute_linear_residuals(account, bounds)
    for excess, size in iterate_cone_residuals(account):
        yield ConstraintResidual("confidence", CONE_RULE, "kg", ("metal", "period"), excess, size)


def compute_linear_residuals(account: PlanAccount, bounds: VariableBounds) -> Iterator[ConstraintResidual]:
    """Yield the residuals of every linear constraint family on a plan.

    Args:
        bounds: Implied bounds of the instance, as reference magnitudes and variable bounds.

    Yields:
        Residuals, in the arithmetic of the plan.
    """
    yield from _bound_residuals(account, bounds)
    yield from _supply_residuals(account)
    yield from _fraction_residuals(account)
    yield from _settlement_residuals(account)
    yield from _left_metal_residuals(account)
    yield from _capacity_residuals(account)
    yield from _charge_limit_residuals(account)
    yield from _impurity_residuals(account)
    yield from _balance_residuals(account, bounds)
    yield from _fineness_residuals(account)
    yield from _demand_residuals(account)
    yield from _commitment_residuals(account)
    yield from _policy_residuals(account)
    if account.instance.lots:
        yield from _lot_residuals(account)


def _make_residual(name: str, excess: Numbers, size: Numbers) -> ConstraintResidual:
    """Return the residuals of a constraint of the catalogue."""
    family = FAMILIES[name]
    return ConstraintResidual(family.title, name, family.unit, family.axes, excess, size)


def _excess_over(value: Numbers, limit: Numbers | float) -> Numbers:
    """Return the violation of an upper bound."""
    return np.maximum(value - limit, 0)


def _largest_magnitude(*parts: Numbers) -> Numbers:
    """Return the largest absolute value of several arrays, entry by entry."""
    return reduce(np.maximum, map(abs, parts))


def _bound_residuals(account: PlanAccount, bounds: VariableBounds) -> Iterator[ConstraintResidual]:
    """Yield violations of variable bounds: negative values, and decisions without a variable in the formulation."""
    decisions, instance, routes = account.decisions, account.instance, account.routes
    some = has_supply(instance)
    chargeable = may_charge(instance, routes)[:, :, None]
    buyable = may_buy(instance)[:, :, None]
    limits: tuple[tuple[str, str, str, tuple[str, ...], Numbers, Any], ...] = (
        ("supply", "ship", "t", ("route", "period"), decisions.sent, some[routes.stream]),
        ("supply", "stockpile", "t", ("stream", "period"), decisions.stockpile, instance.streams.storable[:, None]),
        ("fineness", "charge", "kg", ("alloy", "metal", "period"), decisions.charged, chargeable),
        ("fineness", "buy", "kg", ("offer", "alloy", "period"), decisions.bought, buyable),
        ("metal balance", "surplus", "kg", ("metal", "period"), decisions.surplus, True),
        ("process scrap", "recharge", "kg", ("alloy", "period"), decisions.recharged, (bounds.scrap > 0)[:, None]),
    )
    into_stock = is_stocked(instance)[:, None]
    if into_stock.any():
        limits = (*limits, ("metal balance", "acquire", "kg", ("offer", "period"), account.purchases, True))
    for family, name, unit, axes, value, exists in limits:
        negative = np.maximum(-value, 0)
        wrong = negative if np.all(exists) else np.where(exists, negative, abs(value))
        size = abs(value) + abs(account.composition) if name == "charge" else abs(value)
        yield ConstraintResidual(family, name, unit, axes, wrong, size)
    if into_stock.any():
        maximum = bounds.purchase[:, None]
        over = np.where(into_stock, _excess_over(account.purchases, maximum), 0)
        yield ConstraintResidual(
            "metal balance", "acquire", "kg", ("offer", "period"), over, _largest_magnitude(maximum, account.purchases)
        )


def _supply_residuals(account: PlanAccount) -> Iterator[ConstraintResidual]:
    """Yield residuals of supply (family 1); the streams of a bundle are taken in equal shares of supply."""
    instance, decisions = account.instance, account.decisions
    available = account.read(instance.streams.available)
    taking = account.routes.taking
    sent = sum_by_group(decisions.sent[taking], account.routes.stream[taking], len(available))
    before = np.concatenate([np.zeros_like(available[:, :1]), decisions.stockpile[:, :-1]], axis=1)
    taken, size = (
        sent + decisions.stockpile - before,
        _largest_magnitude(available, sent + decisions.stockpile + before),
    )
    bundle = instance.streams.bundle
    alone = bundle < 0
    axes = ("stream", "period")
    yield _make_residual("supply", np.where(alone[:, None], _excess_over(taken, available), 0), size)
    limit = account.read(instance.streams.storage_limit)[:, None]
    yield ConstraintResidual(
        "supply",
        "stockpile",
        "t",
        axes,
        _excess_over(decisions.stockpile, limit),
        _largest_magnitude(zero_where_infinite(limit), decisions.stockpile),
    )
    total = sum_by_group(available[~alone], bundle[~alone], len(instance.bundles))
    got = sum_by_group(taken[~alone], bundle[~alone], len(instance.bundles))
    share = got / np.where(total > 0, total, 1)  # a bundle without supply has shares of 0
    fair = np.where(alone[:, None], taken, share[bundle] * available) if len(instance.bundles) else taken
    yield _make_residual("bundle_supply", abs(taken - fair), size)
    over = _excess_over(got, total) + np.maximum(-got, 0)
    yield ConstraintResidual("supply", "take", "t", ("bundle", "period"), over, _largest_magnitude(total, got))


def _fraction_residuals(account: PlanAccount) -> Iterator[ConstraintResidual]:
    """Yield residuals of fractions (family 20): each goes on with all devices that are treated."""
    groups, sent = account.routes.fraction_groups, account.decisions.sent
    if not len(groups.parent):
        return
    branches, treated = account.routes.branches, sent[groups.parent]
    carried = sum_by_group(sent[branches], groups.group[branches], len(groups.parent))
    family = FAMILIES["fractions"]
    axes = ("fraction", "period")
    size = _largest_magnitude(treated, carried)
    yield ConstraintResidual(family.title, family.name, family.unit, axes, abs(carried - treated), size)


def _settlement_residuals(account: PlanAccount) -> Iterator[ConstraintResidual]:
    """Yield residuals of pooled settlement (family 14): bounds on the metal withheld from each lot."""
    lots, withheld = account.pools, account.decisions.withheld
    if not len(lots.line):
        return
    axes = ("pool", "metal", "period")
    wrong = np.where(lots.exists, np.maximum(-withheld, 0), abs(withheld))
    yield ConstraintResidual("settlement", "withheld", "kg", axes, wrong, abs(withheld))
    minimum, size = account.sum_by_pool(lots.withheld), account.sum_by_pool(abs(lots.withheld))
    maximum = account.sum_by_pool(np.maximum(lots.withheld, 0))
    for name, excess, beside in (
        ("withheld_least", _excess_over(minimum, withheld), size),
        ("withheld_most", _excess_over(withheld, maximum), maximum),
        ("withheld_all", _excess_over(withheld, account.gross_payable), account.gross_payable),
    ):
        yield _make_residual(name, np.where(lots.exists, excess, 0), _largest_magnitude(beside, withheld))


def _left_metal_residuals(account: PlanAccount) -> Iterator[ConstraintResidual]:
    """Yield residuals of metal left with the smelters (family 17): not more than is credited."""
    instance, left = account.instance, account.decisions.left
    if not leaves_metal(instance):
        return
    exists, credited = may_leave(instance, account.routes), account.credited_by_line
    wrong = np.where(exists, np.maximum(-left, 0), abs(left))
    yield ConstraintResidual("settlement", "left", "kg", ("terms", "metal", "period"), wrong, abs(left))
    yield _make_residual(
        "left_most", np.where(exists, _excess_over(left, credited), 0), _largest_magnitude(left, credited)
    )


def _capacity_residuals(account: PlanAccount) -> Iterator[ConstraintResidual]:
    """Yield residuals of capacity (family 2)."""
    for name, used in (
        ("feed_capacity", account.feed),
        ("treatment_capacity", account.treated),
        ("cast_capacity", account.cast),
    ):
        limit = account.read(get_limit(account.instance, FAMILIES[name].limits[0]))
        yield _make_residual(name, _excess_over(used, limit), _largest_magnitude(zero_where_infinite(limit), used))


def _charge_limit_residuals(account: PlanAccount) -> Iterator[ConstraintResidual]:
    """Yield residuals of the limits on groups of offers charged to an alloy (family 23)."""
    if not account.instance.charge_limits.names:
        return
    most, charged = account.read(account.instance.charge_limits.most), account.charged_groups
    size = _largest_magnitude(zero_where_infinite(most), charged)
    yield _make_residual("charge_limit", _excess_over(charged, most), size)


def _impurity_residuals(account: PlanAccount) -> Iterator[ConstraintResidual]:
    """Yield residuals of impurity limits (family 19)."""
    limited = has_limit(account.instance)[:, :, None]
    if not limited.any():
        return
    most = zero_where_infinite(account.read(account.instance.impurities.limit))[:, :, None]
    allowed = most * account.feed[:, None, :]
    over = np.where(limited, _excess_over(account.impurity, allowed), 0)
    yield _make_residual("impurity_limit", over, _largest_magnitude(allowed, account.impurity))


def _balance_residuals(account: PlanAccount, bounds: VariableBounds) -> Iterator[ConstraintResidual]:
    """Yield residuals of metal balance (3) and process scrap (12): no stock is negative.

    The reference magnitude is the metal needed for the melts if that is less than all metal available; otherwise a
    small demand could be met from rounding errors of a large supply.
    """
    need = bound_metal_charged(account.instance, account.routes, bounds)
    natural = np.where(need > 0, np.minimum(bounds.stock[:, -1], need), bounds.stock[:, -1])
    gone = account.decisions.charged.sum(axis=0) + account.decisions.surplus
    gone = np.cumsum(gone + account.left if len(account.decisions.left) else gone, axis=1)
    size = np.maximum(natural[:, None], abs(gone))
    yield _make_residual("balance", np.maximum(-account.stock, 0), size)
    if (account.instance.metals.reserve > 0).any():
        coming = account.compute_coming_need()
        kept = (account.instance.metals.reserve > 0)[:, None]
        yield _make_residual("reserve", np.where(kept, _excess_over(coming, account.stock), 0), size)
    if is_stocked(account.instance).any():
        gone = np.cumsum(account.decisions.bought.sum(axis=1), axis=1)
        opening = account.read(account.instance.market.opening_stock)[:, None]
        size = np.maximum(bounds.purchase[:, None] + opening, abs(gone))
        yield _make_residual("offer_balance", np.maximum(-account.offer_stock, 0), size)
        yield from _offer_stock_residuals(account, size)
    size = np.maximum(bounds.scrap[:, None], abs(account.scrap))
    yield _make_residual("process_scrap", np.maximum(-account.scrap, 0), size)


def _offer_stock_residuals(account: PlanAccount, size: Numbers) -> Iterator[ConstraintResidual]:
    """Yield residuals of storage limits and closing stock (family 22), of offers of this `size` (O, T)."""
    market, read = account.instance.market, account.read
    stock, stocked = account.offer_stock, is_stocked(account.instance)
    over = np.where(stocked[:, None], _excess_over(stock, read(market.storage_limit)), 0)
    yield _make_residual("offer_storage", over, np.maximum(size, abs(stock)))
    least = read(market.closing_stock)
    short = np.where(market.closing_stock.raw > 0, _excess_over(least, stock[:, -1]), 0)
    yield _make_residual("closing_stock", short, _largest_magnitude(least, size[:, -1]))


def _fineness_residuals(account: PlanAccount) -> Iterator[ConstraintResidual]:
    """Yield residuals of fineness (family 5)."""
    alloys, read = account.instance.alloys, account.read
    wanted = has_demand(account.instance)[:, None]
    charge, named = account.charge, alloys.named & wanted
    low, high = read(alloys.low)[:, :, None] * charge[:, None, :], read(alloys.high)[:, :, None] * charge[:, None, :]
    size = np.broadcast_to(charge[:, None, :], account.composition.shape)
    chosen = named[:, :, None]
    yield _make_residual("fineness_low", np.where(chosen, _excess_over(low, account.composition), 0), size)
    yield _make_residual("fineness_high", np.where(chosen, _excess_over(account.composition, high), 0), size)
    known = np.where(alloys.named[:, :, None], account.composition, 0).sum(axis=1)
    allowed = read(alloys.others)[:, None] * charge
    rest = np.where((alloys.admits_others[:, None]) & wanted, _excess_over(charge - known, allowed), 0)
    yield _make_residual("others", rest, charge)


def _demand_residuals(account: PlanAccount) -> Iterator[ConstraintResidual]:
    """Yield residuals of demand (family 6), an equation in the last period."""
    quantity, whole = account.demand, compute_cumulative_demand(account.instance, account.read)
    kept = (1 - account.read(account.instance.alloys.scrap_share))[:, None] * np.cumsum(account.cast, axis=1)
    excess = _excess_over(quantity, kept)
    excess[:, -1] = abs(quantity[:, -1] - kept[:, -1])
    yield _make_residual("demand", excess, _largest_magnitude(whole[:, -1:], kept))
    if len(account.decisions.missed):
        missed, count = account.missed, account.instance.medals.count
        allowed = np.where(may_miss(account.instance), count, 0)
        wrong = np.maximum(np.maximum(-missed, 0), _excess_over(missed, allowed))
        yield ConstraintResidual("demand", "missed", "medals", ("medal",), wrong, _largest_magnitude(count, missed))


def _commitment_residuals(account: PlanAccount) -> Iterator[ConstraintResidual]:
    """Yield residuals of commitments and limits over the horizon (family 7)."""
    for name, total in (
        ("purchase", account.bought),
        ("stream_commitment", account.sent),
        ("feed_total", account.feed.sum(axis=1)),
    ):
        least, *most = (account.read(get_limit(account.instance, limit)) for limit in FAMILIES[name].limits)
        excess, size = _excess_over(least, total), _largest_magnitude(least, total)
        for limit in most:
            excess = np.maximum(excess, _excess_over(total, limit))
            size = _largest_magnitude(size, zero_where_infinite(limit))
        yield _make_residual(name, excess, size)
    for kind in STEP_KINDS:
        steps = kind.get_steps(account.instance)
        if not len(steps.owner):
            continue
        last, limit = np.isinf(steps.surcharge.raw), account.read(steps.above)
        over = np.where(last, measure_excess(steps, compute_quantity(account, kind), account.read)[:, -1], 0)
        yield _make_residual(f"{kind.name}_steps", over, _largest_magnitude(limit, limit + over))


@dataclass(frozen=True, eq=False)
class HorizonTotals:
    """Totals over the horizon of which policies limit shares; replanning adds those of the past."""

    charged: Numbers  # (E,) kg of metal charged
    primary: Numbers  # (E,) kg of it that is not recycled
    by_device: Numbers  # (D,) t sent
    by_region: Numbers  # (G,) t sent
    tonnes: Numbers  # () t sent
    supply: Numbers  # (G,) t offered, streams without a route included
    feed: Numbers  # (K,) t
    bought: Numbers  # (O,) kg


def compute_totals(account: PlanAccount) -> HorizonTotals:
    """Compute the totals of a plan of which policies limit shares.

    Returns:
        The totals, in the arithmetic of the plan.
    """
    instance, read = account.instance, account.read
    streams, market = instance.streams, instance.market
    bought = account.decisions.bought.sum(axis=(1, 2))
    return HorizonTotals(
        charged=account.composition.sum(axis=(0, 2)),
        primary=((1 - read(market.recycled)) * bought) @ read(market.composition),
        by_device=sum_by_group(account.sent, streams.device, len(instance.devices.names)),
        by_region=sum_by_group(account.sent, streams.region, len(instance.regions)),
        tonnes=account.tonnes,
        supply=sum_by_group(read(streams.available).sum(axis=1), streams.region, len(instance.regions)),
        feed=account.feed.sum(axis=1),
        bought=account.bought,
    )


def measure_policies(policy: PolicyLimits, totals: HorizonTotals) -> dict[str, tuple[Numbers, Numbers]]:
    """Return for every policy on shares what its rows limit, and what the limits are shares of.

    Returns:
        By constraint: quantities and wholes, both (members,), t or kg.
    """
    in_window = policy.members.astype(np.intp) @ totals.by_device
    everything = make_zeros(in_window.shape, in_window) + totals.tonnes
    return {
        "recycled": (totals.primary, totals.charged),
        "mix_low": (in_window, everything),
        "mix_high": (in_window, everything),
        "participation": (totals.by_region, totals.supply),
        **{
            f"concentration_{name}": (each, make_zeros(each.shape, each) + each.sum())
            for name, each in (("smelters", totals.feed), ("regions", totals.by_region), ("offers", totals.bought))
        },
    }


def _policy_residuals(account: PlanAccount) -> Iterator[ConstraintResidual]:
    """Yield residuals of the policies: those on shares (families 8 to 10 and 15) and the footprint cap (11)."""
    instance, read = account.instance, account.read
    for name, (quantity, whole) in measure_policies(instance.policy, compute_totals(account)).items():
        limit = FAMILIES[name].limits[0]
        share = get_limit(instance, limit)
        stated = share.value != limit.free
        allowed = (read(share) if limit.slope > 0 else 1 - read(share)) * whole
        over = _excess_over(quantity, allowed) if limit.side == UPPER else _excess_over(allowed, quantity)
        yield _make_residual(name, np.where(stated, over, 0), whole)
    none = make_zeros((1,), account.sent)
    cap, emitted = none + read(instance.policy.footprint_cap), none + account.footprint
    yield _make_residual(
        "footprint_cap", _excess_over(emitted, cap), _largest_magnitude(zero_where_infinite(cap), emitted)
    )


def _lot_residuals(account: PlanAccount) -> Iterator[ConstraintResidual]:
    """Yield residuals of whole lots, minimum orders and minimum lots of feed (families 13 and 21)."""
    instance, read = account.instance, account.read
    for part, axis, unit, ordered in (
        (instance.streams, "stream", "t", account.sent_by_stream),
        (instance.market, "offer", "kg", account.purchases),
    ):
        axes = (axis, "period")
        lot, minimum = read(part.lot)[:, None], read(part.minimum_order)[:, None]
        chosen = part.lot.raw[:, None] > 0
        count = np.rint(bound_below(ordered) / np.where(chosen, part.lot.value[:, None], 1)).astype(np.intp)
        off = np.where(chosen, abs(ordered - lot * count), 0)
        yield ConstraintResidual("whole lots", "whole_lots", unit, axes, off, _largest_magnitude(lot, ordered))
        short = np.minimum(abs(ordered), _excess_over(minimum, ordered))
        yield ConstraintResidual("whole lots", "least_order", unit, axes, short, _largest_magnitude(minimum, ordered))
    least = read(instance.terms.minimum_lot)[:, None]
    fed = compute_line_feed(account)
    short, size = np.minimum(abs(fed), _excess_over(least, fed)), _largest_magnitude(least, fed)
    yield ConstraintResidual("lots of feed", "line_least", "t", ("terms", "period"), short, size)
