"""Market prices of metals, averaged over the periods in which a plan uses them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.arrays import Floats
from medalopt.instance.left_metal import compute_worth_left, leaves_metal, may_leave
from medalopt.instance.paths import render_path
from medalopt.instance.price_steps import OFFER_STEPS, compute_marginal_prices
from medalopt.plan.plan import Plan

PURE_METAL_SHARE = 0.5  # share of a metal above which an offer counts as an offer of it


@dataclass(frozen=True)
class MarketPrice:
    """Market price of a metal [per kg]: that of the cheapest offer, or its sales price; `path` is the parameter."""

    path: str
    name: str
    price: float
    offered: bool  # price of an offer, else the sales price


def find_market_price(plan: Plan, metal: int) -> MarketPrice | None:
    """Find the market price of a metal: its cheapest offer, averaged over the periods of its use; else its sales price.

    Args:
        plan: Plan; its use of the metal weights the periods.
        metal: Index of the metal, charged or in surplus.

    Returns:
        The price; None without offer and sale, or for an objective other than cost.
    """
    instance = plan.instance
    if plan.measure != "cost":
        return None
    weights = compute_use_profile(plan, metal)
    content = instance.market.composition.value[:, metal]
    price = compute_marginal_prices(plan.account, OFFER_STEPS) @ weights
    each = np.divide(price, content, out=np.full_like(price, np.inf), where=content > PURE_METAL_SHARE)
    if len(each) and np.isfinite(each.min()):
        offer = int(each.argmin())
        name = instance.market.names[offer]
        return MarketPrice(render_path(("market", name, "price")), name, float(each[offer]), True)
    fetched = float(instance.metals.sell.value[metal] @ weights)
    symbol = instance.metals.names[metal]
    if instance.metals.surplus_to_smelter[metal]:
        paid = float(price_left_metal(plan)[metal] @ weights)
        path = render_path(("metals", symbol, "surplus"))
        return MarketPrice(path, "left with a smelter", paid, False) if paid else None
    return MarketPrice(render_path(("metals", symbol, "sell")), "sold", fetched, False) if fetched else None


def price_left_metal(plan: Plan) -> Floats:
    """Return the most that is lost by calling a kilogram back: the smelter's price, and the refining charge saved.

    Returns:
        Money per kilogram by metal and period (E, T); 0 where none may be left with a smelter.
    """
    instance = plan.instance
    if not leaves_metal(instance):
        return np.zeros(instance.metals.sell.value.shape)
    return np.where(may_leave(instance, plan.account.routes), compute_worth_left(instance), 0.0).max(
        axis=0, initial=0.0
    )


def compute_use_profile(plan: Plan, metal: int) -> Floats:
    """Compute the share of each period in the use of a metal, or else in its surplus.

    Returns:
        (T,) shares that sum to 1; zeros for a metal without use and surplus.
    """
    used = plan.account.composition[:, metal].sum(axis=0)
    spread = used if used.sum() > 0 else (plan.account.decisions.surplus + plan.account.left)[metal]
    total = float(spread.sum())
    return np.asarray(spread / total) if total > 0 else np.zeros_like(spread)
