"""Reduced costs of offers bought into stock, and prices of purchases, for the lower bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from medalopt.instance.arithmetic import Numbers, make_zeros
from medalopt.instance.arrays import Bools
from medalopt.instance.demand import compute_offer_holding_cost, is_stocked
from medalopt.instance.instance import Instance
from medalopt.instance.price_steps import OFFER_STEPS
from medalopt.instance.routes import NumberReader
from medalopt.proof.prices import Prices, shift_to_next_period, sum_step_prices

if TYPE_CHECKING:
    from medalopt.proof.bound import BoundContext, ObjectiveWeights


def add_concentration_price(price: Numbers, instance: Instance, y: Prices, name: str, read: NumberReader) -> Numbers:
    """Return prices per unit of each smelter, region or offer plus those of its concentration limit.

    Args:
        price (N,): Objective per unit.
        instance: Instance.
        y: Dual values of the linking constraints.
        name: `smelters`, `regions` or `offers`.
        read: Reads parameters in the arithmetic of the bound.

    Returns:
        Objective per unit (N,).
    """
    own, share = getattr(y, f"concentration_{name}"), getattr(instance.policy, f"concentration_{name}")
    return price if share.value >= 1 else price + own - read(share) * own.sum()


def price_offer_balance(y: Prices, stocked: Bools) -> Numbers:
    """Return the dual values of the balance of every offer; without meaning for offers not stocked.

    Args:
        y: Dual values of the linking constraints.
        stocked (O,): Offers bought into stock.

    Returns:
        Objective per kg (O, T).
    """
    return y.offer_balance[np.maximum(np.cumsum(stocked) - 1, 0)]


def price_purchase_totals(context: BoundContext, y: Prices) -> Numbers:
    """Return the dual value of limits, price steps and concentration of purchases for a kilogram of each offer.

    Returns:
        Objective per kg (O,).
    """
    instance, own = context.instance, y.purchase
    if len(instance.market.steps.owner):
        own = own + sum_step_prices(instance, y, OFFER_STEPS)
    return add_concentration_price(own, instance, y, "offers", context.read)


def price_offer_footprint(context: BoundContext, y: Prices, weights: ObjectiveWeights) -> Numbers:
    """Return the objective per kilogram of each offer due to its footprint.

    Returns:
        Objective per kg (O,).
    """
    market, read = context.instance.market, context.read
    return (weights.footprint - y.footprint_cap) * read(market.footprint)


def price_charge_limits(instance: Instance, y: Prices) -> Numbers:
    """Return the dual value of the limits on groups of offers for a kilogram of each offer charged to each alloy.

    Returns:
        Objective per kg (O, A, T).
    """
    alloys, limits, offers = instance.charge_limits.offers.shape
    total = make_zeros((offers, alloys, len(instance.periods)), y.charge_limit)
    for limit in range(limits):
        member = instance.charge_limits.offers[:, limit].T[:, :, None]  # (O, A, 1)
        total = total + np.where(member, y.charge_limit[None, :, limit], 0)
    return total


def price_offer_stock(context: BoundContext, y: Prices, weights: ObjectiveWeights) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield reduced costs and upper bounds of offers: first bought into stock, then held in stock.

    Yields:
        Pairs of reduced costs (objective per kg) and upper bounds (kg), both (O, T).
    """
    instance, read, market = context.instance, context.read, context.instance.market
    stocked, maximum = is_stocked(instance)[:, None], context.bounds.purchase[:, None]
    balance = price_offer_balance(y, is_stocked(instance))
    once = price_offer_footprint(context, y, weights) - price_purchase_totals(context, y)
    bought = weights.cost * read(market.price) + once[:, None] + balance
    yield np.where(stocked, context.subtract_payments("acquire", bought), 0), maximum
    kept = weights.cost * compute_offer_holding_cost(instance, read) - balance + shift_to_next_period(balance)
    kept = kept - y.offer_storage
    kept[:, -1] = kept[:, -1] - y.closing_stock
    yield (
        np.where(stocked, context.subtract_payments("offer_stock", kept), 0),
        maximum * (np.arange(len(instance.periods)) + 1) + read(market.opening_stock)[:, None],
    )
